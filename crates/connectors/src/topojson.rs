//! TopoJSON, as far as the outlines need it: one quantized topology of polygons whose borders are shared arcs.
//! <https://github.com/topojson/topojson-specification>

use std::collections::HashMap;

use aiguilleur_domain::territory::CommuneCode;
use geo::{Coord, LineString, MultiPolygon, Polygon};
use serde::Deserialize;

/// Why a topology can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BrokenTopology {
    #[error("not TopoJSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the object « communes » is missing")]
    NoCommunes,
    #[error("geometry {id}: {reason}")]
    Geometry { id: String, reason: &'static str },
}

#[derive(Deserialize)]
struct Topology {
    transform: Transform,
    objects: HashMap<String, Collection>,
    arcs: Vec<Vec<[i32; 2]>>,
}

#[derive(Deserialize)]
struct Transform {
    scale: [f64; 2],
    translate: [f64; 2],
}

#[derive(Deserialize)]
struct Collection {
    geometries: Vec<Geometry>,
}

#[derive(Deserialize)]
struct Geometry {
    id: String,
    #[serde(flatten)]
    shape: Shape,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "arcs")]
enum Shape {
    Polygon(Vec<Vec<i32>>),
    MultiPolygon(Vec<Vec<Vec<i32>>>),
}

/// The outlines of the communes, degrees WGS 84, by code.
pub fn communes(bytes: &[u8]) -> Result<HashMap<CommuneCode, MultiPolygon>, BrokenTopology> {
    let topology: Topology = serde_json::from_slice(bytes)?;
    let arcs: Vec<Vec<Coord>> = topology.arcs.iter().map(|arc| positions(arc, &topology.transform)).collect();
    let communes = topology.objects.get("communes").ok_or(BrokenTopology::NoCommunes)?;
    communes
        .geometries
        .iter()
        .map(|geometry| {
            let broken = |reason| BrokenTopology::Geometry { id: geometry.id.clone(), reason };
            let polygons = match &geometry.shape {
                Shape::Polygon(rings) => vec![polygon(rings, &arcs)],
                Shape::MultiPolygon(polygons) => polygons.iter().map(|rings| polygon(rings, &arcs)).collect(),
            };
            let polygons: Option<Vec<Polygon>> = polygons.into_iter().collect();
            let code = CommuneCode::parse(&geometry.id).ok_or_else(|| broken("not a commune code"))?;
            Ok((code, MultiPolygon(polygons.ok_or_else(|| broken("an arc is missing"))?)))
        })
        .collect()
}

/// Quantized positions are written as steps from one to the next.
fn positions(arc: &[[i32; 2]], transform: &Transform) -> Vec<Coord> {
    let ([scale_x, scale_y], [west, south]) = (transform.scale, transform.translate);
    let mut at = (0, 0);
    arc.iter()
        .map(|[dx, dy]| {
            at = (at.0 + dx, at.1 + dy);
            Coord { x: f64::from(at.0) * scale_x + west, y: f64::from(at.1) * scale_y + south }
        })
        .collect()
}

fn polygon(rings: &[Vec<i32>], arcs: &[Vec<Coord>]) -> Option<Polygon> {
    let mut rings: Vec<LineString> = rings.iter().map(|ring| self::ring(ring, arcs)).collect::<Option<_>>()?;
    let holes = rings.split_off(rings.len().min(1));
    Some(Polygon::new(rings.pop()?, holes))
}

/// Arcs end to end; the complement of a number names the arc backwards. An arc begins where the one before it ends.
fn ring(numbers: &[i32], arcs: &[Vec<Coord>]) -> Option<LineString> {
    let mut ring: Vec<Coord> = Vec::new();
    for &number in numbers {
        let arc = arcs.get(usize::try_from(if number < 0 { !number } else { number }).ok()?)?;
        ring.pop();
        if number < 0 {
            ring.extend(arc.iter().rev());
        } else {
            ring.extend(arc);
        }
    }
    Some(LineString(ring))
}

#[cfg(test)]
mod tests {
    use geo::Area;

    use super::*;

    #[test]
    fn neighbours_share_an_arc() {
        let topology = br#"{"type":"Topology","transform":{"scale":[0.1,0.1],"translate":[1,2]},
            "objects":{"communes":{"type":"GeometryCollection","geometries":[
                {"type":"Polygon","id":"01001","arcs":[[0,1]]},{"type":"MultiPolygon","id":"01002","arcs":[[[-2,2]]]}]}},
            "arcs":[[[10,10],[-10,0],[0,-10],[10,0]],[[10,0],[0,10]],[[10,0],[10,0],[0,10],[-10,0]]]}"#;
        let outlines = communes(topology).unwrap();
        let area = |code| outlines[&CommuneCode::parse(code).unwrap()].unsigned_area();
        assert!((area("01001") - 1.0).abs() < 1e-9);
        assert!((area("01002") - 1.0).abs() < 1e-9);
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(communes(b"{}"), Err(BrokenTopology::Json(_))));
        let missing = br#"{"type":"Topology","transform":{"scale":[1,1],"translate":[0,0]},"arcs":[],
            "objects":{"communes":{"geometries":[{"type":"Polygon","id":"01001","arcs":[[3]]}]}}}"#;
        assert!(matches!(communes(missing), Err(BrokenTopology::Geometry { .. })));
    }
}

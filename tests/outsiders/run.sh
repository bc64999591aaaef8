#!/bin/sh
# Hands the contract, then the running service, to tools made by others; one line per tool at the end.
# scripts/setup.sh outsiders installed them: nothing is fetched here. `make outsiders` does both.
set -eu
cd "$(dirname "$0")"
top=$(cd ../.. && pwd)
tools=${TOOLS_DIR:-$top/target/tools}/outsiders
binary=${CARGO_TARGET_DIR:-$top/target}/debug/aiguilleur
contract=$top/openapi/openapi.json
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1

# Another user runs PostgreSQL when this one is root: it must be able to enter.
work=$(mktemp -d)
chmod 755 "$work"
service=
# Whatever happens, the service and its private PostgreSQL end, and leave nothing.
finish() {
    if [ -n "$service" ]; then
        kill "$service" 2>/dev/null || true
        wait "$service" || true
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

failed=0
# try <tool> <what it says when all is well> <command…>
try() {
    name=$1
    verdict=$2
    shift 2
    printf '\n── %s\n' "$name"
    if "$@"; then
        printf '%-20s %s\n' "$name" "$verdict" >>"$work/verdicts"
    else
        failed=1
        printf '%-20s FAILED, see above\n' "$name" >>"$work/verdicts"
    fi
}

# The types that a browser's code would be written with, and a compiler that believes them.
types() {
    "$tools/node_modules/.bin/openapi-typescript" "$contract" --output "$work/api.ts" &&
        "$tools/node_modules/.bin/tsc" --noEmit --strict --target es2022 "$work/api.ts"
}

serve() {
    env -u DATABASE_URL AIGUILLEUR_GEOCODER_URL=off RUST_LOG=warn \
        "$binary" serve --listen 127.0.0.1:0 --seed demo --data-dir "$work/data" >"$work/said" &
    service=$!
    until address=$(sed -n 's/^Aiguilleur : //p' "$work/said") && [ -n "$address" ]; do
        kill -0 "$service" 2>/dev/null || { echo "the service did not start" >&2; exit 1; }
        sleep 0.2
    done
}

# Prints the id of a referral, for the operations that need one.
record_referral() {
    "$tools/python/bin/python" - "$address" <<'END'
import json, os, sys, urllib.request

body = {"procedure": "rsa", "commune": "35238", "target": {"type": "institution", "id": "caf"}, "mode": "information"}
headers = {"Authorization": "Bearer " + os.environ["AIGUILLEUR_TOKEN"], "Content-Type": "application/json"}
request = urllib.request.Request(sys.argv[1] + "/v1/referrals", json.dumps(body).encode(), headers)
print(json.load(urllib.request.urlopen(request))["id"])
END
}

try redocly "no finding" "$tools/node_modules/.bin/redocly" lint --config redocly.yaml "$contract"
try spectral "no finding" "$tools/node_modules/.bin/spectral" lint --quiet --fail-severity hint --ruleset spectral.yaml "$contract"
try openapi-typescript "its types compile" types
serve
AIGUILLEUR_TOKEN=$("$binary" token --role mediator --role administrator --subject outsider --organisation outsiders --data-dir "$work/data")
export AIGUILLEUR_TOKEN
cp schemathesis.toml "$work/"
printf '"%s"\n' "$(record_referral)" >"$work/referrals.dict"
export HYPOTHESIS_STORAGE_DIRECTORY="$work/hypothesis"
try schemathesis "no finding" "$tools/python/bin/schemathesis" --config-file "$work/schemathesis.toml" run "$contract" --url "$address" "$@"

printf '\n'
cat "$work/verdicts"
exit $failed

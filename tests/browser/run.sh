#!/bin/sh
# Uses the running service with a real browser, a real mail server, a real identity provider, and a reader of what is printed.
# scripts/setup.sh browser installed them: nothing is fetched here. `make browser` does both.
set -eu
cd "$(dirname "$0")"
top=$(cd ../.. && pwd)
tools=${TOOLS_DIR:-$top/target/tools}/browser
binary=${CARGO_TARGET_DIR:-$top/target}/debug/aiguilleur
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser)}
export CHROMIUM no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost

# Another user runs PostgreSQL when this one is root: it must be able to enter.
work=$(mktemp -d)
chmod 755 "$work"
mail=
service=
# Whatever happens, what was started here ends, the service's private PostgreSQL with it, and leaves nothing.
finish() {
    for started in $service $mail; do
        kill "$started" 2>/dev/null || true
        wait "$started" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# await <process> <file> <sed expression>: `found` is what the expression finds in what the process says, once it has said it.
await() {
    until found=$(sed -n "$3" "$2") && [ -n "$found" ]; do
        kill -0 "$1" 2>/dev/null || { cat "$work/log" >&2; echo "the ${2##*/} server did not start" >&2; exit 1; }
        sleep 0.2
    done
}

mkdir "$work/mails"
touch "$work/mail" "$work/service" "$work/log"
"$tools/python/bin/python" mail.py "$work/mails" >"$work/mail" &
mail=$!
await $mail "$work/mail" p
port=$found

env -u DATABASE_URL -u AIGUILLEUR_PUBLIC_URL AIGUILLEUR_GEOCODER_URL=off AIGUILLEUR_SMTP_URL="smtp://127.0.0.1:$port" \
    AIGUILLEUR_MAIL_FROM='Aiguilleur <ne-pas-repondre@exemple.fr>' AIGUILLEUR_ISSUER_SECRETS=with-secret=not-so-secret RUST_LOG=info \
    "$binary" serve --listen 127.0.0.1:0 --seed demo --data-dir "$work/data" >"$work/service" 2>"$work/log" &
service=$!
await $service "$work/service" 's/^Aiguilleur : //p'
SERVICE=$found
ADMINISTRATOR=$("$binary" token --role administrator --subject admin --data-dir "$work/data")
MAILS=$work/mails
LOG=$work/log
export SERVICE ADMINISTRATOR MAILS LOG

# Modules are looked for beside the file that wants them.
cp ./*.mjs "$work/"
ln -s "$tools/node_modules" "$work/node_modules"
node --test --test-concurrency=1 --test-reporter=spec "$@" "$work"/*.test.mjs || {
    printf '\nWhat the service said of it:\n'
    grep -v '"INFO"' "$work/log" || true
    exit 1
}

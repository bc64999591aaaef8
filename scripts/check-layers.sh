#!/bin/sh
# Checks the dependency rule of crates/README.md on what cargo really resolves:
#   domain <- directory; domain <- storage, connectors, outbound; those <- jobs <- api <- cli; only tests/ uses testkit.
set -eu
cd "$(dirname "$0")/.."
failed=0

complain() {
    printf 'layers: %s\n        %s\n' "$1" "$2" >&2
    failed=1
}

# The crates of ours that each crate may name.
allowed() {
    case $1 in
    domain) ;;
    directory | storage | connectors | outbound) echo domain ;;
    jobs) echo domain directory storage connectors outbound ;;
    api) echo domain directory storage connectors outbound jobs ;;
    cli) echo domain directory storage connectors outbound jobs api ;;
    testkit) echo domain directory storage connectors outbound jobs api cli ;;
    tests) echo domain directory storage connectors outbound jobs api cli testkit ;;
    *) echo unknown ;;
    esac
}

# Prints "<depth> <crate>" lines.
tree() {
    cargo tree --quiet --prefix depth --format ' {p}' "$@"
}

# edges <kinds>: every edge between two crates of ours, one "<from> <to>" a line.
edges() {
    # Without --no-dedupe a crate met before is listed without its dependencies.
    tree --workspace --depth 1 --no-dedupe --edges "$1" | awk '
        $1 == 0 { from = $2 }
        $1 == 1 && from ~ /^aiguilleur-/ && $2 ~ /^aiguilleur-/ { print substr(from, 12), substr($2, 12) }'
}

normal_edges=$(edges normal)
[ -n "$normal_edges" ] || complain "no dependency between our crates was found" "Is this the top of the workspace?"
while read -r from to; do
    [ -n "$from" ] || continue
    case " $(allowed "$from") " in
    *" $to "*) ;;
    *" unknown "*) complain "crates/$from has no place in the rule" "Give it one in scripts/check-layers.sh and crates/README.md." ;;
    *) complain "$from must not depend on $to" \
        "Take aiguilleur-$to out of its Cargo.toml: move what both need down to domain, or the caller up." ;;
    esac
done <<END
$normal_edges
END

# testkit uses these crates: as a dev-dependency of theirs it would be built against a second copy of them.
for user in $(edges normal,build,dev | awk '$2 == "testkit" && $1 != "tests" && $1 != "testkit" { print $1 }' | sort -u); do
    complain "$user must not depend on testkit" "Put the test into tests/, which may."
done

# Third parties that a crate must not reach, even through another.
forbid() {
    crate=$1
    pattern=$2
    found=$(tree --package "aiguilleur-$crate" --edges normal | awk -v pattern="^($pattern)\$" '$2 ~ pattern { print $2 }' | sort -u)
    for name in $found; do
        complain "$crate must not reach $name" "See how: cargo tree -p aiguilleur-$crate -e normal -i $name"
    done
}
forbid domain 'diesel.*|actix.*|tokio.*|reqwest'
forbid directory 'diesel.*|actix.*|tokio.*|reqwest'
forbid connectors 'diesel.*|actix.*'

exit $failed

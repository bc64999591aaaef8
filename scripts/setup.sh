#!/bin/sh
# Makes sure that what a target needs is on this machine: setup.sh run|test|lint|outsiders|browser|bench
# Installs it where that can be done without asking; otherwise prints the one line to type and exits 1.
set -eu
cd "$(dirname "$0")/.."
target=${1:-run}
rust_wanted=1.95
nextest_wanted=0.9.151
deny_wanted=0.20.2
node_wanted=20.19
python_wanted=3.10
tools=${TOOLS_DIR:-$PWD/target/tools}
PATH=$tools/bin:$PATH:$HOME/.cargo/bin

has() {
    command -v "$1" >/dev/null 2>&1
}

# stop <what is missing> <the line that mends it>
stop() {
    printf '%s Type this line, then try again:\n\n    %s\n\n' "$1" "$2" >&2
    exit 1
}

# at_least <version> <wanted>, both "major.minor"
at_least() {
    [ "${1%%.*}" -gt "${2%%.*}" ] || { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${1#*.}" -ge "${2#*.}" ]; }
}

# The same places as crates/storage/src/embedded/programs.rs.
has_postgresql() {
    if [ -n "${PG_BIN:-}" ]; then
        set -- "$PG_BIN"
    else
        has pg_config && set -- "$(pg_config --bindir)"
        set -- "$@" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin
        for brew in /opt/homebrew /usr/local /home/linuxbrew/.linuxbrew; do
            set -- "$@" "$brew"/opt/postgresql@*/bin "$brew/bin"
        done
        set -- "$@" /usr/bin
    fi
    for folder; do
        [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/postgres" ] && return
    done
    return 1
}

# What the system's own package manager has to bring.
check_packages() {
    missing=
    more=
    has cc || missing="$missing compiler"
    has_postgresql || missing="$missing postgresql"
    case $target in
    outsiders | browser)
        more=" nodejs npm python3"
        { has node && has npm; } || missing="$missing node"
        python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python"
        ;;
    esac
    if [ "$target" = browser ]; then
        more="$more chromium zbar poppler-utils"
        has "${CHROMIUM:-chromium}" || has chromium-browser || missing="$missing chromium"
        has zbarimg || missing="$missing zbar"
        { has pdfinfo && has pdftoppm; } || missing="$missing poppler"
        # What Arabic is written with: desktops bring it, bare Debian doesn't.
        ! has apt-get || [ -n "$(fc-list :lang=ar 2>/dev/null)" ] || missing="$missing fonts"
    fi
    [ -n "$missing" ] || return 0
    [ -z "${PG_BIN:-}" ] || has_postgresql || stop "PG_BIN has no PostgreSQL programs (initdb, pg_ctl, postgres)." "unset PG_BIN"

    if has apt-get; then
        packages=$(echo "$missing" | sed 's/compiler/build-essential/; s/node/nodejs npm/; s/python/python3-venv/; s/zbar/zbar-tools/; s/poppler/poppler-utils/
            s/fonts/fonts-noto-core/; s/^ //')
        if [ "$(id -u)" -eq 0 ]; then
            as_root=
        elif has sudo && sudo -n true 2>/dev/null; then
            as_root=sudo
        else
            stop "Missing:$missing." "sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages"
        fi
        install_with_apt "$packages"
    elif has brew; then
        case $missing in
        *postgresql*) brew install postgresql@16 >&2 ;;
        esac
        case $missing in
        *node* | *python*) brew install node python >&2 ;;
        esac
        case $missing in
        *chromium*) brew install --cask chromium >&2 ;;
        esac
        case $missing in
        *zbar* | *poppler*) brew install zbar poppler >&2 ;;
        esac
        has cc || stop "A C compiler is missing." "xcode-select --install"
    elif has dnf; then
        stop "Missing:$missing." "sudo dnf install -y gcc postgresql-server$more"
    elif has apk; then
        stop "Missing:$missing." "sudo apk add build-base postgresql16$more"
    else
        stop "Missing:$missing." "install a C compiler and PostgreSQL's server programs with this system's package manager"
    fi
}

# Only the programs are wanted: Debian's package must not start a server of its own on port 5432.
install_with_apt() {
    echo "Installing $1" >&2
    no_server=/etc/postgresql-common/createcluster.d/aiguilleur-setup.conf
    $as_root mkdir -p "${no_server%/*}"
    echo 'create_main_cluster = false' | $as_root tee "$no_server" >/dev/null
    status=0
    # shellcheck disable=SC2086 # a list of packages, and sudo or nothing
    { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $1; } \
        </dev/null >&2 || status=$?
    $as_root rm -f "$no_server"
    [ $status -eq 0 ] || stop "The installation failed." "sudo apt-get update && sudo apt-get install -y --no-install-recommends $1"
}

check_rust() {
    if ! has cargo || ! has rustc; then
        stop "Rust is missing." \
            "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile default && . \"\$HOME/.cargo/env\""
    fi
    version=$(rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p')
    at_least "${version:-0.0}" "$rust_wanted" && return
    if has rustup; then
        stop "Rust is ${version:-unusable}, $rust_wanted is needed." "rustup update stable && rustup default stable"
    fi
    stop "Rust is ${version:-unusable}, $rust_wanted is needed." \
        "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile default && . \"\$HOME/.cargo/env\""
}

check_component() {
    has "$1" && return
    has rustup && rustup component add "$2" >&2 && return
    stop "$2 is missing." "rustup component add $2"
}

# tool <name> <version> [cargo install's options]: one of the pinned version on the PATH serves as well.
tool() {
    name=$1
    version=$2
    shift 2
    grep -qs "^\"$name $version " "$tools/.crates.toml" && return
    has "$name" && "$name" "${name#cargo-}" --version 2>/dev/null | grep -qw "$version" && return
    echo "Installing $name $version into ${tools#"$PWD"/} (once; takes some minutes)" >&2
    cargo install --quiet --locked --version "$version" --root "$tools" "$@" "$name" </dev/null >&2 ||
        stop "$name could not be installed." "cargo install --locked --version $version --root $tools $name"
}

# What the service is compared with: FastAPI, SQLAlchemy and PostGIS. Never in the way: without it that comparison is left out.
offer_comparison() {
    without() {
        echo "The comparison with FastAPI and PostGIS is left out: $1" >&2
    }
    major=$(pg_config --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')
    [ -n "$major" ] || major=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n | tail -n 1)
    if ! ls /usr/share/postgresql/"$major"/extension/postgis.control "$(pg_config --sharedir 2>/dev/null)"/extension/postgis.control >/dev/null 2>&1; then
        if has apt-get && [ "$(id -u)" -eq 0 ]; then
            as_root=
            (install_with_apt "postgresql-$major-postgis-3") || { without "PostGIS could not be installed."; return 0; }
        else
            without "PostGIS is missing (Debian: sudo apt-get install postgresql-$major-postgis-3)."
            return 0
        fi
    fi
    venv=target/bench/venv
    wanted=tests/bench/fastapi/requirements.txt
    cmp -s "$wanted" "$venv/installed.txt" && return 0
    has python3 || { without "python3 is missing."; return 0; }
    echo "Installing FastAPI and SQLAlchemy into $venv (once)" >&2
    { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --requirement "$wanted" && cp "$wanted" "$venv/installed.txt"; } >&2 ||
        without "its Python packages could not be installed (Debian: sudo apt-get install python3-venv)."
}

# The tools of a folder of tests, as its lock files pin them; only what changed is installed again.
pinned() {
    version=$(node --version | sed -n 's/^v\([0-9]*\.[0-9]*\).*/\1/p')
    at_least "${version:-0.0}" "$node_wanted" ||
        stop "Node is ${version:-unusable}, $node_wanted is needed." "sudo npm install --global n && sudo n lts"
    version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    at_least "$version" "$python_wanted" ||
        stop "Python is $version, $python_wanted is needed." "install Python $python_wanted with this system's package manager"
    from=tests/$1
    to=$tools/$1
    mkdir -p "$to"
    # The list is copied last: what was cut short is done again.
    if ! cmp -s "$from/package-lock.json" "$to/installed-lock.json"; then
        echo "Installing the npm tools of $from (once; takes half a minute)" >&2
        cp "$from/package.json" "$from/package-lock.json" "$to/"
        npm ci --prefix "$to" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2 ||
            stop "The npm tools could not be installed." "npm ci --prefix $to"
        cp "$from/package-lock.json" "$to/installed-lock.json"
    fi
    if ! cmp -s "$from/requirements.txt" "$to/installed-requirements.txt"; then
        echo "Installing the Python tools of $from (once; takes half a minute)" >&2
        rm -rf "$to/python"
        { python3 -m venv "$to/python" && "$to/python/bin/pip" install --quiet --requirement "$from/requirements.txt"; } </dev/null >&2 ||
            stop "The Python tools could not be installed." "python3 -m venv $to/python && $to/python/bin/pip install -r $from/requirements.txt"
        cp "$from/requirements.txt" "$to/installed-requirements.txt"
    fi
}

check_rust
check_packages
case $target in
run) ;;
bench) offer_comparison ;;
test) tool cargo-nextest "$nextest_wanted" --no-default-features --features default-no-update ;;
lint)
    check_component cargo-clippy clippy
    check_component cargo-fmt rustfmt
    tool cargo-deny "$deny_wanted"
    ;;
outsiders | browser) pinned "$target" ;;
*)
    echo "usage: setup.sh run|test|lint|outsiders|browser|bench" >&2
    exit 2
    ;;
esac

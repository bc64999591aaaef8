# `make` lists what can be done. Each target does its own set-up (scripts/setup.sh).
SHELL := /bin/sh
.DEFAULT_GOAL := help

# Where cargo-nextest, cargo-deny and the tools of tests/outsiders and tests/browser are kept; name a folder that lasts to share them
# between clones.
TOOLS_DIR ?= $(CURDIR)/target/tools
# Where cargo builds.
OUT := $(or $(CARGO_TARGET_DIR),target)
# More arguments for the service (`make run ARGS='--listen 127.0.0.1:9090'`) or the tests (`make test ARGS=referrals`).
ARGS ?=

# What property tests draw from: the same cases at each run. Another number draws others (`make test PROPTEST_RNG_SEED=$$(date +%s)`),
# PROPTEST_CASES more of them.
PROPTEST_RNG_SEED ?= 1

# What measuring builds: together, so that everything they share is compiled once, with the features of both.
MEASURED := -p aiguilleur-cli -p aiguilleur-tests

export TOOLS_DIR PROPTEST_RNG_SEED
export PATH := $(TOOLS_DIR)/bin:$(PATH):$(HOME)/.cargo/bin

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: setup ## build, then serve with demonstration data on http://127.0.0.1:8080
	@cargo build --release -p aiguilleur-cli
	@exec "$(OUT)/release/aiguilleur" serve --seed demo $(ARGS)

# Built as a whole first: progress shows, and every crate is compiled once, with the features the tests want.
.PHONY: test
test: ## run every test, on a throw-away database
	@sh scripts/setup.sh test
	@cargo build --workspace --all-targets
	@cargo build -p aiguilleur-cli --features unchecked --bin aiguilleur-unchecked
	@"$(OUT)/debug/testkit" with-database -- cargo nextest run --workspace $(ARGS)

.PHONY: bench
bench: export AIGUILLEUR_TEST_BINARY = $(abspath $(OUT))/release/aiguilleur
bench: export AIGUILLEUR_RATE_SUBJECT = 0
bench: ## measure the service (ARGS=--quick only tries the benchmark)
	@sh scripts/setup.sh bench
	@cargo build --release $(MEASURED) --bins --benches
	@cargo bench $(MEASURED) --bench bench -- $(ARGS)

.PHONY: strain
strain: export AIGUILLEUR_TEST_BINARY = $(abspath $(OUT))/release/aiguilleur
strain: export AIGUILLEUR_RATE_SUBJECT = 0
strain: ## try the service under strain: crowds, slow clients, a soak, the clock (ARGS=--quick shortens it)
	@sh scripts/setup.sh run
	@cargo build --release $(MEASURED) --bins --benches
	@cargo bench $(MEASURED) --bench strain -- $(ARGS)

.PHONY: lint
lint: export RUSTDOCFLAGS = -D warnings
lint: ## check format, clippy, documentation, licences and layers
	@sh scripts/setup.sh lint
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	cargo doc --quiet --workspace --no-deps --document-private-items
	cargo deny --log-level error check licenses bans sources
	@sh scripts/check-layers.sh

# Built like the tests, so that nothing is compiled twice.
.PHONY: outsiders
outsiders: ## hand the contract and the running service to others' tools: two linters, a compiler, a fuzzer
	@sh scripts/setup.sh outsiders
	@cargo build --workspace --all-targets
	@sh tests/outsiders/run.sh $(ARGS)

.PHONY: browser
browser: ## sign in with a real browser, through a real mail server and a real identity provider
	@sh scripts/setup.sh browser
	@cargo build --workspace --all-targets
	@sh tests/browser/run.sh $(ARGS)

.PHONY: openapi
openapi: setup ## write openapi/openapi.json and openapi/access.md from the code
	@cargo run -q -p aiguilleur-cli -- openapi > openapi/openapi.json.new || { rm -f openapi/openapi.json.new; exit 1; }
	@mv openapi/openapi.json.new openapi/openapi.json
	@cargo run -q -p aiguilleur-cli -- access > openapi/access.md.new || { rm -f openapi/access.md.new; exit 1; }
	@mv openapi/access.md.new openapi/access.md

.PHONY: seed-refresh
seed-refresh: ## regenerate seed-data from its sources
	@sh seed-data/refresh/run.sh

.PHONY: setup
setup: ## install what building and running need, or say how
	@sh scripts/setup.sh run

.PHONY: clean
clean: ## delete what was built; data/ and the tools stay
	@cargo clean --quiet --profile dev && cargo clean --quiet --release && cargo clean --quiet --doc

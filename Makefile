# The project's verbs. `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := build/tools/bin/cargo-deny
# One target folder for every cargo call, so that nothing is built twice.
export CARGO_TARGET_DIR := $(CURDIR)/build/target
RUST := $(shell find plugin_shim -name '*.rs' -o -name '*.toml' -o -name Cargo.lock 2>/dev/null)
SCHEMA := $(wildcard python_service/hybridmix/schema/*.toml)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint lint-python lint-rust test-python test-rust bench fuzz plugin format generate lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

setup: build/.needs $(VENV)/.base build/plugin/.built ## virtual environment with the package, and the plugin bundles
	@echo "ready: $(VENV)/bin/hybridmix, build/plugin/HybridMix.vst3, build/plugin/HybridMix.clap"

demo: setup ## mix the demo session with the real plugin and the real service, and show the seam
	$(BIN)/hybridmix render --demo --out build/demo
	$(BIN)/hybridmix seam --demo --rendered build/demo --picture build/demo/seam.png

test: lint test-rust test-python ## lint, then every test in Rust and Python

test-rust: build/.needs
	cargo test --locked --workspace --manifest-path plugin_shim/Cargo.toml

# What computes, renders or only talks shares the cores; what plays in real time has them to itself.
LIVE := $(addprefix tests/,bridge plugin system zmtp)
test-python: setup $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadscope $(addprefix --ignore=,$(LIVE))
	$(BIN)/python -m pytest $(LIVE)

lint: lint-python lint-rust ## formatting, lints, types, licences

lint-python: setup $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lint-rust: build/.needs $(CARGO_DENY)
	cd plugin_shim && cargo fmt --all --check
	cd plugin_shim && cargo clippy --locked --workspace --all-targets -- -D warnings
	cd plugin_shim && $(CURDIR)/$(CARGO_DENY) --locked check bans licenses sources

bench: setup ## short runs of every benchmark
	$(BIN)/hybridmix bench bridge --tracks 8 --seconds 20 --json
	$(BIN)/hybridmix bench render --tracks 16 --json
	$(BIN)/hybridmix bench faults --kills 5 --json
	cargo bench --locked --manifest-path plugin_shim/Cargo.toml -p shim

fuzz: setup ## a million broken messages and byte streams through every decoder
	cargo run --locked --release --manifest-path plugin_shim/Cargo.toml -p wire --example fuzz
	$(BIN)/python -m hybridmix.wire.fuzz
	cargo run --locked --release --manifest-path plugin_shim/Cargo.toml -p zmtp --example fuzz_streams

plugin: build/plugin/.built ## build the VST3 and CLAP bundles only

format: $(VENV)/.dev ## rewrite sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd plugin_shim && cargo fmt --all

generate: $(VENV)/.dev ## rewrite everything that is generated from one declaration
	$(BIN)/python -m hybridmix.docs_tables --write
	$(BIN)/python -m hybridmix.wire.golden --write
	$(BIN)/python -m hybridmix_export
	$(BIN)/python tests/dsp/reference.py --write
	$(BIN)/python -m tests.dsp.dip_reference --write
	$(BIN)/python -m tests.dsp.high_pass_reference --write
	$(BIN)/python -m tests.dsp.density_reference --write
	$(BIN)/python -m tests.dsp.groove_reference --write
	$(BIN)/python -m tests.dsp.reverb_reference --write

lock: ## resolve the Python dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra dev pyproject.toml -o locks/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --extra batch -c locks/dev.txt pyproject.toml locks/build.in -o locks/base.txt

clean: ## remove everything that was built
	rm -rf build $(VENV) .mypy_cache .pytest_cache .ruff_cache

build/.needs: tools/needs.sh
	@PYTHON="$(PYTHON)" sh tools/needs.sh
	@mkdir -p build && touch $@

$(VENV)/.base: locks/base.txt pyproject.toml | build/.needs
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/base.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.base
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/dev.txt
	@touch $@

build/plugin/.built: $(RUST) $(SCHEMA) | build/.needs
	cargo build --locked --release --manifest-path plugin_shim/Cargo.toml -p shim -p host
	$(PYTHON) plugin_shim/bundle.py --target-dir $(CARGO_TARGET_DIR) --out build/plugin
	@mkdir -p build/bin && cp $(CARGO_TARGET_DIR)/release/hybridmix-host build/bin/
	@touch $@

$(CARGO_DENY): | build/.needs
	cargo install -q --locked --root build/tools --version $(CARGO_DENY_VERSION) cargo-deny

# Every command a person needs. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

SWIFT_TEST_FLAGS ?=
LATTICE := .build/release/lattice
# Without it SwiftPM passes package traits in another order each time it plans, and compiles half the packages again.
SWIFT := SWIFT_DETERMINISTIC_HASHING=1 swift
export LATTICE_SHARED ?= $(abspath ../shared)

.PHONY: help run test unit demo browser build release format lint interop bench bench-gateway bench-engine proto docs clean setup setup-test

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: release ## Start a whole network on this machine: Nexus, ledger, one LLM node
	@$(LATTICE) up

test: setup-test unit demo browser interop ## Run every test

unit: setup
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	$(SWIFT) test --skip-build --disable-xctest $(SWIFT_TEST_FLAGS)

demo: ## Ten prompts, a second node that comes and dies, a conserved ledger
	scripts/demo.sh

browser: ## The page in a real browser
	scripts/browser.sh

interop: ## Dial and be dialled by other libp2p implementations
	scripts/interop.sh

build: setup ## Build everything for debugging
	$(SWIFT) build --explicit-target-dependency-import-check error

release: setup ## Build the release binary, .build/release/lattice
	$(SWIFT) build -c release --static-swift-stdlib --product lattice

format: ## Format the Swift sources
	swift format --in-place --recursive --parallel Package.swift Sources Tests Interop

lint: ## Check formatting, scripts and what must never be committed
	scripts/lint.sh

bench: bench-gateway bench-engine ## Measure the gateway and the engine; writes .bench/*.json

bench-gateway: release
	@mkdir -p .bench
	$(LATTICE) bench gateway --json | tee .bench/gateway.json

bench-engine: release
	@mkdir -p .bench
	$(LATTICE) bench engine --json | tee .bench/engine.json

proto: ## Generate NodeAPI from Protos
	scripts/generate-protos.sh

clean: ## Remove what was built
	swift package clean
	rm -rf .bench

setup:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh build test

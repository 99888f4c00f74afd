# Every command a person needs. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# More tests at once than this, and those that compute keep those that talk from meeting their deadlines.
SWIFT_TEST := swift test --skip-build --disable-xctest --experimental-maximum-parallelization-width 4
SWIFT_TEST_FLAGS ?=
LATTICE := .build/release/lattice
# Without it SwiftPM passes package traits in another order each time it plans, and compiles half the packages again.
SWIFT := SWIFT_DETERMINISTIC_HASHING=1 swift
export LATTICE_SHARED ?= $(abspath ../shared)

.PHONY: help run test nightly unit fuzz fuzz-short demo api engines kernel-bits browser examples build release format lint interop interop-short tsan asan soak \
        bench bench-gateway bench-ledger bench-engine bench-rpc proto clean setup setup-test

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: release ## Start a whole network on this machine: Nexus, ledger, one LLM node; LEDGER=evm: on contracts
	@$(if $(filter evm,$(LEDGER)),python3 scripts/chain.py $(LATTICE),$(LATTICE) up)

test: setup-test unit fuzz-short contracts-test examples demo api engines browser interop-short ## Run every test

unit: setup
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	$(SWIFT_TEST) $(SWIFT_TEST_FLAGS)

fuzz: FUZZ_SECONDS ?= 600
fuzz: setup ## Feed every decoder damaged input, FUZZ_SECONDS each
	$(SWIFT) build --build-tests
	LATTICE_FUZZ_SECONDS=$(FUZZ_SECONDS) $(SWIFT_TEST) --filter FuzzTests

fuzz-short:
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=30

# The tests of everything that a peer can reach.
NETWORK_TESTS := --filter '^(Multiformats|Lattica[A-Za-z]*|Fuzz|EngineAdapters)Tests'

tsan: setup ## The network tests under the thread sanitizer
	$(SWIFT) build --build-tests --sanitize=thread --scratch-path .build/tsan
	TSAN_OPTIONS="suppressions=$(CURDIR)/scripts/tsan.supp" $(SWIFT_TEST) --sanitize=thread --scratch-path .build/tsan $(NETWORK_TESTS)

# What a process still holds when it ends is no leak (loops, timers, threads); `make soak` looks for those.
asan: setup ## The network tests under the address sanitizer
	$(SWIFT) build --build-tests --sanitize=address --scratch-path .build/asan
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT_TEST) --sanitize=address --scratch-path .build/asan $(NETWORK_TESTS)

soak: setup ## 100,000 connects and calls, and nothing may be left of them
	$(SWIFT) build --build-tests
	LATTICE_SOAK=100000 $(SWIFT_TEST) --filter Soak

# Hours: what the tests try a few times, they try many times.
nightly: setup-test ## Long random runs of both ledgers and of the contracts
	$(SWIFT) build --build-tests
	LATTICE_LONG=1 $(SWIFT_TEST) --filter '^(LedgerEmbedded|LedgerEVM)Tests'
	LATTICE_FUZZ_SEEDS=20 LATTICE_FUZZ_STEPS=2000 scripts/contracts.sh test test_invariants.py

examples: setup ## Build the examples as packages of their own, and run them
	scripts/examples.sh

demo: ## Ten prompts, a second node that comes and dies, a conserved ledger; on the embedded one and on contracts
	scripts/demo.sh
	LEDGER=evm scripts/demo.sh

api: ## Schemas, tools, log probabilities, receipts and every architecture, through the openai client
	scripts/api.sh

engines: ## A node that answers with a real llama.cpp server
	scripts/engines.sh

kernel-bits: ## The same bits on 64-bit Arm, emulated, as on every path of this machine
	scripts/kernel-bits.sh

browser: ## The page in a real browser
	scripts/browser.sh

interop: ## Every capability with other libp2p implementations; writes docs/interop.md
	scripts/interop.sh

interop-short:
	scripts/interop.sh --short

build: setup ## Build everything for debugging
	$(SWIFT) build --explicit-target-dependency-import-check error

release: setup ## Build the release binary, .build/release/lattice
	$(SWIFT) build -c release --static-swift-stdlib --product lattice

format: ## Format the Swift sources
	swift format --in-place --recursive --parallel Package.swift Sources Tests Interop Benchmarks Examples

lint: ## Check formatting, scripts and what must never be committed
	scripts/lint.sh

bench: bench-gateway bench-ledger bench-engine bench-rpc ## Measure; writes .bench/*.json

bench-gateway: release
	@mkdir -p .bench
	$(LATTICE) bench gateway --json | tee .bench/gateway.json

bench-ledger: release ## Credit, settlement, verification, on one core beside plain SQLite
	@mkdir -p .bench
	taskset -c 0 $(LATTICE) bench ledger --json | tee .bench/ledger.json

bench-engine: setup ## The engine beside llama.cpp, built for this machine, in one run
	scripts/bench-engine.sh

bench-rpc: setup ## Lattica beside the Python package of that name, in one run
	scripts/bench-rpc.sh

proto: ## Generate NodeAPI from Protos
	scripts/generate-protos.sh

contracts: ## Compile the contracts into contracts/build
	scripts/contracts.sh build

contracts-test: ## The artefacts are what the sources make, and the contracts pass their tests
	scripts/contracts.sh check
	scripts/contracts.sh test

clean: ## Remove what was built
	swift package clean
	rm -rf .bench Benchmarks/.build

setup:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh build test
	@scripts/contracts.sh python >/dev/null
	@scripts/llama-server.sh >/dev/null || echo "setup: no llama.cpp server; its tests are skipped"

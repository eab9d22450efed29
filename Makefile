# The front door: from a fresh machine to a running virtual machine, and every gate. The work is done in scripts/ and runtime/.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help

# An account without a usable home builds inside the checkout.
ifneq ($(shell test -n "$$HOME" && mkdir -p "$$HOME" 2>/dev/null && test -w "$$HOME" && echo usable),usable)
export HOME := $(CURDIR)/build/home
endif

STEP := node scripts/step.mjs
# Folders count as well: a deleted file changes its folder.
GUEST_SOURCES := $(shell find guest \( -type d -o -name '*.go' ! -name '*_test.go' -o -name 'go.*' \) -print)
BUNDLE_SOURCES := $(shell find src \( -type d -o -name '*.ts' ! -name '*.test.ts' \) -print)
RUNTIME_SOURCES := $(wildcard runtime/*.mjs)

.PHONY: help
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: build ## everything from nothing, then git --version inside a new virtual machine
	@./pyro run debian:12 -- git --version

.PHONY: setup
setup: ## what this machine lacks: Debian packages, npm packages (says which and why)
	@command -v node >/dev/null || { echo "pyro needs Node 20.19 or newer (and npm). Debian 13: sudo apt-get install nodejs npm; elsewhere the archive of the Node project, its bin first in PATH." >&2; exit 69; }
	@node scripts/setup.mjs

.PHONY: build
build: dist/pyro-guest dist/runtime/manifest.json dist/pyro.js ## guest agent, guest kernel and the pyro command, into dist/

dist/pyro-guest: $(GUEST_SOURCES) scripts/build-guest | setup
	@$(STEP) "guest agent" -- scripts/build-guest

dist/runtime/manifest.json: dist/pyro-guest $(RUNTIME_SOURCES) | setup
	@$(STEP) "guest kernel and initramfs" -- node runtime/build.mjs

dist/pyro.js: $(BUNDLE_SOURCES) scripts/bundle.mjs scripts/sources-digest.mjs package.json package-lock.json | setup
	@$(STEP) "pyro command" -- node scripts/bundle.mjs

.PHONY: kernel
kernel: dist/pyro-guest ## the newest kernel that Debian offers, in place of the one in build/
	@$(STEP) "guest kernel and initramfs" -- node runtime/build.mjs --refresh

.PHONY: check
check: build ## the fast gate: format, lint, types, unit and contract tests, generated files
	@node scripts/check.mjs

.PHONY: gates
gates: build ## what check does besides the tests: format, lint, types, generated files
	@node scripts/check.mjs --without-tests

.PHONY: test
test: build ## every suite: Go, unit, contract, and e2e on real machines
	@node scripts/test.mjs

.PHONY: smoke-hosts
smoke-hosts: build ## the real Claude Code, Codex and OpenCode, each with a scripted model (downloads about 1 GB once; RECORD=1 keeps the transcripts)
	@node scripts/chat-hosts.mjs
	@$(if $(RECORD),PYRO_TEST_TRANSCRIPTS=docs/integrations/transcripts) node scripts/test.mjs hosts

.PHONY: smoke-qemu-matrix
smoke-qemu-matrix: build ## the heart of the e2e suite on the QEMU of Debian 12 and 13, with Node 20, 22, 24 and newer guest kernels (as root; CELLS="debian-13 node-24" chooses)
	@node scripts/qemu-matrix.mjs $(CELLS)

USE_CASES := repro-fix-loop parallel-workspaces untrusted-inspection daily-loop

.PHONY: smoke-use-cases $(USE_CASES:%=smoke-%)
smoke-use-cases: build ## the recipes of docs/use-cases over the real server; each one alone as smoke-NAME
	@node_modules/.bin/vitest run --project e2e test/e2e/use-cases

$(USE_CASES:%=smoke-%): smoke-%: build
	@node_modules/.bin/vitest run --project e2e test/e2e/use-cases/$*.test.ts

.PHONY: smoke-kvm
smoke-kvm: build ## the package on emulated hosts with a real /dev/kvm: Debian 12 and 13 (90 minutes; root; HOST=13 PART=ada runs one part)
	@node test/kvm/main.mjs $(if $(HOST),--host $(HOST)) $(if $(PART),--part $(PART))

.PHONY: format
format: setup ## rewrites the sources in the house format
	@node_modules/.bin/prettier --log-level warn --write . && scripts/go -C guest fmt ./...

.PHONY: generate
generate: setup ## what is generated from proto/ and from the operation table
	@node scripts/generate.mjs

.PHONY: soak
soak: build ## the long storms: boots, restores, claims, workspaces, kill -9 in every operation; counts failures and leaks
	@node test/soak/main.mjs
	@node test/soak/workspaces.mjs
	@PYRO_FUZZ_SECONDS=600 node_modules/.bin/vitest run --project unit test/security/fuzz-agent.test.ts
	@PYRO_FUZZ_RUNS=50000 PYRO_FUZZ_SEED=$$(date +%s) node_modules/.bin/vitest run --project unit test/security/archive-cost.test.ts
	@PYRO_PROPERTY_RUNS=20000 node_modules/.bin/vitest run --project unit test/unit/tree/diff/host-git.test.ts
	@PYRO_CRASH_ROUNDS=50 node_modules/.bin/vitest run --project e2e test/e2e/workspace-crash.test.ts

.PHONY: dist-check
dist-check: build ## packs the npm package, installs it into empty folders on two versions of Node, and runs it from there
	@node scripts/dist-check.mjs

.PHONY: bench
bench: build ## the budgets, each with a ratio to a reference measured in the same run
	@node bench/main.mjs

.PHONY: clean
clean: ## removes dist/ and build/ (not node_modules, not installed environments)
	@rm -rf dist build

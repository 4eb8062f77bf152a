# The front door: every command that a person types has a target here. `make help` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Everyday

node_modules/.stamp: package.json package-lock.json
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: check
check: node_modules/.stamp ## Types, lint, borders, format, dead code and unit tests (under a minute)
	tsc --noEmit
	oxlint --type-aware -c oxlint.config.ts
	biome check
	knip
	$(MAKE) --no-print-directory test-unit

.PHONY: format
format: node_modules/.stamp ## Format all sources and sort their imports
	biome check --write

.PHONY: test-unit
test-unit: node_modules/.stamp ## Unit tests: no process, no network, no clock
	node --test --test-isolation=none --test-timeout=120000 --test-reporter=dot $$(git ls-files -co --exclude-standard '*.test.ts' ':!:**/*.e2e.test.ts' ':!:**/*.integration.test.ts')

##@ All tests

# In this order: what fails soonest comes first. Preflight comes before anything is changed.
.PHONY: golden
golden: node_modules/.stamp ## Rewrite the golden files from what the code makes now; read the diff
	node --test --test-isolation=none --test-update-snapshots --test-reporter=dot $$(git ls-files 'controllers/*.test.ts' ':!:*.integration.test.ts')

.PHONY: test
test: preflight ## Everything, as CI runs it: check, integration, charts, end to end (restarts the bed)
	@$(MAKE) --no-print-directory check
	@$(BED) packages
	@$(BED) tools
	@$(BED) tools-konnectivity
	@$(BED) tools-clients
	@$(MAKE) --no-print-directory test-integration test-charts test-e2e

.PHONY: test-integration
test-integration: node_modules/.stamp ## Tests against real API servers, OCM and Go peers, as plain processes
	node --test --test-concurrency=1 --test-timeout=600000 $$(git ls-files -co --exclude-standard '*.integration.test.ts' ':!:helm/**' ':!:tools/crds/**')

.PHONY: torture
torture: node_modules/.stamp ## The long version of what breaks things: kills, cut links, 100,000 dials, 1,000 agents, rotation, fuzzed peers (50 minutes)
	SPOKEWAY_TORTURE=1 node --test --test-timeout=1800000 agent/tokens/agent-process.integration.test.ts
	SPOKEWAY_TORTURE=1 node --test --test-timeout=1800000 tunnel/hostile-peers.integration.test.ts
	SPOKEWAY_TORTURE=1 node --test --test-concurrency=1 --test-timeout=1800000 e2e/torture/*.integration.test.ts

.PHONY: torture-e2e
torture-e2e: node_modules/.stamp ## The same on two real clusters: readers that stand still, 1,000 watches, 500 MB copies, kills (50 minutes; restarts the bed)
	@$(BED) down
	@ADDONS=none $(BED) up
	for name in $(TORTURE_E2E); do SPOKEWAY_TORTURE=1 node --test --test-timeout=2400000 e2e/$$name.e2e.test.ts; done
	@$(BED) down

.PHONY: test-e2e
test-e2e: node_modules/.stamp ## The walk-through and all that follows, on a fresh bed of two real clusters
	@$(BED) down
	node --test --test-timeout=600000 e2e/killed-start.e2e.test.ts
	@ADDONS=none $(BED) up
	for name in $(E2E); do node --test --test-timeout=600000 e2e/$$name.e2e.test.ts; done
	@$(BED) prove
	@$(BED) down
	node --test --test-timeout=600000 e2e/left-behind.e2e.test.ts

# Each builds on the clusters as the one before left them.
E2E := walkthrough readme kubectl kubectl-verbs rotation rolls crowd helm identity outputs services bad-input lifecycle
TORTURE_E2E := walkthrough kubectl rolls crowd

##@ Benches: each prints a table and writes .bench/NAME.json

.PHONY: bench-tokens
bench-tokens: node_modules/.stamp ## 2,000 ManagedServiceAccounts on one hub and one agent (5 minutes)
	node e2e/bench/tokens/bench.ts

.PHONY: bench-gateway
bench-gateway: node_modules/.stamp ## Ways to a managed cluster, compared with direct access (BENCH="--quick --keys=ecdsa": 3 minutes)
	node e2e/bench/gateway/main.ts $(BENCH)

.PHONY: bench-tunnel
bench-tunnel: node_modules/.stamp ## The tunnel beside Go's, as processes (10 minutes; BENCH=--quick: 3 minutes)
	@$(BED) tools-konnectivity
	node e2e/bench/tunnel/bench.ts $(BENCH)

##@ The bed: two real clusters on this machine

BED := node e2e/bed/cli.ts

.PHONY: preflight
preflight: ## Say what this machine lacks for the bed; change nothing
	@e2e/bed/preflight.sh

# Preflight comes before anything is changed, so before npm runs too.
.PHONY: up
up: preflight ## Start hub and managed cluster, joined, with the three addons (CLUSTERS=2, ADDONS=none)
	@$(MAKE) --no-print-directory node_modules/.stamp
	@$(BED) packages
	@$(BED) up

.PHONY: down
down: node_modules/.stamp ## End the bed and leave nothing of it behind
	@$(BED) down

.PHONY: status
status: node_modules/.stamp ## Show what runs in the bed
	@$(BED) status

.PHONY: prove
prove: node_modules/.stamp ## Prove what the bed promises, with a control beside each "cannot"
	@$(BED) prove

.PHONY: tools
tools: node_modules/.stamp ## Build Kubernetes, etcd, OCM, CoreDNS and helm (12 minutes, once)
	@$(BED) tools

.PHONY: tools-konnectivity
tools-konnectivity: node_modules/.stamp ## Build upstream's konnectivity programs, for compatibility tests
	@$(BED) tools-konnectivity

.PHONY: tools-clients
tools-clients: node_modules/.stamp ## Build informers of Go's libraries and other versions of kubectl, for end to end tests
	@$(BED) tools-clients

.PHONY: image
image: node_modules/.stamp ## Build the image of all processes to .build/image.tar
	@$(BED) image

.PHONY: image-load
image-load: node_modules/.stamp ## Build the image and load it into the running bed
	@$(BED) image-load

.PHONY: cp-creds
cp-creds: node_modules/.stamp ## Build the credential plugin for ClusterProfiles to one file, .build/cp-creds
	node tools/bundle-cp-creds.ts

##@ Generated files

.PHONY: crds
crds: node_modules/.stamp ## Write the CRDs and the charts' value schemas again from their sources
	node tools/generate-crds.ts

.PHONY: charts
charts: node_modules/.stamp ## Package the three charts as a repository in .build/charts (HELM names another helm)
	node tools/charts/package-charts.ts

.PHONY: test-charts
test-charts: node_modules/.stamp ## Tests of charts and CRDs with real helm and API server (needs make tools)
	node --test --test-timeout=600000 helm/tests/*.integration.test.ts tools/crds/*.integration.test.ts

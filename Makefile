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
	node --test --test-isolation=none --test-reporter=dot $$(git ls-files -co --exclude-standard '*.test.ts' ':!:e2e/**' ':!:**/*.integration.test.ts')

##@ Generated files

.PHONY: crds
crds: node_modules/.stamp ## Write the CRDs and the charts' value schemas again from their sources
	node tools/generate-crds.ts

.PHONY: charts
charts: node_modules/.stamp ## Package the three charts as a repository in .build/charts (HELM names another helm)
	node tools/charts/package-charts.ts

.PHONY: test-charts
test-charts: node_modules/.stamp ## Tests of charts and CRDs with real helm and API server (needs make tools)
	node --test helm/tests/*.integration.test.ts tools/crds/*.integration.test.ts

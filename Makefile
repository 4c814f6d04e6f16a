# trimtab: `make demo` runs the main job on real data, `make test` passes the
# tests. Each sets up everything that it needs.
SHELL := /bin/bash
export CGO_ENABLED := 0
export GOTOOLCHAIN := local
export GOFLAGS := -trimpath
BUILD   := .build
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: build ui demo demo-stop test test-go test-python test-browser test-oracles setup golden bench bench-drift bench-contract bench-cbpe drills year simulate screens soak scale-ui fmt clean

build: ui/dist/index.html ## the binary with its pages, at bin/trimtab
	go build -ldflags "-s -w -X github.com/trimtab/trimtab/cli.Version=$(VERSION)" -o bin/trimtab ./cmd/trimtab

UI_SOURCES := $(shell find ui -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name '*.go' 2>/dev/null)
ui: ui/dist/index.html
ui/dist/index.html: $(UI_SOURCES)
	cd ui && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build

demo: ## train, register, serve and measure on a year of real flights
	@./examples/flights/demo.sh start
demo-stop: ## end the demo's server
	@./examples/flights/demo.sh stop

setup: ## what the tests need and the machine lacks: PostgreSQL, Chromium, Python packages
	@./.ci/setup

test: setup build ## everything that must pass
	@./.ci/test all
test-go test-python test-browser test-oracles: build
	@./.ci/test $(@:test-%=%)

golden: ## goldens of old library versions, made anew with the real libraries
	@./.ci/golden
bench: build ## figures beside the peers, in one run
	@./bench/run
bench-drift: build ## drift of 1 M x 30 beside Evidently and NannyML
	@./bench/drift.sh
bench-contract: build ## 60 checks on 1 M x 20 beside Great Expectations and pandera
	@./bench/contract.sh
bench-cbpe: build ## quality estimated without labels, beside NannyML
	@./bench/cbpe/run
drills: build ## every fault on every example, and quiet streams; writes docs/drills.md
	@python3 examples/drills/drills.py
year: build ## a year of flights: plain, killed, in other batches, on PostgreSQL
	TRIMTAB_BIN=$(CURDIR)/bin/trimtab TRIMTAB_UV=$(CURDIR)/.ci/uv TRIMTAB_YEAR=1 TRIMTAB_REQUIRE=python,postgres go test -count=1 -timeout 90m -run TestYear -v ./e2e/year
simulate: ## the rollouts that are simulated, all of them
	TRIMTAB_SIMULATE=1 go test ./lifecycle/rollout -run TestSimulation -v
screens: build ## the pictures of the pages in docs/screens, in both themes; of the demo's year when it is there
	cd e2e/browser && npm ci --no-audit --no-fund --loglevel=error && TRIMTAB_WORLD=$(wildcard $(CURDIR)/$(BUILD)/demo/data) node world.mjs && TRIMTAB_WORLD=$(wildcard $(CURDIR)/$(BUILD)/demo/data) TRIMTAB_SCREENS=$(CURDIR)/docs/screens node --test --test-name-pattern='pictures' pages.test.mjs
soak: build ## 200 kills on each database
	TRIMTAB_SOAK=200 go test -count=1 -timeout 60m -run Soak -v ./e2e/soak
scale-ui: build ## the pages at the sizes at which others stop, measured in a browser
	@test -e $(BUILD)/scale/data/trimtab.db || go run ./e2e/scale --data $(BUILD)/scale/data
	cd e2e/browser && npm ci --no-audit --no-fund --loglevel=error && TRIMTAB_SCALE=$(CURDIR)/$(BUILD)/scale node --test scale.test.mjs

fmt:
	gofmt -w $$(git ls-files '*.go')
clean:
	rm -rf bin $(BUILD) ui/node_modules
	find ui/dist -mindepth 1 ! -name .gitkeep -delete

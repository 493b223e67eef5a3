# Everything a contributor or a scheduler runs. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
WAREHOUSE := warehouse
PUBLISHED := $(WAREHOUSE)/published/evergreen.duckdb
DEMO := $(WAREHOUSE)/demo
KILL_OPTIONS := --customers 1000 --kills 10
SUPERSET := .venv-superset
AUDIT := .venv-audit
SOURCES := $(shell find models macros seeds scripts gx dashboard dbt_project.yml profiles.yml -type f \
	! -path '*/__pycache__/*' ! -path '*.egg-info/*' 2>/dev/null | tr ' ' '?')

# Nothing here tells anyone that it runs.
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

.PHONY: help build setup setup-dev test check format lint bench screenshots docs clean superset \
	superset-check kill-check reader-check nights-check audit offline-check

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(PUBLISHED) ## Set up, simulate demo data, and publish its marts
	@$(BIN)/evergreen status
	@echo "Published marts: $(PUBLISHED), schema marts"
	@echo "Dashboard:       $(WAREHOUSE)/dashboard/index.html"
	@echo "Data Docs:       $(WAREHOUSE)/data_docs/index.html"
	@echo "Next: $(BIN)/evergreen refresh --landing DIR   (your own data; see README)"

$(PUBLISHED): $(VENV)/.core $(DEMO)/customers.csv $(SOURCES)
	$(BIN)/evergreen refresh --landing $(DEMO) --warehouse $(WAREHOUSE)

$(DEMO)/customers.csv: $(VENV)/.core
	$(BIN)/evergreen demo-data --customers 1000 --months 18 --seed 1 --dirt 0.01 --out $(DEMO)

setup: $(VENV)/.core ## Install what a refresh needs into .venv

setup-dev: $(VENV)/.dev ## Install what the tests need as well

# --no-deps: the lock is whole. It leaves out one package that dbt names and nothing here uses.
$(VENV)/.core: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Evergreen needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.core requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	touch $@

test: $(VENV)/.dev ## Run dbt's unit and data tests, and pytest
	rm -rf $(WAREHOUSE)/test
	mkdir -p $(WAREHOUSE)/test
	EVERGREEN_WORK=$(WAREHOUSE)/test/work.duckdb EVERGREEN_TEMP=$(WAREHOUSE)/test/tmp \
		$(BIN)/dbt --quiet build --target-path $(WAREHOUSE)/test/target --log-path $(WAREHOUSE)/test/logs
	$(BIN)/pytest -n auto --dist loadfile

lint: $(VENV)/.dev ## Hold Python and SQL against the house style
	$(BIN)/ruff check scripts tests
	mkdir -p $(WAREHOUSE)/lint
	EVERGREEN_WORK=$(WAREHOUSE)/lint/work.duckdb EVERGREEN_TEMP=$(WAREHOUSE)/lint/tmp \
		DBT_TARGET_PATH=$(WAREHOUSE)/lint/target DBT_LOG_PATH=$(WAREHOUSE)/lint/logs \
		$(BIN)/sqlfluff lint --disable-progress-bar models tests analyses
	$(BIN)/sqlfluff lint --disable-progress-bar --templater raw dashboard

format: $(VENV)/.dev ## Format the Python code
	$(BIN)/ruff format scripts tests
	$(BIN)/ruff check --fix scripts tests

check: $(VENV)/.dev ## What CI runs: format, lint, the demo build and all tests
	$(BIN)/ruff format --check scripts tests
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory build
	$(MAKE) --no-print-directory test

bench: $(VENV)/.dev ## Measure loading, customer value, what BI waits for, and a night on 10 M orders
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_value.py
	$(BIN)/python scripts/bench_bi.py
	$(BIN)/python scripts/bench_nightly.py

kill-check: $(VENV)/.core ## Kill refreshes at random moments; readers and the next refresh must not mind
	$(BIN)/python scripts/kill_check.py --folder $(WAREHOUSE)/kill-check $(KILL_OPTIONS)

reader-check: $(VENV)/.core ## Read the published file every 50 ms through 20 refreshes
	$(BIN)/python scripts/reader_check.py --folder $(WAREHOUSE)/reader-check

screenshots: $(VENV)/.dev ## Photograph the dashboard of a demo for the README (needs Chromium)
	$(BIN)/python scripts/screenshots.py

audit: $(AUDIT)/.done ## Look the locked packages up among known vulnerabilities (needs a network, fails without)
	$(AUDIT)/bin/python scripts/audit_locks.py --pip-audit $(AUDIT)/bin/pip-audit

$(AUDIT)/.done:
	test -x $(AUDIT)/bin/python || $(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	touch $@

offline-check: $(VENV)/.core ## Prove that nothing phones home: run it all without a network, traced (needs strace)
	$(BIN)/python scripts/offline_check.py

nights-check: $(VENV)/.core ## Refresh for 90 simulated nights, with late, repeated, corrected and broken deliveries
	$(BIN)/python scripts/nights_check.py

docs: $(VENV)/.core ## Build the dbt documentation as one page
	$(BIN)/dbt --quiet docs generate --static --target-path $(WAREHOUSE)/docs
	# Two slips of dbt's page that browsers report as errors: an icon that is not there, and templates taken for addresses.
	sed -e 's|<link rel="shortcut icon"[^>]*>||' -e 's|xlink:href="{{|ng-attr-xlink:href="{{|g' \
		$(WAREHOUSE)/docs/static_index.html > $(WAREHOUSE)/docs/page.html
	mv $(WAREHOUSE)/docs/page.html $(WAREHOUSE)/docs/static_index.html
	@echo "Open $(WAREHOUSE)/docs/static_index.html"

superset: $(SUPERSET)/.done ## Serve the published marts in Apache Superset on this machine (opt-in, 0.8 GB)
	$(SUPERSET)/bin/python scripts/superset_serve.py --warehouse $(WAREHOUSE)

superset-check: $(SUPERSET)/.done $(VENV)/.dev ## Drive Superset in Chromium while the published file is swapped
	$(BIN)/python scripts/superset_check.py --warehouse $(WAREHOUSE) --screenshot $(WAREHOUSE)/superset.png

$(SUPERSET)/.done: requirements-superset.lock
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13) and "Superset 6.1 needs Python 3.11 or 3.12: make superset PYTHON=python3.12")'
	test -x $(SUPERSET)/bin/python || $(PYTHON) -m venv $(SUPERSET)
	$(SUPERSET)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-superset.lock
	touch $@

clean: ## Remove everything that was made, but not the environment
	rm -rf $(WAREHOUSE)/* target logs

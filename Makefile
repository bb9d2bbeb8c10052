# Everything a fresh machine needs is made on the way: `make demo` and `make test` do all set-up themselves.
#   PYTHON=python3.12 make test     another interpreter (3.11 or newer)
#   make test ARGS="-k ledger -x"   arguments for pytest
#   make test WORKERS=2             so many tests at once
#   MESGRAPH_DEBUG=1 make test      compiled modules with bounds checks

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
CONSOLE := src/mesgraph/console
ASSETS := $(CONSOLE)/assets/.complete
LOCKED := $(VENV)/.locked
LOCKED_PEERS := $(VENV)/.locked-peers
SUPPLY := build/supply
INSTALLED := $(VENV)/.installed$(MESGRAPH_DEBUG)
COMPILED := $(shell find ext -name '*.pyx' -o -name '*.pxd')
MAPPED := $(wildcard drivers/__init__.py migrations/__init__.py)
PEERS := $(patsubst %/package-lock.json,%/node_modules/.complete,$(wildcard tests/*/package-lock.json docs/*/package-lock.json))
# A test waits half of its time for a database, a server or a browser: three share two processors.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))
# Databases of tests lie in memory where there is room: what is on trial there is no disk.
IN_MEMORY = $(shell df -k --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 4000000 { print "TMPDIR=/dev/shm" }')
BENCHMARKS = $(filter-out benchmarks/page.py,$(shell grep -ls '__main__' benchmarks/[a-z]*.py))

# Modules are compiled once, not in each of the many processes that tests and demo start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo peers test lint format bench bench-setup adversity schema console lock sbom audit clean
.DEFAULT_GOAL := help

help:
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "mesgraph needs Python 3.11 or newer; name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(LOCKED): requirements/dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

# Built with the locked setuptools and Cython, not with whatever an isolated build would fetch.
$(INSTALLED): $(LOCKED) pyproject.toml setup.py $(COMPILED) $(MAPPED)
	@rm -f $(VENV)/.installed*
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(ASSETS): $(CONSOLE)/package-lock.json $(CONSOLE)/package.json $(CONSOLE)/assets.list
	@mkdir -p build/console && cp $(CONSOLE)/package.json $(CONSOLE)/package-lock.json build/console/
	cd build/console && npm ci --silent --no-audit --no-fund --ignore-scripts
	@rm -rf $(CONSOLE)/assets && mkdir -p $(CONSOLE)/assets
	@while read -r name source; do cp "build/console/node_modules/$$source" "$(CONSOLE)/assets/$$name" || exit 1; \
		done < $(CONSOLE)/assets.list
	@touch $@

# The console is optional on a machine without npm, but not in CI.
setup: $(INSTALLED)  ## virtual environment, locked dependencies, editable install, console
	@if command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory $(ASSETS) || [ -z "$$CI" ]; \
	elif [ ! -e $(ASSETS) ]; then \
		echo "npm is not here: /graphiql says how to add its assets (make console)"; \
	fi

demo: setup  ## a plant with orders, lots and machines, ready to query
	$(BIN)/mesgraph demo $(ARGS)

%/node_modules/.complete: %/package-lock.json %/package.json
	cd $* && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

# Tests name what is left out on a machine without npm, and fail in CI.
peers:  ## programs of npm that tests run: GraphQL clients, the generator of the typed client
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(PEERS) || [ -z "$$CI" ]; fi

test: setup peers  ## the whole test suite
	$(IN_MEMORY) $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=worksteal $(ARGS)

build/links: $(MAPPED)
	@mkdir -p build/links
	@for name in drivers migrations; do ln -sfn ../../$$name build/links/mesgraph_$$name; done
	@touch build/links

lint: $(INSTALLED) build/links  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)  ## repair style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What a benchmark prints, printed and kept: MEASURED(benchmark, name of its results, further arguments).
RESULTS := benchmarks/results
MEASURED = $(BIN)/python -m benchmarks.$(1) --json $(ARGS) $(3) > $(RESULTS)/$(2).new \
	&& mv $(RESULTS)/$(2).new $(RESULTS)/$(2).json && cat $(RESULTS)/$(2).json

bench: bench-setup  ## every benchmark, one JSON object each
	@for name in $(basename $(notdir $(BENCHMARKS))); do $(call MEASURED,$$name,$$name) || exit 1; done
	@for name in graphql live; do $(call MEASURED,$$name,$${name}_postgresql,--database postgresql) || exit 1; done
	$(BIN)/python -m benchmarks.page

$(LOCKED_PEERS): requirements/bench.txt $(LOCKED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench-setup: setup $(LOCKED_PEERS)  ## the peers that the benchmarks compare with
	@for lock in $(wildcard benchmarks/*/package-lock.json); do \
		npm ci --silent --no-audit --no-fund --prefix $$(dirname $$lock) || exit 1; done

adversity: setup  ## faults at full count
	MESGRAPH_TEST_SCALE=full $(BIN)/python -m pytest tests/adversity $(ARGS)

schema: $(INSTALLED)  ## print the GraphQL schema and the list of events
	@mkdir -p build
	$(BIN)/mesgraph schema > build/schema.graphql
	$(BIN)/mesgraph events > build/events.md
	mv build/schema.graphql src/mesgraph/schema.graphql
	mv build/events.md docs/events.md

console: $(ASSETS)  ## the files that /graphiql serves

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
LOCK_PROJECT = $(LOCK) pyproject.toml --extra modbus --extra postgresql

# In an environment of their own: these tools need much that the product does not.
$(SUPPLY)/.locked: requirements/supply.txt | $(BIN)/python
	$(BIN)/python -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/supply.txt
	@touch $@

sbom: $(SUPPLY)/.locked  ## what the product is made of, in CycloneDX
	$(SUPPLY)/bin/cyclonedx-py requirements requirements/runtime.txt --pyproject pyproject.toml \
		--output-reproducible --output-file build/sbom.cdx.json

audit: $(SUPPLY)/.locked  ## known holes in what the product is made of; asks the advisory database over the network
	$(SUPPLY)/bin/pip-audit --requirement requirements/runtime.txt --require-hashes --disable-pip --strict $(ARGS)

lock: $(LOCKED)  ## solve the dependencies anew
	$(LOCK_PROJECT) --upgrade --output-file requirements/runtime.txt
	$(LOCK_PROJECT) --upgrade --constraint requirements/runtime.txt --group dev --output-file requirements/dev.txt
	$(LOCK) --upgrade --constraint requirements/dev.txt --group bench --output-file requirements/bench.txt
	$(LOCK) --upgrade --group supply --output-file requirements/supply.txt

clean:  ## remove what make made
	rm -rf $(dir $(PEERS)) $(VENV) build dist src/*.egg-info $(CONSOLE)/assets .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src ext \( -name '*.so' -o -name __pycache__ \) -prune -exec rm -rf {} +

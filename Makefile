# Everything a developer runs. Needs Python 3.10 or newer, make and a package registry; no root, no Node, no server.
#
#   make demo     a whole pipeline over 336,776 real flights, with a report at the end
#   make test     the tests
#   make help     the rest

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# A stamp is as old as the last installation: a second call installs nothing unless pyproject.toml has changed.
STAMPS := $(VENV)/.installed

# Tests wait for processes more than they compute: twice as many at once as CI has cores, each module in one place.
SIDE_BY_SIDE := -n 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo demo-serve test test-all test-compat fuzz check format bench docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMPS)/examples ## run examples/flights.py and name its report, its run and the next command
	$(BIN)/python examples/flights.py

demo-serve: $(STAMPS)/examples ## serve two flows, one on a schedule and one asked for with parameters, and see both run
	$(BIN)/python examples/serve.py --once

test: $(STAMPS)/test,examples ## run the tests (under five minutes on two cores)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

test-all: $(STAMPS)/test,examples ## run the tests with the slow ones and 300 moments to crash at
	PLUPERFECT_CRASH_MOMENTS=300 $(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "slow or not slow"

test-compat: $(STAMPS)/test,examples ## run prefect==3.9.1 against our server, and our flows against its server
	PLUPERFECT_PEER="$$($(BIN)/python benchmarks/environments.py)" $(BIN)/python -m pytest tests/compat

fuzz: $(STAMPS)/test ## 20,000 hostile requests to all of our OpenAPI document, 100,000 frames to the websockets (an hour)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'schemathesis>=4'
	$(BIN)/python tests/fuzz/run.py $(FUZZ)

check: $(STAMPS)/check ## formatting, lint, types, and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(STAMPS)/check ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMPS)/bench ## measure this package beside prefect==3.9.1; writes docs/benchmarks.md
	$(BIN)/python benchmarks/run.py $(BENCH)

docs: $(STAMPS)/test,examples ## write docs/settings.md, and run every code block of the README and of docs/
	$(BIN)/python -m prefect._base.settings.document > docs/settings.md
	$(BIN)/python -m pytest tests/acceptance/test_docs.py

clean: ## remove what make and the tools made
	rm -rf $(VENV) report benchmarks/out .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "expected Python 3.10 or newer, got $$($(PYTHON) --version 2>&1); name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "expected the venv module, and this Python has none; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/bench: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/%: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@mkdir -p $(STAMPS) && touch $@

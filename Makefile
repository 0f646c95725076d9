# Every target makes its own environment in .venv: nothing is needed but Python 3.11
# or newer and pip. `make PYTHON=python3.12 demo` chooses another interpreter;
# `make demo OUT=folder` and `make test PYTEST="-k ledger"` pass their values on.

PYTHON ?= python3
VENV ?= .venv
OUT ?=
PYTEST ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --only-binary :all:

.DEFAULT_GOAL := help
.PHONY: help demo dev test check bench format clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## Replay a fund over a synthetic market and write its report
	$(BIN)/factortrader demo $(if $(OUT),--out $(OUT))

dev: $(VENV)/.dev ## Make the working environment in .venv, development tools included

test: $(VENV)/.dev ## Run all tests
	$(BIN)/pytest $(PYTEST)

check: $(VENV)/.dev ## Format, lint, types, import contracts, house rules, documents
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet tests/test_house_rules.py tests/test_docs.py

bench: $(VENV)/.dev ## Measure speed, in CPU seconds and as ratios
	$(BIN)/python benchmarks/run.py

format: $(VENV)/.dev ## Rewrite the sources as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the environment, caches and builds; runs and data stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "factortrader needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.runtime

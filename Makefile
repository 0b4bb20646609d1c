# The commands of this project. Each makes .venv and installs what it needs into it, once.
# Another interpreter: make PYTHON=/path/to/python3.12 test.      Worker processes of the tests: make JOBS=4 test.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench docs clean

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= auto
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PROJECT := pyproject.toml constraints.txt src/unfreeze/__init__.py

# Two processes with many threads each are slower than two with one.
export OMP_NUM_THREADS ?= 1

help:
	@echo "make demo   HIV-1 protease: 250 frames and a page to look at, in demo/"
	@echo "make test   all tests"
	@echo "make lint   ruff, pyright and the import contracts"
	@echo "make bench  the figures: speed, size, validity, agreement with molecular dynamics"
	@echo "make docs   the documentation as a web site, in build/docs/"
	@echo "make clean  remove .venv and everything that was made"

demo: $(VENV)/.runtime
	@$(BIN)/unfreeze sample examples/data/1hvr.cif --frames 250 --output demo --force
	@echo
	@echo "Open $(CURDIR)/demo/report.html in a browser."

test: $(VENV)/.test
	@$(BIN)/python -m pytest --numprocesses $(JOBS) $(PYTEST_OPTIONS)

lint: $(VENV)/.test $(VENV)/.lint
	@failed=0; \
	$(BIN)/ruff check || failed=1; \
	$(BIN)/ruff format --check --quiet || failed=1; \
	$(BIN)/pyright || failed=1; \
	$(BIN)/lint-imports >/dev/null 2>&1 || { $(BIN)/lint-imports || true; failed=1; }; \
	exit $$failed

bench: $(VENV)/.test
	@$(BIN)/python -m benchmarks

docs: $(VENV)/.docs
	@$(BIN)/mkdocs build --quiet --strict
	@echo "Open $(CURDIR)/build/docs/index.html in a browser."

clean:
	rm -rf $(VENV) build dist demo .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# An interpreter that is new enough and can make environments: the one asked for, else the first that works.
$(BIN)/python:
	@found=; for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python); do \
	    if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        found=$$candidate; break; fi; done; \
	if [ -z "$$found" ]; then \
	    echo "unfreeze needs Python 3.11 or newer with the venv module; none of '$(or $(PYTHON),python3 python3.13 python3.12 python3.11 python3.14 python)' is one." >&2; \
	    echo "Install it (Debian, Ubuntu: apt-get install python3 python3-venv), or name one: make PYTHON=/path/to/python3." >&2; \
	    exit 1; fi; \
	echo "Making $(VENV) with $$("$$found" --version) ..."; \
	"$$found" -m venv $(VENV)

$(VENV)/.runtime: $(PROJECT) | $(BIN)/python
	@echo "Installing unfreeze into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.lint: $(VENV)/.runtime
	@echo "Installing the checkers into $(VENV) ..."
	@$(PIP) --editable '.[lint]'
	@touch $@

$(VENV)/.docs: $(VENV)/.runtime
	@echo "Installing the documentation tools into $(VENV) ..."
	@$(PIP) --editable '.[docs]'
	@touch $@

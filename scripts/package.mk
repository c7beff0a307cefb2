# The targets of one package; its Makefile includes this. Tools and their configuration
# are the root's.
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
PACKAGE := $(notdir $(lastword $(CURDIR)))
VENV ?= .venv
# A relative VENV is relative to the root, as in the root's Makefile, and so is each command.
BIN := $(VENV)/bin
export VENV
unexport PYTHONDONTWRITEBYTECODE
AT_ROOT := cd "$(ROOT)" &&
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile
# Integration tests that name this package; all of them for core.
SELECT := $(if $(filter inngest-core,$(PACKAGE)),,-k $(patsubst inngest-%,%,$(PACKAGE)))

.DEFAULT_GOAL := test
.PHONY: setup format lint type-check utest itest test

setup:
	@$(AT_ROOT) scripts/bootstrap

format: setup
	$(AT_ROOT) $(BIN)/ruff check --fix-only --quiet $(PACKAGE)
	$(AT_ROOT) $(BIN)/ruff format $(PACKAGE)

lint: setup
	$(AT_ROOT) $(BIN)/ruff check $(PACKAGE)
	$(AT_ROOT) $(BIN)/ruff format --check $(PACKAGE)
	$(AT_ROOT) $(BIN)/python scripts/layers.py

type-check: setup
	$(AT_ROOT) $(BIN)/mypy $(PACKAGE)/src
	$(AT_ROOT) $(BIN)/python scripts/merge_namespace.py
	$(AT_ROOT) $(BIN)/pyright --pythonpath $(BIN)/python $(PACKAGE)/src

utest: setup
	$(AT_ROOT) $(PYTEST) $(PYTEST_ARGS) $(PACKAGE)/src

itest: setup
	$(AT_ROOT) $(PYTEST) $(PYTEST_ARGS) $(SELECT) tests

test: lint type-check utest itest

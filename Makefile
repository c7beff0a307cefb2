# Every target sets up what it needs; `make test` and `make demo` work on a fresh clone.
# VENV names another virtual environment, PYTEST_ARGS is handed to pytest, TRANSPORT says
# which example `make demo` shows.
VENV ?= .venv
export VENV
# Tests start hundreds of processes: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
# Relative, as VENV is: the path of a checkout may hold a blank.
BIN := $(VENV)/bin
SOURCES := $(wildcard inngest-*/src)
TYPED := $(SOURCES) $(wildcard tests scripts examples benchmarks conftest.py)
# A process for each core; a file's tests stay together, for what they share.
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile

.DEFAULT_GOAL := test
.PHONY: setup lock format lint type-check mypy pyright utest itest test demo bench

setup:
	@scripts/bootstrap

lock: setup
	$(BIN)/python scripts/lock.py $(LOCK_ARGS)

format: setup
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/layers.py

# Both at once.
type-check: setup
	@$(MAKE) --no-print-directory -j2 mypy pyright

mypy: setup
	$(BIN)/mypy $(TYPED)

pyright: setup
	$(BIN)/python scripts/merge_namespace.py
	$(BIN)/pyright --pythonpath $(BIN)/python

utest: setup
	$(PYTEST) $(PYTEST_ARGS) $(SOURCES)

itest: setup
	@scripts/install_system_packages
	$(PYTEST) $(PYTEST_ARGS) tests

# utest and itest in one run of pytest.
test: lint type-check
	@scripts/install_system_packages
	$(PYTEST) $(PYTEST_ARGS)

# Installs the peer into an environment of its own; takes a quarter of an hour.
bench: setup
	@$(BIN)/python -m benchmarks.comparison $(BENCH_ARGS)

demo: setup
	@$(BIN)/python scripts/demo.py $(TRANSPORT)

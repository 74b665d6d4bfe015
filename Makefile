# `make demo` needs Python 3.11 or later and nothing else. Every target makes its own `.venv` first, and installs
# again only when pyproject.toml changed.

PYTHON ?= python3
BIN := .venv/bin

# Python compiles a module once, not every time that a process starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo serve test quick lint style mypy pyright imports collect simulate faults bench compiled interpreted fresh \
	format clean

demo: .venv/installed fresh ## a ready call centre to look at; Ctrl-C stops it, the next `make demo` goes on where it was
	$(BIN)/nextlead demo $(ARGS)

serve: .venv/installed fresh ## the daemon on ./nextlead.db
	$(BIN)/nextlead serve $(ARGS)

test: .venv/dev ## every test, on all processors
	$(BIN)/pytest -n auto --dist worksteal $(ARGS)

quick: .venv/dev ## the tests that take no time
	$(BIN)/pytest -m "not slow and not wheel" $(ARGS)

lint: pyright mypy style imports ## style, types, and who imports whom; `make -j2 lint` takes half as long

style: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

mypy: .venv/dev
	$(BIN)/mypy

pyright: .venv/dev
	$(BIN)/pyright

imports: .venv/dev
	$(BIN)/lint-imports --no-cache

collect: .venv/dev ## compile the tests, so that not every worker does; what fails here fails in `make test`
	@$(BIN)/pytest --collect-only --quiet >/dev/null || true

SEEDS ?= 200
simulate: .venv/installed fresh ## days of a call centre in which everything goes wrong; SEEDS=10000 before a release
	$(BIN)/nextlead simulate --seeds $(SEEDS) $(ARGS)

KILLS ?= 200
CUTS ?= 100
faults: .venv/dev ## kills, losses of power, failing disks, clocks and crowds, as long as before a release (docs/faults.md)
	NEXTLEAD_KILLS=$(KILLS) NEXTLEAD_POWER_CUTS=$(CUTS) NEXTLEAD_CONNECTIONS=10000 $(BIN)/pytest tests/crash $(ARGS)

bench: .venv/dev fresh ## every benchmark once, small, with whom we compare ourselves to: about three minutes (benchmarks/README.md)
	$(BIN)/python -m benchmarks short $(ARGS)

compiled: .venv/dev interpreted ## the engine compiled, beside its sources: faster, and deaf to what is edited
	$(BIN)/python compile_engine.py

interpreted: ## the engine from its sources again, as tests need it
	@rm -f engine/*.so engine/nextlead/core/*.so

# Python prefers what is compiled, even if the source is newer.
fresh:
	@for so in engine/*.so; do \
		if [ -e "$$so" ] && [ -n "$$(find engine/nextlead -name '*.py' -newer "$$so")" ]; then \
			echo "the engine was edited since it was compiled: make compiled, or make interpreted" >&2; exit 1; fi; done

format: .venv/dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nextlead needs Python 3.11 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/dev: .venv/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch .venv/installed $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

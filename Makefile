# `make demo` and `make test` do all the set-up by themselves; Python 3.11 or newer is all they need.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3 python,$(shell command -v $(p) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTERS ?= 2

.PHONY: help setup browser demo test lint bench docs pictures lock clean

help:
	@echo "make demo    the shop, both journeys at three locations, the report (sets everything up first)"
	@echo "make test    every test"
	@echo "make lint    ruff and mypy"
	@echo "make bench   what a run costs, beside bare Playwright"
	@echo "make docs    the pictures of the README, made anew"

setup: $(READY) browser

$(READY): requirements-dev.txt pyproject.toml CHANGELOG.md
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and no python3 was found."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another: make PYTHON=/path/to/python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "The venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

browser: $(READY)
	@$(BIN)/sixfb browser --install

demo: setup
	$(BIN)/sixfb demo

test: setup
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -P benchmarks/cost_of_a_run.py

docs pictures: setup
	$(BIN)/python -P docs/make_pictures.py

# Needs uv. The lock names no hosts.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet -o requirements.txt
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet -o requirements-dev.txt

clean:
	rm -rf $(VENV) var dist

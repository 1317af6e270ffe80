# `make demo` and `make test` do all the set-up by themselves; Python 3.11 or newer is all they need.
# The first that runs and is new enough; a name on the path may be a shim that only says it is not installed.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Browser tests wait about as long as they compute: four keep two cores busy. Drills keep to the clock more, and have more air.
TESTERS ?= 4
DRILLERS ?= 3

.PHONY: help setup bytecode browser demo test drills regions lint containers bench numbers blame docs pages pictures lock clean

help:
	@echo "make demo    the shop, both journeys at three locations, the report (sets everything up first)"
	@echo "make test    every test but the long drills"
	@echo "make drills  the long ones: outages told in real time, the rest of the faults (many minutes)"
	@echo "make regions three regions in networks of their own (root, Linux; five minutes)"
	@echo "make lint    ruff and mypy"
	@echo "make containers  builds the image, runs journeys in it and the whole compose file (root, Debian; installs buildah, podman)"
	@echo "make bench   what a run costs, beside bare Playwright"
	@echo "make numbers how near the numbers come to what is known; writes docs/numbers.md"
	@echo "make blame   provoke every labelled fault, and write on whom each was laid into docs/blame.md"
	@echo "make docs    the pictures of the README, made anew"

setup: $(READY) browser bytecode

$(READY): requirements-dev.txt pyproject.toml CHANGELOG.md
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found. Name one: make PYTHON=/path/to/python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "The venv module is missing; on Debian and Ubuntu: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

# Where Python is told to write no bytecode, every process would compile every file again: a sixth of the hub's start.
bytecode: $(READY)
	@$(BIN)/python -m compileall -q -x '/[.]venv/|/var/' .

browser: $(READY)
	@$(BIN)/sixfb browser --install

demo: setup
	$(BIN)/sixfb demo

test: setup
	$(BIN)/python -m pytest -n $(TESTERS) --dist loadgroup -m "not drill"

# What keeps to the wall clock runs alone; the others wait for browsers as much as they compute.
drills: setup
	$(BIN)/python -m pytest -n $(DRILLERS) --dist loadgroup -m "drill and not namespaces and not paced"
	$(BIN)/python -m pytest -m "drill and paced"

regions: setup
	$(BIN)/python -m pytest tests/regions -m namespaces

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

containers: setup
	.ci/containers

bench: setup
	$(BIN)/python -P benchmarks/cost_of_a_run.py

numbers: setup
	$(BIN)/python -P benchmarks/true_numbers.py --write

blame: setup
	$(BIN)/python -P benchmarks/blame_matrix.py --write docs/blame.md

docs: pages pictures

pages: setup
	$(BIN)/python -P docs/make_metrics.py

pictures: setup
	$(BIN)/python -P docs/make_pictures.py

# Needs uv. The lock names no hosts.
lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet -o requirements.txt
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet -o requirements-dev.txt

clean:
	rm -rf $(VENV) var dist

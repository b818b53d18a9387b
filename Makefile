# One word per chore; plain `make` lists them. Each sets up first, which takes 0.03 s when that is done.

SHELL := /bin/sh
.DEFAULT_GOAL := list
LAB ?= 4.2
RUNS ?= 1
CONFIG ?= docs/class/jupyterhub_config.py
BURNERS ?= 0
# the environment's own Python where there is one; else any: bootstrap.py looks for one that fits
PYTHON ?= $(shell test -x .venv/bin/python && echo .venv/bin/python || echo python3)
BIN := .venv/bin
# whoever switches bytecode off pays for compiling pandas and matplotlib again in every kernel
unexport PYTHONDONTWRITEBYTECODE
# the proxy that stands before the learners of a class: JavaScript, so npm installs it, at locked versions
PROXY := .venv/proxy/node_modules/.bin/configurable-http-proxy
# `make prove LAB=4.2` proves one lab; without LAB, all of them
WHICH = $(if $(filter command line environment,$(origin LAB)),$(LAB),--all)

.PHONY: list setup run open test test-containers test-browser leaks check labs prove bench images pictures compose class lock lock-check clean

list: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo "  LAB=4.2, RUNS=20, BURNERS=4 and PYTHON=python3.13 say which lab, how many times, beside how many"
	@echo "  processes that burn CPU, which Python"

setup: ## .venv with the locked dependencies (all chores do this first)
	@command -v $(PYTHON) >/dev/null || { echo "backlab: there is no $(PYTHON); install Python 3.11-3.14" >&2; exit 2; }
	@$(PYTHON) -I backlab/bootstrap.py

run: setup ## one experiment on a real server in a minute: lab 4.2, its finding, its plots (LAB=)
	@$(BIN)/backlab run $(LAB)

open: setup ## the course page in JupyterLab, or a lab (LAB=)
	@$(BIN)/backlab open $(if $(filter command line environment,$(origin LAB)),$(LAB))

test: setup ## every test that needs neither Docker nor a browser
	@$(BIN)/python -m pytest tests -n 2 --alone without
	@$(BIN)/python -m pytest tests --alone only

leaks: setup ## kill kernels, pytests, chaos runs, labs by the hundred, on both back ends: nothing may be left (Docker)
	@BACKLAB_LEAKS=long $(BIN)/python -m pytest -q tests/leaks -m "container or not container"
	@BACKLAB_LEASE_TRIES=50 $(BIN)/python -m pytest -q tests/chaos/test_leases.py -m "container or not container"

test-containers: setup ## the tests that need Docker and our images (make images)
	@$(BIN)/python -m pytest tests -m container -n 2 --alone without
	@$(BIN)/python -m pytest tests -m container --alone only

test-browser: setup ## the tests in a real JupyterLab in headless Chromium (apt install chromium)
	@$(BIN)/python -m pytest tests -m browser

check: setup ## ruff, mypy and the house rules, in seconds
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "the files above want: .venv/bin/ruff format ." >&2; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/python -m pytest --quiet tests/test_house.py tests/test_lock.py

labs: setup ## build the notebooks from labs/source (LAB=)
	@$(BIN)/backlab build $(WHICH)

prove: setup ## shipped lab fails, repair passes, each wrong repair fails where it should (LAB= RUNS= BURNERS=)
	@$(BIN)/python -m tests.burners $(BURNERS) $(BIN)/backlab prove $(WHICH) --times $(RUNS)

bench: setup ## our figures beside an anchor's, on this machine; fails when one falls short (FIGURES=wire)
	@$(BIN)/python -m tests.bench.figures $(FIGURES)

images: setup ## build the servers' images here, for places without a registry
	@$(BIN)/backlab images build
	@sh services/images/jupyterlab/local.sh

pictures: setup ## take the README's screenshots again (apt install chromium)
	@$(BIN)/python -m tests.browser.pictures

compose: ## the playground by docker-compose: JupyterLab, shop, Locust, proxy; secrets of your own in .env
	@sh services/images/jupyterlab/secrets.sh
	@$$(command -v docker-compose || echo docker compose) up --detach

class: setup $(PROXY) ## JupyterHub for a class on this machine: docs/class.md (CONFIG=, OPTIONS= for jupyterhub)
	@$(BIN)/jupyterhub --config $(CONFIG) $(OPTIONS)

$(PROXY): docs/class/package-lock.json
	@command -v npm >/dev/null || { echo "backlab: JupyterHub's proxy needs npm; install it (apt install nodejs npm)" >&2; exit 2; }
	@mkdir -p .venv/proxy && cp docs/class/package*.json .venv/proxy && cd .venv/proxy && npm ci --silent --no-fund --no-audit

lock: setup ## resolve pyproject.toml again into requirements.lock
	@$(BIN)/python -m tests.lock_matrix --write

lock-check: setup ## does every package of the lock have a wheel for each Python and machine that we name?
	@$(BIN)/python -m tests.lock_matrix

clean: ## remove the environment, outputs and caches, the prepared data too; a cohort's reports stay
	@test ! -x $(BIN)/backlab || $(BIN)/backlab clean --caches || true
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

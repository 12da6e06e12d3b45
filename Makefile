# `make demo` and `make test` are all that a newcomer needs; each creates .venv if it does not exist.

PYTHON ?= python3
# One more than there are cores: many tests wait for processes of their own.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
# Nothing is installed, or run to build something, but what has one of the hashes in requirements/, and the checkout.
BUILD := flit-core
HASHED := install --require-hashes --only-binary :all: --requirement
PINNED := $(PIP) $(HASHED)
CHECKOUT := $(PIP) install --no-deps --no-build-isolation --editable .
LOCK := UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes \
	--python-version 3.11 --group build pyproject.toml
# By file, for the tests of a file share what they start; slow files first (tests/conftest.py), in that order.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test quick kill soak bench check format docs venv lock audit dist sbom clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | grep -v 'make help' | expand -t 16

demo: $(VENV)/.sandbox ## show everything on a sandbox organization, without an AWS account
	@$(BIN)/rollout demo

test: $(VENV)/.dev ## run the tests (pytest options: ARGS='-k plan')
	@$(PYTEST) $(ARGS)

quick: $(VENV)/.dev ## run the tests of decisions and commands only, in under a minute
	@$(PYTEST) tests/domain tests/workflows $(ARGS)

kill: $(VENV)/.dev ## enforce 2,000 users while killing the runs 50 times (ARGS='--seed 7')
	@$(BIN)/python -m tests.kill $(ARGS)

soak: $(VENV)/.dev ## kill at every write, then let people, operators and forgers act for 10 minutes (ARGS='--minutes 60 --seed 7')
	@$(BIN)/python -m tests.kill --accounts 1 --users 8 --waves 1 --kills 0 --undo-kills 0 --notify-kills 0 --stride 1
	@$(BIN)/python -m tests.model $(ARGS)

bench: $(VENV)/.dev ## measure against the floors of plain boto3, and print the table (ARGS='--size small'; docs/performance.md)
	@$(BIN)/python -m benchmarks $(ARGS)

check: $(VENV)/.dev ## run the linters, the type checker and the layer contracts
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	$(BIN)/lint-imports --no-logo || failed=1; \
	exit $$failed

format: $(VENV)/.dev ## let ruff fix what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/.dev ## write the tables in docs/ that are derived from the code
	@$(BIN)/python -m tests.docs

venv: $(VENV)/.dev ## only create .venv, with everything that tests and checks need

lock: $(VENV)/.release ## pin the latest release of every dependency, with its hashes, in requirements/
	@$(LOCK) --all-extras --group release --group docs --output-file requirements/release.txt
	@$(LOCK) --all-extras --no-annotate --constraint requirements/release.txt --output-file requirements/dev.txt
	@$(LOCK) --extra sandbox --no-annotate --constraint requirements/release.txt --output-file requirements/sandbox.txt

audit: $(VENV)/.release ## ask the package index whether any pinned release has a known vulnerability
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements/release.txt

# The same commit gives the same bytes, wherever and whenever it is built.
dist: $(VENV)/.release ## build dist/*.whl and dist/*.tar.gz
	@rm -rf dist
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --no-isolation . >/dev/null
	@cd dist && sha256sum *

# Of what `pip install 'rollout-mfa[sandbox]'` needs, in an environment that holds nothing else.
sbom: $(VENV)/.release ## write dist/rollout-mfa.cdx.json, the parts of the package with their licenses (CycloneDX)
	@rm -rf build/sbom && mkdir -p dist
	@$(PYTHON) -m venv --without-pip build/sbom
	@$(PIP) --python build/sbom $(HASHED) requirements/sandbox.txt
	@$(PIP) --python build/sbom uninstall --yes $(BUILD)
	@sed "s/^dynamic = .*/version = \"$$($(BIN)/python -c 'import rollout; print(rollout.__version__)')\"/" \
		pyproject.toml > build/pyproject.toml
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/cyclonedx-py environment --pyproject build/pyproject.toml \
		--output-reproducible --output-file dist/rollout-mfa.cdx.json build/sbom

clean: ## remove .venv and all caches
	@rm -rf .venv .venv-* build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find rollout tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamp files, so that a second run installs nothing.

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo 'rollout needs Python 3.11 or newer; $(PYTHON) was not found.' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rollout needs Python 3.11 or newer; $(PYTHON) is %d.%d. Try: make PYTHON=python3.11" % sys.version_info[:2])'
	@echo 'Creating $(VENV) ...'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'The venv module is needed (on Debian: apt-get install python3-venv).' >&2; exit 1; }
	@touch $@

$(VENV)/.sandbox: $(VENV)/.made pyproject.toml requirements/sandbox.txt
	@echo 'Installing rollout with its sandbox ...'
	@$(PINNED) requirements/sandbox.txt
	@$(CHECKOUT)
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml requirements/dev.txt
	@echo 'Installing rollout with everything that tests and checks need ...'
	@$(PINNED) requirements/dev.txt
	@$(CHECKOUT)
	@touch $@ $(VENV)/.sandbox

$(VENV)/.release: $(VENV)/.made pyproject.toml requirements/release.txt
	@echo 'Installing the tools for releases ...'
	@$(PINNED) requirements/release.txt
	@$(CHECKOUT)
	@touch $@ $(VENV)/.dev $(VENV)/.sandbox

# make run    train, evaluate, package and try the demo pipeline
# make test   run the tests
# make fuzz   go on trying odd documents for an hour
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test fuzz lint clean

help: ## Show this help
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/'

run: $(INSTALLED) ## Run the whole project: check data, train, evaluate, package, smoke test
	PYTHONUNBUFFERED=1 $(BIN)/python -m spacy project run all

test: $(INSTALLED) ## Run the tests
	$(BIN)/python -m pytest

fuzz: $(INSTALLED) ## Try odd documents for MINUTES=60, TEXT=folder of texts to mutate, SEED=number
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),60) \
		$(if $(TEXT),--text "$(TEXT)") $(if $(SEED),--seed $(SEED))

lint: $(INSTALLED) ## Check style and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

clean: ## Remove the environment and everything the commands wrote
	rm -rf $(VENV) build dist *.egg-info assets/encoder corpus metrics packages training project.lock
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# Made again when the metadata or the pins change; the source itself is installed editable.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "spacy_ner_plus needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name a newer one, for example: make $(or $(MAKECMDGOALS),run) PYTHON=python3.12" >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[shared,test,dev]"
	@touch $@

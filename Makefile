# `make` lists the targets. Everything runs in .venv, made from the locked requirements.
PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset setup test test-fast check lint format types layers \
	migrations messages run voice worker beat postgres shell bench env-docs lock audit sbom

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo:  ## install, seed and serve everything on this machine; PORT=8000
	@$(PYTHON) config/bootstrap.py demo
	@DEMO=1 exec $(MANAGE) demo

demo-reset:  ## throw the demo's data away; the next `make demo` starts over
	@$(PYTHON) config/bootstrap.py demo
	@DEMO=1 $(MANAGE) demo_reset

setup:  ## install what development and tests need
	@$(PYTHON) config/bootstrap.py test

test: setup  ## every test, with real servers and a real browser
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not bench"
	$(BIN)/python -m pytest -m bench

test-fast: setup  ## no server, no browser, nothing slow
	$(BIN)/python -m pytest -m "not slow and not servers and not browser and not bench"

check: lint types layers migrations audit test  ## what CI runs

lint: setup  ## ruff, djade, bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -z -- 'templates/*.html' | xargs -0 -r $(BIN)/djade --check --target-version 5.2
	$(BIN)/bandit -q -c pyproject.toml -ll -r config common portal assistants billing calls campaigns

format: setup  ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files -z -- 'templates/*.html' | xargs -0 -r $(BIN)/djade --target-version 5.2

types: setup  ## mypy, strict
	$(BIN)/mypy

layers: setup  ## imports point downwards only
	$(BIN)/lint-imports

migrations: setup  ## no model without its migration
	DEMO=1 $(MANAGE) makemigrations --check --dry-run

messages: setup  ## gather the texts into locale/ and compile it; wants gettext
	DEMO=1 $(MANAGE) messages

run: setup  ## the web process alone, reloading; wants `make postgres` beside it
	set -a; [ ! -f .env ] || . ./.env; DEBUG=1 exec $(MANAGE) runserver $${PORT:-8000}

voice: setup  ## one voice process
	set -a; [ ! -f .env ] || . ./.env; exec $(MANAGE) voice

worker: setup  ## one Celery worker, all queues
	set -a; [ ! -f .env ] || . ./.env; exec $(BIN)/celery -A config worker --concurrency 2

beat: setup  ## the one Celery beat
	set -a; [ ! -f .env ] || . ./.env; exec $(BIN)/celery -A config beat --schedule var/beat/schedule

postgres: setup  ## the embedded database alone, migrated
	exec $(MANAGE) postgres

shell: setup  ## a Python shell
	exec $(MANAGE) shell

bench: setup  ## every benchmark side by side; writes var/bench.json
	$(BIN)/python -m bench

env-docs: setup  ## write the table of README.md and .env.example from config/env.py
	$(MANAGE) env_docs --write

lock: setup  ## lock the dependencies of pyproject.toml again
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) --group dev pyproject.toml -c requirements.txt -o requirements-dev.txt
	echo uv | $(LOCK) - -o requirements-installer.txt

audit: setup  ## known weaknesses of what requirements.txt locks; asks a public service
	$(BIN)/python config/audit.py

sbom: setup  ## what the product is made of, as CycloneDX, in var/sbom.json
	mkdir -p var
	$(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible -o var/sbom.json

# Every target is one line over `limbeck`; the first one that runs makes .venv from the locks.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
LIMBECK := .venv/bin/limbeck
LIMBECK_PYTHON := .venv/bin/python
LIMBECK_READY := .venv/installed

include limbeck.mk

.PHONY: test test-contract lint check real-schemas mutations pulled cases recipes passages fleet crashes \
	crashes-tenth majors compat adopt bench schemas pictures audit clean

# Tests wait for locks and servers, too: three of them keep two cores busy.
test: .venv/installed-dev ## Run the tests (nine minutes on two cores)
	@.venv/bin/pytest -n 3 --dist worksteal --durations=10

test-contract: .venv/installed-dev ## Drive the stand-in for Neon with Neon's own programs (needs npm)
	@mkdir -p .venv/contract && cp tests/contract/package.json .venv/contract/
	@npm install --silent --no-audit --no-fund --prefix .venv/contract
	@LIMBECK_CONTRACT_BIN="$(CURDIR)/.venv/contract/node_modules/.bin" .venv/bin/pytest tests/contract -n 0

lint: .venv/installed-dev ## Format, lint, types, layers
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache --no-logo

check: lint test ## Everything that CI checks: lint and the tests (documents included)

real-schemas: .venv/installed-dev .venv/pyright/bin/pyright ## Take many real databases over, from ../shared (half an hour)
	@LIMBECK_PYRIGHT="$(CURDIR)/.venv/pyright/bin/pyright" \
		.venv/bin/pytest -n 2 -m '' tests/acceptance/test_real_schemas.py

# Once more, it goes on where it stopped; SEED=2 draws other changes.
mutations: .venv/installed-dev ## Change live databases of many real schemas, and merge that into their models (an hour)
	@mkdir -p .limbeck && touch .limbeck/mutations.txt
	@LIMBECK_MUTATIONS_SEED=$(SEED) LIMBECK_MUTATIONS_DONE="$(CURDIR)/.limbeck/mutations.txt" \
		.venv/bin/pytest -n 2 -m thorough tests/acceptance/test_mutations.py

pulled: .venv/installed-dev ## Pull three schemas with three tools, into docs/pulled.md (needs npm and PyPI)
	@.venv/bin/python benchmarks/pulled.py

cases: .venv/installed-dev ## Take every case of the diff through the models, too (ten minutes)
	@.venv/bin/pytest -n 2 -m '' tests/postgres/test_cases.py

recipes: .venv/installed-dev ## Take every change through its phases, and old and new writers through any order
	@.venv/bin/pytest -n 2 -m '' tests/postgres/test_expand.py tests/postgres/test_expand_random.py \
		tests/postgres/test_expand_random_move.py tests/postgres/test_expand_writers.py

passages: .venv/installed-dev ## Migrate 2,000 random applications, probed at every commit point (a quarter of an hour)
	@.venv/bin/pytest -n 2 -m thorough tests/postgres/test_passage_random.py

fleet: .venv/installed-dev ## Migrate 1,000 databases, killed half-way, and on Dask if it is installed (ten minutes)
	@.venv/bin/pytest -m thorough tests/postgres/test_fleet_thousand.py tests/postgres/test_fleet_dask.py

crashes: .venv/installed-dev ## Kill a migration at every statement and run it again (hours)
	@.venv/bin/pytest -n 2 -m thorough -rP tests/postgres/test_crash_points.py

# Once more, it goes on where it stopped. SHARD=2/4 runs the second quarter, PART=1 all points.
SEED ?= 1
PART ?= 0.1
SHARD ?= 1/1
crashes-tenth: .venv/installed-dev ## Kill at a tenth of the statements, chosen by SEED, of the migrations of a SHARD
	@LIMBECK_CRASH_SEED=$(SEED) LIMBECK_CRASH_PART=$(PART) LIMBECK_CRASH_SHARD=$(SHARD) \
		LIMBECK_CRASH_DONE="$(CURDIR)/.limbeck/crashes-$(SEED).txt" \
		.venv/bin/pytest -n 2 -m thorough -rP tests/postgres/test_crash_points.py

# What runs on each major; the forms and the SQL for the lowest major need several servers at once.
MAJORS ?= 14 15 16 17 18
MAJORS_RUN := tests/majors/test_everyday.py tests/majors/test_pairs.py tests/postgres/test_diff.py \
	tests/postgres/test_expand.py tests/acceptance/test_real_schemas.py
MAJORS_ONLY := majors or test_diff or guacamole or pgboss or chinook or procrastinate \
	or commented or refers

majors: .venv/installed-dev ## Everyday workflow, pairs, real schemas, renames in phases on Postgres 14 to 18
	@command -v npm >/dev/null || { echo "make majors is skipped: npm is missing" >&2; exit 0; }; \
	mkdir -p .venv/majors && cp tests/majors/package.json .venv/majors/ && \
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix .venv/majors && \
	.venv/bin/python -m tests.majors.servers && \
	for major in $(MAJORS); do \
		LIMBECK_PG_BIN="$(CURDIR)/.venv/majors/node_modules/pg$$major/native/bin" \
		.venv/bin/pytest -n 2 -m '' -k '$(MAJORS_ONLY)' $(MAJORS_RUN) || exit 1; \
	done && \
	.venv/bin/pytest -n 2 -m '' tests/majors/test_forms.py tests/majors/test_lowest.py

compat: .venv/installed-dev ## Run projects with other versions of Python, SQLAlchemy and Alembic (needs PyPI)
	@LIMBECK_COMPAT="$(CURDIR)/.venv/compat" .venv/bin/pytest -n 2 -m '' tests/compat

adopt: .venv/installed-dev ## Adopt real applications, or ONLY=mlflow, into docs/adopted.md (needs PyPI; half an hour)
	@.venv/bin/python -m tests.adopt $(ONLY)

# BENCH="--quick", or another choice that `python benchmarks --help` lists.
bench: .venv/installed-dev ## Measure limbeck beside its peers, into docs/benchmarks (half an hour; needs npm)
	@.venv/bin/python benchmarks $(BENCH)

schemas: .venv/installed-dev ## Write docs/json from the types of the answers
	@.venv/bin/python -m tests.schemas

pictures: .venv/installed-dev ## Draw docs/pictures from a real run
	@.venv/bin/python -m tests.pictures
	@.venv/bin/python -m tests.screenshots

# --strict: a version that the service does not know is an error, not a pass.
audit: .venv/audit/bin/pip-audit ## Ask PyPI for known vulnerabilities of the locked versions (needs the network)
	@failed=; for lock in requirements.lock requirements-dev.lock; do \
		echo "$$lock:" >&2; \
		.venv/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
			--requirement $$lock || failed=yes; \
	done; \
	[ -z "$$failed" ] || { \
	echo "A version is vulnerable, or PyPI has not answered for it (then nothing is known): see above." >&2; \
	exit 1; }

clean: ## Remove .venv, the embedded Postgres with its branches, and caches
	@if [ -x $(LIMBECK) ]; then $(LIMBECK) local stop; fi
	@rm -rf .venv .limbeck .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

pip := .venv/bin/python -m pip install --quiet --disable-pip-version-check

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "limbeck needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	echo "Python's venv is missing: sudo apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/audit/bin/pip-audit: | .venv/bin/python
	@.venv/bin/python -m venv .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.9,<3'

# In no lock file: it brings Node.js, which only this check needs.
.venv/pyright/bin/pyright: | .venv/bin/python
	@.venv/bin/python -m venv .venv/pyright
	@.venv/pyright/bin/python -m pip install --quiet --disable-pip-version-check 'pyright>=1.1.414,<1.2'

.venv/installed: requirements.lock | .venv/bin/python
	@echo "Installing the locked versions into .venv (only when requirements.lock changes) ..." >&2
	@$(pip) --require-hashes --requirement requirements.lock
	@$(pip) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: requirements-dev.lock | .venv/installed
	@echo "Installing the tools for tests and checks into .venv ..." >&2
	@$(pip) --require-hashes --requirement requirements-dev.lock
	@touch $@

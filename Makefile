# One command each, the same for a person, a hook and CI. Everything is installed into .venv beside this file.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
BASE := $(VENV)/base
PEERS := $(VENV)/peers
OLDEST := $(VENV)/oldest
WORKERS ?= 2
SEED ?= 7
COUNT ?= 3000
NAMES ?=
BENCH ?=
TRUTH ?=
TRUST ?=
COSTS ?=
DOCS ?=

export PYRIGHT_PYTHON_CACHE_DIR := $(CURDIR)/$(VENV)/pyright

# Tests and their helpers are compiled once for all workers and lanes, wherever that is switched off.
PYTEST := PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(CURDIR)/$(VENV)/compiled $(BIN)/python -m pytest

# What XLA compiled for one test or one run, it need not compile again for the next; small networks
# that run once are compiled in half the time where nothing is optimised.
COMPILED := JAX_DISABLE_MOST_OPTIMIZATIONS=1 JAX_COMPILATION_CACHE_DIR=$(CURDIR)/$(VENV)/xla JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
	JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

.PHONY: help install chromium check test types fast lanes fuzz mutations oldest peers demo package bench daily kills ray truth trust detectors words audits drift costs measured docs notebooks site mypages ui format clean

help:
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(BASE): $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable .
	@touch $(BASE)

$(STAMP): $(BASE)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --group test --group frameworks
	@touch $(STAMP)

install: $(STAMP) ## make .venv and install the project with all that its tests need

check: $(STAMP) ## format, lint, types, architecture and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(MAKE) --jobs 2 types fast

# Tests of the web app drive the distribution's Chromium: it is installed where that can be done, and
# where it cannot they say what they need.
chromium:
	@command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null || \
		if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
			(apt-get install -y -q chromium || (apt-get update -q && apt-get install -y -q chromium)) > /dev/null; \
		fi || echo "no Chromium: tests of the web app are skipped (in CI they fail)"

test: $(STAMP) chromium ## everything: the checks above and every test, on every Keras backend
	-$(MAKE) peers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(MAKE) --jobs 2 types lanes

# The type checker is one thread of a minute, which tests that wait for each other leave room for.
types: $(STAMP)
	$(BIN)/pyright

fast: $(STAMP)
	KERAS_BACKEND=torch $(PYTEST) --fast --budget list -n $(WORKERS) --dist worksteal

lanes: $(STAMP)
	KERAS_BACKEND=tensorflow $(PYTEST) -n $(WORKERS) --dist worksteal
	KERAS_BACKEND=jax $(COMPILED) $(PYTEST) -n $(WORKERS) --dist worksteal tests/networks tests/compat tests/methods -k keras
	KERAS_BACKEND=torch $(PYTEST) -n $(WORKERS) --dist worksteal tests/networks tests/compat tests/methods -k keras

fuzz: $(STAMP) ## random files and calls for as long as you like: SEED=7 COUNT=100000
	mkdir -p $(VENV)/fuzz
	PYTHONPATH=tests:tests/networks:tests/explaining $(BIN)/python tests/sources/picture_fuzz.py $(SEED) $(COUNT) $(VENV)/fuzz
	PYTHONPATH=tests:tests/networks:tests/explaining $(BIN)/python tests/networks/onnx_fuzz.py $(SEED) $(COUNT) $(VENV)/fuzz
	PYTHONPATH=tests:tests/networks:tests/explaining $(BIN)/python tests/explaining/call_fuzz.py $(SEED) $(COUNT)

mutations: $(STAMP) ## whether the tests notice faults made by hand; NAMES="core render"
	$(BIN)/python tests/mutations.py $(NAMES)

$(OLDEST)/installed: pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	$(OLDEST)/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable . keras jax jaxlib $(WITH) \
		"beartype>=0.20" "hypothesis>=6.100" "pytest>=8.3"
	@touch $(OLDEST)/installed

oldest: $(OLDEST)/installed ## a fast set of tests on the lowest versions allowed; WITH="torch safetensors" adds 3 GB
	KERAS_BACKEND=jax $(OLDEST)/bin/python -m pytest --override-ini addopts= --override-ini filterwarnings=default \
		tests/networks/test_onnx_conformance.py tests/networks/test_oldest.py \
		tests/apps/test_export.py tests/apps/test_demo.py
	$(OLDEST)/bin/xai-heatmap explain --help > /dev/null

$(PEERS)/installed: $(STAMP)
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target $(PEERS) --group bench
	@touch $(PEERS)/installed

peers: $(PEERS)/installed ## install the packages that benchmarks stand beside, in a folder of their own

demo: $(BASE) ## see it at once, offline: two networks that are right, one for the wrong reason
	$(BIN)/xai-heatmap demo --out demo-out

package: $(STAMP) ## build wheel and source archive into dist/, and run the wheel in an empty environment
	rm -rf dist $(VENV)/empty
	$(BIN)/python -m hatchling build --directory dist
	$(PYTHON) -m venv $(VENV)/empty
	$(VENV)/empty/bin/python -m pip install --quiet dist/*.whl
	cd $(VENV)/empty && bin/xai-heatmap doctor && bin/xai-heatmap demo --out demo-out

daily: ## what a day's work costs beside the same by hand, by processor time; DAILY="--only torch"
	$(BIN)/python -m benchmarks.daily $(DAILY)

bench: $(PEERS)/installed ## time it beside a bare forward pass and beside the peers; BENCH="--quick"
	$(BIN)/python -m benchmarks.run $(BENCH)

kills: $(STAMP) ## kill drivers and workers of batch runs at random moments, and count rows lost: SEED=7
	PYTHONPATH=tests/runners $(BIN)/python tests/runners/kill_batch.py local 200 $(SEED)
	PYTHONPATH=tests/runners $(BIN)/python tests/runners/kill_batch.py processes 200 $(SEED)

ray: $(STAMP) ## install Ray into .venv/ray, beside the rest, and run the tests of runs on it
	$(BIN)/python -m pip install --quiet --upgrade --target $(VENV)/ray "ray[data]>=2.40"
	$(PYTEST) tests/runners/test_on_ray.py

truth: $(STAMP) ## how right each method is where the truth is known; TRUTH="--scenes 40"
	$(BIN)/python -m benchmarks.truth $(TRUTH)

trust: $(STAMP) ## whether the test of maps can be trusted, measured in parts: TRUST="scenes --count 40"
	PYTHONPATH=. $(BIN)/python -m benchmarks.trust $(TRUST)

detectors: $(STAMP) ## how right maps of boxes are on planted detectors; DETECTORS="--boxes 40"
	$(BIN)/python -m benchmarks.detectors $(DETECTORS)

words: $(STAMP) ## how right maps of texts and of words that were answered are on planted scenes; WORDS="--scenes 40"
	$(BIN)/python -m benchmarks.words $(WORDS)

audits: $(STAMP) ## audit the shipped and the reference networks into docs/audit.md: AUDITED="demo cheat --write"
	PYTHONPATH=. $(BIN)/python -m benchmarks.audit $(AUDITED)

drift: $(STAMP) ## which classes' heat differs between both shipped networks: DRIFT="--write"
	PYTHONPATH=. $(BIN)/python -m benchmarks.drift $(DRIFT)

costs: $(STAMP) ## what a map of each method costs beside a forward pass; COSTS="--write"
	$(BIN)/python -m benchmarks.costs $(COSTS)

measured: $(STAMP) ## what a new method costs and how right it is, into the tables, in minutes: METHODS=meancam
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.costs --frameworks torch --methods "$(METHODS)" --write
	$(BIN)/python -m benchmarks.truth --methods "$(METHODS)" --write

docs: $(STAMP) ## write the pages that are made from the code; DOCS="--all" draws every picture again
	$(BIN)/python docs/write.py $(DOCS)

notebooks: $(STAMP) ## run the notebooks' sources and write examples/notebooks/*.ipynb; NAMES="detectors"
	$(BIN)/python docs/notebooks.py $(NAMES)

site: $(STAMP) ## build the site into site/: guide, how-to, methods, every public name; opens from disk
	$(BIN)/python -m pip install --quiet --group site
	$(BIN)/python docs/site/build.py site
	$(BIN)/python docs/site/find.py site

mypages: $(STAMP) ## the methods' pages with your photograph: PHOTO=me.jpg MODEL=resnet.onnx OUT=new-folder
	$(BIN)/python docs/generate_methods.py --photo "$(PHOTO)" --model "$(MODEL)" --out "$(OUT)" $(PAGES)

ui: ## build the web app and the report's page of their sources, with Node 20 or newer
	cd src/xai_heatmap/apps/web/ui && npm ci && npm run check && npm run build

format: $(STAMP) ## rewrite the code in the project's style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the commands above made
	rm -rf $(VENV) demo-out .pytest_cache .ruff_cache .hypothesis build dist

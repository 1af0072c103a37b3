# Needs make and Python 3.11 or newer, nothing else. Everything is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PORT ?= 8080
ARGS ?=
# Four on two processors: many tests wait, for a deadline or for a server that starts.
AT_ONCE := -p tests.workers --workers 8
LINT := $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# The tests start Python hundreds of times: without compiled files that takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help serve test coverage oldest newest lint schema reference bench compat cluster soak fuzz conformance docs browser pictures clean

help:  ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV): a minute or two the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev,agents]'
	@touch $(STAMP)

serve: $(STAMP)  ## Serve the example functions on PORT (8080)
	@PORT=$(PORT) exec $(BIN)/ffhost serve -c examples/quickstart/functions.yaml $(ARGS)

# At once: while mypy checks types, one process alone collects the tests.
test: $(STAMP)  ## Run everything that CI runs
	($(LINT)) & $(BIN)/python -m pytest $(AT_ONCE) $(ARGS); tested=$$?; wait $$! && exit $$tested

coverage: $(STAMP)  ## Run the tests under coverage, and show which lines they leave out
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(AT_ONCE) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

oldest:  ## Run the tests with the lowest versions that pyproject.toml allows
	@test -x $(VENV)-oldest/bin/python || $(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m tests.lowest_versions > $(VENV)-oldest/constraints.txt
	$(VENV)-oldest/bin/python -m pip install --quiet --disable-pip-version-check \
		-c $(VENV)-oldest/constraints.txt -e '.[all,dev]'
	$(VENV)-oldest/bin/python -m pytest $(AT_ONCE) $(ARGS)

newest:  ## Run the tests with the newest versions that pyproject.toml allows
	@test -x $(VENV)-newest/bin/python || $(PYTHON) -m venv $(VENV)-newest
	$(VENV)-newest/bin/python -m pip install --quiet --disable-pip-version-check \
		--upgrade --upgrade-strategy eager -e '.[all,dev]'
	$(VENV)-newest/bin/python -m pytest $(AT_ONCE) $(ARGS)

lint: $(STAMP)  ## Check style and types
	$(LINT)

schema: $(STAMP)  ## Write schemas/functions.schema.json from the models
	$(BIN)/ffhost schema > schemas/functions.schema.json

bench: $(STAMP)  ## Measure against functions-framework (ARGS="--quick" for a short run)
	$(BIN)/python -m benchmarks $(ARGS)

compat: $(STAMP)  ## Run the compatibility corpus on functions-framework and on ffhost
	$(BIN)/python -m tests.compat.harness $(ARGS)

reference: $(STAMP)  ## Write docs/reference.md, docs/cli.md, the tables in docs/configuration.md, drawings
	$(BIN)/python -m ffhost.config.reference docs/configuration.md
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/drawings.py

docs: $(STAMP) reference  ## Build the documentation into site/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(BIN)/python docs/check_site.py site

cluster: $(STAMP)  ## Build overlays with kubectl, and run a built app in an environment of its own
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[cluster]'
	$(BIN)/python -m pytest tests/cluster/checks.py -rs $(ARGS)

soak: $(STAMP)  ## Reload, chaos, noisy neighbour and leak runs (minutes)
	$(BIN)/python -m tests.soak $(ARGS)

fuzz: $(STAMP)  ## Fuzz the typed example, everything that parses, raw HTTP, and the front door
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt schemathesis
	$(BIN)/python -m tests.fuzz $(ARGS)
	EXAMPLES=2000 CAPTURES=2000 $(BIN)/python -m pytest -p tests.workers --workers 2 -m hypothesis
	$(BIN)/python -m tests.fuzz.raw_http
	FORGED_REQUESTS=100000 CALLS_UNDER_RELOADS=100000 $(BIN)/python -m pytest -s tests/server/test_server_front_door.py

conformance: $(STAMP)  ## Run the conformance suite of MCP on both fronts (needs node)
	$(BIN)/python -m tests.conformance

# Neither is needed: without them the tests of the console are skipped, and say so.
browser: $(STAMP)  ## Install a browser, unless there is one, and axe-core (npm) for the console's tests
	@command -v chromium || command -v chromium-browser \
		|| timeout 120 $(BIN)/playwright install chromium || echo "no browser could be installed"
	@test -f build/browser/node_modules/axe-core/axe.min.js \
		|| timeout 120 npm install --silent --no-audit --no-fund --fetch-retries 0 --prefix build/browser axe-core@4.14.1 \
		|| echo "axe-core could not be installed: it needs npm"

pictures: $(STAMP)  ## Take the pictures of the console for its documentation (needs a browser)
	$(BIN)/python -m tests.host.console.pictures docs/pictures

clean:  ## Remove what was installed and built
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-newest $(VENV)-3.* build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*

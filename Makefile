# Two commands do everything on a fresh machine: `make compare` and `make test`.
# Both set up what they need first, and install nothing twice.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done)
# The environment; `make test-all` has one for each version of Python.
ENV := .venv
BIN := $(ENV)/bin
PROFILE ?= quick
# Most tests wait for a server most of their time: four processes keep two cores busy.
RUN := -n 4 --dist loadfile --no-loadscope-reorder --durations 10
# A gate takes both cores with real-time priority, and other tests would starve beside it. A good run is one
# on a machine that does nothing else. And hundreds of cases that are judged at once are a load of their own.
ALONE := tests/conformance/test_mutation.py tests/conformance/test_reference_breaks.py \
	tests/conformance/test_client_breaks.py tests/load/blocks/test_good_run.py tests/ci/gate \
	tests/load/side_by_side tests/load/counting
# What another Python may break: every mode serves, is judged and loaded; codecs, results, reports, commands.
QUICK := tests/wire tests/results tests/measured tests/commandline tests/test_cli.py tests/conformance/test_run.py \
	tests/engine tests/locusts tests/users tests/load/blocks/test_block.py tests/load/running/test_main.py \
	tests/reports/writing tests/server_under_test/test_modes.py tests/server_under_test/test_guide.py \
	tests/server_under_test/cluster
SERVERS := bun-engine socketioxide zishang520 netty-socketio

.DEFAULT_GOAL := help
.PHONY: help compare gate matrix matrix-wide clients queues faults proxies figures bench test test-alone test-all test-quick lint docs setup servers clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

compare: $(ENV)/installed $(ENV)/parts  ## Compare the async modes (5 minutes); writes reports/out/report.html
	$(BIN)/sioprobe compare --profile $(PROFILE)

gate: $(ENV)/installed $(ENV)/parts  ## Compare this working tree with its merge base (8 minutes); writes gate-out/gate.html
	$(BIN)/sioprobe gate $(GATE)

matrix: $(ENV)/installed $(ENV)/parts $(ENV)/servers  ## Judge every server, side by side; writes reports/out/matrix.html
	$(BIN)/sioprobe compare --profile servers --out reports/out/servers
	$(BIN)/sioprobe conform --matrix reports/out/servers/conformance-*.json \
		--html reports/out/matrix.html --markdown reports/out/matrix.md

matrix-wide: $(ENV)/installed $(ENV)/parts  ## Judge servers beyond ours, proxies and distances (15 minutes); writes reports/out/matrix-wide.html
	$(BIN)/python -m ci.wide $(ROWS)

queues: $(ENV)/installed $(ENV)/parts  ## Judge two processes behind every queue, in each kind of mode (30 minutes)
	$(BIN)/python ci/parts.py redis rabbitmq garagemq valkey kafka sqlalchemy
	$(BIN)/python -m ci.queues $(QUEUES)

clients: $(ENV)/installed $(ENV)/parts  ## Judge every client, side by side (7 minutes); writes reports/out/clients.html
	$(BIN)/python ci/parts.py browser
	$(BIN)/python -m ci.clients $(CLIENTS)

faults: $(ENV)/installed $(ENV)/test-parts  ## Play every fault on clusters of three modes and two queues (20 minutes); writes reports/out/faults/faults.html
	$(BIN)/sioprobe faults --mode threading,eventlet,gevent --queue redis,rabbitmq --at-once 3 $(FAULTS) \
		|| { code=$$?; test $$code = 1 -o $$code = 3; }  # the report says what was not well
	$(BIN)/python -m docs.making.faults reports/out/faults

proxies: $(ENV)/installed $(ENV)/parts  ## Try every proxy with real clients, dead workers and wrong set-ups (half an hour)
	$(BIN)/python -m ci.proxies $(PROXIES)

figures: $(ENV)/installed $(ENV)/parts $(ENV)/test-parts  ## Print what the judge covers, and which faults it notices
	$(BIN)/sioprobe conform --list | tail -n 1
	$(BIN)/pytest -q -k "notice or faultless" tests/conformance/test_mutation.py \
		tests/conformance/test_flask_faults.py tests/conformance/test_reference_breaks.py \
		tests/conformance/test_client_faults.py tests/conformance/test_client_breaks.py

bench: $(ENV)/installed $(ENV)/bench  ## Compare what an operation costs the load generator with others (15 minutes)
	$(BIN)/python -m load.bench $(BENCH)

test: $(ENV)/installed $(ENV)/parts $(ENV)/test-parts $(ENV)/servers lint  ## Check style, types and imports, and run every test but those of `make test-alone`
	$(BIN)/pytest $(RUN) $(ALONE:%=--ignore=%)

test-alone: $(ENV)/installed $(ENV)/parts  ## Run the tests that need both cores for themselves, one after the other (13 minutes)
	$(BIN)/pytest --durations 3 $(ALONE)

test-all: test  ## The same, and a quick part of the tests on each other Python from 3.11 to 3.14 that is found
	$(BIN)/python ci/interpreters.py | while read version python; do echo "== Python $$version: $$python"; \
		$(MAKE) test-quick ENV=.venv-$$version PYTHON=$$python </dev/null || exit; done

test-quick: $(ENV)/installed $(ENV)/parts
	$(BIN)/pytest $(RUN) $(QUICK)

lint: $(ENV)/installed  ## Check style, types and import directions only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --no-progress --quiet .github action.yml
	$(BIN)/python ci/parts.py actionlint
	PATH="$(abspath $(BIN)):$$PATH"; ! command -v actionlint >/dev/null || actionlint -shellcheck= -pyflakes=

docs: $(ENV)/installed  ## Build the documentation site; writes site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo 'open site/index.html, or for the search: $(BIN)/python -m http.server --directory site'

setup: $(ENV)/installed $(ENV)/parts $(ENV)/test-parts $(ENV)/servers  ## Set up everything and run nothing

servers: $(ENV)/installed $(ENV)/parts  ## Build the foreign servers whose toolchains are there
	$(BIN)/python ci/parts.py $(SERVERS)

# A stamp is newer than what it was made from, so a changed pin installs again and nothing else does.
$(ENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: Python 3.11 to 3.14 is needed and none was found; name one with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) lacks its venv module; on Debian: apt-get install python3-venv" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(ENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

$(ENV)/parts: $(ENV)/installed ci/parts.py server_under_test/foreign/node/package-lock.json
	$(BIN)/python ci/parts.py --stamp $@ redis node uwsgi

$(ENV)/test-parts: $(ENV)/parts
	$(BIN)/python ci/parts.py --require --stamp $@ redis rabbitmq node browser nginx haproxy

# Artillery wants Node.js; without it, or where npm cannot fetch it, its rows are "not run".
$(ENV)/bench: $(ENV)/installed load/bench/artillery_npm/package-lock.json
	$(BIN)/python ci/parts.py --stamp $@ artillery

# A source that changed is built again; what could not be built is tried again the next time.
$(ENV)/servers: $(ENV)/parts $(wildcard $(patsubst %,server_under_test/foreign/%/*,bun go java rust) server_under_test/foreign/rust/src/*)
	$(BIN)/python ci/parts.py --stamp $@ $(SERVERS)

clean:  ## Remove what the set-up and the runs made
	rm -rf .venv .venv-* reports/out dist site load/bench/artillery_npm/node_modules server_under_test/foreign/*/node_modules \
		server_under_test/foreign/*/target \
		server_under_test/foreign/*/build server_under_test/foreign/*/.built server_under_test/foreign/rust/Cargo.lock \
		ci/*/*/build ci/*/*/node_modules ci/*/*/.built

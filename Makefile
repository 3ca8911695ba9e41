# Two commands do everything on a fresh machine: `make compare` and `make test`.
# Both set up what they need first, and install nothing twice.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PROFILE ?= quick
# Most tests wait for a server most of their time: three processes keep two cores busy.
RUN := -n 3 --dist loadfile --no-loadscope-reorder --durations 10
SERVERS := bun-engine socketioxide zishang520 netty-socketio

.DEFAULT_GOAL := help
.PHONY: help compare matrix figures bench test lint docs setup servers clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

compare: .venv/installed .venv/parts  ## Compare the async modes (4 minutes); writes reports/out/report.html
	$(BIN)/sioprobe compare --profile $(PROFILE)

matrix: .venv/installed .venv/parts .venv/servers  ## Judge every server, side by side; writes reports/out/matrix.html
	$(BIN)/sioprobe compare --profile servers --out reports/out/servers
	$(BIN)/sioprobe conform --matrix reports/out/servers/conformance-*.json \
		--html reports/out/matrix.html --markdown reports/out/matrix.md

figures: .venv/installed .venv/parts .venv/test-parts  ## Print what the judge covers, and which faults it notices
	$(BIN)/sioprobe conform --list | tail -n 1
	$(BIN)/pytest -q -k "notice or faultless" tests/conformance/test_mutation.py \
		tests/conformance/test_flask_faults.py tests/conformance/test_reference_breaks.py

bench: .venv/installed .venv/bench  ## Compare what an operation costs the load generator with others (12 minutes)
	$(BIN)/python -m load.bench $(BENCH)

test: .venv/installed .venv/parts .venv/test-parts .venv/servers lint  ## Check style, types and imports, and run every test
	$(BIN)/pytest $(RUN)

lint: .venv/installed  ## Check style, types and import directions only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/installed  ## Build the documentation site; writes site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build
	@echo 'open site/index.html, or for the search: $(BIN)/python -m http.server --directory site'

setup: .venv/installed .venv/parts .venv/test-parts .venv/servers  ## Set up everything and run nothing

servers: .venv/installed .venv/parts  ## Build the foreign servers whose toolchains are there
	$(BIN)/python ci/parts.py $(SERVERS)

# A stamp is newer than what it was made from, so a changed pin installs again and nothing else does.
.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: Python 3.11, 3.12 or 3.13 is needed and none was found; name one with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) lacks its venv module; on Debian: apt-get install python3-venv" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

.venv/parts: .venv/installed ci/parts.py server_under_test/foreign/node/package-lock.json
	$(BIN)/python ci/parts.py --stamp $@ redis node uwsgi

.venv/test-parts: .venv/parts
	$(BIN)/python ci/parts.py --require --stamp $@ redis node browser

# Artillery wants Node.js; without it, or where npm cannot fetch it, its rows are "not run".
.venv/bench: .venv/installed load/bench/artillery_npm/package-lock.json
	$(BIN)/python ci/parts.py --stamp $@ artillery

# A source that changed is built again; what could not be built is tried again the next time.
.venv/servers: .venv/parts $(wildcard $(patsubst %,server_under_test/foreign/%/*,bun go java rust) server_under_test/foreign/rust/src/*)
	$(BIN)/python ci/parts.py --stamp $@ $(SERVERS)

clean:  ## Remove what the set-up and the runs made
	rm -rf .venv reports/out dist site load/bench/artillery_npm/node_modules server_under_test/foreign/*/node_modules \
		server_under_test/foreign/*/target \
		server_under_test/foreign/*/build server_under_test/foreign/*/.built server_under_test/foreign/rust/Cargo.lock

# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

PAGE   := src/gemel/service/page/built/index.html

.PHONY: demo test test-full check lint types examples docs workbench sbom lock clean

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "gemel needs Python 3.11 or newer; set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)

demo: $(READY)          ## the whole loop on a digital pelvis, ends with demo/report.html
	$(BIN)/gemel demo --out demo
	@test -f $(PAGE) || echo 'the page for the browser is not built: `make workbench` (it needs Node 20.19 or newer)'

# The page is built again when its source changed; without Node everything else works.
$(PAGE): workbench/package-lock.json workbench/vite.config.ts $(shell find workbench/src workbench/public workbench/licences workbench/index.html -type f 2>/dev/null)
	@if command -v npm >/dev/null; then cd workbench && npm ci --no-audit --no-fund --silent && npm run --silent build \
	  || echo 'gemel: the workbench page could not be built (see above); the rest works'; \
	else echo 'gemel: Node.js is not installed, so there is no workbench page; the rest works'; fi
	@if test -f $(PAGE); then touch $(PAGE); fi

workbench: $(PAGE)      ## the page that `gemel serve` shows

test: $(READY) $(PAGE)  ## all fast tests (the long ones: make test-full)
	$(BIN)/pytest -m 'not full' -n auto --maxprocesses 4 --dist loadfile

test-full: $(READY) $(PAGE) ## every test
	$(BIN)/pytest

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

examples: $(READY)      ## every example runs and prints its pinned number
	$(BIN)/pytest -m 'not full' tests/test_examples.py

check: lint types test  ## what CI runs, examples included

docs: $(READY)          ## run again what the executed pages show (about half an hour)
	$(BIN)/python benchmarks/real_pelvis.py --out docs/real_pelvis.md
	$(BIN)/python benchmarks/trial_prostate.py --out docs/trials.md

sbom: $(READY) $(PAGE) ## the bill of materials (CycloneDX): Python packages and what the page holds
	mkdir -p dist && $(BIN)/python -m supply.sbom > dist/gemel.cdx.json

lock: $(READY)          ## requirements.lock: every package that gemel needs, with its hashes
	$(BIN)/python -m supply.lock

clean:
	rm -rf $(VENV) build dist demo out .pytest_cache .mypy_cache .ruff_cache

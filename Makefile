# The developer's and the visitor's commands. Each makes the virtual environment it needs on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint bench figures evaluate lock clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/demo.ok ## one simulated store through the whole chain, and a month of three; leaves reports
	@$(BIN)/python deploy/demo/run.py

test: $(VENV)/dev.ok ## every test
	@$(BIN)/pytest

lint: $(VENV)/dev.ok ## formatting, lint, strict types, import rules, the AsyncAPI document
	@deploy/lint $(BIN)

bench: $(VENV)/dev.ok ## speed of the hot steps, as ratios and rates; beside other trackers, where these can be installed
	@$(MAKE) --silent $(VENV)/peers.ok || echo "== other trackers are left out: lock/peers.txt could not be installed" >&2
	@for each in tests/bench/bench_*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

figures: $(VENV)/dev.ok ## accuracy against the simulator's truth
	@for each in tests/figures/*.py; do echo "== $$each"; $(BIN)/python $$each || exit 1; done

evaluate: $(VENV)/dev.ok ## a detector on labelled footage, as JSON: DATA=folder [MODEL=manifest.toml] [FPS=7] [SECTORS=6] [LENS_DEG=180]
	@$(if $(DATA),,$(error give a folder: make evaluate DATA=folder))$(BIN)/python -m models.evaluate "$(DATA)" $(if $(MODEL),--model "$(MODEL)") $(if $(FPS),--fps $(FPS)) $(if $(SECTORS),--sectors $(SECTORS)) $(if $(LENS_DEG),--lens-deg $(LENS_DEG))

lock: ## renew the lock files (needs uv)
	@lock/make

clean: ## remove the virtual environment and what demos left
	rm -rf $(VENV) run

$(VENV)/demo.ok: lock/demo.txt pyproject.toml
	@deploy/make-venv $(PYTHON) $(VENV) lock/demo.txt && touch $@

$(VENV)/dev.ok: lock/dev.txt pyproject.toml
	@deploy/make-venv $(PYTHON) $(VENV) lock/dev.txt && touch $@ $(VENV)/demo.ok

$(VENV)/peers.ok: lock/peers.txt $(VENV)/dev.ok
	@$(BIN)/pip install -qq --no-deps --require-hashes -r lock/peers.txt && touch $@

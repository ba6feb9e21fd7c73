# Bare `make` lists what there is. Each target makes the environment it needs.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO_ROWS ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help install develop demo test test-all check format command-line fuzz rewritten kills lost-workers memory bench bench-report pictures coverage mutants wheel release-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/.installed ## make .venv with custseg and the pinned versions of what it needs

develop: .venv/.developing ## the same, with what the tests and checks need

demo: .venv/.installed ## segment a made-up shop's million lines; ends with the table and the report's path
	@$(BIN)/custseg sample -o demo/transactions --rows $(DEMO_ROWS) --customers 6000
	@$(BIN)/custseg batch demo/transactions -o demo/segments --job jobs/online_retail.toml \
		--features rfm --k 3-6 --fresh

test: .venv/.developing ## run the tests but for the slowest few (ten minutes)
	$(BIN)/python -m pytest -m "not campaign and not slow"

test-all: .venv/.developing ## run all tests
	$(BIN)/python -m pytest

check: .venv/.developing ## lint, format, types, the layers of imports, the pages made from the commands
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/command_line.py --check

format: .venv/.developing ## let ruff put the code in its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

command-line: .venv/.developing ## write what the documentation takes from the commands
	$(BIN)/python docs/command_line.py

fuzz: .venv/.developing ## write 20,000 tables as CSV in every dialect and read them back (minutes)
	$(BIN)/python -m pytest -n 0 -m campaign tests/unit/transactions/test_any_table.py

rewritten: .venv/.developing ## write Online Retail II in 25 ways; each must come to the same answer (ten minutes)
	$(BIN)/python -m pytest -n 0 -m campaign tests/integration/test_online_retail_rewritten.py

kills: .venv/.developing ## kill runs at a hundred random moments; each must come to the same answer (an hour)
	$(BIN)/python jobs/campaigns/kills.py --kills 100 --rows 5e6

lost-workers: .venv/.developing ## kill a worker in each of twenty runs; each must come to the same answer (ten minutes)
	$(BIN)/python jobs/campaigns/lost_workers.py --runs 20 --rows 5e6

memory: .venv/.developing ## hold runs on unkind inputs to their memory limit (ten minutes)
	$(BIN)/python jobs/campaigns/memory.py

bench: .venv/.installed .venv-bench/.installed ## time custseg and its peers into docs/benchmarks.md; BENCH holds arguments
	$(BIN)/python jobs/benchmarks/bench.py --peers-python .venv-bench/bin/python $(BENCH)

bench-report: .venv/.installed ## time the report of few and of millions of customers (ten minutes)
	$(BIN)/python jobs/benchmarks/report.py

coverage: .venv/.developing ## run all tests and say which branches none of them takes (minutes)
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

mutants: .venv/.developing .venv-mutants/.installed ## list small changes of the code that no test notices; MODULES names some (hours)
	$(BIN)/python jobs/campaigns/mutants.py --tool .venv-mutants/bin $(MODULES)

wheel: .venv/.installed ## build the wheel into dist/
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .

release-check: ## try the wheel in fresh environments; PYTHONS names the Pythons (ten minutes)
	jobs/release_check.sh $(or $(PYTHONS),$(PYTHON))

pictures: .venv/.developing ## draw the documentation's pictures; CUSTSEG_REAL_DATA names the real transactions
	$(BIN)/custseg batch "$(CUSTSEG_REAL_DATA)/online_retail_II.csv" -o demo/pictures \
		--job jobs/online_retail.toml --features rfm --k 4 --currency GBP --fresh --quiet
	$(BIN)/python docs/draw_pictures.py demo/pictures

clean: ## remove the demo, builds and caches; .venv stays
	rm -rf demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*

.venv/.installed: pyproject.toml constraints.txt
	@echo "Making the environment in .venv: a minute or two the first time."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --quiet --constraint constraints.txt --upgrade pip
	@$(PIP) install --quiet --constraint constraints.txt --editable .
# As a wheel's are: where Python may not write bytecode, as in many containers, each start would compile anew.
	@$(BIN)/python -m compileall -q custseg
	@touch $@

.venv-mutants/.installed: jobs/campaigns/mutants-requirements.txt
	@test -x .venv-mutants/bin/python || $(PYTHON) -m venv .venv-mutants
	@.venv-mutants/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@

.venv-bench/.installed: jobs/benchmarks/requirements.txt
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install --quiet --requirement $<
	@touch $@

# Dependency groups are read by pip 25.1 and later, hence the upgrade above.
.venv/.developing: .venv/.installed
	@$(PIP) install --quiet --constraint constraints.txt --group test --group check
	@touch $@

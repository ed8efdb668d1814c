# From a bare machine with Python >= 3.11 and a C compiler: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?=
# Whole files of tests, in as many processes as there are cores and memory is good for; in the order in which they lie.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
PLUGINS := $(addprefix cdt_plugins/cdt-,federated imaging privacy robust)

.PHONY: demo test search lint bench clean

SOURCES := pyproject.toml setup.py $(wildcard ext/*.pyx ext/*.pxd ext/*.pxi ext/src/*.[ch] ext/include/*.h)

# One installation has all that is asked for: each compiles the C anew.
define install
$(PYTHON) -m venv $(VENV)
$(BIN)/python -m pip install --quiet --upgrade pip
$(BIN)/python -m pip install --quiet -e '.$(1)' $(foreach plugin,$(PLUGINS),-e '$(plugin)$(1)')
touch $(VENV)/.installed $@
endef

$(VENV)/.installed: $(SOURCES)
	$(call install)

$(VENV)/.tested: $(SOURCES)
	$(call install,[test])

demo: $(VENV)/.installed
	$(BIN)/cdt demo $(DATA)

test: $(VENV)/.tested
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

search: $(VENV)/.tested
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) --hypothesis-profile=search

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -e '.[bench]'
	$(BIN)/asv machine --yes
	$(BIN)/asv run --quick --show-stderr

clean:
	rm -rf $(VENV) build demo-out

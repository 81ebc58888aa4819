# `make demo` and `make test` do all the set-up on a machine with Python 3.10 or newer.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The environment belongs to one checkout and one list of dependencies; with another of either it is brought up to date.
STAMP := $(VENV)/.installed-$(shell (pwd; cat pyproject.toml) | cksum | cut -d' ' -f1)

.PHONY: demo test test-slow test-gpu check format docs notebooks benchmark clean help

demo: $(STAMP)  ## train on real digits and say what to look at
	$(BIN)/convscope train

test: check  ## lint, types and all tests, in about twelve minutes on two cores
	$(BIN)/python -m pytest

test-slow: $(STAMP)  ## the longer checks; JupyterLab, OpenVINO and Ray Serve are installed for them
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lab,openvino]' 'ray[serve]>=2.40'
	$(BIN)/python -m pytest -m slow

test-gpu: $(STAMP)  ## what needs a CUDA device; elsewhere each test says that it was skipped
	$(BIN)/python -m pytest -n0 -rs -m gpu

check: $(STAMP)  ## lint, format and types; the page's JavaScript and translation keys
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.javascript
	$(BIN)/mypy

format: $(STAMP)  ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP)  ## the documentation and the course, in Chinese and English, as HTML
	$(BIN)/python -m scripts.build_docs

notebooks: $(STAMP)  ## the chapters of the course as Jupyter notebooks, in build/notebooks
	$(BIN)/python -m scripts.notebooks

benchmark: $(STAMP)  ## the figures of the README; MNIST=DIR names a folder with the full MNIST files
	$(BIN)/python -m benchmarks.accuracy.mnist_5k
	$(BIN)/python -m benchmarks.accuracy.mnist_5k --model lenet5
	$(BIN)/python -m benchmarks.speed.startup
	$(if $(MNIST),$(BIN)/python -m benchmarks.accuracy.mnist $(MNIST) --epochs 2)
	$(if $(MNIST),$(BIN)/python -m benchmarks.accuracy.mnist $(MNIST) --recipe best --seeds 5 --plain-epochs 0)
	$(if $(MNIST),$(BIN)/python -m benchmarks.accuracy.lenet5_mnist $(MNIST))
	$(if $(MNIST),$(BIN)/python -m benchmarks.accuracy.tutorial_mnist $(MNIST))

$(STAMP):
	$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed: make PYTHON=python3.12" if sys.version_info < (3, 10) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	rm -f $(VENV)/.installed-*
	touch $@

clean:  ## remove the environment and what tools left behind; runs stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache src/*.egg-info
	find . -name __pycache__ -type d -not -path './.git/*' -exec rm -rf {} +

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

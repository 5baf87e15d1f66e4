# Every command of the project, each of which works on a fresh clone. `make` alone lists them.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
REPORTS := build/reports
WORKERS := 2
EXTRAS ?= dev

# Torch for the processor alone: a tenth of the gigabytes that it takes with CUDA. For a GPU, type
# `make setup TORCH_INDEX=`. The one place that names this index.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A notebook's cells depend on each other: loadscope gives one worker the whole notebook.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope
NBVAL := --nbval-lax --nbval-current-env

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint build lesson lessons coverage html check-notebooks bench system clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything in it (PYTHON=..., EXTRAS=..., TORCH_INDEX=...)
	@.ci/install-system bubblewrap || echo "setup: all but grading works without it"

$(READY): pyproject.toml constraints.txt
	@echo "setup: making $(VENV)"
	@python=$$(.ci/find-python) && "$$python" -m venv $(VENV)
	@echo "setup: installing the course and its tools (the first time takes minutes)"
	@$(BIN)/python -m pip install --constraint constraints.txt --retries 2 --timeout 15 \
		$(addprefix --extra-index-url ,$(TORCH_INDEX)) --no-deps torch
	@$(BIN)/python -m pip install --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@
	@echo "setup: done"

demo: setup ## build the lessons, grade a sample class of 12 and say where the report is
	$(BIN)/grader build
	$(BIN)/grader sample demo/submissions
	$(BIN)/grader grade demo/submissions --out demo/grades
	$(BIN)/grader report demo/grades

test: setup ## run every test, and every notebook
	$(PYTEST) $(NBVAL) --junitxml $(REPORTS)/tests.xml tests solutions

lint: $(READY) ## check style, types, pipelines, and that built files match their sources
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/zizmor --offline --no-progress --quiet .github
	$(BIN)/grader build --check

build: $(READY) ## build the notebooks from solutions/*.py
	$(BIN)/grader build

lesson: $(READY) ## try one lesson by every rule, as in: make lesson 02
	$(BIN)/grader try $(or $(NN),$(error name the lesson, as in: make lesson 02))

# The word after `lesson` is a lesson, and no command.
ifeq (lesson,$(firstword $(MAKECMDGOALS)))
NN := $(word 2,$(MAKECMDGOALS))
.PHONY: $(NN)
$(NN): lesson; @:
endif

lessons: setup ## run every notebook: the solved ones again, the released ones filled in and untouched
	$(PYTEST) $(NBVAL) --junitxml $(REPORTS)/lessons.xml -m lesson tests solutions

coverage: setup ## run the tests that need no whole notebook, and measure what they cover
	$(PYTEST) --junitxml $(REPORTS)/tests.xml -m "not lesson" \
		--cov --cov-report term --cov-report xml:$(REPORTS)/coverage.xml

html: $(READY) ## write the solved notebooks as HTML to build/html
	$(BIN)/jupyter nbconvert --to html --output-dir build/html solutions/*.ipynb

check-notebooks: $(READY) ## check the exercises that you filled in, in notebooks/
	$(BIN)/grader check notebooks/*.ipynb --junit $(REPORTS)/checks.xml

bench: setup ## measure grading and training against their peers, on a quiet machine
	$(BIN)/python bench/grading.py
	$(BIN)/python bench/training.py

system: ## install bubblewrap and Chromium through apt (for CI)
	@.ci/install-system bubblewrap chromium

clean: ## remove what the commands above made, all but .venv
	rm -rf build demo .coverage .mypy_cache .pytest_cache .ruff_cache

# Every command of the project, each of which works on a fresh clone. `make` alone lists them.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
REPORTS := build/reports
WORKERS := 2
EXTRAS ?= dev

# Torch for the processor alone: a tenth of the gigabytes that it takes with CUDA. For a GPU, type
# `make setup TORCH_INDEX=`. Gradescope's machines, which have no make, name this index too
# (grader/reports/exports/autograder.py).
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The solved notebooks: all, or that of one LESSON.
LESSON ?=
NOTEBOOKS := solutions/$(or $(LESSON),*).ipynb

PYTEST := $(BIN)/python -m pytest -n $(WORKERS)
# Whoever is done takes of the others' tests. What takes longest is named at the end.
TESTS := -m 'not image' --dist worksteal --durations 20 --durations-min 1 --junitxml $(REPORTS)/tests.xml
# A notebook's cells depend on each other: one worker gets them all.
NBVAL := --dist loadscope --nbval-lax --nbval-current-env --junitxml $(REPORTS)/lessons.xml

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint build lesson lessons lesson-names coverage html
.PHONY: check-notebooks ship bench slides site small-model system clean security secrets audit
.PHONY: image-lint static
.PHONY: model-version smoke-test infrastructure

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything in it (PYTHON=..., EXTRAS=..., TORCH_INDEX=...)
	@.ci/install-system bubblewrap || echo "setup: all but grading works without it"
	@.ci/on-path $(BIN)

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

test: setup ## run every test but `make image`'s; `make lessons` runs the solved notebooks
	$(PYTEST) $(TESTS)

lint: $(READY) ## check style, types, who imports whom, pipelines, and that built files match their sources
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	PYTHONPATH=examples/numpy_basics $(BIN)/lint-imports --no-cache
	$(BIN)/zizmor --offline --no-progress --quiet .github
	$(BIN)/grader build --check
	$(BIN)/grader --course examples/numpy_basics build --check

.PHONY: pictures
pictures: setup ## take the pictures of the README and of the site again: JupyterLab, graded classes
	$(BIN)/python .ci/readme_pictures.py
	$(BIN)/python .ci/site_pictures.py

build: $(READY) ## build the notebooks of both courses from solutions/*.py
	$(BIN)/grader build
	$(BIN)/grader --course examples/numpy_basics build

lesson: $(READY) ## try one lesson by every rule, as in: make lesson 02
	$(BIN)/grader try $(or $(NN),$(error name the lesson, as in: make lesson 02))

# The word after `lesson` is a lesson, and no command.
ifeq (lesson,$(firstword $(MAKECMDGOALS)))
NN := $(word 2,$(MAKECMDGOALS))
$(NN): lesson; @:
endif

lessons: export OMP_NUM_THREADS := 1
lessons: setup ## run the solved notebooks again and compare what they show (LESSON=02_bigrams)
	$(PYTEST) $(NBVAL) $(NOTEBOOKS)

lesson-names: ## list the lessons, for a pipeline that gives each a machine
	@.ci/lesson-names

coverage: setup ## run every test, and measure what they cover
	$(PYTEST) $(TESTS) \
		--cov --cov-report term --cov-report xml:$(REPORTS)/coverage.xml

html: $(READY) ## write the solved notebooks as HTML to build/html (LESSON=02_bigrams)
	$(BIN)/jupyter nbconvert --to html --output-dir build/html $(NOTEBOOKS)

slides: $(READY) ## write the lessons' slides, as HTML and as PDF, to build/slides
	@.ci/install-system chromium || echo "slides: without Chromium there is no PDF"
	$(BIN)/grader slides

# A link that leads nowhere, a formula that cannot be set: each warning ends it.
site: $(READY) ## write the course's site to build/site, with the slides that are in build/slides
	$(BIN)/python -m sphinx -q -W --keep-going -d build/site-cache docs build/site

check-notebooks: $(READY) ## check the exercises that you filled in, in notebooks/
	$(BIN)/grader check notebooks/*.ipynb --junit $(REPORTS)/checks.xml

.PHONY: image
image: setup ## build the image of the service, run it and look into it (as root, on Debian)
	@.ci/install-system buildah debootstrap || echo "image: what cannot run here is skipped"
	$(BIN)/python -m pytest -m image --capture no --junitxml $(REPORTS)/image.xml tests/test_ops_image.py

ship: setup ## live through a model's whole life in about five minutes; the page is build/ship.html
	@mkdir -p build
	$(BIN)/lmops ship --page build/ship.html

bench: setup ## measure grading, training and serving against their peers, on a quiet machine
	$(BIN)/python bench/grading.py
	$(BIN)/python bench/training.py
	$(BIN)/python bench/speedrun.py
	$(BIN)/python bench/serving.py
	$(BIN)/python bench/drift.py
	LMOPS_REQUESTS=10000 $(BIN)/python -m pytest -q tests/test_ops_many.py

small-model: $(READY) ## train the small model that ships with the course again, in about five minutes
	$(BIN)/lmops train lmcourse/small_model --preset laptop --home build/small-model

security: secrets image-lint static audit ## the four scans; each of them stops a pipeline

# A name such as "token" or much chance in a string is no secret yet: what looks like a key of a
# known kind is. It reads what git keeps, and asks nobody whether the key still works.
secrets: $(READY) ## look for secrets in every file that git keeps
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --no-verify \
		--disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString \
		--disable-plugin KeywordDetector

# Asks PyPI about each version (AUDIT=... for another service). Strict: where PyPI does not answer,
# or does not know a package, the audit fails.
AUDIT ?= --vulnerability-service pypi
audit: $(READY) ## look for known holes in the packages of constraints.txt (needs the network)
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict \
		--progress-spinner off $(AUDIT)

image-lint: $(READY) ## check deploy/Dockerfile
	$(BIN)/hadolint deploy/Dockerfile

static: $(READY) ## look for dangerous lines of Python: ruff's rules, bandit's among them
	$(BIN)/ruff check

# What a pipeline's later jobs release: the version of the bundle MODEL, or else the challenger's.
MODEL ?=
model-version: $(READY) ## name a model's version (MODEL=folder), or the challenger's
	@$(BIN)/python .ci/model_version.py $(MODEL)

SERVICE ?= http://127.0.0.1:8000
smoke-test: ## see that the service answers (SERVICE=http://...)
	curl --fail --silent --show-error --retry 10 --retry-connrefused --max-time 60 $(SERVICE)/readyz

# What deploy/terraform/README.md says under State and Release; TF_VAR_image and others name the rest.
ENVIRONMENT ?= staging
TERRAFORM := terraform -chdir=deploy/terraform/environment
infrastructure: ## bring an ENVIRONMENT on Azure to what deploy/terraform says
	$(TERRAFORM) init -input=false -backend-config=storage_account_name=stlmcoursestate \
		-backend-config=container_name=state -backend-config=key=$(ENVIRONMENT).tfstate \
		-backend-config=use_azuread_auth=true
	$(TERRAFORM) plan -input=false -var-file=$(ENVIRONMENT).tfvars -out=plan
	$(TERRAFORM) apply -input=false plan

system: ## install what the tests need through apt: bubblewrap, Chromium, HAProxy, Prometheus
	@.ci/install-system bubblewrap chromium haproxy prometheus prometheus-alertmanager

clean: ## remove what the commands above made, all but .venv
	rm -rf build demo docs/course_map docs/lessons docs/reference .coverage .mypy_cache .pytest_cache .ruff_cache

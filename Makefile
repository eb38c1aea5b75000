# `make help` lists the targets. `make test` and `make demo` do all of their set-up themselves.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
# Three on two cores: a test waits for other processes half of its time.
WORKERS ?= 3
# Processes that start hundreds of times are compiled once; components of a lab trade memory for processor time.
TESTED = PYTHONDONTWRITEBYTECODE= GOGC=400 $(BIN)/pytest
SPREAD = --numprocesses=$(WORKERS) --dist=loadgroup --no-loadscope-reorder --durations=10 --durations-min=1

# Makes lock files. The versions in them stay until something asks for others.
UV := 0.13.8
UPGRADE ?=
COMPILE = build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' $(UPGRADE)

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PULUMI_SKIP_UPDATE_CHECK := true

.PHONY: help venv setup litellm lab demo test test-fast soak check audit sbom bench golden manifests schema lock \
	digests clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

venv: ## virtual environment with the pinned Python packages
	@$(PYTHON) -I tools/environment.py

setup: venv ## virtual environment, engine and control plane; builds what is missing
	@$(BIN)/python -m tools setup

litellm: venv ## the real LiteLLM proxy, in an environment of its own
	@$(BIN)/python -m tools litellm

lab: setup ## run a control plane until Ctrl-C
	@$(BIN)/python -m lab

demo: setup ## show the whole project at work, on a lab of its own
	@$(BIN)/python -m demo

test: setup litellm ## all tests, but for those of `make soak`
	@$(TESTED) $(SPREAD)

test-fast: setup litellm ## the tests that need no control plane
	@$(TESTED) $(SPREAD) -m "not lab"

soak: setup litellm ## long tests before a release: random kills, growth, outages, random examples
	@$(TESTED) --soak --durations=10
	@$(TESTED) $(SPREAD) -m "not lab" --hypothesis-profile=soak tests/plan tests/graph tests/kube tests/daemon/test_leader_rivalry.py tests/daemon/test_fuzzed_objects.py

check: venv ## lint, format, types, direction of imports, unused code, generated manifests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m gateway_components.install --check

audit: setup ## look up known vulnerabilities of all Python packages and linked Go modules; needs the network
	@$(BIN)/python -m tools audit

sbom: setup ## write what the image is made of into build/sbom, in CycloneDX
	@$(BIN)/python -m tools sbom

bench: setup ## measure time, memory and requests
	@$(BIN)/python -m bench

golden: venv ## write the expected plans and drawings anew
	$(BIN)/pytest tests/plan tests/graph --regenerate

manifests: venv ## write deploy/ and the generated files of examples/overlays/ anew, deploy/crds from the models
	$(BIN)/python -m gateway_components.install

schema: litellm ## write the keys that LiteLLM knows anew from its package
	@$(BIN)/python -m tools schema

lock: ## write the lock files anew: versions and hashes of all Python packages; `UPGRADE=--upgrade` for newer ones
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	$(COMPILE) --output-file constraints.txt requirements-dev.txt
	$(COMPILE) --constraint constraints.txt --output-file constraints-image.txt requirements-image.txt
	$(COMPILE) --output-file tools/litellm/constraints.txt tools/litellm/requirements.txt
	$(COMPILE) --output-file tools/auditors/constraints.txt tools/auditors/requirements.txt
	rm -r build/lock

digests: venv ## look up the digests of the base images and write them into the Dockerfile; needs the network
	@$(BIN)/python -m tools digests

clean: ## remove everything generated here; the cache of built binaries stays
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

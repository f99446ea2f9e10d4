# make demo     the story in the terminal, with no account anywhere (SCENARIO=burst: another one; SCENARIO=help: all)
# make test     everything that is checked
# make soak     simulated nights, new ones each time (SEEDS=100000, or SOAK_SECONDS=600; SEED=123: its history)
# make replay   public incidents, played and judged (EACH=1: every episode; SETTINGS=1: what other settings would have done)
# make fuzz     bad input at every entry point (FUZZ_SECONDS=600; ENTRY=gate SEED=123: one round again)
# make mutants  break the code on purpose, and see that the tests notice (NAME=gate: those whose names say so)
# make package  what `sam deploy` uploads, built and looked at
# make pictures docs/card.png and docs/cards.png, drawn anew (needs Debian's chromium, nodejs, npm and pngquant)
#
# Needs Debian's make, python3 (3.11 or newer) and python3-venv, or the like.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
SAM_VERSION := 1.170.0
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: help setup demo test soak replay fuzz mutants package pictures clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: .venv/.installed

.venv/.installed: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Allclear needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 setup"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Installing the pinned packages into .venv (once; about a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python $(PIP_INSTALL) -r requirements.txt -r requirements-dev.txt
	@touch $@

demo: setup
	@$(BIN)/python -m playground.demo "$(SCENARIO)"

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml examples/*.yaml examples/*/*.yaml
	$(BIN)/python -m tests.simulation.soak --first 0 --seeds $(TEST_NIGHTS)
	$(BIN)/pytest -n auto --dist worksteal

# The same nights each time: a red run is the change's doing. `make soak` plays new ones.
TEST_NIGHTS ?= 100

soak: setup
	@$(BIN)/python -m tests.simulation.soak \
		$(if $(SEED),--seed $(SEED) --shrink,$(if $(SOAK_SECONDS),--seconds $(SOAK_SECONDS),--seeds $(or $(SEEDS),1000)))

replay: setup
	@$(BIN)/python -m tests.replay $(if $(EACH),--each) $(if $(SETTINGS),--settings)

fuzz: setup
	@$(BIN)/python -W ignore -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),60) \
		$(if $(ENTRY),--entry $(ENTRY)) $(if $(SEED),--seed $(SEED))

mutants: setup
	@$(BIN)/python -m tests.mutants $(if $(NAME),"$(NAME)")

pictures: setup
	playground/pictures/draw.sh

clean:
	rm -rf .venv .venv-sam .aws-sam build

# SAM pins packages of its own, boto3 among them, so it lives apart.
.venv-sam/.installed: Makefile
	@echo "Installing SAM CLI $(SAM_VERSION) into .venv-sam (once) ..."
	@$(PYTHON) -m venv .venv-sam
	@.venv-sam/bin/python $(PIP_INSTALL) aws-sam-cli==$(SAM_VERSION)
	@touch $@

package: export SAM_CLI_TELEMETRY := 0
package: export AWS_DEFAULT_REGION ?= us-east-1
package: .venv-sam/.installed
	.venv-sam/bin/sam validate --lint
	.venv-sam/bin/sam build
	$(PYTHON) .ci/check_package.py .aws-sam/build

# What `sam build` runs, once for each function (BuildMethod: makefile). The packages are installed once, for
# Lambda's machine and Python whatever this one's are, and copied from there.
FUNCTIONS := PipelineEventFunction HealthEventFunction SlackRequestFunction GateFunction SweepFunction \
	ResumeFunction NotifyFunction

.PHONY: $(FUNCTIONS:%=build-%)
$(FUNCTIONS:%=build-%): build/dependencies/.installed
	cp -R build/dependencies/. "$(ARTIFACTS_DIR)"
	rm "$(ARTIFACTS_DIR)/.installed"
	cp -R bot handlers "$(ARTIFACTS_DIR)"
	find "$(ARTIFACTS_DIR)" -name __pycache__ -prune -exec rm -rf {} +

# slack_sdk brings `slack`, its name of old, and jmespath a command (bin); nothing here uses either.
build/dependencies/.installed: requirements.txt
	rm -rf build/dependencies
	$(firstword $(wildcard .venv-sam/bin/python .venv/bin/python) $(PYTHON)) $(PIP_INSTALL) --no-deps --no-compile \
		--platform manylinux2014_aarch64 --implementation cp --python-version 3.13 --only-binary=:all: \
		-r requirements.txt --target build/dependencies
	rm -rf build/dependencies/bin build/dependencies/slack
	touch $@

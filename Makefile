# make demo   sets everything up and serves the browser demo on http://127.0.0.1:8080
# make test   sets everything up and runs every check
# make evaluate DATA=FOLDER   measures mini with every suite; FOLDER holds real audio (docs/evaluation.md)
# All are idempotent; the second run does not set up again unless pyproject.toml or this file changed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8080
# The CPU build where a wheel of it is at hand; elsewhere pip takes the platform's default build.
TORCH  ?= torch==2.13.0

APT_DEMO := libportaudio2
APT_TEST := chromium pulseaudio pulseaudio-utils libasound2-plugins espeak-ng
APT_TRAIN := espeak-ng flite festival festvox-kallpc16k festvox-us-slt-hts

DATA   ?= ../shared/data
JOBS   ?= 2
# What simulated users say in the evaluation: voices and ways of asking that were kept out of training.
TESTS  := test_voice test_frame test_voice_frame test_robot test_turns test_backchannels test_commands

.PHONY: demo test format lint types contracts unit evaluate clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(VENV)/.demo
	$(BIN)/duplex serve --model mini --port $(PORT)

test: $(VENV)/.test lint types contracts unit

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

contracts: $(VENV)/.test
	$(BIN)/lint-imports

unit: $(VENV)/.test
	$(BIN)/pytest

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.base: pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d; set PYTHON=" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH)
	@touch $@

$(VENV)/.demo: $(VENV)/.base
	@scripts/apt.sh $(APT_DEMO)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@scripts/apt.sh $(APT_TEST)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,eval]'
	@touch $@

evaluate: $(VENV)/.test runs/trials/trials.jsonl
	$(BIN)/duplex evaluate all --data $(DATA) --jobs $(JOBS)

runs/trials/trials.jsonl: | $(VENV)/.train
	$(BIN)/duplex train speech $(TESTS:%=--part %)
	$(BIN)/duplex train trials

$(VENV)/.train: $(VENV)/.base
	@scripts/apt.sh $(APT_TRAIN)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[train]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

# make demo   sets everything up and serves the browser demo on http://127.0.0.1:8080
# make test   sets everything up and runs every check
# make evaluate DATA=FOLDER   measures mini with every suite; FOLDER holds real audio (docs/evaluation.md)
# make fuzz   gives all readers of foreign input 100,000 inputs that are almost right; N=1000 SEED=2 KIND=sounds change it
# make lock   writes locks/ after a dependency was added to pyproject.toml; what is locked keeps its version
# make update   renews locks/ to the newest that pyproject.toml allows and runs the tests; TORCH_VERSION=2.14.1 moves torch too
# make test-oldest   runs the tests with the lowest versions that pyproject.toml allows
# make test-newest   runs the tests with the newest versions there are, upper bounds left out
# All are idempotent; the second run does not set up again unless the locks, pyproject.toml or the set-up itself changed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PORT   ?= 8080
# Which build of torch: auto looks for an NVIDIA GPU; default is what PyPI has; cpu, cu130 ... are PyTorch's labels.
TORCH  ?= auto
TORCH_VERSION ?=

# Where services are started, the package would start a TURN server for everybody; its tests are skipped there.
COTURN := $(if $(wildcard /run/systemd/system),,coturn)
APT_DEMO := libportaudio2
APT_TEST := chromium pulseaudio pulseaudio-utils libasound2-plugins espeak-ng $(COTURN)
APT_TRAIN := espeak-ng flite festival festvox-kallpc16k festvox-us-slt-hts

DATA   ?= ../shared/data
JOBS   ?= 2
# What simulated users say in the evaluation: voices and ways of asking that were kept out of training.
TESTS  := test_voice test_frame test_voice_frame test_robot test_turns test_backchannels test_commands

SET_UP := pyproject.toml Makefile locks/uv.txt locks/torch.txt scripts/install.py scripts/torch_build.py scripts/apt.sh
INSTALL = $(PYTHON) -m scripts.install --venv $(VENV) --torch $(TORCH)

# Where no bytecode is kept, each start compiles torch and transformers anew, which takes 10 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo smollm2 test format lint types contracts unit fuzz evaluate lock update test-oldest test-newest python clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: $(VENV)/.demo smollm2
	$(BIN)/duplex serve --model mini-smollm2 --port $(PORT)

# Downloads 93 MB, once. Without it mini answers alone, the page says so, and the next start tries again.
smollm2: $(VENV)/.demo
	@$(BIN)/python -m duplex.model.language_models.smollm2 > /dev/null || echo "set-up: mini answers alone"

test: $(VENV)/.test lint types contracts unit

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

contracts: $(VENV)/.test
	$(BIN)/lint-imports

unit: $(VENV)/.test
	@$(BIN)/python -m scripts.run_tests --jobs $(JOBS)

fuzz: $(VENV)/.test
	@$(BIN)/python -m tests.fuzz $(N:%=--inputs %) $(SEED:%=--seed %) $(KIND:%=--kind %)

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.demo: locks/demo.txt $(SET_UP) | python
	@scripts/apt.sh $(APT_DEMO)
	@$(INSTALL) demo
	@touch $@

$(VENV)/.test: locks/dev.txt locks/eval.txt $(VENV)/.demo
	@scripts/apt.sh $(APT_TEST)
	@$(INSTALL) dev eval
	@touch $@

$(VENV)/.train: locks/train.txt $(VENV)/.demo
	@scripts/apt.sh $(APT_TRAIN)
	@$(INSTALL) train
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d; set PYTHON=" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || scripts/apt.sh python3-venv

lock: python
	@$(PYTHON) -m scripts.lock $(TORCH_VERSION:%=--torch %)

update: python
	@$(PYTHON) -m scripts.lock --upgrade $(TORCH_VERSION:%=--torch %)
	@$(MAKE) test

test-oldest test-newest: test-%: $(VENV)/.test
	@scripts/apt.sh $(APT_TEST)
	@$(BIN)/python -m scripts.try_versions --torch $(TORCH) --jobs $(JOBS) $* $(if $(TESTS_OF),-- $(TESTS_OF))

evaluate: $(VENV)/.test runs/trials/trials.jsonl
	$(BIN)/duplex evaluate all --data $(DATA) --jobs $(JOBS)

runs/trials/trials.jsonl: | $(VENV)/.train
	$(BIN)/duplex train speech $(TESTS:%=--part %)
	$(BIN)/duplex train trials

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-newest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

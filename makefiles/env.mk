# How recipes run: the shell, uv and Python, and the tools that a recipe names.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.NOTPARALLEL: # the runners behind the targets use the cores themselves
.DEFAULT_GOAL := help

ifeq ($(filter oneshell,$(.FEATURES)),)
$(error GNU Make 4 or later is needed, this is $(MAKE_VERSION))
endif

ROOT := $(CURDIR)
BOOTSTRAP := tools/bootstrap

# A command in the locked Python environment; uv and Python are installed when missing.
UV_RUN := $(BOOTSTRAP) uv run --frozen
PYTHON := $(UV_RUN) python

# $(call with,terraform terragrunt) COMMAND: runs it where it finds these tools (tools/versions.toml), which are built when missing.
with = $(PYTHON) -m tools.install $(1) --

# Arguments for the commands behind some targets: make test-unit ARGS='-k fingerprint'
ARGS ?=

# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Most targets are sessions of noxfile.py. Everything they create stays in .build; ARGS is passed to the program that the session runs.

BUILD := $(CURDIR)/.build
ARGS ?=

# Package installers read the user's settings, but nothing writes to the user's home directory.
ifneq ($(HOME),$(BUILD)/home)
export USER_HOME := $(HOME)
endif
export XDG_CONFIG_HOME ?= $(USER_HOME)/.config
export HOME := $(BUILD)/home
export XDG_CACHE_HOME := $(BUILD)/cache
export UV_CACHE_DIR ?= $(BUILD)/cache/uv
export PIP_CACHE_DIR ?= $(BUILD)/cache/pip
export UV_PYTHON_DOWNLOADS := never
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 1
unexport PIP_PREFIX PIP_PYTHON PIP_ROOT PIP_TARGET
# The user's settings for other Python and Ansible programs would interfere.
unexport $(filter ANSIBLE_% NOX% PYTEST_% PYTHON%,$(.VARIABLES)) VIRTUAL_ENV
# Hundreds of programs are started, each twice as fast with compiled modules. These are kept out of the checkout and the Python installation.
export PYTHONPYCACHEPREFIX := $(BUILD)/cache/pycache
# Ansible needs a UTF-8 locale. The user's may not have been generated; this one is always available.
export LC_ALL := C.UTF-8
# In a git hook, these variables point to the repository for which the hook runs.
unexport $(shell git rev-parse --local-env-vars 2>/dev/null)
# The checkout may belong to another user, for example in a bind mount of a container.
export GIT_CONFIG_COUNT := 1
export GIT_CONFIG_KEY_0 := safe.directory
export GIT_CONFIG_VALUE_0 := $(CURDIR)
export PATH := $(BUILD)/pythons:$(BUILD)/tools/bin:$(PATH)

CORES := 2.16 2.17 2.18 2.19 2.20 2.21
SESSIONS := demo test awx oldest-requests fuzz lint ansible-lint docs-check license-check extra-checks workflow-check changelog galaxy-importer \
	dist docs conformance bench mutation release $(CORES:%=test-%) $(CORES:%=sanity-%)

.DEFAULT_GOAL := help
.PHONY: help prepare tools sanity matrix ci clean $(SESSIONS)

help:
	@echo "The most important targets:"
	@echo "  demo             schedule a resize on a simulator, cancel it with a playbook, and run the playbook again"
	@echo "  test             unit tests and real playbooks, against the simulator, with branch coverage"
	@echo "Tests on other versions:"
	@echo "  test-X           the tests that depend on ansible-core, on version X: $(CORES)"
	@echo "  matrix           test-X on each version"
	@echo "  oldest-requests  unit tests and real playbooks, with the oldest requests and the modules on the oldest Python"
	@echo "  awx              the files for AWX; downloads a package of 58 MB"
	@echo "  fuzz             random responses, different ones each time"
	@echo "  conformance      compare the assumptions about the API with the simulator or, with the variables in the README, the cloud"
	@echo "  mutation         mutation testing of the plugins' core"
	@echo "  bench            benchmarks"
	@echo "Checks:"
	@echo "  sanity-X         ansible-test sanity of ansible-core X"
	@echo "  sanity           sanity-X of each version"
	@echo "  lint             ruff, mypy and yamllint"
	@echo "  ansible-lint     roles and playbooks, profile production"
	@echo "  docs-check       markup and references of the documentation"
	@echo "  license-check    copyright and license of each file"
	@echo "  workflow-check   the GitHub workflows"
	@echo "  extra-checks     unwanted files, action groups, white space"
	@echo "  changelog        the changelog and the version"
	@echo "  galaxy-importer  what Galaxy and Automation Hub check"
	@echo "  ci               everything that .ci/run checks"
	@echo "Results:"
	@echo "  dist             the tarball, installed and tested"
	@echo "  docs             the documentation site"
	@echo "  release          make the changelog of the version in galaxy.yml from the fragments"
	@echo "Others:"
	@echo "  tools            find the installed Python versions, and install nox and uv in .build"
	@echo "  clean            remove .build"

prepare:
	@HOME="$$USER_HOME" bash tests/tools/prepare.sh

# Also finds Python versions that have been installed since the last run.
tools: prepare
	@HOME="$$USER_HOME" bash tests/tools/pythons.sh .build/pythons

$(SESSIONS): prepare
	@.build/tools/bin/python -m nox -s $@ -- $(ARGS)

sanity: $(CORES:%=sanity-%)

matrix: $(CORES:%=test-%)

ci:
	@bash .ci/run

clean:
	rm -rf .build

# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Each target is a session of noxfile.py. All that they make stays in .build. ARGS is handed to the tool that the target runs.

BUILD := $(CURDIR)/.build
NOX := $(BUILD)/tools/bin/nox
ARGS ?=

# Package installers read the user's settings, and nothing writes to the user's home.
USER_HOME := $(HOME)
export XDG_CONFIG_HOME ?= $(HOME)/.config
export HOME := $(BUILD)/home
export XDG_CACHE_HOME := $(BUILD)/cache
export UV_CACHE_DIR ?= $(BUILD)/cache/uv
export PIP_CACHE_DIR ?= $(BUILD)/cache/pip
export UV_PYTHON_DOWNLOADS := never
export PATH := $(BUILD)/pythons:$(PATH)
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DEFAULT_GOAL := help

.PHONY: help
help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9.-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(NOX): pyproject.toml tests/tools/pythons.sh
	@mkdir -p $(HOME)
	@HOME=$(USER_HOME) tests/tools/pythons.sh $(BUILD)/pythons
	@$(BUILD)/pythons/python3 -m venv --clear $(BUILD)/tools
	@$(BUILD)/tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'
	@$(BUILD)/tools/bin/uv pip install --quiet --python $(BUILD)/tools --group tools
	@touch $@

.PHONY: demo
demo: $(NOX)  ## See it happen: schedule a resize on a simulator, cancel it with a playbook, run that again
	@$(NOX) -s demo -- $(ARGS)

.PHONY: test
test: $(NOX)  ## Unit tests and real playbooks against the simulator
	@$(NOX) -s test -- $(ARGS)

.PHONY: clean
clean:  ## Remove all that the targets made
	rm -rf $(BUILD)

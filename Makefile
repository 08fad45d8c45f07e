# make demo and make test set up all they need on a fresh Debian machine; each step runs once.
#
#   make demo     boots eight Linux guests, kills the daemon, adopts them, shuts them down
#   make test     lint and all tests
#   make bench    measures, beside libvirtd where it is installed
#   make fuzz      feeds the daemon's decoders with bytes of atheris's making, FUZZ_SECONDS long
#   make campaign  kills the daemon and its guests ROUNDS times, and looks whether anything was lost
#   make lint     ruff and pyright
#   make setup    only the set-up: system packages (as root), .venv, the small guest in .cache/guest
#   make clean    removes what the set-up made in this folder

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := test

# The distribution's Python where it is new enough: one that pyenv built here without optimising takes half as long again.
PYTHON ?= $(shell /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
    && echo /usr/bin/python3 || echo python3)
BIN := .venv/bin
FUZZ_SECONDS ?= 60
ROUNDS ?= 200
SEED ?= 1
export DEBIAN_FRONTEND := noninteractive
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# What must be found, and the Debian package that has it.
REQUIRED := qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils

# What the tests hold us to, where it can be installed: libvirt's own clients and daemon, the shells that complete our
# commands. Without it they are skipped, each by its name.
TESTED_WITH := swtpm libvirt-daemon-system libvirt-clients virtinst python3-libvirt libsys-virt-perl tshark \
    libvirt-wireshark openssh-server openssh-client openssl netcat-openbsd iproute2 zsh fish

.PHONY: demo test bench fuzz campaign lint setup clean system guest tested-with

demo: setup
	$(BIN)/python examples/demo.py

test: setup tested-with lint
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

bench: setup
	$(BIN)/python -m benchmarks

fuzz: setup
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/pip install --quiet '.[fuzz]'
	$(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS)

campaign: setup
	$(BIN)/python -m campaign --rounds $(ROUNDS) --seed $(SEED)

lint: .venv/ready
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/pyright

setup: system .venv/ready .cache/guest/ready

clean:
	rm -rf .venv .cache build dist *.egg-info .pytest_cache .ruff_cache .hypothesis

# A package index is fetched only when installing fails without: it is absent or too old then.
system:
	@missing=()
	for pair in $(REQUIRED); do
	    command -v "$${pair%%:*}" >/dev/null || missing+=("$${pair##*:}")
	done
	$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || missing+=(python3-venv)
	[ $${#missing[@]} -gt 0 ] || exit 0
	if [ "$$(id -u)" != 0 ]; then
	    echo "Please install what is missing, as root: apt-get install $${missing[*]}" >&2
	    exit 1
	fi
	install="apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends $${missing[*]}"
	echo "$$install"
	$$install </dev/null || { apt-get update -qq && $$install </dev/null; }

# An X server, a desktop or a mail server are recommended by some of these, and no test wants them.
tested-with:
	@missing=()
	for package in $(TESTED_WITH); do
	    dpkg-query --show --showformat='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package")
	done
	[ $${#missing[@]} -gt 0 ] && [ "$$(id -u)" = 0 ] || exit 0
	install="apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends $${missing[*]}"
	echo "$$install"
	$$install </dev/null || { apt-get update -qq && $$install </dev/null; } \
	    || echo "Going on without: the tests with $${missing[*]} are skipped" >&2

.venv/ready: pyproject.toml setup.py
	@echo "Making .venv"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --editable '.[dev]'
	# Also where the environment forbids to write bytecode, the shell is to start quickly.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q wire client actors
	# pyright does not look into editable installs: here it finds our packages by the names that tests import.
	mkdir -p .venv/typing
	ln -sfn ../.. .venv/typing/virtactor
	touch $@

.cache/guest/ready: $(wildcard examples/guest/*)
	@echo "Building the small Linux guest"
	build="$(PYTHON) -m examples.guest"
	if [ "$$(id -u)" = 0 ]; then
	    $$build 2>/dev/null || { apt-get update -qq && $$build; }
	else
	    $$build
	fi
	touch $@

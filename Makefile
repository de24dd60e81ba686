# The tasks of this repository. `make` alone explains each target.

.DEFAULT_GOAL := help
.PHONY: help setup build install run test check test-swift test-blackbox test-browser test-packages test-instructions package \
	bench format clean

# Passed to the script: make run ARGS="--port 9000", make bench ARGS=quick
ARGS ?=
# Where make install puts the program and what belongs to it, below DESTDIR.
PREFIX ?= /usr/local
DESTDIR ?=

help: ## explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## install the libraries that a build needs and this machine lacks
	@Scripts/setup

build: setup ## build the release binary, .build/release/ovation
	@Scripts/release ovation

install: ## install what make build built, with manual and completions; PREFIX=/usr/local unless you say
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" Scripts/install

run: setup ## build and start a server with the article's example; ARGS="--port 9000" adds options
	@Scripts/run $(ARGS)

test: ## check the format, build, and run every test but those of the packages; ARGS=ci has them too
	@Scripts/test $(ARGS)

check: ## check the format, tidiness, and the tests of Core and Wire, in a minute after a small change
	@Scripts/test check

test-swift: ## check the format and run all tests in Swift
	@Scripts/test swift

test-blackbox: ## run the tests of the built program
	@Scripts/test blackbox

test-browser: ## run the tests of the console in a browser
	@Scripts/test browser

test-packages: ## build the packages, and use them in a clean Debian; as root
	@Scripts/test packages

test-instructions: ## instruction counts of the hot path
	@Scripts/test instructions

package: setup ## build a .deb, an archive and an image into .build/packages
	@Scripts/package

bench: ## measure beside other servers and judge the targets; ARGS=quick takes two minutes; also long, micro, postgres
	@Scripts/bench $(ARGS)

format: ## put all Swift files into the common format
	swift format --in-place --recursive Sources Tests Benchmarks Package.swift

clean: ## remove everything built and installed here; the data in ovation-data stays
	rm -rf .build .venv

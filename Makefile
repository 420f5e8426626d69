# SPDX-License-Identifier: Apache-2.0
# The short way in. Everything lies in build/; `make help` lists the targets.
BUILD   ?= build
PRESET  ?= release
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
FOR     ?= 60
TESTS   ?= .

.PHONY: all help run check bench fuzz lint format soak install clean dependencies

all: $(BUILD)/build.ninja
	@cmake --build $(BUILD) -j $(JOBS)

$(BUILD)/build.ninja:
	@command -v cmake >/dev/null || { echo "cmake is missing: tools/install-dependencies installs what is needed (make run and make check call it)"; exit 1; }
	@cmake --preset $(PRESET) -B $(BUILD)

help:
	@echo "make            build $(BUILD)/sheaf and the libraries (installs nothing)"
	@echo "make run        install what is missing, build, simulate 100,000 insurance trajectories and show what is stored"
	@echo "make check      install what is missing, build, run all tests (TESTS=REGEX: some of them)"
	@echo "make bench      measure: one table and one JSON file in $(BUILD)/bench"
	@echo "make fuzz       every fuzz target for FOR=$(FOR) seconds (clang)"
	@echo "make lint       format, static analysis, layers, exported symbols"
	@echo "make format     write every C file as .clang-format says"
	@echo "make soak       long crash tests with their figures, then all fault tests with new seeds for FOR=$(FOR) seconds"
	@echo "make install    into PREFIX=$(PREFIX) (DESTDIR is honoured)"
	@echo "make clean      remove the build folders"

run:
	@tools/install-dependencies build
	@$(MAKE) --no-print-directory all
	@tools/run-demo $(BUILD)

check:
	@tools/install-dependencies build test
	@$(MAKE) --no-print-directory all
	@tools/make-python $(CURDIR)/$(BUILD)/python
	@ctest --test-dir $(BUILD) -j $(JOBS) -R '$(TESTS)' --no-tests=error --output-on-failure

bench:
	@tools/install-dependencies build test
	@$(MAKE) --no-print-directory all
	@tools/make-python $(CURDIR)/$(BUILD)/python
	@bench/run $(BUILD)

fuzz:
	@tools/install-dependencies dev
	@tools/fuzz $(FOR)

lint:
	@tools/install-dependencies dev
	@$(MAKE) --no-print-directory all
	@tools/lint $(BUILD)

format:
	@tools/install-dependencies dev
	@find src cli include tests fuzz examples bench -name '*.[ch]' -print0 2>/dev/null | xargs -0 clang-format-14 -i

soak:
	@tools/install-dependencies build test
	@$(MAKE) --no-print-directory all
	@tools/make-python $(CURDIR)/$(BUILD)/python
	@tools/soak $(BUILD) $(FOR)

install: all
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	@rm -rf build build-*

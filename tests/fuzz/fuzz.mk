# SPDX-License-Identifier: MIT
#
# The fuzz targets with libFuzzer (clang), beside the replay of their corpora in `make check`.
# What a run finds stays in $(BUILD)/fuzz.

TIME ?= 60
# SEED and COUNT of the command line only: the defaults of `make mutate` are not meant here.
given = $(if $(filter command environment,$(firstword $(origin $(1)))),$($(1)),$(2))
FUZZ_SEED = $(if $(call given,SEED),--seed $(call given,SEED))
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SAN = CC=clang BUILD=$(BUILD)/fuzz SANITIZE=fuzzer-no-link,address,undefined OPT='-O1 -g' LDFLAGS=-fsanitize=fuzzer
FUZZ_COVER = CC=clang BUILD=$(BUILD)/fuzz-coverage SANITIZE=fuzzer-no-link OPT='-O0 -g -fprofile-instr-generate -fcoverage-mapping' LDFLAGS=-fsanitize=fuzzer
FUZZ_MAKE = +@nice -n 10 $(MAKE) --no-print-directory -s

.PHONY: fuzz fuzz-coverage fuzz-planted fuzz-programs fuzz-differential
fuzz: ## each fuzz target with libFuzzer for TIME=60 seconds from its shipped corpus
	$(FUZZ_MAKE) $(FUZZ_SAN) fuzz-programs
	@nice -n 10 /usr/bin/python3 tests/fuzz/fuzz.py run --build $(BUILD) --seconds $(TIME) $(FUZZ_SEED) $(ONLY)

fuzz-coverage: ## how much of its parser each fuzz target reaches from its shipped corpus
	$(FUZZ_MAKE) $(FUZZ_COVER) fuzz-programs
	@nice -n 10 /usr/bin/python3 tests/fuzz/fuzz.py coverage --build $(BUILD) $(ONLY)

fuzz-planted: ## bugs planted one at a time in a copy of the tree: does fuzzing find them?
	@nice -n 10 /usr/bin/python3 tests/fuzz/plant.py --build $(BUILD) $(FUZZ_SEED) $(ONLY)

fuzz-differential: $(BUILD)/tests/spf_differential ## SPF against the oracle of the tests, COUNT=100000 times
	@nice -n 10 $< --count $(call given,COUNT,100000) $(FUZZ_SEED)

fuzz-programs: $(FUZZ_TARGETS:%=$(BUILD)/%)
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/libsupport.a $(BUILD)/libmodule.a $(BUILD)/libmoon.a
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# For plant.py: how the programs of `make fuzz` are made.
.PHONY: fuzz-words
fuzz-words:
	@echo "$(FUZZ_SAN)"

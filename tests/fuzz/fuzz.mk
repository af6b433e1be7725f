# SPDX-License-Identifier: MIT
#
# The fuzz targets with libFuzzer (clang), beside the replay of their corpora in `make check`.
# What a run finds stays in $(BUILD)/fuzz.

TIME ?= 60
SEED ?=
COUNT ?= 100000
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SAN = CC=clang BUILD=$(BUILD)/fuzz SANITIZE=fuzzer-no-link,address,undefined OPT='-O1 -g' LDFLAGS=-fsanitize=fuzzer
FUZZ_COVER = CC=clang BUILD=$(BUILD)/fuzz-coverage SANITIZE=fuzzer-no-link OPT='-O0 -g -fprofile-instr-generate -fcoverage-mapping' LDFLAGS=-fsanitize=fuzzer
FUZZ_MAKE = +@nice -n 10 $(MAKE) --no-print-directory -s

.PHONY: fuzz fuzz-coverage fuzz-planted fuzz-programs fuzz-differential
# Each target for TIME seconds from its shipped corpus; a row each.
fuzz:
	$(FUZZ_MAKE) $(FUZZ_SAN) fuzz-programs
	@nice -n 10 /usr/bin/python3 tests/fuzz/fuzz.py run --build $(BUILD) --seconds $(TIME) $(if $(SEED),--seed $(SEED)) $(ONLY)

# How much of its parser each target reaches from the shipped corpus alone.
fuzz-coverage:
	$(FUZZ_MAKE) $(FUZZ_COVER) fuzz-programs
	@nice -n 10 /usr/bin/python3 tests/fuzz/fuzz.py coverage --build $(BUILD) $(ONLY)

# Bugs planted one at a time in a copy of the tree: does the target find them?
fuzz-planted:
	@nice -n 10 /usr/bin/python3 tests/fuzz/plant.py --build $(BUILD) $(if $(SEED),--seed $(SEED)) $(ONLY)

# SPF by the production path and by the oracle of the tests, on COUNT generated evaluations.
fuzz-differential: $(BUILD)/tests/spf_differential
	@nice -n 10 $< --count $(COUNT) $(if $(SEED),--seed $(SEED))

fuzz-programs: $(FUZZ_TARGETS:%=$(BUILD)/%)
$(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/libsupport.a $(BUILD)/libmodule.a $(BUILD)/libmoon.a
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# For plant.py: how the programs of `make fuzz` are made.
.PHONY: fuzz-words
fuzz-words:
	@echo "$(FUZZ_SAN)"

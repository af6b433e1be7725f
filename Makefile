# SPDX-License-Identifier: MIT
#
# Moonscan. `make` builds build/moonscan.so (the module for Exim) and build/moonscan (the program);
# `make help` lists the rest. A new file in a room is found by itself.

ifeq ($(origin CC),default)
CC = gcc
endif
PKG_CONFIG  ?= pkg-config
PREFIX      ?= /usr
SYSCONFDIR  ?= /etc
STATEDIR    ?= /var/lib
LOGDIR      ?= /var/log
DESTDIR     ?=
BUILD       ?= build
EXIM_INCLUDE ?= /usr/include/exim4

WARN     = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wconversion -Werror
HARDEN   = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
OPT     ?= -O2 -g
SANITIZE ?=
CPPFLAGS_ALL = -std=c11 -D_GNU_SOURCE -I. $(CPPFLAGS)
CFLAGS_ALL   = $(OPT) $(WARN) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all,$(HARDEN)) $(CFLAGS)
LDFLAGS_ALL  = $(if $(SANITIZE),-fsanitize=$(SANITIZE),-pie -Wl,-z,relro,-z,now) $(LDFLAGS)

# The store's two libraries as archives: linked dynamically they cost every worker a third more of
# the dynamic linker's work, used or not (docs/dependencies.md). STORE_LIBS="-lsqlite3 -lhiredis"
# where there are no archives.
STORE_LIBS ?= -l:libsqlite3.a -l:libhiredis.a -lm
LIBRARIES = lua5.4 libcares libpsl libidn2 libcrypto
LIB_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBRARIES) 2>/dev/null)
LIBS = $(shell $(PKG_CONFIG) --libs $(LIBRARIES) 2>/dev/null) -lspf2 -lopendkim $(STORE_LIBS)
# STATIC=1: the libraries' archives instead, so that a worker starts without the dynamic linker; with
# what libspf2 and libopendkim need in their turn. The linker's warnings are shown only when it
# fails: they speak of getaddrinfo and dlopen in code of the libraries that we never call.
STATIC     ?=
MAIN_OBJ   = $(BUILD)/obj/engine/cmd/main.o $(BUILD)/obj/engine/cmd/absent.o
# Where it begins, on the machine that start.S is written for.
START      = $(if $(filter x86_64%,$(shell $(CC) -dumpmachine 2>/dev/null)),engine/cmd/start)
STATIC_OBJ = $(BUILD)/obj/engine/cmd/few.o $(START:%=$(BUILD)/obj/%.o)
STATIC_LIBS = -lspf2 -lopendkim $(shell $(PKG_CONFIG) --static --libs $(LIBRARIES) 2>/dev/null) $(STORE_LIBS) -lresolv -lbsd
# Answered by engine/cmd/absent.c and few.c: what they lead to would only make the start dearer.
ABSENT = db_create openssl_add_all_ciphers_int openssl_add_all_digests_int ossl_err_load_crypto_strings ossl_prov_get_capabilities \
  ossl_default_provider_init EVP_PKEY_asn1_get_count __res_init
link_static = sh engine/cmd/few.sh "$$($(CC) -print-file-name=libcrypto.a)" >$(1).few && \
	$(CC) $(CFLAGS_ALL) $(filter-out -pie,$(LDFLAGS_ALL)) -static-pie $(patsubst %,-Wl$(comma)--wrap=%,d2i_PUBKEY_bio $(ABSENT)) @$(1).few $(if $(START),-Wl$(comma)-e$(comma)moon_start) -o $(1) $(2) $(STATIC_LIBS) 2>$(1).log || { cat $(1).log >&2; exit 1; }
comma := ,

# Says what is missing before the compiler does, and what helps. $(1): shell commands that print it.
tell_missing = @missing=$$(echo $$($(1))); [ -z "$$missing" ] || { \
	echo "make: missing: $$missing. On Debian, \`make deps\` installs all that is needed." >&2; exit 1; }
without_header = echo '\#include <$(1)>' | $(CC) $(2) -E -x c - >/dev/null 2>&1 || echo $(1)

# --- what is built -------------------------------------------------------------------------------

ENGINE_SRC = $(filter-out engine/cmd/main.c engine/cmd/absent.c engine/cmd/few.c engine/cmd/filter_make.c,$(wildcard engine/*/*.c)) $(wildcard lua/*.c)
LUA_EMBEDDED = policies/standard.lua policies/strict.lua policies/monitor.lua $(wildcard policies/profiles/*.lua lua/*.lua)
MODULE_SRC = $(wildcard local_scan/*.c) $(wildcard engine/wire/*.c) engine/base/buf.c engine/base/nearest.c

ENGINE_OBJ = $(ENGINE_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/gen/embedded.o $(BUILD)/obj/gen/filter.o
MODULE_OBJ = $(MODULE_SRC:%.c=$(BUILD)/pic/%.o)
UNIT_TESTS = $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
# The module's logic without Exim, for its tests; the amalgamation ends with the files that need Exim.
MODULE_EXIM_SRC = $(wildcard local_scan/exim*.c)
MODULE_PLAIN_SRC = $(filter-out $(MODULE_EXIM_SRC),$(wildcard local_scan/*.c))
AMALGAMATION_SRC = engine/base/buf.c engine/base/nearest.c $(wildcard engine/wire/*.c) $(MODULE_PLAIN_SRC) $(MODULE_EXIM_SRC)
FUZZ_REPLAY = $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
SUPPORT_OBJ = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out tests/support/main_%,$(wildcard tests/support/*.c)))
SUPPORT_PROGRAMS = $(patsubst tests/support/main_%.c,$(BUILD)/tests/%,$(wildcard tests/support/main_*.c))

.PHONY: all help needs needs-module program module amalgamation units fuzz-replay support clean deps demo lint
all: program module ## build the program and the module (the default)

# What a target is for, as it stands behind two # at its line.
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile tests/fuzz/fuzz.mk | sort | expand -t 22
	@echo 'Variables: PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) SYSCONFDIR=$(SYSCONFDIR) BUILD=$(BUILD) CC=$(CC) SANITIZE=$(SANITIZE) STATIC=$(STATIC)'

program: $(BUILD)/moonscan ## build/moonscan: worker and command line
module: $(BUILD)/moonscan.so ## build/moonscan.so: what Exim loads
amalgamation: $(BUILD)/moonscan_local_scan.c ## the module as one C file, for an Exim of your own
units: $(UNIT_TESTS) ## build the unit tests
fuzz-replay: $(FUZZ_REPLAY) ## build the fuzz targets as programs that replay files
support: $(SUPPORT_PROGRAMS) ## build the helper programs of the tests

needs:
	$(call tell_missing,command -v $(firstword $(CC)) >/dev/null || echo $(CC); \
	  for l in $(LIBRARIES) libseccomp; do $(PKG_CONFIG) --exists $$l 2>/dev/null || echo $$l; done; \
	  $(call without_header,sqlite3.h); $(call without_header,hiredis/hiredis.h); \
	  $(call without_header,spf2/spf.h); $(call without_header,opendkim/dkim.h))

needs-module:
	$(call tell_missing,command -v $(firstword $(CC)) >/dev/null || echo $(CC); \
	  $(call without_header,local_scan.h,-I$(EXIM_INCLUDE)))

$(BUILD)/libmoon.a: $(ENGINE_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/moonscan: $(MAIN_OBJ) $(if $(STATIC),$(STATIC_OBJ) engine/cmd/few.sh) $(BUILD)/libmoon.a $(BUILD)/linked
	$(if $(STATIC),$(call link_static,$@,$(filter %.o %.a,$^)),$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter %.o %.a,$^) $(LIBS))

# The same objects, for `check`, whatever STATIC is.
$(BUILD)/moonscan-static: $(MAIN_OBJ) $(STATIC_OBJ) $(BUILD)/libmoon.a engine/cmd/few.sh
	$(call link_static,$@,$(filter %.o %.a,$^))

# Each process of Exim maps it anew: in two pieces, not four.
MODULE_LINK = -shared -nostartfiles -Wl,-z,relro,-z,now,-z,noseparate-code -Wl,-z,defs,--unresolved-symbols=ignore-all
# The module brings nothing but libc into Exim; its own names stay hidden but for local_scan*. Without
# the compiler's start files, which refer to names that no library has: for each the dynamic linker
# searches all of Exim's libraries, in each connection.
$(BUILD)/moonscan.so: $(MODULE_OBJ)
	$(CC) $(OPT) $(MODULE_LINK) -o $@ $^

# The same module as one C file, for LOCAL_SCAN_SOURCE of an own Exim.
$(BUILD)/moonscan_local_scan.c: $(AMALGAMATION_SRC) $(wildcard local_scan/*.h engine/wire/*.h) \
		engine/base/buf.h engine/base/limits.h engine/base/nearest.h tests/support/amalgamate.sh Makefile
	@mkdir -p $(@D)
	sh tests/support/amalgamate.sh $(PREFIX)/bin/moonscan $(AMALGAMATION_SRC) > $@.new
	@mv $@.new $@

$(BUILD)/libmodule.a: $(MODULE_PLAIN_SRC:%.c=$(BUILD)/obj/%.o)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/obj/%.o: %.c Makefile | needs
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(LIB_CFLAGS) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.S Makefile | needs
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

# The module knows where its program is installed: another PREFIX makes it anew. So does STATIC with
# the program.
$(BUILD)/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' > $@
$(BUILD)/linked: FORCE
	@mkdir -p $(@D)
	@echo 'STATIC=$(STATIC)' | cmp -s - $@ || echo 'STATIC=$(STATIC)' > $@
$(BUILD)/pic/local_scan/settings.o $(BUILD)/moonscan_local_scan.c: $(BUILD)/prefix
.PHONY: FORCE
FORCE:

$(BUILD)/pic/%.o: %.c Makefile | needs-module
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) -isystem $(EXIM_INCLUDE) -DMOON_DLOPEN '-DMOON_PROGRAM="$(PREFIX)/bin/moonscan"' $(OPT) $(WARN) -fstack-protector-strong -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

# Lua sources inside the program: moon_embedded[] of {name, text}, ended by NULL.
$(BUILD)/gen/embedded.c: $(LUA_EMBEDDED) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "lua/embedded.h"'; \
	   echo 'const struct moon_embedded moon_embedded[] = {'; \
	   for f in $(LUA_EMBEDDED); do \
	     printf '{"%s", ""\n' "$$f"; \
	     sed -e '/^function policy\.tests()/,/^end$$/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' "$$f"; \
	     echo '},'; \
	   done; echo '{0, 0}};'; } > $@
$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -c -o $@ $<

# The seccomp filters of workers, as libseccomp makes them here and now.
$(BUILD)/filter_make: engine/cmd/filter_make.c engine/cmd/filter.h engine/base/limits.h Makefile | needs
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(OPT) $(WARN) $(shell $(PKG_CONFIG) --cflags libseccomp) -o $@ $< $(shell $(PKG_CONFIG) --libs libseccomp)
$(BUILD)/gen/filter.c: $(BUILD)/filter_make
	@mkdir -p $(@D)
	$(BUILD)/filter_make > $@.new
	@mv $@.new $@

# --- tests ---------------------------------------------------------------------------------------

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(SUPPORT_OBJ) $(BUILD)/libmodule.a $(BUILD)/libmoon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcmocka

# Start these as the worker, and look for them there.
$(BUILD)/tests/unit/test_ask $(BUILD)/tests/unit/test_ask_ready $(BUILD)/tests/unit/test_service: | $(BUILD)/tests/fakeworker $(BUILD)/moonscan

$(BUILD)/tests/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay.o $(BUILD)/libsupport.a $(BUILD)/libmodule.a $(BUILD)/libmoon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# An archive, so that a program takes only what it uses (some helpers need cmocka).
$(BUILD)/libsupport.a: $(SUPPORT_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/obj/tests/support/main_%.o $(BUILD)/libsupport.a $(BUILD)/libmodule.a $(BUILD)/libmoon.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# For the campaign of faults: what makes the real program die at a step of the protocol, and program
# and module that speak the protocol's next version.
FAULT_PARTS = $(BUILD)/tests/preload.so $(BUILD)/tests/moonscan-next $(BUILD)/tests/moonscan-next.so
$(BUILD)/tests/preload.so: tests/faults/preload.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS_ALL) $(OPT) $(WARN) -fPIC -shared -o $@ $<

$(BUILD)/tests/moonscan-next: $(MAIN_OBJ) $(BUILD)/obj/tests/faults/wire_next.o $(BUILD)/libmoon.a
	$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(BUILD)/tests/moonscan-next.so: $(filter-out %/wire/wire.o,$(MODULE_OBJ)) $(BUILD)/pic/tests/faults/wire_next.o
	$(CC) $(OPT) $(MODULE_LINK) -o $@ $^

FAULT_TESTS = $(BUILD)/tests/unit/test_ask $(BUILD)/tests/unit/test_dns_cares
# Everything is broken on purpose. FAULTS="clock Redis": only those with this in their name.
.PHONY: faults
faults: deps ## break everything on purpose, and 10,000 messages with random kills: a table
	@$(MAKE) --no-print-directory -s all support $(FAULT_PARTS) $(FAULT_TESTS)
	@BUILD=$(BUILD) /usr/bin/python3 tests/faults/faults.py $(FAULTS)

# What building and testing needs: packages by apt, daemons unpacked into $(BUILD)/daemons.
deps: ## install what building and testing needs (apt); no mail server
	@bash tests/support/deps.sh $(BUILD)/daemons

# Mail by SMTP through a real Exim on loopback, a table row each.
demo: deps ## mail through a real Exim and a DNS server on loopback
	@$(MAKE) --no-print-directory -s all support
	@BUILD=$(BUILD) /usr/bin/python3 tests/support/demo.py

# Everything: what demo does, both compilers, the sanitizers' build, the house rules, every test.
ASAN = BUILD=$(BUILD)/asan SANITIZE=address,undefined OPT='-O1 -g'
.PHONY: check $(BUILD)/tests/commands
check: demo ## demo, then every test
	@$(MAKE) --no-print-directory -s all units support amalgamation $(BUILD)/moonscan-static $(FAULT_PARTS)
	@$(MAKE) --no-print-directory -s CC=clang BUILD=$(BUILD)/clang all support
	@$(MAKE) --no-print-directory -s $(ASAN) program units fuzz-replay support
	@$(MAKE) --no-print-directory -s lint $(BUILD)/tests/commands
	@/usr/bin/python3 tests/support/run.py --skips tests/skips.txt --file $(BUILD)/tests/commands

# Their own tests, and every rule of theirs decided by one.
SHIPPED_POLICIES = policies/standard.lua policies/strict.lua policies/monitor.lua \
  $(patsubst %/moonscan.lua,%,$(wildcard policies/*/moonscan.lua)) $(wildcard policies/examples/*/policy.lua)

# One command a line, each printing TAP.
$(BUILD)/tests/commands:
	@mkdir -p $(@D)
	@{ \
	  for t in tests/exim/test_*.py; do for d in heavy light newer static; do \
	    echo "/usr/bin/python3 $$t $$d"; done; done; \
	  for t in tests/exim/test_data*.py; do echo "/usr/bin/python3 $$t newer-heavy"; done; \
	  for b in $(BUILD) $(BUILD)/asan; do \
	    for t in tests/unit/test_*.c; do echo "BUILD=$$b $$b/tests/unit/$$(basename $$t .c)"; done; \
	    echo "/usr/bin/python3 tests/scenario/run.py $$b"; \
	    echo "$$b/tests/attacks tests/policy/attacks"; \
	  done; \
	  for t in tests/fuzz/fuzz_*.c; do n=$$(basename $$t .c); \
	    echo "$(BUILD)/asan/tests/fuzz/$$n tests/fuzz/corpus/$${n#fuzz_}"; done; \
	  echo "MOON_WRAP=valgrind /usr/bin/python3 tests/scenario/run.py $(BUILD)"; \
	  for w in asan/moonscan moonscan-static; do \
	    echo "MOON_WORKER=$(CURDIR)/$(BUILD)/$$w /usr/bin/python3 tests/exim/test_demo.py"; done; \
	  for t in tests/conformance/*.py; do echo "/usr/bin/python3 $$t"; done; \
	  for p in $(SHIPPED_POLICIES); do for b in $(BUILD) $(BUILD)/asan; do \
	    echo "$$b/moonscan test --all-rules $$p"; done; done; \
	  for t in tests/lint/test_*; do echo "$$t"; done; \
	  echo "/usr/bin/python3 tests/bench/tenants_cost.py --tenants 500 --decisions 40"; \
	  echo "/usr/bin/python3 tests/bench/body_cost.py"; \
	  echo "/usr/bin/python3 tests/bench/start_cost.py --rounds 1"; \
	  echo "/usr/bin/python3 tests/bench/test_tables.py"; \
	  echo "/usr/bin/python3 tests/bench/memory_growth.py --messages 4000 --tenants 1,200"; \
	  echo "/usr/bin/python3 tests/faults/faults.py --short --tap"; \
	} > $@

# How: tests/support/mutate.py. FILES=dmarc,spf draws from files with one of these in their name,
# COUNT=0 all.
# The store's archives cannot be part of its shared library.
.PHONY: mutate
mutate: ## do the tests notice a small change of the engine? COUNT=60 of them, drawn by SEED=1
	@MUTATE_CC='$(CC)' MUTATE_CFLAGS='$(CPPFLAGS_ALL) $(LIB_CFLAGS)' \
	  MUTATE_LIBS='$(filter-out $(STORE_LIBS),$(LIBS)) -lsqlite3 -lhiredis -lm' \
	  nice -n 10 /usr/bin/python3 tests/support/mutate.py --build $(BUILD) \
	  --seed $(or $(SEED),1) --count $(or $(COUNT),60) $(if $(FILES),--files $(FILES))

# Counted, not timed: the machine's speed does not matter.
.PHONY: tenants-cost
tenants-cost: ## what a decision costs with 10,000 tenants and with one, and a worker's memory
	@$(MAKE) --no-print-directory -s program support
	@BUILD=$(BUILD) nice -n 10 /usr/bin/python3 tests/bench/tenants_cost.py $(if $(TENANTS),--tenants $(TENANTS))

.PHONY: start-cost
start-cost: ## what a worker costs that serves one message: CPU time and page faults, without Exim
	@$(MAKE) --no-print-directory -s program support $(BUILD)/moonscan-static
	@BUILD=$(BUILD) /usr/bin/python3 tests/bench/start_cost.py

# tests/bench/memory_growth.py tells what is fed and what must hold.
.PHONY: memory-growth
memory-growth: ## does a worker's memory grow? MESSAGES=100000, with one tenant and with 1,000
	@$(MAKE) --no-print-directory -s all support
	@BUILD=$(BUILD) nice -n 10 /usr/bin/python3 tests/bench/memory_growth.py $(if $(MESSAGES),--messages $(MESSAGES))

include tests/fuzz/fuzz.mk

# Eight processes that do nothing else, as workers of one connection, of ten messages, of many.
.PHONY: bench-store
bench-store: support ## how long counts on SQLite take with one process and with eight
	@d=$$(mktemp -d) && for p in 1 8; do for n in 1 10 1000; do \
	  $(BUILD)/tests/store_bench $$d/counters.sqlite $$p 1000 $$n; done; done; rm -rf "$$d"

# Suite, passed, of, deviations; the same programs as in `check`.
SPF_TESTS = $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_spf*.c))
.PHONY: conformance
conformance: ## a table: how many cases of each suite come out as the RFCs want
	@$(MAKE) --no-print-directory -s program support $(SPF_TESTS) $(BUILD)/tests/unit/test_authres
	@BUILD=$(BUILD) /usr/bin/python3 tests/support/conformance.py

# What is measured and how to read it: docs/performance.md.
.PHONY: bench bench-agree
bench: ## what Moonscan costs Exim, against wanted values; BENCH=--help tells more (root, the harness in MOON_BENCH)
	@$(MAKE) --no-print-directory -s all $(BUILD)/moonscan-static
	@BUILD=$(BUILD) /usr/bin/python3 tests/bench/bench.py $(BENCH)
bench-agree: ## do results agree with the harness's for every message? SEEDS="1 2 3 4 5" (likewise)
	@$(MAKE) --no-print-directory -s all
	@BUILD=$(BUILD) /usr/bin/python3 tests/bench/agree.py $(SEEDS)

# The house rules that a machine can check; what cannot be checked here is said and left out.
lint: ## the house rules that a machine can check
	@/usr/bin/python3 tests/lint/lint.py --build $(BUILD)

clean: ## remove the build folder
	rm -rf $(BUILD)

# --- installing ----------------------------------------------------------------------------------
# Configuration, snapshots and the decision log are the site's: a first moonscan.lua, which only
# watches, is put where there is no configuration at all.

BINDIR  = $(DESTDIR)$(PREFIX)/bin
LIBDIR  = $(DESTDIR)$(PREFIX)/lib/moonscan
DATADIR = $(DESTDIR)$(PREFIX)/share/moonscan
MANDIR  = $(DESTDIR)$(PREFIX)/share/man
ETCDIR  = $(DESTDIR)$(SYSCONFDIR)/moonscan

.PHONY: install uninstall
install: all ## install; a configuration that is there stays
	install -d $(BINDIR) $(LIBDIR) $(DATADIR)/policies $(DATADIR)/exim $(DATADIR)/lua $(MANDIR)/man8
	install -m 0755 $(BUILD)/moonscan $(BINDIR)/.moonscan.new && mv -f $(BINDIR)/.moonscan.new $(BINDIR)/moonscan
	install -m 0644 $(BUILD)/moonscan.so $(LIBDIR)/.moonscan.so.new && mv -f $(LIBDIR)/.moonscan.so.new $(LIBDIR)/moonscan.so
	cp -R policies/. $(DATADIR)/policies/
	cp -R docs/exim/. $(DATADIR)/exim/
	@sed -i 's|/usr/lib/moonscan/|$(PREFIX)/lib/moonscan/|' $(DATADIR)/exim/main.conf \
	  $(DATADIR)/exim/debian-split/conf.d/main/00_moonscan
	install -d $(DATADIR)/systemd && cp docs/systemd/* $(DATADIR)/systemd/
	@sed -i 's|/usr/bin/moonscan|$(PREFIX)/bin/moonscan|' $(DATADIR)/systemd/moonscan.service
	install -m 0644 lua/moonscan.d.lua $(DATADIR)/lua/
	install -m 0644 docs/man/*.8 $(MANDIR)/man8/
	@[ -e $(ETCDIR) ] || { install -d $(ETCDIR) && install -m 0644 docs/moonscan.lua $(ETCDIR)/ && \
	  echo "$(ETCDIR)/moonscan.lua is new: it watches, and changes no mail's fate"; }

uninstall: ## remove what install brought, but for the configuration
	rm -f $(BINDIR)/moonscan $(MANDIR)/man8/moonscan.8
	rm -rf $(LIBDIR) $(DATADIR)
	@echo "Left in place, as they are yours: $(SYSCONFDIR)/moonscan, $(STATEDIR)/moonscan, $(LOGDIR)/moonscan," \
	  "/var/spool/moonscan (the quarantine)."

.SECONDARY:
-include $(shell find $(BUILD)/obj $(BUILD)/pic -name '*.d' 2>/dev/null)

# SPDX-License-Identifier: Apache-2.0
#
# make            build/domsec-milter and build/domsec
# make demo       installs what is missing, builds, and shows two domains exchanging protected mail
# make check      installs what is missing, builds, runs every test
# make deps       installs what is missing (Debian packages; needs root or sudo)
# make install    DESTDIR= PREFIX=
# make sanitize | lint | bench | fuzz | deb

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BUILD ?= build
VERSION := 0.1.0

CC ?= gcc
OPTIMISE ?= -O2 -g
WARNINGS := -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef
HARDENING ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
PACKAGES := gmime-3.0 libssl libcrypto libconfig jansson libpsl libidn2 libsystemd zlib

# Recursive on purpose: asked only when something is compiled, so that `make deps` works on a bare machine.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lmilter -lpthread)$(PKG_LIBS)

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DDOMSEC_VERSION='"$(VERSION)"' -DDOMSEC_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-Iinclude $(WARNINGS) $(OPTIMISE) $(HARDENING) $(PKG_CFLAGS) -MMD -MP $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS)

LAYERS := base conf mail keys certs trust smime policy gateway
SOURCES := $(foreach l,$(LAYERS),$(wildcard src/$l/*.c src/$l/*/*.c))
MILTER_SOURCES := $(wildcard src/milter/*.c)
CLI_SOURCES := $(wildcard src/cli/*.c)
TEST_SOURCES := $(foreach l,$(LAYERS) milter cli,$(wildcard tests/$l/test_*.c))
SUPPORT_SOURCES := $(wildcard tests/support/*.c)
TOOL_SOURCES := $(wildcard tests/tools/*.c)

OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
MILTER_OBJECTS := $(MILTER_SOURCES:%.c=$(BUILD)/obj/%.o)
CLI_OBJECTS := $(CLI_SOURCES:%.c=$(BUILD)/obj/%.o)
TESTS := $(TEST_SOURCES:tests/%.c=$(BUILD)/tests/%)
# Small programs for tests, bench and demo (load generator, milter client …): tests/tools/x.c → build/tools/x.
TOOLS := $(TOOL_SOURCES:tests/tools/%.c=$(BUILD)/tools/%)
LIBRARY := $(BUILD)/libdomsec.a
# What the tests share; a tool takes from it what needs no Criterion.
SUPPORT := $(BUILD)/libtest-support.a

# Short output; V=1 shows the commands.
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SECONDARY:
SEED_CFLAGS ?=
export SEED_CFLAGS
.PHONY: all deps demo check test unit seeds e2e interop bench fuzz sanitize lint format install deb clean tools

all: $(BUILD)/domsec-milter $(BUILD)/domsec

$(LIBRARY): $(OBJECTS)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# Everything of the daemon and of the command line but their main(), for tests to link.
$(BUILD)/libmilter-domsec.a: $(filter-out %/main.o,$(MILTER_OBJECTS))
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^
$(BUILD)/libcli-domsec.a: $(filter-out %/main.o,$(CLI_OBJECTS))
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(SUPPORT): $(SUPPORT_SOURCES:%.c=$(BUILD)/obj/%.o)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/domsec-milter: $(MILTER_OBJECTS) $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/domsec: $(CLI_OBJECTS) $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Tests may look at the private headers of a folder, and share tests/support/.
$(BUILD)/obj/tests/%.o: CPPFLAGS += -Isrc -Itests

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(SUPPORT) $(BUILD)/libmilter-domsec.a $(BUILD)/libcli-domsec.a $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcriterion $(PKG_LIBS)

$(BUILD)/tools/%: $(BUILD)/obj/tests/tools/%.o $(SUPPORT) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

tools: $(TOOLS)

deps:
	@packaging/deps

check: deps
	@$(MAKE) --no-print-directory test

# One after the other, also under -j.
test: all tools $(TESTS)
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory seeds
	@$(MAKE) --no-print-directory interop
	@$(MAKE) --no-print-directory e2e

unit: all $(TESTS) tools
	@tests/run $(BUILD) $(TESTS)

# Every fuzzing seed and every found case, once.
seeds: all
	@tests/fuzz/run $(BUILD) seeds

interop: all tools
	@tests/interop/run $(BUILD)

e2e: all tools
	@tests/e2e/run $(BUILD)

demo: deps
	@$(MAKE) --no-print-directory all tools
	@tests/e2e/demo $(BUILD)

lint: all
	@tests/lint/run $(BUILD)

# The layout that `make lint` expects.
format:
	@clang-format -i $$(git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]')

# The unit tests and the milter tests once more under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize OPTIMISE='-O1 -g' HARDENING='-fPIE' \
		CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		LDFLAGS='-fsanitize=address,undefined' SEED_CFLAGS='-fsanitize=address,undefined' unit seeds

bench: all tools
	@tests/bench/run $(BUILD)

fuzz:
	@tests/fuzz/run $(BUILD)

deb:
	@packaging/make-deb

install: all
	install -D -m 755 $(BUILD)/domsec-milter $(DESTDIR)$(PREFIX)/sbin/domsec-milter
	install -D -m 755 $(BUILD)/domsec $(DESTDIR)$(PREFIX)/bin/domsec
	@packaging/install-files "$(DESTDIR)" "$(PREFIX)" "$(SYSCONFDIR)"

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# SPDX-License-Identifier: Apache-2.0
#
# make             builds build/domsec-milter and build/domsec
# make demo        installs missing packages, builds, and lets two mail domains exchange protected mail (KEYS=tokens: in SoftHSM)
# make check       installs missing packages, builds, and runs every test
# make deps        installs missing packages (Debian; as root or with sudo)
# make install     installs the programs and manual pages (DESTDIR=, PREFIX=, SYSCONFDIR=)
# make deb         builds the Debian package
# make unit        runs the unit tests; also: seeds, interop, e2e, package
# make sanitize    runs the unit tests and fuzzing seeds under AddressSanitizer and UndefinedBehaviorSanitizer
# make debian13    builds the Debian package in a root of Debian 13, and runs the unit tests and fuzzing seeds there
# make split       shows that each line of packaging/postfix/ is needed, and that a message that is split reaches each recipient once
#                  while the gateways and Postfix are killed; takes some minutes
# make tokens      sends 10,000 messages in each direction while the tokens with all private keys vanish and return each second
# make lint        checks the rules of CONTRIBUTING.md; make format lays out the source
# make mutate      changes one place of the source after another, and shows what no test notices (FILES=, CRITICAL=1, ROUNDS=)
# make tsan        runs the daemon and the tests with threads under ThreadSanitizer
# make torture     lets each memory allocation of a message fail in turn
# make bench       measures; make fuzz looks for crashes
# make timing      measures whether the time of an answer tells what could be decrypted (ROW=)
# make hostile     measures what hostile messages cost, and what good mail beside them feels

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BUILD ?= build
VERSION := 0.1.0

CC ?= gcc
OPTIMISE ?= -O2 -g
WARNINGS := -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wundef \
  $(patsubst %,-Werror=%,incompatible-pointer-types implicit-function-declaration int-conversion) # as in gcc 14
HARDENING ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
PACKAGES := gmime-3.0 libssl libcrypto libconfig jansson libpsl libidn2 libsystemd zlib ldap lber sqlite3 libcurl libseccomp p11-kit-1

# libunbound.pc asks for a package that is not needed here. These are recursive, so that pkg-config runs only when something is compiled, and `make deps` works on a bare machine.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lunbound -lmilter -lpthread)$(PKG_LIBS)

ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DDOMSEC_VERSION='"$(VERSION)"' -DDOMSEC_SYSCONFDIR='"$(SYSCONFDIR)"' \
	-DDOMSEC_DATADIR='"$(PREFIX)/share/domsec"' \
	-Iinclude $(WARNINGS) $(OPTIMISE) $(HARDENING) $(PKG_CFLAGS) -MMD -MP $(CFLAGS)
ALL_LDFLAGS = -fPIE -pie -Wl,-z,relro,-z,now $(LDFLAGS)

LAYERS := base conf net store mail keys certs trust smime policy gateway
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
# What the dynamic linker puts before the libraries of a program: tests/preload/x.c → build/preload/x.so.
PRELOADS := $(patsubst tests/preload/%.c,$(BUILD)/preload/%.so,$(wildcard tests/preload/*.c))
LIBRARY := $(BUILD)/libdomsec.a
# The code that tests share. A tool may use the parts of it that do not need Criterion.
SUPPORT := $(BUILD)/libtest-support.a

# Short output; V=1 shows the commands.
Q = $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

.DELETE_ON_ERROR:
.SECONDARY:
SEED_CFLAGS ?=
export SEED_CFLAGS
.PHONY: all help deps demo check test unit seeds e2e interop package bench timing hostile fuzz sanitize tsan mutate torture split tokens lint format install deb debian13 clean tools tests

all: $(BUILD)/domsec-milter $(BUILD)/domsec

$(LIBRARY): $(OBJECTS)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

# The daemon and the command line without their main(), for tests to link.
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

# Tests may include the private headers of a folder and those of tests/support/.
$(BUILD)/obj/tests/%.o: CPPFLAGS += -Isrc -Itests

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(SUPPORT) $(BUILD)/libmilter-domsec.a $(BUILD)/libcli-domsec.a $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcriterion $(PKG_LIBS)

# libc first: the tests' code has a connect() of its own, which needs Criterion.
$(BUILD)/tools/%: $(BUILD)/obj/tests/tools/%.o $(SUPPORT) $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< -lc $(filter-out $<,$^) $(PKG_LIBS) -lm

# Without the flags of the sanitizers, which do not preload.
$(BUILD)/preload/%.so: tests/preload/%.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(PKG_CFLAGS) -g -O1 -fPIC -shared -o $@ $<

tools: $(TOOLS) $(PRELOADS)

tests: $(TESTS)

# Prints the list at the top of this file.
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

deps:
	@packaging/deps

check: deps
	@$(MAKE) --no-print-directory test

# These run one after the other, even with -j.
test: all tools $(TESTS)
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory seeds
	@$(MAKE) --no-print-directory interop
	@$(MAKE) --no-print-directory e2e
	@$(MAKE) --no-print-directory package

# Those of smime/, and those that look for an oracle, also with private keys behind a link, as those of a key process are.
LINKED_TESTS := $(filter $(BUILD)/tests/smime/%,$(TESTS)) $(addprefix $(BUILD)/tests/gateway/test_,attack_decryption attack_padding roundtrip failures)
unit: all $(TESTS) tools
	@tests/run $(BUILD) $(TESTS)
	@DOMSEC_TEST_KEYS=linked tests/run $(BUILD) $(LINKED_TESTS)

# Runs every fuzzing seed and every case that fuzzing found, once.
seeds: all
	@tests/fuzz/run $(BUILD) seeds

interop: all tools
	@tests/interop/run $(BUILD)
	@tests/interop/run $(BUILD) tokens

e2e: all tools
	@tests/e2e/run $(BUILD)
	@tests/e2e/run_sendmail $(BUILD)
	@tests/tokens/run $(BUILD) 500 0.3 40 2

# Builds the Debian package and examines it.
package: deb
	@tests/package

demo: deps
	@$(MAKE) --no-print-directory all tools
	@tests/e2e/demo $(BUILD) $(KEYS)

lint: all
	@tests/lint/run $(BUILD)

# Lays out the source as `make lint` expects.
format:
	@clang-format -i $$(git ls-files -co --exclude-standard 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]')

# Runs the unit tests and the seeds under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitize OPTIMISE='-O1 -g' HARDENING='-fPIE' \
		CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' \
		LDFLAGS='-fsanitize=address,undefined' SEED_CFLAGS='-fsanitize=address,undefined' unit seeds

# What has threads, under ThreadSanitizer.
TSAN_TESTS = $(shell grep -lE 'pthread_create|g_thread_|daemon_start|key_service_start' tests/*/test_*.c)
tsan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/tsan OPTIMISE='-O1 -g' HARDENING='-fPIE' CFLAGS=-fsanitize=thread \
		LDFLAGS=-fsanitize=thread all tools $(TSAN_TESTS:tests/%.c=$(BUILD)/tsan/tests/%)
	@tests/tsan/run $(BUILD)/tsan $(TSAN_TESTS:tests/%.c=$(BUILD)/tsan/tests/%)

# One small change of the source after another: which test notices it?
mutate:
	@tests/mutate/run $(BUILD)

# Each memory allocation of a message fails in turn.
torture: all tools
	@tests/torture/run $(BUILD)

bench: all tools
	@tests/bench/run $(BUILD)

timing: all tools
	@tests/bench/oracle $(BUILD) $(ROW)

# What hostile messages cost, and what good mail feels of them.
tokens: all tools
	@tests/tokens/run $(BUILD)

hostile: all tools $(BUILD)/tests/gateway/test_attack_work
	@tests/bench/hostile $(BUILD)

fuzz:
	@tests/fuzz/run $(BUILD)

deb:
	@packaging/make-deb

debian13:
	@tests/debian13 $(BUILD)

install: all
	install -D -m 755 $(BUILD)/domsec-milter $(DESTDIR)$(PREFIX)/sbin/domsec-milter
	install -D -m 755 $(BUILD)/domsec $(DESTDIR)$(PREFIX)/bin/domsec
	@packaging/install-files "$(DESTDIR)" "$(PREFIX)" "$(SYSCONFDIR)"

# The root of Debian 13 belongs to root.
clean:
	@[ ! -e $(BUILD)/debian13 ] || [ -w $(BUILD)/debian13 ] || sudo rm -rf $(BUILD)/debian13
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

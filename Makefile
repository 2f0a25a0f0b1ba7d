# lk: a toolkit of filters that turn encrypted drops of files into an Iceberg lake.
#
#   make            build the tools into build/bin (installs what is missing first)
#   make demo       the main job, end to end, on small data of the project's own
#   make check      every test (T="t/lk-cat.sh ..." for some; V=1 shows what each test does)
#   make interop    the lake beside other engines, in environments kept in the user's cache
#   make bench      throughput of each stage and of the whole, and what small commits and upserts cost, beside the alternatives
#   make bench-csv  how well messy delimited text is read, by public benchmarks, beside the alternatives
#   make fuzz       libFuzzer on all that reads bytes from outside: FUZZ_SECONDS=60 each, or FUZZ_RUNS=; FUZZ="hl7 xml" for some
#   make lint       manual pages, shell scripts, names that must not be used
#   make install    DESTDIR= PREFIX=/usr/local;  make uninstall takes it away again
#
# Knobs: CC, CFLAGS, LDFLAGS are the user's; SANITIZE=address,undefined builds and tests under build/sanitize;
# DEVELOPER= (empty) drops -Werror.

CC ?= cc
CFLAGS ?= -O2 -g
LDFLAGS ?=
PREFIX ?= /usr/local
DEVELOPER ?= 1
SANITIZE ?=
JOBS ?= $(shell nproc)
MAKEFLAGS += -j$(JOBS)

DEPS := build/deps
BUILD := build$(if $(SANITIZE),/sanitize)
BIN := $(BUILD)/bin

# What Debian has, by pkg-config.
PACKAGES := libarchive zlib libdeflate libisal libxml-2.0 libzstd liblz4 libcrypto jansson sqlite3 libpcre2-8 libxxhash libedit
ifneq ($(filter-out clean install-deps uninstall,$(or $(MAKECMDGOALS),all)),)
SETUP := $(shell scripts/setup --check 2>/dev/null || scripts/setup >&2 && echo ready)
ifneq ($(SETUP),ready)
$(error scripts/setup could not install what is needed; see above)
endif
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES))
PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES))
endif

WARNINGS := -Wall -Wextra $(if $(DEVELOPER),-Werror) -Wvla -Wmissing-prototypes -Wshadow -Wstrict-prototypes \
	-Wpointer-arith -Wwrite-strings -Wno-missing-field-initializers
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
LK_CPPFLAGS := -D_GNU_SOURCE -Ilib -It/unit -isystem $(DEPS)/nanoarrow/include $(PACKAGE_CFLAGS)
LK_CFLAGS := -std=c11 $(LK_CPPFLAGS) $(WARNINGS) -ffunction-sections -fdata-sections $(SANITIZE_FLAGS)
LK_LDFLAGS := -Wl,--gc-sections -Wl,--as-needed $(SANITIZE_FLAGS)
LK_LIBS := $(PACKAGE_LIBS) -lm -ldl -lpthread

LIB_SOURCES := $(wildcard lib/*/*.c)
TOOL_SOURCES := $(wildcard src/*.c)
UNIT_SOURCES := $(wildcard t/unit/*.c)
NANOARROW_SOURCES := $(wildcard $(DEPS)/nanoarrow/src/*.c)
HELPER_SOURCES := $(wildcard t/helper/*.c)

LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/obj/%.o)
NANOARROW_OBJECTS := $(NANOARROW_SOURCES:$(DEPS)/%.c=$(BUILD)/obj/deps/%.o)
TOOLS := $(TOOL_SOURCES:src/%.c=$(BIN)/%)
UNITS := $(UNIT_SOURCES:t/unit/%.c=$(BUILD)/t/unit/%)
HELPERS := $(HELPER_SOURCES:t/helper/%.c=$(BUILD)/t/helper/%)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all demo tests check interop bench bench-csv fuzz fuzzers lint install uninstall clean

all: $(TOOLS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $<" &&) $(CC) $(LK_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/deps/%.o: $(DEPS)/%.c
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $<" &&) $(CC) -std=c99 -w -Ibuild -I$(DEPS)/nanoarrow/include $(PACKAGE_CFLAGS) \
		-DNANOARROW_IPC_WITH_ZSTD -DNANOARROW_IPC_WITH_LZ4 -ffunction-sections -fdata-sections \
		$(SANITIZE_FLAGS) $(CFLAGS) -DNDEBUG -MMD -MP -c -o $@ $<

$(BUILD)/liblk.a: $(LIB_OBJECTS) $(NANOARROW_OBJECTS)
	@rm -f $@
	$(if $(V),,@echo "  AR   $@" &&) $(AR) rcs $@ $^

LINK = $(if $(V),,@echo "  LD   $@" &&) $(CC) $(LK_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LK_LIBS)

$(BIN)/%: $(BUILD)/obj/src/%.o $(BUILD)/liblk.a
	@mkdir -p $(@D)
	$(LINK)

$(BUILD)/t/unit/%: $(BUILD)/obj/t/unit/%.o $(BUILD)/liblk.a
	@mkdir -p $(@D)
	$(LINK)

$(BUILD)/t/helper/%: $(BUILD)/obj/t/helper/%.o $(BUILD)/liblk.a
	@mkdir -p $(@D)
	$(LINK)

# Fuzzers: a program each, in a build of their own.
FUZZERS := $(patsubst t/fuzz/%.c,$(BUILD)/bin/%,$(filter-out t/fuzz/fuzz.c,$(wildcard t/fuzz/*.c)))
$(FUZZERS): $(BUILD)/bin/%: $(BUILD)/obj/t/fuzz/%.o $(BUILD)/obj/t/fuzz/fuzz.o $(BUILD)/liblk.a
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer
fuzzers: $(FUZZERS)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

demo: all
	@scripts/demo

# Shell scripts in TAP, one a tool, and C unit tests, one a module: prove runs them side by side.
T ?= $(wildcard t/*.sh) $(UNITS)
tests: all $(UNITS) $(HELPERS)
check: tests
	@LK_BUILD=$(abspath $(BUILD)) LK_VERBOSE=$(V) prove $(if $(V),-v) -j$(JOBS) --timer --exec '' $(filter-out t/test-lib.sh,$(T))

interop: all $(HELPERS)
	@LK_BUILD=$(abspath $(BUILD)) t/interop/run

bench: all
	@LK_BUILD=$(abspath $(BUILD)) scripts/bench
	@LK_BUILD=$(abspath $(BUILD)) scripts/bench-commits
	@LK_BUILD=$(abspath $(BUILD)) scripts/bench-upsert

bench-csv: all
	@LK_BUILD=$(abspath $(BUILD)) scripts/bench-csv

FUZZ_SECONDS ?= 60
fuzz:
	@scripts/setup --fuzz
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined CFLAGS='-O1 -g -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION' DEVELOPER= fuzzers
	@LK_BUILD=$(abspath build/fuzz) FUZZ_SECONDS="$(FUZZ_SECONDS)" FUZZ_RUNS="$(FUZZ_RUNS)" FUZZ="$(FUZZ)" \
		prove $(if $(V),-v) --timer --exec '' t/fuzz/run

lint:
	@scripts/lint

COMPLETIONS := $(PREFIX)/share/bash-completion/completions
MAN_PAGES := $(wildcard man/*.[157])
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/lk $(DESTDIR)$(PREFIX)/share/lk $(DESTDIR)$(COMPLETIONS) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/man/man,1 5 7)
	install -m 755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(DEPS)/duckdb/libduckdb.so $(DESTDIR)$(PREFIX)/lib/lk
	for page in $(MAN_PAGES); do \
		install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} || exit; done
	cp -R contrib/sources contrib/schema contrib/cron contrib/systemd $(DESTDIR)$(PREFIX)/share/lk/
	install -m 644 contrib/completions/lk.bash $(DESTDIR)$(COMPLETIONS)/lk
	for tool in $(notdir $(TOOLS)); do [ $$tool = lk ] || ln -sf lk $(DESTDIR)$(COMPLETIONS)/$$tool || exit; done

uninstall:
	rm -f $(TOOL_SOURCES:src/%.c=$(DESTDIR)$(PREFIX)/bin/%) $(TOOL_SOURCES:src/%.c=$(DESTDIR)$(COMPLETIONS)/%)
	for page in $(notdir $(MAN_PAGES)); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page; done
	rm -rf $(DESTDIR)$(PREFIX)/lib/lk $(DESTDIR)$(PREFIX)/share/lk

# Keeps what was downloaded; `rm -rf build` takes that too.
clean:
	rm -rf $(filter-out build/deps,$(wildcard build/*))

# rackstrap: one non-recursive Makefile. Sources are listed a folder; objects go to build/<variant>/.
#   make              the program and the agent             make check       everything, three quarters of an hour
#   make deps         installs the packages it lacks (root)   make unit        the fast part
#   make demo         a blank machine to `ready`, in QEMU     make asan ubsan  the unit tests under sanitizers
#   make fuzz         a minute of each fuzz target            make layers      who may include whom
#   make bench        speed, beside other servers
VARIANT ?= release
B := build/$(VARIANT)
CC ?= cc
CSTD := -std=gnu11 -D_GNU_SOURCE -I.
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CFLAGS_release := -O2 -Wno-format-truncation -g $(HARDEN)
CFLAGS_asan := -Wno-format-truncation -O1 -g -fsanitize=address -fno-omit-frame-pointer
CFLAGS_ubsan := -Wno-format-truncation -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
CFLAGS_all = $(CSTD) $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS)
CFLAGS_fuzz := -Wno-missing-prototypes -Wno-string-concatenation -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
LDFLAGS_asan := -fsanitize=address
LDFLAGS_ubsan := -fsanitize=undefined

FOLDERS := base inventory netbox dhcpd tftpd api httpboot imagebuilder enrol lab agent rackstrap
LIBS := -lguestfs -levent -lpcap -lsqlite3 -lcurl -lyaml -ljansson -lzstd -lseccomp -lssl -lcrypto -lpthread
AGENT_LIBS := -ljansson -lzstd -lcrypto -lpthread

# A folder's library is all of its sources but the files that hold a main().
src = $(filter-out agent/main.c rackstrap/main.c,$(wildcard $(1)/*.c))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
# From the caller to the called: the linker reads it in this order.
ARCHIVES := $(foreach f,rackstrap lab httpboot api tftpd dhcpd enrol netbox imagebuilder agent inventory base,$(B)/lib$(f).a)

TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/*/test_*.c))
TOOLS := $(patsubst %.c,$(B)/%,$(wildcard tests/tools/*.c))
FUZZ := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(B)/rackstrap $(B)/rackstrap-agent

$(foreach f,$(FOLDERS),$(eval $(B)/lib$(f).a: $(call obj,$(call src,$(f)))))
$(B)/lib%.a:
	@rm -f $@
	@$(AR) rcs $@ $^

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "CC   $<"
	@$(CC) $(CFLAGS_all) -MMD -MP -c -o $@ $<

$(B)/rackstrap: $(B)/obj/rackstrap/main.o $(ARCHIVES)
	@echo "LINK $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) -o $@ $^ $(LIBS)

# Static, so that it runs in the installer and in any image. (Its linker warns of resolver calls in libcrypto that the agent never makes.)
$(B)/rackstrap-agent: $(B)/obj/agent/main.o $(B)/libagent.a $(B)/libbase.a
	@echo "LINK $@"
	@$(CC) -static -Wl,--no-warnings $(filter-out -pie,$(LDFLAGS_$(VARIANT))) -o $@ $^ $(AGENT_LIBS)

$(TESTS): $(B)/tests/%: $(B)/obj/tests/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "LINK $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) -o $@ $^ -lcmocka $(LIBS)

$(TOOLS): $(B)/tests/%: $(B)/obj/tests/%.o $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "LINK $@"
	@$(CC) $(LDFLAGS_$(VARIANT)) -o $@ $^ $(LIBS)

tools: $(TOOLS)

unit: all $(TESTS)
	@tests/run unit $(B) $(TESTS)

asan ubsan:
	@$(MAKE) --no-print-directory VARIANT=$@ unit-only

unit-only: $(TESTS)
	@tests/run unit $(B) $(TESTS)

$(FUZZ): build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o $(ARCHIVES)
	@echo "LINK $@"
	@$(CC) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

# The fuzzer is clang's; its objects are a variant of their own.
fuzz:
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang-14 fuzz-only
fuzz-only: $(FUZZ)
	@tests/run fuzz $(FUZZ)

layers:
	@tests/layers

format:
	clang-format-14 -i $(wildcard */*.[ch] tests/*/*.[ch])
format-check:
	@clang-format-14 --dry-run -Werror $(wildcard */*.[ch] tests/*/*.[ch])

deps:
	@deps/install

check: deps
	@$(MAKE) --no-print-directory all tools
	@tests/check

# Our servers beside others', which are fetched and unpacked, not installed (tests/bench/README.md).
bench: deps
	@$(MAKE) --no-print-directory all tools
	@eval "$$(tests/bench/peers)"; rc=0; for b in tests/bench/*.sh; do VARIANT=$(VARIANT) $$b || [ $$? = 77 ] || rc=1; done; exit $$rc

FIRMWARE ?= bios
demo: deps
	@$(MAKE) --no-print-directory all
	@FIRMWARE=$(FIRMWARE) tests/scenario/demo.sh

PREFIX ?= /usr/local
install: all
	install -D -m 0755 $(B)/rackstrap $(DESTDIR)$(PREFIX)/bin/rackstrap
	ln -sfn rackstrap $(DESTDIR)$(PREFIX)/bin/rackstrap-inventory
	install -D -m 0755 $(B)/rackstrap-agent $(DESTDIR)$(PREFIX)/lib/rackstrap/rackstrap-agent
	install -D -m 0644 README.md $(DESTDIR)$(PREFIX)/share/doc/rackstrap/README.md
	install -d $(DESTDIR)/etc/systemd/system
	sed 's|/usr/local|$(PREFIX)|' rackstrap/rackstrap.service >$(DESTDIR)/etc/systemd/system/rackstrap.service

clean:
	rm -rf build

.PHONY: all tools unit unit-only asan ubsan fuzz fuzz-only layers format format-check deps check bench demo install clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# make            build/flairtag and build/libflairtag.a
# make lib        build/libflairtag.so, what programs in C and the Python module tag with
# make demo       builds and tags a few sentences
# make check      builds and runs every test: unit, golden, command line, and the first two again with sanitizers
# make check-engines  flairtag under Spark and Slurm, where they are installed: minutes
# make arm        the kernels' test for 64-bit ARM, under build/arm, where Debian's cross compiler is installed
# make cuda       build/libflairtag_cuda.so, the back end for NVIDIA's processors (part of `make` where nvcc is found)
# make emu        an emulated CUDA device and the plug-in's tests on it, under build/emu (tests/emu/run.sh runs them)
# make asan       the program and its tests with AddressSanitizer and UBSan, under build/asan
# make fuzz       the readers' fuzz targets with libFuzzer, under build/fuzz (needs clang; tests/fuzz/run.sh runs them)
# make install    into PREFIX (default /usr/local; LIBDIR, INCLUDEDIR), below DESTDIR if that is set; make uninstall takes
#                 it out
# make deb        Debian packages of the program and its models, into build/deb (packaging/README.md); make check-deb tests them
# make deps       installs the Debian packages that the build needs (the targets above do it by themselves)
# make clean

BUILD ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR ?=
CC = gcc
ARM_CC = aarch64-linux-gnu-gcc
AR = ar
OPTIMIZE ?= -O2 -g

# V=1 shows the commands as they run.
quiet = $(if $(V),,@echo '  $(1)';)
share = $(DESTDIR)$(PREFIX)/share
here := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))

# As many jobs as there are cores, unless -j says otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# Asked for at the first use, not while this file is read: `make deps` may have to install pkg-config first.
packages = libcjson zlib libutf8proc
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $$(shell pkg-config --cflags $(packages) 2>/dev/null))$(PACKAGE_CFLAGS)
PACKAGE_LIBS = $(eval PACKAGE_LIBS := $$(shell pkg-config --libs $(packages) 2>/dev/null \
                || echo -lcjson -lz -lutf8proc))$(PACKAGE_LIBS)
CHECK_LIBS = $(eval CHECK_LIBS := $$(shell pkg-config --libs check 2>/dev/null \
              || echo -lcheck -lsubunit -lrt -lm))$(CHECK_LIBS)

WARNINGS = -Wall -Wextra -Werror -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
# -ffp-contract=off: results must not depend on which products the compiler chooses to fuse.
FLAGS = -std=c11 -D_GNU_SOURCE $(OPTIMIZE) $(WARNINGS) -ffp-contract=off -pthread -Ilib -I. $(SANITIZE) $(CFLAGS)
# oneDNN takes its number of threads from OpenMP's library.
LIBS = $(PACKAGE_LIBS) -ldnnl -lgomp -lpthread -ldl -lm

library_sources = $(filter-out lib/cuda/%,$(wildcard lib/*/*.c kernels/*.c kernels/simd/*.c))
# The shared library does without writers, evaluation, training and GPUs, and so without oneDNN and plug-ins.
shared_sources = $(filter-out lib/tensor/backend_cuda.c lib/text/writer% lib/text/evaluation% lib/text/page% lib/export/% lib/run/% %_training.c \
    %_training_losses.c $(addprefix kernels/,gemm.c lstm_train.c crf_loss.c dropout.c optimizer.c tag_choices.c transpose.c), \
    $(library_sources)) lib/text/writer_source.c \
    $(addprefix lib/run/,alternatives.c character_words.c embedder.c head.c memory_plan.c predictor.c store.c)
program_sources = $(wildcard cmd/*.c)
test_sources = $(wildcard tests/unit/test_*.c tests/golden/test_*.c)
# What tests share: every other source beside them.
test_helpers = $(filter-out $(test_sources),$(wildcard tests/unit/*.c tests/golden/*.c))

fuzz_sources = $(wildcard tests/fuzz/fuzz_*.c)
fuzz_helpers = $(filter-out $(fuzz_sources) %/replay.c %/make_seeds.c,$(wildcard tests/fuzz/*.c))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# The pages of --format html: markup, styles and programs of lib/text/page as C strings.
pages = $(BUILD)/pages.c
library_objects = $(call objects,$(library_sources) $(pages))
shared_objects = $(patsubst %.c,$(BUILD)/pic/%.o,$(shared_sources))
program_objects = $(call objects,$(program_sources))
helper_objects = $(call objects,$(test_helpers))
digest_objects = $(call objects,tests/arm/digest.c $(filter-out kernels/gemm.c,$(wildcard kernels/*.c kernels/simd/*.c)))
all_objects = $(library_objects) $(shared_objects) $(program_objects) $(helper_objects) $(call objects,$(test_sources) tests/arm/digest.c $(wildcard tests/fuzz/*.c))
test_programs = $(patsubst %.c,$(BUILD)/%,$(test_sources))
fuzz_programs = $(patsubst %.c,$(BUILD)/%,$(fuzz_sources))

.PHONY: all lib tests asan arm check check-engines demo install uninstall deps deps-check clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/flairtag cuda
lib: $(BUILD)/libflairtag.so

include lib/cuda/cuda.mk
# Absent where the program is packaged.
-include tests/emu/libraries.mk tests/emu/emu.mk tests/emu/ptx.mk tests/emu/seeded.mk

# Every instruction set is compiled that the compiler's target has; which one runs is decided when the program starts.
# GCC moves loads up on ARM before it gives out registers, of which there are then too few.
TARGET = $(eval TARGET := $$(shell $(CC) -dumpmachine))$(TARGET)
on_x86 = $(if $(filter x86_64-% amd64-%,$(TARGET)),$(1))
on_arm = $(if $(filter aarch64-%,$(TARGET)),$(1) $(if $(findstring clang,$(CC)),,-fno-schedule-insns))
avx512 = -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512 -mavx2 -mfma
# Loops with square roots become vectors only where those need not set errno, which nobody reads.
$(BUILD)/obj/kernels/% $(BUILD)/pic/kernels/%: OPTIMIZE = -O3 -g -fno-math-errno
%/avx512_vnni.o: INSTRUCTIONS = $(call on_x86,$(avx512) -mavx512vnni)
%/avx512.o: INSTRUCTIONS = $(call on_x86,$(avx512))
%/avx_vnni.o: INSTRUCTIONS = $(call on_x86,-mavxvnni -mavx2 -mfma)
%/avx2.o: INSTRUCTIONS = $(call on_x86,-mavx2 -mfma)
%/emulated_avx_vnni.o: INSTRUCTIONS = $(call on_x86,-mavx512vnni -mavx512vl -mavx2 -mfma)
%/neon.o: INSTRUCTIONS = $(call on_arm)
%/neon_dot.o: INSTRUCTIONS = $(call on_arm,-march=armv8.2-a+dotprod)
%/backend_cuda.o: DEFINES = -DFLAIRTAG_LIB='"$(LIBDIR)/flairtag"'
%/model_folders.o: DEFINES = -DFLAIRTAG_SHARE='"$(PREFIX)/share/flairtag"'
$(BUILD)/obj/tests/%: DEFINES = -Itests/unit
# Without -fno-semantic-interposition GCC inlines nothing that somebody might put in the place of.
$(BUILD)/pic/%: SHARED = -fPIC -fno-semantic-interposition -DFLAIRTAG_TAGS_ONLY

define compile
@mkdir -p $(@D)
$(call quiet,compile $<$(if $(SHARED), for the shared library))$(CC) $(FLAGS) $(INSTRUCTIONS) $(DEFINES) $(SHARED) \
    $(PACKAGE_CFLAGS) -MMD -MP -c -o $@ $<
endef
$(BUILD)/obj/%.o: %.c $(BUILD)/flags | deps
	$(compile)
$(BUILD)/pic/%.o: %.c $(BUILD)/flags | deps
	$(compile)

$(filter %/model_folders.o %/backend_cuda.o,$(library_objects) $(shared_objects)): $(BUILD)/flags-prefix

$(pages): $(wildcard lib/text/page/*)
	@mkdir -p $(@D)
	$(call quiet,embed $@)awk -f lib/text/page/embed.awk $(filter %.html,$^) > $@

-include $(all_objects:.o=.d)

# What a target was made with; newer than the target when that is no longer so.
stamp = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
$(BUILD)/flags: FORCE | deps
	$(call stamp,$(CC) $(FLAGS) $(PACKAGE_CFLAGS))
$(BUILD)/flags-prefix: FORCE
	$(call stamp,$(PREFIX) $(LIBDIR))
$(BUILD)/sources: FORCE
	$(call stamp,$(library_sources) $(program_sources) $(test_helpers) $(fuzz_helpers))

$(BUILD)/libflairtag.a: $(library_objects)
$(BUILD)/libcmd.a: $(filter-out %/main.o,$(program_objects))
$(BUILD)/libtests.a: $(helper_objects)
$(BUILD)/libfuzz.a: $(call objects,$(fuzz_helpers))
$(BUILD)/%.a: $(BUILD)/sources
	@mkdir -p $(@D)
	@rm -f $@
	$(call quiet,archive $@)$(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/flairtag: $(BUILD)/obj/cmd/main.o $(BUILD)/libcmd.a $(BUILD)/libflairtag.a
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(LIBS)

# The library's version is the header's; the number in its name goes up when programs must be compiled anew.
version = $(eval version := $$(shell sed -n 's/^.define FLAIRTAG_VERSION "\(.*\)"/\1/p' $(here)lib/flairtag.h))$(version)
soname = libflairtag.so.0
$(BUILD)/$(soname): $(shared_objects) lib/api/flairtag.map $(BUILD)/sources
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -shared -pthread -o $@ -Wl,-soname,$(soname) -Wl,-z,defs \
	    -Wl,--version-script,lib/api/flairtag.map $(filter %.o,$^) $(PACKAGE_LIBS) -lm
$(BUILD)/libflairtag.so: $(BUILD)/$(soname)
	@ln -sf $(soname) $@

tests: $(test_programs) $(fuzz_programs) $(BUILD)/tests/arm/digest
$(test_programs): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/libtests.a $(BUILD)/libcmd.a $(BUILD)/libflairtag.a
	@mkdir -p $(@D)
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(CHECK_LIBS) $(LIBS)
$(call objects,$(test_sources) $(test_helpers)): | deps-check

# Built with libFuzzer where FUZZER says so; else with a main of our own that runs the target over files.
FUZZER =
fuzz_main = $(if $(FUZZER),,$(BUILD)/obj/tests/fuzz/replay.o)
fuzz_parts = $(BUILD)/libfuzz.a $(BUILD)/libtests.a $(BUILD)/libcmd.a $(BUILD)/libflairtag.a
$(fuzz_programs): $(BUILD)/%: $(BUILD)/obj/%.o $(fuzz_main) $(fuzz_parts)
$(BUILD)/tests/fuzz/make_seeds: $(BUILD)/obj/tests/fuzz/make_seeds.o $(fuzz_parts)
$(fuzz_programs) $(BUILD)/tests/fuzz/make_seeds:
	@mkdir -p $(@D)
	$(call quiet,link $@)$(CC) $(SANITIZE) $(if $(filter %/make_seeds,$@),,$(FUZZER)) $(LDFLAGS) -pthread -o $@ $^ \
	    $(LIBS)
$(call objects,$(wildcard tests/fuzz/*.c)): | deps-check

fuzz: | deps-check
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang OPTIMIZE='-O1 -g' FUZZER=-fsanitize=fuzzer \
	    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' \
	    fuzz-programs
.PHONY: fuzz fuzz-programs
fuzz-programs: $(fuzz_programs) $(BUILD)/tests/fuzz/make_seeds

# Needs no library, so that it can be built for a machine of another kind.
$(BUILD)/tests/arm/digest: $(digest_objects)
	@mkdir -p $(@D)
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lm

arm:
	+@! test -f "$$($(ARM_CC) -print-file-name=libc.a 2>/dev/null)" || \
	    $(MAKE) --no-print-directory BUILD=$(BUILD)/arm CC=$(ARM_CC) CFLAGS= LDFLAGS=-static $(BUILD)/arm/tests/arm/digest

asan: | deps-check
	+@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan NVCC= all tests \
	    SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'

check: all lib tests asan arm emu
	@BUILD=$(BUILD) PREFIX=$(PREFIX) CC='$(CC)' sh tests/run.sh

# Each says by itself that it is skipped, and why.
check-engines: all
	@BUILD=$(BUILD) sh tests/slurm.sh && BUILD=$(BUILD) sh tests/spark.sh

demo: all
	@echo 'flairtag predict data/samples/demo.txt'
	@$(BUILD)/flairtag predict data/samples/demo.txt
	@printf '%s\n' '' 'Try your own text:      $(BUILD)/flairtag predict FILE' \
	    'With a model of Flair:  $(BUILD)/flairtag predict -m ner-english.pt FILE' \
	    'All options:            $(BUILD)/flairtag help predict'

# The back end for NVIDIA's processors, where it was built.
plugin = $(wildcard $(BUILD)/libflairtag_cuda.so)
libdir = $(DESTDIR)$(LIBDIR)
# The dynamic linker finds a new library in most folders by its cache alone.
ldconfig = $(if $(DESTDIR),,-@test "$$(id -u)" != 0 || ldconfig)
includedir = $(DESTDIR)$(INCLUDEDIR)
pc_values = s|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(version)|
install: all lib
	install -d $(DESTDIR)$(PREFIX)/bin $(libdir)/pkgconfig $(includedir) $(share)/flairtag/models $(share)/man/man1 $(share)/zsh/site-functions \
	    $(share)/bash-completion/completions $(share)/fish/vendor_completions.d
	install $(BUILD)/flairtag $(DESTDIR)$(PREFIX)/bin/flairtag
	install -m 644 lib/flairtag.h $(includedir)/flairtag.h
	install -m 644 $(BUILD)/$(soname) $(libdir)/libflairtag.so.$(version)
	ln -sf libflairtag.so.$(version) $(libdir)/$(soname)
	ln -sf $(soname) $(libdir)/libflairtag.so
	sed '$(pc_values)' lib/api/flairtag.pc.in > $(libdir)/pkgconfig/flairtag.pc
	$(ldconfig)
	for file in $(wildcard models/*.safetensors models/*.md); do \
	    install -m 644 $$file $(share)/flairtag/models/ || exit; done
	install models/get.sh $(DESTDIR)$(PREFIX)/bin/flairtag-get-model
	install -m 644 models/get.1 $(share)/man/man1/flairtag-get-model.1
	$(if $(plugin),install -d $(libdir)/flairtag && install -m 644 $(plugin) $(libdir)/flairtag/)
	$(BUILD)/flairtag help --man > $(share)/man/man1/flairtag.1
	for command in $$($(BUILD)/flairtag help --commands); do \
	    $(BUILD)/flairtag help --man $$command > $(share)/man/man1/flairtag-$$command.1 || exit; done
	$(BUILD)/flairtag help --completion bash > $(share)/bash-completion/completions/flairtag
	$(BUILD)/flairtag help --completion zsh > $(share)/zsh/site-functions/_flairtag
	$(BUILD)/flairtag help --completion fish > $(share)/fish/vendor_completions.d/flairtag.fish

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/flairtag $(share)/man/man1/flairtag.1 $(share)/man/man1/flairtag-*.1 \
	    $(share)/bash-completion/completions/flairtag $(share)/zsh/site-functions/_flairtag \
	    $(share)/fish/vendor_completions.d/flairtag.fish
	rm -f $(includedir)/flairtag.h $(libdir)/pkgconfig/flairtag.pc $(libdir)/libflairtag.so $(libdir)/$(soname) \
	    $(libdir)/libflairtag.so.$(version)
	rm -f $(patsubst models/%,$(share)/flairtag/models/%,$(wildcard models/*.safetensors models/*.md))
	rm -f $(DESTDIR)$(PREFIX)/bin/flairtag-get-model $(libdir)/flairtag/libflairtag_cuda.so
	-rmdir $(share)/flairtag/models $(share)/flairtag
	$(if $(wildcard $(libdir)/flairtag),-rmdir $(libdir)/flairtag)

.PHONY: deb check-deb
deb: | deps
	@sh $(here).ci/deps.sh debhelper dpkg-dev
	@sh packaging/deb.sh $(BUILD)/deb
check-deb: all
	@BUILD=$(BUILD) sh tests/deb.sh
	@BUILD=$(BUILD) sh tests/container.sh

deps:
	@CC='$(CC)' sh $(here).ci/deps.sh cc libc6-dev pkg-config libcjson-dev zlib1g-dev libutf8proc-dev libdnnl-dev
deps-check: | deps
	@sh $(here).ci/deps.sh check valgrind

clean:
	rm -rf $(BUILD)

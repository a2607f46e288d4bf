# The emulated CUDA device under $(BUILD)/emu: a drop-in runtime, the kernels compiled by a C++ compiler to run on it, and
# the tests that run the plug-in on both. libraries.mk has cuBLAS and cuDNN. Nothing of it is installed.

CXX ?= g++
emu_runtime = $(patsubst tests/emu/%.c,$(BUILD)/emu/libraries/%.o,$(foreach part,engine fibers memory checks cudart, \
    $(wildcard tests/emu/$(part)*.c)))
$(BUILD)/emu/libcudart.so.13: $(emu_runtime) tests/emu/cudart.map
	$(call quiet,link $@)$(CC) $(LDFLAGS) -shared -pthread -o $@ -Wl,-soname,$(@F) -Wl,-z,defs \
	    -Wl,--version-script,tests/emu/cudart.map $(filter %.o,$^) -ldl -lm

# Checked: every access to memory calls the runtime, by what the compiler inserts for its thread sanitizer, whose own
# library is not linked. Fast: no checks but bounds of pages.
emu_kernel_flags = -x c++ -std=c++17 -O2 -g -Wall -Wextra -Werror -fPIC -fno-exceptions -fno-rtti -ffp-contract=off -I. -Ilib -Itests/emu
emu_checked = $(patsubst kernels/%.cu,$(BUILD)/emu/checked/%.o,$(kernel_sources))
emu_fast = $(patsubst kernels/%.cu,$(BUILD)/emu/fast/%.o,$(kernel_sources))
$(BUILD)/emu/checked/%.o: kernels/%.cu $(BUILD)/emu-flags
	@mkdir -p $(@D)
	$(call quiet,compile $< for the emulated device, checked)$(CXX) $(emu_kernel_flags) -fsanitize=thread -MMD -MP -c -o $@ $<
$(BUILD)/emu/fast/%.o: kernels/%.cu $(BUILD)/emu-flags
	@mkdir -p $(@D)
	$(call quiet,compile $< for the emulated device)$(CXX) $(emu_kernel_flags) -MMD -MP -c -o $@ $<
$(BUILD)/emu/kernels_checked.so: $(emu_checked)
$(BUILD)/emu/kernels_fast.so: $(emu_fast)
$(BUILD)/emu/kernels_checked.so $(BUILD)/emu/kernels_fast.so: | $(BUILD)/emu/libcudart.so.13
	$(call quiet,link $@)$(CXX) $(LDFLAGS) -nostdlib -shared -o $@ $^ -L$(BUILD)/emu -l:libcudart.so.13 -lm -lc
$(BUILD)/emu-flags: FORCE
	$(call stamp,$(CXX) $(emu_kernel_flags))
-include $(emu_checked:.o=.d) $(emu_fast:.o=.d)

# Tests of the plug-in, which they open; run.sh lets them find the drop-in libraries.
emu_tests = $(patsubst tests/emu/%.c,$(BUILD)/tests/emu/%,$(wildcard tests/emu/test_cuda_*.c))
emu_test_helpers = $(patsubst tests/emu/%.c,$(BUILD)/obj/tests/emu/%.o,$(wildcard tests/emu/device_*.c))
$(emu_tests): $(BUILD)/tests/emu/%: $(BUILD)/obj/tests/emu/%.o $(emu_test_helpers) $(BUILD)/libtests.a $(BUILD)/libcmd.a \
    $(BUILD)/libflairtag.a
	@mkdir -p $(@D)
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ $(CHECK_LIBS) $(LIBS) -ldl
$(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard tests/emu/*.c)): | deps-check
-include $(wildcard $(BUILD)/obj/tests/emu/*.d)

.PHONY: emu
emu: $(if $(NVCC),emu-libraries $(BUILD)/libflairtag_cuda.so $(BUILD)/emu/kernels_checked.so $(BUILD)/emu/kernels_fast.so \
    $(emu_tests) $(emu_library_tests) $(emu_codes_test))

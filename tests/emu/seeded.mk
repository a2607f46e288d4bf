# Kernels with seeded mistakes, for nvcc and for the emulated device, and the tests that the device tells each.

seeded_sources = $(wildcard tests/emu/seeded/*.cu)
seeded_emulated = $(patsubst tests/emu/seeded/%.cu,$(BUILD)/emu/seeded/%.o,$(seeded_sources))
seeded_stubs = $(patsubst %.cu,$(BUILD)/cuda/%.o,$(seeded_sources))
$(BUILD)/emu/seeded/%.o: tests/emu/seeded/%.cu $(BUILD)/emu-flags
	@mkdir -p $(@D)
	$(call quiet,compile $< for the emulated device, checked)$(CXX) $(emu_kernel_flags) -fsanitize=thread -MMD -MP -c -o $@ $<
$(BUILD)/emu/kernels_seeded.so: $(seeded_emulated) | $(BUILD)/emu/libcudart.so.13
	$(call quiet,link $@)$(CXX) $(LDFLAGS) -nostdlib -shared -o $@ $^ -L$(BUILD)/emu -l:libcudart.so.13 -lm -lc
# Only what they register with the runtime is of use.
$(seeded_stubs): private CUDA_ARCHITECTURES = 75

seeded_tests = $(patsubst %,$(BUILD)/tests/emu/test_%,engine runtime streams)
$(BUILD)/obj/tests/emu/scene.o: DEFINES += -DSEEDED_KERNELS='"$(abspath $(BUILD))/emu/kernels_seeded.so"'
$(seeded_tests): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/obj/tests/emu/scene.o $(seeded_stubs) $(BUILD)/libtests.a \
    $(BUILD)/libflairtag.a | $(BUILD)/emu/libcudart.so.13 $(BUILD)/emu/kernels_seeded.so
	@mkdir -p $(@D)
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	    -L$(BUILD)/emu -l:libcudart.so.13 -Wl,-rpath,$(abspath $(BUILD)/emu) $(CHECK_LIBS) $(LIBS) -lstdc++
-include $(seeded_emulated:.o=.d) $(seeded_stubs:.o=.d)

emu: $(if $(NVCC),$(seeded_tests))

# Drop-in libcublas.so.13 and libcudnn.so.9 for the emulated device, and their tests, which link them directly. Only
# headers of CUDA are needed.

emu_library_flags = -fPIC -isystem $(CUDA_HOME)/include
$(BUILD)/emu/libraries/%.o: tests/emu/%.c $(BUILD)/flags | deps
	@mkdir -p $(@D)
	$(call quiet,compile $< for the emulated device)$(CC) $(FLAGS) $(emu_library_flags) -O3 -MMD -MP -c -o $@ $<

# Names of versions as the real libraries have them, without which the dynamic linker complains.
emu_library_parts = $(patsubst %,tests/emu/%.c,product operands objects)
emu_library_objects = $(patsubst tests/emu/%.c,$(BUILD)/emu/libraries/%.o,$(wildcard tests/emu/$(1)*.c) \
    $(emu_library_parts))
$(BUILD)/emu/libcublas.so.13: $(call emu_library_objects,cublas)
$(BUILD)/emu/libcudnn.so.9: $(call emu_library_objects,cudnn)
$(BUILD)/emu/libcublas.so.13 $(BUILD)/emu/libcudnn.so.9: tests/emu/libraries.mk | $(BUILD)/emu/libcudart.so.13
	@echo '$(@F) { global: $(if $(findstring cublas,$@),cublas,cudnn)*; local: *; };' > $@.map
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -shared -pthread -o $@ -Wl,-soname,$(@F) -Wl,-z,defs \
	    -Wl,--version-script,$@.map -Wl,-rpath,'$$ORIGIN' $(filter %.o,$^) -L$(@D) -l:libcudart.so.13 -lm

.PHONY: emu-libraries
emu-libraries: $(if $(CUDA_HOME),$(BUILD)/emu/libcublas.so.13 $(BUILD)/emu/libcudnn.so.9)

-include $(wildcard $(BUILD)/emu/libraries/*.d)

# Tests that link these libraries themselves; but test_cudnn_codes opens one cuDNN or the other.
emu_linked_tests = $(patsubst %,$(BUILD)/tests/emu/test_%,cublas cudnn)
emu_library_tests = $(emu_linked_tests) $(BUILD)/tests/emu/test_cudnn_codes
$(BUILD)/obj/tests/emu/%: DEFINES = -Itests/unit -isystem $(CUDA_HOME)/include -DCUDA_HOME='"$(CUDA_HOME)"'
$(emu_library_tests): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/libtests.a $(BUILD)/libflairtag.a | emu-libraries
	@mkdir -p $(@D)
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $(filter %.o,$^) $(filter %.a,$^) $(emu_linked) \
	    -Wl,-rpath,$(abspath $(BUILD)/emu) $(CHECK_LIBS) $(LIBS)
$(emu_linked_tests): $(patsubst %,$(BUILD)/obj/tests/emu/%.o,library_case rnn_case)
$(emu_linked_tests): emu_linked = -L$(BUILD)/emu -l:libcublas.so.13 -l:libcudnn.so.9 -l:libcudart.so.13

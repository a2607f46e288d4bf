# Drop-in libcublas.so.13 and libcudnn.so.9 for the emulated device, and their tests, which link them directly. Only
# headers of CUDA are needed.

emu_library_flags = -fPIC -isystem $(CUDA_HOME)/include
$(BUILD)/emu/libraries/%.o: tests/emu/%.c $(BUILD)/flags | deps
	@mkdir -p $(@D)
	$(call quiet,compile $< for the emulated device)$(CC) $(FLAGS) $(emu_library_flags) -O3 -MMD -MP -c -o $@ $<

# Names of versions as the real libraries have them, without which the dynamic linker complains.
emu_library_parts = $(patsubst %,tests/emu/%.c,product operands objects)
emu_cublas = $(patsubst tests/emu/%.c,$(BUILD)/emu/libraries/%.o,$(wildcard tests/emu/cublas*.c) $(emu_library_parts))
emu_cudnn = $(patsubst tests/emu/%.c,$(BUILD)/emu/libraries/%.o,$(wildcard tests/emu/cudnn*.c) $(emu_library_parts))
$(BUILD)/emu/libcublas.so.13: $(emu_cublas)
$(BUILD)/emu/libcudnn.so.9: $(emu_cudnn)
$(BUILD)/emu/libcublas.so.13 $(BUILD)/emu/libcudnn.so.9: tests/emu/libraries.mk | $(BUILD)/emu/libcudart.so.13
	@echo '$(@F) { global: $(if $(findstring cublas,$@),cublas,cudnn)*; local: *; };' > $@.map
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -shared -pthread -o $@ -Wl,-soname,$(@F) -Wl,-z,defs \
	    -Wl,--version-script,$@.map $(filter %.o,$^) -L$(@D) -l:libcudart.so.13 -lm

.PHONY: emu-libraries
emu-libraries: $(if $(CUDA_HOME),$(BUILD)/emu/libcublas.so.13 $(BUILD)/emu/libcudnn.so.9)

-include $(wildcard $(BUILD)/emu/libraries/*.d)

emu_library_tests = $(patsubst %,$(BUILD)/tests/emu/test_%,cublas cudnn)
$(BUILD)/obj/tests/emu/%: DEFINES = -Itests/unit -isystem $(CUDA_HOME)/include
$(emu_library_tests): $(BUILD)/tests/emu/%: $(BUILD)/obj/tests/emu/%.o $(addprefix $(BUILD)/obj/tests/emu/,library_case.o rnn_case.o) \
    $(BUILD)/libtests.a $(BUILD)/libflairtag.a | emu-libraries
	@mkdir -p $(@D)
	$(call quiet,link $@)$(CC) $(SANITIZE) $(LDFLAGS) -pthread -o $@ $^ -L$(BUILD)/emu -l:libcublas.so.13 \
	    -l:libcudnn.so.9 -l:libcudart.so.13 -Wl,-rpath,$(abspath $(BUILD)/emu) $(CHECK_LIBS) $(LIBS)

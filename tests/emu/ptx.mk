# The kernels as nvcc's PTX has them, translated to C for the emulated device, with every access to memory checked. The
# oldest architecture's PTX comes from another compiler inside nvcc than the newest's: both are tried.

emu_ptx_flags = $(filter-out -x c++ -std=c++17 -fno-rtti,$(emu_kernel_flags)) -std=gnu11 -fno-strict-aliasing \
    -Wno-unused-label -Wno-type-limits -fsanitize=thread
emu_ptx_architectures = 75 120

define emu_ptx_rules
$(BUILD)/emu/ptx$(1)/%.ptx: kernels/%.cu $(BUILD)/emu-ptx-flags
	@mkdir -p $$(@D)
	$$(call quiet,nvcc $$< to PTX $(1))$$(NVCC) -ptx -std=c++17 -O3 -lineinfo -I. -Ilib -arch=compute_$(1) -MMD -MP -MF $$(@:.ptx=.d) \
	    -o $$@ $$<
$(BUILD)/emu/ptx$(1)/%.c: $(BUILD)/emu/ptx$(1)/%.ptx tests/emu/ptx/translate.py
	$$(call quiet,translate $$<)python3 tests/emu/ptx/translate.py $$< $$@
$(BUILD)/emu/ptx$(1)/%.o: $(BUILD)/emu/ptx$(1)/%.c tests/emu/ptx/machine.h tests/emu/emulator.h $(BUILD)/emu-ptx-flags
	$$(call quiet,compile $$<)$$(CC) $$(emu_ptx_flags) -c -o $$@ $$<
$(BUILD)/emu/kernels_ptx$(1).so: $(patsubst kernels/%.cu,$(BUILD)/emu/ptx$(1)/%.o,$(kernel_sources)) | $(BUILD)/emu/libcudart.so.13
	$$(call quiet,link $$@)$$(CC) $$(LDFLAGS) -nostdlib -shared -o $$@ $$^ -L$(BUILD)/emu -l:libcudart.so.13 -lm -lc
-include $(patsubst kernels/%.cu,$(BUILD)/emu/ptx$(1)/%.d,$(kernel_sources))
endef
$(foreach arch,$(emu_ptx_architectures),$(eval $(call emu_ptx_rules,$(arch))))
$(BUILD)/emu-ptx-flags: FORCE
	$(call stamp,$(CC) $(emu_ptx_flags) $(NVCC))

.PHONY: emu-ptx
emu-ptx: $(if $(NVCC),$(patsubst %,$(BUILD)/emu/kernels_ptx%.so,$(emu_ptx_architectures)))

# How mutants.sh builds the plug-in and the kernels with a call less.
$(BUILD)/emu/mutants.env: FORCE
	$(call stamp,MUTANT_BUILD="$(BUILD)" MUTANT_CXX="$(CXX)" MUTANT_KERNEL_FLAGS="$(emu_kernel_flags)" MUTANT_CC="$(CC)" \
	    MUTANT_FLAGS="$(FLAGS) -isystem $(CUDA_HOME)/include -fPIC -fvisibility=hidden" \
	    MUTANT_OBJECTS="$(cuda_objects) $(kernel_objects)" \
	    MUTANT_LIBS="$(BUILD)/libpic.a -L$(CUDA_HOME)/lib64 -lcudart -lcublas -lcudnn $(PACKAGE_LIBS) -lstdc++ -lm")
ifneq ($(NVCC),)
emu: emu-ptx $(BUILD)/emu/mutants.env
endif
.PHONY: emu-mutants
emu-mutants: emu
	@BUILD=$(BUILD) MUTANTS=all sh tests/emu/mutants.sh

# The back end for NVIDIA's processors, a plug-in that the program opens at run time. Built where nvcc is found.

NVCC ?= $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
CUDA_HOME ?= $(if $(NVCC),$(abspath $(dir $(NVCC))/..))
# Everything that nvcc 13 can make code for, and PTX of the newest for what comes after.
CUDA_ARCHITECTURES ?= 75 80 86 87 88 89 90 100 103 110 120 121
cuda_newest = $(lastword $(CUDA_ARCHITECTURES))

# Two files of training's arithmetic that the library which the plug-in shares does without.
cuda_sources = $(wildcard lib/cuda/*.c) kernels/optimizer.c kernels/tag_choices.c
kernel_sources = $(wildcard kernels/*.cu)
cuda_objects = $(patsubst %.c,$(BUILD)/pic/%.o,$(cuda_sources))
kernel_objects = $(patsubst %.cu,$(BUILD)/cuda/%.o,$(kernel_sources))

$(BUILD)/pic/lib/cuda/%: DEFINES = -isystem $(CUDA_HOME)/include
$(BUILD)/pic/lib/cuda/%: SHARED = -fPIC -fvisibility=hidden
$(BUILD)/pic/kernels/optimizer.o $(BUILD)/pic/kernels/tag_choices.o: SHARED = -fPIC -fvisibility=hidden

$(BUILD)/cuda/%.o: %.cu $(BUILD)/cuda-flags | deps
	@mkdir -p $(@D)
	$(call quiet,nvcc $<)$(NVCC) $(NVCC_FLAGS) -MMD -MP -MF $(@:.o=.d) -c -o $@ $<
NVCC_FLAGS = -std=c++17 -O3 -I. -Ilib -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra --Werror all-warnings \
    $(foreach arch,$(CUDA_ARCHITECTURES),-gencode arch=compute_$(arch),code=sm_$(arch)) \
    -gencode arch=compute_$(cuda_newest),code=compute_$(cuda_newest)
$(BUILD)/cuda-flags: FORCE
	$(call stamp,$(NVCC) $(NVCC_FLAGS))

# What the plug-in shares with the library is linked into it once more; nothing but its table is seen from outside.
$(BUILD)/libpic.a: $(patsubst %.c,$(BUILD)/pic/%.o,$(shared_sources))
$(BUILD)/libflairtag_cuda.so: $(cuda_objects) $(kernel_objects) $(BUILD)/libpic.a
	$(call quiet,link $@)$(CC) $(LDFLAGS) -shared -pthread -o $@ -Wl,-soname,libflairtag_cuda.so -Wl,-z,defs \
	    -Wl,--exclude-libs,ALL $(cuda_objects) $(kernel_objects) $(BUILD)/libpic.a -L$(CUDA_HOME)/lib64 -lcudart -lcublas -lcudnn \
	    $(PACKAGE_LIBS) -lstdc++ -lm

-include $(cuda_objects:.o=.d) $(kernel_objects:.o=.d)

.PHONY: cuda
cuda: $(if $(NVCC),$(if $(kernel_sources),$(BUILD)/libflairtag_cuda.so))

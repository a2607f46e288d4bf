# The emulated CUDA device: drop-in libraries under $(BUILD)/emu, and the kernels compiled to run on it.

/* plugin.h - between the program and libflairtag_cuda.so, which it opens at run time so that it starts on machines
 * without CUDA. Both must be of one build: the plug-in shares the structs of backend.h, layers.h and training.h, and
 * `version` (FLAIRTAG_VERSION) and `abi` say so. */
#ifndef TENSOR_PLUGIN_H
#define TENSOR_PLUGIN_H
#include "tensor/backend.h"

/* Goes up when a struct that both sides see changes; `size` of the table catches what this forgets. */
enum { CUDA_PLUGIN_ABI = 1 };

enum cuda_math { CUDA_MATH_F32, CUDA_MATH_TF32, CUDA_MATH_F16 };

struct cuda_options {
    int device;          /* which of the machine's, from 0 */
    enum cuda_math math; /* how products are computed; f32 is the reference */
    size_t memory;       /* most bytes of the device's memory to take; 0: what is free */
    size_t lanes;        /* sequences a language model steps together; 0: what fits and fills the device */
    bool native;         /* LSTMs by kernels of our own instead of cuDNN */
};

struct cuda_device_info {
    char name[256];
    size_t memory, available; /* bytes */
    int compute_major, compute_minor, processors;
};

struct cuda_plugin {
    uint32_t abi, size; /* CUDA_PLUGIN_ABI, sizeof(struct cuda_plugin) */
    const char *version;
    /* How many devices there are; FT_NOMEM with the reason where none can be used (no driver, too old a driver). */
    ft_status (*devices)(size_t *count, struct ft_error *error);
    ft_status (*describe)(int device, struct cuda_device_info *info, struct ft_error *error);
    ft_status (*open)(const struct cuda_options *options, struct backend **backend, struct ft_error *error);
};

/* The plug-in's only symbol. */
#define CUDA_PLUGIN_SYMBOL "flairtag_cuda_plugin"
const struct cuda_plugin *flairtag_cuda_plugin(void);

#endif

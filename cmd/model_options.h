/* model_options.h - the options of every command that runs a model. */
#ifndef CMD_MODEL_OPTIONS_H
#define CMD_MODEL_OPTIONS_H
#include "import/model_folders.h"
#include "cmd/options.h"
#include "import/model_open.h"

struct model_values {
    const char *model; /* NULL: the default */
    long threads, lanes;
    const char *isa;
    int precision;      /* an enum precision, or one of those below */
    const char *device; /* NULL: not given, as auto */
    size_t gpu_memory;  /* bytes; 0: what is free */
};
/* Beside those of the CPU: what is fastest there; a GPU's; not given. */
enum { PRECISION_AUTO = PRECISIONS, PRECISION_TF32, PRECISION_F16, PRECISION_OF_FILE = -1 };
#define MODEL_DEFAULTS                                \
    {                                                 \
        .isa = "auto", .precision = PRECISION_OF_FILE \
    }

/* clang-format off */
#define MACHINE_OPTIONS(values, member)                                                                               \
    {0, "threads", OPTION_INT, offsetof(values, member.threads), "N", NULL,                                           \
     "threads to work on (default: the cores there are)", 1, 1024},                                                   \
    {0, "lanes", OPTION_INT, offsetof(values, member.lanes), "N", NULL,                                               \
     "sentences a thread steps together (default: what is fastest); the result does not depend on it", 1, 4096},      \
    {0, "isa", OPTION_STRING, offsetof(values, member.isa), "SET", NULL,                                              \
     "instruction set: auto, avx512vnni, avx512, avxvnni, avx2, neondot, neon or scalar; all give the same bytes "     \
     "(default auto)", 0, 0}

#define PRECISION_CHOICES "f32|int16|int8|int7|auto"
#define PRECISION_OPTION(values, member)                                                                              \
    {0, "precision", OPTION_CHOICE, offsetof(values, member.precision), NULL, PRECISION_CHOICES,                      \
     "arithmetic of the weights: float32, integers, or what is fastest here (default: what the model holds)", 0, 0}
#define RUN_PRECISION_OPTION(values, member)                                                                          \
    {0, "precision", OPTION_CHOICE, offsetof(values, member.precision), NULL, PRECISION_CHOICES "|tf32|fp16",         \
     "arithmetic of the weights: float32, integers (CPU), or what is fastest here; on a GPU f32, tf32 or fp16, whose " \
     "products are coarser (default: what the model holds; f32 on a GPU)", 0, 0}

#define DEVICE_OPTIONS(values, member)                                                                                \
    {0, "device", OPTION_STRING, offsetof(values, member.device), "DEVICE", NULL,                                     \
     "what computes: auto, cpu, or an NVIDIA GPU as cuda, cuda:1, for 'predict' also several as cuda:0,1 (default auto: " \
     "the first GPU that can be used, else the CPU)", 0, 0},                                                          \
    {0, "gpu-mem", OPTION_SIZE, offsetof(values, member.gpu_memory), "SIZE", NULL,                                    \
     "most memory to take of a GPU (default: what is free)", 0, 0}

#define MODEL_OPTIONS(values, member)                                                                                 \
    {'m', "model", OPTION_STRING, offsetof(values, member.model), "MODEL", NULL,                                      \
     "a model file, or the name of an installed model (default: the one that 'flairtag models' marks)", 0, 0},        \
    RUN_PRECISION_OPTION(values, member),                                                                             \
    DEVICE_OPTIONS(values, member),                                                                                   \
    MACHINE_OPTIONS(values, member)
/* clang-format on */

/* The CPU's back end, as the options ask for it (machine.h has the GPU's). */
ft_status model_backend(const struct model_values *values, struct backend **backend, struct ft_error *error);

/* The precision that the options ask for, if they do; says on stderr what `auto` stands for here. */
enum precision model_precision(const struct model_values *values, const struct backend *backend);

/* What the option calls it. */
const char *precision_option_name(int precision);

/* Its name, without a word on stderr; "file" where the options ask for none. */
const char *model_precision_name(const struct model_values *values, const struct backend *backend);

/* Brings a model to that precision; nothing where the options ask for none. */
ft_status model_settle_precision(const struct model_values *values, struct backend *backend, struct model *model,
                                 struct ft_error *error);

/* Finds, opens and brings to its precision; FT_MODEL when the model is no tagger. */
ft_status model_open_tagger(const struct model_values *values, struct backend *backend, struct model *model,
                            struct ft_error *error);

#endif

/* machine.h - what a command computes on: the CPU, or GPUs with the CPU beside them, as --device says.
 *
 * Models are always opened by the CPU's back end, whose threads also do what is the host's work; sentences are computed
 * on the devices. Without a GPU both are one. It is settled before a model is read. */
#ifndef CMD_MACHINE_H
#define CMD_MACHINE_H
#include "cmd/model_options.h"
#include "tensor/backend_cuda.h"

enum { MACHINE_DEVICES = 16 };

struct machine {
    struct backend *host;                     /* the CPU's */
    struct backend *devices[MACHINE_DEVICES]; /* [count] where sentences are computed; the first may be `host` */
    size_t count;
    bool has_gpu;
    struct model_values model; /* as they hold for opening models: a GPU's precisions are none of a model's */
    struct cuda_device_info info[MACHINE_DEVICES]; /* of GPUs, as they were before */
    size_t gpu_memory;                             /* bytes of each that may be taken, less what it has in use */
};

/* How many GPUs a command can use. */
enum machine_use { MACHINE_CPU_ALONE, MACHINE_ONE_GPU, MACHINE_GPUS };

/* Opens what --device asks for. `auto` is the CPU where no GPU can be used, and says so in one line where it was asked
 * for, or where there is a sign of a GPU, and a plug-in. FT_USAGE: --device, --isa and --precision contradict each
 * other or the command. FT_NOMEM: `cuda` was asked for and cannot be used; the message says what is missing. The
 * machine can be closed after any status. */
ft_status machine_open(struct machine *machine, const struct model_values *values, enum machine_use use,
                       struct ft_error *error);
void machine_close(struct machine *machine);

/* Lets the GPUs go: the CPU computes from here on. */
void machine_leave_gpu(struct machine *machine);

/* Whether --device names GPUs: to be without is then an error, not a matter of speed. */
bool machine_must_have_gpu(const struct model_values *values);

/* Whether `auto` found the GPU: the CPU does what that has no memory for. */
bool machine_chose_gpu(const struct machine *machine);

/* What an output's bytes depend on: model_precision_name, and of a GPU that it is one. */
const char *machine_precision_name(const struct machine *machine, const struct model_values *values);

/* "NVIDIA H100 80GB HBM3, 79.1 GiB, computes in tf32" */
enum { MACHINE_TEXT = 320 };
const char *machine_text(const struct machine *machine, const struct model_values *values, char text[MACHINE_TEXT]);

#endif

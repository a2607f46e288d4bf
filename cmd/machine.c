/* machine.c - see machine.h. */
#include "cmd/machine.h"
#include "run/memory_plan.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_AUTO, KIND_CPU, KIND_CUDA };

/* What --device says. */
struct wish {
    enum kind kind;
    int devices[MACHINE_DEVICES];
    size_t count;
};

static bool read_list(const char *text, struct wish *wish)
{
    for (;; text++) {
        char *end;
        if (!isdigit((unsigned char)*text) || wish->count == MACHINE_DEVICES)
            return false;
        long number = strtol(text, &end, 10);
        for (size_t i = 0; i < wish->count; i++)
            if (wish->devices[i] == number)
                return false;
        if (number > 1000)
            return false;
        wish->devices[wish->count++] = (int)number;
        text = end;
        if (*text != ',')
            return !*text;
    }
}

static ft_status read_wish(const char *text, struct wish *wish, struct ft_error *error)
{
    *wish = (struct wish){.kind = KIND_AUTO};
    if (!text || !strcmp(text, "auto"))
        return FT_OK;
    wish->kind = !strcmp(text, "cpu") ? KIND_CPU : KIND_CUDA;
    if (wish->kind == KIND_CPU)
        return FT_OK;
    if (!strcmp(text, "cuda")) {
        wish->count = 1;
        return FT_OK;
    }
    if (!strncmp(text, "cuda:", 5) && read_list(text + 5, wish))
        return FT_OK;
    return ft_fail(error, FT_USAGE, "--device wants auto, cpu, cuda, cuda:N or several as cuda:N,M, not '%s'", text);
}

static bool is_of_gpus(int precision)
{
    return precision == PRECISION_TF32 || precision == PRECISION_F16;
}

static bool is_of_cpus(int precision)
{
    return precision > PRECISION_F32 && precision < PRECISIONS;
}

static ft_status check_wish(const struct model_values *values, const struct wish *wish, enum machine_use use,
                            struct ft_error *error)
{
    const char *name = precision_option_name(values->precision);
    if (wish->kind == KIND_CPU && is_of_gpus(values->precision))
        return ft_fail(error, FT_USAGE, "--precision %s is a GPU's: the CPU computes in f32, int16, int8 or int7",
                       name);
    if (wish->kind == KIND_CUDA && is_of_cpus(values->precision))
        return ft_fail(error, FT_USAGE, "--precision %s is the CPU's: a GPU computes in f32, tf32 or fp16", name);
    if (wish->kind == KIND_CUDA && use == MACHINE_CPU_ALONE)
        return ft_fail(error, FT_USAGE, "--jobs shares CPUs: with a GPU one process does all (--device cpu)");
    if (wish->count > 1 && use != MACHINE_GPUS)
        return ft_fail(error, FT_USAGE, "--device %s: only 'flairtag predict' uses several GPUs at a time",
                       values->device);
    return FT_OK;
}

static enum cuda_math math_of(int precision)
{
    return precision == PRECISION_TF32 ? CUDA_MATH_TF32 : precision == PRECISION_F16 ? CUDA_MATH_F16 : CUDA_MATH_F32;
}

static ft_status open_gpu(struct machine *machine, const struct cuda_plugin *plugin, const struct model_values *values,
                          int device, struct ft_error *error)
{
    struct cuda_options options = {.device = device,
                                   .math = math_of(values->precision),
                                   .memory = values->gpu_memory,
                                   .lanes = (size_t)values->lanes};
    struct cuda_device_info *info = &machine->info[machine->count];
    ft_status status = plugin->describe(device, info, error);
    if (status == FT_OK)
        status = plugin->open(&options, &machine->devices[machine->count], error);
    if (status != FT_OK)
        return status;
    size_t may = values->gpu_memory && values->gpu_memory < info->available ? values->gpu_memory : info->available;
    if (!machine->count || may < machine->gpu_memory)
        machine->gpu_memory = may;
    machine->count++;
    machine->has_gpu = true;
    if (values->precision != PRECISION_F32)
        machine->model.precision = PRECISION_OF_FILE;
    return FT_OK;
}

static ft_status open_gpus(struct machine *machine, const struct model_values *values, const struct wish *wish,
                           enum cuda_lack *lack, struct ft_error *error)
{
    const struct cuda_plugin *plugin;
    size_t there;
    /* Inside cuDNN's LSTMs products run on several streams; with cuBLAS's own choice of workspaces their last bits
     * would depend on which is free (release notes of cuDNN 8). */
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:2", 0);
    ft_status status = backend_cuda_find(&plugin, &there, lack, error);
    if (status == FT_OK && !wish->count)
        return open_gpu(machine, plugin, values, 0, error);
    for (size_t i = 0; status == FT_OK && i < wish->count; i++)
        status = open_gpu(machine, plugin, values, wish->devices[i], error);
    return status;
}

/* Whether there is anything to try, and whether to speak of it where it fails. */
static bool is_worth_a_look(const struct model_values *values, const struct wish *wish, enum machine_use use)
{
    if (wish->kind == KIND_CPU || use == MACHINE_CPU_ALONE || is_of_cpus(values->precision))
        return false;
    return wish->kind == KIND_CUDA || values->device || backend_cuda_shows();
}

ft_status machine_open(struct machine *machine, const struct model_values *values, enum machine_use use,
                       struct ft_error *error)
{
    struct wish wish;
    struct ft_error why = {""};
    enum cuda_lack lack = CUDA_LACKS_NOTHING;
    *machine = (struct machine){.model = *values};
    ft_status status = read_wish(values->device, &wish, error);
    if (status == FT_OK)
        status = check_wish(values, &wish, use, error);
    if (status == FT_OK)
        status = model_backend(values, &machine->host, error);
    if (status != FT_OK)
        return status;
    if (is_worth_a_look(values, &wish, use)) {
        if (open_gpus(machine, values, &wish, &lack, &why) == FT_OK)
            return FT_OK;
        machine_leave_gpu(machine);
        if (wish.kind == KIND_CUDA)
            return ft_fail(error, FT_NOMEM, "--device %s: %s", values->device, why.text);
        if (lack != CUDA_LACKS_PLUGIN)
            report_error("no GPU is used: %s", why.text);
    }
    machine_leave_gpu(machine);
    machine->model = *values;
    return is_of_gpus(values->precision)
               ? ft_fail(error, FT_USAGE, "--precision %s needs a GPU (--device cuda says what is missing)",
                         precision_option_name(values->precision))
               : FT_OK;
}

void machine_leave_gpu(struct machine *machine)
{
    for (size_t i = 0; machine->has_gpu && i < machine->count; i++)
        machine->devices[i]->ops->free(machine->devices[i]);
    machine->has_gpu = false;
    machine->devices[0] = machine->host;
    machine->count = 1;
}

void machine_close(struct machine *machine)
{
    if (machine->host) {
        machine_leave_gpu(machine);
        machine->host->ops->free(machine->host);
    }
    *machine = (struct machine){0};
}

bool machine_must_have_gpu(const struct model_values *values)
{
    return values->device && !strncmp(values->device, "cuda", 4);
}

bool machine_chose_gpu(const struct machine *machine)
{
    return machine->has_gpu && !machine_must_have_gpu(&machine->model);
}

const char *machine_precision_name(const struct machine *machine, const struct model_values *values)
{
    static const char *const names[] = {"f32 on a GPU", "tf32 on a GPU", "fp16 on a GPU"};
    return machine->has_gpu ? names[math_of(values->precision)] : model_precision_name(values, machine->host);
}

const char *machine_text(const struct machine *machine, const struct model_values *values, char text[MACHINE_TEXT])
{
    static const char *const names[] = {"f32", "tf32", "fp16"};
    char memory[MEMORY_TEXT];
    snprintf(text, MACHINE_TEXT, "%s, %s, computes in %s", machine->info[0].name,
             memory_text(machine->info[0].memory, memory), names[math_of(values->precision)]);
    return text;
}

/* model_options.c - see model_options.h. */
#include "cmd/model_options.h"
#include "model/quantise.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef FLAIRTAG_SHARE
#define FLAIRTAG_SHARE "/usr/local/share/flairtag"
#endif

static const char default_model[] = "small";

ft_status model_backend(const struct model_values *values, struct backend **backend, struct ft_error *error)
{
    struct cpu_options options = {(size_t)values->threads, (size_t)values->lanes, values->isa};
    return backend_cpu_new(backend, &options, error);
}

static bool is_path(const char *name)
{
    return strchr(name, '/') || strchr(name, '.') || !access(name, F_OK);
}

static bool found_in(const char *folder, size_t length, const char *name, char *path, size_t room)
{
    int written = snprintf(path, room, "%.*s/%s.safetensors", (int)length, folder, name);
    return length && written > 0 && (size_t)written < room && !access(path, R_OK);
}

/* models/ in the folder above the program's own: build/flairtag and models/ lie side by side in the source tree. Where
 * /proc is not mounted the name that the program was called by tells its folder. */
static void beside_program(char *folder, size_t room)
{
    static const char tail[] = "/../models";
    ssize_t length = readlink("/proc/self/exe", folder, room - sizeof tail);
    if (length < 0) {
        length = (ssize_t)strlen(program_invocation_name);
        if ((size_t)length >= room - sizeof tail)
            length = 0;
        memcpy(folder, program_invocation_name, (size_t)length);
    }
    while (length > 0 && folder[length - 1] != '/')
        length--;
    folder[length] = 0;
    if (length)
        memcpy(folder + length - 1, tail, sizeof tail);
}

ft_status model_find(const char *name, char *path, size_t room, struct ft_error *error)
{
    if (!name || !strcmp(name, "default"))
        name = default_model;
    if (is_path(name)) {
        if (strlen(name) >= room)
            return ft_fail(error, FT_MODEL, "the model's path is too long");
        strcpy(path, name);
        return FT_OK;
    }
    const char *own = getenv("FLAIRTAG_MODELS");
    for (const char *folder = own; folder && *folder;) {
        size_t length = strcspn(folder, ":");
        if (found_in(folder, length, name, path, room))
            return FT_OK;
        folder += length + (folder[length] == ':');
    }
    char folder[4096];
    beside_program(folder, sizeof folder);
    if (found_in(folder, strlen(folder), name, path, room))
        return FT_OK;
    static const char shared[] = FLAIRTAG_SHARE "/models";
    if (found_in(shared, sizeof shared - 1, name, path, room))
        return FT_OK;
    return ft_fail(error, FT_MODEL, "no model '%s' in $FLAIRTAG_MODELS%s%s, %s or %s", name, own ? "=" : "",
                   own ? own : "", *folder ? folder : "models/ beside the program", shared);
}

enum precision model_precision(const struct model_values *values, const struct backend *backend)
{
    const struct kernels *kernels = backend_cpu_kernels(backend);
    if (values->precision != PRECISION_AUTO)
        return (enum precision)values->precision;
    report_error("precision %s, which %s computes fastest", precision_names[kernels->fastest], kernels->name);
    return kernels->fastest;
}

ft_status model_settle_precision(const struct model_values *values, struct backend *backend, struct model *model,
                                 struct ft_error *error)
{
    if (values->precision == PRECISION_OF_FILE)
        return FT_OK;
    enum precision precision = model_precision(values, backend), from = model_other_integers(model, precision);
    if (from != PRECISION_F32 && precision != PRECISION_F32)
        report_error(
            "the model holds %s: turning it to %s rounds a second time (a float32 original would be rounded once)",
            precision_names[from], precision_names[precision]);
    return model_set_precision(model, precision, backend, error);
}

ft_status model_open_tagger(const struct model_values *values, struct backend *backend, struct model *model,
                            struct ft_error *error)
{
    static const char *const kinds[] = {"tagger", "language model", "set of word vectors"};
    char path[4096];
    *model = (struct model){0};
    ft_status status = model_find(values->model, path, sizeof path, error);
    if (status == FT_OK)
        status = model_open(path, backend, model, error);
    if (status == FT_OK && model->kind == MODEL_TAGGER)
        status = model_settle_precision(values, backend, model, error);
    if (status != FT_OK || model->kind == MODEL_TAGGER)
        return status;
    status = ft_fail(error, FT_MODEL, "%s: not a tagger but a %s", path, kinds[model->kind]);
    model_close(model);
    return status;
}

/* model_options.c - see model_options.h. */
#include "cmd/model_options.h"
#include "model/quantise.h"

ft_status model_backend(const struct model_values *values, struct backend **backend, struct ft_error *error)
{
    struct cpu_options options = {(size_t)values->threads, (size_t)values->lanes, values->isa};
    return backend_cpu_new(backend, &options, error);
}

const char *precision_option_name(int precision)
{
    switch (precision) {
    case PRECISION_AUTO: return "auto";
    case PRECISION_TF32: return "tf32";
    case PRECISION_F16: return "fp16";
    case PRECISION_OF_FILE: return "file";
    default: return precision_names[precision];
    }
}

enum precision model_precision(const struct model_values *values, const struct backend *backend)
{
    const struct kernels *kernels = backend_cpu_kernels(backend);
    if (values->precision != PRECISION_AUTO)
        return (enum precision)values->precision;
    report_error("precision %s, which %s computes fastest", precision_names[kernels->fastest], kernels->name);
    return kernels->fastest;
}

const char *model_precision_name(const struct model_values *values, const struct backend *backend)
{
    if (values->precision == PRECISION_OF_FILE)
        return "file";
    return precision_names[values->precision == PRECISION_AUTO ? (int)backend_cpu_kernels(backend)->fastest
                                                               : values->precision];
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

/* model.c - models of the public API: finding, opening, running. */
#include "api/model.h"
#include "import/model_folders.h"
#include "kernels/kernels.h"
#include <stdlib.h>
#include <string.h>

_Static_assert(FT_PRECISION_FASTEST - FT_PRECISION_F32 == PRECISIONS, "every precision has its public name");

const char *ft_version(void)
{
    return FLAIRTAG_VERSION;
}

ft_status options_take(void *to, size_t size, const void *from, struct ft_error *error)
{
    size_t theirs = sizeof theirs;
    memset(to, 0, size);
    if (!from)
        return FT_OK;
    memcpy(&theirs, from, sizeof theirs);
    if (theirs < sizeof theirs || theirs > 4096)
        return ft_fail(error, FT_USAGE, "options of %zu bytes (their first member must be their size)", theirs);
    memcpy(to, from, theirs < size ? theirs : size);
    for (size_t i = size; i < theirs; i++)
        if (((const char *)from)[i])
            return ft_fail(error, FT_USAGE, "an option is set that libflairtag %s does not have", FLAIRTAG_VERSION);
    return FT_OK;
}

static ft_status check_options(const struct ft_options *options, struct ft_error *error)
{
    if ((unsigned)options->precision > FT_PRECISION_FASTEST)
        return ft_fail(error, FT_USAGE, "unknown precision %d", (int)options->precision);
    if ((unsigned)options->scores > FT_SCORES_MARGINAL)
        return ft_fail(error, FT_USAGE, "unknown kind of scores %d", (int)options->scores);
    if (options->threads > 1024)
        return ft_fail(error, FT_USAGE, "%zu threads are more than 1024", options->threads);
    return FT_OK;
}

static ft_status open_tagger(struct ft_model *model, enum ft_precision precision, struct ft_error *error)
{
    static const char *const kinds[] = {"tagger", "language model", "set of word vectors"};
    ft_status status = model_open(model->path, model->backend, &model->model, error);
    if (status != FT_OK)
        return status;
    if (model->model.kind != MODEL_TAGGER)
        return ft_fail(error, FT_MODEL, "%s: not a tagger but a %s", model->path, kinds[model->model.kind]);
    if (precision == FT_PRECISION_OF_MODEL)
        return FT_OK;
    enum precision wanted = precision == FT_PRECISION_FASTEST ? backend_cpu_kernels(model->backend)->fastest
                                                              : (enum precision)(precision - FT_PRECISION_F32);
    return model_set_precision(&model->model, wanted, model->backend, error);
}

ft_status ft_model_open(struct ft_model **out, const char *name, const struct ft_options *given, struct ft_error *error)
{
    struct ft_options options;
    struct ft_error ignored;
    error = error ? error : &ignored;
    *out = NULL;
    ft_status status = options_take(&options, sizeof options, given, error);
    if (status == FT_OK)
        status = check_options(&options, error);
    if (status != FT_OK)
        return status;
    struct ft_model *model = calloc(1, sizeof *model);
    if (!model)
        return ft_nomem(error, "a model");
    struct cpu_options machine = {.threads = options.threads, .isa = options.isa ? options.isa : "auto"};
    struct predictor_options how = {.scores = options.scores == FT_SCORES_MARGINAL ? SCORES_MARGINAL : SCORES_FLAIR,
                                    .span_scores = true};
    pthread_mutex_init(&model->lock, NULL);
    status = backend_cpu_new(&model->backend, &machine, error);
    if (status == FT_OK)
        status = model_find(name, model->path, sizeof model->path, error);
    if (status == FT_OK)
        status = open_tagger(model, options.precision, error);
    if (status == FT_OK)
        status = predictor_new(&model->predictor, model->model.tagger, model->backend, &how, error);
    if (status != FT_OK) {
        ft_model_close(model);
        return status;
    }
    *out = model;
    return FT_OK;
}

void ft_model_close(struct ft_model *model)
{
    if (!model)
        return;
    predictor_free(model->predictor);
    model_close(&model->model);
    if (model->backend)
        model->backend->ops->free(model->backend);
    pthread_mutex_destroy(&model->lock);
    free(model);
}

const char *ft_model_path(const struct ft_model *model)
{
    return model->path;
}

ft_status model_tag(struct ft_model *model, struct ft_result *result, const struct token *whole, struct ft_error *error)
{
    const struct tagging *taggings;
    bool kept_less = false;
    pthread_mutex_lock(&model->lock);
    ft_status status = predictor_run(model->predictor, &result->window, &taggings, &kept_less, error);
    if (status == FT_OK)
        status = result_fill(result, taggings, whole, error);
    pthread_mutex_unlock(&model->lock);
    return status;
}

/* memory_options.c - see memory_options.h. */
#include "cmd/memory_options.h"
#include "base/memory.h"
#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>

/* Freed memory goes back to the system at once, and threads share one heap: then what is held is what was planned. */
static void keep_heap_small(void)
{
#ifdef M_ARENA_MAX
    mallopt(M_MMAP_THRESHOLD, 1 << 18);
    mallopt(M_TRIM_THRESHOLD, 1 << 18);
    mallopt(M_ARENA_MAX, 1);
#endif
}

static ft_status too_little(size_t limit, const char *what, size_t bytes, const char *advice, struct ft_error *error)
{
    char allowed[MEMORY_TEXT], needed[MEMORY_TEXT];
    return ft_fail(error, FT_NOMEM, "--max-mem %s is too little: %s takes %s%s", memory_text(limit, allowed), what,
                   memory_text(bytes, needed), advice);
}

ft_status memory_open_tagger(size_t limit, const struct machine *machine, struct model *model, struct ft_error *error)
{
    const struct model_values *values = &machine->model;
    char path[4096];
    struct stat about;
    if (!limit)
        return model_open_tagger(values, machine->host, model, error);
    *model = (struct model){0};
    ft_status status = model_find(values->model, path, sizeof path, error);
    if (status == FT_OK && !stat(path, &about) && S_ISREG(about.st_mode) && (size_t)about.st_size > limit)
        status = too_little(limit, "the model's file alone", (size_t)about.st_size, "", error);
    if (status != FT_OK)
        return status;
    keep_heap_small();
    status = model_open_tagger(values, machine->host, model, error);
    size_t peak = memory_peak();
    if (status == FT_OK && peak > limit) {
        const char *advice = model->tagger->file ? "" : "; what 'flairtag convert' makes of it opens in less";
        status = too_little(limit, "opening this model", peak, advice, error);
        model_close(model);
    }
    return status;
}

/* What the GPU has for a full window, which shrinks until it fits; smaller batches would do, but not the model alone.
 */
static ft_status settle_gpu(struct machine *machine, struct memory_plan *plan, struct ft_error *error)
{
    char needed[MEMORY_TEXT], there[MEMORY_TEXT];
    if (!machine->has_gpu || memory_plan_fit_device(plan, machine->gpu_memory))
        return FT_OK;
    memory_text(memory_on_device(plan), needed);
    memory_text(machine->gpu_memory, there);
    if (machine_must_have_gpu(&machine->model))
        return ft_fail(error, FT_NOMEM, "--device %s: the model and a small window take %s of the %s that the GPU has",
                       machine->model.device, needed, there);
    report_error("no GPU is used: the model and a small window take %s of the %s that it has", needed, there);
    machine_leave_gpu(machine);
    return FT_OK;
}

ft_status memory_settle(size_t limit, const struct model *model, struct machine *machine, struct reader *reader,
                        struct predictor_options *how, struct memory_plan *plan, struct ft_error *error)
{
    struct backend *backend = machine->host;
    struct memory_request request = {.tagger = model->tagger,
                                     .model_bytes = memory_of_tagger(model->tagger, model->file_bytes),
                                     .threads = backend_cpu_threads(backend),
                                     .lanes = backend_cpu_lanes(backend),
                                     .limit = limit};
    if (how) {
        request.storage = how->storage;
        request.gather = how->gather;
        request.lm_output = how->lm_output;
        request.marginals = how->scores == SCORES_MARGINAL;
        request.nbest = how->nbest;
    }
    ft_status status = memory_plan_init(plan, &request, error);
    if (status == FT_OK)
        status = settle_gpu(machine, plan, error);
    if (status != FT_OK)
        return status;
    backend_cpu_set_lanes(backend, plan->lanes);
    backend_cpu_set_fork_bytes(backend, plan->fork_bytes);
    reader_limit(reader, &(struct reader_limits){plan->window, plan->line});
    if (how) {
        how->plan = plan;
        how->max_memory = plan->budget;
    }
    return FT_OK;
}

void memory_foresee(const struct memory_plan *plan, const struct window *first, const struct reader *reader,
                    struct predictor_group *predictors)
{
    size_t done, total, row = embedder_written_width(plan->request.tagger) * sizeof(float);
    reader_progress(reader, &done, &total);
    if (!plan->budget || !total || !done)
        return;
    double bytes = (double)first->tokens * (double)row * (double)total / (double)done;
    if (bytes <= (double)plan->kept)
        return;
    char all[MEMORY_TEXT], kept[MEMORY_TEXT];
    report_error("cannot keep about %s of embeddings in the %s that --max-mem leaves; storing none instead",
                 memory_text((size_t)bytes, all), memory_text(plan->kept, kept));
    predictor_group_keep_nothing(predictors);
}

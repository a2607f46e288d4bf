/* tagging.c - see tagging.h. */
#include "cmd/tagging.h"
#include "cmd/interrupt.h"
#include "cmd/memory_options.h"
#include "cmd/options.h"

static ft_status start_writer(struct tagging_run *run, struct ft_error *error)
{
    enum input_format input = reader_format(run->reader);
    if (run->writing.format == OUTPUT_GUESS)
        run->writing.format = writer_default_format(input == INPUT_GUESS ? INPUT_CONLL : input);
    if (run->nbest && run->writing.format != OUTPUT_JSONL)
        return ft_fail(error, FT_USAGE, "--nbest needs --format jsonl");
    run->writing.continues = run->shard.index > 1 || run->done.mark.bytes > 0;
    return writer_new(&run->writer, run->output, &run->writing, error);
}

/* The output has come as far as the tally says. */
static ft_status move_on(struct tagging_run *run, const struct job_tally *tally, struct ft_error *error)
{
    size_t done, total;
    ft_status status = output_flush(run->output, error);
    if (status != FT_OK)
        return status;
    run->done = *tally;
    run->done.mark.bytes = output_bytes(run->output);
    if (run->resume)
        status = resume_tell(run->resume, &run->done.mark, error);
    reader_progress(run->reader, &done, &total);
    progress_update(run->progress, run->done.sentences, run->done.tokens, done, total);
    return status;
}

static ft_status tag_window(struct tagging_run *run, const struct window *window, struct writer *writer,
                            struct ft_error *error)
{
    const struct tagging *taggings;
    bool kept_less = false;
    ft_status status = predictor_group_run(run->predictors, window, &taggings, &kept_less, error);
    if (kept_less && predictor_group_storage(run->predictors) == STORAGE_CPU)
        report_error("the GPU's memory is full; embeddings are kept in host memory instead");
    else if (kept_less)
        report_error("embeddings kept so far do not fit in --max-mem; storing none instead");
    for (size_t i = 0; status == FT_OK && i < window->count; i++)
        status = writer_sentence(writer, &window->sentences[i], &taggings[i], error);
    return status;
}

struct window_job {
    struct tagging_run *run;
    const struct window *window;
};

static ft_status tag_in_job(void *argument, struct output *output, struct ft_error *error)
{
    const struct window_job *job = argument;
    struct writer *writer;
    ft_status status = writer_new(&writer, output, &job->run->writing, error);
    return status == FT_OK ? tag_window(job->run, job->window, writer, error) : status;
}

/* Writes the results of jobs: all of them, or those that are there and need no waiting. */
static ft_status write_results(struct tagging_run *run, bool all, struct ft_error *error)
{
    ft_status status = FT_OK;
    while (status == FT_OK && !run->broken && jobs_are_left(run->jobs) &&
           (all || !jobs_have_room(run->jobs) || jobs_first_is_done(run->jobs))) {
        struct job_tally tally;
        status = jobs_take(run->jobs, run->output, &tally, error);
        if (status == FT_OK)
            status = move_on(run, &tally, error);
        run->broken = status != FT_OK;
    }
    return status;
}

static ft_status start_job(struct tagging_run *run, const struct window *window, struct ft_error *error)
{
    struct window_job job = {run, window};
    ft_status status = write_results(run, false, error);
    if (status == FT_OK)
        status = jobs_start(run->jobs, tag_in_job, &job, &run->read, error);
    run->writing.continues = true;
    return status;
}

/* The sentences of a window that are this run's to tag. FT_END after them: the shard is over. */
static ft_status take_window(struct tagging_run *run, const struct window *window, struct ft_error *error)
{
    struct window ours = *window;
    size_t first, passed = 0;
    bool over = shard_cut(&run->shard, window, &first, &ours.count);
    ours.sentences += first;
    ft_status status = FT_OK;
    if (run->resume)
        status = mark_pass(&run->read.mark, &run->resume->goal, &ours, &passed, error);
    ours.sentences += passed;
    ours.count -= passed;
    if (status == FT_OK && ours.count) {
        mark_add(&run->read.mark, ours.sentences, run->resume ? ours.count : 0);
        for (size_t i = 0; i < ours.count; i++) {
            run->read.sentences += ours.sentences[i].count > 0;
            run->read.tokens += ours.sentences[i].count;
        }
        status = run->jobs ? start_job(run, &ours, error) : tag_window(run, &ours, run->writer, error);
        if (status == FT_OK && !run->jobs)
            status = move_on(run, &run->read, error);
    }
    return status == FT_OK && over ? FT_END : status;
}

static ft_status next_window(struct tagging_run *run, struct window *window, struct ft_error *error)
{
    if (run->jobs && jobs_are_left(run->jobs) && reader_pauses(run->reader)) {
        ft_status status = write_results(run, true, error);
        if (status != FT_OK)
            return status;
    }
    return reader_next(run->reader, run->devices * run->plan->max_chars, run->devices * run->plan->max_tokens, window,
                       error);
}

static ft_status end_output(struct tagging_run *run, struct ft_error *error)
{
    if (run->resume && run->read.mark.lines < run->resume->goal.lines)
        return ft_fail(error, FT_INPUT, "cannot go on: the input has become shorter than what was tagged of it");
    bool begun_by_job = run->jobs && run->writing.continues;
    return begun_by_job ? FT_OK : writer_end(run->writer, error);
}

ft_status tagging_all(struct tagging_run *run, struct ft_error *error)
{
    struct window window;
    ft_status status = FT_OK;
    window_init(&window);
    if (run->resume)
        run->done.mark = run->resume->goal;
    for (bool first = true; status == FT_OK && !interrupted; first = false) {
        status = next_window(run, &window, error);
        if (status == FT_OK && first)
            memory_foresee(run->plan, &window, run->reader, run->predictors);
        if (!run->writer && (status == FT_OK || status == FT_END)) {
            ft_status started = start_writer(run, error);
            status = started == FT_OK ? status : started;
        }
        if (status == FT_OK)
            status = take_window(run, &window, error);
    }
    window_release(&window);
    struct ft_error why;
    ft_status written = run->jobs ? write_results(run, true, &why) : FT_OK;
    if (written != FT_OK) { /* that comes before whatever the reader met */
        if (error)
            *error = why;
        return written;
    }
    if (status == FT_OK)
        return ft_fail(error, FT_INTERRUPTED, "interrupted");
    return status == FT_END ? end_output(run, error) : status;
}

/* resume.c - see resume.h. */
#include "cmd/resume.h"
#include "base/clock.h"
#include "cmd/model_options.h"
#include "cmd/options_json.h"
#include "flairtag.h"
#include "run/run_folder.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Options that no byte of an output depends on, and those described in a way of their own. */
static bool is_free(const char *name)
{
    static const char *const names[] = {"output", "resume",    "checkpoint-seconds",
                                        "jobs",   "threads",   "lanes",
                                        "isa",    "device",    "gpu-mem",
                                        "color",  "max-mem",   "storage",
                                        "gather", "lm-output", "model"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static bool add_text(cJSON *description, const char *name, const char *text)
{
    return cJSON_AddStringToObject(description, name, text);
}

static bool add_options(cJSON *description, const struct resume_subject *subject)
{
    cJSON *options = options_to_json(subject->command, subject->values);
    bool whole = options;
    const cJSON *item;
    cJSON_ArrayForEach(item, options)
    {
        char name[80] = "--";
        strncat(name, item->string, sizeof name - 3);
        if (strcmp(item->string, "precision") && !is_free(item->string))
            whole = whole && add_text(description, name, item->valuestring);
    }
    cJSON_Delete(options);
    return whole && add_text(description, "--precision", subject->precision);
}

static bool add_files(cJSON *description, const struct resume_subject *subject)
{
    size_t bytes = 1;
    for (size_t i = 0; i < subject->file_count; i++)
        bytes += strlen(subject->files[i]) + 1;
    char *names = calloc(bytes, 1), *at = names;
    for (size_t i = 0; names && i < subject->file_count; i++) {
        at = stpcpy(at, subject->files[i]);
        *at++ = '\n';
    }
    bool whole = names && add_text(description, "list of inputs", names);
    free(names);
    return whole;
}

static ft_status describe(struct resume *resume, struct ft_error *error)
{
    const struct resume_subject *subject = &resume->subject;
    char path[4096], fingerprint[FINGERPRINT_BYTES];
    if (resume->description)
        return FT_OK;
    ft_status status = model_find(subject->model, path, sizeof path, error);
    if (status == FT_OK)
        status = file_fingerprint(path, fingerprint, error);
    if (status != FT_OK)
        return status;
    cJSON *description = cJSON_CreateObject();
    if (add_text(description, "version of flairtag", FLAIRTAG_VERSION) && add_text(description, "model", fingerprint) &&
        add_options(description, subject) && add_files(description, subject)) {
        resume->description = description;
        return FT_OK;
    }
    cJSON_Delete(description);
    return ft_nomem(error, "the state of a run");
}

ft_status resume_begin(struct resume *resume, const struct resume_subject *subject, struct output *output,
                       double seconds, bool goes_on, struct ft_error *error)
{
    *resume = (struct resume){.subject = *subject, .output = output, .seconds = seconds, .last = clock_seconds()};
    resume->path = resume_point_path(output_part(output));
    if (!resume->path)
        return ft_nomem(error, "the state of a run");
    ft_status status = FT_END;
    if (goes_on && !access(resume->path, F_OK)) {
        status = describe(resume, error);
        if (status == FT_OK)
            status = resume_point_read(resume->path, resume->description, &resume->goal, error);
        if (status == FT_OK && resume->goal.bytes && !output_left(output)) /* it was made whole, or taken away */
            status = FT_END;
    }
    if (status == FT_OK) {
        resume->written = true;
        return output_cut(output, resume->goal.bytes, error);
    }
    if (status != FT_END)
        return status;
    resume->goal = (struct tagging_mark){0};
    unlink(resume->path); /* before the file is emptied: a state never speaks of another run's bytes */
    return output_cut(output, 0, error);
}

ft_status resume_save(struct resume *resume, const struct tagging_mark *mark, struct ft_error *error)
{
    ft_status status = describe(resume, error);
    if (status == FT_OK)
        status = output_sync(resume->output, error);
    if (status == FT_OK)
        status = resume_point_write(resume->path, resume->description, mark, error);
    if (status == FT_OK)
        resume->written = true;
    resume->last = clock_seconds();
    return status;
}

ft_status resume_tell(struct resume *resume, const struct tagging_mark *mark, struct ft_error *error)
{
    return clock_seconds() - resume->last < resume->seconds ? FT_OK : resume_save(resume, mark, error);
}

void resume_forget(struct resume *resume)
{
    if (resume->path)
        unlink(resume->path);
}

void resume_release(struct resume *resume)
{
    cJSON_Delete(resume->description);
    free(resume->path);
    *resume = (struct resume){0};
}

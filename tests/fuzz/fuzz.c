/* fuzz.c - see fuzz.h. */
#include "fuzz.h"
#include "import/model_facts.h"
#include "run/predictor.h"
#include "text/reader.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Noreturn void fuzz_broken(const char *what)
{
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

const char *fuzz_file(int slot, const void *data, size_t size)
{
    static int files[FUZZ_FILES];
    static char paths[FUZZ_FILES][40];
    if (files[slot]) /* a fresh one each time: what was mapped of the last one stays as it was */
        close(files[slot]);
    files[slot] = memfd_create("fuzz", MFD_CLOEXEC);
    if (files[slot] < 1 || (size && write(files[slot], data, size) != (ssize_t)size))
        fuzz_broken("no file in memory");
    snprintf(paths[slot], sizeof paths[slot], "/proc/self/fd/%d", files[slot]);
    return paths[slot];
}

struct backend *fuzz_backend(void)
{
    static struct backend *backend;
    struct cpu_options options = {.threads = 1, .isa = "auto"};
    struct ft_error error;
    if (!backend && backend_cpu_new(&backend, &options, &error))
        fuzz_broken("no back end");
    return backend;
}

void fuzz_check(ft_status status, const struct ft_error *error)
{
    if (status == FT_OK || status == FT_END)
        return;
    FUZZ_HOLDS(status == FT_FAILED || status == FT_INPUT || status == FT_MODEL || status == FT_NOMEM,
               "a strange status");
    FUZZ_HOLDS(memchr(error->text, 0, sizeof error->text) && *error->text, "a failure without text");
    FUZZ_HOLDS(!strchr(error->text, '\n'), "a failure of more than one line");
}

static void tag(const struct tagger *tagger)
{
    static const char text[] = "Ada and the 2 Grace Hoppers\nsaw w1 \xc3\x9c"
                               "ber \xe4\xbd\xa0\n\nx\n";
    const char *file = fuzz_file(FUZZ_FILES - 1, text, sizeof text - 1);
    struct reader_options reading = {.files = &file, .file_count = 1, .format = INPUT_TOKENS};
    struct predictor_options how = {.scores = SCORES_NONE, .span_scores = true, .nbest = 2};
    struct reader *reader = NULL;
    struct predictor *predictor = NULL;
    struct window window;
    struct ft_error error = {""};
    window_init(&window);
    ft_status status = reader_open(&reader, &reading, &error);
    if (status == FT_OK)
        status = predictor_new(&predictor, tagger, fuzz_backend(), &how, &error);
    if (status == FT_OK)
        status = reader_next(reader, 1000, 1000, &window, &error);
    if (status == FT_OK) {
        const struct tagging *taggings;
        bool less;
        status = predictor_run(predictor, &window, &taggings, &less, &error);
    }
    fuzz_check(status, &error);
    window_release(&window);
    predictor_free(predictor);
    reader_close(reader);
}

static void look_up(const struct words *words)
{
    static const char *const tokens[] = {"the", "The", "2", "", "\xc3\x9c", "a word of more than a few characters"};
    float *vector = malloc((words->width + 1) * sizeof *vector);
    for (size_t i = 0; vector && i < sizeof tokens / sizeof *tokens; i++) {
        size_t row = words_row(words, tokens[i], strlen(tokens[i]));
        FUZZ_HOLDS(row <= words->count || row == SIZE_MAX, "a word outside the table");
        if (row <= words->count)
            words_vector(words, row, vector);
    }
    struct bytes text;
    for (size_t i = 0; i < words->count && i < 100; i++)
        words_text(words, i, &text);
    free(vector);
}

void fuzz_model(const char *path)
{
    struct model model;
    struct ft_error error = {""};
    ft_status status = model_open(path, fuzz_backend(), &model, &error);
    fuzz_check(status, &error);
    if (status != FT_OK) {
        FUZZ_HOLDS(status == FT_MODEL || status == FT_NOMEM, "a status that is none of a model's");
        return;
    }
    cJSON_Delete(model_facts(&model));
    if (model.kind == MODEL_TAGGER)
        tag(model.tagger);
    else if (model.kind == MODEL_WORDS)
        look_up(model.words);
    model_close(&model);
}

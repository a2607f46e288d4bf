/* embedding.c - see embedding.h. */
#include "embedding.h"
#include "base/utf8.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

const char *const gather_names[2] = {"slice", "clone"}, *const lm_output_names[2] = {"boundary", "all"};
const char *const storage_names[3] = {"none", "cpu", "gpu"};

void sentences_init(struct sentences *sentences, const char *const *texts, size_t count)
{
    *sentences = (struct sentences){.count = count};
    ck_assert_uint_le(count, SENTENCES_MAX);
    arena_init(&sentences->arena);
    for (size_t i = 0; i < count; i++) {
        struct sentence *sentence = &sentences->at[i];
        sentence->tokens = arena_array(&sentences->arena, strlen(texts[i]) + 1, sizeof *sentence->tokens);
        for (const char *at = texts[i]; *at; at += *at == ' ') {
            size_t bytes = strcspn(at, " ");
            sentence->tokens[sentence->count++] = (struct token){.text = arena_copy(&sentences->arena, at, bytes),
                                                                 .bytes = (uint32_t)bytes,
                                                                 .chars = (uint32_t)utf8_count(at, bytes),
                                                                 .space_after = true};
            at += bytes;
        }
        sentences->tokens += sentence->count;
        sentences->pointers[i] = sentence;
    }
}

void sentences_release(struct sentences *sentences)
{
    arena_release(&sentences->arena);
}

void batch_run(struct batch_run *run, const struct tagger *tagger, struct backend *backend, enum gather_mode gather,
               enum lm_output lm_output, const struct sentences *sentences, size_t budget)
{
    struct embedder_options how = {gather, lm_output};
    struct ft_error error = {""};
    *run = (struct batch_run){.account = {.budget = budget}};
    arena_init(&run->arena);
    run->status = embedder_run(tagger, backend, &how, sentences->pointers, sentences->count, &run->account, &run->arena,
                               &run->embedded, &error);
    ck_assert_msg(run->status == FT_OK || run->status == FT_FULL, "status %d: %s", run->status, error.text);
}

void batch_run_release(struct batch_run *run)
{
    embedded_release(&run->embedded);
    ck_assert_uint_eq(run->account.live_bytes, 0);
    arena_release(&run->arena);
}

float *batch_vectors(const struct batch_run *run, const struct tagger *tagger)
{
    const struct embedded *embedded = &run->embedded;
    float *vectors = malloc((embedded->tokens * tagger->width + 1) * sizeof *vectors), *to = vectors;
    for (size_t t = 0; t < embedded->tokens; t++)
        for (size_t p = 0; p < embedded->piece_count; p++) {
            memcpy(to, embedded->pieces[p].rows[t], embedded->pieces[p].width * sizeof *to);
            to += embedded->pieces[p].width;
        }
    ck_assert_uint_eq((size_t)(to - vectors), embedded->tokens * tagger->width);
    return vectors;
}

struct backend *test_backend(void)
{
    struct backend *backend = NULL;
    struct ft_error error = {""};
    struct cpu_options options = {2, 0, "auto"};
    ck_assert_msg(backend_cpu_new(&backend, &options, &error) == FT_OK, "%s", error.text);
    return backend;
}

void open_model(struct model *model, struct backend *backend, const char *path)
{
    struct ft_error error = {""};
    ck_assert_msg(model_open(path, backend, model, &error) == FT_OK, "%s", error.text);
    ck_assert_ptr_nonnull(model->tagger);
}

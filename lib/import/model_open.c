/* model_open.c - see model_open.h. */
#include "import/model_open.h"
#include "import/flair.h"
#include "import/word_vectors.h"
#include "model/model_file.h"
#include "model/quantise.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD = 4096 };

struct opened {
    struct arena arena; /* of a language model */
    struct weights weights;
    struct safetensors *file;
    struct model_source *source;
    void (*source_close)(struct model_source *source);
};

static ft_status read_head(const char *path, char head[HEAD], size_t *bytes, size_t *file_bytes, struct ft_error *error)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (file < 0 || fstat(file, &facts)) {
        int reason = errno;
        if (file >= 0)
            close(file);
        return ft_fail(error, FT_MODEL, "%s: cannot open model: %s", path, strerror(reason));
    }
    ssize_t got = S_ISREG(facts.st_mode) ? read(file, head, HEAD) : -1;
    int reason = errno;
    close(file);
    if (!S_ISREG(facts.st_mode))
        return ft_fail(error, FT_MODEL, "%s: not a model: not a regular file", path);
    if (got < 0)
        return ft_fail(error, FT_MODEL, "%s: cannot read model: %s", path, strerror(reason));
    if (!got)
        return ft_fail(error, FT_MODEL, "%s: not a model: the file is empty", path);
    *bytes = (size_t)got;
    *file_bytes = (size_t)facts.st_size;
    return FT_OK;
}

static bool starts_with(const char *head, size_t bytes, const char *magic, size_t magic_bytes)
{
    return bytes >= magic_bytes && !memcmp(head, magic, magic_bytes);
}

/* Messages of the builders know no path. */
static ft_status with_path(const char *path, ft_status status, struct ft_error *error)
{
    struct ft_error inner = *error;
    size_t length = strlen(path);
    if (status == FT_OK || !strncmp(inner.text, path, length))
        return status;
    return ft_fail(error, status, "%s: %s", path, inner.text);
}

static ft_status open_own(const char *path, struct backend *backend, struct model *model, struct opened *opened,
                          struct ft_error *error)
{
    ft_status status = safetensors_open(path, &opened->file, error);
    model->format = "flairtag safetensors";
    if (status == FT_OK)
        status = model_file_kind(opened->file, &model->kind, error);
    if (status != FT_OK)
        return status;
    if (model->kind == MODEL_WORDS)
        return words_from_file(opened->file, "words.", &model->words, error);
    if (model->kind == MODEL_LM) {
        if (!(model->lm = calloc(1, sizeof *model->lm)))
            return ft_nomem(error, "a language model");
        return lm_load(model->lm, &opened->arena, &opened->weights, opened->file, backend, error);
    }
    status = tagger_load(&model->tagger, opened->file, backend, error);
    if (status == FT_OK)
        opened->file = NULL; /* the tagger's now */
    return status;
}

static ft_status build(struct backend *backend, struct model *model, struct opened *opened, struct ft_error *error)
{
    const struct model_source *source = opened->source;
    model->kind = source->kind;
    switch (source->kind) {
    case MODEL_TAGGER: return tagger_build(&model->tagger, &source->tagger, backend, error);
    case MODEL_WORDS: return words_build(&source->words, &model->words, error);
    case MODEL_LM: break;
    }
    if (!(model->lm = calloc(1, sizeof *model->lm)))
        return ft_nomem(error, "a language model");
    return lm_build(model->lm, &source->lm, &opened->arena, &opened->weights, backend, error);
}

ft_status model_open(const char *path, struct backend *backend, struct model *model, struct ft_error *error)
{
    char head[HEAD];
    size_t bytes = 0;
    *model = (struct model){0};
    ft_status status = read_head(path, head, &bytes, &model->file_bytes, error);
    if (status != FT_OK)
        return status;
    struct opened *opened = calloc(1, sizeof *opened);
    if (!opened)
        return ft_nomem(error, "a model");
    arena_init(&opened->arena);
    weights_init(&opened->weights);
    model->owned = opened;
    bool torch = starts_with(head, bytes, "PK\003\004", 4) || starts_with(head, bytes, "\x80", 1);
    if (safetensors_is(head, bytes)) {
        status = open_own(path, backend, model, opened, error);
    } else if (torch) {
        model->format = *head == 'P' ? "zip container" : "pickle stream";
        opened->source_close = import_close;
        status = import_open(path, &opened->source, error);
        if (status == FT_OK)
            status = build(backend, model, opened, error);
    } else if (starts_with(head, bytes, "\x1f\x8b", 2) || word_vectors_is(head, bytes)) {
        model->format = "word vectors";
        opened->source_close = word_vectors_close;
        status = word_vectors_open(path, &opened->source, error);
        if (status == FT_OK)
            status = build(backend, model, opened, error);
    } else {
        status = ft_fail(
            error, FT_MODEL,
            "%s: not a model (flairtag opens its own .safetensors, Flair's .pt and .bin files and word vectors)", path);
    }
    status = with_path(path, status, error);
    const struct safetensors *own = model->tagger ? model->tagger->file : opened->file;
    if (status != FT_OK)
        model_close(model);
    else if (own)
        safetensors_wish(own);
    return status;
}

enum precision model_other_integers(const struct model *model, enum precision wanted)
{
    const struct tagger *tagger = model->tagger;
    enum precision held = model->lm ? lm_precision(model->lm) : PRECISION_F32;
    for (size_t i = 0; tagger && (held == PRECISION_F32 || held == wanted) && i < tagger->member_count; i++)
        if (tagger->members[i].kind == MEMBER_LM)
            held = lm_precision(&tagger->members[i].lm);
    if (held != PRECISION_F32 && held != wanted)
        return held;
    return tagger && tagger_head_precision(tagger) != head_precision_for(wanted) ? tagger_head_precision(tagger)
                                                                                 : PRECISION_F32;
}

ft_status model_set_precision(struct model *model, enum precision precision, struct backend *backend,
                              struct ft_error *error)
{
    struct opened *opened = model->owned;
    size_t threads = backend_cpu_threads(backend);
    switch (model->kind) {
    case MODEL_TAGGER: return tagger_set_precision(model->tagger, precision, threads, error);
    case MODEL_LM: return lm_set_precision(model->lm, precision, &opened->arena, &opened->weights, threads, error);
    case MODEL_WORDS: return FT_OK;
    }
    return FT_OK;
}

void model_close(struct model *model)
{
    struct opened *opened = model->owned;
    tagger_free(model->tagger);
    words_free(model->words);
    free(model->lm);
    if (opened) {
        arena_release(&opened->arena);
        weights_release(&opened->weights);
        safetensors_close(opened->file);
        if (opened->source)
            opened->source_close(opened->source);
        free(opened);
    }
    *model = (struct model){0};
}

const struct lm *model_language_model(const struct model *model, bool forward)
{
    if (model->kind == MODEL_LM)
        return model->lm;
    for (size_t i = 0; model->kind == MODEL_TAGGER && i < model->tagger->member_count; i++)
        if (model->tagger->members[i].kind == MEMBER_LM && model->tagger->members[i].lm.forward == forward)
            return &model->tagger->members[i].lm;
    return NULL;
}

/* golden.c - see golden.h. */
#include "tests/golden/golden.h"
#include "run/head.h"
#include "base/input.h"
#include "base/npy.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_status(ft_status status, const struct ft_error *error, const char *what)
{
    EXPECT(status == FT_OK, "%s: status %d: %s", what, status, error->text);
}

static char *slurp(const char *folder, const char *file)
{
    char path[1024], *text = NULL;
    size_t bytes;
    struct ft_error error = {""};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    check_status(input_slurp(path, &text, &bytes, &error), &error, path);
    return text;
}

static size_t count_of(const char *text, char wanted)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == wanted;
    return count;
}

/* Cuts *line at its next TAB. */
static char *field(char **line, const char *file)
{
    char *start = *line;
    EXPECT(start, "%s: a line lacks columns", file);
    char *tab = strchr(start, '\t');
    if (tab)
        *tab++ = '\0';
    *line = tab;
    return start;
}

static char *next_line(char **text)
{
    char *line = *text, *end = strchr(line, '\n');
    if (!*line)
        return NULL;
    if (end)
        *end++ = '\0';
    *text = end ? end : line + strlen(line);
    return line;
}

static void read_tags(struct golden *golden, const char *file)
{
    size_t lines = count_of(golden->tags_text, '\n') + 1, begun = 0;
    golden->tokens = calloc(lines, sizeof *golden->tokens);
    golden->tags = calloc(lines, sizeof *golden->tags);
    golden->confidences = calloc(lines, sizeof *golden->confidences);
    golden->ends = calloc(lines, sizeof *golden->ends);
    char *text = golden->tags_text;
    for (char *line; (line = next_line(&text));) {
        if (!*line) {
            if (golden->count > begun)
                golden->ends[golden->sentences++] = begun = golden->count;
            continue;
        }
        golden->tokens[golden->count] = field(&line, file);
        golden->tags[golden->count] = field(&line, file);
        golden->confidences[golden->count++] = strtod(field(&line, file), NULL);
    }
    if (golden->count > begun)
        golden->ends[golden->sentences++] = golden->count;
    EXPECT(golden->count > 0, "%s holds no tokens", file);
}

static void read_spans(struct golden *golden, const char *file)
{
    golden->spans = calloc(count_of(golden->spans_text, '\n') + 1, sizeof *golden->spans);
    char *text = golden->spans_text;
    for (char *line; (line = next_line(&text));) {
        struct golden_span *span = &golden->spans[golden->span_count++];
        span->sentence = strtoul(field(&line, file), NULL, 10);
        span->first = strtoul(field(&line, file), NULL, 10);
        span->last = strtoul(field(&line, file), NULL, 10);
        span->type = field(&line, file);
        span->score = strtod(field(&line, file), NULL);
    }
}

void golden_read(struct golden *golden, const char *folder, const char *tags, const char *spans)
{
    *golden = (struct golden){0};
    golden->tags_text = slurp(folder, tags);
    golden->spans_text = slurp(folder, spans);
    read_tags(golden, tags);
    read_spans(golden, spans);
}

void golden_release(struct golden *golden)
{
    free(golden->tags_text);
    free(golden->spans_text);
    free(golden->tokens);
    free(golden->tags);
    free(golden->confidences);
    free(golden->ends);
    free(golden->spans);
}

struct backend *golden_backend(size_t threads, size_t lanes, const char *isa)
{
    struct backend *backend = NULL;
    struct ft_error error = {""};
    struct cpu_options options = {threads, lanes, isa};
    check_status(backend_cpu_new(&backend, &options, &error), &error, "backend_cpu_new");
    return backend;
}

void golden_open(struct model *model, const char *path, struct backend *backend)
{
    struct ft_error error = {""};
    check_status(model_open(path, backend, model, &error), &error, path);
}

static void read_window(struct window *window, const char *path)
{
    struct reader *reader = NULL;
    struct ft_error error = {""};
    struct reader_options options = {.files = &path, .file_count = 1, .format = INPUT_CONLL};
    check_status(reader_open(&reader, &options, &error), &error, path);
    window_init(window);
    check_status(reader_next(reader, SIZE_MAX, SIZE_MAX, window, &error), &error, path);
    struct window rest;
    window_init(&rest);
    ft_status status = reader_next(reader, SIZE_MAX, SIZE_MAX, &rest, &error);
    EXPECT(status == FT_END, "%s: one window did not take all of it (status %d: %s)", path, status, error.text);
    window_release(&rest);
    reader_close(reader);
}

static float *joined(const struct embedded *embedded, size_t width)
{
    float *rows = malloc((embedded->tokens * width + 1) * sizeof *rows);
    for (size_t t = 0, column = 0; t < embedded->tokens; t++, column = 0)
        for (size_t p = 0; p < embedded->piece_count; p++) {
            const struct input_piece *piece = &embedded->pieces[p];
            memcpy(rows + t * width + column, piece->rows[t], piece->width * sizeof *rows);
            column += piece->width;
        }
    return rows;
}

void tagged_run(struct tagged *tagged, const struct tagger *tagger, struct backend *backend, const char *path)
{
    struct ft_error error = {""};
    struct embedder_options how = {GATHER_SLICE, LM_BOUNDARY};
    *tagged = (struct tagged){.width = tagger->width, .account = {.backend = backend}};
    read_window(&tagged->window, path);
    arena_init(&tagged->arena);
    const struct sentence **sentences = calloc(tagged->window.count + 1, sizeof *sentences);
    for (size_t i = 0; i < tagged->window.count; i++)
        sentences[i] = &tagged->window.sentences[i];
    check_status(embedder_run(tagger, backend, &how, sentences, tagged->window.count, &tagged->account, &tagged->arena,
                              &tagged->embedded, &error),
                 &error, path);
    free(sentences);
    size_t tokens = tagged->embedded.tokens;
    ck_assert_uint_eq(tokens, tagged->window.tokens);
    tagged->emissions = malloc((tokens * tagger->crf.tags + 1) * sizeof *tagged->emissions);
    tagged->tags = malloc((tokens + 1) * sizeof *tagged->tags);
    tagged->confidences = malloc((tokens + 1) * sizeof *tagged->confidences);
    struct head head;
    const float *emissions;
    head_init(&head, tagger, backend);
    check_status(head_run(&head, &tagged->embedded, &emissions, &error), &error, path);
    check_status(backend->ops->decode(backend, &tagger->crf, tagged->embedded.sentences, tagged->embedded.count,
                                      emissions, tagged->tags, tagged->confidences, &error),
                 &error, path);
    check_status(backend->ops->download(backend, tagged->emissions, emissions, tokens * tagger->crf.tags, &error),
                 &error, path);
    head_release(&head);
    if (!backend->ops->on_host) {
        struct store store;
        store_init(&store, STORAGE_NONE, &tagged->account, &tagged->host);
        check_status(store_to_host(&store, tagger, &tagged->embedded, &error), &error, path);
    }
    tagged->embeddings = joined(&tagged->embedded, tagged->width);
}

void tagged_release(struct tagged *tagged)
{
    embedded_release(&tagged->embedded);
    ck_assert_uint_eq(tagged->account.live_bytes + tagged->host.live_bytes, 0);
    free(tagged->embeddings);
    free(tagged->emissions);
    free(tagged->tags);
    free(tagged->confidences);
    arena_release(&tagged->arena);
    window_release(&tagged->window);
}

static void same_floats(const float *a, const float *b, size_t rows, size_t width, const char *kind, const char *what)
{
    for (size_t i = 0; i < rows * width; i++)
        EXPECT(!memcmp(&a[i], &b[i], sizeof *a), "%s: %s of token %zu, column %zu: %.9g is not %.9g", what, kind,
               i / width + 1, i % width, (double)a[i], (double)b[i]);
}

void tagged_same(const struct tagged *a, const struct tagged *b, const struct tagger *tagger, const char *what)
{
    size_t tokens = a->embedded.tokens;
    EXPECT(b->embedded.tokens == tokens && b->width == a->width, "%s: %zu tokens of width %zu, not %zu of %zu", what,
           b->embedded.tokens, b->width, tokens, a->width);
    same_floats(a->embeddings, b->embeddings, tokens, a->width, "embedding", what);
    same_floats(a->emissions, b->emissions, tokens, tagger->crf.tags, "emission", what);
    same_floats(a->confidences, b->confidences, tokens, 1, "confidence", what);
    EXPECT(!memcmp(a->tags, b->tags, tokens * sizeof *a->tags), "%s: the tags differ", what);
}

static double worse(double a, double b)
{
    return a > b ? a : b;
}

/* The spans of one sentence, from golden->spans[*at] on. */
static double check_spans(const struct golden *golden, size_t *at, size_t sentence, const struct span *spans,
                          size_t count, double limit, const char *name)
{
    double worst = 0;
    for (size_t k = 0; k < count; k++, ++*at) {
        EXPECT(*at < golden->span_count, "%s: sentence %zu: more spans than Flair's %zu", name, sentence,
               golden->span_count);
        const struct golden_span *expected = &golden->spans[*at];
        EXPECT(expected->sentence == sentence && expected->first == spans[k].first + 1 &&
                   expected->last == spans[k].last + 1 && !strcmp(expected->type, spans[k].type),
               "%s: span %zu: sentence %zu, tokens %zu to %zu, '%s'; Flair has sentence %zu, %zu to %zu, '%s'", name,
               *at + 1, sentence, spans[k].first + 1, spans[k].last + 1, spans[k].type, expected->sentence,
               expected->first, expected->last, expected->type);
        double distance = distance_of(expected->score, spans[k].score);
        EXPECT(distance <= limit, "%s: span %zu: score %.9g, Flair has %.9g", name, *at + 1, spans[k].score,
               expected->score);
        worst = worse(worst, distance);
    }
    return worst;
}

double golden_check_tags(const struct golden *golden, const struct tagged *tagged, const struct tagger *tagger,
                         double confidence, const char *name)
{
    double worst = 0;
    size_t at = 0, span_at = 0, number = 0;
    struct arena arena;
    arena_init(&arena);
    EXPECT(tagged->embedded.tokens == golden->count, "%s: %zu tokens, Flair has %zu", name, tagged->embedded.tokens,
           golden->count);
    for (size_t s = 0; s < tagged->window.count; s++) {
        const struct sentence *sentence = &tagged->window.sentences[s];
        if (!sentence->count)
            continue;
        EXPECT(number < golden->sentences && golden->ends[number] == at + sentence->count,
               "%s: sentence %zu ends at token %zu, with Flair elsewhere", name, number + 1, at + sentence->count);
        number++;
        const char **tags = arena_array(&arena, sentence->count, sizeof *tags);
        double *scores = arena_array(&arena, sentence->count, sizeof *scores);
        for (size_t j = 0; j < sentence->count; j++) {
            size_t t = at + j;
            tags[j] = tagger->tags[tagged->tags[t]];
            scores[j] = (double)tagged->confidences[t];
            bool scored = !golden->outside_unscored || strcmp(golden->tags[t], "O");
            double distance = scored ? distance_of(scores[j], golden->confidences[t]) : 0;
            EXPECT(!strcmp(sentence->tokens[j].text, golden->tokens[t]), "%s: token %zu is '%s', Flair has '%s'", name,
                   t + 1, sentence->tokens[j].text, golden->tokens[t]);
            EXPECT(!strcmp(tags[j], golden->tags[t]), "%s: sentence %zu, token %zu '%s': tag %s, Flair has %s", name,
                   number, j + 1, golden->tokens[t], tags[j], golden->tags[t]);
            EXPECT(distance <= confidence, "%s: sentence %zu, token %zu: confidence %.9g, Flair has %.9g", name, number,
                   j + 1, scores[j], golden->confidences[t]);
            worst = worse(worst, distance);
        }
        size_t count = 0;
        struct span *spans = tagger->token_labels
                                 ? NULL
                                 : spans_from_tags(tagger->span_rule, tags, scores, sentence->count, &arena, &count);
        worst = worse(worst, check_spans(golden, &span_at, number, spans, count, confidence, name));
        at += sentence->count;
    }
    EXPECT(number == golden->sentences, "%s: %zu sentences, Flair has %zu", name, number, golden->sentences);
    EXPECT(span_at == golden->span_count, "%s: %zu spans, Flair has %zu", name, span_at, golden->span_count);
    arena_release(&arena);
    return worst;
}

void golden_check_predictor(const struct golden *golden, const struct tagged *tagged, const struct tagger *tagger,
                            struct backend *backend, double confidence, const char *name)
{
    struct predictor_options options = {.scores = SCORES_FLAIR, .span_scores = true};
    struct predictor *predictor = NULL;
    const struct tagging *taggings = NULL;
    struct ft_error error = {""};
    bool kept_less = false;
    size_t at = 0, span_at = 0, number = 0;
    check_status(predictor_new(&predictor, tagger, backend, &options, &error), &error, name);
    check_status(predictor_run(predictor, &tagged->window, &taggings, &kept_less, &error), &error, name);
    for (size_t s = 0; s < tagged->window.count; s++) {
        const struct tagging *tagging = &taggings[s];
        size_t count = tagged->window.sentences[s].count;
        number += count > 0;
        for (size_t j = 0; j < count; j++, at++) {
            EXPECT(!strcmp(tagging->tags[j], tagger->tags[tagged->tags[at]]),
                   "%s: token %zu: predictor_run says %s, not %s", name, at + 1, tagging->tags[j],
                   tagger->tags[tagged->tags[at]]);
            EXPECT(tagging->scores[j] == (double)tagged->confidences[at],
                   "%s: token %zu: predictor_run has confidence %.9g, not %.9g", name, at + 1, tagging->scores[j],
                   (double)tagged->confidences[at]);
        }
        check_spans(golden, &span_at, number, tagging->spans, tagging->span_count, confidence, name);
    }
    EXPECT(span_at == golden->span_count, "%s: predictor_run gives %zu spans, Flair %zu", name, span_at,
           golden->span_count);
    predictor_free(predictor);
}

double golden_check_rows(const char *folder, const char *file, const struct tagged *tagged, const float *rows,
                         size_t width, const size_t *sentences, size_t count, double limit, const char *name)
{
    char path[1024];
    struct npy array;
    struct ft_error error = {""};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    check_status(npy_read(path, &array, &error), &error, path);
    EXPECT(array.type == NPY_F32 && array.rank == 2 && array.shape[1] == width, "%s: width %zu, Flair has %zu", path,
           width, array.shape[1]);
    const float *expected = array.data;
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        EXPECT(sentences[i] >= 1 && sentences[i] <= tagged->embedded.count, "%s: no sentence %zu", path, sentences[i]);
        const struct token_sequence *sentence = &tagged->embedded.sentences[sentences[i] - 1];
        EXPECT(at + sentence->count <= array.shape[0], "%s: only %zu rows", path, array.shape[0]);
        for (size_t k = 0; k < sentence->count * width; k++) {
            double got = (double)rows[sentence->first * width + k], flair = (double)expected[at * width + k];
            double distance = distance_of(got, flair);
            EXPECT(distance <= limit, "%s: %s: sentence %zu, token %zu, column %zu: %.9g, Flair has %.9g", name, file,
                   sentences[i], k / width + 1, k % width, got, flair);
            worst = worse(worst, distance);
        }
        at += sentence->count;
    }
    EXPECT(at == array.shape[0], "%s: %zu rows, Flair has %zu", path, at, array.shape[0]);
    npy_release(&array);
    return worst;
}

size_t *golden_numbers(const char *folder, const char *object, const char *key, size_t *count)
{
    char *text = slurp(folder, "case.json");
    cJSON *json = cJSON_Parse(text);
    const cJSON *list = cJSON_GetObjectItem(cJSON_GetObjectItem(json, object), key), *item;
    EXPECT(cJSON_IsArray(list), "%s/case.json: no list %s in %s", folder, key, object);
    size_t *numbers = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *numbers);
    *count = 0;
    cJSON_ArrayForEach(item, list) numbers[(*count)++] = (size_t)item->valuedouble;
    cJSON_Delete(json);
    free(text);
    return numbers;
}

/* lm_score.c - see lm_score.h. */
#include "run/lm_score.h"
#include "base/philox.h"
#include "base/utf8.h"
#include "kernels/exact_math.h"
#include "tensor/training.h"
#include <stdlib.h>
#include <string.h>

enum {
    ROOM = 64 << 20, /* bytes of states and logits at a time */
    TEXT_STEPS = 4096
};

static ft_status need_decoder(const struct lm *lm, struct ft_error *error)
{
    if (lm->has_decoder)
        return FT_OK;
    return ft_fail(error, FT_MODEL,
                   "the language model has no decoder: it cannot guess characters (taggers of Flair 0.12 and later "
                   "keep none)");
}

ft_status lm_score_ids(const struct lm *lm, const char *text, size_t bytes, uint32_t **ids, size_t *count,
                       struct ft_error *error)
{
    size_t bad;
    if (!utf8_valid(text, bytes, &bad))
        return ft_fail(error, FT_INPUT, "not valid UTF-8 at byte %zu", bad + 1);
    *count = utf8_count(text, bytes);
    if (!(*ids = malloc((*count + 1) * sizeof **ids)))
        return ft_nomem(error, "the characters of a text");
    uint32_t c;
    size_t i = 0;
    for (size_t at = 0, length; (length = utf8_decode(text + at, bytes - at, &c)); at += length, i++)
        (*ids)[lm->forward ? i : *count - 1 - i] = characters_id(&lm->characters, c);
    return FT_OK;
}

/* Room for so many rows: states, their logits (the device's), and what points to them. */
struct rows {
    struct backend *backend;
    size_t count;
    float *states, *logits;
    const float **pointers;
    uint32_t *steps, *numbers; /* 0, 1, 2, ... and the rows of the states */
};

static void rows_release(struct rows *rows)
{
    rows->backend->ops->free_floats(rows->backend, rows->states);
    rows->backend->ops->free_floats(rows->backend, rows->logits);
    free(rows->pointers);
    free(rows->steps);
    free(rows->numbers);
    *rows = (struct rows){.backend = rows->backend};
}

static ft_status rows_init(struct rows *rows, const struct lm *lm, struct backend *backend, size_t count,
                           struct ft_error *error)
{
    *rows = (struct rows){.backend = backend,
                          .count = count,
                          .states = backend->ops->new_floats(backend, count * lm->width),
                          .logits = backend->ops->new_floats(backend, count * lm->net.items),
                          .pointers = malloc(count * sizeof *rows->pointers),
                          .steps = malloc(count * sizeof *rows->steps),
                          .numbers = malloc(count * sizeof *rows->numbers)};
    if (rows->states && rows->logits && rows->pointers && rows->steps && rows->numbers)
        return FT_OK;
    rows_release(rows);
    return ft_nomem(error, "the states of a text");
}

/* Logits of the first `count` rows of states. */
static ft_status decode(const struct rows *rows, size_t count, const struct lm *lm, struct ft_error *error)
{
    for (size_t r = 0; r < count; r++)
        rows->pointers[r] = rows->states + r * lm->width;
    struct input_piece piece = {rows->pointers, lm->width};
    return rows->backend->ops->linear(rows->backend, &lm->decoder, &piece, 1, count, rows->logits, error);
}

/* Reads ids from `states`, the device's, which move on; leaves logits behind every step. */
static ft_status read_on(const struct rows *rows, const uint32_t *ids, size_t count, float *states, const struct lm *lm,
                         struct ft_error *error)
{
    for (size_t r = 0; r < count; r++)
        rows->steps[r] = rows->numbers[r] = (uint32_t)r;
    struct char_sequence sequence = {ids, (uint32_t)count, (uint32_t)count, rows->steps, rows->numbers};
    struct lm_pass pass = {&lm->net, &sequence, 1, rows->states, states};
    ft_status status = rows->backend->ops->lm_encode(rows->backend, &pass, 1, error);
    return status == FT_OK ? decode(rows, count, lm, error) : status;
}

ft_status lm_score_text(const struct lm *lm, struct backend *backend, const uint32_t *ids, size_t count, double *nats,
                        struct ft_error *error)
{
    struct rows rows;
    const float scale = 1;
    *nats = 0;
    ft_status status = need_decoder(lm, error);
    if (status == FT_OK && count < 2)
        status = ft_fail(error, FT_INPUT, "a text of fewer than two characters has none that could be guessed");
    if (status != FT_OK)
        return status;
    float *states = backend->ops->new_floats(backend, lm_state_floats(&lm->net));
    if (!states)
        return ft_nomem(error, "the states of a text");
    status = rows_init(&rows, lm, backend, count - 1 < TEXT_STEPS ? count - 1 : TEXT_STEPS, error);
    for (size_t at = 0; status == FT_OK && at < count - 1; at += rows.count) {
        size_t steps = count - 1 - at < rows.count ? count - 1 - at : rows.count;
        struct token_sequence all = {0, steps};
        double loss = 0;
        status = read_on(&rows, ids + at, steps, states, lm, error);
        if (status == FT_OK)
            status = backend->ops->training->softmax_loss(backend, lm->net.items, &all, 1, rows.logits, ids + at + 1,
                                                          NULL, &scale, &loss, NULL, error);
        *nats += loss;
    }
    rows_release(&rows);
    backend->ops->free_floats(backend, states);
    return status;
}

/* Delimiter, text, delimiter: what is read is all but the last character, what is predicted stands behind the first
 * delimiter. to: [delimiter + count + delimiter]. */
static void frame(const struct lm *lm, const struct lm_line *line, uint32_t *to)
{
    size_t marker = lm->delimiter_length;
    memcpy(to, lm->delimiter, marker * sizeof *to);
    memcpy(to + marker, line->ids, line->count * sizeof *to);
    memcpy(to + marker + line->count, lm->delimiter, marker * sizeof *to);
}

/* Some lines at a time. predicted: of all of them together. */
static ft_status score_some(const struct lm *lm, struct backend *backend, struct lm_line *lines, size_t count,
                            size_t predicted, struct ft_error *error)
{
    size_t marker = lm->delimiter_length, row = 0, framed = predicted + count * marker, at = 0;
    struct rows rows;
    ft_status status = rows_init(&rows, lm, backend, predicted, error);
    if (status != FT_OK)
        return status;
    struct char_sequence *sequences = malloc(count * sizeof *sequences);
    struct token_sequence *sentences = malloc(count * sizeof *sentences);
    uint32_t *ids = malloc(framed * sizeof *ids), *gold = malloc(predicted * sizeof *gold);
    float *scales = malloc(count * sizeof *scales);
    double *losses = malloc(count * sizeof *losses);
    if (!sequences || !sentences || !ids || !gold || !scales || !losses)
        status = ft_nomem(error, "lines of text");
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        struct lm_line *line = &lines[i];
        uint32_t *text = ids + at;
        frame(lm, line, text);
        line->predicted = line->count + marker;
        memcpy(gold + row, text + marker, line->predicted * sizeof *gold);
        for (size_t r = 0; r < line->predicted; r++) {
            rows.steps[row + r] = (uint32_t)(marker - 1 + r);
            rows.numbers[row + r] = (uint32_t)(row + r);
        }
        sequences[i] = (struct char_sequence){text, (uint32_t)(marker + line->predicted - 1), (uint32_t)line->predicted,
                                              rows.steps + row, rows.numbers + row};
        sentences[i] = (struct token_sequence){row, line->predicted};
        scales[i] = 1;
        row += line->predicted;
        at += marker + line->predicted;
    }
    struct lm_pass pass = {&lm->net, sequences, count, rows.states, NULL};
    if (status == FT_OK)
        status = backend->ops->lm_encode(backend, &pass, 1, error);
    if (status == FT_OK)
        status = decode(&rows, predicted, lm, error);
    if (status == FT_OK)
        status = backend->ops->training->softmax_loss(backend, lm->net.items, sentences, count, rows.logits, gold, NULL,
                                                      scales, losses, NULL, error);
    for (size_t i = 0; status == FT_OK && i < count; i++)
        lines[i].nats = losses[i];
    free(sequences);
    free(sentences);
    free(ids);
    free(gold);
    free(scales);
    free(losses);
    rows_release(&rows);
    return status;
}

ft_status lm_score_lines(const struct lm *lm, struct backend *backend, struct lm_line *lines, size_t count,
                         struct ft_error *error)
{
    size_t row_bytes = (lm->width + lm->net.items) * sizeof(float), most = ROOM / row_bytes + 1;
    ft_status status = need_decoder(lm, error);
    if (status == FT_OK && !lm->delimiter_length)
        status = ft_fail(error, FT_MODEL, "the language model has no document delimiter");
    for (size_t first = 0; status == FT_OK && first < count;) {
        size_t taken = 0, predicted = 0;
        while (first + taken < count && (!taken || predicted < most))
            predicted += lines[first + taken++].count + lm->delimiter_length;
        if (predicted > UINT32_MAX / 2)
            return ft_fail(error, FT_INPUT, "a line of %zu characters is too long", predicted);
        status = score_some(lm, backend, lines + first, taken, predicted, error);
        first += taken;
    }
    return status;
}

/* One of the items, with the probabilities of softmax(logits / temperature). */
static uint32_t draw(const float *logits, size_t items, double temperature, float unit, double *scratch)
{
    double sum = 0, most = (double)logits[0];
    for (size_t v = 1; v < items; v++)
        most = (double)logits[v] > most ? (double)logits[v] : most;
    for (size_t v = 0; v < items; v++)
        sum += scratch[v] = exact_exp(((double)logits[v] - most) / temperature);
    double left = (double)unit * sum;
    for (size_t v = 0; v < items; v++)
        if ((left -= scratch[v]) < 0)
            return (uint32_t)v;
    return (uint32_t)items - 1;
}

/* Ids to text: items that are one character as they are, others as '?'. */
static char *spell(const struct lm *lm, const uint32_t *ids, size_t count)
{
    char *text = malloc(4 * count + 1), *to = text;
    for (size_t i = 0; text && i < count; i++) {
        struct bytes item = lm->characters.items[ids[lm->forward ? i : count - 1 - i]];
        uint32_t c;
        if (!item.count || item.count > 4 || utf8_decode(item.at, item.count, &c) != item.count)
            item = (struct bytes){"?", 1};
        memcpy(to, item.at, item.count);
        to += item.count;
    }
    if (text)
        *to = '\0';
    return text;
}

ft_status lm_sample(const struct lm *lm, struct backend *backend, const struct lm_sample_options *options, char **text,
                    struct ft_error *error)
{
    struct rows rows;
    uint32_t *ids = NULL;
    size_t count;
    bool prefixed = *options->prefix;
    *text = NULL;
    ft_status status = need_decoder(lm, error);
    if (status == FT_OK && !prefixed && !lm->delimiter_length)
        status = ft_fail(error, FT_MODEL, "the language model has no document delimiter to begin with; give a prefix");
    if (status == FT_OK && prefixed)
        status = lm_score_ids(lm, options->prefix, strlen(options->prefix), &ids, &count, error);
    else if (status == FT_OK)
        count = lm->delimiter_length;
    if (status != FT_OK)
        return status;
    uint32_t *all = realloc(ids, (count + options->chars + 1) * sizeof *all);
    float *states = backend->ops->new_floats(backend, lm_state_floats(&lm->net));
    float *logits = malloc(lm->net.items * sizeof *logits);
    double *scratch = malloc(lm->net.items * sizeof *scratch);
    struct philox numbers;
    philox_init(&numbers, options->seed, philox_stream(PHILOX_SAMPLE, 0), 0);
    if (!all || !states || !logits || !scratch) {
        free(all ? all : ids);
        backend->ops->free_floats(backend, states);
        free(logits);
        free(scratch);
        return ft_nomem(error, "a sample");
    }
    if (!prefixed)
        memcpy(all, lm->delimiter, count * sizeof *all);
    status = rows_init(&rows, lm, backend, count, error);
    size_t read = 0, first = prefixed ? 0 : count, length = count;
    for (size_t n = 0; status == FT_OK && n < options->chars; n++) {
        status = read_on(&rows, all + read, length - read, states, lm, error);
        if (status == FT_OK)
            status = backend->ops->download(backend, logits, rows.logits + (length - read - 1) * lm->net.items,
                                            lm->net.items, error);
        if (status == FT_OK) {
            uint32_t drawn = draw(logits, lm->net.items, options->temperature, philox_float(&numbers), scratch);
            read = length;
            all[length++] = drawn;
        }
    }
    if (status == FT_OK && !(*text = spell(lm, all + first, length - first)))
        status = ft_nomem(error, "a sample");
    rows_release(&rows);
    backend->ops->free_floats(backend, states);
    free(all);
    free(logits);
    free(scratch);
    return status;
}

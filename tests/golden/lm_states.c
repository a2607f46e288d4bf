#include "tests/golden/lm_states.h"
#include "base/input.h"
#include "base/npy.h"
#include "base/utf8.h"
#include "harness.h"
#include "numbers.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_LIMIT 1e-6
#define LOGIT_LIMIT 5e-6

/* Rows of a case's .npy file of this width. */
static float *read_rows(const char *path, size_t width, size_t *rows)
{
    struct npy array;
    struct ft_error error = {""};
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(array.type == NPY_F32 && array.rank == 2 && array.shape[1] == width,
                  "%s: %zu columns, the model gives %zu", path, array.shape[1], width);
    *rows = array.shape[0];
    return array.data; /* npy_release frees nothing else */
}

static char *slurp(const char *folder, const char *file)
{
    char path[1024], *text = NULL;
    size_t bytes;
    struct ft_error error = {""};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    ck_assert_msg(input_slurp(path, &text, &bytes, &error) == FT_OK, "%s", error.text);
    return text;
}

/* device: [count], given back to it. */
static double compare(struct backend *backend, float *device, const float *expected, size_t count, double limit,
                      const char *name, const char *what)
{
    double worst = 0;
    struct ft_error error = {""};
    float *got = malloc(count * sizeof *got);
    ck_assert_msg(backend->ops->download(backend, got, device, count, &error) == FT_OK, "%s", error.text);
    backend->ops->free_floats(backend, device);
    for (size_t i = 0; i < count; i++) {
        double distance = distance_of((double)got[i], (double)expected[i]);
        EXPECT(distance <= limit, "%s: %s: number %zu is %.9g, Flair has %.9g", name, what, i, (double)got[i],
               (double)expected[i]);
        worst = distance > worst ? distance : worst;
    }
    free(got);
    return worst;
}

/* The states behind all characters of a sequence, in the device's memory. */
static float *encode_all(const struct lm *lm, struct backend *backend, const struct char_sequence *from)
{
    struct char_sequence sequence = *from;
    uint32_t *steps = malloc(sequence.length * sizeof *steps);
    float *states = backend->ops->new_floats(backend, sequence.length * lm->width);
    ck_assert_ptr_nonnull(states);
    struct ft_error error = {""};
    for (uint32_t i = 0; i < sequence.length; i++)
        steps[i] = i;
    sequence.steps = sequence.rows = steps;
    sequence.row_count = sequence.length;
    ft_status status =
        backend->ops->lm_encode(backend, &(struct lm_pass){&lm->net, &sequence, 1, states, NULL}, 1, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    free(steps);
    return states;
}

double golden_check_states(const struct lm *lm, struct backend *backend, const char *folder, const char *name)
{
    char path[1024], *text = slurp(folder, "case.json");
    cJSON *json = cJSON_Parse(text);
    const cJSON *strings = cJSON_GetObjectItem(json, "strings"), *item;
    struct ft_error error = {""};
    size_t rows, at = 0;
    double worst = 0;
    ck_assert_msg(cJSON_IsArray(strings), "%s/case.json lists no strings", folder);
    snprintf(path, sizeof path, "%s/states.%s.npy", folder, lm->forward ? "forward" : "backward");
    float *expected = read_rows(path, lm->width, &rows);
    cJSON_ArrayForEach(item, strings)
    {
        const char *string = item->valuestring;
        struct token token = {
            .text = string, .bytes = (uint32_t)strlen(string), .chars = (uint32_t)utf8_count(string, strlen(string))};
        struct char_sequence sequence;
        struct arena arena;
        arena_init(&arena);
        ck_assert_int_eq(lm_sequence(lm, &token, 1, 0, &arena, &sequence, &error), FT_OK);
        ck_assert_uint_eq(sequence.length, lm->delimiter_length + token.chars + 1);
        ck_assert_msg(at + sequence.length <= rows, "%s holds only %zu rows", path, rows);
        float *states = encode_all(lm, backend, &sequence);
        double distance =
            compare(backend, states, expected + at * lm->width, sequence.length * lm->width, STATE_LIMIT, name, path);
        worst = distance > worst ? distance : worst;
        at += sequence.length;
        arena_release(&arena);
    }
    ck_assert_msg(at == rows, "%s: %zu states, Flair has %zu", path, at, rows);
    free(expected);
    cJSON_Delete(json);
    free(text);
    return worst;
}

double golden_check_logits(const struct lm *lm, struct backend *backend, const char *folder, const char *name)
{
    enum { CHARACTERS = 64 };
    char path[1024], *text = slurp(folder, "text.txt");
    size_t count = 0, bytes = strlen(text), rows;
    uint32_t *all = malloc((bytes + 1) * sizeof *all), ids[CHARACTERS];
    for (size_t at = 0, length; at < bytes && (length = utf8_decode(text + at, bytes - at, &all[count])); at += length)
        count++;
    ck_assert_uint_ge(count, CHARACTERS);
    for (size_t i = 0; i < CHARACTERS; i++)
        ids[i] = characters_id(&lm->characters, all[lm->forward ? i : count - 1 - i]);
    float *states = encode_all(lm, backend, &(struct char_sequence){.ids = ids, .length = CHARACTERS});
    const float *pointers[CHARACTERS];
    for (size_t i = 0; i < CHARACTERS; i++)
        pointers[i] = states + i * lm->width;
    ck_assert_msg(lm->has_decoder, "%s has no decoder", name);
    struct input_piece piece = {pointers, lm->width};
    float *logits = backend->ops->new_floats(backend, CHARACTERS * lm->decoder.out);
    ck_assert_ptr_nonnull(logits);
    struct ft_error error = {""};
    ck_assert_int_eq(backend->ops->linear(backend, &lm->decoder, &piece, 1, CHARACTERS, logits, &error), FT_OK);
    snprintf(path, sizeof path, "%s/logits.%s.npy", folder, lm->forward ? "forward" : "backward");
    float *expected = read_rows(path, lm->decoder.out, &rows);
    ck_assert_msg(rows == CHARACTERS, "%s has %zu rows", path, rows);
    double worst = compare(backend, logits, expected, CHARACTERS * lm->decoder.out, LOGIT_LIMIT, name, path);
    free(expected);
    backend->ops->free_floats(backend, states);
    free(all);
    free(text);
    return worst;
}

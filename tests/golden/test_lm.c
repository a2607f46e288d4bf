/* Language model goldens: the hidden state behind every character and the logits of the next one, as Flair gives them,
 * from Flair's file and from our own. */
#include "base/input.h"
#include "base/npy.h"
#include "base/utf8.h"
#include "harness.h"
#include "model/model_file.h"
#include "tests/golden/golden.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static double compare(const float *got, const float *expected, size_t count, double limit, const char *name,
                      const char *what)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++) {
        double distance = distance_of((double)got[i], (double)expected[i]);
        EXPECT(distance <= limit, "%s: %s: number %zu is %.9g, Flair has %.9g", name, what, i, (double)got[i],
               (double)expected[i]);
        worst = distance > worst ? distance : worst;
    }
    return worst;
}

/* The states behind all characters of a sequence. */
static float *encode_all(const struct lm *lm, struct backend *backend, const struct char_sequence *from)
{
    struct char_sequence sequence = *from;
    uint32_t *steps = malloc(sequence.length * sizeof *steps);
    float *states = malloc(sequence.length * lm->width * sizeof *states);
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

static double check_states(const struct lm *lm, struct backend *backend, const char *folder, const char *name)
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
            compare(states, expected + at * lm->width, sequence.length * lm->width, STATE_LIMIT, name, path);
        worst = distance > worst ? distance : worst;
        at += sequence.length;
        free(states);
        arena_release(&arena);
    }
    ck_assert_msg(at == rows, "%s: %zu states, Flair has %zu", path, at, rows);
    free(expected);
    cJSON_Delete(json);
    free(text);
    return worst;
}

/* The first 64 characters of the text, or of its reverse, without delimiter. */
static double check_logits(const struct lm *lm, struct backend *backend, const char *folder, const char *name)
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
    float *logits = malloc(CHARACTERS * lm->decoder.out * sizeof *logits);
    struct ft_error error = {""};
    ck_assert_int_eq(backend->ops->linear(backend, &lm->decoder, &piece, 1, CHARACTERS, logits, &error), FT_OK);
    snprintf(path, sizeof path, "%s/logits.%s.npy", folder, lm->forward ? "forward" : "backward");
    float *expected = read_rows(path, lm->decoder.out, &rows);
    ck_assert_msg(rows == CHARACTERS, "%s has %zu rows", path, rows);
    double worst = compare(logits, expected, CHARACTERS * lm->decoder.out, LOGIT_LIMIT, name, path);
    free(expected);
    free(logits);
    free(states);
    free(all);
    free(text);
    return worst;
}

static void convert(const struct lm *lm, const char *path)
{
    struct output *output = NULL;
    struct ft_error error = {""};
    ck_assert_msg(output_open(&output, path, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(lm_save(lm, output, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(output_close(output, &error) == FT_OK, "%s", error.text);
}

static void check_direction(const char *folder, const char *direction)
{
    char path[1024], name[256], temporary[] = "/tmp/golden-lm-XXXXXX", own[64];
    struct backend *backend = golden_backend(1, 0, "auto");
    double states[2], logits[2];
    ck_assert_ptr_nonnull(mkdtemp(temporary));
    snprintf(own, sizeof own, "%s/lm.safetensors", temporary);
    snprintf(path, sizeof path, "%s/lm-%s.pt", folder, direction);
    for (int converted = 0; converted < 2; converted++) {
        struct model model;
        snprintf(name, sizeof name, "%s %s%s", folder, direction, converted ? ", converted" : "");
        golden_open(&model, converted ? own : path, backend);
        ck_assert_msg(model.kind == MODEL_LM, "%s is no language model", name);
        ck_assert_msg(model.lm->forward == !strcmp(direction, "forward"), "%s: its direction is wrong", name);
        states[converted] = check_states(model.lm, backend, folder, name);
        logits[converted] = check_logits(model.lm, backend, folder, name);
        if (!converted)
            convert(model.lm, own);
        model_close(&model);
    }
    printf("%s %s: worst differences: states %.1e, logits %.1e\n", folder, direction, states[0], logits[0]);
    fflush(stdout);
    ck_assert_msg(states[0] == states[1] && logits[0] == logits[1], "%s: not the same after conversion", folder);
    unlink(own);
    rmdir(temporary);
    backend->ops->free(backend);
}

#define CASES(each)                                                                                     \
    each(v0_15_1_zip_L1_H128, "v0.15.1-zip-L1-H128") each(v0_15_1_zip_L2_delim, "v0.15.1-zip-L2-delim") \
        each(v0_4_4_legacy_L1, "v0.4.4-legacy-L1") each(v0_8_zip_L2_nout12, "v0.8-zip-L2-nout12")
#define CASE_TEST(id, folder)                                          \
    START_TEST(id)                                                     \
    {                                                                  \
        check_direction(shared_path("golden/lm/" folder), "forward");  \
        check_direction(shared_path("golden/lm/" folder), "backward"); \
    }                                                                  \
    END_TEST
CASES(CASE_TEST)

START_TEST(gru_language_models)
{
    check_direction("tests/golden/lm/v0.15.1-zip-made-gru", "forward");
    check_direction("tests/golden/lm/v0.15.1-zip-made-gru", "backward");
}
END_TEST

#define ADD_CASE(id, folder) test_add(id, shared_path("golden/lm/" folder));

int main(void)
{
    test_add(gru_language_models, NULL);
    CASES(ADD_CASE)
    return test_run("golden-lm");
}

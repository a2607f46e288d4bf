/* lm_scene.c - see lm_scene.h. */
#include "lm_scene.h"
#include "base/philox.h"
#include "run/trained_lm.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SPLIT_CHARS = 4 * 33 };

void lm_scene_text(size_t epoch, size_t position, struct text_ids *ids)
{
    uint8_t *text = malloc(SPLIT_CHARS);
    for (size_t i = 0; i < SPLIT_CHARS; i++) {
        uint32_t drawn = philox_at(100 * epoch + position, i, philox_stream(PHILOX_WEIGHTS, 77), 0).at[0];
        text[i] = (uint8_t)(drawn % LM_SCENE_ITEMS);
    }
    *ids = (struct text_ids){text, SPLIT_CHARS, false};
}

static ft_status split(void *context, size_t epoch, size_t position, struct text_ids *ids, struct ft_error *error)
{
    (void)context;
    (void)error;
    lm_scene_text(epoch, position, ids);
    return FT_OK;
}

struct lm_source lm_scene_source(const struct text_ids *valid)
{
    return (struct lm_source){NULL, 2, split, valid};
}

const struct lm_shape small_lm_shape = {.items = 13, .embedding = 6, .hidden = 20, .layers = 2, .nout = 9};

void small_lm_init(struct small_lm *small, const struct lm_shape *shape, bool forward, struct backend *backend)
{
    struct ft_error error = {""};
    struct parameters parameters;
    struct bytes items[13] = {{"<unk>", 5}, {"\n", 1}, {" ", 1}};
    static const char letters[] = "abcdefghij";
    for (size_t i = 0; i < 10; i++)
        items[3 + i] = (struct bytes){letters + i, 1};
    arena_init(&small->arena);
    weights_init(&small->weights);
    small->characters = arena_alloc(&small->arena, sizeof *small->characters);
    ck_assert(characters_init(small->characters, items, shape->items, &small->arena));
    lm_parameters_lay_out(&parameters, shape);
    float *weights = calloc(parameters.floats, sizeof *weights);
    lm_parameters_draw(&parameters, shape, 21, weights);
    for (size_t i = 0; i < parameters.floats; i++)
        weights[i] *= 3;
    struct trained_lm trained = {shape, &parameters, weights, small->characters, forward, "\n"};
    small->lm = calloc(1, sizeof *small->lm);
    ck_assert_int_eq(trained_lm_build(&trained, small->lm, &small->arena, &small->weights, backend, &error), FT_OK);
    float *again = calloc(parameters.floats, sizeof *again);
    ck_assert_msg(lm_parameters_take(&parameters, small->lm, again, &error) == FT_OK, "%s", error.text);
    const struct parameter *decoder = parameters_find(&parameters, "decoder.weight");
    ck_assert_int_eq(
        memcmp(weights + decoder->offset, again + decoder->offset, decoder->rows * decoder->columns * sizeof *again),
        0);
    free(weights);
    free(again);
}

void small_lm_release(struct small_lm *small)
{
    free(small->lm);
    weights_release(&small->weights);
    arena_release(&small->arena);
}

/* random_model.c - see random_model.h. */
#include "run/random_model.h"
#include "base/utf8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHARACTERS = 275, EMBEDDING = 100, HEAD = 256, WORDS = 1000, COLUMNS = 100 };

struct random_model {
    struct arena arena;
    struct weights weights;
    struct tagger *tagger;
    struct words *lent; /* put in place of the random ones */
    uint64_t state;
    bool failed;
};

/* Uniform in +-range (xorshift64*). */
static float draw(struct random_model *model, float range)
{
    model->state ^= model->state >> 12;
    model->state ^= model->state << 25;
    model->state ^= model->state >> 27;
    return ((float)(model->state * 2685821657736338717u >> 40) / 8388608.0f - 1.0f) * range;
}

static struct tensor matrix(struct random_model *model, size_t rows, size_t columns, float range)
{
    size_t count = rows * (columns ? columns : 1);
    float *data = weights_new(&model->weights, count);
    for (size_t i = 0; data && i < count; i++)
        data[i] = draw(model, range);
    model->failed |= !data;
    return columns ? (struct tensor){data, DTYPE_F32, 2, {rows, columns}, {(int64_t)columns, 1}}
                   : (struct tensor){data, DTYPE_F32, 1, {rows}, {1}};
}

static struct rnn_weights layer(struct random_model *model, size_t in, size_t hidden)
{
    float range = 1.0f / sqrtf((float)hidden);
    return (struct rnn_weights){matrix(model, 4 * hidden, in, range), matrix(model, 4 * hidden, hidden, range),
                                matrix(model, 4 * hidden, 0, range), matrix(model, 4 * hidden, 0, range)};
}

static struct bytes text(struct random_model *model, const char *from, size_t count)
{
    struct bytes item = {arena_copy(&model->arena, from, count), count};
    model->failed |= !item.at;
    return item;
}

static struct lm_description language_model(struct random_model *model, bool forward, size_t hidden)
{
    struct lm_description lm = {.forward = forward,
                                .rnn = RNN_LSTM,
                                .layers = 1,
                                .hidden = hidden,
                                .embedding = EMBEDDING,
                                .delimiter = {"\n", 1},
                                .item_count = CHARACTERS,
                                .with_whitespace = true,
                                .tokenized_lm = true};
    struct bytes *items = arena_array(&model->arena, CHARACTERS, sizeof *items);
    model->failed |= !items;
    for (uint32_t c = 0; items && c < CHARACTERS;
         c++) { /* <unk>, the line feed, then printable characters from U+0020 */
        char one[4];
        items[c] = c ? text(model, one, utf8_encode(c == 1 ? '\n' : c + 30, one)) : text(model, "<unk>", 5);
    }
    lm.items = items;
    lm.encoder = matrix(model, CHARACTERS, EMBEDDING, 0.1f);
    lm.layer[0] = layer(model, EMBEDDING, hidden);
    return lm;
}

static struct words_description word_vectors(struct random_model *model, size_t count, size_t columns)
{
    struct bytes *words = arena_array(&model->arena, count, sizeof *words);
    model->failed |= !words;
    for (size_t i = 0; words && i < count; i++) {
        char name[32];
        words[i] = text(model, name, (size_t)snprintf(name, sizeof name, "w%zu", i));
    }
    return (struct words_description){
        .count = count, .width = columns, .words = words, .vectors = matrix(model, count, columns, 1)};
}

static void tag_set(struct random_model *model, struct tagger_description *tagger)
{
    static const char *const types[] = {"person", "location", "corporation", "product", "creative-work", "group"};
    struct bytes *tags = arena_array(&model->arena, 27, sizeof *tags);
    size_t count = 0;
    if (!tags) {
        model->failed = true;
        return;
    }
    tags[count++] = text(model, "O", 1);
    for (size_t t = 0; t < 6; t++)
        for (const char *prefix = "SBEI"; *prefix; prefix++) {
            char name[32];
            tags[count++] = text(model, name, (size_t)snprintf(name, sizeof name, "%c-%s", *prefix, types[t]));
        }
    tags[count++] = text(model, "<START>", 7);
    tags[count++] = text(model, "<STOP>", 6);
    tagger->tags = tags;
    tagger->tag_count = count;
}

static ft_status build(struct random_model *model, size_t hidden, struct words *words, struct backend *backend,
                       struct ft_error *error)
{
    struct member_description members[3] = {{.kind = MEMBER_WORDS, .name = "0-words"},
                                            {.kind = MEMBER_LM, .name = "1-forward"},
                                            {.kind = MEMBER_LM, .name = "2-backward"}};
    size_t columns = words ? words->width : COLUMNS, width = columns + 2 * hidden;
    members[0].words = word_vectors(model, words ? 1 : WORDS, columns);
    members[1].lm = language_model(model, true, hidden);
    members[2].lm = language_model(model, false, hidden);
    struct tagger_description from = {.members = members,
                                      .member_count = 3,
                                      .use_rnn = true,
                                      .use_crf = true,
                                      .rnn = RNN_LSTM,
                                      .hidden = HEAD,
                                      .rnn_layers = 1,
                                      .tag_type = "ner",
                                      .span_rule = SPANS_FLAIR_NEW,
                                      .origin = "random weights"};
    from.layer[0][0] = layer(model, width, HEAD);
    from.layer[0][1] = layer(model, width, HEAD);
    tag_set(model, &from);
    from.linear_weight = matrix(model, from.tag_count, 2 * HEAD, 0.1f);
    from.linear_bias = matrix(model, from.tag_count, 0, 0.1f);
    from.transitions = matrix(model, from.tag_count, from.tag_count, 1);
    return model->failed ? ft_nomem(error, "a random model") : tagger_build(&model->tagger, &from, backend, error);
}

ft_status random_model_new(struct random_model **out, size_t hidden, struct words *words, struct backend *backend,
                           struct ft_error *error)
{
    struct random_model *model = calloc(1, sizeof *model);
    if (!model)
        return ft_nomem(error, "a random model");
    model->state = 88172645463325252u;
    arena_init(&model->arena);
    weights_init(&model->weights);
    ft_status status = build(model, hidden, words, backend, error);
    if (status != FT_OK) {
        random_model_free(model);
        return status;
    }
    if (words) {
        words_free(model->tagger->members[0].words);
        model->tagger->members[0].words = model->lent = words;
    }
    *out = model;
    return FT_OK;
}

struct tagger *random_model_tagger(struct random_model *model)
{
    return model->tagger;
}

void random_model_free(struct random_model *model)
{
    if (!model)
        return;
    if (model->lent)
        model->tagger->members[0].words = NULL;
    tagger_free(model->tagger);
    weights_release(&model->weights);
    arena_release(&model->arena);
    free(model);
}

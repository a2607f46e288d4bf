/* A trained head as a model file: whoever opens it computes what the trainer computed. */
#include "base/input.h"
#include "harness.h"
#include "import/model_open.h"
#include "model/quantise.h"
#include "numbers.h"
#include "run/predictor.h"
#include "run/trained.h"
#include "training_scene.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 1e-5

/* A head of the scene's embeddings, some batches old. */
struct head {
    struct training_scene scene;
    struct network_shape shape;
    struct parameters parameters;
    float *weights;
    enum flair_era era;
};

static void head_init(struct head *head, const struct trainer_options *options, enum precision precision)
{
    training_scene_init(&head->scene, options->era, options->crf, precision, 2);
    struct trainer *trainer = scene_trainer(&head->scene, options);
    for (int i = 0; i < 5; i++)
        scene_batch(trainer);
    head->shape = trainer_network(trainer)->shape;
    head->parameters = trainer_network(trainer)->parameters;
    head->weights = scene_vector(trainer, VECTOR_WEIGHTS);
    head->era = options->era;
    trainer_free(trainer);
}

static void head_release(struct head *head)
{
    free(head->weights);
    training_scene_release(&head->scene);
}

static const char record[] = "{\"epochs\":3}";

static const char *head_save(struct head *head, const char *name)
{
    struct trained trained = {&head->scene.stack, &head->shape, &head->parameters, head->weights, &head->scene.tags,
                              head->era,          record};
    struct ft_error error = {""};
    const char *path = scratch_file(&head->scene.scratch, name);
    ck_assert_msg(trained_save(&trained, head->scene.backend, path, &error) == FT_OK, "%s", error.text);
    return path;
}

/* The emissions of the sentences of train and their best tags. */
struct result {
    size_t tokens, tags;
    float *emissions;
    uint32_t *best;
};

static struct result result_new(const struct head *head)
{
    size_t tokens = head->scene.corpus.splits[SPLIT_TRAIN].window.tokens, tags = head->shape.tags;
    return (struct result){tokens, tags, random_floats(tokens * tags, 1), calloc(tokens, sizeof(uint32_t))};
}

static void result_release(struct result *result)
{
    free(result->emissions);
    free(result->best);
}

/* In the back end's place: keeps the emissions that it decodes. */
static const struct backend_ops *real;
static struct result *kept;

static ft_status keeping_decode(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                                size_t count, const float *emissions, uint32_t *tags, float *scores,
                                struct ft_error *error)
{
    memcpy(kept->emissions, emissions, kept->tokens * kept->tags * sizeof *emissions);
    return real->decode(backend, crf, sentences, count, emissions, tags, scores, error);
}

static struct result by_network(struct head *head)
{
    struct backend *backend = head->scene.backend;
    const struct window *window = &head->scene.corpus.splits[SPLIT_TRAIN].window;
    struct result result = result_new(head);
    struct network network;
    struct packing packing;
    struct ft_error error = {""};
    size_t width = head->shape.width, numbers[64], lengths[64];
    float *x = random_floats(result.tokens * width, 1);
    for (size_t i = 0; i < window->count; i++) {
        numbers[i] = i;
        lengths[i] = window->sentences[i].count;
    }
    ck_assert_int_eq(packing_init(&packing, lengths, window->count, &head->scene.arena, &error), FT_OK);
    struct row_target to = {x, width, packing.row};
    ck_assert_int_eq(row_store_read(head->scene.rows, numbers, window->count, &to, &error), FT_OK);
    ck_assert_int_eq(network_init(&network, backend, &head->shape, result.tokens, window->count, &error), FT_OK);
    real = backend->ops;
    ck_assert_int_eq(real->upload(backend, network.weights, head->weights, head->parameters.floats, &error), FT_OK);
    struct backend_ops keeping = *real;
    keeping.decode = keeping_decode;
    kept = &result;
    backend->ops = &keeping;
    struct network_batch batch = {&packing, x, NULL, NULL};
    ck_assert_int_eq(network_evaluate(&network, &batch, LOSS_SUM, NULL, result.best, &error), FT_OK);
    backend->ops = real;
    network_release(&network);
    free(x);
    return result;
}

static struct result by_model(const struct head *head, const struct tagger *tagger)
{
    struct backend *backend = head->scene.backend;
    const struct window *window = &head->scene.corpus.splits[SPLIT_TRAIN].window;
    const struct sentence *sentences[64];
    struct result result = result_new(head);
    struct storage_account account = {0};
    struct embedder_options how = {GATHER_SLICE, LM_BOUNDARY};
    struct embedded embedded;
    struct ft_error error = {""};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < window->count; i++)
        sentences[i] = &window->sentences[i];
    ck_assert_uint_eq(tagger->crf.tags, result.tags);
    ck_assert_int_eq(embedder_run(tagger, backend, &how, sentences, window->count, &account, &arena, &embedded, &error),
                     FT_OK);
    ck_assert_int_eq(predictor_emissions(tagger, backend, &embedded, result.emissions, &error), FT_OK);
    struct crf crf = tagger->has_crf ? tagger->crf : (struct crf){.tags = result.tags};
    ck_assert_int_eq(backend->ops->decode(backend, &crf, embedded.sentences, embedded.count, result.emissions,
                                          result.best, NULL, &error),
                     FT_OK);
    embedded_release(&embedded);
    arena_release(&arena);
    return result;
}

static double distance(const struct result *a, const struct result *b)
{
    double most = 0;
    for (size_t i = 0; i < a->tokens * a->tags; i++)
        most = fmax(most, distance_of((double)a->emissions[i], (double)b->emissions[i]));
    return most;
}

static void check_saved(const char *name, const struct trainer_options *options, enum precision precision,
                        bool unfolded)
{
    struct head head;
    struct model model;
    struct ft_error error = {""};
    head_init(&head, options, precision);
    const char *path = head_save(&head, "model.safetensors");
    ck_assert_msg(model_open(path, head.scene.backend, &model, &error) == FT_OK, "%s: %s", name, error.text);
    const struct tagger *tagger = model.tagger;
    ck_assert_msg(tagger->has_reprojection == unfolded, "%s: the reprojection is%s folded", name,
                  unfolded ? "" : " not");
    ck_assert_int_eq(tagger->has_crf, options->crf);
    ck_assert_int_eq(tagger->span_rule, options->era == LIKE_FLAIR_0_4 ? SPANS_FLAIR_OLD : SPANS_FLAIR_NEW);
    ck_assert_str_eq(tagger->training_record, record);
    for (size_t t = 0; t < head.shape.tags; t++)
        ck_assert_str_eq(tagger->tags[t], head.scene.tags.tags[t].at);
    for (size_t i = 1; i < 3; i++)
        ck_assert_int_eq(lm_precision(&tagger->members[i].lm), precision);
    struct result expected = by_network(&head), got = by_model(&head, tagger);
    ck_assert_msg(distance(&got, &expected) <= LIMIT, "%s: emissions differ by %g", name, distance(&got, &expected));
    ck_assert_msg(!memcmp(got.best, expected.best, got.tokens * sizeof *got.best), "%s: other tags", name);
    result_release(&expected);
    result_release(&got);
    model_close(&model);
    head_release(&head);
}

START_TEST(a_saved_head_gives_the_emissions_of_training)
{
    struct trainer_options options = scene_options;
    check_saved("narrow reprojection", &options, PRECISION_F32, true);
    options.reproject_to = 0;
    check_saved("no reprojection", &options, PRECISION_F32, false);
    options.reproject = true;
    check_saved("square reprojection", &options, PRECISION_F32, false);
    options.layers = 1;
    options.era = LIKE_FLAIR_0_4;
    check_saved("0.4", &options, PRECISION_F32, false);
    options = scene_options;
    options.crf = false;
    check_saved("softmax", &options, PRECISION_F32, true);
    options.layers = 0;
    check_saved("softmax without BiLSTM", &options, PRECISION_F32, true);
    options.crf = true;
    options.reproject_to = 0;
    check_saved("no BiLSTM, no reprojection", &options, PRECISION_F32, false);
}
END_TEST

START_TEST(a_head_of_single_units_is_saved_as_any_other)
{
    struct trainer_options options = scene_options;
    options.hidden = options.reproject_to = 1;
    check_saved("one unit", &options, PRECISION_F32, true);
    options.layers = 0;
    check_saved("one column", &options, PRECISION_F32, true);
}
END_TEST

START_TEST(language_models_of_integers_stay_so_in_the_file_and_in_prediction)
{
    struct trainer_options options = scene_options;
    static struct head plain, rounded; /* megabytes */
    struct ft_error error = {""};
    check_saved("int8", &options, PRECISION_INT8, true);

    /* A head that shows what integers change of the language models' small states: were these turned to floats on the
     * way, nothing would differ. */
    options.layers = options.reproject_to = 0;
    head_init(&plain, &options, PRECISION_F32);
    head_init(&rounded, &options, PRECISION_INT8);
    random_begin("trained");
    random_fill(plain.weights, plain.parameters.floats, 30);
    const struct parameter *linear = parameters_find(&plain.parameters, "linear.weight");
    for (size_t i = 0; i < linear->rows; i++) /* of the words nothing */
        memset(plain.weights + linear->offset + i * linear->columns, 0, (linear->columns - 8) * sizeof(float));
    memcpy(rounded.weights, plain.weights, plain.parameters.floats * sizeof *plain.weights);
    struct model model;
    const char *path = head_save(&rounded, "model.safetensors");
    ck_assert_msg(model_open(path, rounded.scene.backend, &model, &error) == FT_OK, "%s", error.text);
    struct result expected = by_network(&rounded), got = by_model(&rounded, model.tagger), other = by_network(&plain);
    ck_assert_msg(distance(&got, &expected) * 50 < distance(&got, &other), "%g from int8, %g from f32",
                  distance(&got, &expected), distance(&got, &other));
    result_release(&expected);
    result_release(&got);
    result_release(&other);
    model_close(&model);
    head_release(&plain);
    head_release(&rounded);
}
END_TEST

START_TEST(the_same_head_gives_the_same_bytes)
{
    struct head head;
    struct ft_error error = {""};
    char *first, *second;
    size_t first_bytes, second_bytes;
    head_init(&head, &scene_options, PRECISION_INT8);
    const char *path = head_save(&head, "first"), *again = head_save(&head, "second");
    ck_assert_int_eq(input_slurp(path, &first, &first_bytes, &error), FT_OK);
    ck_assert_int_eq(input_slurp(again, &second, &second_bytes, &error), FT_OK);
    ck_assert(first_bytes == second_bytes && !memcmp(first, second, first_bytes));
    free(first);
    free(second);
    head_release(&head);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_named)
{
    struct head head;
    struct ft_error error = {""};
    head_init(&head, &scene_options, PRECISION_F32);
    struct trained trained = {&head.scene.stack, &head.shape, &head.parameters, head.weights, &head.scene.tags,
                              head.era,          record};
    ck_assert_int_eq(trained_save(&trained, head.scene.backend, "/nowhere/at/all", &error), FT_FAILED);
    ck_assert_msg(strstr(error.text, "/nowhere/at/all"), "%s", error.text);
    head_release(&head);
}
END_TEST

int main(void)
{
    test_add(a_saved_head_gives_the_emissions_of_training, NULL);
    test_add(a_head_of_single_units_is_saved_as_any_other, NULL);
    test_add(language_models_of_integers_stay_so_in_the_file_and_in_prediction, NULL);
    test_add(the_same_head_gives_the_same_bytes, NULL);
    test_add(a_file_that_cannot_be_written_is_named, NULL);
    return test_run("trained");
}

/* The trained part of a tagger as a whole: its loss, tags and gradients against a plain implementation in double
 * precision (gradients: its central differences), and the same bits for any number of threads. */
#include "every_backend.h"
#include "harness.h"
#include "numbers.h"
#include "plain_network.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRADIENT_LIMIT 1e-3 /* of a tensor's largest */
#define LOSS_LIMIT 1e-5

enum { TAGS = 5, START = 3, STOP = 4 };
static const size_t uneven[] = {2, 5, 1, 5, 3}, one_word[] = {1}, equal[] = {3, 3};
#define LENGTHS(of) of, sizeof of / sizeof *of

static const struct network_dropout all_dropouts = {0.2f, 0.15f, 0.3f, 0.4f}, locked_only = {.locked = 0.5f},
                                    no_dropout = {0};

struct layout {
    const char *name;
    size_t width, reprojection, hidden, layers;
    const size_t *lengths, count;
};
static const struct layout layouts[] = {
    {"square reprojection, 1 layer", 6, 6, 4, 1, LENGTHS(uneven)},
    {"square reprojection, 2 layers", 5, 5, 3, 2, LENGTHS(uneven)},
    {"reprojection to a lesser width, 2 layers", 7, 3, 4, 2, LENGTHS(uneven)},
    {"reprojection to a larger width, 1 layer", 3, 8, 2, 1, LENGTHS(equal)},
    {"no reprojection, 1 layer", 6, 0, 5, 1, LENGTHS(uneven)},
    {"no reprojection, 3 layers", 4, 0, 3, 3, LENGTHS(uneven)},
    {"no BiLSTM, reprojection", 6, 4, 0, 0, LENGTHS(uneven)},
    {"no BiLSTM, no reprojection", 6, 0, 0, 0, LENGTHS(uneven)},
    {"one word", 4, 4, 3, 2, LENGTHS(one_word)},
    {"one unit, one column", 1, 1, 1, 1, LENGTHS(equal)},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

/* A network with random weights and a random batch for it. */
struct scene {
    struct network network;
    struct arena arena;
    struct packing packing;
    struct network_batch batch;
    size_t rows;
    float *drawn;    /* the network's weights */
    double *weights; /* the same */
};

static void scene_init(struct scene *scene, const struct layout *layout, bool crf, struct backend *backend)
{
    struct ft_error error = {""};
    struct network_shape shape = {.width = layout->width,
                                  .reprojection = layout->reprojection,
                                  .hidden = layout->hidden,
                                  .layers = layout->layers,
                                  .tags = TAGS,
                                  .start = START,
                                  .stop = STOP,
                                  .crf = crf};
    arena_init(&scene->arena);
    ck_assert_int_eq(packing_init(&scene->packing, layout->lengths, layout->count, &scene->arena, &error), FT_OK);
    size_t rows = scene->rows = scene->packing.batch.rows, floats;
    ck_assert_int_eq(network_init(&scene->network, backend, &shape, rows + 2, layout->count, &error), FT_OK);
    floats = scene->network.parameters.floats;
    float *drawn = scene->drawn = malloc(floats * sizeof *drawn), *x = random_floats(rows * layout->width, 1.5f);
    uint32_t *gold = malloc(rows * sizeof *gold);
    parameters_draw(&scene->network.parameters, &shape, random_below(UINT32_MAX), drawn);
    ck_assert_int_eq(backend->ops->upload(backend, scene->network.weights, drawn, floats, &error), FT_OK);
    scene->weights = malloc(floats * sizeof *scene->weights);
    for (size_t i = 0; i < floats; i++)
        scene->weights[i] = (double)drawn[i];
    for (size_t t = 0; t < rows; t++)
        gold[t] = random_below(START);
    scene->batch = (struct network_batch){&scene->packing, x, gold, NULL};
}

static void scene_release(struct scene *scene)
{
    network_release(&scene->network);
    free((void *)scene->batch.x);
    free((void *)scene->batch.gold);
    free(scene->drawn);
    free(scene->weights);
    arena_release(&scene->arena);
}

static double relative(double got, double expected)
{
    return distance_of(got, expected) / fmax(fabs(expected), 1e-30);
}

/* The largest distance of a parameter's gradients from central differences, by the largest of these. */
static double gradient_error(struct scene *scene, struct plain_network *plain, const struct parameter *parameter,
                             enum loss_reduction reduction, const float *gradients)
{
    static const double step = 1e-5;
    double most = 0, worst = 0;
    for (size_t i = parameter->offset; i < parameter->offset + parameter->rows * parameter->columns; i++) {
        double before = scene->weights[i];
        scene->weights[i] = before + step;
        double above = plain_network_loss(plain, scene->weights, reduction);
        scene->weights[i] = before - step;
        double below = plain_network_loss(plain, scene->weights, reduction), expected = (above - below) / (2 * step);
        scene->weights[i] = before;
        most = fmax(most, fabs(expected));
        worst = fmax(worst, distance_of((double)gradients[i], expected));
    }
    return most > 1e-8 ? worst / most : worst; /* nothing flows back where every word is dropped */
}

static double worst_loss, worst_gradient;

static void check_training(const struct layout *layout, bool crf, enum loss_reduction reduction,
                           const struct network_dropout *dropout, struct backend *backend)
{
    struct scene scene;
    struct plain_network plain;
    struct ft_error error = {""};
    struct network_step step = {dropout, random_below(UINT32_MAX), random_below(1000)};
    double loss;
    scene_init(&scene, layout, crf, backend);
    const struct parameters *parameters = &scene.network.parameters;
    for (size_t i = 0; i < parameters->floats; i++) /* gradients are overwritten, not added to */
        scene.network.gradients[i] = 0;
    for (int twice = 0; twice < 2; twice++)
        ck_assert_int_eq(network_train(&scene.network, &scene.batch, &step, reduction, &loss, &error), FT_OK);
    float *gradients = malloc(parameters->floats * sizeof *gradients);
    ck_assert_int_eq(backend->ops->download(backend, gradients, scene.network.gradients, parameters->floats, &error),
                     FT_OK);
    plain_network_init(&plain, &scene.network.shape, parameters, &scene.batch, &step);
    double expected = plain_network_loss(&plain, scene.weights, reduction);
    EXPECT(relative(loss, expected) <= LOSS_LIMIT, "%s, %s: loss %.9g, should be %.9g", layout->name,
           crf ? "CRF" : "softmax", loss, expected);
    worst_loss = fmax(worst_loss, relative(loss, expected));
    for (size_t i = 0; i < parameters->count; i++) {
        double off = gradient_error(&scene, &plain, &parameters->list[i], reduction, gradients);
        EXPECT(off <= GRADIENT_LIMIT, "%s, %s, %s: gradient of %s is %.3g off", layout->name, crf ? "CRF" : "softmax",
               reduction == LOSS_SUM ? "sum" : "mean", parameters->list[i].name, off);
        worst_gradient = fmax(worst_gradient, off);
    }
    free(gradients);
    plain_network_release(&plain);
    scene_release(&scene);
}

START_TEST(loss_and_gradients_of_every_parameter_are_those_of_central_differences)
{
    static const struct {
        const struct network_dropout *dropout;
        enum loss_reduction reduction;
    } ways[] = {
        {&no_dropout, LOSS_SUM}, {&locked_only, LOSS_MEAN}, {&all_dropouts, LOSS_SUM}, {&all_dropouts, LOSS_MEAN}};
    random_begin("network");
    struct backend *backend = backend_new(2, 0, "auto");
    for (size_t l = 0; l < LAYOUTS; l++)
        for (int crf = 0; crf < 2; crf++)
            for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
                check_training(&layouts[l], crf, ways[w].reduction, ways[w].dropout, backend);
    printf("network: losses within %.1e, gradients within %.1e of the largest\n", worst_loss, worst_gradient);
    backend->ops->free(backend);
}
END_TEST

START_TEST(evaluation_drops_nothing_and_gives_the_best_path)
{
    random_begin("network");
    struct backend *backend = backend_new(2, 0, "auto");
    for (size_t l = 0; l < LAYOUTS; l++)
        for (int way = 0; way < 4; way++) {
            bool crf = way % 2;
            enum loss_reduction reduction = way / 2 ? LOSS_MEAN : LOSS_SUM;
            struct scene scene;
            struct plain_network plain;
            struct ft_error error = {""};
            double loss;
            scene_init(&scene, &layouts[l], crf, backend);
            plain_network_init(&plain, &scene.network.shape, &scene.network.parameters, &scene.batch, NULL);
            uint32_t *tags = calloc(scene.rows, sizeof *tags), *expected_tags = calloc(scene.rows, sizeof *tags);
            double expected = plain_network_loss(&plain, scene.weights, reduction);
            plain_network_tags(&plain, scene.weights, expected_tags);
            ck_assert_int_eq(network_evaluate(&scene.network, &scene.batch, reduction, &loss, tags, &error), FT_OK);
            EXPECT(relative(loss, expected) <= LOSS_LIMIT, "%s: loss %.9g, should be %.9g", layouts[l].name, loss,
                   expected);
            EXPECT(!memcmp(tags, expected_tags, scene.rows * sizeof *tags), "%s: other tags", layouts[l].name);
            memset(tags, 77, scene.rows * sizeof *tags);
            struct network_batch without_gold = {&scene.packing, scene.batch.x, NULL, NULL};
            ck_assert_int_eq(network_evaluate(&scene.network, &without_gold, reduction, NULL, tags, &error), FT_OK);
            EXPECT(!memcmp(tags, expected_tags, scene.rows * sizeof *tags), "%s: other tags", layouts[l].name);
            free(tags);
            free(expected_tags);
            plain_network_release(&plain);
            scene_release(&scene);
        }
    backend->ops->free(backend);
}
END_TEST

/* Past the blocks and tiles of the kernels. */
static const size_t many[] = {3, 17, 9, 1, 22, 5, 5, 13, 8, 2, 30, 6, 4, 11, 7, 19, 1, 3, 12, 10};
static const struct layout wide[] = {
    {"wide, 2 layers", 130, 130, 70, 2, LENGTHS(many)},
    {"wide, narrow reprojection", 130, 33, 70, 1, LENGTHS(many)},
    {"wide, no BiLSTM", 130, 70, 0, 0, LENGTHS(many)},
};

struct outcome {
    double train_loss, loss;
    float *gradients;
    uint32_t *tags;
};

/* A network of its own on another back end, for the scene's weights and batch. */
static struct outcome run_scene(const struct scene *scene, size_t threads)
{
    struct backend *backend = backend_new(threads, 0, "auto");
    const struct backend_ops *ops = backend->ops;
    struct network network;
    struct ft_error error = {""};
    struct network_step step = {&all_dropouts, 5, 3};
    size_t floats = scene->network.parameters.floats;
    struct outcome outcome = {.gradients = malloc(floats * sizeof(float)),
                              .tags = calloc(scene->rows, sizeof(uint32_t))};
    ck_assert_int_eq(
        network_init(&network, backend, &scene->network.shape, scene->rows, scene->packing.batch.sequences, &error),
        FT_OK);
    ck_assert_int_eq(ops->upload(backend, network.weights, scene->drawn, floats, &error), FT_OK);
    ck_assert_int_eq(network_train(&network, &scene->batch, &step, LOSS_SUM, &outcome.train_loss, &error), FT_OK);
    ck_assert_int_eq(ops->download(backend, outcome.gradients, network.gradients, floats, &error), FT_OK);
    ck_assert_int_eq(network_evaluate(&network, &scene->batch, LOSS_MEAN, &outcome.loss, outcome.tags, &error), FT_OK);
    network_release(&network);
    backend->ops->free(backend);
    return outcome;
}

static void check_threads(const struct layout *layout, bool crf, struct backend *backend)
{
    static const size_t threads[] = {2, 3, 8};
    struct scene scene;
    scene_init(&scene, layout, crf, backend);
    size_t floats = scene.network.parameters.floats;
    struct outcome first = run_scene(&scene, 1);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct outcome other = run_scene(&scene, threads[i]);
        EXPECT(other.train_loss == first.train_loss && other.loss == first.loss, "%s, %zu threads: losses %.17g, %.17g",
               layout->name, threads[i], other.train_loss, other.loss);
        size_t at = first_difference(first.gradients, other.gradients, floats);
        EXPECT(at == floats, "%s, %zu threads: gradient %zu differs", layout->name, threads[i], at);
        EXPECT(!memcmp(first.tags, other.tags, scene.rows * sizeof *first.tags), "%s, %zu threads: other tags",
               layout->name, threads[i]);
        free(other.gradients);
        free(other.tags);
    }
    free(first.gradients);
    free(first.tags);
    scene_release(&scene);
}

START_TEST(bits_do_not_depend_on_threads)
{
    random_begin("network");
    struct backend *backend = backend_new(1, 0, "auto");
    for (size_t l = 0; l < sizeof wide / sizeof *wide; l++)
        for (int crf = 0; crf < 2; crf++)
            check_threads(&wide[l], crf, backend);
    backend->ops->free(backend);
}
END_TEST

START_TEST(shapes_and_batches_that_cannot_be_are_refused)
{
    struct backend *backend = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    struct network network;
    struct network_shape deep = {.width = 2, .hidden = 2, .layers = BIRNN_LAYERS + 1, .tags = TAGS};
    ck_assert_int_eq(network_init(&network, backend, &deep, 3, 1, &error), FT_USAGE);
    ck_assert_str_eq(error.text, "a BiLSTM has at most 8 layers");
    network_release(&network);

    struct scene scene;
    struct packing packing;
    double loss;
    static const size_t longer[] = {3, 3, 2}; /* room is for 8 tokens and 2 sentences */
    static const size_t more[] = {9};
    struct network_step step = {&no_dropout, 1, 1};
    scene_init(&scene, &layouts[3], true, backend);
    scene.batch.packing = &packing;
    ck_assert_int_eq(packing_init(&packing, longer, 3, &scene.arena, &error), FT_OK);
    ck_assert_int_eq(network_train(&scene.network, &scene.batch, &step, LOSS_SUM, &loss, &error), FT_USAGE);
    ck_assert_int_eq(packing_init(&packing, more, 1, &scene.arena, &error), FT_OK);
    ck_assert_int_eq(network_evaluate(&scene.network, &scene.batch, LOSS_SUM, &loss, NULL, &error), FT_USAGE);
    ck_assert_str_eq(error.text, "a batch of 9 tokens is larger than the network was made for");
    scene_release(&scene);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    test_add(loss_and_gradients_of_every_parameter_are_those_of_central_differences, NULL);
    test_add(evaluation_drops_nothing_and_gives_the_best_path, NULL);
    test_add(bits_do_not_depend_on_threads, NULL);
    test_add(shapes_and_batches_that_cannot_be_are_refused, NULL);
    return test_run("network");
}

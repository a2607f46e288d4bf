/* Goldens of language models and of training on CUDA: Flair's runs are followed step by step, its hidden states, losses
 * and perplexities met, within what the CPU is held to. */
#include "device_backend.h"
#include "harness.h"
#include "tests/golden/golden.h"
#include "tests/golden/lm_states.h"
#include "tests/golden/lm_training.h"
#include "tests/golden/tagger_training.h"
#include <math.h>
#include <stdio.h>

struct pair {
    struct backend *host, *device;
};

static struct pair open_pair(bool native)
{
    return (struct pair){golden_backend(2, 0, "auto"), device_backend_new(&(struct cuda_options){.native = native})};
}

static void close_pair(struct pair *pair)
{
    pair->device->ops->free(pair->device);
    pair->host->ops->free(pair->host);
}

#define TAGGER_0_4 "golden/train-tagger/v0.4.4-fwbw-crf"
#define TAGGER_0_15 "golden/train-tagger/v0.15.1-word-fwbw-crf"

static void follow_tagger(const char *name, enum flair_era era, bool has_words, bool native)
{
    struct pair pair = open_pair(native);
    golden_follow_tagger_training(shared_path(name), era, has_words, pair.host, pair.device);
    close_pair(&pair);
}

START_TEST(taggers_learn_as_flair_0_4_has_them_learn)
{
    follow_tagger(TAGGER_0_4, LIKE_FLAIR_0_4, false, true);
}
END_TEST

START_TEST(taggers_learn_as_flair_0_15_has_them_learn)
{
    follow_tagger(TAGGER_0_15, LIKE_FLAIR_0_15, true, false);
}
END_TEST

#define LM "golden/train-lm/"

static void follow_lm(const char *name, enum flair_era era, bool native)
{
    struct pair pair = open_pair(native);
    golden_follow_lm_training(shared_path(name), era, pair.host, pair.device);
    close_pair(&pair);
}

START_TEST(language_models_learn_as_flair_has_them_learn)
{
    follow_lm(LM "v0.4.4-forward", LIKE_FLAIR_0_4, false);
    follow_lm(LM "v0.4.4-backward", LIKE_FLAIR_0_4, true);
    follow_lm(LM "v0.15.1-forward-L2-nout", LIKE_FLAIR_0_15, false);
    follow_lm(LM "v0.15.1-forward-L2-nout", LIKE_FLAIR_0_15, true);
    follow_lm(LM "v0.15.1-backward", LIKE_FLAIR_0_15, true);
}
END_TEST

static const struct {
    const char *name;
    enum flair_era era;
} cases[] = {{"golden/lm/v0.4.4-legacy-L1", LIKE_FLAIR_0_4},
             {"golden/lm/v0.8-zip-L2-nout12", LIKE_FLAIR_0_15},
             {"golden/lm/v0.15.1-zip-L1-H128", LIKE_FLAIR_0_15},
             {"golden/lm/v0.15.1-zip-L2-delim", LIKE_FLAIR_0_15}};
enum { CASES = sizeof cases / sizeof *cases };
static const char *const directions[] = {"forward", "backward"};

START_TEST(hidden_states_and_logits_are_flairs)
{
    for (size_t i = 0; i < 2 * CASES; i++) {
        char path[1024];
        struct pair pair = open_pair(i % 2);
        struct model model;
        const char *folder = shared_path(cases[i / 2].name);
        snprintf(path, sizeof path, "%s/lm-%s.pt", folder, directions[i % 2]);
        golden_open(&model, path, pair.host);
        double states = golden_check_states(model.lm, pair.device, folder, path);
        double logits = golden_check_logits(model.lm, pair.device, folder, path);
        printf("%s: worst differences: states %.1e, logits %.1e\n", path, states, logits);
        pair.device->ops->free(pair.device);
        model_close(&model);
        pair.host->ops->free(pair.host);
    }
}
END_TEST

START_TEST(evaluations_and_perplexities_are_flairs)
{
    double worst = 0;
    for (size_t i = 0; i < 2 * CASES; i++) {
        struct pair pair = open_pair(i % 2);
        const char *folder = shared_path(cases[i / 2].name), *direction = directions[i % 2];
        golden_check_lm_evaluation(folder, direction, cases[i / 2].era, pair.host, pair.device);
        worst = fmax(worst, golden_check_perplexities(folder, direction, pair.host, pair.device));
        close_pair(&pair);
    }
    printf("  perplexities within %.1e\n", worst);
}
END_TEST

int main(void)
{
    test_add(taggers_learn_as_flair_0_4_has_them_learn, shared_path(TAGGER_0_4));
    test_add(taggers_learn_as_flair_0_15_has_them_learn, shared_path(TAGGER_0_15));
    test_add(language_models_learn_as_flair_has_them_learn, shared_path(LM));
    test_add(hidden_states_and_logits_are_flairs, shared_path("golden/lm"));
    test_add(evaluations_and_perplexities_are_flairs, shared_path("golden/lm"));
    return test_run("cuda-training-goldens");
}

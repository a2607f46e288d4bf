/* Goldens of language models in training, on the CPU. */
#include "harness.h"
#include "tests/golden/golden.h"
#include "tests/golden/lm_training.h"
#include <math.h>
#include <stdio.h>

static void follow(const char *name, enum flair_era era, size_t threads)
{
    struct backend *backend = golden_backend(threads, 0, "auto");
    golden_follow_lm_training(shared_path(name), era, backend, backend);
    backend->ops->free(backend);
}

#define TRAIN "golden/train-lm/"

START_TEST(a_forward_run_of_flair_0_4_is_followed_step_by_step)
{
    follow(TRAIN "v0.4.4-forward", LIKE_FLAIR_0_4, 1);
}
END_TEST

START_TEST(a_backward_run_of_flair_0_4_is_followed_step_by_step)
{
    follow(TRAIN "v0.4.4-backward", LIKE_FLAIR_0_4, 2);
}
END_TEST

START_TEST(a_run_of_flair_0_15_with_two_layers_and_a_projection_is_followed_step_by_step)
{
    follow(TRAIN "v0.15.1-forward-L2-nout", LIKE_FLAIR_0_15, 2);
}
END_TEST

START_TEST(a_backward_run_of_flair_0_15_is_followed_step_by_step)
{
    follow(TRAIN "v0.15.1-backward", LIKE_FLAIR_0_15, 1);
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

START_TEST(the_evaluation_of_flair_s_trainer_is_followed)
{
    struct backend *backend = golden_backend(2, 0, "auto");
    for (size_t i = 0; i < CASES; i++) {
        const char *folder = shared_path(cases[i].name);
        golden_check_lm_evaluation(folder, "forward", cases[i].era, backend, backend);
        golden_check_lm_evaluation(folder, "backward", cases[i].era, backend, backend);
    }
    backend->ops->free(backend);
}
END_TEST

START_TEST(perplexities_are_flair_s)
{
    double worst = 0;
    struct backend *backend = golden_backend(2, 0, "auto");
    for (size_t i = 0; i < CASES; i++) {
        const char *folder = shared_path(cases[i].name);
        worst = fmax(worst, golden_check_perplexities(folder, "forward", backend, backend));
        worst = fmax(worst, golden_check_perplexities(folder, "backward", backend, backend));
    }
    backend->ops->free(backend);
    printf("  perplexities within %.1e\n", worst);
}
END_TEST

int main(void)
{
    test_add(a_forward_run_of_flair_0_4_is_followed_step_by_step, shared_path(TRAIN));
    test_add(a_backward_run_of_flair_0_4_is_followed_step_by_step, shared_path(TRAIN));
    test_add(a_run_of_flair_0_15_with_two_layers_and_a_projection_is_followed_step_by_step, shared_path(TRAIN));
    test_add(a_backward_run_of_flair_0_15_is_followed_step_by_step, shared_path(TRAIN));
    test_add(the_evaluation_of_flair_s_trainer_is_followed, shared_path("golden/lm"));
    test_add(perplexities_are_flair_s, shared_path("golden/lm"));
    return test_run("golden-lm-training");
}

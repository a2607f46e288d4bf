/* Training goldens of taggers on the CPU. */
#include "harness.h"
#include "tests/golden/golden.h"
#include "tests/golden/tagger_training.h"

static void follow(const char *name, enum flair_era era, bool has_words, size_t threads)
{
    struct backend *backend = golden_backend(threads, 0, "auto");
    golden_follow_tagger_training(shared_path(name), era, has_words, backend, backend);
    backend->ops->free(backend);
}

#define CASE_0_4 "golden/train-tagger/v0.4.4-fwbw-crf"
#define CASE_0_15 "golden/train-tagger/v0.15.1-word-fwbw-crf"

START_TEST(a_run_of_flair_0_4_is_followed_step_by_step)
{
    follow(CASE_0_4, LIKE_FLAIR_0_4, false, 1);
}
END_TEST

START_TEST(a_run_of_flair_0_15_is_followed_step_by_step)
{
    follow(CASE_0_15, LIKE_FLAIR_0_15, true, 2);
}
END_TEST

int main(void)
{
    test_add(a_run_of_flair_0_4_is_followed_step_by_step, shared_path(CASE_0_4));
    test_add(a_run_of_flair_0_15_is_followed_step_by_step, shared_path(CASE_0_15));
    return test_run("golden-training");
}

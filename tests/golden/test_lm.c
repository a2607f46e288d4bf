/* Language model goldens: the hidden state behind every character and the logits of the next one, as Flair gives them,
 * from Flair's file and from our own. */
#include "harness.h"
#include "model/model_file.h"
#include "tests/golden/golden.h"
#include "tests/golden/lm_states.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
        states[converted] = golden_check_states(model.lm, backend, folder, name);
        logits[converted] = golden_check_logits(model.lm, backend, folder, name);
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

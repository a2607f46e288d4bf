/* Every tagger golden on CUDA: tags and spans are Flair's, vectors, emissions and confidences within what the CPU is
 * held to. */
#include "device_backend.h"
#include "harness.h"
#include "tests/golden/golden.h"
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

/* Those of tests/golden/test_tagger.c. */
#define EMBEDDING_LIMIT 1e-6
#define EMISSION_LIMIT 5e-5
#define SOFTMAX_LIMIT 1e-5
#define CRF_LIMIT 5e-4

static void check_case(const char *folder, bool native)
{
    char path[1024], input[1024];
    struct backend *cpu = golden_backend(2, 0, "auto");
    struct backend *device = device_backend_new(&(struct cuda_options){.native = native});
    struct golden golden;
    struct model model;
    struct tagged tagged;
    snprintf(path, sizeof path, "%s/model.pt", folder);
    snprintf(input, sizeof input, "%s/input.conll", folder);
    golden_read(&golden, folder, "expected.tags.tsv", "expected.spans.tsv");
    golden_open(&model, path, cpu);
    const struct tagger *tagger = model.tagger;
    double limit = tagger->has_crf ? CRF_LIMIT : SOFTMAX_LIMIT;
    tagged_run(&tagged, tagger, device, input);
    size_t count, *sentences = golden_numbers(folder, "dump", "sentences", &count);
    double embeddings = golden_check_rows(folder, "embeddings.npy", &tagged, tagged.embeddings, tagged.width, sentences,
                                          count, EMBEDDING_LIMIT, folder);
    double emissions = golden_check_rows(folder, "emissions.npy", &tagged, tagged.emissions, tagger->crf.tags,
                                         sentences, count, EMISSION_LIMIT, folder);
    double confidence = golden_check_tags(&golden, &tagged, tagger, limit, folder);
    printf("%s%s: %zu tokens, worst differences: embeddings %.1e, emissions %.1e, confidence %.1e\n", folder,
           native ? ", without cuDNN" : "", golden.count, embeddings, emissions, confidence);
    fflush(stdout);
    golden_check_predictor(&golden, &tagged, tagger, device, limit, folder);
    free(sentences);
    tagged_release(&tagged);
    device->ops->free(device);
    model_close(&model);
    golden_release(&golden);
    cpu->ops->free(cpu);
}

static void check_folders(const char *pattern, size_t least)
{
    glob_t found;
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, least);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_case(found.gl_pathv[i], i % 2);
    globfree(&found);
}

/* Every kind of layer that there is. */
START_TEST(small_taggers_give_flairs_tags)
{
    check_folders("tests/golden/tagger/v0.15.1-zip-made-*", 6);
    check_folders("tests/golden/tagger/v0.4.4-legacy-fwbw-nout-inithidden", 1);
    check_folders("tests/golden/tagger/v0.15.1-zip-fwbw-softmax-half", 1);
}
END_TEST

START_TEST(own_taggers_give_flairs_tags)
{
    check_folders("tests/golden/tagger/v*", 15);
}
END_TEST

START_TEST(shared_taggers_give_flairs_tags)
{
    char pattern[1024];
    snprintf(pattern, sizeof pattern, "%s/v*", shared_path("golden/tagger"));
    check_folders(pattern, 10);
}
END_TEST

int main(void)
{
    test_add(small_taggers_give_flairs_tags, NULL);
    if (getenv("EMU_LONG")) { /* many minutes on the emulated device */
        test_add(own_taggers_give_flairs_tags, NULL);
        test_add(shared_taggers_give_flairs_tags, shared_path("golden/tagger"));
    }
    return test_run("cuda-goldens");
}

/* A model that Flair really trained: every tag of WNUT-17's development and test set, confidences, spans, vectors. */
#include "harness.h"
#include "tests/golden/golden.h"
#include <stdio.h>

#define EMBEDDING_LIMIT 1e-5
#define CONFIDENCE_LIMIT 1e-4

static void check_part(const char *part)
{
    const char *folder = shared_path("golden-trained/wnut17");
    char path[1024], name[64], tags[64], spans[64], rows[64], data[64];
    struct backend *backend = golden_backend(0, 0, "auto");
    struct golden golden;
    struct model model;
    struct tagged tagged;
    snprintf(path, sizeof path, "%s/model.pt", folder);
    snprintf(name, sizeof name, "wnut17 %s", part);
    snprintf(tags, sizeof tags, "%s.tags.tsv", part);
    snprintf(spans, sizeof spans, "%s.spans.tsv", part);
    snprintf(rows, sizeof rows, "%s.embeddings.npy", part);
    snprintf(data, sizeof data, "data/wnut17/%s.conll", part);
    golden_read(&golden, folder, tags, spans);
    golden.outside_unscored = true; /* this version of Flair keeps no label O, and so no score of it */
    golden_open(&model, path, backend);
    tagged_run(&tagged, model.tagger, backend, shared_path(data));
    static const size_t first_five[] = {1, 2, 3, 4, 5};
    double embeddings =
        golden_check_rows(folder, rows, &tagged, tagged.embeddings, tagged.width, first_five, 5, EMBEDDING_LIMIT, name);
    double confidence = golden_check_tags(&golden, &tagged, model.tagger, CONFIDENCE_LIMIT, name);
    printf("%s: %zu tokens, worst differences: embeddings %.1e, confidence %.1e\n", name, golden.count, embeddings,
           confidence);
    fflush(stdout);
    tagged_release(&tagged);
    model_close(&model);
    golden_release(&golden);
    backend->ops->free(backend);
}

START_TEST(a_trained_model_gives_flairs_tags_on_the_development_set)
{
    check_part("dev");
}
END_TEST

START_TEST(a_trained_model_gives_flairs_tags_on_the_test_set)
{
    check_part("test");
}
END_TEST

int main(void)
{
    test_add(a_trained_model_gives_flairs_tags_on_the_development_set, shared_path("golden-trained/wnut17"));
    const char *needs = shared_path("golden-trained/wnut17");
#ifdef __SANITIZE_ADDRESS__
    needs = "a build without sanitizers"; /* the same code again, five times slower */
#endif
    test_add(a_trained_model_gives_flairs_tags_on_the_test_set, needs);
    return test_run("golden-trained");
}

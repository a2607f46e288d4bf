/* One small golden from file to spans: tests/run.sh runs this program once more under valgrind, in one process. */
#include "harness.h"
#include "tests/golden/golden.h"

#define FOLDER "tests/golden/tagger/v0.15.1-zip-made-chars-word-crf"

START_TEST(one_golden_from_file_to_spans)
{
    struct backend *backend = golden_backend(2, 3, "auto");
    struct golden golden;
    struct model model;
    struct tagged tagged;
    golden_read(&golden, FOLDER, "expected.tags.tsv", "expected.spans.tsv");
    golden_open(&model, FOLDER "/model.pt", backend);
    tagged_run(&tagged, model.tagger, backend, FOLDER "/input.conll");
    golden_check_tags(&golden, &tagged, model.tagger, 5e-4, FOLDER);
    golden_check_predictor(&golden, &tagged, model.tagger, backend, 5e-4, FOLDER);
    tagged_release(&tagged);
    model_close(&model);
    golden_release(&golden);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    test_add(one_golden_from_file_to_spans, NULL);
    return test_run("golden-valgrind");
}

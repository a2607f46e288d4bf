/* fuzz_conll.c - column files, as predict reads them, as both eras of Flair do, as eval pairs them and as a corpus. */
#include "reading.h"
#include "run/corpus.h"
#include "text/pairs.h"

static void pair_columns(const uint8_t *data, size_t size)
{
    struct pairs_options options = {.gold = fuzz_file(0, data, size)};
    struct pairs *pairs = NULL;
    struct pair pair;
    struct ft_error error = {""};
    ft_status status = pairs_open(&pairs, &options, &error);
    while (status == FT_OK)
        status = pairs_next(pairs, &pair, &error);
    fuzz_check(status, &error);
    pairs_close(pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int rules = READER_OWN; rules <= READER_FLAIR_OLD; rules++)
        for (int on_error = ON_ERROR_FAIL; on_error <= ON_ERROR_REPLACE; on_error++)
            fuzz_read(data, size,
                      (struct reader_options){.format = INPUT_CONLL,
                                              .on_error = (enum on_error)on_error,
                                              .rules = (enum reader_rules)rules,
                                              .tag_column = on_error == ON_ERROR_SKIP ? 0 : 2});
    pair_columns(data, size);
    for (int era = LIKE_FLAIR_0_4; era <= LIKE_FLAIR_0_15; era++) {
        struct corpus corpus;
        struct ft_error error = {""};
        const char *file = fuzz_file(0, data, size);
        ft_status status = corpus_open(
            &corpus, &(struct corpus_options){.files = {file, file, NULL}, .era = (enum flair_era)era}, &error);
        fuzz_check(status, &error);
        if (status == FT_OK)
            corpus_release(&corpus);
    }
    return 0;
}

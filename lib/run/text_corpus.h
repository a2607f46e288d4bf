/* text_corpus.h - plain text for training character language models: which files, and what a model reads of them.
 *
 * Text is UTF-8, gz by its magic number; line ends of any kind become LF. It is cut into pieces by the rules of Flair's
 * versions, pieces are shuffled, now and then one is read in lower or in upper case, and all become one long row of
 * character ids, for a backward model from the end to the beginning:
 *   LIKE_FLAIR_0_4    a piece is a line, with its LF where it has one
 *   LIKE_FLAIR_0_15   a piece ends at the document delimiter: empty ones vanish, and every one gets the delimiter back
 * Order and case are functions of seed, epoch and place (base/philox.h); validation and test text stays as it is (Flair
 * changes the case of its lines too). Letters change case one by one ("ß" stays), so lengths stay. Memory holds one
 * split: its text while it is read, then an id a byte, or two bytes with more than 256 characters.
 *
 * A folder has train/ (every file is a split, in ascending order of names) or train or train.txt (a single one), and
 * valid.txt and test.txt, each perhaps with .gz. Files given by name are one split together. Where there is no
 * validation text, the last 1/500 of each training file is held out for it. */
#ifndef RUN_TEXT_CORPUS_H
#define RUN_TEXT_CORPUS_H
#include "model/lm.h"
#include "run/corpus.h"

struct text_options {
    enum flair_era era;
    bool forward;
    const char *delimiter; /* UTF-8, not empty */
    bool tokenize;         /* sentences by segtok, a line each, tokens joined by blanks: what taggers feed */
    bool flip_case, shuffle;
    uint64_t seed;
};

/* Which files. Strings are lent and must outlive the corpus. */
struct text_files {
    const char *folder;
    const char *const *train; /* [train_count]; instead of a folder's */
    size_t train_count;
    const char *valid, *test; /* NULL: the folder's, where it has some */
};

struct text_corpus {
    struct text_options options;
    char **train; /* [train_count] paths */
    size_t train_count;
    bool together; /* all files of train are one split */
    bool holds_out;
    const char *valid, *test; /* NULL: there is none */
    struct arena arena;
};

/* Finds the files and reads none. FT_INPUT: there is nothing to train on. */
ft_status text_corpus_open(struct text_corpus *corpus, const struct text_files *files,
                           const struct text_options *options, struct ft_error *error);
void text_corpus_release(struct text_corpus *corpus); /* a zeroed one is allowed */

size_t text_corpus_splits(const struct text_corpus *corpus);

/* How often each character is read from the training text. counts: [UNICODE_COUNT], added to. FT_INPUT. */
enum { UNICODE_COUNT = 0x110000 };
ft_status text_corpus_count(const struct text_corpus *corpus, uint64_t *counts, struct ft_error *error);

struct text_ids {
    void *at; /* uint8_t or uint16_t [count] */
    size_t count;
    bool wide;
};
static inline uint32_t text_id(const struct text_ids *ids, size_t i)
{
    return ids->wide ? ((const uint16_t *)ids->at)[i] : ((const uint8_t *)ids->at)[i];
}
void text_ids_release(struct text_ids *ids); /* a zeroed one is allowed */

/* The split that an epoch (from 1) visits at `position`: the first epoch takes them in order, later ones in another
 * order where `shuffle` says so. characters: at most 65,536. FT_INPUT (invalid UTF-8 with file and line), FT_NOMEM. */
ft_status text_corpus_split(const struct text_corpus *corpus, size_t epoch, size_t position,
                            const struct characters *characters, struct text_ids *ids, struct ft_error *error);

/* Validation and test text; no ids where there is none. */
ft_status text_corpus_valid(const struct text_corpus *corpus, const struct characters *characters, struct text_ids *ids,
                            struct ft_error *error);
ft_status text_corpus_test(const struct text_corpus *corpus, const struct characters *characters, struct text_ids *ids,
                           struct ft_error *error);

#endif

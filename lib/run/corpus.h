/* corpus.h - a corpus for training: its files, its sentences in memory, its gold tags as numbers.
 *
 * Files are found as Flair's ColumnCorpus finds them and read by the rules of one of its eras; gold tags of any scheme
 * (BIO, BIOES, IOB1) become those of the model's own scheme. It knows nothing of models and back ends. */
#ifndef RUN_CORPUS_H
#define RUN_CORPUS_H
#include "base/map.h"
#include "text/reader.h"
#include "text/scheme.h"

/* What of Flair's behaviour a run follows where versions differ: `--like`. */
enum flair_era { LIKE_FLAIR_0_4, LIKE_FLAIR_0_15 };

enum { SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST, SPLITS };
extern const char *const split_names[SPLITS]; /* "train", "dev", "test" */

struct corpus_options {
    const char *folder;        /* where files are looked for that are not named; NULL: nowhere */
    const char *files[SPLITS]; /* NULL: found in the folder */
    enum flair_era era;
    enum scheme scheme;           /* of the model's tags */
    int token_column, tag_column; /* from 1; 0: 1 and the last */
    uint64_t seed;                /* of a dev split taken from train */
};

struct split {
    char *file;           /* NULL: taken from train, or not there */
    struct window window; /* the sentences; those without tokens are left out */
    const char ***tags;   /* [window.count][tokens] in the model's scheme */
    const char ***gold;   /* [window.count][tokens] as evaluation wants them (BIO tags of the file for 0.15, the
                             reader's BIOES for 0.4) */
};

struct corpus {
    struct split splits[SPLITS];
    bool dev_from_train; /* a tenth of train, drawn by the seed */
    struct arena arena;
};

/* FT_INPUT: a file is missing (names the folder and what was looked for) or bad (file:line); FT_NOMEM. Without a test
 * file that split is empty. */
ft_status corpus_open(struct corpus *corpus, const struct corpus_options *options, struct ft_error *error);
void corpus_release(struct corpus *corpus);

/* The model's tag set, as the era's Flair makes it: 0.4 `<unk>`, `O`, tags in order of appearance in train, dev, test;
 * 0.15 `O`, then for each type of train by descending number of spans S- B- E- I- (BIO: B- I-). <START> and <STOP>
 * come last in both. */
struct tag_set {
    struct bytes *tags; /* [count] */
    size_t count;
    struct map numbers;
    struct arena arena;
};
ft_status tag_set_init(struct tag_set *set, const struct corpus *corpus, enum flair_era era, enum scheme scheme,
                       struct ft_error *error);
void tag_set_release(struct tag_set *set);

/* A sentence's gold tags as numbers, ids: [tokens]. A tag that is not in the set (dev may have types that train lacks)
 * becomes what Flair makes of it: 0 (`<unk>` or `O`). */
void tag_set_numbers(const struct tag_set *set, const char *const *tags, size_t count, uint32_t *ids);

#endif

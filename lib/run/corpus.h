/* corpus.h - a corpus for training: its files, its sentences in memory, its gold tags in the model's scheme.
 *
 * Files are found as Flair's ColumnCorpus finds them (corpus_files.h) and read by the rules of one of its eras; gold
 * tags of any scheme that the era reads (0.4: BIO and IOB1; 0.15: BIOES too) become those of the model's own. It
 * promises: sentences stay in the order of their file, and the same files, options and seed give the same corpus. It
 * refuses what is no regular file, since a corpus is read whole. It knows nothing of models and back ends.
 *
 * In two things it is not the versions' equal, on purpose: Flair 0.4 leaves the tags of a file's last sentence
 * unconverted where no blank line follows, and takes a missing test split from train. */
#ifndef RUN_CORPUS_H
#define RUN_CORPUS_H
#include "text/reader.h"
#include "text/scheme.h"

/* What of Flair's behaviour a run follows where versions differ: `--like`. */
enum flair_era { LIKE_FLAIR_0_4, LIKE_FLAIR_0_15 };

enum { SPLIT_TRAIN, SPLIT_DEV, SPLIT_TEST, SPLITS };
extern const char *const split_names[SPLITS]; /* "train", "dev", "test" */

struct corpus_options {
    const char *folder;        /* where files are looked for that are not named; NULL: nowhere */
    const char *files[SPLITS]; /* paths; NULL: found in the folder */
    enum flair_era era;
    enum scheme scheme;           /* of the model's tags */
    int token_column, tag_column; /* from 1; 0: 1 and the last (of the first token's line, file by file) */
    uint64_t seed;                /* of a dev split taken from train */
};

struct split {
    const char *file;     /* NULL: taken from train, or not there */
    struct window window; /* sentences without tokens are left out; -DOCSTART- is one like any other */
    const char ***tags;   /* [window.count][tokens] in the model's scheme: what is learned */
    const char ***gold;   /* [window.count][tokens] as they stand in the file, O where it has none; also the tokens'
                             `gold`. For evaluation_add, with SPANS_FLAIR_OLD in era 0.4 (which converts them to BIOES
                             as that reader did), SPANS_FLAIR_NEW in 0.15 */
};

enum { CORPUS_NOTES = 2 * SPLITS + 1 };

struct corpus {
    struct split splits[SPLITS];
    size_t first_extra, train_extra; /* sentences of train from other files (extra_corpus.h): the first, how many */
    struct window *others;           /* [other_count] what these point to */
    size_t other_count;
    bool dev_from_train; /* a tenth of train (round(n / 10), at least one sentence), drawn by the seed */
    bool token_labels;   /* tags are labels of single tokens (parts of speech), not spans: tags and gold are the same,
                            no scheme has a part in them, and a score is the share of right ones, not of spans */
    const char *notes[CORPUS_NOTES]; /* what a user should know: files chosen among several, splits not there */
    size_t note_count;
    struct arena arena;
};

/* Whether tags are labels of tokens: in 0.15 the first tag other than O in the first five sentences of train decides,
 * as in Flair; in 0.4, where users had to say it, they are when no tag of train begins as one of BIO or BIOES does.
 * FT_INPUT: a file is missing (names the folder and what was looked for), empty of sentences, or bad (file:line; in
 * era 0.4 also a missing tag and one that is neither BIO nor IOB1); FT_NOMEM. Without a test file that split is empty.
 * After an error there is nothing to release. */
ft_status corpus_open(struct corpus *corpus, const struct corpus_options *options, struct ft_error *error);
void corpus_release(struct corpus *corpus);

/* Room for the tags of so many more sentences behind those that a split has; they come from the arena. FT_NOMEM, with
 * `what` for. */
ft_status split_make_room(struct split *split, size_t more, struct arena *arena, const char *what,
                          struct ft_error *error);

/* Reads one more file, `split->file`, as those of corpus_open are: into a split of the caller's, cleared but for its
 * file. Its strings come from the corpus's arena, its window is the caller's. Errors as there, and FT_INPUT where its
 * tags are labels of tokens but train's are spans'. */
ft_status corpus_read_file(struct corpus *corpus, struct split *split, const struct corpus_options *options,
                           struct ft_error *error);

/* Sums of a window's sentences, after some came or went. */
void corpus_count_window(struct window *window);

#endif

/* corpus_files.h - which files of a folder are the splits of a corpus, by their names, as Flair's ColumnCorpus has it:
 *
 *     train   has "train" in its name, and not "54019"
 *     dev     has "dev" or "testa"
 *     test    has "testb"; where there is none, "test"
 *
 * Flair takes the last one that the system happens to list. Here a name counts for the first of these lines that it
 * fits, and of several the first in the order of bytes is taken, with a note. Passed over: hidden files, folders,
 * unfinished files and those of editors, models, logs and scripts by their endings, dev.tsv and test.tsv beside a
 * loss.tsv (a training run wrote them), and NAME.gz where NAME is there too (other .gz files count: Flair skips all).
 */
#ifndef RUN_CORPUS_FILES_H
#define RUN_CORPUS_FILES_H
#include "run/corpus.h"

/* Sets corpus->splits[].file from the options: named files as they are named, others as found; NULL where there is
 * none. Notes and names lie in the corpus's arena. FT_INPUT: the folder cannot be read; FT_NOMEM. */
ft_status corpus_find_files(struct corpus *corpus, const struct corpus_options *options, struct ft_error *error);

/* FT_INPUT where no file was named or found to train on, telling where it was looked for. */
ft_status corpus_require_train(const struct corpus *corpus, const struct corpus_options *options,
                               struct ft_error *error);

/* Adds a note. FT_NOMEM. */
ft_status corpus_note(struct corpus *corpus, struct ft_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

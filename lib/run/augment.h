/* augment.h - more sentences to learn from, made of a corpus' own: copies in lower case, and copies in which other
 * mentions stand in place of those that were there.
 *
 * Copies lie behind the sentences of train, those in lower case first, and are sentences like any other: with tokens,
 * with tags in the model's scheme and, as `gold`, in BIO or as the original's. A copy has file, line and number of the
 * sentence that it is made of, and no lines. What is copied and drawn follows from the seed and the sentence's place.
 * It promises: sentences that were there stay as they are, and no copy has a tag that no sentence had. (So tags are
 * numbered before, while their frequencies are the corpus' own.) */
#ifndef RUN_AUGMENT_H
#define RUN_AUGMENT_H
#include "run/corpus.h"

struct augment_options {
    double lower;    /* share of the sentences of which there is a copy in lower case (Python's str.lower), 0 to 1 */
    double replaced; /* copies with other mentions, in proportion to the sentences in which one can be replaced; above
                        1 several of each */
    bool with_dev;   /* of dev's sentences too; their copies lie behind train's */
    enum scheme scheme; /* of the corpus' `tags` */
    uint64_t seed;
};

/* What was appended to train. */
struct augmented {
    size_t lowered, replaced;
    size_t tokens; /* of both */
};

/* Mentions are replaced as in Dai and Adel, "An Analysis of Simple Data Augmentation for Named Entity Recognition"
 * (2020), only that every mention is: by another one of its type, each of the distinct ones equally likely. A mention
 * without another of its type stays. Sentences in which all would stay are not copied, nor those whose tags break the
 * scheme, as era 0.4 lets them.
 *
 * FT_INPUT: mentions are to be replaced, but tags are labels of single tokens; FT_NOMEM. After an error the corpus can
 * only be released. */
ft_status augment_train(struct corpus *corpus, const struct augment_options *options, struct augmented *made,
                        struct ft_error *error);

#endif

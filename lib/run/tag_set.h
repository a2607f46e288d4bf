/* tag_set.h - the tags of a model, numbered as one of Flair's eras numbers them, and gold tags as such numbers.
 *
 *     0.4    `<unk>`, `O`, then tags in the order of appearance in train, dev and test; <START>, <STOP>
 *     0.15   `O`, then for each type of train, by descending number of spans (ties: first come), S- B- E- I- (BIO: B-
 *            I-); of token labels the labels of train themselves, `O` among them, by descending number. <START> and
 *            <STOP> only where a CRF is used
 *
 * It promises: numbers depend on the corpus alone. It refuses a corpus without any tag but O. */
#ifndef RUN_TAG_SET_H
#define RUN_TAG_SET_H
#include "base/map.h"
#include "model/description.h"
#include "run/corpus.h"

struct tag_set {
    struct bytes *tags; /* [count], each with a NUL behind it */
    size_t count;
    struct map numbers;
    struct arena arena;
};

/* era, scheme: those that the corpus was opened with. FT_INPUT: nothing is tagged; FT_NOMEM. After an error there is
 * nothing to release. */
ft_status tag_set_init(struct tag_set *set, const struct corpus *corpus, enum flair_era era, enum scheme scheme,
                       bool uses_crf, struct ft_error *error);
void tag_set_release(struct tag_set *set);

/* A sentence's tags (struct split's `tags`) as numbers, ids: [count]. One that is not in the set, since dev may have
 * types that train lacks, becomes 0: `<unk>` in 0.4; in 0.15, where Flair stops with an IndexError, `O` (of token
 * labels the most frequent one). */
void tag_set_numbers(const struct tag_set *set, const char *const *tags, size_t count, uint32_t *ids);

#endif

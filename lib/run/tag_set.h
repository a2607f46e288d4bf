/* tag_set.h - the tags of a model, numbered as one of Flair's eras numbers them, and gold tags as such numbers.
 *
 *     0.4    `<unk>`, `O`, then tags in the order of appearance in train, dev and test; <START>, <STOP>
 *     0.15   `O`, then for each type of train, by descending number of spans (ties: first come), S- B- E- I- (BIO: B-
 *            I-); of token labels the labels of train themselves, `O` among them, by descending number. <START> and
 *            <STOP> only where a CRF is used
 *
 * Beside the tags it has choices of them, for sentences whose labels are coarser than the model's: each has a name, by
 * which tag_set_numbers knows it, and a number from `count` on (kernels/tag_choices.h).
 *
 * It promises: numbers depend on the corpus alone. It refuses a corpus without any tag but O. */
#ifndef RUN_TAG_SET_H
#define RUN_TAG_SET_H
#include "base/map.h"
#include "kernels/tag_choices.h"
#include "model/description.h"
#include "run/corpus.h"

struct tag_set {
    struct bytes *tags; /* [count], each with a NUL behind it */
    size_t count;
    struct map numbers;         /* of choices too */
    struct tag_choices choices; /* `follows`: as the scheme has it, or anything where tags are labels of tokens, with
                                   <START> and <STOP> at the ends alone; there before any choice is */
    uint8_t *allowed;           /* of `choices` */
    const char **choice_names;  /* [choices.count], no tag of a file has one of these: they have line ends */
    struct arena arena;
};

/* era, scheme: those that the corpus was opened with. FT_INPUT: nothing is tagged; FT_NOMEM. After an error there is
 * nothing to release. */
ft_status tag_set_init(struct tag_set *set, const struct corpus *corpus, enum flair_era era, enum scheme scheme,
                       bool uses_crf, struct ft_error *error);
void tag_set_release(struct tag_set *set);

/* The number of a tag; `count` where it is none of the set's. */
size_t tag_set_number(const struct tag_set *set, const char *tag);

/* Whether a tag can be right for a token, which <START>, <STOP> and <unk> cannot. */
bool tag_set_is_label(const struct tag_set *set, size_t number);

/* The name of a choice, one of its own for each set of tags; a tag's name where it has but one. allowed: [count], 1
 * where a tag is in it; at least one is. *name: the set's. FT_NOMEM. */
ft_status tag_set_allow(struct tag_set *set, const uint8_t *allowed, const char **name, struct ft_error *error);

/* What numbers from `count` on stand for; NULL where there are none. */
const struct tag_choices *tag_set_choices(const struct tag_set *set);

/* A sentence's tags (struct split's `tags`) as numbers, ids: [count]. One that is not in the set, since dev may have
 * types that train lacks, becomes 0: `<unk>` in 0.4; in 0.15, where Flair stops with an IndexError, `O` (of token
 * labels the most frequent one). */
void tag_set_numbers(const struct tag_set *set, const char *const *tags, size_t count, uint32_t *ids);

#endif

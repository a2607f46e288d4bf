/* tagger.h - a sequence tagger, ready to run: stacked embeddings, BiLSTM, linear layer, CRF or softmax.
 *
 *   x = [member 0 ; member 1 ; ...]        in the order of concatenation, never copied together
 *   r = BiRNN(x Wr^T + br)                 the reprojection is folded into the first layer where that is cheaper
 *   e = r Wl^T + bl                        emissions
 */
#ifndef MODEL_TAGGER_H
#define MODEL_TAGGER_H
#include "base/map.h"
#include "model/lm.h"
#include "model/safetensors.h"
#include "model/words.h"
#include "text/spans.h"

struct member {
    enum member_kind kind;
    const char *name;
    size_t width;
    struct lm lm;        /* MEMBER_LM */
    struct words *words; /* MEMBER_WORDS */
    struct lm chars[2];  /* MEMBER_CHARS: a word's characters, forward and backward */
    struct bytes *items; /* MEMBER_ONEHOT */
    size_t item_count;
    const float *table; /* MEMBER_ONEHOT: [item_count, width] */
    struct map index;   /* MEMBER_ONEHOT: item to row */
};

struct tagger {
    struct member *members;
    size_t member_count;
    bool members_are_lent; /* by other models, which outlive the tagger */
    size_t width;          /* of a token vector: the sum of the members' */
    bool has_reprojection; /* not folded: a layer of its own */
    struct linear_layer reprojection;
    bool has_rnn;
    struct birnn rnn;
    struct linear_layer linear;
    bool has_crf;
    struct crf crf;    /* without a CRF only `tags` counts */
    const char **tags; /* [crf.tags] */
    const char *tag_type, *origin;
    const char *description;     /* a line for people, or NULL */
    const char *training_record; /* JSON, or NULL */
    enum span_rule span_rule;
    bool token_labels; /* the tags are labels of tokens (POS), not parts of spans */
    struct arena arena;
    struct weights weights;
    struct safetensors *file; /* where the weights lie when they were loaded, else NULL */
};

/* Makes a tagger from its description, which must outlive it (weights that need no change are used where they lie).
 * FT_MODEL names the tensor whose shape does not fit. */
ft_status tagger_build(struct tagger **tagger, const struct tagger_description *from, struct backend *backend,
                       struct ft_error *error);

/* Makes a tagger around members of other models, which must outlive it, and a head of its own, whose description must,
 * too (its own members are not looked at). head NULL: only token vectors can be asked of it. FT_MODEL, FT_NOMEM. */
ft_status tagger_assemble(struct tagger **tagger, const struct member *members, size_t count,
                          const struct tagger_description *head, struct backend *backend, struct ft_error *error);
void tagger_free(struct tagger *tagger); /* NULL is allowed */

/* Settles what follows from the tag set (START, STOP, span or token labels). The last step of building and loading. */
ft_status tagger_finish(struct tagger *tagger, struct ft_error *error);

#endif

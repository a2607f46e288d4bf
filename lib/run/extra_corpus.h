/* extra_corpus.h - sentences of other files behind a training corpus's own, whose labels are coarser than the model's:
 * rules say what each of their types can be here, and a token may then have any tag that its label allows
 * (kernels/tag_choices.h).
 *
 *     PER=person,ORG=corporation|group,MISC=*,O=O|product
 *
 * A mention of ORG is a corporation or a group, one of MISC can be anything, also several mentions or none, and what
 * has no label may belong to a product. `TYPE=O`: such mentions are nothing here. A type without a rule keeps its name.
 * Of token labels (parts of speech) the labels themselves take the types' place. Types with `,`, `=` or `|` in their
 * names cannot be named.
 *
 * Sentences are those of the file, mentions keep their borders (but for `*` and O), and no mention is of one type at
 * its beginning and of another at its end, as far as a model with a CRF is trained; a softmax learns each token by
 * itself. It promises: the model's tags stay those of its own corpus. It refuses types that the model does not know. */
#ifndef RUN_EXTRA_CORPUS_H
#define RUN_EXTRA_CORPUS_H
#include "run/tag_set.h"

struct extra_rule {
    const char *type;
    bool anything;             /* `*` */
    const char **alternatives; /* [count], types or O */
    size_t count;
};
struct extra_rules {
    struct extra_rule *rules; /* [count] */
    size_t count;
};

/* text: NULL for no rules. Everything comes from the arena. FT_USAGE: it is not of the form above, or has two rules for
 * a type; FT_NOMEM. */
ft_status extra_rules_parse(struct extra_rules *rules, const char *text, struct arena *arena, struct ft_error *error);

/* Appends the sentences of the files to train, behind all that is there; the corpus's `first_extra` and `train_extra`
 * tell them apart. Their `gold` is what stands in the file; their `tags` are names of the set's tags or choices. tags:
 * those of the corpus as it was opened by `reading`. Sentences whose labels no sequence of the model's tags can mean,
 * since Flair 0.4's tag sets may lack some (I- of a type whose mentions are short), are left out and counted in a note.
 * FT_INPUT: as corpus_open, and a type that the model does not know (file:line); FT_USAGE: a rule has one; FT_NOMEM.
 * After an error the corpus can only be released. */
ft_status extra_corpus_add(struct corpus *corpus, struct tag_set *tags, const struct corpus_options *reading,
                           const char *const *files, size_t file_count, const struct extra_rules *rules,
                           struct ft_error *error);

#endif

/* stack.h - the embeddings that a new tagger is trained on: word vectors and character language models out of model
 * files, in their order of concatenation.
 *
 * A file may be word vectors, a language model, or a tagger, whose members of the kind that is asked for are taken, all
 * of them, in their order. It promises: members run in the precision that their file holds. It refuses: a file that has
 * none of the kind, a language model of the other direction, more than STACK_MAX members. */
#ifndef RUN_STACK_H
#define RUN_STACK_H
#include "import/model_open.h"

enum stack_kind { STACK_WORDS, STACK_FORWARD, STACK_BACKWARD };

struct stack_part {
    enum stack_kind kind;
    const char *path;
};

struct stack {
    struct model models[STACK_MAX]; /* the files, each opened once */
    const char *paths[STACK_MAX];
    size_t model_count;
    struct member members[STACK_MAX]; /* named "0-words", "1-forward" ...: what a tagger made of them will call them */
    char names[STACK_MAX][16];
    size_t member_count;
    struct tagger *tagger; /* of these members, without a head */
};

/* parts: in order of concatenation; their paths must outlive the stack. FT_MODEL, FT_NOMEM. */
ft_status stack_open(struct stack *stack, const struct stack_part *parts, size_t count, struct backend *backend,
                     struct ft_error *error);
void stack_close(struct stack *stack);

#endif

/* lm.h - a character language model as an embedding: text to sequences of character ids and the states that tokens
 * read.
 *
 * The text fed is  delimiter + text + " "  (backward: delimiter + reversed text + " "), one step a code point. Token j,
 * at characters [p, e) of a text of T characters behind a delimiter of s, reads forward   step s + e        backward
 * step s + T - p         (one less each without with_whitespace)        */
#ifndef MODEL_LM_H
#define MODEL_LM_H
#include "model/weights.h"
#include "tensor/backend.h"
#include "text/sentence.h"

/* Code points to ids, by pages of 256. Characters that are not in the dictionary have id 0. */
struct characters {
    struct bytes *items; /* [count], the dictionary as saved */
    size_t count;
    uint32_t *pages[0x1100];
};

struct lm {
    struct char_lm net;
    size_t width; /* of an embedding: nout, or hidden of the top layer */
    bool forward, with_whitespace, tokenized, lower;
    struct characters characters;
    uint32_t *delimiter; /* ids of the start marker */
    size_t delimiter_length;
    struct bytes delimiter_text;
    uint32_t space; /* id of the end marker */
    /* what the table is made from, kept for the model file */
    size_t embedding;
    const float *encoder;      /* [items, embedding] */
    struct linear_layer input; /* embedding -> packed gates of the first layer */
    bool has_decoder;
    struct linear_layer decoder; /* width -> items: logits of the next character */
};

/* Makes `lm` from its description; memory comes from arena and weights. FT_MODEL names a wrong shape. */
ft_status lm_build(struct lm *lm, const struct lm_description *from, struct arena *arena, struct weights *weights,
                   struct backend *backend, struct ft_error *error);

/* Fills characters from items (made in the arena). False when out of memory. */
bool characters_init(struct characters *characters, const struct bytes *items, size_t count, struct arena *arena);
uint32_t characters_id(const struct characters *characters, uint32_t code_point);

/* What follows from the dictionary and the file's tensors: ids of the markers, the table. The last step of building and
 * loading. */
ft_status lm_finish(struct lm *lm, struct arena *arena, struct weights *weights, struct backend *backend,
                    struct ft_error *error);

/* The sequence of one sentence, its arrays from the arena; rows[j] = first_row + j for token j.
 * FT_INPUT when the sentence has 2^32 characters or more. */
ft_status lm_sequence(const struct lm *lm, const struct token *tokens, size_t count, size_t first_row,
                      struct arena *arena, struct char_sequence *sequence, struct ft_error *error);

#endif

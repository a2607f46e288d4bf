/* character_words.h - Flair's CharacterEmbeddings: words as character sequences, and which token gets which word's
 * vector. */
#ifndef RUN_CHARACTER_WORDS_H
#define RUN_CHARACTER_WORDS_H
#include "model/lm.h"

/* Fills sequences[first .. first + count) of one sentence, token j writing row first + j of `states` [.., lm->width],
 * and rows[first + j] with the row that token j uses.
 *
 * A token's vector is the forward state behind its last character and the backward state that has seen that character
 * alone. Words are sorted by length, longest first (stable), and when a sentence is put back into its order an earlier
 * one of equal words keeps the vector of the word that stands at its place in the sorted list; the last one is right.
 */
ft_status character_words(const struct lm *lm, bool backward, const struct sentence *sentence, size_t first,
                          const float *states, struct arena *arena, struct char_sequence *sequences, const float **rows,
                          struct ft_error *error);

#endif

/* segtok.h - sentences and tokens of plain English-like text, with the boundaries that Flair gets from segtok.
 *
 * Public functions work on valid UTF-8 and give character offsets; all memory they hand out comes from the caller's
 * arena. */
#ifndef TEXT_SEGTOK_H
#define TEXT_SEGTOK_H
#include "text/sentence.h"

/* Cuts one line of text into sentences and tokens, as SegtokSentenceSplitter of Flair 0.15.1 does with its default
 * tokenizer, character clean-up included. Appends them to the window (tokens with start/end/space_after in `text`,
 * source = text, first_of_source/last_of_source set, the window's sums kept; file, line, number, source_start are left
 * to the caller). A token's text is the cleaned one; start and end are where it came from in `text`. text must live as
 * long as the window's arena; it may hold line feeds. Time is linear in `bytes`. Returns FT_OK or FT_NOMEM (the
 * window's sentences are as before). A line of white space appends nothing. */
ft_status segtok_split(struct window *window, const char *text, size_t bytes, struct ft_error *error);

/* The tokens of text that is one sentence already, as Flair's Sentence(text) gives them: cleaned up, then cut by its
 * SegtokTokenizer. White space alone gives none. Otherwise as above. */
ft_status segtok_tokenize(struct arena *arena, const char *text, size_t bytes, struct token **tokens, size_t *count,
                          struct ft_error *error);

#endif

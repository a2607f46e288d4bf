/* reader_text.h - sentences of the formats in which a line is complete by itself: plain text, tokens split at blanks,
 * and JSON Lines. Each call turns one line into the sentences of the window. */
#ifndef TEXT_READER_TEXT_H
#define TEXT_READER_TEXT_H
#include "text/reader_lines.h"

/* *number is that of the file's last sentence so far, and is moved on. */
ft_status take_text_line(struct window *window, struct lines *lines, const struct text_line *line, size_t *number,
                         struct ft_error *error);
ft_status take_tokens_line(struct window *window, struct lines *lines, const struct text_line *line, size_t *number,
                           struct ft_error *error);
ft_status take_json_line(struct window *window, struct lines *lines, const struct text_line *line, size_t *number,
                         struct ft_error *error);

/* Fills a sentence from words given as text: its tokens, its source (the words joined by blanks), and the window's
 * sums. */
struct word {
    const char *text;
    size_t bytes;
};
ft_status sentence_from_words(struct window *window, struct sentence *sentence, const struct word *words, size_t count,
                              struct ft_error *error);

#endif

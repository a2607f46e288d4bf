/* result.h - tagged sentences as the public API shows them (flairtag.h).
 *
 * A result owns all that it points to: the window of sentences as read, and an arena with what was made of it and of
 * the predictor's taggings. It is filled once a window. */
#ifndef API_RESULT_H
#define API_RESULT_H
#include "text/writer.h"

struct ft_result {
    struct window window;
    struct arena arena;
    struct ft_sentence *sentences; /* [window.count], in the arena */
};

void result_init(struct ft_result *result);
void result_release(struct ft_result *result);

/* Describes the window's sentences. taggings: [window.count], looked at during the call alone. whole: what all sources
 * are parts of and offsets shall count in, or NULL: each sentence's own source. FT_NOMEM. */
ft_status result_fill(struct ft_result *result, const struct tagging *taggings, const struct token *whole,
                      struct ft_error *error);

#endif

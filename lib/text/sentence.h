/* sentence.h - a sentence as read, and a window of sentences.
 *
 * A window holds everything its sentences point to in one arena, so that a corpus of any size streams through a fixed
 * amount of memory: fill, work, write, clear. Offsets and lengths named `chars`, `start` and `end` count Unicode code
 * points, those named `bytes` count bytes. All text is valid UTF-8. */
#ifndef TEXT_SENTENCE_H
#define TEXT_SENTENCE_H
#include "base/arena.h"
#include "flairtag.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token {
    const char *text; /* NUL-terminated; may be any text, even with blanks inside */
    uint32_t bytes, chars;
    uint32_t start, end; /* character offsets in the sentence's source */
    const char *gold;    /* the tag column (--tag-column), or NULL */
    bool space_after;    /* the source has white space behind it */
};

/* One input line of a column format, kept so that it can be written again as it was. */
struct column_line {
    const char *text; /* without its line end */
    uint32_t bytes;
    enum { LINE_VERBATIM, LINE_TOKEN, LINE_DOCSTART } kind; /* comments, multi-word ranges ... are verbatim */
};

struct sentence {
    struct token *tokens;
    size_t count;       /* 0: lines that only pass through (comments, document marks at the end of a file) */
    const char *file;   /* as the user named it; "-" for stdin */
    size_t line;        /* of its first token (of the source for text and JSONL), from 1 */
    size_t place;       /* bytes of all inputs before its first line, gz ones unpacked */
    size_t number;      /* in its file, from 1; sentences with no token are not counted */
    const char *source; /* text: the line it was cut from; jsonl: the object's text; else tokens joined by blanks */
    size_t source_bytes;
    size_t source_start;                  /* character offset of `source` in the file (text), else 0 */
    bool first_of_source, last_of_source; /* of the sentences that share one source line or object */
    const char *object;                   /* jsonl: the object as read, else NULL */
    struct column_line *lines; /* column formats: every line since the sentence before, in order; else NULL */
    size_t line_count;
};

struct window {
    struct arena arena;
    struct sentence *sentences; /* allocated apart from the arena, grows */
    size_t count, capacity;
    size_t tokens, chars; /* sums over sentences; chars = token characters + one per token */
};

void window_init(struct window *window);
void window_release(struct window *window);
void window_clear(struct window *window);

/* What its sentences take, in bytes, and what the window holds for them and for those to come. */
size_t window_used(const struct window *window);
size_t window_held(const struct window *window);

/* Appends an empty sentence and returns it; NULL when out of memory. Pointers to earlier sentences may move. */
struct sentence *window_add(struct window *window);

#endif

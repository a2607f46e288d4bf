/* flairtag.h - the public API of libflairtag: a tagger from C.
 *
 *     struct ft_model *model;
 *     struct ft_result *result;
 *     struct ft_error error;
 *     if (ft_model_open(&model, NULL, NULL, &error) || ft_tag_text(model, text, strlen(text), &result, &error))
 *         return fprintf(stderr, "%s\n", error.text), 1;
 *     for (size_t i = 0; i < ft_result_count(result); i++) {
 *         const struct ft_sentence *sentence = ft_result_sentence(result, i);
 *         for (size_t s = 0; s < sentence->span_count; s++)
 *             printf("%s: %s\n", sentence->spans[s].type, sentence->spans[s].text);
 *     }
 *     ft_result_free(result);
 *     ft_model_close(model);
 *
 * Results are those of `flairtag predict`, bit for bit, whatever is tagged together and on however many threads.
 *
 * Errors. Every call that can fail returns an ft_status, FT_OK (0) when it did what it should, and else leaves one line
 * of text in the ft_error it was given; NULL is allowed there. What was to be handed out is NULL then. Nothing is
 * printed, no call exits, no signal handler is touched.
 *
 * Ownership. What an *_open or a tagging call hands out is the caller's, who gives it back with the matching *_close or
 * *_free; these take NULL too. Everything else is lent: it stays until its owner is given back, or until the call named
 * beside it. Arguments are the caller's and are not looked at after the call, but for the model of a stream and the
 * descriptor that it reads. A result stands by itself: it may outlive the model.
 *
 * Threads. Any thread may call anything. Calls that tag with one model wait for each other; to tag in several threads
 * at a time, open a model in each: flairtag's own model files are mapped, so that float32 weights lie in memory once. A
 * stream or result is for one thread at a time. A call starts its threads and ends them, so that a process may fork
 * between calls.
 *
 * Compatibility. The library is libflairtag.so.0; within that number functions keep their meaning, and ft_token,
 * ft_span and ft_error their layout. Options begin with their size, and 0 means the default in every member, so that
 * members can be added behind; so they can in ft_sentence, which is only ever reached by pointer. */
#ifndef FLAIRTAG_H
#define FLAIRTAG_H
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLAIRTAG_VERSION "0.1.0"
#define FLAIRTAG_VERSION_NUMBER 100 /* 10000 * major + 100 * minor + patch */

/* The values up to FT_INTERRUPTED are the program's exit codes. */
typedef enum ft_status {
    FT_OK = 0,
    FT_FAILED = 1, /* the work failed: output not writable, disk full */
    FT_USAGE = 2,  /* the call makes no sense */
    FT_INPUT = 3,  /* bad, missing or unreadable input */
    FT_MODEL = 4,  /* bad or missing model */
    FT_NOMEM = 5,  /* out of memory, or no such device */
    FT_INTERRUPTED = 130,
    FT_END = 256, /* nothing is left to read; not an error */
    FT_FULL = 257 /* a budget would be passed; nothing was changed (inside the library only) */
} ft_status;

/* One line: lower case, what failed first, then where, then what to do. No newline, no program name. */
struct ft_error {
    char text[1024];
};

/* The library that runs, which may be newer than this header: "0.1.0". */
const char *ft_version(void);

/* ---- models ---- */

enum ft_precision {
    FT_PRECISION_OF_MODEL, /* what its file holds */
    FT_PRECISION_F32,
    FT_PRECISION_INT16,
    FT_PRECISION_INT8,
    FT_PRECISION_INT7,
    FT_PRECISION_FASTEST /* on this machine */
};
enum ft_scores {
    FT_SCORES_FLAIR,   /* Flair's confidence in the tag */
    FT_SCORES_MARGINAL /* the tag's marginal probability; takes a little longer */
};

struct ft_options {
    size_t size;     /* sizeof(struct ft_options) */
    const char *isa; /* instruction set, as in `flairtag predict --isa`; NULL: the best there is */
    size_t threads;  /* to work on, at most 1024; 0: as many as this process may use cores */
    enum ft_precision precision;
    enum ft_scores scores;
};

struct ft_model;

/* Opens a tagger, of flairtag or of Flair. name: the path of a file, or the name of an installed model, looked for
 * where the program looks: $FLAIRTAG_MODELS (folders separated by ':'), models/ beside the folder that the library lies
 * in, PREFIX/share/flairtag/models; NULL: the model that is called `default`, else `small`. options: NULL for the
 * defaults. Token vectors are dropped when their batch is tagged (the program's --storage none).
 * FT_MODEL: missing, damaged or no tagger; FT_USAGE: options; FT_NOMEM. */
ft_status ft_model_open(struct ft_model **model, const char *name, const struct ft_options *options,
                        struct ft_error *error);

/* Streams over the model must be closed before. */
void ft_model_close(struct ft_model *model);

/* The file it was opened from; lent until the model is closed. */
const char *ft_model_path(const struct ft_model *model);

/* ---- results ---- */

/* Offsets `start` and `end` count Unicode characters, `start_byte` and `end_byte` bytes, of the sentence's `text`; an
 * end is that of the character or byte behind the last. */
struct ft_token {
    const char *text; /* UTF-8, as the model read it: quotes and blanks of plain text may be cleaned up */
    const char *tag;  /* the model's own: "B-person", "O"; a label, where the model gives labels to tokens */
    double score;     /* of the tag, 0 to 1 */
    size_t start, end, start_byte, end_byte;
};

struct ft_span {
    const char *type;   /* "person" */
    const char *text;   /* the piece of the sentence's `text` */
    double score;       /* the mean of its tokens' */
    size_t first, last; /* tokens of the sentence, from 0, both inside */
    size_t start, end, start_byte, end_byte;
};

struct ft_sentence {
    const struct ft_token *tokens;
    size_t token_count;
    const struct ft_span *spans; /* in order; none where the model gives labels to tokens */
    size_t span_count;
    const char *text;  /* what offsets count in: see the call; sentences may share it */
    size_t text_bytes; /* without the NUL behind it */
    const char *file;  /* streams: as it was named, "-" for a descriptor; else NULL */
    size_t line;       /* streams and plain text: of its first token, from 1; columns too; else 0 */
    size_t number;     /* of the sentence, from 1 */
    size_t text_start; /* streams of plain text: characters of the file before `text`; else 0 */
};

struct ft_result;

size_t ft_result_count(const struct ft_result *result);

/* The index-th sentence, from 0, lent until the result is freed; NULL past the end. */
const struct ft_sentence *ft_result_sentence(const struct ft_result *result, size_t index);

void ft_result_free(struct ft_result *result);

/* ---- tagging ---- */

/* One sentence that is cut into tokens already. tokens: [count] NUL-terminated UTF-8, none empty. The result has one
 * sentence, whose `text` is the tokens joined by blanks. FT_INPUT: a token is empty or no UTF-8; FT_USAGE, FT_NOMEM. */
ft_status ft_tag_tokens(struct ft_model *model, const char *const *tokens, size_t count, struct ft_result **result,
                        struct ft_error *error);

/* Many of them, which is several times faster than one after the other. The result has a sentence for each, in order,
 * those without tokens included. */
struct ft_tokens {
    const char *const *tokens;
    size_t count;
};
ft_status ft_tag_batch(struct ft_model *model, const struct ft_tokens *sentences, size_t count,
                       struct ft_result **result, struct ft_error *error);

/* Plain text, split into sentences and tokens as Flair does it (segtok); a line end always ends a sentence. The
 * sentences' `text` is all of it. FT_INPUT: no UTF-8, a NUL byte, or more than 2 GiB; FT_NOMEM. */
ft_status ft_tag_text(struct ft_model *model, const char *text, size_t bytes, struct ft_result **result,
                      struct ft_error *error);

/* ---- streams: input of any length in bounded memory ---- */

enum ft_format {
    FT_FORMAT_GUESS, /* by the file's name and first lines */
    FT_FORMAT_CONLL, /* columns */
    FT_FORMAT_CONLLU,
    FT_FORMAT_JSONL,  /* objects with "text" or "tokens" */
    FT_FORMAT_TOKENS, /* a sentence a line, split at blanks */
    FT_FORMAT_TEXT
};
enum ft_bad_input { FT_BAD_INPUT_FAILS, FT_BAD_INPUT_SKIPPED, FT_BAD_INPUT_REPLACED };
enum ft_encoding { FT_ENCODING_UTF8, FT_ENCODING_LATIN1 };
enum ft_rules { FT_RULES_OWN, FT_RULES_FLAIR /* columns as Flair 0.15.1 reads them */ };

struct ft_stream_options {
    size_t size;      /* sizeof(struct ft_stream_options) */
    const char *path; /* the file; NULL: `descriptor` */
    int descriptor; /* a file, pipe or socket, read from where it stands and not closed; 0: standard input. Of a FILE *
                       it is fileno(), before anything is read from that */
    enum ft_format format;
    int token_column; /* from 1; 0: the format's own */
    enum ft_bad_input bad_input;
    enum ft_encoding encoding;
    enum ft_rules rules;
};

struct ft_stream;

/* Tags what a file or descriptor holds (gz or not), a window of sentences at a time; a pipe that pauses is answered
 * with what has come. options: NULL to read standard input. FT_INPUT: cannot be read; FT_USAGE, FT_NOMEM. */
ft_status ft_stream_open(struct ft_stream **stream, struct ft_model *model, const struct ft_stream_options *options,
                         struct ft_error *error);

/* The next sentence that has tokens, lent until the next call. Its `text` is the line (plain text), the object's text
 * (jsonl) or its tokens joined by blanks. FT_END: there is none, and *sentence is NULL. FT_INPUT with file:line: bad
 * input; FT_INTERRUPTED: a signal ended the reading; FT_NOMEM. A stream that has failed or ended stays so. */
ft_status ft_stream_next(struct ft_stream *stream, const struct ft_sentence **sentence, struct ft_error *error);

void ft_stream_close(struct ft_stream *stream);

#ifdef __cplusplus
}
#endif

#endif

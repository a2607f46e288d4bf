/* stream.c - the public API's streams: a reader, a window at a time, one sentence a call. */
#include "api/model.h"
#include <stdlib.h>
#include <string.h>

_Static_assert((int)FT_FORMAT_GUESS == INPUT_GUESS && (int)FT_FORMAT_TEXT == INPUT_TEXT &&
                   (int)FT_FORMAT_CONLL == INPUT_CONLL && (int)FT_FORMAT_CONLLU == INPUT_CONLLU &&
                   (int)FT_FORMAT_JSONL == INPUT_JSONL && (int)FT_FORMAT_TOKENS == INPUT_TOKENS,
               "formats have the reader's numbers");
_Static_assert((int)FT_BAD_INPUT_SKIPPED == ON_ERROR_SKIP && (int)FT_BAD_INPUT_REPLACED == ON_ERROR_REPLACE &&
                   (int)FT_ENCODING_LATIN1 == ENCODING_LATIN1 && (int)FT_RULES_FLAIR == READER_FLAIR,
               "so do the other options");

struct ft_stream {
    struct ft_model *model;
    struct reader *reader;
    char *path;
    const char *files[1];
    size_t max_chars, max_tokens; /* of a window */
    struct ft_result result;
    size_t count, next; /* sentences of the result, and the one to give out */
    ft_status ended;    /* FT_OK while there may be more */
    struct ft_error failure;
};

static ft_status check_options(const struct ft_stream_options *options, struct ft_error *error)
{
    if ((unsigned)options->format > FT_FORMAT_TEXT)
        return ft_fail(error, FT_USAGE, "unknown format %d", (int)options->format);
    if ((unsigned)options->bad_input > FT_BAD_INPUT_REPLACED)
        return ft_fail(error, FT_USAGE, "unknown way with bad input %d", (int)options->bad_input);
    if ((unsigned)options->encoding > FT_ENCODING_LATIN1)
        return ft_fail(error, FT_USAGE, "unknown encoding %d", (int)options->encoding);
    if ((unsigned)options->rules > FT_RULES_FLAIR)
        return ft_fail(error, FT_USAGE, "unknown rules %d", (int)options->rules);
    if (options->token_column < 0 || options->token_column > 10000)
        return ft_fail(error, FT_USAGE, "token column %d is not from 1 to 10000", options->token_column);
    return FT_OK;
}

static ft_status open_reader(struct ft_stream *stream, const struct ft_stream_options *options, struct ft_error *error)
{
    struct reader_options reading = {.files = stream->files,
                                     .descriptor = options->descriptor,
                                     .format = (enum input_format)options->format,
                                     .token_column = options->token_column,
                                     .on_error = (enum on_error)options->bad_input,
                                     .encoding = (enum encoding)options->encoding,
                                     .rules = (enum reader_rules)options->rules};
    if (options->path) {
        stream->path = strdup(options->path);
        if (!stream->path)
            return ft_nomem(error, "a stream");
        stream->files[0] = stream->path;
        reading.file_count = 1;
    }
    return reader_open(&stream->reader, &reading, error);
}

ft_status ft_stream_open(struct ft_stream **out, struct ft_model *model, const struct ft_stream_options *given,
                         struct ft_error *error)
{
    struct ft_stream_options options;
    struct ft_error ignored;
    error = error ? error : &ignored;
    *out = NULL;
    ft_status status = options_take(&options, sizeof options, given, error);
    if (status == FT_OK)
        status = check_options(&options, error);
    if (status != FT_OK)
        return status;
    struct ft_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return ft_nomem(error, "a stream");
    stream->model = model;
    result_init(&stream->result);
    predictor_window_size(model->model.tagger, &stream->max_chars, &stream->max_tokens);
    status = open_reader(stream, &options, error);
    if (status != FT_OK) {
        ft_stream_close(stream);
        return status;
    }
    *out = stream;
    return FT_OK;
}

static ft_status next_window(struct ft_stream *stream, struct ft_error *error)
{
    struct ft_result *result = &stream->result;
    stream->next = stream->count = 0;
    ft_status status = reader_next(stream->reader, stream->max_chars, stream->max_tokens, &result->window, error);
    if (status == FT_OK)
        status = model_tag(stream->model, result, NULL, error);
    if (status == FT_OK)
        stream->count = result->window.count;
    return status;
}

ft_status ft_stream_next(struct ft_stream *stream, const struct ft_sentence **sentence, struct ft_error *error)
{
    *sentence = NULL;
    while (stream->ended == FT_OK) {
        if (stream->next == stream->count) {
            stream->ended = next_window(stream, &stream->failure);
            continue;
        }
        const struct ft_sentence *next = &stream->result.sentences[stream->next++];
        if (next->token_count) {
            *sentence = next;
            return FT_OK;
        }
    }
    if (error)
        *error = stream->failure;
    return stream->ended;
}

void ft_stream_close(struct ft_stream *stream)
{
    if (!stream)
        return;
    reader_close(stream->reader);
    result_release(&stream->result);
    free(stream->path);
    free(stream);
}

/* reading.c - see reading.h. */
#include "reading.h"
#include "base/utf8.h"
#include <string.h>

static void check_sentence(const struct sentence *sentence)
{
    size_t bad;
    for (size_t i = 0; i < sentence->count; i++) {
        const struct token *token = &sentence->tokens[i];
        FUZZ_HOLDS(strlen(token->text) == token->bytes, "a token of another length");
        FUZZ_HOLDS(utf8_valid(token->text, token->bytes, &bad), "a token that is no UTF-8");
        FUZZ_HOLDS(token->end >= token->start, "a token that ends before it begins");
    }
    if (sentence->source)
        FUZZ_HOLDS(utf8_valid(sentence->source, sentence->source_bytes, &bad), "a source that is no UTF-8");
}

void fuzz_read(const uint8_t *data, size_t size, struct reader_options options)
{
    const char *file = fuzz_file(0, data, size);
    struct reader *reader = NULL;
    struct window window;
    struct ft_error error = {""};
    options.files = &file;
    options.file_count = 1;
    window_init(&window);
    ft_status status = reader_open(&reader, &options, &error);
    if (status == FT_OK)
        reader_limit(reader, &(struct reader_limits){1 << 24, 1 << 22});
    while (status == FT_OK && (status = reader_next(reader, 300, 60, &window, &error)) == FT_OK)
        for (size_t i = 0; i < window.count; i++)
            check_sentence(&window.sentences[i]);
    fuzz_check(status, &error);
    FUZZ_HOLDS(status != FT_MODEL, "a model's status of a reader");
    FUZZ_HOLDS(status == FT_END || status == FT_NOMEM || options.on_error == ON_ERROR_FAIL || *error.text,
               "input that is left out stops the reader");
    window_release(&window);
    reader_close(reader);
}

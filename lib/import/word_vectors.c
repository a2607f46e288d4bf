/* word_vectors.c - see word_vectors.h. All three formats go through the line reader: a binary file is the lines it
 * happens to have, put together again. The matrix grows in anonymous memory, which moves without being copied. */
#include "import/word_vectors.h"
#include "base/input.h"
#include "base/map.h"
#include "import/number.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LARGEST_WIDTH = 1 << 20, LONGEST_BINARY_WORD = 1 << 16, FIRST_MATRIX = 1 << 22 };
/* What a word takes beside its row, and what small files get on top of 2.5 times their size. */
enum { BYTES_A_WORD = 144, MATRIX_AT_LEAST = 6 << 20, LINE_AT_LEAST = 1 << 20 };
static const size_t LARGEST_COUNT = INT32_MAX / 4; /* what words_build takes */

struct reading {
    const char *path;
    struct input *input;
    struct model_source *source;
    struct bytes *words;
    size_t room; /* of words */
    struct map seen;
    size_t most_bytes;          /* of matrix and words: what a file of this size explains */
    size_t announced;           /* words that the first line announces; SIZE_MAX without one */
    size_t read;                /* words read, duplicates too */
    float *row;                 /* [width], the record at hand */
    char *line;                 /* the line at hand */
    size_t line_bytes, line_at; /* line_at: bytes a binary file has used of it */
    bool line_open;             /* its LF, a byte like others in a binary file, is still to come */
    struct ft_error *error;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static const char *skip_field(const char *at, const char *end)
{
    while (at < end && !is_blank(*at))
        at++;
    return at;
}

/* Without the CR of a CRLF and without blanks at the end. */
static const char *trimmed_end(const char *line, size_t bytes)
{
    const char *end = line + bytes;
    while (end > line && (is_blank(end[-1]) || end[-1] == '\r'))
        end--;
    return end;
}

/* A missing or unreadable file is a missing or bad model here. */
static ft_status model_status(ft_status status)
{
    return status == FT_INPUT ? FT_MODEL : status;
}

static ft_status next_line(struct reading *in)
{
    bool ended_by_newline;
    ft_status status = input_line(in->input, &in->line, &in->line_bytes, &ended_by_newline, in->error);
    in->line_at = 0;
    in->line_open = status == FT_OK && ended_by_newline;
    if (input_too_long(in->input))
        return ft_fail(in->error, FT_MODEL, "%s: not word vectors: a line far longer than its size explains", in->path);
    return model_status(status);
}

static bool read_count(const char **at, const char *end, size_t most, size_t *value)
{
    const char *start = *at = skip_blanks(*at, end);
    *value = 0;
    for (; *at < end && **at >= '0' && **at <= '9' && *value <= most; ++*at)
        *value = *value * 10 + (size_t)(**at - '0');
    return *at > start && *value <= most;
}

/* "400000 100" */
static bool is_header(const char *at, const char *end, size_t *count, size_t *width)
{
    return read_count(&at, end, LARGEST_COUNT, count) && at < end && is_blank(*at) &&
           read_count(&at, end, LARGEST_WIDTH, width) && at == end;
}

static bool is_number(const char *at, const char *end)
{
    float ignored;
    return number_float(&at, end, &ignored) && at == end;
}

/* The columns of the first line: as many numbers as stand at its end, the first field left to the word. */
static size_t count_numbers(const char *at, const char *end)
{
    size_t numbers = 0;
    for (at = skip_field(skip_blanks(at, end), end); (at = skip_blanks(at, end)) < end;) {
        const char *field_end = skip_field(at, end);
        numbers = is_number(at, field_end) ? numbers + 1 : 0;
        at = field_end;
    }
    return numbers;
}

static size_t count_fields(const char *at, const char *end)
{
    size_t fields = 0;
    for (; (at = skip_blanks(at, end)) < end; at = skip_field(at, end))
        fields++;
    return fields;
}

/* `width` numbers from `at` to the end. On a mismatch *bad is the field that is no number, or the end. */
static bool read_numbers(const char *at, const char *end, float *row, size_t width, const char **bad)
{
    for (size_t i = 0; i < width; i++) {
        *bad = at = skip_blanks(at, end);
        if (!number_float(&at, end, &row[i]) || (at < end && !is_blank(*at)))
            return false;
    }
    *bad = at = skip_blanks(at, end);
    return at == end;
}

/* Makes room for one more word and row. */
static ft_status grow(struct reading *in)
{
    struct words_description *words = &in->source->words;
    size_t needed = (words->count + 1) * words->width * sizeof(float); /* below 2^53: both are bounded */
    size_t beside = words->count * BYTES_A_WORD;
    if (needed + beside > in->most_bytes)
        return ft_fail(in->error, FT_MODEL,
                       "%s: not word vectors: they would take far more memory than its size explains", in->path);
    if (words->count == in->room) {
        size_t room = in->room ? in->room + in->room / 2 : 1024;
        struct bytes *grown = reallocarray(in->words, room, sizeof *grown);
        if (!grown)
            return ft_nomem(in->error, "the vocabulary");
        in->words = grown;
        in->room = room;
    }
    if (needed > in->source->map_bytes) {
        size_t bytes = in->source->map_bytes ? in->source->map_bytes : FIRST_MATRIX;
        while (bytes < needed)
            bytes += bytes / 4;
        if (bytes > in->most_bytes - beside)
            bytes = in->most_bytes - beside;
        void *map = in->source->map ? mremap(in->source->map, in->source->map_bytes, bytes, MREMAP_MAYMOVE)
                                    : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED)
            return ft_nomem(in->error, "the word vectors");
        in->source->map = map;
        in->source->map_bytes = bytes;
    }
    return FT_OK;
}

/* Keeps the word and the row at hand, if the word is new. */
static ft_status add_word(struct reading *in, const char *word, size_t bytes)
{
    struct words_description *words = &in->source->words;
    if (in->read == in->announced)
        return ft_fail(in->error, FT_MODEL, "%s: more than the %zu words that its first line announces", in->path,
                       in->announced);
    in->read++;
    if (map_get(&in->seen, word, bytes, NULL)) {
        words->duplicates++;
        return FT_OK;
    }
    if (words->count == LARGEST_COUNT)
        return ft_fail(in->error, FT_MODEL, "%s: more words than a model can hold", in->path);
    ft_status status = grow(in);
    if (status != FT_OK)
        return status;
    char *copy = arena_copy(&in->source->arena, word, bytes);
    if (!copy || !map_put(&in->seen, copy, bytes, 0))
        return ft_nomem(in->error, "the vocabulary");
    memcpy((float *)in->source->map + words->count * words->width, in->row, words->width * sizeof *in->row);
    in->words[words->count++] = (struct bytes){copy, bytes};
    return FT_OK;
}

static ft_status add_line(struct reading *in)
{
    const char *end = trimmed_end(in->line, in->line_bytes), *word = skip_blanks(in->line, end), *bad;
    size_t width = in->source->words.width, line = input_line_number(in->input);
    if (word == end)
        return FT_OK;
    const char *word_end = skip_field(word, end);
    if (!read_numbers(word_end, end, in->row, width, &bad)) {
        size_t fields = count_fields(word, end);
        const char *last = word, *numbers = word_end;
        for (size_t extra = fields - 1; extra > width; extra--) { /* a word of several fields? */
            last = skip_blanks(numbers, end);
            numbers = skip_field(last, end);
        }
        word_end = numbers;
        if (fields == width + 1 && bad < end)
            return ft_fail(in->error, FT_MODEL, "%s:%zu: '%.*s' is not a number", in->path, line,
                           (int)(skip_field(bad, end) - bad > 40 ? 40 : skip_field(bad, end) - bad), bad);
        if (fields <= width || is_number(last, word_end) || !read_numbers(word_end, end, in->row, width, &bad))
            return ft_fail(in->error, FT_MODEL, "%s:%zu: expected a word and %zu numbers, found %zu columns", in->path,
                           line, width, fields);
    }
    return add_word(in, word, (size_t)(word_end - word));
}

static ft_status read_text(struct reading *in)
{
    ft_status status;
    do
        status = add_line(in);
    while (status == FT_OK && (status = next_line(in)) == FT_OK);
    return status == FT_END ? FT_OK : status;
}

/* The next `count` bytes; FT_END when fewer are left. */
static ft_status read_bytes(struct reading *in, void *out, size_t count)
{
    for (char *to = out; count;) {
        size_t piece = in->line_bytes - in->line_at;
        if (piece) {
            piece = piece < count ? piece : count;
            memcpy(to, in->line + in->line_at, piece);
            in->line_at += piece;
        } else if (in->line_open) {
            in->line_open = false;
            *to = '\n';
            piece = 1;
        } else {
            ft_status status = next_line(in);
            if (status != FT_OK)
                return status;
        }
        to += piece;
        count -= piece;
    }
    return FT_OK;
}

/* The bytes up to a blank. word2vec itself ends each record with a LF, gensim does not: one in front is no part of the
 * word. FT_END when nothing but that LF is left. */
static ft_status read_binary_word(struct reading *in, char *word, size_t *bytes)
{
    ft_status status;
    char c;
    *bytes = 0;
    while ((status = read_bytes(in, &c, 1)) == FT_OK && c != ' ') {
        if (c == '\n' && !*bytes)
            continue;
        if (*bytes == LONGEST_BINARY_WORD)
            return ft_fail(in->error, FT_MODEL, "%s: no blank behind word %zu (is it word2vec's binary format?)",
                           in->path, in->read + 1);
        word[(*bytes)++] = c;
    }
    if (status == FT_END && *bytes)
        return ft_fail(in->error, FT_MODEL, "%s: the file ends within word %zu", in->path, in->read + 1);
    return status;
}

static ft_status read_binary(struct reading *in)
{
    size_t width = in->source->words.width, bytes;
    char *word = malloc(LONGEST_BINARY_WORD);
    if (!word)
        return ft_nomem(in->error, "a word");
    ft_status status;
    while ((status = read_binary_word(in, word, &bytes)) == FT_OK) {
        status = read_bytes(in, in->row, width * sizeof *in->row);
        if (status == FT_END)
            status = ft_fail(in->error, FT_MODEL, "%s: the file ends within the numbers of word %zu", in->path,
                             in->read + 1);
        for (size_t i = 0; i < width && status == FT_OK; i++)
            if (!isfinite(in->row[i]))
                status = ft_fail(in->error, FT_MODEL, "%s: number %zu of word %zu is not finite", in->path, i + 1,
                                 in->read + 1);
        if (status != FT_OK || (status = add_word(in, word, bytes)) != FT_OK)
            break;
    }
    free(word);
    return status == FT_END ? FT_OK : status;
}

/* Whether the line behind the header is a record of text: it reads as one, or nothing behind its word is foreign to
 * text. */
static bool is_text_record(const struct reading *in)
{
    const char *end = trimmed_end(in->line, in->line_bytes), *at = skip_field(skip_blanks(in->line, end), end);
    if (count_numbers(in->line, end) >= in->source->words.width)
        return true;
    if (at == end)
        return false;
    for (; at < end; at++)
        if ((unsigned char)*at > 0x7e || ((unsigned char)*at < 0x20 && *at != '\t'))
            return false;
    return true;
}

static ft_status read_all(struct reading *in)
{
    struct words_description *words = &in->source->words;
    ft_status status = next_line(in);
    if (status == FT_END)
        return ft_fail(in->error, FT_MODEL, "%s: no word vectors: the file is empty", in->path);
    if (status != FT_OK)
        return status;
    const char *end = trimmed_end(in->line, in->line_bytes);
    in->announced = SIZE_MAX;
    bool header = is_header(in->line, end, &in->announced, &words->width);
    if (!header) {
        in->announced = SIZE_MAX;
        words->width = count_numbers(in->line, end);
    }
    if (!words->width || words->width > LARGEST_WIDTH)
        return ft_fail(in->error, FT_MODEL, "%s:1: not word vectors: expected a word and its numbers, or two counts",
                       in->path);
    if (!(in->row = malloc(words->width * sizeof *in->row)))
        return ft_nomem(in->error, "a word's vector");
    bool text = true;
    if (header && (status = next_line(in)) == FT_OK)
        text = is_text_record(in);
    if (status == FT_OK)
        status = text ? read_text(in) : read_binary(in);
    if (status != FT_OK && status != FT_END)
        return status;
    if (header && in->read < in->announced)
        return ft_fail(in->error, FT_MODEL,
                       "%s: holds %zu words where its first line announces %zu (is the file cut off?)", in->path,
                       in->read, in->announced);
    if (!words->count)
        return ft_fail(in->error, FT_MODEL, "%s: no word vectors in it", in->path);
    return FT_OK;
}

static ft_status finish(struct reading *in)
{
    struct words_description *words = &in->source->words;
    struct bytes *kept = arena_array(&in->source->arena, words->count, sizeof *kept);
    if (!kept)
        return ft_nomem(in->error, "the vocabulary");
    memcpy(kept, in->words, words->count * sizeof *kept);
    words->words = kept;
    words->vectors =
        (struct tensor){in->source->map, DTYPE_F32, 2, {words->count, words->width}, {(int64_t)words->width, 1}};
    return FT_OK;
}

ft_status word_vectors_open(const char *path, struct model_source **source, struct ft_error *error)
{
    struct reading in = {.path = path, .error = error};
    *source = NULL;
    if (!(in.source = calloc(1, sizeof *in.source)))
        return ft_nomem(error, "the word vectors");
    in.source->kind = MODEL_WORDS;
    arena_init(&in.source->arena);
    map_init(&in.seen);
    ft_status status = model_status(input_open(&in.input, path, error));
    if (status == FT_OK) {
        size_t done, total;
        input_progress(in.input, &done, &total);
        input_limit(in.input, total ? total + LINE_AT_LEAST : 0);
        in.most_bytes = total ? total / 2 * 5 + MATRIX_AT_LEAST : SIZE_MAX;
        status = read_all(&in);
        if (status == FT_OK)
            status = finish(&in);
        input_close(in.input);
    }
    map_release(&in.seen);
    free(in.words);
    free(in.row);
    if (status == FT_OK)
        *source = in.source;
    else
        word_vectors_close(in.source);
    return status;
}

void word_vectors_close(struct model_source *source)
{
    if (!source)
        return;
    if (source->map)
        munmap(source->map, source->map_bytes);
    arena_release(&source->arena);
    free(source);
}

bool word_vectors_is(const char *head, size_t bytes)
{
    const char *newline = memchr(head, '\n', bytes);
    const char *end = trimmed_end(head, newline ? (size_t)(newline - head) : bytes);
    size_t count, width;
    if (!newline) /* the last field may be cut in two */
        while (end > head && !is_blank(end[-1]))
            end--;
    end = trimmed_end(head, (size_t)(end - head));
    return is_header(head, end, &count, &width) || count_numbers(head, end) > 0;
}

/* reader_guess.c - see reader_guess.h.
 *
 * Columns are told from text by what text does not have: TABs in every line, or the same number of words in every line
 * with one column of labels, or two lines and more of one word each. */
#include "text/reader_guess.h"
#include <string.h>

/* A column of labels by their look alone (upper case, digits, signs) convinces from this many lines on. */
enum { MOST_COLUMNS = 32, LINES_OF_PLAIN_LABELS = 3 };

static bool ends_with(const char *name, size_t bytes, const char *ending)
{
    size_t length = strlen(ending);
    return bytes >= length && !memcmp(name + bytes - length, ending, length);
}

enum input_format guess_by_name(const char *name)
{
    size_t bytes = strlen(name);
    if (ends_with(name, bytes, ".gz"))
        bytes -= 3;
    if (ends_with(name, bytes, ".conllu"))
        return INPUT_CONLLU;
    if (ends_with(name, bytes, ".conll"))
        return INPUT_CONLL;
    return ends_with(name, bytes, ".jsonl") ? INPUT_JSONL : INPUT_GUESS;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* "O", "B-per", "S-LOC": a tag beyond doubt. */
static bool is_tag(const char *word, size_t bytes)
{
    return (bytes == 1 && *word == 'O') || (bytes > 2 && word[1] == '-' && strchr("BIESLU", *word));
}

static bool is_label(const char *word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((word[i] >= 'a' && word[i] <= 'z') || (unsigned char)word[i] >= 0x80)
            return is_tag(word, bytes);
    return true;
}

struct evidence {
    size_t lines, tab_lines, words_of_first, conllu_lines;
    bool same_words, some_wide; /* some_wide: a line without TAB has several words */
    bool tags[MOST_COLUMNS], labels[MOST_COLUMNS];
};

static bool is_unsigned(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return bytes > 0;
}

/* Ten columns, of which the first is a number: CoNLL-U without its name. */
static bool is_conllu_line(const char *line, size_t bytes)
{
    size_t tabs = 0;
    for (size_t i = 0; i < bytes; i++)
        tabs += line[i] == '\t';
    const char *tab = memchr(line, '\t', bytes);
    const char *dash = tab ? memchr(line, '-', (size_t)(tab - line)) : NULL;
    return tabs == 9 && is_unsigned(line, (size_t)((dash ? dash : tab) - line));
}

static void weigh_line(struct evidence *e, const char *line, size_t bytes)
{
    size_t words = 0;
    bool has_tab = memchr(line, '\t', bytes);
    for (size_t at = 0; at < bytes;) {
        while (at < bytes && is_blank(line[at]))
            at++;
        size_t start = at;
        while (at < bytes && !is_blank(line[at]))
            at++;
        if (at == start)
            break;
        if (words < MOST_COLUMNS) {
            e->tags[words] = (!e->lines || e->tags[words]) && is_tag(line + start, at - start);
            e->labels[words] = (!e->lines || e->labels[words]) && is_label(line + start, at - start);
        }
        words++;
    }
    if (!words)
        return;
    if (!e->lines++)
        e->words_of_first = words;
    e->same_words = (e->lines == 1 || e->same_words) && words == e->words_of_first;
    e->tab_lines += has_tab;
    e->some_wide |= !has_tab && words > 1;
    e->conllu_lines += has_tab && is_conllu_line(line, bytes);
}

static enum input_format judge(const struct evidence *e)
{
    if (!e->lines)
        return INPUT_GUESS;
    if (e->conllu_lines == e->lines)
        return INPUT_CONLLU;
    if (e->tab_lines)
        return e->some_wide ? INPUT_TEXT : INPUT_CONLL;
    if (!e->same_words)
        return INPUT_TEXT;
    if (e->words_of_first == 1)
        return e->lines > 1 ? INPUT_CONLL : INPUT_TEXT;
    for (size_t i = 1; i < e->words_of_first && i < MOST_COLUMNS; i++)
        if (e->tags[i] || (e->labels[i] && e->lines >= LINES_OF_PLAIN_LABELS))
            return INPUT_CONLL;
    return INPUT_TEXT;
}

enum input_format guess_by_beginning(const char *bytes, size_t count)
{
    struct evidence evidence = {0};
    if (count >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3)) {
        bytes += 3;
        count -= 3;
    }
    for (size_t at = 0; at < count;) {
        const char *line = bytes + at;
        const char *lf = memchr(line, '\n', count - at);
        size_t length = lf ? (size_t)(lf - line) : count - at;
        at += length + 1;
        size_t lead = 0;
        while (lead < length && is_blank(line[lead]))
            lead++;
        bool brace = lead < length && line[lead] == '{';
        if (!evidence.lines && brace && memchr(line + lead, '"', length - lead) &&
            memchr(line + lead, ':', length - lead))
            return INPUT_JSONL;
        bool comment = lead < length && line[lead] == '#' && (lead + 1 == length || is_blank(line[lead + 1])) &&
                       !memchr(line, '\t', length);
        bool document = length >= 10 && !memcmp(line, "-DOCSTART-", 10); /* often with fewer columns than tokens have */
        if (!comment && !document)
            weigh_line(&evidence, line, length);
    }
    return judge(&evidence);
}

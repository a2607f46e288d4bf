/* convert_words.c - see convert_words.h. */
#include "cmd/convert_words.h"
#include "base/input.h"
#include "base/utf8.h"
#include "cmd/options.h"
#include <stdlib.h>

static ft_status turn(struct words *words, const char *path, enum words_type type, struct ft_error *error)
{
    if (words->type != WORDS_F32 && type != WORDS_F32 && words->type != type)
        report_error("%s: word vectors hold %s: turning them to %s rounds a second time", path,
                     words_type_names[words->type], words_type_names[type]);
    ft_status status = words_set_type(words, type, error);
    struct ft_error inner = *error;
    return status == FT_MODEL ? ft_fail(error, status, "%s: %s", path, inner.text) : status;
}

ft_status convert_words_type(struct model *model, const char *path, enum words_type type, struct ft_error *error)
{
    size_t turned = 0;
    if (model->kind == MODEL_WORDS)
        return turn(model->words, path, type, error);
    for (size_t i = 0; model->kind == MODEL_TAGGER && i < model->tagger->member_count; i++) {
        struct member *member = &model->tagger->members[i];
        ft_status status = member->kind == MEMBER_WORDS ? turn(member->words, path, type, error) : FT_OK;
        if (status != FT_OK)
            return status;
        turned += member->kind == MEMBER_WORDS;
    }
    return turned ? FT_OK : ft_fail(error, FT_USAGE, "%s: holds no word vectors for --words-precision", path);
}

struct found {
    size_t listed, known;
};

/* Marks the rows that the list's words find. wanted: [words->count + 1]; the last is the unknown word's. */
static ft_status mark(const struct words *words, struct input *list, bool *wanted, struct found *found,
                      struct ft_error *error)
{
    for (;;) {
        char *line;
        size_t bytes, bad;
        bool whole;
        ft_status status = input_line(list, &line, &bytes, &whole, error);
        if (status != FT_OK)
            return status == FT_END ? FT_OK : status;
        if (bytes && line[bytes - 1] == '\r')
            bytes--;
        if (!bytes)
            continue;
        if (!utf8_valid(line, bytes, &bad))
            return ft_fail(error, FT_INPUT, "%s:%zu: not UTF-8 at byte %zu", input_name(list), input_line_number(list),
                           bad + 1);
        size_t row = words_row(words, line, bytes);
        if (row == SIZE_MAX)
            return ft_nomem(error, "looking up a word");
        found->listed++;
        found->known += row < words->count;
        wanted[row] = true;
    }
}

ft_status convert_keep_words(struct model *model, const char *path, const char *list, struct ft_error *error)
{
    struct input *input = NULL;
    struct words *kept = NULL;
    struct found found = {0};
    if (model->kind != MODEL_WORDS)
        return ft_fail(error, FT_USAGE, "%s: --keep-words is for files of word vectors", path);
    bool *wanted = calloc(model->words->count + 1, sizeof *wanted);
    ft_status status = wanted ? input_open(&input, list, error) : ft_nomem(error, "the words to keep");
    if (status == FT_OK)
        status = mark(model->words, input, wanted, &found, error);
    if (status == FT_OK)
        status = words_keep(model->words, wanted, &kept, error);
    if (status == FT_OK) {
        report_error("%s: %zu of %zu words are known to %s; %zu of its %zu vectors stay", list, found.known,
                     found.listed, path, kept->count, model->words->count);
        words_free(model->words);
        model->words = kept;
    }
    input_close(input);
    free(wanted);
    return status;
}

/* corpus.c - see corpus.h. A file goes through the reader, which gives tokens, and then once more through its lines,
 * which the reader kept: only when the first token's line is known, so is the last column, and only the rules of
 * flair_columns.h know whether tags are spans'. */
#include "run/corpus.h"
#include "base/philox.h"
#include "run/corpus_files.h"
#include "text/flair_columns.h"
#include "text/pairs.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Its sentences in memory, in one window. */
static ft_status read_sentences(struct split *split, const struct corpus_options *options, struct ft_error *error)
{
    struct stat about;
    if (stat(split->file, &about))
        return ft_fail(error, FT_INPUT, "%s: %s", split->file, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return ft_fail(error, FT_INPUT, "%s: not a regular file (a corpus is read whole: copy it to one first)",
                       split->file);
    struct reader_options reading = {
        .files = &split->file,
        .file_count = 1,
        .format = INPUT_CONLL,
        .token_column = options->token_column,
        .rules = options->era == LIKE_FLAIR_0_4 ? READER_FLAIR_OLD : READER_FLAIR,
    };
    struct reader *reader;
    ft_status status = reader_open(&reader, &reading, error);
    if (status)
        return status;
    status = reader_next(reader, SIZE_MAX, SIZE_MAX, &split->window, error);
    if (!status) { /* what made it stop: the end, or something bad */
        struct window rest;
        window_init(&rest);
        status = reader_next(reader, SIZE_MAX, SIZE_MAX, &rest, error);
        window_release(&rest);
    }
    reader_close(reader);
    if (status == FT_END && split->window.tokens)
        return FT_OK;
    return status == FT_END ? ft_fail(error, FT_INPUT, "%s: no sentence in it", split->file) : status;
}

static void start_lines(struct flair_columns *columns, const struct corpus_options *options, int tag_column)
{
    flair_columns_init(columns, options->token_column > 0 ? options->token_column : 1, tag_column);
    if (options->era == LIKE_FLAIR_0_4)
        columns->comment = NULL;
}

/* The last column of the first token's line. */
static ft_status find_tag_column(const struct split *split, const struct corpus_options *options, int *column,
                                 struct ft_error *error)
{
    struct flair_columns columns;
    struct flair_fields fields;
    start_lines(&columns, options, 0);
    for (size_t i = 0; i < split->window.count; i++) {
        const struct sentence *sentence = &split->window.sentences[i];
        for (size_t l = 0; l < sentence->line_count; l++) {
            const struct column_line *line = &sentence->lines[l];
            if (flair_columns_line(&columns, line->text, line->bytes, &fields) != FLAIR_TOKEN)
                continue;
            *column = fields.found;
            if (*column != columns.token_column)
                return FT_OK;
            return ft_fail(error, FT_INPUT, "%s:%zu: no column of tags behind the tokens (--tag-column names one)",
                           sentence->file, sentence->line);
        }
    }
    return ft_fail(error, FT_INPUT, "%s: no sentence in it", split->file);
}

/* tags: [sentence->count], NULL where a line has no tag. Empty tokens have been left out; 0.4 would train on them. */
static ft_status take_tags(struct flair_columns *columns, bool refuses_empty, const struct sentence *sentence,
                           const char **tags, struct arena *arena, struct ft_error *error)
{
    size_t count = 0;
    for (size_t l = 0; l < sentence->line_count; l++) {
        const struct column_line *line = &sentence->lines[l];
        struct flair_fields fields;
        enum flair_line kind = flair_columns_line(columns, line->text, line->bytes, &fields);
        if (kind == FLAIR_EMPTY && refuses_empty)
            return ft_fail(error, FT_INPUT, "%s:%zu: a line of this sentence has an empty token, which Flair 0.4 keeps",
                           sentence->file, sentence->line);
        if (kind != FLAIR_TOKEN || count == sentence->count)
            continue;
        const char *tag = NULL;
        if (fields.tag) {
            bool outside = fields.tag_bytes == 1 && *fields.tag == 'O';
            tag = outside ? "O" : arena_copy(arena, fields.tag, fields.tag_bytes);
            if (!tag)
                return ft_nomem(error, "the tags of a corpus");
        }
        tags[count++] = tag;
    }
    return FT_OK;
}

static bool has_prefix(const char *tag)
{
    return tag[0] && strchr("BIES", tag[0]) && tag[1] == '-';
}

/* Fills split->gold and leaves out sentences without tokens. */
static ft_status read_gold(struct corpus *corpus, struct split *split, const struct corpus_options *options,
                           bool *token_labels, struct ft_error *error)
{
    bool old = options->era == LIKE_FLAIR_0_4, tagged = false, prefixed = false;
    int tag_column = options->tag_column;
    ft_status status = tag_column > 0 ? FT_OK : find_tag_column(split, options, &tag_column, error);
    if (status)
        return status;
    struct window *window = &split->window;
    struct flair_columns columns;
    start_lines(&columns, options, tag_column);
    split->gold = arena_array(&corpus->arena, window->count, sizeof *split->gold);
    if (!split->gold)
        return ft_nomem(error, "the tags of a corpus");
    size_t kept = 0;
    for (size_t i = 0; i < window->count; i++) {
        struct sentence sentence = window->sentences[i];
        const char **tags = arena_array(&corpus->arena, sentence.count, sizeof *tags);
        if (!tags)
            return ft_nomem(error, "the tags of a corpus");
        status = take_tags(&columns, old, &sentence, tags, &corpus->arena, error);
        if (status)
            return status;
        if (!sentence.count)
            continue;
        for (size_t t = 0; old && t < sentence.count; t++) {
            if (!tags[t])
                return ft_fail(error, FT_INPUT, "%s:%zu: no tag in column %d, where Flair 0.4 stops too", sentence.file,
                               sentence_token_line(&sentence, t), tag_column);
            tagged |= strcmp(tags[t], "O") != 0;
            prefixed |= has_prefix(tags[t]);
        }
        flair_columns_end(&columns, tags, sentence.count);
        for (size_t t = 0; t < sentence.count; t++)
            sentence.tokens[t].gold = tags[t];
        split->gold[kept] = tags;
        window->sentences[kept++] = sentence;
    }
    window->count = kept;
    *token_labels = old ? tagged && !prefixed : columns.kind == FLAIR_LABELS;
    return FT_OK;
}

static ft_status convert_sentence(struct corpus *corpus, const struct corpus_options *options,
                                  const struct sentence *sentence, const char *const *gold, struct arena *work,
                                  const char ***tags, struct ft_error *error)
{
    size_t n = sentence->count, spans, bad;
    ft_status status = FT_OK;
    if (options->era == LIKE_FLAIR_0_15) {
        arena_clear(work);
        const struct span *found = flair_columns_spans(gold, n, work, &spans);
        *tags = found ? scheme_tags(options->scheme, found, spans, n, &corpus->arena) : NULL;
        status = *tags ? FT_OK : FT_NOMEM;
    } else if (options->scheme == SCHEME_BIOES) {
        status = scheme_old_reader(gold, n, &corpus->arena, tags, &bad);
    } else {
        status = scheme_old_reader_bio(gold, n, &corpus->arena, tags, &bad);
    }
    if (status == FT_INPUT)
        return ft_fail(error, FT_INPUT,
                       "%s:%zu: tag '%s' is neither IOB1 nor BIO, which is all that Flair 0.4 reads "
                       "(--like flair-0.15 reads other schemes)",
                       sentence->file, sentence_token_line(sentence, bad), gold[bad]);
    return status ? ft_nomem(error, "the tags of a corpus") : FT_OK;
}

static ft_status convert_split(struct corpus *corpus, struct split *split, const struct corpus_options *options,
                               struct ft_error *error)
{
    split->tags = arena_array(&corpus->arena, split->window.count, sizeof *split->tags);
    if (!split->tags)
        return ft_nomem(error, "the tags of a corpus");
    struct arena work;
    arena_init(&work);
    ft_status status = FT_OK;
    for (size_t i = 0; !status && i < split->window.count; i++) {
        if (corpus->token_labels)
            split->tags[i] = split->gold[i];
        else
            status = convert_sentence(corpus, options, &split->window.sentences[i], split->gold[i], &work,
                                      &split->tags[i], error);
    }
    arena_release(&work);
    return status;
}

ft_status corpus_read_file(struct corpus *corpus, struct split *split, const struct corpus_options *options,
                           struct ft_error *error)
{
    bool token_labels = false;
    ft_status status = read_sentences(split, options, error);
    if (!status)
        status = read_gold(corpus, split, options, &token_labels, error);
    if (status)
        return status;
    if (split == &corpus->splits[SPLIT_TRAIN])
        corpus->token_labels = token_labels;
    else if (options->era == LIKE_FLAIR_0_15 && token_labels && !corpus->token_labels)
        return ft_fail(error, FT_INPUT, "%s: tags are labels of single tokens, but those of %s are spans'", split->file,
                       corpus->splits[SPLIT_TRAIN].file);
    return convert_split(corpus, split, options, error);
}

void corpus_count_window(struct window *window)
{
    window->tokens = window->chars = 0;
    for (size_t i = 0; i < window->count; i++) {
        window->tokens += window->sentences[i].count;
        for (size_t t = 0; t < window->sentences[i].count; t++)
            window->chars += window->sentences[i].tokens[t].chars + 1;
    }
}

/* drawn: [sentences of train]. Both parts keep the order of the file; what the sentences point to stays where it is. */
static ft_status move_to_dev(struct corpus *corpus, const bool *drawn, size_t dev_count, struct ft_error *error)
{
    struct split *train = &corpus->splits[SPLIT_TRAIN], *dev = &corpus->splits[SPLIT_DEV];
    dev->tags = arena_array(&corpus->arena, dev_count, sizeof *dev->tags);
    dev->gold = arena_array(&corpus->arena, dev_count, sizeof *dev->gold);
    if (!dev->tags || !dev->gold)
        return ft_nomem(error, "the dev part of a corpus");
    size_t kept = 0;
    for (size_t i = 0; i < train->window.count; i++) {
        struct split *to = drawn[i] ? dev : train;
        size_t at = drawn[i] ? dev->window.count : kept++;
        if (drawn[i] && !window_add(&dev->window))
            return ft_nomem(error, "the dev part of a corpus");
        to->window.sentences[at] = train->window.sentences[i];
        to->tags[at] = train->tags[i];
        to->gold[at] = train->gold[i];
    }
    train->window.count = kept;
    corpus_count_window(&train->window);
    corpus_count_window(&dev->window);
    corpus->dev_from_train = true;
    return FT_OK;
}

static ft_status draw_dev(struct corpus *corpus, uint64_t seed, struct ft_error *error)
{
    size_t count = corpus->splits[SPLIT_TRAIN].window.count;
    size_t dev_count = (size_t)nearbyint((double)count / 10); /* halves to even, as Python rounds */
    if (!dev_count)
        dev_count = 1;
    if (dev_count == count)
        return ft_fail(error, FT_INPUT, "%s: one sentence cannot be train and dev (--dev names a file)",
                       corpus->splits[SPLIT_TRAIN].file);
    size_t *order = malloc(count * sizeof *order);
    bool *drawn = calloc(count, sizeof *drawn);
    ft_status status = order && drawn ? FT_OK : ft_nomem(error, "the dev part of a corpus");
    for (size_t i = 0; !status && i < count; i++)
        order[i] = i;
    if (!status) {
        philox_shuffle(seed, philox_stream(PHILOX_SPLIT, 0), 0, order, count);
        for (size_t i = 0; i < dev_count; i++)
            drawn[order[i]] = true;
        status = move_to_dev(corpus, drawn, dev_count, error);
    }
    free(order);
    free(drawn);
    if (status)
        return status;
    return corpus_note(corpus, error, "no dev file: %zu of %zu sentences of %s are dev, drawn by the seed", dev_count,
                       count, corpus->splits[SPLIT_TRAIN].file);
}

ft_status corpus_open(struct corpus *corpus, const struct corpus_options *options, struct ft_error *error)
{
    *corpus = (struct corpus){0};
    arena_init(&corpus->arena);
    for (int split = 0; split < SPLITS; split++)
        window_init(&corpus->splits[split].window);
    ft_status status = corpus_find_files(corpus, options, error);
    if (!status)
        status = corpus_require_train(corpus, options, error);
    for (int split = 0; !status && split < SPLITS; split++)
        if (corpus->splits[split].file)
            status = corpus_read_file(corpus, &corpus->splits[split], options, error);
    if (!status && !corpus->splits[SPLIT_DEV].file)
        status = draw_dev(corpus, options->seed, error);
    if (!status && !corpus->splits[SPLIT_TEST].file)
        status = corpus_note(corpus, error, "no test file: nothing is tested at the end");
    if (status)
        corpus_release(corpus);
    return status;
}

void corpus_release(struct corpus *corpus)
{
    for (int split = 0; split < SPLITS; split++)
        window_release(&corpus->splits[split].window);
    for (size_t i = 0; i < corpus->other_count; i++)
        window_release(&corpus->others[i]);
    arena_release(&corpus->arena);
}

ft_status split_make_room(struct split *split, size_t more, struct arena *arena, const char *what,
                          struct ft_error *error)
{
    size_t held = split->window.count;
    const char ***tags = arena_array(arena, held + more, sizeof *tags);
    const char ***gold = arena_array(arena, held + more, sizeof *gold);
    if (!tags || !gold)
        return ft_nomem(error, what);
    memcpy(tags, split->tags, held * sizeof *tags);
    memcpy(gold, split->gold, held * sizeof *gold);
    split->tags = tags;
    split->gold = gold;
    return FT_OK;
}

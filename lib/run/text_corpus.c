/* text_corpus.c - see text_corpus.h. */
#include "run/text_corpus.h"
#include "base/philox.h"
#include "base/utf8.h"
#include "run/text_pieces.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Numbers of shuffles: of splits, and of the pieces of each split. */
enum { SHUFFLE_SPLITS = 1, SHUFFLE_PIECES };
enum { FLIP_ONE_OF = 100 }; /* lines for each case */

static const char *find(struct text_corpus *corpus, const char *folder, const char *name)
{
    static const char *const endings[] = {"", ".gz"};
    char path[4096];
    struct stat about;
    for (size_t i = 0; i < 2; i++) {
        int length = snprintf(path, sizeof path, "%s/%s%s", folder, name, endings[i]);
        if (length < (int)sizeof path && !stat(path, &about) && S_ISREG(about.st_mode))
            return arena_copy(&corpus->arena, path, (size_t)length);
    }
    return NULL;
}

static int ascending(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static ft_status list_train(struct text_corpus *corpus, const char *folder, struct ft_error *error)
{
    size_t capacity = 0;
    char **list = NULL;
    DIR *directory = opendir(folder);
    if (!directory && errno == ENOMEM)
        return ft_nomem(error, "a folder of text");
    if (!directory)
        return ft_fail(error, FT_INPUT, "%s: cannot be read: %s", folder, strerror(errno));
    ft_status status = FT_OK;
    for (const struct dirent *entry; status == FT_OK && (entry = readdir(directory));) {
        struct stat about;
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || length >= (int)sizeof path || stat(path, &about) || !S_ISREG(about.st_mode))
            continue;
        if (corpus->train_count == capacity) {
            char **grown = realloc(list, (capacity = 2 * capacity + 8) * sizeof *grown);
            if (!grown) {
                status = ft_nomem(error, "the corpus' names");
                break;
            }
            list = grown;
        }
        if (!(list[corpus->train_count++] = arena_copy(&corpus->arena, path, (size_t)length)))
            status = ft_nomem(error, "the corpus' names");
    }
    closedir(directory);
    corpus->train = arena_array(&corpus->arena, corpus->train_count, sizeof *corpus->train);
    if (status == FT_OK && !corpus->train)
        status = ft_nomem(error, "the corpus' names");
    if (status == FT_OK && corpus->train_count) {
        qsort(list, corpus->train_count, sizeof *list, ascending);
        memcpy(corpus->train, list, corpus->train_count * sizeof *list);
    }
    free(list);
    return status;
}

static ft_status find_train(struct text_corpus *corpus, const char *folder, struct ft_error *error)
{
    char path[4096];
    struct stat about;
    if (stat(folder, &about) || !S_ISDIR(about.st_mode))
        return ft_fail(error, FT_INPUT, "%s: no such folder", folder);
    if (snprintf(path, sizeof path, "%s/train", folder) < (int)sizeof path && !stat(path, &about) &&
        S_ISDIR(about.st_mode)) {
        ft_status status = list_train(corpus, path, error);
        if (status == FT_OK && !corpus->train_count)
            status = ft_fail(error, FT_INPUT, "%s: there is no file in it", path);
        return status;
    }
    const char *one = find(corpus, folder, "train");
    one = one ? one : find(corpus, folder, "train.txt");
    if (!one)
        return ft_fail(error, FT_INPUT,
                       "%s: holds no train/ with texts, no train.txt and no train.txt.gz (files can be named instead)",
                       folder);
    corpus->train = arena_array(&corpus->arena, 1, sizeof *corpus->train);
    if (!corpus->train)
        return ft_nomem(error, "the corpus' names");
    corpus->train[0] = arena_copy(&corpus->arena, one, strlen(one));
    corpus->train_count = 1;
    return corpus->train[0] ? FT_OK : ft_nomem(error, "the corpus' names");
}

static ft_status copy_names(struct text_corpus *corpus, const struct text_files *files, struct ft_error *error)
{
    corpus->train = arena_array(&corpus->arena, files->train_count, sizeof *corpus->train);
    for (size_t i = 0; corpus->train && i < files->train_count; i++)
        if (!(corpus->train[i] = arena_copy(&corpus->arena, files->train[i], strlen(files->train[i]))))
            return ft_nomem(error, "the corpus' names");
    corpus->train_count = files->train_count;
    corpus->together = true;
    return corpus->train ? FT_OK : ft_nomem(error, "the corpus' names");
}

ft_status text_corpus_open(struct text_corpus *corpus, const struct text_files *files,
                           const struct text_options *options, struct ft_error *error)
{
    *corpus = (struct text_corpus){.options = *options};
    arena_init(&corpus->arena);
    ft_status status = files->train_count ? copy_names(corpus, files, error) : find_train(corpus, files->folder, error);
    bool looks = status == FT_OK && !files->train_count;
    corpus->valid = files->valid ? files->valid : looks ? find(corpus, files->folder, "valid.txt") : NULL;
    corpus->test = files->test ? files->test : looks ? find(corpus, files->folder, "test.txt") : NULL;
    corpus->holds_out = !corpus->valid;
    if (status != FT_OK)
        text_corpus_release(corpus);
    return status;
}

void text_corpus_release(struct text_corpus *corpus)
{
    arena_release(&corpus->arena);
    *corpus = (struct text_corpus){0};
}

size_t text_corpus_splits(const struct text_corpus *corpus)
{
    return corpus->together ? 1 : corpus->train_count;
}

void text_ids_release(struct text_ids *ids)
{
    free(ids->at);
    *ids = (struct text_ids){0};
}

ft_status text_corpus_count(const struct text_corpus *corpus, uint64_t *counts, struct ft_error *error)
{
    enum text_part part = corpus->holds_out ? TEXT_BUT_LAST : TEXT_WHOLE;
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < corpus->train_count; i++) {
        struct text_pieces pieces = {0};
        status = text_pieces_read(&pieces, corpus->train[i], part, &corpus->options, error);
        for (size_t p = 0; status == FT_OK && p < pieces.count; p++) {
            const struct text_piece *piece = &pieces.at[p];
            uint32_t c;
            for (size_t at = 0, length; (length = utf8_decode(piece->at + at, piece->bytes - at, &c)); at += length)
                counts[c]++;
            const char *delimiter = corpus->options.delimiter;
            for (size_t at = 0, length;
                 piece->ends && (length = utf8_decode(delimiter + at, strlen(delimiter + at), &c)); at += length)
                counts[c]++;
        }
        text_pieces_release(&pieces);
    }
    return status;
}

enum letter_case { CASE_KEPT, CASE_LOWER, CASE_UPPER };

struct id_writer {
    struct text_ids *ids;
    const struct characters *characters;
    bool forward;
    size_t written;
};

static void write_ids(struct id_writer *writer, const char *text, size_t bytes, enum letter_case change)
{
    uint32_t c;
    for (size_t at = 0, length; (length = utf8_decode(text + at, bytes - at, &c)); at += length) {
        c = change == CASE_LOWER ? unicode_lower(c) : change == CASE_UPPER ? unicode_upper(c) : c;
        uint32_t id = characters_id(writer->characters, c);
        size_t place = writer->forward ? writer->written : writer->ids->count - 1 - writer->written;
        if (writer->ids->wide)
            ((uint16_t *)writer->ids->at)[place] = (uint16_t)id;
        else
            ((uint8_t *)writer->ids->at)[place] = (uint8_t)id;
        writer->written++;
    }
}

/* order NULL: as they stand. flips: whether lines change case; `stream` and `step` say how. */
static ft_status make_ids(const struct text_corpus *corpus, const struct text_pieces *pieces, const size_t *order,
                          bool flips, size_t split, size_t epoch, const struct characters *characters,
                          struct text_ids *ids, struct ft_error *error)
{
    const char *delimiter = corpus->options.delimiter;
    size_t delimiter_bytes = strlen(delimiter), delimiter_count = utf8_count(delimiter, delimiter_bytes);
    *ids = (struct text_ids){.wide = characters->count > 256};
    for (size_t p = 0; p < pieces->count; p++)
        ids->count += utf8_count(pieces->at[p].at, pieces->at[p].bytes) + (pieces->at[p].ends ? delimiter_count : 0);
    ids->at = malloc((ids->count + 1) * (ids->wide ? 2 : 1));
    if (!ids->at)
        return ft_nomem(error, "the characters of a text");
    struct id_writer writer = {ids, characters, corpus->options.forward, 0};
    for (size_t i = 0; i < pieces->count; i++) {
        size_t p = order ? order[i] : i;
        const struct text_piece *piece = &pieces->at[p];
        enum letter_case change = CASE_KEPT;
        if (flips) {
            uint32_t stream = philox_stream(PHILOX_CASE, (uint32_t)split);
            uint32_t drawn = philox_at(corpus->options.seed, p, stream, (uint32_t)epoch).at[0] % FLIP_ONE_OF;
            change = drawn == 0 ? CASE_LOWER : drawn == 1 ? CASE_UPPER : CASE_KEPT;
        }
        write_ids(&writer, piece->at, piece->bytes, change);
        if (piece->ends)
            write_ids(&writer, delimiter, delimiter_bytes, change);
    }
    return FT_OK;
}

static size_t find_split(const struct text_corpus *corpus, size_t epoch, size_t position)
{
    size_t splits = text_corpus_splits(corpus), split = position;
    size_t *order = malloc(splits * sizeof *order);
    for (size_t i = 0; order && i < splits; i++)
        order[i] = i;
    if (order && epoch > 1 && corpus->options.shuffle)
        philox_shuffle(corpus->options.seed, philox_stream(PHILOX_SHUFFLE, SHUFFLE_SPLITS), (uint32_t)epoch, order,
                       splits);
    split = order ? order[position] : SIZE_MAX;
    free(order);
    return split;
}

ft_status text_corpus_split(const struct text_corpus *corpus, size_t epoch, size_t position,
                            const struct characters *characters, struct text_ids *ids, struct ft_error *error)
{
    const struct text_options *options = &corpus->options;
    enum text_part part = corpus->holds_out ? TEXT_BUT_LAST : TEXT_WHOLE;
    size_t split = find_split(corpus, epoch, position), *order = NULL;
    struct text_pieces pieces = {0};
    *ids = (struct text_ids){0};
    ft_status status = split == SIZE_MAX ? ft_nomem(error, "a text") : FT_OK;
    for (size_t i = 0; status == FT_OK && i < corpus->train_count; i++)
        if (corpus->together || i == split)
            status = text_pieces_read(&pieces, corpus->train[i], part, options, error);
    if (status == FT_OK && options->shuffle) {
        order = malloc((pieces.count + 1) * sizeof *order);
        for (size_t p = 0; order && p < pieces.count; p++)
            order[p] = p;
        if (order)
            philox_shuffle(options->seed, philox_stream(PHILOX_SHUFFLE, (uint32_t)(SHUFFLE_PIECES + split)),
                           (uint32_t)epoch, order, pieces.count);
        else
            status = ft_nomem(error, "the order of lines");
    }
    if (status == FT_OK)
        status = make_ids(corpus, &pieces, order, options->flip_case, split, epoch, characters, ids, error);
    free(order);
    text_pieces_release(&pieces);
    return status;
}

static ft_status read_one(const struct text_corpus *corpus, const char *path, const struct characters *characters,
                          struct text_ids *ids, struct ft_error *error)
{
    struct text_pieces pieces = {0};
    *ids = (struct text_ids){0};
    if (!path)
        return FT_OK;
    ft_status status = text_pieces_read(&pieces, path, TEXT_WHOLE, &corpus->options, error);
    if (status == FT_OK)
        status = make_ids(corpus, &pieces, NULL, false, 0, 0, characters, ids, error);
    text_pieces_release(&pieces);
    return status;
}

ft_status text_corpus_valid(const struct text_corpus *corpus, const struct characters *characters, struct text_ids *ids,
                            struct ft_error *error)
{
    struct text_pieces pieces = {0};
    ft_status status = FT_OK;
    if (corpus->valid)
        return read_one(corpus, corpus->valid, characters, ids, error);
    *ids = (struct text_ids){0};
    for (size_t i = 0; status == FT_OK && i < corpus->train_count; i++)
        status = text_pieces_read(&pieces, corpus->train[i], TEXT_LAST, &corpus->options, error);
    if (status == FT_OK)
        status = make_ids(corpus, &pieces, NULL, false, 0, 0, characters, ids, error);
    text_pieces_release(&pieces);
    return status;
}

ft_status text_corpus_test(const struct text_corpus *corpus, const struct characters *characters, struct text_ids *ids,
                           struct ft_error *error)
{
    return read_one(corpus, corpus->test, characters, ids, error);
}

/* flair_dictionary.c - see flair_dictionary.h. */
#include "import/flair_dictionary.h"
#include "import/pickle.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST = 64 << 20 }; /* a dictionary of a million characters has less */

static ft_status not_one(const char *path, struct ft_error *error)
{
    return ft_fail(error, FT_MODEL, "%s: not a dictionary of Flair", path);
}

static ft_status read_bytes(const char *path, char **bytes, size_t *count, struct ft_error *error)
{
    struct stat about;
    FILE *in = fopen(path, "re");
    *bytes = NULL;
    if (!in || fstat(fileno(in), &about)) {
        ft_status status = ft_fail(error, FT_INPUT, "%s: cannot be read: %s", path, strerror(errno));
        if (in)
            fclose(in);
        return status;
    }
    ft_status status = S_ISREG(about.st_mode) && about.st_size <= LARGEST ? FT_OK : not_one(path, error);
    *count = status == FT_OK ? (size_t)about.st_size : 0;
    if (status == FT_OK && !(*bytes = malloc(*count + 1)))
        status = ft_nomem(error, "the character dictionary");
    if (status == FT_OK && fread(*bytes, 1, *count, in) != *count)
        status = ft_fail(error, FT_INPUT, "%s: cannot be read", path);
    fclose(in);
    return status;
}

static ft_status copy_items(const struct value *list, const char *path, struct arena *arena, struct bytes **items,
                            size_t *count, struct ft_error *error)
{
    *count = value_count(list);
    if (list->kind != VALUE_LIST || !*count)
        return not_one(path, error);
    *items = arena_array(arena, *count, sizeof **items);
    for (size_t i = 0; *items && i < *count; i++) {
        struct value item = value_at(list, i);
        if (item.kind != VALUE_BYTES && item.kind != VALUE_STR)
            return not_one(path, error);
        (*items)[i] = (struct bytes){arena_copy(arena, item.as.text, item.count), item.count};
        if (!(*items)[i].at)
            return ft_nomem(error, "the character dictionary");
    }
    return *items ? FT_OK : ft_nomem(error, "the character dictionary");
}

ft_status flair_dictionary_open(const char *path, struct arena *arena, struct bytes **items, size_t *count,
                                struct ft_error *error)
{
    char *bytes;
    size_t size = 0;
    struct pickle pickle;
    struct arena strings;
    ft_status status = read_bytes(path, &bytes, &size, error);
    arena_init(&strings);
    if (status == FT_OK && (!size || (bytes[0] != '\x80' && bytes[0] != '(' && bytes[0] != '}')))
        status = not_one(path, error);
    if (status == FT_OK) {
        status = pickle_read(&pickle, bytes, size, 0, size, path, NULL, &strings, error);
        if (status == FT_OK) {
            struct value list = value_attribute(&pickle.root, "idx2item", NULL);
            status = copy_items(&list, path, arena, items, count, error);
            pickle_release(&pickle);
        }
    }
    arena_release(&strings);
    free(bytes);
    return status;
}

/* name_list.c - see name_list.h. */
#include "cmd/name_list.h"
#include <string.h>

ft_status name_list_split(const char *list, struct arena *arena, const char ***names, size_t *count, const char *what,
                          struct ft_error *error)
{
    size_t most = 1;
    *count = 0;
    for (const char *at = list; *at; at++)
        most += *at == ',';
    *names = arena_array(arena, most, sizeof **names);
    for (const char *at = list; *names && *count < most; at += strcspn(at, ",") + 1)
        if (!((*names)[(*count)++] = arena_copy(arena, at, strcspn(at, ","))))
            *names = NULL;
    return *names ? FT_OK : ft_nomem(error, what);
}

ft_status name_list_check(const char *path, struct ft_error *error)
{
    return strchr(path, ',') ? ft_fail(error, FT_USAGE, "%s: a comma in a path stands between two files here", path)
                             : FT_OK;
}

ft_status name_list_join(const char *const *names, size_t count, struct arena *arena, const char **list,
                         const char *what, struct ft_error *error)
{
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(names[i]) + 1;
    char *joined = arena_alloc(arena, bytes), *at = joined;
    *list = joined;
    if (!joined)
        return ft_nomem(error, what);
    *at = '\0';
    for (size_t i = 0; i < count; i++) {
        at = stpcpy(at, names[i]);
        if (i + 1 < count)
            at = stpcpy(at, ",");
    }
    return FT_OK;
}

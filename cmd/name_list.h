/* name_list.h - files named in one option, with commas between them. */
#ifndef CMD_NAME_LIST_H
#define CMD_NAME_LIST_H
#include "base/arena.h"
#include "base/error.h"

/* The names of a list, each of which may be empty; all of it comes from the arena. what: for FT_NOMEM. */
ft_status name_list_split(const char *list, struct arena *arena, const char ***names, size_t *count, const char *what,
                          struct ft_error *error);

/* Whether a path can stand in a list: FT_USAGE where it has a comma. */
ft_status name_list_check(const char *path, struct ft_error *error);

/* The other way round. */
ft_status name_list_join(const char *const *names, size_t count, struct arena *arena, const char **list,
                         const char *what, struct ft_error *error);

#endif

/* pickle_machine.h - the state of a running pickle machine, shared by its three files: pickle.c (opcodes),
 * pickle_build.c (memory and construction) and pickle_text.c (the text forms of protocol 0). Private to them. */
#ifndef IMPORT_PICKLE_MACHINE_H
#define IMPORT_PICKLE_MACHINE_H
#include "import/pickle.h"

struct machine {
    const unsigned char *bytes;
    size_t count, at, opcode_at;
    size_t offset; /* of bytes[0] in the file, for messages */
    const char *path, *part;
    struct value *stack;
    size_t depth, stack_capacity;
    size_t *marks; /* stack depths at each MARK */
    size_t mark_count, mark_capacity;
    struct value *memo; /* kind MEMO_UNSET: no such entry */
    size_t memo_count, memo_capacity;
    size_t memo_used;          /* entries made by MEMOIZE get the next number */
    size_t budget;             /* bytes that may still be allocated */
    bool no_memory;            /* the system had none: the status is FT_NOMEM, whatever is returned on the way up */
    struct value_items *empty; /* the one empty tuple */
    struct pickle *pickle;
    struct arena *strings;
    struct ft_error *error;
};

enum { MEMO_UNSET = 255, MARKS_MAX = 1000 };

/* pickle_build.c */

/* "PATH: WHAT in data.pkl at byte N": the file is damaged, or not what it seems. Returns FT_MODEL. */
ft_status machine_fail(struct machine *machine, const char *what);
/* Takes bytes off the budget; false (and the error set) when it does not allow them. */
bool machine_spend(struct machine *machine, size_t bytes);
/* Sets the error and no_memory; returns FT_NOMEM. */
ft_status machine_nomem(struct machine *machine);
void *machine_alloc(struct machine *machine, size_t bytes);
ft_status machine_push(struct machine *machine, struct value value);
struct value_items *machine_items(struct machine *machine, const struct value *values, size_t count);
/* Appends values to a list, set or dict; keys of dicts and members of sets must be hashable. */
ft_status machine_append(struct machine *machine, struct value *container, const struct value *values, size_t count);
ft_status machine_set(struct machine *machine, struct value *container, const struct value *pairs, size_t count);
ft_status machine_build(struct machine *machine, struct value *object, struct value state);
ft_status machine_reduce(struct machine *machine, const struct value *function, const struct value *args,
                         struct value *result);
ft_status machine_new(struct machine *machine, const struct value *class, const struct value *args,
                      struct value *result);
ft_status machine_class(struct machine *machine, const char *module, size_t module_bytes, const char *name,
                        size_t name_bytes, struct value *result);
ft_status machine_persistent(struct machine *machine, const struct value *id, struct value *result);

/* pickle_text.c: the argument up to the end of the line, for protocol 0. */
ft_status machine_line(struct machine *machine, const char **text, size_t *count);
ft_status machine_text_number(struct machine *machine, int opcode, struct value *result);
ft_status machine_text_string(struct machine *machine, bool unicode, struct value *result);
/* str to bytes, one a character, for bytes as protocol 2 writes them. */
ft_status machine_latin1(struct machine *machine, const struct value *text, struct value *result);

#endif

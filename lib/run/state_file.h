/* state_file.h - the state of a run as a file: numbers and vectors, from which it goes on to the same bits.
 *
 * One .safetensors: the vectors as F32 tensors, and in `__metadata__.checkpoint` a JSON object of the numbers (doubles
 * as hexadecimal text, so that none is rounded) and of a word that tells the run apart from others. It appears whole or
 * not at all: written beside, synced and renamed. What is read from it has been checked for being there, for its kind
 * and length; whether the numbers make sense is for the caller to say. */
#ifndef RUN_STATE_FILE_H
#define RUN_STATE_FILE_H
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum number_kind { NUMBER_SIZE, NUMBER_U64, NUMBER_LONG, NUMBER_DOUBLE, NUMBER_BOOL };

/* A member of a struct; one table for writing and reading. */
struct state_number {
    const char *name;
    enum number_kind kind;
    size_t offset;
};
struct state_numbers {
    const struct state_number *list;
    size_t count;
};

struct state_vector {
    const char *name;
    size_t floats;
    const float *at; /* host */
};

/* Structs and the tables of their members, [count] each. identity: what a file must have been written with. FT_FAILED
 * (the disk is full; the file before is still there), FT_NOMEM. */
ft_status state_file_write(const char *path, const char *identity, const struct state_numbers *numbers,
                           const void *const *structs, size_t count, const struct state_vector *vectors,
                           size_t vector_count, struct ft_error *error);

struct state_file;

/* FT_END: there is no such file. FT_INPUT: it is damaged or another run's. */
ft_status state_file_open(struct state_file **file, const char *path, const char *identity, struct ft_error *error);
void state_file_close(struct state_file *file); /* NULL is allowed */

/* FT_INPUT: a number is missing or none of its kind. */
ft_status state_file_numbers(const struct state_file *file, const struct state_numbers *numbers, void *to,
                             struct ft_error *error);
/* Sets `at` of the vector, lent until the file is closed. FT_INPUT: there is none of this name and length. */
ft_status state_file_vector(const struct state_file *file, struct state_vector *vector, struct ft_error *error);

/* The failure of a file whose numbers make no sense. */
ft_status state_file_damaged(const char *path, struct ft_error *error);

#endif

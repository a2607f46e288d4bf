/* resume_point.h - how far a run that tags has come, kept in PART.state beside its output PART: what a run that was
 * killed is gone on from.
 *
 * A mark says: of so many input lines, which have this checksum, so many bytes of output were made. It is written only
 * when those bytes are on the disk, and appears whole, so at any moment, a kill or a power cut included, what is in the
 * state holds of PART; bytes behind the mark are cut off and made again. Whoever goes on reads the input from the
 * beginning and passes over what the mark counts. Reading costs little beside tagging; in return nothing of a reader
 * has to be kept (numbers of sentences and characters, a guessed format, a gz stream), every format and pipes can be
 * gone on with, and the checksum tells whether the input is still the same as far as it was used.
 *
 * What the bytes of an output depend on (options, model, names of inputs) is described by pairs of texts, and a run
 * under another description is refused, by name of what differs. */
#ifndef RUN_RESUME_POINT_H
#define RUN_RESUME_POINT_H
#include "base/error.h"
#include "text/sentence.h"
#include <cjson/cJSON.h>

struct tagging_mark {
    uint64_t lines;    /* of column formats; elsewhere sentences */
    uint32_t checksum; /* of those */
    uint64_t bytes;    /* of output */
};

/* Counts sentences in, as they were read. */
void mark_add(struct tagging_mark *mark, const struct sentence *sentences, size_t count);

/* How many of the window's sentences *mark has yet to pass over to reach the goal; it is moved on over them. FT_INPUT:
 * they are not those that the goal was made of. */
ft_status mark_pass(struct tagging_mark *mark, const struct tagging_mark *goal, const struct window *window,
                    size_t *passed, struct ft_error *error);

/* The path of PART's state, the caller's; NULL when out of memory. */
char *resume_point_path(const char *part);

/* description: an object whose members are strings; one whose name begins with "--" is an option. FT_FAILED. */
ft_status resume_point_write(const char *path, const cJSON *description, const struct tagging_mark *mark,
                             struct ft_error *error);

/* FT_END: there is no state. FT_USAGE: the description is another one. FT_INPUT: the state cannot be read. */
ft_status resume_point_read(const char *path, const cJSON *description, struct tagging_mark *mark,
                            struct ft_error *error);

#endif

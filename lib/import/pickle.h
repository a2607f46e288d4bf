/* pickle.h - reads Python's pickles (protocols 0 to 5) into plain data.
 *
 * It promises: nothing is ever executed or imported; strings and bytes are borrowed from the stream, not copied; time
 * is linear in the stream, and memory stays below 2.5 times the size of the whole model plus 4 MiB, of which the stream
 * may be a small part, and below eight times its own size plus 4 MiB (the objects of a gensim vocabulary need seven).
 * It refuses, with the byte where it happened: classes and functions outside the list of those that models hold,
 * unknown opcodes, sizes beyond the stream, a stack or memo used wrongly, keys that cannot be hashed, nesting past
 * 1,000 marks, and buffers or extension codes that lie outside the stream. */
#ifndef IMPORT_PICKLE_H
#define IMPORT_PICKLE_H
#include "base/arena.h"
#include "base/error.h"
#include "import/value.h"

struct pickle {
    struct value root;
    size_t consumed;              /* bytes of the stream, up to and with its STOP */
    struct value_items *storages; /* every persistent id that is no class, as VALUE_STORAGE, in order */
    struct arena arena;
    struct value_items *heap;
};

/* path: for messages; part: "data.pkl", or NULL when the stream is the file itself, and then `offset` is where in it
 * it begins. whole: bytes of the model, all its files. strings: decoded strings go there; it must live as long as
 * anything taken from the tree is in use, as must bytes. The pickle is released on failure. FT_MODEL or FT_NOMEM. */
ft_status pickle_read(struct pickle *pickle, const char *bytes, size_t count, size_t offset, size_t whole,
                      const char *path, const char *part, struct arena *strings, struct ft_error *error);
void pickle_release(struct pickle *pickle);

/* True when a model file may name this class or function. */
bool pickle_class_allowed(const char *module, size_t module_bytes, const char *name, size_t name_bytes);

#endif

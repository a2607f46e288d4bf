/* pickle_write.h - writes a Python pickle, protocol 4: the few opcodes that a tree of plain data needs.
 *
 * Values are put one after the other, containers between an opening and a closing call:
 *
 *   pickle_put_dict(w); pickle_put_text(w, "hidden_size"); pickle_put_integer(w, 256); pickle_end_dict(w);
 *
 * Nothing is memoised: a string that is put twice is written twice. It refuses nothing but strings of 4 GiB; a failure
 * is remembered, so that callers ask once, at the end. */
#ifndef EXPORT_PICKLE_WRITE_H
#define EXPORT_PICKLE_WRITE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pickle_writer {
    char *at; /* the bytes so far */
    size_t count, room;
    bool failed; /* out of memory */
};

void pickle_writer_init(struct pickle_writer *writer); /* puts the protocol */
void pickle_writer_release(struct pickle_writer *writer);
/* Puts the end; the pickle is what was put, one value. False when anything failed. */
bool pickle_writer_finish(struct pickle_writer *writer);

void pickle_put_none(struct pickle_writer *writer);
void pickle_put_bool(struct pickle_writer *writer, bool value);
void pickle_put_integer(struct pickle_writer *writer, int64_t value);
void pickle_put_float(struct pickle_writer *writer, double value);
void pickle_put_text(struct pickle_writer *writer, const char *text);                 /* NUL-terminated UTF-8: str */
void pickle_put_string(struct pickle_writer *writer, const char *text, size_t count); /* UTF-8: str */
void pickle_put_bytes(struct pickle_writer *writer, const char *bytes, size_t count);
void pickle_put_global(struct pickle_writer *writer, const char *module, const char *name); /* a class or function */

void pickle_put_dict(struct pickle_writer *writer); /* then key, value, key, value ... */
void pickle_end_dict(struct pickle_writer *writer);
void pickle_put_list(struct pickle_writer *writer);
void pickle_end_list(struct pickle_writer *writer);
void pickle_put_tuple(struct pickle_writer *writer);
void pickle_end_tuple(struct pickle_writer *writer);

/* An object: pickle_put_object, its state (a dict), pickle_end_object. */
void pickle_put_object(struct pickle_writer *writer, const char *module, const char *class_name);
void pickle_end_object(struct pickle_writer *writer);

/* Replaces the last two values, a function and the tuple of its arguments, by the call. */
void pickle_call(struct pickle_writer *writer);
/* Replaces the last value by what it stands for outside the pickle. */
void pickle_persistent(struct pickle_writer *writer);

/* collections.OrderedDict; entries as in a dict, then pickle_end_ordered_dict. */
void pickle_put_ordered_dict(struct pickle_writer *writer);
void pickle_end_ordered_dict(struct pickle_writer *writer);

#endif

/* value.h - plain data as a pickle describes it: a graph of tagged values, and safe ways to ask it questions.
 *
 * It promises: every question has an answer for every value (a missing entry is VALUE_NONE), nothing is executed,
 * nothing is copied. Objects of any class are opaque nodes: the name of the class, what it was called with, and the
 * state it was given. The graph may have cycles, so nothing here walks it further than one step. */
#ifndef IMPORT_VALUE_H
#define IMPORT_VALUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
    VALUE_NONE,
    VALUE_BOOL,   /* integer */
    VALUE_INT,    /* integer */
    VALUE_BIG,    /* text, count: an integer past 64 bits, little-endian two's complement */
    VALUE_FLOAT,  /* number */
    VALUE_BYTES,  /* text, count */
    VALUE_STR,    /* text, count */
    VALUE_LIST,   /* items */
    VALUE_TUPLE,  /* items */
    VALUE_SET,    /* items */
    VALUE_DICT,   /* items: key, value, key, value ... */
    VALUE_OBJECT, /* object */
    VALUE_CLASS,  /* text: "module.name", NUL-terminated */
    VALUE_STORAGE /* items: the persistent id, a tuple */
};

struct value_items;
struct value_object;

struct value {     /* 16 bytes: models hold millions */
    uint32_t kind; /* enum value_kind */
    uint32_t count;
    union {
        int64_t integer;
        double number;
        const char *text;
        struct value_items *items;
        struct value_object *object;
    } as;
};

struct value_items {
    struct value *at;
    uint32_t count, capacity;      /* of values: a dict has two an entry */
    struct value_items *next_heap; /* of those whose array is not in the arena */
    bool on_heap;
};

struct value_object {
    const char *class_path;          /* "module.name" of its class, or of the function that would have made it */
    struct value_items *args;        /* NULL: none */
    struct value state;              /* what BUILD gave it */
    struct value_items *list, *dict; /* items of a subclass of list or dict, or NULL */
};

/* Number of entries of a list, tuple, set or dict; 0 for anything else. */
size_t value_count(const struct value *value);

/* Element i of a list, tuple or set; VALUE_NONE when there is none. */
struct value value_at(const struct value *value, size_t i);

/* The value of a str key in a dict; VALUE_NONE and false when there is none (found may be NULL). Meant for settings
 * and attributes: in a dict of more than VALUE_ATTRIBUTES entries nothing is found, so that no file can make looking
 * slow. */
enum { VALUE_ATTRIBUTES = 65536 };
struct value value_get(const struct value *dict, const char *key, bool *found);

/* A named attribute: of an object's state (a dict, or the pair of dict and slots), or an entry of a dict. */
struct value value_attribute(const struct value *object, const char *name, bool *found);

/* Argument i of an object; VALUE_NONE when there is none. */
struct value value_argument(const struct value *object, size_t i);

/* True for an object whose class (or maker) has this path. */
bool value_made_by(const struct value *value, const char *class_path);

/* "Name" of "module.Name"; "" for what is no object. */
const char *value_class_name(const struct value *value);

bool value_is_str(const struct value *value, const char *text);

/* Python's truth of plain values: None, False, 0, 0.0 and empty things are false. */
bool value_truth(const struct value *value);

/* True and *out set for an int in [0, limit]. */
bool value_size(const struct value *value, size_t limit, size_t *out);

#endif

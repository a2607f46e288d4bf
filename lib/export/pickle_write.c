/* pickle_write.c - see pickle_write.h. The opcodes are those of Python's pickletools. */
#include "export/pickle_write.h"
#include <stdlib.h>
#include <string.h>

enum opcode {
    MARK = '(',
    STOP = '.',
    BININT = 'J',
    LONG1 = 0x8a,
    BINFLOAT = 'G',
    NONE = 'N',
    NEWTRUE = 0x88,
    NEWFALSE = 0x89,
    BINUNICODE = 'X',
    BINBYTES = 'B',
    GLOBAL = 'c',
    EMPTY_DICT = '}',
    SETITEMS = 'u',
    EMPTY_LIST = ']',
    APPENDS = 'e',
    EMPTY_TUPLE = ')',
    TUPLE = 't',
    NEWOBJ = 0x81,
    BUILD = 'b',
    REDUCE = 'R',
    BINPERSID = 'Q',
    PROTO = 0x80
};
enum { PROTOCOL = 4 };

static void add(struct pickle_writer *writer, const void *bytes, size_t count)
{
    if (count > writer->room - writer->count && !writer->failed) {
        size_t room = writer->room ? 2 * writer->room : 4096;
        while (room - writer->count < count && room < SIZE_MAX / 2)
            room *= 2;
        char *grown = room - writer->count < count ? NULL : realloc(writer->at, room);
        writer->failed = !grown;
        if (grown) {
            writer->at = grown;
            writer->room = room;
        }
    }
    if (writer->failed || !count)
        return;
    memcpy(writer->at + writer->count, bytes, count);
    writer->count += count;
}

static void put(struct pickle_writer *writer, enum opcode opcode)
{
    add(writer, &(unsigned char){(unsigned char)opcode}, 1);
}

/* The opcode, the length in four bytes, the text. */
static void put_long_text(struct pickle_writer *writer, enum opcode opcode, const char *text, size_t count)
{
    uint32_t length = (uint32_t)count;
    writer->failed |= count > UINT32_MAX;
    put(writer, opcode);
    for (int i = 0; i < 4; i++)
        add(writer, &(unsigned char){(unsigned char)(length >> (8 * i))}, 1);
    add(writer, text, count);
}

void pickle_writer_init(struct pickle_writer *writer)
{
    *writer = (struct pickle_writer){0};
    put(writer, PROTO);
    add(writer, &(unsigned char){PROTOCOL}, 1);
}

void pickle_writer_release(struct pickle_writer *writer)
{
    free(writer->at);
    *writer = (struct pickle_writer){0};
}

bool pickle_writer_finish(struct pickle_writer *writer)
{
    put(writer, STOP);
    return !writer->failed;
}

void pickle_put_none(struct pickle_writer *writer)
{
    put(writer, NONE);
}

void pickle_put_bool(struct pickle_writer *writer, bool value)
{
    put(writer, value ? NEWTRUE : NEWFALSE);
}

void pickle_put_integer(struct pickle_writer *writer, int64_t value)
{
    bool small = value >= INT32_MIN && value <= INT32_MAX;
    put(writer, small ? BININT : LONG1);
    if (!small)
        add(writer, &(unsigned char){8}, 1);
    for (int i = 0; i < (small ? 4 : 8); i++)
        add(writer, &(unsigned char){(unsigned char)((uint64_t)value >> (8 * i))}, 1);
}

void pickle_put_float(struct pickle_writer *writer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(writer, BINFLOAT);
    for (int i = 8; i-- > 0;) /* the one number in a pickle whose first byte is the largest */
        add(writer, &(unsigned char){(unsigned char)(bits >> (8 * i))}, 1);
}

void pickle_put_text(struct pickle_writer *writer, const char *text)
{
    pickle_put_string(writer, text, strlen(text));
}

void pickle_put_string(struct pickle_writer *writer, const char *text, size_t count)
{
    put_long_text(writer, BINUNICODE, text, count);
}

void pickle_put_bytes(struct pickle_writer *writer, const char *bytes, size_t count)
{
    put_long_text(writer, BINBYTES, bytes, count);
}

void pickle_put_global(struct pickle_writer *writer, const char *module, const char *name)
{
    put(writer, GLOBAL);
    add(writer, module, strlen(module));
    add(writer, "\n", 1);
    add(writer, name, strlen(name));
    add(writer, "\n", 1);
}

void pickle_put_dict(struct pickle_writer *writer)
{
    put(writer, EMPTY_DICT);
    put(writer, MARK);
}

void pickle_end_dict(struct pickle_writer *writer)
{
    put(writer, SETITEMS);
}

void pickle_put_list(struct pickle_writer *writer)
{
    put(writer, EMPTY_LIST);
    put(writer, MARK);
}

void pickle_end_list(struct pickle_writer *writer)
{
    put(writer, APPENDS);
}

void pickle_put_tuple(struct pickle_writer *writer)
{
    put(writer, MARK);
}

void pickle_end_tuple(struct pickle_writer *writer)
{
    put(writer, TUPLE);
}

void pickle_put_object(struct pickle_writer *writer, const char *module, const char *class_name)
{
    pickle_put_global(writer, module, class_name);
    put(writer, EMPTY_TUPLE);
    put(writer, NEWOBJ);
}

void pickle_end_object(struct pickle_writer *writer)
{
    put(writer, BUILD);
}

void pickle_call(struct pickle_writer *writer)
{
    put(writer, REDUCE);
}

void pickle_persistent(struct pickle_writer *writer)
{
    put(writer, BINPERSID);
}

void pickle_put_ordered_dict(struct pickle_writer *writer)
{
    pickle_put_global(writer, "collections", "OrderedDict");
    put(writer, EMPTY_TUPLE);
    put(writer, REDUCE);
    put(writer, MARK);
}

void pickle_end_ordered_dict(struct pickle_writer *writer)
{
    put(writer, SETITEMS);
}

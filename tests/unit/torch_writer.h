/* torch_writer.h - writes small torch files, as torch.save would, for tests that need one of a certain kind. */
#ifndef UNIT_TORCH_WRITER_H
#define UNIT_TORCH_WRITER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *at;
    size_t count, room;
};

void buffer_add(struct buffer *buffer, const void *bytes, size_t count);
void buffer_number(struct buffer *buffer, uint64_t number, size_t bytes); /* little-endian */
void buffer_release(struct buffer *buffer);

/* Pieces of a pickle, protocol 2. */
void pickle_text(struct buffer *out, const char *text);
void pickle_integer(struct buffer *out, int32_t number);
void pickle_global(struct buffer *out, const char *module, const char *name);
/* flair.data.Dictionary with these items, one a character of the string. */
void pickle_dictionary(struct buffer *out, const char *items);
/* A contiguous tensor: [rows, columns], [rows] when columns is 0, of storage "key" from element `offset`. */
void pickle_tensor(struct buffer *out, const char *key, size_t numel, size_t offset, size_t rows, size_t columns);

struct zip_part {
    const char *name;
    const void *content;
    size_t bytes;
    bool deflated, wrong_checksum;
};

/* The whole zip file; wide: its sizes are in 64-bit fields. */
void write_zip(struct buffer *out, const struct zip_part *parts, size_t count, bool wide);

/* Keeps the buffer as a file under a temporary folder and returns its path (to the end of the program). */
const char *write_file(const struct buffer *buffer, const char *name);

#endif

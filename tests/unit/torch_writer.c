/* torch_writer.c - see torch_writer.h. */
#include "torch_writer.h"
#include "harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

void buffer_add(struct buffer *buffer, const void *bytes, size_t count)
{
    if (buffer->count + count > buffer->room) {
        buffer->room = (buffer->count + count) * 2;
        buffer->at = realloc(buffer->at, buffer->room);
        ck_assert_ptr_nonnull(buffer->at);
    }
    if (count)
        memcpy(buffer->at + buffer->count, bytes, count);
    buffer->count += count;
}

void buffer_number(struct buffer *buffer, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        buffer_add(buffer, &(char){(char)(i < 8 ? number >> (8 * i) : 0)}, 1);
}

void buffer_release(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){0};
}

void pickle_text(struct buffer *out, const char *text)
{
    buffer_add(out, "X", 1);
    buffer_number(out, strlen(text), 4);
    buffer_add(out, text, strlen(text));
}

void pickle_integer(struct buffer *out, int32_t number)
{
    buffer_add(out, "J", 1);
    buffer_number(out, (uint32_t)number, 4);
}

void pickle_global(struct buffer *out, const char *module, const char *name)
{
    buffer_add(out, "c", 1);
    buffer_add(out, module, strlen(module));
    buffer_add(out, "\n", 1);
    buffer_add(out, name, strlen(name));
    buffer_add(out, "\n", 1);
}

void pickle_dictionary(struct buffer *out, const char *items)
{
    pickle_global(out, "flair.data", "Dictionary");
    buffer_add(out, ")\x81}", 3);
    pickle_text(out, "idx2item");
    buffer_add(out, "](", 2);
    for (const char *item = items; *item; item++) {
        buffer_add(out, "C\x01", 2);
        buffer_add(out, item, 1);
    }
    buffer_add(out, "esb", 3);
}

void pickle_tensor(struct buffer *out, const char *key, size_t numel, size_t offset, size_t rows, size_t columns)
{
    pickle_global(out, "torch._utils", "_rebuild_tensor_v2");
    buffer_add(out, "((", 2);
    pickle_text(out, "storage");
    pickle_global(out, "torch", "FloatStorage");
    pickle_text(out, key);
    pickle_text(out, "cpu");
    pickle_integer(out, (int32_t)numel);
    buffer_add(out, "tQ", 2);
    pickle_integer(out, (int32_t)offset);
    pickle_integer(out, (int32_t)rows);
    if (columns)
        pickle_integer(out, (int32_t)columns);
    buffer_add(out, columns ? "\x86" : "\x85", 1);
    if (columns)
        pickle_integer(out, (int32_t)columns);
    pickle_integer(out, 1);
    buffer_add(out, columns ? "\x86" : "\x85", 1);
    buffer_add(out, "\x89NtR", 4);
}

/* Raw deflate of a part, by zlib. */
static void pack(struct buffer *out, const struct zip_part *part)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = part->bytes + part->bytes / 8 + 64;
    char *packed = malloc(room);
    ck_assert_ptr_nonnull(packed);
    stream.next_in = (z_const Bytef *)part->content;
    stream.avail_in = (uInt)part->bytes;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buffer_add(out, packed, stream.total_out);
    deflateEnd(&stream);
    free(packed);
}

void write_zip(struct buffer *out, const struct zip_part *parts, size_t count, bool wide)
{
    struct buffer directory = {0};
    for (size_t i = 0; i < count; i++) {
        const struct zip_part *part = &parts[i];
        uint32_t crc = (uint32_t)crc32(0, part->content, (uInt)part->bytes) + part->wrong_checksum;
        size_t at = out->count, name = strlen(part->name);
        struct buffer content = {0};
        if (part->deflated)
            pack(&content, part);
        else
            buffer_add(&content, part->content, part->bytes);
        buffer_add(out, "PK\3\4\x14\0\0\0", 8);
        buffer_number(out, part->deflated ? 8 : 0, 2);
        buffer_number(out, 0, 4);
        buffer_number(out, crc, 4);
        buffer_number(out, content.count, 4);
        buffer_number(out, part->bytes, 4);
        buffer_number(out, name, 2);
        buffer_number(out, 4, 2);
        buffer_add(out, part->name, name);
        buffer_add(out, "FB\0\0", 4); /* torch pads with a field of this name */
        buffer_add(out, content.at, content.count);
        buffer_add(&directory, "PK\1\2\x14\0\x14\0\0\0", 10);
        buffer_number(&directory, part->deflated ? 8 : 0, 2);
        buffer_number(&directory, 0, 4);
        buffer_number(&directory, crc, 4);
        buffer_number(&directory, wide ? UINT32_MAX : content.count, 4);
        buffer_number(&directory, wide ? UINT32_MAX : part->bytes, 4);
        buffer_number(&directory, name, 2);
        buffer_number(&directory, wide ? 28 : 0, 2);
        buffer_number(&directory, 0, 10);
        buffer_number(&directory, wide ? UINT32_MAX : at, 4);
        buffer_add(&directory, part->name, name);
        if (wide) {
            buffer_number(&directory, 1, 2);
            buffer_number(&directory, 24, 2);
            buffer_number(&directory, part->bytes, 8);
            buffer_number(&directory, content.count, 8);
            buffer_number(&directory, at, 8);
        }
        buffer_release(&content);
    }
    size_t start = out->count, bytes = directory.count;
    buffer_add(out, directory.at, directory.count);
    buffer_release(&directory);
    if (wide) {
        size_t end = out->count;
        buffer_add(out, "PK\6\6", 4);
        buffer_number(out, 44, 8);
        buffer_number(out, 0, 12);
        buffer_number(out, count, 8);
        buffer_number(out, count, 8);
        buffer_number(out, bytes, 8);
        buffer_number(out, start, 8);
        buffer_add(out, "PK\6\7", 4);
        buffer_number(out, 0, 4);
        buffer_number(out, end, 8);
        buffer_number(out, 1, 4);
    }
    buffer_add(out, "PK\5\6\0\0\0\0", 8);
    buffer_number(out, wide ? 0xffff : count, 2);
    buffer_number(out, wide ? 0xffff : count, 2);
    buffer_number(out, wide ? UINT32_MAX : bytes, 4);
    buffer_number(out, wide ? UINT32_MAX : start, 4);
    buffer_number(out, 0, 2);
}

const char *write_file(const struct buffer *buffer, const char *name)
{
    static char paths[64][128];
    static int used;
    char *path = paths[used++ % 64];
    const char *root = getenv("TMPDIR");
    snprintf(path, sizeof paths[0], "%s/flairtag-test-%ld-%s", root ? root : "/tmp", (long)getpid(), name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(buffer->at, 1, buffer->count, file), buffer->count);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

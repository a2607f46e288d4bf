/* torch_write.c - see torch_write.h. */
#include "export/torch_write.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ALIGNMENT = 64, LOCAL_BYTES = 30, CENTRAL_BYTES = 46, FIELD_BYTES = 4, LONGEST_NAME = 40, FIXED_ENTRIES = 3 };

struct entry {
    char name[LONGEST_NAME];
    const void *data;
    size_t bytes, offset; /* offset: of the local header */
    uint32_t checksum;
};

void torch_writer_init(struct torch_writer *writer)
{
    *writer = (struct torch_writer){0};
    pickle_writer_init(&writer->pickle);
}

void torch_writer_release(struct torch_writer *writer)
{
    pickle_writer_release(&writer->pickle);
    free(writer->storages);
    *writer = (struct torch_writer){0};
}

static bool add_storage(struct torch_writer *writer, const float *data, size_t bytes)
{
    if (writer->count == writer->capacity) {
        size_t capacity = writer->capacity ? 2 * writer->capacity : 64;
        struct torch_storage_entry *grown = realloc(writer->storages, capacity * sizeof *grown);
        if (!grown)
            return false;
        writer->storages = grown;
        writer->capacity = capacity;
    }
    writer->storages[writer->count++] = (struct torch_storage_entry){data, bytes};
    return true;
}

/* torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks) */
void torch_put_tensor(struct torch_writer *writer, const float *data, size_t rows, size_t columns)
{
    struct pickle_writer *pickle = &writer->pickle;
    size_t elements = columns ? rows * columns : rows;
    char key[24];
    snprintf(key, sizeof key, "%zu", writer->count);
    pickle_put_global(pickle, "torch._utils", "_rebuild_tensor_v2");
    pickle_put_tuple(pickle);
    pickle_put_tuple(pickle);
    pickle_put_text(pickle, "storage");
    pickle_put_global(pickle, "torch", "FloatStorage");
    pickle_put_text(pickle, key);
    pickle_put_text(pickle, "cpu");
    pickle_put_integer(pickle, (int64_t)elements);
    pickle_end_tuple(pickle);
    pickle_persistent(pickle);
    pickle_put_integer(pickle, 0);
    pickle_put_tuple(pickle);
    pickle_put_integer(pickle, (int64_t)rows);
    if (columns)
        pickle_put_integer(pickle, (int64_t)columns);
    pickle_end_tuple(pickle);
    pickle_put_tuple(pickle);
    if (columns)
        pickle_put_integer(pickle, (int64_t)columns);
    pickle_put_integer(pickle, 1);
    pickle_end_tuple(pickle);
    pickle_put_bool(pickle, false);
    pickle_put_ordered_dict(pickle);
    pickle_end_ordered_dict(pickle);
    pickle_end_tuple(pickle);
    pickle_call(pickle);
    pickle->failed |= !add_storage(writer, data, elements * sizeof *data);
}

/* A header while it is put together: numbers are little-endian, of up to 8 bytes. */
struct header {
    unsigned char at[CENTRAL_BYTES + LONGEST_NAME + FIELD_BYTES + ALIGNMENT];
    size_t count;
};

static void number(struct header *header, size_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        header->at[header->count++] = (unsigned char)(value >> (8 * i));
}

/* From the version that a reader needs to the length of the name, alike in both headers of an entry. */
static void common_fields(struct header *header, const struct entry *entry)
{
    number(header, 20, 2);   /* version 2.0 */
    number(header, 0, 2);    /* flags */
    number(header, 0, 2);    /* stored */
    number(header, 0, 2);    /* midnight */
    number(header, 0x21, 2); /* of 1 January 1980: the same model gives the same bytes */
    number(header, entry->checksum, 4);
    number(header, entry->bytes, 4);
    number(header, entry->bytes, 4);
    number(header, strlen(entry->name), 2);
}

/* The header, with a field that fills up to the next multiple of 64, and the content. */
static ft_status write_entry(struct entry *entry, struct output *output, size_t *offset, struct ft_error *error)
{
    struct header header = {.count = 0};
    size_t name = strlen(entry->name), start = *offset + LOCAL_BYTES + name + FIELD_BYTES;
    size_t filler = (ALIGNMENT - start % ALIGNMENT) % ALIGNMENT;
    entry->offset = *offset;
    entry->checksum = (uint32_t)crc32_z(0, entry->data, entry->bytes);
    number(&header, 0x04034b50, 4);
    common_fields(&header, entry);
    number(&header, FIELD_BYTES + filler, 2);
    memcpy(header.at + header.count, entry->name, name);
    header.count += name;
    number(&header, 'F' | 'B' << 8, 2);
    number(&header, filler, 2);
    memset(header.at + header.count, 'Z', filler);
    header.count += filler;
    *offset += header.count + entry->bytes;
    ft_status status = output_write(output, header.at, header.count, error);
    return status == FT_OK && entry->bytes ? output_write(output, entry->data, entry->bytes, error) : status;
}

static ft_status write_directory(const struct entry *entries, size_t count, struct output *output, size_t offset,
                                 struct ft_error *error)
{
    size_t bytes = 0;
    ft_status status = FT_OK;
    for (size_t i = 0; i < count && status == FT_OK; i++) {
        struct header header = {.count = 0};
        size_t name = strlen(entries[i].name);
        number(&header, 0x02014b50, 4);
        number(&header, 20, 2);
        common_fields(&header, &entries[i]);
        number(&header, 0, 8); /* no field, no comment, the first disk, no attributes */
        number(&header, 0, 4);
        number(&header, entries[i].offset, 4);
        memcpy(header.at + header.count, entries[i].name, name);
        header.count += name;
        bytes += header.count;
        status = output_write(output, header.at, header.count, error);
    }
    struct header end = {.count = 0};
    number(&end, 0x06054b50, 4);
    number(&end, 0, 4);
    number(&end, count, 2);
    number(&end, count, 2);
    number(&end, bytes, 4);
    number(&end, offset, 4);
    number(&end, 0, 2);
    return status == FT_OK ? output_write(output, end.at, end.count, error) : status;
}

static ft_status check_size(const struct entry *entries, size_t count, struct ft_error *error)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += entries[i].bytes + sizeof(struct header) * 2;
    if (bytes < UINT32_MAX && count < UINT16_MAX)
        return FT_OK;
    return ft_fail(
        error, FT_FAILED,
        "the model takes %zu bytes in %zu tensors; files of Flair's format are written up to 4 GiB and %d tensors",
        bytes, count, UINT16_MAX - FIXED_ENTRIES - 1);
}

ft_status torch_write(struct torch_writer *writer, struct output *output, struct ft_error *error)
{
    static const char version[] = "3\n", order[] = "little";
    size_t count = writer->count + FIXED_ENTRIES, offset = 0;
    struct entry *entries = calloc(count, sizeof *entries);
    if (!pickle_writer_finish(&writer->pickle) || !entries) {
        free(entries);
        return ft_nomem(error, "the model's description");
    }
    entries[0] = (struct entry){.name = "archive/data.pkl", .data = writer->pickle.at, .bytes = writer->pickle.count};
    entries[1] = (struct entry){.name = "archive/byteorder", .data = order, .bytes = sizeof order - 1};
    for (size_t i = 0; i < writer->count; i++) {
        struct entry *entry = &entries[2 + i];
        entry->data = writer->storages[i].data;
        entry->bytes = writer->storages[i].bytes;
        snprintf(entry->name, sizeof entry->name, "archive/data/%zu", i);
    }
    entries[count - 1] = (struct entry){.name = "archive/version", .data = version, .bytes = sizeof version - 1};
    ft_status status = check_size(entries, count, error);
    for (size_t i = 0; i < count && status == FT_OK; i++)
        status = write_entry(&entries[i], output, &offset, error);
    if (status == FT_OK)
        status = write_directory(entries, count, output, offset, error);
    free(entries);
    return status;
}

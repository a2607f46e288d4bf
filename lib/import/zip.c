/* zip.c - see zip.h. Offsets and sizes as in PKWARE's APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (directory),
 * 4.3.14 to 4.3.16 (ends of the directory) and 4.5.3 (64-bit extra field). */
#include "import/zip.h"
#include <string.h>
#include <zlib.h>

enum {
    LOCAL_HEADER = 30,
    DIRECTORY_HEADER = 46,
    END_RECORD = 22,
    END64_LOCATOR = 20,
    END64_RECORD = 56,
    LONGEST_COMMENT = 65535,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8
};
enum { MOST_ENTRIES = 1 << 16 };

static uint64_t number(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static ft_status damaged(const struct zip *zip, const char *what, struct ft_error *error)
{
    return ft_fail(error, FT_MODEL, "%s: damaged zip file: %s", zip->path, what);
}

/* The record at the end of the file, behind which only its comment lies. NULL: there is none. */
static const unsigned char *find_end(const struct zip *zip)
{
    if (zip->count < END_RECORD)
        return NULL;
    size_t last = zip->count - END_RECORD, first = last > LONGEST_COMMENT ? last - LONGEST_COMMENT : 0;
    for (size_t at = last + 1; at-- > first;)
        if (!memcmp(zip->bytes + at, "PK\5\6", 4) && number(zip->bytes + at + 20, 2) == last - at)
            return zip->bytes + at;
    return NULL;
}

static ft_status find_directory(const struct zip *zip, uint64_t *offset, uint64_t *bytes, uint64_t *entries,
                                struct ft_error *error)
{
    const unsigned char *end = find_end(zip);
    if (!end)
        return damaged(zip, "its end is missing (cut short in copying?)", error);
    *entries = number(end + 10, 2);
    *bytes = number(end + 12, 4);
    *offset = number(end + 16, 4);
    size_t end_at = (size_t)(end - zip->bytes);
    if (end_at >= END64_LOCATOR && !memcmp(end - END64_LOCATOR, "PK\6\7", 4)) {
        uint64_t at = number(end - END64_LOCATOR + 8, 8);
        if (at > zip->count || zip->count - at < END64_RECORD || memcmp(zip->bytes + at, "PK\6\6", 4))
            return damaged(zip, "the 64-bit end record lies outside the file", error);
        *entries = number(zip->bytes + at + 32, 8);
        *bytes = number(zip->bytes + at + 40, 8);
        *offset = number(zip->bytes + at + 48, 8);
    }
    if (*entries > MOST_ENTRIES)
        return damaged(zip, "more entries than any model has", error);
    if (*offset > zip->count || *bytes > zip->count - *offset || *entries > *bytes / DIRECTORY_HEADER)
        return damaged(zip, "the directory lies outside the file", error);
    return FT_OK;
}

/* Sizes of 0xffffffff stand in the 64-bit extra field, in the order size, packed, local. */
static bool read_extra(struct zip_entry *entry, const unsigned char *extra, size_t bytes)
{
    uint64_t *wanted[3] = {&entry->size, &entry->packed, &entry->local};
    for (size_t at = 0; at + 4 <= bytes;) {
        size_t id = number(extra + at, 2), length = number(extra + at + 2, 2);
        at += 4;
        if (length > bytes - at)
            return false;
        size_t used = 0;
        for (int i = 0; id == 1 && i < 3; i++)
            if (*wanted[i] == UINT32_MAX) {
                if (length - used < 8)
                    return false;
                *wanted[i] = number(extra + at + used, 8);
                used += 8;
            }
        at += length;
    }
    return true;
}

static ft_status read_directory(struct zip *zip, const unsigned char *at, uint64_t bytes, struct ft_error *error)
{
    for (size_t i = 0; i < zip->entry_count; i++) {
        if (bytes < DIRECTORY_HEADER || memcmp(at, "PK\1\2", 4))
            return damaged(zip, "the directory is cut short", error);
        struct zip_entry *entry = &zip->entries[i];
        size_t extra_bytes = number(at + 30, 2), comment = number(at + 32, 2);
        entry->name_bytes = number(at + 28, 2);
        size_t all = DIRECTORY_HEADER + entry->name_bytes + extra_bytes + comment;
        if (all > bytes)
            return damaged(zip, "the directory is cut short", error);
        entry->name = (const char *)at + DIRECTORY_HEADER;
        entry->method = (uint16_t)number(at + 10, 2);
        entry->crc = (uint32_t)number(at + 16, 4);
        entry->packed = number(at + 20, 4);
        entry->size = number(at + 24, 4);
        entry->local = number(at + 42, 4);
        if (!read_extra(entry, at + DIRECTORY_HEADER + entry->name_bytes, extra_bytes))
            return damaged(zip, "an extra field is cut short", error);
        if (number(at + 8, 2) & 1)
            return damaged(zip, "an entry is encrypted", error);
        if (!map_put(&zip->by_name, entry->name, entry->name_bytes, (uint32_t)i))
            return ft_nomem(error, "the directory of a zip file");
        at += all;
        bytes -= all;
    }
    return FT_OK;
}

ft_status zip_open(struct zip *zip, const char *bytes, size_t count, const char *path, struct arena *memory,
                   struct ft_error *error)
{
    *zip = (struct zip){.path = path, .bytes = (const unsigned char *)bytes, .count = count, .memory = memory};
    zip->inflate_budget = ((uint64_t)4 << 20) + 2 * (uint64_t)count;
    map_init(&zip->by_name);
    uint64_t offset = 0, size = 0, entries = 0;
    ft_status status = find_directory(zip, &offset, &size, &entries, error);
    if (status)
        return status;
    zip->entry_count = (size_t)entries;
    zip->entries = arena_array(memory, zip->entry_count, sizeof *zip->entries);
    if (!zip->entries)
        return ft_nomem(error, "the directory of a zip file");
    status = read_directory(zip, zip->bytes + offset, size, error);
    if (status)
        zip_release(zip);
    return status;
}

void zip_release(struct zip *zip)
{
    map_release(&zip->by_name);
}

struct zip_entry *zip_find(const struct zip *zip, const char *name)
{
    uint32_t i;
    return map_get(&zip->by_name, name, strlen(name), &i) ? &zip->entries[i] : NULL;
}

/* z_stream counts in 32 bits, so both sides are fed in pieces. */
static bool inflate_all(const unsigned char *packed, uint64_t packed_bytes, unsigned char *out, uint64_t size)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, -15) != Z_OK)
        return false;
    const uint64_t piece = 1 << 30;
    uint64_t written = 0;
    int status = Z_OK;
    stream.next_in = (z_const Bytef *)packed;
    stream.next_out = out;
    while (status == Z_OK) {
        uint64_t in_left = packed_bytes - (uint64_t)(stream.next_in - packed), out_left = size - written;
        stream.avail_in = (uInt)(in_left < piece ? in_left : piece);
        stream.avail_out = (uInt)(out_left < piece ? out_left : piece);
        status = inflate(&stream, Z_NO_FLUSH);
        written = (uint64_t)(stream.next_out - out);
    }
    inflateEnd(&stream);
    return status == Z_STREAM_END && written == size;
}

static ft_status inflate_entry(struct zip *zip, struct zip_entry *entry, const unsigned char *packed,
                               const unsigned char **content, struct ft_error *error)
{
    if (entry->size > zip->inflate_budget)
        return damaged(zip, "it unpacks to far more than its size explains", error);
    zip->inflate_budget -= entry->size;
    unsigned char *out = arena_alloc(zip->memory, (size_t)entry->size + 1);
    if (!out)
        return ft_nomem(error, "an unpacked entry of a zip file");
    if (!inflate_all(packed, entry->packed, out, entry->size))
        return damaged(zip, "an entry cannot be unpacked", error);
    *content = out;
    return FT_OK;
}

static uint32_t checksum(const unsigned char *bytes, uint64_t count)
{
    uLong crc = crc32(0, NULL, 0);
    while (count) {
        uInt piece = (uInt)(count < 1 << 30 ? count : 1 << 30);
        crc = crc32(crc, bytes, piece);
        bytes += piece;
        count -= piece;
    }
    return (uint32_t)crc;
}

ft_status zip_read(struct zip *zip, struct zip_entry *entry, const char **content, struct ft_error *error)
{
    *content = entry->content;
    if (entry->content)
        return FT_OK;
    if (entry->local > zip->count || zip->count - entry->local < LOCAL_HEADER ||
        memcmp(zip->bytes + entry->local, "PK\3\4", 4))
        return damaged(zip, "an entry lies outside the file", error);
    const unsigned char *local = zip->bytes + entry->local;
    uint64_t start = entry->local + LOCAL_HEADER + number(local + 26, 2) + number(local + 28, 2);
    if (start > zip->count || entry->packed > zip->count - start)
        return damaged(zip, "an entry lies outside the file", error);
    const unsigned char *at = zip->bytes + start;
    if (entry->method == METHOD_DEFLATED) {
        ft_status status = inflate_entry(zip, entry, at, &at, error);
        if (status)
            return status;
    } else if (entry->method != METHOD_STORED || entry->packed != entry->size)
        return damaged(zip, "an entry is packed by an unknown method", error);
    /* Writers that skip the checksum leave 0. */
    if (entry->crc && checksum(at, entry->size) != entry->crc)
        return ft_fail(error, FT_MODEL, "%s: damaged zip file: '%.*s' does not have its checksum", zip->path,
                       (int)entry->name_bytes, entry->name);
    *content = entry->content = (const char *)at;
    return FT_OK;
}

/* zip.h - finds the entries of a mapped zip file.
 *
 * It promises: what it hands out lies inside the file (or in memory of its own, for deflated entries), has the length
 * and the checksum that the directory says, and inflating stays below 4 MiB plus twice the file's size in all. It
 * refuses: encrypted entries, methods other than stored and deflated, archives in several parts. */
#ifndef IMPORT_ZIP_H
#define IMPORT_ZIP_H
#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zip_entry {
    const char *name; /* not terminated */
    size_t name_bytes;
    uint64_t packed, size, local; /* bytes in the file, bytes of content, offset of the local header */
    uint32_t crc;
    uint16_t method;
    const char *content; /* once read and checked, else NULL */
};

struct zip {
    const char *path;
    const unsigned char *bytes;
    size_t count;
    struct zip_entry *entries;
    size_t entry_count;
    struct map by_name; /* to the index of an entry */
    uint64_t inflate_budget;
    struct arena *memory; /* for entries, and content that was inflated */
};

/* bytes and memory must live as long as the zip and anything read from it. Released on failure. FT_MODEL or
 * FT_NOMEM. */
ft_status zip_open(struct zip *zip, const char *bytes, size_t count, const char *path, struct arena *memory,
                   struct ft_error *error);
void zip_release(struct zip *zip);

/* NULL when there is none. */
struct zip_entry *zip_find(const struct zip *zip, const char *name);

ft_status zip_read(struct zip *zip, struct zip_entry *entry, const char **content, struct ft_error *error);

#endif

/* safetensors_write.c - writes the files; see safetensors.h. The header is made in memory, the tensors' bytes go
 * straight from where they lie to the output. */
#include "base/map.h"
#include "base/text_stream.h"
#include "base/utf8.h"
#include "model/safetensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, LENGTH_BYTES = 8 };

struct place {
    const struct safetensors_entry *entry;
    size_t bytes, alignment, position; /* position: in the caller's list */
};

/* The largest power of two, at most 64, that divides the size. */
static size_t alignment_of(size_t bytes)
{
    size_t lowest = bytes & (~bytes + 1);
    return lowest && lowest < ALIGNMENT ? lowest : ALIGNMENT;
}

static int by_alignment(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    if (a->alignment != b->alignment)
        return a->alignment > b->alignment ? -1 : 1;
    return a->position < b->position ? -1 : a->position > b->position;
}

static bool is_contiguous(const struct tensor *tensor, size_t *bytes)
{
    *bytes = dtype_bytes(tensor->dtype);
    bool contiguous = true;
    for (int d = tensor->rank; d-- > 0;) {
        contiguous &= tensor->shape[d] <= 1 || tensor->stride[d] == (int64_t)(*bytes / dtype_bytes(tensor->dtype));
        if (tensor->shape[d] && *bytes > INT64_MAX / tensor->shape[d])
            return false;
        *bytes *= tensor->shape[d];
    }
    return contiguous || !*bytes;
}

static ft_status check_entries(const struct safetensors_entry *entries, size_t count, struct place *places,
                               struct ft_error *error)
{
    struct map names;
    size_t bad;
    ft_status status = FT_OK;
    map_init(&names);
    for (size_t i = 0; i < count && status == FT_OK; i++) {
        const char *name = entries[i].name;
        places[i].entry = &entries[i];
        places[i].position = i;
        if (!strcmp(name, "__metadata__") || !utf8_valid(name, strlen(name), &bad))
            status = ft_fail(error, FT_USAGE, "cannot write a tensor by the name '%s'", name);
        else if (map_get(&names, name, strlen(name), NULL))
            status = ft_fail(error, FT_USAGE, "cannot write two tensors by the name '%s'", name);
        else if (!is_contiguous(&entries[i].tensor, &places[i].bytes) || (places[i].bytes && !entries[i].tensor.data))
            status = ft_fail(error, FT_USAGE, "cannot write tensor '%s': its elements do not lie side by side", name);
        else if (!map_put(&names, name, strlen(name), 0))
            status = ft_nomem(error, "the model's header");
        places[i].alignment = alignment_of(places[i].bytes);
    }
    map_release(&names);
    return status;
}

static ft_status check_metadata(const char *const (*metadata)[2], size_t count, struct ft_error *error)
{
    size_t bad;
    for (size_t i = 0; i < count; i++) {
        const char *key = metadata[i][0], *value = metadata[i][1];
        if (!utf8_valid(key, strlen(key), &bad) || !utf8_valid(value, strlen(value), &bad))
            return ft_fail(error, FT_USAGE, "cannot write metadata '%s': not UTF-8", key);
        for (size_t earlier = 0; earlier < i; earlier++)
            if (!strcmp(metadata[earlier][0], key))
                return ft_fail(error, FT_USAGE, "cannot write metadata '%s' twice", key);
    }
    return FT_OK;
}

static void put_string(FILE *header, const char *text)
{
    fputc('"', header);
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            fprintf(header, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(header, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, header);
    fputc('"', header);
}

static void put_metadata(FILE *header, const char *const (*metadata)[2], size_t count)
{
    fputs("\"__metadata__\":{", header);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? "," : "", header);
        put_string(header, metadata[i][0]);
        fputc(':', header);
        put_string(header, metadata[i][1]);
    }
    fputc('}', header);
}

static void put_tensor(FILE *header, const struct place *place, size_t offset)
{
    const struct tensor *tensor = &place->entry->tensor;
    put_string(header, place->entry->name);
    fprintf(header, ":{\"dtype\":\"%s\",\"shape\":[", dtype_name(tensor->dtype));
    for (int d = 0; d < tensor->rank; d++)
        fprintf(header, "%s%zu", d ? "," : "", tensor->shape[d]);
    fprintf(header, "],\"data_offsets\":[%zu,%zu]}", offset, offset + place->bytes);
}

/* The header's length and text in one piece, filled up with blanks. False when out of memory. */
static bool make_header(char **text, size_t *bytes, const struct place *places, size_t count,
                        const char *const (*metadata)[2], size_t metadata_count)
{
    struct text_stream stream;
    if (!text_stream_open(&stream))
        return false;
    FILE *header = stream.file;
    for (int i = 0; i < LENGTH_BYTES; i++)
        fputc(0, header);
    fputc('{', header);
    if (metadata_count)
        put_metadata(header, metadata, metadata_count);
    for (size_t i = 0, offset = 0; i < count; offset += places[i++].bytes) {
        fputs(i || metadata_count ? "," : "", header);
        put_tensor(header, &places[i], offset);
    }
    fputc('}', header);
    for (size_t at = text_stream_bytes(&stream); at % ALIGNMENT; at++)
        fputc(' ', header);
    *text = text_stream_close(&stream, bytes);
    if (*text) {
        uint64_t length = *bytes - LENGTH_BYTES;
        memcpy(*text, &length, sizeof length);
    }
    return *text;
}

ft_status safetensors_write(struct output *output, const struct safetensors_entry *entries, size_t count,
                            const char *const (*metadata)[2], size_t metadata_count, struct ft_error *error)
{
    char *header = NULL;
    size_t header_bytes = 0;
    struct place *places = calloc(count + 1, sizeof *places);
    if (!places)
        return ft_nomem(error, "the model's header");
    ft_status status = check_entries(entries, count, places, error);
    if (status == FT_OK)
        status = check_metadata(metadata, metadata_count, error);
    if (status == FT_OK) {
        qsort(places, count, sizeof *places, by_alignment);
        if (!make_header(&header, &header_bytes, places, count, metadata, metadata_count))
            status = ft_nomem(error, "the model's header");
    }
    if (status == FT_OK)
        status = output_write(output, header, header_bytes, error);
    for (size_t i = 0; i < count && status == FT_OK; i++)
        if (places[i].bytes)
            status = output_write(output, places[i].entry->tensor.data, places[i].bytes, error);
    free(header);
    free(places);
    return status;
}

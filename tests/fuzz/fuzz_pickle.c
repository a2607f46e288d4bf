/* fuzz_pickle.c - the object pickle of a Flair model, data.pkl: the input is put into a zip container with right
 * checksums, beside storages "0" to "31" of 1,024 bytes, so that changes reach the pickle machine and what reads its
 * tree. */
#include "fuzz.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { STORAGES = 32, STORAGE_BYTES = 1024, LOCAL = 30 + 9, CENTRAL = 46 + 9 };

static uint8_t *put(uint8_t *at, uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = i < 8 ? (uint8_t)(number >> 8 * i) : 0;
    return at;
}

static uint8_t *put_name(uint8_t *at, int storage) /* 9 characters */
{
    static const char pickle[] = "m/data.pkl";
    if (storage < 0) {
        memcpy(at, pickle, 10);
        return at + 10;
    }
    memcpy(at, "m/data/00", 9);
    at[7] = (uint8_t)('0' + storage / 10);
    at[8] = (uint8_t)('0' + storage % 10);
    if (storage < 10) {
        at[7] = at[8];
        return at + 8;
    }
    return at + 9;
}

static size_t name_bytes(int storage)
{
    return storage < 0 ? 10 : storage < 10 ? 8 : 9;
}

static uint8_t *put_sizes(uint8_t *at, uint32_t crc, size_t bytes, int storage)
{
    at = put(put(put(at, 0, 2), 0, 4), crc, 4); /* stored */
    return put(put(put(put(at, bytes, 4), bytes, 4), name_bytes(storage), 2), 0, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t content[STORAGE_BYTES];
    for (size_t i = 0; i < STORAGE_BYTES; i += 4) { /* floats between -0.5 and 0.5 */
        float value = (float)(i * 37 % 1000) / 1000 - 0.5f;
        memcpy(content + i, &value, 4);
    }
    uint32_t crc = (uint32_t)crc32(0, content, STORAGE_BYTES), pickle_crc = (uint32_t)crc32(0, data, (uInt)size);
    uint8_t *zip = malloc(STORAGES * (LOCAL + CENTRAL + STORAGE_BYTES) + LOCAL + CENTRAL + 100 + size), *at = zip;
    size_t where[STORAGES + 1];
    if (!zip)
        return 0;
    for (int s = -1; s < STORAGES; s++) {
        where[s + 1] = (size_t)(at - zip);
        at = put(put(at, 0x04034b50, 4), 20, 4);
        at = put_name(put_sizes(at, s < 0 ? pickle_crc : crc, s < 0 ? size : STORAGE_BYTES, s), s);
        if (s >= 0 || size)
            memcpy(at, s < 0 ? data : content, s < 0 ? size : STORAGE_BYTES);
        at += s < 0 ? size : STORAGE_BYTES;
    }
    size_t directory = (size_t)(at - zip);
    for (int s = -1; s < STORAGES; s++) {
        at = put(put(at, 0x02014b50, 4), 20 | 20 << 16, 6);
        at = put_sizes(at, s < 0 ? pickle_crc : crc, s < 0 ? size : STORAGE_BYTES, s);
        at = put_name(put(put(at, 0, 10), where[s + 1], 4), s);
    }
    size_t end = (size_t)(at - zip);
    at = put(put(put(at, 0x06054b50, 4), 0, 4), STORAGES + 1, 2);
    at = put(put(put(put(at, STORAGES + 1, 2), end - directory, 4), directory, 4), 0, 2);
    fuzz_model(fuzz_file(0, zip, (size_t)(at - zip)));
    free(zip);
    return 0;
}

/* mutate.c - mutations that know a format; see fuzz.h. */
#include "fuzz.h"
#include <stdlib.h>
#include <string.h>

size_t fuzz_mutate_safetensors(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    uint64_t length = 0;
    if (size < 8 || seed % 8 == 0)
        return LLVMFuzzerMutate(data, size, most);
    memcpy(&length, data, 8);
    if (length > size - 8)
        return LLVMFuzzerMutate(data, size, most);
    size_t rest = size - 8 - (size_t)length, room = most - 8 - rest;
    uint8_t *copy = malloc(rest + 1);
    if (!copy)
        return size;
    memcpy(copy, data + 8 + length, rest);
    length = LLVMFuzzerMutate(data + 8, (size_t)length, room);
    memcpy(data + 8 + length, copy, rest);
    free(copy);
    memcpy(data, &length, 8);
    return 8 + (size_t)length + rest;
}

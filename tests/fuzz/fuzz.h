/* fuzz.h - what the fuzz targets share. A target is one function over bytes, LLVMFuzzerTestOneInput; libFuzzer drives
 * it (make fuzz), or replay.c over files (make check). A target aborts where a promise of the library is broken. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H
#include "tensor/backend.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* libFuzzer's: changes data[0..size) in place into at most `most` bytes; returns how many. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/* Aborts, saying what, unless it holds. */
#define FUZZ_HOLDS(condition, what) ((condition) ? (void)0 : fuzz_broken(what))
_Noreturn void fuzz_broken(const char *what);

/* The bytes as a file: a path that is good until the next call with the same slot. */
enum { FUZZ_FILES = 3 };
const char *fuzz_file(int slot, const void *data, size_t size);

/* One for all inputs, of one thread. */
struct backend *fuzz_backend(void);

/* A failure comes with one line of text. */
void fuzz_check(ft_status status, const struct ft_error *error);

/* Opens the file as a model; what is accepted is used: sentences are tagged, words looked up. */
void fuzz_model(const char *path);

/* Changes a .safetensors file so that its header stays as long as its first eight bytes say (or, at times, does not).
 */
size_t fuzz_mutate_safetensors(uint8_t *data, size_t size, size_t most, unsigned seed);

#endif

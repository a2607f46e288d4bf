/* reading.h - how the targets for text read their input to its end. */
#ifndef FUZZ_READING_H
#define FUZZ_READING_H
#include "fuzz.h"
#include "text/reader.h"

/* All of it, in windows of a few sentences, by these options (files are set here). Checks what sentences promise. */
void fuzz_read(const uint8_t *data, size_t size, struct reader_options options);

#endif

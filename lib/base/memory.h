/* memory.h - memory for numbers: aligned to cache lines, and in huge pages where it is large.
 *
 * Weights and states are walked through from end to end, over and over: with 4 KiB pages a good part of the time goes
 * into looking pages up (6 % of a language-model step of 2048 units, more on virtual machines). */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H
#include <stddef.h>

/* Not cleared, aligned to 64 bytes; NULL when out of memory. Given back with free. */
void *memory_new(size_t bytes);

/* The most memory that this process has had at a time, in bytes, the touched part of mapped files included; 0 where the
 * system does not tell. */
size_t memory_peak(void);

#endif

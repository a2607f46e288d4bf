/* fibers.h - stacks to run a kernel's threads on, one after the other in one thread of the host (x86-64 alone). */
#ifndef EMU_FIBERS_H
#define EMU_FIBERS_H
#include <stdbool.h>
#include <stddef.h>

/* Makes fiber `index` begin with entry(), which must not return, at its next switch. */
void fibers_begin(size_t index, void (*entry)(void));
void fibers_enter(size_t index); /* runs it until it leaves */
void fibers_leave(size_t index); /* from within it, back to whoever entered */
bool fibers_own(const void *at); /* on one of the stacks */

#endif

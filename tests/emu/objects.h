/* objects.h - the handles and descriptors that the drop-in cuBLAS and cuDNN give out, each library's its own. Any
 * address may be asked for, so that one that was destroyed or never made is told and not followed. What is left at exit
 * is a mistake of the program under test. */
#ifndef EMU_OBJECTS_H
#define EMU_OBJECTS_H
#include <stdbool.h>
#include <stddef.h>

/* kind: a literal, for messages too. Cleared; NULL: no host memory. */
void *object_new(const char *kind, size_t bytes);
bool object_is(const char *kind, const void *at);
void object_free(void *at); /* NULL and what is none are let pass */

#endif

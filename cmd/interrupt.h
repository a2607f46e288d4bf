/* interrupt.h - Ctrl-C: the first asks the command to finish its batch, save and leave with 130; the second leaves at
 * once.
 *
 * System calls that wait are not restarted after the first, so that a read from a silent pipe ends with EINTR. */
#ifndef CMD_INTERRUPT_H
#define CMD_INTERRUPT_H
#include <stdatomic.h>
#include <stdbool.h>

extern atomic_bool interrupted;

/* Installs the handler; also ignores SIGPIPE and SIGXFSZ, so that a closed pipe and a file beyond its limit come back
 * from write as EPIPE and EFBIG. */
void interrupt_install(void);

#endif

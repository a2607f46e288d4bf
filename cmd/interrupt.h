/* interrupt.h - Ctrl-C: the first asks the command to finish its batch, save and leave with 130; the second leaves at
 * once.
 *
 * System calls that wait are not restarted after the first, so that a read from a silent pipe ends with EINTR. */
#ifndef CMD_INTERRUPT_H
#define CMD_INTERRUPT_H
#include <stdatomic.h>
#include <stdbool.h>

extern atomic_bool interrupted;

/* Installs the handler; also ignores SIGPIPE, so that a closed pipe comes back from write as EPIPE. */
void interrupt_install(void);

#endif

/* interrupt.c - see interrupt.h. */
#include "cmd/interrupt.h"
#include "flairtag.h"
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#if ATOMIC_BOOL_LOCK_FREE != 2
#error "a signal handler needs a lock-free atomic_bool"
#endif

atomic_bool interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    if (atomic_exchange(&interrupted, true))
        _exit(FT_INTERRUPTED);
}

void interrupt_install(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    struct sigaction before;
    /* A shell starts background jobs with SIGINT ignored; that stays so. */
    if (!sigaction(SIGINT, NULL, &before) && before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

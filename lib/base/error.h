/* error.h - one way to fail: a status goes up the stack, its one line of text lies in the error object. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H
#include "flairtag.h"

/* Writes the message (cut to fit, control characters shown as '?') and returns `status`, so that a function can end
 * with `return ft_fail(error, FT_INPUT, "%s: ...", path);`. error may be NULL. */
ft_status ft_fail(struct ft_error *error, ft_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The one message for an allocation that failed. what: "the token table". */
ft_status ft_nomem(struct ft_error *error, const char *what);

#endif

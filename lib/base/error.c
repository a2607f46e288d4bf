/* error.c - see error.h. Messages may quote bytes of damaged files, so control characters never reach a terminal. */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>

ft_status ft_fail(struct ft_error *error, ft_status status, const char *format, ...)
{
    if (!error)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return status;
}

ft_status ft_nomem(struct ft_error *error, const char *what)
{
    return ft_fail(error, FT_NOMEM, "out of memory for %s", what);
}

/* append_file.h - a text file that a run appends to, a whole line or several at a time, and that is cut where a mark
 * says when the run is taken up again. What cannot be written whole is taken back. */
#ifndef RUN_APPEND_FILE_H
#define RUN_APPEND_FILE_H
#include "base/error.h"
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct append_file {
    int fd; /* -1: none */
    char *path;
    uint64_t bytes; /* that count; a mark is this number */
};

/* Names FOLDER/NAME and opens nothing. FT_NOMEM. */
ft_status append_file_init(struct append_file *file, const char *folder, const char *name, struct ft_error *error);
/* Opens it empty. FT_FAILED. */
ft_status append_file_begin(struct append_file *file, struct ft_error *error);
/* Opens what a mark speaks of without changing it (append_file_cut does that). FT_FAILED; FT_INPUT: it is missing or
 * shorter. */
ft_status append_file_resume(struct append_file *file, uint64_t mark, struct ft_error *error);
ft_status append_file_cut(struct append_file *file, struct ft_error *error);
/* The bytes up to the mark and a NUL behind them, the caller's. FT_INPUT, FT_NOMEM. */
ft_status append_file_read(struct append_file *file, char **bytes, struct ft_error *error);

/* All of it or nothing: half a line would stand before the first line of a run that goes on. FT_FAILED. */
ft_status append_file_write(struct append_file *file, const char *bytes, size_t count, struct ft_error *error);
/* "2026-01-31 12:00:00,000 TEXT", numbers the same in every locale. */
ft_status append_file_log(struct append_file *file, struct ft_error *error, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));
/* Hands it to the disk. */
ft_status append_file_sync(struct append_file *file, struct ft_error *error);
/* FT_FAILED: the system reports only now that something could not be written. It is released in any case. */
ft_status append_file_close(struct append_file *file, struct ft_error *error);

#endif

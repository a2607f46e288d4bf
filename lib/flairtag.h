/* flairtag.h - public API of libflairtag.
 *
 * The library never prints, never exits and holds no globals. Ownership: what a *_open or *_new call hands out belongs
 * to the caller, who gives it back with the matching *_close or *_free; everything else that a call returns is lent,
 * and stays valid until the owner it was taken from is given back. Every call that can fail returns an ft_status and
 * leaves one line of text in the ft_error it was given. */
#ifndef FLAIRTAG_H
#define FLAIRTAG_H

#define FLAIRTAG_VERSION "0.1.0"

/* The values up to FT_INTERRUPTED are the program's exit codes. */
typedef enum ft_status {
    FT_OK = 0,
    FT_FAILED = 1, /* the work failed: output not writable, disk full */
    FT_USAGE = 2,  /* the call makes no sense */
    FT_INPUT = 3,  /* bad, missing or unreadable input */
    FT_MODEL = 4,  /* bad or missing model */
    FT_NOMEM = 5,  /* out of memory, or no such device */
    FT_INTERRUPTED = 130,
    FT_END = 256, /* nothing is left to read; not an error */
    FT_FULL = 257 /* a budget would be passed; nothing was changed */
} ft_status;

/* One line: lower case, what failed first, then where, then what to do. No newline, no program name. */
struct ft_error {
    char text[1024];
};

#endif

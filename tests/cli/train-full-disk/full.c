/* Preloaded, it makes the disk full after $ROOM bytes written to files in a folder `run`. */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long room = -1;

ssize_t write(int fd, const void *bytes, size_t count)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (room < 0)
        room = getenv("ROOM") ? atol(getenv("ROOM")) : 0;
    if (length > 0) {
        path[length] = 0;
        if (strstr(path, "/run/")) {
            if (!room) {
                errno = ENOSPC;
                return -1;
            }
            if ((long)count > room)
                count = (size_t)room;
            room -= (long)count;
        }
    }
    return syscall(SYS_write, fd, bytes, count);
}

/* checks_where.c - the line of source that an address of code belongs to, by addr2line where that is installed. */
#include "engine.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const char *emu_source_of(const void *code, char *text, size_t bytes)
{
    Dl_info library;
    if (dladdr(code, &library) == 0) {
        snprintf(text, bytes, "%p", code);
        return text;
    }
    unsigned long offset = (unsigned long)((const char *)code - (const char *)library.dli_fbase);
    char command[4352];
    /* The instruction before the address to return to. */
    snprintf(command, sizeof command, "addr2line -s -e '%s' %#lx 2>/dev/null", library.dli_fname, offset - 1);
    FILE *lines = popen(command, "r");
    bool found = lines != NULL && fgets(text, (int)bytes, lines) != NULL && text[0] != '?';
    if (lines != NULL)
        pclose(lines);
    if (!found)
        snprintf(text, bytes, "%s+%#lx", library.dli_fname, offset);
    text[strcspn(text, "\n")] = '\0';
    return text;
}

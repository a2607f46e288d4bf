/* engine_faults.c - calls that are made to fail, and mistakes of the program under test. */
#include "engine.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOLD = 20, MOST_FUNCTIONS = 512 };
static size_t mistakes;
static uint64_t calls;
static struct {
    const char *name;
    uint64_t calls;
} functions[MOST_FUNCTIONS]; /* in the order in which they were first called */

void emu_mistake(const char *format, ...)
{
    EMU_LOCKED;
    if (++mistakes > MOST_TOLD)
        return;
    va_list arguments;
    va_start(arguments, format);
    char text[1024];
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "emulated device: %s\n", text);
    if (mistakes == MOST_TOLD)
        fprintf(stderr, "emulated device: that was mistake %d; no more are told\n", MOST_TOLD);
}

size_t emu_mistakes(void)
{
    return mistakes;
}

static uint64_t count_call(const char *function)
{
    calls++;
    for (size_t i = 0; i < MOST_FUNCTIONS; i++) {
        if (functions[i].name == NULL)
            functions[i].name = function;
        if (strcmp(functions[i].name, function) == 0)
            return ++functions[i].calls;
    }
    return 0;
}

bool emu_fails(const char *function, int *code)
{
    EMU_LOCKED;
    uint64_t nth = count_call(function);
    const struct emu_settings *settings = emu_settings();
    if (settings->fail_any != NULL && strtoull(settings->fail_any, NULL, 10) == calls)
        return true;
    if (settings->fail == NULL)
        return false;
    size_t length = strcspn(settings->fail, ":");
    if (strlen(function) != length || strncmp(settings->fail, function, length) != 0 || settings->fail[length] == '\0')
        return false;
    char *end;
    if (strtoull(settings->fail + length + 1, &end, 10) != nth)
        return false;
    if (*end == ':')
        *code = atoi(end + 1);
    return true;
}

uint64_t emu_fallible_calls(void)
{
    return calls;
}

void emu_report_call_counts(void *file)
{
    for (size_t i = 0; i < MOST_FUNCTIONS && functions[i].name != NULL; i++)
        fprintf(file, "%s\n    \"%s\": %llu", i != 0 ? "," : "", functions[i].name,
                (unsigned long long)functions[i].calls);
}

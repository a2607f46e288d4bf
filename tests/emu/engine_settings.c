/* engine_settings.c - the emulated device's environment variables, its lock, and its random numbers. */
#include "engine.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct emu_settings settings;
static uint64_t random_state;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void refuse(const char *name, const char *text, const char *wanted)
{
    fprintf(stderr, "emulated device: %s=%s: expected %s\n", name, text, wanted);
    _Exit(2);
}

static unsigned long long number(const char *name, unsigned long long otherwise)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0')
        return otherwise;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        refuse(name, text, "a number");
    return value;
}

/* Which of the words, separated by '|', the variable holds. */
static unsigned choice(const char *name, const char *words, unsigned otherwise)
{
    const char *text = getenv(name);
    if (text == NULL || *text == '\0')
        return otherwise;
    size_t length = strlen(text);
    unsigned index = 0;
    for (const char *word = words;; word++, index++) {
        size_t end = strcspn(word, "|");
        if (end == length && memcmp(word, text, length) == 0)
            return index;
        word += end;
        if (*word == '\0')
            refuse(name, text, words);
    }
}

static void read_environment(void)
{
    settings = (struct emu_settings){
        .schedule = (enum emu_schedule)choice("EMU_SCHEDULE", "sequential|reversed|random", EMU_SEQUENTIAL),
        .streams = (enum emu_streams)choice("EMU_STREAMS", "eager|lazy|random", EMU_LAZY),
        .seed = number("EMU_SEED", 1),
        .capacity = (size_t)number("EMU_CAPACITY", (unsigned long long)4 << 30),
        .devices = (int)number("EMU_DEVICES", 1),
        .compute_capability = (int)number("EMU_CC", 75),
        .processors = (int)number("EMU_SMS", 4),
        .sectors = number("EMU_SECTORS", 0) != 0,
        .kernels = getenv("EMU_KERNELS"),
        .fail = getenv("EMU_FAIL"),
        .fail_any = getenv("EMU_FAIL_ANY"),
        .report = getenv("EMU_REPORT"),
    };
    if (settings.devices > EMU_MOST_DEVICES)
        refuse("EMU_DEVICES", getenv("EMU_DEVICES"), "at most 8");
    if (settings.kernels != NULL && *settings.kernels == '\0')
        settings.kernels = NULL;
    random_state = (settings.seed + 1) * 0x9E3779B97F4A7C15u;
}

const struct emu_settings *emu_settings(void)
{
    pthread_once(&once, read_environment);
    return &settings;
}

/* Vigna's splitmix64. */
uint32_t emu_random(uint32_t below)
{
    random_state += 0x9E3779B97F4A7C15u;
    uint64_t mixed = random_state;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((mixed >> 32) * below >> 32);
}

/* Without a look at the environment: objects with kernels register them before main, which may still change it. */
void emu_lock(void)
{
    pthread_mutex_lock(&lock);
}

void emu_unlock(int *unused)
{
    (void)unused;
    pthread_mutex_unlock(&lock);
}

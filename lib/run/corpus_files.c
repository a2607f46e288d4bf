/* corpus_files.c - see corpus_files.h. */
#include "run/corpus_files.h"
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const split_names[SPLITS] = {"train", "dev", "test"};

struct listing {
    const char *folder;
    struct dirent **entries; /* by name */
    size_t count;
};

ft_status corpus_note(struct corpus *corpus, struct ft_error *error, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *note = arena_copy(&corpus->arena, text, strlen(text));
    if (!note || corpus->note_count == CORPUS_NOTES)
        return ft_nomem(error, "a note on the corpus");
    corpus->notes[corpus->note_count++] = note;
    return FT_OK;
}

static bool is_listed(const struct listing *listing, const char *name, size_t bytes)
{
    for (size_t i = 0; i < listing->count; i++)
        if (strlen(listing->entries[i]->d_name) == bytes && !memcmp(listing->entries[i]->d_name, name, bytes))
            return true;
    return false;
}

static bool ends_with(const char *name, const char *ending)
{
    size_t bytes = strlen(name), wanted = strlen(ending);
    return bytes >= wanted && !memcmp(name + bytes - wanted, ending, wanted);
}

static bool is_passed_over(const struct listing *listing, const char *name)
{
    static const char *const endings[] = {".part", ".swp", "~",   ".safetensors", ".pt", ".bin",
                                          ".log",  ".svg", ".py", ".sh",          ".md", ".json"};
    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_with(name, endings[i]))
            return true;
    if ((!strcmp(name, "dev.tsv") || !strcmp(name, "test.tsv")) && is_listed(listing, "loss.tsv", strlen("loss.tsv")))
        return true;
    return ends_with(name, ".gz") && is_listed(listing, name, strlen(name) - strlen(".gz"));
}

enum fit { FITS_NOT, FITS_LOOSELY, FITS };

static enum fit name_fits(const char *name, int split)
{
    bool train = strstr(name, "train") && !strstr(name, "54019");
    bool dev = !train && (strstr(name, "dev") || strstr(name, "testa"));
    if (split == SPLIT_TRAIN)
        return train ? FITS : FITS_NOT;
    if (split == SPLIT_DEV)
        return dev ? FITS : FITS_NOT;
    if (train || dev || !strstr(name, "test"))
        return FITS_NOT;
    return strstr(name, "testb") ? FITS : FITS_LOOSELY;
}

static bool is_regular(const char *path)
{
    struct stat about;
    return !stat(path, &about) && S_ISREG(about.st_mode);
}

/* Leaves splits[split].file NULL where nothing fits. */
static ft_status find_split(struct corpus *corpus, int split, const struct listing *listing, struct ft_error *error)
{
    enum fit best = FITS_NOT;
    const char *name = NULL, *other = NULL;
    size_t fitting = 0;
    char path[4096];
    for (size_t i = 0; i < listing->count; i++) {
        const char *candidate = listing->entries[i]->d_name;
        enum fit fit = name_fits(candidate, split);
        if (fit == FITS_NOT || fit < best || is_passed_over(listing, candidate))
            continue;
        int length = snprintf(path, sizeof path, "%s/%s", listing->folder, candidate);
        if (length < 0 || (size_t)length >= sizeof path || !is_regular(path))
            continue;
        if (fit > best) {
            best = fit;
            name = candidate;
            fitting = 0;
        }
        if (++fitting == 2)
            other = candidate;
    }
    if (!name)
        return FT_OK;
    size_t folder_bytes = strlen(listing->folder);
    bool slash = folder_bytes && listing->folder[folder_bytes - 1] == '/';
    bool here = !strcmp(listing->folder, ".");
    int length = here ? snprintf(path, sizeof path, "%s", name)
                      : snprintf(path, sizeof path, "%s%s%s", listing->folder, slash ? "" : "/", name);
    corpus->splits[split].file = arena_copy(&corpus->arena, path, (size_t)length);
    if (!corpus->splits[split].file)
        return ft_nomem(error, "the names of a corpus's files");
    if (fitting == 1)
        return FT_OK;
    if (fitting == 2)
        return corpus_note(corpus, error, "%s is %s, not %s (--%s names another)", split_names[split], name, other,
                           split_names[split]);
    return corpus_note(corpus, error, "%s is %s, not %s and %zu more (--%s names another)", split_names[split], name,
                       other, fitting - 2, split_names[split]);
}

/* Unlike alphasort's, an order that no locale changes. */
static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

ft_status corpus_find_files(struct corpus *corpus, const struct corpus_options *options, struct ft_error *error)
{
    bool all_named = true;
    for (int split = 0; split < SPLITS; split++) {
        const char *file = options->files[split];
        if (file && !(corpus->splits[split].file = arena_copy(&corpus->arena, file, strlen(file))))
            return ft_nomem(error, "the names of a corpus's files");
        all_named &= file != NULL;
    }
    if (all_named || !options->folder)
        return FT_OK;
    struct listing listing = {.folder = options->folder};
    int count = scandir(options->folder, &listing.entries, NULL, by_name);
    if (count < 0 && errno == ENOMEM)
        return ft_nomem(error, "the names in a folder");
    if (count < 0)
        return ft_fail(error, FT_INPUT, "%s: cannot list the folder: %s", options->folder, strerror(errno));
    listing.count = (size_t)count;
    ft_status status = FT_OK;
    for (int split = 0; !status && split < SPLITS; split++)
        if (!corpus->splits[split].file)
            status = find_split(corpus, split, &listing, error);
    for (size_t i = 0; i < listing.count; i++)
        free(listing.entries[i]);
    free(listing.entries);
    return status;
}

ft_status corpus_require_train(const struct corpus *corpus, const struct corpus_options *options,
                               struct ft_error *error)
{
    if (corpus->splits[SPLIT_TRAIN].file)
        return FT_OK;
    if (!options->folder)
        return ft_fail(error, FT_INPUT, "no training file: --train names one");
    return ft_fail(error, FT_INPUT, "%s: no file for training: none has 'train' in its name (--train names one)",
                   options->folder);
}

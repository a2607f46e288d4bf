/* replay.c - runs a fuzz target once over each file named, or in a folder named, and once over nothing: for compilers
 * without libFuzzer, and for `make check`. Prints how many there were. */
#include "fuzz.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most)
{
    (void)data;
    return size < most ? size : most;
}

static void run_file(const char *path)
{
    struct stat facts;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &facts)) {
        fprintf(stderr, "cannot open %s\n", path);
        exit(2);
    }
    size_t size = (size_t)facts.st_size;
    uint8_t *data = malloc(size ? size : 1); /* no byte more, so that reading past the end is seen */
    if (!data || fread(data, 1, size, file) != size) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static size_t run(const char *path)
{
    struct stat facts;
    struct dirent **names;
    if (stat(path, &facts) || !S_ISDIR(facts.st_mode))
        return run_file(path), 1;
    int count = scandir(path, &names, NULL, alphasort);
    size_t files = 0;
    for (int i = 0; i < count; i++) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, names[i]->d_name);
        if (*names[i]->d_name != '.')
            files += run(inside);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return files;
}

int main(int argc, char **argv)
{
    size_t files = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        files += run(argv[i]);
    printf("%zu files\n", files);
    return 0;
}

/* run_folder.c - see run_folder.h. */
#include "run/run_folder.h"
#include "base/map.h"
#include "base/output.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char description[] = "run.json";
enum { LARGEST_DESCRIPTION = 1 << 20 };

const char *run_folder_file(const struct run_folder *folder, const char *name, char path[RUN_PATH_BYTES])
{
    snprintf(path, RUN_PATH_BYTES, "%s/%s", folder->path, name);
    return path;
}

static ft_status set_path(struct run_folder *folder, const char *path, struct ft_error *error)
{
    size_t length = strlen(path);
    *folder = (struct run_folder){.lock = -1};
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= RUN_FOLDER_BYTES)
        return ft_fail(error, FT_USAGE, "the run folder's path is too long");
    memcpy(folder->path, path, length);
    return FT_OK;
}

static ft_status lock(struct run_folder *folder, struct ft_error *error)
{
    folder->lock = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->lock < 0)
        return ft_fail(error, FT_FAILED, "%s: cannot open the run folder: %s", folder->path, strerror(errno));
    if (flock(folder->lock, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? ft_fail(error, FT_FAILED, "%s: another process is training in it", folder->path)
                                    : FT_OK; /* file systems without locks go without */
    return FT_OK;
}

/* What a run writes and somebody else may have written before: a corpus has its dev.tsv and test.tsv, too. */
static const char *const written[] = {"checkpoint.safetensors",
                                      "best-model.safetensors",
                                      "final-model.safetensors",
                                      "final-lm.safetensors",
                                      "training.log",
                                      "loss.tsv",
                                      "loss.txt",
                                      "loss.svg",
                                      "weights.txt",
                                      "dev.tsv",
                                      "test.tsv"};

static ft_status require_free(const struct run_folder *folder, struct ft_error *error)
{
    char file[RUN_PATH_BYTES];
    if (!access(run_folder_file(folder, description, file), F_OK))
        return ft_fail(error, FT_USAGE,
                       "%s: holds a run already (--resume %s goes on with it; a new run needs another folder)",
                       folder->path, folder->path);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        if (!access(run_folder_file(folder, written[i], file), F_OK))
            return ft_fail(error, FT_USAGE,
                           "%s: is there already and would be written over (a new run needs another folder)", file);
    if (access(folder->path, W_OK | X_OK))
        return ft_fail(error, FT_FAILED, "%s: cannot write in the run folder: %s", folder->path, strerror(errno));
    return FT_OK;
}

ft_status run_folder_create(struct run_folder *folder, const char *path, struct ft_error *error)
{
    ft_status status = set_path(folder, path, error);
    if (status != FT_OK)
        return status;
    folder->made = !mkdir(folder->path, 0777);
    if (!folder->made && errno != EEXIST)
        return ft_fail(error, FT_FAILED, "%s: cannot make the run folder: %s", folder->path, strerror(errno));
    status = lock(folder, error);
    if (status == FT_OK)
        status = require_free(folder, error);
    if (status != FT_OK)
        run_folder_close(folder);
    return status;
}

ft_status run_folder_describe(struct run_folder *folder, struct ft_error *error)
{
    char file[RUN_PATH_BYTES];
    ft_status status =
        output_whole(run_folder_file(folder, description, file), folder->text, strlen(folder->text), error);
    if (status == FT_OK)
        folder->made = false;
    return status;
}

static ft_status read_description(struct run_folder *folder, const char *file, struct ft_error *error)
{
    FILE *in = fopen(file, "re");
    if (!in && errno == ENOMEM)
        return ft_nomem(error, "a training run");
    if (!in)
        return ft_fail(error, FT_INPUT, "%s: no training run to go on with: cannot open '%s': %s", folder->path,
                       description, strerror(errno));
    folder->text = malloc(LARGEST_DESCRIPTION + 1);
    size_t bytes = folder->text ? fread(folder->text, 1, LARGEST_DESCRIPTION, in) : 0;
    bool bad = ferror(in);
    fclose(in);
    if (!folder->text)
        return ft_nomem(error, "a training run");
    folder->text[bytes] = '\0';
    return bad || !bytes ? ft_fail(error, FT_INPUT, "%s: cannot be read", file) : FT_OK;
}

ft_status run_folder_open(struct run_folder *folder, const char *path, struct ft_error *error)
{
    char file[RUN_PATH_BYTES];
    ft_status status = set_path(folder, path, error);
    struct stat about;
    if (status == FT_OK && (stat(folder->path, &about) || !S_ISDIR(about.st_mode)))
        return ft_fail(error, FT_INPUT, "%s: no such folder", folder->path);
    if (status == FT_OK)
        status = lock(folder, error);
    if (status == FT_OK)
        status = read_description(folder, run_folder_file(folder, description, file), error);
    if (status != FT_OK)
        run_folder_close(folder);
    return status;
}

void run_folder_close(struct run_folder *folder)
{
    free(folder->text);
    if (folder->made)
        rmdir(folder->path); /* only where it is empty */
    if (folder->lock >= 0)
        close(folder->lock);
    *folder = (struct run_folder){.lock = -1};
}

void run_folder_identity(const struct run_folder *folder, char identity[RUN_IDENTITY_BYTES])
{
    snprintf(identity, RUN_IDENTITY_BYTES, "%016" PRIx64, map_hash(folder->text, strlen(folder->text)));
}

ft_status file_fingerprint(const char *path, char fingerprint[FINGERPRINT_BYTES], struct ft_error *error)
{
    static const size_t step = 1 << 20;
    FILE *in = fopen(path, "re");
    if (!in && errno == ENOMEM)
        return ft_nomem(error, "reading a file");
    if (!in)
        return ft_fail(error, FT_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    unsigned char *buffer = malloc(step);
    uLong sum = crc32(0, NULL, 0);
    size_t bytes = 0, got = 0;
    while (buffer && (got = fread(buffer, 1, step, in)) > 0) {
        sum = crc32(sum, buffer, (uInt)got);
        bytes += got;
    }
    int bad = ferror(in) ? errno : 0;
    fclose(in);
    if (!buffer)
        return ft_nomem(error, "reading a file");
    free(buffer);
    if (bad)
        return ft_fail(error, FT_INPUT, "%s: cannot be read: %s", path, strerror(bad));
    snprintf(fingerprint, FINGERPRINT_BYTES, "%zu %08lx", bytes, (unsigned long)sum);
    return FT_OK;
}

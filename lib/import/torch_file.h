/* torch_file.h - what torch.save wrote: one tree of plain data, and the storages that its tensors view.
 *
 * Reads both containers, zip (torch 1.6 and later) and the legacy stream of pickles, from a mapped file. It promises: a
 * tensor handed out lies inside its storage with every element, and borrows the file's bytes (or those of an inflated
 * entry). It refuses: big-endian files, complex, quantized and sparse tensors, more than four dimensions. */
#ifndef IMPORT_TORCH_FILE_H
#define IMPORT_TORCH_FILE_H
#include "base/map.h"
#include "import/pickle.h"
#include "import/zip.h"
#include "model/description.h"

struct torch_storage { /* of a legacy stream */
    const char *key;
    const char *data; /* NULL until its place in the file is known */
    size_t key_bytes, elements;
    enum dtype dtype;
};

struct torch_file {
    const char *path;
    bool is_zip;
    struct zip zip;
    char *top;            /* "archive": the folder of all entries */
    struct pickle pickle; /* the tree is pickle.root */
    struct torch_storage *storages;
    size_t storage_count;
    struct map by_key; /* of storages */
    struct arena *memory;
};

/* True when the bytes look like either container. */
bool torch_file_is(const char *bytes, size_t count);

/* path, bytes and memory must live as long as the file and all tensors. Released on failure. FT_MODEL or FT_NOMEM. */
ft_status torch_file_open(struct torch_file *file, const char *bytes, size_t count, const char *path,
                          struct arena *memory, struct ft_error *error);

/* Frees the tree; tensors and strings stay valid as long as bytes and memory do. */
void torch_file_release(struct torch_file *file);

/* name: for messages ("linear.weight"). */
ft_status torch_tensor(struct torch_file *file, const struct value *value, const char *name, struct tensor *tensor,
                       struct ft_error *error);

/* Sets shape and stride from plain numbers and checks that every element lies in data[0, elements). strides may be
 * NULL: then C order. False when it does not. */
bool torch_view(struct tensor *tensor, const void *data, size_t elements, enum dtype dtype, size_t offset, int rank,
                const size_t *shape, const int64_t *strides);

#endif

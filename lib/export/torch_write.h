/* torch_write.h - writes what torch.load reads: a zip container (torch 1.6 and later) with one pickle and the storages
 * of its tensors.
 *
 * The caller puts plain data into `pickle` and tensors between them; then the whole is written in one go. Entries are
 * stored, not deflated, and begin at multiples of 64 bytes as torch's own do, so that they can be mapped. It refuses
 * files of 4 GiB and more, which would need Zip64. */
#ifndef EXPORT_TORCH_WRITE_H
#define EXPORT_TORCH_WRITE_H
#include "base/error.h"
#include "base/output.h"
#include "export/pickle_write.h"

struct torch_storage_entry {
    const float *data;
    size_t bytes;
};
struct torch_writer {
    struct pickle_writer pickle;
    struct torch_storage_entry *storages;
    size_t count, capacity;
};

void torch_writer_init(struct torch_writer *writer);
void torch_writer_release(struct torch_writer *writer);

/* Puts a contiguous float32 tensor, [rows, columns], or [rows] where columns is 0. data: lent until torch_write. */
void torch_put_tensor(struct torch_writer *writer, const float *data, size_t rows, size_t columns);

/* Ends the pickle and writes the file. FT_NOMEM; FT_FAILED for 4 GiB and more, and what output_write returns. */
ft_status torch_write(struct torch_writer *writer, struct output *output, struct ft_error *error);

#endif

/* safetensors.h - the container of converted models: named tensors and a map of strings.
 *
 * The public safetensors format: 8 bytes header length (little-endian), a JSON header, then the tensors' bytes without
 * holes or overlap. Opening maps the file and reads the header alone, so it takes the same time for any size, and
 * processes that open the same file share its memory. Promises: every name is unique, and every tensor that is handed
 * out lies inside the file with a shape that matches its bytes. Refuses: anything in the header that the format does
 * not name, tensors of more than 4 dimensions and element types that description.h does not know.
 *
 * Errors are FT_MODEL (or FT_NOMEM) and begin with the file's path. What a file lends stays valid until
 * safetensors_close. */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H
#include "base/error.h"
#include "base/output.h"
#include "model/description.h"

struct safetensors;

/* True when the first bytes of a file are those of a safetensors file. bytes: how many of them are at hand; 9 decide.
 * */
bool safetensors_is(const void *head, size_t bytes);

ft_status safetensors_open(const char *path, struct safetensors **file, struct ft_error *error);
void safetensors_close(struct safetensors *file); /* NULL is allowed */

/* A wish to the system, for a file that comes from disk and whose tensors will be used: weights in huge pages of the
 * page cache, still shared, are walked through some percent faster. A file that is cached already stays as it is. */
void safetensors_wish(const struct safetensors *file);

/* A tensor by name, contiguous; NULL when there is none. Its data may lie at any address in files of other writers. */
const struct tensor *safetensors_find(const struct safetensors *file, const char *name);

/* A string of __metadata__, or NULL. */
const char *safetensors_metadata(const struct safetensors *file, const char *key);

const char *safetensors_path(const struct safetensors *file);
size_t safetensors_bytes(const struct safetensors *file); /* of the whole file */

/* All tensors, in the order of the header. index < safetensors_count. */
size_t safetensors_count(const struct safetensors *file);
const char *safetensors_name(const struct safetensors *file, size_t index);
const struct tensor *safetensors_tensor(const struct safetensors *file, size_t index);

struct safetensors_entry {
    const char *name;
    struct tensor tensor; /* contiguous */
};

/* Writes a whole file. The same entries give the same bytes, always. Tensors are written by decreasing alignment of
 * their size (64, 32 ... 1 bytes; equal ones as given), and the first starts at a multiple of 64: every tensor whose
 * size is a multiple of 64 lies on such an address once mapped, every other on one that suits its elements. FT_USAGE: a
 * name or key twice, text that is not UTF-8, a tensor that is not contiguous; else what output_write returns. */
ft_status safetensors_write(struct output *output, const struct safetensors_entry *entries, size_t count,
                            const char *const (*metadata)[2], size_t metadata_count, struct ft_error *error);

#endif

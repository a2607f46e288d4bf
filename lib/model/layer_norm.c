/* layer_norm.c - see layer_norm.h. */
#include "model/layer_norm.h"
#include <math.h>
#include <stdlib.h>

static void normalise(float *row, size_t width, const float *weight, const float *bias)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < width; i++)
        sum += (double)row[i];
    double mean = sum / (double)width;
    for (size_t i = 0; i < width; i++)
        squares += ((double)row[i] - mean) * ((double)row[i] - mean);
    double scale = sqrt(squares / (double)width + 1e-5);
    for (size_t i = 0; i < width; i++)
        row[i] = (float)(((double)row[i] - mean) / scale * (double)weight[i] + (double)bias[i]);
}

static bool read_vector(const struct tensor *from, size_t width, float absent, float *to)
{
    if (from->data && !tensor_is_vector(from, width))
        return false;
    for (size_t i = 0; i < width && !from->data; i++)
        to[i] = absent;
    if (from->data)
        tensor_to_f32(from, to);
    return true;
}

ft_status layer_norm_rows(const struct norm_description *norm, float *rows, size_t count, size_t width,
                          struct ft_error *error)
{
    float *vectors = malloc((2 * width + 1) * sizeof *vectors);
    if (!vectors)
        return ft_nomem(error, "a LayerNorm");
    bool fits = read_vector(&norm->weight, width, 1, vectors) && read_vector(&norm->bias, width, 0, vectors + width);
    for (size_t i = 0; fits && i < count; i++)
        normalise(rows + i * width, width, vectors, vectors + width);
    free(vectors);
    return fits ? FT_OK : ft_fail(error, FT_MODEL, "layer_norm has another width than the embeddings it belongs to");
}

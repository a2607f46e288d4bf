/* layer_norm.h - LayerNorm of embedding rows, applied once when a table is made. */
#ifndef MODEL_LAYER_NORM_H
#define MODEL_LAYER_NORM_H
#include "model/description.h"

/* y = (x - mean) / sqrt(variance + 1e-5) * weight + bias, over each row (Ba et al. 2016; PyTorch's eps), in double.
 * rows: [count, width], replaced. norm: its tensors are absent for weight 1 and bias 0, else [width] each.
 * FT_MODEL when they have another shape; FT_NOMEM. */
ft_status layer_norm_rows(const struct norm_description *norm, float *rows, size_t count, size_t width,
                          struct ft_error *error);

#endif

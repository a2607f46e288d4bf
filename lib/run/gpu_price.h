/* gpu_price.h - what the files of gpu_model.h share: prices of launches, added up. */
#ifndef RUN_GPU_PRICE_H
#define RUN_GPU_PRICE_H
#include "run/gpu_model.h"

struct gpu_model {
    struct backend base;
    const struct gpu_card *card;
    enum cuda_math math;
    struct gpu_estimate sum;
};

/* So many launches of the same: floating-point operations in products, weights that products read (numbers), other
 * bytes that are read and written, and the links of chains. */
struct gpu_launch {
    double operations, weights, bytes, chain;
    double kernels; /* 0: 1 */
};
void gpu_launches(struct gpu_model *model, double times, const struct gpu_launch *launch);

/* A product [m, k] [k, n] whose second operand are weights, and one of activations. */
void gpu_product(struct gpu_model *model, double m, double n, double k);
void gpu_product_of_rows(struct gpu_model *model, double m, double n, double k);
/* A kernel that reads and writes so many floats in all. */
void gpu_kernel(struct gpu_model *model, double floats);
void gpu_upload(struct gpu_model *model, double bytes);
void gpu_download(struct gpu_model *model, double bytes);

extern const struct training_ops gpu_model_training;

#endif

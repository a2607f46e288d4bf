/* softmax_cuda.h - a row of emissions as a distribution over tags: decoding (kernels/crf.h) and loss (kernels/
 * crf_loss.h). Blocks of SOFTMAX_THREADS, a warp a row: SOFTMAX_ROWS rows a block. */
#ifndef KERNELS_SOFTMAX_CUDA_H
#define KERNELS_SOFTMAX_CUDA_H
#include "kernels/device_prototype.h"
#include <stddef.h>
#include <stdint.h>

enum { SOFTMAX_THREADS = 256, SOFTMAX_ROWS = SOFTMAX_THREADS / 32 };

/* softmax_decode. e: [rows, K]; tags: [rows], or NULL; scores: [rows], the softmax's largest, or NULL. */
KERNEL_PROTOTYPE void softmax_decode_rows(const float *e, size_t rows, uint32_t tag_count, uint32_t *tags,
                                          float *scores);

/* softmax_loss of each row. gold: [rows]; allowed: [sets, K] of tag choices, or NULL; sentence: [rows], UINT32_MAX for
 * rows that belong to none and are left alone; scales: [sentences]; losses: [rows]; d_e: [rows, K], or NULL. */
KERNEL_PROTOTYPE void softmax_loss_rows(const float *e, size_t rows, uint32_t tag_count, const uint32_t *gold,
                                        const uint8_t *allowed, const uint32_t *sentence, const float *scales,
                                        double *losses, float *d_e);

#endif

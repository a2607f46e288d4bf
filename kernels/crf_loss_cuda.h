/* crf_loss_cuda.h - the CRF's loss and its gradients on the device, as kernels/crf_loss.h and kernels/tag_choices.h
 * define them. Everything is in double, since -10000 and a thousand tokens stand in the same sum. Blocks are whole
 * warps, one thread a tag up to CRF_THREADS. */
#ifndef KERNELS_CRF_LOSS_CUDA_H
#define KERNELS_CRF_LOSS_CUDA_H
#include "kernels/crf_cuda.h"

/* What the kernels of one call share. Arrays are the device's; those of [rows, K] have a row for each of the
 * emissions. Where no gradients are wanted, d_emissions, u, s, p and allowed_p are NULL; where all gold is certain,
 * uncertain, sets, follows and all that is named `allowed` are. */
struct crf_loss_arrays {
    uint32_t tags, start, stop;
    float scale;
    const float *emissions;   /* [rows, K] */
    const float *transitions; /* [K, K], [to, from] */
    const size_t *sentences;  /* [count, 2], first row and tokens */
    const uint32_t *gold;     /* [rows] */
    const uint8_t *uncertain; /* [count] 1: gold is a choice of tags for some token */
    const uint8_t *sets;      /* [sets, K] of tag choices */
    const uint8_t *follows;   /* [K, K], [to, from] */
    /* crf_factor_rows makes these: */
    double *most, *e, *e_turned;     /* [K]; E [K, K] of kernels/crf_loss.c; its transpose */
    float *allowed, *allowed_turned; /* [K, K] transitions, -INFINITY where `follows` forbids them; transposed */
    /* crf_allowed_sentences makes these, of uncertain sentences: */
    double *allowed_alpha, *allowed_p; /* [rows, K] */
    double *allowed_scores;            /* [count] */
    /* crf_loss_sentences makes these: */
    double *alpha, *u, *s, *p; /* [rows, K]; s receives p / s, or -p where s is too small to divide by */
    double *losses;            /* [count] */
    float *d_emissions;        /* [rows, K] */
};

/* A block a tag, of one warp. */
KERNEL_PROTOTYPE void crf_factor_rows(struct crf_loss_arrays at);

/* crf_allowed_score without the counts, a block a sentence; certain ones are passed over. */
KERNEL_PROTOTYPE void crf_allowed_sentences(struct crf_loss_arrays at);

/* Losses and the gradients of emissions, a block a sentence. Shared memory: [K] doubles. */
KERNEL_PROTOTYPE void crf_loss_sentences(struct crf_loss_arrays at);

/* counts[b, k] = expected minus counted transitions of sentences b * per_block .. in blockIdx.y = b, ascending; a
 * thread a transition k, blocks of CRF_THREADS. count: of all sentences. counts: [gridDim.y, K, K]. */
KERNEL_PROTOTYPE void crf_count_transitions(struct crf_loss_arrays at, size_t count, size_t per_block, double *counts);

#endif

/* sets.h - every kernel set there is; which of them a machine can run is known to kernels.c alone. */
#ifndef KERNELS_SIMD_SETS_H
#define KERNELS_SIMD_SETS_H
#include "kernels/kernels.h"

extern const struct kernels kernels_avx512_vnni;
extern const struct kernels kernels_avx512;
extern const struct kernels kernels_avx_vnni;
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_neon_dot;
extern const struct kernels kernels_neon;
extern const struct kernels kernels_scalar;

/* The set of the file it stands in, from the names that its headers give their functions. */
#define SET_OF_KERNELS(set_name, best)                                                                               \
    {                                                                                                                \
        .name = set_name, .fastest = best, .multiply = {multiply_f32, multiply_int16, multiply_int8, multiply_int7}, \
        .largest = largest, .squares = squares, .quantise = {NULL, quantise16, quantise8, quantise8},                \
        .restore = restore, .signed_rows = ROW_OFFSET == 0, .lstm = gates_lstm_rows, .gru = gates_gru_rows,          \
        .lstm_keep = gates_lstm_keep_rows, .lstm_back = gates_lstm_back_row,                                         \
        .peak = {multiply_f32_peak, multiply_int16_peak, multiply_int8_peak, multiply_int7_peak},                    \
    }

#endif

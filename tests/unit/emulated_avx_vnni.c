/* emulated_avx_vnni.c - the AVX-VNNI set with its two instructions in AVX-512's encoding, which gives the same results:
 * so it can be tested on machines that have the one extension and not the other. */
#if defined(__x86_64__)
#include <immintrin.h>

#define _mm256_dpbusd_avx_epi32(sum, x, w) _mm256_dpbusd_epi32(sum, x, w)
#define _mm256_dpwssd_avx_epi32(sum, x, w) _mm256_dpwssd_epi32(sum, x, w)
#define kernels_avx_vnni emulated_avx_vnni
#endif
#include "kernels/simd/avx_vnni.c"

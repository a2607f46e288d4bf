/* neon.h - what the ARM sets share: their vocabulary of vectors, and the kernels that need no dot product. */
#include "kernels/simd/sets.h"
#include <arm_neon.h>
#include <string.h>

/* NEON's own minimum and maximum would give a NaN where one is given. */
#define V float32x4_t
#define V_WIDTH 4
#define V_SET vdupq_n_f32
#define V_LOAD vld1q_f32
#define V_STORE vst1q_f32
#define V_ADD vaddq_f32
#define V_SUB vsubq_f32
#define V_MUL vmulq_f32
#define V_DIV vdivq_f32
#define V_FMA(a, b, c) vfmaq_f32(c, a, b)
#define V_MIN(a, b) lesser(a, b)
#define V_MAX(a, b) greater(a, b)
#define V_SCALE2(p, shifted) \
    vmulq_f32(               \
        p, vreinterpretq_f32_s32(vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23), vdupq_n_s32(0x3f800000))))
#define V_FROM_INT(p) vcvtq_f32_s32(vld1q_s32(p))
#define V_STORE8(p, v, offset) store8(p, vaddq_s32(vcvtnq_s32_f32(v), vdupq_n_s32(offset)))
#define V_STORE16(p, v) vst1_s16(p, vmovn_s32(vcvtnq_s32_f32(v)))
#define ROW_OFFSET 0

static inline float32x4_t lesser(float32x4_t a, float32x4_t b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

static inline float32x4_t greater(float32x4_t a, float32x4_t b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline void store8(uint8_t *to, int32x4_t x)
{
    int16x4_t words = vmovn_s32(x);
    uint32_t bytes = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0);
    memcpy(to, &bytes, sizeof bytes);
}
#include "kernels/simd/gates.h"
#include "kernels/simd/quantise.h"

#define R_COLUMNS 4
#define R_STRETCH 96
#define R_OPAQUE(x) __asm__ volatile("" : "+w"(x))

#define R float32x4_t
#define R_LOAD(p) vld1q_f32((const void *)(p))
#define R_STORE(p, x) vst1q_f32((void *)(p), x)
#define R_BROADCAST(p) vld1q_dup_f32((const void *)(p))

#define MULTIPLY multiply_f32
#define ELEMENTS 1
#define ROWS 6
#define DOT vfmaq_f32
#include "kernels/simd/multiply.h"
#undef R
#undef R_LOAD
#undef R_STORE
#undef R_BROADCAST

/* For the integers registers are loaded and stored as bytes, which may lie over numbers of any type; of a broadcast
 * group all use the first place alone, so that it is enough to load it there. */
#define R int32x4_t
#define R_LOAD(p) vreinterpretq_s32_u8(vld1q_u8((const void *)(p)))
#define R_STORE(p, x) vst1q_u8((void *)(p), vreinterpretq_u8_s32(x))
#define R_BROADCAST(p) group_at(p)

static inline int32x4_t group_at(const void *p)
{
    uint32_t group;
    memcpy(&group, p, sizeof group);
    return vreinterpretq_s32_u64(vcombine_u64(vcreate_u64(group), vcreate_u64(0)));
}

/* The first two bytes of every group, then the last two. The compiler sorts a weight once for all rows. */
static inline int8x16_t halves(int32x4_t groups)
{
    static const uint8_t order[16] = {0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15};
    return vqtbl1q_s8(vreinterpretq_s8_s32(groups), vld1q_u8(order));
}

/* The first numbers of all groups of w by that of x, then the second ones. */
static inline int32x4_t dot16(int32x4_t sum, int32x4_t x, int32x4_t w)
{
    int16x4_t numbers = vreinterpret_s16_s32(vget_low_s32(x));
    int16x8_t weights = vreinterpretq_s16_s8(halves(w));
    sum = vmlal_lane_s16(sum, vget_low_s16(weights), numbers, 0);
    return vmlal_high_lane_s16(sum, weights, numbers, 1);
}

#define MULTIPLY multiply_int16
#define ELEMENTS 2
#define ROWS 6
#define DOT dot16
#include "kernels/simd/multiply.h"

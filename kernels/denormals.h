/* denormals.h - a thread's handling of numbers below the smallest normal one. Training makes many of them (gradients of
 * saturated gates), and processors take a hundred times as long for each: they are made zero, as inputs and as results.
 * Where the processor is of no known kind nothing changes. */
#ifndef KERNELS_DENORMALS_H
#define KERNELS_DENORMALS_H
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

/* Makes them zero in the calling thread from now on; returns what to give to denormals_restore. */
static inline unsigned long denormals_flush(void)
{
    unsigned long before = 0;
#if defined(__x86_64__)
    before = _mm_getcsr();
    _mm_setcsr((unsigned)before | 0x8040); /* flush to zero, denormals are zero */
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" ::"r"(before | 1ul << 24));
#endif
    return before;
}

static inline void denormals_restore(unsigned long before)
{
#if defined(__x86_64__)
    _mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(before));
#else
    (void)before;
#endif
}

#endif

/* kernels.c - which kernel sets this machine can run, by CPUID alone: two machines with the same instruction sets
 * always choose the same. */
#include "kernels/kernels.h"
#include "kernels/simd/sets.h"
#include <string.h>

const struct kernels *const *kernels_available(void)
{
    static const struct kernels *const best_first[] = {
#if defined(__x86_64__)
        &kernels_avx512,
        &kernels_avx2,
#endif
        &kernels_scalar,
        NULL
    };
#if defined(__x86_64__)
    __builtin_cpu_init();
    /* all that the file is compiled for: the compiler may use any of it */
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
        return best_first;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return best_first + 1;
    return best_first + 2;
#else
    return best_first;
#endif
}

const struct kernels *kernels_find(const char *name)
{
    const struct kernels *const *set = kernels_available();
    if (!strcmp(name, "auto"))
        return *set;
    while (*set && strcmp((*set)->name, name))
        set++;
    return *set;
}

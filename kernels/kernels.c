/* kernels.c - which kernel sets this machine can run, by what the processor says of itself alone (CPUID, or HWCAP on
 * ARM): two machines with the same instruction sets always choose the same. */
#include "kernels/kernels.h"
#include "kernels/simd/sets.h"
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>

/* What GCC 12 and clang 14 do not both know by name: leaf 7, subleaf 1, EAX bit 4. */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

/* A set is offered where all is there that its file is compiled for: the compiler may use any of it. */
static size_t find_sets(const struct kernels **sets)
{
    size_t count = 0;
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (avx512 && __builtin_cpu_supports("avx512vnni"))
        sets[count++] = &kernels_avx512_vnni;
    if (avx512)
        sets[count++] = &kernels_avx512;
    if (avx2 && has_avx_vnni())
        sets[count++] = &kernels_avx_vnni;
    if (avx2)
        sets[count++] = &kernels_avx2;
    return count;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

static size_t find_sets(const struct kernels **sets)
{
    size_t count = 0;
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP)
        sets[count++] = &kernels_neon_dot;
    sets[count++] = &kernels_neon;
    return count;
}
#else
static size_t find_sets(const struct kernels **sets)
{
    (void)sets;
    return 0;
}
#endif

size_t kernels_available(const struct kernels *sets[KERNEL_SETS])
{
    size_t count = find_sets(sets);
    sets[count++] = &kernels_scalar;
    return count;
}

const struct kernels *kernels_find(const char *name)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = kernels_available(sets);
    if (!strcmp(name, "auto"))
        return sets[0];
    for (size_t i = 0; i < count; i++)
        if (!strcmp(sets[i]->name, name))
            return sets[i];
    return NULL;
}

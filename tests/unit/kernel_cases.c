/* kernel_cases.c - see kernel_cases.h. */
#include "kernel_cases.h"
#include "model/quantise.h"
#include "numbers.h"
#include <stdlib.h>

#if defined(__x86_64__)
extern const struct kernels emulated_avx_vnni;

static size_t add_emulated(const struct kernels **sets)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 0;
    *sets = &emulated_avx_vnni;
    return 1;
}
#else
static size_t add_emulated(const struct kernels **sets)
{
    (void)sets;
    return 0;
}
#endif

const struct kernels *const *every_set(void)
{
    static const struct kernels *sets[KERNEL_SETS + 2];
    size_t count = kernels_available(sets);
    count += add_emulated(sets + count);
    sets[count] = NULL;
    return sets;
}

const struct kernels *scalar_set(void)
{
    return kernels_find("scalar");
}

int row_limit(enum precision precision)
{
    return precision == PRECISION_INT16 ? 32767 : 127;
}

int weight_limit(enum precision precision)
{
    return precision == PRECISION_INT16 ? 32767 : precision == PRECISION_INT8 ? 127 : 64;
}

struct rows random_rows(size_t rows, size_t width, float most)
{
    size_t stride = width + random_below(9);
    struct rows made = {random_floats(rows * stride, most), calloc(rows + 1, sizeof *made.at)};
    for (size_t r = 0; r < rows; r++)
        made.at[r] = made.memory + r * stride;
    for (size_t r = rows; r > 1; r--) { /* in any order */
        size_t other = random_below((uint32_t)r);
        const float *row = made.at[r - 1];
        made.at[r - 1] = made.at[other];
        made.at[other] = row;
    }
    return made;
}

void rows_free(struct rows *rows)
{
    free(rows->memory);
    free(rows->at);
}

struct packed packed_from(const float *w, size_t panels, enum precision precision, const size_t *widths,
                          size_t segments, struct weights *memory)
{
    struct packed packed = {.precision = PRECISION_F32, .at = w};
    struct ft_error error = {""};
    for (size_t i = 0; i < segments; i++)
        packed.groups += widths[i];
    ft_status status = quantise_matrix(&packed, panels, precision, widths, segments, memory, 2, &error);
    EXPECT(status == FT_OK, "quantising: %s", error.text);
    return packed;
}

double packed_at(const struct packed *packed, size_t panel, size_t first, size_t k, size_t column)
{
    size_t elements = group_elements(packed->precision), group = panel * packed->groups + first + k / elements;
    size_t place = (group * PANEL + column) * elements + k % elements;
    switch (packed->precision) {
    case PRECISION_F32: return (double)((const float *)packed->at)[place];
    case PRECISION_INT16: return ((const int16_t *)packed->at)[place];
    default: return ((const int8_t *)packed->at)[place];
    }
}

/* Memory for numbers: aligned, of any size, and refused rather than wrapped around. */
#include "base/memory.h"
#include "harness.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

START_TEST(blocks_are_aligned_and_whole)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, (2 << 20) - 1, 2 << 20, (2 << 20) + 4, 5000000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *block = memory_new(sizes[i]);
        ck_assert_msg(block != NULL, "%zu bytes", sizes[i]);
        ck_assert_uint_eq((uintptr_t)block % 64, 0);
        if (sizes[i] >= 2 << 20)
            ck_assert_uint_eq((uintptr_t)block % (2 << 20), 0);
        memset(block, 7, sizes[i]);
        free(block);
    }
}
END_TEST

START_TEST(more_than_there_is_is_refused)
{
    ck_assert_ptr_null(memory_new(SIZE_MAX / 2));
    ck_assert_ptr_null(memory_new(SIZE_MAX - 10));
}
END_TEST

int main(void)
{
    test_add(blocks_are_aligned_and_whole, NULL);
#ifdef __SANITIZE_ADDRESS__
    const char *needs = "a build without sanitizers"; /* they end the program at such a size */
#else
    const char *needs = NULL;
#endif
    test_add(more_than_there_is_is_refused, needs);
    return test_run("memory");
}

/* The back end's table of addresses against a plain list, over many insertions and removals. The plug-in shows none of
 * its functions: the source is a part of this test. */
#include "cuda/addresses.c"
#include "harness.h"
#include "numbers.h"

START_TEST(a_table_of_addresses_holds_what_was_put_and_not_taken)
{
    enum { KEYS = 300, ROUNDS = 100000 };
    static char keys[KEYS][256];
    uintptr_t expected[KEYS] = {0};
    struct addresses table = {0};
    random_begin("a_table_of_addresses_holds_what_was_put_and_not_taken");
    size_t held = 0, most = KEYS;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t key = random_below((uint32_t)most);
        uintptr_t value = 0;
        if (round % 5000 == 0) /* few keys, then many again: holes close in tables of any filling */
            most = 1 + random_below(KEYS);
        if (random_below(2)) {
            held += !expected[key];
            ck_assert(addresses_put(&table, keys[key], expected[key] = round + 1));
        } else {
            bool taken = addresses_take(&table, keys[key], &value);
            EXPECT(taken == (expected[key] != 0) && value == expected[key], "round %zu: took %zu", round,
                   (size_t)value);
            held -= taken;
            expected[key] = 0;
        }
        EXPECT(table.count == held, "round %zu: %zu are counted, not %zu", round, table.count, held);
        for (size_t other = round % 97 ? KEYS : 0; other < KEYS; other++) {
            value = 0;
            bool found = addresses_get(&table, keys[other], &value);
            EXPECT(found == (expected[other] != 0) && value == expected[other], "round %zu: key %zu gives %zu", round,
                   other, (size_t)value);
        }
    }
    addresses_release(&table);
}
END_TEST

int main(void)
{
    test_add(a_table_of_addresses_holds_what_was_put_and_not_taken, NULL);
    return test_run("cuda_addresses");
}

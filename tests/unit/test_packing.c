/* Packing by time: the rows that PyTorch's pack_padded_sequence gives, and the way back. */
#include "harness.h"
#include "numbers.h"
#include "run/packing.h"
#include <stdlib.h>

static struct packing pack(const size_t *lengths, size_t count, struct arena *arena)
{
    struct packing packing;
    struct ft_error error = {""};
    ck_assert_msg(packing_init(&packing, lengths, count, arena, &error) == FT_OK, "%s", error.text);
    return packing;
}

static void check_numbers(const char *what, const uint32_t *got, const uint32_t *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        EXPECT(got[i] == expected[i], "%s[%zu] is %u, should be %u", what, i, got[i], expected[i]);
}

/* Sentences a b | c d e | f | g h i: the order by length is cde, ghi, ab, f, hence rows  c g a f | d h b | e i */
START_TEST(a_small_batch_is_packed_as_by_hand)
{
    static const size_t lengths[] = {2, 3, 1, 3};
    struct arena arena;
    arena_init(&arena);
    struct packing packing = pack(lengths, 4, &arena);
    ck_assert_uint_eq(packing.batch.sequences, 4);
    ck_assert_uint_eq(packing.batch.steps, 3);
    ck_assert_uint_eq(packing.batch.rows, 9);
    check_numbers("active", packing.batch.active, (const uint32_t[]){4, 3, 2}, 3);
    check_numbers("first", packing.batch.first, (const uint32_t[]){0, 4, 7}, 3);
    check_numbers("sequence", packing.batch.sequence, (const uint32_t[]){0, 1, 2, 3, 0, 1, 2, 0, 1}, 9);
    check_numbers("step", packing.batch.step, (const uint32_t[]){0, 0, 0, 0, 1, 1, 1, 2, 2}, 9);
    check_numbers("row", packing.row, (const uint32_t[]){2, 6, 0, 4, 7, 3, 1, 5, 8}, 9);
    for (size_t s = 0, at = 0; s < 4; at += lengths[s++]) {
        ck_assert_uint_eq(packing.sentences[s].first, at);
        ck_assert_uint_eq(packing.sentences[s].count, lengths[s]);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(one_sentence_and_equal_lengths_keep_their_order)
{
    static const size_t one[] = {4}, equal[] = {2, 2, 2};
    struct arena arena;
    arena_init(&arena);
    struct packing packing = pack(one, 1, &arena);
    check_numbers("row", packing.row, (const uint32_t[]){0, 1, 2, 3}, 4);
    check_numbers("active", packing.batch.active, (const uint32_t[]){1, 1, 1, 1}, 4);
    packing = pack(equal, 3, &arena);
    check_numbers("row", packing.row, (const uint32_t[]){0, 3, 1, 4, 2, 5}, 6);
    arena_release(&arena);
}
END_TEST

START_TEST(any_lengths_give_a_permutation_with_the_longest_first)
{
    struct arena arena;
    arena_init(&arena);
    random_begin("packing");
    for (int round = 0; round < 200; round++) {
        size_t lengths[40], count = random_between(1, 40), token = 0;
        for (size_t i = 0; i < count; i++)
            lengths[i] = random_between(1, 12);
        arena_clear(&arena);
        struct packing packing = pack(lengths, count, &arena);
        const struct packed_batch *batch = &packing.batch;
        for (size_t i = 0; i < count; i++) {
            uint32_t sequence = batch->sequence[packing.row[token]];
            for (size_t t = 0; t < lengths[i]; t++, token++) {
                uint32_t row = packing.row[token];
                EXPECT(row < batch->rows && packing.token[row] == token, "token %zu is not behind its row", token);
                EXPECT(batch->sequence[row] == sequence && batch->step[row] == t && row == batch->first[t] + sequence &&
                           sequence < batch->active[t],
                       "sentence %zu, token %zu: row %u", i, t, row);
            }
            for (size_t k = 0; k < i; k++) { /* longer ones first, equal ones in their order */
                uint32_t other = batch->sequence[packing.row[packing.sentences[k].first]];
                EXPECT((other < sequence) == (lengths[k] >= lengths[i]), "sentences %zu and %zu", k, i);
            }
        }
        EXPECT(token == batch->rows, "%zu rows of %zu tokens", batch->rows, token);
    }
    arena_release(&arena);
}
END_TEST

int main(void)
{
    test_add(a_small_batch_is_packed_as_by_hand, NULL);
    test_add(one_sentence_and_equal_lengths_keep_their_order, NULL);
    test_add(any_lengths_give_a_permutation_with_the_longest_first, NULL);
    return test_run("packing");
}

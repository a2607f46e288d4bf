/* A run's state as a file: there and back to the same bits, and nothing but messages for whatever else is in its place.
 */
#include "base/input.h"
#include "harness.h"
#include "numbers.h"
#include "run/checkpoint.h"
#include "training_scene.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char identity[] = "0123456789abcdef";
static const struct run_log_marks marks = {123456789012, 345, 67};

/* A run with everything a checkpoint can hold, some batches old, and its checkpoint. */
struct saved {
    struct training_scene scene;
    struct trainer_options options;
    struct trainer *trainer;
    const char *path;
    char *bytes; /* of the file */
    size_t count;
};

static void save(struct saved *saved)
{
    struct ft_error error = {""};
    free(saved->bytes);
    ck_assert_msg(checkpoint_write(saved->path, saved->trainer, &marks, identity, &error) == FT_OK, "%s", error.text);
    ck_assert_int_eq(input_slurp(saved->path, &saved->bytes, &saved->count, &error), FT_OK);
}

static void saved_init(struct saved *saved)
{
    *saved = (struct saved){.options = scene_options};
    training_scene_init(&saved->scene, LIKE_FLAIR_0_15, true, PRECISION_F32, 1);
    saved->options.update.optimizer = OPTIMIZER_ADAM;
    saved->options.rate = 0.01;
    saved->options.patience = 0;
    saved->options.average = 0.9;
    saved->trainer = scene_trainer(&saved->scene, &saved->options);
    for (int i = 0; i < 10; i++) /* into the third epoch */
        scene_batch(saved->trainer);
    saved->path = scratch_file(&saved->scene.scratch, "checkpoint.safetensors");
    scratch_file(&saved->scene.scratch, "checkpoint.safetensors.part");
    save(saved);
}

static void saved_release(struct saved *saved)
{
    trainer_free(saved->trainer);
    free(saved->bytes);
    training_scene_release(&saved->scene);
}

static void check_same(const struct trainer *a, const struct trainer *b)
{
    size_t floats = trainer_network(a)->parameters.floats;
    const struct trainer_state *one = trainer_state(a), *other = trainer_state(b);
    ck_assert_uint_eq(one->epoch, other->epoch);
    ck_assert_uint_eq(one->batch, other->batch);
    ck_assert_uint_eq(one->step, other->step);
    ck_assert_double_eq(one->loss, other->loss);
    ck_assert_double_eq(one->loss_parts, other->loss_parts);
    ck_assert_double_eq(one->best_score, other->best_score);
    ck_assert_uint_eq(one->best_epoch, other->best_epoch);
    ck_assert_int_eq(one->finished, other->finished);
    const struct schedule *s = &one->schedule, *t = &other->schedule;
    ck_assert_int_eq(s->effective_patience, t->effective_patience);
    ck_assert_int_eq(s->bad_epochs, t->bad_epochs);
    ck_assert(s->has_best == t->has_best && s->has_best_aux == t->has_best_aux);
    ck_assert(s->rate == t->rate && s->best == t->best && s->best_aux == t->best_aux);
    for (int v = 0; v < TRAINER_VECTORS; v++) {
        float *first = scene_vector(a, (enum trainer_vector)v), *second = scene_vector(b, (enum trainer_vector)v);
        ck_assert_msg(!first == !second, "vector %d", v);
        if (first)
            ck_assert_uint_eq(first_difference(first, second, floats), floats);
        free(first);
        free(second);
    }
}

START_TEST(a_checkpoint_puts_a_fresh_trainer_where_the_other_was)
{
    struct saved saved;
    struct ft_error error = {""};
    saved_init(&saved);
    for (;;) {
        struct trainer *fresh = scene_trainer(&saved.scene, &saved.options);
        struct run_log_marks read = {0};
        ck_assert_msg(checkpoint_marks(saved.path, identity, &read, &error) == FT_OK, "%s", error.text);
        ck_assert(read.log == marks.log && read.loss == marks.loss && read.weights == marks.weights);
        ck_assert_msg(checkpoint_resume(saved.path, identity, fresh, &error) == FT_OK, "%s", error.text);
        check_same(fresh, saved.trainer);
        trainer_free(fresh);
        if (trainer_state(saved.trainer)->finished)
            break;
        scene_batch(saved.trainer);
        save(&saved);
    }
    saved_release(&saved);
}
END_TEST

START_TEST(the_same_state_gives_the_same_bytes)
{
    struct saved saved;
    saved_init(&saved);
    size_t count = saved.count;
    char *before = saved.bytes;
    saved.bytes = NULL;
    save(&saved);
    ck_assert(saved.count == count && !memcmp(saved.bytes, before, count));
    free(before);
    saved_release(&saved);
}
END_TEST

static void check_refused(const struct saved *saved, const char *word, struct trainer *trainer, const char *message)
{
    struct ft_error error = {""};
    char expected[512];
    snprintf(expected, sizeof expected, "%s: %s", saved->path, message);
    ck_assert_int_eq(checkpoint_resume(saved->path, word, trainer, &error), FT_INPUT);
    ck_assert_str_eq(error.text, expected);
}

START_TEST(another_run_s_checkpoint_is_refused_and_none_is_no_error)
{
    struct saved saved;
    struct run_log_marks read;
    struct ft_error error = {""};
    saved_init(&saved);
    struct trainer *fresh = scene_trainer(&saved.scene, &saved.options);
    check_refused(&saved, "fedcba9876543210", fresh,
                  "written by another run, or its data or options have changed since");
    ck_assert_int_eq(checkpoint_marks(saved.path, "", &read, &error), FT_INPUT);
    trainer_free(fresh);

    /* of another size; of another optimizer, which lacks a vector */
    static const char whole[] = "not a whole checkpoint (without it, --resume begins the run anew)";
    struct trainer_options other = saved.options;
    other.hidden++;
    fresh = scene_trainer(&saved.scene, &other);
    check_refused(&saved, identity, fresh, whole);
    trainer_free(fresh);
    struct trainer *adam = saved.trainer;
    other = saved.options;
    other.update.optimizer = OPTIMIZER_SGD;
    saved.trainer = scene_trainer(&saved.scene, &other);
    save(&saved);
    check_refused(&saved, identity, adam, whole);
    trainer_free(adam);

    unlink(saved.path);
    ck_assert_int_eq(checkpoint_marks(saved.path, identity, &read, &error), FT_END);
    ck_assert_int_eq(checkpoint_resume(saved.path, identity, saved.trainer, &error), FT_END);
    saved_release(&saved);
}
END_TEST

/* Puts bytes in the checkpoint's place and does what a resumed run would. Whether the run went on. */
static bool try_bytes(const struct saved *saved, const char *bytes, size_t count)
{
    FILE *file = fopen(saved->path, "wb");
    ck_assert_ptr_nonnull(file);
    EXPECT(fwrite(bytes, 1, count, file) == count && !fclose(file), "cannot write %s", saved->path);
    struct run_log_marks read = {0};
    struct ft_error error = {""}, other = {""};
    struct trainer *fresh = scene_trainer(&saved->scene, &saved->options);
    ft_status status = checkpoint_marks(saved->path, identity, &read, &error);
    EXPECT(status == FT_OK || (status == FT_INPUT && !strncmp(error.text, saved->path, strlen(saved->path))),
           "marks: status %d, '%s'", status, error.text);
    ft_status resumed = checkpoint_resume(saved->path, identity, fresh, &other);
    EXPECT(resumed == FT_OK || (resumed == FT_INPUT && !strncmp(other.text, saved->path, strlen(saved->path))),
           "resume: status %d, '%s'", resumed, other.text);
    if (resumed == FT_OK) {
        struct trainer_event event;
        ft_status trained = trainer_batch(fresh, &event, &error);
        EXPECT(trained == FT_OK || (trained == FT_FAILED && *error.text), "status %d of a batch", trained);
    }
    trainer_free(fresh);
    return resumed == FT_OK;
}

START_TEST(no_part_of_a_checkpoint_is_taken_for_one)
{
    struct saved saved;
    saved_init(&saved);
    uint64_t head;
    memcpy(&head, saved.bytes, sizeof head);
    ck_assert_uint_lt(head, saved.count);
    for (size_t count = 0; count < saved.count; count += count < head + 16 ? 3 : 997)
        EXPECT(!try_bytes(&saved, saved.bytes, count), "%zu of %zu bytes are taken", count, saved.count);
    EXPECT(!try_bytes(&saved, saved.bytes, saved.count - 1), "one byte less is taken");
    EXPECT(try_bytes(&saved, saved.bytes, saved.count), "the whole file is refused");
    saved_release(&saved);
}
END_TEST

START_TEST(flipped_bits_are_refused_or_do_no_harm)
{
    struct saved saved;
    size_t taken = 0;
    random_begin("checkpoint");
    saved_init(&saved);
    uint64_t head;
    memcpy(&head, saved.bytes, sizeof head);
    for (int round = 0; round < 500; round++) {
        size_t at = random_below(round % 5 ? (uint32_t)head + 8 : (uint32_t)saved.count);
        char bit = (char)(1 << random_below(8));
        saved.bytes[at] ^= bit;
        taken += try_bytes(&saved, saved.bytes, saved.count);
        saved.bytes[at] ^= bit;
    }
    ck_assert_msg(taken < 250, "%zu of 500 damaged files are taken", taken);
    saved_release(&saved);
}
END_TEST

/* Replaces `from` in the head by `to`, which is as long. */
static void change(struct saved *saved, const char *from, const char *to)
{
    char *at = memmem(saved->bytes, saved->count, from, strlen(from));
    ck_assert_msg(at && strlen(from) == strlen(to), "no %s in the file", from);
    memcpy(at, to, strlen(to));
    EXPECT(!try_bytes(saved, saved->bytes, saved->count), "%s is taken", to);
    memcpy(at, from, strlen(from));
}

START_TEST(numbers_that_no_run_has_are_refused)
{
    struct saved saved;
    saved_init(&saved);
    change(&saved, "\\\"epoch\\\":\\\"3\\\"", "\\\"epoch\\\":\\\"0\\\"");
    change(&saved, "\\\"epoch\\\":\\\"3\\\"", "\\\"epoch\\\":\\\"4\\\""); /* of 3 */
    change(&saved, "\\\"epoch\\\":\\\"3\\\"", "\\\"epoch\\\":\\\"-\\\"");
    change(&saved, "\\\"epoch\\\":\\\"3\\\"", "\\\"Epoch\\\":\\\"3\\\"");
    change(&saved, "\\\"batch\\\":\\\"2\\\"", "\\\"batch\\\":\\\"4\\\""); /* an epoch has 4 */
    change(&saved, "\\\"finished\\\":\\\"0\\\"", "\\\"finished\\\":\\\"2\\\"");
    change(&saved, "\\\"schedule_rate\\\":\\\"0x", "\\\"schedule_rate\\\":\\\"-0");
    change(&saved, "\\\"format\\\":1", "\\\"format\\\":2");
    saved_release(&saved);
}
END_TEST

START_TEST(a_checkpoint_that_cannot_be_written_leaves_the_one_before)
{
    struct saved saved;
    struct ft_error error = {""};
    saved_init(&saved);
    ck_assert_int_eq(checkpoint_write("/nowhere/checkpoint", saved.trainer, &marks, identity, &error), FT_FAILED);
    ck_assert_msg(strstr(error.text, "/nowhere/checkpoint"), "%s", error.text);
    ck_assert_int_ne(access(scratch_file(&saved.scene.scratch, "checkpoint.safetensors.part"), F_OK), 0);
    saved_release(&saved);
}
END_TEST

int main(void)
{
    test_add(a_checkpoint_puts_a_fresh_trainer_where_the_other_was, NULL);
    test_add(the_same_state_gives_the_same_bytes, NULL);
    test_add(another_run_s_checkpoint_is_refused_and_none_is_no_error, NULL);
    test_add(no_part_of_a_checkpoint_is_taken_for_one, NULL);
    test_add(flipped_bits_are_refused_or_do_no_harm, NULL);
    test_add(numbers_that_no_run_has_are_refused, NULL);
    test_add(a_checkpoint_that_cannot_be_written_leaves_the_one_before, NULL);
    return test_run("checkpoint");
}

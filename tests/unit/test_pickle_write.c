/* What the pickle writer writes, the pickle machine reads as it was meant. (That Python reads it too is held by
 * tests/bench/export_check.py.) */
#include "export/pickle_write.h"
#include "harness.h"
#include "import/pickle.h"
#include "numbers.h"
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct pickle_writer writer;
static struct pickle pickle;
static struct arena strings;
static struct ft_error error;

static void read_back(void)
{
    ck_assert(pickle_writer_finish(&writer));
    arena_init(&strings);
    ck_assert_msg(pickle_read(&pickle, writer.at, writer.count, 0, writer.count, "x", NULL, &strings, &error) == FT_OK, "%s",
                  error.text);
    ck_assert_uint_eq(pickle.consumed, writer.count);
}

static void release(void)
{
    pickle_release(&pickle);
    arena_release(&strings);
    pickle_writer_release(&writer);
}

START_TEST(integers_of_every_size_are_kept)
{
    static const int64_t numbers[] = {0,         1,         -1,        255,          256,       -256,
                                      INT32_MAX, INT32_MIN, 1LL << 31, -(1LL << 40), INT64_MAX, INT64_MIN};
    size_t count = sizeof numbers / sizeof *numbers;
    pickle_writer_init(&writer);
    pickle_put_list(&writer);
    for (size_t i = 0; i < count; i++)
        pickle_put_integer(&writer, numbers[i]);
    pickle_end_list(&writer);
    read_back();
    ck_assert_uint_eq(pickle.root.kind, VALUE_LIST);
    ck_assert_uint_eq(value_count(&pickle.root), count);
    for (size_t i = 0; i < count; i++) {
        struct value value = value_at(&pickle.root, i);
        ck_assert_uint_eq(value.kind, VALUE_INT);
        ck_assert_int_eq(value.as.integer, numbers[i]);
    }
    release();
}
END_TEST

START_TEST(floats_are_kept_to_the_bit)
{
    static const double numbers[] = {0, -0.0, 0.1, -2.5e300, DBL_MIN, DBL_TRUE_MIN, INFINITY};
    size_t count = sizeof numbers / sizeof *numbers;
    pickle_writer_init(&writer);
    pickle_put_tuple(&writer);
    for (size_t i = 0; i < count; i++)
        pickle_put_float(&writer, numbers[i]);
    pickle_end_tuple(&writer);
    read_back();
    ck_assert_uint_eq(pickle.root.kind, VALUE_TUPLE);
    for (size_t i = 0; i < count; i++) {
        struct value value = value_at(&pickle.root, i);
        ck_assert_uint_eq(value.kind, VALUE_FLOAT);
        ck_assert(!memcmp(&value.as.number, &numbers[i], sizeof *numbers));
    }
    release();
}
END_TEST

START_TEST(dicts_hold_values_of_every_kind)
{
    static const char binary[] = {'a', '\0', '\xff', '\n'};
    pickle_writer_init(&writer);
    pickle_put_dict(&writer);
    pickle_put_text(&writer, "none");
    pickle_put_none(&writer);
    pickle_put_text(&writer, "yes");
    pickle_put_bool(&writer, true);
    pickle_put_text(&writer, "no");
    pickle_put_bool(&writer, false);
    pickle_put_text(&writer, "text");
    pickle_put_string(&writer, "Zürich, not this", strlen("Zürich"));
    pickle_put_text(&writer, "bytes");
    pickle_put_bytes(&writer, binary, sizeof binary);
    pickle_put_text(&writer, "empty");
    pickle_put_dict(&writer);
    pickle_end_dict(&writer);
    pickle_put_text(&writer, "class");
    pickle_put_global(&writer, "torch", "FloatStorage");
    pickle_end_dict(&writer);
    read_back();
    const struct value *root = &pickle.root;
    bool found;
    struct value none = value_get(root, "none", &found), yes = value_get(root, "yes", NULL),
                 no = value_get(root, "no", NULL), text = value_get(root, "text", NULL),
                 bytes = value_get(root, "bytes", NULL), empty = value_get(root, "empty", NULL),
                 class = value_get(root, "class", NULL);
    ck_assert_uint_eq(value_count(root), 7);
    ck_assert(found && none.kind == VALUE_NONE);
    ck_assert(yes.kind == VALUE_BOOL && yes.as.integer);
    ck_assert(no.kind == VALUE_BOOL && !no.as.integer);
    ck_assert(value_is_str(&text, "Zürich"));
    ck_assert_uint_eq(bytes.kind, VALUE_BYTES);
    ck_assert_uint_eq(bytes.count, sizeof binary);
    ck_assert(!memcmp(bytes.as.text, binary, sizeof binary));
    ck_assert(empty.kind == VALUE_DICT && !value_count(&empty));
    ck_assert_uint_eq(class.kind, VALUE_CLASS);
    ck_assert_str_eq(class.as.text, "torch.FloatStorage");
    release();
}
END_TEST

START_TEST(objects_calls_and_persistent_values_keep_their_parts)
{
    pickle_writer_init(&writer);
    pickle_put_ordered_dict(&writer);
    pickle_put_text(&writer, "dictionary");
    pickle_put_object(&writer, "flair.data", "Dictionary");
    pickle_put_dict(&writer);
    pickle_put_text(&writer, "add_unk");
    pickle_put_bool(&writer, true);
    pickle_end_dict(&writer);
    pickle_end_object(&writer);
    pickle_put_text(&writer, "called");
    pickle_put_global(&writer, "torch._utils", "_rebuild_tensor_v2");
    pickle_put_tuple(&writer);
    pickle_put_tuple(&writer);
    pickle_put_text(&writer, "storage");
    pickle_put_global(&writer, "torch", "FloatStorage");
    pickle_put_text(&writer, "17");
    pickle_put_text(&writer, "cpu");
    pickle_put_integer(&writer, 12);
    pickle_end_tuple(&writer);
    pickle_persistent(&writer);
    pickle_put_integer(&writer, 5);
    pickle_end_tuple(&writer);
    pickle_call(&writer);
    pickle_end_ordered_dict(&writer);
    read_back();
    struct value dictionary = value_get(&pickle.root, "dictionary", NULL),
                 called = value_get(&pickle.root, "called", NULL);
    ck_assert(value_made_by(&dictionary, "flair.data.Dictionary"));
    struct value unknown = value_attribute(&dictionary, "add_unk", NULL);
    ck_assert(value_truth(&unknown));
    ck_assert(value_made_by(&called, "torch._utils._rebuild_tensor_v2"));
    struct value storage = value_argument(&called, 0), five = value_argument(&called, 1);
    ck_assert_uint_eq(storage.kind, VALUE_STORAGE);
    ck_assert_uint_eq(storage.as.items->count, 5);
    ck_assert(value_is_str(&storage.as.items->at[2], "17"));
    ck_assert_int_eq(five.as.integer, 5);
    release();
}
END_TEST

START_TEST(a_vocabulary_outgrows_every_buffer)
{
    enum { WORDS = 50000 };
    char word[16];
    pickle_writer_init(&writer);
    pickle_put_list(&writer);
    for (int i = 0; i < WORDS; i++) {
        snprintf(word, sizeof word, "word%d", i);
        pickle_put_text(&writer, word);
    }
    pickle_end_list(&writer);
    read_back();
    ck_assert_uint_eq(value_count(&pickle.root), WORDS);
    for (int i = 0; i < WORDS; i++) {
        struct value value = value_at(&pickle.root, (size_t)i);
        snprintf(word, sizeof word, "word%d", i);
        EXPECT(value_is_str(&value, word), "word %d is another", i);
    }
    release();
}
END_TEST

START_TEST(a_string_that_cannot_be_written_fails_the_pickle)
{
    pickle_writer_init(&writer);
    pickle_put_bytes(&writer, "", (size_t)UINT32_MAX + 1);
    pickle_put_none(&writer);
    ck_assert(!pickle_writer_finish(&writer));
    pickle_writer_release(&writer);
}
END_TEST

int main(void)
{
    test_add(integers_of_every_size_are_kept, NULL);
    test_add(floats_are_kept_to_the_bit, NULL);
    test_add(dicts_hold_values_of_every_kind, NULL);
    test_add(objects_calls_and_persistent_values_keep_their_parts, NULL);
    test_add(a_vocabulary_outgrows_every_buffer, NULL);
    test_add(a_string_that_cannot_be_written_fails_the_pickle, NULL);
    return test_run("pickle-write");
}

/* test_pickle.c - the pickle machine: plain data comes out, nothing runs, and no stream makes it crash or swell. */
#include "harness.h"
#include "import/pickle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena strings;
static struct pickle pickle;
static struct ft_error error;
static char *copy; /* of the stream, at its exact size, so that a read past its end is seen by the sanitizer */

static void release(void)
{
    pickle_release(&pickle);
    arena_release(&strings);
    free(copy);
}

static ft_status read_bytes(const void *bytes, size_t count)
{
    copy = malloc(count ? count : 1);
    ck_assert_ptr_nonnull(copy);
    if (count)
        memcpy(copy, bytes, count);
    arena_init(&strings);
    ft_status status = pickle_read(&pickle, copy, count, 0, SIZE_MAX, "x.pt", "data.pkl", &strings, &error);
    if (status) {
        arena_release(&strings);
        free(copy);
    }
    return status;
}

#define READ(literal) read_bytes(literal, sizeof(literal) - 1)

static void expect_error(ft_status status, const char *part)
{
    ck_assert_int_eq(status, FT_MODEL);
    ck_assert_msg(strstr(error.text, part), "'%s' is not in '%s'", part, error.text);
}

START_TEST(numbers_strings_and_containers_come_out_as_they_went_in)
{
    /* (None, True, -2, 3.5, "ab", b"c", [1], {"k": 258}, {7}) at protocol 4 */
    ck_assert_int_eq(READ("\x80\x04(N\x88J\xfe\xff\xff\xffG\x40\x0c\0\0\0\0\0\0\x8c\x02"
                          "abC\x01"
                          "c]K\x01"
                          "a}\x8c\x01kM\x02\x01s\x8f(K\x07\x90t."),
                     FT_OK);
    const struct value *root = &pickle.root;
    ck_assert_uint_eq(value_count(root), 9);
    struct value v[9];
    for (size_t i = 0; i < 9; i++)
        v[i] = value_at(root, i);
    ck_assert_uint_eq(v[0].kind, VALUE_NONE);
    ck_assert_uint_eq(v[1].kind, VALUE_BOOL);
    ck_assert_int_eq(v[2].as.integer, -2);
    ck_assert_double_eq(v[3].as.number, 3.5);
    ck_assert(value_is_str(&v[4], "ab"));
    ck_assert_uint_eq(v[5].kind, VALUE_BYTES);
    struct value one = value_at(&v[6], 0), k = value_get(&v[7], "k", NULL), seven = value_at(&v[8], 0);
    ck_assert_int_eq(one.as.integer, 1);
    ck_assert_int_eq(k.as.integer, 258);
    ck_assert_int_eq(seven.as.integer, 7);
    release();
}
END_TEST

START_TEST(protocol_0_text_is_read)
{
    ck_assert_int_eq(READ("(lp0\nI-5\naI01\naL12L\naF0.25\naS'a\\x41\\n'\np1\naV\\u00e9\nag1\na."), FT_OK);
    const struct value *root = &pickle.root;
    ck_assert_uint_eq(value_count(root), 7);
    struct value v[7];
    for (size_t i = 0; i < 7; i++)
        v[i] = value_at(root, i);
    ck_assert_int_eq(v[0].as.integer, -5);
    ck_assert_uint_eq(v[1].kind, VALUE_BOOL);
    ck_assert_int_eq(v[2].as.integer, 12);
    ck_assert_double_eq(v[3].as.number, 0.25);
    ck_assert(value_is_str(&v[4], "aA\n"));
    ck_assert(value_is_str(&v[5], "\xc3\xa9"));
    ck_assert(value_is_str(&v[6], "aA\n"));
    release();
}
END_TEST

START_TEST(long_integers_keep_their_sign_and_large_ones_their_bytes)
{
    ck_assert_int_eq(READ("\x80\x04\x8a\x00\x8a\x01\xff\x8a\x02\x00\x80\x87"
                          "\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09\x86."),
                     FT_OK);
    struct value three = value_at(&pickle.root, 0), big = value_at(&pickle.root, 1);
    struct value a = value_at(&three, 0), b = value_at(&three, 1), c = value_at(&three, 2);
    ck_assert_int_eq(a.as.integer, 0);
    ck_assert_int_eq(b.as.integer, -1);
    ck_assert_int_eq(c.as.integer, -32768);
    ck_assert_uint_eq(big.kind, VALUE_BIG);
    ck_assert_uint_eq(big.count, 9);
    release();
}
END_TEST

START_TEST(bytes_of_protocol_2_are_decoded_from_latin_1)
{
    ck_assert_int_eq(READ("\x80\x02"
                          "c_codecs\nencode\nX\x05\0\0\0a\xc3\xbf\xc2\x80X\x06\0\0\0latin1\x86R."),
                     FT_OK);
    ck_assert_uint_eq(pickle.root.kind, VALUE_BYTES);
    ck_assert_uint_eq(pickle.root.count, 3);
    ck_assert_int_eq(memcmp(pickle.root.as.text, "a\xff\x80", 3), 0);
    release();
}
END_TEST

START_TEST(objects_keep_class_arguments_state_and_items)
{
    ck_assert_int_eq(READ("\x80\x04\x8c\x0a"
                          "flair.data\x8c\x0a"
                          "Dictionary\x93)\x81}"
                          "\x8c\x01"
                          "aK\x05sbK\x01"
                          "aK\x02K\x03s."),
                     FT_OK);
    ck_assert(value_made_by(&pickle.root, "flair.data.Dictionary"));
    ck_assert_str_eq(value_class_name(&pickle.root), "Dictionary");
    bool found;
    struct value a = value_attribute(&pickle.root, "a", &found);
    ck_assert(found);
    ck_assert_int_eq(a.as.integer, 5);
    ck_assert_uint_eq(pickle.root.as.object->list->count, 1);
    ck_assert_uint_eq(pickle.root.as.object->dict->count, 2);
    release();
}
END_TEST

START_TEST(an_ordered_dict_with_metadata_is_a_dict)
{
    ck_assert_int_eq(READ("\x80\x02"
                          "ccollections\nOrderedDict\n)RX\x01\0\0\0xK\x09s}X\x01\0\0\0mNsb."),
                     FT_OK);
    struct value x = value_get(&pickle.root, "x", NULL);
    ck_assert_int_eq(x.as.integer, 9);
    release();
}
END_TEST

START_TEST(a_module_id_stands_for_its_class)
{
    ck_assert_int_eq(READ("\x80\x02(X\x06\0\0\0moduleq\0ctorch.nn.modules.linear\nLinear\n"
                          "X\x04\0\0\0"
                          "a.pyNtQ)\x81}b."),
                     FT_OK);
    ck_assert(value_made_by(&pickle.root, "torch.nn.modules.linear.Linear"));
    release();
}
END_TEST

START_TEST(the_class_os_system_is_refused_by_its_name)
{
    expect_error(READ("\x80\x02"
                      "cos\nsystem\nX\x02\0\0\0ls\x85R."),
                 "x.pt: not a Flair model: unknown class 'os.system' in data.pkl at byte 2 (nothing was executed)");
    expect_error(READ("\x80\x04\x8c\x05posix\x8c\x06system\x93."), "'posix.system' in data.pkl at byte 17");
}
END_TEST

START_TEST(classes_that_could_run_something_are_refused)
{
    static const char *const names[][2] = {{"builtins", "eval"},       {"builtins", "exec"},    {"__builtin__", "eval"},
                                           {"builtins", "__import__"}, {"subprocess", "Popen"}, {"torch", "os.system"},
                                           {"flairy", "Model"},        {"__main__", "Model"},   {"os", "popen"},
                                           {"functools", "reduce"},    {"", "Model"},           {"torch", ""},
                                           {"builtins.x", "eval"},     {"nt", "system"},        {"torch\n", "x y"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(!pickle_class_allowed(names[i][0], strlen(names[i][0]), names[i][1], strlen(names[i][1])),
                      "%s.%s is allowed", names[i][0], names[i][1]);
    static const char *const good[][2] = {{"flair.data", "Dictionary"}, {"torch", "FloatStorage"},
                                          {"builtins", "getattr"},      {"collections", "OrderedDict"},
                                          {"torch.optim.sgd", "SGD"},   {"flair.nn", "Outer.Inner"},
                                          {"_codecs", "encode"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(pickle_class_allowed(good[i][0], strlen(good[i][0]), good[i][1], strlen(good[i][1])),
                      "%s.%s is refused", good[i][0], good[i][1]);
}
END_TEST

START_TEST(wrong_use_of_stack_and_memo_is_an_error)
{
    expect_error(READ(""), "the end of the data");
    expect_error(READ("\x80\x04"), "the end of the data");
    expect_error(READ("."), "other than one value");
    expect_error(READ("NN."), "other than one value");
    expect_error(READ("(N."), "other than one value");
    expect_error(READ("0"), "stack underflow");
    expect_error(READ("2"), "stack underflow");
    expect_error(READ("\x85."), "stack underflow");
    expect_error(READ("N(\x85."), "stack underflow");
    expect_error(READ("](a"), "stack underflow");
    expect_error(READ("t."), "no mark");
    expect_error(READ("(u."), "stack underflow");
    expect_error(READ("(o"), "stack underflow");
    expect_error(READ("R"), "stack underflow");
    expect_error(READ("NNR."), "without a tuple");
    expect_error(READ("N)R."), "no function");
    expect_error(READ("N)\x81."), "no class");
    expect_error(READ("NNb."), "no object");
    expect_error(READ("NNa."), "no list");
    expect_error(READ("NNNs."), "no dict");
    expect_error(READ("}(NNNu."), "odd number");
    expect_error(READ("h\x05."), "memo entry that was never made");
    expect_error(READ("Nq\x05h\x04."), "memo entry that was never made");
    expect_error(READ("Nr\xff\xff\xff\xff."), "memo entry beyond");
    expect_error(READ("Np-1\n."), "negative memo");
    expect_error(READ("\x94"), "stack underflow");
    expect_error(READ("\x80\x09N."), "protocol newer");
    expect_error(READ("\xf0."), "unknown opcode");
    expect_error(READ("NQ."), "persistent id");
    expect_error(READ("\x82\x01."), "extension code");
    expect_error(READ("\x97."), "not in the file");
}
END_TEST

START_TEST(keys_that_cannot_be_hashed_are_refused)
{
    expect_error(READ("}]Ns."), "unhashable key");
    expect_error(READ("}}Ns."), "unhashable key");
    expect_error(READ("\x8f(]\x90."), "unhashable member");
}
END_TEST

START_TEST(sizes_beyond_the_stream_are_refused)
{
    expect_error(READ("X\xff\xff\xff\x7f"
                      "abc."),
                 "beyond the end");
    expect_error(READ("B\xff\xff\xff\xff"
                      "abc."),
                 "beyond the end");
    expect_error(READ("\x8d\xff\xff\xff\xff\0\0\0\0."), "beyond the end");
    expect_error(READ("\x8e\xff\xff\xff\xff\xff\xff\xff\xff."), "more than 4 GiB");
    expect_error(READ("\x8b\xff\xff\xff\xff."), "beyond the end");
    expect_error(READ("M\x01"), "beyond the end");
    expect_error(READ("Vabc"), "without an end");
}
END_TEST

static char *filled(const char *head, char fill, size_t count, const char *tail, size_t *bytes)
{
    size_t h = strlen(head), t = strlen(tail);
    char *all = malloc(h + count + t);
    ck_assert_ptr_nonnull(all);
    memcpy(all, head, h);
    memset(all + h, fill, count);
    memcpy(all + h + count, tail, t);
    *bytes = h + count + t;
    return all;
}

START_TEST(deep_nesting_is_refused_or_harmless)
{
    size_t bytes;
    char *marks = filled("", '(', 100000, ".", &bytes);
    expect_error(read_bytes(marks, bytes), "nested too deeply");
    free(marks);
    char *tuples = filled("N", '\x85', 100000, ".", &bytes); /* ((((None,),),),) a hundred thousand deep */
    ck_assert_int_eq(read_bytes(tuples, bytes), FT_OK);
    struct value at = pickle.root;
    size_t depth = 0;
    for (; at.kind == VALUE_TUPLE; depth++)
        at = value_at(&at, 0);
    ck_assert_uint_eq(depth, 100000);
    release();
    free(tuples);
}
END_TEST

START_TEST(memory_stays_in_proportion_to_the_stream)
{
    static const struct {
        const char *head;
        char fill;
    } abuses[] = {{"", '}'}, {"", ']'}, {"N", '2'}, {"N", '\x94'}, {"", '\x8f'}, {"", 'N'}};
    for (size_t i = 0; i < sizeof abuses / sizeof *abuses; i++) {
        size_t bytes;
        char *stream = filled(abuses[i].head, abuses[i].fill, 8 << 20, ".", &bytes);
        expect_error(read_bytes(stream, bytes), "far more memory");
        free(stream);
    }
    /* A memo index just inside the stream's length asks for 16 bytes each below it. */
    size_t bytes;
    char *stream = filled("Nr\xf0\xff\x7f\x01", 'N', 26 << 20, ".", &bytes);
    expect_error(read_bytes(stream, bytes), "far more memory");
    free(stream);
}
END_TEST

START_TEST(shared_containers_are_shared_not_copied)
{
    /* Thirty levels of [x, x]: 2^30 values when walked, sixty in memory. */
    char stream[600];
    size_t n = 0;
    stream[n++] = ']';
    for (int i = 0; i < 30; i++) {
        memcpy(stream + n,
               "q\1"
               "0"
               "]h\1ah\1a",
               10);
        n += 10;
    }
    stream[n++] = '.';
    ck_assert_int_eq(read_bytes(stream, n), FT_OK);
    ck_assert_uint_eq(value_count(&pickle.root), 2);
    release();
}
END_TEST

START_TEST(a_list_that_holds_itself_is_plain_data)
{
    ck_assert_int_eq(READ("]q\0h\0a."), FT_OK);
    struct value inner = value_at(&pickle.root, 0);
    ck_assert_ptr_eq(inner.as.items, pickle.root.as.items);
    release();
}
END_TEST

START_TEST(random_streams_never_crash)
{
    unsigned seed = 20240601;
    printf("random_streams_never_crash: seed %u\n", seed);
    static const char ops[] = "(.012FIJKLMNPQRSTUVXabcdegijloprqstuG)]}hBC\n0aN}])(tue"
                              "\x81\x85\x86\x87\x88\x8c\x8f\x90\x91\x93\x94";
    for (int round = 0; round < 50000; round++) {
        char stream[64];
        size_t count = 0;
        while (count < sizeof stream) {
            seed = seed * 1664525u + 1013904223u;
            stream[count++] = seed >> 28 < 13 ? ops[(seed >> 8) % (sizeof ops - 1)] : (char)(seed >> 16);
        }
        if (!read_bytes(stream, count))
            release();
    }
}
END_TEST

int main(void)
{
    test_add(numbers_strings_and_containers_come_out_as_they_went_in, NULL);
    test_add(protocol_0_text_is_read, NULL);
    test_add(long_integers_keep_their_sign_and_large_ones_their_bytes, NULL);
    test_add(bytes_of_protocol_2_are_decoded_from_latin_1, NULL);
    test_add(objects_keep_class_arguments_state_and_items, NULL);
    test_add(an_ordered_dict_with_metadata_is_a_dict, NULL);
    test_add(a_module_id_stands_for_its_class, NULL);
    test_add(the_class_os_system_is_refused_by_its_name, NULL);
    test_add(classes_that_could_run_something_are_refused, NULL);
    test_add(wrong_use_of_stack_and_memo_is_an_error, NULL);
    test_add(keys_that_cannot_be_hashed_are_refused, NULL);
    test_add(sizes_beyond_the_stream_are_refused, NULL);
    test_add(deep_nesting_is_refused_or_harmless, NULL);
    test_add(memory_stays_in_proportion_to_the_stream, NULL);
    test_add(shared_containers_are_shared_not_copied, NULL);
    test_add(a_list_that_holds_itself_is_plain_data, NULL);
    test_add(random_streams_never_crash, NULL);
    return test_run("pickle");
}

/* The embeddings of a new tagger, taken from model files of every kind. */
#include "harness.h"
#include "training_scene.h"
#include <stdio.h>
#include <string.h>

/* The words' 100 columns and the models' 4 units, by what random_model.h makes. */
enum { COLUMNS = 100, UNITS = 4 };

static struct backend *cpu_new(void)
{
    struct backend *backend;
    struct cpu_options options = {1, 0, "auto"};
    struct ft_error error = {""};
    ck_assert_msg(backend_cpu_new(&backend, &options, &error) == FT_OK, "%s", error.text);
    return backend;
}

/* Files of all kinds. */
struct files {
    struct scratch scratch;
    struct backend *backend;
    const char *tagger, *forward, *backward, *words;
};

static void files_init(struct files *files)
{
    files->backend = cpu_new();
    scratch_init(&files->scratch);
    files->tagger = scratch_file(&files->scratch, "tagger");
    files->forward = scratch_file(&files->scratch, "forward");
    files->backward = scratch_file(&files->scratch, "backward");
    files->words = scratch_file(&files->scratch, "words");
    write_tagger_file(files->tagger, PRECISION_F32, files->backend);
    write_lm_file(files->forward, 1, files->backend);
    write_lm_file(files->backward, 2, files->backend);
    write_words_file(files->words, files->backend);
}

static void files_release(struct files *files)
{
    scratch_release(&files->scratch);
    files->backend->ops->free(files->backend);
}

static void check_member(const struct stack *stack, size_t i, const char *name, enum member_kind kind, size_t width)
{
    const struct member *member = &stack->members[i];
    ck_assert_str_eq(member->name, name);
    ck_assert_int_eq(member->kind, kind);
    ck_assert_uint_eq(member->width, width);
    ck_assert_str_eq(stack->tagger->members[i].name, name);
    if (kind == MEMBER_LM)
        ck_assert_int_eq(member->lm.forward, strstr(name, "forward") != NULL);
}

START_TEST(files_of_one_embedding_each_give_one_member_each)
{
    struct files files;
    struct stack stack;
    struct ft_error error = {""};
    files_init(&files);
    const struct stack_part parts[] = {
        {STACK_BACKWARD, files.backward}, {STACK_WORDS, files.words}, {STACK_FORWARD, files.forward}};
    ck_assert_msg(stack_open(&stack, parts, 3, files.backend, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(stack.model_count, 3);
    ck_assert_uint_eq(stack.member_count, 3);
    check_member(&stack, 0, "0-backward", MEMBER_LM, UNITS);
    check_member(&stack, 1, "1-words", MEMBER_WORDS, COLUMNS);
    check_member(&stack, 2, "2-forward", MEMBER_LM, UNITS);
    ck_assert_uint_eq(stack.tagger->width, COLUMNS + 2 * UNITS);
    stack_close(&stack);
    files_release(&files);
}
END_TEST

START_TEST(a_tagger_gives_its_members_of_the_kind_and_is_opened_once)
{
    struct files files;
    struct stack stack;
    files_init(&files);
    open_tagger_stack(&stack, files.tagger, files.backend);
    ck_assert_uint_eq(stack.model_count, 1);
    ck_assert_uint_eq(stack.member_count, 3);
    check_member(&stack, 0, "0-words", MEMBER_WORDS, COLUMNS);
    check_member(&stack, 1, "1-forward", MEMBER_LM, UNITS);
    check_member(&stack, 2, "2-backward", MEMBER_LM, UNITS);
    stack_close(&stack);

    struct ft_error error = {""};
    const struct stack_part twice[] = {{STACK_FORWARD, files.tagger}, {STACK_FORWARD, files.tagger}};
    ck_assert_msg(stack_open(&stack, twice, 2, files.backend, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(stack.model_count, 1);
    check_member(&stack, 0, "0-forward", MEMBER_LM, UNITS);
    check_member(&stack, 1, "1-forward", MEMBER_LM, UNITS);
    stack_close(&stack);
    files_release(&files);
}
END_TEST

START_TEST(members_have_the_precision_of_their_file)
{
    struct files files;
    struct stack stack;
    files_init(&files);
    write_tagger_file(files.tagger, PRECISION_INT8, files.backend);
    open_tagger_stack(&stack, files.tagger, files.backend);
    for (size_t i = 1; i < 3; i++)
        ck_assert_int_eq(stack.tagger->members[i].lm.net.layer[0].weights.precision, PRECISION_INT8);
    stack_close(&stack);
    files_release(&files);
}
END_TEST

static void check_refusal(const struct files *files, const struct stack_part *parts, size_t count, ft_status status,
                          const char *file, const char *message)
{
    struct stack stack;
    struct ft_error error = {""};
    char expected[512];
    snprintf(expected, sizeof expected, "%s%s%s", file, *file ? ": " : "", message);
    ck_assert_int_eq(stack_open(&stack, parts, count, files->backend, &error), status);
    ck_assert_str_eq(error.text, expected);
    ck_assert_uint_eq(stack.model_count + stack.member_count, 0); /* nothing is left open */
}

START_TEST(what_cannot_be_stacked_is_refused_by_its_name)
{
    struct files files;
    files_init(&files);
    const char *gone = scratch_file(&files.scratch, "gone");
    const struct stack_part other_way[] = {{STACK_WORDS, files.words}, {STACK_BACKWARD, files.forward}};
    const struct stack_part no_words[] = {{STACK_WORDS, files.backward}};
    const struct stack_part no_lm[] = {{STACK_FORWARD, files.words}};
    const struct stack_part missing[] = {{STACK_WORDS, files.words}, {STACK_FORWARD, gone}};
    check_refusal(&files, other_way, 2, FT_MODEL, files.forward, "holds no backward language model");
    check_refusal(&files, no_words, 1, FT_MODEL, files.backward, "holds no word vectors");
    check_refusal(&files, no_lm, 1, FT_MODEL, files.words, "holds no forward language model");
    check_refusal(&files, NULL, 0, FT_USAGE, "", "no embeddings to train on: name word vectors or language models");
    struct stack stack;
    struct ft_error error = {""};
    ck_assert_int_eq(stack_open(&stack, missing, 2, files.backend, &error), FT_MODEL);
    ck_assert_msg(!strncmp(error.text, gone, strlen(gone)), "%s", error.text);

    struct stack_part many[STACK_MAX + 1];
    for (size_t i = 0; i <= STACK_MAX; i++)
        many[i] = (struct stack_part){STACK_FORWARD, files.forward};
    check_refusal(&files, many, STACK_MAX + 1, FT_MODEL, files.forward, "no more than 32 embeddings can be stacked");
    ck_assert_msg(stack_open(&stack, many, STACK_MAX, files.backend, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(stack.tagger->width, STACK_MAX * UNITS);
    stack_close(&stack);
    files_release(&files);
}
END_TEST

int main(void)
{
    test_add(files_of_one_embedding_each_give_one_member_each, NULL);
    test_add(a_tagger_gives_its_members_of_the_kind_and_is_opened_once, NULL);
    test_add(members_have_the_precision_of_their_file, NULL);
    test_add(what_cannot_be_stacked_is_refused_by_its_name, NULL);
    return test_run("stack");
}

/* Models written in Flair's format and opened again compute the same; what the format cannot hold is refused. (That
 * Flair reads them too is held by tests/bench/export_check.py.) */
#include "base/input.h"
#include "export/flair_write.h"
#include "export/torch_write.h"
#include "export/word2vec_write.h"
#include "harness.h"
#include "import/flair.h"
#include "import/zip.h"
#include "model/quantise.h"
#include "tests/golden/golden.h"
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWN "tests/golden/tagger/"
#define OK(call) ck_assert_msg((call) == FT_OK, "%s: %s", #call, error.text)

static char folder[] = "/tmp/export-XXXXXX", path[64];
static struct ft_error error;
static struct backend *backend;
static struct model model, again;
static struct tagged before, after;

static ft_status write_model(const struct tagger *tagger, const struct lm *lm, const struct words *words)
{
    struct output *output = NULL;
    OK(output_open(&output, path, &error));
    ft_status status = tagger ? flair_write_tagger(tagger, output, &error)
                       : lm   ? flair_write_lm(lm, output, &error)
                              : word2vec_write(words, output, &error);
    if (status == FT_OK)
        OK(output_close(output, &error));
    else
        output_discard(output);
    return status;
}

/* Opens a golden case of the repository's own and tags its input. */
static void begin(const char *name)
{
    char file[256];
    backend = golden_backend(2, 0, "auto");
    snprintf(file, sizeof file, OWN "%s/model.pt", name);
    golden_open(&model, file, backend);
}

static void tag(const struct tagger *tagger, const char *name, struct tagged *tagged)
{
    char file[256];
    snprintf(file, sizeof file, OWN "%s/input.conll", name);
    tagged_run(tagged, tagger, backend, file);
}

static void write_and_open(void)
{
    OK(write_model(model.tagger, NULL, NULL));
    golden_open(&again, path, backend);
    ck_assert_uint_eq(again.kind, MODEL_TAGGER);
}

static void end(void)
{
    if (again.owned)
        model_close(&again);
    model_close(&model);
    backend->ops->free(backend);
}

static double worst_emission(size_t count)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, distance_of((double)before.emissions[i], (double)after.emissions[i]));
    return worst;
}

static void expect_refused(ft_status status, const char *part)
{
    ck_assert_int_eq(status, FT_MODEL);
    ck_assert_msg(strstr(error.text, part), "'%s' is not in '%s'", part, error.text);
    ck_assert_int_ne(access(path, F_OK), 0);
}

START_TEST(taggers_of_every_kind_and_era_compute_the_same_bits)
{
    glob_t found;
    size_t compared = 0;
    ck_assert_int_eq(glob(OWN "*", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *name = found.gl_pathv[i] + strlen(OWN);
        begin(name);
        if (!model.tagger->has_rnn || !model.tagger->rnn.layer[0][0].init_h) {
            write_and_open();
            tag(model.tagger, name, &before);
            tag(again.tagger, name, &after);
            tagged_same(&before, &after, model.tagger, name);
            for (size_t t = 0; t < model.tagger->crf.tags; t++)
                ck_assert_str_eq(again.tagger->tags[t], model.tagger->tags[t]);
            ck_assert_str_eq(again.tagger->tag_type, model.tagger->tag_type);
            for (size_t m = 0; m < model.tagger->member_count; m++)
                ck_assert_uint_eq(again.tagger->members[m].kind, model.tagger->members[m].kind);
            tagged_release(&before);
            tagged_release(&after);
            compared++;
        }
        end();
        unlink(path);
    }
    ck_assert_uint_ge(compared, 12);
    globfree(&found);
}
END_TEST

/* A reprojection before the head, as one that was not folded when the model was made. */
static void add_reprojection(struct tagger *tagger)
{
    size_t width = tagger->width;
    float *w = random_floats(width * width, 0.3f), *bias = random_floats(width, 0.3f);
    ck_assert(pack_linear(&tagger->weights, w, bias, width, width, &tagger->reprojection));
    tagger->has_reprojection = true;
    free(w);
    free(bias);
}

START_TEST(a_reprojection_is_folded_into_the_layer_behind_it)
{
    static const char *const names[] = {"v0.12.2-zip-word-crf-noreproject", "v0.15.1-zip-made-onehot-nornn-softmax",
                                        "v0.15.1-zip-made-chars-alone-gru"};
    random_begin("export");
    for (size_t i = 0; i < 3; i++) {
        begin(names[i]);
        add_reprojection(model.tagger);
        write_and_open();
        ck_assert(!again.tagger->has_reprojection);
        tag(model.tagger, names[i], &before);
        tag(again.tagger, names[i], &after);
        double worst = worst_emission(before.embedded.tokens * model.tagger->crf.tags);
        ck_assert_msg(worst < 5e-5, "%s: emissions differ by %g", names[i], worst);
        tagged_release(&before);
        tagged_release(&after);
        end();
    }
}
END_TEST

START_TEST(integers_are_written_as_the_floats_they_stand_for)
{
    static const char name[] = "v0.11.3-zip-fwbw-crf";
    for (enum precision precision = PRECISION_INT16; precision < PRECISIONS; precision++) {
        begin(name);
        OK(model_set_precision(&model, precision, backend, &error));
        write_and_open();
        ck_assert_uint_eq(model_other_integers(&again, PRECISION_F32), PRECISION_F32);
        /* in float32 again, the weights are scale times q on both sides */
        OK(model_set_precision(&model, PRECISION_F32, backend, &error));
        tag(model.tagger, name, &before);
        tag(again.tagger, name, &after);
        tagged_same(&before, &after, model.tagger, name);
        tagged_release(&before);
        tagged_release(&after);
        end();
    }
}
END_TEST

/* What names do in Flair: it joins vectors in ascending order of them, and so does the importer. */
START_TEST(members_keep_their_order_whatever_they_are_called)
{
    static const struct {
        const char *model, *names[3];
    } cases[] = {{"v0.15.1-zip-word-crf", {"z", "y", "x"}},
                 {"v0.15.1-zip-word-crf", {"same", "same", "same"}},
                 {"v0.15.1-zip-word-crf", {"10-words", "9-forward", "8-backward"}},
                 {"v0.15.1-zip-made-onehot-fw-gru2-softmax", {"zebra", "apple", NULL}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(cases[i].model);
        struct tagger *tagger = model.tagger;
        for (size_t m = 0; m < tagger->member_count; m++)
            tagger->members[m].name = cases[i].names[m];
        write_and_open();
        tag(tagger, cases[i].model, &before);
        tag(again.tagger, cases[i].model, &after);
        tagged_same(&before, &after, tagger, cases[i].model);
        tagged_release(&before);
        tagged_release(&after);
        end();
    }
}
END_TEST

START_TEST(names_in_order_are_kept)
{
    begin("v0.15.1-zip-word-crf");
    write_and_open();
    for (size_t m = 0; m < model.tagger->member_count; m++)
        ck_assert_str_eq(again.tagger->members[m].name, model.tagger->members[m].name);
    end();
}
END_TEST

START_TEST(how_a_language_model_is_read_is_kept)
{
    begin("v0.11.3-zip-fwbw-crf");
    struct lm *lm = &model.tagger->members[0].lm;
    lm->with_whitespace = false;
    lm->tokenized = false;
    lm->lower = true;
    write_and_open();
    const struct lm *got = &again.tagger->members[0].lm, *other = &again.tagger->members[1].lm;
    ck_assert(!got->with_whitespace && !got->tokenized && got->lower);
    ck_assert(other->with_whitespace && other->tokenized && !other->lower);
    ck_assert(!got->has_decoder);
    end();
}
END_TEST

#define W(text)               \
    {                         \
        text, sizeof text - 1 \
    }

static struct words *make_words(bool unknown)
{
    static const struct bytes list[] = {W("a"), W("b"), W("a"), W("\xff"), W("c")};
    static const float rows[6][12] = {{1}, {2}, {3}, {4}, {5}, {6}};
    struct words_description description = {.count = 5,
                                            .width = 12,
                                            .words = list,
                                            .vectors = {rows, DTYPE_F32, 2, {6, 12}, {12, 1}},
                                            .unknown_is_row = unknown};
    struct words *words;
    OK(words_build(&description, &words, &error));
    return words;
}

static float first_number(const struct words *words, const char *word)
{
    return words->vectors[words_row(words, word, strlen(word)) * words->width];
}

START_TEST(words_that_no_token_finds_are_left_out)
{
    begin("v0.15.1-zip-word-crf");
    struct member *member = &model.tagger->members[0];
    ck_assert(member->kind == MEMBER_WORDS && member->width == 12);
    words_free(member->words);
    member->words = make_words(true);
    write_and_open();
    const struct words *words = again.tagger->members[0].words;
    ck_assert_uint_eq(words->count, 3);
    ck_assert_float_eq(first_number(words, "a"), 1);
    ck_assert_float_eq(first_number(words, "B"), 2);
    ck_assert_float_eq(first_number(words, "c"), 5);
    ck_assert_float_eq(first_number(words, "none"), 6);
    end();
}
END_TEST

START_TEST(narrow_word_vectors_are_widened)
{
    begin("v0.15.1-zip-word-crf");
    struct words *words = model.tagger->members[0].words;
    float wanted[12], got_row[12];
    OK(words_set_type(words, WORDS_INT8, &error));
    write_and_open();
    const struct words *got = again.tagger->members[0].words;
    struct bytes word;
    for (size_t i = 0; i <= words->count; i++) {
        bool known = i < words->count && words_text(words, i, &word);
        if (i < words->count && !known)
            continue;
        words_vector(words, i, wanted);
        words_vector(got, known ? words_row(got, word.at, word.count) : got->count, got_row);
        ck_assert_mem_eq(wanted, got_row, sizeof wanted);
    }
    end();
}
END_TEST

START_TEST(word_vectors_become_word2vec_files)
{
    backend = golden_backend(1, 0, "auto");
    struct words *words = make_words(false);
    OK(words_set_type(words, WORDS_F16, &error));
    model.words = words;
    OK(write_model(NULL, NULL, words));
    golden_open(&again, path, backend);
    ck_assert_uint_eq(again.kind, MODEL_WORDS);
    ck_assert_uint_eq(again.words->count, 3);
    ck_assert_uint_eq(again.words->width, 12);
    ck_assert_float_eq(first_number(again.words, "a"), 1);
    ck_assert_float_eq(first_number(again.words, "c"), 5);
    ck_assert_float_eq(first_number(again.words, "none"), 0);
    end();
    unlink(path);
}
END_TEST

START_TEST(words_that_word2vec_cannot_hold_are_refused)
{
    static const struct bytes list[] = {W("a"), W("New York")};
    static const float rows[2][3] = {{1}, {2}};
    struct words_description description = {
        .count = 2, .width = 3, .words = list, .vectors = {rows, DTYPE_F32, 2, {2, 3}, {3, 1}}};
    struct words *words;
    unlink(path);
    OK(words_build(&description, &words, &error));
    expect_refused(write_model(NULL, NULL, words), "word 2");
    words_free(words);
    words = make_words(true);
    expect_refused(write_model(NULL, NULL, words), "unknown words");
    words_free(words);
}
END_TEST

static void expect_same_floats(const struct packed *a, const struct packed *b, size_t panels, const char *what)
{
    EXPECT(a->groups == b->groups && !memcmp(a->at, b->at, panels * a->groups * GROUP_ROW), "%s: other weights", what);
}

static void check_lm(const char *file)
{
    backend = golden_backend(2, 0, "auto");
    golden_open(&model, file, backend);
    const struct lm *a = model.lm;
    OK(write_model(NULL, a, NULL));
    golden_open(&again, path, backend);
    ck_assert_uint_eq(again.kind, MODEL_LM);
    const struct lm *b = again.lm;
    ck_assert(a->forward == b->forward && a->width == b->width && a->embedding == b->embedding &&
              a->has_decoder == b->has_decoder && a->net.has_projection == b->net.has_projection);
    ck_assert_uint_eq(a->delimiter_text.count, b->delimiter_text.count);
    ck_assert(!memcmp(a->delimiter_text.at, b->delimiter_text.at, a->delimiter_text.count));
    ck_assert_uint_eq(a->characters.count, b->characters.count);
    for (size_t i = 0; i < a->characters.count; i++) {
        const struct bytes *x = &a->characters.items[i], *y = &b->characters.items[i];
        EXPECT(x->count == y->count && !memcmp(x->at, y->at, x->count), "%s: item %zu is another", file, i);
    }
    size_t table = a->net.items * a->input.out;
    EXPECT(first_difference(a->net.table, b->net.table, table) == table, "%s: the table is another", file);
    ck_assert_uint_eq(a->net.layers, b->net.layers);
    for (size_t k = 0; k < a->net.layers; k++) {
        const struct recurrent_layer *x = &a->net.layer[k], *y = &b->net.layer[k];
        ck_assert_uint_eq(x->cell, y->cell);
        expect_same_floats(&x->weights, &y->weights, x->panels, file);
        EXPECT(first_difference(x->bias, y->bias, x->panels * PANEL) == x->panels * PANEL, "%s: another bias", file);
    }
    if (a->net.has_projection)
        expect_same_floats(&a->net.projection.weights, &b->net.projection.weights, a->net.projection.panels, file);
    if (a->has_decoder)
        expect_same_floats(&a->decoder.weights, &b->decoder.weights, a->decoder.panels, file);
    end();
}

START_TEST(language_models_keep_all_they_have)
{
    check_lm("tests/golden/lm/v0.15.1-zip-made-gru/lm-forward.pt");
    check_lm("tests/golden/lm/v0.15.1-zip-made-gru/lm-backward.pt");
}
END_TEST

START_TEST(language_models_of_every_era_keep_all_they_have)
{
    glob_t found;
    ck_assert_int_eq(glob(shared_path("golden/lm/*/lm-*.pt"), 0, NULL, &found), 0);
    ck_assert_uint_ge(found.gl_pathc, 8);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_lm(found.gl_pathv[i]);
    globfree(&found);
}
END_TEST

/* Flair does not save of which type a tagger's language models are, but takes it. */
START_TEST(a_tagger_over_a_gru_language_model_is_kept)
{
    static const struct bytes tags[] = {W("O"), W("B-x"), W("I-x")};
    static const char input[] = "tests/golden/tagger/v0.15.1-zip-word-crf/input.conll";
    struct model_source *source;
    struct tagger *tagger;
    backend = golden_backend(2, 0, "auto");
    OK(import_open("tests/golden/lm/v0.15.1-zip-made-gru/lm-backward.pt", &source, &error));
    size_t width = source->lm.nout ? source->lm.nout : source->lm.hidden;
    float *w = random_floats(3 * width, 1);
    struct member_description member = {.kind = MEMBER_LM, .name = "0-gru", .lm = source->lm};
    struct tagger_description description = {.members = &member,
                                             .member_count = 1,
                                             .linear_weight = {w, DTYPE_F32, 2, {3, width}, {(int64_t)width, 1}},
                                             .linear_bias = {w, DTYPE_F32, 1, {3}, {1}},
                                             .tags = tags,
                                             .tag_count = 3,
                                             .tag_type = "ner",
                                             .span_rule = SPANS_FLAIR_NEW};
    OK(tagger_build(&tagger, &description, backend, &error));
    OK(write_model(tagger, NULL, NULL));
    golden_open(&again, path, backend);
    ck_assert_uint_eq(again.tagger->members[0].lm.net.layer[0].cell, CELL_GRU);
    tagged_run(&before, tagger, backend, input);
    tagged_run(&after, again.tagger, backend, input);
    tagged_same(&before, &after, tagger, "a GRU language model");
    tagged_release(&before);
    tagged_release(&after);
    tagger_free(tagger);
    import_close(source);
    free(w);
    end();
}
END_TEST

START_TEST(the_same_model_gives_the_same_bytes)
{
    char *text[2];
    size_t bytes[2];
    begin("v0.15.1-zip-word-crf");
    for (int i = 0; i < 2; i++) {
        OK(write_model(model.tagger, NULL, NULL));
        OK(input_slurp(path, &text[i], &bytes[i], &error));
    }
    ck_assert_uint_eq(bytes[0], bytes[1]);
    ck_assert(!memcmp(text[0], text[1], bytes[0]));
    free(text[0]);
    free(text[1]);
    end();
}
END_TEST

START_TEST(entries_begin_at_multiples_of_64)
{
    char *text;
    size_t bytes;
    struct arena memory;
    struct zip zip;
    begin("v0.15.1-zip-word-crf");
    OK(write_model(model.tagger, NULL, NULL));
    OK(input_slurp(path, &text, &bytes, &error));
    arena_init(&memory);
    OK(zip_open(&zip, text, bytes, path, &memory, &error));
    ck_assert_uint_gt(zip.entry_count, 20);
    for (size_t i = 0; i < zip.entry_count; i++) {
        const char *content;
        OK(zip_read(&zip, &zip.entries[i], &content, &error));
        EXPECT((content - text) % 64 == 0, "entry %zu begins at %td", i, content - text);
    }
    ck_assert_ptr_nonnull(zip_find(&zip, "archive/version"));
    zip_release(&zip);
    arena_release(&memory);
    free(text);
    end();
}
END_TEST

START_TEST(files_of_4_gib_are_refused)
{
    struct torch_writer writer;
    struct output *output = NULL;
    static const float one;
    torch_writer_init(&writer);
    pickle_put_list(&writer.pickle);
    for (int i = 0; i < 4; i++)
        torch_put_tensor(&writer, &one, 1 << 14, 1 << 14);
    pickle_end_list(&writer.pickle);
    OK(output_open(&output, path, &error));
    ck_assert_int_eq(torch_write(&writer, output, &error), FT_FAILED);
    ck_assert_msg(strstr(error.text, "4 GiB"), "%s", error.text);
    output_discard(output);
    torch_writer_release(&writer);
}
END_TEST

START_TEST(trained_initial_states_are_refused)
{
    begin("v0.4.4-legacy-fwbw-nout-inithidden");
    unlink(path);
    expect_refused(write_model(model.tagger, NULL, NULL), "trained states");
    end();
}
END_TEST

START_TEST(two_one_hot_embeddings_are_refused)
{
    begin("v0.15.1-zip-made-onehot-nornn-softmax");
    struct tagger copy = *model.tagger;
    size_t one_hot = 0;
    while (copy.members[one_hot].kind != MEMBER_ONEHOT)
        ck_assert_uint_lt(++one_hot, copy.member_count);
    struct member members[2] = {copy.members[one_hot], copy.members[one_hot]};
    copy.members = members;
    copy.member_count = 2;
    unlink(path);
    expect_refused(write_model(&copy, NULL, NULL), "two one-hot embeddings");
    end();
}
END_TEST

START_TEST(a_character_twice_in_character_embeddings_is_refused)
{
    begin("v0.15.1-zip-made-chars-alone-gru");
    struct characters *characters = &model.tagger->members[0].chars[0].characters;
    characters->items[2] = characters->items[1];
    unlink(path);
    expect_refused(write_model(model.tagger, NULL, NULL), "twice");
    end();
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/model.bin", folder);
    test_add(taggers_of_every_kind_and_era_compute_the_same_bits, NULL);
    test_add(a_reprojection_is_folded_into_the_layer_behind_it, NULL);
    test_add(integers_are_written_as_the_floats_they_stand_for, NULL);
    test_add(members_keep_their_order_whatever_they_are_called, NULL);
    test_add(names_in_order_are_kept, NULL);
    test_add(how_a_language_model_is_read_is_kept, NULL);
    test_add(words_that_no_token_finds_are_left_out, NULL);
    test_add(narrow_word_vectors_are_widened, NULL);
    test_add(word_vectors_become_word2vec_files, NULL);
    test_add(words_that_word2vec_cannot_hold_are_refused, NULL);
    test_add(language_models_keep_all_they_have, NULL);
    test_add(language_models_of_every_era_keep_all_they_have, shared_path("golden/lm"));
    test_add(a_tagger_over_a_gru_language_model_is_kept, NULL);
    test_add(the_same_model_gives_the_same_bytes, NULL);
    test_add(entries_begin_at_multiples_of_64, NULL);
    test_add(files_of_4_gib_are_refused, NULL);
    test_add(trained_initial_states_are_refused, NULL);
    test_add(two_one_hot_embeddings_are_refused, NULL);
    test_add(a_character_twice_in_character_embeddings_is_refused, NULL);
    int failed = test_run("export");
    unlink(path);
    rmdir(folder);
    return failed;
}

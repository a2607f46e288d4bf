/* test_import.c - Flair's files as descriptions: every golden model says what its case file says, what is not built
 * is refused by name, and damaged files end in an error. */
#include "harness.h"
#include "import/flair.h"
#include "import/torch_file.h"
#include "text/spans.h"
#include "torch_writer.h"
#include <cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct ft_error error;

static char *slurp(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *count = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*count + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *count, file), *count);
    bytes[*count] = '\0';
    ck_assert_int_eq(fclose(file), 0);
    return bytes;
}

static struct model_source *open_model(const char *path)
{
    struct model_source *source;
    ft_status status = import_open(path, &source, &error);
    ck_assert_msg(!status, "%s", error.text);
    return source;
}

static void expect_refusal(const char *path, const char *part)
{
    struct model_source *source;
    ck_assert_int_eq(import_open(path, &source, &error), FT_MODEL);
    ck_assert_ptr_null(source);
    ck_assert_msg(strstr(error.text, part), "'%s' is not in '%s'", part, error.text);
    ck_assert_msg(!strncmp(error.text, path, strlen(path)), "'%s' does not begin with the path", error.text);
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : cJSON_IsTrue(item) ? 1 : 0;
}

static const char *text(const cJSON *object, const char *key)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
    return value ? value : "";
}

static void expect_shape(const struct tensor *tensor, size_t rows, size_t columns)
{
    ck_assert_ptr_nonnull(tensor->data);
    ck_assert_int_eq(tensor->rank, columns ? 2 : 1);
    ck_assert_uint_eq(tensor->shape[0], rows);
    if (columns)
        ck_assert_uint_eq(tensor->shape[1], columns);
}

static void expect_lm(const struct lm_description *lm, size_t gates)
{
    expect_shape(&lm->encoder, lm->item_count, lm->embedding);
    for (size_t i = 0; i < lm->layers; i++) {
        expect_shape(&lm->layer[i].w_ih, gates * lm->hidden, i ? lm->hidden : lm->embedding);
        expect_shape(&lm->layer[i].w_hh, gates * lm->hidden, lm->hidden);
        expect_shape(&lm->layer[i].b_ih, gates * lm->hidden, 0);
        expect_shape(&lm->layer[i].b_hh, gates * lm->hidden, 0);
    }
    if (lm->nout) {
        expect_shape(&lm->proj_weight, lm->nout, lm->hidden);
        expect_shape(&lm->proj_bias, lm->nout, 0);
    } else
        ck_assert_ptr_null(lm->proj_weight.data);
}

static size_t expect_member(const struct member_description *member, const cJSON *wanted)
{
    ck_assert_str_eq(member->name, text(wanted, "name"));
    size_t width = (size_t)number(wanted, "width");
    if (!strcmp(text(wanted, "class"), "WordEmbeddings")) {
        ck_assert_int_eq(member->kind, MEMBER_WORDS);
        ck_assert_uint_eq(member->words.width, width);
        ck_assert_uint_ge(member->words.vectors.shape[0], member->words.count);
        return width;
    }
    const struct lm_description *lm = &member->lm;
    ck_assert_int_eq(member->kind, MEMBER_LM);
    ck_assert_int_eq(lm->forward, (int)number(wanted, "forward"));
    ck_assert_uint_eq(lm->hidden, (size_t)number(wanted, "hidden_size"));
    ck_assert_uint_eq(lm->layers, (size_t)number(wanted, "nlayers"));
    ck_assert_uint_eq(lm->nout, (size_t)number(wanted, "nout"));
    ck_assert_uint_eq(lm->embedding, (size_t)number(wanted, "embedding_size"));
    ck_assert_uint_eq(lm->item_count, (size_t)number(wanted, "dictionary_size"));
    ck_assert_uint_eq(lm->delimiter.count, strlen(text(wanted, "document_delimiter")));
    ck_assert(lm->with_whitespace && lm->tokenized_lm && !lm->is_lower);
    ck_assert_int_eq(lm->rnn, RNN_LSTM);
    expect_lm(lm, 4);
    return lm->nout ? lm->nout : lm->hidden;
}

/* "0.4.3" is 4, "0.11.3" is 11. */
static int minor_version(const char *version)
{
    return atoi(version + 2);
}

static void expect_tagger(const struct tagger_description *tagger, const cJSON *options, int version,
                          const char *folder)
{
    const cJSON *order = cJSON_GetObjectItem(options, "concatenation_order"), *item;
    ck_assert_uint_eq(tagger->member_count, (size_t)cJSON_GetArraySize(order));
    size_t width = 0, i = 0;
    cJSON_ArrayForEach(item, order)
    {
        const cJSON *found = cJSON_GetObjectItem(options, "embeddings")->child;
        while (found && strcmp(text(found, "name"), item->valuestring))
            found = found->next;
        ck_assert_msg(found != NULL, "%s: no embeddings %s", folder, item->valuestring);
        width += expect_member(&tagger->members[i++], found);
        if (tagger->members[i - 1].kind == MEMBER_WORDS) {
            const struct words_description *words = &tagger->members[i - 1].words;
            ck_assert_int_eq(words->stable, strstr(folder, "stable") != NULL);
            ck_assert_int_eq(words->unknown_is_row, version >= 10); /* nn.Embedding with its row of zeros */
        }
    }
    i = 0;
    const cJSON *tags = cJSON_GetObjectItem(options, "tag_dictionary");
    ck_assert_uint_eq(tagger->tag_count, (size_t)cJSON_GetArraySize(tags));
    cJSON_ArrayForEach(item, tags)
    {
        ck_assert_uint_eq(tagger->tags[i].count, strlen(item->valuestring));
        ck_assert_int_eq(memcmp(tagger->tags[i++].at, item->valuestring, strlen(item->valuestring)), 0);
    }
    ck_assert_str_eq(tagger->tag_type, "ner");
    ck_assert_uint_eq(tagger->hidden, (size_t)number(options, "hidden_size"));
    ck_assert_int_eq(tagger->use_crf, (int)number(options, "use_crf"));
    ck_assert_int_eq(tagger->use_rnn, (int)number(options, "use_rnn"));
    const cJSON *reproject = cJSON_GetObjectItem(options, "reproject");
    size_t inner = cJSON_IsNumber(reproject) ? (size_t)reproject->valuedouble : width;
    if (cJSON_IsFalse(reproject))
        ck_assert_ptr_null(tagger->reproject_weight.data);
    else
        expect_shape(&tagger->reproject_weight, inner, width);
    size_t layers = tagger->use_rnn ? (size_t)number(options, "rnn_layers") : 0;
    ck_assert_uint_eq(tagger->rnn_layers, layers);
    for (i = 0; i < layers; i++)
        for (int d = 0; d < 2; d++)
            expect_shape(&tagger->layer[i][d].w_ih, 4 * tagger->hidden, i ? 2 * tagger->hidden : inner);
    expect_shape(&tagger->linear_weight, tagger->tag_count, layers ? 2 * tagger->hidden : inner);
    expect_shape(&tagger->linear_bias, tagger->tag_count, 0);
    if (tagger->use_crf)
        expect_shape(&tagger->transitions, tagger->tag_count, tagger->tag_count);
    else
        ck_assert_ptr_null(tagger->transitions.data);
    ck_assert_int_eq(tagger->span_rule, version <= 10 ? SPANS_FLAIR_OLD : SPANS_FLAIR_NEW);
    ck_assert_int_eq(tagger->mask_ends, version <= 10);
    if (number(options, "train_initial_hidden_state") && version <= 10)
        expect_shape(&tagger->init_h, 2 * layers, tagger->hidden);
    else
        ck_assert_ptr_null(tagger->init_h.data);
    ck_assert_ptr_nonnull(strstr(tagger->origin, strstr(folder, "legacy") ? "legacy" : "zip"));
    if (number(options, "half_state_dict"))
        ck_assert_int_eq(tagger->linear_weight.dtype, DTYPE_F16);
}

static int check_taggers(const char *folder)
{
    DIR *directory = opendir(folder);
    ck_assert_msg(directory != NULL, "cannot open %s", folder);
    int cases = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        char path[600];
        size_t count;
        snprintf(path, sizeof path, "%s/%s/case.json", folder, entry->d_name);
        char *json = slurp(path, &count);
        cJSON *root = cJSON_Parse(json);
        ck_assert_ptr_nonnull(root);
        snprintf(path, sizeof path, "%s/%s/model.pt", folder, entry->d_name);
        struct model_source *source = open_model(path);
        ck_assert_int_eq(source->kind, MODEL_TAGGER);
        expect_tagger(&source->tagger, cJSON_GetObjectItem(root, "options"), minor_version(text(root, "flair_version")),
                      entry->d_name);
        import_close(source);
        cJSON_Delete(root);
        free(json);
        cases++;
    }
    closedir(directory);
    return cases;
}

START_TEST(every_golden_tagger_is_what_its_case_says)
{
    ck_assert_int_eq(check_taggers(shared_path("golden/tagger")), 20);
}
END_TEST

START_TEST(every_own_golden_tagger_is_what_its_case_says)
{
    ck_assert_int_eq(check_taggers(shared_path("golden-own/tagger")), 9);
}
END_TEST

START_TEST(the_trained_tagger_opens)
{
    struct model_source *source = open_model(shared_path("golden-trained/wnut17/model.pt"));
    const struct tagger_description *tagger = &source->tagger;
    ck_assert_uint_eq(tagger->hidden, 128);
    ck_assert_uint_eq(tagger->member_count, 3);
    ck_assert_uint_eq(tagger->members[1].lm.hidden, 384);
    ck_assert_uint_eq(tagger->members[2].lm.embedding, 64);
    ck_assert_uint_eq(tagger->members[0].words.width, 50);
    ck_assert_str_eq(tagger->origin, "Flair 0.15.1, zip container");
    import_close(source);
}
END_TEST

START_TEST(every_golden_language_model_is_what_its_case_says)
{
    const char *folder = shared_path("golden/lm");
    DIR *directory = opendir(folder);
    ck_assert_ptr_nonnull(directory);
    int cases = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        char path[600];
        size_t count;
        snprintf(path, sizeof path, "%s/%s/case.json", folder, entry->d_name);
        char *json = slurp(path, &count);
        cJSON *root = cJSON_Parse(json);
        const cJSON *options = cJSON_GetObjectItem(root, "options");
        for (int forward = 0; forward < 2; forward++) {
            snprintf(path, sizeof path, "%s/%s/lm-%s.pt", folder, entry->d_name, forward ? "forward" : "backward");
            struct model_source *source = open_model(path);
            const struct lm_description *lm = &source->lm;
            ck_assert_int_eq(source->kind, MODEL_LM);
            ck_assert_int_eq(lm->forward, forward);
            ck_assert_uint_eq(lm->hidden, (size_t)number(options, "H"));
            ck_assert_uint_eq(lm->embedding, (size_t)number(options, "E"));
            ck_assert_uint_eq(lm->layers, (size_t)number(options, "L"));
            ck_assert_uint_eq(lm->nout, (size_t)number(options, "nout"));
            ck_assert_uint_eq(lm->item_count, (size_t)number(root, "dictionary_size"));
            ck_assert_uint_eq(lm->delimiter.count, strlen(text(options, "delim")));
            ck_assert_int_eq(memcmp(lm->delimiter.at, text(options, "delim"), lm->delimiter.count), 0);
            expect_lm(lm, 4);
            expect_shape(&lm->decoder_weight, lm->item_count, lm->nout ? lm->nout : lm->hidden);
            expect_shape(&lm->decoder_bias, lm->item_count, 0);
            import_close(source);
        }
        cJSON_Delete(root);
        free(json);
        cases++;
    }
    closedir(directory);
    ck_assert_int_eq(cases, 4);
}
END_TEST

START_TEST(gensim_files_in_one_piece_and_two_hold_the_same_words)
{
    struct model_source *two = open_model(shared_path("golden/words/vectors.gensim")),
                        *one = open_model(shared_path("golden/words/vectors-one-file.gensim"));
    size_t bytes;
    char *matrix = slurp(shared_path("golden/words/matrix.npy"), &bytes);
    struct model_source *both[] = {two, one};
    for (int i = 0; i < 2; i++) {
        const struct words_description *words = &both[i]->words;
        ck_assert_int_eq(both[i]->kind, MODEL_WORDS);
        ck_assert_uint_eq(words->count, 36);
        ck_assert_uint_eq(words->words[0].count, 3);
        ck_assert_int_eq(memcmp(words->words[0].at, "the", 3), 0);
        float *numbers = malloc(36 * words->width * sizeof *numbers);
        ck_assert_ptr_nonnull(numbers);
        tensor_to_f32(&words->vectors, numbers);
        size_t size = 36 * words->width * sizeof *numbers;
        ck_assert_int_eq(memcmp(numbers, matrix + bytes - size, size), 0);
        free(numbers);
        import_close(both[i]);
    }
    free(matrix);
}
END_TEST

/* A gensim-4 object whose words are "a" (row 0) and "b" (row `last`), with a matrix [3, 2]. */
static const char *make_gensim(int last, const char *name)
{
    static const float numbers[6] = {1, 2, 3, 4, 5, 6};
    struct buffer out = {0};
    buffer_add(&out, "\x80\x03", 2);
    pickle_global(&out, "gensim.models.keyedvectors", "KeyedVectors");
    buffer_add(&out, ")\x81}", 3);
    pickle_text(&out, "key_to_index");
    buffer_add(&out, "}", 1);
    pickle_text(&out, "a");
    buffer_add(&out, "K\0s", 3);
    pickle_text(&out, "b");
    pickle_integer(&out, last);
    buffer_add(&out, "ss", 2);
    pickle_text(&out, "vectors");
    pickle_global(&out, "numpy.core.multiarray", "_reconstruct");
    pickle_global(&out, "numpy", "ndarray");
    buffer_add(&out,
               "K\0\x85"
               "C\1b\x87R(K\1K\3K\2\x86",
               16);
    pickle_global(&out, "numpy", "dtype");
    pickle_text(&out, "f4");
    buffer_add(&out, "\x89\x88\x87R(K\3", 7);
    pickle_text(&out, "<");
    buffer_add(&out,
               "NNNtb\x89"
               "B",
               7);
    buffer_number(&out, sizeof numbers, 4);
    buffer_add(&out, numbers, sizeof numbers);
    buffer_add(&out, "tbsb.", 5);
    const char *path = write_file(&out, name);
    buffer_release(&out);
    return path;
}

START_TEST(a_vocabulary_shorter_than_its_matrix_gives_unknown_words_a_row)
{
    const char *path = make_gensim(2, "short.gensim");
    struct model_source *source = open_model(path);
    const struct words_description *words = &source->words;
    ck_assert_uint_eq(words->count, 2);
    ck_assert_uint_eq(words->width, 2);
    ck_assert_ptr_nonnull(words->rows);
    ck_assert_uint_eq(words->rows[1], 2);
    ck_assert(words->unknown_is_row);
    float numbers[6];
    tensor_to_f32(&words->vectors, numbers);
    ck_assert_float_eq(numbers[5], 6);
    import_close(source);
    unlink(path);
}
END_TEST

START_TEST(a_word_whose_row_is_not_in_the_matrix_is_refused)
{
    static const int rows[] = {3, -1, 0x7fffffff};
    for (size_t i = 0; i < 3; i++) {
        const char *path = make_gensim(rows[i], "outside.gensim");
        expect_refusal(path, "word 1 of its vocabulary has");
        unlink(path);
    }
}
END_TEST

enum { TAGS = 3, HIDDEN = 2, WIDTH = 4 };

struct made {
    const char *class;      /* of the only embeddings, "OneHotEmbeddings" for the good file */
    const char *rnn_type;   /* NULL: use_rnn False */
    const char *tagger;     /* "SequenceTagger" */
    const char *field;      /* of the embeddings */
    bool stacked_in_itself; /* the list of the stack holds the stack */
    float norm;             /* weight of a LayerNorm; 0: none */
};

static void entry(struct buffer *out, const char *key, const char *value)
{
    pickle_text(out, key);
    pickle_text(out, value);
    buffer_add(out, "s", 1);
}

static void weight(struct buffer *out, const char *key, size_t rows, size_t columns)
{
    pickle_text(out, key);
    pickle_tensor(out, "0", 64, 0, rows, columns);
    buffer_add(out, "s", 1);
}

static void add_embeddings(struct buffer *out, const struct made *made)
{
    buffer_add(out, "}q\x01", 3);
    entry(out, "__cls__", made->class);
    pickle_text(out, "vocab_dictionary");
    pickle_dictionary(out, "xyz");
    buffer_add(out, "s", 1);
    if (made->field)
        entry(out, "field", made->field);
    pickle_text(out, "stable");
    buffer_add(out, made->norm != 0 ? "\x88s" : "\x89s", 2);
    pickle_text(out, "embeddings");
    buffer_add(out,
               made->stacked_in_itself ? "]h\x01"
                                         "ah\x01"
                                         "as"
                                       : "]s",
               made->stacked_in_itself ? 8 : 2);
}

/* A tagger of one-hot embeddings as Flair 0.15 would save it. */
static const char *make_tagger(const struct made *made, const char *name)
{
    struct buffer pickle = {0}, zip = {0};
    float numbers[64] = {made->norm, made->norm, made->norm, made->norm};
    buffer_add(&pickle, "\x80\x02}", 3);
    entry(&pickle, "__cls__", made->tagger);
    pickle_text(&pickle, "embeddings");
    add_embeddings(&pickle, made);
    buffer_add(&pickle, "s", 1);
    pickle_text(&pickle, "state_dict");
    buffer_add(&pickle, "}", 1);
    weight(&pickle, "embeddings.embedding_layer.weight", 3, WIDTH);
    if (made->norm != 0)
        weight(&pickle, "embeddings.layer_norm.weight", WIDTH, 0);
    weight(&pickle, "linear.weight", TAGS, WIDTH);
    weight(&pickle, "linear.bias", TAGS, 0);
    buffer_add(&pickle, "s", 1);
    pickle_text(&pickle, "tag_dictionary");
    pickle_dictionary(&pickle, "OAB");
    buffer_add(&pickle, "s", 1);
    entry(&pickle, "tag_type", "pos");
    if (made->rnn_type)
        entry(&pickle, "rnn_type", made->rnn_type);
    pickle_text(&pickle, "use_rnn");
    buffer_add(&pickle, made->rnn_type ? "\x88s" : "\x89s", 2);
    pickle_text(&pickle, "reproject_embeddings");
    buffer_add(&pickle, "\x89s", 2);
    pickle_text(&pickle, "hidden_size");
    pickle_integer(&pickle, HIDDEN);
    buffer_add(&pickle, "s", 1);
    pickle_text(&pickle, "rnn_layers");
    pickle_integer(&pickle, 1);
    buffer_add(&pickle, "s.", 2);
    struct zip_part parts[] = {{"m/data.pkl", pickle.at, pickle.count, false, false},
                               {"m/data/0", numbers, sizeof numbers, false, false}};
    write_zip(&zip, parts, 2, false);
    const char *path = write_file(&zip, name);
    buffer_release(&pickle);
    buffer_release(&zip);
    return path;
}

static const struct made good = {"OneHotEmbeddings", NULL, "SequenceTagger", "text", false, 0};

START_TEST(one_hot_embeddings_are_read)
{
    const char *path = make_tagger(&good, "good.pt");
    struct model_source *source = open_model(path);
    const struct tagger_description *tagger = &source->tagger;
    ck_assert_uint_eq(tagger->member_count, 1);
    ck_assert_int_eq(tagger->members[0].kind, MEMBER_ONEHOT);
    ck_assert_str_eq(tagger->members[0].name, "one-hot-text");
    ck_assert_uint_eq(tagger->members[0].onehot.item_count, 3);
    expect_shape(&tagger->members[0].onehot.weight, 3, WIDTH);
    ck_assert(!tagger->use_rnn && !tagger->use_crf && !tagger->mask_ends);
    ck_assert_str_eq(tagger->tag_type, "pos");
    ck_assert_str_eq(tagger->origin, "Flair 0.12 or later, zip container");
    import_close(source);
    unlink(path);
}
END_TEST

static void expect_made_refusal(struct made made, const char *part)
{
    const char *path = make_tagger(&made, "refused.pt");
    expect_refusal(path, part);
    unlink(path);
}

START_TEST(what_is_not_built_is_refused_by_its_name)
{
    static const char *const classes[] = {"TransformerWordEmbeddings", "BytePairEmbeddings", "PooledFlairEmbeddings",
                                          "ELMoEmbeddings", "FastTextEmbeddings"};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        struct made made = good;
        char part[100];
        made.class = classes[i];
        snprintf(part, sizeof part, "embeddings of class '%s' are not supported", classes[i]);
        expect_made_refusal(made, part);
    }
    struct made made = good;
    made.rnn_type = "RNN";
    expect_made_refusal(made, "recurrent layers of type 'RNN' are not supported");
    made = good;
    made.tagger = "TextClassifier";
    expect_made_refusal(made, "models of class 'TextClassifier' are not supported");
    made = good;
    made.field = "pos";
    expect_made_refusal(made, "look up a field");
    made = good;
    made.rnn_type = "GRU";
    expect_made_refusal(made, "the tensor 'rnn.weight_ih_l0' is missing");
}
END_TEST

START_TEST(a_trained_layer_norm_is_read)
{
    struct made made = good;
    made.norm = 2;
    const char *path = make_tagger(&made, "norm.pt");
    struct model_source *source = open_model(path);
    const struct onehot_description *onehot = &source->tagger.members[0].onehot;
    ck_assert(onehot->stable && onehot->norm.weight.data && !onehot->norm.bias.data);
    float numbers[WIDTH];
    tensor_to_f32(&onehot->norm.weight, numbers);
    for (size_t i = 0; i < WIDTH; i++)
        ck_assert_float_eq(numbers[i], 2);
    import_close(source);
    unlink(path);
}
END_TEST

START_TEST(a_stack_that_holds_itself_is_refused)
{
    struct made made = good;
    made.class = "StackedEmbeddings";
    made.stacked_in_itself = true;
    expect_made_refusal(made, "nested too deeply");
    made.stacked_in_itself = false;
    expect_made_refusal(made, "without embeddings");
}
END_TEST

START_TEST(a_file_that_is_no_model_is_refused)
{
    struct buffer buffer = {0};
    buffer_add(&buffer, "hello world\n", 12);
    const char *path = write_file(&buffer, "text.pt");
    expect_refusal(path, "neither a torch file nor a pickle");
    unlink(path);
    buffer.count = 0;
    path = write_file(&buffer, "empty.pt");
    expect_refusal(path, "the file is empty");
    unlink(path);
    buffer_add(&buffer,
               "\x80\x02"
               "cos\nsystem\nX\x02\0\0\0ls\x85R.",
               21);
    path = write_file(&buffer, "evil.pt");
    expect_refusal(path, "unknown class 'os.system' at byte 2 (nothing was executed)");
    unlink(path);
    buffer_release(&buffer);
    expect_refusal("/nowhere/x.pt", "No such file");
    expect_refusal("/", "not a regular file");
}
END_TEST

/* Opens a changed copy of a model; whatever comes back, it comes back in time and within bounds. */
static ft_status open_changed(const char *bytes, size_t count)
{
    struct buffer buffer = {(char *)(uintptr_t)bytes, count, count};
    const char *path = write_file(&buffer, "changed.pt");
    struct model_source *source;
    ft_status status = import_open(path, &source, &error);
    if (!status)
        import_close(source);
    unlink(path);
    ck_assert_msg(status == FT_OK || status == FT_MODEL, "status %d: %s", status, error.text);
    return status;
}

static const char *const hostile_models[] = {"golden-own/tagger/v0.15.1-zip-word-crf/model.pt",
                                             "golden-own/tagger/v0.4.3-legacy-word-gensim3-softmax/model.pt"};

START_TEST(a_truncated_model_is_an_error)
{
    for (size_t m = 0; m < 2; m++) {
        size_t count;
        char *bytes = slurp(shared_path(hostile_models[m]), &count);
        for (size_t cut = 0; cut < count; cut += 97)
            ck_assert_msg(open_changed(bytes, cut) == FT_MODEL, "%s cut to %zu bytes opens", hostile_models[m], cut);
        free(bytes);
    }
}
END_TEST

START_TEST(a_flipped_bit_never_crashes_and_shows_in_a_zip)
{
    unsigned seed = 7;
    printf("a_flipped_bit_never_crashes_and_shows_in_a_zip: seed %u\n", seed);
    for (size_t m = 0; m < 2; m++) {
        size_t count, refused = 0;
        char *bytes = slurp(shared_path(hostile_models[m]), &count);
        struct timespec before, after;
        clock_gettime(CLOCK_MONOTONIC, &before);
        for (int i = 0; i < 2000; i++) {
            seed = seed * 1664525u + 1013904223u;
            size_t at = (seed >> 4) % count;
            char bit = (char)(1 << (seed >> 29));
            bytes[at] = (char)(bytes[at] ^ bit);
            refused += open_changed(bytes, count) == FT_MODEL;
            bytes[at] = (char)(bytes[at] ^ bit);
        }
        clock_gettime(CLOCK_MONOTONIC, &after);
        ck_assert_int_lt(after.tv_sec - before.tv_sec, 120);
        ck_assert_uint_gt(refused, m ? 20 : 1000);
        free(bytes);
    }
}
END_TEST

/* Damage inside data.pkl with a checksum that fits: the pickle machine and the importer must stand it alone. */
START_TEST(a_flipped_bit_behind_a_good_checksum_never_crashes)
{
    unsigned seed = 11;
    printf("a_flipped_bit_behind_a_good_checksum_never_crashes: seed %u\n", seed);
    size_t count, refused = 0;
    char *bytes = slurp(shared_path(hostile_models[0]), &count);
    struct arena memory;
    struct zip zip;
    arena_init(&memory);
    ck_assert_msg(!zip_open(&zip, bytes, count, "x.pt", &memory, &error), "%s", error.text);
    static struct zip_part parts[200];
    static char names[200][100];
    size_t pickle_at = zip.entry_count;
    ck_assert_uint_le(zip.entry_count, 200);
    for (size_t i = 0; i < zip.entry_count; i++) {
        const char *content;
        ck_assert_msg(!zip_read(&zip, &zip.entries[i], &content, &error), "%s", error.text);
        snprintf(names[i], sizeof names[i], "%.*s", (int)zip.entries[i].name_bytes, zip.entries[i].name);
        parts[i] = (struct zip_part){names[i], content, (size_t)zip.entries[i].size, false, false};
        if (strstr(names[i], "data.pkl"))
            pickle_at = i;
    }
    ck_assert_uint_lt(pickle_at, zip.entry_count);
    size_t size = parts[pickle_at].bytes;
    char *pickle = malloc(size);
    ck_assert_ptr_nonnull(pickle);
    memcpy(pickle, parts[pickle_at].content, size);
    parts[pickle_at].content = pickle;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1664525u + 1013904223u;
        size_t at = (seed >> 4) % size;
        char bit = (char)(1 << (seed >> 29));
        pickle[at] = (char)(pickle[at] ^ bit);
        struct buffer whole = {0};
        write_zip(&whole, parts, zip.entry_count, false);
        refused += open_changed(whole.at, whole.count) == FT_MODEL;
        buffer_release(&whole);
        pickle[at] = (char)(pickle[at] ^ bit);
    }
    ck_assert_uint_gt(refused, 500);
    free(pickle);
    zip_release(&zip);
    arena_release(&memory);
    free(bytes);
}
END_TEST

int main(void)
{
    test_add(every_golden_tagger_is_what_its_case_says, shared_path("golden/tagger"));
    test_add(every_own_golden_tagger_is_what_its_case_says, shared_path("golden-own/tagger"));
    test_add(the_trained_tagger_opens, shared_path("golden-trained/wnut17/model.pt"));
    test_add(every_golden_language_model_is_what_its_case_says, shared_path("golden/lm"));
    test_add(gensim_files_in_one_piece_and_two_hold_the_same_words, shared_path("golden/words"));
    test_add(a_vocabulary_shorter_than_its_matrix_gives_unknown_words_a_row, NULL);
    test_add(a_word_whose_row_is_not_in_the_matrix_is_refused, NULL);
    test_add(one_hot_embeddings_are_read, NULL);
    test_add(what_is_not_built_is_refused_by_its_name, NULL);
    test_add(a_trained_layer_norm_is_read, NULL);
    test_add(a_stack_that_holds_itself_is_refused, NULL);
    test_add(a_file_that_is_no_model_is_refused, NULL);
    test_add(a_truncated_model_is_an_error, shared_path("golden-own/tagger"));
    test_add(a_flipped_bit_never_crashes_and_shows_in_a_zip, shared_path("golden-own/tagger"));
    test_add(a_flipped_bit_behind_a_good_checksum_never_crashes, shared_path("golden-own/tagger"));
    return test_run("import");
}

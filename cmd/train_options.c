/* train_options.c - see train_options.h. */
#include "cmd/train_options.h"
#include "base/number_text.h"
#include "cmd/name_list.h"
#include "run/extra_corpus.h"
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char none[] = "none";

const struct train_values train_defaults = {
    .like = LIKE_FLAIR_0_15,
    .scheme = SCHEME_BIOES,
    .hidden = 256,
    .layers = 1,
    .crf = true,
    .reproject = true,
    .word_dropout = 0.05,
    .locked_dropout = 0.5,
    .rnn_dropout = 0.5,
    .keep_empty = 1,
    .batch = 32,
    .rate = NAN,
    .patience = 3,
    .seed = 1,
    .factor = 0.5,
    .min_rate = 1e-4,
    .clip = 5,
    .warmup_fraction = NAN,
    .floor = NAN,
    .shuffle = true,
    .storage = {.storage = STORAGE_CPU, .gather = GATHER_UNSAID},
    .machine = MODEL_DEFAULTS,
    .output = "run",
    .checkpoint_seconds = 60,
    .write_weights = true,
};

/* clang-format off */
#define PLACE(member) offsetof(struct train_values, member)
const struct option train_option_table[] = {
    OPTION_GROUP("Corpus"),
    {0, "train", OPTION_STRING, PLACE(files[SPLIT_TRAIN]), "FILE", NULL,
     "sentences to learn from (default: found in DIR by 'train' in its name)", 0, 0},
    {0, "dev", OPTION_STRING, PLACE(files[SPLIT_DEV]), "FILE", NULL,
     "sentences to choose by (default: found in DIR by 'dev' or 'testa'; else a tenth of train)", 0, 0},
    {0, "test", OPTION_STRING, PLACE(files[SPLIT_TEST]), "FILE", NULL,
     "sentences to report on at the end (default: found in DIR by 'test')", 0, 0},
    {0, "extra", OPTION_STRING, PLACE(extra), "FILES", NULL,
     "more sentences to learn from, several files with commas between them, read as --train is (default: none)", 0, 0},
    {0, "extra-labels", OPTION_STRING, PLACE(extra_labels), "RULES", NULL,
     "what their types are here, such as PER=person,ORG=firm|club,MISC=*,O=O|title: of several types the model may choose "
     "any, * is anything, and O= is about tokens without a label (default: types keep their names)", 0, 0},
    {0, "extra-epochs", OPTION_INT, PLACE(extra_epochs), "N", NULL,
     "only the first N epochs read them (default: all)", 1, 1000000},
    {0, "token-column", OPTION_INT, PLACE(token_column), "N", NULL, "column of the token (default 1)", 1, 1000},
    {0, "tag-column", OPTION_INT, PLACE(tag_column), "N", NULL, "column of the tag (default: the last one)", 1, 1000},
    {0, "tag-format", OPTION_CHOICE, PLACE(scheme), NULL, "bio|bioes",
     "scheme that the model learns; corpora may have BIO, BIOES or IOB1 (default bioes)", 0, 0},
    {0, "lower-copies", OPTION_REAL, PLACE(lower_copies), "SHARE", NULL,
     "this share of the sentences to learn from is read a second time, in lower case (default 0)", 0, 0},
    {0, "replaced-copies", OPTION_REAL, PLACE(replaced_copies), "SHARE", NULL,
     "copies in which each mention is replaced by another one of its type, drawn from the sentences to learn from; 1: one "
     "of each sentence in which that can be done, 2.5: two or three (default 0)", 0, 0},
    {0, "keep-empty", OPTION_REAL, PLACE(keep_empty), "SHARE", NULL,
     "of the sentences without mentions an epoch reads only this share, drawn anew each time (default 1: all)", 0, 0},
    OPTION_GROUP("Embeddings"),
    {0, "words", OPTION_STRING, PLACE(words), "FILES", NULL,
     "word vectors, several with commas between them, or none (default: those of the default model)", 0, 0},
    {0, "lm-forward", OPTION_STRING, PLACE(lm_forward), "FILES", NULL,
     "forward character language models, or taggers that have some, or none (default: the default model's)", 0, 0},
    {0, "lm-backward", OPTION_STRING, PLACE(lm_backward), "FILES", NULL, "backward ones, likewise", 0, 0},
    {0, "storage", OPTION_CHOICE, PLACE(storage.storage), NULL, STORAGE_CHOICES,
     "where token vectors stay after their first use; none computes them in every epoch (default cpu)", 0, 0},
    {0, "gather", OPTION_CHOICE, PLACE(storage.gather), NULL, GATHER_CHOICES,
     "take vectors as views of the language model's output or as copies (default: copies for storage gpu)", 0, 0},
    {0, "lm-output", OPTION_CHOICE, PLACE(storage.lm_output), NULL, LM_OUTPUT_CHOICES,
     "what the language model writes: the rows tokens need, or every hidden state (default boundary)", 0, 0},
    {0, "storage-dtype", OPTION_CHOICE, PLACE(row_type), NULL, "f32|f16",
     "numbers of stored vectors; f16 takes half of the memory (default f32)", 0, 0},
    OPTION_GROUP("Model"),
    {0, "hidden-size", OPTION_INT, PLACE(hidden), "N", NULL, "units of the BiLSTM in each direction (default 256)", 1,
     65536},
    {0, "rnn-layers", OPTION_INT, PLACE(layers), "N", NULL, "layers of the BiLSTM; 0: none (default 1)", 0,
     BIRNN_LAYERS},
    {0, "crf", OPTION_FLAG, PLACE(crf), NULL, NULL, "a CRF over the tags; --no-crf: softmax of each (default: CRF)", 0, 0},
    {0, "reproject", OPTION_FLAG, PLACE(reproject), NULL, NULL,
     "a linear layer over token vectors before the BiLSTM (default yes; --no-reproject)", 0, 0},
    {0, "reproject-to", OPTION_INT, PLACE(reproject_to), "N", NULL,
     "its width (default: that of the token vectors)", 1, 65536},
    {0, "dropout", OPTION_REAL, PLACE(dropout), "P", NULL, "probability of dropping single values (default 0)", 0, 0},
    {0, "word-dropout", OPTION_REAL, PLACE(word_dropout), "P", NULL,
     "probability of dropping a whole token vector (default 0.05)", 0, 0},
    {0, "locked-dropout", OPTION_REAL, PLACE(locked_dropout), "P", NULL,
     "probability of dropping a column for a whole sentence (default 0.5)", 0, 0},
    {0, "rnn-dropout", OPTION_REAL, PLACE(rnn_dropout), "P", NULL,
     "probability of dropping values between layers of the BiLSTM (default 0.5, as in Flair)", 0, 0},
    OPTION_GROUP("Training"),
    {0, "like", OPTION_CHOICE, PLACE(like), NULL, "flair-0.4|flair-0.15",
     "whose loss, tag set, annealing and loss.tsv (default flair-0.15)", 0, 0},
    {0, "max-epochs", OPTION_INT, PLACE(max_epochs), "N", NULL, "most epochs (default 100; schedules linear and cosine: all of them, 20)",
     1, 1000000},
    {0, "mini-batch-size", OPTION_INT, PLACE(batch), "N", NULL, "sentences of a batch (default 32)", 1, 65536},
    {0, "eval-batch-size", OPTION_INT, PLACE(eval_batch), "N", NULL,
     "sentences of a batch when evaluating (default 64; like flair-0.4: that of training)", 1, 65536},
    {0, "optimizer", OPTION_CHOICE, PLACE(optimizer), NULL, "sgd|adam|adamw", "rule of the updates (default sgd)", 0, 0},
    {0, "learning-rate", OPTION_REAL, PLACE(rate), "R", NULL, "its first rate (default 0.1; adam and adamw 0.001)", 0, 0},
    {0, "momentum", OPTION_REAL, PLACE(momentum), "M", NULL, "of sgd (default 0)", 0, 0},
    {0, "weight-decay", OPTION_REAL, PLACE(decay), "D", NULL,
     "weights fall by this share of themselves, times the rate, at every update (default 0)", 0, 0},
    {0, "max-grad-norm", OPTION_REAL, PLACE(clip), "N", NULL,
     "longer gradients are scaled down to this norm; 0: never (default 5)", 0, 0},
    {0, "schedule", OPTION_CHOICE, PLACE(schedule), NULL, "plateau|linear|cosine",
     "the rate falls when dev gets no better, or batch by batch on a line or a cosine that ends with the last epoch, after "
     "a warm-up (default plateau)", 0, 0},
    {0, "warmup-fraction", OPTION_REAL, PLACE(warmup_fraction), "F", NULL,
     "linear, cosine: share of all batches in which the rate rises to --learning-rate (default 0.1)", 0, 0},
    {0, "floor", OPTION_REAL, PLACE(floor), "F", NULL,
     "linear, cosine: the last rate, as a share of the first (default 0; cosine 0.02)", 0, 0},
    {0, "anneal-factor", OPTION_REAL, PLACE(factor), "F", NULL,
     "plateau: the rate falls by this factor (default 0.5) ...", 0, 0},
    {0, "patience", OPTION_INT, PLACE(patience), "N", NULL,
     "... after more than N epochs without improvement (default 3)", 0, 1000000},
    {0, "initial-extra-patience", OPTION_INT, PLACE(extra_patience), "N", NULL,
     "more of it before the first fall (default 0)", 0, 1000000},
    {0, "min-learning-rate", OPTION_REAL, PLACE(min_rate), "R", NULL,
     "training ends when the rate is below (default 0.0001)", 0, 0},
    {0, "average", OPTION_REAL, PLACE(average), "D", NULL,
     "evaluate and save a moving average of the weights, of which this share stays at every update, such as 0.99; 0: the "
     "weights themselves (default 0)", 0, 0},
    {0, "o-bias", OPTION_STRING, PLACE(o_bias), "B|auto", NULL,
     "lower the score of tag O by B in evaluation and in the models that are saved, to find more at the cost of precision; "
     "auto: at the end, that of 0, 0.25 ... 3 with the best F1 on dev (default 0)", 0, 0},
    {0, "shuffle", OPTION_FLAG, PLACE(shuffle), NULL, NULL,
     "a new order of sentences in each epoch (default yes; --no-shuffle)", 0, 0},
    {0, "train-with-dev", OPTION_FLAG, PLACE(train_with_dev), NULL, NULL,
     "learn from dev too; the rate then follows the training loss, and the last model is the result", 0, 0},
    {0, "monitor-test", OPTION_FLAG, PLACE(monitor_test), NULL, NULL, "evaluate test after every epoch", 0, 0},
    {0, "seed", OPTION_INT, PLACE(seed), "N", NULL,
     "of first weights, order, dropout and a dev split taken from train (default 1)", 0, LONG_MAX},
    OPTION_GROUP("Run"),
    {'o', "output", OPTION_STRING, PLACE(output), "DIR", NULL,
     "folder of the run, in which there must be none (default run)", 0, 0},
    {0, "resume", OPTION_STRING, PLACE(resume), "DIR", NULL,
     "go on with a run that was stopped, with the options it was begun with; only --threads, --lanes, --isa, "
     "--device and --gpu-mem may be others", 0, 0},
    {0, "checkpoint-seconds", OPTION_INT, PLACE(checkpoint_seconds), "N", NULL,
     "save all that is needed to go on every N seconds; 0: after every batch (default 60)", 0, 1000000},
    {0, "write-weights", OPTION_FLAG, PLACE(write_weights), NULL, NULL,
     "follow ten weights of each tensor in weights.txt (default yes; --no-write-weights)", 0, 0},
    {0, "json", OPTION_FLAG, PLACE(json), NULL, NULL, "report the result as a JSON object", 0, 0},
    OPTION_GROUP("Machine"),
    DEVICE_OPTIONS(struct train_values, machine),
    MACHINE_OPTIONS(struct train_values, machine),
    {0, "max-mem", OPTION_SIZE, PLACE(max_memory), "SIZE", NULL,
     "most memory for everything; token vectors that do not fit are not stored (default: no bound)", 0, 0},
    OPTION_END,
};
/* clang-format on */

void train_settle(struct train_values *values)
{
    if (!values->max_epochs)
        values->max_epochs = values->schedule == TRAIN_PLATEAU ? 100 : 20;
    if (isnan(values->warmup_fraction))
        values->warmup_fraction = values->schedule == TRAIN_PLATEAU ? 0 : 0.1;
    if (isnan(values->floor))
        values->floor = values->schedule == TRAIN_COSINE ? 0.02 : 0;
    if (isnan(values->rate))
        values->rate = values->optimizer == OPTIMIZER_SGD ? 0.1 : 0.001;
    if (!values->eval_batch) /* Flair 0.4 evaluates in batches of the training's size */
        values->eval_batch = values->like == LIKE_FLAIR_0_4 ? values->batch : 64;
    if (values->storage.gather == GATHER_UNSAID)
        values->storage.gather = (int)store_default_gather((enum storage_mode)values->storage.storage);
}

static bool check_extra(const struct train_values *values)
{
    struct extra_rules rules;
    struct arena arena;
    struct ft_error error = {""};
    if (!values->extra && (values->extra_labels || values->extra_epochs)) {
        report_error("--%s is about the files of --extra", values->extra_labels ? "extra-labels" : "extra-epochs");
        return false;
    }
    arena_init(&arena);
    bool fits = extra_rules_parse(&rules, values->extra_labels, &arena, &error) == FT_OK;
    arena_release(&arena);
    if (!fits)
        report_error("%s", error.text);
    return fits;
}

static bool check_probability(const char *name, double value)
{
    if (value >= 0 && value < 1)
        return true;
    report_error("--%s wants a probability, 0 or more and below 1", name);
    return false;
}

static bool check_share(const char *name, double value)
{
    if (isnan(value) || (value >= 0 && value <= 1)) /* not said */
        return true;
    report_error("--%s wants a share, 0 to 1", name);
    return false;
}

static const char automatic[] = "auto";

/* False: what was said is no number. */
static bool read_o_bias(const struct train_values *values, double *bias)
{
    *bias = 0;
    return !values->o_bias || !strcmp(values->o_bias, automatic) ||
           (number_read(values->o_bias, strlen(values->o_bias), bias) && isfinite(*bias));
}

bool train_chooses_o_bias(const struct train_values *values)
{
    return values->o_bias && !strcmp(values->o_bias, automatic);
}

bool train_check_said(const struct train_values *values, const bool *said)
{
    static const char *const of_plateau[] = {"anneal-factor", "patience", "initial-extra-patience", "min-learning-rate",
                                             NULL},
                             *const of_curves[] = {"warmup-fraction", "floor", NULL};
    bool falls_on_plateaus = values->schedule == TRAIN_PLATEAU;
    for (const char *const *name = falls_on_plateaus ? of_curves : of_plateau; *name; name++)
        for (size_t i = 0; option_is_there(&train_option_table[i]); i++)
            if (said[i] && !strcmp(train_option_table[i].name, *name)) {
                report_error("--%s is of --schedule %s", *name, falls_on_plateaus ? "linear and cosine" : "plateau");
                return false;
            }
    return true;
}

static bool check_shares(const struct train_values *values)
{
    if (!(values->lower_copies >= 0 && values->lower_copies <= 1)) {
        report_error("--lower-copies wants a share from 0 to 1");
        return false;
    }
    if (!(values->replaced_copies >= 0 && values->replaced_copies <= 100)) {
        report_error("--replaced-copies wants a number from 0 to 100");
        return false;
    }
    if (!(values->keep_empty > 0 && values->keep_empty <= 1)) {
        report_error("--keep-empty wants a share above 0 and up to 1");
        return false;
    }
    return true;
}

bool train_check(const struct train_values *values)
{
    double o_bias;
    if (!check_probability("dropout", values->dropout) || !check_probability("word-dropout", values->word_dropout) ||
        !check_probability("locked-dropout", values->locked_dropout) ||
        !check_probability("rnn-dropout", values->rnn_dropout) || !check_probability("momentum", values->momentum))
        return false;
    if (!check_shares(values))
        return false;
    if (values->rate <= 0) { /* false where nothing was said */
        report_error("--learning-rate wants a number above 0");
        return false;
    }
    if (values->decay < 0 || values->clip < 0 || values->min_rate < 0) {
        report_error("--weight-decay, --max-grad-norm and --min-learning-rate cannot be negative");
        return false;
    }
    if (values->factor <= 0 || values->factor >= 1) {
        report_error("--anneal-factor wants a number between 0 and 1");
        return false;
    }
    if (values->reproject_to && !values->reproject) {
        report_error("--reproject-to is the width of the layer that --no-reproject leaves out");
        return false;
    }
    if ((values->token_column ? values->token_column : 1) == values->tag_column) {
        report_error("--token-column and --tag-column are the same column");
        return false;
    }
    if (values->extra_patience && values->like == LIKE_FLAIR_0_4) {
        report_error("--initial-extra-patience is of --like flair-0.15: Flair 0.4 had none");
        return false;
    }
    if (values->momentum > 0 && values->optimizer != OPTIMIZER_SGD) {
        report_error("--momentum is of sgd alone");
        return false;
    }
    if (!check_share("warmup-fraction", values->warmup_fraction) || !check_share("floor", values->floor))
        return false;
    if (!(values->average >= 0 && values->average < 1)) {
        report_error("--average wants a share, 0 or more and below 1");
        return false;
    }
    if (!read_o_bias(values, &o_bias)) {
        report_error("--o-bias wants a number or 'auto', not '%s'", values->o_bias);
        return false;
    }
    if (train_chooses_o_bias(values) && values->train_with_dev) {
        report_error("--o-bias auto chooses by dev, which --train-with-dev learns from");
        return false;
    }
    return check_extra(values);
}

struct trainer_options train_trainer_options(const struct train_values *values)
{
    double o_bias;
    (void)read_o_bias(values, &o_bias); /* it has been checked */
    return (struct trainer_options){
        .era = (enum flair_era)values->like,
        .hidden = (size_t)values->hidden,
        .layers = (size_t)values->layers,
        .crf = values->crf,
        .reproject = values->reproject,
        .reproject_to = (size_t)values->reproject_to,
        .dropout = {(float)values->dropout, (float)values->word_dropout, (float)values->locked_dropout,
                    (float)values->rnn_dropout},
        .batch = (size_t)values->batch,
        .eval_batch = (size_t)values->eval_batch,
        .max_epochs = (size_t)values->max_epochs,
        .update = {.optimizer = (enum optimizer)values->optimizer,
                   .momentum = values->momentum,
                   .decay = values->decay,
                   .beta1 = 0.9, /* PyTorch's defaults */
                   .beta2 = 0.999,
                   .epsilon = 1e-8,
                   .clip = values->clip},
        .rate = values->rate,
        .factor = values->factor,
        .min_rate = values->min_rate,
        .patience = values->patience,
        .extra_patience = values->extra_patience,
        .schedule = (enum trainer_schedule)values->schedule,
        .warmup_fraction = values->warmup_fraction,
        .floor = values->floor,
        .average = values->average,
        .o_bias = o_bias,
        .shuffle = values->shuffle,
        .train_with_dev = values->train_with_dev,
        .monitor_test = values->monitor_test,
        .empty_left_out = 1 - values->keep_empty,
        .extra_epochs = (size_t)values->extra_epochs,
        .seed = (uint64_t)values->seed,
    };
}

struct corpus_options train_corpus_options(const struct train_values *values)
{
    struct corpus_options options = {.folder = values->folder, /* NULL in a run: all its files are named */
                                     .era = (enum flair_era)values->like,
                                     .scheme = (enum scheme)values->scheme,
                                     .token_column = (int)values->token_column,
                                     .tag_column = (int)values->tag_column,
                                     .seed = (uint64_t)values->seed};
    memcpy(options.files, values->files, sizeof options.files);
    return options;
}

struct augment_options train_augment_options(const struct train_values *values)
{
    return (struct augment_options){.lower = values->lower_copies,
                                    .replaced = values->replaced_copies,
                                    .with_dev = values->train_with_dev,
                                    .scheme = (enum scheme)values->scheme,
                                    .seed = (uint64_t)values->seed};
}

ft_status train_find_models(const char **list, struct arena *arena, struct ft_error *error)
{
    static const char what[] = "the embeddings' names";
    const char *default_model = NULL, **names = &default_model;
    size_t count = 1;
    ft_status status = FT_OK;
    if (*list && !strcmp(*list, none))
        return FT_OK;
    if (*list)
        status = name_list_split(*list, arena, &names, &count, what, error);
    const char **paths = status == FT_OK ? arena_array(arena, count, sizeof *paths) : NULL;
    if (status == FT_OK && !paths)
        status = ft_nomem(error, what);
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        char found[PATH_MAX], whole[PATH_MAX];
        status = names[i] && !names[i][0]
                     ? ft_fail(error, FT_USAGE, "'%s': an empty name among the embeddings' files", *list)
                     : model_find(names[i], found, sizeof found, error);
        if (status == FT_OK && !realpath(found, whole))
            status = ft_fail(error, FT_MODEL, "%s: there is no such file", found);
        if (status == FT_OK)
            status = name_list_check(whole, error);
        if (status == FT_OK && !(paths[i] = arena_copy(arena, whole, strlen(whole))))
            status = ft_nomem(error, what);
    }
    return status == FT_OK ? name_list_join(paths, count, arena, list, what, error) : status;
}

ft_status train_stack_parts(const struct train_values *values, struct arena *arena, struct stack_part *parts,
                            size_t *count, struct ft_error *error)
{
    const char *const lists[] = {values->words, values->lm_forward, values->lm_backward};
    *count = 0;
    for (int kind = STACK_WORDS; kind <= STACK_BACKWARD; kind++) {
        const char **paths;
        size_t path_count;
        if (!strcmp(lists[kind], none))
            continue;
        ft_status status = name_list_split(lists[kind], arena, &paths, &path_count, "the embeddings' names", error);
        if (status != FT_OK)
            return status;
        for (size_t i = 0; i < path_count; i++) {
            if (*count == STACK_MAX)
                return ft_fail(error, FT_USAGE, "no more than %d embeddings can be stacked", STACK_MAX);
            parts[(*count)++] = (struct stack_part){(enum stack_kind)kind, paths[i]};
        }
    }
    return FT_OK;
}

/* lm_options.c - the options of `flairtag lm`, and what the library is told by them. */
#include "cmd/lm.h"
#include <limits.h>
#include <string.h>

const struct lm_values lm_defaults = {
    .like = LIKE_FLAIR_0_15,
    .direction = LM_UNSAID,
    .delimiter = "\n",
    .flip_case = true,
    .shuffle = true,
    .least = 10,
    .percentile = 1,
    .hidden = 1024,
    .layers = 1,
    .embedding = 100,
    .dropout = 0.1,
    .batch = 100,
    .sequence_length = 250,
    .max_epochs = LM_UNSAID,
    .valid_chars = LM_UNSAID,
    .schedule = LM_UNSAID,
    .rate = LM_UNSAID,
    .clip = LM_UNSAID,
    .factor = 0.25,
    .floor = 0.02,
    .patience = 10,
    .warmup_chars = LM_UNSAID,
    .seed = 1,
    .checkpoint_seconds = 300,
    .prefix = "",
    .temperature = 1,
    .characters = 1000,
    .model = MODEL_DEFAULTS,
};

/* clang-format off */
#define PLACE(member) offsetof(struct lm_values, member)
const struct option lm_option_table[] = {
    OPTION_GROUP("Model, for score and sample"),
    {'m', "model", OPTION_STRING, PLACE(model.model), "MODEL", NULL,
     "a language model, or a tagger that has one (default: the one that 'flairtag models' marks)", 0, 0},
    {0, "direction", OPTION_CHOICE, PLACE(direction), NULL, "forward|backward",
     "in which direction a model is to be trained, or which of a tagger's is meant (there default forward)", 0, 0},
    RUN_PRECISION_OPTION(struct lm_values, model),
    OPTION_GROUP("Score"),
    {0, "context", OPTION_CHOICE, PLACE(context), NULL, "line|text",
     "each line by itself behind the delimiter, as tagging reads it, or the whole text in one go (default line)", 0, 0},
    {0, "per-line", OPTION_FLAG, PLACE(per_line), NULL, NULL,
     "print bits a character, characters and text of every line first", 0, 0},
    OPTION_GROUP("Sample"),
    {0, "prefix", OPTION_STRING, PLACE(prefix), "TEXT", NULL,
     "what to go on from; a backward model writes what stands before it (default: the document delimiter)", 0, 0},
    {0, "characters", OPTION_INT, PLACE(characters), "N", NULL, "how many to write (default 1000)", 1, 100000000},
    {0, "temperature", OPTION_REAL, PLACE(temperature), "T", NULL,
     "below 1: likely characters more often; above 1: less often (default 1)", 0, 0},
    OPTION_GROUP("Text, for train"),
    {0, "text", OPTION_STRING, PLACE(text), "DIR|FILE", NULL,
     "the same as an operand: a folder with train/, valid.txt and test.txt, or files to train on", 0, 0},
    {0, "valid", OPTION_STRING, PLACE(valid), "FILE", NULL,
     "text to choose by (default: valid.txt; else the last 1/500 of each training file, held out)", 0, 0},
    {0, "test", OPTION_STRING, PLACE(test), "FILE", NULL, "text to report on at the end (default: test.txt)", 0, 0},
    {0, "tokenize", OPTION_FLAG, PLACE(tokenize), NULL, NULL,
     "read a sentence a line, its tokens joined by blanks, as taggers read text; score has it too", 0, 0},
    {0, "document-delimiter", OPTION_STRING, PLACE(delimiter), "TEXT", NULL,
     "what ends a document, and stands before each sentence in tagging (default: a line feed)", 0, 0},
    {0, "random-case-flip", OPTION_FLAG, PLACE(flip_case), NULL, NULL,
     "read a hundredth of the lines in lower case, another in upper case (default yes; --no-random-case-flip)", 0, 0},
    {0, "shuffle", OPTION_FLAG, PLACE(shuffle), NULL, NULL,
     "a new order of lines, and of files, in each epoch (default yes; --no-shuffle)", 0, 0},
    {0, "dictionary", OPTION_STRING, PLACE(dictionary), "FILE", NULL,
     "characters of a model or of a dictionary of Flair (default: those of the text)", 0, 0},
    {0, "least-count", OPTION_INT, PLACE(least), "N", NULL,
     "rarer characters of the text are unknown ones (default 10)", 1, LONG_MAX},
    {0, "percentile", OPTION_REAL, PLACE(percentile), "P", NULL,
     "take the most frequent characters until they are this share of the text (default 1: all)", 0, 0},
    OPTION_GROUP("Model, for train"),
    {0, "from", OPTION_STRING, PLACE(from), "MODEL", NULL,
     "begin with this language model's weights, shape, dictionary and delimiter", 0, 0},
    {0, "hidden-size", OPTION_INT, PLACE(hidden), "N", NULL, "units of a layer (default 1024)", 1, 65536},
    {0, "nlayers", OPTION_INT, PLACE(layers), "N", NULL, "layers (default 1)", 1, LM_MAX_LAYERS},
    {0, "nout", OPTION_INT, PLACE(nout), "N", NULL, "width of a projection behind them; 0: none (default 0)", 0, 65536},
    {0, "embedding-size", OPTION_INT, PLACE(embedding), "N", NULL, "columns of a character (default 100)", 1, 65536},
    {0, "dropout", OPTION_REAL, PLACE(dropout), "P", NULL,
     "on characters, between layers and before the decoder (default 0.1)", 0, 0},
    OPTION_GROUP("Training"),
    {0, "like", OPTION_CHOICE, PLACE(like), NULL, "flair-0.4|flair-0.15",
     "whose lines and loss.txt: 0.4 keeps blank lines, 0.15 drops them (default flair-0.15)", 0, 0},
    {0, "mini-batch-size", OPTION_INT, PLACE(batch), "N", NULL, "streams of text read side by side (default 100)", 1,
     65536},
    {0, "sequence-length", OPTION_INT, PLACE(sequence_length), "N", NULL,
     "characters of each an update (default 250)", 1, 65536},
    {0, "optimizer", OPTION_CHOICE, PLACE(optimizer), NULL, "sgd|adam|adamw",
     "rule of the updates; adam learns far faster (default sgd, as Flair)", 0, 0},
    {0, "learning-rate", OPTION_REAL, PLACE(rate), "R", NULL, "its (first) rate (default 20; adam and adamw 0.002)", 0, 0},
    {0, "momentum", OPTION_REAL, PLACE(momentum), "M", NULL, "of sgd (default 0)", 0, 0},
    {0, "weight-decay", OPTION_REAL, PLACE(decay), "D", NULL, "(default 0)", 0, 0},
    {0, "clip", OPTION_REAL, PLACE(clip), "N", NULL,
     "longer gradients are scaled down to this norm; 0: never (default 0.25; adam and adamw 1)", 0, 0},
    {0, "schedule", OPTION_CHOICE, PLACE(schedule), NULL, "plateau|cosine",
     "the rate falls when validation gets no better, or along a cosine after a warm-up (default plateau; adam and adamw "
     "cosine)", 0, 0},
    {0, "anneal-factor", OPTION_REAL, PLACE(factor), "F", NULL, "plateau: it falls by this factor (default 0.25) ...", 0,
     0},
    {0, "patience", OPTION_INT, PLACE(patience), "N", NULL,
     "... after more than N validations without improvement (default 10)", 0, 1000000},
    {0, "warmup-chars", OPTION_INT, PLACE(warmup_chars), "N", NULL,
     "cosine: characters until the rate is reached (default: a fiftieth of all)", 0, LONG_MAX},
    {0, "floor", OPTION_REAL, PLACE(floor), "F", NULL, "cosine: the last rate, as a share of the first (default 0.02)", 0,
     0},
    {0, "max-epochs", OPTION_INT, PLACE(max_epochs), "N", NULL, "most epochs (default 1000; cosine 1)", 1, 1000000},
    {0, "max-chars", OPTION_INT, PLACE(max_chars), "N", NULL,
     "end after so many characters (default: no bound; cosine: those of all epochs)", 1, LONG_MAX},
    {0, "max-seconds", OPTION_INT, PLACE(max_seconds), "N", NULL,
     "instead of --max-chars: as many as this machine will train on in N seconds, measured before the run", 1,
     100000000},
    {0, "valid-chars", OPTION_INT, PLACE(valid_chars), "N", NULL,
     "validate after so many characters too; 0: only behind each file (default 0; cosine: a twentieth of all)", 0,
     LONG_MAX},
    {0, "seed", OPTION_INT, PLACE(seed), "N", NULL, "of first weights, order, case, dropout, samples (default 1)", 0,
     LONG_MAX},
    OPTION_GROUP("Run"),
    {'o', "output", OPTION_STRING, PLACE(output), "FILE", NULL,
     "the model, the best on validation (default lm-forward.safetensors or lm-backward.safetensors)", 0, 0},
    {0, "run", OPTION_STRING, PLACE(run), "DIR", NULL,
     "folder of the run's logs and checkpoint, which must be new (default: the model's name with .run)", 0, 0},
    {0, "resume", OPTION_STRING, PLACE(resume), "DIR", NULL,
     "go on with a run that was stopped, with the options it was begun with", 0, 0},
    {0, "checkpoint-seconds", OPTION_INT, PLACE(checkpoint_seconds), "N", NULL,
     "save all that is needed to go on every N seconds; 0: after every update (default 300)", 0, 1000000},
    {0, "json", OPTION_FLAG, PLACE(json), NULL, NULL, "report the result as a JSON object", 0, 0},
    OPTION_GROUP("Machine"),
    DEVICE_OPTIONS(struct lm_values, model),
    MACHINE_OPTIONS(struct lm_values, model),
    OPTION_END,
};
/* clang-format on */

static bool is_share(const char *name, double value, bool one)
{
    if (value >= 0 && (value < 1 || (one && value <= 1)))
        return true;
    report_error("--%s wants a number from 0 to 1", name);
    return false;
}

bool lm_check(const struct lm_values *values)
{
    if (!is_share("dropout", values->dropout, false) || !is_share("momentum", values->momentum, false) ||
        !is_share("percentile", values->percentile, true) || !is_share("floor", values->floor, true) ||
        !is_share("anneal-factor", values->factor, false))
        return false;
    if ((values->rate <= 0 && values->rate > LM_UNSAID) || values->rate < LM_UNSAID || values->decay < 0 ||
        (values->clip < 0 && values->clip > LM_UNSAID) || values->clip < LM_UNSAID) {
        report_error("rates, decay and norms cannot be negative, nor can the rate be 0");
        return false;
    }
    if (values->momentum > 0 && values->optimizer != OPTIMIZER_SGD) {
        report_error("--momentum is of sgd alone");
        return false;
    }
    if (!*values->delimiter || strlen(values->delimiter) > 100) {
        report_error("--document-delimiter wants a short text");
        return false;
    }
    if (values->tokenize && strcmp(values->delimiter, "\n") != 0) {
        report_error("--tokenize makes a line of every sentence: the delimiter can only be a line feed");
        return false;
    }
    if (values->max_chars && values->max_seconds) {
        report_error("--max-chars and --max-seconds exclude each other");
        return false;
    }
    return true;
}

struct lm_trainer_options lm_trainer_options(const struct lm_values *values)
{
    return (struct lm_trainer_options){
        .shape = {.embedding = (size_t)values->embedding,
                  .hidden = (size_t)values->hidden,
                  .layers = (size_t)values->layers,
                  .nout = (size_t)values->nout},
        .dropout = values->dropout,
        .batch = (size_t)values->batch,
        .sequence_length = (size_t)values->sequence_length,
        .max_epochs = (size_t)values->max_epochs,
        .max_chars = (uint64_t)values->max_chars,
        .valid_chars = (uint64_t)values->valid_chars,
        .update = {.optimizer = (enum optimizer)values->optimizer,
                   .momentum = values->momentum,
                   .decay = values->decay,
                   .beta1 = 0.9, /* PyTorch's defaults */
                   .beta2 = 0.999,
                   .epsilon = 1e-8,
                   .clip = values->clip},
        .rate = values->rate,
        .schedule = (enum lm_schedule)values->schedule,
        .factor = values->factor,
        .patience = values->patience,
        .warmup_chars = (uint64_t)values->warmup_chars,
        .floor = values->floor,
        .seed = (uint64_t)values->seed,
    };
}

struct text_options lm_text_options(const struct lm_values *values)
{
    return (struct text_options){.era = (enum flair_era)values->like,
                                 .forward = values->direction == 0,
                                 .delimiter = values->delimiter,
                                 .tokenize = values->tokenize,
                                 .flip_case = values->flip_case,
                                 .shuffle = values->shuffle,
                                 .seed = (uint64_t)values->seed};
}

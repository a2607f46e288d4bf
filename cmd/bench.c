/* bench.c - measures the program on this machine. */
#include "cmd/bench.h"
#include "cmd/commands.h"
#include "flairtag.h"
#include <stdio.h>
#include <string.h>

static const struct option bench_options[] = {
    {'m', "model", OPTION_STRING, offsetof(struct bench_values, model.model), "MODEL", NULL,
     "a model file, or the name of an installed model (default: the one that 'flairtag models' marks)", 0, 0},
    {0, "random", OPTION_INT, offsetof(struct bench_values, random), "H", NULL,
     "no model file: two language models of H units and a BiLSTM-CRF of 256, with random weights", 1, 8192},
    {0, "words", OPTION_STRING, offsetof(struct bench_values, words), "FILE", NULL,
     "word vectors for --random (default: 1,000 random ones of 100 columns)", 0, 0},
    RUN_PRECISION_OPTION(struct bench_values, model),
    {0, "repeat", OPTION_INT, offsetof(struct bench_values, repeat), "N", NULL,
     "runs, of which the median counts (default 1)", 1, 1000},
    {0, "mini-batch-size", OPTION_INT, offsetof(struct bench_values, mini_batch), "N", NULL,
     "sentences a batch in 'bench storage' and 'bench train' (default 32)", 1, 65536},
    {0, "plan", OPTION_FLAG, offsetof(struct bench_values, plan), NULL, NULL,
     "'bench storage': only compute the bytes, run nothing", 0, 0},
    {0, "hidden-size", OPTION_INT, offsetof(struct bench_values, hidden), "N", NULL,
     "'bench train': units of the BiLSTM in each direction (default 256)", 1, 65536},
    {0, "rnn-layers", OPTION_INT, offsetof(struct bench_values, layers), "N", NULL,
     "'bench train': layers of the BiLSTM; 0: none (default 1)", 0, BIRNN_LAYERS},
    {0, "reproject", OPTION_FLAG, offsetof(struct bench_values, reproject), NULL, NULL,
     "'bench train': a linear layer over token vectors before the BiLSTM (default yes; --no-reproject)", 0, 0},
    {0, "epochs", OPTION_INT, offsetof(struct bench_values, epochs), "N", NULL,
     "'bench train': epochs after the first one, which embeds (default 2)", 1, 1000},
    {0, "evaluate", OPTION_FLAG, offsetof(struct bench_values, evaluate), NULL, NULL,
     "'bench train': set a tenth apart and evaluate it behind every epoch", 0, 0},
    {0, "json", OPTION_FLAG, offsetof(struct bench_values, json), NULL, NULL, "print one JSON object", 0, 0},
    OPTION_GROUP("Machine"),
    DEVICE_OPTIONS(struct bench_values, model),
    MACHINE_OPTIONS(struct bench_values, model),
    OPTION_GROUP("Input"),
    INPUT_OPTIONS(struct bench_values, input),
    OPTION_END,
};

ft_status bench_print_json(cJSON *json, struct ft_error *error)
{
    char *text = cJSON_Print(json);
    ft_status status = text ? FT_OK : ft_nomem(error, "the report");
    if (text)
        printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}

static int run_bench(int argc, char **argv, const struct command *self)
{
    struct bench_values values = {.input = INPUT_DEFAULTS,
                                  .model = MODEL_DEFAULTS,
                                  .repeat = 1,
                                  .mini_batch = 32,
                                  .hidden = 256,
                                  .layers = 1,
                                  .epochs = 2,
                                  .reproject = true};
    int operands = options_parse(self, argc, argv, &values);
    if (operands < 0)
        return operands == -1 ? FT_OK : FT_USAGE;
    values.files = argv + 2;
    values.file_count = operands > 1 ? (size_t)operands - 1 : 0;
    if (operands >= 1 && !strcmp(argv[1], "predict"))
        return bench_predict(&values);
    if (operands >= 1 && !strcmp(argv[1], "storage"))
        return bench_storage(&values);
    if (operands == 2 && !strcmp(argv[1], "train"))
        return bench_train(&values);
    if (operands == 1 && !strcmp(argv[1], "lm"))
        return bench_lm(&values);
    if (operands == 1 && !strcmp(argv[1], "peak"))
        return bench_peak(&values);
    if (operands == 2 && !strcmp(argv[1], "gpu-model"))
        return bench_gpu_model(&values);
    report_error(
        "bench wants 'predict' or 'storage' and a corpus, 'train' or 'gpu-model' and one file, 'lm', or 'peak'");
    return FT_USAGE;
}

const struct command command_bench = {
    .name = "bench",
    .operands = "WHAT [CORPUS ...]",
    .summary = "measure speed and memory on this machine",
    .description =
        "WHAT is predict, storage, train, lm, peak or gpu-model.\n\n"
        "predict: tags the corpus to nowhere and prints characters, tokens and floating-point operations a second, the latter "
        "also as percent of the peak that the same program measures beforehand. Counted are 8 H^2 operations a character "
        "(two markers a sentence included) and language model, and the head of the tagger as it is run; nothing is "
        "counted for padding, nor for steps that sentences share because they begin (for a backward model: end) alike. "
        "Opening the model is timed apart.\n\n"
        "storage: embeds the corpus in file order once for every --lm-output, --gather and --storage, and prints time, bytes "
        "copied, bytes kept and which storage each kept row pins. On a GPU a way that runs out of its memory says so, with what "
        "it had kept by then and no time.\n\n"
        "train: trains a BiLSTM-CRF on the corpus, its token vectors stored in the first epoch, and prints for every epoch "
        "seconds, tokens and floating-point operations a second, the latter also as percent of the peak in float32. Counted "
        "are the products of linear and LSTM layers, two operations a multiply-add: forward, and for the gradients of "
        "weights and of inputs below which something is trained. Nothing is counted for dropout, gates, CRF, the update of "
        "the weights, evaluation, embedding, nor recurrent products of states that are zero. Without --random and --model, "
        "--words alone are the vectors. Columns of the corpus: the token's and the tag's.\n\n"
        "lm: trains a character language model of --random units (default 1024) in --rnn-layers layers on random characters, "
        "100 streams of 250 an update, and prints characters and floating-point operations a second, the latter also as "
        "percent of the peak in float32, counted as for train.\n\n"
        "peak: what the machine can do at most in every instruction set and precision that it has: multiply-adds in "
        "registers, two operations each, by one thread and by all. --isa leaves one set. All percents are of the CPU's peak, on "
        "a GPU too; 'bench predict' gives none there.",
    .examples = "flairtag bench predict --random 2048 --words glove.safetensors test.conll\n"
                "flairtag bench storage --plan --random 2048 train.conll\n"
                "flairtag bench train --random 2048 --words glove.safetensors train.conll\n"
                "flairtag bench peak",
    .options = bench_options,
    .run = run_bench,
};

/* bench.h - what the benchmarks share. */
#ifndef CMD_BENCH_H
#define CMD_BENCH_H
#include "cmd/input_options.h"
#include "cmd/machine.h"
#include "run/random_model.h"
#include <cjson/cJSON.h>

struct bench_values {
    struct input_values input;
    struct model_values model;
    long random, repeat, mini_batch;
    const char *words;
    long hidden, layers, epochs; /* of 'bench train' */
    bool reproject, evaluate;
    bool plan, json;
    char **files;
    size_t file_count;
};

/* Each prints its report and returns the exit code. */
int bench_predict(const struct bench_values *values);
int bench_storage(const struct bench_values *values);
int bench_train(const struct bench_values *values);
int bench_lm(const struct bench_values *values);
int bench_peak(const struct bench_values *values);
int bench_gpu_model(const struct bench_values *values);

/* One whole run over the corpus: read, tag and drop. */
struct bench_figures {
    size_t sentences, tokens, characters; /* characters with two markers a sentence, as a language model sees them */
    struct step_counts steps;             /* of language models, on the CPU */
    double seconds;
};
ft_status bench_tag(const struct bench_values *values, struct backend *backend, const struct tagger *tagger,
                    struct bench_figures *figures, struct ft_error *error);

/* Prints a JSON object and frees it. */
ft_status bench_print_json(cJSON *json, struct ft_error *error);

/* The model that the options ask for, opened or made. */
ft_status bench_model(const struct bench_values *values, const struct machine *machine, struct model *model,
                      struct random_model **random, struct ft_error *error);

#endif

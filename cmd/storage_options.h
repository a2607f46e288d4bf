/* storage_options.h - the options that say where token embeddings live and how they are gathered. */
#ifndef CMD_STORAGE_OPTIONS_H
#define CMD_STORAGE_OPTIONS_H
#include "cmd/machine.h"
#include "run/predictor.h"

struct storage_values {
    int storage, gather, lm_output; /* gather: GATHER_UNSAID when not given */
};
enum { GATHER_UNSAID = -1 };
#define STORAGE_DEFAULTS        \
    {                           \
        .gather = GATHER_UNSAID \
    }
#define STORAGE_CHOICES "none|cpu|gpu"
#define GATHER_CHOICES "slice|clone"
#define LM_OUTPUT_CHOICES "boundary|all"

/* clang-format off */
#define STORAGE_OPTIONS(values, member)                                                                               \
    {0, "storage", OPTION_CHOICE, offsetof(values, member.storage), NULL, STORAGE_CHOICES,                            \
     "where token embeddings stay after their batch (default none)", 0, 0},                                           \
    {0, "gather", OPTION_CHOICE, offsetof(values, member.gather), NULL, GATHER_CHOICES,                               \
     "take embeddings as views of the language model's output or as copies (default: copies for storage gpu)", 0, 0}, \
    {0, "lm-output", OPTION_CHOICE, offsetof(values, member.lm_output), NULL, LM_OUTPUT_CHOICES,                      \
     "what the language model writes: the rows tokens need, or every hidden state (default boundary)", 0, 0}
/* clang-format on */

/* Fills in what the options leave unsaid, and says once what a machine without GPU does instead, or what is faster on
 * one with. */
void storage_settle(const struct storage_values *values, const struct machine *machine,
                    struct predictor_options *options);

#endif

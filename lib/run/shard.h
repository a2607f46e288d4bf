/* shard.h - one of N parts of an input, so that N processes that know nothing of each other can share it.
 *
 * The bytes of all inputs, one behind the other and gz ones unpacked, are cut into N ranges that differ by at most one
 * byte. A sentence belongs to the range in which its first line begins (in column formats that is the first line since
 * the sentence before, comments included; of a line of text or JSON all sentences belong together), so each sentence
 * belongs to one shard, and the outputs of shards 1..N one behind the other are the output of one run.
 *
 * A shard reads its input from the beginning and passes over what is not its own: reading costs little beside tagging,
 * and so gz files can be shared out, and sentence numbers, offsets, guessed formats and what errors say are those of
 * one run, in every format. Bad input stops the shard it lies in, and all behind it. */
#ifndef RUN_SHARD_H
#define RUN_SHARD_H
#include "base/error.h"
#include "text/sentence.h"

struct shard {
    size_t index, count; /* from 1; count 0: everything */
    size_t begin, end;   /* bytes; end SIZE_MAX for the last */
};

/* Reads "I/N". FT_USAGE. */
ft_status shard_parse(const char *text, struct shard *shard, struct ft_error *error);

/* Finds the range. FT_USAGE: an input is a pipe, whose size nobody knows; FT_INPUT: one cannot be read. */
ft_status shard_settle(struct shard *shard, const char *const *files, size_t count, struct ft_error *error);

/* The range alone: of `total` bytes. */
void shard_range(struct shard *shard, size_t total);

/* The window's sentences that belong to the shard: *count of them from *first on. True when what comes behind the
 * window belongs to later shards. */
bool shard_cut(const struct shard *shard, const struct window *window, size_t *first, size_t *count);

#endif

/* shard.c - see shard.h. */
#include "run/shard.h"
#include "base/input.h"
#include <stdlib.h>

enum { MOST_SHARDS = 1000000 };

static bool read_number(const char **at, size_t *number)
{
    const char *begin = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        if (*number <= MOST_SHARDS)
            *number = *number * 10 + (size_t)(**at - '0');
    return *at > begin;
}

ft_status shard_parse(const char *text, struct shard *shard, struct ft_error *error)
{
    const char *at = text;
    bool good = read_number(&at, &shard->index) && *at++ == '/' && read_number(&at, &shard->count) && !*at;
    if (good && shard->index >= 1 && shard->index <= shard->count && shard->count <= MOST_SHARDS)
        return FT_OK;
    return ft_fail(error, FT_USAGE, "--shard wants I/N, such as 1/4 to 4/4 (N up to %d), not '%s'", MOST_SHARDS, text);
}

void shard_range(struct shard *shard, size_t total)
{
    size_t step = total / shard->count, rest = total % shard->count, before = shard->index - 1;
    /* total x before / count, without a product that could be too large */
    shard->begin = step * before + rest * before / shard->count;
    shard->end = shard->index == shard->count ? SIZE_MAX : step * shard->index + rest * shard->index / shard->count;
}

ft_status shard_settle(struct shard *shard, const char *const *files, size_t count, struct ft_error *error)
{
    static const char *const standard_input[] = {"-"};
    size_t total = 0;
    if (!count) {
        files = standard_input;
        count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        size_t bytes;
        struct ft_error why;
        bool is_stdin = files[i][0] == '-' && !files[i][1];
        ft_status status = is_stdin ? FT_USAGE : input_bytes(files[i], &bytes, &why);
        if (is_stdin || status == FT_USAGE)
            return ft_fail(error, FT_USAGE, "--shard needs files: nobody knows how much '%s' will give", files[i]);
        if (status) {
            if (error)
                *error = why;
            return status;
        }
        total += bytes;
    }
    shard_range(shard, total);
    return FT_OK;
}

bool shard_cut(const struct shard *shard, const struct window *window, size_t *first, size_t *count)
{
    size_t from = 0, to = window->count;
    if (shard->count) {
        while (from < window->count && window->sentences[from].place < shard->begin)
            from++;
        for (to = from; to < window->count && window->sentences[to].place < shard->end;)
            to++;
    }
    *first = from;
    *count = to - from;
    return to < window->count;
}

/* predictor_group.c - see predictor_group.h. */
#include "run/predictor_group.h"
#include "base/parallel.h"
#include <stdlib.h>
#include <string.h>

/* A predictor and its part of the window at hand. */
struct part {
    struct predictor *predictor;
    struct window window; /* a view: nothing to release */
    const struct tagging *taggings;
    bool kept_less;
    ft_status status;
    struct ft_error error;
};

struct predictor_group {
    size_t count;
    struct tagging *taggings; /* of all parts, for the last window */
    struct part parts[];
};

ft_status predictor_group_new(struct predictor_group **out, const struct tagger *tagger,
                              struct backend *const *backends, size_t count, const struct predictor_options *options,
                              struct ft_error *error)
{
    struct predictor_group *group = calloc(1, sizeof *group + count * sizeof *group->parts);
    ft_status status = group ? FT_OK : ft_nomem(error, "the predictor");
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        status = predictor_new(&group->parts[i].predictor, tagger, backends[i], options, error);
        group->count += status == FT_OK;
    }
    if (status == FT_OK)
        *out = group;
    else
        predictor_group_free(group);
    return status;
}

void predictor_group_free(struct predictor_group *group)
{
    if (!group)
        return;
    for (size_t i = 0; i < group->count; i++)
        predictor_free(group->parts[i].predictor);
    free(group->taggings);
    free(group);
}

static size_t length_of(const struct sentence *sentence)
{
    size_t chars = 1;
    for (size_t j = 0; j < sentence->count; j++)
        chars += sentence->tokens[j].chars + 1;
    return chars;
}

/* A sentence is of the part in whose share of the characters its middle lies. */
static void deal(struct predictor_group *group, const struct window *window)
{
    size_t all = 0, passed = 0, next = 0;
    for (size_t s = 0; s < window->count; s++)
        all += length_of(&window->sentences[s]);
    for (size_t i = 0; i < group->count; i++) {
        struct window *part = &group->parts[i].window;
        *part = (struct window){.sentences = window->sentences + next};
        for (; next < window->count; next++) {
            size_t length = length_of(&window->sentences[next]);
            if ((2 * passed + length) * group->count >= 2 * all * (i + 1))
                break;
            passed += length;
            part->tokens += window->sentences[next].count;
            part->count++;
        }
    }
}

static void run_part(void *argument, size_t thread)
{
    struct part *part = &((struct predictor_group *)argument)->parts[thread];
    part->kept_less = false;
    part->status = predictor_run(part->predictor, &part->window, &part->taggings, &part->kept_less, &part->error);
}

ft_status predictor_group_run(struct predictor_group *group, const struct window *window,
                              const struct tagging **taggings, bool *kept_less, struct ft_error *error)
{
    if (group->count == 1)
        return predictor_run(group->parts[0].predictor, window, taggings, kept_less, error);
    struct tagging *all = realloc(group->taggings, (window->count + 1) * sizeof *all);
    if (!all)
        return ft_nomem(error, "tags");
    group->taggings = all;
    deal(group, window);
    parallel_run(group->count, run_part, group);
    for (size_t i = 0; i < group->count; i++) {
        struct part *part = &group->parts[i];
        *kept_less |= part->kept_less;
        if (part->status != FT_OK) {
            if (error)
                *error = part->error;
            return part->status;
        }
        memcpy(all, part->taggings, part->window.count * sizeof *all);
        all += part->window.count;
    }
    *taggings = group->taggings;
    return FT_OK;
}

void predictor_group_keep_nothing(struct predictor_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        predictor_keep_nothing(group->parts[i].predictor);
}

enum storage_mode predictor_group_storage(const struct predictor_group *group)
{
    enum storage_mode least = STORAGE_GPU;
    for (size_t i = 0; i < group->count; i++) {
        enum storage_mode mode = predictor_storage(group->parts[i].predictor);
        least = mode < least ? mode : least;
    }
    return least;
}

const struct storage_account *predictor_group_account(const struct predictor_group *group, size_t which)
{
    return predictor_account(group->parts[which].predictor);
}

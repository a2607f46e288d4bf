/* lm_checkpoint.c - see lm_checkpoint.h. */
#include "run/lm_checkpoint.h"
#include "run/state_file.h"
#include <math.h>
#include <stdlib.h>

static const char *const vector_names[LM_TRAINER_VECTORS] = {"weights", "best", "moment", "second_moment",
                                                             "hidden_states"};

#define STATE(name, kind, member)                             \
    {                                                         \
        name, kind, offsetof(struct lm_trainer_state, member) \
    }
static const struct state_number state_list[] = {
    STATE("epoch", NUMBER_SIZE, epoch),
    STATE("position", NUMBER_SIZE, position),
    STATE("row", NUMBER_SIZE, row),
    STATE("step", NUMBER_U64, step),
    STATE("chars", NUMBER_U64, chars),
    STATE("validated", NUMBER_U64, validated),
    STATE("loss", NUMBER_DOUBLE, loss),
    STATE("parts", NUMBER_DOUBLE, parts),
    STATE("best_loss", NUMBER_DOUBLE, best_loss),
    STATE("best_chars", NUMBER_U64, best_chars),
    STATE("finished", NUMBER_BOOL, finished),
    STATE("schedule_rate", NUMBER_DOUBLE, schedule.rate),
    STATE("schedule_best", NUMBER_DOUBLE, schedule.best),
    STATE("schedule_has_best", NUMBER_BOOL, schedule.has_best),
    STATE("schedule_bad_epochs", NUMBER_LONG, schedule.bad_epochs),
};
#define MARK(name, member)                                      \
    {                                                           \
        name, NUMBER_U64, offsetof(struct lm_log_marks, member) \
    }
static const struct state_number mark_list[] = {MARK("log_bytes", log), MARK("loss_bytes", loss),
                                                MARK("table_bytes", table)};

static const struct state_numbers state_table = {state_list, sizeof state_list / sizeof *state_list},
                                  mark_table = {mark_list, sizeof mark_list / sizeof *mark_list};

ft_status lm_checkpoint_write(const char *path, const struct lm_trainer *trainer, const struct lm_log_marks *marks,
                              const char *identity, struct ft_error *error)
{
    size_t count = 0;
    struct state_vector vectors[LM_TRAINER_VECTORS];
    float *copies[LM_TRAINER_VECTORS] = {NULL};
    ft_status status = FT_OK;
    for (int v = 0; status == FT_OK && v < LM_TRAINER_VECTORS; v++) {
        size_t floats = lm_trainer_floats(trainer, (enum lm_trainer_vector)v);
        if (!floats)
            continue;
        copies[v] = malloc(floats * sizeof(float));
        status = copies[v] ? lm_trainer_read(trainer, (enum lm_trainer_vector)v, copies[v], error)
                           : ft_nomem(error, "a checkpoint");
        vectors[count++] = (struct state_vector){vector_names[v], floats, copies[v]};
    }
    const struct state_numbers tables[] = {state_table, mark_table};
    const void *const structs[] = {lm_trainer_state(trainer), marks};
    if (status == FT_OK)
        status = state_file_write(path, identity, tables, structs, 2, vectors, count, error);
    for (int v = 0; v < LM_TRAINER_VECTORS; v++)
        free(copies[v]);
    return status;
}

ft_status lm_checkpoint_marks(const char *path, const char *identity, struct lm_log_marks *marks,
                              struct ft_error *error)
{
    struct state_file *file;
    ft_status status = state_file_open(&file, path, identity, error);
    if (status == FT_OK)
        status = state_file_numbers(file, &mark_table, marks, error);
    state_file_close(file);
    return status;
}

/* Whether the numbers can be those of a run. The row is held against its split when that has been read. */
static bool is_possible(const struct lm_trainer_state *state)
{
    return state->epoch && isfinite(state->schedule.rate) && isfinite(state->loss) && isfinite(state->best_loss) &&
           state->validated <= state->chars && state->best_chars <= state->chars;
}

ft_status lm_checkpoint_resume(const char *path, const char *identity, struct lm_trainer *trainer,
                               struct ft_error *error)
{
    struct state_file *file;
    const float *vectors[LM_TRAINER_VECTORS] = {NULL};
    struct lm_trainer_state state = *lm_trainer_state(trainer);
    ft_status status = state_file_open(&file, path, identity, error);
    if (status == FT_OK)
        status = state_file_numbers(file, &state_table, &state, error);
    if (status == FT_OK && !is_possible(&state))
        status = state_file_damaged(path, error);
    for (int v = 0; status == FT_OK && v < LM_TRAINER_VECTORS; v++) {
        struct state_vector vector = {vector_names[v], lm_trainer_floats(trainer, (enum lm_trainer_vector)v), NULL};
        if (!vector.floats)
            continue;
        status = state_file_vector(file, &vector, error);
        vectors[v] = vector.at;
    }
    if (status == FT_OK)
        status = lm_trainer_resume(trainer, &state, vectors, error);
    state_file_close(file);
    return status;
}

/* checkpoint.c - see checkpoint.h. */
#include "run/checkpoint.h"
#include "run/state_file.h"
#include <stdlib.h>

static const char *const vector_names[TRAINER_VECTORS] = {"weights", "best", "moment", "second_moment", "average"};

#define STATE(name, kind, member)                          \
    {                                                      \
        name, kind, offsetof(struct trainer_state, member) \
    }
static const struct state_number state_numbers[] = {
    STATE("epoch", NUMBER_SIZE, epoch),
    STATE("batch", NUMBER_SIZE, batch),
    STATE("step", NUMBER_U64, step),
    STATE("loss", NUMBER_DOUBLE, loss),
    STATE("loss_parts", NUMBER_DOUBLE, loss_parts),
    STATE("best_score", NUMBER_DOUBLE, best_score),
    STATE("best_epoch", NUMBER_SIZE, best_epoch),
    STATE("finished", NUMBER_BOOL, finished),
    STATE("schedule_effective_patience", NUMBER_LONG, schedule.effective_patience),
    STATE("schedule_rate", NUMBER_DOUBLE, schedule.rate),
    STATE("schedule_best", NUMBER_DOUBLE, schedule.best),
    STATE("schedule_best_aux", NUMBER_DOUBLE, schedule.best_aux),
    STATE("schedule_has_best", NUMBER_BOOL, schedule.has_best),
    STATE("schedule_has_best_aux", NUMBER_BOOL, schedule.has_best_aux),
    STATE("schedule_bad_epochs", NUMBER_LONG, schedule.bad_epochs),
};
#define MARK(name, member)                                       \
    {                                                            \
        name, NUMBER_U64, offsetof(struct run_log_marks, member) \
    }
static const struct state_number mark_numbers[] = {MARK("log_bytes", log), MARK("loss_bytes", loss),
                                                   MARK("weights_bytes", weights)};

static const struct state_numbers state_table = {state_numbers, sizeof state_numbers / sizeof *state_numbers},
                                  mark_table = {mark_numbers, sizeof mark_numbers / sizeof *mark_numbers};

ft_status checkpoint_write(const char *path, const struct trainer *trainer, const struct run_log_marks *marks,
                           const char *identity, struct ft_error *error)
{
    size_t floats = trainer_network(trainer)->parameters.floats, count = 0;
    struct state_vector vectors[TRAINER_VECTORS];
    float *copies[TRAINER_VECTORS] = {NULL};
    ft_status status = FT_OK;
    for (int v = 0; status == FT_OK && v < TRAINER_VECTORS; v++) {
        if (!trainer_has_vector(trainer, (enum trainer_vector)v))
            continue;
        copies[v] = malloc(floats * sizeof(float));
        status = copies[v] ? trainer_read_vector(trainer, (enum trainer_vector)v, copies[v], error)
                           : ft_nomem(error, "a checkpoint");
        vectors[count++] = (struct state_vector){vector_names[v], floats, copies[v]};
    }
    const struct state_numbers tables[] = {state_table, mark_table};
    const void *const structs[] = {trainer_state(trainer), marks};
    if (status == FT_OK)
        status = state_file_write(path, identity, tables, structs, 2, vectors, count, error);
    for (int v = 0; v < TRAINER_VECTORS; v++)
        free(copies[v]);
    return status;
}

ft_status checkpoint_marks(const char *path, const char *identity, struct run_log_marks *marks, struct ft_error *error)
{
    struct state_file *file;
    ft_status status = state_file_open(&file, path, identity, error);
    if (status == FT_OK)
        status = state_file_numbers(file, &mark_table, marks, error);
    state_file_close(file);
    return status;
}

ft_status checkpoint_resume(const char *path, const char *identity, struct trainer *trainer, struct ft_error *error)
{
    struct state_file *file;
    const float *vectors[TRAINER_VECTORS] = {NULL};
    struct trainer_state state = *trainer_state(trainer);
    ft_status status = state_file_open(&file, path, identity, error);
    if (status == FT_OK)
        status = state_file_numbers(file, &state_table, &state, error);
    for (int v = 0; status == FT_OK && v < TRAINER_VECTORS; v++) {
        struct state_vector vector = {vector_names[v], trainer_network(trainer)->parameters.floats, NULL};
        if (!trainer_has_vector(trainer, (enum trainer_vector)v))
            continue;
        status = state_file_vector(file, &vector, error);
        vectors[v] = vector.at;
    }
    if (status == FT_OK)
        status = trainer_resume(trainer, &state, vectors, error);
    if (status == FT_USAGE) /* the numbers are not those of this run */
        status = state_file_damaged(path, error);
    state_file_close(file);
    return status;
}

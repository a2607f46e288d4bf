/* training.c - the training operations on CUDA: their table, the way an LSTM layer goes, and what lasts from call to
 * call (lstm_training.h). */
#include "cuda/lstm_training.h"
#include "cuda/training_ops.h"
#include <stdlib.h>

static void reserve_release(struct cuda_backend *cuda, struct cuda_reserve *reserve)
{
    cuda_free(cuda, reserve->at);
    *reserve = (struct cuda_reserve){0};
}

static void release_all(struct cuda_backend *cuda, struct cuda_training *training)
{
    for (size_t i = 0; i < CUDA_RESERVES; i++)
        reserve_release(cuda, &training->reserves[i]);
}

static void training_free(struct backend *backend, void *state)
{
    release_all((struct cuda_backend *)backend, state);
    free(state);
}

void cuda_training_forget(struct cuda_backend *cuda, const float *floats)
{
    struct cuda_training *training = cuda->training.state;
    for (size_t i = 0; training && floats && i < CUDA_RESERVES; i++)
        if (training->reserves[i].gates == floats)
            reserve_release(cuda, &training->reserves[i]);
}

/* The one of these gates; else an empty one; else the one that was asked for longest ago. */
static struct cuda_reserve *reserve_of(struct cuda_training *training, const float *gates)
{
    struct cuda_reserve *oldest = training->reserves;
    for (size_t i = 0; i < CUDA_RESERVES; i++) {
        struct cuda_reserve *reserve = &training->reserves[i];
        if (reserve->gates == gates)
            return reserve;
        if (reserve->asked < oldest->asked)
            oldest = reserve;
    }
    return oldest;
}

struct cuda_reserve *cuda_reserve_take(struct cuda_backend *cuda, const float *gates, size_t bytes)
{
    struct cuda_training *training = cuda->training.state;
    if (!training) {
        training = calloc(1, sizeof *training);
        if (!training)
            return NULL;
        cuda->training = (struct cuda_kept){training, training_free};
    }
    struct cuda_reserve *reserve = reserve_of(training, gates);
    if (reserve->gates != gates || reserve->bytes < bytes) {
        reserve_release(cuda, reserve);
        size_t room = bytes + bytes / 4; /* batches differ a little */
        reserve->at = cuda_allocate(cuda, room);
        if (!reserve->at) {
            release_all(cuda, training);
            reserve->at = cuda_allocate(cuda, room = bytes);
        }
        if (!reserve->at)
            return NULL;
        reserve->gates = gates;
        reserve->bytes = room;
    }
    reserve->asked = ++training->asked;
    return reserve;
}

static struct cuda_lstm lstm_of(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                                size_t count, const float *x)
{
    const struct lstm_weights *weights = directions[0].weights;
    return (struct cuda_lstm){
        (struct cuda_backend *)backend, batch, directions, count, weights->in, weights->hidden, x};
}

ft_status cuda_lstm_forward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                            size_t count, const float *x, struct ft_error *error)
{
    struct cuda_lstm lstm = lstm_of(backend, batch, directions, count, x);
    ft_status status = cuda_scratch_begin(lstm.cuda, error);
    if (status != FT_OK)
        return status;
    if (batch->rows)
        status =
            cuda_lstm_dnn_fits(&lstm) ? cuda_lstm_dnn_forward(&lstm, error) : cuda_lstm_native_forward(&lstm, error);
    cuda_scratch_end(lstm.cuda);
    return status;
}

/* Of a batch without rows. */
static ft_status clear_gradients(const struct cuda_lstm *lstm, const struct lstm_weights *gradients,
                                 struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t d = 0; d < lstm->count; d++) {
        size_t gates = 4 * lstm->hidden, counts[] = {gates * lstm->in, gates * lstm->hidden, gates, gates};
        float *const tensors[] = {gradients[d].w_ih, gradients[d].w_hh, gradients[d].b_ih, gradients[d].b_hh};
        for (size_t i = 0; status == FT_OK && i < 4; i++)
            status = cuda_clear(lstm->cuda, tensors[i], counts[i], error);
    }
    return status;
}

ft_status cuda_lstm_backward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                             size_t count, const float *x, const float *dout, float *dx, struct lstm_weights *gradients,
                             struct ft_error *error)
{
    struct cuda_lstm lstm = lstm_of(backend, batch, directions, count, x);
    ft_status status = cuda_scratch_begin(lstm.cuda, error);
    if (status != FT_OK)
        return status;
    if (!batch->rows)
        status = clear_gradients(&lstm, gradients, error);
    else if (cuda_lstm_dnn_fits(&lstm))
        status = cuda_lstm_dnn_backward(&lstm, dout, dx, gradients, error);
    else
        status = cuda_lstm_native_backward(&lstm, dout, dx, gradients, error);
    cuda_scratch_end(lstm.cuda);
    return status;
}

const struct training_ops cuda_training_ops = {
    .linear_forward = cuda_linear_forward,
    .linear_backward = cuda_linear_backward,
    .lstm_forward = cuda_lstm_forward,
    .lstm_backward = cuda_lstm_backward,
    .lookup_forward = cuda_lookup_forward,
    .lookup_backward = cuda_lookup_backward,
    .dropout = cuda_dropout,
    .crf_loss = cuda_crf_loss,
    .softmax_loss = cuda_softmax_loss,
    .squares = cuda_squares,
    .sgd = cuda_sgd,
    .adam = cuda_adam,
};

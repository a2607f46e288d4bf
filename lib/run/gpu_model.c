/* gpu_model.c - see gpu_model.h: prices, memory that nobody may follow pointers into, and the operations of tagging.
 *
 * Sources of the cards' figures: NVIDIA's data sheets "T4 Tensor Core GPU" (2019), "A100 Tensor Core GPU" (SXM, 80 GB,
 * 2022), "H200 Tensor Core GPU" (SXM, 2024), and the whitepaper "Turing GPU Architecture" (2018) for the 2080 Ti, whose
 * halves run at half speed when sums are float32. Dense products: the sheets of A100 and H200 tell twice as much for
 * sparse ones. */
#include "run/gpu_price.h"
#include "tensor/lane_schedule.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char *const gpu_math_names[3] = {"f32", "tf32", "f16"};
const struct gpu_card gpu_cards[] = {
    {"T4", {8.1e12, 0, 65e12}, 320e9, 15.75e9, 16e9, 40},
    {"RTX 2080 Ti", {13.4e12, 0, 53.8e12}, 616e9, 15.75e9, 11e9, 68},
    {"A100", {19.5e12, 156e12, 312e12}, 2039e9, 31.5e9, 80e9, 108},
    {"H200", {67e12, 494e12, 989e12}, 4800e9, 63e9, 141e9, 132},
};
const size_t gpu_card_count = sizeof gpu_cards / sizeof *gpu_cards;

static const double product_share = 0.7, stream_share = 0.8, launch_seconds = 4e-6, copy_seconds = 10e-6,
                    link_seconds = 1e-6;

static struct gpu_model *of(struct backend *backend)
{
    return (struct gpu_model *)backend;
}

void gpu_launches(struct gpu_model *model, double times, const struct gpu_launch *launch)
{
    const struct gpu_card *card = model->card;
    double weight = model->math == CUDA_MATH_F16 ? 2 : 4, kernels = launch->kernels > 0 ? launch->kernels : 1;
    double computing = launch->operations / (product_share * card->operations[model->math]);
    double streaming = (launch->weights * weight + launch->bytes) / (stream_share * card->bandwidth);
    model->sum.seconds += times * ((computing > streaming ? computing : streaming) + kernels * launch_seconds +
                                   launch->chain * link_seconds);
    model->sum.operations += times * launch->operations;
    model->sum.launches += times * kernels;
}

void gpu_product(struct gpu_model *model, double m, double n, double k)
{
    gpu_launches(model, 1,
                 &(struct gpu_launch){.operations = 2 * m * n * k, .weights = n * k, .bytes = 4 * m * (n + k)});
}

void gpu_product_of_rows(struct gpu_model *model, double m, double n, double k)
{
    gpu_launches(model, 1, &(struct gpu_launch){.operations = 2 * m * n * k, .bytes = 4 * (m * n + m * k + n * k)});
}

void gpu_kernel(struct gpu_model *model, double floats)
{
    gpu_launches(model, 1, &(struct gpu_launch){.bytes = 4 * floats});
}

static void copy(struct gpu_model *model, double bytes)
{
    double seconds = bytes / (stream_share * model->card->bus) + copy_seconds;
    model->sum.seconds += seconds;
    model->sum.copy_seconds += seconds;
}

void gpu_upload(struct gpu_model *model, double bytes)
{
    copy(model, bytes);
    model->sum.uploaded += bytes;
}

void gpu_download(struct gpu_model *model, double bytes)
{
    copy(model, bytes);
    model->sum.downloaded += bytes;
}

/* Memory: addresses that are reserved and not open, behind a page that says how many bytes. */
enum { PAGE = 4096 };

static float *model_new_floats(struct backend *backend, size_t count)
{
    struct gpu_model *model = of(backend);
    size_t bytes = PAGE + count * sizeof(float);
    if (model->sum.memory + (double)bytes > model->card->memory)
        return NULL;
    char *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    if (mprotect(at, PAGE, PROT_READ | PROT_WRITE)) {
        munmap(at, bytes);
        return NULL;
    }
    memcpy(at, &bytes, sizeof bytes);
    model->sum.memory += (double)bytes;
    return (float *)(at + PAGE);
}

static void model_free_floats(struct backend *backend, float *floats)
{
    size_t bytes;
    if (!floats)
        return;
    char *at = (char *)floats - PAGE;
    memcpy(&bytes, at, sizeof bytes);
    of(backend)->sum.memory -= (double)bytes;
    munmap(at, bytes);
}

static ft_status model_upload(struct backend *backend, float *to, const float *host, size_t count,
                              struct ft_error *error)
{
    (void)to, (void)host, (void)error;
    gpu_upload(of(backend), (double)(count * sizeof(float)));
    return FT_OK;
}

static ft_status model_download(struct backend *backend, float *host, const float *from, size_t count,
                                struct ft_error *error)
{
    (void)from, (void)error;
    memset(host, 0, count * sizeof *host);
    gpu_download(of(backend), (double)(count * sizeof(float)));
    return FT_OK;
}

/* A step of `width` lanes: a product and a kernel a layer, in the layers above the first one more product. */
static void price_step(struct gpu_model *model, const struct char_lm *lm, double times, double width)
{
    for (size_t k = 0; k < lm->layers; k++) {
        double hidden = (double)lm->layer[k].hidden, in = k ? (double)lm->layer[k].in : 0;
        double gates = lm->layer[k].cell == CELL_LSTM ? 4 : 3, weights = gates * hidden * (hidden + in);
        /* z, written and read, the input's share, and h and c, read and written */
        double floats = width * hidden * (3 * gates + 4 + (k ? gates + 1 : 0));
        gpu_launches(
            model, times,
            &(struct gpu_launch){
                .operations = 2 * weights * width, .weights = weights, .bytes = 4 * floats, .kernels = k ? 3 : 2});
    }
}

static ft_status price_pass(struct gpu_model *model, const struct lm_pass *pass, struct ft_error *error)
{
    enum { RUN = 32 };
    struct lane_schedule schedule;
    const struct char_lm *lm = pass->lm;
    size_t width, count = 0, wanted = 0, places = 0;
    bool is_made = lane_schedule_init(&schedule, pass->sequences, pass->count);
    size_t lanes =
        !is_made
            ? 0
            : lane_schedule_lanes(&schedule, lane_schedule_most(model->card->processors, model->math != CUDA_MATH_F32));
    if (lanes)
        places = lane_schedule_places(&schedule, lanes, lm_state_floats(lm) * sizeof(float));
    struct lane_step *steps = is_made && lanes ? malloc(RUN * lanes * sizeof *steps) : NULL;
    is_made = is_made && (!lanes || (steps && lane_schedule_begin(&schedule, lanes, places, pass->states != NULL)));
    while (is_made && lanes && (count = lane_schedule_next(&schedule, steps, RUN, &width)) > 0) {
        price_step(model, lm, (double)count, (double)lane_schedule_width(&schedule, width));
        gpu_upload(model, (double)(count * lanes * sizeof *steps));
    }
    for (size_t i = 0; is_made && i < pass->count; i++)
        wanted += pass->sequences[i].row_count;
    if (is_made && lm->has_projection)
        gpu_product(model, (double)wanted, (double)lm->projection.out, (double)lm->projection.in);
    if (is_made && lanes) {
        double copies = (double)lane_schedule_copies(&schedule, NULL);
        if (copies > 0)
            gpu_kernel(model, 2 * copies * (double)(lm->has_projection ? lm->projection.out : lm->layer[0].hidden));
        model->sum.steps.asked += schedule.asked;
        model->sum.steps.taken += schedule.taken;
    }
    lane_schedule_release(&schedule);
    free(steps);
    return is_made ? FT_OK : ft_nomem(error, "the schedule of a language model");
}

static ft_status model_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count,
                                 struct ft_error *error)
{
    struct gpu_model *model = of(backend);
    double before = model->sum.seconds;
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < count; i++)
        status = price_pass(model, &passes[i], error);
    model->sum.lm_seconds += model->sum.seconds - before;
    return status;
}

static ft_status model_gather(struct backend *backend, const float *const *rows, size_t count, size_t width, float *out,
                              size_t out_stride, struct ft_error *error)
{
    (void)rows, (void)out, (void)out_stride, (void)error;
    gpu_upload(of(backend), (double)(count * sizeof *rows));
    gpu_kernel(of(backend), 2 * (double)(count * width));
    return FT_OK;
}

static ft_status model_linear(struct backend *backend, const struct linear_layer *layer,
                              const struct input_piece *pieces, size_t piece_count, size_t rows, float *out,
                              struct ft_error *error)
{
    (void)out, (void)error;
    for (size_t i = 0; i < piece_count; i++)
        gpu_product(of(backend), (double)rows, (double)layer->out, (double)pieces[i].width);
    return FT_OK;
}

static int longer_first(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* Both directions of a layer side by side: the input's product for all tokens, and a step for each token of the longest
 * sentence, of as many sentences as have so many. */
static ft_status model_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                             size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens,
                             float *out, struct ft_error *error)
{
    (void)pieces, (void)piece_count, (void)out;
    struct gpu_model *model = of(backend);
    size_t *lengths = malloc((count + 1) * sizeof *lengths);
    if (!lengths)
        return ft_nomem(error, "sentences");
    for (size_t i = 0; i < count; i++)
        lengths[i] = sentences[i].count;
    qsort(lengths, count, sizeof *lengths, longer_first);
    for (size_t k = 0; k < net->layers; k++) {
        const struct recurrent_layer *layer = &net->layer[k][0];
        double gates = layer->cell == CELL_LSTM ? 4 : 3, hidden = (double)layer->hidden;
        gpu_product(model, (double)tokens, 2 * gates * hidden, (double)layer->in);
        for (size_t active = count, t = 0; active; t++) {
            while (active && lengths[active - 1] <= t)
                active--;
            double weights = 2 * gates * hidden * hidden;
            if (active)
                gpu_launches(model, 1,
                             &(struct gpu_launch){.operations = 2 * weights * (double)active,
                                                  .weights = weights,
                                                  .bytes = 4 * 2 * hidden * (3 * gates + 4) * (double)active,
                                                  .kernels = 2});
        }
    }
    free(lengths);
    return FT_OK;
}

static ft_status model_decode(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                              size_t count, const float *emissions, uint32_t *tags, float *scores,
                              struct ft_error *error)
{
    (void)emissions, (void)error;
    struct gpu_model *model = of(backend);
    size_t tokens = 0, longest = 0;
    for (size_t i = 0; i < count; i++) {
        memset(tags + sentences[i].first, 0, sentences[i].count * sizeof *tags);
        for (size_t t = 0; scores && t < sentences[i].count; t++)
            scores[sentences[i].first + t] = 1;
        tokens += sentences[i].count;
        longest = sentences[i].count > longest ? sentences[i].count : longest;
    }
    gpu_upload(model, (double)(count * sizeof *sentences));
    gpu_launches(model, 1, &(struct gpu_launch){.bytes = 8 * (double)(tokens * crf->tags), .chain = (double)longest});
    gpu_download(model, (double)tokens * (sizeof *tags + sizeof *scores));
    return FT_OK;
}

static void model_free(struct backend *backend)
{
    free(backend);
}

static const struct backend_ops model_ops = {
    .name = "gpu model",
    .free = model_free,
    .new_floats = model_new_floats,
    .free_floats = model_free_floats,
    .upload = model_upload,
    .download = model_download,
    .lm_encode = model_lm_encode,
    .gather = model_gather,
    .linear = model_linear,
    .birnn = model_birnn,
    .decode = model_decode,
    .training = &gpu_model_training,
};

ft_status gpu_model_new(struct backend **backend, const struct gpu_card *card, enum cuda_math math,
                        struct ft_error *error)
{
    if (card->operations[math] <= 0)
        return ft_fail(error, FT_USAGE, "%s has no units for %s", card->name, gpu_math_names[math]);
    struct gpu_model *model = calloc(1, sizeof *model);
    if (!model)
        return ft_nomem(error, "the model of a device");
    model->base.ops = &model_ops;
    model->card = card;
    model->math = math;
    *backend = &model->base;
    return FT_OK;
}

struct gpu_estimate gpu_model_estimate(const struct backend *backend)
{
    return ((const struct gpu_model *)backend)->sum;
}

/* memory_plan.c - see memory_plan.h.
 *
 * Each part below is what one place allocates, in the same terms; arenas lose up to a quarter at the ends of their
 * blocks. tests/unit/test_memory_plan.c holds the sums against what runs take. */
#include "run/memory_plan.h"
#include "kernels/linear.h"
#include "run/head.h"
#include "text/writer.h"
#include <stdio.h>

enum {
    MIB = 1 << 20,
    WINDOW_ROW_BYTES = 192 * MIB, /* of language models' rows in a window, where nothing else bounds it */
    COPIED_ROW_BYTES = 64 * MIB,  /* the same where they are copied to be kept: for a moment they lie there twice */
    WINDOW_TOKENS = 32768,
    WINDOW_CHARS = 1 << 18,
    LEAST_TOKENS = 256, /* about ten sentences: below that, steps are narrow and windows cost more than their work */
    LEAST_LANES = 8,
    MINI_BATCH = 32,          /* sentences of a batch whose whole hidden states are kept, as in Flair */
    PROCESS_BYTES = 5 * MIB,  /* the program and its libraries, and the buffers of input and output */
    THREAD_BYTES = 128 << 10, /* a thread's stack, as far as it is used */
    LINE_COST = 64,           /* bytes that a byte of a JSON line of short tokens costs while it is read */
    SENTENCE_TOKENS = 512,    /* the longest sentence that a window is planned for; longer ones take more of it */
    SENTENCE_CHARS = 8 * SENTENCE_TOKENS,
    SENTENCE_FORKS = 32, /* tokens a state that is kept for others */
    POINTER = sizeof(void *),
};

const char *memory_text(size_t bytes, char text[MEMORY_TEXT])
{
    if (bytes < 1000 * (size_t)MIB)
        snprintf(text, MEMORY_TEXT, "%.1f MiB", (double)bytes / MIB);
    else
        snprintf(text, MEMORY_TEXT, "%.1f GiB", (double)bytes / MIB / 1024);
    return text;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The bytes of an array, where it is none of the file's. */
static size_t of_array(const struct words *words, const void *array, size_t bytes)
{
    for (size_t i = 0; i < sizeof words->owned / sizeof *words->owned; i++)
        if (words->owned[i] == array)
            return bytes;
    return 0;
}

static size_t of_words(const struct words *words)
{
    return of_array(words, words->vectors ? (const void *)words->vectors : words->narrow, words_table_bytes(words)) +
           of_array(words, words->text, words->text_bytes) +
           of_array(words, words->offsets, (words->count + 1) * sizeof *words->offsets) +
           of_array(words, words->slots, words->slot_count * sizeof *words->slots);
}

size_t memory_of_tagger(const struct tagger *tagger, size_t file_bytes)
{
    size_t bytes = file_bytes + tagger->weights.bytes + tagger->arena.held;
    for (size_t m = 0; m < tagger->member_count; m++) {
        const struct member *member = &tagger->members[m];
        if (member->kind == MEMBER_WORDS)
            bytes += of_words(member->words);
        bytes += member->index.capacity * sizeof *member->index.slots;
    }
    return bytes;
}

/* States of a lane in one recurrent layer: c, h(t-1) and h(t), with a line of padding each. */
static size_t of_states(const struct recurrent_layer *layer)
{
    return 3 * ((layer->panels + 1) * BLOCK * sizeof(float) + POINTER);
}

/* What a row of a product needs: sums, pointers, and its quantised copy where the weights are quantised. */
static size_t of_row(const struct product_room *room)
{
    size_t quantised = PANEL * sizeof(int32_t) + room->stride + room->segments * sizeof(float);
    return PANEL * sizeof(float) + 4 * POINTER + (room->segments ? quantised : 0);
}

static size_t of_lm_lane(const struct char_lm *lm)
{
    struct product_room room = {0};
    size_t bytes = 5 * POINTER; /* the lane, and what its projection reads and writes */
    for (size_t k = 0; k < lm->layers; k++) {
        product_room(&room, &lm->layer[k].weights);
        bytes += of_states(&lm->layer[k]);
    }
    if (lm->has_projection)
        product_room(&room, &lm->projection.weights);
    return bytes + of_row(&room);
}

static size_t of_birnn_lane(const struct birnn *net)
{
    struct product_room room = {0};
    for (size_t k = 0; k < net->layers; k++)
        product_room(&room, &net->layer[k][0].weights);
    return of_states(&net->layer[0][0]) + of_row(&room) + (2 + PIECES_MAX) * POINTER;
}

/* What language models may keep of states that several sentences go on from: about one in two sentences does. */
static size_t of_forks(const struct memory_plan *plan, size_t *most)
{
    const struct tagger *tagger = plan->request.tagger;
    size_t bytes = 0;
    *most = 0;
    for (size_t m = 0; m < tagger->member_count; m++) {
        const struct char_lm *lm = &tagger->members[m].lm.net;
        size_t state = 0, models = tagger->members[m].kind == MEMBER_CHARS ? 2 : 1;
        if (tagger->members[m].kind == MEMBER_CHARS)
            lm = &tagger->members[m].chars[0].net;
        else if (tagger->members[m].kind != MEMBER_LM)
            continue;
        for (size_t k = 0; k < lm->layers; k++)
            state += 2 * lm->layer[k].panels * BLOCK * sizeof(float);
        size_t forks = smaller(CPU_FORK_BYTES, plan->max_tokens / SENTENCE_FORKS * state);
        bytes += models * forks;
        *most = larger(*most, forks);
    }
    return bytes;
}

/* The widest lane that a thread steps: it runs one model at a time. */
static size_t of_lane(const struct tagger *tagger)
{
    size_t most = tagger->has_rnn ? of_birnn_lane(&tagger->rnn) : 0;
    for (size_t m = 0; m < tagger->member_count; m++) {
        const struct member *member = &tagger->members[m];
        size_t lane = member->kind == MEMBER_LM      ? of_lm_lane(&member->lm.net)
                      : member->kind == MEMBER_CHARS ? of_lm_lane(&member->chars[0].net)
                                                     : 0;
        if (lane > most)
            most = lane;
    }
    return most;
}

/* As if each had lanes of its own; where they step the same lanes, only one of them has states. */
static size_t of_thread(const struct tagger *tagger, size_t lanes)
{
    struct product_room room = {0};
    product_room(&room, &tagger->linear.weights);
    if (tagger->has_reprojection)
        product_room(&room, &tagger->reprojection.weights);
    size_t linear = LINEAR_ROWS * (of_row(&room) + POINTER), lane = lanes * of_lane(tagger);
    return THREAD_BYTES + (lane > linear ? lane : linear);
}

/* Rows that are written, whole tensors where they are asked for, and their copies. */
static size_t of_rows(const struct memory_request *run, const struct batch_size *size)
{
    size_t row = embedder_written_width(run->tagger) * sizeof(float), bytes = 0;
    size_t copies = (run->gather == GATHER_CLONE) + (run->storage == STORAGE_CPU);
    for (size_t m = 0; m < run->tagger->member_count; m++) {
        const struct member *member = &run->tagger->members[m];
        bool whole = run->lm_output == LM_ALL && member->kind == MEMBER_LM;
        size_t rows = whole ? size->sentences * (size->longest_chars + member->lm.delimiter_length + 1) : size->tokens;
        if (embedder_writes(member))
            bytes += rows * member->width * sizeof(float);
    }
    return bytes + copies * (size->tokens * row + size->sentences * 128);
}

/* The embedder's arena. */
static size_t of_sequences(const struct memory_request *run, const struct batch_size *size)
{
    const struct tagger *tagger = run->tagger;
    size_t bytes = size->sentences * (sizeof(struct token_sequence) + 3 * POINTER);
    for (size_t m = 0; m < tagger->member_count; m++) {
        const struct member *member = &tagger->members[m];
        bytes += size->tokens * POINTER; /* the rows of the piece */
        if (member->kind == MEMBER_LM) {
            const struct lm *lm = &member->lm;
            size_t steps = size->chars + size->sentences * (lm->delimiter_length + 2);
            size_t room = (size->bytes + size->tokens) * (lm->lower ? 3 : 1);
            bytes += room * (sizeof(uint32_t) + (lm->lower ? 1 : 0)) + steps * sizeof(uint32_t);
            bytes += size->tokens * (2 * sizeof(size_t) + 3 * sizeof(uint32_t) + (lm->lower ? 16 : 0));
            bytes += size->sentences * (sizeof(struct char_sequence) + 7 * 16 + 16);
            if (run->lm_output == LM_ALL)
                bytes += steps * 2 * sizeof(uint32_t);
        } else if (member->kind == MEMBER_CHARS) {
            /* two directions: a sequence and five entries a word, its characters, and the map of words */
            bytes += 2 * (size->tokens * (sizeof(struct char_sequence) + POINTER + 8 + 3 * sizeof(uint32_t) + 16) +
                          size->bytes * sizeof(uint32_t) + size->sentences * 5 * 16) +
                     size->longest_tokens * 6 * sizeof(struct map_slot);
        }
    }
    return bytes + bytes / 4;
}

/* The head's matrices, tags and scores, and what threads need to decode the longest sentence. */
static size_t of_head(const struct memory_request *run, const struct batch_size *size)
{
    const struct tagger *tagger = run->tagger;
    size_t tags = tagger->crf.tags, token = POINTER;
    if (tagger->has_reprojection)
        token += tagger->reprojection.out * sizeof(float);
    if (tagger->has_rnn) {
        size_t states = 2 * tagger->rnn.layer[0][0].hidden * sizeof(float);
        token += states + (tagger->rnn.layers > 1 ? states + POINTER : 0);
    }
    token += tags * sizeof(float) + sizeof(uint32_t) + sizeof(float);
    size_t longest = tags * sizeof(uint32_t) + (run->marginals || run->nbest ? 2 * tags * sizeof(double) : 0);
    size_t bytes = size->tokens * token + run->threads * size->longest_tokens * longest;
    if (run->nbest)
        bytes += run->nbest * (size->longest_tokens * (tags + 1) * sizeof(uint32_t) + 2 * tags * sizeof(double));
    return bytes + size->sentences * 4 * 2 * sizeof(uint32_t) + size->longest_chars * sizeof(size_t);
}

/* What the results of a batch add to the results of a window, and one sentence's line of output. */
static size_t of_results(const struct memory_request *run, const struct batch_size *size)
{
    size_t bytes = size->tokens * (POINTER + sizeof(double) + sizeof(struct span) + 2 * POINTER) +
                   size->sentences * (2 * 16 + POINTER + sizeof(struct tagging));
    bytes += run->nbest * (size->tokens * POINTER + size->sentences * (16 + sizeof(struct tag_sequence)));
    return bytes + bytes / 4 + size->longest_chars * 16 + size->longest_tokens * (64 + run->nbest * 16);
}

size_t memory_of_batch(const struct memory_plan *plan, const struct batch_size *size)
{
    const struct memory_request *run = &plan->request;
    return of_rows(run, size) + of_sequences(run, size) + of_head(run, size) + of_results(run, size);
}

/* The batch that a full window is planned to be. */
static struct batch_size full_batch(const struct memory_plan *plan)
{
    struct batch_size size = {.tokens = plan->max_tokens, .chars = plan->max_chars, .bytes = plan->max_chars * 5 / 4};
    size.longest_tokens = smaller(size.tokens, SENTENCE_TOKENS);
    size.longest_chars = smaller(size.chars, SENTENCE_CHARS);
    size.sentences = size.tokens / 4;
    if (plan->request.lm_output == LM_ALL) { /* mini-batches of sentences of middling length */
        size.longest_tokens = LEAST_TOKENS / 4;
        size.sentences = smaller(size.tokens / size.longest_tokens, MINI_BATCH);
        size.longest_chars = size.longest_tokens * 8;
        size.tokens = smaller(size.tokens, size.sentences * size.longest_tokens);
        size.chars = size.bytes = smaller(size.chars, size.sentences * size.longest_chars);
    }
    return size;
}

/* Bytes of the sentences in a full window: columns beside the token count in, up to a point. */
static size_t of_window(const struct memory_plan *plan)
{
    return plan->max_tokens * 128 + plan->max_chars * 4;
}

/* Fills in what follows from max_chars, max_tokens and lanes. */
static void add_up(struct memory_plan *plan)
{
    const struct memory_request *run = &plan->request;
    struct batch_size batch = full_batch(plan);
    size_t window = of_window(plan);
    plan->fixed = PROCESS_BYTES + run->model_bytes + run->threads * of_thread(run->tagger, plan->lanes) +
                  of_forks(plan, &plan->fork_bytes);
    plan->needed = plan->fixed + window + window / 4 + MIB + memory_of_batch(plan, &batch);
}

/* Makes smaller what takes most of a plan that is too large; false when nothing can be smaller. */
static bool shrink(struct memory_plan *plan)
{
    const struct memory_request *run = &plan->request;
    size_t lanes = run->threads * plan->lanes * of_lane(run->tagger);
    bool window_can = plan->max_tokens > LEAST_TOKENS, lanes_can = plan->lanes > LEAST_LANES;
    if (!window_can && !lanes_can)
        return false;
    if (window_can && (!lanes_can || plan->needed - plan->fixed > lanes)) {
        plan->max_tokens = larger(plan->max_tokens / 8 * 7, LEAST_TOKENS);
        plan->max_chars = smaller(plan->max_chars, plan->max_tokens * 8);
    } else {
        plan->lanes = larger(plan->lanes * 7 / 8, LEAST_LANES);
    }
    return true;
}

/* What windows may take beside the fixed part; kept embeddings, where there are any, have more use for the rest. */
static size_t share_of_window(const struct memory_plan *plan)
{
    size_t rest = plan->request.limit > plan->fixed ? plan->request.limit - plan->fixed : 0;
    return plan->request.storage == STORAGE_NONE ? rest : rest / 4;
}

ft_status memory_plan_init(struct memory_plan *plan, const struct memory_request *request, struct ft_error *error)
{
    size_t row = (embedder_written_width(request->tagger) + 1) * sizeof(float);
    *plan = (struct memory_plan){.request = *request, .lanes = request->lanes, .max_chars = WINDOW_CHARS};
    size_t rows = request->storage == STORAGE_CPU ? COPIED_ROW_BYTES : WINDOW_ROW_BYTES;
    plan->max_tokens = smaller(rows / row, WINDOW_TOKENS);
    add_up(plan);
    if (!request->limit)
        return FT_OK;
    while (plan->needed > request->limit || plan->needed - plan->fixed > share_of_window(plan)) {
        if (!shrink(plan))
            break;
        add_up(plan);
    }
    if (plan->needed > request->limit) {
        char limit[MEMORY_TEXT], fixed[MEMORY_TEXT], rest[MEMORY_TEXT], needed[MEMORY_TEXT];
        return ft_fail(error, FT_NOMEM,
                       "--max-mem %s is too little: the program with its model takes %s and the smallest window %s; "
                       "give it %s or more",
                       memory_text(request->limit, limit), memory_text(plan->fixed, fixed),
                       memory_text(plan->needed - plan->fixed, rest), memory_text(plan->needed + MIB / 10, needed));
    }
    plan->window = of_window(plan);
    plan->line = (request->limit - plan->fixed) / LINE_COST;
    if (request->storage != STORAGE_NONE) {
        struct batch_size batch = full_batch(plan);
        plan->kept = request->limit - plan->needed;
        plan->budget = plan->kept + of_rows(request, &batch);
    }
    return FT_OK;
}

static size_t floats_of_layer(const struct recurrent_layer *layer, bool reads_table)
{
    return layer->panels * PANEL * ((reads_table ? 0 : layer->in) + layer->hidden + 1);
}

static size_t floats_of_lm(const struct char_lm *lm)
{
    size_t floats = lm->items * lm->layer[0].panels * PANEL;
    for (size_t k = 0; k < lm->layers; k++)
        floats += floats_of_layer(&lm->layer[k], k == 0);
    return floats + (lm->has_projection ? lm->projection.out * (lm->projection.in + 1) : 0);
}

static size_t floats_of_tagger(const struct tagger *tagger)
{
    size_t floats = tagger->linear.out * (tagger->linear.in + 1);
    if (tagger->has_reprojection)
        floats += tagger->reprojection.out * (tagger->reprojection.in + 1);
    for (size_t k = 0; tagger->has_rnn && k < tagger->rnn.layers; k++)
        floats += 2 * floats_of_layer(&tagger->rnn.layer[k][0], false);
    for (size_t m = 0; m < tagger->member_count; m++) {
        const struct member *member = &tagger->members[m];
        if (member->kind == MEMBER_LM)
            floats += floats_of_lm(&member->lm.net);
        else if (member->kind == MEMBER_CHARS)
            floats += floats_of_lm(&member->chars[0].net) + floats_of_lm(&member->chars[1].net);
    }
    return floats;
}

size_t memory_on_device(const struct memory_plan *plan)
{
    struct batch_size batch = full_batch(plan);
    return floats_of_tagger(plan->request.tagger) * sizeof(float) + of_rows(&plan->request, &batch) +
           batch.tokens * head_token_bytes(plan->request.tagger);
}

bool memory_plan_fit_device(struct memory_plan *plan, size_t available)
{
    while (memory_on_device(plan) > available) {
        if (plan->max_tokens <= LEAST_TOKENS)
            return false;
        plan->max_tokens = larger(plan->max_tokens / 8 * 7, LEAST_TOKENS);
        plan->max_chars = smaller(plan->max_chars, plan->max_tokens * 8);
    }
    return true;
}

static void add_sentence(struct batch_size *size, const struct sentence *sentence)
{
    size_t chars = 0;
    for (size_t j = 0; j < sentence->count; j++) {
        chars += sentence->tokens[j].chars + 1;
        size->bytes += sentence->tokens[j].bytes;
    }
    size->sentences++;
    size->tokens += sentence->count;
    size->chars += chars;
    if (chars > size->longest_chars)
        size->longest_chars = chars;
    if (sentence->count > size->longest_tokens)
        size->longest_tokens = sentence->count;
}

static size_t left_beside(const struct memory_plan *plan, size_t held)
{
    size_t taken = plan->fixed + plan->kept + held;
    return plan->request.limit > taken ? plan->request.limit - taken : 0;
}

size_t memory_plan_take(const struct memory_plan *plan, const struct sentence *const *sentences, size_t count,
                        size_t most, size_t held)
{
    struct batch_size size = {0};
    size_t taken = 0, left = left_beside(plan, held);
    while (taken < count && taken < most && size.tokens < plan->max_tokens) {
        struct batch_size more = size;
        if (plan->request.limit) {
            add_sentence(&more, sentences[taken]);
            if (memory_of_batch(plan, &more) > left)
                break;
        } else {
            more.tokens += sentences[taken]->count;
        }
        size = more;
        taken++;
    }
    return taken;
}

ft_status memory_plan_refuse(const struct memory_plan *plan, const struct sentence *sentence, size_t held,
                             struct ft_error *error)
{
    struct batch_size size = {0};
    char limit[MEMORY_TEXT], needed[MEMORY_TEXT];
    add_sentence(&size, sentence);
    return ft_fail(error, FT_NOMEM,
                   "%s:%zu: a sentence of %zu tokens and %zu characters does not fit in --max-mem %s: it takes %s",
                   sentence->file, sentence->line, size.tokens, size.chars, memory_text(plan->request.limit, limit),
                   memory_text(plan->fixed + held + memory_of_batch(plan, &size), needed));
}

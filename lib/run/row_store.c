/* row_store.c - see row_store.h. For every token and piece there is a pointer to its row, wherever that is: of a batch
 * just embedded, kept by the store, or in a table. */
#include "run/row_store.h"
#include "kernels/half.h"
#include <stdlib.h>
#include <string.h>

/* Of a sentence: its pointers say nothing; they lead to the floats of the batch at hand; they lead to what is kept. */
enum state { ABSENT, FRESH, HELD };

struct row_piece {
    size_t width;
    bool written; /* embedder_writes: else its rows lie in a table */
};

struct row_store {
    const struct tagger *tagger;
    struct backend *backend;
    struct row_store_options options; /* as they are in force */
    const struct sentence *const *sentences;
    size_t count, tokens;
    struct row_piece pieces[PIECES_MAX];
    size_t piece_count;
    size_t row_bytes;      /* of a token's kept row */
    size_t *first;         /* [count] a sentence's first token among all */
    const void **rows;     /* [tokens, pieces] to floats; to halves where a held row was written and type is f16 */
    unsigned char *states; /* [count] */
    uint16_t *scratch;     /* one piece's row */
    struct storage_account account; /* of the back end's memory */
    struct storage_account host;    /* of what is moved from there; not used where that is the host's */
    struct store kept;
    float *staged; /* [staged_room] device memory for rows that the host holds */
    size_t staged_room;
    struct arena arena; /* of one read */
    struct row_store_counts counts;
};

/* Sentences that a read has to embed. */
struct fresh {
    size_t *numbers;                   /* [count] */
    const struct sentence **sentences; /* [count] */
    size_t count;
    struct embedded embedded;
};

static void add_piece(struct row_store *store, const struct member *member, size_t width)
{
    store->pieces[store->piece_count++] = (struct row_piece){width, embedder_writes(member)};
}

/* In the embedder's order. */
static void list_pieces(struct row_store *store)
{
    for (size_t m = 0; m < store->tagger->member_count; m++) {
        const struct member *member = &store->tagger->members[m];
        if (member->kind == MEMBER_CHARS) {
            add_piece(store, member, member->chars[0].width);
            add_piece(store, member, member->chars[1].width);
        } else {
            add_piece(store, member, member->width);
        }
    }
}

/* What keeping every sentence takes at most, or exactly where it does not depend on the batches. */
static size_t bytes_of_all(const struct row_store *store, enum storage_mode mode)
{
    const struct row_store_options *options = &store->options;
    if (mode == STORAGE_NONE)
        return 0;
    if (mode == STORAGE_GPU && options->gather == GATHER_SLICE && options->type == ROWS_F32)
        return embedder_output_bytes(store->tagger, options->lm_output, store->sentences, store->count);
    return store->tokens * store->row_bytes;
}

static bool is_on_device(const struct row_store *store)
{
    return !storage_on_host(&store->account);
}

static size_t budget_of(const struct row_store *store, enum storage_mode mode)
{
    return mode == STORAGE_GPU && is_on_device(store) ? store->options.device_budget : store->options.budget;
}

static bool fits(const struct row_store *store, enum storage_mode mode)
{
    return !budget_of(store, mode) || bytes_of_all(store, mode) <= budget_of(store, mode);
}

static void settle_mode(struct row_store *store)
{
    struct row_store_options *options = &store->options;
    enum storage_mode mode = options->mode;
    store->counts.asked_bytes = bytes_of_all(store, mode);
    while (mode != STORAGE_NONE && !fits(store, mode))
        mode = mode == STORAGE_GPU ? STORAGE_CPU : STORAGE_NONE;
    store->counts.planned_bytes = bytes_of_all(store, mode);
    if (mode != options->mode)
        options->gather = store_default_gather(mode);
    if (options->type == ROWS_F16 && mode != STORAGE_NONE)
        options->gather = GATHER_SLICE; /* rounding is the copy */
    options->mode = mode;
}

static ft_status allocate(struct row_store *store, struct ft_error *error)
{
    size_t widest = 0;
    for (size_t p = 0; p < store->piece_count; p++)
        widest = store->pieces[p].width > widest ? store->pieces[p].width : widest;
    store->first = calloc(store->count + 1, sizeof *store->first);
    store->states = calloc(store->count + 1, sizeof *store->states);
    store->scratch = calloc(widest + 1, sizeof *store->scratch);
    store->rows = calloc(store->tokens + 1, (store->piece_count + 1) * sizeof *store->rows);
    if (!store->first || !store->states || !store->scratch || !store->rows)
        return ft_nomem(error, "the embedding store");
    for (size_t i = 0, token = 0; i < store->count; token += store->sentences[i++]->count)
        store->first[i] = token;
    return FT_OK;
}

ft_status row_store_new(struct row_store **out, const struct tagger *tagger, struct backend *backend,
                        const struct row_store_options *options, const struct sentence *const *sentences, size_t count,
                        enum storage_mode *in_force, struct ft_error *error)
{
    if (options->type == ROWS_F16 && options->mode == STORAGE_GPU && !backend->ops->on_host)
        return ft_fail(error, FT_USAGE, "half-precision rows are kept in host memory (storage cpu), not on a device");
    struct row_store *store = calloc(1, sizeof *store);
    if (!store)
        return ft_nomem(error, "the embedding store");
    *store = (struct row_store){.tagger = tagger,
                                .backend = backend,
                                .options = *options,
                                .sentences = sentences,
                                .count = count,
                                .account = {.backend = backend}};
    for (size_t i = 0; i < count; i++)
        store->tokens += sentences[i]->count;
    size_t width = embedder_written_width(tagger);
    store->row_bytes = (options->type == ROWS_F16 ? (width + 1) / 2 : width) * sizeof(float);
    list_pieces(store);
    settle_mode(store);
    arena_init(&store->arena);
    store_init(&store->kept, store->options.mode, &store->account,
               is_on_device(store) ? &store->host : &store->account);
    ft_status status = allocate(store, error);
    if (status != FT_OK) {
        row_store_free(store);
        return status;
    }
    if (in_force)
        *in_force = store->options.mode;
    *out = store;
    return FT_OK;
}

void row_store_free(struct row_store *store)
{
    if (!store)
        return;
    store_release(&store->kept);
    store->backend->ops->free_floats(store->backend, store->staged);
    arena_release(&store->arena);
    free(store->first);
    free(store->states);
    free(store->scratch);
    free(store->rows);
    free(store);
}

size_t row_store_width(const struct row_store *store)
{
    return store->tagger->width;
}

struct row_store_counts row_store_counts(const struct row_store *store)
{
    struct row_store_counts counts = store->counts;
    counts.kept_bytes = store->account.live_bytes + store->host.live_bytes;
    counts.copied_bytes = store->account.copied_bytes + store->host.copied_bytes;
    return counts;
}

/* From here on nothing more is kept, so that nothing needs a copy. */
static void stop_keeping(struct row_store *store)
{
    store->counts.stopped = true;
    store->options.gather = GATHER_SLICE;
}

static const void **pointers(const struct row_store *store, size_t sentence, size_t token)
{
    return store->rows + (store->first[sentence] + token) * store->piece_count;
}

static ft_status find_fresh(struct row_store *store, const size_t *numbers, size_t count, struct fresh *fresh,
                            struct ft_error *error)
{
    fresh->numbers = arena_array(&store->arena, count, sizeof *fresh->numbers);
    fresh->sentences = arena_array(&store->arena, count, sizeof *fresh->sentences);
    if (!fresh->numbers || !fresh->sentences)
        return ft_nomem(error, "token vectors");
    for (size_t k = 0; k < count; k++)
        if (numbers[k] >= store->count)
            return ft_fail(error, FT_USAGE, "sentence %zu is not among the %zu that the embedding store is for",
                           numbers[k], store->count);
    for (size_t k = 0; k < count; k++) {
        size_t i = numbers[k];
        if (store->states[i] != ABSENT || !store->sentences[i]->count)
            continue;
        store->states[i] = FRESH;
        fresh->numbers[fresh->count] = i;
        fresh->sentences[fresh->count++] = store->sentences[i];
    }
    return FT_OK;
}

static void set_states(struct row_store *store, const struct fresh *fresh, enum state state)
{
    for (size_t k = 0; k < fresh->count; k++)
        store->states[fresh->numbers[k]] = (unsigned char)state;
}

/* The store's pointers to where the batch's rows lie now. */
static void point_to_rows(struct row_store *store, const struct fresh *fresh)
{
    for (size_t k = 0; k < fresh->count; k++)
        for (size_t j = 0; j < fresh->sentences[k]->count; j++) {
            const void **to = pointers(store, fresh->numbers[k], j);
            for (size_t p = 0; p < store->piece_count; p++)
                to[p] = fresh->embedded.pieces[p].rows[fresh->embedded.sentences[k].first + j];
        }
}

/* Every written row where it lies. Words that share a row have it rounded more than once, which changes nothing. */
static ft_status round_rows(struct row_store *store, const struct fresh *fresh, struct ft_error *error)
{
    for (size_t k = 0; k < fresh->count; k++)
        for (size_t j = 0; j < fresh->sentences[k]->count; j++)
            for (size_t p = 0; p < store->piece_count; p++) {
                float *row = (float *)pointers(store, fresh->numbers[k], j)[p]; /* in a storage of the batch's own */
                size_t width = store->pieces[p].width;
                if (!store->pieces[p].written)
                    continue;
                if (!half_round(store->scratch, row, width))
                    return ft_fail(error, FT_FAILED,
                                   "%s:%zu: a token's row does not fit in half precision (store f32 instead)",
                                   fresh->sentences[k]->file, fresh->sentences[k]->line);
                half_widen(row, store->scratch, width);
            }
    return FT_OK;
}

static ft_status embed(struct row_store *store, struct fresh *fresh, struct ft_error *error)
{
    struct embedder_options how = {store->options.gather, store->options.lm_output};
    ft_status status = embedder_run(store->tagger, store->backend, &how, fresh->sentences, fresh->count,
                                    &store->account, &store->arena, &fresh->embedded, error);
    if (status == FT_NOMEM && how.gather == GATHER_CLONE) { /* without copies it takes half */
        if (store->options.mode != STORAGE_NONE)
            stop_keeping(store);
        how.gather = GATHER_SLICE;
        status = embedder_run(store->tagger, store->backend, &how, fresh->sentences, fresh->count, &store->account,
                              &store->arena, &fresh->embedded, error);
    }
    if (status != FT_OK)
        return status;
    if (store->options.type == ROWS_F16 && is_on_device(store) && store->row_bytes)
        status = store_to_host(&store->kept, store->tagger, &fresh->embedded, error);
    point_to_rows(store, fresh);
    if (status == FT_OK && store->options.type == ROWS_F16)
        status = round_rows(store, fresh, error);
    if (status != FT_OK) {
        embedded_release(&fresh->embedded);
        return status;
    }
    if (store->row_bytes)
        store->counts.embedded += fresh->count;
    return FT_OK;
}

static void copy_piece(const struct row_store *store, size_t sentence, size_t p, const void *from, float *to)
{
    const struct row_piece *piece = &store->pieces[p];
    if (store->options.type == ROWS_F16 && store->states[sentence] == HELD && piece->written)
        half_widen(to, from, piece->width);
    else
        memcpy(to, from, piece->width * sizeof *to);
}

static size_t place_of(const struct row_target *to, size_t token)
{
    return to->place ? to->place[token] : token;
}

static void write_rows(const struct row_store *store, const size_t *numbers, size_t count, const struct row_target *to)
{
    size_t token = 0;
    for (size_t k = 0; k < count; k++)
        for (size_t j = 0; j < store->sentences[numbers[k]]->count; j++, token++) {
            const void **from = pointers(store, numbers[k], j);
            float *at = to->rows + place_of(to, token) * to->stride;
            for (size_t p = 0; p < store->piece_count; at += store->pieces[p++].width)
                copy_piece(store, numbers[k], p, from[p], at);
        }
}

/* Whether a sentence's rows of a piece lie in the device's memory. */
static bool lies_on_device(const struct row_store *store, size_t sentence, size_t p)
{
    bool is_there = store->states[sentence] == FRESH || store->options.mode == STORAGE_GPU;
    return store->pieces[p].written && store->options.type == ROWS_F32 && is_there;
}

static float *stage(struct row_store *store, size_t floats)
{
    const struct backend_ops *ops = store->backend->ops;
    if (!store->staged || store->staged_room < floats) {
        ops->free_floats(store->backend, store->staged);
        store->staged = ops->new_floats(store->backend, floats + 1);
        store->staged_room = store->staged ? floats : 0;
    }
    return store->staged;
}

/* Where a read of a device finds its rows: [pieces][tokens], in the order of their places. */
struct sources {
    const float **rows;
    float *host;   /* rows that the host holds, one behind the other, NULL while they are counted */
    size_t floats; /* of them */
};

static void find_sources(const struct row_store *store, const size_t *numbers, size_t count, size_t tokens,
                         const struct row_target *to, struct sources *sources)
{
    size_t token = 0;
    sources->floats = 0;
    for (size_t k = 0; k < count; k++)
        for (size_t j = 0; j < store->sentences[numbers[k]]->count; j++, token++)
            for (size_t p = 0; p < store->piece_count; p++) {
                const void *from = pointers(store, numbers[k], j)[p];
                const float **row = &sources->rows[p * tokens + place_of(to, token)];
                *row = from;
                if (lies_on_device(store, numbers[k], p))
                    continue;
                if (sources->host) {
                    *row = store->staged + sources->floats;
                    copy_piece(store, numbers[k], p, from, sources->host + sources->floats);
                }
                sources->floats += store->pieces[p].width;
            }
}

static ft_status gather_rows(struct row_store *store, const size_t *numbers, size_t count, const struct row_target *to,
                             struct ft_error *error)
{
    const struct backend_ops *ops = store->backend->ops;
    struct sources sources = {0};
    size_t tokens = 0, column = 0;
    ft_status status = FT_OK;
    for (size_t k = 0; k < count; k++)
        tokens += store->sentences[numbers[k]]->count;
    sources.rows = calloc(tokens * store->piece_count + 1, sizeof *sources.rows);
    if (!sources.rows)
        return ft_nomem(error, "a batch");
    find_sources(store, numbers, count, tokens, to, &sources);
    if (sources.floats) {
        sources.host = malloc(sources.floats * sizeof *sources.host);
        bool ready = sources.host && stage(store, sources.floats);
        if (ready)
            find_sources(store, numbers, count, tokens, to, &sources);
        status = ready ? ops->upload(store->backend, store->staged, sources.host, sources.floats, error)
                       : ft_nomem(error, "a batch");
    }
    for (size_t p = 0; status == FT_OK && p < store->piece_count; column += store->pieces[p++].width)
        status = ops->gather(store->backend, sources.rows + p * tokens, tokens, store->pieces[p].width,
                             to->rows + column, to->stride, error);
    free(sources.host);
    free(sources.rows);
    return status;
}

/* One storage for the whole batch, [tokens, row_bytes]. */
static ft_status keep_halves(struct row_store *store, struct fresh *fresh, struct ft_error *error)
{
    struct storage *block;
    ft_status status =
        storage_new(&block, store->kept.host, fresh->embedded.tokens, store->row_bytes / sizeof(float), error);
    if (status == FT_OK)
        status = store_keep(&store->kept, block, error);
    for (size_t k = 0, token = 0; status == FT_OK && k < fresh->count; k++)
        for (size_t j = 0; j < fresh->sentences[k]->count; j++, token++) {
            const void **rows = pointers(store, fresh->numbers[k], j);
            uint16_t *to = (uint16_t *)(block->data + token * block->width);
            for (size_t p = 0; p < store->piece_count; p++) {
                if (!store->pieces[p].written)
                    continue;
                half_round(to, rows[p], store->pieces[p].width); /* of what is a half already */
                rows[p] = to;
                to += store->pieces[p].width;
            }
        }
    if (status == FT_OK)
        store->kept.host->copied_bytes += storage_bytes(block);
    embedded_release(&fresh->embedded);
    return status;
}

/* What is kept when this batch is: with gpu everything that lives now, else the rows beside what was kept before. */
static size_t bytes_with(const struct row_store *store, const struct fresh *fresh)
{
    const struct storage_account *kept = store->kept.host;
    size_t pinned = 0;
    if (store->options.mode == STORAGE_GPU && store->options.type == ROWS_F32)
        return store->account.live_bytes;
    for (size_t i = 0; i < fresh->embedded.pinned_count; i++)
        pinned += fresh->embedded.pinned[i]->account == kept ? storage_bytes(fresh->embedded.pinned[i]) : 0;
    return kept->live_bytes - pinned + fresh->embedded.tokens * store->row_bytes;
}

/* True when the store's pointers stay good; releases the batch in any case. */
static bool keep(struct row_store *store, struct fresh *fresh)
{
    struct ft_error unsaid;
    if (!store->row_bytes) /* tables alone */
        return true;
    size_t budget = budget_of(store, store->options.mode);
    if (store->options.mode != STORAGE_NONE && budget && bytes_with(store, fresh) > budget)
        stop_keeping(store);
    if (store->options.mode == STORAGE_NONE || store->counts.stopped) {
        embedded_release(&fresh->embedded);
        return false;
    }
    ft_status status = store->options.type == ROWS_F16
                           ? keep_halves(store, fresh, &unsaid)
                           : store_put(&store->kept, store->tagger, &fresh->embedded, &unsaid);
    if (status != FT_OK)
        stop_keeping(store);
    else if (store->options.type == ROWS_F32)
        point_to_rows(store, fresh);
    return status == FT_OK;
}

bool row_store_leave_device(struct row_store *store)
{
    if (!is_on_device(store) || store->options.mode != STORAGE_GPU)
        return false;
    bool held = store->kept.count;
    store_release(&store->kept);
    memset(store->states, ABSENT, store->count);
    store->options.mode = fits(store, STORAGE_CPU) ? STORAGE_CPU : STORAGE_NONE;
    store->options.gather = store_default_gather(store->options.mode);
    store->kept.mode = store->options.mode;
    store->counts.stopped = false;
    store->counts.left_device = true;
    return held;
}

static ft_status read_once(struct row_store *store, const size_t *numbers, size_t count, const struct row_target *to,
                           struct ft_error *error)
{
    struct fresh fresh = {0};
    arena_clear(&store->arena);
    ft_status status = find_fresh(store, numbers, count, &fresh, error);
    if (status == FT_OK && fresh.count)
        status = embed(store, &fresh, error);
    if (status != FT_OK) {
        set_states(store, &fresh, ABSENT);
        return status;
    }
    if (is_on_device(store))
        status = gather_rows(store, numbers, count, to, error);
    else
        write_rows(store, numbers, count, to);
    if (status != FT_OK) {
        embedded_release(&fresh.embedded);
        set_states(store, &fresh, ABSENT);
        return status;
    }
    store->counts.read += count;
    if (fresh.count)
        set_states(store, &fresh, keep(store, &fresh) ? HELD : ABSENT);
    return FT_OK;
}

ft_status row_store_read(struct row_store *store, const size_t *numbers, size_t count, const struct row_target *to,
                         struct ft_error *error)
{
    ft_status status = read_once(store, numbers, count, to, error);
    if (status == FT_NOMEM && row_store_leave_device(store))
        status = read_once(store, numbers, count, to, error);
    return status;
}

ft_status row_store_ahead(struct row_store *store, const size_t *numbers, size_t count, struct ft_error *error)
{
    const struct row_store_options *options = &store->options;
    struct fresh fresh = {0};
    if (options->mode == STORAGE_NONE || store->counts.stopped || options->budget || options->lm_output == LM_ALL ||
        !store->row_bytes)
        return FT_OK;
    arena_clear(&store->arena);
    ft_status status = find_fresh(store, numbers, count, &fresh, error);
    if (status == FT_OK && fresh.count)
        status = embed(store, &fresh, error);
    bool kept = status == FT_OK && fresh.count && keep(store, &fresh);
    set_states(store, &fresh, kept ? HELD : ABSENT);
    return status == FT_NOMEM ? FT_OK : status; /* fewer at a time may fit */
}

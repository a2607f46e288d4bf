/* embedder.c - see embedder.h. */
#include "run/embedder.h"
#include "base/utf8.h"
#include "run/character_words.h"
#include <stdlib.h>

struct batch {
    const struct tagger *tagger;
    struct backend *backend;
    const struct embedder_options *options;
    const struct sentence **sentences; /* those with tokens */
    struct storage_account *account;
    struct arena *arena;
    struct embedded *to;
    struct lm_pass passes[PIECES_MAX];
    size_t pass_count;
    struct ft_error *error;
};

bool embedder_writes(const struct member *member)
{
    return member->kind == MEMBER_LM || member->kind == MEMBER_CHARS ||
           (member->kind == MEMBER_WORDS && member->words->type != WORDS_F32);
}

size_t embedder_written_width(const struct tagger *tagger)
{
    size_t width = 0;
    for (size_t i = 0; i < tagger->member_count; i++)
        width += embedder_writes(&tagger->members[i]) ? tagger->members[i].width : 0;
    return width;
}

/* Rows of a whole hidden-state tensor: sentences with tokens times their longest text, as lm_sequence counts it. */
static size_t tensor_rows(const struct lm *lm, const struct sentence *const *sentences, size_t count)
{
    size_t longest = 0, full = 0;
    for (size_t s = 0; s < count; s++) {
        size_t length = lm->delimiter_length + 1;
        for (size_t j = 0; j < sentences[s]->count; j++)
            length += sentences[s]->tokens[j].chars + (j ? 1 : 0);
        if (length > longest)
            longest = length;
        full += sentences[s]->count ? 1 : 0;
    }
    return longest * full;
}

size_t embedder_output_bytes(const struct tagger *tagger, enum lm_output lm_output,
                             const struct sentence *const *sentences, size_t count)
{
    size_t bytes = 0, tokens = 0;
    for (size_t s = 0; s < count; s++)
        tokens += sentences[s]->count;
    for (size_t m = 0; m < tagger->member_count; m++) {
        const struct member *member = &tagger->members[m];
        bool whole = member->kind == MEMBER_LM && lm_output == LM_ALL;
        size_t rows = whole ? tensor_rows(&member->lm, sentences, count) : tokens;
        bytes += embedder_writes(member) ? rows * member->width * sizeof(float) : 0;
    }
    return bytes;
}

void embedded_release(struct embedded *embedded)
{
    for (size_t i = 0; i < embedded->pinned_count; i++)
        storage_drop(embedded->pinned[i]);
    embedded->pinned_count = 0;
}

static const float **add_piece(struct batch *batch, size_t member, size_t width)
{
    struct embedded *to = batch->to;
    const float **rows = arena_array(batch->arena, to->tokens, sizeof *rows);
    if (rows) {
        to->pieces[to->piece_count] = (struct input_piece){rows, width};
        to->piece_member[to->piece_count++] = member;
    }
    return rows;
}

/* Makes the sequences ask for every state: step t of sequence b goes to row t * count + b, as in a tensor [T, B, H].
 * `wanted` receives the row of each token. */
static ft_status ask_for_all(struct batch *batch, struct char_sequence *sequences, uint32_t *wanted, size_t *rows)
{
    size_t longest = 0, count = batch->to->count;
    for (size_t b = 0; b < count; b++)
        if (sequences[b].length > longest)
            longest = sequences[b].length;
    *rows = longest * count;
    if (*rows > UINT32_MAX)
        return ft_fail(batch->error, FT_NOMEM,
                       "a hidden-state tensor of %zu rows is too large (use --lm-output boundary)", *rows);
    for (size_t b = 0; b < count; b++) {
        struct char_sequence *sequence = &sequences[b];
        for (uint32_t i = 0; i < sequence->row_count; i++)
            wanted[sequence->rows[i]] = (uint32_t)(sequence->steps[i] * count + b);
        uint32_t *steps = arena_array(batch->arena, sequence->length, sizeof *steps);
        uint32_t *to = arena_array(batch->arena, sequence->length, sizeof *to);
        if (!steps || !to)
            return ft_nomem(batch->error, "the steps of a sentence");
        for (uint32_t t = 0; t < sequence->length; t++) {
            steps[t] = t;
            to[t] = (uint32_t)(t * count + b);
        }
        sequence->steps = steps;
        sequence->rows = to;
        sequence->row_count = sequence->length;
    }
    return FT_OK;
}

static ft_status add_lm(struct batch *batch, size_t member)
{
    const struct lm *lm = &batch->tagger->members[member].lm;
    struct embedded *to = batch->to;
    struct char_sequence *sequences = arena_array(batch->arena, to->count, sizeof *sequences);
    uint32_t *wanted = arena_array(batch->arena, to->tokens, sizeof *wanted);
    const float **rows = add_piece(batch, member, lm->width);
    if (!sequences || !wanted || !rows)
        return ft_nomem(batch->error, "token vectors");
    ft_status status = FT_OK;
    for (size_t s = 0; status == FT_OK && s < to->count; s++)
        status = lm_sequence(lm, batch->sentences[s]->tokens, batch->sentences[s]->count, to->sentences[s].first,
                             batch->arena, &sequences[s], batch->error);
    if (status != FT_OK)
        return status;
    size_t storage_rows = to->tokens;
    for (size_t t = 0; t < to->tokens; t++)
        wanted[t] = (uint32_t)t;
    if (batch->options->lm_output == LM_ALL)
        status = ask_for_all(batch, sequences, wanted, &storage_rows);
    struct storage *storage = NULL;
    if (status == FT_OK)
        status = storage_new(&storage, batch->account, storage_rows, lm->width, batch->error);
    if (status != FT_OK)
        return status;
    to->pinned[to->pinned_count++] = storage;
    for (size_t t = 0; t < to->tokens; t++)
        rows[t] = storage->data + (size_t)wanted[t] * lm->width;
    batch->passes[batch->pass_count++] = (struct lm_pass){&lm->net, sequences, to->count, storage->data, NULL};
    return FT_OK;
}

/* Rows of a table of floats stay where they are; narrow ones are widened to `widened`, [tokens, width]. */
static ft_status look_words_up(struct batch *batch, const struct words *words, float *widened, const float **rows)
{
    for (size_t s = 0; s < batch->to->count; s++)
        for (size_t j = 0; j < batch->sentences[s]->count; j++) {
            const struct token *token = &batch->sentences[s]->tokens[j];
            size_t row = words_row(words, token->text, token->bytes), t = batch->to->sentences[s].first + j;
            if (row == SIZE_MAX)
                return ft_nomem(batch->error, "looking up a word");
            if (widened)
                words_vector(words, row, widened + t * words->width);
            else
                rows[t] = words->vectors + row * words->width;
        }
    return FT_OK;
}

static ft_status widen_words(struct batch *batch, const struct words *words, const float **rows)
{
    const struct backend_ops *ops = batch->backend->ops;
    size_t tokens = batch->to->tokens, floats = tokens * words->width;
    struct storage *storage;
    ft_status status = storage_new(&storage, batch->account, tokens, words->width, batch->error);
    if (status != FT_OK)
        return status;
    batch->to->pinned[batch->to->pinned_count++] = storage;
    for (size_t t = 0; t < tokens; t++)
        rows[t] = storage->data + t * words->width;
    if (ops->on_host)
        return look_words_up(batch, words, storage->data, rows);
    float *host = malloc((floats + 1) * sizeof *host);
    status = host ? look_words_up(batch, words, host, rows) : ft_nomem(batch->error, "token vectors");
    if (status == FT_OK)
        status = ops->upload(batch->backend, storage->data, host, floats, batch->error);
    free(host);
    return status;
}

static ft_status add_words(struct batch *batch, size_t member)
{
    const struct words *words = batch->tagger->members[member].words;
    const float **rows = add_piece(batch, member, words->width);
    if (!rows)
        return ft_nomem(batch->error, "token vectors");
    return words->type == WORDS_F32 ? look_words_up(batch, words, NULL, rows) : widen_words(batch, words, rows);
}

static ft_status add_onehot(struct batch *batch, size_t m)
{
    const struct member *member = &batch->tagger->members[m];
    const float **rows = add_piece(batch, m, member->width);
    if (!rows)
        return ft_nomem(batch->error, "token vectors");
    for (size_t s = 0; s < batch->to->count; s++)
        for (size_t j = 0; j < batch->sentences[s]->count; j++) {
            const struct token *token = &batch->sentences[s]->tokens[j];
            uint32_t row = 0; /* unknown */
            map_get(&member->index, token->text, token->bytes, &row);
            rows[batch->to->sentences[s].first + j] = member->table + (size_t)row * member->width;
        }
    return FT_OK;
}

/* Each direction runs over single words; then the rows are dealt out by Flair's rule. */
static ft_status add_chars(struct batch *batch, size_t m)
{
    const struct member *member = &batch->tagger->members[m];
    struct embedded *to = batch->to;
    for (int d = 0; d < 2; d++) {
        const struct lm *lm = &member->chars[d];
        struct char_sequence *sequences = arena_array(batch->arena, to->tokens, sizeof *sequences);
        const float **rows = add_piece(batch, m, lm->width);
        struct storage *storage;
        if (!sequences || !rows)
            return ft_nomem(batch->error, "token vectors");
        ft_status status = storage_new(&storage, batch->account, to->tokens, lm->width, batch->error);
        if (status != FT_OK)
            return status;
        to->pinned[to->pinned_count++] = storage;
        for (size_t s = 0; status == FT_OK && s < to->count; s++)
            status = character_words(lm, d == 1, batch->sentences[s], to->sentences[s].first, storage->data,
                                     batch->arena, sequences, rows, batch->error);
        if (status != FT_OK)
            return status;
        batch->passes[batch->pass_count++] = (struct lm_pass){&lm->net, sequences, to->tokens, storage->data, NULL};
    }
    return FT_OK;
}

/* Runs the language models; counts what they were asked for. */
static ft_status encode(struct batch *batch)
{
    for (size_t p = 0; p < batch->pass_count; p++)
        for (size_t s = 0; s < batch->passes[p].count; s++)
            batch->to->steps += batch->passes[p].sequences[s].length;
    return batch->backend->ops->lm_encode(batch->backend, batch->passes, batch->pass_count, batch->error);
}

static bool is_written(const struct batch *batch, size_t piece)
{
    return embedder_writes(&batch->tagger->members[batch->to->piece_member[piece]]);
}

/* Copies every row that was written into one storage a sentence, and lets the members' storages go. Rows of
 * tables stay where they are: they are nobody's to free. */
static ft_status clone_rows(struct batch *batch)
{
    struct embedded *to = batch->to;
    size_t width = 0;
    for (size_t p = 0; p < to->piece_count; p++)
        width += is_written(batch, p) ? to->pieces[p].width : 0;
    if (!width)
        return FT_OK;
    struct storage **clones = arena_array(batch->arena, to->count, sizeof *clones);
    if (!clones)
        return ft_nomem(batch->error, "token vectors");
    size_t made = 0;
    ft_status status = FT_OK;
    for (size_t s = 0; status == FT_OK && s < to->count; s++) {
        const struct token_sequence *sentence = &to->sentences[s];
        status = storage_new(&clones[s], batch->account, sentence->count, width, batch->error);
        if (status != FT_OK)
            break;
        made++;
        float *at = clones[s]->data;
        for (size_t p = 0; status == FT_OK && p < to->piece_count; p++) {
            if (!is_written(batch, p))
                continue;
            const float **rows = (const float **)to->pieces[p].rows + sentence->first;
            status = batch->backend->ops->gather(batch->backend, rows, sentence->count, to->pieces[p].width, at,
                                                 to->pieces[p].width, batch->error);
            for (size_t j = 0; j < sentence->count; j++)
                rows[j] = at + j * to->pieces[p].width;
            at += sentence->count * to->pieces[p].width;
        }
        batch->account->copied_bytes += storage_bytes(clones[s]);
    }
    embedded_release(to);
    to->pinned = clones;
    to->pinned_count = made;
    return status;
}

ft_status embedder_run(const struct tagger *tagger, struct backend *backend, const struct embedder_options *options,
                       const struct sentence *const *sentences, size_t count, struct storage_account *account,
                       struct arena *arena, struct embedded *embedded, struct ft_error *error)
{
    struct batch batch = {.tagger = tagger,
                          .backend = backend,
                          .options = options,
                          .account = account,
                          .arena = arena,
                          .to = embedded,
                          .error = error};
    *embedded = (struct embedded){0};
    embedded->sentences = arena_array(arena, count, sizeof *embedded->sentences);
    embedded->pinned = arena_array(arena, PIECES_MAX, sizeof(struct storage *));
    batch.sentences = arena_array(arena, count, sizeof *batch.sentences);
    if (!embedded->sentences || !embedded->pinned || !batch.sentences)
        return ft_nomem(error, "token vectors");
    for (size_t i = 0; i < count; i++)
        if (sentences[i]->count) {
            batch.sentences[embedded->count] = sentences[i];
            embedded->sentences[embedded->count++] = (struct token_sequence){embedded->tokens, sentences[i]->count};
            embedded->tokens += sentences[i]->count;
        }
    ft_status status = FT_OK;
    if (embedded->tokens > UINT32_MAX)
        status = ft_fail(error, FT_NOMEM, "a batch of %zu tokens is too large", embedded->tokens);
    for (size_t m = 0; status == FT_OK && m < tagger->member_count; m++)
        switch (tagger->members[m].kind) {
        case MEMBER_LM: status = add_lm(&batch, m); break;
        case MEMBER_WORDS: status = add_words(&batch, m); break;
        case MEMBER_ONEHOT: status = add_onehot(&batch, m); break;
        case MEMBER_CHARS: status = add_chars(&batch, m); break;
        }
    if (status == FT_OK)
        status = encode(&batch);
    if (status == FT_OK && options->gather == GATHER_CLONE)
        status = clone_rows(&batch);
    if (status != FT_OK)
        embedded_release(embedded);
    return status;
}

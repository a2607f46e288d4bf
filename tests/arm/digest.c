/* digest.c - runs every kernel of every set that this machine has over odd sizes and hard numbers, checks that it gives
 * the scalar set's bytes, and prints a digest of those for each kind of kernel: two machines that print the same
 * compute the same. It needs no library but C's own, so that it can be built for machines whose libraries are not at
 * hand.
 *
 * stdout: a line "NAME DIGEST" for each kind; stderr: the sets, and where one differs (exit 1). */
#include "kernels/crf.h"
#include "kernels/crf_loss.h"
#include "kernels/dropout.h"
#include "kernels/exact_math.h"
#include "kernels/half.h"
#include "kernels/kernels.h"
#include "kernels/optimizer.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 131, K = 257, TAGS = 13, LENGTH = 40 };

static const struct kernels *sets[KERNEL_SETS], *scalar;
static size_t set_count;
static bool failed;

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t random_below(uint32_t bound)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * 0x2545f4914f6cdd1du >> 32) % bound;
}

/* Uniform in [-most, most), in steps of most / 2^23. */
static float random_float(float most)
{
    return ((float)random_below(1u << 24) * 0x1p-23f - 1.0f) * most;
}

/* One number in four is at one of the ends. */
static int random_weight(int most)
{
    int ends[2] = {-most, most};
    return random_below(4) ? (int)random_below((uint32_t)most * 2 + 1) - most : ends[random_below(2)];
}

static uint64_t digest;

/* FNV-1a. */
static void add(const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        digest = (digest ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

static void begin(void)
{
    digest = 0xcbf29ce484222325u;
}

static void end(const char *name)
{
    printf("%s %016llx\n", name, (unsigned long long)digest);
}

/* What the scalar set gave goes into the digest; what another set gave must be that. */
static void compare(const struct kernels *set, const char *what, void *expected, const void *got, size_t bytes)
{
    if (set == scalar) {
        add(got, bytes);
        memcpy(expected, got, bytes);
    } else if (memcmp(expected, got, bytes)) {
        fprintf(stderr, "%s: %s differs from the scalar set's\n", set->name, what);
        failed = true;
    }
}

static const char *const names[PRECISIONS] = {"f32", "int16", "int8", "int7"};
static const int row_limits[PRECISIONS] = {0, 32767, 127, 127};
static float x[ROWS][K + 3], start[ROWS * PANEL], scale[PANEL];
static _Alignas(64) float z[ROWS * PANEL];
static _Alignas(64) int32_t sums[ROWS * PANEL];
static _Alignas(64) unsigned char weights[K * GROUP_ROW];
static int32_t offset[PANEL];
static const void *at[ROWS];

static void fill_rows(size_t rows, size_t k)
{
    static const float hard[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, 1e30f, -1e30f};
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < k; i++)
            switch (r % 4) {
            case 0: x[r][i] = random_below(4) ? random_float(2) : (float)random_weight(1) * 2; break;
            case 1: x[r][i] = (float)random_weight(256) / 128; break; /* many halves, of which some are too large */
            case 2: x[r][i] = random_float(2); break;
            default: x[r][i] = random_below(16) ? random_float(2) : hard[random_below(sizeof hard / sizeof *hard)];
            }
}

static void f32_products(size_t rows, size_t k)
{
    static float expected[ROWS * PANEL];
    for (size_t i = 0; i < k * PANEL; i++) {
        float weight = random_float(1);
        memcpy(weights + i * sizeof weight, &weight, sizeof weight);
    }
    for (size_t r = 0; r < rows; r++) {
        at[r] = x[r] + r % 3;
        for (size_t i = 0; i < k + 2; i++)
            x[r][i] = random_float(2);
    }
    for (size_t s = 0; s <= set_count; s++) {
        const struct kernels *set = s ? sets[s - 1] : scalar;
        memcpy(z, start, sizeof z);
        set->multiply[PRECISION_F32](z, rows, at, weights, k, (const char *)weights, k * GROUP_ROW / 2);
        compare(set, "f32 multiply", expected, z, rows * PANEL * sizeof *z);
    }
}

/* Packs random weights such that no sum of k products leaves 31 bits. */
static void fill_weights(enum precision precision, size_t k)
{
    size_t groups = group_count(precision, k), elements = group_elements(precision);
    int most = precision == PRECISION_INT7 ? 64 : 127;
    if (precision == PRECISION_INT16)
        most = INT32_MAX / 32767 / (int)k < 32767 ? INT32_MAX / 32767 / (int)k : 32767;
    memset(offset, 0, sizeof offset);
    for (size_t i = 0; i < groups * PANEL; i++)
        for (size_t e = 0; e < elements; e++) {
            int weight = random_weight(most);
            int16_t wide = (int16_t)weight;
            if (precision == PRECISION_INT16)
                memcpy(weights + (i * 2 + e) * 2, &wide, sizeof wide);
            else
                weights[i * 4 + e] = (unsigned char)weight;
            offset[i % PANEL] -= 128 * weight;
        }
}

static void quantised_products(enum precision precision, size_t rows, size_t k)
{
    static _Alignas(GROUP_BYTES) unsigned char quantised[ROWS][(K + 1) / 2 * GROUP_BYTES];
    static float largest[ROWS], squares[ROWS], expected_squares[ROWS], row_scale[ROWS], expected_largest[ROWS],
        expected_z[ROWS * PANEL];
    static int32_t expected_sums[ROWS * PANEL];
    size_t groups = group_count(precision, k);
    float limit = (float)row_limits[precision];
    fill_rows(rows, k);
    fill_weights(precision, k);
    for (size_t r = 0; r < rows; r++)
        row_scale[r] = random_float(1);
    for (size_t s = 0; s <= set_count; s++) {
        const struct kernels *set = s ? sets[s - 1] : scalar;
        for (size_t r = 0; r < rows; r++) {
            const float factors[4] = {limit / 2, 64, limit / 1.5f, 64};
            largest[r] = set->largest(x[r], k);
            squares[r] = r % 4 == 3 ? 0 : set->squares(x[r], k); /* no NaNs: their signs differ */
            set->quantise[precision](x[r], k, factors[r % 4], quantised[r]);
            at[r] = quantised[r];
            if (precision != PRECISION_INT16 && !set->signed_rows)
                memcpy(sums + r * PANEL, offset, sizeof offset);
            else
                memset(sums + r * PANEL, 0, sizeof offset);
        }
        set->multiply[precision](sums, rows, at, weights, groups, NULL, 0);
        memcpy(z, start, sizeof z);
        set->restore(z, rows, sums, scale, row_scale);
        compare(set, "largest", expected_largest, largest, rows * sizeof *largest);
        compare(set, "squares", expected_squares, squares, rows * sizeof *squares);
        compare(set, names[precision], expected_sums, sums, rows * PANEL * sizeof *sums);
        compare(set, "restore", expected_z, z, rows * PANEL * sizeof *z);
    }
}

static void gates(size_t rows, bool lstm)
{
    static const float hard[] = {0.0f, -0.0f, 1e-40f, 1e30f, -1e30f, 25, -25, 88, INFINITY, -INFINITY, NAN};
    static float before[ROWS * BLOCK], c[ROWS * BLOCK], h[ROWS * BLOCK], expected_c[ROWS * BLOCK],
        expected_h[ROWS * BLOCK];
    static float *c_at[ROWS], *h_at[ROWS];
    static const float *next[ROWS];
    for (size_t i = 0; i < rows * PANEL; i++)
        z[i] = random_below(8) ? random_float(8) : hard[random_below(11)];
    for (size_t i = 0; i < rows * BLOCK; i++)
        before[i] = random_below(8) ? random_float(4) : hard[random_below(5)];
    for (size_t s = 0; s <= set_count; s++) {
        const struct kernels *set = s ? sets[s - 1] : scalar;
        memcpy(c, before, sizeof c);
        for (size_t r = 0; r < rows; r++) {
            c_at[r] = c + (rows - 1 - r) * BLOCK;
            h_at[r] = h + r * BLOCK;
            next[r] = start + r * PANEL;
        }
        (lstm ? set->lstm : set->gru)(z, rows, c_at, h_at, next);
        compare(set, lstm ? "lstm cell" : "gru cell", expected_c, c, rows * BLOCK * sizeof *c);
        compare(set, lstm ? "lstm state" : "gru state", expected_h, h, rows * BLOCK * sizeof *h);
    }
}

/* A step of training and its backward pass; ROWS blocks of one row in all. */
static void training_gates(void)
{
    enum { UNITS = ROWS * BLOCK };
    static float pre[4 * UNITS], kept[4 * UNITS], before[UNITS], c[UNITS], h[UNITS], dout[UNITS], dnext[UNITS],
        dc[UNITS];
    static float expected_kept[4 * UNITS], expected_c[UNITS], expected_h[UNITS], expected_back[4 * UNITS],
        expected_dc[UNITS];
    static float *kept_at[ROWS], *c_at[ROWS], *h_at[ROWS];
    static const float *before_at[ROWS];
    for (size_t i = 0; i < 4 * UNITS; i++) {
        z[i] = random_float(8);
        pre[i] = random_below(8) ? random_float(8) : random_float(100);
    }
    for (size_t i = 0; i < UNITS; i++) {
        before[i] = random_float(4);
        dout[i] = random_float(1);
        dnext[i] = random_below(8) ? random_float(1) : 0;
    }
    for (size_t r = 0; r < ROWS; r++) {
        kept_at[r] = kept + r * BLOCK;
        before_at[r] = before + r * BLOCK;
        c_at[r] = c + r * BLOCK;
        h_at[r] = h + r * BLOCK;
    }
    for (size_t s = 0; s <= set_count; s++) {
        const struct kernels *set = s ? sets[s - 1] : scalar;
        memcpy(kept, pre, sizeof kept);
        for (size_t i = 0; i < UNITS; i++)
            dc[i] = dnext[UNITS - 1 - i];
        set->lstm_keep(z, ROWS, UNITS, kept_at, before_at, c_at, h_at);
        compare(set, "lstm in training, gates", expected_kept, kept, sizeof kept);
        compare(set, "lstm in training, cells", expected_c, c, sizeof c);
        compare(set, "lstm in training, states", expected_h, h, sizeof h);
        set->lstm_back(UNITS, UNITS, kept, before, c, dout, dnext, dc);
        compare(set, "lstm in training, gradients", expected_back, kept, sizeof kept);
        compare(set, "lstm in training, gradients of cells", expected_dc, dc, sizeof dc);
    }
}

/* One implementation for all sets; compared by its digest alone. */
static void decoding(void)
{
    static float transitions[TAGS * TAGS], emissions[LENGTH * TAGS], scores[LENGTH], v[2 * TAGS];
    static double p[LENGTH * TAGS], beta[LENGTH * TAGS], per_tag[TAGS];
    static uint32_t tags[LENGTH], back[LENGTH * TAGS];
    const struct crf crf = {TAGS, TAGS - 2, TAGS - 1, transitions, false};
    for (size_t i = 0; i < TAGS * TAGS; i++)
        transitions[i] = random_float(3);
    for (size_t length = 1; length <= LENGTH; length++) {
        for (size_t i = 0; i < length * TAGS; i++)
            emissions[i] = random_float(6);
        crf_viterbi(&crf, emissions, length, tags, scores, v, back);
        add(tags, length * sizeof *tags);
        add(scores, length * sizeof *scores);
        double z_log = crf_marginals(&crf, emissions, length, p, p, beta, per_tag);
        add(&z_log, sizeof z_log);
        add(p, length * TAGS * sizeof *p);
    }
    for (int i = 1; i < 2000; i++) {
        double values[2] = {exact_exp((double)(i - 1000) * 0.37), exact_log((double)i * 0.37)};
        add(values, sizeof values);
    }
}

static void halves(void)
{
    static float values[1 << 16], wide[1 << 16];
    static uint16_t rounded[1 << 16];
    enum { COUNT = 1 << 16 };
    for (size_t i = 0; i < COUNT; i++) {
        float value = random_float(1);
        values[i] = ldexpf(value, (int)random_below(44) - 28); /* from below the least half to the largest */
    }
    failed |= !half_round(rounded, values, COUNT);
    half_widen(wide, rounded, COUNT);
    add(rounded, sizeof rounded);
    add(wide, sizeof wide);
}

/* Likewise. */
static void training(void)
{
    enum { COUNT = 1003, SEQUENCES = 3, WIDTH = 37 };
    static const uint32_t active[] = {3, 2, 1}, first[] = {0, 3, 5};
    static const struct packed_batch batch = {.sequences = SEQUENCES, .steps = 3, .active = active, .first = first};
    static const struct dropout dropout = {
        .word = 0.2f, .locked = 0.5f, .plain = 0.1f, .seed = 1, .step = 2, .site = 3};
    static float transitions[TAGS * TAGS], emissions[LENGTH * TAGS], d_emissions[LENGTH * TAGS], y[6 * WIDTH], w[COUNT],
        gradient[COUNT], moments[3][COUNT];
    static double factors[TAGS + 2 * TAGS * TAGS], d_transitions[TAGS * TAGS], scratch[5 * LENGTH * TAGS + TAGS * TAGS];
    static uint32_t gold[LENGTH];
    static uint8_t allowed[2 * TAGS], follows[TAGS * TAGS];
    const struct tag_choices choices = {2, allowed, follows};
    const struct crf crf = {TAGS, TAGS - 2, TAGS - 1, transitions, false};
    const struct crf_factors shared = {&crf, factors};
    for (size_t i = 0; i < TAGS * TAGS; i++)
        transitions[i] = random_below(4) ? random_float(3) : -10000;
    crf_factors_make(&shared);
    for (size_t k = 0; k < TAGS * TAGS; k++)
        follows[k] = random_below(8) != 0;
    for (size_t j = 0; j < 2 * TAGS; j++)
        allowed[j] = random_below(2) || j % TAGS == 0;
    for (size_t length = 1; length <= LENGTH; length++) {
        for (size_t i = 0; i < length * TAGS; i++)
            emissions[i] = random_float(length % 4 ? 6 : 500);
        for (size_t t = 0; t < length; t++)
            gold[t] = random_below(TAGS);
        double losses[2] = {
            crf_loss(&shared, emissions, length, gold, NULL, 0.3f, d_emissions, d_transitions, scratch)};
        add(d_emissions, length * TAGS * sizeof *d_emissions);
        losses[1] = softmax_loss(TAGS, emissions, length, gold, NULL, 0.3f, d_emissions, scratch);
        add(d_emissions, length * TAGS * sizeof *d_emissions);
        add(losses, sizeof losses);
        for (size_t t = 0; t < length; t += 3)
            gold[t] = TAGS + random_below(2);
        losses[0] = crf_loss(&shared, emissions, length, gold, &choices, 0.3f, d_emissions, d_transitions, scratch);
        add(d_emissions, length * TAGS * sizeof *d_emissions);
        losses[1] = softmax_loss(TAGS, emissions, length, gold, &choices, 0.3f, d_emissions, scratch);
        add(d_emissions, length * TAGS * sizeof *d_emissions);
        add(losses, sizeof losses);
    }
    add(d_transitions, sizeof d_transitions);
    for (size_t i = 0; i < 6 * WIDTH; i++)
        y[i] = random_float(2);
    for (size_t s = 0; s < SEQUENCES; s++)
        dropout_sequence(&batch, s, &dropout, WIDTH, y);
    add(y, sizeof y);
    for (uint64_t step = 1; step < 9; step++) {
        const struct adam how = {0.1, 0.9, 0.999, 1e-8, 0.01, step % 2, step};
        struct adam_step adam;
        for (size_t i = 0; i < COUNT; i++)
            gradient[i] = random_float(2);
        double norm = sum_of_squares(gradient, COUNT);
        adam_step_init(&adam, &how, 0.3f);
        adam_step_take(&adam, COUNT, w, gradient, moments[0], moments[1]);
        sgd_step(COUNT, w, gradient, moments[2], 0.1f, 0.3f, 0.9f, 0.01f);
        add(&norm, sizeof norm);
    }
    add(w, sizeof w);
}

int main(void)
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 11, 13, 64, ROWS}, k[] = {1, 2, 3, 4, 5, 7, 16, 63, 65, 130, K};
    set_count = kernels_available(sets);
    scalar = kernels_find("scalar");
    fputs("sets:", stderr);
    for (size_t s = 0; s < set_count; s++)
        fprintf(stderr, " %s", sets[s]->name);
    fputs("\n", stderr);
    for (size_t i = 0; i < ROWS * PANEL; i++)
        start[i] = random_float(1);
    for (size_t i = 0; i < PANEL; i++)
        scale[i] = random_float(0x1p-10f);
    for (enum precision precision = 0; precision < PRECISIONS; precision++) {
        begin();
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            for (size_t j = 0; j < sizeof k / sizeof *k; j++)
                if (precision == PRECISION_F32)
                    f32_products(rows[i], k[j]);
                else
                    quantised_products(precision, rows[i], k[j]);
        end(names[precision]);
        for (size_t s = 0; s < set_count; s++) {
            float sink = 1;
            if (!(sets[s]->peak[precision](3, &sink) > 0)) {
                fprintf(stderr, "%s: no work done for the %s peak\n", sets[s]->name, names[precision]);
                failed = true;
            }
        }
    }
    begin();
    for (size_t count = 1; count <= ROWS; count += 26) {
        gates(count, true);
        gates(count, false);
    }
    end("gates");
    begin();
    training_gates();
    end("training");
    begin();
    decoding();
    end("decoding");
    begin();
    halves();
    end("halves");
    begin();
    training();
    end("training");
    return failed;
}

/* peak.c - see peak.h. */
#include "cmd/peak.h"
#include "base/clock.h"
#include "base/parallel.h"

enum { THREADS_MAX = 1024, RUNS = 8 };

struct peak {
    const struct kernels *kernels;
    enum precision precision;
    size_t rounds;
    double operations[THREADS_MAX];
};

static void peak_work(void *argument, size_t thread)
{
    struct peak *peak = argument;
    float sink = 1;
    peak->operations[thread] = peak->kernels->peak[peak->precision](peak->rounds, &sink);
}

double peak_measure(const struct kernels *kernels, enum precision precision, size_t threads)
{
    struct peak peak = {.kernels = kernels, .precision = precision, .rounds = 1000};
    double best = 0;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    for (int run = 0; run < RUNS;) {
        double start = clock_seconds(), operations = 0;
        parallel_run(threads, peak_work, &peak);
        double seconds = clock_seconds() - start;
        if (seconds < 0.05) { /* too short to tell */
            peak.rounds *= 4;
            continue;
        }
        for (size_t t = 0; t < threads; t++)
            operations += peak.operations[t];
        if (operations / seconds > best)
            best = operations / seconds;
        run++;
    }
    return best;
}

void peaks_measure(struct peaks *peaks, const struct tagger_work *work, const struct backend *backend)
{
    for (int p = 0; p < PRECISIONS; p++)
        if (work->per_character[p] + work->per_token[p] > 0) {
            double again = peak_measure(backend_cpu_kernels(backend), (enum precision)p, backend_cpu_threads(backend));
            if (again > peaks->at[p])
                peaks->at[p] = again;
        }
}

double peaks_percent(const struct peaks *peaks, const struct operations *operations, double seconds)
{
    double least = 0;
    for (int p = 0; p < PRECISIONS; p++)
        if (operations->at[p] > 0)
            least += operations->at[p] / peaks->at[p];
    return 100 * least / seconds;
}

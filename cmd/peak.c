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

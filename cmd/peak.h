/* peak.h - what the machine's arithmetic can do at most, measured. */
#ifndef CMD_PEAK_H
#define CMD_PEAK_H
#include "run/work.h"

/* Operations a second of all threads together, two a multiply-add: the best of a few short runs. */
double peak_measure(const struct kernels *kernels, enum precision precision, size_t threads);

/* The peaks of the precisions that a model uses, operations a second; 0 for the others. Make it zero first. Each call
 * measures again and keeps the better figure: the machine may have been busy the first time. */
struct peaks {
    double at[PRECISIONS];
};
void peaks_measure(struct peaks *peaks, const struct tagger_work *work, const struct backend *backend);

/* The time that the operations take at the peaks, as percent of `seconds`. */
double peaks_percent(const struct peaks *peaks, const struct operations *operations, double seconds);

#endif

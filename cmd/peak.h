/* peak.h - what the machine's arithmetic can do at most, measured. */
#ifndef CMD_PEAK_H
#define CMD_PEAK_H
#include "kernels/kernels.h"

/* Operations a second of all threads together, two a multiply-add: the best of a few short runs. */
double peak_measure(const struct kernels *kernels, enum precision precision, size_t threads);

#endif

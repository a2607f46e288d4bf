/* rate_curve.h - learning rates that are known before a run begins: a warm-up, then a straight line or a cosine down.
 *
 *   rising    rate * (done + update) / warmup                            while done < warmup
 *   line      rate * (floor + (1 - floor) * (1 - way))                   way = (done - warmup) / (all - warmup)
 *   cosine    rate * (floor + (1 - floor) * (1 + cos(pi * way)) / 2)     (Loshchilov & Hutter 2017, one cycle)
 *
 * The line with floor 0 is what Flair's fine_tune does, but that the first update has a rate above 0 here. A rate is a
 * function of what has been done, so a run that is taken up again needs no state for it. */
#ifndef RUN_RATE_CURVE_H
#define RUN_RATE_CURVE_H

enum rate_shape { RATE_LINEAR, RATE_COSINE };

/* Lengths are in units of the caller's: batches, characters. */
struct rate_curve {
    enum rate_shape shape;
    double rate;   /* the highest one */
    double warmup; /* the rate rises until then; 0: it begins with the highest */
    double all;    /* it reaches its end here, and stays there */
    double floor;  /* the end, as a share of `rate` */
};

/* The rate of an update that goes from `done` to `done + update`. */
double rate_curve_at(const struct rate_curve *curve, double done, double update);

#endif

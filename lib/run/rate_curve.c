/* rate_curve.c - see rate_curve.h. */
#include "run/rate_curve.h"
#include <math.h>

double rate_curve_at(const struct rate_curve *curve, double done, double update)
{
    if (done < curve->warmup)
        return curve->rate * fmin(1, (done + update) / curve->warmup);
    double way = fmin(1, (done - curve->warmup) / fmax(1, curve->all - curve->warmup));
    double left = curve->shape == RATE_LINEAR ? 1 - way : (1 + cos(3.14159265358979323846 * way)) / 2;
    return curve->rate * (curve->floor + (1 - curve->floor) * left);
}

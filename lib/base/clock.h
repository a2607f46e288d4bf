/* clock.h - a clock for measuring: seconds that never jump. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

double clock_seconds(void);

#endif

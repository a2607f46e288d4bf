/* lane_step.h - one step of one lane of a language model, as the host plans it and the device takes it. Plain enough
 * for every compiler that reads it. */
#ifndef KERNELS_LANE_STEP_H
#define KERNELS_LANE_STEP_H
#include <stdint.h>

/* In `row` and `keep`: nowhere. In `next`: the lane goes on from this step's own states, or begins a sequence from
 * zero; anything else is the place of kept states that it begins from. */
#define LANE_NOWHERE UINT32_MAX
#define LANE_GOES_ON UINT32_MAX
#define LANE_FROM_ZERO (UINT32_MAX - 1)

struct lane_step {
    uint32_t id;   /* the character */
    uint32_t row;  /* of the output, for the top hidden state behind this step */
    uint32_t keep; /* the place where the states behind this step are kept */
    uint32_t next; /* what the lane's next step goes on from */
};

#endif

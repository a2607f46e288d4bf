/* lm.h - what the files of cuda_lm_encode share: the steps of one language model as work for a stream, and what is kept
 * of it from call to call. */
#ifndef CUDA_LM_H
#define CUDA_LM_H
#include "cuda/cuda.h"
#include "kernels/lm_step_cuda.h"

/* A layer where it lies: its states and what its products leave, a row a lane. */
struct lm_layer_at {
    void *h, *above; /* floats, or halves with CUDA_MATH_F16; above: NULL in the top layer */
    float *c, *x, *z;
    const float *w_ih, *w_hh, *bias; /* w_ih, bias: NULL in the first layer */
    const uint16_t *w_ih_halves, *w_hh_halves;
    size_t in, units, gates;
    size_t kept_offset, kept_units;
};

/* A run of steps as the device sees it: all that the launches depend on. What changes from run to run is in *run. */
struct lm_steps {
    struct lm_run *run;
    const float *table;
    size_t branch;
    size_t steps, width; /* how many, and of how many lanes */
    size_t lanes;        /* of a step in run->steps */
    size_t layers, kept_stride;
    bool half_states, half_rows;
    struct lm_layer_at layer[CHAR_LM_LAYERS];
};

/* What belongs to one branch: runs on their way to the device. */
struct lm_lane_feed {
    struct lm_run *run;    /* on the device */
    cudaStream_t stream;   /* of the copies */
    cudaEvent_t copied[2]; /* the pinned run is on the device, and may be written again */
    cudaEvent_t taken[2];  /* the device has taken it, and it may be copied over */
    void *pinned[2];       /* runs, each of ... */
    size_t pinned_bytes;
};

/* A run of steps that has come before, and its graph. */
struct lm_graph {
    struct lm_steps steps;
    cudaGraphExec_t graph; /* NULL until it comes again */
    bool failed;           /* it cannot be captured */
    uint64_t used;         /* when; 0: never, the entry is free */
};
enum { LM_GRAPHS = 16 };

/* cuda_backend.lm.state. */
struct cuda_lm {
    struct lm_lane_feed feed[CUDA_BRANCHES];
    struct lm_graph graphs[LM_GRAPHS];
    uint64_t clock;           /* of lm_graph.used */
    size_t launched;          /* graphs so far */
    bool without_graphs;      /* every kernel by a launch of its own */
    size_t lanes;             /* of the last pass */
    struct step_counts steps; /* seconds: until the work was given to the device */
};

/* The state, made when it is first asked for; NULL when out of memory. */
struct cuda_lm *lm_state(struct cuda_backend *cuda);

/* Makes what a branch needs. bytes: of a run. */
ft_status lm_feed_prepare(struct cuda_backend *cuda, struct lm_lane_feed *feed, size_t bytes, struct ft_error *error);

/* Gives a run of steps to the branch: the graph of one that came before, or launch by launch. *steps was cleared
 * before it was filled in: it is compared byte by byte. is_whole: its length is that of most runs. */
ft_status lm_take_steps(struct cuda_backend *cuda, const struct lm_steps *steps, bool is_whole, struct ft_error *error);

#endif

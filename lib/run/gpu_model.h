/* gpu_model.h - how long work would take on a device that is not there: an estimate, never a measurement.
 *
 * A back end that computes nothing. Whoever runs on it (the tagger, the trainer) makes the calls that it would make of
 * the CUDA back end, with the same shapes and, for language models, the same schedule of lanes; each call is priced as
 * the launches that the CUDA back end makes of it. Results are zeros: tags are the first one, losses 0.
 *
 * A launch of `n` floating-point operations in products and so many bytes takes
 *
 *   max(n / (0.7 P), bytes / (0.8 BW)) + 4 us          a copy over the bus:  bytes / (0.8 L) + 10 us
 *
 * P, BW and L: the card's operations a second in the precision of products, its memory's and its bus's bytes a second,
 * from the makers' data sheets. The shares 0.7 and 0.8 are what large products and plain streaming commonly reach, and
 * 4 us is what a small kernel takes from its launch to the next one's. Weights are read once a launch: 2 bytes each in
 * half precision, else 4. What is a chain in one kernel (a CRF over the tokens of a sentence) takes 1 us a link.
 * Nothing overlaps: not two language models, not copies, not the host. For a step of a language model with H units in B
 * lanes this is
 *
 *   max(8 H^2 B / (0.7 P), (4 H^2 s + 64 B H) / (0.8 BW)) + 8 us          s: bytes of a weight
 *
 * It knows nothing of caches, clocks that fall under load, and the sizes at which a product becomes efficient. */
#ifndef RUN_GPU_MODEL_H
#define RUN_GPU_MODEL_H
#include "tensor/plugin.h"
#include "tensor/training.h"

struct gpu_card {
    const char *name;
    double operations[3]; /* a second, dense, by enum cuda_math; 0: the card has no such units */
    double bandwidth;     /* bytes a second */
    double bus;           /* bytes a second in one direction */
    double memory;        /* bytes */
    int processors;
};
extern const struct gpu_card gpu_cards[];
extern const size_t gpu_card_count;
extern const char *const gpu_math_names[3];

/* What was asked of it so far. */
struct gpu_estimate {
    double seconds, lm_seconds, copy_seconds; /* all; of language models; of copies between host and device */
    double operations, launches;
    double uploaded, downloaded; /* bytes */
    double memory;               /* bytes taken now: never more than the card has */
    struct step_counts steps;    /* of language models */
};

/* The card and the weights of whatever runs must outlive it. FT_NOMEM. FT_USAGE: the card has no such units. */
ft_status gpu_model_new(struct backend **backend, const struct gpu_card *card, enum cuda_math math,
                        struct ft_error *error);
struct gpu_estimate gpu_model_estimate(const struct backend *backend);

#endif

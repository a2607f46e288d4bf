/* quantise.h - the weights of a model from one precision to another.
 *
 * A column of a segment is rounded to q = round(w / scale) with
 *   int8, int7   scale = largest |w| / 127 or / 64
 *   int16        scale = largest |w| / 32767, or more: the length of the column stays below 2^15.5 (kernels/product.h)
 * Character tables, the emission layer, character embeddings, the decoder and the CRF stay in float32: they take no
 * time and their rounding would show in every score. */
#ifndef MODEL_QUANTISE_H
#define MODEL_QUANTISE_H
#include "model/tagger.h"

extern const char *const precision_names[PRECISIONS];

/* The widest segment: sums of 8-bit products over it, 255 * 128 * 65536 at most, stay below 2^31. */
enum { QUANTISED_WIDEST = 65536 };

/* One matrix of `panels` panels. widths: [segments] k's, must outlive it; their sum is that of the float32 form. Memory
 * comes from `weights`, and what the old form had there is given back. FT_NOMEM; FT_MODEL for a segment too wide for
 * sums of 32 bits. */
ft_status quantise_matrix(struct packed *packed, size_t panels, enum precision precision, const size_t *widths,
                          size_t segments, struct weights *weights, size_t threads, struct ft_error *error);

/* All layers of a model; nothing happens to those that are in that precision already. Other integers are reached by way
 * of float32, so that int8 to int7 rounds twice. */
ft_status lm_set_precision(struct lm *lm, enum precision precision, struct arena *arena, struct weights *weights,
                           size_t threads, struct ft_error *error);
/* A tagger's head is a precision finer than its language models: int16 beside int8, float32 beside int16. In theirs it
 * would cost as much accuracy as they do, for a twentieth of the time. */
enum precision head_precision_for(enum precision precision);
ft_status tagger_set_head_precision(struct tagger *tagger, enum precision precision, size_t threads,
                                    struct ft_error *error); /* RNN and reprojection alone */
ft_status tagger_set_precision(struct tagger *tagger, enum precision precision, size_t threads, struct ft_error *error);

/* What a model's layers hold: a language model's recurrent layers and projection; a tagger's RNN and reprojection (f32
 * where it has neither). */
enum precision lm_precision(const struct lm *lm);
enum precision tagger_head_precision(const struct tagger *tagger);

/* The segments of the layers of a model as it is run: what the widths of quantised tensors are made from. NULL when out
 * of memory. */
const size_t *lm_segments(const struct recurrent_layer *layer, struct arena *arena, size_t *count);
const size_t *tagger_segments(const struct tagger *tagger, size_t rnn_layer, struct arena *arena, size_t *count);
const size_t *reprojection_segments(const struct tagger *tagger, struct arena *arena, size_t *count);

#endif

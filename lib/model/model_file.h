/* model_file.h - flairtag's own model file: taggers, language models and word vectors as one .safetensors.
 *
 * Weights lie in it as they are used (packed panels, folded reprojection, word index), so that opening is a mapping and
 * processes share the pages. `__metadata__.flairtag` is one JSON object:
 *
 *   format        3 where word vectors hold integers, else 2 where some layer does, else 1
 *   kind          "tagger", "lm" or "words"
 *   lm            (lm) forward, cell, layers, hidden, embedding, nout (0: none), delimiter, dictionary,
 *                 with_whitespace, tokenized, lower, decoder (whether it is there), precision
 *   members       (tagger) the embeddings in the order of concatenation; each has kind ("lm", "words", "onehot",
 *                 "chars") and name, and by its kind what `lm` has; onehot: width, dictionary; chars: embedding,
 *                 hidden, dictionary; words: nothing (words.h)
 *   rnn           (tagger) cell, hidden, layers, init (whether initial states are there); absent without RNN
 *   reprojection  (tagger) width of a reprojection that is not folded, else 0
 *   precision     (tagger) of the RNN and of the reprojection
 *   tags, crf, mask_ends, span_rule ("flair-old", "flair-new"), tag_type, origin, description (a line for people,
 *                 may be absent), training (a JSON object of the trainer's)
 *
 * A precision is "int16", "int8" or "int7"; absent, it is float32.
 *
 * Tensors, with H units, P = ceil(H / 16) panels, K inputs (packing: kernels.h):
 *
 *   embeddings.I.lm.encoder [V,E]   .input.packed [P,E,4,16]   .rnn.L.packed [P,K+H,4,16]   .rnn.L.bias [P,4,16]
 *   embeddings.I.lm.proj.packed/.bias, .decoder.packed/.bias   linear layers: packed [ceil(out/64),in,64], bias [..,64]
 *   embeddings.I.chars.0 and .1 as an lm; embeddings.I.onehot.weight; embeddings.I.words.* (words.h)
 *   rnn.L.0 and .1 .packed .bias [.init_h .init_c [P,16]]; linear.*, reprojection.*, crf.transitions [T,T]
 *
 * Where a precision is named, `packed` of its layers (.rnn.L, .proj, reprojection) holds integers, I16 [P,G,64,2] or
 * I8 [P,G,64,4], and beside it lie, for each of S segments (layers.h) of the columns:
 *
 *   .scale [S,P,64] F32: w = scale q   .offset [S,P,64] I32: -128 times the sum of a column's q (8 bits only)
 *
 * The segments are an LM layer's input and state; the pieces of a token vector, one an embedding (two for chars), and
 * then the state in the first RNN layer, or alone in a reprojection. Each is filled up to whole groups of two or four
 * k's, G in all. */
#ifndef MODEL_MODEL_FILE_H
#define MODEL_MODEL_FILE_H
#include "model/tagger.h"

enum { MODEL_FORMAT_FLOATS = 1, MODEL_FORMAT_INTEGERS = 2, MODEL_FORMAT_INTEGER_WORDS = 3 };
extern const char *const model_cell_names[2], *const model_kind_names[3], *const model_member_names[4];

ft_status tagger_save(const struct tagger *tagger, struct output *output, struct ft_error *error);
ft_status lm_save(const struct lm *lm, struct output *output, struct ft_error *error);
ft_status words_save(const struct words *words, struct output *output, struct ft_error *error);

/* What a file holds. FT_MODEL when it is no flairtag file or of a later format. */
ft_status model_file_kind(const struct safetensors *file, enum model_kind *kind, struct ft_error *error);

/* Takes over `file` when it succeeds. */
ft_status tagger_load(struct tagger **tagger, struct safetensors *file, struct backend *backend,
                      struct ft_error *error);
/* The file stays the caller's and must outlive the lm. */
ft_status lm_load(struct lm *lm, struct arena *arena, struct weights *weights, const struct safetensors *file,
                  struct backend *backend, struct ft_error *error);

#endif

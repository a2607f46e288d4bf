/* flair_parts.h - what the readers of Flair's objects share. Private to lib/import/flair*.c and gensim.c. */
#ifndef IMPORT_FLAIR_PARTS_H
#define IMPORT_FLAIR_PARTS_H
#include "import/torch_file.h"
#include "import/value.h"
#include "model/description.h"

enum { FLOAT_BYTES_AT_LEAST = 4 << 20 };

/* An open file while its description is made. */
struct importer {
    const char *path;
    struct torch_file *torch; /* NULL for a gensim file */
    struct arena *arena;      /* of the description */
    struct map weights;       /* names of the tagger's state_dict to the index of their pair */
    struct value state_dict;
    size_t entries_left;     /* of dictionaries and vocabularies, however shared: in proportion to the file */
    size_t float_bytes_left; /* of its tensors as float32, however often they view the same storage */
    struct ft_error *error;
};

/* Where the tensors of one module may lie, best place first: the tagger's state_dict under a prefix, a state_dict of
 * the module's own, the pickled module itself. */
struct weights {
    struct importer *importer;
    char prefix[200];
    struct value own_state; /* VALUE_NONE: none */
    struct value module;    /* VALUE_NONE: none */
};

/* "PATH: WHAT"; FT_MODEL. */
ft_status import_fail(const struct importer *importer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes entries of a dictionary or vocabulary off what the file may ask for. */
ft_status import_charge(struct importer *importer, size_t entries);

/* Makes the state_dict of a model known to weights_*. */
ft_status import_state_dict(struct importer *importer, struct value state_dict);

/* Tensor `name` ("rnn.weight_ih_l0") of a module; tensor->data stays NULL when there is none. */
ft_status weights_optional(struct weights *weights, const char *name, struct tensor *tensor);
/* The same; FT_MODEL when there is none. */
ft_status weights_need(struct weights *weights, const char *name, struct tensor *tensor);
/* Layer `layer` of a recurrent module called `name` ("rnn"). */
ft_status weights_rnn(struct weights *weights, const char *name, int layer, bool reverse, struct rnn_weights *rnn);

/* The weights of a part ("lm") of a module: longer prefix, one step down the pickled module. */
struct weights weights_part(const struct weights *weights, const char *name);

/* The items of a flair.data.Dictionary, in order. what: "the character dictionary". */
ft_status import_dictionary(struct importer *importer, const struct value *dictionary, const char *what,
                            const struct bytes **items, size_t *count);

/* An attribute that must be a whole number in [least, most]. */
ft_status import_size(struct importer *importer, const struct value *object, const char *name, size_t least,
                      size_t most, size_t *out);

/* "LSTM" or "GRU" in any case; missing or None: LSTM. Anything else is refused by its name. */
ft_status import_rnn_type(struct importer *importer, const struct value *type, enum rnn_type *rnn);

/* A NUL-terminated copy of a str (or a path object); NULL when it is neither, or out of memory, or holds a NUL. */
const char *import_string(struct importer *importer, const struct value *value);

/* options: the dict or object that holds the LM's settings; weights: where its tensors are. */
ft_status import_lm(struct importer *importer, const struct value *options, struct weights *weights,
                    struct lm_description *lm);

/* All members of a tagger's embeddings, in the order of concatenation. */
ft_status import_embeddings(struct importer *importer, const struct value *embeddings,
                            struct tagger_description *tagger);

/* root: the dict of a tagger's file. */
ft_status import_tagger(struct importer *importer, const struct value *root, struct tagger_description *tagger);

/* A gensim KeyedVectors object of any version. vectors is filled unless the object has none (its matrix lies beside the
 * file); *beside then names the attribute ("vectors"). */
ft_status import_gensim(struct importer *importer, const struct value *object, struct words_description *words,
                        const char **beside);
bool import_is_gensim(const struct value *object);

/* A dict from word to row. */
ft_status import_vocabulary(struct importer *importer, const struct value *vocab, struct words_description *words);
/* Checks that every word's row is one of the matrix, and drops the table of rows when word i has row i. */
ft_status import_check_rows(struct importer *importer, struct words_description *words);

#endif

/* description.h - a model as its file describes it, before it is made ready to run.
 *
 * Importers fill these structs from foreign files, the trainer and `bench --random` from nothing; tagger_build and
 * lm_build check every shape and turn them into runnable models. Nothing here owns memory: names and tensors are lent
 * by the `struct model_source` that made them. */
#ifndef MODEL_DESCRIPTION_H
#define MODEL_DESCRIPTION_H
#include "base/arena.h"
#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_F64,
    DTYPE_I8,
    DTYPE_U8,
    DTYPE_BOOL,
    DTYPE_I16,
    DTYPE_I32,
    DTYPE_I64
};
size_t dtype_bytes(enum dtype type);
const char *dtype_name(enum dtype type); /* as safetensors spells it: "F32" */

/* A view of somebody else's bytes, little-endian; data need not be aligned. data NULL: there is no such tensor. The
 * importer has checked that every element lies inside the file. */
struct tensor {
    const void *data;
    enum dtype dtype;
    int rank; /* 0 to 4 */
    size_t shape[4];
    int64_t stride[4]; /* in elements */
};

/* True when the tensor is there and has this shape. */
bool tensor_is_matrix(const struct tensor *tensor, size_t rows, size_t columns);
bool tensor_is_vector(const struct tensor *tensor, size_t length);

/* Converts to contiguous float32, out: [product of shape]. */
void tensor_to_f32(const struct tensor *tensor, float *out);

struct bytes { /* a dictionary item or a word: any bytes, UTF-8 by custom */
    const char *at;
    size_t count;
};

enum rnn_type { RNN_LSTM, RNN_GRU };

enum { LM_MAX_LAYERS = 8, RNN_MAX_LAYERS = 8, STACK_MAX = 32 };

/* A recurrent layer in one direction. Gate blocks in PyTorch's order: LSTM i f g o, GRU r z n. */
struct rnn_weights {
    struct tensor w_ih;       /* [G*H, input] */
    struct tensor w_hh;       /* [G*H, H] */
    struct tensor b_ih, b_hh; /* [G*H] */
};

struct lm_description {
    bool forward;
    enum rnn_type rnn;
    size_t layers, hidden, embedding, nout; /* nout 0: no projection */
    struct bytes delimiter;                 /* start marker, UTF-8 */
    const struct bytes *items;              /* the character dictionary; index = id */
    size_t item_count;
    struct tensor encoder; /* [items, embedding] */
    struct rnn_weights layer[LM_MAX_LAYERS];
    struct tensor proj_weight, proj_bias;       /* [nout, hidden], [nout] */
    struct tensor decoder_weight, decoder_bias; /* [items, nout or hidden]; absent in era-E taggers */
    /* how FlairEmbeddings uses it */
    bool with_whitespace; /* read the state behind the token (true) or at its last character */
    bool tokenized_lm;    /* feed tokens joined by one blank */
    bool is_lower;
};

/* LayerNorm of a table's rows; absent tensors stand for weight 1 and bias 0. */
struct norm_description {
    struct tensor weight, bias; /* [width] */
};

struct words_description {
    size_t count, width;       /* words and columns */
    const struct bytes *words; /* [count]; may repeat: the importer gives each its row */
    const uint32_t *rows;      /* [count], row of each word in `vectors`; NULL: word i has row i */
    struct tensor vectors;     /* [rows, width] */
    bool unknown_is_row;       /* vectors has a row at index `count` that unknown words get; else zeros */
    bool stable;               /* LayerNorm (eps 1e-5) after the look-up, on the zero row too */
    struct norm_description norm;
    size_t duplicates; /* lines of a text or binary file left out because an earlier one has their word */
};

struct onehot_description {
    const struct bytes *items;
    size_t item_count;
    struct tensor weight; /* [items, width] */
    bool stable;
    struct norm_description norm;
};

struct chars_description { /* CharacterEmbeddings: a BiLSTM over each token's characters, Flair's quirks included */
    const struct bytes *items;
    size_t item_count;
    struct tensor embedding; /* [items, char_dim] */
    struct rnn_weights direction[2];
    size_t char_dim, hidden;
};

enum member_kind { MEMBER_LM, MEMBER_WORDS, MEMBER_ONEHOT, MEMBER_CHARS };

struct member_description {
    enum member_kind kind;
    const char *name; /* as saved; ascending order of names is the order of concatenation */
    struct lm_description lm;
    struct words_description words;
    struct onehot_description onehot;
    struct chars_description chars;
};

struct tagger_description {
    struct member_description *members; /* already in the order of concatenation */
    size_t member_count;
    struct tensor reproject_weight, reproject_bias; /* embedding2nn; absent when reprojection is off */
    bool use_rnn, use_crf;
    enum rnn_type rnn;
    size_t hidden, rnn_layers;
    struct rnn_weights layer[RNN_MAX_LAYERS][2]; /* [layer][forward, backward] */
    struct tensor init_h, init_c;                /* [layers*2, hidden]; present only when the version uses them */
    struct tensor linear_weight, linear_bias;
    struct tensor transitions; /* [K, K], to x from; CRF only */
    const struct bytes *tags;  /* [K], with <START> and <STOP> where the file has them */
    size_t tag_count;
    const char *tag_type;        /* "ner" */
    int span_rule;               /* enum span_rule of text/spans.h: SPANS_FLAIR_OLD or SPANS_FLAIR_NEW */
    bool mask_ends;              /* Flair up to 0.10 masks START and STOP before the last argmax */
    const char *origin;          /* one line on the file's era: "Flair 0.12 or later, zip container" */
    const char *training_record; /* JSON object text kept in the model file, or NULL */
};

enum model_kind { MODEL_TAGGER, MODEL_LM, MODEL_WORDS };

/* A foreign file, opened. */
struct model_source {
    enum model_kind kind;
    struct tagger_description tagger;
    struct lm_description lm;
    struct words_description words;
    struct arena arena; /* all descriptions */
    void *map;          /* the file, mapped; NULL when read */
    size_t map_bytes;
    void *more_map; /* a gensim file's matrix beside it */
    size_t more_map_bytes;
};

#endif

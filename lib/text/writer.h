/* writer.h - tagged sentences in six formats, in the order they come.
 *
 * conll: the input's lines as they are, with the tag as one more column (line n of the output is line n of the input);
 * bio, bioes: token TAB tag; tsv: one span a line, under a header; jsonl: one object a line, the object read plus
 * `tags` and `spans`; html: a page to look at in a browser (writer_html.h). It knows nothing of models. */
#ifndef TEXT_WRITER_H
#define TEXT_WRITER_H
#include "base/output.h"
#include "text/sentence.h"
#include "text/spans.h"

enum output_format { OUTPUT_GUESS, OUTPUT_CONLL, OUTPUT_BIO, OUTPUT_BIOES, OUTPUT_TSV, OUTPUT_JSONL, OUTPUT_HTML };
enum score_column { SCORES_NONE, SCORES_FLAIR, SCORES_MARGINAL };

struct tag_sequence {  /* one of the n best */
    const char **tags; /* [tokens] */
    double probability;
};

/* What the model says of one sentence. Arrays have one entry a token and belong to the caller. */
struct tagging {
    const char *const *tags;  /* the model's own tags; [count] */
    const double *scores;     /* by --scores: Flair's confidence or the marginal of the tag; NULL: none asked */
    const struct span *spans; /* empty for models whose labels are tokens' (POS) */
    size_t span_count;
    bool token_labels;               /* the tags are tokens' labels, not parts of spans */
    const struct tag_sequence *best; /* [best_count], jsonl only */
    size_t best_count;
};

struct writer_options {
    enum output_format format; /* OUTPUT_GUESS: writer_default_format of the input's */
    enum score_column scores;
    bool color;     /* entities in colour (ANSI) */
    bool continues; /* what stands before the first sentence (tsv's header) is there already */
};

/* Whether an output can be put together from pieces that were written one behind the other by writers of their own, all
 * but the first with `continues`. Not in colour: which one a type has follows from all that came before; nor html,
 * which is one page. */
bool writer_makes_pieces(const struct writer_options *options);

#include "text/reader.h"
/* The format that --format leaves unsaid: conll for conll and conllu, bio for tokens, tsv for text, jsonl for jsonl. */
enum output_format writer_default_format(enum input_format input);

struct writer;
ft_status writer_new(struct writer **writer, struct output *output, const struct writer_options *options,
                     struct ft_error *error);
void writer_free(struct writer *writer);
ft_status writer_sentence(struct writer *writer, const struct sentence *sentence, const struct tagging *tagging,
                          struct ft_error *error);
/* Everything that ends an output (nothing is flushed or closed; the output is the caller's). */
ft_status writer_end(struct writer *writer, struct ft_error *error);

#endif

/* evaluation.h - spans of two taggings compared, sentence by sentence, and the reports made of the counts.
 *
 * A span is correct when the other side has one of the same tokens and the same type. Which tags make a span is the
 * rule's business: the counts of SPANS_CONLLEVAL are those of the conlleval script, SPANS_FLAIR_OLD reads the gold
 * tags as Flair's readers up to 0.10 did, before its span rule sees them. Memory holds the counts of each type and
 * the distinct surface forms of spans, nothing of the sentences. It prints nothing: reports come back as text. */
#ifndef TEXT_EVALUATION_H
#define TEXT_EVALUATION_H
#include "base/map.h"
#include "text/sentence.h"
#include "text/spans.h"

struct tally {
    size_t gold, predicted, correct;
};

struct type_tally {
    const char *type;
    struct tally count;
    size_t gold_rank, predicted_rank; /* order of first appearance on that side; SIZE_MAX: never */
};

struct scores { /* 0 to 1; 0 where there is nothing to divide by */
    double precision, recall, f1;
};

/* A sentence's spans on both sides, from left to right, by the evaluation's rule. */
struct compared_sentence {
    const struct sentence *sentence;
    const struct span *gold, *predicted;
    size_t gold_count, predicted_count;
};

/* Told of every sentence that is counted; what it is lent is gone when it returns. Another status than FT_OK ends
 * evaluation_add, which returns it. */
typedef ft_status evaluation_watcher(void *context, const struct compared_sentence *compared, struct ft_error *error);

struct evaluation {
    enum span_rule rule;
    size_t sentences, tokens, tokens_right; /* right: both columns hold the same tag */
    struct tally spans;
    struct type_tally *types; /* in order of first appearance */
    size_t type_count, type_room, gold_types, predicted_types;
    size_t places, places_agreed; /* token ranges that are a span on either side; of one type on both */
    bool one_sided;               /* some place is a span on one side only */
    struct tally surfaces;        /* distinct (text, type) pairs; correct: those that were right in place somewhere */
    struct map type_numbers, surface_marks;
    struct arena names, work;    /* names: to the end; work: one sentence */
    bool inside_both;            /* conlleval: a chunk that began on both sides goes on */
    evaluation_watcher *watcher; /* or NULL */
    void *watcher_context;
};

void evaluation_init(struct evaluation *evaluation, enum span_rule rule);
void evaluation_release(struct evaluation *evaluation);

void evaluation_watch(struct evaluation *evaluation, evaluation_watcher *watcher, void *context);

/* Counts one sentence. gold, predicted: [sentence->count] tags; the sentence gives the tokens' text and the place
 * for errors. FT_INPUT with file:line when the old reader refuses a gold tag; FT_NOMEM; or what the watcher returned.
 */
ft_status evaluation_add(struct evaluation *evaluation, const struct sentence *sentence, const char *const *gold,
                         const char *const *predicted, struct ft_error *error);

/* Counts tokens that are outside on both sides, such as document marks. */
void evaluation_add_outside(struct evaluation *evaluation, size_t tokens);

struct scores tally_scores(struct tally tally);

/* The types by descending number of gold and predicted spans, then as they came (gold before predicted), as Flair
 * lists them; a type "O" is left out by Flair's rules. The caller frees the array; NULL when out of memory. */
const struct type_tally **evaluation_classes(const struct evaluation *evaluation, size_t *count);

struct averages {
    struct tally total;
    struct scores micro, macro, weighted; /* macro: over types; weighted: by gold spans */
    double samples;                       /* right ones among all places */
    double accuracy;                      /* agreeing ones among all places */
};
struct averages evaluation_averages(const struct evaluation *evaluation, const struct type_tally *const *classes,
                                    size_t count);

enum evaluation_report {
    REPORT_TABLE,
    REPORT_CONLLEVAL,  /* what the conlleval script prints */
    REPORT_FLAIR_0_10, /* the text of Flair 0.9 and 0.10 */
    REPORT_FLAIR_0_11, /* 0.11 and 0.12 */
    REPORT_FLAIR_0_15, /* from 0.13 */
    REPORT_WNUT,       /* F1 of entities and of surface forms */
    REPORT_JSON        /* every figure, one object */
};

/* *text: NUL-terminated, ends with a newline; the caller frees it. Returns FT_OK or FT_NOMEM. */
ft_status evaluation_report(const struct evaluation *evaluation, enum evaluation_report report, char **text,
                            struct ft_error *error);

#endif

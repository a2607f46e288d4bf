/* split_scores.c - see split_scores.h. */
#include "run/split_scores.h"
#include <stdio.h>
#include <stdlib.h>

enum span_rule split_span_rule(const struct corpus *corpus, enum flair_era era)
{
    if (corpus->token_labels) /* no spans: tokens are counted, which every rule does, and this one refuses no tag */
        return SPANS_CONLLEVAL;
    return era == LIKE_FLAIR_0_4 ? SPANS_FLAIR_OLD : SPANS_FLAIR_NEW;
}

/* As Python's round(value, 4): by the decimal digits of the double, not by scaling it. */
static double round_4(double value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.4f", value);
    return strtod(digits, NULL);
}

ft_status split_scores(const struct evaluation *evaluation, const struct corpus *corpus, enum flair_era era,
                       struct split_record *record, struct ft_error *error)
{
    size_t class_count;
    const struct type_tally **classes = evaluation_classes(evaluation, &class_count);
    if (!classes)
        return ft_nomem(error, "an evaluation");
    struct averages averages = evaluation_averages(evaluation, classes, class_count);
    free(classes);
    record->precision = averages.micro.precision;
    record->recall = averages.micro.recall;
    record->f1 = averages.micro.f1;
    record->accuracy = averages.accuracy;
    if (corpus->token_labels) { /* each token counts, as in Flair: all scores are the share of right ones */
        double share = evaluation->tokens ? (double)evaluation->tokens_right / (double)evaluation->tokens : 0;
        record->precision = record->recall = record->f1 = record->accuracy = share;
    } else if (era == LIKE_FLAIR_0_4) { /* up to 0.4.5 precision and recall were rounded before they were combined */
        double p = round_4(record->precision), r = round_4(record->recall);
        record->precision = p;
        record->recall = r;
        record->f1 = p + r > 0 ? round_4(2 * p * r / (p + r)) : 0;
    } else if (evaluation->spans.gold + evaluation->spans.predicted <= 1) {
        record->accuracy = 0; /* nothing is computed for at most one label */
    }
    return FT_OK;
}

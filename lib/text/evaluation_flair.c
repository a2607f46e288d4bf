/* evaluation_flair.c - the text that Flair prints after an evaluation; see evaluation_report.h.
 *
 * Three lines of scores, then the classification report of scikit-learn with four digits. What differs between
 * versions: up to 0.10 labels were passed as one-hot rows, which adds the row "samples avg" and always gives the row
 * "micro avg"; from 0.11 on they are passed as numbers, so that micro avg becomes "accuracy" where no side has a
 * span that the other lacks, and the support is printed as a fraction where no label agrees. At most one label
 * altogether: no scores. */
#include "text/evaluation_report.h"
#include "base/utf8.h"
#include <math.h>
#include <string.h>

enum { LONGEST_ROW_NAME = 12 /* "weighted avg" */ };

struct report {
    FILE *out;
    int width;
    const char *support_suffix;
};

size_t type_width(const char *type)
{
    return utf8_count(type, strlen(type));
}

/* Spaces before `name` so that it ends at the column's end (printf counts bytes, not characters). */
static void print_name(const struct report *r, const char *name)
{
    int spaces = r->width - (int)type_width(name);
    fprintf(r->out, "%*s%s ", spaces > 0 ? spaces : 0, "", name);
}

static void print_row(const struct report *r, const char *name, struct scores s, size_t support)
{
    char number[32];
    snprintf(number, sizeof number, "%zu%s", support, r->support_suffix);
    print_name(r, name);
    fprintf(r->out, " %9.4f %9.4f %9.4f %9s\n", s.precision, s.recall, s.f1, number);
}

static void print_accuracy_row(const struct report *r, struct averages a)
{
    char number[32];
    snprintf(number, sizeof number, "%zu%s", a.total.gold, r->support_suffix);
    print_name(r, "accuracy");
    fprintf(r->out, " %9s %9s %9.4f %9s\n", "", "", a.micro.f1, number);
}

/* As Python shows a number rounded to four digits: 0.25, 1.0. */
static void print_rounded(FILE *out, const char *name, double value)
{
    char text[32];
    size_t length = (size_t)snprintf(text, sizeof text, "%.4f", value);
    while (text[length - 1] == '0' && text[length - 2] != '.')
        length--;
    fprintf(out, "\n- %s %.*s", name, (int)length, text);
}

/* Accuracy is rounded by NumPy, which scales and rounds to even: 1/160 gives 0.0062, while Python's round, which
 * sees that the double lies above the half, gives 0.0063. */
static double numpy_round(double value)
{
    return nearbyint(value * 10000) / 10000;
}

void flair_report(FILE *out, const struct evaluation *e, const struct type_tally *const *classes, size_t count,
                  enum evaluation_report report)
{
    bool scored = e->spans.gold + e->spans.predicted > 1;
    if (!scored && report == REPORT_FLAIR_0_15) {
        fputs("It was not possible to compute evaluation values because: \n"
              "- The evaluation data has no gold labels for label_type='ner'!\n"
              "- And no predictions were made!\n"
              "Double check your corpus (if the test split has labels), and how you initialize the ModelTrainer!\n",
              out);
        return;
    }
    struct averages a = evaluation_averages(e, classes, count);
    fputs("\nResults:", out);
    print_rounded(out, "F-score (micro)", a.micro.f1);
    print_rounded(out, "F-score (macro)", a.macro.f1);
    print_rounded(out, "Accuracy", scored ? numpy_round(a.accuracy) : 0);
    fputs("\n\nBy class:\n", out);
    if (!scored)
        return;
    bool one_hot = report == REPORT_FLAIR_0_10;
    struct report r = {out, LONGEST_ROW_NAME, !one_hot && !e->places_agreed ? ".0" : ""};
    for (size_t i = 0; i < count; i++)
        if (type_width(classes[i]->type) > (size_t)r.width)
            r.width = (int)type_width(classes[i]->type);
    print_name(&r, "");
    fprintf(out, " %9s %9s %9s %9s\n\n", "precision", "recall", "f1-score", "support");
    for (size_t i = 0; i < count; i++)
        print_row(&r, classes[i]->type, tally_scores(classes[i]->count), classes[i]->count.gold);
    fputs("\n", out);
    if (one_hot || e->one_sided)
        print_row(&r, "micro avg", a.micro, a.total.gold);
    else
        print_accuracy_row(&r, a);
    print_row(&r, "macro avg", a.macro, a.total.gold);
    print_row(&r, "weighted avg", a.weighted, a.total.gold);
    if (one_hot)
        print_row(&r, "samples avg", (struct scores){a.samples, a.samples, a.samples}, a.total.gold);
}

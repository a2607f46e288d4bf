/* evaluation_report.c - our own table, the conlleval script's report, WNUT's two scores and the JSON object, as
 * text. */
#include "text/evaluation_report.h"
#include "base/text_stream.h"
#include "base/error.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *left, const void *right)
{
    return strcmp((*(const struct type_tally *const *)left)->type, (*(const struct type_tally *const *)right)->type);
}

struct percents {
    double precision, recall, f1;
};

/* In percent from the start, as the script computes. */
static struct percents tally_percents(struct tally t)
{
    struct percents p = {0, 0, 0};
    if (t.predicted)
        p.precision = 100 * (double)t.correct / (double)t.predicted;
    if (t.gold)
        p.recall = 100 * (double)t.correct / (double)t.gold;
    if (p.precision + p.recall > 0)
        p.f1 = 2 * p.precision * p.recall / (p.precision + p.recall);
    return p;
}

static void conlleval_report(FILE *out, const struct evaluation *e, const struct type_tally *const *types, size_t count)
{
    struct percents p = tally_percents(e->spans);
    fprintf(out, "processed %zu tokens with %zu phrases; found: %zu phrases; correct: %zu.\n", e->tokens, e->spans.gold,
            e->spans.predicted, e->spans.correct);
    if (e->tokens)
        fprintf(out, "accuracy: %6.2f%%; precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f\n",
                100 * (double)e->tokens_right / (double)e->tokens, p.precision, p.recall, p.f1);
    for (size_t i = 0; i < count; i++) {
        struct tally t = types[i]->count;
        p = tally_percents(t);
        /* the script lists the empty type once for each side that has it */
        for (int times = !types[i]->type[0] && t.gold && t.predicted ? 2 : 1; times > 0; times--)
            fprintf(out, "%17s: precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f  %zu\n", types[i]->type, p.precision,
                    p.recall, p.f1, t.predicted);
    }
}

static const char *rule_name(enum span_rule rule)
{
    return rule == SPANS_CONLLEVAL ? "conlleval" : rule == SPANS_FLAIR_OLD ? "flair-old" : "flair-new";
}

static void table_row(FILE *out, size_t width, const char *name, struct scores s, const struct tally *t)
{
    size_t own = type_width(name);
    fprintf(out, "%s%*s  %9.2f  %6.2f  %6.2f", name, own < width ? (int)(width - own) : 0, "", 100 * s.precision,
            100 * s.recall, 100 * s.f1);
    if (t)
        fprintf(out, "  %7zu  %9zu  %7zu", t->gold, t->predicted, t->correct);
    fputc('\n', out);
}

static void table_report(FILE *out, const struct evaluation *e, const struct type_tally *const *types, size_t count)
{
    struct averages a = evaluation_averages(e, types, count);
    size_t width = strlen("micro");
    for (size_t i = 0; i < count; i++)
        if (type_width(types[i]->type) > width)
            width = type_width(types[i]->type);
    fprintf(out, "%-*s  precision  recall      F1     gold  predicted  correct\n", (int)width, "type");
    for (size_t i = 0; i < count; i++)
        table_row(out, width, types[i]->type, tally_scores(types[i]->count), &types[i]->count);
    fputc('\n', out);
    table_row(out, width, "micro", a.micro, &a.total);
    table_row(out, width, "macro", a.macro, NULL);
    double right = e->tokens ? 100 * (double)e->tokens_right / (double)e->tokens : 0;
    fprintf(out, "\nsentences: %zu; tokens: %zu; equal tags: %.2f %%; rule: %s\n", e->sentences, e->tokens, right,
            rule_name(e->rule));
}

static void wnut_row(FILE *out, const char *name, struct tally t)
{
    struct scores s = tally_scores(t);
    table_row(out, strlen("entities"), name, s, &t);
}

static void wnut_report(FILE *out, const struct evaluation *e, struct tally entities)
{
    fputs("          precision  recall      F1     gold  predicted  correct\n", out);
    wnut_row(out, "entities", entities);
    wnut_row(out, "surfaces", e->surfaces);
}

/* `whole` turns false when memory runs out. */
static void add_number(bool *whole, cJSON *object, const char *name, double value)
{
    *whole = cJSON_AddNumberToObject(object, name, value) && *whole;
}

static void add_text(bool *whole, cJSON *object, const char *name, const char *value)
{
    *whole = cJSON_AddStringToObject(object, name, value) && *whole;
}

static void add_scores(bool *whole, cJSON *object, struct scores s, const struct tally *t)
{
    add_number(whole, object, "precision", s.precision);
    add_number(whole, object, "recall", s.recall);
    add_number(whole, object, "f1", s.f1);
    if (!t)
        return;
    add_number(whole, object, "gold", (double)t->gold);
    add_number(whole, object, "predicted", (double)t->predicted);
    add_number(whole, object, "correct", (double)t->correct);
}

static bool json_report(FILE *out, const struct evaluation *e, const struct type_tally *const *types, size_t count)
{
    struct averages a = evaluation_averages(e, types, count);
    bool whole = true;
    cJSON *root = cJSON_CreateObject();
    add_text(&whole, root, "rule", rule_name(e->rule));
    add_number(&whole, root, "sentences", (double)e->sentences);
    add_number(&whole, root, "tokens", (double)e->tokens);
    add_number(&whole, root, "tag_accuracy", e->tokens ? (double)e->tokens_right / (double)e->tokens : 0);
    add_number(&whole, root, "span_accuracy", a.accuracy);
    add_scores(&whole, cJSON_AddObjectToObject(root, "micro"), a.micro, &a.total);
    add_scores(&whole, cJSON_AddObjectToObject(root, "macro"), a.macro, NULL);
    add_scores(&whole, cJSON_AddObjectToObject(root, "weighted"), a.weighted, NULL);
    add_scores(&whole, cJSON_AddObjectToObject(root, "surfaces"), tally_scores(e->surfaces), &e->surfaces);
    cJSON *list = cJSON_AddArrayToObject(root, "types");
    for (size_t i = 0; i < count; i++) {
        cJSON *object = cJSON_CreateObject();
        add_text(&whole, object, "type", types[i]->type);
        add_scores(&whole, object, tally_scores(types[i]->count), &types[i]->count);
        if (!cJSON_AddItemToArray(list, object)) {
            cJSON_Delete(object);
            whole = false;
        }
    }
    char *text = whole ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    if (text)
        fprintf(out, "%s\n", text);
    cJSON_free(text);
    return text;
}

ft_status evaluation_report(const struct evaluation *e, enum evaluation_report report, char **text,
                            struct ft_error *error)
{
    size_t count;
    struct text_stream stream;
    bool whole = true;
    *text = NULL;
    const struct type_tally **types = evaluation_classes(e, &count);
    if (!types || !text_stream_open(&stream)) {
        free(types);
        return ft_nomem(error, "the report");
    }
    FILE *out = stream.file;
    switch (report) {
    case REPORT_FLAIR_0_10:
    case REPORT_FLAIR_0_11:
    case REPORT_FLAIR_0_15: flair_report(out, e, types, count, report); break;
    case REPORT_WNUT: wnut_report(out, e, evaluation_averages(e, types, count).total); break;
    default:
        qsort(types, count, sizeof *types, by_name);
        if (report == REPORT_CONLLEVAL)
            conlleval_report(out, e, types, count);
        else if (report == REPORT_TABLE)
            table_report(out, e, types, count);
        else
            whole = json_report(out, e, types, count);
    }
    free(types);
    *text = text_stream_close(&stream, NULL);
    if (!*text || !whole) {
        free(*text);
        *text = NULL;
        return ft_nomem(error, "the report");
    }
    return FT_OK;
}

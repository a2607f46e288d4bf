/* loss_chart.c - see loss_chart.h.
 *
 * Panels one above the other share the axis of epochs: losses, F1 (where a split was evaluated) and the learning rate,
 * in steps on a logarithmic axis. A line is named at its end, beside its last value, so that no legend is needed. */
#include "run/loss_chart.h"
#include "base/text_stream.h"
#include "base/number_text.h"
#include "kernels/exact_math.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pixels: the picture, where lines begin and end, how far apart the baselines of small text are. */
enum { WIDTH = 800, HEIGHT = 500, MARGIN = 18, LEFT = 72, RIGHT = 672, INSET = 8, LINE_HEIGHT = 14 };
enum { MOST_DOTS = 25 }; /* with more epochs dots would touch */

static const char style[] =
    "text{font:14px monospace;fill:#222}.small{font-size:12px}.small,.aside{fill:#666}.head{font-weight:bold}"
    ".aside{font-weight:normal}\n"
    ".right{text-anchor:end}.middle{text-anchor:middle}.card{fill:#fdfdfb;stroke:#ddd}\n"
    ".grid{stroke:#e9e9e4;fill:none}.best{stroke:#2f6fb5;stroke-dasharray:2 4;fill:none}\n"
    ".line{stroke:currentColor;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round;fill:none}\n"
    ".dot,.name{fill:currentColor}.ring{fill:#fdfdfb;stroke:currentColor;stroke-width:2}\n"
    ".value{paint-order:stroke;stroke:#fdfdfb;stroke-width:4;stroke-linejoin:round}\n"
    ".train{color:#77776f}.dev{color:#2f6fb5}.test{color:#b3640f}.rate{color:#222}\n"
    "@media(prefers-color-scheme:dark){text{fill:#e4e4e0}.small,.aside{fill:#a5a5a0}\n"
    ".card{fill:#17191c;stroke:#3a3d42}.grid{stroke:#2a2d31}.best{stroke:#6ba6e8}.dot,.name{fill:currentColor}\n"
    ".ring{fill:#17191c}.value{stroke:#17191c}\n"
    ".train{color:#a5a59e}.dev{color:#6ba6e8}.test{color:#e0a050}.rate{color:#e4e4e0}}";

struct series {
    const char *name;     /* also its class */
    const double *values; /* [count] */
};

struct panel {
    const char *heading;
    double top, bottom, low, high;
    bool logarithmic, scores;
    struct series series[3];
    size_t series_count;
};

struct chart {
    FILE *to;
    const struct epoch_record *records;
    size_t count;
    size_t best;             /* count: none */
    double *values;          /* of all series */
    const double *column[6]; /* NULL: not there */
};
enum { TRAIN_LOSS, TEST_LOSS, DEV_LOSS, TEST_F1, DEV_F1, RATE };

/* Beyond 1e30 (a run that has diverged) a number says no more than "inf". */
static bool drawable(const struct panel *panel, double value)
{
    return fabs(value) < 1e30 && (!panel->logarithmic || value > 1e-30);
}

static double x_of(const struct chart *chart, double index)
{
    double from = LEFT + INSET, to = RIGHT - INSET;
    return chart->count == 1 ? (from + to) / 2 : from + (to - from) * index / (double)(chart->count - 1);
}

static double y_of(const struct panel *panel, double value)
{
    double part = panel->logarithmic ? exact_log(value / panel->low) / exact_log(panel->high / panel->low)
                                     : (value - panel->low) / (panel->high - panel->low);
    return panel->bottom - part * (panel->bottom - panel->top);
}

/* The round number (1, 2 or 5 times a power of ten) that is `least` or the next above it, and how many decimals it has.
 */
static double round_step(double least, int *decimals)
{
    static const double factors[] = {1, 2, 5, 10};
    double power = 1;
    *decimals = 0;
    for (; power * 10 <= least; power *= 10)
        --*decimals;
    for (; power > least; power /= 10)
        ++*decimals;
    size_t i = 0;
    while (factors[i] * power < least)
        i++;
    *decimals -= i == 3;
    *decimals = *decimals < 0 ? 0 : *decimals;
    return factors[i] * power;
}

static void tick(struct chart *chart, const struct panel *panel, double value, int decimals)
{
    double y = y_of(panel, value);
    char number[48];
    if (decimals < 0 || decimals > 6 || fabs(value) >= 1e6)
        snprintf(number, sizeof number, "%g", value);
    else
        snprintf(number, sizeof number, "%.*f", decimals, value);
    fprintf(chart->to,
            "<path d=\"M%d %.1fH%d\" class=\"grid\"/><text x=\"%d\" y=\"%.1f\" class=\"small right\">%s</text>\n", LEFT,
            y, RIGHT, LEFT - 8, y + 4, number);
}

/* Zero is always on the axis: a loss that has halved looks so. */
static void linear_axis(struct chart *chart, struct panel *panel)
{
    double low = 0, high = 0;
    for (size_t s = 0; s < panel->series_count; s++)
        for (size_t i = 0; i < chart->count; i++) {
            double value = panel->series[s].values[i];
            if (drawable(panel, value)) {
                low = value < low ? value : low;
                high = value > high ? value : high;
            }
        }
    if (high - low < 1e-30)
        high = low + 1;
    int decimals;
    double step = round_step((high - low) / 5, &decimals);
    double first = floor(low / step), last = ceil(high / step);
    panel->low = first * step;
    panel->high = last * step;
    for (double k = first; k <= last; k++)
        tick(chart, panel, k == 0 ? 0 : k * step, decimals);
}

/* Draws the ticks factor * 10^k within the panel's range, where k is a multiple of `every`; or only counts them. */
static size_t log_ticks(struct chart *chart, const struct panel *panel, const double *factors, size_t count, int every,
                        bool draw)
{
    size_t ticks = 0;
    double power = 1;
    int k = 0;
    for (; power > panel->low; power /= 10)
        k--;
    for (; power * 10 <= panel->low; power *= 10)
        k++;
    for (; power <= panel->high; power *= 10, k++)
        for (size_t i = 0; i < count && k % every == 0; i++) {
            double value = factors[i] * power;
            if (value < panel->low || value > panel->high)
                continue;
            ticks++;
            if (draw)
                tick(chart, panel, value, -1);
        }
    return ticks;
}

static void logarithmic_axis(struct chart *chart, struct panel *panel)
{
    static const double factors[] = {1, 2, 5};
    double low = 0, high = 0;
    for (size_t i = 0; i < chart->count; i++) {
        double value = panel->series[0].values[i];
        if (!drawable(panel, value))
            continue;
        low = !low || value < low ? value : low;
        high = value > high ? value : high;
    }
    low = low ? low : 1;
    high = high ? high : 1;
    /* A ratio of 4 holds a tick of 1, 2 or 5 at least. */
    double margin = high / low < 4 ? 2 : 1.25;
    panel->low = low / margin;
    panel->high = high * margin;
    /* Ticks that differ by a factor of 2 are far enough apart for their text where the whole axis spans 16. */
    enum { MOST = 4 };
    size_t count = panel->high / panel->low <= 16 ? sizeof factors / sizeof *factors : 1;
    int every = 1;
    while (count == 1 && log_ticks(chart, panel, factors, count, every, false) > MOST)
        every++;
    log_ticks(chart, panel, factors, count, every, true);
}

static void draw_line(struct chart *chart, const struct panel *panel, const struct series *series)
{
    bool open = false, cut = false;
    FILE *to = chart->to;
    fprintf(to, "<g class=\"%s\"><path class=\"line\" d=\"", series->name);
    for (size_t i = 0; i < chart->count; i++) {
        bool there = drawable(panel, series->values[i]);
        if (there)
            fprintf(to, "%c%.1f %.1f", open ? 'L' : 'M', x_of(chart, (double)i), y_of(panel, series->values[i]));
        if (there && !open)
            fprintf(to, "h0"); /* a round dot where the next one is not there */
        open = there;
    }
    fprintf(to, "\"/>\n");
    for (size_t i = 0; i < chart->count; i++) {
        bool there = drawable(panel, series->values[i]);
        if (there && chart->count <= MOST_DOTS)
            fprintf(to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\" class=\"dot\"/>\n", x_of(chart, (double)i),
                    y_of(panel, series->values[i]));
        if (!there && !cut)
            fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"small middle name\">×</text>\n", x_of(chart, (double)i),
                    panel->top + 4);
        cut = !there;
    }
    fprintf(to, "</g>\n");
}

/* An epoch is trained with its rate, so steps lie half-way between two. */
static void draw_steps(struct chart *chart, const struct panel *panel, const struct series *series)
{
    fprintf(chart->to, "<g class=\"%s\"><path class=\"line\" d=\"", series->name);
    bool open = false;
    for (size_t i = 0; i < chart->count; i++) {
        double value = series->values[i], last = (double)(chart->count - 1);
        bool there = drawable(panel, value);
        if (there) {
            double from = x_of(chart, i ? (double)i - 0.5 : 0),
                   to = x_of(chart, (double)i < last ? (double)i + 0.5 : last);
            if (chart->count == 1) {
                from = LEFT + INSET;
                to = RIGHT - INSET;
            }
            if (!open)
                fprintf(chart->to, "M%.1f %.1f", from, y_of(panel, value));
            else if (value != series->values[i - 1])
                fprintf(chart->to, "V%.1f", y_of(panel, value));
            if (i == chart->count - 1 || value != series->values[i + 1])
                fprintf(chart->to, "H%.1f", to);
        }
        open = there;
    }
    fprintf(chart->to, "\"/></g>\n");
}

/* Scores as loss.tsv has them, other numbers with four digits. */
static void write_number(FILE *to, double value, bool score)
{
    char number[NUMBER_TEXT_BYTES];
    if (isfinite(value))
        snprintf(number, sizeof number, score ? "%.4f" : "%.4g", value);
    else
        number_shortest(number, value);
    fprintf(to, "%s", number);
}

/* Names and last values at the lines' right ends, moved apart where they would overlap. */
static void name_lines(struct chart *chart, const struct panel *panel)
{
    struct {
        const struct series *series;
        double y;
    } labels[3], moved;
    size_t count = panel->series_count;
    for (size_t s = 0; s < count; s++) {
        double value = panel->series[s].values[chart->count - 1];
        moved.series = &panel->series[s];
        moved.y = drawable(panel, value) ? y_of(panel, value) : panel->top;
        size_t at = s;
        for (; at && labels[at - 1].y > moved.y; at--)
            labels[at] = labels[at - 1];
        labels[at] = moved;
    }
    for (size_t i = 1; i < count; i++)
        if (labels[i].y < labels[i - 1].y + LINE_HEIGHT)
            labels[i].y = labels[i - 1].y + LINE_HEIGHT;
    double most = panel->bottom;
    for (size_t i = count; i--; most = labels[i].y - LINE_HEIGHT)
        labels[i].y = labels[i].y > most ? most : labels[i].y;
    for (size_t i = 0; i < count; i++) {
        const struct series *series = labels[i].series;
        double value = series->values[chart->count - 1];
        fprintf(chart->to, "<text x=\"%d\" y=\"%.1f\" class=\"small name %s\">", RIGHT + 4, labels[i].y + 4,
                series->name);
        if (!panel->logarithmic)
            fprintf(chart->to, "%s ", series->name);
        write_number(chart->to, value, panel->scores);
        fprintf(chart->to, "</text>\n");
    }
}

static void draw_panel(struct chart *chart, struct panel *panel)
{
    fprintf(chart->to, "<text x=\"%d\" y=\"%.1f\" class=\"small value\">%s</text>\n", MARGIN, panel->top - 16,
            panel->heading);
    if (panel->logarithmic)
        logarithmic_axis(chart, panel);
    else
        linear_axis(chart, panel);
    for (size_t s = 0; s < panel->series_count; s++) {
        if (panel->logarithmic)
            draw_steps(chart, panel, &panel->series[s]);
        else
            draw_line(chart, panel, &panel->series[s]);
    }
    name_lines(chart, panel);
}

static void epoch_axis(struct chart *chart, double top, double bottom)
{
    int decimals;
    double count = (double)chart->count, step = round_step(count / 10 < 1 ? 1 : count / 10, &decimals);
    for (double epoch = step; epoch <= count; epoch += step) {
        double x = x_of(chart, epoch - 1);
        fprintf(chart->to,
                "<path d=\"M%.1f %.1fV%.1f\" class=\"grid\"/><text x=\"%.1f\" y=\"%.1f\" class=\"small middle\">%.0f"
                "</text>\n",
                x, top, bottom, x, bottom + 18, epoch);
    }
    if (step > 1)
        fprintf(chart->to, "<text x=\"%.1f\" y=\"%.1f\" class=\"small middle\">1</text>\n", x_of(chart, 0),
                bottom + 18);
    fprintf(chart->to, "<text x=\"%d\" y=\"%.1f\" class=\"small\">epoch</text>\n", RIGHT + 12, bottom + 18);
}

/* A ring at the best epoch and its value; above the point there is room, since no other is higher. */
static void mark_best(struct chart *chart, const struct panel *panel)
{
    double best = chart->column[DEV_F1][chart->best], x = x_of(chart, (double)chart->best), y = y_of(panel, best);
    bool late = x > (LEFT + RIGHT) / 2.0;
    const char *side = late ? " right" : "";
    int shift = late ? -6 : 6;
    fprintf(chart->to,
            "<g class=\"dev\"><circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" class=\"ring\"/>"
            "<text x=\"%.1f\" y=\"%.1f\" class=\"small name value%s\">%.4f</text></g>\n",
            x, y, x + shift, y - 9, side, best);
}

/* The run in one line. */
static void write_headline(struct chart *chart, bool plain)
{
    FILE *to = chart->to;
    const char *epochs = chart->count == 1 ? "epoch" : "epochs";
    if (chart->best < chart->count) {
        fprintf(to, "Best dev F1 %.4f in epoch %zu of %zu", chart->column[DEV_F1][chart->best],
                chart->records[chart->best].epoch, chart->count);
        if (chart->column[TEST_F1])
            fprintf(to, "%s%s %.4f%s", plain ? " (" : "<tspan dx=\"14\" class=\"aside\">", "test F1 there",
                    chart->column[TEST_F1][chart->best], plain ? ")" : "</tspan>");
    } else if (chart->column[DEV_F1]) {
        fprintf(to, "Dev F1 is 0 after %zu %s", chart->count, epochs);
    } else {
        fprintf(to, "Train loss ");
        write_number(to, chart->column[TRAIN_LOSS][chart->count - 1], false);
        fprintf(to, " after %zu %s", chart->count, epochs);
    }
}

static void write_description(struct chart *chart)
{
    static const char *const names[] = {"Train loss", "Test loss", "Dev loss", "Test F1", "Dev F1", "Learning rate"};
    FILE *to = chart->to;
    for (size_t c = 0; c < sizeof names / sizeof *names; c++) {
        const double *values = chart->column[c];
        if (!values)
            continue;
        bool score = c == TEST_F1 || c == DEV_F1;
        fprintf(to, "%s%s ", c ? " " : "", names[c]);
        write_number(to, values[0], score);
        if (chart->count > 1) {
            fprintf(to, " in epoch %zu, ", chart->records[0].epoch);
            write_number(to, values[chart->count - 1], score);
        }
        fprintf(to, " in epoch %zu", chart->records[chart->count - 1].epoch);
        size_t missing = 0;
        for (size_t i = 0; i < chart->count; i++)
            missing += !isfinite(values[i]);
        if (missing)
            fprintf(to, ", not finite in %zu of %zu", missing, chart->count);
        fprintf(to, ".");
    }
}

static void take_columns(struct chart *chart)
{
    const struct epoch_record *records = chart->records;
    size_t count = chart->count;
    bool dev = records[0].dev.there, test = records[0].test.there;
    const bool there[] = {true, test, dev, test, dev, true};
    for (size_t c = 0; c < sizeof there / sizeof *there; c++)
        chart->column[c] = there[c] ? chart->values + c * count : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct epoch_record *record = &records[i];
        const double row[] = {record->train_loss, record->test.loss, record->dev.loss,
                              record->test.f1,    record->dev.f1,    record->rate};
        for (size_t c = 0; c < sizeof row / sizeof *row; c++)
            chart->values[c * count + i] = row[c];
    }
    chart->best = count;
    double best = 0;
    for (size_t i = 0; i < count && dev; i++)
        if (records[i].dev.f1 > best) {
            best = records[i].dev.f1;
            chart->best = i;
        }
}

static void add_series(struct panel *panel, const struct chart *chart, const char *name, size_t column)
{
    if (chart->column[column])
        panel->series[panel->series_count++] = (struct series){name, chart->column[column]};
}

static void draw(struct chart *chart)
{
    FILE *to = chart->to;
    bool scored = chart->column[DEV_F1] || chart->column[TEST_F1];
    struct panel loss = {.heading = "loss", .top = 78, .bottom = scored ? 216 : 366};
    struct panel f1 = {.heading = "F1", .top = 262, .bottom = 366, .scores = true};
    struct panel rate = {.heading = "learning rate", .top = 412, .bottom = 466, .logarithmic = true};
    add_series(&loss, chart, "train", TRAIN_LOSS);
    add_series(&loss, chart, "test", TEST_LOSS);
    add_series(&loss, chart, "dev", DEV_LOSS);
    add_series(&f1, chart, "test", TEST_F1);
    add_series(&f1, chart, "dev", DEV_F1);
    add_series(&rate, chart, "rate", RATE);

    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" "
            "aria-labelledby=\"title what\">\n<title id=\"title\">",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    write_headline(chart, true);
    fprintf(to, "</title>\n<desc id=\"what\">");
    write_description(chart);
    fprintf(to, "</desc>\n<style>%s</style>\n", style);
    fprintf(to, "<rect x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"6\" class=\"card\"/>\n", WIDTH - 1,
            HEIGHT - 1);
    fprintf(to, "<text x=\"%d\" y=\"34\" class=\"head\">", MARGIN);
    write_headline(chart, false);
    fprintf(to, "</text>\n");
    epoch_axis(chart, loss.top, rate.bottom);
    if (chart->best < chart->count)
        fprintf(to, "<path d=\"M%.1f %.1fV%.1f\" class=\"best\"/>\n", x_of(chart, (double)chart->best), loss.top,
                rate.bottom);
    draw_panel(chart, &loss);
    if (scored)
        draw_panel(chart, &f1);
    if (chart->best < chart->count)
        mark_best(chart, &f1);
    draw_panel(chart, &rate);
    fprintf(to, "</svg>\n");
}

char *loss_chart(const struct epoch_record *records, size_t count, size_t *bytes)
{
    struct chart chart = {.records = records, .count = count};
    struct text_stream stream;
    chart.values = calloc(count, sizeof chart.column / sizeof *chart.column * sizeof *chart.values);
    if (!chart.values || !text_stream_open(&stream)) {
        free(chart.values);
        return NULL;
    }
    chart.to = stream.file;
    take_columns(&chart);
    locale_t before = plain_numbers_begin();
    draw(&chart);
    plain_numbers_end(before);
    free(chart.values);
    return text_stream_close(&stream, bytes);
}

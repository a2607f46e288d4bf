/* lm_chart.c - see lm_chart.h. Two panels share the axis of characters, which begins at 0; a line is named at its end,
 * beside its last value, so that no legend is needed. */
#include "run/lm_chart.h"
#include "base/number_text.h"
#include "base/text_stream.h"
#include <math.h>
#include <stdio.h>

/* Pixels. */
enum { WIDTH = 800, HEIGHT = 460, LEFT = 72, RIGHT = 660, LINE_HEIGHT = 14 };
enum { TICKS = 5 };

static const char style[] =
    "text{font:12px monospace;fill:#555}.head{font-size:14px;font-weight:bold;fill:#222}.right{text-anchor:end}"
    ".middle{text-anchor:middle}.card{fill:#fdfdfb;stroke:#ddd}.grid{stroke:#e9e9e4}"
    ".line{stroke:currentColor;stroke-width:1.8;stroke-linejoin:round;fill:none}.name{fill:currentColor}"
    ".train{color:#77776f}.valid{color:#2f6fb5}.rate{color:#222}"
    "@media(prefers-color-scheme:dark){text{fill:#a5a5a0}.head{fill:#e4e4e0}.card{fill:#17191c;stroke:#3a3d42}"
    ".grid{stroke:#2a2d31}.name{fill:currentColor}.train{color:#a5a59e}.valid{color:#6ba6e8}.rate{color:#e4e4e0}}";

struct panel {
    const char *heading;
    double top, bottom, low, high;
};

/* 1, 2 or 5 times a power of ten, at least `least`. */
static double round_step(double least)
{
    double power = pow(10, floor(log10(least)));
    for (;; power *= 10) {
        static const double steps[] = {1, 2, 5};
        for (size_t i = 0; i < 3; i++)
            if (steps[i] * power >= least * (1 - 1e-9))
                return steps[i] * power;
    }
}

static double value_of(const struct lm_chart_point *point, int series)
{
    return series == 0 ? point->train_bits : series == 1 ? point->valid_bits : point->rate;
}

static double x_of(double chars, double most)
{
    return LEFT + (RIGHT - LEFT) * chars / most;
}

static double y_of(const struct panel *panel, double value)
{
    return panel->bottom - (panel->bottom - panel->top) * (value - panel->low) / (panel->high - panel->low);
}

static void fit(struct panel *panel, const struct lm_chart_point *points, size_t count, int first, int last)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++)
        for (int s = first; s <= last; s++) {
            double value = value_of(&points[i], s);
            if (isfinite(value)) {
                low = fmin(low, value);
                high = fmax(high, value);
            }
        }
    if (!(high > low)) {
        low = isfinite(low) ? low - 0.5 * fabs(low) - 1e-9 : 0;
        high = isfinite(high) ? high + 0.5 * fabs(high) + 1e-9 : 1;
    }
    double step = round_step((high - low) / TICKS);
    panel->low = floor(low / step) * step;
    panel->high = ceil(high / step) * step;
}

static void draw_axes(FILE *to, const struct panel *panel)
{
    double step = round_step((panel->high - panel->low) / TICKS);
    fprintf(to, "<text class=\"head\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT, panel->top - LINE_HEIGHT, panel->heading);
    for (double value = panel->low; value <= panel->high + step / 2; value += step) {
        double y = y_of(panel, value);
        fprintf(to, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"right\" x=\"%d\" y=\"%.1f\">%.4g</text>\n",
                LEFT, y, RIGHT, LEFT - 8, y + 4, fabs(value) < step / 2 ? 0 : value);
    }
}

static void draw_series(FILE *to, const struct panel *panel, const struct lm_chart_point *points, size_t count,
                        int series, double most, double *name_y)
{
    static const char *const names[] = {"train", "valid", "rate"};
    const struct lm_chart_point *last = NULL;
    char command = 'M';
    fprintf(to, "<g class=\"%s\"><path class=\"line\" d=\"", names[series]);
    for (size_t i = 0; i < count; i++) {
        double value = value_of(&points[i], series);
        if (!isfinite(value)) {
            command = 'M';
            continue;
        }
        last = &points[i];
        fprintf(to, "%c%.1f %.1f", command, x_of(last->chars, most), y_of(panel, value));
        command = 'L';
    }
    if (last && command == 'L' && count == 1) /* one point is a line of no length, which round ends show */
        fprintf(to, "h.1");
    fprintf(to, "\"/>");
    if (last) {
        double y = y_of(panel, value_of(last, series)) + 4;
        if (fabs(y - *name_y) < LINE_HEIGHT)
            y = *name_y + LINE_HEIGHT;
        *name_y = y;
        fprintf(to, "<text class=\"name\" x=\"%d\" y=\"%.1f\">%s %.4g</text>", RIGHT + 8, y, names[series],
                value_of(last, series));
    }
    fprintf(to, "</g>\n");
}

char *lm_chart(const struct lm_chart_point *points, size_t count, size_t *bytes)
{
    char said[2][32];
    struct text_stream stream;
    struct panel losses = {"bits per character", 48, 290, 0, 1}, rates = {"learning rate", 340, 410, 0, 1};
    double most = points[count - 1].chars > 0 ? points[count - 1].chars : 1, name_y = -LINE_HEIGHT;
    if (!text_stream_open(&stream))
        return NULL;
    FILE *to = stream.file;
    locale_t before = plain_numbers_begin();
    for (int s = 0; s < 2; s++) {
        double value = value_of(&points[count - 1], s);
        if (isfinite(value))
            snprintf(said[s], sizeof said[s], "%.4g", value);
        else
            snprintf(said[s], sizeof said[s], "unknown");
    }
    fit(&losses, points, count, 0, 1);
    fit(&rates, points, count, 2, 2);
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\"><title>Bits per character of "
            "training and validation text, and the learning rate, by characters read</title>\n<desc>After %.0f "
            "characters: train %s, validation %s bits per character.</desc>\n<style>%s</style>\n"
            "<rect class=\"card\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n",
            WIDTH, HEIGHT, points[count - 1].chars, said[0], said[1], style, WIDTH - 1, HEIGHT - 1);
    draw_axes(to, &losses);
    draw_axes(to, &rates);
    double step = round_step(most / TICKS);
    for (double chars = 0; chars <= most * (1 + 1e-9); chars += step)
        fprintf(to, "<text class=\"middle\" x=\"%.1f\" y=\"%d\">%.6g</text>\n", x_of(chars, most), HEIGHT - 30,
                chars / 1e6);
    fprintf(to, "<text class=\"middle\" x=\"%d\" y=\"%d\">million characters</text>\n", (LEFT + RIGHT) / 2,
            HEIGHT - 12);
    draw_series(to, &losses, points, count, 0, most, &name_y);
    draw_series(to, &losses, points, count, 1, most, &name_y);
    name_y = -LINE_HEIGHT;
    draw_series(to, &rates, points, count, 2, most, &name_y);
    fprintf(to, "</svg>\n");
    plain_numbers_end(before);
    return text_stream_close(&stream, bytes);
}

#include "visualize/axis.h"

#include <math.h>
#include <stdio.h>

double kl_axis_pixel(const struct kl_axis *axis, double value)
{
    double span = axis->high - axis->low;
    if (isnan(value) || !(span > 0.0)) {
        return axis->pixel_low;
    }
    double part = fmin(fmax((value - axis->low) / span, -1.0), 2.0);
    return axis->pixel_low + part * (axis->pixel_high - axis->pixel_low);
}

/* The next step at or above `least`, and how many decimals it needs. */
static double tick_step(double least, int *decimals)
{
    double power = floor(log10(least));
    double base = pow(10.0, power);
    static const double factor[] = {1.0, 2.0, 5.0, 10.0};
    for (size_t i = 0; i < sizeof(factor) / sizeof(factor[0]); i++) {
        /* A hair of slack: 0.1 * 2 must count as 0.2. */
        if (factor[i] * base >= least * (1.0 - 1e-9)) {
            double exponent = power + (factor[i] == 10.0 ? 1.0 : 0.0);
            *decimals = exponent < 0.0 ? (int)-exponent : 0;
            return factor[i] * base;
        }
    }
    *decimals = 0;
    return 10.0 * base;
}

struct kl_ticks kl_ticks_choose(double low, double high, int most)
{
    struct kl_ticks ticks = {0};
    if (!isfinite(low) || !isfinite(high) || !(low < high) || most < 2 || !(high - low < 1e300) ||
        !(high - low > 1e-300)) {
        return ticks;
    }
    double least = (high - low) / most; /* no smaller step can be few enough */
    do {
        ticks.step = tick_step(least, &ticks.decimals);
        double slack = 1e-9 * ticks.step;
        double from = ceil((low - slack) / ticks.step);
        double to = floor((high + slack) / ticks.step);
        ticks.first = from * ticks.step;
        ticks.count = (int)(to - from) + 1;
        least = ticks.step * 1.01;
    } while (ticks.count > most);
    return ticks;
}

double kl_axis_cover(double high, int most)
{
    struct kl_ticks ticks = kl_ticks_choose(0.0, high, most);
    return ticks.count == 0 ? 1.0 : ceil(high / ticks.step - 1e-9) * ticks.step;
}

void kl_tick_text(const struct kl_ticks *ticks, int i, char *out, size_t len)
{
    double value = ticks->first + i * ticks->step;
    if (fabs(value) < ticks->step * 1e-6) {
        value = 0.0;
    }
    (void)snprintf(out, len, "%s%.*f", value < 0.0 ? "−" : "", ticks->decimals, fabs(value));
}

void kl_axis_draw_y(const struct kl_canvas *canvas, const struct kl_axis *axis, double x0,
                    double x1, int most)
{
    struct kl_ticks ticks = kl_ticks_choose(axis->low, axis->high, most);
    struct kl_text_style style = {.font = KL_FONT_TINY, .colour = canvas->palette->dim, .align = 1};
    double rise = kl_text_middle(canvas, style.font);
    for (int i = 0; i < ticks.count; i++) {
        double y = kl_axis_pixel(axis, ticks.first + i * ticks.step);
        char label[32];
        kl_tick_text(&ticks, i, label, sizeof(label));
        kl_draw_level(canvas, x0, x1, y, canvas->palette->grid);
        (void)kl_text_draw(canvas, style, x0 - kl_px(canvas, 6), y + rise, label);
    }
}

void kl_axis_draw_x(const struct kl_canvas *canvas, const struct kl_axis *axis, double y0,
                    double y1, int most)
{
    struct kl_ticks ticks = kl_ticks_choose(axis->low, axis->high, most);
    struct kl_text_style style = {.font = KL_FONT_TINY, .colour = canvas->palette->dim};
    for (int i = 0; i < ticks.count; i++) {
        double x = kl_axis_pixel(axis, ticks.first + i * ticks.step);
        char label[32];
        kl_tick_text(&ticks, i, label, sizeof(label));
        kl_draw_upright(canvas, x, y0, y1, canvas->palette->grid);
        style.align = x < axis->pixel_low + 2.0 ? 0.0 : x > axis->pixel_high - 2.0 ? 1.0 : 0.5;
        (void)kl_text_draw(canvas, style, x, y1 + kl_px(canvas, 17), label);
    }
}

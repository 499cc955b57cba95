/* Oracles: methods 14 (L .9, R 1.0: ASI 10.526 %, SA 3.3475 %), closed forms of alternating values,
 * methods 11 (halved amplitude: -6.0206 dB). */
#include "process/session_figures.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

static struct kl_step step_at(double t_s, enum kl_side side, double contact_s, double step_s)
{
    struct kl_step step = {.side = side, .valid = true, .contact_ns = 1e15 + t_s * 1e9};
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        step.metric_reasons[m] = KL_REASON_NO_SENSOR;
    }
    step.metric[KL_METRIC_CONTACT_TIME] = contact_s;
    step.metric[KL_METRIC_STEP_TIME] = step_s;
    step.metric_reasons[KL_METRIC_CONTACT_TIME] = step.metric_reasons[KL_METRIC_STEP_TIME] = 0;
    return step;
}

/* 70 s of steps: contact 0.9 left, 1.0 right on average; +-2 % alternating on each side. */
static void run(struct kl_figures *figures, const struct kl_shock_window *shock)
{
    for (int k = 0; k < 200; k++) {
        enum kl_side side = k % 2 == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT;
        double swing = 1 + (k / 2 % 2 == 0 ? 0.02 : -0.02);
        struct kl_step step =
            step_at(0.35 * k, side, (side == KL_SIDE_LEFT ? 0.9 : 1.0) * swing, 0.35);
        kl_figures_step(figures, &step, NULL, shock);
        step.valid = false; /* a wild one that does not count */
        step.metric[KL_METRIC_CONTACT_TIME] = 7;
        kl_figures_step(figures, &step, NULL, NULL);
    }
}

Test(session_figures, contact_times_vary_by_what_was_put_in_and_the_sides_differ_as_in_the_book)
{
    struct kl_figures *figures = kl_figures_create();
    cr_assert_not_null(figures);
    static struct kl_session_figures out;
    run(figures, NULL);
    kl_figures_read(figures, &out);
    const struct kl_figure_value *cv = out.figure[KL_FIGURE_CONTACT_TIME_CV];
    for (unsigned s = KL_SIDE_LEFT; s < KL_SIDE_COUNT; s++) {
        cr_assert(cv[s].valid);
        cr_expect_eq(cv[s].n, 1, "one whole window");
        /* 86 values +-2 % about a line with 2 degrees taken out */
        cr_expect_float_eq(cv[s].value, 0.02 * sqrt(86.0 / 84), 2e-5);
    }
    cr_expect_float_eq(out.figure[KL_FIGURE_STEP_TIME_CV][KL_SIDE_UNKNOWN].value, 0, 1e-12);
    cr_expect_not(out.figure[KL_FIGURE_STRIDE_TIME_CV][KL_SIDE_LEFT].valid);
    const struct kl_asymmetry_value *contact = &out.asymmetry[0];
    cr_assert_eq(kl_asymmetry_get(0)->metric, KL_METRIC_CONTACT_TIME);
    cr_assert(contact->valid && contact->has_index);
    cr_expect_eq(contact->n[KL_SIDE_LEFT], 100);
    cr_expect_float_eq(contact->mean[KL_SIDE_LEFT], 0.9, 1e-12);
    cr_expect_float_eq(contact->asi_percent, 10.526, 5e-4);
    cr_expect_float_eq(contact->sa_percent, 3.3475, 5e-5);
    cr_expect_not(out.asymmetry[KL_ASYMMETRY_COUNT - 1].valid, "no loading rates were given");

    kl_figures_reset(figures);
    kl_figures_read(figures, &out);
    cr_expect_eq(out.from_ns, 0);
    cr_expect_not(out.figure[KL_FIGURE_CONTACT_TIME_CV][KL_SIDE_LEFT].valid);
    cr_expect_not(out.asymmetry[0].valid);
    kl_figures_destroy(figures);
    kl_figures_destroy(NULL);
}

Test(session_figures, shock_is_attenuated_per_side_and_only_where_it_is_measured)
{
    struct kl_figures *figures = kl_figures_create();
    static struct kl_shock_window shock;
    static struct kl_session_figures out;
    memset(&shock, 0, sizeof(shock));
    for (size_t i = 0; i < KL_SHOCK_SAMPLES; i++) {
        double t = (double)i / KL_SHOCK_RATE_HZ - KL_SHOCK_BEFORE_S;
        double y = t > 0 ? 60 * exp(-t / 0.015) * sin(2 * PI * 18 * t) : 0;
        shock.tibia.raw_m_s2[i].y = y;
        shock.proximal.raw_m_s2[i].y = y / 2;
    }
    for (int k = 0; k < 10; k++) {
        struct kl_step step = step_at(0.7 * k, KL_SIDE_RIGHT, 0.25, 0.35);
        kl_figures_step(figures, &step, NULL, &shock);
    }
    kl_figures_read(figures, &out);
    const struct kl_figure_value *db = out.figure[KL_FIGURE_SHOCK_ATTENUATION];
    cr_assert(db[KL_SIDE_RIGHT].valid);
    cr_expect_float_eq(db[KL_SIDE_RIGHT].value, -6.0206, 5e-5);
    cr_expect_eq(db[KL_SIDE_RIGHT].n, 10);
    cr_expect_not(db[KL_SIDE_LEFT].valid);
    cr_expect_not(db[KL_SIDE_UNKNOWN].valid);
    cr_expect(out.figure[KL_FIGURE_TIBIAL_FREQUENCY][KL_SIDE_RIGHT].valid);
    kl_figures_destroy(figures);
}

Test(session_figures, every_row_has_its_words_and_no_key_comes_twice)
{
    for (int f = 0; f < KL_FIGURE_COUNT; f++) {
        const struct kl_figure *figure = kl_figure_get((enum kl_figure_id)f);
        cr_assert_not_null(figure->metric.key);
        cr_expect_not_null(figure->metric.source);
        cr_expect_not_null(figure->needs);
        cr_expect_not(figure->of_sides && figure->of_both);
        cr_expect_eq(kl_metric_find(figure->metric.key), KL_METRIC_COUNT);
        for (int g = 0; g < f; g++) {
            cr_expect_str_neq(figure->metric.key, kl_figure_get((enum kl_figure_id)g)->metric.key);
        }
    }
}

#include "force_signal.h"
#include "process/force/contact_curve.h"
#include "process/force/cop.h"
#include "process/force/impact.h"
#include "process/force/impulse.h"
#include "process/steps/metric.h"
#include "process/steps/metric_input.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define BW SIGNAL_BW_N

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A contact made by hand: unfiltered, initial contact at 0 s, with 30 ms of flight on both sides.
 */
#define SAMPLES 12000
static double samples[SAMPLES][KL_WRENCH_COUNT];

static struct kl_contact contact_of(double rate_hz, double duration_s, double (*fy)(double s))
{
    memset(samples, 0, sizeof(samples));
    const double margin_s = 0.03;
    size_t count = (size_t)((duration_s + 2 * margin_s) * rate_hz) + 1;
    for (size_t i = 0; i < count; i++) {
        samples[i][KL_FY] = fy(((double)i / rate_hz - margin_s) / duration_s);
    }
    return (struct kl_contact){
        .ic_ns = 2e9,
        .to_ns = 2e9 + duration_s * 1e9,
        .has_ic = true,
        .has_to = true,
        .count = count,
        .t0_ns = 1970000000,
        .dt_s = 1 / rate_hz,
        .wrench = (const double(*)[KL_WRENCH_COUNT])samples,
    };
}

static struct kl_metric_input input_of(const struct kl_contact *contact)
{
    return (struct kl_metric_input){
        .contact = contact,
        .measured = KL_PLATE_MEASURES_ALL,
        .side = KL_SIDE_RIGHT,
        .body_weight_n = BW,
        .height_m = 1.75,
        .speed_m_s = 3.0,
        .rule_without_impact = KL_LOADING_P13,
        .has_next = true,
        .has_next2 = true,
        .next_ic_ns = 2.35e9,
        .next2_ic_ns = 2.70e9,
    };
}

static double value_of(enum kl_metric_id id, const struct kl_metric_input *input)
{
    double value = 0;
    uint32_t reasons = kl_metric_compute(id, input, &value);
    cr_assert_eq(reasons, 0, "%s: reasons %x", kl_metric_get(id)->key, reasons);
    return value;
}

Test(metric, every_row_is_complete_and_its_key_is_its_own)
{
    for (unsigned id = 0; id < KL_METRIC_COUNT; id++) {
        const struct kl_metric *m = kl_metric_get((enum kl_metric_id)id);
        cr_assert_not_null(m->key, "row %u", id);
        cr_expect(strlen(m->label) > 0 && strlen(m->unit) > 0 && strlen(m->source) > 0, "%s",
                  m->key);
        cr_expect_not_null(m->display_unit, "%s", m->key);
        cr_expect(m->display_scale > 0 && m->plot_max > m->plot_min && m->decimals >= 0, "%s",
                  m->key);
        cr_expect_not_null(strstr(m->source, "methods"), "%s names its source", m->key);
        for (const char *c = m->key; *c != '\0'; c++) {
            cr_expect((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_', "%s",
                      m->key);
        }
        cr_expect_eq(kl_metric_find(m->key), id, "%s is there twice", m->key);
    }
    cr_expect_eq(kl_metric_find("knee_diagnosis"), KL_METRIC_COUNT);
    cr_expect_eq(kl_metric_find(""), KL_METRIC_COUNT);
}

Test(metric, display_converts_from_si)
{
    static const struct {
        const char *key;
        double value, body_weight_n, height_m;
        bool known;
        double shown;
    } rows[] = {
        {"contact_time", 0.2764, 0, 0, true, 276.4},
        {"cadence", 2.857142857142857, 0, 0, true, 171.42857142857142},
        {"active_peak", 1400, 700, 0, true, 2.0},
        {"active_peak", 1400, 0, 1.8, false, -1},
        {"valr", 46200, 700, 0, true, 66},
        {"free_moment_peak", 4.2, 700, 2.0, true, 0.3},
        {"free_moment_peak", 4.2, 700, 0, false, -1},
        {"braking_to_propulsion", 0.48, 0, 0, true, 48},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double shown = -1;
        const struct kl_metric *m = kl_metric_get(kl_metric_find(rows[i].key));
        cr_expect_eq(
            kl_metric_display(m, rows[i].value, rows[i].body_weight_n, rows[i].height_m, &shown),
            rows[i].known, "row %zu", i);
        cr_expect_float_eq(shown, rows[i].shown, 1e-9, "row %zu: %g", i, shown);
    }
}

Test(metric, half_sine_has_its_closed_forms)
{
    /* methods 6 [V]: P 1510.132 N, J 240.345 N.s, P13: VALR 18547.2 N/s = 27.0092 BW/s, VILR
     * 27.5476 BW/s. Forces 0.1 %, rates 0.5 %. */
    struct kl_contact contact = contact_of(1000, 0.25, signal_half_sine);
    struct kl_metric_input input = input_of(&contact);
    cr_expect_float_eq(value_of(KL_METRIC_ACTIVE_PEAK, &input), 1510.132, 1.5);
    cr_expect_float_eq(value_of(KL_METRIC_TIME_TO_ACTIVE_PEAK, &input), 0.125, 0.0011);
    cr_expect_float_eq(value_of(KL_METRIC_VERTICAL_IMPULSE, &input), 240.345, 0.24);
    cr_expect_eq(kl_metric_loading_rule(&input), KL_LOADING_P13);
    cr_expect_float_eq(value_of(KL_METRIC_VALR, &input), 18547.2, 0.005 * 18547.2);
    cr_expect_float_eq(value_of(KL_METRIC_VILR, &input) / BW, 27.5476, 0.005 * 27.5476);
    double value = -1;
    cr_expect_eq(kl_metric_compute(KL_METRIC_IMPACT_PEAK, &input, &value),
                 KL_REASON_NO_IMPACT_PEAK);
    cr_expect_eq(value, -1, "untouched");
    cr_expect_not(kl_metric_has_impact_peak(&input));
}

Test(metric, rearfoot_step_has_the_impact_peak_of_the_method_book)
{
    /* methods 6 [V]: F1 1.703844 BW at 34.89 ms, VALR 67.255, VILR 72.179 BW/s, unfiltered */
    struct kl_contact contact = contact_of(1000, 0.25, signal_rearfoot);
    struct kl_metric_input input = input_of(&contact);
    cr_expect(kl_metric_has_impact_peak(&input));
    cr_expect_eq(kl_metric_loading_rule(&input), KL_LOADING_IMPACT_PEAK);
    cr_expect_float_eq(value_of(KL_METRIC_IMPACT_PEAK, &input) / BW, 1.703844, 0.0017);
    cr_expect_float_eq(value_of(KL_METRIC_TIME_TO_IMPACT_PEAK, &input), 0.03489, 0.0006);
    cr_expect_float_eq(value_of(KL_METRIC_VALR, &input) / BW, 67.255, 0.005 * 67.255);
    cr_expect_float_eq(value_of(KL_METRIC_VILR, &input) / BW, 72.179, 0.005 * 72.179);
    cr_expect_float_eq(value_of(KL_METRIC_ACTIVE_PEAK, &input) / BW, 2.029469, 0.002);
    /* J = BW T for any impact */
    cr_expect_float_eq(value_of(KL_METRIC_VERTICAL_IMPULSE, &input), BW * 0.35, 0.24);
}

Test(metric, filtered_rearfoot_step_keeps_what_the_method_book_says)
{
    /* methods 6 [V]: fs 1000, zero-lag 50 Hz, 50 N: F1 1.7019, VALR 67.17, VILR 71.98 BW/s;
     * zero-lag 30 Hz: VALR 65.16, VILR 70.31 */
    static const struct {
        double cutoff_hz, f1, valr, vilr;
    } rows[] = {{50, 1.7019, 67.17, 71.98}, {30, 0, 65.16, 70.31}};
    struct signal_record record = signal_record_create(1000, 4);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    for (size_t r = 0; r < COUNT(rows); r++) {
        struct kl_force_settings settings = {rows[r].cutoff_hz, 50};
        struct signal_contacts *c = signal_contacts_of(&plate, &settings, &record);
        struct kl_metric_input input = input_of(&c->contact[5]);
        if (rows[r].f1 > 0) {
            cr_expect_float_eq(value_of(KL_METRIC_IMPACT_PEAK, &input) / BW, rows[r].f1, 0.0017);
        }
        cr_expect_float_eq(value_of(KL_METRIC_VALR, &input) / BW, rows[r].valr,
                           0.005 * rows[r].valr, "%g", value_of(KL_METRIC_VALR, &input) / BW);
        cr_expect_float_eq(value_of(KL_METRIC_VILR, &input) / BW, rows[r].vilr,
                           0.005 * rows[r].vilr, "%g", value_of(KL_METRIC_VILR, &input) / BW);
        signal_contacts_destroy(c);
    }
    signal_record_destroy(&record);
}

static double ramp(double s)
{
    /* 0 to 1200 N in 30 ms of 300 ms, then slowly falling, then off */
    double t = s * 0.3;
    if (t <= 0 || s >= 1) {
        return 0;
    }
    return t < 0.030 ? 40000 * t : t < 0.28 ? 1200 - 400 * (t - 0.03) : 1100 * (0.3 - t) / 0.02;
}

Test(metric, a_linear_ramp_has_its_slope_for_loading_rate)
{
    struct kl_contact contact = contact_of(1000, 0.3, ramp);
    struct kl_metric_input input = input_of(&contact);
    /* falling from 1200 N at 30 ms: an impact peak, but the maximum of 30-70 % comes behind it */
    cr_expect_eq(kl_metric_loading_rule(&input), KL_LOADING_IMPACT_PEAK);
    cr_expect_float_eq(value_of(KL_METRIC_VALR, &input), 40000, 1e-6 * 40000);
    cr_expect_float_eq(value_of(KL_METRIC_VILR, &input), 40000, 1e-6 * 40000);
}

Test(metric, each_loading_rule_measures_its_own_stretch)
{
    /* Half-sine, closed form: F = P sin(pi t / tc). At 10 kHz straight lines err by < 0.01 %. */
    struct kl_contact contact = contact_of(10000, 0.25, signal_half_sine);
    const double p = PI / 2 * BW * 0.35 / 0.25;
    const double w = PI / 0.25;
    double poi_n = p * sin(acos(15 * BW / (p * w))); /* where the slope falls to 15 BW/s */
    const struct {
        enum kl_loading_rule rule;
        double from_n, to_n;
    } rows[] = {
        {KL_LOADING_P13, 0.2 * p * sin(0.13 * PI), 0.8 * p * sin(0.13 * PI)},
        {KL_LOADING_A312, p * sin(0.03 * PI), p * sin(0.12 * PI)},
        {KL_LOADING_POI, 0.2 * poi_n, 0.8 * poi_n},
        {KL_LOADING_BW50, 50, BW + 50},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double from_s = asin(rows[i].from_n / p) / w;
        double to_s = asin(rows[i].to_n / p) / w;
        double average = (rows[i].to_n - rows[i].from_n) / (to_s - from_s);
        double steepest = p * w * cos(w * from_s); /* the slope only falls */
        struct kl_loading_rate rate;
        cr_assert_eq(kl_loading_rate_of(&contact, BW, rows[i].rule, &rate), 0);
        cr_expect_float_eq(rate.average_n_s, average, 0.002 * average, "%s: %g against %g",
                           kl_loading_rule_text(rows[i].rule), rate.average_n_s, average);
        cr_expect_float_eq(rate.instantaneous_n_s, steepest, 0.002 * steepest, "%s",
                           kl_loading_rule_text(rows[i].rule));
    }
    struct kl_loading_rate rate = {-1, -1};
    cr_expect_eq(kl_loading_rate_of(&contact, BW, KL_LOADING_IMPACT_PEAK, &rate),
                 KL_REASON_NO_IMPACT_PEAK);
    cr_expect_eq(kl_loading_rate_of(&contact, 0, KL_LOADING_POI, &rate), KL_REASON_NO_BODY_WEIGHT);
    cr_expect_eq(kl_loading_rate_of(&contact, 0, KL_LOADING_BW50, &rate), KL_REASON_NO_BODY_WEIGHT);
    cr_expect_eq(rate.average_n_s, -1, "untouched");
}

Test(metric, one_rule_may_hold_for_all_steps_of_a_bout)
{
    struct kl_contact contact = contact_of(1000, 0.25, signal_rearfoot);
    struct kl_metric_input input = input_of(&contact);
    double own = value_of(KL_METRIC_VALR, &input);
    input.force_rule = true;
    cr_expect_eq(kl_metric_loading_rule(&input), KL_LOADING_P13);
    cr_expect_neq(value_of(KL_METRIC_VALR, &input), own);
    cr_expect(kl_metric_has_impact_peak(&input), "the peak is there all the same");
}

Test(metric, times_between_contacts_need_neighbours)
{
    struct kl_contact contact = contact_of(1000, 0.25, signal_half_sine);
    struct kl_metric_input input = input_of(&contact);
    static const struct {
        double expected;
        enum kl_metric_id id;
        bool needs_next, needs_next2;
    } rows[] = {
        {0.25, KL_METRIC_CONTACT_TIME, false, false},
        {0.10, KL_METRIC_FLIGHT_TIME, true, false},
        {0.35, KL_METRIC_STEP_TIME, true, false},
        {0.70, KL_METRIC_STRIDE_TIME, false, true},
        {0.25 / 0.70, KL_METRIC_DUTY_FACTOR, false, true},
        {1 / 0.35, KL_METRIC_CADENCE, true, false},
        {1.05, KL_METRIC_STEP_LENGTH, true, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        cr_expect_float_eq(value_of(rows[i].id, &input), rows[i].expected, 1e-9, "%s",
                           kl_metric_get(rows[i].id)->key);
        double value = 0;
        struct kl_metric_input alone = input;
        alone.has_next = false;
        cr_expect_eq(kl_metric_compute(rows[i].id, &alone, &value),
                     rows[i].needs_next ? KL_REASON_NO_NEXT : 0, "%s",
                     kl_metric_get(rows[i].id)->key);
        alone = input;
        alone.has_next2 = false;
        cr_expect_eq(kl_metric_compute(rows[i].id, &alone, &value),
                     rows[i].needs_next2 ? KL_REASON_NO_NEXT : 0, "%s",
                     kl_metric_get(rows[i].id)->key);
    }
}

Test(metric, a_runner_who_moves_forward_takes_longer_steps)
{
    /* methods 5: v 3.0 m/s, T 0.350 s, x advance +0.02 m -> 1.07 m (oracle 27) */
    struct kl_contact contact = contact_of(1000, 0.25, signal_half_sine);
    struct kl_metric_input input = input_of(&contact);
    for (size_t i = 0; i < contact.count; i++) {
        double t = kl_contact_time(&contact, i);
        samples[i][KL_MZ] = (0.15 - 3.0 * t) * samples[i][KL_FY]; /* stands on the belt */
    }
    double here = 0;
    cr_assert(kl_cop_landing_x(&contact, 3.0, &here));
    cr_expect_float_eq(here, 0.15, 1e-9);
    input.has_next_landing_x = true;
    input.next_landing_x_m = here + 0.02;
    cr_expect_float_eq(value_of(KL_METRIC_STEP_LENGTH, &input), 1.07, 1e-9);
    /* and without a centre of pressure v T remains */
    input.measured = KL_PLATE_MEASURES_FY;
    cr_expect_float_eq(value_of(KL_METRIC_STEP_LENGTH, &input), 1.05, 1e-9);
}

static void add_horizontal(const struct kl_contact *contact, double side)
{
    for (size_t i = 0; i < contact->count; i++) {
        double s = kl_contact_time(contact, i) / kl_contact_duration(contact);
        if (s < 0 || s > 1) {
            continue;
        }
        double *w = samples[i];
        double x = 0.10 + 0.12 * s - 3.0 * s * kl_contact_duration(contact);
        double z = side * (0.040 + 0.010 * cos(PI * s));
        w[KL_FX] = -0.25 * BW * sin(2 * PI * s);
        w[KL_FZ] = -side * 0.06 * BW * sin(PI * s);
        w[KL_MX] = -z * w[KL_FY];
        w[KL_MZ] = x * w[KL_FY];
        w[KL_MY] = z * w[KL_FX] - x * w[KL_FZ] + side * 3.6 * sin(PI * s);
    }
}

Test(metric, horizontal_forces_have_their_closed_forms)
{
    struct kl_contact contact = contact_of(1000, 0.25, signal_half_sine);
    add_horizontal(&contact, 1);
    struct kl_metric_input input = input_of(&contact);
    static const struct {
        enum kl_metric_id id;
        double expected, tolerance;
    } rows[] = {
        /* methods 21.1: B tc/pi = 0.019894 BW.s for B .25, tc .25 */
        {KL_METRIC_BRAKING_IMPULSE, 0.019894 * 70 * 9.81, 0.014},
        {KL_METRIC_PROPULSION_IMPULSE, 0.019894 * 70 * 9.81, 0.014},
        {KL_METRIC_PEAK_BRAKING, 0.25 * 70 * 9.81, 0.17},
        {KL_METRIC_PEAK_PROPULSION, 0.25 * 70 * 9.81, 0.17},
        {KL_METRIC_TIME_TO_PEAK_BRAKING, 0.0625, 0.001},
        {KL_METRIC_BRAKING_TO_PROPULSION, 0.5, 0.001},
        {KL_METRIC_PEAK_MEDIAL_FORCE, 0.06 * 70 * 9.81, 0.04},
        {KL_METRIC_PEAK_LATERAL_FORCE, 0, 1e-9},
        {KL_METRIC_MEDIOLATERAL_IMPULSE, -0.06 * 70 * 9.81 * 2 / 3.14159265 * 0.25, 0.007},
        {KL_METRIC_FREE_MOMENT_PEAK, 3.6, 0.0036},
        /* z = 40 + 10 cos(pi s) mm: mean 40 mm, from s .2 to .8 2 x 8.09 mm */
        {KL_METRIC_COP_MEAN_ML, 0.040, 1e-4},
        {KL_METRIC_COP_RANGE_ML, 2 * 0.010 * 0.80902, 2e-4},
        /* 0.12 m over stance; from 100 N to 100 N it is 0.12 (1 - 2 asin(100/1510)/pi) */
        {KL_METRIC_COP_PROGRESSION, 0.11494, 0.001},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double value = value_of(rows[i].id, &input);
        cr_expect_float_eq(value, rows[i].expected, rows[i].tolerance, "%s: %g against %g",
                           kl_metric_get(rows[i].id)->key, value, rows[i].expected);
    }
}

Test(metric, a_mirrored_right_recording_fed_as_left_is_bit_identical)
{
    struct signal_record record = signal_record_create(1000, 6);
    signal_run(&record, signal_rearfoot, 0.2);
    uint64_t seed = 3;
    for (size_t i = 0; i < record.count; i++) {
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            record.wrench[i][c] += (c < 3 ? 1.0 : 0.1) * signal_noise(&seed);
        }
    }
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *right = signal_contacts_of(&plate, NULL, &record);
    for (size_t i = 0; i < record.count; i++) {
        record.wrench[i][KL_FZ] = -record.wrench[i][KL_FZ];
        record.wrench[i][KL_MX] = -record.wrench[i][KL_MX];
        record.wrench[i][KL_MY] = -record.wrench[i][KL_MY];
    }
    struct signal_contacts *left = signal_contacts_of(&plate, NULL, &record);
    cr_assert_eq(right->count, left->count);
    cr_assert_geq(right->complete, 15);
    for (size_t k = 1; k < right->complete; k++) {
        struct kl_metric_input a = input_of(&right->contact[k]);
        struct kl_metric_input b = input_of(&left->contact[k]);
        b.side = KL_SIDE_LEFT;
        for (unsigned id = 0; id < KL_METRIC_COUNT; id++) {
            double va = 0;
            double vb = 0;
            uint32_t ra = kl_metric_compute((enum kl_metric_id)id, &a, &va);
            uint32_t rb = kl_metric_compute((enum kl_metric_id)id, &b, &vb);
            cr_expect_eq(ra, rb, "%s", kl_metric_get((enum kl_metric_id)id)->key);
            cr_expect_eq(va, vb, "%s: %.17g and %.17g", kl_metric_get((enum kl_metric_id)id)->key,
                         va, vb);
        }
    }
    signal_contacts_destroy(right);
    signal_contacts_destroy(left);
    signal_record_destroy(&record);
}

Test(metric, what_is_missing_comes_back_as_reasons)
{
    struct kl_contact contact = contact_of(1000, 0.25, signal_rearfoot);
    add_horizontal(&contact, 1);
    const struct kl_metric_input good = input_of(&contact);
    struct kl_contact cut = contact;
    cut.has_to = false;
    struct kl_contact early = contact;
    early.warming_up = true;
    struct kl_contact noisy = contact;
    noisy.has_flight_sd = true;
    noisy.flight_sd[KL_FY] = 11;
    struct kl_contact glitch = noisy;
    glitch.belt_noise_n = 2;
    struct kl_contact clipped = contact;
    clipped.quality = KL_QUALITY_CLIPPED;
    struct kl_contact blurred = contact;
    blurred.has_flight_sd = true;
    blurred.flight_sd[KL_MX] = 20; /* N·m: 20 mm at 1000 N */
    static const struct {
        const char *legend;
        enum kl_metric_id id;
        uint32_t reasons;
    } rows[] = {
        {"cut", KL_METRIC_CONTACT_TIME, KL_REASON_CUT},
        {"cut", KL_METRIC_ACTIVE_PEAK, KL_REASON_CUT},
        {"cut", KL_METRIC_STEP_TIME, 0},
        {"early", KL_METRIC_STEP_TIME, KL_REASON_WARMING_UP},
        {"noisy", KL_METRIC_VALR, KL_REASON_NOISE},
        {"noisy", KL_METRIC_CONTACT_TIME, KL_REASON_NOISE},
        {"noisy", KL_METRIC_ACTIVE_PEAK, 0},
        {"glitch", KL_METRIC_VALR, 0},
        {"clipped", KL_METRIC_ACTIVE_PEAK, KL_REASON_SATURATED},
        {"clipped", KL_METRIC_CONTACT_TIME, 0},
        {"blurred", KL_METRIC_COP_RANGE_ML, KL_REASON_COP_INVALID},
        {"blurred", KL_METRIC_FREE_MOMENT_PEAK, KL_REASON_COP_INVALID},
        {"no side", KL_METRIC_PEAK_MEDIAL_FORCE, KL_REASON_SIDE_UNKNOWN},
        {"no side", KL_METRIC_COP_MEAN_ML, KL_REASON_SIDE_UNKNOWN},
        {"no side", KL_METRIC_COP_RANGE_ML, 0},
        {"no weight", KL_METRIC_IMPACT_PEAK, KL_REASON_NO_BODY_WEIGHT},
        {"no weight", KL_METRIC_ACTIVE_PEAK, 0},
        {"no weight", KL_METRIC_VALR, 0}, /* P13 needs none */
        {"no speed", KL_METRIC_STEP_LENGTH, KL_REASON_SPEED_UNKNOWN},
        {"no speed", KL_METRIC_COP_PROGRESSION, KL_REASON_SPEED_UNKNOWN},
        {"only Fy", KL_METRIC_PEAK_BRAKING, KL_REASON_NOT_MEASURED},
        {"only Fy", KL_METRIC_FREE_MOMENT_PEAK, KL_REASON_NOT_MEASURED},
        {"only Fy", KL_METRIC_VALR, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kl_metric_input input = good;
        const char *legend = rows[i].legend;
        input.contact = strcmp(legend, "cut") == 0       ? &cut
                        : strcmp(legend, "early") == 0   ? &early
                        : strcmp(legend, "noisy") == 0   ? &noisy
                        : strcmp(legend, "glitch") == 0  ? &glitch
                        : strcmp(legend, "clipped") == 0 ? &clipped
                        : strcmp(legend, "blurred") == 0 ? &blurred
                                                         : &contact;
        input.side = strcmp(legend, "no side") == 0 ? KL_SIDE_UNKNOWN : KL_SIDE_RIGHT;
        input.body_weight_n = strcmp(legend, "no weight") == 0 ? 0 : BW;
        input.speed_m_s = strcmp(legend, "no speed") == 0 ? 0 : 3.0;
        input.measured =
            strcmp(legend, "only Fy") == 0 ? KL_PLATE_MEASURES_FY : KL_PLATE_MEASURES_ALL;
        double value = -7;
        uint32_t reasons = kl_metric_compute(rows[i].id, &input, &value);
        cr_expect_eq(reasons, rows[i].reasons, "%s, %s: %x", legend, kl_metric_get(rows[i].id)->key,
                     reasons);
        cr_expect_eq(value == -7, reasons != 0, "%s, %s", legend, kl_metric_get(rows[i].id)->key);
    }
}

static double absurd(double s)
{
    return s > 0.4 && s < 0.6 ? (double)NAN : signal_half_sine(s);
}

static double flat(double s)
{
    (void)s;
    return 0;
}

Test(metric, no_contact_however_strange_gives_a_number_that_is_none)
{
    static double (*const shapes[])(double) = {absurd, flat};
    for (size_t shape = 0; shape < COUNT(shapes); shape++) {
        for (size_t count = 1; count < 320; count += 53) {
            struct kl_contact contact = contact_of(1000, 0.25, shapes[shape]);
            contact.count = count;
            struct kl_metric_input input = input_of(&contact);
            for (unsigned id = 0; id < KL_METRIC_COUNT; id++) {
                double value = 0;
                if (kl_metric_compute((enum kl_metric_id)id, &input, &value) == 0) {
                    cr_expect(isfinite(value), "%s", kl_metric_get((enum kl_metric_id)id)->key);
                }
            }
        }
    }
}

Test(cop, inverts_the_wrench_of_the_method_book)
{
    /* methods 7.1 oracle: COP (0.10, -0.05), h 0.04, F (-100, 1000, 50), T 5 -> M (52, 5, 104) */
    const double wrench[KL_WRENCH_COUNT] = {-100, 1000, 50, 52, 5, 104};
    struct kl_cop cop;
    cr_assert(kl_cop_of_wrench(wrench, 0.04, &cop));
    cr_expect_float_eq(cop.x_m, 0.10, 1e-12);
    cr_expect_float_eq(cop.z_m, -0.05, 1e-12);
    cr_expect_float_eq(cop.free_moment_n_m, 5, 1e-12);
    const double nothing[KL_WRENCH_COUNT] = {0, 0, 0, 1, 1, 1};
    cr_expect_not(kl_cop_of_wrench(nothing, 0.04, &cop));
    const double absurd_wrench[KL_WRENCH_COUNT] = {0, (double)NAN, 0, 1, 1, 1};
    cr_expect_not(kl_cop_of_wrench(absurd_wrench, 0.04, &cop));
}

Test(cop, is_valid_where_its_uncertainty_is_small)
{
    /* sd = sqrt(sd_M^2 + (z sd_F)^2)/Fy <= 5 mm and Fy >= 100 N (methods 7.2) */
    static const struct {
        const char *legend;
        double fy_n, mx_n_m, sd_fy_n, sd_mx_n_m, covariance;
        bool known, valid;
    } rows[] = {
        {"firm", 1000, -50, 3, 0.5, 0, true, true},
        {"light", 99, -5, 0, 0, 0, false, false},
        {"just enough", 100, -5, 0, 0, 0, false, true},
        {"moment noise", 150, -7, 3, 0.8, 0, true, false},
        {"the same, more force", 170, -8, 3, 0.8, 0, true, true},
        {"far from the origin", 1000, -2000, 5, 0.5, 0, true, false},
        /* M errs with F: dMx = -2 m dF leaves nothing */
        {"far, but together", 1000, -2000, 5, 10, -50, true, true},
        {"noise not known", 150, -7, 30, 8, 0, false, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double wrench[1][KL_WRENCH_COUNT] = {{0}};
        wrench[0][KL_FY] = rows[i].fy_n;
        wrench[0][KL_MX] = rows[i].mx_n_m;
        struct kl_contact contact = {
            .count = 1,
            .wrench = (const double(*)[KL_WRENCH_COUNT])wrench,
            .has_flight_sd = rows[i].known,
            .flight_covariance_mx_fy = rows[i].covariance,
        };
        contact.flight_sd[KL_FY] = rows[i].sd_fy_n;
        contact.flight_sd[KL_MX] = rows[i].sd_mx_n_m;
        struct kl_cop cop;
        cr_expect_eq(kl_cop_of_sample(&contact, 0, &cop), rows[i].valid, "%s", rows[i].legend);
    }
}

Test(cop, mean_z_tells_the_feet_apart)
{
    struct signal_record record = signal_record_create(1000, 4);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    for (size_t k = 0; k < c->complete; k++) {
        double z = 0;
        cr_assert(kl_cop_mean_z(&c->contact[k], &z));
        /* 50 to 60 mm to the side, force-weighted about the middle */
        cr_expect_float_eq(z, k % 2 == 0 ? 0.0545 : -0.0545, 0.001, "contact %zu: %g", k, z);
    }
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

/* Where the lab's origin lies is nobody's step width: a foot is placed from the midline. */
Test(metric, the_centre_of_pressure_is_placed_from_the_midline)
{
    struct kl_contact contact = contact_of(1000, 0.25, signal_half_sine);
    struct kl_metric_input input = input_of(&contact);
    for (size_t i = 0; i < contact.count; i++) {
        samples[i][KL_MX] = -1.04 * samples[i][KL_FY]; /* z = 1.04 m, the belt's middle at 1 m */
    }
    input.midline_z_m = 1.0;
    input.side = KL_SIDE_RIGHT;
    cr_expect_float_eq(value_of(KL_METRIC_COP_MEAN_ML, &input), 0.04, 1e-9);
    input.side = KL_SIDE_LEFT;
    cr_expect_float_eq(value_of(KL_METRIC_COP_MEAN_ML, &input), -0.04, 1e-9);
}

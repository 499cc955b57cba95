/* Real treadmill recordings: counts and times that other people's tools or the method book give. */
#include "force_signal.h"
#include "process/force/contact_curve.h"
#include "process/steps/metric_input.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* Column of a text file of numbers, after `skip` header lines. @return count, 0: no file */
static size_t read_column(const char *path, size_t skip, size_t column, double *out, size_t cap)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    static char line[1 << 20];
    size_t count = 0;
    for (size_t row = 0; count < cap && fgets(line, sizeof(line), file) != NULL; row++) {
        char *place = line;
        for (size_t c = 0; row >= skip && c <= column; c++) {
            out[count] = strtod(place, &place);
        }
        count += row >= skip;
    }
    (void)fclose(file);
    return count;
}

/* One line of comma-separated numbers. */
static size_t read_line(const char *path, size_t wanted, double *out, size_t cap)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return 0;
    }
    static char line[1 << 20];
    size_t count = 0;
    for (size_t row = 0; fgets(line, sizeof(line), file) != NULL; row++) {
        char *place = line;
        while (row == wanted && count < cap && *place != '\0' && *place != '\n') {
            char *next = place;
            out[count++] = strtod(place, &next);
            place = next + (*next == ',');
        }
    }
    (void)fclose(file);
    return count;
}

#define SAMPLES_MAX 9001
static double column[7][SAMPLES_MAX];

static size_t read_dryft(void)
{
    size_t count =
        read_column(KL_DATA "/dryft/custom_drift_S001runT25.csv", 0, 0, column[0], SAMPLES_MAX);
    if (count == 0) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
    return count;
}

/* The recording with something added to it, as contacts. */
struct disturbance {
    const char *legend;
    double offset_n, ramp_n_s, sine_n, period_s, step_n, noise_n;
};

static struct signal_contacts *disturbed(double rate_hz, size_t count, double scale,
                                         const struct disturbance *d)
{
    struct signal_record record = signal_record_create(rate_hz, (double)count / rate_hz);
    uint64_t seed = 7;
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / rate_hz;
        double added = d->offset_n + d->ramp_n_s * t;
        added += d->period_s > 0 ? d->sine_n * sin(2 * PI * t / d->period_s) : 0;
        added += 2 * i >= count ? d->step_n : 0;
        added += d->noise_n * signal_noise(&seed);
        record.wrench[i][KL_FY] = scale * column[0][i] + added;
    }
    struct kl_stream plate = signal_plate(rate_hz, KL_PLATE_MEASURES_FY);
    struct signal_contacts *contacts = signal_contacts_of(&plate, NULL, &record);
    signal_record_destroy(&record);
    return contacts;
}

Test(recordings, dryft_has_78_initial_contacts_whatever_the_zero_does, .timeout = 120)
{
    size_t count = read_dryft();
    static const struct disturbance rows[] = {
        {.legend = "as it is"},
        {.legend = "+300 N", .offset_n = 300},
        {.legend = "-300 N", .offset_n = -300},
        {.legend = "+100 N", .offset_n = 100},
        {.legend = "ramp -20 N/s", .ramp_n_s = -20},
        {.legend = "ramp +20 N/s", .ramp_n_s = 20},
        {.legend = "ramp +40 N/s", .ramp_n_s = 40},
        {.legend = "ramp +60 N/s", .ramp_n_s = 60},
        {.legend = "sine 60 s", .sine_n = 300, .period_s = 60},
        {.legend = "sine -60 s", .sine_n = -300, .period_s = 60},
        {.legend = "sine 30 s", .sine_n = 300, .period_s = 30},
        {.legend = "sine -30 s", .sine_n = -300, .period_s = 30},
        {.legend = "sine 15 s", .sine_n = 300, .period_s = 15},
        {.legend = "sine -15 s", .sine_n = -300, .period_s = 15},
        {.legend = "sine 10 s", .sine_n = 300, .period_s = 10},
        {.legend = "sine -10 s", .sine_n = -300, .period_s = 10},
        {.legend = "sine 7 s", .sine_n = 300, .period_s = 7},
        {.legend = "sine -7 s", .sine_n = -300, .period_s = 7},
        {.legend = "sine 5 s", .sine_n = 300, .period_s = 5},
        {.legend = "sine -5 s", .sine_n = -300, .period_s = 5},
        {.legend = "step +200 N", .step_n = 200},
        {.legend = "step -200 N", .step_n = -200},
        {.legend = "noise 10 N", .offset_n = 300, .noise_n = 10},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct signal_contacts *c = disturbed(300, count, 1, &rows[i]);
        cr_expect_eq(c->with_ic, 78, "%s: %zu", rows[i].legend, c->with_ic);
        cr_expect_eq(c->complete, 77, "%s: %zu complete", rows[i].legend, c->complete);
        /* one more began before the record and is cut by its start */
        cr_expect_eq(c->count, 79, "%s: %zu in all", rows[i].legend, c->count);
        cr_expect_not(c->contact[0].has_ic, "%s", rows[i].legend);
        cr_expect(c->contact[0].warming_up, "%s", rows[i].legend);
        cr_expect_not(c->contact[78].has_to, "%s", rows[i].legend);
        cr_expect(c->contact[78].ended, "%s", rows[i].legend);
        cr_expect(c->watermark_held, "%s", rows[i].legend);
        signal_contacts_destroy(c);
    }
}

Test(recordings, dryft_contact_times_agree_with_the_method_book)
{
    /* methods 6, real-file regression: 276.4 +- 5.5 ms at 50 N, flight 106.3 ms; events are
     * quantised by 300 Hz, so +-1 % */
    static const struct disturbance rows[] = {
        {.legend = "as it is"},
        {.legend = "+300 N", .offset_n = 300},
        {.legend = "60 N/s", .ramp_n_s = 60},
        {.legend = "sine of 8 s", .sine_n = -300, .period_s = 8},
    };
    size_t count = read_dryft();
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct signal_contacts *c = disturbed(300, count, 1, &rows[r]);
        double sum = 0;
        double squares = 0;
        double flight = 0;
        double n = 0;
        for (size_t i = 1; i + 1 < c->count; i++) {
            double contact_s = kl_contact_duration(&c->contact[i]);
            sum += contact_s;
            squares += contact_s * contact_s;
            flight += (c->contact[i + 1].ic_ns - c->contact[i].to_ns) / 1e9;
            n++;
        }
        double mean = sum / n;
        cr_expect_float_eq(mean, 0.2764, 0.002764, "%s: %g", rows[r].legend, mean);
        cr_expect_float_eq(sqrt(squares / n - mean * mean), 0.0055, 0.001, "%s", rows[r].legend);
        cr_expect_float_eq(flight / n, 0.1063, 0.0011, "%s: %g", rows[r].legend, flight / n);
        signal_contacts_destroy(c);
    }
}

Test(recordings, dryft_metrics_agree_with_the_method_book)
{
    /* methods 6: body weight from running 594.51 N, cadence 156.82, duty 0.361, peak 2.262 +- .063
     * BW, mean stance impulse 0.38166 BW.s against a step time of 0.38261 s */
    const double body_weight_n = 594.51;
    struct signal_contacts *c = disturbed(300, read_dryft(), 1, &(struct disturbance){0});
    double sum[KL_METRIC_COUNT] = {0};
    double n[KL_METRIC_COUNT] = {0};
    for (size_t i = 1; i + 2 < c->count; i++) {
        struct kl_metric_input input = {
            .contact = &c->contact[i],
            .measured = KL_PLATE_MEASURES_FY,
            .body_weight_n = body_weight_n,
            .rule_without_impact = KL_LOADING_P13,
            .has_next = true,
            .next_ic_ns = c->contact[i + 1].ic_ns,
            .has_next2 = true,
            .next2_ic_ns = c->contact[i + 2].ic_ns,
        };
        for (unsigned id = 0; id < KL_METRIC_COUNT; id++) {
            double value = 0;
            if (kl_metric_compute((enum kl_metric_id)id, &input, &value) == 0) {
                sum[id] += value;
                n[id]++;
            }
        }
    }
    static const struct {
        enum kl_metric_id id;
        double expected;
    } rows[] = {
        {KL_METRIC_STEP_TIME, 0.38261},
        {KL_METRIC_CADENCE, 156.82 / 60},
        {KL_METRIC_DUTY_FACTOR, 0.361},
        {KL_METRIC_ACTIVE_PEAK, 2.262 * 594.51},
        {KL_METRIC_VERTICAL_IMPULSE, 0.38166 * 594.51},
        {KL_METRIC_FLIGHT_TIME, 0.1063},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double mean = sum[rows[i].id] / n[rows[i].id];
        cr_expect_float_eq(mean, rows[i].expected, 0.01 * rows[i].expected, "%s: %g against %g",
                           kl_metric_get(rows[i].id)->key, mean, rows[i].expected);
        cr_expect_geq(n[rows[i].id], 75, "%s %g", kl_metric_get(rows[i].id)->key, n[rows[i].id]);
    }
    /* one channel: no sideways force, no centre of pressure */
    cr_expect_eq(n[KL_METRIC_PEAK_BRAKING], 0);
    cr_expect_eq(n[KL_METRIC_COP_RANGE_ML], 0);
    signal_contacts_destroy(c);
}

#define FUKUCHI_FORCES KL_DATA "/fukuchi/RBDS002runT25forces.txt"

/* "key": number, from the text at *place on; moves *place behind it. */
static bool next_number(const char **place, const char *key, double *out)
{
    const char *found = strstr(*place, key);
    if (found == NULL) {
        return false;
    }
    found = strchr(found, ':');
    *out = strtod(found + 1, NULL);
    *place = found + 1;
    return true;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    static char text[1 << 20];
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    (void)fclose(file);
    return text;
}

Test(recordings, fukuchi_contacts_agree_stance_by_stance)
{
    size_t count = read_column(FUKUCHI_FORCES, 1, 2, column[0], SAMPLES_MAX);
    const char *text = read_text(KL_DATA "/reference/fukuchi_RBDS002_runT25.json");
    if (count == 0 || text == NULL) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
    static const double offsets[] = {0, 300, -300};
    for (size_t o = 0; o < 3; o++) {
        struct signal_contacts *c =
            disturbed(300, count, 1, &(struct disturbance){.offset_n = offsets[o]});
        cr_assert_eq(c->complete, 74, "offset %g: %zu", offsets[o], c->complete);
        cr_expect_eq(c->count, 76); /* the record starts and ends in a stance */
        const char *place = strstr(text, "\"per_stance\"");
        for (size_t i = 1; i <= 74; i++) {
            const struct kl_contact *contact = &c->contact[i];
            double begin_s;
            double contact_s;
            double peak_n;
            cr_assert(next_number(&place, "\"begin_s\"", &begin_s));
            cr_assert(next_number(&place, "\"contact_s\"", &contact_s));
            cr_assert(next_number(&place, "\"peak_vgrf_N\"", &peak_n));
            /* The reference subtracts no flight level. Here the level is that of the flights,
             * within a few newtons; the force passes 50 N at about 25 N/ms. */
            cr_expect_float_eq((contact->ic_ns - (double)KL_EPOCH_NS) / 1e9, begin_s, 0.0012,
                               "stance %zu: %g against %g", i,
                               (contact->ic_ns - (double)KL_EPOCH_NS) / 1e9, begin_s);
            cr_expect_float_eq(kl_contact_duration(contact), contact_s, 0.002,
                               "stance %zu: %g against %g", i, kl_contact_duration(contact),
                               contact_s);
            double peak = 0;
            for (size_t k = 0; k < contact->count; k++) {
                peak = fmax(peak, contact->wrench[k][KL_FY]);
            }
            cr_expect_float_eq(peak, peak_n, 0.005 * peak_n, "stance %zu: %g against %g", i, peak,
                               peak_n);
        }
        signal_contacts_destroy(c);
    }
}

Test(recordings, fukuchi_braking_and_pressure_point_are_plausible_and_agree)
{
    static const size_t columns[] = {1, 2, 3, 4, 6, 7}; /* Fx Fy Fz, COP x, COP z mm, Ty N mm */
    size_t count = 0;
    for (size_t k = 0; k < 6; k++) {
        count = read_column(FUKUCHI_FORCES, 1, columns[k], column[k], SAMPLES_MAX);
    }
    const char *text = read_text(KL_DATA "/reference/fukuchi_RBDS002_runT25.json");
    if (count == 0 || text == NULL) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
    struct signal_record record = signal_record_create(300, (double)count / 300);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 3; k++) {
            record.wrench[i][k] = column[k][i];
        }
        record.wrench[i][3] = column[3][i];
        record.wrench[i][4] = column[5][i];
        record.wrench[i][5] = column[4][i];
    }
    struct kl_stream plate = signal_plate(300, KL_PLATE_MEASURES_ALL);
    plate.plate.form = KL_PLATE_POINT;
    plate.plate.matrix[3][3] = plate.plate.matrix[4][4] = plate.plate.matrix[5][5] = 1e-3;
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    signal_record_destroy(&record);
    cr_assert_eq(c->complete, 74);
    const char *place = strstr(text, "\"per_stance\"");
    for (size_t i = 1; i <= 74; i++) {
        struct kl_metric_input input = {
            .contact = &c->contact[i],
            .measured = KL_PLATE_MEASURES_ALL,
            .side = i % 2 == 1 ? KL_SIDE_RIGHT : KL_SIDE_LEFT, /* as the reference says */
            .body_weight_n = 755.8,
            .speed_m_s = 2.5,
            .rule_without_impact = KL_LOADING_P13,
        };
        double expected_n;
        double value = 0;
        cr_assert(next_number(&place, "\"braking_peak_N\"", &expected_n));
        cr_assert_eq(kl_metric_compute(KL_METRIC_PEAK_BRAKING, &input, &value), 0);
        /* the reference filters at 20 Hz here: up to a tenth lower */
        cr_expect_float_eq(value, -expected_n, 0.15 * -expected_n, "stance %zu: %g against %g", i,
                           value, -expected_n);
        cr_assert_eq(kl_metric_compute(KL_METRIC_COP_RANGE_ML, &input, &value), 0);
        cr_expect(value > 0.001 && value < 0.08, "stance %zu: COP range %g m", i, value);
        cr_assert_eq(kl_metric_compute(KL_METRIC_COP_PROGRESSION, &input, &value), 0);
        cr_expect(value > 0.03 && value < 0.35, "stance %zu: progression %g m", i, value);
    }
    signal_contacts_destroy(c);
}

Test(recordings, sixteen_trials_agree_with_dryfts_good_steps)
{
    /* dryft: threshold 0.05 body weights (37.7 N) on the file as it is, complete steps whose
     * first sample at or below threshold is inside. Ours: 50 N after another 50 Hz filter, so a
     * contact is a few ms shorter. Rows 0, 2 and 11 have belt noise that hides flights: they are
     * found by the fresh-tare rule. Row 15's first step starts before dryft finds it. */
    const char *text = read_text(KL_DATA "/reference/dryft_grf_prediction_steps.json");
    if (text == NULL) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
    const char *place = strstr(text, "\"trials\"");
    for (size_t row = 0; row < 16; row++) {
        size_t count = read_line(KL_DATA "/grf_prediction/GRF_one_sub_rows00-15.csv", row,
                                 column[0], SAMPLES_MAX);
        cr_assert_eq(count, 2480);
        double good;
        double mean_s;
        cr_assert(next_number(&place, "\"n_good\"", &good));
        cr_assert(next_number(&place, "\"mean_contact_time_good_s\"", &mean_s));
        struct signal_contacts *c =
            disturbed(500, count, 76.8 * 9.81, &(struct disturbance){.legend = "none"});
        /* a step cut by the end of the record for us may be complete for dryft and vice versa */
        cr_expect_leq(fabs((double)c->complete - good), 1, "row %zu: %zu complete, dryft %g", row,
                      c->complete, good);
        double sum = 0;
        for (size_t i = 0; i < c->count; i++) {
            const struct kl_contact *contact = &c->contact[i];
            sum += contact->has_ic && contact->has_to ? kl_contact_duration(contact) : 0;
        }
        cr_expect_float_eq(sum / (double)c->complete, mean_s, 0.010, "row %zu: %g against %g", row,
                           sum / (double)c->complete, mean_s);
        cr_expect(c->watermark_held, "row %zu", row);
        signal_contacts_destroy(c);
    }
}

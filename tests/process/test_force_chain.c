#include "force_signal.h"
#include "process/force/butterworth.h"
#include "process/force/contact_curve.h"
#include "process/force/drift_line.h"
#include "process/force/force_chain.h"
#include "process/force/stance.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

/* The contract of methods 3.3. */
#define EXACT_N (1e-6)

static void add_noise(struct signal_record *record, double fy_n)
{
    uint64_t seed = 11;
    static const double part[KL_WRENCH_COUNT] = {1. / 3, 1, 1. / 3, 1. / 6, 0.1, 1. / 6};
    for (size_t i = 0; i < record->count; i++) {
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            record->wrench[i][c] += fy_n * part[c] * signal_noise(&seed);
        }
    }
}

/* The whole record forward and backward, each from its steady state. */
static void whole_record(const struct signal_record *record, double cutoff_hz,
                         double (*out)[KL_WRENCH_COUNT])
{
    struct kl_butterworth filter;
    cr_assert_eq(kl_butterworth_init(&filter, cutoff_hz, record->rate_hz), KL_OK);
    struct kl_butterworth_state state;
    kl_butterworth_settle(&filter, &state, record->wrench[0]);
    for (size_t i = 0; i < record->count; i++) {
        kl_butterworth_step(&filter, &state, record->wrench[i], out[i]);
    }
    kl_butterworth_settle(&filter, &state, out[record->count - 1]);
    for (size_t i = record->count; i-- > 0;) {
        kl_butterworth_step(&filter, &state, out[i], out[i]);
    }
}

Test(force_chain, online_equals_filtering_the_whole_record)
{
    static const struct {
        double rate_hz, cutoff_hz;
    } rows[] = {{1000, 50}, {1000, 30}, {1000, 100}, {1000, 20}, {300, 50}, {500, 100}, {5000, 50}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct signal_record record = signal_record_create(rows[r].rate_hz, 6);
        signal_run(&record, signal_rearfoot, 0.2);
        add_noise(&record, 3);
        struct kl_stream plate = signal_plate(rows[r].rate_hz, KL_PLATE_MEASURES_ALL);
        struct kl_force_settings settings = {.cutoff_hz = rows[r].cutoff_hz, .threshold_n = 50};
        struct signal_contacts *c = signal_contacts_of(&plate, &settings, &record);
        double(*whole)[KL_WRENCH_COUNT] = calloc(record.count, sizeof(*whole));
        whole_record(&record, rows[r].cutoff_hz, whole);
        cr_assert_eq(c->with_ic, 17, "row %zu: %zu", r, c->with_ic);
        for (size_t k = 0; k < c->count; k++) {
            const struct kl_contact *contact = &c->contact[k];
            double dt_ns = 1e9 / rows[r].rate_hz;
            size_t first = (size_t)llround((double)(contact->t0_ns - KL_EPOCH_NS) / dt_ns);
            size_t last = contact->count - 1;
            for (size_t ch = 0; ch < KL_WRENCH_COUNT; ch++) {
                /* What the chain took off must be a straight line, nothing else. */
                double from = whole[first][ch] - contact->wrench[0][ch];
                double to = whole[first + last][ch] - contact->wrench[last][ch];
                double worst = 0;
                for (size_t i = 0; i <= last; i++) {
                    double line = from + (to - from) * (double)i / (double)last;
                    double off = whole[first + i][ch] - contact->wrench[i][ch] - line;
                    worst = fmax(worst, fabs(off));
                }
                cr_expect_leq(worst, EXACT_N, "row %zu contact %zu channel %zu: %g", r, k, ch,
                              worst);
            }
        }
        cr_expect(c->watermark_held && c->watermark_monotonic, "row %zu", r);
        free(whole);
        signal_record_destroy(&record);
        signal_contacts_destroy(c);
    }
}

/* Largest difference of two runs' contacts, channel by channel; counts must agree. */
static double worst_difference(const struct signal_contacts *a, const struct signal_contacts *b,
                               size_t from, size_t to)
{
    double worst = 0;
    for (size_t k = from; k < to; k++) {
        size_t count =
            a->contact[k].count < b->contact[k].count ? a->contact[k].count : b->contact[k].count;
        /* the first samples may start a sample apart: compare by time */
        int64_t shift_ns = a->contact[k].t0_ns - b->contact[k].t0_ns;
        long shift = lround((double)shift_ns / 1e9 / a->contact[k].dt_s);
        for (size_t i = 0; i + 2 < count; i++) {
            size_t ia = shift < 0 ? i + (size_t)-shift : i;
            size_t ib = shift > 0 ? i + (size_t)shift : i;
            if (ia >= a->contact[k].count || ib >= b->contact[k].count) {
                break;
            }
            for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
                worst =
                    fmax(worst, fabs(a->contact[k].wrench[ia][c] - b->contact[k].wrench[ib][c]));
            }
        }
    }
    return worst;
}

Test(force_chain, drift_is_taken_off)
{
    /* methods 3.4 [V]: 1 N/s -> 0 N; 20 N sine of 60 s -> 0.003 N, of 10 s -> 0.12 N
     * (max |d''| T^2/8; the mean over a window adds a little) */
    static const struct {
        const char *legend;
        double slope_n_s, sine_n, period_s, tolerance_n;
    } rows[] = {
        {"1 N/s", 1, 0, 1, 1e-6},
        {"50 N/s", 50, 0, 1, 1e-6},
        {"20 N in 60 s", 0, 20, 60, 0.0036},
        {"20 N in 10 s", 0, 20, 10, 0.13},
    };
    struct signal_record still = signal_record_create(1000, 20);
    signal_run(&still, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *reference = signal_contacts_of(&plate, NULL, &still);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct signal_record moved = signal_record_create(1000, 20);
        signal_run(&moved, signal_rearfoot, 0.2);
        for (size_t i = 0; i < moved.count; i++) {
            double t = (double)i / 1000;
            double drift =
                rows[r].slope_n_s * t + rows[r].sine_n * sin(2 * PI * t / rows[r].period_s);
            for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
                moved.wrench[i][c] += drift; /* all six channels */
            }
        }
        struct signal_contacts *c = signal_contacts_of(&plate, NULL, &moved);
        cr_assert_eq(c->count, reference->count, "%s", rows[r].legend);
        /* the first and the last contact may have one flight beside them only */
        double worst = worst_difference(reference, c, 1, c->count - 2);
        cr_expect_leq(worst, rows[r].tolerance_n, "%s: %g N", rows[r].legend, worst);
        signal_contacts_destroy(c);
        signal_record_destroy(&moved);
    }
    signal_contacts_destroy(reference);
    signal_record_destroy(&still);
}

Test(force_chain, threshold_shortens_a_half_sine_by_what_geometry_says)
{
    /* methods 4.1: 50 N 5.271 ms, 20 N 2.108 ms at each end; unfiltered, 10 kHz, so that straight
     * lines between samples err by less than a microsecond */
    static const struct {
        double threshold_n, bias_s;
    } rows[] = {{50, 5.271e-3}, {20, 2.108e-3}};
    const double rate = 10000;
    struct signal_record record = signal_record_create(rate, 0.4);
    signal_run(&record, signal_half_sine, 0.05);
    const double(*wrench)[KL_WRENCH_COUNT] = (const double(*)[KL_WRENCH_COUNT])record.wrench;
    for (size_t r = 0; r < 2; r++) {
        struct kl_stance_crossings x;
        cr_assert(kl_stance_cross(wrench, 3400, 600, 2900, rows[r].threshold_n, &x));
        cr_assert(x.has_rise && x.has_fall);
        /* the book's numbers are rounded to a microsecond; both ends share the loss */
        cr_expect_float_eq(x.rise / rate - 0.05, rows[r].bias_s / 2, 1e-6, "%g N: %g",
                           rows[r].threshold_n, x.rise / rate - 0.05);
        double contact = (x.fall - x.rise) / rate;
        cr_expect_float_eq(SIGNAL_CONTACT_S - contact, rows[r].bias_s, 1e-6, "%g N: %g",
                           rows[r].threshold_n, SIGNAL_CONTACT_S - contact);
    }
    signal_record_destroy(&record);
}

Test(force_chain, rearfoot_steps_have_the_contact_time_of_the_method_book)
{
    /* methods 6: fs 1000, zero-lag 50 Hz, F_thr 50 N: tc 245.09 ms */
    struct signal_record record = signal_record_create(1000, 5);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_FY);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    cr_assert_geq(c->complete, 12);
    for (size_t k = 0; k < c->complete; k++) {
        cr_expect_float_eq(kl_contact_duration(&c->contact[k]), 0.24509, 0.0002, "step %zu: %g", k,
                           kl_contact_duration(&c->contact[k]));
        if (k > 0) {
            double step_s = (c->contact[k].ic_ns - c->contact[k - 1].ic_ns) / 1e9;
            cr_expect_float_eq(step_s, SIGNAL_STEP_S, 1e-6, "step %zu: %.9f", k, step_s);
        }
    }
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

Test(force_chain, a_contact_is_out_when_the_next_flight_is_known)
{
    struct signal_record record = signal_record_create(1000, 5);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_FY);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    for (size_t k = 0; k + 2 < c->count; k++) {
        /* flight 105 ms from 50 N to 50 N, then 10 ms above the arming force and the delay */
        double wait_s = ((double)c->out_ns[k] - c->contact[k].to_ns) / 1e9;
        cr_expect_leq(wait_s, 0.135, "contact %zu: %g s", k, wait_s);
    }
    cr_expect_leq(c->worst_lag_s, 1.2 + 0.001); /* while the level is not known */
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

Test(force_chain, a_record_may_start_and_end_inside_a_contact)
{
    struct signal_record record = signal_record_create(1000, 3.6); /* 3.6 s = IC + 100 ms */
    signal_run(&record, signal_rearfoot, -0.1);                    /* 100 ms into the first */
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    cr_assert_eq(c->count, 11);
    cr_expect_eq(c->with_ic, 10);
    cr_expect_eq(c->complete, 9);
    cr_expect_not(c->contact[0].has_ic);
    cr_expect(c->contact[0].has_to);
    cr_expect(c->contact[10].has_ic);
    cr_expect_not(c->contact[10].has_to);
    cr_expect(c->contact[10].ended);
    cr_expect_not(c->contact[9].ended);
    cr_expect_eq(c->contact[0].ic_ns, (double)KL_EPOCH_NS, "a cut end holds the record's edge");
    cr_expect_eq(c->contact[10].to_ns, (double)record.t_ns[record.count - 1]);
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

Test(force_chain, the_first_half_second_is_not_reported)
{
    struct signal_record record = signal_record_create(1000, 3);
    signal_run(&record, signal_rearfoot, 0.1);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    for (size_t k = 0; k < c->count; k++) {
        bool early = c->contact[k].to_ns < (double)KL_EPOCH_NS + 0.5e9;
        cr_expect_eq(c->contact[k].warming_up, early, "contact %zu", k);
    }
    cr_expect(c->contact[0].warming_up);
    cr_expect_not(c->contact[1].warming_up);
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

/* Takes samples away from a running record. */
static void lose(struct signal_record *record, double from_s, double seconds)
{
    for (size_t i = 0; i < record->count; i++) {
        double t = (double)i / record->rate_hz;
        record->missing[i] =
            record->missing[i] || (t >= from_s - 1e-9 && t < from_s + seconds - 1e-9);
    }
}

Test(force_chain, a_gap_of_15_ms_is_bridged_and_marked)
{
    struct signal_record record = signal_record_create(1000, 5);
    signal_run(&record, signal_half_sine, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *whole = signal_contacts_of(&plate, NULL, &record);
    lose(&record, 2.4, 0.015); /* in the 7th contact, 100 ms after it began */
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    cr_assert_eq(c->count, whole->count);
    for (size_t k = 0; k < c->count; k++) {
        bool hit = c->contact[k].ic_ns < 3.4e9 && c->contact[k].to_ns > 3.4e9;
        cr_expect_eq((c->contact[k].quality & KL_QUALITY_INTERPOLATED) != 0, hit, "contact %zu", k);
        cr_expect_eq((c->contact[k].quality & KL_QUALITY_GAP) != 0, hit, "contact %zu", k);
        /* a chord across 15 ms of a half sine of 1510 N errs by P (pi/tc)^2 h^2/8 = 6.7 N */
        cr_expect_leq(worst_difference(whole, c, k, k + 1), hit ? 7.0 : EXACT_N, "contact %zu: %g",
                      k, worst_difference(whole, c, k, k + 1));
    }
    signal_contacts_destroy(c);
    signal_contacts_destroy(whole);
    signal_record_destroy(&record);
}

Test(force_chain, a_gap_of_50_ms_costs_its_step_and_no_other)
{
    static const struct {
        const char *legend;
        double from_s; /* contact 6 lasts from 2.30 to 2.55 s */
    } rows[] = {{"just after contact", 2.32},
                {"middle", 2.40},
                {"just before toe-off", 2.48},
                {"two gaps", 2.33}};
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct signal_record record = signal_record_create(1000, 5);
        signal_run(&record, signal_rearfoot, 0.2);
        add_noise(&record, 2);
        struct signal_contacts *whole = signal_contacts_of(&plate, NULL, &record);
        lose(&record, rows[r].from_s, 0.05);
        if (r == 3) {
            lose(&record, 2.45, 0.05);
        }
        struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
        size_t intact = 0;
        size_t cut = 0;
        size_t k = 0;
        for (size_t w = 0; w < whole->count; w++) {
            bool hit = whole->contact[w].ic_ns < 3.4e9 && whole->contact[w].to_ns > 3.4e9;
            if (hit) { /* its pieces */
                while (k < c->count && !(c->contact[k].has_ic && c->contact[k].has_to)) {
                    cut++;
                    cr_expect(c->contact[k].ended || !c->contact[k].has_ic, "%s", rows[r].legend);
                    k++;
                }
                continue;
            }
            cr_assert_lt(k, c->count, "%s", rows[r].legend);
            cr_expect_eq(c->contact[k].has_ic, whole->contact[w].has_ic);
            cr_expect_float_eq(c->contact[k].ic_ns, whole->contact[w].ic_ns, 100, "%s: contact %zu",
                               rows[r].legend, w);
            cr_expect_float_eq(c->contact[k].to_ns, whole->contact[w].to_ns, 100, "%s: contact %zu",
                               rows[r].legend, w);
            cr_expect_eq(c->contact[k].warming_up, whole->contact[w].warming_up, "%s: contact %zu",
                         rows[r].legend, w);
            intact++;
            k++;
        }
        cr_expect_eq(intact, whole->count - 1, "%s", rows[r].legend);
        cr_expect(cut >= 1 && cut <= 3, "%s: %zu pieces", rows[r].legend, cut);
        cr_expect_eq(c->with_ic, whole->with_ic, "%s: %zu initial contacts", rows[r].legend,
                     c->with_ic);
        cr_expect(c->watermark_held && c->watermark_monotonic, "%s", rows[r].legend);
        signal_contacts_destroy(c);
        signal_contacts_destroy(whole);
        signal_record_destroy(&record);
    }
}

Test(force_chain, samples_that_are_no_numbers_are_missing_samples)
{
    struct signal_record record = signal_record_create(1000, 5);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_record bad = signal_record_create(1000, 5);
    signal_run(&bad, signal_rearfoot, 0.2);
    for (size_t i = 2400; i < 2410; i++) {
        bad.wrench[i][i % 6] = i % 2 == 0 ? (double)NAN : (double)INFINITY;
    }
    bad.wrench[3000][KL_MY] = -1e300;
    lose(&record, 2.4, 0.010);
    lose(&record, 3.0, 0.001);
    struct signal_contacts *lost = signal_contacts_of(&plate, NULL, &record);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &bad);
    cr_assert_eq(c->count, lost->count);
    cr_expect_eq(worst_difference(lost, c, 0, c->count), 0);
    size_t marked = 0;
    for (size_t k = 0; k < c->count; k++) {
        marked += (c->contact[k].quality & KL_QUALITY_INVALID) != 0;
    }
    cr_expect(marked == 2 || marked == 3, "%zu marked", marked); /* 3.0 s lies in a flight */
    signal_contacts_destroy(c);
    signal_contacts_destroy(lost);
    signal_record_destroy(&record);
    signal_record_destroy(&bad);
}

Test(force_chain, a_channel_at_its_rail_marks_its_contact)
{
    struct signal_record record = signal_record_create(1000, 3);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    plate.plate.full_scale[KL_FY] = 1600; /* the peak is about 1400 N */
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    for (size_t k = 0; k < c->count; k++) {
        cr_expect_eq(c->contact[k].quality & KL_QUALITY_CLIPPED, 0, "contact %zu", k);
    }
    signal_contacts_destroy(c);
    record.wrench[1320][KL_FY] = 1599; /* within 0.1 % of the rail */
    c = signal_contacts_of(&plate, NULL, &record);
    size_t marked = 0;
    for (size_t k = 0; k < c->count; k++) {
        marked += (c->contact[k].quality & KL_QUALITY_CLIPPED) != 0;
    }
    cr_expect_eq(marked, 1);
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

Test(force_chain, a_tare_takes_the_mean_of_what_follows)
{
    struct signal_record record = signal_record_create(1000, 6);
    signal_run(&record, signal_rearfoot, 3.3);
    for (size_t i = 0; i < record.count; i++) {
        record.wrench[i][KL_FY] += 340;
        record.wrench[i][KL_MX] -= 12;
    }
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct kl_force_settings settings = kl_force_settings_defaults();
    struct kl_force_chain *chain = kl_force_chain_create(&plate, &settings);
    kl_force_chain_tare(chain, 3 * KL_NS_PER_S);
    struct kl_contact contact;
    size_t contacts = 0;
    for (size_t i = 0; i < record.count; i++) {
        kl_force_chain_push(chain, record.t_ns[i], record.wrench[i], 0);
        struct kl_force_now now = kl_force_chain_now(chain);
        double expected = record.wrench[i][KL_FY] - (i < 3000 ? 0 : 340);
        cr_assert_float_eq(now.fy_raw_n, expected, 1e-9, "sample %zu", i);
        while (kl_force_chain_contact(chain, &contact)) {
            contacts++;
            cr_expect_float_eq(contact.drift_n, 0, 1e-6);
        }
    }
    cr_expect_geq(contacts, 6);
    kl_force_chain_destroy(chain);
    signal_record_destroy(&record);
}

Test(force_chain, a_noisy_belt_is_believed_after_a_fresh_tare_only)
{
    /* +-35 N of belt vibration at 17 Hz hides every plateau of 20 N. A level of 80 N off keeps the
     * rule for a fresh tare away. */
    for (int fresh = 0; fresh < 2; fresh++) {
        struct signal_record record = signal_record_create(1000, 6);
        signal_run(&record, signal_rearfoot, 1.3);
        for (size_t i = 0; i < record.count; i++) {
            record.wrench[i][KL_FY] += 80 + 35 * sin(2 * PI * 17 * (double)i / 1000);
        }
        struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_FY);
        struct kl_force_settings settings = kl_force_settings_defaults();
        struct kl_force_chain *chain = kl_force_chain_create(&plate, &settings);
        if (fresh) {
            kl_force_chain_tare(chain, KL_NS_PER_S);
        }
        size_t contacts = 0;
        struct kl_contact contact;
        for (size_t i = 0; i < record.count; i++) {
            kl_force_chain_push(chain, record.t_ns[i], record.wrench[i], 0);
            while (kl_force_chain_contact(chain, &contact)) {
                contacts++;
            }
        }
        cr_expect(fresh ? contacts >= 11 : contacts == 0, "fresh %d: %zu", fresh, contacts);
        kl_force_chain_destroy(chain);
        signal_record_destroy(&record);
    }
}

Test(force_chain, a_point_and_a_wrench_are_the_same_plate)
{
    struct signal_record wrench = signal_record_create(1000, 4);
    signal_run(&wrench, signal_rearfoot, 0.2);
    struct signal_record point = signal_record_create(1000, 4);
    signal_run(&point, signal_rearfoot, 0.2);
    for (size_t i = 0; i < point.count; i++) {
        double *w = point.wrench[i];
        if (w[KL_FY] > 0) {
            double x = w[KL_MZ] / w[KL_FY];
            double z = -w[KL_MX] / w[KL_FY];
            double twist = w[KL_MY] - z * w[KL_FX] + x * w[KL_FZ];
            w[3] = x;
            w[4] = twist;
            w[5] = z;
        } else {
            w[3] = w[5] = (double)NAN; /* files leave it out in flight */
        }
    }
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *a = signal_contacts_of(&plate, NULL, &wrench);
    plate.plate.form = KL_PLATE_POINT;
    struct signal_contacts *b = signal_contacts_of(&plate, NULL, &point);
    cr_assert_eq(a->count, b->count);
    cr_expect_leq(worst_difference(a, b, 0, a->count), 1e-9);
    signal_contacts_destroy(a);
    signal_contacts_destroy(b);
    signal_record_destroy(&wrench);
    signal_record_destroy(&point);
}

Test(force_chain, the_matrix_carries_gains_signs_and_cross_talk)
{
    /* Eight channels of a plate with z down, force on the plate, turned by 90 degrees, in volts. */
    struct signal_record record = signal_record_create(1000, 4);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream direct = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct signal_contacts *a = signal_contacts_of(&direct, NULL, &record);
    struct kl_stream volts = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    memset(volts.plate.matrix, 0, sizeof(volts.plate.matrix));
    /* raw 0..5 = Fz, Fx, Fy, Mz, Mx, My through gains */
    static const size_t from[KL_WRENCH_COUNT] = {KL_FZ, KL_FX, KL_FY, KL_MZ, KL_MX, KL_MY};
    static const double gain[KL_WRENCH_COUNT] = {-250, 250, -500, 100, -100, 50};
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        volts.plate.matrix[from[c]][c] = gain[c];
    }
    for (size_t i = 0; i < record.count; i++) {
        double w[KL_WRENCH_COUNT];
        memcpy(w, record.wrench[i], sizeof(w));
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            record.wrench[i][c] = w[from[c]] / gain[c];
        }
    }
    struct signal_contacts *b = signal_contacts_of(&volts, NULL, &record);
    cr_assert_eq(a->count, b->count);
    cr_expect_leq(worst_difference(a, b, 0, a->count), 1e-9);
    signal_contacts_destroy(a);
    signal_contacts_destroy(b);
    signal_record_destroy(&record);
}

Test(force_chain, components_that_are_not_measured_are_zero)
{
    struct signal_record record = signal_record_create(1000, 3);
    signal_run(&record, signal_rearfoot, 0.2);
    for (size_t i = 0; i < record.count; i++) {
        record.wrench[i][KL_FX] = (double)NAN; /* not connected */
    }
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_FY);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    cr_assert_geq(c->complete, 6);
    for (size_t i = 0; i < c->contact[3].count; i++) {
        for (size_t ch = 0; ch < KL_WRENCH_COUNT; ch++) {
            cr_assert(ch == KL_FY || c->contact[3].wrench[i][ch] == 0);
        }
    }
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

Test(force_chain, twice_the_force_is_twice_the_force)
{
    struct signal_record record = signal_record_create(1000, 4);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct kl_force_settings settings = kl_force_settings_defaults();
    struct signal_contacts *once = signal_contacts_of(&plate, &settings, &record);
    for (size_t i = 0; i < record.count; i++) {
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            record.wrench[i][c] *= 2;
        }
    }
    settings.threshold_n *= 2;
    struct signal_contacts *twice = signal_contacts_of(&plate, &settings, &record);
    cr_assert_eq(once->count, twice->count);
    for (size_t k = 0; k < once->complete; k++) {
        const struct kl_contact *a = &once->contact[k];
        const struct kl_contact *b = &twice->contact[k];
        cr_expect_float_eq(a->ic_ns, b->ic_ns, 1, "contact %zu", k);
        cr_expect_float_eq(a->to_ns, b->to_ns, 1, "contact %zu", k);
        for (int ms = 0; ms < 240; ms += 10) {
            double t = ms / 1e3;
            double force = kl_contact_value(a, KL_FY, t);
            cr_expect_float_eq(kl_contact_value(b, KL_FY, t), 2 * force, 1e-5);
        }
    }
    signal_contacts_destroy(once);
    signal_contacts_destroy(twice);
    signal_record_destroy(&record);
}

Test(force_chain, time_stamps_decide_when_a_contact_is)
{
    /* A device clock that runs 1 % slow: all times stretch, nothing else changes. */
    struct signal_record record = signal_record_create(1000, 4);
    signal_run(&record, signal_rearfoot, 0.2);
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_FY);
    struct signal_contacts *a = signal_contacts_of(&plate, NULL, &record);
    for (size_t i = 0; i < record.count; i++) {
        record.t_ns[i] = KL_EPOCH_NS + (int64_t)i * 1010000;
    }
    struct signal_contacts *b = signal_contacts_of(&plate, NULL, &record);
    cr_assert_eq(a->count, b->count);
    for (size_t k = 0; k < a->complete; k++) {
        cr_expect_float_eq(kl_contact_duration(&b->contact[k]),
                           1.01 * kl_contact_duration(&a->contact[k]), 1e-9);
        cr_expect_float_eq(b->contact[k].dt_s, 0.00101, 1e-12);
    }
    signal_contacts_destroy(a);
    signal_contacts_destroy(b);
    signal_record_destroy(&record);
}

Test(force_chain, the_live_curve_says_contact_and_level)
{
    struct signal_record record = signal_record_create(1000, 5);
    signal_run(&record, signal_rearfoot, 0.2);
    for (size_t i = 0; i < record.count; i++) {
        record.wrench[i][KL_FY] += 150;
    }
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct kl_force_settings settings = kl_force_settings_defaults();
    struct kl_force_chain *chain = kl_force_chain_create(&plate, &settings);
    size_t in_contact = 0;
    for (size_t i = 0; i < record.count; i++) {
        kl_force_chain_push(chain, record.t_ns[i], record.wrench[i], 0);
        struct kl_contact contact;
        while (kl_force_chain_contact(chain, &contact)) {
        }
        struct kl_force_now now = kl_force_chain_now(chain);
        cr_assert_eq(now.t_ns, record.t_ns[i]);
        if (i >= 1000) {
            cr_assert(now.has_level);
            in_contact += now.in_contact;
            double phase = fmod((double)i / 1000 - 0.2, SIGNAL_STEP_S);
            if (phase > 0.30 && phase < 0.34) {
                cr_assert_float_eq(now.wrench[KL_FY], 0, 1.0, "flight at %zu: %g", i,
                                   now.wrench[KL_FY]);
            }
        }
    }
    /* 250 of 350 ms, late by confirmation and early by threshold */
    cr_expect_float_eq((double)in_contact / 4000, 250. / 350, 0.03);
    kl_force_chain_destroy(chain);
    signal_record_destroy(&record);
}

Test(force_chain, nothing_in_gives_nothing_out)
{
    struct kl_stream plate = signal_plate(1000, KL_PLATE_MEASURES_ALL);
    struct kl_force_settings settings = kl_force_settings_defaults();
    struct kl_contact contact;
    struct kl_force_chain *chain = kl_force_chain_create(&plate, &settings);
    cr_expect_not(kl_force_chain_contact(chain, &contact));
    (void)kl_force_chain_now(chain);
    cr_expect_eq(kl_force_chain_watermark(chain), INT64_MIN);
    kl_force_chain_end(chain);
    cr_expect_not(kl_force_chain_contact(chain, &contact));
    cr_expect_eq(kl_force_chain_watermark(chain), INT64_MAX);
    kl_force_chain_destroy(chain);

    chain = kl_force_chain_create(&plate, &settings);
    const double one[KL_WRENCH_COUNT] = {0, 700};
    kl_force_chain_push(chain, KL_EPOCH_NS, one, 0);
    kl_force_chain_push(chain, KL_EPOCH_NS, one, 0); /* time stands still */
    kl_force_chain_push(chain, KL_EPOCH_NS - 5, one, 0);
    kl_force_chain_end(chain);
    kl_force_chain_end(chain);
    cr_expect_not(kl_force_chain_contact(chain, &contact));
    kl_force_chain_destroy(chain);
    kl_force_chain_destroy(NULL);
}

Test(force_chain, impossible_plates_and_settings_are_refused)
{
    static const struct {
        const char *legend;
        double rate_hz, cutoff_hz, threshold_n;
        size_t channels;
        bool good;
    } rows[] = {
        {"default", 1000, 50, 50, 6, true},
        {"slow", 100, 40, 50, 1, true},
        {"fast", 10000, 100, 50, 8, true},
        {"no rate", 0, 50, 50, 6, false},
        {"rate not a number", (double)NAN, 50, 50, 6, false},
        {"cut-off above rate / 2.5", 300, 121, 50, 6, false},
        {"no cut-off", 300, 0, 50, 6, false},
        {"no threshold", 300, 50, 0, 6, false},
        {"no channels", 300, 50, 50, 0, false},
        {"too many channels", 300, 50, 50, 9, false},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct kl_stream plate = signal_plate(rows[r].rate_hz, KL_PLATE_MEASURES_FY);
        plate.channel_count = rows[r].channels;
        struct kl_force_settings settings = {rows[r].cutoff_hz, rows[r].threshold_n};
        struct kl_force_chain *chain = kl_force_chain_create(&plate, &settings);
        cr_expect_eq(chain != NULL, rows[r].good, "%s", rows[r].legend);
        kl_force_chain_destroy(chain);
    }
}

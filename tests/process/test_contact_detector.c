/* What must not be taken for running, and a runner who comes and goes. */
#include "force_signal.h"
#include "process/force/contact_detector.h"
#include "process/force/running_extremes.h"

#include <criterion/criterion.h>

#include <math.h>

#define PI 3.14159265358979323846
#define BW SIGNAL_BW_N

/* Vertical force over time, N. */
static double standing(double t)
{
    return BW * (1 + 0.01 * sin(2 * PI * 0.4 * t));
}

static double empty(double t)
{
    return 3 * sin(2 * PI * 7 * t);
}

static double rise(double t, double from, double seconds)
{
    double s = fmin(1, fmax(0, (t - from) / seconds));
    return s * s * (3 - 2 * s);
}

static double stepping_on(double t)
{
    /* one foot first, then the weight, then standing */
    return BW * (0.35 * rise(t, 2.0, 0.3) + 0.65 * rise(t, 2.6, 0.4)) +
           0.05 * BW * sin(2 * PI * 1.5 * t) * rise(t, 3, 0.1) * (1 - rise(t, 4, 1));
}

static double stepping_off(double t)
{
    return BW * (1 - rise(t, 4.0, 0.5));
}

/* One foot in walking: double hump over 0.66 s, feet 0.54 s apart; on one belt they add up. */
static double walking_foot(double t)
{
    double s = t / 0.66;
    if (s < 0 || s > 1) {
        return 0;
    }
    return BW * (1.15 * sin(PI * s) + 0.35 * sin(3 * PI * s) + 0.02 * sin(5 * PI * s));
}

static double one_belt_walking(double t)
{
    double sum = 0;
    for (int k = -1; k < 20; k++) {
        sum += walking_foot(t - 0.54 * k);
    }
    return sum;
}

static double grounded_running(double t)
{
    /* contacts of 420 ms every 350 ms: never less than 0.68 BW. (Half sines that overlap just a
     * little make a flat trough that one plate cannot tell from a flight with a bad tare.) */
    double sum = 0;
    for (int k = -2; k < 40; k++) {
        double s = (t - 0.35 * k) / 0.42;
        sum += s > 0 && s < 1 ? PI / 2 * BW * (0.35 / 0.42) * sin(PI * s) : 0;
    }
    return sum;
}

Test(contact_detector, what_is_not_running_has_no_contacts)
{
    static const struct {
        const char *legend;
        double (*force)(double t);
        double offset_n;
    } rows[] = {
        {"empty belt", empty, 0},
        {"empty belt, bad tare", empty, 300},
        {"standing", standing, 0},
        {"standing, bad tare", standing, -300},
        {"stepping on", stepping_on, 0},
        {"stepping on, bad tare", stepping_on, 200},
        {"stepping off", stepping_off, 0},
        {"walking on one belt", one_belt_walking, 0},
        {"walking on one belt, bad tare", one_belt_walking, -300},
        {"grounded running", grounded_running, 0},
        {"grounded running, bad tare", grounded_running, 300},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        for (int rate = 300; rate <= 1000; rate += 700) {
            struct signal_record record = signal_record_create(rate, 8);
            uint64_t seed = 5;
            for (size_t i = 0; i < record.count; i++) {
                record.wrench[i][KL_FY] =
                    rows[r].force((double)i / rate) + rows[r].offset_n + 2 * signal_noise(&seed);
            }
            struct kl_stream plate = signal_plate(rate, KL_PLATE_MEASURES_FY);
            struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
            cr_expect_eq(c->count, 0, "%s at %d Hz: %zu", rows[r].legend, rate, c->count);
            signal_contacts_destroy(c);
            signal_record_destroy(&record);
        }
    }
}

Test(contact_detector, body_weight_tells_walking_of_heavy_people_from_running)
{
    /* 150 kg walking: the force of both feet swings by more than 500 N, but by less than 0.8 BW */
    const double rate = 1000;
    struct kl_contact_detector detector;
    cr_assert_eq(kl_contact_detector_open(&detector, rate, 5), KL_OK);
    detector.body_weight_n = 150 * 9.81;
    size_t contacts = 0;
    for (size_t i = 0; i < 8000; i++) {
        double force = one_belt_walking((double)i / rate) * 150 / 70;
        size_t events = kl_contact_detector_push(&detector, force, force);
        for (size_t k = 0; k < events; k++) {
            contacts += detector.event[k].kind == KL_CONTACT_BEGINS;
        }
    }
    cr_expect_eq(contacts, 0);
    kl_contact_detector_close(&detector);
}

Test(contact_detector, a_runner_who_stands_and_runs_again_is_found_again)
{
    const double rate = 1000;
    struct signal_record record = signal_record_create(rate, 16);
    struct signal_record run = signal_record_create(rate, 16);
    signal_run(&run, signal_rearfoot, 0.05);
    for (size_t i = 0; i < record.count; i++) {
        double t = (double)i / rate;
        bool stands = t >= 5.08 && t < 8.0; /* from within a stance */
        bool away = t >= 8.0 && t < 10.0;   /* off the belt */
        record.wrench[i][KL_FY] = 250 + (stands ? BW : away ? 0 : run.wrench[i][KL_FY]);
    }
    struct kl_stream plate = signal_plate(rate, KL_PLATE_MEASURES_FY);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    size_t before = 0;
    size_t after = 0;
    for (size_t k = 0; k < c->count; k++) {
        double ic_s = c->contact[k].ic_ns / 1e9 - 1;
        before += ic_s < 5.0;
        after += ic_s > 10.0;
        cr_expect(ic_s < 5.0 || ic_s > 9.9, "contact at %g s", ic_s);
    }
    cr_expect_eq(before, 14); /* 0.05 + 0.35 k < 4.9; the next one ends in standing */
    cr_expect_geq(after, 16);
    cr_expect(c->watermark_held && c->watermark_monotonic);
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
    signal_record_destroy(&run);
}

Test(contact_detector, contacts_before_the_first_plateau_are_recovered)
{
    /* The first flight shorter than a plateau, the second long enough: both contacts count. */
    const double rate = 1000;
    struct signal_record record = signal_record_create(rate, 3);
    for (size_t i = 0; i < record.count; i++) {
        double t = (double)i / rate;
        double first = (t - 0.10) / 0.25;
        double second = (t - 0.39) / 0.25; /* 40 ms later: no 40 ms of flat signal between */
        double force = signal_half_sine(first) + signal_half_sine(second);
        record.wrench[i][KL_FY] = force + 300;
    }
    struct kl_stream plate = signal_plate(rate, KL_PLATE_MEASURES_FY);
    struct signal_contacts *c = signal_contacts_of(&plate, NULL, &record);
    cr_expect_eq(c->with_ic, 2, "%zu", c->with_ic);
    cr_expect_eq(c->complete, 2);
    signal_contacts_destroy(c);
    signal_record_destroy(&record);
}

Test(running_extremes, agree_with_looking_at_the_whole_window)
{
    for (size_t window = 1; window < 40; window += 6) {
        struct kl_running_extremes extremes;
        cr_assert_eq(kl_running_extremes_open(&extremes, window), KL_OK);
        double value[500];
        uint64_t seed = window;
        for (size_t i = 0; i < 500; i++) {
            value[i] = floor(4 * signal_noise(&seed)); /* with ties */
            kl_running_extremes_push(&extremes, i, value[i]);
            double high = value[i];
            double low = value[i];
            for (size_t k = i + 1 > window ? i + 1 - window : 0; k <= i; k++) {
                high = fmax(high, value[k]);
                low = fmin(low, value[k]);
            }
            cr_assert_eq(kl_running_extremes_max(&extremes), high, "window %zu at %zu", window, i);
            cr_assert_eq(kl_running_extremes_min(&extremes), low, "window %zu at %zu", window, i);
        }
        kl_running_extremes_close(&extremes);
    }
}

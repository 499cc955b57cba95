/* The orientation of a sensor against closed forms: methods 8.2, 8.3. */
#include "process/motion/orientation.h"

#include <criterion/criterion.h>

#include <math.h>

#define PI 3.14159265358979323846
#define DEG (PI / 180.0)
#define G 9.80665
#define EPOCH KL_EPOCH_NS

static struct kl_orientation made(double rate_hz, const struct kl_orientation_settings *settings)
{
    struct kl_orientation o;
    cr_assert_eq(kl_orientation_init(&o, rate_hz, settings), KL_OK);
    return o;
}

/* Angle between where q and the truth see the earth's vertical, deg. */
static double tilt_error(struct kl_quat q, struct kl_quat truth)
{
    struct kl_vec up = {0, 0, 1};
    struct kl_vec a = kl_quat_rotate(kl_quat_conj(q), up);
    struct kl_vec b = kl_quat_rotate(kl_quat_conj(truth), up);
    return 2 * asin(fmin(1, kl_vec_norm(kl_vec_sub(a, b)) / 2)) / DEG;
}

static double total_error(struct kl_quat q, struct kl_quat truth)
{
    struct kl_quat e = kl_quat_mul(q, kl_quat_conj(truth));
    return 2 * asin(fmin(1, sqrt(e.x * e.x + e.y * e.y + e.z * e.z))) / DEG;
}

/* A sensor whose motion has a closed form: turn about an axis of the earth by
 * swing sin(2 pi f t) + spin t, after a fixed mounting, and an acceleration of the earth frame. */
struct motion {
    double swing_rad, frequency_hz, spin_rad_s;
    struct kl_vec axis; /* earth */
    struct kl_quat mounting;
    struct kl_vec a_m_s2; /* amplitudes, earth: x, y at the frequency, z at twice it */
};

static struct kl_quat motion_q(const struct motion *m, double t)
{
    double angle = m->swing_rad * sin(2 * PI * m->frequency_hz * t) + m->spin_rad_s * t;
    return kl_quat_mul(kl_quat_about(m->axis, angle), m->mounting);
}

static struct kl_vec motion_w(const struct motion *m, double t)
{
    double p = 2 * PI * m->frequency_hz;
    double rate = m->swing_rad * p * cos(p * t) + m->spin_rad_s;
    return kl_quat_rotate(kl_quat_conj(m->mounting), kl_vec_scale(m->axis, rate));
}

static struct kl_vec motion_a(const struct motion *m, double t)
{
    double p = 2 * PI * m->frequency_hz * t;
    struct kl_vec a = {m->a_m_s2.x * sin(p), m->a_m_s2.y * cos(p), m->a_m_s2.z * sin(2 * p) + G};
    return kl_quat_rotate(kl_quat_conj(motion_q(m, t)), a);
}

static struct kl_vec no_error(struct kl_vec w, double t)
{
    (void)t;
    return w;
}

/* Pushes [from, to) seconds; `sensor` spoils the rate. @return RMS tilt error, deg */
static double run(struct kl_orientation *o, const struct motion *m, double rate_hz, double from,
                  double to, struct kl_vec (*sensor)(struct kl_vec, double))
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = (size_t)(from * rate_hz + 0.5); (double)i < to * rate_hz - 0.5; i++) {
        double t = (double)i / rate_hz;
        kl_orientation_push(o, EPOCH + kl_nanoseconds(t), sensor(motion_w(m, t), t), motion_a(m, t),
                            0);
        double e = tilt_error(kl_orientation_get(o), motion_q(m, t));
        sum += e * e;
        count++;
    }
    return sqrt(sum / (double)count);
}

/* A shank at 168 steps a minute: 40 deg of swing, 1.5 g fore and aft, a sensor mounted anyhow. */
static struct motion shank(void)
{
    struct motion m = {
        .swing_rad = 40 * DEG, .frequency_hz = 1.4, .axis = {0, 1, 0}, .a_m_s2 = {15, 4, 12}};
    m.mounting = kl_quat_about(kl_vec_unit((struct kl_vec){1, 2, -0.5}), 1.1);
    return m;
}

Test(orientation, correction_quaternion_of_the_method_book)
{
    struct kl_orientation o = made(400, NULL);
    kl_orientation_push(&o, EPOCH, (struct kl_vec){0, 0, 0}, (struct kl_vec){0.1, 0.2, 0.97}, 0);
    struct kl_quat q = kl_orientation_get(&o);
    /* methods 8.2: q_c = (0.993590, 0.101106, -0.050553, 0), printed to six places */
    cr_expect_float_eq(q.w, 0.993590, 6e-7);
    cr_expect_float_eq(q.x, 0.101106, 6e-7);
    cr_expect_float_eq(q.y, -0.050553, 6e-7);
    cr_expect_float_eq(q.z, 0, 1e-15);
}

Test(orientation, first_sample_points_up_whatever_the_pose)
{
    static const struct kl_vec rows[] = {{0, 0, 9.8},  {0, 0, -9.8},     {9.8, 0, 0}, {0, -9.8, 0},
                                         {3, -4, 0.1}, {1e-9, 0, -9.80}, {-1, -1, -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_orientation o = made(100, NULL);
        cr_expect(kl_orientation_marks(&o) & KL_ORIENTATION_NONE);
        kl_orientation_push(&o, EPOCH, (struct kl_vec){0, 0, 0}, rows[i], 0);
        struct kl_vec up = kl_quat_rotate(kl_orientation_get(&o), kl_vec_unit(rows[i]));
        cr_expect_float_eq(up.z, 1, 1e-12, "row %zu: %g", i, up.z);
        cr_expect_not(kl_orientation_marks(&o) & KL_ORIENTATION_NONE);
    }
}

Test(orientation, ripple_of_a_horizontal_acceleration_is_as_the_method_book_says)
{
    /* (fc/f)^2 a/g for f far above fc: 0.168 and 0.042 deg; methods 8.3 gives two places */
    static const struct {
        double frequency_hz, ripple_deg;
    } rows[] = {{1.4, 0.17}, {2.8, 0.04}};
    static const double rates[] = {100, 400, 1600};
    for (size_t r = 0; r < 6; r++) {
        double rate_hz = rates[r / 2];
        struct motion m = {.frequency_hz = rows[r % 2].frequency_hz,
                           .axis = {0, 0, 1},
                           .mounting = {.w = 1},
                           .a_m_s2 = {10, 0, 0}};
        struct kl_orientation o = made(rate_hz, NULL);
        (void)run(&o, &m, rate_hz, 0, 50, no_error);
        double low = 1;
        double high = -1;
        for (size_t i = (size_t)(50 * rate_hz); (double)i < 60 * rate_hz; i++) {
            double t = (double)i / rate_hz;
            kl_orientation_push(&o, EPOCH + kl_nanoseconds(t), (struct kl_vec){0, 0, 0},
                                motion_a(&m, t), 0);
            struct kl_quat q = kl_orientation_get(&o);
            double pitch = 2 * q.y / DEG;
            low = fmin(low, pitch);
            high = fmax(high, pitch);
        }
        cr_expect_float_eq((high - low) / 2, rows[r % 2].ripple_deg, 0.005, "%g Hz at %g Hz: %g",
                           rows[r % 2].frequency_hz, rate_hz, (high - low) / 2);
        double sd_deg = kl_orientation_tilt_sd(&o) / DEG;
        cr_expect(sd_deg > (high - low) / 2 / sqrt(2.0) && sd_deg < 0.8, "%g", sd_deg);
    }
}

Test(orientation, running_shank_keeps_its_inclination)
{
    struct motion m = shank();
    static const double rates[] = {100, 285.7142857142857, 1000};
    for (size_t r = 0; r < 3; r++) {
        struct kl_orientation o = made(rates[r], NULL);
        (void)run(&o, &m, rates[r], 0, 20, no_error);
        double rms = run(&o, &m, rates[r], 20, 80, no_error);
        /* the ripple alone: 15 m/s^2 at 1.4 Hz is 0.25 deg, 0.18 RMS */
        cr_expect_lt(rms, 0.22, "%g Hz: %g deg", rates[r], rms);
        cr_expect_eq(kl_orientation_marks(&o), 0);
    }
}

static struct kl_vec biased(struct kl_vec w, double t)
{
    struct kl_vec b = {0.5 * DEG, -0.4 * DEG, 0.3 * DEG};
    return t < 60 ? w : kl_vec_add(w, b);
}

Test(orientation, bias_that_steps_while_running_is_found_but_for_its_vertical_part)
{
    struct motion m = shank();
    struct kl_orientation o = made(400, NULL);
    (void)run(&o, &m, 400, 0, 60, biased);
    /* 0.7 deg/s times the delay of 3 s is 2.1 deg until the bias is found */
    double worst = run(&o, &m, 400, 60, 80, biased);
    cr_expect_lt(worst, 2.3, "%g", worst);
    (void)run(&o, &m, 400, 80, 400, biased);
    double rms = run(&o, &m, 400, 400, 420, biased);
    cr_expect_lt(rms, 0.5, "%g", rms);
    struct kl_vec left =
        kl_vec_sub((struct kl_vec){0.5 * DEG, -0.4 * DEG, 0.3 * DEG}, kl_orientation_bias(&o));
    struct kl_vec earth = kl_quat_rotate(m.mounting, left);
    cr_expect_lt(hypot(earth.x, earth.y) / DEG, 0.15, "%g %g", earth.x / DEG, earth.y / DEG);
}

Test(orientation, bias_that_steps_at_rest_is_found_within_half_a_minute)
{
    struct motion m = {.axis = {0, 0, 1}, .mounting = {.w = 1}};
    struct kl_orientation o = made(200, NULL);
    (void)run(&o, &m, 200, 50, 60, biased);
    cr_expect(kl_orientation_at_rest(&o));
    /* settled at 0.03 deg/s it follows with 0.03^2 / (0.1^2 / 100 s) = 9 s: 0.02 deg/s are left */
    (void)run(&o, &m, 200, 60, 90, biased);
    struct kl_vec b = kl_orientation_bias(&o);
    cr_expect_float_eq(b.x / DEG, 0.5, 0.06, "%g", b.x / DEG);
    cr_expect_float_eq(b.y / DEG, -0.4, 0.06, "%g", b.y / DEG);
    cr_expect_float_eq(b.z / DEG, 0.3, 0.06, "%g", b.z / DEG);
    struct kl_vec w = kl_orientation_rate(&o);
    cr_expect_lt(kl_vec_norm(w) / DEG, 0.12);
}

Test(orientation, person_who_sways_is_no_bias)
{
    /* 0.4 Hz and 1.2 deg/s: within the limits of rest, but nothing like a sensor on a table */
    struct motion m = {.swing_rad = 1.2 * DEG / (2 * PI * 0.4),
                       .frequency_hz = 0.4,
                       .axis = {0, 1, 0},
                       .mounting = {.w = 1}};
    struct kl_orientation o = made(100, NULL);
    double worst = 0;
    bool rest = false;
    for (int s = 0; s < 20; s++) {
        (void)run(&o, &m, 100, s, s + 1, no_error);
        rest = rest || kl_orientation_at_rest(&o);
        worst = fmax(worst, kl_vec_norm(kl_orientation_bias(&o)) / DEG);
    }
    cr_expect(rest);
    cr_expect_lt(worst, 0.35, "%g deg/s", worst);
}

static struct kl_vec scaled(struct kl_vec w, double t)
{
    (void)t;
    return (struct kl_vec){1.004 * w.x, 0.997 * w.y, 1.003 * w.z};
}

Test(orientation, scale_error_of_a_spinning_sensor_is_found)
{
    /* 400 deg/s about a horizontal axis, the other way every 10 s, with 0.4 % too much: 1.6 deg/s,
     * 4.8 deg of tilt behind a delay of 3 s; no bias is like that */
    struct motion m = {.swing_rad = 400 * DEG / (2 * PI * 0.05),
                       .frequency_hz = 0.05,
                       .axis = {1, 0, 0},
                       .mounting = {.w = 1}};
    struct kl_orientation_settings exact = kl_orientation_settings_defaults();
    exact.bias.scale_sd = 0;
    struct kl_orientation without = made(400, &exact);
    struct kl_orientation with = made(400, NULL);
    (void)run(&without, &m, 400, 0, 120, scaled);
    (void)run(&with, &m, 400, 0, 120, scaled);
    double rms_without = run(&without, &m, 400, 120, 160, scaled);
    double rms_with = run(&with, &m, 400, 120, 160, scaled);
    cr_expect_gt(rms_without, 2.5, "%g", rms_without);
    cr_expect_lt(rms_with, 0.4, "%g", rms_with);
    cr_expect_float_eq(with.bias.state[3], 0.004 / 1.004, 0.0005, "%g", with.bias.state[3]);
}

Test(orientation, scale_and_bias_stay_small_when_there_is_none)
{
    struct motion m = shank();
    struct kl_orientation o = made(400, NULL);
    (void)run(&o, &m, 400, 0, 300, no_error);
    struct kl_vec b = kl_orientation_bias(&o);
    cr_expect_lt(kl_vec_norm(b) / DEG, 0.05, "%g", kl_vec_norm(b) / DEG);
    for (int i = 3; i < 6; i++) {
        cr_expect_lt(fabs(o.bias.state[i]), 0.001, "%d: %g", i, o.bias.state[i]);
    }
}

/* An axis that itself goes round: the sensor's z axis on a cone of half angle c. */
static struct kl_quat coning_q(double t, double c, double frequency_hz)
{
    double p = 2 * PI * frequency_hz * t;
    return (struct kl_quat){cos(c / 2), sin(c / 2) * cos(p), sin(c / 2) * sin(p), 0};
}

Test(orientation, coning_does_not_turn_the_heading)
{
    /* 20 deg at 3 Hz and 100 Hz: with the mean of two rates alone the heading runs off by 0.75
     * deg/s */
    double c = 20 * DEG;
    double f = 3;
    struct kl_orientation o = made(100, NULL);
    struct kl_quat turned = {1, 0, 0, 0};
    double error = 0;
    for (size_t i = 0; i < 3000; i++) {
        double t = (double)i / 100;
        double p = 2 * PI * f * t;
        struct kl_quat q = coning_q(t, c, f);
        struct kl_quat d = {0, -sin(c / 2) * 2 * PI * f * sin(p), sin(c / 2) * 2 * PI * f * cos(p),
                            0};
        struct kl_quat w = kl_quat_mul(kl_quat_conj(q), d);
        struct kl_vec up = kl_quat_rotate(kl_quat_conj(q), (struct kl_vec){0, 0, G});
        kl_orientation_push(&o, EPOCH + kl_nanoseconds(t),
                            (struct kl_vec){2 * w.x, 2 * w.y, 2 * w.z}, up, 0);
        struct kl_quat now = kl_orientation_get(&o);
        if (i == 0) {
            turned = kl_quat_mul(now, kl_quat_conj(q)); /* heading is free */
        }
        error = total_error(now, kl_quat_mul(turned, q));
    }
    cr_expect_lt(error, 1.0, "%g deg after 30 s", error);
}

Test(orientation, mounting_of_the_sensor_changes_nothing_but_the_mounting)
{
    struct motion straight = shank();
    straight.mounting = (struct kl_quat){1, 0, 0, 0};
    struct motion turned = shank();
    struct kl_orientation a = made(200, NULL);
    struct kl_orientation b = made(200, NULL);
    for (int s = 0; s < 30; s++) {
        double ra = run(&a, &straight, 200, s, s + 1, no_error);
        double rb = run(&b, &turned, 200, s, s + 1, no_error);
        /* the scale is a property of the sensor's axes, so the two differ by what it learns */
        cr_expect_float_eq(ra, rb, 0.02, "second %d: %g %g", s, ra, rb);
    }
}

Test(orientation, delay_of_the_sensor_is_made_good_at_the_present_rate)
{
    struct motion m = {.axis = {0, 1, 0}, .mounting = {.w = 1}, .spin_rad_s = 2};
    struct kl_orientation_settings settings = kl_orientation_settings_defaults();
    struct kl_orientation plain = made(200, &settings);
    settings.delay_s = 0.005;
    struct kl_orientation ahead = made(200, &settings);
    (void)run(&plain, &m, 200, 0, 3, no_error);
    (void)run(&ahead, &m, 200, 0, 3, no_error);
    /* 2 rad/s for 5 ms; the bias is not exactly 0 */
    cr_expect_float_eq(total_error(kl_orientation_get(&ahead), kl_orientation_get(&plain)),
                       0.01 / DEG, 1e-3);
}

Test(orientation, short_gap_is_bridged_and_long_gap_starts_anew)
{
    static const struct {
        const char *legend;
        double gap_s, error_deg;
        uint32_t quality, marks;
    } rows[] = {
        {"told", 0.050, 0.1, KL_QUALITY_GAP, KL_ORIENTATION_GAP},
        {"not told", 0.050, 0.1, 0, KL_ORIENTATION_GAP},
        {"jitter", 0.003, 0.4, 0, 0},
        /* the rate of the spin is constant: any bridge would be right; it must not be tried */
        {"long", 1.0, 0.1, KL_QUALITY_GAP, KL_ORIENTATION_GAP | KL_ORIENTATION_SETTLING},
    };
    struct motion m = {.axis = {0, 1, 0}, .mounting = {.w = 1}, .spin_rad_s = 2};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_orientation o = made(400, NULL);
        (void)run(&o, &m, 400, 0, 20, no_error);
        double t = 20 - 1 / 400.0 + 1 / 400.0 + rows[i].gap_s;
        kl_orientation_push(&o, EPOCH + kl_nanoseconds(t), motion_w(&m, t), motion_a(&m, t),
                            rows[i].quality);
        double e = tilt_error(kl_orientation_get(&o), motion_q(&m, t));
        cr_expect_lt(e, rows[i].error_deg, "%s: %g", rows[i].legend, e);
        cr_expect_eq(kl_orientation_marks(&o), rows[i].marks, "%s: %x", rows[i].legend,
                     kl_orientation_marks(&o));
        for (int k = 1; k < 2600; k++) {
            t += 1 / 400.0;
            kl_orientation_push(&o, EPOCH + kl_nanoseconds(t), motion_w(&m, t), motion_a(&m, t), 0);
        }
        cr_expect_eq(kl_orientation_marks(&o), 0, "%s: %x", rows[i].legend,
                     kl_orientation_marks(&o));
    }
}

Test(orientation, what_is_not_a_number_is_bridged_and_named)
{
    struct motion m = shank();
    struct kl_orientation o = made(400, NULL);
    struct kl_vec nothing = {(double)NAN, 0, 0};
    struct kl_vec endless = {0, (double)INFINITY, 0};
    kl_orientation_push(&o, EPOCH - 2500000, nothing, endless, 0);
    cr_expect_eq(kl_orientation_marks(&o), KL_ORIENTATION_NONE | KL_ORIENTATION_INVALID);
    (void)run(&o, &m, 400, 0, 20, no_error);
    for (int i = 0; i < 4; i++) {
        double t = 20 + i / 400.0;
        kl_orientation_push(&o, EPOCH + kl_nanoseconds(t), i % 2 == 0 ? nothing : motion_w(&m, t),
                            i < 2 ? endless : motion_a(&m, t), 0);
        cr_expect_eq(kl_orientation_marks(&o) & KL_ORIENTATION_INVALID,
                     i < 3 ? KL_ORIENTATION_INVALID : 0, "%d", i);
        cr_expect_lt(tilt_error(kl_orientation_get(&o), motion_q(&m, t)), 0.5);
    }
    double rms = run(&o, &m, 400, 20.01, 30, no_error);
    cr_expect_lt(rms, 0.25, "%g", rms);
}

Test(orientation, clipping_is_marked_for_as_long_as_it_tilts)
{
    struct kl_orientation_settings settings = kl_orientation_settings_defaults();
    settings.clipping.acceleration_range_m_s2 = 16 * G;
    settings.clipping.rate_range_rad_s = 2000 * DEG;
    struct motion m = shank();
    struct kl_orientation o = made(400, &settings);
    (void)run(&o, &m, 400, 0, 10, no_error);
    struct kl_vec rail = {15.9 * G, 0, 0};
    kl_orientation_push(&o, EPOCH + kl_nanoseconds(10), motion_w(&m, 10), rail, 0);
    cr_expect_eq(kl_orientation_marks(&o), 0); /* one sample may be a true peak */
    kl_orientation_push(&o, EPOCH + kl_nanoseconds(10.0025), motion_w(&m, 10.0025), rail, 0);
    cr_expect_eq(kl_orientation_marks(&o), KL_ORIENTATION_CLIPPED);
    (void)run(&o, &m, 400, 10.005, 15, no_error);
    cr_expect_eq(kl_orientation_marks(&o), KL_ORIENTATION_CLIPPED);
    (void)run(&o, &m, 400, 15, 17, no_error);
    cr_expect_eq(kl_orientation_marks(&o), 0);
    kl_orientation_push(&o, EPOCH + kl_nanoseconds(17), motion_w(&m, 17), motion_a(&m, 17),
                        KL_QUALITY_CLIPPED);
    cr_expect_eq(kl_orientation_marks(&o), KL_ORIENTATION_CLIPPED); /* the driver said so */
}

Test(orientation, clipped_acceleration_tilts_as_the_method_book_says)
{
    /* 5 g lost for 3 ms of every 0.7 s, across gravity: 0.21 m/s^2 in the mean, 1.2 deg */
    struct kl_orientation_settings settings = kl_orientation_settings_defaults();
    settings.bias.motion_sd_rad_s = 10 * DEG; /* the sensor does not turn: nothing to learn */
    struct kl_orientation o = made(1000, &settings);
    double sum = 0;
    for (size_t i = 0; i < 42000; i++) {
        struct kl_vec a = {i % 700 < 3 ? -5 * G : 0, 0, G};
        kl_orientation_push(&o, EPOCH + (int64_t)i * 1000000, (struct kl_vec){0, 0, 0}, a, 0);
        sum += i >= 28000 ? 2 * kl_orientation_get(&o).y / DEG : 0;
    }
    cr_expect_float_eq(sum / 14000, 1.2, 0.05, "%g", sum / 14000);
}

Test(orientation, same_samples_give_the_same_bits_and_stay_a_rotation)
{
    struct motion m = shank();
    struct kl_orientation a = made(400, NULL);
    struct kl_orientation b = made(400, NULL);
    (void)run(&a, &m, 400, 0, 1000, no_error);
    for (int s = 0; s < 1000; s++) {
        (void)run(&b, &m, 400, s, s + 1, no_error);
    }
    struct kl_quat p = kl_orientation_get(&a);
    struct kl_quat q = kl_orientation_get(&b);
    cr_expect(p.w == q.w && p.x == q.x && p.y == q.y && p.z == q.z);
    cr_expect_float_eq(p.w * p.w + p.x * p.x + p.y * p.y + p.z * p.z, 1, 1e-12);
}

Test(orientation, known_bias_is_used_from_the_first_sample)
{
    struct motion m = shank();
    struct kl_orientation o = made(400, NULL);
    kl_orientation_set_bias(&o, (struct kl_vec){0.5 * DEG, -0.4 * DEG, 0.3 * DEG}, 0.03 * DEG);
    (void)run(&o, &m, 400, 60, 80, biased);
    cr_expect_lt(run(&o, &m, 400, 80, 140, biased), 0.25);
    struct kl_vec b = kl_orientation_bias(&o);
    cr_expect_float_eq(b.z / DEG, 0.3, 0.05, "%g", b.z / DEG);
}

Test(orientation, settings_that_make_no_sense_are_refused)
{
    struct kl_orientation o = made(123, NULL);
    cr_expect_eq(kl_orientation_init(&o, 0, NULL), KL_ERR_RANGE);
    cr_expect_eq(kl_orientation_init(&o, (double)NAN, NULL), KL_ERR_RANGE);
    cr_expect_eq(kl_orientation_init(&o, -100, NULL), KL_ERR_RANGE);
    struct kl_orientation_settings settings = kl_orientation_settings_defaults();
    settings.tau_s = 0;
    cr_expect_eq(kl_orientation_init(&o, 100, &settings), KL_ERR_RANGE);
    settings = kl_orientation_settings_defaults();
    settings.bias.forget_s = -1;
    cr_expect_eq(kl_orientation_init(&o, 100, &settings), KL_ERR_RANGE);
    settings = kl_orientation_settings_defaults();
    settings.rest.tau_s = (double)NAN;
    cr_expect_eq(kl_orientation_init(&o, 100, &settings), KL_ERR_RANGE);
    cr_expect_eq(o.period_s, 1 / 123.0); /* untouched */
}

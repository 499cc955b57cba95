/* Oracle: slerp turns evenly: at part p of a turn by an angle, the turn is p times the angle. */
#include "process/motion/motion_ring.h"

#include <criterion/criterion.h>

#define PI 3.14159265358979323846

Test(motion_ring, between_two_samples_the_turn_is_even)
{
    struct kl_vec axis = kl_vec_unit((struct kl_vec){1, -2, .5});
    /* half angles on both sides of where the series ends, and one across the other sign of q */
    static const double angles[] = {0, 1e-6, 0.02, 0.1, 0.19, 0.21, 0.6, 2.5};
    for (size_t i = 0; i < sizeof(angles) / sizeof(angles[0]); i++) {
        struct kl_quat from = kl_quat_about((struct kl_vec){0, 0, 1}, 0.7);
        struct kl_motion_sample a = {.q = from, .w_rad_s = {1, 2, 3}};
        struct kl_quat to = kl_quat_mul(from, kl_quat_about(axis, angles[i]));
        struct kl_motion_sample b = {.q = {-to.w, -to.x, -to.y, -to.z}, .w_rad_s = {3, 2, 1}};
        for (int eighth = 0; eighth <= 8; eighth++) {
            double part = eighth / 8.0;
            struct kl_quat q;
            struct kl_vec w;
            kl_motion_between(&a, &b, part, &q, &w);
            struct kl_quat expected = kl_quat_mul(from, kl_quat_about(axis, part * angles[i]));
            struct kl_quat d = kl_quat_mul(kl_quat_conj(expected), q);
            double error = 2 * sqrt(d.x * d.x + d.y * d.y + d.z * d.z);
            cr_expect_lt(error, 1e-9, "%g rad, part %g: %g", angles[i], part, error);
            cr_expect_float_eq(w.x, 1 + 2 * part, 1e-12);
        }
    }
}

Test(motion_ring, a_span_is_enclosed_or_not_there)
{
    struct kl_motion_ring ring;
    cr_assert_eq(kl_motion_ring_open(&ring, 8), KL_OK);
    uint64_t first = 77;
    uint64_t last = 77;
    cr_expect_not(kl_motion_ring_span(&ring, 0, 1, &first, &last));
    for (int i = 0; i < 20; i++) { /* 12 to 19 remain */
        struct kl_motion_sample sample = {.t_ns = 100 * i};
        kl_motion_ring_push(&ring, &sample);
    }
    static const struct {
        double from, to;
        bool held;
        uint64_t first, last;
    } rows[] = {
        {1200, 1900, true, 12, 19},       {1250, 1300, true, 12, 13},
        {1299, 1301, true, 12, 14},       {1300, 1400, true, 13, 14},
        {1199, 1300, false, 0, 0},        {1300, 1901, false, 0, 0},
        {1400, 1400, false, 0, 0},        {(double)NAN, 1400, false, 0, 0},
        {1300, (double)NAN, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool held = kl_motion_ring_span(&ring, rows[i].from, rows[i].to, &first, &last);
        cr_expect_eq(held, rows[i].held, "row %zu", i);
        if (held && rows[i].held) {
            cr_expect_eq(first, rows[i].first, "row %zu", i);
            cr_expect_eq(last, rows[i].last, "row %zu", i);
        }
    }
    kl_motion_ring_close(&ring);
}

/* Oracle: methods 9.3: 2.5 rad/s amplitude, noise 0.15 rad/s -> axis error 0.20 deg, Q = 0.986. */
#include "process/motion/functional_axis.h"

#include <criterion/criterion.h>

#define PI 3.14159265358979323846
#define DEG (PI / 180)

static uint32_t state = 12345;

static double uniform(void)
{
    state = state * 1664525u + 1013904223u;
    return ((double)(state >> 8) + 0.5) / 16777216.0;
}

static double gaussian(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * PI * uniform());
}

Test(functional_axis, noisy_knee_bends_show_their_axis_and_quality)
{
    struct kl_vec truth = kl_vec_unit((struct kl_vec){.3, -.2, .9});
    struct kl_axis_moment moment = {.count = 0};
    for (int i = 0; i < 4000; i++) { /* 10 bends of 4 s at 100 Hz */
        struct kl_vec w = kl_vec_scale(truth, 2.5 * sin(2 * PI * i / 400.0));
        w = kl_vec_add(w, (struct kl_vec){.15 * gaussian(), .15 * gaussian(), .15 * gaussian()});
        if (kl_vec_norm(w) > 0.5) {
            kl_axis_moment_add(&moment, w);
        }
    }
    struct kl_vec axis;
    double quality;
    cr_assert(kl_axis_moment_get(&moment, &axis, &quality));
    double error = asin(kl_vec_norm(kl_vec_cross(axis, truth))) / DEG;
    cr_expect_lt(error, 0.4, "%g deg", error); /* 0.20 is the book's typical one */
    cr_expect_float_eq(quality, 0.986, 0.004, "%g", quality);
}

Test(functional_axis, a_diagonal_and_a_full_moment_have_their_closed_forms)
{
    struct kl_axis_moment moment = {.count = 0};
    kl_axis_moment_add(&moment, (struct kl_vec){0, 3, 0});
    kl_axis_moment_add(&moment, (struct kl_vec){1, 0, 0});
    kl_axis_moment_add(&moment, (struct kl_vec){0, 0, 2});
    struct kl_vec axis;
    double quality;
    cr_assert(kl_axis_moment_get(&moment, &axis, &quality));
    cr_expect_float_eq(fabs(axis.y), 1, 1e-15);
    cr_expect_float_eq(quality, 9.0 / 14, 1e-15);
    /* the same, turned: eigenvalues stay, the axis turns with it */
    struct kl_quat q = kl_quat_unit((struct kl_quat){.4, .2, -.7, .5});
    struct kl_axis_moment turned = {.count = 0};
    kl_axis_moment_add(&turned, kl_quat_rotate(q, (struct kl_vec){0, 3, 0}));
    kl_axis_moment_add(&turned, kl_quat_rotate(q, (struct kl_vec){1, 0, 0}));
    kl_axis_moment_add(&turned, kl_quat_rotate(q, (struct kl_vec){0, 0, 2}));
    cr_assert(kl_axis_moment_get(&turned, &axis, &quality));
    struct kl_vec y = kl_quat_rotate(q, (struct kl_vec){0, 1, 0});
    cr_expect_float_eq(fabs(kl_vec_dot(axis, y)), 1, 1e-14);
    cr_expect_float_eq(quality, 9.0 / 14, 1e-14);
}

Test(functional_axis, without_motion_or_numbers_there_is_none)
{
    struct kl_axis_moment moment = {.count = 0};
    struct kl_vec axis = {7, 7, 7};
    double quality = 7;
    cr_expect_not(kl_axis_moment_get(&moment, &axis, &quality));
    kl_axis_moment_add(&moment, (struct kl_vec){0, 0, 0});
    cr_expect_not(kl_axis_moment_get(&moment, &axis, &quality));
    kl_axis_moment_add(&moment, (struct kl_vec){(double)NAN, 0, 0});
    cr_expect_not(kl_axis_moment_get(&moment, &axis, &quality));
    cr_expect_eq(quality, 7);
}

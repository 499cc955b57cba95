#include "process/steps/laterality.h"

#include <criterion/criterion.h>

#include <math.h>

/* Scatter with zero mean and known SD over 20 steps, uncorrelated with left and right: the first
 * ten rows and their negatives in an order that does not alternate. */
static double scatter(unsigned k, double sd_m)
{
    static const double unit[20] = {1,  1,  -1, -1, 1,  1,  -1, -1, 1,  1,
                                    -1, -1, 1,  1,  -1, -1, 1,  1,  -1, -1};
    return sd_m * unit[k % 20];
}

static enum kl_side feed(struct kl_laterality *laterality, unsigned steps, bool first_is_right,
                         double half_m, double sd_m)
{
    enum kl_side side = KL_SIDE_UNKNOWN;
    for (unsigned k = 0; k < steps; k++) {
        bool right = (k % 2 == 0) == first_is_right;
        side = kl_laterality_step(laterality, true,
                                  0.1 + (right ? half_m : -half_m) + scatter(k, sd_m));
    }
    return side;
}

Test(laterality, known_step_width_and_scatter_give_the_confidence_of_the_book)
{
    struct kl_laterality laterality = {0};
    enum kl_side side = feed(&laterality, 20, true, 0.030, 0.015);
    /* q = a sqrt(n) / s = 30 sqrt(20) / 15 = 8.94; s with n - 1 is sqrt(20/19) larger. */
    cr_expect_float_eq(laterality.confidence_q, 8.944 / sqrt(20.0 / 19), 0.01, "%g",
                       laterality.confidence_q);
    cr_expect_eq(laterality.even, KL_SIDE_RIGHT);
    cr_expect_eq(side, KL_SIDE_LEFT); /* the 20th is odd */
    cr_expect_eq(kl_laterality_ahead(&laterality, 1), KL_SIDE_RIGHT);
    cr_expect_eq(kl_laterality_ahead(&laterality, 2), KL_SIDE_LEFT);
}

Test(laterality, feet_are_told_by_where_they_land_whoever_begins)
{
    const struct {
        bool first_is_right;
        double half_m, sd_m;
        enum kl_side even;
    } rows[] = {
        {true, 0.03, 0.015, KL_SIDE_RIGHT},  {false, 0.03, 0.015, KL_SIDE_LEFT},
        {true, 0.03, 0, KL_SIDE_RIGHT},      {true, 0.009, 0.015, KL_SIDE_UNKNOWN}, /* q 2.6 */
        {true, 0.012, 0.015, KL_SIDE_RIGHT}, {true, 0, 0.015, KL_SIDE_UNKNOWN},
        {true, 0, 0, KL_SIDE_UNKNOWN},       {true, -0.03, 0.015, KL_SIDE_LEFT}, /* crossing over */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_laterality laterality = {0};
        (void)feed(&laterality, 20, rows[i].first_is_right, rows[i].half_m, rows[i].sd_m);
        cr_expect_eq(laterality.even, rows[i].even, "row %zu q %g", i, laterality.confidence_q);
    }
}

Test(laterality, nothing_is_said_before_twenty_usable_steps)
{
    struct kl_laterality laterality = {0};
    cr_expect_eq(feed(&laterality, 19, true, 0.03, 0.005), KL_SIDE_UNKNOWN);
    cr_expect_eq(laterality.confidence_q, 0);
    cr_expect_eq(kl_laterality_step(&laterality, false, 9), KL_SIDE_UNKNOWN);
    cr_expect_eq(kl_laterality_step(&laterality, true, 0.13), KL_SIDE_RIGHT); /* 21st: even */
}

Test(laterality, an_unusable_step_is_counted_but_does_not_vote)
{
    struct kl_laterality laterality = {0};
    (void)feed(&laterality, 20, true, 0.03, 0.005);
    double before = laterality.confidence_q;
    cr_expect_eq(kl_laterality_step(&laterality, false, -50), KL_SIDE_RIGHT);
    cr_expect_eq(laterality.confidence_q, before);
    cr_expect_eq(kl_laterality_step(&laterality, true, 0.07), KL_SIDE_LEFT);
}

Test(laterality, a_broken_chain_knows_nothing_and_never_swaps_feet)
{
    struct kl_laterality laterality = {0};
    (void)feed(&laterality, 40, true, 0.03, 0.005);
    kl_laterality_restart(&laterality);
    cr_expect_eq(kl_laterality_ahead(&laterality, 1), KL_SIDE_UNKNOWN);
    /* Goes on with the other foot, as after one missing step. */
    for (unsigned k = 0; k < 60; k++) {
        bool right = k % 2 == 1;
        enum kl_side side = kl_laterality_step(&laterality, true, right ? 0.13 : 0.07);
        cr_expect(side == KL_SIDE_UNKNOWN ? k < 19 : side == (right ? KL_SIDE_RIGHT : KL_SIDE_LEFT),
                  "step %u", k);
    }
}

#include "devices/noise.h"

#include <criterion/criterion.h>

#include <math.h>

enum { DRAWS = 100000 };

Test(noise, has_the_mean_sd_and_tails_of_a_gaussian)
{
    struct kl_noise noise;
    kl_noise_init(&noise, 1, 0);
    double sum = 0;
    double square = 0;
    double lag = 0;
    double before = 0;
    int beyond = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = kl_noise_gaussian(&noise, 2.0);
        sum += x;
        square += x * x;
        lag += x * before;
        before = x;
        beyond += fabs(x) > 2 * 2.0;
    }
    /* five standard errors of each statistic */
    cr_expect_float_eq(sum / DRAWS, 0, 5 * 2.0 / sqrt(DRAWS));
    cr_expect_float_eq(sqrt(square / DRAWS), 2.0, 5 * 2.0 / sqrt(2.0 * DRAWS));
    cr_expect_float_eq(lag / square, 0, 5 / sqrt(DRAWS));
    /* P(|x| > 2 SD) = 4.5500 % of a Gaussian */
    cr_expect_float_eq(beyond / (double)DRAWS, 0.0455003, 5 * sqrt(0.0455 * 0.9545 / DRAWS));
}

Test(noise, repeats_for_a_seed_and_differs_between_seeds_and_consumers)
{
    static const struct {
        const char *legend;
        uint64_t seed, consumer;
        bool same;
    } row[] = {
        {"same seed, same consumer", 7, 3, true},
        {"other consumer", 7, 4, false},
        {"other seed", 8, 3, false},
        {"seed and consumer exchanged", 3, 7, false},
        {"seed that differs above 32 bits", 7 + (UINT64_C(1) << 40), 3, false},
        {"seed and consumer with the same sum", 6, 4, false},
    };
    for (size_t r = 0; r < sizeof(row) / sizeof(row[0]); r++) {
        struct kl_noise a;
        struct kl_noise b;
        kl_noise_init(&a, 7, 3);
        kl_noise_init(&b, row[r].seed, row[r].consumer);
        int equal = 0;
        for (int i = 0; i < 100; i++) {
            equal += kl_noise_gaussian(&a, 1) == kl_noise_gaussian(&b, 1);
        }
        cr_expect_eq(equal == 100, row[r].same, "row %zu (%s): %d equal", r, row[r].legend, equal);
        cr_expect(row[r].same || equal < 3, "row %zu (%s): %d equal", r, row[r].legend, equal);
    }
}

Test(noise, goes_on_in_a_copy_where_the_original_was)
{
    struct kl_noise noise;
    kl_noise_init(&noise, 5, 0);
    (void)kl_noise_gaussian(&noise, 1);
    struct kl_noise copy = noise;
    for (int i = 0; i < 2000; i++) {
        cr_assert_eq(kl_noise_gaussian(&noise, 1), kl_noise_gaussian(&copy, 1));
    }
}

#include "process/steps/number.h"
#include "process/steps/step_record.h"

#include <criterion/criterion.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct kl_step example(void)
{
    struct kl_step step = {.index = 12,
                           .stream = 1,
                           .side = KL_SIDE_LEFT,
                           .contact_ns = 5200000000.25,
                           .off_ns = 5.445e9,
                           .valid = true,
                           .reasons = KL_REASON_DRIFT_STEP,
                           .loading_rule = KL_LOADING_P13,
                           .body_weight_n = 686.4655,
                           .speed_m_s = 3};
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        step.metric[m] = 0.1 * (m + 1);
    }
    step.metric[KL_METRIC_VALR] = 0;
    step.metric_reasons[KL_METRIC_VALR] = KL_REASON_NOISE | KL_REASON_CUT;
    return step;
}

Test(step_record, a_step_is_one_line_with_exact_numbers)
{
    struct kl_step step = example();
    char line[KL_RECORD_MAX];
    size_t n = kl_step_record(&step, line, sizeof(line));
    const char *head = "step index=12 plate=1 side=left contact_ns=5200000000.25 off_ns=5445000000 "
                       "valid=1 reasons=0x100 loading_rule=1 body_weight_n=686.46550000000002 "
                       "speed_m_s=3 contact_time=0.10000000000000001 ";
    cr_expect_eq(n, strlen(line));
    cr_expect_eq(strncmp(line, head, strlen(head)), 0, "%s", line);
    cr_expect_not_null(strstr(line, " valr=!0x201 "));
    cr_expect_null(strchr(line, '\n'));
}

Test(step_record, the_longest_line_fits)
{
    struct kl_step step = {.index = UINT32_MAX,
                           .stream = SIZE_MAX,
                           .contact_ns = -1.2345678901234567e-300,
                           .reasons = UINT32_MAX};
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        step.metric[m] = -1.2345678901234567e-300;
    }
    char line[KL_RECORD_MAX];
    cr_expect_lt(kl_step_record(&step, line, sizeof(line)), KL_RECORD_MAX - 1);
    char tiny[8];
    cr_expect_eq(kl_step_record(&step, tiny, sizeof(tiny)), 7);
}

Test(step_record, a_flag_is_one_line)
{
    struct kl_rule rule = {.factor = KL_FACTOR_FOOTWEAR, .indicator = "valr_high"};
    struct kl_flag flag = {.rule = 3,
                           .side = KL_SIDE_RIGHT,
                           .state = KL_FLAG_AMBER,
                           .high = true,
                           .value = 92.5,
                           .ci_low = 90,
                           .ci_high = 95,
                           .steps = 60,
                           .t_ns = 1.5e11,
                           .step = 400};
    char line[KL_RECORD_MAX];
    (void)kl_flag_record(&rule, &flag, line, sizeof(line));
    cr_expect_str_eq(line, "flag rule=3 factor=footwear indicator=valr_high side=right state=amber "
                           "high=1 value=92.5 ci_low=90 ci_high=95 steps=60 step=400 "
                           "t_ns=150000000000");
}

Test(step_record, numbers_come_back_bit_by_bit_and_do_not_follow_the_locale)
{
    const double rows[] = {0.1,  -0.0,   1.0 / 3, DBL_MIN, DBL_MAX, 5e-324, 123456789012.123,
                           1e22, -2.5e-7};
    char text[KL_NUMBER_TEXT_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double back = strtod(kl_number_exact(rows[i], text, sizeof(text)), NULL);
        cr_expect_eq(memcmp(&back, &rows[i], sizeof(back)), 0, "row %zu: %s", i, text);
    }
    cr_expect_str_eq(kl_number_exact(-(double)NAN, text, sizeof(text)), "nan");
    cr_expect_str_eq(kl_number_exact(-HUGE_VAL, text, sizeof(text)), "-inf");
    cr_expect_str_eq(kl_number_rounded(-0.04, 1, text, sizeof(text)), "0.0");
    cr_expect_str_eq(kl_number_rounded(-2.25, 1, text, sizeof(text)), "-2.2");
    if (setlocale(LC_ALL, "de_DE.UTF-8") != NULL) { /* where it is installed */
        cr_expect_str_eq(kl_number_exact(0.5, text, sizeof(text)), "0.5");
    }
}

Test(step_record, digest_is_fnv1a_and_due_every_hundred_lines)
{
    /* FNV-1a 64 of "a\n" by the definition: ((offset ^ 'a') p ^ '\n') p. */
    struct kl_record_digest digest = kl_record_digest_init();
    cr_expect_eq(digest.hash, UINT64_C(0xcbf29ce484222325)); /* of nothing: published */
    cr_expect_not(kl_record_digest_add(&digest, "a"));
    uint64_t a = UINT64_C(0xaf63dc4c8601ec8c); /* of "a": published test vector */
    cr_expect_eq(digest.hash, (a ^ '\n') * UINT64_C(0x100000001b3));
    for (int i = 2; i < 100; i++) {
        cr_expect_not(kl_record_digest_add(&digest, "a"));
    }
    cr_expect(kl_record_digest_add(&digest, "a"));
    char line[100];
    (void)kl_record_digest_line(&digest, line, sizeof(line));
    cr_expect_eq(strncmp(line, "digest lines=100 fnv1a=", 23), 0);
    cr_expect_eq(strlen(line), 39);
}

Test(step_record, comparison_names_the_first_field_that_differs)
{
    struct kl_step step = example(), other = example();
    char a[KL_RECORD_MAX], b[KL_RECORD_MAX], field[40] = "-";
    (void)kl_step_record(&step, a, sizeof(a));
    cr_expect(kl_record_equal(a, a, 0, field, sizeof(field)));
    cr_expect_str_eq(field, "-");
    other.metric[KL_METRIC_VILR] *= 1 + 1e-12;
    (void)kl_step_record(&other, b, sizeof(b));
    cr_expect_not(kl_record_equal(a, b, 0, field, sizeof(field)));
    cr_expect_str_eq(field, "vilr");
    cr_expect(kl_record_equal(a, b, 1e-9, field, sizeof(field)));
    other.metric[KL_METRIC_VILR] *= 1 + 1e-8;
    (void)kl_step_record(&other, b, sizeof(b));
    cr_expect_not(kl_record_equal(a, b, 1e-9, field, sizeof(field)));
    other = example();
    other.metric_reasons[KL_METRIC_VALR] = 0;
    (void)kl_step_record(&other, b, sizeof(b));
    cr_expect_not(kl_record_equal(a, b, 1e-9, field, sizeof(field)));
    cr_expect_str_eq(field, "valr");
    cr_expect_not(kl_record_equal("step index=1", "step index=1 side=left", 0, field, 40));
    cr_expect_str_eq(field, "side");
    cr_expect_not(kl_record_equal("", "x", 0, field, 40));
    cr_expect(kl_record_equal("a=1.5e3", "a=1500.0000000001", 1e-9, field, 40));
    cr_expect_not(kl_record_equal("a=nan", "a=1", 1e-9, field, 40));
}

Test(step_record, every_reason_has_its_own_words)
{
    for (unsigned i = 0; i < KL_REASON_COUNT; i++) {
        const char *text = kl_reason_text((enum kl_reason)(1u << i));
        cr_expect_str_neq(text, "unknown reason", "bit %u", i);
        cr_expect_gt(strlen(text), 2);
        for (unsigned k = 0; k < i; k++) {
            cr_expect_str_neq(text, kl_reason_text((enum kl_reason)(1u << k)), "%u %u", i, k);
        }
    }
    cr_expect_str_eq(kl_reason_text((enum kl_reason)(1u << KL_REASON_COUNT)), "unknown reason");
}

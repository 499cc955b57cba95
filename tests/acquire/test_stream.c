#include "acquire/stream.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

Test(stream, every_status_has_its_own_words)
{
    for (int status = KL_OK; status >= KL_ERR_UNSUPPORTED; status--) {
        cr_expect_str_neq(kl_status_text(status), "unknown status", "status %d", status);
        for (int other = status - 1; other >= KL_ERR_UNSUPPORTED; other--) {
            cr_expect_str_neq(kl_status_text(status), kl_status_text(other));
        }
    }
    cr_expect_str_eq(kl_status_text(KL_ERR_UNSUPPORTED - 1), "unknown status");
    cr_expect_str_eq(kl_status_text(1), "unknown status");
}

Test(stream, seconds_hold_nanoseconds_exactly_for_thirty_days)
{
    const int64_t day_ns = 86400 * KL_NS_PER_S;
    for (int64_t t = KL_EPOCH_NS; t < 30 * day_ns; t += day_ns / 7 + 1) {
        cr_assert_eq(kl_nanoseconds(kl_seconds(t)), t);
    }
}

Test(stream, rounding_gives_what_storage_gives_back)
{
    cr_expect_eq(kl_format_round(KL_FORMAT_FLOAT32, 0.1), (double)0.1f);
    cr_expect_eq(kl_format_round(KL_FORMAT_DOUBLE64, 0.1), 0.1);
    cr_expect_eq(kl_format_round(KL_FORMAT_INT16, 2.5), 2.0);
    cr_expect_eq(kl_format_round(KL_FORMAT_INT16, 40000.0), 32767.0);
    cr_expect_not(signbit(kl_format_round(KL_FORMAT_INT16, -0.2)), "integers have no -0");
    cr_expect_eq(kl_format_round(KL_FORMAT_INT32, -3e9), -2147483648.0);
}

Test(stream, a_fault_carries_its_status_and_words)
{
    struct kl_fault fault;
    cr_expect_eq(kl_fault(&fault, KL_ERR_IO, "%s:%d", "file", 3), KL_ERR_IO);
    cr_expect_str_eq(fault.text, "file:3");
    cr_expect_eq(kl_fault(NULL, KL_ERR_DATA, "ignored"), KL_ERR_DATA);
}

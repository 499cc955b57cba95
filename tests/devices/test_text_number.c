#include "devices/text_number.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(text_number, agrees_with_the_c_library)
{
    /* oracle: strtod in the C locale; exact where both steps are exact, else 2 units of the last
     * place */
    static const char *const exact[] = {"0",      "-0",     "1",       "-1.5",  "+2.25",
                                        "12.345", ".5",     "5.",      "1e3",   "1E-3",
                                        "1e+22",  "-7.655", "9.80665", "1e-22", "123456789012345"};
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        double value = (double)NAN;
        cr_expect(kl_text_number(exact[i], strlen(exact[i]), &value), "%s", exact[i]);
        cr_expect_eq(value, strtod(exact[i], NULL), "%s", exact[i]);
    }
    uint64_t seed = 99;
    for (int i = 0; i < 100000; i++) {
        char text[64];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double mantissa = (double)(int64_t)seed / 9.3e18;
        (void)snprintf(text, sizeof(text), "%.*fe%d", (int)(seed % 17) + 1, mantissa,
                       (int)(seed >> 40 & 511) - 256);
        double value = (double)NAN, expected = strtod(text, NULL);
        cr_assert(kl_text_number(text, strlen(text), &value), "%s", text);
        cr_assert(fabs(value - expected) <= fabs(expected) * 4.5e-16, "%s: %.17g", text, value);
    }
}

Test(text_number, takes_nothing_else)
{
    static const char *const wrong[] = {"",      " ",     "-",    "+",   ".",    "e5",  "1e",
                                        "1e+",   "1,5",   "0x10", "nan", "inf",  "1 2", "--1",
                                        "1.2.3", "1e400", "abc",  "1a",  "1e1.5"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        double value = 7;
        cr_expect(!kl_text_number(wrong[i], strlen(wrong[i]), &value), "\"%s\"", wrong[i]);
        cr_expect_eq(value, 7, "untouched");
    }
    double value = 7;
    cr_expect(kl_text_number("12345", 2, &value) && value == 12, "the length rules");
    cr_expect(kl_text_number(" 1e-400 ", 8, &value) && value == 0);
}

Test(text_number, reads_whole_numbers_up_to_64_bits)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } table[] = {
        {"0", true, 0},
        {"4294967295", true, 4294967295u},
        {" 12 ", true, 12},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"-1", false, 0},
        {"1.0", false, 0},
        {"", false, 0},
        {"1x", false, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t value = 0;
        cr_expect_eq(kl_text_whole(table[i].text, strlen(table[i].text), &value), table[i].good,
                     "\"%s\"", table[i].text);
        cr_expect_eq(value, table[i].value, "\"%s\"", table[i].text);
    }
}

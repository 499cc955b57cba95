#include "acquire/formats/number.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

/* Longer numbers are no measurement. */
#define NUMBER_MAX 128

/* Up to here an integer is exact in a double, and so are the powers of ten below: one
 * multiplication or division then rounds correctly (Clinger 1990, fast path). */
#define EXACT_INTEGER_MAX (UINT64_C(1) << 53)
#define EXACT_POWER_MAX 22
#define MANTISSA_DIGITS_MAX 19 /* fit uint64_t */
#define EXPONENT_MAX 9999      /* beyond any double; keeps the sum from overflowing */

static const double power_of_ten[EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* The parts of a number as written. */
struct parts {
    bool negative;
    uint64_t mantissa; /* the first 19 significant digits */
    int digits;        /* significant digits seen */
    int exponent;      /* power of ten of the mantissa */
};

static size_t take_digits(const char *text, size_t len, size_t at, bool fraction, struct parts *p)
{
    for (; at < len && text[at] >= '0' && text[at] <= '9'; at++) {
        unsigned digit = (unsigned)(text[at] - '0');
        if (p->digits == 0 && digit == 0) {
            p->exponent -= fraction; /* leading zeros carry no information but their place */
            continue;
        }
        if (p->digits < MANTISSA_DIGITS_MAX) {
            p->mantissa = p->mantissa * 10 + digit;
            p->exponent -= fraction;
        } else {
            p->exponent += !fraction;
        }
        p->digits++;
    }
    return at;
}

static bool take_exponent(const char *text, size_t len, size_t at, struct parts *p)
{
    bool negative = at < len && text[at] == '-';
    if (at < len && (text[at] == '-' || text[at] == '+')) {
        at++;
    }
    if (at == len) {
        return false;
    }
    int exponent = 0;
    for (; at < len; at++) {
        if (text[at] < '0' || text[at] > '9') {
            return false;
        }
        if (exponent < EXPONENT_MAX) {
            exponent = exponent * 10 + (text[at] - '0');
        }
    }
    p->exponent += negative ? -exponent : exponent;
    return true;
}

static bool take_parts(const char *text, size_t len, char decimal, struct parts *p)
{
    size_t at = 0;
    if (at < len && (text[at] == '-' || text[at] == '+')) {
        p->negative = text[at++] == '-';
    }
    size_t begin = at;
    at = take_digits(text, len, at, false, p);
    size_t digits = at - begin;
    if (at < len && text[at] == decimal) {
        begin = ++at;
        at = take_digits(text, len, at, true, p);
        digits += at - begin;
    }
    if (digits == 0) {
        return false;
    }
    if (at == len) {
        return true;
    }
    return (text[at] == 'e' || text[at] == 'E') && take_exponent(text, len, at + 1, p);
}

/* The slow, always correct way, for numbers the fast path would not round correctly. */
static double slow_number(const char *text, size_t len, char decimal)
{
    char copy[NUMBER_MAX + 1];
    for (size_t i = 0; i < len; i++) {
        copy[i] = text[i] == decimal ? '.' : text[i];
    }
    copy[len] = 0;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    locale_t before = uselocale(c);
    double value = strtod(copy, NULL);
    (void)uselocale(before);
    if (c != (locale_t)0) {
        freelocale(c);
    }
    return value;
}

bool kl_number(const char *text, size_t len, char decimal, double *out)
{
    struct parts p = {0};
    if (len > NUMBER_MAX || !take_parts(text, len, decimal, &p)) {
        return false;
    }
    double value = (double)p.mantissa;
    if (p.mantissa == 0 && p.digits == 0) {
        value = 0.0;
    } else if (p.digits <= MANTISSA_DIGITS_MAX && p.mantissa <= EXACT_INTEGER_MAX &&
               p.exponent >= -EXACT_POWER_MAX && p.exponent <= EXACT_POWER_MAX) {
        value =
            p.exponent < 0 ? value / power_of_ten[-p.exponent] : value * power_of_ten[p.exponent];
    } else {
        value = fabs(slow_number(text, len, decimal));
    }
    if (!isfinite(value)) {
        return false;
    }
    *out = p.negative ? -value : value;
    return true;
}

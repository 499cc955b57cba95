#include "devices/text_number.h"

#include <math.h>
#include <string.h>

#define EXPONENT_MAX 400        /* beyond, a double is 0 or infinite whatever the digits */
#define MANTISSA_FULL 100000000 /* in units of 1e10: the next digit may not fit 64 bits */
#define EXACT_POWER 22          /* 10^22 is the last power of ten a double holds exactly */

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t')) {
        (*len)--;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits read so far: value = mantissa * 10^exponent. */
struct digits {
    uint64_t mantissa;
    int exponent;
    size_t count;
};

static size_t read_digits(struct digits *digits, const char *text, size_t len, bool fraction)
{
    size_t i = 0;
    for (; i < len && is_digit(text[i]); i++) {
        bool fits = digits->mantissa < (uint64_t)MANTISSA_FULL * 10000000000U;
        if (fits) {
            digits->mantissa = digits->mantissa * 10 + (uint64_t)(text[i] - '0');
        }
        if (fits && fraction) {
            digits->exponent -= digits->exponent > -EXPONENT_MAX * 4;
        } else if (!fits && !fraction) {
            digits->exponent += digits->exponent < EXPONENT_MAX * 4;
        }
        digits->count++;
    }
    return i;
}

/* What follows the 'e'. */
static bool read_exponent(const char *text, size_t len, int *exponent)
{
    bool negative = len > 0 && text[0] == '-';
    size_t i = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (i == len) {
        return false;
    }
    int value = 0;
    for (; i < len; i++) {
        if (!is_digit(text[i])) {
            return false;
        }
        value = value < EXPONENT_MAX * 10 ? value * 10 + (text[i] - '0') : value;
    }
    *exponent += negative ? -value : value;
    return true;
}

static double scaled(const struct digits *digits)
{
    static const double power[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double mantissa = (double)digits->mantissa;
    int e = digits->exponent;
    if (e >= -EXACT_POWER && e <= EXACT_POWER) {
        return e < 0 ? mantissa / power[-e] : mantissa * power[e];
    }
    e = e < -EXPONENT_MAX ? -EXPONENT_MAX : e > EXPONENT_MAX ? EXPONENT_MAX : e;
    return (double)((long double)mantissa * powl(10.0L, (long double)e));
}

bool kl_text_number(const char *text, size_t len, double *out)
{
    trim(&text, &len);
    bool negative = len > 0 && text[0] == '-';
    size_t i = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    struct digits digits = {0};
    i += read_digits(&digits, text + i, len - i, false);
    if (i < len && text[i] == '.') {
        i++;
        i += read_digits(&digits, text + i, len - i, true);
    }
    if (digits.count == 0) {
        return false;
    }
    if (i < len) {
        bool has_exponent = text[i] == 'e' || text[i] == 'E';
        if (!has_exponent || !read_exponent(text + i + 1, len - i - 1, &digits.exponent)) {
            return false;
        }
    }
    double value = digits.mantissa == 0 ? 0 : scaled(&digits);
    if (!isfinite(value)) {
        return false;
    }
    *out = negative ? -value : value;
    return true;
}

bool kl_text_whole(const char *text, size_t len, uint64_t *out)
{
    trim(&text, &len);
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (!is_digit(text[i]) || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (len == 0) {
        return false;
    }
    *out = value;
    return true;
}

size_t kl_text_word(const char **text, const char **word)
{
    static const char between[] = " \t,";
    *word = *text + strspn(*text, between);
    size_t len = strcspn(*word, between);
    *text = *word + len;
    return len;
}

#include "acquire/decimal.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static locale_t point_locale;
static pthread_once_t point_once = PTHREAD_ONCE_INIT;

static void point_create(void)
{
    point_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
}

/* Switches this thread to the decimal point; the result goes to uselocale() afterwards. */
static locale_t point_enter(void)
{
    (void)pthread_once(&point_once, point_create);
    return uselocale(point_locale);
}

size_t kl_decimal_write(double value, char out[KL_DECIMAL_MAX])
{
    locale_t before = point_enter();
    int len = snprintf(out, KL_DECIMAL_MAX, "%.17g", value);
    (void)uselocale(before);
    return (size_t)len;
}

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t\r\n");
}

bool kl_decimal_read_list(const char *text, double *value, size_t count)
{
    locale_t before = point_enter();
    bool good = true;
    for (size_t i = 0; i < count && good; i++) {
        char *end = NULL;
        double number = strtod(text, &end);
        good = end != text && (*end == '\0' || skip_space(end) != end);
        if (good) {
            value[i] = number;
            text = end;
        }
    }
    (void)uselocale(before);
    return good && *skip_space(text) == '\0';
}

bool kl_decimal_read(const char *text, double *value)
{
    double number = 0;
    if (!kl_decimal_read_list(text, &number, 1)) {
        return false;
    }
    *value = number;
    return true;
}

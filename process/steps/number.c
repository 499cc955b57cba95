#include "process/steps/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What printf writes besides the locale's decimal sign (which may take several bytes). */
static bool is_number_byte(char c)
{
    return c != '\0' && strchr("0123456789+-eainf", c) != NULL;
}

static char *with_point(char *text)
{
    size_t to = 0;
    for (size_t from = 0; text[from] != '\0'; from++) {
        if (is_number_byte(text[from])) {
            text[to++] = text[from];
        } else if (to > 0 && text[to - 1] != '.') {
            text[to++] = '.';
        }
    }
    text[to] = '\0';
    return text;
}

char *kl_number_exact(double value, char *out, size_t len)
{
    if (isnan(value)) { /* printf may write a sign and a payload */
        (void)snprintf(out, len, "nan");
        return out;
    }
    (void)snprintf(out, len, "%.17g", value);
    return with_point(out);
}

char *kl_number_rounded(double value, int decimals, char *out, size_t len)
{
    (void)snprintf(out, len, "%.*f", decimals, value);
    with_point(out);
    if (out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1)) {
        memmove(out, out + 1, strlen(out));
    }
    return out;
}

#include "vectors.h"

#include "driver_run.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t vectors_read(const char *device, struct vector *out, size_t cap)
{
    static char line[8192];
    size_t count = 0;
    FILE *file = fopen(KL_DATA "/../protocols/imu_vectors.tsv", "r");
    while (file != NULL && count < cap && fgets(line, sizeof(line), file) != NULL) {
        char *column[6];
        char *rest = line;
        size_t n = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *tab = line; n < 6 && tab != NULL; n++) {
            column[n] = rest;
            tab = strchr(rest, '\t');
            if (tab != NULL) {
                *tab = '\0';
                rest = tab + 1;
            }
        }
        if (n != 6 || strcmp(column[0], device) != 0) {
            continue;
        }
        struct vector *vector = &out[count++];
        (void)snprintf(vector->id, sizeof(vector->id), "%s", column[1]);
        (void)snprintf(vector->kind, sizeof(vector->kind), "%s", column[2]);
        vector->len = hex_bytes(column[4], vector->bytes, sizeof(vector->bytes));
        (void)snprintf(vector->expected, sizeof(vector->expected), "%s", column[5]);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

size_t vectors_numbers(const char *expected, const char *name, double *out, size_t cap)
{
    size_t len = strlen(name);
    for (const char *at = expected; (at = strstr(at, name)) != NULL; at += len) {
        bool begins = at == expected || at[-1] == ' ' || at[-1] == ';';
        if (!begins || at[len] != '=') {
            continue;
        }
        const char *text = at + len + 1;
        size_t count = 0;
        for (char *end = NULL; count < cap; text = end) {
            /* strtod reads hexadecimal too, as in status=0x00400003 */
            double value = strtod(text, &end);
            if (end == text || *text == ';') {
                break;
            }
            out[count++] = value;
        }
        return count;
    }
    return 0;
}

bool vectors_agree(const struct vector *vector, const char *name, const double *found)
{
    double expected[16];
    size_t count = vectors_numbers(vector->expected, name, expected, 16);
    bool agree = true;
    for (size_t i = 0; i < count; i++) {
        bool near = fabs(found[i] - expected[i]) <= VECTORS_TOLERANCE * fabs(expected[i]);
        cr_expect(near, "%s: %s[%zu] is %.9g, expected %.9g", vector->id, name, i, found[i],
                  expected[i]);
        agree &= near;
    }
    return agree;
}

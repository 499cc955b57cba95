#include "devices/number_line.h"
#include "devices/text_number.h"
#include "devices/units.h"

#include <stdio.h>
#include <string.h>

static const struct kl_line_column bimu[] = {
    {"ax", "ax", "m/s2", NULL},  {"ay", "ay", "m/s2", NULL},     {"az", "az", "m/s2", NULL},
    {"gx", "wx", "rad/s", NULL}, {"gy", "wy", "rad/s", NULL},    {"gz", "wz", "rad/s", NULL},
    {"mx", "mx", "T", NULL},     {"my", "my", "T", NULL},        {"mz", "mz", "T", NULL},
    {"qw", "qw", "1", NULL},     {"qx", "qx", "1", NULL},        {"qy", "qy", "1", NULL},
    {"qz", "qz", "1", NULL},     {"temp", "temp", "degC", NULL}, {"sync", "sync", "1", NULL},
    {NULL, NULL, NULL, NULL},
};

/* SparkFun OpenLog_Artemis, SENSOR_UNITS.md */
static const struct kl_line_column openlog[] = {
    {"aX", "ax", "m/s2", "mg"},     {"aY", "ay", "m/s2", "mg"},
    {"aZ", "az", "m/s2", "mg"},     {"gX", "wx", "rad/s", "deg/s"},
    {"gY", "wy", "rad/s", "deg/s"}, {"gZ", "wz", "rad/s", "deg/s"},
    {"mX", "mx", "T", "uT"},        {"mY", "my", "T", "uT"},
    {"mZ", "mz", "T", "uT"},        {"imu_degC", "temp", "degC", "degC"},
    {NULL, NULL, NULL, NULL},
};

static const struct unit {
    const char *said, *si;
    double scale;
} units[] = {
    {"m/s2", "m/s2", 1},
    {"g", "m/s2", KL_STANDARD_GRAVITY_M_S2},
    {"mg", "m/s2", KL_STANDARD_GRAVITY_M_S2 / 1000},
    {"rad/s", "rad/s", 1},
    {"deg/s", "rad/s", KL_RAD_PER_DEG},
    {"T", "T", 1},
    {"uT", "T", 1e-6},
    {"G", "T", 1e-4},
    {"degC", "degC", 1},
    {"1", "1", 1},
    {"0/1", "1", 1},
    {"", "1", 1},
};

const struct kl_line_column *kl_line_columns(enum kl_line_format format)
{
    return format == KL_LINE_OPENLOG ? openlog : bimu;
}

bool kl_field_is(const struct kl_field *field, const char *word)
{
    return field->len == strlen(word) && memcmp(field->text, word, field->len) == 0;
}

size_t kl_line_split(const char *line, size_t len, const char *separators,
                     struct kl_field field[KL_FIELDS_MAX])
{
    size_t count = 0, start = 0;
    bool blanks = strchr(separators, ' ') != NULL; /* several count as one */
    for (size_t i = 0; i <= len; i++) {
        if (i < len && (line[i] == '\0' || strchr(separators, line[i]) == NULL)) {
            continue;
        }
        if (i > start || !blanks) {
            if (count == KL_FIELDS_MAX) {
                return KL_FIELDS_MAX + 1;
            }
            field[count++] = (struct kl_field){line + start, i - start};
        }
        start = i + 1;
    }
    return count;
}

static const struct unit *unit_of(const struct kl_field *said, const char *si)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (kl_field_is(said, units[i].said) && strcmp(units[i].si, si) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* "name:unit" */
static bool column_fits(const struct kl_field *field, const char *name, struct kl_field *said)
{
    const char *colon = memchr(field->text, ':', field->len);
    size_t len = colon != NULL ? (size_t)(colon - field->text) : field->len;
    const struct kl_field title = {field->text, len};
    *said = colon != NULL ? (struct kl_field){colon + 1, field->len - len - 1}
                          : (struct kl_field){field->text, 0};
    return kl_field_is(&title, name);
}

enum { HEAD_ID = 2, HEAD_RATE = 3, HEAD_UNIT = 4, HEAD_COLUMNS = 5, DATA_COLUMNS = 4 };

static int bind_column(struct kl_line_header *header, const struct kl_field *field, size_t fields,
                       const struct kl_line_column *wanted, size_t c, struct kl_fault *fault)
{
    for (size_t i = HEAD_COLUMNS; i < fields; i++) {
        struct kl_field said;
        if (!column_fits(&field[i], wanted->name, &said)) {
            continue;
        }
        const struct unit *unit = unit_of(&said, wanted->unit);
        if (unit == NULL) {
            return kl_fault(fault, KL_ERR_DATA,
                            "number_line: the header gives %s in \"%.*s\", which is no unit of it; "
                            "mend the board's header",
                            wanted->name, (int)said.len, said.text);
        }
        header->field[c] = i - HEAD_COLUMNS + DATA_COLUMNS;
        header->scale[c] = unit->scale;
        return KL_OK;
    }
    return kl_fault(fault, KL_ERR_DATA,
                    "number_line: the header has no column %s; leave it out of columns",
                    wanted->name);
}

int kl_line_bind_bimu(struct kl_line_header *header, const struct kl_field *field, size_t fields,
                      const struct kl_line_column *const *wanted, size_t channels,
                      struct kl_fault *fault)
{
    header->bound = false;
    if (fields < HEAD_COLUMNS + 1 || !kl_field_is(&field[1], "1") ||
        !kl_field_is(&field[HEAD_UNIT], "us") ||
        !kl_text_number(field[HEAD_RATE].text, field[HEAD_RATE].len, &header->rate_hz)) {
        return kl_fault(fault, KL_ERR_DATA,
                        "number_line: expected a header of version 1 with its rate and time in us");
    }
    size_t id_len =
        field[HEAD_ID].len < sizeof(header->id) ? field[HEAD_ID].len : sizeof(header->id) - 1;
    memcpy(header->id, field[HEAD_ID].text, id_len);
    header->id[id_len] = '\0';
    header->fields = fields - HEAD_COLUMNS + DATA_COLUMNS;
    for (size_t c = 0; c < channels; c++) {
        int status = bind_column(header, field, fields, wanted[c], c, fault);
        if (status != KL_OK) {
            return status;
        }
    }
    header->bound = true;
    return KL_OK;
}

int kl_line_bind_openlog(struct kl_line_header *header, const struct kl_field *field, size_t fields,
                         const struct kl_line_column *const *wanted, size_t channels)
{
    header->bound = false;
    header->count_field = 0;
    if (fields > 0 && field[fields - 1].len == 0) {
        fields--; /* the trailing comma */
    }
    for (size_t c = 0; c < channels; c++) {
        header->field[c] = fields;
        for (size_t i = 0; i < fields; i++) {
            if (kl_field_is(&field[i], wanted[c]->name)) {
                header->field[c] = i;
            }
        }
        if (header->field[c] == fields) {
            return KL_ERR_DATA;
        }
        const struct kl_field said = {wanted[c]->said, strlen(wanted[c]->said)};
        header->scale[c] = unit_of(&said, wanted[c]->unit)->scale;
    }
    for (size_t i = 0; i < fields; i++) {
        header->count_field = kl_field_is(&field[i], "count") ? i + 1 : header->count_field;
    }
    header->count_may_follow = fields > 0 && kl_field_is(&field[fields - 1], "output_Hz");
    header->fields = fields;
    header->bound = true;
    return KL_OK;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool kl_line_sentence(const char *line, size_t len, struct kl_field *payload)
{
    size_t start = len;
    while (start > 0 && line[start - 1] != '$') {
        start--;
    }
    if (start == 0 || len < start + 3 || line[len - 3] != '*') {
        return false;
    }
    int high = hex_digit(line[len - 2]), low = hex_digit(line[len - 1]);
    unsigned sum = 0;
    for (size_t i = start; i < len - 3; i++) {
        sum ^= (uint8_t)line[i];
    }
    *payload = (struct kl_field){line + start, len - 3 - start};
    return high >= 0 && low >= 0 && sum == (unsigned)(high * 16 + low);
}

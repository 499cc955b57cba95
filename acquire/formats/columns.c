#include "acquire/formats/columns.h"

#include "acquire/yaml.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const double standard_gravity_m_s2 = 9.80665; /* CGPM 1901; g of the whole program */

/* ---------------------------------------------------------------- schema */

static const cyaml_strval_t component_words[] = {
    {"fx", KL_COMPONENT_FX},
    {"fy", KL_COMPONENT_FY},
    {"fz", KL_COMPONENT_FZ},
    {"mx", KL_COMPONENT_MX},
    {"my", KL_COMPONENT_MY},
    {"mz", KL_COMPONENT_MZ},
    {"cop_x", KL_COMPONENT_COP_X},
    {"cop_z", KL_COMPONENT_COP_Z},
    {"free_moment", KL_COMPONENT_FREE_MOMENT},
};
static const cyaml_strval_t kind_words[] = {
    {"force", KL_KIND_FORCE},         {"imu", KL_KIND_IMU},     {"emg", KL_KIND_EMG},
    {"treadmill", KL_KIND_TREADMILL}, {"other", KL_KIND_OTHER},
};
static const cyaml_strval_t side_words[] = {
    {"unknown", KL_SIDE_UNKNOWN}, {"left", KL_SIDE_LEFT}, {"right", KL_SIDE_RIGHT}};
static const cyaml_strval_t layout_words[] = {{"columns", KL_LAYOUT_COLUMNS},
                                              {"rows", KL_LAYOUT_ROWS}};
static const cyaml_strval_t header_words[] = {{"auto", 0}, {"yes", 1}, {"no", -1}};
static const cyaml_strval_t separator_words[] = {
    {"auto", 0}, {"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"space", ' '}};
static const cyaml_strval_t decimal_words[] = {{"auto", 0}, {"point", '.'}, {"comma", ','}};
static const cyaml_strval_t time_words[] = {{"s", 0}, {"ms", 3}, {"us", 6}};

#define STRICT_OPTIONAL (CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL)
#define TEXT_OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

static const cyaml_schema_field_t channel_fields[] = {
    CYAML_FIELD_STRING_PTR("column", CYAML_FLAG_POINTER, struct kl_column, column, 1, 80),
    CYAML_FIELD_ENUM("component", STRICT_OPTIONAL, struct kl_column, component, component_words,
                     COUNT(component_words)),
    CYAML_FIELD_STRING_PTR("unit", CYAML_FLAG_POINTER, struct kl_column, unit, 1, KL_UNIT_MAX - 1),
    CYAML_FIELD_STRING_PTR("label", TEXT_OPTIONAL, struct kl_column, label, 1, KL_LABEL_MAX - 1),
    CYAML_FIELD_INT("sign", CYAML_FLAG_OPTIONAL, struct kl_column, sign),
    CYAML_FIELD_FLOAT("range", CYAML_FLAG_OPTIONAL, struct kl_column, range),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t channel_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct kl_column, channel_fields)};

static const cyaml_schema_field_t stream_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct kl_column_stream, name, 1,
                           KL_NAME_MAX - 1),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, struct kl_column_stream, kind, kind_words,
                     COUNT(kind_words)),
    CYAML_FIELD_ENUM("side", STRICT_OPTIONAL, struct kl_column_stream, side, side_words,
                     COUNT(side_words)),
    CYAML_FIELD_UINT("samples", CYAML_FLAG_OPTIONAL, struct kl_column_stream, samples),
    CYAML_FIELD_SEQUENCE("channels", CYAML_FLAG_POINTER, struct kl_column_stream, channels,
                         &channel_schema, 1, KL_CHANNELS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t stream_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct kl_column_stream, stream_fields)};

static const cyaml_schema_field_t columns_fields[] = {
    CYAML_FIELD_FLOAT("rate_hz", CYAML_FLAG_OPTIONAL, struct kl_columns, rate_hz),
    CYAML_FIELD_ENUM("layout", STRICT_OPTIONAL, struct kl_columns, layout, layout_words,
                     COUNT(layout_words)),
    CYAML_FIELD_UINT("skip_rows", CYAML_FLAG_OPTIONAL, struct kl_columns, skip_rows),
    CYAML_FIELD_ENUM("header", STRICT_OPTIONAL, struct kl_columns, header, header_words,
                     COUNT(header_words)),
    CYAML_FIELD_ENUM("separator", STRICT_OPTIONAL, struct kl_columns, separator, separator_words,
                     COUNT(separator_words)),
    CYAML_FIELD_ENUM("decimal", STRICT_OPTIONAL, struct kl_columns, decimal, decimal_words,
                     COUNT(decimal_words)),
    CYAML_FIELD_STRING_PTR("time", TEXT_OPTIONAL, struct kl_columns, time, 1, 80),
    CYAML_FIELD_ENUM("time_unit", STRICT_OPTIONAL, struct kl_columns, time_unit, time_words,
                     COUNT(time_words)),
    CYAML_FIELD_STRING_PTR("subject", TEXT_OPTIONAL, struct kl_columns, subject, 0, 40),
    CYAML_FIELD_FLOAT("mass_kg", CYAML_FLAG_OPTIONAL, struct kl_columns, mass_kg),
    CYAML_FIELD_FLOAT("height_m", CYAML_FLAG_OPTIONAL, struct kl_columns, height_m),
    CYAML_FIELD_FLOAT("speed_m_s", CYAML_FLAG_OPTIONAL, struct kl_columns, speed_m_s),
    CYAML_FIELD_FLOAT("gravity_m_s2", CYAML_FLAG_OPTIONAL, struct kl_columns, gravity_m_s2),
    CYAML_FIELD_SEQUENCE("streams", CYAML_FLAG_POINTER, struct kl_columns, streams, &stream_schema,
                         1, KL_STREAMS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t columns_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct kl_columns, columns_fields)};

/* ----------------------------------------------------------------- units */

enum quantity { QUANTITY_FORCE, QUANTITY_MOMENT, QUANTITY_LENGTH };

static const struct {
    const char *unit;
    double si; /* N, N·m or m per unit */
    enum quantity quantity;
    bool body_weight; /* times the runner's weight */
} units[] = {
    {"N", 1.0, QUANTITY_FORCE, false},      {"kN", 1e3, QUANTITY_FORCE, false},
    {"BW", 1.0, QUANTITY_FORCE, true},      {"N.m", 1.0, QUANTITY_MOMENT, false},
    {"N.mm", 1e-3, QUANTITY_MOMENT, false}, {"BW.m", 1.0, QUANTITY_MOMENT, true},
    {"m", 1.0, QUANTITY_LENGTH, false},     {"cm", 1e-2, QUANTITY_LENGTH, false},
    {"mm", 1e-3, QUANTITY_LENGTH, false},
};

/* What each component is, and its row in the two forms of a plate (-1: not in that form). */
static const struct {
    const char *text;
    enum quantity quantity;
    int wrench_row, point_row;
} components[KL_COMPONENT_COUNT] = {
    [KL_COMPONENT_NONE] = {"", QUANTITY_FORCE, -1, -1},
    [KL_COMPONENT_FX] = {"fx", QUANTITY_FORCE, KL_FX, KL_FX},
    [KL_COMPONENT_FY] = {"fy", QUANTITY_FORCE, KL_FY, KL_FY},
    [KL_COMPONENT_FZ] = {"fz", QUANTITY_FORCE, KL_FZ, KL_FZ},
    [KL_COMPONENT_MX] = {"mx", QUANTITY_MOMENT, KL_MX, -1},
    [KL_COMPONENT_MY] = {"my", QUANTITY_MOMENT, KL_MY, -1},
    [KL_COMPONENT_MZ] = {"mz", QUANTITY_MOMENT, KL_MZ, -1},
    [KL_COMPONENT_COP_X] = {"cop_x", QUANTITY_LENGTH, -1, KL_MX},
    [KL_COMPONENT_COP_Z] = {"cop_z", QUANTITY_LENGTH, -1, KL_MZ},
    [KL_COMPONENT_FREE_MOMENT] = {"free_moment", QUANTITY_MOMENT, -1, KL_MY},
};

const char *kl_component_text(enum kl_component component)
{
    return (unsigned)component < KL_COMPONENT_COUNT ? components[component].text : "";
}

/* The row of `units` for a component's unit, or COUNT(units). */
static size_t find_unit(enum kl_component component, const char *unit)
{
    size_t i = 0;
    while (i < COUNT(units) && (units[i].quantity != components[component].quantity ||
                                strcmp(units[i].unit, unit) != 0)) {
        i++;
    }
    return i;
}

/* ---------------------------------------------------------------- checks */

struct check {
    const char *name, *text;
    size_t len;
    const struct kl_columns *columns;
    struct kl_fault *fault;
};

#define FAIL(check, path, ...)                                                                     \
    kl_yaml_fault((check)->name, (check)->text, (check)->len, (path), (check)->fault, __VA_ARGS__)

static int check_numbers(const struct check *c)
{
    const struct kl_columns *k = c->columns;
    const struct {
        const char *key;
        double value, low, high;
    } rows[] = {
        {"rate_hz", k->rate_hz, 1.0, 100000.0},      {"mass_kg", k->mass_kg, 20.0, 300.0},
        {"height_m", k->height_m, 0.8, 2.6},         {"speed_m_s", k->speed_m_s, 0.1, 15.0},
        {"gravity_m_s2", k->gravity_m_s2, 9.7, 9.9},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].value != 0.0 &&
            !(rows[i].value >= rows[i].low && rows[i].value <= rows[i].high)) {
            return FAIL(c, rows[i].key, "found %g; allowed: %g to %g", rows[i].value, rows[i].low,
                        rows[i].high);
        }
    }
    if (k->rate_hz == 0.0 && k->time == NULL) {
        return FAIL(c, "",
                    "key 'rate_hz' is missing: samples per second, or name the column of "
                    "time stamps with 'time'");
    }
    if (k->layout == KL_LAYOUT_ROWS && (k->time != NULL || k->header > 0)) {
        return FAIL(c, k->time != NULL ? "time" : "header",
                    "layout rows holds one record per line: no time column, no header");
    }
    return KL_OK;
}

static int check_force_channel(const struct check *c, const char *path,
                               const struct kl_column_stream *stream, size_t channel)
{
    const struct kl_column *column = &stream->channels[channel];
    char key[80];
    if (column->component == KL_COMPONENT_NONE) {
        return FAIL(c, path,
                    "key 'component' is missing; a column of a force stream is one of fx, "
                    "fy, fz, mx, my, mz, cop_x, cop_z, free_moment");
    }
    for (size_t i = 0; i < channel; i++) {
        if (stream->channels[i].component == column->component) {
            (void)snprintf(key, sizeof(key), "%s.component", path);
            return FAIL(c, key, "'%s' is here twice", kl_component_text(column->component));
        }
    }
    (void)snprintf(key, sizeof(key), "%s.unit", path);
    size_t unit = find_unit(column->component, column->unit);
    if (unit == COUNT(units)) {
        static const char *const allowed[] = {"N, kN, BW", "N.m, N.mm, BW.m", "m, cm, mm"};
        return FAIL(c, key, "found '%s' for %s; allowed: %s", column->unit,
                    kl_component_text(column->component),
                    allowed[components[column->component].quantity]);
    }
    if (units[unit].body_weight && c->columns->mass_kg == 0.0) {
        return FAIL(c, key, "body weights need the runner's mass; add mass_kg at the top");
    }
    return KL_OK;
}

static bool has_component(const struct kl_column_stream *stream, enum kl_component from,
                          enum kl_component to)
{
    for (size_t i = 0; i < stream->channels_count; i++) {
        if (stream->channels[i].component >= from && stream->channels[i].component <= to) {
            return true;
        }
    }
    return false;
}

static int check_force_stream(const struct check *c, const char *path,
                              const struct kl_column_stream *stream)
{
    if (stream->channels_count > KL_PLATE_CHANNELS_MAX) {
        return FAIL(c, path, "a force stream has at most %d channels", KL_PLATE_CHANNELS_MAX);
    }
    if (!has_component(stream, KL_COMPONENT_FY, KL_COMPONENT_FY)) {
        return FAIL(c, path,
                    "no column is 'fy', the vertical force; steps cannot be found "
                    "without it");
    }
    if (has_component(stream, KL_COMPONENT_MX, KL_COMPONENT_MZ) &&
        has_component(stream, KL_COMPONENT_COP_X, KL_COMPONENT_FREE_MOMENT)) {
        return FAIL(c, path,
                    "moments (mx, my, mz) and centre of pressure (cop_x, cop_z, "
                    "free_moment) say the same; give one of them");
    }
    return KL_OK;
}

static int check_channel(const struct check *c, const char *path,
                         const struct kl_column_stream *stream, size_t channel)
{
    const struct kl_column *column = &stream->channels[channel];
    char key[80];
    if (column->sign != 0 && column->sign != 1 && column->sign != -1) {
        (void)snprintf(key, sizeof(key), "%s.sign", path);
        return FAIL(c, key, "found %d; allowed: 1, -1", column->sign);
    }
    if (column->range < 0) {
        (void)snprintf(key, sizeof(key), "%s.range", path);
        return FAIL(c, key, "found %g; the largest value the channel can show, above 0",
                    column->range);
    }
    if (stream->kind == KL_KIND_FORCE) {
        return check_force_channel(c, path, stream, channel);
    }
    if (column->component != KL_COMPONENT_NONE || column->sign == -1) {
        (void)snprintf(key, sizeof(key), "%s.%s", path,
                       column->component != KL_COMPONENT_NONE ? "component" : "sign");
        return FAIL(c, key, "only streams of kind force have components and signs");
    }
    return KL_OK;
}

static int check_streams(const struct check *c)
{
    int status = KL_OK;
    for (size_t s = 0; status == KL_OK && s < c->columns->streams_count; s++) {
        const struct kl_column_stream *stream = &c->columns->streams[s];
        char path[64];
        (void)snprintf(path, sizeof(path), "streams[%zu].name", s + 1);
        for (size_t i = 0; i < s; i++) {
            if (strcmp(c->columns->streams[i].name, stream->name) == 0) {
                return FAIL(c, path, "'%s' is the name of another stream too", stream->name);
            }
        }
        for (size_t i = 0; status == KL_OK && i < stream->channels_count; i++) {
            (void)snprintf(path, sizeof(path), "streams[%zu].channels[%zu]", s + 1, i + 1);
            status = check_channel(c, path, stream, i);
        }
        (void)snprintf(path, sizeof(path), "streams[%zu].channels", s + 1);
        if (status == KL_OK && stream->kind == KL_KIND_FORCE) {
            status = check_force_stream(c, path, stream);
        }
    }
    return status;
}

int kl_columns_parse(const char *name, const char *text, size_t len, struct kl_columns **out,
                     struct kl_fault *fault)
{
    void *loaded = NULL;
    int status = kl_yaml_parse(name, text, len, &columns_schema, &loaded, fault);
    if (status != KL_OK) {
        return status;
    }
    struct kl_columns *columns = loaded;
    struct check c = {name, text, len, columns, fault};
    status = check_numbers(&c);
    if (status == KL_OK) {
        status = check_streams(&c);
    }
    if (status != KL_OK) {
        kl_columns_free(columns);
        return status;
    }
    *out = columns;
    return KL_OK;
}

void kl_columns_free(struct kl_columns *columns)
{
    kl_yaml_free(&columns_schema, columns);
}

/* --------------------------------------------------------------- streams */

static struct kl_plate plate_of(const struct kl_columns *columns,
                                const struct kl_column_stream *stream)
{
    struct kl_plate plate = {.side = stream->side};
    bool point = has_component(stream, KL_COMPONENT_COP_X, KL_COMPONENT_FREE_MOMENT);
    double gravity = columns->gravity_m_s2 > 0 ? columns->gravity_m_s2 : standard_gravity_m_s2;
    plate.form = point ? KL_PLATE_POINT : KL_PLATE_WRENCH;
    for (size_t c = 0; c < stream->channels_count; c++) {
        const struct kl_column *column = &stream->channels[c];
        int row = point ? components[column->component].point_row
                        : components[column->component].wrench_row;
        size_t unit = find_unit(column->component, column->unit);
        double weight = units[unit].body_weight ? columns->mass_kg * gravity : 1.0;
        plate.matrix[row][c] = (column->sign < 0 ? -1.0 : 1.0) * units[unit].si * weight;
        plate.full_scale[c] = column->range;
        plate.measured |= 1u << row;
    }
    return plate;
}

struct kl_stream kl_columns_stream(const struct kl_columns *columns, size_t stream, double rate_hz)
{
    const struct kl_column_stream *s = &columns->streams[stream];
    struct kl_stream out = {.kind = s->kind,
                            .format = KL_FORMAT_DOUBLE64,
                            .rate_hz = rate_hz,
                            .channel_count = s->channels_count};
    (void)snprintf(out.name, sizeof(out.name), "%s", s->name);
    for (size_t c = 0; c < s->channels_count; c++) {
        const struct kl_column *column = &s->channels[c];
        const char *label = column->label != NULL      ? column->label
                            : s->kind == KL_KIND_FORCE ? kl_component_text(column->component)
                                                       : column->column;
        (void)snprintf(out.label[c], KL_LABEL_MAX, "%.*s", KL_LABEL_MAX - 1, label);
        (void)snprintf(out.unit[c], KL_UNIT_MAX, "%s", column->unit);
    }
    if (s->kind == KL_KIND_FORCE) {
        out.plate = plate_of(columns, s);
    }
    return out;
}

#include "app/lab_plate.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define WORD (CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL)

/* ------------------------------------------------------------------- schema */

static const cyaml_strval_t direction_words[] = {{"forward", 1}, {"backward", 2}, {"up", 3},
                                                 {"down", 4},    {"right", 5},    {"left", 6}};
static const cyaml_strval_t says_words[] = {{"reaction", KL_LAB_PLATE_SAYS_REACTION},
                                            {"load", KL_LAB_PLATE_SAYS_LOAD}};

static const cyaml_schema_value_t number_schema = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};
static const cyaml_schema_value_t corner_schema = {
    CYAML_VALUE_SEQUENCE_FIXED(CYAML_FLAG_DEFAULT, double, &number_schema, 2)};

static const cyaml_schema_field_t matrix_fields[] = {
#define FIELD(name)                                                                                \
    CYAML_FIELD_SEQUENCE(#name, OPTIONAL, struct kl_yaml_matrix, name, &number_schema, 1,          \
                         KL_PLATE_CHANNELS_MAX),
    KL_PLATE_ROWS(FIELD)
#undef FIELD
        CYAML_FIELD_END};

const cyaml_schema_field_t kl_lab_plate_fields[] = {
    CYAML_FIELD_MAPPING_PTR("matrix", OPTIONAL, struct kl_yaml_plate, matrix, matrix_fields),
    CYAML_FIELD_SEQUENCE("sensitivity", OPTIONAL, struct kl_yaml_plate, sensitivity, &number_schema,
                         1, KL_PLATE_CHANNELS_MAX),
    CYAML_FIELD_ENUM("x", WORD, struct kl_yaml_plate, x, direction_words, COUNT(direction_words)),
    CYAML_FIELD_ENUM("y", WORD, struct kl_yaml_plate, y, direction_words, COUNT(direction_words)),
    CYAML_FIELD_ENUM("z", WORD, struct kl_yaml_plate, z, direction_words, COUNT(direction_words)),
    CYAML_FIELD_SEQUENCE("origin_m", OPTIONAL, struct kl_yaml_plate, origin_m, &number_schema, 3,
                         3),
    CYAML_FIELD_MAPPING_PTR("sheet", OPTIONAL, struct kl_yaml_plate, sheet,
                            kl_lab_plate_sheet_fields),
    CYAML_FIELD_SEQUENCE("centre_m", OPTIONAL, struct kl_yaml_plate, centre_m, &number_schema, 2,
                         2),
    CYAML_FIELD_SEQUENCE("size_m", OPTIONAL, struct kl_yaml_plate, size_m, &number_schema, 2, 2),
    CYAML_FIELD_FLOAT_PTR("cover_m", OPTIONAL, struct kl_yaml_plate, cover_m),
    CYAML_FIELD_ENUM("says", WORD, struct kl_yaml_plate, says, says_words, COUNT(says_words)),
    CYAML_FIELD_SEQUENCE("corners_m", OPTIONAL, struct kl_yaml_plate, corners_m, &corner_schema, 4,
                         4),
    CYAML_FIELD_END};

/* ------------------------------------------------------------------ meaning */

/* Where we are, for faults. */
struct place {
    const struct kl_lab_document *document;
    const char *path;
};

static int refuse(const struct place *place, const char *key, const char *what)
{
    char path[120];
    (void)snprintf(path, sizeof(path), "%s%s%s", place->path, key[0] != '\0' ? "." : "", key);
    return kl_lab_refuse(place->document, path, "%s", what);
}

static const char *const component[KL_WRENCH_COUNT] = {"fx", "fy", "fz", "mx", "my", "mz"};

/* Rows in the plate's own axes; *measured: bit per row. */
typedef double plate_rows[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX];

static int take_matrix(const struct place *place, const struct kl_yaml_matrix *from,
                       size_t channels, plate_rows out, unsigned *measured)
{
    const struct {
        const double *value;
        unsigned count;
    } row[] = {
#define ROW(name) {from->name, from->name##_count},
        KL_PLATE_ROWS(ROW)
#undef ROW
    };
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        char key[16], what[80];
        if (row[r].value == NULL) {
            continue;
        }
        if (row[r].count != channels) {
            (void)snprintf(key, sizeof(key), "matrix.%s", component[r]);
            (void)snprintf(what, sizeof(what), "%u numbers for %zu channels; one each",
                           row[r].count, channels);
            return refuse(place, key, what);
        }
        memcpy(out[r], row[r].value, channels * sizeof(double));
        *measured |= 1u << r;
    }
    return KL_OK;
}

static int take_sensitivity(const struct place *place, const struct kl_yaml_plate *from,
                            const struct kl_stream *stream, plate_rows out, unsigned *measured)
{
    char what[120];
    if (from->sensitivity_count != stream->channel_count) {
        (void)snprintf(what, sizeof(what), "%u numbers for %zu channels; one each",
                       from->sensitivity_count, stream->channel_count);
        return refuse(place, "sensitivity", what);
    }
    for (size_t c = 0; c < stream->channel_count; c++) {
        size_t r = 0;
        while (r < KL_WRENCH_COUNT && strcmp(stream->label[c], component[r]) != 0) {
            r++;
        }
        if (r == KL_WRENCH_COUNT) {
            (void)snprintf(what, sizeof(what),
                           "the label of channel %zu is \"%s\"; a sensitivity is of fx, fy, fz, "
                           "mx, my or mz",
                           c + 1, stream->label[c]);
            return refuse(place, "sensitivity", what);
        }
        out[r][c] += from->sensitivity[c];
        *measured |= 1u << r;
    }
    return KL_OK;
}

/* axis[k]: where the plate's k points in the lab. */
static int take_axes(const struct place *place, const struct kl_yaml_plate *from, double axis[3][3])
{
    int said[3] = {from->x, from->y, from->z};
    static const int of_the_lab[3] = {1, 3, 5};
    if (said[0] == 0 && said[1] == 0 && said[2] == 0) {
        memcpy(said, of_the_lab, sizeof(said));
    }
    for (size_t k = 0; k < 3; k++) {
        if (said[k] == 0) {
            return refuse(place, "", "x, y and z go together: say where each of them points");
        }
        int d = said[k] - 1;
        axis[k][d / 2] = d % 2 == 0 ? 1.0 : -1.0;
    }
    const double *x = axis[0], *y = axis[1], *z = axis[2];
    double volume = z[0] * (x[1] * y[2] - x[2] * y[1]) + z[1] * (x[2] * y[0] - x[0] * y[2]) +
                    z[2] * (x[0] * y[1] - x[1] * y[0]);
    if (volume < 0.5) {
        return refuse(place, "z",
                      "x, y and z are no right-handed axes (thumb x, forefinger y, middle finger "
                      "z); one of them points the other way");
    }
    return KL_OK;
}

/* Turns the rows into lab axes and shifts the moments to the lab's origin:
 * F = s R f, M = s R m + o x F. */
static void turn(plate_rows rows, unsigned measured, double axis[3][3], const double *origin_m,
                 double sign, size_t channels, struct kl_plate *out)
{
    for (size_t c = 0; c < channels; c++) {
        double wrench[KL_WRENCH_COUNT] = {0};
        for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
            size_t half = r / 3 * 3; /* forces, then moments */
            for (size_t i = 0; i < 3; i++) {
                wrench[half + i] += sign * axis[r % 3][i] * rows[r][c];
            }
        }
        const double *o = origin_m;
        wrench[KL_MX] += o[1] * wrench[KL_FZ] - o[2] * wrench[KL_FY];
        wrench[KL_MY] += o[2] * wrench[KL_FX] - o[0] * wrench[KL_FZ];
        wrench[KL_MZ] += o[0] * wrench[KL_FY] - o[1] * wrench[KL_FX];
        for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
            out->matrix[r][c] = wrench[r];
        }
    }
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        for (size_t i = 0; i < 3 && (measured >> r & 1u) != 0; i++) {
            out->measured |= axis[r % 3][i] != 0.0 ? 1u << (r / 3 * 3 + i) : 0;
        }
    }
}

int kl_lab_plate_take(const struct kl_lab_document *document, const char *path,
                      const struct kl_yaml_plate *from, struct kl_stream *stream)
{
    const struct place place = {document, path};
    static const double nowhere[3] = {0};
    plate_rows rows = {{0}};
    double axis[3][3] = {{0}};
    unsigned measured = 0;
    if (stream->channel_count > KL_PLATE_CHANNELS_MAX) {
        return refuse(&place, "", "a plate has at most 8 channels");
    }
    if ((from->sheet != NULL) + (from->matrix != NULL) + (from->sensitivity != NULL) != 1) {
        return refuse(&place, "", "say `sheet`, `matrix` or `sensitivity`, one of them");
    }
    if (from->sheet != NULL) {
        return kl_lab_plate_sheet_take(document, path, from, stream);
    }
    if (from->centre_m != NULL || from->size_m != NULL || from->cover_m != NULL) {
        return refuse(&place, "", "centre_m, size_m and cover_m go with a `sheet`");
    }
    int status = from->matrix != NULL
                     ? take_matrix(&place, from->matrix, stream->channel_count, rows, &measured)
                     : take_sensitivity(&place, from, stream, rows, &measured);
    if (status == KL_OK) {
        status = take_axes(&place, from, axis);
    }
    if (status != KL_OK) {
        return status;
    }
    turn(rows, measured, axis, from->origin_m != NULL ? from->origin_m : nowhere,
         from->says == KL_LAB_PLATE_SAYS_LOAD ? -1.0 : 1.0, stream->channel_count, &stream->plate);
    if ((stream->plate.measured & KL_PLATE_MEASURES_FY) == 0) {
        return refuse(&place, "", "no row or channel measures the vertical force");
    }
    for (size_t i = 0; from->corners_m != NULL && i < 4; i++) {
        stream->plate.corner_x_m[i] = from->corners_m[i][0];
        stream->plate.corner_z_m[i] = from->corners_m[i][1];
    }
    return KL_OK;
}

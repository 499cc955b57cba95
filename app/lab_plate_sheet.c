#include "app/lab_plate_sheet.h"

#include "app/lab_plate.h"
#include "devices/plate_calibration.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define COVER_MAX_M 0.3 /* a board on a plate; more was typed in millimetres */

/* ------------------------------------------------------------------- schema */

static const cyaml_schema_value_t number_schema = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};
static const cyaml_schema_value_t row_schema = {
    CYAML_VALUE_SEQUENCE_FIXED(CYAML_FLAG_DEFAULT, double, &number_schema, KL_WRENCH_COUNT)};
static const cyaml_schema_value_t pair_schema = {
    CYAML_VALUE_SEQUENCE_FIXED(CYAML_FLAG_DEFAULT, double, &number_schema, 2)};

#define MATRIX(key, i)                                                                             \
    CYAML_FIELD_SEQUENCE_COUNT(key, OPTIONAL, struct kl_yaml_sheet, matrix[i], matrix_count[i],    \
                               &row_schema, KL_WRENCH_COUNT, KL_WRENCH_COUNT)
#define NUMBERS(name, low, high)                                                                   \
    CYAML_FIELD_SEQUENCE(#name, OPTIONAL, struct kl_yaml_sheet, name, &number_schema, low, high)

const cyaml_schema_field_t kl_lab_plate_sheet_fields[] = {
    MATRIX("sensitivity_uv", 0),
    MATRIX("sensitivity_mv", 1),
    MATRIX("calibration_uv", 2),
    MATRIX("calibration_mv", 3),
    MATRIX("calibration_v", 4),
    NUMBERS(diagonal_v, KL_WRENCH_COUNT, KL_WRENCH_COUNT),
    NUMBERS(sensitivity_pc_n, KL_PLATE_CHANNELS_MAX, KL_PLATE_CHANNELS_MAX),
    NUMBERS(cells_n, 1, KL_PLATE_CHANNELS_MAX),
    NUMBERS(gain, 1, KL_WRENCH_COUNT),
    NUMBERS(range_pc, KL_PLATE_CHANNELS_MAX, KL_PLATE_CHANNELS_MAX),
    NUMBERS(sensors_m, 2, 2),
    NUMBERS(origin_m, 3, 3),
    CYAML_FIELD_SEQUENCE("cells_m", OPTIONAL, struct kl_yaml_sheet, cells_m, &pair_schema, 1,
                         KL_PLATE_CHANNELS_MAX),
    CYAML_FIELD_FLOAT_PTR("excitation_v", OPTIONAL, struct kl_yaml_sheet, excitation_v),
    CYAML_FIELD_END};

/* ------------------------------------------------------------------- kinds */

enum family { BRIDGE = 0, VOLTS, PIEZO, CELLS };

/* What a kind of sheet is told by. Matrices come first, in the order of the schema. */
static const struct kind {
    const char *key;
    enum kl_plate_sheet_kind kind;
    double signal_v;
    enum family family;
} kinds[] = {
    {"sensitivity_uv", KL_PLATE_SHEET_SENSITIVITY, 1e-6, BRIDGE},
    {"sensitivity_mv", KL_PLATE_SHEET_SENSITIVITY, 1e-3, BRIDGE},
    {"calibration_uv", KL_PLATE_SHEET_INVERSE, 1e-6, BRIDGE},
    {"calibration_mv", KL_PLATE_SHEET_INVERSE, 1e-3, BRIDGE},
    {"calibration_v", KL_PLATE_SHEET_VOLTS, 0, VOLTS},
    {"diagonal_v", KL_PLATE_SHEET_VOLTS, 0, VOLTS},
    {"sensitivity_pc_n", KL_PLATE_SHEET_PIEZO, 0, PIEZO},
    {"cells_n", KL_PLATE_SHEET_CELLS, 0, CELLS},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* The channels of a sheet, in its order; cells have any labels. */
static const char *const strain_label[] = {"fx", "fy", "fz", "mx", "my", "mz", NULL};
static const char *const piezo_label[] = {"fx12", "fx34", "fy14", "fy23", "fz1",
                                          "fz2",  "fz3",  "fz4",  NULL};
static const char *const *const labels[] = {
    [BRIDGE] = strain_label, [VOLTS] = strain_label, [PIEZO] = piezo_label, [CELLS] = NULL};

/* ------------------------------------------------------------------ meaning */

/* Where we are. */
struct place {
    const struct kl_lab_document *document;
    const char *path; /* of the plate */
};

static int refuse(const struct place *place, const char *key, const char *what)
{
    char path[120];
    (void)snprintf(path, sizeof(path), "%s%s%s", place->path, key[0] != '\0' ? "." : "", key);
    return kl_lab_refuse(place->document, path, "%s", what);
}

static int refuse_sheet(const struct place *place, const char *key, const char *what)
{
    char path[60];
    (void)snprintf(path, sizeof(path), "sheet.%s", key);
    return refuse(place, path, what);
}

/* What the kinds are told by, in the order of the table. */
static void find_given(const struct kl_yaml_sheet *sheet, bool given[KINDS])
{
    for (size_t i = 0; i < KL_LAB_SHEET_MATRICES; i++) {
        given[i] = sheet->matrix[i] != NULL;
    }
    given[KL_LAB_SHEET_MATRICES] = sheet->diagonal_v != NULL;
    given[KL_LAB_SHEET_MATRICES + 1] = sheet->sensitivity_pc_n != NULL;
    given[KL_LAB_SHEET_MATRICES + 2] = sheet->cells_n != NULL;
}

static const struct kind *find_kind(const struct place *place, const struct kl_yaml_sheet *sheet)
{
    bool given[KINDS];
    const struct kind *found = NULL;
    size_t count = 0;
    find_given(sheet, given);
    for (size_t i = 0; i < KINDS; i++) {
        found = given[i] ? &kinds[i] : found;
        count += given[i];
    }
    if (count != 1) {
        (void)refuse(place, "sheet",
                     "say one of sensitivity_uv, sensitivity_mv, calibration_uv, calibration_mv "
                     "(AMTI), calibration_v, diagonal_v (Bertec), sensitivity_pc_n (Kistler), "
                     "cells_n (load cells)");
        return NULL;
    }
    return found;
}

/* A number of the sheet that its kind needs, or has no use for. */
static int check_needed(const struct place *place, const struct kl_yaml_sheet *sheet,
                        const struct kind *kind)
{
    const struct {
        const char *key;
        bool given, needed, useful;
        const char *cure;
    } row[] = {
        {"excitation_v", sheet->excitation_v != NULL, kind->family == BRIDGE,
         kind->family == BRIDGE, "the amplifier's bridge excitation in V: 2.5, 5 or 10 are usual"},
        {"gain", sheet->gain != NULL, kind->family == BRIDGE, kind->family <= VOLTS,
         "the amplifier's gain, one for all channels or six: 1000, 2000 or 4000 are usual"},
        {"range_pc", sheet->range_pc != NULL, kind->family == PIEZO, kind->family == PIEZO,
         "the charge in pC at which each channel of the amplifier gives 10 V"},
        {"sensors_m", sheet->sensors_m != NULL, kind->family == PIEZO, kind->family == PIEZO,
         "[a, b] in m: the sensors stand at (+-a, +-b)"},
        {"cells_m", sheet->cells_m != NULL, kind->family == CELLS, kind->family == CELLS,
         "[x, y] in m of each cell, from the middle"},
        {"origin_m", sheet->origin_m != NULL, kind->family != CELLS, true,
         "[x, y, z] in m from the transducer's origin up to the top surface; [0, 0, 0] for a "
         "plate calibrated about its surface (new Bertec)"},
    };
    int status = KL_OK;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char what[200];
        if (row[i].needed && !row[i].given) {
            (void)snprintf(what, sizeof(what), "%s is missing: %s", row[i].key, row[i].cure);
            status = refuse(place, "sheet", what);
        } else if (row[i].given && !row[i].useful) {
            (void)snprintf(what, sizeof(what), "has no place beside %s; leave it out", kind->key);
            status = refuse_sheet(place, row[i].key, what);
        }
    }
    return status;
}

/* Channels as many as the sheet's, in its order and in the converter's volts. */
static int check_channels(const struct place *place, const struct kind *kind, size_t channels,
                          const struct kl_stream *stream)
{
    char stem[80], path[120];
    const char *const *label = labels[kind->family];
    int status = KL_OK;
    (void)snprintf(stem, sizeof(stem), "%.*s", (int)(strlen(place->path) - strlen(".plate")),
                   place->path);
    if (stream->channel_count != channels) {
        char what[120];
        (void)snprintf(what, sizeof(what), "%s is for %zu channels, the stream has %zu", kind->key,
                       channels, stream->channel_count);
        return refuse_sheet(place, kind->key, what);
    }
    for (size_t c = 0; label != NULL && c < channels; c++) {
        if (strcmp(stream->label[c], label[c]) != 0) {
            (void)snprintf(path, sizeof(path), "%s.channels[%zu].label", stem, c + 1);
            status = kl_lab_refuse(place->document, path,
                                   "channel %zu of the sheet is %s, but here it is \"%s\"; write "
                                   "the channels in the sheet's order, each with its own input",
                                   c + 1, label[c], stream->label[c]);
        }
        if (strcmp(stream->unit[c], "V") != 0) {
            (void)snprintf(path, sizeof(path), "%s.channels[%zu].unit", stem, c + 1);
            status = kl_lab_refuse(place->document, path,
                                   "a sheet is about the volts at the converter: unit V, not %s",
                                   stream->unit[c]);
        }
    }
    return status;
}

static size_t sheet_channels(const struct kl_yaml_sheet *from, const struct kind *kind)
{
    return kind->family == CELLS   ? from->cells_n_count
           : kind->family == PIEZO ? KL_PLATE_CHANNELS_MAX
                                   : KL_WRENCH_COUNT;
}

static void take_matrix(const struct kl_yaml_sheet *from, const struct kind *kind,
                        struct kl_plate_sheet *to)
{
    size_t index = (size_t)(kind - kinds);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        to->gain[i] = from->gain == NULL ? 1 : from->gain[from->gain_count == 1 ? 0 : i];
        if (index < KL_LAB_SHEET_MATRICES) {
            memcpy(to->matrix[i], from->matrix[index][i], sizeof(to->matrix[i]));
        } else {
            to->matrix[i][i] = from->diagonal_v[i];
        }
    }
    to->signal_v = kind->signal_v;
    to->excitation_v = from->excitation_v != NULL ? *from->excitation_v : 0;
}

static int take_sheet(const struct place *place, const struct kl_yaml_sheet *from,
                      const struct kl_stream *stream, struct kl_plate_sheet *to)
{
    const struct kind *kind = find_kind(place, from);
    if (kind == NULL) {
        return KL_ERR_RANGE;
    }
    int status = check_needed(place, from, kind);
    int channels = check_channels(place, kind, sheet_channels(from, kind), stream);
    if (from->gain != NULL && from->gain_count != 1 && from->gain_count != KL_WRENCH_COUNT) {
        status = refuse_sheet(place, "gain", "give one gain for all channels, or six");
    }
    if (kind->family == CELLS && from->cells_m != NULL &&
        from->cells_m_count != from->cells_n_count) {
        status = refuse_sheet(place, "cells_m", "as many places as cells_n has numbers");
    }
    if (status != KL_OK || channels != KL_OK || (kind->family == CELLS && from->cells_m == NULL)) {
        return KL_ERR_RANGE;
    }
    to->kind = kind->kind;
    if (kind->family <= VOLTS) {
        take_matrix(from, kind, to);
    } else if (kind->family == PIEZO) {
        memcpy(to->range_pc, from->range_pc, sizeof(to->range_pc));
        memcpy(to->sensitivity_pc_n, from->sensitivity_pc_n, sizeof(to->sensitivity_pc_n));
        to->a_m = from->sensors_m[0];
        to->b_m = from->sensors_m[1];
    } else {
        to->cell_count = from->cells_n_count;
        memcpy(to->cell_n, from->cells_n, from->cells_n_count * sizeof(double));
        memcpy(to->cell_m, from->cells_m, from->cells_n_count * sizeof(to->cell_m[0]));
    }
    if (from->origin_m != NULL) {
        memcpy(to->origin_m, from->origin_m, sizeof(to->origin_m));
    }
    return KL_OK;
}

/* Direction words to unit vectors of the lab (lab_plate.h). */
static void unit_vector(int direction, double out[3])
{
    out[(direction - 1) / 2] = direction % 2 == 1 ? 1.0 : -1.0;
}

static int take_axes(const struct place *place, const struct kl_yaml_plate *from,
                     struct kl_plate_placement *to)
{
    if (from->x == 0 || from->y == 0 || from->centre_m == NULL || from->size_m == NULL) {
        return refuse(place, "",
                      "where does it lie? Give corners_m, or x, y, centre_m and size_m together");
    }
    unit_vector(from->x, to->x_axis);
    unit_vector(from->y, to->y_axis);
    to->centre_m[0] = from->centre_m[0];
    to->centre_m[2] = from->centre_m[1];
    memcpy(to->size_m, from->size_m, sizeof(to->size_m));
    return KL_OK;
}

static int take_placement(const struct place *place, const struct kl_yaml_plate *from,
                          struct kl_plate_placement *to)
{
    double cover_m = from->cover_m != NULL ? *from->cover_m : 0;
    int status = KL_OK;
    if (!(cover_m >= 0 && cover_m <= COVER_MAX_M)) {
        status = refuse(place, "cover_m", "out of range; what lies on the plate is 0 to 0.3 m");
    }
    if (from->corners_m != NULL &&
        (from->x != 0 || from->y != 0 || from->centre_m != NULL || from->size_m != NULL)) {
        return refuse(place, "corners_m",
                      "corners say it all: leave x, y, centre_m and size_m out, or the corners");
    }
    if (from->z != 0 && from->z != KL_LAB_PLATE_DOWN) {
        status = refuse(place, "z", "z of a plate with a sheet points down");
    }
    to->by_corners = from->corners_m != NULL;
    for (size_t k = 0; to->by_corners && k < 4; k++) {
        to->corner_m[k][0] = from->corners_m[k][0];
        to->corner_m[k][2] = from->corners_m[k][1];
        to->corner_m[k][1] = -cover_m;
    }
    if (!to->by_corners && take_axes(place, from, to) != KL_OK) {
        return KL_ERR_RANGE;
    }
    to->centre_m[1] = to->by_corners ? 0 : -cover_m;
    return status;
}

int kl_lab_plate_sheet_take(const struct kl_lab_document *document, const char *path,
                            const struct kl_yaml_plate *from, struct kl_stream *stream)
{
    const struct place place = {document, path};
    struct kl_plate_sheet sheet = {.kind = KL_PLATE_SHEET_SENSITIVITY};
    static const struct kl_plate_placement anywhere = {
        .x_axis = {1, 0, 0}, .y_axis = {0, 0, 1}, .size_m = {1, 1}};
    struct kl_plate_placement placement = {.by_corners = false};
    struct kl_plate_frame frame;
    struct kl_plate plate;
    struct kl_fault fault = {.text = ""};
    double rail[KL_PLATE_CHANNELS_MAX];
    int status = KL_OK;
    if (from->origin_m != NULL) {
        status = refuse(&place, "origin_m", "belongs into the sheet: sheet: {origin_m: ...}");
    }
    int sheet_status = take_sheet(&place, from->sheet, stream, &sheet);
    int placed = take_placement(&place, from, &placement);
    if (placed == KL_OK && kl_plate_frame(&placement, &frame, &fault) != KL_OK) {
        placed = refuse(&place, placement.by_corners ? "corners_m" : "", fault.text);
    }
    if (sheet_status != KL_OK) {
        return KL_ERR_RANGE;
    }
    sheet.stores_reaction = from->says == KL_LAB_PLATE_SAYS_REACTION;
    memcpy(rail, stream->plate.full_scale, sizeof(rail));
    if (kl_plate_calibrate(&sheet, placed == KL_OK ? &placement : &anywhere, stream->plate.side,
                           &plate, &fault) < 0) {
        return refuse(&place, "sheet", fault.text);
    }
    if (status != KL_OK || placed != KL_OK) {
        return KL_ERR_RANGE;
    }
    memcpy(plate.full_scale, rail, sizeof(rail)); /* the converter's, per channel */
    stream->plate = plate;
    return KL_OK;
}

#include "app/lab_subject.h"

#include "app/flag_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define CODE_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
#define RAD 0.017453292519943295 /* per degree */

enum number {
    MASS = 0,
    HEIGHT,
    SHANK,
    THIGH,
    ASIS,
    ANKLE_LEFT,
    ANKLE_RIGHT,
    TOE_OUT_LEFT,
    TOE_OUT_RIGHT,
    SPEED,
    SLOPE,
};

/* Limits [P]: wide enough for every runner, narrow enough to catch centimetres and pounds. The
 * entry's key is what process/worn.h reads; NULL: the number goes into another event. */
static const struct row {
    const char *key, *entry;
    double low, high, si;
    const char *hint;
} rows[KL_SUBJECT_NUMBERS] = {
    [MASS] = {"mass_kg", NULL, 20, 250, 1, "in kilograms, with shoes and sensors"},
    [HEIGHT] = {"height_m", NULL, 0.8, 2.5, 1, "in metres, not centimetres"},
    [SHANK] = {"shank_length_m", "shank_length_m", 0.2, 0.65, 1,
               "in metres, from the knee's joint line to the outer ankle"},
    [THIGH] = {"thigh_length_m", "thigh_length_m", 0.2, 0.65, 1,
               "in metres, from the hip's trochanter to the knee's joint line"},
    [ASIS] = {"asis_width_m", "asis_width_m", 0.12, 0.45, 1,
              "in metres, between the two front corners of the pelvis"},
    [ANKLE_LEFT] = {"ankle_offset_left_m", "ankle_offset_left_m", -0.05, 0.05, 1,
                    "in metres, centre of pressure outwards of the ankle, standing on that leg"},
    [ANKLE_RIGHT] = {"ankle_offset_right_m", "ankle_offset_right_m", -0.05, 0.05, 1,
                     "in metres, centre of pressure outwards of the ankle, standing on that leg"},
    [TOE_OUT_LEFT] = {"toe_out_left_deg", "toe_out_left_rad", -30, 60, RAD,
                      "in degrees, outwards positive, in the still pose"},
    [TOE_OUT_RIGHT] = {"toe_out_right_deg", "toe_out_right_rad", -30, 60, RAD,
                       "in degrees, outwards positive, in the still pose"},
    [SPEED] = {"speed_m_s", NULL, 0, 12, 1, "in m/s; a belt shows km/h: divide by 3.6"},
    [SLOPE] = {"slope_deg", NULL, -15, 15, RAD, "in degrees, uphill positive; 1 % is 0.57"},
};

#define NUMBER(key, i) CYAML_FIELD_FLOAT_PTR(key, OPTIONAL, struct kl_yaml_subject, number[i])

const cyaml_schema_field_t kl_lab_subject_fields[] = {
    CYAML_FIELD_STRING_PTR("subject", OPTIONAL, struct kl_yaml_subject, subject, 1, 200),
    NUMBER("mass_kg", MASS),
    NUMBER("height_m", HEIGHT),
    NUMBER("shank_length_m", SHANK),
    NUMBER("thigh_length_m", THIGH),
    NUMBER("asis_width_m", ASIS),
    NUMBER("ankle_offset_left_m", ANKLE_LEFT),
    NUMBER("ankle_offset_right_m", ANKLE_RIGHT),
    NUMBER("toe_out_left_deg", TOE_OUT_LEFT),
    NUMBER("toe_out_right_deg", TOE_OUT_RIGHT),
    NUMBER("speed_m_s", SPEED),
    NUMBER("slope_deg", SLOPE),
    CYAML_FIELD_END,
};

struct yaml_file {
    struct kl_yaml_subject *runner;
};

static const cyaml_schema_field_t file_fields[] = {
    CYAML_FIELD_MAPPING_PTR("runner", CYAML_FLAG_POINTER, struct yaml_file, runner,
                            kl_lab_subject_fields),
    CYAML_FIELD_END};

static const cyaml_schema_value_t file_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_file, file_fields)};

/* ------------------------------------------------------------------ meaning */

static void take_code(const struct kl_lab_document *document, const char *from,
                      struct kl_lab_subject *to)
{
    if (from == NULL) {
        return;
    }
    if (strlen(from) >= sizeof(to->code) || from[strspn(from, CODE_LETTERS)] != '\0') {
        (void)kl_lab_refuse(document, "runner.subject",
                            "a code of at most %zu letters, digits, '-', '_' and '.', as R07; "
                            "never a name: the list of who is who stays outside",
                            sizeof(to->code) - 1);
        return;
    }
    (void)snprintf(to->code, sizeof(to->code), "%s", from);
}

/* Parts of the height that a segment of a living person can be: half to one and a half times the
 * mean of methods 12.4 (0.246 and 0.245 H). */
static void doubt_length(const struct kl_lab_document *document,
                         const struct kl_lab_subject *subject, enum number which)
{
    char key[48];
    double share = subject->value[which] / subject->value[HEIGHT];
    if (subject->said[which] && subject->said[HEIGHT] && !(share >= 0.18 && share <= 0.32)) {
        (void)snprintf(key, sizeof(key), "runner.%s", rows[which].key);
        kl_lab_doubt(document, key,
                     "%g m is %.0f %% of the height of %g m; people have 18 to 32 %%",
                     subject->value[which], 100 * share, subject->value[HEIGHT]);
    }
}

static void doubt_body(const struct kl_lab_document *document, const struct kl_lab_subject *subject)
{
    double index = subject->value[MASS] / (subject->value[HEIGHT] * subject->value[HEIGHT]);
    if (subject->said[MASS] && subject->said[HEIGHT] && !(index >= 13 && index <= 50)) {
        kl_lab_doubt(document, "runner.mass_kg",
                     "%g kg at a height of %g m is a body mass index of %.0f; is one of them "
                     "mistyped?",
                     subject->value[MASS], subject->value[HEIGHT], index);
    }
    doubt_length(document, subject, SHANK);
    doubt_length(document, subject, THIGH);
}

void kl_lab_subject_take(const struct kl_lab_document *document, const struct kl_yaml_subject *from,
                         struct kl_lab_subject *to)
{
    memset(to, 0, sizeof(*to));
    if (from == NULL) {
        return;
    }
    take_code(document, from->subject, to);
    bool whole = true;
    for (size_t i = 0; i < KL_SUBJECT_NUMBERS; i++) {
        if (from->number[i] == NULL) {
            continue;
        }
        double value = *from->number[i];
        if (!(value >= rows[i].low && value <= rows[i].high)) {
            char key[48];
            (void)snprintf(key, sizeof(key), "runner.%s", rows[i].key);
            (void)kl_lab_refuse(document, key, "%g is out of range; allowed is %g to %g, %s", value,
                                rows[i].low, rows[i].high, rows[i].hint);
            whole = false;
            continue;
        }
        to->said[i] = true;
        to->value[i] = value * rows[i].si;
    }
    if (whole) {
        doubt_body(document, to);
    }
}

static int read_file(const char *path, struct kl_lab_findings *findings, struct kl_lab_subject *out,
                     struct kl_fault *fault)
{
    struct kl_lab_document document = {.name = path, .findings = findings};
    char *text = kl_text_load(path, &document.len, fault);
    document.text = text;
    if (text == NULL) {
        return KL_ERR_IO;
    }
    void *loaded = NULL;
    int status = kl_yaml_parse(path, text, document.len, &file_schema, &loaded, fault);
    if (status == KL_OK) {
        kl_lab_subject_take(&document, ((const struct yaml_file *)loaded)->runner, out);
        kl_yaml_free(&file_schema, loaded);
    }
    if (findings->faults > 0) {
        kl_lab_first_fault(findings, fault);
        status = KL_ERR_RANGE;
    }
    free(text);
    return status;
}

int kl_lab_subject_load(const char *path, struct kl_lab_subject *out, struct kl_fault *fault)
{
    struct kl_lab_findings *findings = calloc(1, sizeof(*findings));
    if (findings == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    struct kl_lab_subject found;
    int status = read_file(path, findings, &found, fault);
    if (status == KL_OK) {
        *out = found;
    }
    free(findings);
    return status;
}

int kl_lab_subject_speed(struct kl_lab_subject *subject, double speed_m_s, struct kl_fault *fault)
{
    if (!(speed_m_s >= rows[SPEED].low && speed_m_s <= rows[SPEED].high)) {
        return kl_fault(fault, KL_ERR_RANGE, "--speed: %g is out of range; allowed is %g to %g, %s",
                        speed_m_s, rows[SPEED].low, rows[SPEED].high, rows[SPEED].hint);
    }
    subject->said[SPEED] = true;
    subject->value[SPEED] = speed_m_s;
    return KL_OK;
}

/* ------------------------------------------------------------------- events */

size_t kl_lab_subject_events(const struct kl_lab_subject *subject,
                             struct kl_event out[KL_SUBJECT_EVENTS])
{
    size_t count = 0;
    if (subject->code[0] != '\0' || subject->said[MASS] || subject->said[HEIGHT]) {
        out[count++] = (struct kl_event){.kind = KL_EVENT_SUBJECT,
                                         .t_ns = KL_EPOCH_NS,
                                         .value = {subject->value[MASS], subject->value[HEIGHT]},
                                         .text = subject->code};
    }
    for (size_t i = 0; i < KL_SUBJECT_NUMBERS; i++) {
        if (subject->said[i] && rows[i].entry != NULL) {
            out[count++] = (struct kl_event){.kind = KL_EVENT_ENTRY,
                                             .t_ns = KL_EPOCH_NS,
                                             .value = {subject->value[i]},
                                             .text = rows[i].entry};
        }
    }
    if (subject->said[SPEED] || subject->said[SLOPE]) {
        out[count++] = (struct kl_event){.kind = KL_EVENT_SPEED,
                                         .t_ns = KL_EPOCH_NS,
                                         .value = {subject->value[SPEED], subject->value[SLOPE]},
                                         .text = ""};
    }
    return count;
}

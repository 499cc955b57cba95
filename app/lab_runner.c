#include "app/lab_runner.h"

#include <stdio.h>

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define MEMBER(name) offsetof(struct kl_virtual_runner, name)

/** A number of the runner: its key, where it goes, what is allowed. */
struct setting {
    const char *key;
    size_t member;
    double low, high;
};

/* In the order of the schema below. */
static const struct setting numbers[KL_LAB_RUNNER_NUMBERS] = {
    {"mass_kg", MEMBER(mass_kg), 20.0, 250.0},
    {"height_m", MEMBER(height_m), 1.0, 2.5},
    {"speed_m_s", MEMBER(speed_m_s), 0.5, 10.0},
    {"braking_bw", MEMBER(braking_bw), 0.0, 1.0},
    {"overstride", MEMBER(overstride), -1.0, 1.0},
    {"mediolateral_bw", MEMBER(mediolateral_bw), 0.0, 0.5},
    {"free_moment_bwh", MEMBER(free_moment_bwh), -0.1, 0.1},
    {"step_width_m", MEMBER(step_width_m), -0.2, 0.4},
    {"com_x_m", MEMBER(com_x_m), -1.0, 1.0},
    {"com_z_m", MEMBER(com_z_m), -0.5, 0.5},
    {"step_time_cv", MEMBER(step_time_cv), 0.0, 0.1},
    {"step_time_phi", MEMBER(step_time_phi), 0.0, 0.95},
    {"rate_hz", MEMBER(rate_hz), 100.0, 20000.0},
    {"imu_rate_hz", MEMBER(imu_rate_hz), 50.0, 2000.0},
    {"plate_depth_m", MEMBER(plate_depth_m), 0.0, 0.3},
    {"noise_scale", MEMBER(noise_scale), 0.0, 100.0},
    {"quiet_s", MEMBER(quiet_s), 0.0, 600.0},
    {"stand_s", MEMBER(stand_s), 0.0, 600.0},
};

static const struct setting pairs[KL_LAB_RUNNER_PAIRS] = {
    {"step_time_s", MEMBER(step_time_s), 0.2, 0.6},
    {"contact_time_s", MEMBER(contact_time_s), 0.1, 0.5},
    {"impact_bw", MEMBER(impact_bw), 0.0, 3.0},
    {"impact_start", MEMBER(impact_start), 0.0, 0.5},
    {"impact_end", MEMBER(impact_end), 0.05, 0.9},
};

static const cyaml_schema_value_t number_schema = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};

#define NUMBER(key, i) CYAML_FIELD_FLOAT_PTR(key, OPTIONAL, struct kl_lab_runner, number[i])
#define PAIR(key, i)                                                                               \
    CYAML_FIELD_SEQUENCE_COUNT(key, OPTIONAL, struct kl_lab_runner, pair[i].value, pair[i].count,  \
                               &number_schema, 2, 2)

const cyaml_schema_field_t kl_lab_runner_fields[] = {
    NUMBER("mass_kg", 0),
    NUMBER("height_m", 1),
    NUMBER("speed_m_s", 2),
    NUMBER("braking_bw", 3),
    NUMBER("overstride", 4),
    NUMBER("mediolateral_bw", 5),
    NUMBER("free_moment_bwh", 6),
    NUMBER("step_width_m", 7),
    NUMBER("com_x_m", 8),
    NUMBER("com_z_m", 9),
    NUMBER("step_time_cv", 10),
    NUMBER("step_time_phi", 11),
    NUMBER("rate_hz", 12),
    NUMBER("imu_rate_hz", 13),
    NUMBER("plate_depth_m", 14),
    NUMBER("noise_scale", 15),
    NUMBER("quiet_s", 16),
    NUMBER("stand_s", 17),
    PAIR("step_time_s", 0),
    PAIR("contact_time_s", 1),
    PAIR("impact_bw", 2),
    PAIR("impact_start", 3),
    PAIR("impact_end", 4),
    CYAML_FIELD_BOOL_PTR("split_belt", OPTIONAL, struct kl_lab_runner, split_belt),
    CYAML_FIELD_BOOL_PTR("imu", OPTIONAL, struct kl_lab_runner, imu),
    CYAML_FIELD_UINT_PTR("seed", OPTIONAL, struct kl_lab_runner, seed),
    CYAML_FIELD_STRING_PTR("subject", OPTIONAL, struct kl_lab_runner, subject, 1, 31),
    KL_LAB_MOTION_FIELDS(struct kl_lab_runner),
    CYAML_FIELD_END,
};

static int check(const struct kl_lab_document *document, const char *key, double value, double low,
                 double high)
{
    if (value >= low && value <= high) {
        return KL_OK;
    }
    char path[96];
    (void)snprintf(path, sizeof(path), "virtual_runner.%s", key);
    return kl_lab_refuse(document, path, "%g is out of range; allowed is %g to %g", value, low,
                         high);
}

static int take(const struct kl_lab_document *document, const struct setting *setting, size_t count,
                const double *from, struct kl_virtual_runner *to)
{
    double *member = (double *)(void *)((char *)to + setting->member);
    int status = KL_OK;
    for (size_t i = 0; from != NULL && i < count; i++) {
        char key[48];
        (void)snprintf(key, sizeof(key), count > 1 ? "%s[%zu]" : "%s", setting->key, i + 1);
        int one = check(document, key, from[i], setting->low, setting->high);
        status = one != KL_OK ? one : status;
        member[i] = from[i];
    }
    return status;
}

/** Running has a flight, and an impact ends after it began. */
static int check_sides(const struct kl_lab_document *document,
                       const struct kl_virtual_runner *runner)
{
    const double least = 0.01; /* s, and part of stance */
    int status = KL_OK;
    for (size_t side = 0; status == KL_OK && side < 2; side++) {
        status = check(document, "contact_time_s", runner->contact_time_s[side], 0.0,
                       runner->step_time_s[side] - least);
        if (status == KL_OK) {
            status = check(document, "impact_end", runner->impact_end[side],
                           runner->impact_start[side] + least, 0.9);
        }
    }
    return status;
}

static int refuse_motion(const void *document, const char *path, const char *words)
{
    return kl_lab_refuse(document, path, "%s", words);
}

int kl_lab_runner_take(const struct kl_lab_document *document, const struct kl_lab_runner *from,
                       struct kl_virtual_runner *to)
{
    int status = KL_OK;
    *to = kl_virtual_runner_defaults();
    if (from == NULL) {
        return KL_OK;
    }
    for (size_t i = 0; i < KL_LAB_RUNNER_NUMBERS; i++) {
        int one = take(document, &numbers[i], 1, from->number[i], to);
        status = one != KL_OK ? one : status;
    }
    for (size_t i = 0; i < KL_LAB_RUNNER_PAIRS; i++) {
        int one = take(document, &pairs[i], 2, from->pair[i].value, to);
        status = one != KL_OK ? one : status;
    }
    if (status == KL_OK) {
        status = kl_lab_motion_take(&from->motion, to, refuse_motion, document);
    }
    to->split_belt = from->split_belt != NULL ? *from->split_belt : to->split_belt;
    to->imu = from->imu != NULL ? *from->imu : to->imu;
    to->seed = from->seed != NULL ? *from->seed : to->seed;
    if (from->subject != NULL) {
        (void)snprintf(to->subject, sizeof(to->subject), "%s", from->subject);
    }
    return status == KL_OK ? check_sides(document, to) : status;
}

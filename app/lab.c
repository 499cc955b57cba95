#include "app/lab.h"

#include "acquire/yaml.h"
#include "app/flag_table.h"
#include "app/lab_devices.h"
#include "app/lab_together.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)

struct yaml_settings {
    double *cutoff_hz, *threshold_n, *target_cadence_spm, *mains_hz;
    int *loading_rule;
};

struct yaml_timing {
    unsigned *window_steps, *raise_steps;
    double *clear_after_s, *settle_s, *speed_pause_s;
    bool *demo;
};

struct yaml_lab {
    struct kl_yaml_subject *runner;
    struct yaml_settings *settings;
    char *flags;
    char **sync;
    unsigned sync_count;
    struct yaml_timing *flag_timing;
    struct kl_yaml_device *devices;
    unsigned devices_count;
};

static const cyaml_strval_t rule_words[] = {{"P13", KL_LOADING_P13},
                                            {"A312", KL_LOADING_A312},
                                            {"POI", KL_LOADING_POI},
                                            {"BW50", KL_LOADING_BW50}};

static const cyaml_schema_field_t settings_fields[] = {
    CYAML_FIELD_FLOAT_PTR("cutoff_hz", OPTIONAL, struct yaml_settings, cutoff_hz),
    CYAML_FIELD_FLOAT_PTR("threshold_n", OPTIONAL, struct yaml_settings, threshold_n),
    CYAML_FIELD_FLOAT_PTR("target_cadence_spm", OPTIONAL, struct yaml_settings, target_cadence_spm),
    CYAML_FIELD_FLOAT_PTR("mains_hz", OPTIONAL, struct yaml_settings, mains_hz),
    CYAML_FIELD_ENUM_PTR("loading_rule", OPTIONAL | CYAML_FLAG_STRICT, struct yaml_settings,
                         loading_rule, rule_words, 4),
    CYAML_FIELD_END};

static const cyaml_schema_field_t timing_fields[] = {
    CYAML_FIELD_UINT_PTR("window_steps", OPTIONAL, struct yaml_timing, window_steps),
    CYAML_FIELD_UINT_PTR("raise_steps", OPTIONAL, struct yaml_timing, raise_steps),
    CYAML_FIELD_FLOAT_PTR("clear_after_s", OPTIONAL, struct yaml_timing, clear_after_s),
    CYAML_FIELD_FLOAT_PTR("settle_s", OPTIONAL, struct yaml_timing, settle_s),
    CYAML_FIELD_FLOAT_PTR("speed_pause_s", OPTIONAL, struct yaml_timing, speed_pause_s),
    CYAML_FIELD_BOOL_PTR("demo", OPTIONAL, struct yaml_timing, demo),
    CYAML_FIELD_END};

static const cyaml_schema_value_t stream_name_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, KL_NAME_MAX - 1)};

static const cyaml_schema_field_t lab_fields[] = {
    CYAML_FIELD_SEQUENCE("sync", OPTIONAL, struct yaml_lab, sync, &stream_name_schema, 2,
                         KL_LAB_PULSES),
    CYAML_FIELD_MAPPING_PTR("runner", OPTIONAL, struct yaml_lab, runner, kl_lab_subject_fields),
    CYAML_FIELD_MAPPING_PTR("settings", OPTIONAL, struct yaml_lab, settings, settings_fields),
    CYAML_FIELD_STRING_PTR("flags", OPTIONAL, struct yaml_lab, flags, 1, 200),
    CYAML_FIELD_MAPPING_PTR("flag_timing", OPTIONAL, struct yaml_lab, flag_timing, timing_fields),
    CYAML_FIELD_SEQUENCE("devices", CYAML_FLAG_POINTER, struct yaml_lab, devices,
                         &kl_lab_device_schema, 1, KL_LAB_DEVICES),
    CYAML_FIELD_END};

static const cyaml_schema_value_t lab_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_lab, lab_fields)};

#define TAKE_IF(from, to, member)                                                                  \
    do {                                                                                           \
        if ((from)->member != NULL) {                                                              \
            (to)->member = *(from)->member;                                                        \
        }                                                                                          \
    } while (0)

/** Limits of methods 3.2 and 4.1. */
static void take_settings(const struct kl_lab_document *document, const struct yaml_settings *from,
                          struct kl_settings *to)
{
    if (from == NULL) {
        return;
    }
    TAKE_IF(from, to, target_cadence_spm);
    TAKE_IF(from, &to->force, cutoff_hz);
    TAKE_IF(from, &to->force, threshold_n);
    if (from->loading_rule != NULL) {
        to->loading_rule = (enum kl_loading_rule) * from->loading_rule;
    }
    if (!(to->force.cutoff_hz >= 10.0 && to->force.cutoff_hz <= 200.0)) {
        (void)kl_lab_refuse(document, "settings.cutoff_hz",
                            "%g is out of range; allowed is 10 to 200", to->force.cutoff_hz);
    }
    if (!(to->force.threshold_n >= 20.0 && to->force.threshold_n <= 200.0)) {
        (void)kl_lab_refuse(document, "settings.threshold_n",
                            "%g is out of range; allowed is 20 to 200", to->force.threshold_n);
    }
    if (to->target_cadence_spm != 0.0 &&
        !(to->target_cadence_spm >= 60.0 && to->target_cadence_spm <= 300.0)) {
        (void)kl_lab_refuse(document, "settings.target_cadence_spm",
                            "%g is out of range; allowed is 60 to 300, or 0 for none",
                            to->target_cadence_spm);
    }
}

/** Mains of the world: 50 or 60 Hz. */
static void take_mains(const struct kl_lab_document *document, const struct yaml_settings *from,
                       double *to)
{
    if (from == NULL || from->mains_hz == NULL) {
        return;
    }
    *to = *from->mains_hz;
    if (*to != 50.0 && *to != 60.0) {
        (void)kl_lab_refuse(document, "settings.mains_hz", "%g is neither 50 nor 60", *to);
    }
}

/** The table with this timing is embedded in the recording: what a reader of it would refuse must
 *  not get in. */
static void take_timing(const struct kl_lab_document *document, const struct yaml_timing *from,
                        struct kl_flag_timing *to)
{
    if (from == NULL) {
        return;
    }
    TAKE_IF(from, to, window_steps);
    TAKE_IF(from, to, raise_steps);
    TAKE_IF(from, to, clear_after_s);
    TAKE_IF(from, to, settle_s);
    TAKE_IF(from, to, speed_pause_s);
    TAKE_IF(from, to, demo);
    if (!kl_flag_timing_allowed(to)) {
        (void)kl_lab_refuse(document, "flag_timing", KL_FLAG_TIMING_ALLOWED);
    }
}

/* -------------------------------------------------------------------- files */

const char *kl_config_path(const char *name, char *out, size_t len)
{
    const char *folder = getenv("KNEELAB_CONFIGS");
    (void)snprintf(out, len, "%s/%s", folder != NULL ? folder : KL_CONFIGS, name);
    return out;
}

/** A file named in a lab file: beside it, else one that ships. */
static void beside(const char *lab_path, const char *name, char *out, size_t len)
{
    const char *slash = strrchr(lab_path, '/');
    int folder_len = slash != NULL ? (int)(slash - lab_path + 1) : 0;
    if (name[0] == '/') {
        (void)snprintf(out, len, "%s", name);
        return;
    }
    (void)snprintf(out, len, "%.*s%s", folder_len, lab_path, name);
    FILE *file = fopen(out, "rb");
    if (file == NULL) {
        (void)kl_config_path(name, out, len);
        return;
    }
    (void)fclose(file);
}

int kl_lab_defaults(const char *flags_path, struct kl_lab *out, struct kl_fault *fault)
{
    memset(out, 0, sizeof(*out));
    out->settings = kl_settings_defaults();
    if (flags_path != NULL) {
        (void)snprintf(out->flags_path, sizeof(out->flags_path), "%s", flags_path);
    } else {
        (void)kl_config_path("flags.yaml", out->flags_path, sizeof(out->flags_path));
    }
    return kl_flag_table_load(out->flags_path, &out->flags, fault);
}

/* The flag table the lab names, with the lab's own timing. */
static void take_flags(const struct kl_lab_document *document, const struct yaml_lab *from,
                       struct kl_lab *to)
{
    struct kl_fault fault = {.text = ""};
    beside(document->name, from->flags != NULL ? from->flags : "flags.yaml", to->flags_path,
           sizeof(to->flags_path));
    int status = kl_flag_table_load(to->flags_path, &to->flags, &fault);
    if (status != KL_OK) {
        (void)kl_lab_note(document, status, &fault);
        return;
    }
    take_timing(document, from->flag_timing, &to->flags.timing);
    to->flags_text = kl_flag_table_text(&to->flags, &fault);
    if (to->flags_text == NULL) {
        (void)kl_lab_note(document, KL_ERR_MEM, &fault);
    }
}

/* The device that streams a name. @return device_count: none */
static size_t device_of(const struct kl_lab *lab, const char *stream)
{
    for (size_t d = 0; d < lab->device_count; d++) {
        for (size_t s = 0; s < lab->device[d].stream_count; s++) {
            if (strcmp(lab->device[d].stream[s].name, stream) == 0) {
                return d;
            }
        }
    }
    return lab->device_count;
}

/* Streams that carry the shared pulse: they exist, and not all are of one clock. */
static void take_sync(const struct kl_lab_document *document, const struct yaml_lab *from,
                      struct kl_lab *to)
{
    for (unsigned i = 0; i < from->sync_count; i++) {
        char key[24];
        size_t device = device_of(to, from->sync[i]);
        (void)snprintf(key, sizeof(key), "sync[%u]", i + 1);
        if (device == to->device_count) {
            (void)kl_lab_refuse(document, key,
                                "no device streams \"%s\"; name the stream of each "
                                "device whose first channel carries the pulse",
                                from->sync[i]);
        } else if (i > 0 && device == device_of(to, to->pulse[0])) {
            (void)kl_lab_refuse(document, key,
                                "%s is of the same device as %s: their clock is one; name a stream "
                                "of another device",
                                from->sync[i], to->pulse[0]);
        }
        (void)snprintf(to->pulse[to->pulse_count++], KL_NAME_MAX, "%s", from->sync[i]);
    }
}

int kl_lab_read(const char *path, struct kl_lab *out, struct kl_lab_findings *findings)
{
    memset(out, 0, sizeof(*out));
    memset(findings, 0, sizeof(*findings));
    struct kl_lab_document document = {.name = path, .findings = findings};
    struct kl_fault fault = {.text = ""};
    char *text = kl_text_load(path, &document.len, &fault);
    document.text = text;
    if (text == NULL) {
        return kl_lab_note(&document, KL_ERR_IO, &fault);
    }
    void *loaded = NULL;
    int status = kl_yaml_parse(path, text, document.len, &lab_schema, &loaded, &fault);
    if (status != KL_OK) {
        struct kl_fault first =
            fault; /* the file has no shape: there is no more to be read in it */
        (void)kl_fault(&fault, status, "%.440s; mend this, then check again for the rest",
                       first.text);
        free(text);
        return kl_lab_note(&document, status, &fault);
    }
    const struct yaml_lab *lab = loaded;
    (void)snprintf(out->path, sizeof(out->path), "%s", path);
    out->settings = kl_settings_defaults();
    take_settings(&document, lab->settings, &out->settings);
    take_mains(&document, lab->settings, &out->mains_hz);
    kl_lab_subject_take(&document, lab->runner, &out->subject);
    (void)kl_lab_devices_take(&document, lab->devices, lab->devices_count, out);
    kl_lab_together(&document, out);
    take_sync(&document, lab, out);
    take_flags(&document, lab, out);
    free(text);
    kl_yaml_free(&lab_schema, loaded);
    if (findings->faults > 0) {
        kl_lab_free(out);
        return KL_ERR_RANGE;
    }
    return KL_OK;
}

int kl_lab_load(const char *path, struct kl_lab *out, struct kl_fault *fault)
{
    struct kl_lab_findings *findings = calloc(1, sizeof(*findings));
    if (findings == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    int status = kl_lab_read(path, out, findings);
    if (status != KL_OK) {
        kl_lab_first_fault(findings, fault);
    }
    free(findings);
    return status;
}

void kl_lab_free(struct kl_lab *lab)
{
    free(lab->flags_text);
    lab->flags_text = NULL;
    for (size_t i = 0; i < lab->device_count; i++) {
        kl_lab_device_release(&lab->device[i]);
    }
    lab->device_count = 0;
}

int kl_lab_plug(const struct kl_lab *lab, struct kl_hub *hub, struct kl_fault *fault)
{
    for (size_t i = 0; i < lab->device_count; i++) {
        const struct kl_lab_device *device = &lab->device[i];
        int index = kl_hub_add_at(hub, device->name, device->driver, kl_lab_device_config(device),
                                  &device->choice, fault);
        if (index < 0) {
            return index;
        }
    }
    return KL_OK;
}

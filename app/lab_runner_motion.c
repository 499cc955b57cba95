#include "app/lab_runner_motion.h"

#include "devices/virtual_parameters.h"

#include <stdio.h>
#include <string.h>

const cyaml_schema_value_t kl_lab_motion_number = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};
const cyaml_schema_value_t kl_lab_motion_word = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, KL_NAME_MAX - 1)};

/** The bits of a word of the list; 0: unknown. */
static unsigned sensor_bits(const char *word)
{
    if (strcmp(word, "all") == 0) {
        return KL_VIRTUAL_SENSORS_ALL;
    }
    if (strcmp(word, "imu") == 0) {
        return KL_VIRTUAL_SENSORS_IMU;
    }
    for (unsigned i = 0; i < KL_VIRTUAL_SENSOR_COUNT; i++) {
        if (strcmp(word, kl_virtual_sensor_text(i)) == 0) {
            return KL_VIRTUAL_SENSOR(i);
        }
    }
    return 0;
}

static int take_sensors(const struct kl_lab_motion *from, struct kl_virtual_runner *to,
                        kl_lab_motion_refuse *refuse, const void *document)
{
    if (from->sensors == NULL) {
        return KL_OK;
    }
    to->sensors = 0;
    to->imu = false; /* the list says it all */
    for (unsigned i = 0; i < from->sensors_count; i++) {
        unsigned bits = sensor_bits(from->sensors[i]);
        if (bits == 0) {
            char path[48];
            (void)snprintf(path, sizeof(path), "virtual_runner.sensors[%u]", i + 1);
            return refuse(document, path,
                          "no such sensor; there are imu.trunk, imu.pelvis, imu.thigh.left, "
                          "imu.shank.left, imu.foot.left, emg.vmo.left, emg.vl.left, joints.left "
                          "(and .right), treadmill, imu, all");
        }
        to->sensors |= bits;
    }
    return KL_OK;
}

static int take_value(const struct kl_virtual_parameter *parameter, double value, unsigned i,
                      struct kl_virtual_runner *to, kl_lab_motion_refuse *refuse,
                      const void *document)
{
    if (!(value >= parameter->low && value <= parameter->high)) {
        char path[96];
        char words[96];
        int len = snprintf(path, sizeof(path), "virtual_runner.%s", parameter->key);
        if (parameter->count > 1) {
            (void)snprintf(path + len, sizeof(path) - (size_t)len, "[%u]", i + 1);
        }
        (void)snprintf(words, sizeof(words), "%g is out of range; allowed is %g to %g", value,
                       parameter->low, parameter->high);
        return refuse(document, path, words);
    }
    kl_virtual_parameter_set(to, parameter, i, value);
    return KL_OK;
}

int kl_lab_motion_take(const struct kl_lab_motion *from, struct kl_virtual_runner *to,
                       kl_lab_motion_refuse *refuse, const void *document)
{
    size_t count = 0;
    const struct kl_virtual_parameter *parameter = kl_virtual_parameters(&count);
    int status = KL_OK;
    for (size_t k = 0; status == KL_OK && k < count && k < KL_LAB_MOTION_COUNT; k++) {
        const double *value = from->given[k].value;
        for (unsigned i = 0; status == KL_OK && value != NULL && i < parameter[k].count; i++) {
            status = take_value(&parameter[k], value[i], i, to, refuse, document);
        }
    }
    return status == KL_OK ? take_sensors(from, to, refuse, document) : status;
}

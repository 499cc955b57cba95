/* The runner's motion in a lab file: every parameter has its key, and lands where it belongs. */
#include "app/lab_runner.h"
#include "devices/virtual_parameters.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static const double deg = 3.14159265358979323846 / 180;

Test(lab_runner_motion, every_parameter_is_a_key_of_the_section)
{
    size_t count = 0;
    const struct kl_virtual_parameter *parameter = kl_virtual_parameters(&count);
    cr_assert_eq(count, KL_LAB_MOTION_COUNT);
    for (size_t k = 0; k < count; k++) {
        const cyaml_schema_field_t *field = kl_lab_runner_fields;
        while (field->key != NULL && strcmp(field->key, parameter[k].key) != 0) {
            field++;
        }
        cr_assert_not_null(field->key, "%s", parameter[k].key);
        cr_expect_eq(field->data_offset, offsetof(struct kl_lab_runner, motion.given[k].value),
                     "%s", parameter[k].key);
        bool list = field->value.type == CYAML_SEQUENCE;
        cr_expect_eq(list, parameter[k].count > 1, "%s", parameter[k].key);
        if (list) {
            cr_expect_eq(field->value.sequence.min, parameter[k].count, "%s", parameter[k].key);
            cr_expect_eq(field->value.sequence.max, parameter[k].count, "%s", parameter[k].key);
        }
    }
}

static char refused[96];

static int refuse(const void *document, const char *path, const char *words)
{
    (void)document;
    (void)words;
    (void)snprintf(refused, sizeof(refused), "%s", path);
    return KL_ERR_RANGE;
}

static struct kl_lab_motion said(const char *key, double *value)
{
    size_t count = 0;
    const struct kl_virtual_parameter *parameter = kl_virtual_parameters(&count);
    struct kl_lab_motion motion = {.sensors = NULL};
    for (size_t k = 0; k < count; k++) {
        if (strcmp(parameter[k].key, key) == 0) {
            motion.given[k].value = value;
        }
    }
    return motion;
}

Test(lab_runner_motion, degrees_become_radians_on_their_side)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    struct kl_lab_motion motion = said("eversion_deg", (double[]){9, 14});
    cr_expect_eq(kl_lab_motion_take(&motion, &runner, refuse, NULL), KL_OK);
    cr_expect_float_eq(runner.eversion_rad[0], 9 * deg, 1e-15);
    cr_expect_float_eq(runner.eversion_rad[1], 14 * deg, 1e-15);
    motion = said("mounting_foot_left_deg", (double[]){0, 0, 90});
    cr_expect_eq(kl_lab_motion_take(&motion, &runner, refuse, NULL), KL_OK);
    cr_expect_float_eq(runner.mounting_rad[KL_VIRTUAL_FOOT_LEFT][2], 90 * deg, 1e-15);
    motion = said("valgus_deg", (double[]){3, 40});
    cr_expect_eq(kl_lab_motion_take(&motion, &runner, refuse, NULL), KL_ERR_RANGE);
    cr_expect_str_eq(refused, "virtual_runner.valgus_deg[2]");
}

Test(lab_runner_motion, a_list_of_sensors_says_all_that_is_worn)
{
    struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    char *word[] = {"imu.pelvis", "emg.vl.right", "treadmill"};
    struct kl_lab_motion motion = {.sensors = word, .sensors_count = 3};
    cr_expect_eq(kl_lab_motion_take(&motion, &runner, refuse, NULL), KL_OK);
    cr_expect_not(runner.imu);
    cr_expect_eq(runner.sensors, KL_VIRTUAL_SENSOR(KL_VIRTUAL_PELVIS) |
                                     KL_VIRTUAL_SENSOR(KL_VIRTUAL_EMG_VL_RIGHT) |
                                     KL_VIRTUAL_SENSOR(KL_VIRTUAL_TREADMILL));
    word[1] = "imu";
    word[2] = "all";
    motion.sensors_count = 2;
    cr_expect_eq(kl_lab_motion_take(&motion, &runner, refuse, NULL), KL_OK);
    cr_expect_eq(runner.sensors, KL_VIRTUAL_SENSORS_IMU);
    word[1] = "imu.hand";
    cr_expect_eq(kl_lab_motion_take(&motion, &runner, refuse, NULL), KL_ERR_RANGE);
    cr_expect_str_eq(refused, "virtual_runner.sensors[2]");
    motion.sensors_count = 0;
    cr_expect_eq(kl_lab_motion_take(&motion, &runner, refuse, NULL), KL_OK);
    cr_expect_eq(runner.sensors, 0);
}

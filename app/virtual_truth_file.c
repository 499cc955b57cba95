#include "app/virtual_truth_file.h"

#include "devices/virtual_load.h"
#include "devices/virtual_motion.h"
#include "devices/virtual_parameters.h"
#include "devices/virtual_truth.h"

#include <jansson.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A number of a struct under its key in the file. */
struct entry {
    const char *key;
    size_t offset;
};

static const struct entry parameters[] = {
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct kl_virtual_runner, name)                                            \
    }
    FIELD(mass_kg),    FIELD(height_m),        FIELD(speed_m_s),       FIELD(braking_bw),
    FIELD(overstride), FIELD(mediolateral_bw), FIELD(free_moment_bwh), FIELD(step_width_m),
    FIELD(com_x_m),    FIELD(com_z_m),         FIELD(step_time_cv),    FIELD(step_time_phi),
    FIELD(rate_hz),    FIELD(imu_rate_hz),     FIELD(plate_depth_m),   FIELD(noise_scale),
    FIELD(quiet_s),    FIELD(stand_s),
#undef FIELD
};

static const struct entry sided_parameters[] = {
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct kl_virtual_runner, name)                                            \
    }
    FIELD(step_time_s),  FIELD(contact_time_s), FIELD(impact_bw),
    FIELD(impact_start), FIELD(impact_end),
#undef FIELD
};

static const struct entry step_values[] = {
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct kl_virtual_step, name)                                              \
    }
    FIELD(contact_s),
    FIELD(off_s),
    FIELD(ic_s),
    FIELD(to_s),
    FIELD(step_time_s),
    FIELD(contact_time_s),
    FIELD(flight_time_s),
    FIELD(active_peak_n),
    FIELD(time_to_active_peak_s),
    FIELD(valr_n_s),
    FIELD(vilr_n_s),
    FIELD(t20_s),
    FIELD(t80_s),
    FIELD(valr_p13_n_s),
    FIELD(vilr_p13_n_s),
    FIELD(vertical_impulse_n_s),
    FIELD(braking_impulse_n_s),
    FIELD(propulsion_impulse_n_s),
    FIELD(peak_braking_n),
    FIELD(time_to_peak_braking_s),
    FIELD(peak_propulsion_n),
    FIELD(time_to_peak_propulsion_s),
    FIELD(braking_to_propulsion_s),
    FIELD(peak_medial_n),
    FIELD(peak_lateral_n),
    FIELD(mediolateral_impulse_n_s),
    FIELD(free_moment_peak_n_m),
    FIELD(cop_mean_z_m),
    FIELD(cop_range_z_m),
    FIELD(cop_progression_m),
    FIELD(cop_weighted_z_m),
#undef FIELD
};

/* Written only where there is an impact peak, else null. */
static const struct entry impact_values[] = {
#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(struct kl_virtual_step, name)                                              \
    }
    FIELD(impact_peak_n),
    FIELD(time_to_impact_peak_s),
    FIELD(impact_trough_n),
#undef FIELD
};

static double number_at(const void *base, size_t offset)
{
    double value = 0;
    memcpy(&value, (const char *)base + offset, sizeof(value));
    return value;
}

/* A failed allocation leaves a hole in the object: the sum of these tells. */
static int put_numbers(json_t *object, const void *base, const struct entry *entry, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        json_t *number = json_real(number_at(base, entry[i].offset));
        failed |= json_object_set_new(object, entry[i].key, number);
    }
    return failed;
}

static int put_parameters(json_t *object, const struct kl_virtual_runner *runner)
{
    int failed = put_numbers(object, runner, parameters, COUNT(parameters));
    for (size_t i = 0; i < COUNT(sided_parameters); i++) {
        size_t offset = sided_parameters[i].offset;
        failed |=
            json_object_set_new(object, sided_parameters[i].key,
                                json_pack("{s:f, s:f}", "left", number_at(runner, offset), "right",
                                          number_at(runner, offset + sizeof(double))));
    }
    size_t count;
    const struct kl_virtual_parameter *parameter = kl_virtual_parameters(&count);
    for (size_t i = 0; i < count; i++) {
        json_t *values = json_array();
        for (unsigned k = 0; k < parameter[i].count; k++) {
            double value = kl_virtual_parameter_get(runner, &parameter[i], k);
            failed |= json_array_append_new(values, json_real(value));
        }
        failed |= json_object_set_new(object, parameter[i].key, values);
    }
    failed |= json_object_set_new(object, "split_belt", json_boolean(runner->split_belt));
    failed |= json_object_set_new(object, "imu", json_boolean(runner->imu));
    failed |= json_object_set_new(object, "seed", json_integer((json_int_t)runner->seed));
    failed |= json_object_set_new(object, "subject", json_string(runner->subject));
    return failed;
}

static int put_step(json_t *steps, const struct kl_virtual_step *step)
{
    json_t *object = json_object();
    int failed = json_object_set_new(object, "side", json_string(kl_side_text(step->side)));
    failed |= put_numbers(object, step, step_values, COUNT(step_values));
    size_t fields;
    const struct kl_virtual_truth_field *field = kl_virtual_motion_fields(&fields);
    for (size_t i = 0; i < fields; i++) {
        json_t *number = json_real(number_at(step, field[i].offset));
        failed |= json_object_set_new(object, field[i].key, number);
    }
    for (size_t i = 0; i < COUNT(impact_values); i++) {
        double value = number_at(step, impact_values[i].offset);
        failed |= json_object_set_new(object, impact_values[i].key,
                                      step->impact_peak_n > 0 ? json_real(value) : json_null());
    }
    return failed | json_array_append_new(steps, object);
}

static json_t *summary(const struct kl_virtual_runner *runner)
{
    double stride_s = runner->step_time_s[0] + runner->step_time_s[1];
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "body_weight_n",
                     runner->mass_kg * KL_GRAVITY_M_S2, "mean_cadence_hz", 2 / stride_s,
                     "vertical_oscillation_m", kl_virtual_runner_vertical_oscillation(runner),
                     "com_x_m", runner->com_x_m, "com_z_m", runner->com_z_m);
}

static json_t *timeline_json(const struct kl_virtual_runner *runner)
{
    struct kl_virtual_timeline timeline = kl_virtual_timeline(runner);
    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "stand_s", timeline.stand_s, "still_s",
                     timeline.still_s, "still_end_s", timeline.still_end_s, "leave_s",
                     timeline.leave_s, "first_onset_s", timeline.first_onset_s);
}

static json_t *truth_json(const struct kl_virtual_runner *runner, double seconds,
                          double threshold_n, struct kl_virtual_truth *truth)
{
    json_t *object = json_object();
    json_t *parameter = json_object();
    json_t *steps = json_array();
    int failed = put_parameters(parameter, runner);
    struct kl_virtual_step step;
    while (failed == 0 && kl_virtual_truth_next(truth, &step)) {
        failed |= put_step(steps, &step);
    }
    failed |= json_object_set_new(object, "kneelab", json_string(KL_VERSION));
    failed |= json_object_set_new(object, "truth_of", json_string(kl_virtual_runner_driver.name));
    failed |= json_object_set_new(object, "seconds", json_real(seconds));
    failed |= json_object_set_new(object, "threshold_n", json_real(threshold_n));
    failed |= json_object_set_new(object, "parameters", parameter);
    failed |= json_object_set_new(object, "timeline", timeline_json(runner));
    failed |= json_object_set_new(object, "summary", summary(runner));
    failed |= json_object_set_new(object, "steps", steps);
    if (failed != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* A file that nobody else reads and that replaces nothing. */
static int write_new(const char *path, const json_t *object, struct kl_fault *fault)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return kl_fault(fault, KL_ERR_IO, "%s: cannot create the truth file: %s%s", path,
                        strerror(errno),
                        errno == EEXIST ? "; choose another name, nothing is overwritten" : "");
    }
    int failed = json_dumpfd(object, file, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    int why = errno;
    if (close(file) != 0 && failed == 0) {
        why = errno;
        failed = -1;
    }
    if (failed != 0) {
        (void)unlink(path); /* half a truth is none */
        return kl_fault(fault, KL_ERR_IO, "%s: cannot write the truth file: %s; make room", path,
                        strerror(why));
    }
    return KL_OK;
}

int kl_virtual_truth_write(const char *path, const struct kl_virtual_runner *runner, double seconds,
                           double threshold_n, struct kl_fault *fault)
{
    struct kl_virtual_truth *truth = NULL;
    int status = kl_virtual_truth_create(&truth, runner, seconds, threshold_n, fault);
    if (status != KL_OK) {
        return status;
    }
    json_t *object = truth_json(runner, seconds, threshold_n, truth);
    status = object != NULL ? write_new(path, object, fault)
                            : kl_fault(fault, KL_ERR_MEM, "%s: no memory for the truth file", path);
    json_decref(object);
    kl_virtual_truth_destroy(truth);
    return status;
}

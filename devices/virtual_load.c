#include "devices/virtual_load.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <string.h>

static const double step_on_s = 0.5;  /* smooth transfer of weight onto the belt */
static const double step_off_s = 0.2; /* and off it */
static const double lead_s = 0.2;     /* empty belt before the first contact: a flight */

/* Postural sway while standing [P]: sines whose periods divide the 3 s of a weighing, so that its
 * mean is the weight exactly. SD of Fy 0.35 %. */
static const double sway_hz[2] = {1.0 / 3.0, 2.0 / 3.0};
static const double sway_vertical[2] = {0.004, 0.003}; /* of body weight */
static const double sway_shear = 0.002;                /* of body weight */
static const double sway_x_m = 0.005, sway_z_m = 0.003;

static const double between_s = 1.0; /* rest after each part of the calibration [P] */

const char *kl_virtual_part_text(enum kl_virtual_part part)
{
    static const char *const text[KL_VIRTUAL_PART_COUNT] = {
        [KL_VIRTUAL_STILL] = "still", [KL_VIRTUAL_KNEE_BENDS] = "squats",
        [KL_VIRTUAL_BOWS] = "bows",   [KL_VIRTUAL_MARCHING] = "march",
        [KL_VIRTUAL_MVC] = "mvc",
    };
    return text[part];
}

static void calibrate(struct kl_virtual_timeline *timeline, const struct kl_virtual_runner *runner)
{
    const double length_s[KL_VIRTUAL_PART_COUNT] = {
        [KL_VIRTUAL_STILL] = runner->still_s,
        [KL_VIRTUAL_KNEE_BENDS] = runner->knee_bends * KL_VIRTUAL_KNEE_BEND_S,
        [KL_VIRTUAL_BOWS] = runner->bows * KL_VIRTUAL_BOW_S,
        [KL_VIRTUAL_MARCHING] = runner->marching_s,
        [KL_VIRTUAL_MVC] = runner->mvc_trials * KL_VIRTUAL_MVC_S,
    };
    double now_s = fmax(timeline->leave_s, timeline->still_s);
    for (int i = 0; i < KL_VIRTUAL_PART_COUNT; i++) {
        timeline->part[i].start_s = now_s;
        timeline->part[i].end_s = now_s + length_s[i];
        if (length_s[i] > 0) {
            now_s += length_s[i] + between_s;
            timeline->off_s = now_s;
            timeline->leave_s = now_s + runner->quiet_s; /* the plate has drifted meanwhile */
        }
    }
}

struct kl_virtual_timeline kl_virtual_timeline(const struct kl_virtual_runner *runner)
{
    struct kl_virtual_timeline timeline = {.stand_s = kl_seconds(KL_EPOCH_NS) + runner->quiet_s};
    timeline.leave_s = timeline.stand_s + runner->stand_s;
    timeline.off_s = timeline.leave_s;
    timeline.still_s = timeline.stand_s + step_on_s;
    timeline.still_end_s = timeline.leave_s - step_off_s;
    calibrate(&timeline, runner);
    timeline.first_onset_s = timeline.leave_s + lead_s;
    return timeline;
}

void kl_virtual_load_init(struct kl_virtual_load *load, const struct kl_virtual_runner *runner)
{
    load->timeline = kl_virtual_timeline(runner);
    load->count = 0;
    kl_virtual_gait_init(&load->gait, runner, load->timeline.first_onset_s);
}

/* Draws contacts until the one after the current one is known. A contact ends before the same
 * foot's next one begins (kl_virtual_runner_check), so at most two are loaded. */
void kl_virtual_load_advance(struct kl_virtual_load *load, double t_s)
{
    while (load->count == 0 || load->contact[load->count - 1].onset_s <= t_s) {
        if (load->count == KL_VIRTUAL_WINDOW) {
            load->count--;
            memmove(load->contact, load->contact + 1, load->count * sizeof(load->contact[0]));
        }
        kl_virtual_gait_next(&load->gait, &load->contact[load->count++]);
    }
}

/* Smooth from 0 to 1 as x goes from 0 to 1. */
static double ease(double x)
{
    return x <= 0 ? 0 : x >= 1 ? 1 : 0.5 - 0.5 * cos(M_PI * x);
}

static void stand(const struct kl_virtual_load *load, double t_s, double wrench[2][KL_WRENCH_COUNT])
{
    const struct kl_virtual_timeline *timeline = &load->timeline;
    if (t_s <= timeline->stand_s || t_s >= timeline->off_s) {
        return;
    }
    const struct kl_virtual_runner *runner = &load->gait.runner;
    double on = ease((t_s - timeline->stand_s) / step_on_s);
    double off = ease((timeline->off_s - t_s) / step_off_s);
    double slow = sin(2 * M_PI * sway_hz[0] * (t_s - timeline->still_s));
    double fast = sin(2 * M_PI * sway_hz[1] * (t_s - timeline->still_s));
    double half_n = on * off * runner->mass_kg * KL_GRAVITY_M_S2 / 2;
    double fx = half_n * sway_shear * fast;
    double fy = half_n * (1 + sway_vertical[0] * slow + sway_vertical[1] * fast);
    double fz = half_n * sway_shear * slow;
    double x = runner->com_x_m + sway_x_m * slow;
    for (int i = 0; i < 2; i++) {
        double z = runner->com_z_m + sway_z_m * fast + (i == 0 ? -0.5 : 0.5) * runner->step_width_m;
        wrench[i][KL_FX] = fx;
        wrench[i][KL_FY] = fy;
        wrench[i][KL_FZ] = fz;
        wrench[i][KL_MX] = -z * fy;
        wrench[i][KL_MY] = z * fx - x * fz;
        wrench[i][KL_MZ] = x * fy;
    }
}

void kl_virtual_load_at(struct kl_virtual_load *load, double t_s, double wrench[2][KL_WRENCH_COUNT])
{
    memset(wrench, 0, 2 * sizeof(wrench[0]));
    stand(load, t_s, wrench);
    kl_virtual_load_advance(load, t_s);
    for (size_t k = 0; k < load->count; k++) {
        const struct kl_virtual_contact *contact = &load->contact[k];
        double one[KL_WRENCH_COUNT];
        kl_virtual_contact_wrench(contact, t_s, one);
        for (int i = 0; i < KL_WRENCH_COUNT; i++) {
            wrench[contact->side == KL_SIDE_LEFT ? 0 : 1][i] += one[i];
        }
    }
}

void kl_virtual_runner_wrench(const struct kl_virtual_runner *runner, double t_s, double wrench[6])
{
    struct kl_virtual_load load;
    double feet[2][KL_WRENCH_COUNT];
    kl_virtual_load_init(&load, runner);
    kl_virtual_load_at(&load, t_s, feet);
    for (int i = 0; i < KL_WRENCH_COUNT; i++) {
        wrench[i] = feet[0][i] + feet[1][i];
    }
}

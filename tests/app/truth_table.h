/* What the whole pipeline says about the virtual runner, beside what is true: one table of metrics
 * with a truth, and their errors over a session (methods 21.5). Shared by the acceptance test and
 * the bench that prints the table.
 */
#ifndef KL_TESTS_APP_TRUTH_TABLE_H
#define KL_TESTS_APP_TRUTH_TABLE_H

#include "app/results.h"
#include "devices/virtual_runner.h"

enum { TRUTH_STEPS_MAX = 1024 };

/** What of the errors of all steps a goal is about. */
enum truth_goal {
    TRUTH_NO_GOAL = 0,
    TRUTH_EACH,    /* every single step */
    TRUTH_RMS,     /* the root mean square of steps */
    TRUTH_MEAN_60, /* means over 60 steps in a row */
};

struct truth_row {
    const char *key; /* of the metric */
    const char *unit;
    double scale;  /* of an error, to `unit` */
    bool per_mass; /* the metric is divided by the runner's mass first */
    bool relative; /* error over truth */
    size_t truth;  /* of a double in struct truth_step */
    enum truth_goal about;
    double goal[2]; /* noise-free, default noise; in `unit` */
};

/** A true step and where the centre of mass was. */
struct truth_step {
    struct kl_virtual_step step;
    double cop_to_com_m; /* mean over 20-80 %, outwards */
    double overstride_m; /* centre of pressure ahead of the mass where Fy passes 100 N */
    double oscillation_m;
    /* About x of the shank with the plate's wrench through the 20 Hz that methods 12.1 asks of all
     * inputs: the true pose, so what is left is the error of orientation and knee centre. */
    double kam_peak_n_m_kg, kam_impulse_n_m_s_kg;
};

extern const struct truth_row truth_rows[];
extern const size_t truth_row_count;

struct truth_error {
    size_t count;   /* steps with a value and a truth */
    size_t refused; /* matched steps without a value */
    double truth, bias, sd, rms, worst, mean60,
        correlation; /* truth: mean; all in the row's unit */
};

/** The figure that the row's goal is about. */
double truth_figure(const struct truth_row *row, const struct truth_error *error);

/** The rehearsal's runner, everything worn, calibrated: the first column of methods 21.5 has clean
 *  sensors, the second default noise and soft tissue. */
struct kl_virtual_runner truth_runner(bool noisy);

/** What goes wrong after the calibration, between devices and pipeline. */
struct truth_disturbance {
    double turned_rad; /* every IMU, about a level axis of its own (about the long one cross-talk
                          is noticed and refuses the step) ... */
    uint64_t seed;     /* ... drawn from this */
    double cop_m;      /* the centre of pressure reads this far to the right */
};

/** Runs the session through hub and pipeline.
 *  @param disturbance  NULL: none
 *  @return false with words in *fault */
bool truth_run(const struct kl_virtual_runner *runner, const struct truth_disturbance *disturbance,
               double seconds, struct kl_results *results, struct kl_fault *fault);

/** The levels of methods 12.2, as K1, K2a, K2b, K3. */
enum { KNEE_LEVELS = 4 };

struct knee_errors {
    size_t count;
    double truth, bias, rmse, sd, correlation; /* peaks, N·m/kg, each level in its own frame */
};

/** Errors of the peak of a session at each level. @return false when a session fails */
bool knee_errors_of(const struct kl_virtual_runner *runner,
                    const struct truth_disturbance *disturbance, double seconds,
                    struct knee_errors out[KNEE_LEVELS], struct kl_fault *fault);

/** True steps at full running amplitude and their centre of mass.
 *  @param out  [TRUTH_STEPS_MAX] @return how many */
size_t truth_of(const struct kl_virtual_runner *runner, double seconds, struct truth_step *out);

/** The true step a found one belongs to; NULL: none at full amplitude. */
const struct truth_step *truth_match(const struct truth_step *truth, size_t count,
                                     const struct kl_step *step);

/** Errors of every row. @param error  out [truth_row_count] */
void truth_compare(const struct kl_virtual_runner *runner, const struct kl_results *results,
                   const struct truth_step *truth, size_t count, struct truth_error *error);

#endif

#include "devices/virtual_gait.h"

#include <gsl/gsl_math.h>

#include <math.h>

static const double foot_length_heights = 0.152; /* Lf / H, methods 21.1 */
static const double cop_start = 0.1;             /* of Lf, heel side of the ankle, methods 21.1 */
static const double cop_travel = 0.75;           /* of Lf, methods 21.1 */
static const double cop_exponent = 0.8;          /* methods 21.1 */
static const double cop_swing_m = 0.010;         /* lateral to medial, methods 21.1 */

/* Consumer numbers of kl_noise_init; 1-3 are the plates, 8-31 the sensors. */
enum { NOISE_OF_STEPS = 0, NOISE_OF_PULSES = 4 };

enum { SIMPSON_INTERVALS = 1000 }; /* of the forward COP mean: error below 1e-7 m */

static double impact_phase(const struct kl_virtual_contact *contact, double s)
{
    return (s - contact->impact_start) / (contact->impact_end - contact->impact_start);
}

static bool in_impact(const struct kl_virtual_contact *contact, double s)
{
    return contact->impact_bw > 0 && s >= contact->impact_start && s <= contact->impact_end;
}

void kl_virtual_contact_force(const struct kl_virtual_contact *contact, double s, double force[3])
{
    if (!(s > 0 && s < 1)) {
        force[0] = force[1] = force[2] = 0;
        return;
    }
    double sine = sin(M_PI * s);
    double cosine = cos(M_PI * s);
    double sine2 = 2 * sine * cosine;     /* sin(2 pi s) */
    double cosine2 = 1 - 2 * sine * sine; /* cos(2 pi s) */
    double vertical = contact->active_bw * sine;
    if (in_impact(contact, s)) {
        double impact = sin(M_PI * impact_phase(contact, s));
        vertical += contact->impact_bw * impact * impact;
    }
    double mirror = kl_virtual_mirror(contact->side);
    force[0] =
        -contact->body_weight_n * contact->braking_bw * sine2 * (1 + contact->overstride * cosine2);
    force[1] = contact->body_weight_n * vertical;
    force[2] = -mirror * contact->body_weight_n * contact->medial_bw * sine;
}

double kl_virtual_contact_loading(const struct kl_virtual_contact *contact, double s)
{
    double slope = contact->active_bw * M_PI * cos(M_PI * s);
    if (in_impact(contact, s)) {
        slope += contact->impact_bw * M_PI / (contact->impact_end - contact->impact_start) *
                 sin(2 * M_PI * impact_phase(contact, s));
    }
    return contact->body_weight_n * slope / contact->contact_time_s;
}

double kl_virtual_contact_free_moment(const struct kl_virtual_contact *contact, double s)
{
    if (!(s > 0 && s < 1)) {
        return 0;
    }
    return kl_virtual_mirror(contact->side) * contact->free_moment_n_m * sin(M_PI * s);
}

/* Where the COP stands, forward of x_ic. */
static double cop_forward(const struct kl_virtual_contact *contact, double s)
{
    return -contact->speed_m_s * s * contact->contact_time_s +
           contact->foot_length_m * (cop_start + cop_travel * pow(s, cop_exponent));
}

void kl_virtual_contact_cop(const struct kl_virtual_contact *contact, double s, double *x_m,
                            double *z_m)
{
    *x_m = contact->x_ic_m + cop_forward(contact, s);
    *z_m = contact->z_foot_m + kl_virtual_mirror(contact->side) * cop_swing_m * cos(M_PI * s);
}

void kl_virtual_contact_wrench(const struct kl_virtual_contact *contact, double t_s,
                               double wrench[KL_WRENCH_COUNT])
{
    double s = (t_s - contact->onset_s) / contact->contact_time_s;
    if (!(s > 0 && s < 1)) {
        for (int i = 0; i < KL_WRENCH_COUNT; i++) {
            wrench[i] = 0;
        }
        return;
    }
    double x = 0;
    double z = 0;
    kl_virtual_contact_cop(contact, s, &x, &z);
    double force[3];
    kl_virtual_contact_force(contact, s, force);
    wrench[KL_FX] = force[0];
    wrench[KL_FY] = force[1];
    wrench[KL_FZ] = force[2];
    /* r x F for r = (x, 0, z), plus the free moment */
    wrench[KL_MX] = -z * force[1];
    wrench[KL_MY] = z * force[0] - x * force[2] + kl_virtual_contact_free_moment(contact, s);
    wrench[KL_MZ] = x * force[1];
}

/* Force-weighted mean of cos(pi s). The active half-sine adds nothing (its product with cos(pi s)
 * is odd about s = 0.5); the impact has a closed form. */
static double weighted_cosine(const struct kl_virtual_contact *contact)
{
    if (contact->impact_bw <= 0) {
        return 0;
    }
    double s1 = contact->impact_start;
    double s2 = contact->impact_end;
    double b = 2 * M_PI / (s2 - s1); /* >= 2 pi: never meets pi below */
    double impact = contact->impact_bw / 2 * (sin(M_PI * s2) - sin(M_PI * s1)) *
                    (1 / M_PI - M_PI / (M_PI * M_PI - b * b));
    return impact * contact->contact_time_s / contact->step_time_s;
}

double kl_virtual_contact_weighted_z(const struct kl_virtual_contact *contact)
{
    return contact->z_foot_m +
           kl_virtual_mirror(contact->side) * cop_swing_m * weighted_cosine(contact);
}

/* Force-weighted mean of cop_forward; s^0.8 leaves no closed form, so Simpson's rule. */
static double weighted_forward(const struct kl_virtual_contact *contact)
{
    double sum = 0;
    double weight_sum = 0;
    for (int i = 1; i < SIMPSON_INTERVALS; i++) { /* the force is zero at both ends */
        double s = (double)i / SIMPSON_INTERVALS;
        double force[3];
        kl_virtual_contact_force(contact, s, force);
        double weight = (i % 2 == 1 ? 4 : 2) * force[1];
        sum += weight * cop_forward(contact, s);
        weight_sum += weight;
    }
    return sum / weight_sum;
}

/* Places the foot so that the moment balance of methods 7.4 returns com_x_m and com_z_m.
 *
 * In periodic motion Fy = m (eta'' + g) and Fz = m zeta'' with eta, zeta periodic of mean zero, so
 * integral(zeta Fy) = m integral(zeta eta'') = m integral(zeta'' eta) = integral(eta Fz), and the
 * constant of y_com meets integral(Fz) = 0: the balance reduces to z0 = integral(z_cop Fy) /
 * integral(Fy), the force-weighted COP (x likewise). It is therefore enough that the weighted mean
 * is x0 in every contact, and z0 over a stride of mean step times. Exact without jitter; with
 * jitter the motion is not periodic and z0, x0 hold for the mean over many strides. */
static void place_foot(const struct kl_virtual_runner *runner, struct kl_virtual_contact *contact)
{
    contact->x_ic_m = runner->com_x_m - weighted_forward(contact);
    /* The longer-loaded foot stands nearer to the centre of mass; half the width for equal sides.
     */
    double other_time = runner->step_time_s[contact->side == KL_SIDE_LEFT ? 1 : 0];
    double share = other_time / (runner->step_time_s[0] + runner->step_time_s[1]);
    double mirror = kl_virtual_mirror(contact->side);
    contact->z_foot_m = runner->com_z_m + mirror * runner->step_width_m * share -
                        mirror * cop_swing_m * weighted_cosine(contact);
}

struct kl_virtual_contact kl_virtual_contact(const struct kl_virtual_runner *runner,
                                             enum kl_side side, double onset_s, double step_time_s,
                                             double contact_time_s)
{
    int i = side == KL_SIDE_LEFT ? 0 : 1;
    double body_weight_n = runner->mass_kg * KL_GRAVITY_M_S2;
    double impact_width = runner->impact_end[i] - runner->impact_start[i];
    double mean_contact_s = (runner->contact_time_s[0] + runner->contact_time_s[1]) / 2;
    struct kl_virtual_contact contact = {
        .side = side,
        .onset_s = onset_s,
        .step_time_s = step_time_s,
        .contact_time_s = contact_time_s,
        .body_weight_n = body_weight_n,
        .active_bw = M_PI / (2 * contact_time_s) *
                     (step_time_s - runner->impact_bw[i] * contact_time_s * impact_width / 2),
        .impact_bw = runner->impact_bw[i],
        .impact_start = runner->impact_start[i],
        .impact_end = runner->impact_end[i],
        .braking_bw = runner->braking_bw,
        .overstride = runner->overstride,
        /* the same sideways impulse in every contact, or the runner would drift off the belt */
        .medial_bw = runner->mediolateral_bw * mean_contact_s / contact_time_s,
        .free_moment_n_m = runner->free_moment_bwh * body_weight_n * runner->height_m,
        .speed_m_s = runner->speed_m_s,
        .foot_length_m = foot_length_heights * runner->height_m,
    };
    for (int k = 0; k < KL_VIRTUAL_PULSE_COUNT; k++) {
        contact.pulse[k] = 1;
    }
    place_foot(runner, &contact);
    return contact;
}

void kl_virtual_gait_init(struct kl_virtual_gait *gait, const struct kl_virtual_runner *runner,
                          double first_onset_s)
{
    gait->runner = *runner;
    gait->made = 0;
    gait->next_onset_s = first_onset_s;
    kl_noise_init(&gait->noise, runner->seed, NOISE_OF_STEPS);
    for (int i = 0; i < 2; i++) {
        gait->deviation[i] = kl_noise_gaussian(&gait->noise, 1.0); /* stationary from the start */
    }
    kl_noise_init(&gait->pulse_noise, runner->seed, NOISE_OF_PULSES);
    for (int k = 0; k < KL_VIRTUAL_PULSE_COUNT; k++) {
        gait->pulse_deviation[k] = kl_noise_gaussian(&gait->pulse_noise, 1.0);
    }
}

/* 1 + cv * d of an AR(1) series, which then moves on by one step. */
static double vary(struct kl_noise *noise, double *deviation, double phi, double cv)
{
    double now = *deviation;
    *deviation = phi * now + kl_noise_gaussian(noise, sqrt(1 - phi * phi));
    double cut = fmin(fmax(now, -KL_VIRTUAL_JITTER_MAX_SD), KL_VIRTUAL_JITTER_MAX_SD);
    return 1 + cv * cut;
}

static double jitter(struct kl_virtual_gait *gait, int which)
{
    return vary(&gait->noise, &gait->deviation[which], gait->runner.step_time_phi,
                gait->runner.step_time_cv);
}

void kl_virtual_gait_next(struct kl_virtual_gait *gait, struct kl_virtual_contact *out)
{
    int i = (int)(gait->made % 2);
    double step_time_s = gait->runner.step_time_s[i] * jitter(gait, 0);
    double contact_time_s = gait->runner.contact_time_s[i] * jitter(gait, 1);
    *out = kl_virtual_contact(&gait->runner, i == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT,
                              gait->next_onset_s, step_time_s, contact_time_s);
    out->index = gait->made++;
    for (int k = 0; k < KL_VIRTUAL_PULSE_COUNT; k++) {
        out->pulse[k] = vary(&gait->pulse_noise, &gait->pulse_deviation[k], gait->runner.angle_phi,
                             gait->runner.angle_cv);
    }
    gait->next_onset_s += step_time_s;
}

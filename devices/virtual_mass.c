#include "devices/virtual_mass.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <string.h>

enum { MEAN_INTERVALS = 200 }; /* of a step, for the mean position: Simpson, error below 1e-8 m */

/* Velocity and displacement that one contact alone, without gravity, has given the mass u seconds
 * after its onset (any u >= 0): the integrals of the closed forms of methods 21.1. */
static void given(const struct kl_virtual_contact *contact, double u_s, double velocity[3],
                  double displacement[3])
{
    double tc = contact->contact_time_s;
    double s = fmin(u_s / tc, 1);
    double after_s = fmax(u_s - tc, 0);
    double mirror = kl_virtual_mirror(contact->side);

    double half = tc / M_PI * (1 - cos(M_PI * s)); /* of sin(pi s) */
    double half2 = tc * tc / M_PI * (s - sin(M_PI * s) / M_PI);
    double k = contact->overstride / 2;
    double full = tc * (1 - cos(2 * M_PI * s) + k / 2 * (1 - cos(4 * M_PI * s))) / (2 * M_PI);
    double full2 =
        tc * tc / (2 * M_PI) *
        (s - sin(2 * M_PI * s) / (2 * M_PI) + k / 2 * (s - sin(4 * M_PI * s) / (4 * M_PI)));

    double width_s = (contact->impact_end - contact->impact_start) * tc;
    double since_s = s * tc - contact->impact_start * tc;
    double q = contact->impact_bw > 0 ? fmin(fmax(since_s / width_s, 0), 1) : 0;
    double rest_s = contact->impact_bw > 0 ? fmax(since_s - width_s, 0) : 0;
    double bump = width_s * (q / 2 - sin(2 * M_PI * q) / (4 * M_PI));
    double bump2 = width_s * width_s * (q * q / 4 + (cos(2 * M_PI * q) - 1) / (8 * M_PI * M_PI)) +
                   bump * rest_s;

    double g = KL_GRAVITY_M_S2;
    velocity[0] = -g * contact->braking_bw * full;
    velocity[1] = g * (contact->active_bw * half + contact->impact_bw * bump);
    velocity[2] = -mirror * g * contact->medial_bw * half;
    displacement[0] = -g * contact->braking_bw * full2;
    displacement[1] = g * (contact->active_bw * half2 + contact->impact_bw * bump2);
    displacement[2] = -mirror * g * contact->medial_bw * half2;
    for (int i = 0; i < 3; i++) {
        displacement[i] += velocity[i] * after_s;
    }
}

/* Displacement, velocity and acceleration u seconds into the step of `now`, from a start where all
 * earlier contacts are completed with velocity zero. `before` may still carry (no flight). */
static void step_motion(const struct kl_virtual_contact *before,
                        const struct kl_virtual_contact *now, double u_s,
                        struct kl_virtual_course out[3])
{
    double velocity[3];
    double displacement[3];
    double force[3];
    given(now, u_s, velocity, displacement);
    kl_virtual_contact_force(now, u_s / now->contact_time_s, force);
    double mass_kg = now->body_weight_n / KL_GRAVITY_M_S2;
    for (int i = 0; i < 3; i++) {
        out[i] = (struct kl_virtual_course){displacement[i], velocity[i], force[i] / mass_kg};
    }
    out[1].value -= KL_GRAVITY_M_S2 * u_s * u_s / 2;
    out[1].rate -= KL_GRAVITY_M_S2 * u_s;
    out[1].acceleration -= KL_GRAVITY_M_S2;
    if (before == NULL || before->contact_time_s <= before->step_time_s) {
        return;
    }
    double at_onset_m_s[3];
    double at_onset_m[3];
    double in_all_m_s[3];
    double in_all_m[3];
    given(before, before->step_time_s, at_onset_m_s, at_onset_m);
    given(before, before->contact_time_s, in_all_m_s, in_all_m);
    given(before, before->step_time_s + u_s, velocity, displacement);
    kl_virtual_contact_force(before, (before->step_time_s + u_s) / before->contact_time_s, force);
    for (int i = 0; i < 3; i++) {
        out[i].value += displacement[i] - at_onset_m[i] - in_all_m_s[i] * u_s;
        out[i].rate += velocity[i] - in_all_m_s[i];
        out[i].acceleration += force[i] / mass_kg;
    }
}

static int index_of(enum kl_side side)
{
    return side == KL_SIDE_LEFT ? 0 : 1;
}

/* Mean over a step of the displacement of step_motion. */
static void step_mean(const struct kl_virtual_contact *before, const struct kl_virtual_contact *now,
                      double mean[3])
{
    memset(mean, 0, 3 * sizeof(mean[0]));
    for (int k = 0; k <= MEAN_INTERVALS; k++) {
        struct kl_virtual_course course[3];
        step_motion(before, now, now->step_time_s * k / MEAN_INTERVALS, course);
        double weight = k == 0 || k == MEAN_INTERVALS ? 1 : k % 2 == 1 ? 4 : 2;
        for (int i = 0; i < 3; i++) {
            mean[i] += weight / (3 * MEAN_INTERVALS) * course[i].value;
        }
    }
}

void kl_virtual_mass_init(struct kl_virtual_mass *mass, const struct kl_virtual_runner *runner)
{
    struct kl_virtual_contact foot[2];
    for (int i = 0; i < 2; i++) {
        foot[i] = kl_virtual_contact(runner, i == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT, 0,
                                     runner->step_time_s[i], runner->contact_time_s[i]);
    }
    double left_s = runner->step_time_s[0];
    double right_s = runner->step_time_s[1];
    struct kl_virtual_course end[2][3];
    double mean[2][3];
    for (int i = 0; i < 2; i++) {
        step_motion(&foot[1 - i], &foot[i], runner->step_time_s[i], end[i]);
        step_mean(&foot[1 - i], &foot[i], mean[i]);
    }
    double left_in_all[3];
    double unused[3];
    given(&foot[0], fmax(left_s, foot[0].contact_time_s), left_in_all, unused);
    left_in_all[1] -= KL_GRAVITY_M_S2 * left_s;
    for (int i = 0; i < 3; i++) {
        /* back where it was after the stride */
        double v =
            -(end[0][i].value + end[1][i].value + left_in_all[i] * right_s) / (left_s + right_s);
        double w = v + left_in_all[i];
        double right_m = v * left_s + end[0][i].value; /* from the left contact's place */
        double mean_m = (left_s * (mean[0][i] + v * left_s / 2) +
                         right_s * (right_m + mean[1][i] + w * right_s / 2)) /
                        (left_s + right_s);
        mass->start_m_s[0][i] = v;
        mass->start_m_s[1][i] = w;
        mass->start_m[0][i] = -mean_m;
        mass->start_m[1][i] = right_m - mean_m;
    }
}

/* Smooth from 0 to 1, with two smooth derivatives, as u goes from 0 to 1. */
static struct kl_virtual_course ease(double u)
{
    return (struct kl_virtual_course){u * u * u * (10 + u * (-15 + 6 * u)),
                                      30 * u * u * (1 - u) * (1 - u),
                                      60 * u * (1 - u) * (1 - 2 * u)};
}

void kl_virtual_mass_at(const struct kl_virtual_mass *mass,
                        const struct kl_virtual_contact *contact, size_t at, double t_s,
                        struct kl_virtual_course out[3])
{
    const struct kl_virtual_contact *now = &contact[at];
    const struct kl_virtual_contact *before = at > 0 ? &contact[at - 1] : NULL;
    int side = index_of(now->side);
    const double *v = mass->start_m_s[side];
    double u_s = t_s - now->onset_s;
    if (u_s < 0) { /* free flight towards the first contact */
        for (int i = 0; i < 3; i++) {
            double g = i == 1 ? KL_GRAVITY_M_S2 : 0;
            out[i] = (struct kl_virtual_course){
                mass->start_m[side][i] + v[i] * u_s - g / 2 * u_s * u_s, v[i] - g * u_s, -g};
        }
        return;
    }
    double step_s = now->step_time_s;
    struct kl_virtual_course end[3];
    step_motion(before, now, u_s, out);
    step_motion(before, now, step_s, end);
    struct kl_virtual_course back = ease(u_s / step_s);
    for (int i = 0; i < 3; i++) {
        double meant_m = mass->start_m[1 - side][i] - mass->start_m[side][i];
        double surplus_m = v[i] * step_s + end[i].value - meant_m;
        out[i].value += mass->start_m[side][i] + v[i] * u_s - surplus_m * back.value;
        out[i].rate += v[i] - surplus_m * back.rate / step_s;
        out[i].acceleration -= surplus_m * back.acceleration / (step_s * step_s);
    }
}

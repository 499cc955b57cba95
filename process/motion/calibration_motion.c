#include "process/motion/calibration_motion.h"

#include "process/motion/still_pose.h"

#include <stdlib.h>
#include <string.h>

#define DEG (3.14159265358979323846 / 180)

/* A gyroscope may be off by this much; a steadier and faster rate is a slow turn [project]. */
#define BIAS_MAX_RAD_S (5 * DEG)

#define RUN_START 5 /* epochs before a mean is worth comparing with */

/* One repetition goes above the upper and below the lower part of the range. */
#define UPPER 0.6
#define LOWER 0.3
#define REPETITION_MIN_RAD (10 * DEG)

int kl_calibration_epochs_open(struct kl_calibration_epochs *epochs)
{
    *epochs = (struct kl_calibration_epochs){.begin_ns = 0};
    epochs->epoch = calloc(KL_SEGMENT_COUNT, sizeof(*epochs->epoch));
    return epochs->epoch != NULL ? KL_OK : KL_ERR_MEM;
}

void kl_calibration_epochs_close(struct kl_calibration_epochs *epochs)
{
    free(epochs->epoch);
    epochs->epoch = NULL;
}

void kl_calibration_epochs_begin(struct kl_calibration_epochs *epochs, int64_t t_ns)
{
    memset(epochs->epoch, 0, KL_SEGMENT_COUNT * sizeof(*epochs->epoch));
    epochs->begin_ns = t_ns;
    epochs->end_ns = t_ns + (int64_t)(KL_EPOCHS_MAX * KL_EPOCH_S * 1e9);
    epochs->count = 0;
}

static bool is_finite(struct kl_vec v)
{
    return isfinite(v.x) && isfinite(v.y) && isfinite(v.z);
}

void kl_calibration_epochs_add(struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                               int64_t t_ns, struct kl_vec w_rad_s, struct kl_vec a_m_s2)
{
    if (t_ns < epochs->begin_ns || t_ns >= epochs->end_ns || (unsigned)sensor >= KL_SEGMENT_COUNT ||
        !is_finite(w_rad_s) || !is_finite(a_m_s2)) {
        return;
    }
    size_t index = (size_t)(t_ns - epochs->begin_ns) / (size_t)(KL_EPOCH_S * 1e9);
    struct kl_epoch *epoch = &epochs->epoch[sensor][index];
    epoch->w_rad_s = kl_vec_add(epoch->w_rad_s, w_rad_s);
    epoch->a_m_s2 = kl_vec_add(epoch->a_m_s2, a_m_s2);
    epoch->count++;
    epochs->count = index + 1 > epochs->count ? index + 1 : epochs->count;
}

static struct kl_vec rate_of(const struct kl_epoch *epoch)
{
    return kl_vec_scale(epoch->w_rad_s, 1.0 / epoch->count);
}

static struct kl_vec acceleration_of(const struct kl_epoch *epoch)
{
    return kl_vec_scale(epoch->a_m_s2, 1.0 / epoch->count);
}

bool kl_calibration_still_of(const struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                             struct kl_calibration_still *out)
{
    struct kl_vec rate = {0, 0, 0};
    struct kl_vec up = {0, 0, 0};
    size_t run = 0;
    bool any = false;
    struct kl_calibration_still best = {.seconds = 0};
    for (size_t i = 0; i < epochs->count; i++) {
        const struct kl_epoch *epoch = &epochs->epoch[sensor][i];
        if (epoch->count == 0) {
            continue;
        }
        any = true;
        struct kl_vec w = rate_of(epoch);
        struct kl_vec a = acceleration_of(epoch);
        if (run >= RUN_START) {
            double n = 1.0 / (double)run;
            bool moved =
                kl_vec_norm(kl_vec_sub(w, kl_vec_scale(rate, n))) > KL_STILL_RATE_MAX_RAD_S ||
                kl_vec_norm(kl_vec_sub(a, kl_vec_scale(up, n))) > KL_STILL_ACCELERATION_MAX_M_S2;
            run = moved ? 0 : run;
        }
        rate = run == 0 ? w : kl_vec_add(rate, w);
        up = run == 0 ? a : kl_vec_add(up, a);
        run++;
        double n = 1.0 / (double)run;
        bool turning = kl_vec_norm(rate) * n > BIAS_MAX_RAD_S;
        best.now_s = turning ? 0 : (double)run * KL_EPOCH_S;
        if (best.now_s > best.seconds) {
            best.seconds = best.now_s;
            best.rate = kl_vec_scale(rate, n);
            best.up = kl_vec_scale(up, n);
        }
    }
    if (any) {
        *out = best;
    }
    return any;
}

/* Range and repetitions of the angle about an axis. */
static void follow_angle(const struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                         struct kl_vec bias_rad_s, struct kl_calibration_turn *turn)
{
    double lowest = 0;
    double highest = 0;
    for (int pass = 0; pass < 2; pass++) {
        double angle = 0;
        double range = highest - lowest;
        bool above = false;
        size_t repetitions = 0;
        for (size_t i = 0; i < epochs->count; i++) {
            const struct kl_epoch *epoch = &epochs->epoch[sensor][i];
            if (epoch->count == 0) {
                continue;
            }
            struct kl_vec w = kl_vec_sub(rate_of(epoch), bias_rad_s);
            angle += kl_vec_dot(w, turn->axis) * KL_EPOCH_S;
            if (pass == 0) {
                lowest = fmin(lowest, angle);
                highest = fmax(highest, angle);
            } else if (!above && angle > lowest + UPPER * range) {
                above = true;
            } else if (above && angle < lowest + LOWER * range) {
                above = false;
                repetitions++;
            }
        }
        turn->repetitions = repetitions;
        turn->range_rad = highest - lowest;
        if (turn->range_rad < REPETITION_MIN_RAD) {
            return;
        }
    }
}

bool kl_calibration_turn_of(const struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                            struct kl_vec bias_rad_s, double moving_rad_s,
                            struct kl_calibration_turn *out)
{
    struct kl_axis_moment moment = {.count = 0};
    struct kl_calibration_turn turn = {.moving_s = 0};
    size_t n = 0;
    for (size_t i = 0; i < epochs->count; i++) {
        const struct kl_epoch *epoch = &epochs->epoch[sensor][i];
        if (epoch->count == 0) {
            continue;
        }
        n++;
        turn.mean_a_m_s2 = kl_vec_add(turn.mean_a_m_s2, acceleration_of(epoch));
        struct kl_vec w = kl_vec_sub(rate_of(epoch), bias_rad_s);
        if (kl_vec_norm(w) > moving_rad_s) {
            kl_axis_moment_add(&moment, w);
        }
    }
    if (!kl_axis_moment_get(&moment, &turn.axis, &turn.quality)) {
        return false;
    }
    turn.mean_a_m_s2 = kl_vec_scale(turn.mean_a_m_s2, 1.0 / (double)n);
    turn.moving_s = (double)moment.count * KL_EPOCH_S;
    follow_angle(epochs, sensor, bias_rad_s, &turn);
    *out = turn;
    return true;
}

double kl_calibration_likeness(const struct kl_calibration_epochs *epochs, enum kl_segment a,
                               enum kl_segment b)
{
    double n = 0;
    double x = 0;
    double y = 0;
    double xx = 0;
    double yy = 0;
    double xy = 0;
    for (size_t i = 0; i < epochs->count; i++) {
        if (epochs->epoch[a][i].count == 0 || epochs->epoch[b][i].count == 0) {
            continue;
        }
        double p = kl_vec_norm(rate_of(&epochs->epoch[a][i]));
        double q = kl_vec_norm(rate_of(&epochs->epoch[b][i]));
        n++;
        x += p;
        y += q;
        xx += p * p;
        yy += q * q;
        xy += p * q;
    }
    double spread = (n * xx - x * x) * (n * yy - y * y);
    return spread > 0 ? (n * xy - x * y) / sqrt(spread) : 0;
}

struct kl_matrix kl_calibration_together(const struct kl_calibration_epochs *epochs,
                                         enum kl_segment a, enum kl_segment b)
{
    struct kl_matrix sum = {{{0}}};
    for (size_t i = 0; i < epochs->count; i++) {
        if (epochs->epoch[a][i].count == 0 || epochs->epoch[b][i].count == 0) {
            continue;
        }
        struct kl_vec va = rate_of(&epochs->epoch[a][i]);
        struct kl_vec vb = rate_of(&epochs->epoch[b][i]);
        const double p[3] = {va.x, va.y, va.z};
        const double q[3] = {vb.x, vb.y, vb.z};
        for (size_t row = 0; row < 3; row++) {
            for (size_t column = 0; column < 3; column++) {
                sum.m[row][column] += p[row] * q[column];
            }
        }
    }
    return sum;
}

size_t kl_calibration_first_move(const struct kl_calibration_epochs *epochs, enum kl_segment sensor,
                                 double moving_rad_s)
{
    for (size_t i = 0; i < epochs->count; i++) {
        const struct kl_epoch *epoch = &epochs->epoch[sensor][i];
        if (epoch->count > 0 && kl_vec_norm(rate_of(epoch)) > moving_rad_s) {
            return i;
        }
    }
    return KL_EPOCHS_MAX;
}

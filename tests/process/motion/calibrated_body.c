#include "calibrated_body.h"

#define PI 3.14159265358979323846
#define DEG (PI / 180)
#define G_M_S2 9.80665

static uint32_t state = 99;

static double uniform(void)
{
    state = state * 1664525u + 1013904223u;
    return ((double)(state >> 8) + 0.5) / 16777216.0;
}

static double gaussian(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * PI * uniform());
}

static struct kl_vec noise(double sd)
{
    return (struct kl_vec){sd * gaussian(), sd * gaussian(), sd * gaussian()};
}

void body_init(struct body *body)
{
    state = 99;
    *body = (struct body){.rate_hz = 200, .t_ns = KL_EPOCH_NS};
    body->bias_rad_s = (struct kl_vec){.3 * DEG, -.2 * DEG, .1 * DEG};
    body->noise_rad_s = .05 * DEG;
    body->noise_m_s2 = .02;
    body->accelerometer.scale = (struct kl_vec){1, 1, 1};
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        body->seat[s] = (enum kl_segment)s;
        body->worn[s] = true;
        body->mounting[s] =
            kl_quat_unit((struct kl_quat){gaussian(), gaussian(), gaussian(), gaussian()});
        body->slip[s] = (struct kl_quat){1, 0, 0, 0};
    }
}

/* Rise and fall of one movement of `period_s`: 0 to 1 and back. */
static double wave(double t_s, double period_s)
{
    return t_s < 0 ? 0 : 0.5 - 0.5 * cos(2 * PI * t_s / period_s);
}

/* A leg lifted for the first half of every 1.2 s. */
static double lift(double t_s, bool second)
{
    double shifted = t_s - 1 - (second ? 0.6 : 0);
    if (shifted < 0) {
        return 0;
    }
    double phase = fmod(shifted, 1.2);
    return phase < 0.6 ? wave(phase, 0.6) : 0;
}

/* Angle about z, deg, of a segment at a time of a phase. */
static double angle_deg(const struct body *body, enum kl_calibration_phase phase, double t_s,
                        enum kl_segment segment)
{
    static const double squat[KL_SEGMENT_COUNT] = {-15, -10, 38, 38, -24, -24, 0, 0};
    static const double bow[KL_SEGMENT_COUNT] = {-60, -40, -4, -4, 3, 3, 0, 0};
    static const double march[KL_SEGMENT_COUNT] = {-2, 4, 65, 65, -25, -25, -35, -35};
    enum kl_side side = kl_segment_side(segment);
    switch (phase) {
    case KL_CALIBRATION_SQUATS:
        return squat[segment] * wave(t_s - 1, 3);
    case KL_CALIBRATION_BOWS:
        return bow[segment] * wave(t_s - 1, 4);
    case KL_CALIBRATION_MARCH:
        if (side == KL_SIDE_UNKNOWN) {
            return march[segment] * sin(2 * PI * t_s / 1.2);
        }
        return march[segment] * lift(t_s, (side == KL_SIDE_LEFT) != body->left_first);
    default:
        return 0;
    }
}

static struct kl_quat pose_of(const struct body *body, enum kl_calibration_phase phase, double t_s,
                              enum kl_segment segment)
{
    double angle = angle_deg(body, phase, t_s, segment) * DEG;
    struct kl_quat z = kl_quat_about((struct kl_vec){0, 0, 1}, angle);
    struct kl_quat x = kl_quat_about((struct kl_vec){1, 0, 0}, body->wobble * angle * sin(5 * t_s));
    bool pose = phase == KL_CALIBRATION_STILL || phase == KL_CALIBRATION_STILL_AGAIN;
    double sway = pose ? body->sway_rad_s * sin(4 * t_s) / 4 : 0;
    return kl_quat_mul(kl_quat_about((struct kl_vec){0, 0, 1}, sway), kl_quat_mul(z, x));
}

void body_sample(const struct body *body, enum kl_calibration_phase phase, double t_s,
                 enum kl_segment sensor, struct kl_vec *w_rad_s, struct kl_vec *a_m_s2)
{
    if (body->mirrored && sensor >= KL_SEGMENT_THIGH_LEFT) {
        /* left and right names alternate */
        bool left = kl_segment_side(sensor) == KL_SIDE_LEFT;
        sensor = (enum kl_segment)(left ? sensor + 1 : sensor - 1);
    }
    enum kl_segment segment = body->seat[sensor];
    const double h = 1e-4;
    struct kl_quat before = pose_of(body, phase, t_s - h, segment);
    struct kl_quat q = pose_of(body, phase, t_s, segment);
    struct kl_quat after = pose_of(body, phase, t_s + h, segment);
    struct kl_quat d = kl_quat_mul(kl_quat_conj(before), after);
    double sign = d.w < 0 ? -1 : 1;
    struct kl_vec w = kl_vec_scale((struct kl_vec){d.x, d.y, d.z}, sign * 2 / (2 * h));
    struct kl_vec a = kl_quat_rotate(kl_quat_conj(q), (struct kl_vec){0, G_M_S2, 0});
    struct kl_quat mounting = body->mounting[segment];
    if (phase == KL_CALIBRATION_STILL_AGAIN) {
        mounting = kl_quat_mul(body->slip[segment], mounting);
    }
    *w_rad_s = kl_vec_add(kl_quat_rotate(mounting, w), body->bias_rad_s);
    *a_m_s2 = kl_quat_rotate(mounting, a);
    *w_rad_s = kl_vec_add(*w_rad_s, noise(body->noise_rad_s));
    *a_m_s2 = kl_vec_add(*a_m_s2, noise(body->noise_m_s2));
    struct kl_vec scale = body->accelerometer.scale;
    struct kl_vec bias = body->accelerometer.bias_m_s2;
    *a_m_s2 = (struct kl_vec){a_m_s2->x / scale.x + bias.x, a_m_s2->y / scale.y + bias.y,
                              a_m_s2->z / scale.z + bias.z};
    if (body->mirrored) {
        a_m_s2->y = -a_m_s2->y;
        w_rad_s->x = -w_rad_s->x;
        w_rad_s->z = -w_rad_s->z;
    }
}

void body_do(struct body *body, struct kl_body_calibration *calibration,
             enum kl_calibration_phase phase)
{
    static const double length_s[KL_CALIBRATION_PHASE_COUNT] = {10, 32, 22, 21, 8};
    kl_body_calibration_begin(calibration, phase, body->t_ns);
    size_t count = (size_t)(length_s[phase] * body->rate_hz);
    for (size_t i = 0; i < count; i++) {
        double t_s = (double)i / body->rate_hz;
        int64_t t_ns = body->t_ns + kl_nanoseconds(t_s);
        for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
            if (body->worn[s]) {
                struct kl_vec w;
                struct kl_vec a;
                body_sample(body, phase, t_s, (enum kl_segment)s, &w, &a);
                kl_body_calibration_push(calibration, (enum kl_segment)s, t_ns, w, a);
            }
        }
    }
    body->t_ns += kl_nanoseconds(length_s[phase]);
    kl_body_calibration_end(calibration, body->t_ns);
    body->t_ns += KL_NS_PER_S;
}

void body_do_all(struct body *body, struct kl_body_calibration *calibration)
{
    for (int p = 0; p < KL_CALIBRATION_PHASE_COUNT; p++) {
        body_do(body, calibration, (enum kl_calibration_phase)p);
    }
}

#include "process/motion/motion_metric.h"
#include "process/motion/motion_track.h"
#include "process/motion/zero_lag.h"

#include <string.h>

/* Around the stance: a gap or a rail in the margins does no harm to what metrics look at. */
#define MARK_MARGIN_S 0.05

#define CROSS_TALK_STRIDES_MIN 5

/* The worst of a slow sensor's spacing is a lost sample; two in a row are a gap. */
#define GAP_PERIODS 2.5

/* ------------------------------------------------------------------------------ the window */

/* What lies between two samples of the ring, as marks. */
static uint32_t marks_between(const struct kl_motion_track *track, uint64_t first, uint64_t last)
{
    uint32_t marks = 0;
    double longest_ns = fmax(KL_MOTION_GAP_S, GAP_PERIODS / track->rate_hz) * 1e9;
    for (uint64_t i = first; i <= last; i++) {
        const struct kl_motion_sample *sample = kl_motion_ring_at(&track->ring, i);
        marks |= (sample->flags & KL_MOTION_FLAG_CLIPPED) != 0 ? KL_MOTION_CLIPPED : 0;
        marks |= (sample->flags & KL_MOTION_FLAG_INVALID) != 0 ? KL_MOTION_MISSING : 0;
        marks |= (sample->flags & KL_MOTION_FLAG_SETTLING) != 0 ? KL_MOTION_SETTLING : 0;
        if (i > first) {
            int64_t gap_ns = sample->t_ns - kl_motion_ring_at(&track->ring, i - 1)->t_ns;
            marks |= (double)gap_ns > longest_ns ? KL_MOTION_MISSING : 0;
        }
    }
    return marks;
}

static uint32_t marks_of(const struct kl_motion_track *track, double from_ns, double to_ns)
{
    uint64_t first;
    uint64_t last;
    if (!kl_motion_ring_span(&track->ring, from_ns, to_ns, &first, &last)) {
        return KL_MOTION_MISSING;
    }
    return marks_between(track, first, last);
}

/* One sign for neighbours: q and -q are one rotation, but a filter would run between them. */
static void unwrap(struct kl_quat *q, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct kl_quat p = q[i - 1];
        if (p.w * q[i].w + p.x * q[i].x + p.y * q[i].y + p.z * q[i].z < 0) {
            q[i] = (struct kl_quat){-q[i].w, -q[i].x, -q[i].y, -q[i].z};
        }
    }
}

static void smooth(const struct kl_butterworth *filter, struct kl_segment_motion *motion,
                   size_t count)
{
    unwrap(motion->q, count);
    for (size_t c = 0; c < 4; c++) {
        kl_zero_lag(filter, &motion->q[0].w + c, count, 4);
    }
    for (size_t c = 0; c < 3; c++) {
        kl_zero_lag(filter, &motion->w_rad_s[0].x + c, count, 3);
    }
    for (size_t i = 0; i < count; i++) {
        motion->q[i] = kl_quat_unit(motion->q[i]);
    }
}

/* The grid of the window out of the ring, in the segment frame and the lab. */
static void resample(const struct kl_motion_track *track, uint64_t first, double t0_ns,
                     double heading_rad, size_t count, struct kl_segment_motion *out)
{
    struct kl_quat turn = kl_heading_turn(-heading_rad);
    struct kl_quat sensor_segment = track->alignment.sensor_segment;
    struct kl_quat segment_sensor = kl_quat_conj(sensor_segment);
    uint64_t at = first;
    for (size_t i = 0; i < count; i++) {
        double t_ns = t0_ns + (double)i * (1e9 / KL_MOTION_RATE_HZ);
        while ((double)kl_motion_ring_at(&track->ring, at + 1)->t_ns < t_ns) {
            at++;
        }
        const struct kl_motion_sample *a = kl_motion_ring_at(&track->ring, at);
        const struct kl_motion_sample *b = kl_motion_ring_at(&track->ring, at + 1);
        double part = (t_ns - (double)a->t_ns) / (double)(b->t_ns - a->t_ns);
        struct kl_quat q;
        struct kl_vec w;
        kl_motion_between(a, b, part, &q, &w);
        out->q[i] = kl_quat_mul(turn, kl_quat_mul(q, sensor_segment));
        out->w_rad_s[i] = kl_quat_rotate(segment_sensor, w);
    }
}

static void fill_segment(const struct kl_motion_chain *chain, const struct kl_motion_track *track,
                         const struct kl_motion_window *window, struct kl_segment_motion *out)
{
    out->heading_rad = 0;
    if (!kl_motion_track_exists(track)) {
        out->marks = KL_MOTION_NO_SENSOR;
        return;
    }
    if (!track->alignment.valid) {
        out->marks = KL_MOTION_NOT_CALIBRATED;
        return;
    }
    double last_ns = window->t0_ns + (double)(window->count - 1) * (1e9 / KL_MOTION_RATE_HZ);
    double end_s = fmax(window->to_s, window->end_s);
    uint64_t first;
    uint64_t last;
    if (!kl_motion_ring_span(&track->ring, window->t0_ns, last_ns, &first, &last)) {
        out->marks = KL_MOTION_MISSING;
        return;
    }
    out->marks = track->alignment.marks;
    out->marks |= marks_of(track, window->t0_ns + (window->ic_s - MARK_MARGIN_S) * 1e9,
                           window->t0_ns + (end_s + MARK_MARGIN_S) * 1e9);
    if (!kl_heading_anchor_get(&track->anchor, (int64_t)last_ns, &out->heading_rad)) {
        out->marks |= KL_MOTION_SETTLING;
    }
    resample(track, first, window->t0_ns, out->heading_rad, window->count, out);
    smooth(&chain->filter, out, window->count);
}

/* What the knees have shown over the last strides. */
static void mark_knee(const struct kl_motion_chain *chain, enum kl_side side, uint32_t *marks)
{
    double value;
    if (kl_motion_chain_residual(chain, side, &value) && fabs(value) > KL_HINGE_RESIDUAL_MAX_RAD) {
        *marks |= KL_MOTION_HEADING;
    }
    if (chain->knee[side].strides >= CROSS_TALK_STRIDES_MIN &&
        fabs(chain->knee[side].cross_talk) > KL_CROSS_TALK_MAX) {
        *marks |= KL_MOTION_CROSS_TALK;
    }
}

int kl_motion_window_fill(const struct kl_motion_chain *chain, double ic_ns, double to_ns,
                          double next_ic_ns, enum kl_side side, struct kl_motion_window *out)
{
    out->count = 0;
    double stance_s = (to_ns - ic_ns) / 1e9;
    double stride_s = (next_ic_ns - ic_ns) / 1e9;
    double room_s = (KL_MOTION_SAMPLES - 2) / KL_MOTION_RATE_HZ - 2 * KL_MOTION_MARGIN_S;
    if (!(stance_s > 0) || !(stance_s <= room_s)) {
        return KL_ERR_RANGE;
    }
    bool has_stride = stride_s > stance_s && stride_s <= room_s;
    double length_s = (has_stride ? stride_s : stance_s) + 2 * KL_MOTION_MARGIN_S;
    out->count = (size_t)ceil(length_s * KL_MOTION_RATE_HZ) + 1;
    out->t0_ns = ic_ns - KL_MOTION_MARGIN_S * 1e9;
    out->ic_s = KL_MOTION_MARGIN_S;
    out->to_s = KL_MOTION_MARGIN_S + stance_s;
    out->end_s = has_stride ? KL_MOTION_MARGIN_S + stride_s : 0;
    out->side = side;
    for (size_t s = 0; s < KL_SEGMENT_COUNT; s++) {
        fill_segment(chain, &chain->track[s], out, &out->segment[s]);
    }
    mark_knee(chain, KL_SIDE_LEFT, &out->segment[KL_SEGMENT_SHANK_LEFT].marks);
    mark_knee(chain, KL_SIDE_RIGHT, &out->segment[KL_SEGMENT_SHANK_RIGHT].marks);
    return KL_OK;
}

/* -------------------------------------------------------------------------------- the shock */

#define SHOCK_MARGIN 100 /* samples to either side for the filter to settle */
#define SHOCK_GRID (KL_SHOCK_SAMPLES + 2 * SHOCK_MARGIN)

/* Through four samples: a straight line would flatten the peaks between two. */
static struct kl_vec catmull_rom(const struct kl_motion_ring *ring, uint64_t i, double u)
{
    struct kl_vec p0 = kl_motion_ring_at(ring, i - 1)->a_m_s2;
    struct kl_vec p1 = kl_motion_ring_at(ring, i)->a_m_s2;
    struct kl_vec p2 = kl_motion_ring_at(ring, i + 1)->a_m_s2;
    struct kl_vec p3 = kl_motion_ring_at(ring, i + 2)->a_m_s2;
    double w0 = 0.5 * u * (u * (2 - u) - 1);
    double w1 = 0.5 * (u * u * (3 * u - 5) + 2);
    double w2 = 0.5 * u * (u * (4 - 3 * u) + 1);
    double w3 = 0.5 * u * u * (u - 1);
    return kl_vec_add(kl_vec_add(kl_vec_scale(p0, w0), kl_vec_scale(p1, w1)),
                      kl_vec_add(kl_vec_scale(p2, w2), kl_vec_scale(p3, w3)));
}

static void fill_shock(const struct kl_motion_chain *chain, const struct kl_motion_track *track,
                       double ic_ns, struct kl_shock *out)
{
    const struct kl_segment_alignment *alignment = &track->alignment;
    double step_ns = 1e9 / KL_SHOCK_RATE_HZ;
    double t0_ns = ic_ns - KL_SHOCK_BEFORE_S * 1e9 - SHOCK_MARGIN * step_ns;
    double spare_ns = 2e9 / fmax(track->rate_hz, 1); /* the curve needs a sample beyond each end */
    uint64_t first;
    uint64_t last;
    if (!kl_motion_track_exists(track) || !alignment->valid) {
        out->marks = kl_motion_track_exists(track) ? KL_MOTION_NOT_CALIBRATED : KL_MOTION_NO_SENSOR;
        return;
    }
    if (!kl_motion_ring_span(&track->ring, t0_ns - spare_ns,
                             t0_ns + SHOCK_GRID * step_ns + spare_ns, &first, &last)) {
        out->marks = KL_MOTION_MISSING;
        return;
    }
    out->marks = alignment->marks & KL_MOTION_STRAP;
    out->marks |= marks_between(track, first, last) & (KL_MOTION_MISSING | KL_MOTION_CLIPPED);
    struct kl_quat segment_sensor = kl_quat_conj(alignment->sensor_segment);
    struct kl_vec grid[SHOCK_GRID];
    uint64_t at = first + 1;
    for (size_t i = 0; i < SHOCK_GRID; i++) {
        double t_ns = t0_ns + (double)i * step_ns;
        while (at + 2 < last && (double)kl_motion_ring_at(&track->ring, at + 1)->t_ns < t_ns) {
            at++;
        }
        double t1_ns = (double)kl_motion_ring_at(&track->ring, at)->t_ns;
        double t2_ns = (double)kl_motion_ring_at(&track->ring, at + 1)->t_ns;
        double u = fmin(fmax((t_ns - t1_ns) / (t2_ns - t1_ns), 0), 1);
        grid[i] = kl_quat_rotate(segment_sensor, catmull_rom(&track->ring, at, u));
        grid[i].y -= alignment->gravity_m_s2;
    }
    memcpy(out->raw_m_s2, &grid[SHOCK_MARGIN], sizeof(out->raw_m_s2));
    for (size_t c = 0; c < 3; c++) {
        kl_zero_lag(&chain->shock_filter, &grid[0].x + c, SHOCK_GRID, 3);
    }
    memcpy(out->filtered_m_s2, &grid[SHOCK_MARGIN], sizeof(out->filtered_m_s2));
}

void kl_shock_window_fill(const struct kl_motion_chain *chain, double ic_ns, enum kl_side side,
                          struct kl_shock_window *out)
{
    out->proximal_segment = kl_motion_track_exists(&chain->track[KL_SEGMENT_TRUNK])
                                ? KL_SEGMENT_TRUNK
                                : KL_SEGMENT_PELVIS;
    fill_shock(chain, &chain->track[out->proximal_segment], ic_ns, &out->proximal);
    if (side == KL_SIDE_UNKNOWN) {
        out->tibia.marks = KL_MOTION_NO_SIDE | KL_MOTION_MISSING;
        return;
    }
    enum kl_segment prox;
    enum kl_segment shank;
    kl_joint_segments(KL_JOINT_SHANK, side, &prox, &shank);
    fill_shock(chain, &chain->track[shank], ic_ns, &out->tibia);
}

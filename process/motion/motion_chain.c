#include "process/motion/motion_chain.h"

#include "process/motion/heading.h"
#include "process/motion/motion_metric.h"
#include "process/motion/motion_ring.h"
#include "process/motion/zero_lag.h"

#include <stdlib.h>
#include <string.h>

#define NO_TRACK KL_STREAMS_MAX

/* A stretch of the still pose that its heading is averaged over. */
#define STILL_S 1.0

/* Around the stance: a gap or a rail in the margins does no harm to what metrics look at. */
#define MARK_MARGIN_S 0.05

#define CROSS_TALK_STRIDES_MIN 5

/* The worst of a slow sensor's spacing is a lost sample; two in a row are a gap. */
#define GAP_PERIODS 2.5

/* One sensor. */
struct track {
    size_t stream; /* in the session; NO_TRACK: none */
    double rate_hz;
    size_t channels, acceleration[3], rate[3]; /* columns */
    struct kl_orientation orientation;
    struct kl_motion_ring ring;
    struct kl_segment_alignment alignment;
    bool has_still;
    int64_t still_ns;
    struct kl_quat still; /* sensor to y-up frame in the pose */
    struct kl_heading_anchor anchor;
};

struct knee {
    struct kl_hinge_check hinge;
    double cross_talk;
    size_t strides; /* in cross_talk, at most KL_CROSS_TALK_STRIDES */
};

struct kl_motion_chain {
    struct track track[KL_SEGMENT_COUNT];
    struct knee knee[KL_SIDE_COUNT];
    struct kl_butterworth filter, shock_filter;
};

/* ---------------------------------------------------------------------------------- memory */

static bool find_channels(const struct kl_stream *stream, const char *const names[3],
                          size_t column[3])
{
    for (size_t k = 0; k < 3; k++) {
        size_t c = 0;
        while (c < stream->channel_count && strcmp(stream->label[c], names[k]) != 0) {
            c++;
        }
        if (c == stream->channel_count) {
            return false;
        }
        column[k] = c;
    }
    return true;
}

static int open_track(struct track *track, size_t index, const struct kl_stream *stream,
                      const struct kl_orientation_settings *settings, struct kl_fault *fault)
{
    if (track->stream != NO_TRACK) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "stream %s: this segment has a sensor already; give each sensor a "
                        "placement of its own",
                        stream->name);
    }
    if (kl_orientation_init(&track->orientation, stream->rate_hz, settings) != KL_OK) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "stream %s: a rate of %g Hz is none an orientation can be computed at",
                        stream->name, stream->rate_hz);
    }
    if (kl_motion_ring_open(&track->ring, (size_t)(KL_MOTION_RING_S * stream->rate_hz) + 2) !=
        KL_OK) {
        return kl_fault(fault, KL_ERR_MEM, "stream %s: no memory for its last seconds",
                        stream->name);
    }
    track->stream = index;
    track->rate_hz = stream->rate_hz;
    track->channels = stream->channel_count;
    return KL_OK;
}

int kl_motion_chain_create(const struct kl_stream *streams, size_t count,
                           const struct kl_orientation_settings *settings,
                           struct kl_motion_chain **out, struct kl_fault *fault)
{
    static const char *const acceleration[3] = {"ax", "ay", "az"};
    static const char *const rate[3] = {"wx", "wy", "wz"};
    struct kl_motion_chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "motion: no memory");
    }
    int status = KL_OK;
    for (size_t s = 0; s < KL_SEGMENT_COUNT; s++) {
        chain->track[s].stream = NO_TRACK;
    }
    for (size_t i = 0; i < count && status == KL_OK; i++) {
        enum kl_segment segment = kl_segment_of(streams[i].name);
        if (streams[i].kind != KL_KIND_IMU || segment == KL_SEGMENT_COUNT) {
            continue;
        }
        size_t a[3];
        size_t w[3];
        if (find_channels(&streams[i], acceleration, a) && find_channels(&streams[i], rate, w)) {
            struct track *track = &chain->track[segment];
            status = open_track(track, i, &streams[i], settings, fault);
            memcpy(track->acceleration, a, sizeof(a));
            memcpy(track->rate, w, sizeof(w));
        }
    }
    if (status == KL_OK) {
        status = kl_butterworth_init(&chain->filter, KL_MOTION_CUTOFF_HZ, KL_MOTION_RATE_HZ);
    }
    if (status == KL_OK) {
        status = kl_butterworth_init(&chain->shock_filter, KL_SHOCK_CUTOFF_HZ, KL_SHOCK_RATE_HZ);
    }
    if (status != KL_OK) {
        kl_motion_chain_destroy(chain);
        return status;
    }
    *out = chain;
    return KL_OK;
}

void kl_motion_chain_destroy(struct kl_motion_chain *chain)
{
    if (chain == NULL) {
        return;
    }
    for (size_t s = 0; s < KL_SEGMENT_COUNT; s++) {
        kl_motion_ring_close(&chain->track[s].ring);
    }
    free(chain);
}

/* ----------------------------------------------------------------------------- the sensors */

static bool exists(const struct track *track)
{
    return track->stream != NO_TRACK;
}

bool kl_motion_chain_has(const struct kl_motion_chain *chain, enum kl_segment segment)
{
    return exists(&chain->track[segment]);
}

enum kl_segment kl_motion_chain_segment(const struct kl_motion_chain *chain, size_t stream)
{
    int s = 0;
    while (s < KL_SEGMENT_COUNT && chain->track[s].stream != stream) {
        s++;
    }
    return (enum kl_segment)s;
}

static void forget_calibration(struct track *track)
{
    track->alignment = (struct kl_segment_alignment){.valid = false};
    kl_heading_anchor_init(&track->anchor);
}

void kl_motion_chain_exchange(struct kl_motion_chain *chain, enum kl_segment a, enum kl_segment b)
{
    struct track held = chain->track[a];
    chain->track[a] = chain->track[b];
    chain->track[b] = held;
    forget_calibration(&chain->track[a]);
    forget_calibration(&chain->track[b]);
}

static struct kl_vec columns(const double *row, const size_t column[3])
{
    return (struct kl_vec){row[column[0]], row[column[1]], row[column[2]]};
}

void kl_motion_chain_push(struct kl_motion_chain *chain, const struct kl_block *block)
{
    enum kl_segment segment = kl_motion_chain_segment(chain, block->stream);
    if (segment == KL_SEGMENT_COUNT) {
        return;
    }
    /* z up, x and y free -> y up: X = x, Y = z, Z = -y (methods 1.1) */
    static const struct kl_quat y_up = {0.70710678118654757, -0.70710678118654757, 0, 0};
    struct track *track = &chain->track[segment];
    struct kl_orientation *o = &track->orientation;
    for (size_t i = 0; i < block->count; i++) {
        const double *row = &block->value[i * track->channels];
        int64_t t_ns = block->t_ns[i];
        struct kl_vec a = columns(row, track->acceleration);
        kl_orientation_push(o, t_ns, columns(row, track->rate), a, block->quality[i]);
        uint32_t marks = kl_orientation_marks(o);
        bool clipped = (block->quality[i] & KL_QUALITY_CLIPPED) != 0 ||
                       (o->had_clipping && o->clipped_ns == t_ns);
        uint32_t flags = clipped ? KL_MOTION_FLAG_CLIPPED : 0;
        if ((marks & KL_ORIENTATION_INVALID) != 0) {
            flags |= KL_MOTION_FLAG_INVALID;
            a = (struct kl_vec){0, 0, 0};
        }
        if ((marks & (KL_ORIENTATION_NONE | KL_ORIENTATION_SETTLING)) != 0) {
            flags |= KL_MOTION_FLAG_SETTLING;
        }
        struct kl_motion_sample sample = {.t_ns = t_ns,
                                          .flags = flags,
                                          .q = kl_quat_mul(y_up, kl_orientation_get(o)),
                                          .w_rad_s = kl_orientation_rate(o),
                                          .a_m_s2 = a};
        kl_motion_ring_push(&track->ring, &sample);
    }
}

static const struct kl_motion_sample *newest(const struct track *track)
{
    return track->ring.next > 0 ? kl_motion_ring_at(&track->ring, track->ring.next - 1) : NULL;
}

int64_t kl_motion_chain_newest(const struct kl_motion_chain *chain, enum kl_segment segment)
{
    const struct kl_motion_sample *sample = newest(&chain->track[segment]);
    return sample != NULL ? sample->t_ns : 0;
}

/* ----------------------------------------------------------------------------- calibration */

/* Sensor to y-up frame turned into a segment's heading. */
static double heading_of(const struct track *track, struct kl_quat sensor)
{
    struct kl_quat q = kl_quat_mul(sensor, track->alignment.sensor_segment);
    return kl_heading_of(kl_quat_rotate(q, (struct kl_vec){0, 0, 1}));
}

static void set_anchor(struct track *track)
{
    if (track->has_still && track->alignment.valid) {
        kl_heading_anchor_still(&track->anchor, track->still_ns,
                                kl_heading_wrap(heading_of(track, track->still) -
                                                track->alignment.standing_heading_rad));
    }
}

void kl_motion_chain_still(struct kl_motion_chain *chain, int64_t t_ns)
{
    for (size_t s = 0; s < KL_SEGMENT_COUNT; s++) {
        struct track *track = &chain->track[s];
        uint64_t first;
        uint64_t last;
        if (!exists(track) || !kl_motion_ring_span(&track->ring, (double)t_ns - STILL_S * 1e9,
                                                   (double)t_ns, &first, &last)) {
            continue;
        }
        struct kl_quat near = kl_motion_ring_at(&track->ring, first)->q;
        struct kl_quat sum = {0, 0, 0, 0};
        for (uint64_t i = first; i <= last; i++) {
            struct kl_quat q = kl_motion_ring_at(&track->ring, i)->q;
            double dot = near.w * q.w + near.x * q.x + near.y * q.y + near.z * q.z;
            double sign = dot < 0 ? -1 : 1;
            sum.w += sign * q.w;
            sum.x += sign * q.x;
            sum.y += sign * q.y;
            sum.z += sign * q.z;
        }
        track->still = kl_quat_unit(sum);
        track->still_ns = t_ns;
        track->has_still = true;
        set_anchor(track);
    }
}

void kl_motion_chain_align(struct kl_motion_chain *chain, enum kl_segment segment,
                           const struct kl_segment_alignment *alignment)
{
    struct track *track = &chain->track[segment];
    track->alignment = *alignment;
    kl_heading_anchor_init(&track->anchor);
    set_anchor(track);
}

bool kl_motion_chain_now(const struct kl_motion_chain *chain, enum kl_segment segment,
                         struct kl_quat *out)
{
    const struct track *track = &chain->track[segment];
    const struct kl_motion_sample *sample = newest(track);
    double heading;
    if (sample == NULL || !track->alignment.valid ||
        (sample->flags & KL_MOTION_FLAG_SETTLING) != 0 ||
        !kl_heading_anchor_get(&track->anchor, sample->t_ns, &heading)) {
        return false;
    }
    *out = kl_quat_mul(kl_heading_turn(-heading),
                       kl_quat_mul(sample->q, track->alignment.sensor_segment));
    return true;
}

/* ------------------------------------------------------------------------------ the window */

/* What lies between two samples of the ring, as marks. */
static uint32_t marks_between(const struct track *track, uint64_t first, uint64_t last)
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

static uint32_t marks_of(const struct track *track, double from_ns, double to_ns)
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
static void resample(const struct track *track, uint64_t first, double t0_ns, double heading_rad,
                     size_t count, struct kl_segment_motion *out)
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

static void fill_segment(const struct kl_motion_chain *chain, const struct track *track,
                         const struct kl_motion_window *window, struct kl_segment_motion *out)
{
    out->heading_rad = 0;
    if (!exists(track)) {
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

/* ------------------------------------------------------------------------------- the stride */

#define UNREADABLE (KL_MOTION_NO_SENSOR | KL_MOTION_NOT_CALIBRATED | KL_MOTION_MISSING)

static struct kl_vec flexion_axis(const struct kl_segment_motion *motion, size_t i)
{
    return kl_quat_rotate(motion->q[i], (struct kl_vec){0, 0, 1});
}

/* Circular mean of the heading over the stride, in the filter's frame. */
static double stride_heading(const struct kl_segment_motion *motion, size_t first, size_t end)
{
    struct kl_vec sum = {0, 0, 0};
    for (size_t i = first; i < end; i++) {
        sum = kl_vec_add(sum, flexion_axis(motion, i));
    }
    return kl_heading_wrap(kl_heading_of(sum) + motion->heading_rad);
}

static void learn_knee(struct kl_motion_chain *chain, const struct kl_motion_window *window,
                       size_t first, size_t end)
{
    enum kl_segment thigh;
    enum kl_segment shank;
    kl_joint_segments(KL_JOINT_KNEE, window->side, &thigh, &shank);
    const struct kl_segment_motion *prox = &window->segment[thigh];
    const struct kl_segment_motion *dist = &window->segment[shank];
    if (((prox->marks | dist->marks) & (UNREADABLE | KL_MOTION_SETTLING)) != 0) {
        return;
    }
    struct knee *knee = &chain->knee[window->side];
    struct kl_quat turn_prox = kl_heading_turn(prox->heading_rad);
    struct kl_quat turn_dist = kl_heading_turn(dist->heading_rad);
    for (size_t i = first; i < end; i++) {
        kl_hinge_check_step(&knee->hinge, kl_quat_rotate(turn_prox, flexion_axis(prox, i)),
                            kl_quat_rotate(turn_dist, flexion_axis(dist, i)),
                            1 / KL_MOTION_RATE_HZ);
    }
    struct kl_motion_input input = {window, NULL};
    double index;
    uint32_t marks;
    if (kl_motion_metric_compute(KL_MOTION_KNEE_CROSS_TALK, &input, &index, &marks)) {
        knee->strides += knee->strides < KL_CROSS_TALK_STRIDES ? 1 : 0;
        knee->cross_talk += (index - knee->cross_talk) / (double)knee->strides;
    }
}

void kl_motion_chain_stride(struct kl_motion_chain *chain, const struct kl_motion_window *window)
{
    if (!(window->end_s > window->to_s)) {
        return;
    }
    size_t first = (size_t)ceil(window->ic_s * KL_MOTION_RATE_HZ);
    size_t end = (size_t)ceil(window->end_s * KL_MOTION_RATE_HZ);
    int64_t end_ns = (int64_t)(window->t0_ns + window->end_s * 1e9);
    if (window->side != KL_SIDE_UNKNOWN) {
        learn_knee(chain, window, first, end);
    }
    for (size_t s = 0; s < KL_SEGMENT_COUNT; s++) {
        const struct kl_segment_motion *motion = &window->segment[s];
        if ((motion->marks & UNREADABLE) == 0) {
            kl_heading_anchor_stride(&chain->track[s].anchor, end_ns,
                                     stride_heading(motion, first, end));
        }
    }
}

bool kl_motion_chain_residual(const struct kl_motion_chain *chain, enum kl_side side,
                              double *out_rad)
{
    enum kl_segment thigh;
    enum kl_segment shank;
    kl_joint_segments(KL_JOINT_KNEE, side, &thigh, &shank);
    double hinge;
    double prox;
    double dist;
    if (!kl_hinge_check_get(&chain->knee[side].hinge, &hinge) ||
        !kl_heading_anchor_mean(&chain->track[thigh].anchor, &prox) ||
        !kl_heading_anchor_mean(&chain->track[shank].anchor, &dist)) {
        return false;
    }
    *out_rad = fabs(kl_heading_wrap(prox - dist - hinge));
    return true;
}

bool kl_motion_chain_cross_talk(const struct kl_motion_chain *chain, enum kl_side side, double *out)
{
    if (chain->knee[side].strides == 0) {
        return false;
    }
    *out = chain->knee[side].cross_talk;
    return true;
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

static void fill_shock(const struct kl_motion_chain *chain, const struct track *track, double ic_ns,
                       struct kl_shock *out)
{
    const struct kl_segment_alignment *alignment = &track->alignment;
    double step_ns = 1e9 / KL_SHOCK_RATE_HZ;
    double t0_ns = ic_ns - KL_SHOCK_BEFORE_S * 1e9 - SHOCK_MARGIN * step_ns;
    double spare_ns = 2e9 / fmax(track->rate_hz, 1); /* the curve needs a sample beyond each end */
    uint64_t first;
    uint64_t last;
    if (!exists(track) || !alignment->valid) {
        out->marks = exists(track) ? KL_MOTION_NOT_CALIBRATED : KL_MOTION_NO_SENSOR;
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
    out->proximal_segment =
        exists(&chain->track[KL_SEGMENT_TRUNK]) ? KL_SEGMENT_TRUNK : KL_SEGMENT_PELVIS;
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

#include "process/motion/motion_chain.h"

#include "process/motion/motion_metric.h"
#include "process/motion/motion_track.h"

#include <stdlib.h>
#include <string.h>

/* A stretch of the still pose that its heading is averaged over. */
#define STILL_S 1.0

/* A stream later than this was not there in the pose [project]. */
#define LATE_MAX_S 2.0

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

static int open_track(struct kl_motion_track *track, size_t index, const struct kl_stream *stream,
                      const struct kl_orientation_settings *settings, struct kl_fault *fault)
{
    if (track->stream != KL_NO_TRACK) {
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
    track->named = kl_segment_of(stream->name);
    track->rate_hz = stream->rate_hz;
    track->accelerometer.scale = (struct kl_vec){1, 1, 1};
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
        chain->track[s].stream = KL_NO_TRACK;
    }
    for (size_t i = 0; i < count && status == KL_OK; i++) {
        enum kl_segment segment = kl_segment_of(streams[i].name);
        if (streams[i].kind != KL_KIND_IMU || segment == KL_SEGMENT_COUNT) {
            continue;
        }
        size_t a[3];
        size_t w[3];
        if (find_channels(&streams[i], acceleration, a) && find_channels(&streams[i], rate, w)) {
            struct kl_motion_track *track = &chain->track[segment];
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

bool kl_motion_chain_has(const struct kl_motion_chain *chain, enum kl_segment segment)
{
    return kl_motion_track_exists(&chain->track[segment]);
}

enum kl_segment kl_motion_chain_segment(const struct kl_motion_chain *chain, size_t stream)
{
    int s = 0;
    while (s < KL_SEGMENT_COUNT && chain->track[s].stream != stream) {
        s++;
    }
    return (enum kl_segment)s;
}

/* The track of the sensor named for a segment, wherever it was moved to. */
static size_t find_named(const struct kl_motion_track *tracks, enum kl_segment named)
{
    size_t t = 0;
    while (t < KL_SEGMENT_COUNT && (tracks[t].named != named || tracks[t].stream == KL_NO_TRACK)) {
        t++;
    }
    return t;
}

void kl_motion_chain_accelerometer(struct kl_motion_chain *chain, enum kl_segment sensor,
                                   const struct kl_accelerometer_calibration *calibration)
{
    size_t t = find_named(chain->track, sensor);
    if (t < KL_SEGMENT_COUNT) {
        chain->track[t].accelerometer = *calibration;
    }
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
    struct kl_motion_track *track = &chain->track[segment];
    struct kl_orientation *o = &track->orientation;
    for (size_t i = 0; i < block->count; i++) {
        const double *row = &block->value[i * track->channels];
        int64_t t_ns = block->t_ns[i];
        struct kl_vec a =
            kl_accelerometer_apply(&track->accelerometer, columns(row, track->acceleration));
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

void kl_motion_chain_feed(const struct kl_motion_chain *chain, const struct kl_block *block,
                          struct kl_body_calibration *calibration)
{
    enum kl_segment segment = kl_motion_chain_segment(chain, block->stream);
    if (segment == KL_SEGMENT_COUNT) {
        return;
    }
    const struct kl_motion_track *track = &chain->track[segment];
    for (size_t i = 0; i < block->count; i++) {
        const double *row = &block->value[i * track->channels];
        kl_body_calibration_push(
            calibration, track->named, block->t_ns[i], columns(row, track->rate),
            kl_accelerometer_apply(&track->accelerometer, columns(row, track->acceleration)));
    }
}

static const struct kl_motion_sample *newest(const struct kl_motion_track *track)
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
static double heading_of(const struct kl_motion_track *track, struct kl_quat sensor)
{
    struct kl_quat q = kl_quat_mul(sensor, track->alignment.sensor_segment);
    return kl_heading_of(kl_quat_rotate(q, (struct kl_vec){0, 0, 1}));
}

static void set_anchor(struct kl_motion_track *track)
{
    if (track->has_still && track->alignment.valid) {
        kl_heading_anchor_still(&track->anchor, track->still_ns,
                                kl_heading_wrap(heading_of(track, track->still) -
                                                track->alignment.standing_heading_rad));
    }
}

unsigned kl_motion_chain_still(struct kl_motion_chain *chain, int64_t t_ns)
{
    unsigned kept = 0;
    for (size_t s = 0; s < KL_SEGMENT_COUNT; s++) {
        struct kl_motion_track *track = &chain->track[s];
        uint64_t first;
        uint64_t last;
        const struct kl_motion_sample *sample = newest(track);
        if (!kl_motion_track_exists(track) || sample == NULL) {
            continue;
        }
        /* a stream that is late has not come as far yet */
        double until_ns = fmin((double)t_ns, (double)sample->t_ns);
        if (!((double)t_ns - until_ns <= LATE_MAX_S * 1e9) ||
            !kl_motion_ring_span(&track->ring, until_ns - STILL_S * 1e9, until_ns, &first, &last)) {
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
        kept |= 1u << s;
    }
    return kept;
}

void kl_motion_chain_align(struct kl_motion_chain *chain, enum kl_segment segment,
                           const struct kl_segment_alignment *alignment)
{
    struct kl_motion_track *track = &chain->track[segment];
    track->alignment = *alignment;
    kl_heading_anchor_init(&track->anchor);
    set_anchor(track);
}

bool kl_motion_chain_now(const struct kl_motion_chain *chain, enum kl_segment segment,
                         struct kl_quat *out)
{
    const struct kl_motion_track *track = &chain->track[segment];
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

bool kl_motion_chain_sensor(const struct kl_motion_chain *chain, enum kl_segment segment,
                            struct kl_quat *out)
{
    const struct kl_motion_sample *sample = newest(&chain->track[segment]);
    if (sample == NULL || (sample->flags & KL_MOTION_FLAG_SETTLING) != 0) {
        return false;
    }
    *out = sample->q;
    return true;
}

void kl_motion_chain_adopt(struct kl_motion_chain *chain,
                           const struct kl_body_calibration *calibration)
{
    struct kl_motion_track held[KL_SEGMENT_COUNT];
    memcpy(held, chain->track, sizeof(held));
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        enum kl_segment segment = (enum kl_segment)s;
        size_t from = find_named(held, kl_body_calibration_sensor(calibration, segment));
        chain->track[s] =
            from < KL_SEGMENT_COUNT ? held[from] : (struct kl_motion_track){.stream = KL_NO_TRACK};
        chain->track[s].alignment = (struct kl_segment_alignment){.valid = false};
        kl_heading_anchor_init(&chain->track[s].anchor);
        struct kl_segment_alignment alignment;
        if (from < KL_SEGMENT_COUNT &&
            kl_body_calibration_alignment(calibration, segment, &alignment)) {
            kl_motion_chain_align(chain, segment, &alignment);
        }
    }
    memset(chain->knee, 0, sizeof(chain->knee));
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
    struct kl_motion_knee *knee = &chain->knee[window->side];
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

/* What the motion of a full lab costs: one second of eight sensors at 400 Hz, and one step with all
 * its metrics. Times of a loaded machine mean little; the ratio to real time has room for it. */
#include "calibrated_body.h"
#include "process/motion/motion_chain.h"
#include "process/motion/motion_metric.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CHANNELS 6
#define RATE_HZ 400
#define SECONDS 20
#define STEPS 200

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int64_t t_ns[SECONDS * RATE_HZ];
static double value[KL_SEGMENT_COUNT][SECONDS * RATE_HZ * CHANNELS];
static uint32_t quality[SECONDS * RATE_HZ];
static struct kl_motion_window window;
static struct kl_shock_window shock;

static void record(struct body *body)
{
    for (size_t i = 0; i < SECONDS * RATE_HZ; i++) {
        double t_s = (double)i / RATE_HZ;
        t_ns[i] = KL_EPOCH_NS + kl_nanoseconds(t_s);
        for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
            struct kl_vec w;
            struct kl_vec a;
            body_sample(body, KL_CALIBRATION_MARCH, t_s, (enum kl_segment)s, &w, &a);
            const double row[CHANNELS] = {a.x, a.y, a.z, w.x, w.y, w.z};
            memcpy(&value[s][i * CHANNELS], row, sizeof(row));
        }
    }
}

static struct kl_motion_chain *build(const struct body *body)
{
    static const char *const labels[CHANNELS] = {"ax", "ay", "az", "wx", "wy", "wz"};
    static struct kl_stream streams[KL_SEGMENT_COUNT];
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        streams[s].kind = KL_KIND_IMU;
        streams[s].rate_hz = RATE_HZ;
        streams[s].channel_count = CHANNELS;
        (void)snprintf(streams[s].name, sizeof(streams[s].name), "imu.%s",
                       kl_segment_text((enum kl_segment)s));
        for (size_t c = 0; c < CHANNELS; c++) {
            (void)snprintf(streams[s].label[c], sizeof(streams[s].label[c]), "%s", labels[c]);
        }
    }
    struct kl_motion_chain *chain = NULL;
    if (kl_motion_chain_create(streams, KL_SEGMENT_COUNT, NULL, &chain, NULL) != KL_OK) {
        return NULL;
    }
    for (int s = 0; s < KL_SEGMENT_COUNT; s++) {
        struct kl_segment_alignment alignment = {
            .valid = true, .sensor_segment = body->mounting[s], .gravity_m_s2 = 9.80665};
        kl_motion_chain_align(chain, (enum kl_segment)s, &alignment);
    }
    return chain;
}

int main(void)
{
    struct body body;
    body_init(&body);
    body.rate_hz = RATE_HZ;
    record(&body);
    struct kl_motion_chain *chain = build(&body);
    if (chain == NULL) {
        return 1;
    }
    double start_s = now_s();
    for (size_t first = 0; first < SECONDS * RATE_HZ; first += 4) {
        for (size_t s = 0; s < KL_SEGMENT_COUNT; s++) {
            struct kl_block block = {s, 4, &t_ns[first], &value[s][first * CHANNELS], quality};
            kl_motion_chain_push(chain, &block);
        }
    }
    double second_s = (now_s() - start_s) / SECONDS;
    printf("8 sensors at %d Hz: %.0f us per second, %.0f x real time, %.0f ns per sample\n",
           RATE_HZ, second_s * 1e6, 1 / second_s, second_s * 1e9 / RATE_HZ / KL_SEGMENT_COUNT);
    double sum = 0;
    start_s = now_s();
    for (int k = 0; k < STEPS; k++) {
        double ic_ns = (double)KL_EPOCH_NS + 15e9 + k * 1e7;
        if (kl_motion_window_fill(chain, ic_ns, ic_ns + 0.25e9, ic_ns + 0.7e9, KL_SIDE_RIGHT,
                                  &window) != KL_OK) {
            return 1;
        }
        kl_shock_window_fill(chain, ic_ns, KL_SIDE_RIGHT, &shock);
        struct kl_motion_input input = {&window, &shock};
        for (int id = 0; id < KL_MOTION_METRIC_COUNT; id++) {
            double metric = 0;
            uint32_t marks;
            (void)kl_motion_metric_compute((enum kl_motion_metric)id, &input, &metric, &marks);
            sum += metric;
        }
        kl_motion_chain_stride(chain, &window);
    }
    printf("one step, %d metrics of 8 segments: %.0f us (sum %g)\n", KL_MOTION_METRIC_COUNT,
           (now_s() - start_s) / STEPS * 1e6, sum);
    kl_motion_chain_destroy(chain);
    return 0;
}

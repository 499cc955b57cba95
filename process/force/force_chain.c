#include "process/force/force_chain.h"

#include "process/force/passage.h"
#include "process/force/plate_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX_HZ 100e3
#define DETECTION_HZ 50.0 /* methods 3.2: events at 50 Hz, whatever is reported */
#define PATCH_MAX_S 0.020 /* methods 2 */
#define KEEP_LEVEL_S 1.0  /* the flight level survives a gap so long */
#define FRESH_TARE_S 60.0 /* 0.5 N/s of drift stays below the 50 N rule */

struct kl_force_chain {
    double rate_hz, spacing_ns;
    struct kl_plate_map map;
    struct kl_butterworth live_filter;
    struct kl_butterworth_state forward_state, live_state;
    struct kl_passages passages;

    bool started, ended;
    int64_t last_ns;
    uint32_t pending_quality;
    double live[KL_WRENCH_COUNT];

    int64_t tare_ns, tare_until_ns; /* duration asked for (0: none); end once it has begun */
    bool taring;
    size_t tare_count;
    double tare_sum[KL_WRENCH_COUNT];
};

bool kl_force_settings_fit(const struct kl_force_settings *settings, double rate_hz)
{
    return rate_hz > 0 && settings->cutoff_hz * KL_RATE_PER_CUTOFF <= rate_hz;
}

struct kl_force_settings kl_force_settings_defaults(void)
{
    return (struct kl_force_settings){.cutoff_hz = 50.0, .threshold_n = 50.0};
}

struct kl_force_chain *kl_force_chain_create(const struct kl_stream *stream,
                                             const struct kl_force_settings *settings)
{
    double rate = stream->rate_hz;
    if (!(rate > 0) || rate > RATE_MAX_HZ || !(settings->threshold_n > 0)) {
        return NULL;
    }
    struct kl_force_chain *chain = calloc(1, sizeof(*chain));
    if (chain == NULL) {
        return NULL;
    }
    chain->rate_hz = rate;
    chain->spacing_ns = 1e9 / rate;
    int status = kl_plate_map_init(&chain->map, stream);
    if (status == KL_OK) {
        status = kl_butterworth_init_causal(&chain->live_filter,
                                            fmin(DETECTION_HZ, rate / KL_RATE_PER_CUTOFF), rate);
    }
    if (status == KL_OK) {
        size_t delay = (size_t)(kl_butterworth_delay(&chain->live_filter) + 0.5);
        status = kl_passages_open(&chain->passages, rate, settings, delay);
        chain->passages.point_given = chain->map.form == KL_PLATE_POINT;
    }
    if (status != KL_OK) {
        kl_force_chain_destroy(chain);
        return NULL;
    }
    return chain;
}

void kl_force_chain_destroy(struct kl_force_chain *chain)
{
    if (chain != NULL) {
        kl_passages_close(&chain->passages);
        free(chain);
    }
}

/* ------------------------------------------------------------- samples in */

static void push_wrench(struct kl_force_chain *chain, int64_t t_ns,
                        const double wrench[KL_WRENCH_COUNT], uint32_t quality)
{
    struct kl_passages *passages = &chain->passages;
    struct kl_wrench_ring *ring = &passages->ring;
    if (ring->next == passages->segment) {
        kl_butterworth_settle(&passages->filter, &chain->forward_state, wrench);
        kl_butterworth_settle(&chain->live_filter, &chain->live_state, wrench);
    }
    size_t slot = kl_wrench_ring_advance(ring);
    ring->t_ns[slot] = t_ns;
    ring->quality[slot] = quality;
    memcpy(ring->raw[slot], wrench, sizeof(ring->raw[slot]));
    kl_butterworth_step(&passages->filter, &chain->forward_state, wrench, ring->forward[slot]);
    kl_butterworth_step(&chain->live_filter, &chain->live_state, wrench, chain->live);
    chain->last_ns = t_ns;
    kl_passages_push(passages, chain->live[KL_FY], wrench[KL_FY]);
}

/* A short gap is bridged by a straight line, and every made sample says so. */
static void patch(struct kl_force_chain *chain, int64_t t_ns, const double wrench[KL_WRENCH_COUNT],
                  size_t missing, uint32_t quality)
{
    double from[KL_WRENCH_COUNT];
    size_t slot = kl_wrench_ring_slot(&chain->passages.ring, chain->passages.ring.next - 1);
    memcpy(from, chain->passages.ring.raw[slot], sizeof(from));
    int64_t from_ns = chain->last_ns;
    for (size_t k = 1; k <= missing; k++) {
        double part = (double)k / (double)(missing + 1);
        double made[KL_WRENCH_COUNT];
        for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
            made[c] = from[c] + part * (wrench[c] - from[c]);
        }
        int64_t made_ns = from_ns + (int64_t)(part * (double)(t_ns - from_ns));
        push_wrench(chain, made_ns, made, quality | KL_QUALITY_INTERPOLATED);
    }
}

static void take_tare(struct kl_force_chain *chain, int64_t t_ns, const double *rows)
{
    if (!chain->taring) {
        chain->taring = true;
        chain->tare_until_ns = t_ns + chain->tare_ns;
        chain->tare_count = 0;
        memset(chain->tare_sum, 0, sizeof(chain->tare_sum));
    }
    if (t_ns < chain->tare_until_ns) {
        for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
            chain->tare_sum[r] += rows[r];
        }
        chain->tare_count++;
        return;
    }
    chain->taring = false;
    chain->tare_ns = 0;
    if (chain->tare_count == 0) {
        return;
    }
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        chain->map.tare[r] = chain->tare_sum[r] / (double)chain->tare_count;
    }
    /* Other numbers from here on: nothing may reach over. */
    kl_passages_begin_segment(&chain->passages, false);
    kl_contact_detector_tared(&chain->passages.detector, (uint64_t)(FRESH_TARE_S * chain->rate_hz));
}

void kl_force_chain_push(struct kl_force_chain *chain, int64_t t_ns, const double *raw,
                         uint32_t quality)
{
    double rows[KL_WRENCH_COUNT];
    if (chain->started && t_ns <= chain->last_ns) {
        chain->pending_quality |= KL_QUALITY_CLOCK;
        return;
    }
    if (!kl_plate_map_rows(&chain->map, raw, rows, &quality)) {
        /* Not a measurement: as if it had not come. */
        chain->pending_quality |= quality;
        return;
    }
    if (chain->tare_ns > 0) {
        take_tare(chain, t_ns, rows);
    }
    double wrench[KL_WRENCH_COUNT];
    kl_plate_map_wrench(&chain->map, rows, wrench);
    quality |= chain->pending_quality;
    chain->pending_quality = 0;
    if (!chain->started) {
        chain->started = true;
        chain->passages.record_start_ns = t_ns;
        /* Whoever starts a record has a plate that reads about 0 when empty, or the rule for a
         * fresh tare does not apply anyhow: it asks for a level within 50 N of 0. */
        kl_contact_detector_tared(&chain->passages.detector,
                                  (uint64_t)(FRESH_TARE_S * chain->rate_hz));
        quality &= ~(uint32_t)KL_QUALITY_GAP; /* nothing was before it */
    } else {
        double jump = (double)(t_ns - chain->last_ns);
        if (jump > 1.5 * chain->spacing_ns) {
            size_t missing = (size_t)(jump / chain->spacing_ns + 0.5) - 1;
            double missing_s = (double)missing / chain->rate_hz;
            quality |= KL_QUALITY_GAP;
            if (missing_s > PATCH_MAX_S + 1e-9) {
                kl_passages_begin_segment(&chain->passages, jump <= KEEP_LEVEL_S * 1e9);
            } else if (chain->passages.ring.next > chain->passages.segment) {
                patch(chain, t_ns, wrench, missing, quality & ~(uint32_t)KL_QUALITY_GAP);
            }
        }
    }
    push_wrench(chain, t_ns, wrench, quality);
}

void kl_force_chain_end(struct kl_force_chain *chain)
{
    if (!chain->ended) {
        chain->ended = true;
        kl_passages_end_segment(&chain->passages);
    }
}

void kl_force_chain_tare(struct kl_force_chain *chain, int64_t duration_ns)
{
    chain->tare_ns = duration_ns > 0 ? duration_ns : 0;
    chain->taring = false;
}

void kl_force_chain_set_body_weight(struct kl_force_chain *chain, double body_weight_n)
{
    chain->passages.detector.body_weight_n = body_weight_n;
}

/* ------------------------------------------------------------ contacts out */

bool kl_force_chain_contact(struct kl_force_chain *chain, struct kl_contact *out)
{
    return kl_passages_take(&chain->passages, out);
}

struct kl_force_now kl_force_chain_now(const struct kl_force_chain *chain)
{
    struct kl_force_now now = {.t_ns = chain->last_ns};
    if (chain->passages.ring.next == 0) {
        return now;
    }
    memcpy(now.wrench, chain->live, sizeof(now.wrench));
    for (size_t c = 0; c < KL_WRENCH_COUNT && chain->passages.anchor.known; c++) {
        now.wrench[c] -= c == KL_FY ? 0 : chain->passages.anchor.level[c];
    }
    double level_n = 0;
    now.has_level = kl_contact_detector_level(&chain->passages.detector, &level_n);
    now.wrench[KL_FY] -= level_n;
    now.in_contact = chain->passages.has_open;
    now.fy_raw_n =
        chain->passages.ring
            .raw[kl_wrench_ring_slot(&chain->passages.ring, chain->passages.ring.next - 1)][KL_FY];
    return now;
}

int64_t kl_force_chain_watermark(const struct kl_force_chain *chain)
{
    if (chain->ended && chain->passages.count == 0) {
        return INT64_MAX;
    }
    return kl_passages_watermark(&chain->passages);
}

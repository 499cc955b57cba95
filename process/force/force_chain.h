/* From one plate's raw samples to finished contacts: methods 3 and 4.1.
 *
 * One chain per plate, pushed sample by sample. It tares, turns raw channels into a wrench in lab
 * axes, filters forward, finds contacts on a drifting signal, and, once the flight after a contact
 * is known, runs the backward pass over that contact and subtracts the drift line between the two
 * flights. What comes out equals filtering the whole record forward and backward (|difference|
 * <= 1e-6 N) and does not depend on how samples were cut into blocks.
 *
 * Threads: one. RT safe after _create (no allocation, lock or I/O).
 */
#ifndef KL_PROCESS_FORCE_FORCE_CHAIN_H
#define KL_PROCESS_FORCE_FORCE_CHAIN_H

#include "acquire/stream.h"

/** What a user may choose; recorded in the session. */
struct kl_force_settings {
    double cutoff_hz;   /* zero-lag cut-off of reported forces, default 50 */
    double threshold_n; /* contact threshold F_thr, default 50 (20-200) */
};

/** The defaults of methods 3.2 and 4.1. */
struct kl_force_settings kl_force_settings_defaults(void);

/** One foot's contact, drift-corrected and zero-lag. Borrowed from the chain until its next call.
 */
struct kl_contact {
    double ic_ns, to_ns; /* crossings of F_thr, session time, interpolated between samples */
    bool has_ic, has_to; /* false: cut by the start or the end of the record */
    bool ended;          /* the record or a gap ended it; no flight follows */
    size_t count;        /* samples in wrench, covering the contact with margins in both flights */
    int64_t t0_ns;       /* time of the first of them */
    double dt_s;         /* sample spacing */
    const double (*wrench)[KL_WRENCH_COUNT]; /* [count][6] zero-lag, drift-corrected */
    double drift_step_n;               /* |d_k - d_{k-1}| of Fy; 0 when one flight is missing */
    double flight_sd[KL_WRENCH_COUNT]; /* SD of the raw channels in the flights beside it */
    double flight_covariance_mx_fy; /* of the same samples, N²·m: errors of force and moment go */
    double flight_covariance_mz_fy; /* together when the origin is far from the foot */
    bool has_flight_sd;
    bool point_given; /* KL_PLATE_POINT: the moments come from the point, so their flight noise says
                         nothing about it */
    double belt_noise_n; /* median SD of Fy in the last 9 flights: the belt, not one bad flight;
                            0: fewer than 3 flights yet */
    double drift_n;      /* Fy flight level subtracted at mid contact */
    uint32_t quality;    /* kl_quality bits of all samples used */
    bool warming_up;     /* within 0.5 s of the start or of a gap: not to be reported */
};

/** What the live curve and the state display need, after every sample. */
struct kl_force_now {
    int64_t t_ns;
    double
        wrench[KL_WRENCH_COUNT]; /* causal, tared, flight level subtracted; lags 4.5 ms at 50 Hz */
    bool in_contact;
    bool has_level;  /* the flight level is known: the runner is running */
    double fy_raw_n; /* unfiltered, tared: for weighing and standing */
};

/** May a plate of this rate be filtered so? The cut-off must not exceed rate_hz / 2.5. */
bool kl_force_settings_fit(const struct kl_force_settings *settings, double rate_hz);

struct kl_force_chain;

/** Memory for one plate; everything is allocated here.
 *  @return NULL without memory, or when rate_hz <= 0 or a cut-off is above rate_hz / 2.5 */
struct kl_force_chain *kl_force_chain_create(const struct kl_stream *stream,
                                             const struct kl_force_settings *settings);
void kl_force_chain_destroy(struct kl_force_chain *chain);

/** One raw sample. A sample with KL_QUALITY_GAP, or whose time jumps by more than 1.5 sample
 *  spacings, restarts the filters (gaps <= 20 ms are interpolated linearly and marked).
 *  @param raw  in [channel_count] as recorded */
void kl_force_chain_push(struct kl_force_chain *chain, int64_t t_ns, const double *raw,
                         uint32_t quality);

/** No more samples: what is pending is finished with what is there. */
void kl_force_chain_end(struct kl_force_chain *chain);

/** The next finished contact, oldest first; false when there is none yet. Call until false after
 *  every push. */
bool kl_force_chain_contact(struct kl_force_chain *chain, struct kl_contact *out);

/** State after the last pushed sample. */
struct kl_force_now kl_force_chain_now(const struct kl_force_chain *chain);

/** The plate is empty from the next sample on for duration_ns: the mean becomes the tare. */
void kl_force_chain_tare(struct kl_force_chain *chain, int64_t duration_ns);

/** Contacts that begin before this time are all out (data time): what a merger of several plates
 *  may rely on. */
int64_t kl_force_chain_watermark(const struct kl_force_chain *chain);

/** Body weight when known, N (0: not yet): sharpens the detector's 0.8 BW rule. */
void kl_force_chain_set_body_weight(struct kl_force_chain *chain, double body_weight_n);

#endif

/* What one muscle did around one contact: methods 13.
 *
 * Input is the raw signal from before the preceding swing to the end of stance; everything is
 * worked out over that stretch at once, so live and replayed bits are equal. Amplitudes stay in V
 * here; a reference (MVC or a bout) makes them comparable. Threads: one per scratch. RT safe.
 */
#ifndef KL_PROCESS_MUSCLE_MUSCLE_STEP_H
#define KL_PROCESS_MUSCLE_MUSCLE_STEP_H

#include "acquire/stream.h"

#define KL_EMG_BEFORE_S 0.60 /* stretch begins so long before initial contact */
#define KL_EMG_AFTER_S 0.10  /* and ends so long after toe-off */
#define KL_EMG_SAMPLES 8192  /* the longest stretch: 1.5 s at 5 kHz */
#define KL_EMG_RATE_MIN_HZ 500.0

/** Why a muscle has no numbers in a step, or only some; bits. */
enum kl_muscle_mark {
    KL_MUSCLE_MISSING = 1 << 0,  /* samples are missing, or the stretch is not there */
    KL_MUSCLE_RATE = 1 << 1,     /* below 500 Hz: half of the band is gone */
    KL_MUSCLE_RAIL = 1 << 2,     /* at the amplifier's rail */
    KL_MUSCLE_ARTEFACT = 1 << 3, /* more than half of the power is below 20 Hz: a cable moves */
    KL_MUSCLE_LOW_SNR = 1 << 4,  /* amplitude below 5 x the baseline: onset refused */
    KL_MUSCLE_NO_ONSET = 1 << 5, /* nothing rose above the threshold for 25 ms */
    KL_MUSCLE_LINE_HUM = 1 << 6, /* line hum was taken out: told, not refused */
};

/** A stretch of one channel. */
struct kl_muscle_stretch {
    double rate_hz;
    size_t count;        /* <= KL_EMG_SAMPLES */
    const double *raw_v; /* [count] */
    uint32_t quality;    /* kl_quality of all samples */
    double ic_s, to_s;   /* from the first sample; ic_s about KL_EMG_BEFORE_S */
    double rail_v;       /* |value| at the rail; 0: not known */
    double line_hz;      /* 50, 60, or 0: no hum is looked for */
};

struct kl_muscle_step {
    uint32_t marks;
    double activation_v; /* mean envelope IC-100 ms .. IC */
    double loading_v;    /* mean envelope IC .. 50 % of stance */
    double peak_v;       /* largest envelope in IC-100 ms .. TO */
    double baseline_v;   /* mean envelope of the quietest 150 ms of the swing before */
    bool has_onset;
    double onset_s; /* from IC, negative before; by Teager-Kaiser energy */
};

/** Room for one stretch. */
struct kl_muscle_scratch {
    double band[KL_EMG_SAMPLES], envelope[KL_EMG_SAMPLES], energy[KL_EMG_SAMPLES];
};

/** @param out  marks say which fields hold; MISSING, RATE, RAIL, ARTEFACT: none */
void kl_muscle_step_of(const struct kl_muscle_stretch *stretch, struct kl_muscle_scratch *scratch,
                       struct kl_muscle_step *out);

/** psi[n] = x[n]^2 - x[n-1] x[n+1]; ends repeat their neighbour. Oracle: A sin(W n) gives
 *  A^2 sin^2 W. Source: methods 13. @param count >= 3 */
void kl_teager_kaiser(const double *x, size_t count, double *out);

/** Largest RMS over 0.5 s of one voluntary contraction, V, band-passed; the reference of a trial.
 *  @return 0 when it is shorter or not to be trusted (marks say why) */
double kl_muscle_reference(const struct kl_muscle_stretch *trial, struct kl_muscle_scratch *scratch,
                           uint32_t *marks);

/** Zero-lag correlation of two raw stretches of the same times: above 0.3 the electrodes hear each
 *  other (methods 13). 0 for less than two samples. */
double kl_muscle_cross_talk(const double *a_v, const double *b_v, size_t count);

#endif

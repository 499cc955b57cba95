/* Signals with a known answer, and a force chain run over them: for the force tests. */
#ifndef KL_TESTS_PROCESS_FORCE_SIGNAL_H
#define KL_TESTS_PROCESS_FORCE_SIGNAL_H

#include "process/force/force_chain.h"

/** The runner of methods 6: 70 kg at g = 9.81, contact 250 ms, flight 100 ms. */
#define SIGNAL_BW_N (70.0 * 9.81)
#define SIGNAL_CONTACT_S 0.25
#define SIGNAL_STEP_S 0.35

/** Vertical force of one step at s = time / contact time, N; 0 outside 0..1 (methods 21.1). */
double signal_half_sine(double s);
double signal_rearfoot(double s);

/** Deterministic noise, mean 0, SD 1, within +-3.5. */
double signal_noise(uint64_t *state);

/** A plate whose six channels are the wrench in SI units, or Fy alone. */
struct kl_stream signal_plate(double rate_hz, unsigned measured);

/** A record: wrench per sample on a regular grid from KL_EPOCH_NS. */
struct signal_record {
    double rate_hz;
    size_t count;
    double (*wrench)[KL_WRENCH_COUNT];
    uint32_t *quality;
    int64_t *t_ns;
    bool *missing; /* samples that are not pushed */
};

struct signal_record signal_record_create(double rate_hz, double seconds);
void signal_record_destroy(struct signal_record *record);

/** A running wrench: steps of `fy` from start_s on, alternating feet 0.1 m apart, with braking,
 *  sideways force, a moving centre of pressure and a free moment. */
void signal_run(struct signal_record *record, double (*fy)(double s), double start_s);

/** What came out, copied: contacts stay after the chain is gone. */
#define SIGNAL_CONTACTS_MAX 512
struct signal_contacts {
    size_t count, with_ic, complete;
    struct kl_contact contact[SIGNAL_CONTACTS_MAX];
    int64_t out_ns[SIGNAL_CONTACTS_MAX]; /* time of the newest sample when it came out */
    bool watermark_held;                 /* no contact began before an earlier watermark */
    bool watermark_monotonic;
    double worst_lag_s; /* of the watermark behind the newest sample */
};

/** Pushes a record through a chain. @param settings  NULL: the defaults */
struct signal_contacts *signal_contacts_of(const struct kl_stream *stream,
                                           const struct kl_force_settings *settings,
                                           const struct signal_record *record);
void signal_contacts_destroy(struct signal_contacts *contacts);

#endif

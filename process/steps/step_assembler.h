/* Contacts of all plates in order of time, become steps (methods 4.2 to 4.4, 5).
 *
 * Plates deliver contacts when each has finished them, so they come in any order. A contact is
 * accepted when no plate can still deliver an earlier one (its watermark in data time says so); a
 * plate that is more than 1 s behind is not waited for. An accepted contact becomes a step when the
 * two contacts its step and stride need are accepted too, or when 1 s of data time has passed
 * without one:
 *
 *     plate.left   ──■■■──────────■■■──────▶ ┐ watermarks
 *     plate.right  ───────■■■─────────────▶ ┘
 *     accepted        k   k+1    k+2      => step k: neighbours, side, validity, metrics
 *
 * What comes out is a function of the contacts alone: neither the cutting of blocks nor the order
 * in which plates take turns changes a bit of it.
 * Threads: one. No allocation after _create.
 */
#ifndef KL_PROCESS_STEPS_STEP_ASSEMBLER_H
#define KL_PROCESS_STEPS_STEP_ASSEMBLER_H

#include "process/steps/body_weight.h"
#include "process/steps/cadence.h"
#include "process/steps/contact_queue.h"
#include "process/steps/step.h"

#define KL_ASSEMBLER_WAIT_NS 1e9 /* a next contact is waited for so long; methods 3.5 */

/* Of motion behind toe-off or stride: 250 ms that its zero-lag filter needs, and room for the grid
 * of the window and one sample of a slow sensor. */
#define KL_ASSEMBLER_TAIL_NS 275e6

/** A plate as far as steps are concerned. */
struct kl_assembler_plate {
    size_t stream;
    enum kl_side side; /* of a split belt; UNKNOWN: both feet land here */
    unsigned measured; /* kl_plate.measured */
    double rate_hz;
};

struct kl_step_assembler;

/** What comes out next. */
enum kl_assembled {
    KL_ASSEMBLED_NOTHING = 0,
    KL_ASSEMBLED_CONTACT, /* a contact was accepted: its own metrics are there, those that need the
                             next contact are pending (KL_REASON_NO_NEXT) */
    KL_ASSEMBLED_STEP,    /* final, once per contact, in order */
};

struct kl_assembly {
    struct kl_step step;
    const struct kl_contact *contact; /* borrowed until the next call */
    double next2_ic_ns;               /* STEP: next contact of the same foot; 0: not known */
    double flight_s;                  /* STEP: to the next contact; negative without one */
    double impulse_n_s;               /* of Fy from flight to flight, N·s */
};

/** @param weight, cadence  of the caller, who outlives the assembler; steps are counted into them
 *  @return NULL without memory, or when count > KL_CONTACT_QUEUE_PLATES */
struct kl_step_assembler *kl_step_assembler_create(const struct kl_assembler_plate *plates,
                                                   size_t count, enum kl_loading_rule rule,
                                                   struct kl_body_weight *weight,
                                                   struct kl_cadence *cadence);
void kl_step_assembler_destroy(struct kl_step_assembler *assembler);

/** A finished contact of a plate; copied. */
void kl_step_assembler_contact(struct kl_step_assembler *assembler, size_t plate,
                               const struct kl_contact *contact);

/** How far a plate is. @param newest_ns     its newest sample
 *  @param watermark_ns  contacts that begin before this are all delivered
 *  @param loaded        more than the contact threshold is on it now (crossover test, 4.3) */
void kl_step_assembler_plate(struct kl_step_assembler *assembler, size_t plate, int64_t newest_ns,
                             int64_t watermark_ns, bool loaded);

/** How far the signals beside the plates are, motion and EMG: the oldest of their newest samples.
 *  A step is finished once they have passed it by KL_ASSEMBLER_TAIL_NS, but it waits for them no
 *  longer than 1 s. Never called: there are none. */
void kl_step_assembler_beside(struct kl_step_assembler *assembler, int64_t newest_ns);

/** No more contacts: everything is finished with what is there. */
void kl_step_assembler_end(struct kl_step_assembler *assembler);

/** The next result in order; call until KL_ASSEMBLED_NOTHING. */
enum kl_assembled kl_step_assembler_next(struct kl_step_assembler *assembler,
                                         struct kl_assembly *out);

/** Belt speed from t_ns on, m/s; 0: not known. */
void kl_step_assembler_speed(struct kl_step_assembler *assembler, int64_t t_ns, double speed_m_s);
void kl_step_assembler_height(struct kl_step_assembler *assembler, double height_m);

/** Another bout begins with the next step: the loading-rate rule is decided anew. */
void kl_step_assembler_bout(struct kl_step_assembler *assembler);

/** Whether all steps of this bout follow the rule for steps without an impact peak, because only
 *  some have one (methods 6: in 10-90 % of the steps). Made causal: decided over the last 60 valid
 *  steps, both feet, from the 20th of the bout on; lifted when fewer than 5 % of a full window are
 *  of the other kind. Earlier steps keep what they were given. */
bool kl_step_assembler_forces_rule(const struct kl_step_assembler *assembler);

/** q of methods 4.4; 0: not used. */
double kl_step_assembler_confidence(const struct kl_step_assembler *assembler);

/** The foot of a contact that is going on, as far as known.
 *  @param begun     contacts that have begun after the newest accepted one, this one included
 *  @param begun_ns  when this one began, session time */
enum kl_side kl_step_assembler_side(const struct kl_step_assembler *assembler, size_t plate,
                                    unsigned begun, double begun_ns);

/** Initial contacts accepted so far. */
size_t kl_step_assembler_contacts(const struct kl_step_assembler *assembler);

/** Contacts that came after a later one had been accepted (a plate more than 1 s behind); they are
 *  in no step. */
size_t kl_step_assembler_late(const struct kl_step_assembler *assembler);

#endif

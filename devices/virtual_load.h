/* What each foot of a virtual runner puts on the ground at a moment of the session: nothing, half
 * the weight while standing, then contact after contact.
 *
 * Only a few contacts around the asked moment are kept, so a session may last hours. Caller's
 * memory, no allocation. Threads: one per struct.
 */
#ifndef KL_DEVICES_VIRTUAL_LOAD_H
#define KL_DEVICES_VIRTUAL_LOAD_H

#include "devices/virtual_gait.h"

/** Parts of the calibration before the run (methods 9.1), in their order. */
enum kl_virtual_part {
    KL_VIRTUAL_STILL = 0,
    KL_VIRTUAL_KNEE_BENDS,
    KL_VIRTUAL_BOWS,
    KL_VIRTUAL_MARCHING,
    KL_VIRTUAL_MVC, /* maximal voluntary contractions, for the EMG */
    KL_VIRTUAL_PART_COUNT,
};

/** When a session's parts begin and end, session seconds. */
struct kl_virtual_timeline {
    double stand_s;     /* first load of stepping on */
    double still_s;     /* standing still from here ... */
    double still_end_s; /* ... to here; <= still_s: never still */
    struct kl_virtual_span {
        double start_s, end_s; /* equal: left out */
    } part[KL_VIRTUAL_PART_COUNT];
    double off_s;         /* the belt is empty again ... */
    double leave_s;       /* ... and moves; after a calibration there is time for another tare */
    double first_onset_s; /* of the first contact */
};

struct kl_virtual_timeline kl_virtual_timeline(const struct kl_virtual_runner *runner);

/** Durations of one repetition, s. */
#define KL_VIRTUAL_KNEE_BEND_S 1.6
#define KL_VIRTUAL_BOW_S 2.5
#define KL_VIRTUAL_MVC_S 4.0 /* 2 s of contraction, 2 s of rest; methods 13: three trials */

/** "still", "squats", "bows", "march", "mvc": the text of the part's KL_EVENT_CALIBRATION. */
const char *kl_virtual_part_text(enum kl_virtual_part part);

enum { KL_VIRTUAL_WINDOW = 3 }; /* contacts kept: the one before, the current and the next one */

struct kl_virtual_load {
    struct kl_virtual_timeline timeline;
    struct kl_virtual_gait gait;
    struct kl_virtual_contact contact[KL_VIRTUAL_WINDOW]; /* oldest first */
    size_t count;
};

/** Before the first moment; the runner must have passed kl_virtual_runner_check. */
void kl_virtual_load_init(struct kl_virtual_load *load, const struct kl_virtual_runner *runner);

/** Brings the window of contacts to session time t, which never decreases. */
void kl_virtual_load_advance(struct kl_virtual_load *load, double t_s);

/** True wrenches at session time t, which never decreases from call to call.
 *  @param wrench  out [2][6] left and right foot, lab axes about the lab origin */
void kl_virtual_load_at(struct kl_virtual_load *load, double t_s,
                        double wrench[2][KL_WRENCH_COUNT]);

#endif

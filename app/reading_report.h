/* What a reading of the lab's devices means: one line per stream, and each thing that is not as the
 * lab file says, with its line and the cure. */
#ifndef KL_APP_READING_REPORT_H
#define KL_APP_READING_REPORT_H

#include "app/lab_reading.h"

struct kl_reading_question {
    const struct kl_lab *lab;
    const bool *there; /* [device_count] */
    double seconds;
    double mass_kg; /* of who stood on the plates; 0: nobody */
};

/** Prints the report on standard output, what is wrong or doubtful on standard error.
 *  @return how many things are wrong; doubts do not count */
size_t kl_reading_report(const struct kl_reading_question *question,
                         const struct kl_reading *reading);

/** A plate's offset, sides and sign by somebody standing still on the plates.
 *  @param fy_n  mean vertical force of all plates together, at rest subtracted, N
 *  @return KL_OK within 2 %, or KL_ERR_DATA with what it means in *fault */
KL_CHECK int kl_standing_test(double fy_n, double mass_kg, struct kl_fault *fault);

#endif

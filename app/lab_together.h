/* What the devices of a lab must be together: one sensor per place, left on the left, and no two
 * behind one plug. */
#ifndef KL_APP_LAB_TOGETHER_H
#define KL_APP_LAB_TOGETHER_H

#include "app/lab.h"

/** Notes every fault and doubt in the document. The devices' streams are known. */
void kl_lab_together(struct kl_lab_document *document, const struct kl_lab *lab);

/** Vertical force at which a plate's channels are at their rails, N; 0: not known. */
double kl_lab_plate_capacity_n(const struct kl_stream *stream);

#endif

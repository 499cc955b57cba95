/* Asks a device's driver what it makes of its part of the lab file, and finds the line of whatever
 * it refuses.
 *
 * A driver stops at its first fault and knows no lines. It is asked again with one part left out:
 * when its answer changes, that part was meant. Then the part stays out and the next fault shows.
 */
#ifndef KL_APP_LAB_CONFIGURE_H
#define KL_APP_LAB_CONFIGURE_H

#include "app/lab.h"

/** Fills device->stream. @return KL_OK, or a negative status with every fault noted */
int kl_lab_configure(const struct kl_lab_document *document, struct kl_lab_device *device);

#endif

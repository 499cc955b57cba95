/* The one table of device families. A lab file names a driver by `name`; adding a device is one row
 * in registry.c. */
#ifndef KL_DEVICES_REGISTRY_H
#define KL_DEVICES_REGISTRY_H

#include "acquire/driver.h"

/** @return rows of the table */
size_t kl_registry_count(void);

/** Row `index`, or NULL past the end. */
const struct kl_driver *kl_registry_get(size_t index);

/** The driver with exactly this name, or NULL. */
const struct kl_driver *kl_registry_find(const char *name);

#endif

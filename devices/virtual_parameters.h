/* The motion, sensor and calibration parameters of a virtual runner under the keys of a lab file,
 * with their limits: one table for checking, for reading a lab file and for the truth. */
#ifndef KL_DEVICES_VIRTUAL_PARAMETERS_H
#define KL_DEVICES_VIRTUAL_PARAMETERS_H

#include "devices/virtual_runner.h"

struct kl_virtual_parameter {
    const char *key;  /* eversion_deg, still_s: the unit of the key */
    size_t offset;    /* of the first double in struct kl_virtual_runner */
    unsigned count;   /* 1; 2: left, right; 3: about z, x, y */
    double low, high; /* in the key's unit */
    double si;        /* 1 of the key's unit in SI */
};

/** @param count  out */
const struct kl_virtual_parameter *kl_virtual_parameters(size_t *count);

/** Value i of a parameter, in the key's unit. */
double kl_virtual_parameter_get(const struct kl_virtual_runner *runner,
                                const struct kl_virtual_parameter *parameter, unsigned i);

void kl_virtual_parameter_set(struct kl_virtual_runner *runner,
                              const struct kl_virtual_parameter *parameter, unsigned i,
                              double value);

/** What single limits of these parameters and of the sensors say.
 *  @return KL_OK, or KL_ERR_RANGE with the key, its value and the limits in *fault */
int kl_virtual_parameters_check(const struct kl_virtual_runner *runner, struct kl_fault *fault);

/** Their defaults, into a runner whose other parts are set. */
void kl_virtual_parameters_defaults(struct kl_virtual_runner *runner);

#endif

/* One look at a device's clock beside the host's: what the mapping of device time to session time
 * was learnt from, kept in `kneelab.clock` so that it can be examined and redone.
 *
 * For every quarter second of a device behind a link there is one pair, its quickest delivery: the
 * very one that kl_clock keeps. One JSON object per line:
 *
 *     {"device":"imu.left","connection":1,"device_ns":12345,"arrival_ns":1000002000,"t_ns":1000000000}
 *
 * Nothing is computed from pairs while a session runs or is replayed.
 */
#ifndef KL_ACQUIRE_CLOCK_PAIR_H
#define KL_ACQUIRE_CLOCK_PAIR_H

#include "acquire/stream.h"

struct kl_clock_pair {
    char device[KL_NAME_MAX];
    uint64_t connection; /* times the device was started; its clock may begin anew with each */
    int64_t device_ns;   /* what the device said (enum kl_time_meaning) */
    int64_t arrival_ns;  /* session time at which the sample was read */
    int64_t t_ns;        /* session time that it was given */
};

#define KL_CLOCK_PAIR_TEXT 256

/** Writes the line; names as JSON text, control characters as '?'. @return its length */
size_t kl_clock_pair_write(const struct kl_clock_pair *pair, char out[KL_CLOCK_PAIR_TEXT]);

/** Reads a line. @return KL_OK or KL_ERR_DATA */
KL_CHECK int kl_clock_pair_read(const char *text, struct kl_clock_pair *out);

#endif

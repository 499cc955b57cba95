/* Is there room for the rest of the session? */
#ifndef KL_ACQUIRE_DISK_SPACE_H
#define KL_ACQUIRE_DISK_SPACE_H

#include "acquire/stream.h"

#define KL_DISK_LOW_S 600.0                    /* half a session of twenty minutes */
#define KL_DISK_LOW_BYTES UINT64_C(1000000000) /* other programs need some too */

/** What to say of a disk, "" while it has room.
 *  @param free_bytes   that this user may write
 *  @param bytes_per_s  at which the session grows; 0: not known yet
 *  @return whether space is low */
bool kl_disk_space_text(uint64_t free_bytes, double bytes_per_s, char *out, size_t cap);

/** Bytes that this user may write where the file lies; UINT64_MAX when the system does not tell. */
uint64_t kl_disk_space_free(int fd);

#endif

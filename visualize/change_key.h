/* A number that changes when what a panel shows changes: only then is the panel drawn again. */
#ifndef KL_VISUALIZE_CHANGE_KEY_H
#define KL_VISUALIZE_CHANGE_KEY_H

#include <stddef.h>
#include <stdint.h>

#define KL_CHANGE_KEY_START UINT64_C(0x9e3779b97f4a7c15)

/** Mixes `len` bytes into `key`. Threads: any. */
uint64_t kl_change_key(uint64_t key, const void *data, size_t len);

#endif

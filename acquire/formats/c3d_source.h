/* A C3D file in memory as the streams and events of a session: see kl_c3d_open. */
#ifndef KL_ACQUIRE_FORMATS_C3D_SOURCE_H
#define KL_ACQUIRE_FORMATS_C3D_SOURCE_H

#include "acquire/formats/memory_source.h"

/** @return KL_OK or a negative status with *fault; release `memory` in both cases */
KL_CHECK int kl_c3d_session(const char *name, const uint8_t *buf, size_t len,
                            struct kl_memory *memory, struct kl_fault *fault);

#endif

/* Other people's XDF recordings as a source of items.
 *
 * Regular numeric streams become streams (of kind other, or EMG when their type says EMG or EEG),
 * string streams become markers; irregular numeric streams have no place here and are named in the
 * remark. All stamps are moved to one clock, the first sample stands at KL_EPOCH_NS, and blocks of
 * 50 ms come in the order of their first stamps, then of their streams.
 */
#ifndef KL_ACQUIRE_FORMATS_XDF_FOREIGN_H
#define KL_ACQUIRE_FORMATS_XDF_FOREIGN_H

#include "acquire/mapped_file.h"
#include "acquire/source.h"

extern const struct kl_source_ops kl_xdf_foreign_ops;

/** Takes `file` over, and closes it on error too. @return NULL with *fault */
struct kl_source *kl_xdf_foreign_open(struct kl_mapped_file file, const char *name,
                                      struct kl_fault *fault);

/** What was left out or repaired, one line; "" when nothing was. */
const char *kl_xdf_foreign_remark(const struct kl_source *source);

/** Whether damage or a torn end is part of it. */
bool kl_xdf_foreign_damaged(const struct kl_source *source);

#endif

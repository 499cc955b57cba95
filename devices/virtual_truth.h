/* Goes through the truth of a virtual runner step by step, for sessions of any length. */
#ifndef KL_DEVICES_VIRTUAL_TRUTH_H
#define KL_DEVICES_VIRTUAL_TRUTH_H

#include "devices/virtual_runner.h"

struct kl_virtual_truth;

/** The contacts that begin in the first `seconds` of a session; see kl_virtual_runner_truth.
 *  @param out  destroy with kl_virtual_truth_destroy; untouched on error
 *  @return KL_OK, KL_ERR_RANGE, KL_ERR_ARG or KL_ERR_MEM, with words in *fault */
int kl_virtual_truth_create(struct kl_virtual_truth **out, const struct kl_virtual_runner *runner,
                            double seconds, double threshold_n, struct kl_fault *fault);

/** The next step; false after the last. */
bool kl_virtual_truth_next(struct kl_virtual_truth *truth, struct kl_virtual_step *out);

/** NULL is allowed. */
void kl_virtual_truth_destroy(struct kl_virtual_truth *truth);

#endif

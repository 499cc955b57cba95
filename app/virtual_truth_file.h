/* What the simulated runner of a session really did, as a JSON file beside it. */
#ifndef KL_APP_VIRTUAL_TRUTH_FILE_H
#define KL_APP_VIRTUAL_TRUTH_FILE_H

#include "devices/virtual_runner.h"

/** Writes kl_virtual_runner_truth (mode 0600, never overwrites): parameters, summary, events of the
 *  session's timeline, and the steps.
 *  @return KL_OK, KL_ERR_IO, KL_ERR_RANGE, KL_ERR_ARG or KL_ERR_MEM, with words in *fault */
KL_CHECK int kl_virtual_truth_write(const char *path, const struct kl_virtual_runner *runner,
                                    double seconds, double threshold_n, struct kl_fault *fault);

#endif

/* Steps and flags of a whole recording, collected as the pipeline gives them. */
#ifndef KL_APP_RESULTS_H
#define KL_APP_RESULTS_H

#include "process/pipeline.h"

struct kl_result_flag {
    struct kl_rule rule;
    struct kl_flag flag;
};

struct kl_results {
    struct kl_step *step;
    size_t step_count, step_cap;
    struct kl_result_flag *flag; /* every change of state, in order */
    size_t flag_count, flag_cap;
    struct kl_session_figures figures; /* after the run: of the last condition */
    bool out_of_memory;
};

/** A sink that appends to `results` (zeroed before). Free with kl_results_free. */
struct kl_pipeline_sink kl_results_sink(struct kl_results *results);
void kl_results_free(struct kl_results *results);

#endif

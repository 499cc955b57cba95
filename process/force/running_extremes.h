/* Maximum and minimum of the last so many samples, in constant time per sample.
 *
 * Two queues hold the samples that can still become an extreme: a newer larger one makes all
 * older smaller ones irrelevant. Each sample enters and leaves a queue once.
 */
#ifndef KL_PROCESS_FORCE_RUNNING_EXTREMES_H
#define KL_PROCESS_FORCE_RUNNING_EXTREMES_H

#include "acquire/stream.h"

struct kl_extreme_queue {
    double *value;   /* [capacity] */
    uint64_t *index; /* [capacity] */
    size_t head, count;
};

struct kl_running_extremes {
    size_t window, capacity;
    struct kl_extreme_queue high, low;
};

/** Memory for a window of so many samples (>= 1). @return KL_OK or KL_ERR_MEM */
KL_CHECK int kl_running_extremes_open(struct kl_running_extremes *extremes, size_t window);
void kl_running_extremes_close(struct kl_running_extremes *extremes);

/** Forgets all samples. */
void kl_running_extremes_reset(struct kl_running_extremes *extremes);

/** @param index  grows by one per sample  @param value  finite */
void kl_running_extremes_push(struct kl_running_extremes *extremes, uint64_t index, double value);

/** After at least one push. */
double kl_running_extremes_max(const struct kl_running_extremes *extremes);
double kl_running_extremes_min(const struct kl_running_extremes *extremes);

#endif

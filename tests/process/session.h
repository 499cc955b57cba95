/* A session in memory: samples in, canonical records out. */
#ifndef KL_TESTS_PROCESS_SESSION_H
#define KL_TESTS_PROCESS_SESSION_H

#include "process/pipeline.h"

/** What a pipeline said. */
struct session_log {
    size_t steps, valid, flags;
    struct kl_step *step; /* [steps] */
    char *text;           /* all lines, each ending with \n */
    size_t len, cap;
    size_t step_cap;
};

struct kl_pipeline_sink session_sink(struct session_log *log);
void session_log_free(struct session_log *log);

/** Samples of one stream. */
struct session_samples {
    size_t stream, channels, count;
    int64_t *t_ns;
    double *value;
    uint32_t *quality;
};

/** Allocated, regular at rate_hz from KL_EPOCH_NS on, quality 0. */
struct session_samples session_samples(size_t stream, size_t channels, size_t count,
                                       double rate_hz);
void session_samples_free(struct session_samples *samples);

/** Feeds samples [from, to) as one block. */
void session_block(struct kl_pipeline *pipeline, const struct session_samples *samples, size_t from,
                   size_t to);
void session_event(struct kl_pipeline *pipeline, enum kl_event_kind kind, int64_t t_ns,
                   int64_t duration_ns, double a, double b, const char *text);

/** A plate that measures the vertical force only, one channel in N. */
struct kl_stream session_vertical_plate(double rate_hz);

/** A plate with six channels that are the wrench in lab axes about the lab origin. */
struct kl_stream session_wrench_plate(const char *name, enum kl_side side, double rate_hz);

/** Numbers of a text file; rows of `columns`, header lines skipped.
 *  @return rows, values in *out (free); 0 when the file is not there */
size_t session_read_table(const char *path, size_t columns, size_t header_lines, char separator,
                          double **out);

/** Vertical force of a half sine stance, N, zero outside; t since contact. */
double session_half_sine(double t_s, double contact_s, double step_s, double body_weight_n);

#endif

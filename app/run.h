/* One run of a session: pulls items from a source and hands each to the recorder and the pipeline.
 *
 *     source ─item─▶ recorder
 *                └─▶ pipeline ─steps, flags─▶ results, recorder, snapshot ─▶ screen
 *
 * Live, replay and analysis are this one loop; they differ in the source and in pacing, and pacing
 * changes nothing but when things happen.
 */
#ifndef KL_APP_RUN_H
#define KL_APP_RUN_H

#include "acquire/hub.h"
#include "acquire/recorder.h"
#include "acquire/source.h"
#include "process/alignment_trial.h"
#include "process/pipeline.h"
#include "visualize/window.h"

/** What one stream delivered. */
struct kl_run_stream {
    uint64_t samples;
    uint64_t lost; /* missing by the time stamps */
    int64_t first_ns, last_ns;
};

struct kl_run;

struct kl_run_config {
    /** Opens the source; called again to seek backwards (files). */
    struct kl_source *(*open)(void *self, struct kl_fault *fault);
    void (*close)(void *self, struct kl_source *source);
    void *self;
    struct kl_hub *hub; /* live: device states and operator's events; else NULL */
    struct kl_settings settings;
    const struct kl_flag_table *flags;
    const char *flags_text;       /* as embedded in the recording; NULL: none */
    const struct kl_event *first; /* [first_count] what people said before the first sample; stands
                                     for what a simulated device says of the same then */
    size_t first_count;
    const char *const *pulse; /* [pulse_count] streams that carry a shared pulse */
    size_t pulse_count;
    const char *record_path;      /* NULL: not recorded */
    struct kl_pipeline_sink sink; /* results, beside recorder and screen */
    double speed;                 /* of a replay; 0: as fast as possible (and live) */
    bool replay;                  /* for the screen's words */
    bool screen;                  /* publish snapshots */
    bool stay;                    /* at the end of a file wait for a seek or a stop */
    const char *path;             /* of the recording replayed, for the screen */
    /** Called about once a second of wall time, for a line of progress. May be NULL. */
    void (*progress)(void *self, const struct kl_snapshot *snapshot);
    /** Called about ten times a second, of data or of wall time, whichever passes faster. May be
     *  NULL. Threads: session. @param now_ns  newest session time */
    void (*operate)(void *self, struct kl_run *run, int64_t now_ns);
    /** Something the operator should read, live: a line without its end. May be NULL. */
    void (*tell)(void *self, const char *text);
};

/** Opens the source, the recorder and the pipeline. @return NULL with *fault */
struct kl_run *kl_run_create(const struct kl_run_config *config, struct kl_fault *fault);

/** Runs to the end of the source or until stopped; closes the recording first of all.
 *  @return KL_OK, or a negative status with *fault when source or recording fell short */
int kl_run_loop(struct kl_run *run, struct kl_fault *fault);

/** Asks the loop to end. Threads: any; safe in a signal handler. */
void kl_run_stop(struct kl_run *run);
bool kl_run_finished(const struct kl_run *run);

/** A key or button of the operator. Threads: any. */
void kl_run_command(struct kl_run *run, enum kl_command command, double value, const char *text);

/** An event of the operator, live; stamped with the newest session time. Threads: any.
 *  @return KL_OK or KL_ERR_MEM when too many wait */
int kl_run_event(struct kl_run *run, const struct kl_event *event);

/** Newest snapshot for the screen; NULL when nothing is new. Threads: screen. */
const struct kl_snapshot *kl_run_snapshot(struct kl_run *run);

/** Foot stamps can align clocks here. */
bool kl_run_stamps(const struct kl_run *run);

/** After the loop: state at the end, stream counts, the pipeline for its summary. */
void kl_run_final(const struct kl_run *run, struct kl_snapshot *out);
const struct kl_pipeline *kl_run_pipeline(const struct kl_run *run);
size_t kl_run_streams(const struct kl_run *run, const struct kl_stream **stream,
                      const struct kl_run_stream **counts);

/** After the loop over a recording: what was left out of it goes into *fault, "" when nothing.
 *  @return KL_OK, or KL_ERR_DATA when something in it is damaged or missing */
int kl_run_left_out(const struct kl_run *run, struct kl_fault *fault);

void kl_run_destroy(struct kl_run *run);

#endif

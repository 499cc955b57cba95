/* A session in the lab: devices plugged in, run, recorded, shown. What `demo`, `live` and `record`
 * share. */
#ifndef KL_APP_LAB_SESSION_H
#define KL_APP_LAB_SESSION_H

#include "app/arguments.h"
#include "app/lab.h"
#include "visualize/screen.h"

struct kl_lab_session {
    const char *verb;
    const char *lab_path;
    const char *capture; /* folder for the raw bytes of every link; NULL: not kept */
    const char *runner;  /* FILE.yaml with a runner section instead of the lab's; NULL: the lab's */
    const char *output;  /* FILE.xdf; NULL: a name made from the date */
    const char *title;
    double seconds;   /* 0: until stopped */
    double speed_m_s; /* of the belt where no treadmill streams; NaN: not said */
    bool fast;        /* simulated devices without waiting for the clock */
    bool calibrate;   /* words and countdown on standard error; phases may be typed */
    bool screen;      /* a window, when there is a display */
    bool light;
    bool truth; /* write what the simulated runner really did beside the session */
};

/** Options every such verb takes: --seconds, --output, --runner, --speed, --capture, --calibrate,
 * --fast,
 *  --light. @return rows written */
size_t kl_lab_session_options(struct kl_lab_session *session, struct kl_option *out);
#define KL_LAB_SESSION_OPTIONS 8

/** Runs it. Leaves FILE.xdf, FILE.png (the screen at the end) and FILE.json (the summary).
 *  @return exit status; messages are printed */
int kl_lab_session(const struct kl_lab_session *session);

#endif

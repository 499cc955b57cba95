#include "app/lab_session.h"

#include "app/guide.h"
#include "app/operator_lines.h"
#include "app/results.h"
#include "app/run_screen.h"
#include "app/summary_json.h"
#include "app/virtual_truth_file.h"
#include "visualize/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PICTURE_WIDTH 1920
#define PICTURE_HEIGHT 1080

size_t kl_lab_session_options(struct kl_lab_session *session, struct kl_option *out)
{
    session->speed_m_s = (double)NAN; /* options are finite */
    const struct kl_option options[KL_LAB_SESSION_OPTIONS] = {
        {"--seconds", KL_OPTION_SECONDS, &session->seconds, "N", "end after N seconds"},
        {"--output", KL_OPTION_TEXT, &session->output, "FILE.xdf", "where to record"},
        {"--runner", KL_OPTION_TEXT, &session->runner, "FILE.yaml",
         "who runs: a runner section instead of the lab's"},
        {"--speed", KL_OPTION_NUMBER, &session->speed_m_s, "M/S",
         "belt speed in m/s, where no treadmill tells"},
        {"--capture", KL_OPTION_TEXT, &session->capture, "DIR",
         "keep the raw bytes of every device there, for a bug report"},
        {"--calibrate", KL_OPTION_FLAG, &session->calibrate, NULL,
         "lead through zeroing, weighing and calibration on the terminal"},
        {"--fast", KL_OPTION_FLAG, &session->fast, NULL,
         "simulated devices only: do not wait for the clock"},
        {"--light", KL_OPTION_FLAG, &session->light, NULL, "light theme"},
    };
    memcpy(out, options, sizeof(options));
    return KL_LAB_SESSION_OPTIONS;
}

/** FILE.xdf -> FILE + ending. */
static void sibling(const char *path, const char *ending, char *out, size_t len)
{
    size_t stem = strlen(path);
    if (stem > 4 && strcmp(path + stem - 4, ".xdf") == 0) {
        stem -= 4;
    }
    (void)snprintf(out, len, "%.*s%s", (int)stem, path, ending);
}

static const char *output_path(const struct kl_lab_session *session, char *out, size_t len)
{
    if (session->output != NULL && strlen(session->output) >= len) {
        return NULL;
    }
    if (session->output != NULL) {
        (void)snprintf(out, len, "%s", session->output);
        return out;
    }
    char date[32] = "";
    time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local) != NULL) {
        (void)strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &local);
    }
    (void)snprintf(out, len, "kneelab-%s-%s.xdf", session->verb, date);
    return out;
}

/* ------------------------------------------------------------------ source */

struct hub_source {
    struct kl_hub *hub;
    const struct kl_lab_session *session;
    bool leads; /* the guide; a simulated runner calibrates by itself */
    struct kl_run *run;
    struct kl_guide *guide; /* NULL: none */
    struct kl_operator_lines lines;
};

static struct kl_source *start_hub(void *self, struct kl_fault *fault)
{
    const struct hub_source *source = self;
    return kl_hub_start(source->hub, source->session->fast, source->session->seconds, fault);
}

static void leave_hub(void *self, struct kl_source *source)
{
    (void)self;
    (void)source; /* owned by the hub */
}

/* ------------------------------------------------------------ what is left */

static int write_summary(const char *recorded, const struct kl_run *run,
                         const struct kl_results *results)
{
    char path[KL_PATH_MAX];
    sibling(recorded, ".json", path, sizeof(path));
    bool existed = access(path, F_OK) == 0;
    json_t *json = kl_summary_json(recorded, run, results);
    int failed = json == NULL || json_dump_file(json, path, JSON_INDENT(1)) != 0;
    json_decref(json);
    if (failed && !existed) {
        (void)unlink(path); /* half a summary is none */
    }
    return failed ? KL_ERR_IO : KL_OK;
}

static int write_picture(const char *recorded, const struct kl_run *run, bool light,
                         struct kl_fault *fault)
{
    char path[KL_PATH_MAX];
    sibling(recorded, ".png", path, sizeof(path));
    bool existed = access(path, F_OK) == 0;
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    struct kl_screen *screen =
        kl_screen_create(PICTURE_WIDTH, PICTURE_HEIGHT, light ? KL_THEME_LIGHT : KL_THEME_DARK);
    int status = KL_ERR_MEM;
    if (snapshot != NULL && screen != NULL) {
        kl_run_final(run, snapshot);
        kl_screen_draw(screen, snapshot, NULL);
        status = kl_screen_png(screen, path, fault);
        if (status != KL_OK && !existed) {
            (void)unlink(path);
        }
    }
    kl_screen_destroy(screen);
    free(snapshot);
    return status;
}

/** How long the session was, by its streams. */
static double session_seconds(const struct kl_run *run)
{
    const struct kl_stream *stream = NULL;
    const struct kl_run_stream *counts = NULL;
    size_t count = kl_run_streams(run, &stream, &counts);
    int64_t last_ns = KL_EPOCH_NS;
    for (size_t i = 0; i < count; i++) {
        last_ns = counts[i].last_ns > last_ns ? counts[i].last_ns : last_ns;
    }
    return kl_seconds(last_ns - KL_EPOCH_NS);
}

static int write_truth(const char *recorded, const struct kl_lab *lab,
                       const struct kl_lab_session *session, const struct kl_run *run,
                       struct kl_fault *fault)
{
    char path[KL_PATH_MAX];
    sibling(recorded, ".truth.json", path, sizeof(path));
    for (size_t i = 0; session->truth && i < lab->device_count; i++) {
        if (lab->device[i].driver == &kl_virtual_runner_driver) {
            return kl_virtual_truth_write(path, &lab->device[i].runner, session_seconds(run),
                                          lab->settings.force.threshold_n, fault);
        }
    }
    return KL_OK;
}

/** Counts what did not get through, and names who is missing at the end. @return KL_OK when nothing
 *  was lost and all were there */
static int report_losses(const struct kl_lab_session *session, struct kl_hub *hub)
{
    struct kl_hub_device device[KL_LAB_DEVICES];
    size_t count = kl_hub_devices(hub, device, KL_LAB_DEVICES);
    int status = KL_OK;
    for (size_t i = 0; i < count; i++) {
        if (device[i].lost > 0) {
            kl_complain(session->verb, "%s: %llu samples lost; they are marked in the recording",
                        device[i].name, (unsigned long long)device[i].lost);
            status = KL_ERR_DATA;
        }
        if (device[i].fault.text[0] != '\0') {
            kl_complain(session->verb, "%s", device[i].fault.text);
            status = KL_ERR_DATA;
        }
    }
    return status;
}

static void say_where(const char *recorded, const struct kl_run *run)
{
    static const struct {
        const char *what, *ending;
    } left[] = {{"session", ".xdf"}, {"screen ", ".png"}, {"summary", ".json"}};
    (void)printf("%zu contacts.\n", kl_pipeline_contacts(kl_run_pipeline(run)));
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        char path[KL_PATH_MAX];
        sibling(recorded, left[i].ending, path, sizeof(path));
        const char *shown = i == 0 ? recorded : path;
        if (access(shown, F_OK) == 0) {
            (void)printf("  %s  %s\n", left[i].what, shown);
        }
    }
    (void)printf("Replay it with: kneelab replay %s\n", recorded);
}

/* -------------------------------------------------------------------- run */

/* Who runs, at what speed, and the mains. @return how many events */
static size_t first_events(const struct kl_lab *lab, struct kl_event out[KL_SUBJECT_EVENTS + 1])
{
    size_t count = kl_lab_subject_events(&lab->subject, out);
    if (lab->mains_hz > 0) {
        out[count++] = (struct kl_event){.kind = KL_EVENT_ENTRY,
                                         .t_ns = KL_EPOCH_NS,
                                         .value = {lab->mains_hz},
                                         .text = "line_hz"};
    }
    return count;
}

/* The runner's own file and the speed of the call stand for what the lab file says. */
static int take_runner(const struct kl_lab_session *session, struct kl_lab *lab,
                       struct kl_fault *fault)
{
    int status = KL_OK;
    if (session->runner != NULL) {
        status = kl_lab_subject_load(session->runner, &lab->subject, fault);
    }
    if (status == KL_OK && !isnan(session->speed_m_s)) {
        status = kl_lab_subject_speed(&lab->subject, session->speed_m_s, fault);
    }
    return status;
}

/* A line of its own, whatever line of progress stands there. */
static void tell(void *self, const char *text)
{
    (void)self;
    (void)fprintf(stderr, "%s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", text);
    (void)fflush(stderr);
}

/* -------------------------------------------------------------------- guide */

static void guide_tells(void *self, const char *text)
{
    tell(self, text);
}

static void guide_posts(void *self, const struct kl_event *event)
{
    const struct hub_source *source = self;
    if (kl_run_event(source->run, event) != KL_OK) {
        kl_complain(source->session->verb, "too many events wait; \"%s\" is lost", event->text);
    }
}

static void guide_quits(void *self)
{
    const struct hub_source *source = self;
    kl_run_stop(source->run);
}

static struct kl_guide *create_guide(struct hub_source *source, struct kl_run *run)
{
    const struct kl_run_stream *counts = NULL;
    struct kl_guide_config config = {.stamps = kl_run_stamps(run), .leads = source->leads};
    config.stream_count = kl_run_streams(run, &config.stream, &counts);
    config.sink = (struct kl_guide_sink){
        .self = source, .tell = guide_tells, .post = guide_posts, .quit = guide_quits};
    source->run = run;
    kl_operator_lines_init(&source->lines);
    return kl_guide_create(&config);
}

static void operate(void *self, struct kl_run *run, int64_t now_ns)
{
    struct hub_source *source = self;
    char line[KL_OPERATOR_LINE_MAX];
    if (source->guide == NULL) {
        return;
    }
    while (kl_operator_lines_next(&source->lines, line)) {
        kl_guide_command(source->guide, line);
    }
    if (now_ns > 0) {
        kl_guide_step(source->guide, now_ns, kl_run_pipeline(run));
    }
}

/* A simulated runner that calibrates has its own events. */
static bool calibrates_itself(const struct kl_lab *lab)
{
    for (size_t i = 0; i < lab->device_count; i++) {
        const struct kl_virtual_runner *runner = &lab->device[i].runner;
        if (lab->device[i].driver == &kl_virtual_runner_driver &&
            (runner->still_s > 0 || runner->knee_bends > 0 || runner->mvc_trials > 0 ||
             runner->quiet_s > 0 || runner->stand_s > 0)) {
            return true;
        }
    }
    return false;
}

static int run_and_leave(const struct kl_lab_session *session, const struct kl_lab *lab,
                         struct kl_hub *hub, struct kl_fault *fault)
{
    char recorded[KL_PATH_MAX - 16];
    struct hub_source source = {.hub = hub, .session = session, .leads = !calibrates_itself(lab)};
    struct kl_results results = {0};
    struct kl_event first[KL_SUBJECT_EVENTS + 1];
    size_t first_count = first_events(lab, first);
    const char *pulse[KL_LAB_PULSES];
    for (size_t i = 0; i < lab->pulse_count; i++) {
        pulse[i] = lab->pulse[i];
    }
    bool window = session->screen && kl_window_available();
    struct kl_run_config config = {
        .open = start_hub,
        .close = leave_hub,
        .self = &source,
        .hub = hub,
        .settings = lab->settings,
        .flags = &lab->flags,
        .flags_text = lab->flags_text,
        .first = first,
        .first_count = first_count,
        .pulse = pulse,
        .pulse_count = lab->pulse_count,
        .tell = tell,
        .operate = session->calibrate ? operate : NULL,
        .record_path = output_path(session, recorded, sizeof(recorded)),
        .sink = kl_results_sink(&results),
        .screen = window,
        .progress = window ? NULL : kl_run_progress,
    };
    if (config.record_path == NULL) {
        return kl_fault(fault, KL_ERR_RANGE, "--output: a path of more than %zu bytes",
                        sizeof(recorded));
    }
    struct kl_run *run = kl_run_create(&config, fault);
    if (run == NULL) {
        return KL_ERR_IO;
    }
    if (session->calibrate) {
        source.guide = create_guide(&source, run);
        if (source.guide == NULL) {
            kl_run_destroy(run);
            return kl_fault(fault, KL_ERR_MEM, "out of memory");
        }
    }
    const struct kl_run_screen screen = {.title = session->title,
                                         .window = window,
                                         .light = session->light,
                                         .stay = session->seconds > 0.0};
    int status = kl_run_watched(run, &screen, fault);
    if (status != KL_OK) {
        kl_complain(session->verb, "%s", fault->text);
    }
    if (write_summary(recorded, run, &results) != KL_OK) {
        kl_complain(session->verb, "the summary beside %s cannot be written", recorded);
        status = KL_ERR_IO;
    }
    if (write_picture(recorded, run, session->light, fault) != KL_OK ||
        write_truth(recorded, lab, session, run, fault) != KL_OK) {
        kl_complain(session->verb, "%s", fault->text);
        status = KL_ERR_IO;
    }
    if (report_losses(session, hub) != KL_OK) {
        status = KL_ERR_DATA;
    }
    say_where(recorded, run);
    fault->text[0] = '\0'; /* said above */
    kl_guide_destroy(source.guide);
    kl_run_destroy(run);
    kl_results_free(&results);
    return status;
}

int kl_lab_session(const struct kl_lab_session *session)
{
    struct kl_fault fault = {{0}};
    struct kl_lab *lab = calloc(1, sizeof(*lab));
    struct kl_hub *hub = kl_hub_create();
    int status = KL_ERR_MEM;
    int exit_status = KL_EXIT_SHORT;
    if (lab == NULL || hub == NULL) {
        (void)kl_fault(&fault, KL_ERR_MEM, "out of memory");
        goto done;
    }
    status = kl_lab_load(session->lab_path, lab, &fault);
    if (status != KL_OK) {
        goto done;
    }
    status = take_runner(session, lab, &fault);
    if (status == KL_OK) {
        status = kl_lab_plug(lab, hub, &fault);
    }
    if (status == KL_OK && session->capture != NULL) {
        status = kl_hub_capture(hub, session->capture, &fault);
    }
    if (status == KL_OK) {
        status = run_and_leave(session, lab, hub, &fault);
    }
    exit_status = status == KL_OK ? KL_EXIT_OK : KL_EXIT_SHORT;
done:
    if (status != KL_OK && fault.text[0] != '\0') {
        kl_complain(session->verb, "%s", fault.text);
    }
    kl_hub_destroy(hub);
    if (lab != NULL) {
        kl_lab_free(lab);
    }
    free(lab);
    return exit_status;
}

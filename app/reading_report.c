#include "app/reading_report.h"

#include "app/arguments.h"
#include "process/steps/body_weight.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RATE_TOLERANCE 0.05 /* of a second's worth of samples that come in bursts of 20 ms */
#define STANDING_TOLERANCE 0.02
#define OFFSET_DOUBT_N 100.0    /* an amplifier that was not zeroed, or somebody on the plate */
#define NOISE_DOUBT_N 15.0      /* three times this is near the contact threshold of 50 N */
#define STILL_DOUBT 0.1         /* of g: an accelerometer at rest, in the right unit */
#define TURNING_DOUBT_RAD_S 0.2 /* a gyroscope at rest: its offset is below 10 deg/s */
#define BATTERY_LOW_PERCENT 20.0
#define FROZEN_SAMPLES 50 /* equal to the last bit: nothing is connected */
#define WORDS_MAX 200

/* One report in progress. */
struct report {
    const struct kl_reading_question *question;
    const struct kl_reading *reading;
    size_t faults;
};

static void say(struct report *report, bool doubt, const struct kl_lab_device *device,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

static void say(struct report *report, bool doubt, const struct kl_lab_device *device,
                const char *format, ...)
{
    char text[sizeof(((struct kl_fault *)0)->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)fflush(stdout); /* in its place among the lines */
    kl_complain("check", "%s%s:%zu: device %s: %s", doubt ? "doubt: " : "",
                report->question->lab->path, device->line, device->name, text);
    report->faults += doubt ? 0 : 1;
}

/* ------------------------------------------------------------- of a stream */

/* Standard deviation of the noisiest channel. */
static double noise(const struct kl_reading_stream *of, size_t *channel)
{
    double largest = -1;
    for (size_t c = 0; c < of->stream->channel_count; c++) {
        double sd = kl_reading_sd(&of->rest, c);
        if (sd > largest) {
            largest = sd;
            *channel = c;
        }
    }
    return largest;
}

static void plate_words(const struct kl_reading_stream *of, char out[WORDS_MAX])
{
    double w[KL_WRENCH_COUNT];
    kl_reading_wrench(of->stream, &of->rest, w);
    (void)snprintf(out, WORDS_MAX, "at rest Fx %.1f, Fy %.1f, Fz %.1f N; noise of Fy %.2f N",
                   w[KL_FX], w[KL_FY], w[KL_FZ], kl_reading_fy_sd(of->stream, &of->rest));
}

/* Length of the mean of three channels whose first label is given. @return -1: there are none */
static double length_of(const struct kl_reading_stream *of, const char *first)
{
    for (size_t c = 0; c + 3 <= of->stream->channel_count; c++) {
        if (strcmp(of->stream->label[c], first) == 0) {
            const double *m = &of->rest.mean[c];
            return sqrt(m[0] * m[0] + m[1] * m[1] + m[2] * m[2]);
        }
    }
    return -1;
}

static void imu_words(const struct kl_reading_stream *of, char out[WORDS_MAX])
{
    double a = length_of(of, "ax"), w = length_of(of, "wx");
    int at = a >= 0 ? snprintf(out, WORDS_MAX, "acceleration %.2f m/s2", a) : 0;
    if (w >= 0) {
        (void)snprintf(out + at, WORDS_MAX - (size_t)at, "%sturning %.3f rad/s", at > 0 ? ", " : "",
                       w);
    }
}

static void belt_words(const struct kl_reading_stream *of, char out[WORDS_MAX])
{
    size_t at = 0;
    for (size_t c = 0; c < of->stream->channel_count && at < WORDS_MAX; c++) {
        int len = snprintf(out + at, WORDS_MAX - at, "%s%s %.3g %s", c > 0 ? ", " : "",
                           of->stream->label[c], of->rest.mean[c], of->stream->unit[c]);
        at += len > 0 ? (size_t)len : 0;
    }
}

static void other_words(const struct kl_reading_stream *of, char out[WORDS_MAX])
{
    size_t c = 0;
    double sd = noise(of, &c);
    if (of->stream->channel_count <= 3) {
        belt_words(of, out);
    } else if (sd >= 0) {
        (void)snprintf(out, WORDS_MAX, "noise up to %.3g %s (%s)", sd, of->stream->unit[c],
                       of->stream->label[c]);
    }
}

static void emg_words(const struct kl_reading_stream *of, char out[WORDS_MAX])
{
    size_t c = 0;
    double sd = noise(of, &c);
    (void)snprintf(out, WORDS_MAX, "noise up to %.3g %s (%s)", sd, of->stream->unit[c],
                   of->stream->label[c]);
}

static void print_stream(const struct kl_lab *lab, const struct kl_reading_stream *of)
{
    static void (*const words[KL_KIND_COUNT])(const struct kl_reading_stream *, char[WORDS_MAX]) = {
        [KL_KIND_FORCE] = plate_words,    [KL_KIND_IMU] = imu_words,     [KL_KIND_EMG] = emg_words,
        [KL_KIND_TREADMILL] = belt_words, [KL_KIND_OTHER] = other_words,
    };
    char what[WORDS_MAX] = "";
    if (of->rest.samples > 0 && (unsigned)of->stream->kind < KL_KIND_COUNT) {
        words[of->stream->kind](of, what);
    }
    (void)printf("  %-22s %.5g Hz%s%s\n", of->stream->name, kl_reading_rate_hz(lab, of),
                 what[0] != '\0' ? "; " : "", what);
}

/* -------------------------------------------------------------- what is wrong */

static void check_plate(struct report *report, const struct kl_lab_device *device,
                        const struct kl_reading_stream *of)
{
    double w[KL_WRENCH_COUNT];
    kl_reading_wrench(of->stream, &of->rest, w);
    double noise_n = kl_reading_fy_sd(of->stream, &of->rest);
    if (fabs(w[KL_FY]) > OFFSET_DOUBT_N) {
        say(report, true, device,
            "%s shows %.0f N at rest; is somebody on it? Else zero the amplifier, and zero it "
            "again (z) before the runner steps on",
            of->stream->name, w[KL_FY]);
    }
    if (noise_n > NOISE_DOUBT_N) {
        say(report, true, device,
            "%s has %.0f N of noise at rest; is the belt running, a cable loose, or the gain too "
            "low?",
            of->stream->name, noise_n);
    }
}

static void check_imu(struct report *report, const struct kl_lab_device *device,
                      const struct kl_reading_stream *of)
{
    double a = length_of(of, "ax"), w = length_of(of, "wx");
    if (a >= 0 && fabs(a / KL_GRAVITY_M_S2 - 1) > STILL_DOUBT) {
        say(report, true, device,
            "%s: acceleration at rest is %.2f m/s2, not 9.81; was it moved, or is a unit (g?) or "
            "a range wrong?",
            of->stream->name, a);
    }
    if (w > TURNING_DOUBT_RAD_S) {
        say(report, true, device,
            "%s: turning %.2f rad/s at rest; was it moved, or is a unit (deg/s?) wrong?",
            of->stream->name, w);
    }
}

static void check_battery(struct report *report, const struct kl_lab_device *device,
                          const struct kl_reading_stream *of)
{
    for (size_t c = 0; c < of->stream->channel_count; c++) {
        if (strcmp(of->stream->unit[c], "%") == 0 &&
            strncmp(of->stream->name, "battery.", 8) == 0 &&
            of->rest.mean[c] < BATTERY_LOW_PERCENT) {
            say(report, true, device, "battery at %.0f %%; charge it before a session",
                of->rest.mean[c]);
        }
    }
}

/* An input that does not move by one count is not connected, or not an input. */
static void check_frozen(struct report *report, const struct kl_lab_device *device,
                         const struct kl_reading_stream *of)
{
    if (device->driver->generate != NULL || of->rest.samples < FROZEN_SAMPLES) {
        return;
    }
    for (size_t c = 0; c < of->stream->channel_count; c++) {
        if (of->rest.square[c] == 0) {
            say(report, true, device,
                "%s: channel %s says %.6g %s all the time, without noise; is its cable plugged in "
                "and the amplifier on?",
                of->stream->name, of->stream->label[c], of->rest.mean[c], of->stream->unit[c]);
        }
    }
}

static void check_rate(struct report *report, const struct kl_lab_device *device,
                       const struct kl_reading_stream *of)
{
    double rate_hz = kl_reading_rate_hz(report->question->lab, of), wanted_hz = of->stream->rate_hz;
    bool wrong = fabs(rate_hz - wanted_hz) > RATE_TOLERANCE * wanted_hz;
    /* belts are asked, batteries tell seldom: too few samples for a rate */
    if (wrong && wanted_hz * report->question->seconds >= FROZEN_SAMPLES) {
        say(report, false, device,
            "%s comes at %.1f Hz, not at %g Hz; write the device's rate (rate_hz: %.4g), or set "
            "the device",
            of->stream->name, rate_hz, wanted_hz, rate_hz);
    }
}

static void check_stream(struct report *report, const struct kl_reading_stream *of)
{
    const struct kl_lab_device *device = &report->question->lab->device[of->device];
    if (of->samples == 0) {
        return; /* said of the device */
    }
    check_rate(report, device, of);
    if (of->clipped > 0) {
        say(report, false, device,
            "%s: %llu of %llu samples are at the rail; is an input open, or the range too small "
            "(range_v) or the gain too high?",
            of->stream->name, (unsigned long long)of->clipped, (unsigned long long)of->samples);
    }
    if (of->invalid > 0) {
        say(report, false, device, "%s: %llu of %llu samples are no numbers", of->stream->name,
            (unsigned long long)of->invalid, (unsigned long long)of->samples);
    }
    if (of->stream->kind == KL_KIND_FORCE) {
        check_plate(report, device, of);
    }
    if (of->stream->kind == KL_KIND_FORCE || of->stream->kind == KL_KIND_EMG) {
        check_frozen(report, device, of);
    }
    if (of->stream->kind == KL_KIND_IMU) {
        check_imu(report, device, of);
    }
    check_battery(report, device, of);
}

static void check_device(struct report *report, size_t index)
{
    const struct kl_lab_device *device = &report->question->lab->device[index];
    const struct kl_hub_device *shown = &report->reading->device[index];
    uint64_t samples = 0;
    for (size_t s = 0; s < report->reading->stream_count; s++) {
        const struct kl_reading_stream *of = &report->reading->stream[s];
        samples += of->device == index ? of->samples : 0;
    }
    if (shown->fault.text[0] != '\0') {
        say(report, false, device, "%s", shown->fault.text);
    } else if (samples == 0) {
        say(report, false, device, "no sample came; is it switched on, and its baud right?");
    }
    for (size_t s = 0; samples > 0 && s < report->reading->stream_count; s++) {
        const struct kl_reading_stream *of = &report->reading->stream[s];
        if (of->device == index && of->samples == 0) {
            say(report, false, device, "%s: no sample came", of->stream->name);
        }
    }
    if (shown->lost > 0 || shown->connections > 1) {
        say(report, false, device, "%llu samples lost, started %llu times; is its cable good?",
            (unsigned long long)shown->lost, (unsigned long long)shown->connections);
    }
    /* the first frame may be a torn one */
    if (shown->bad_frames > 1) {
        say(report, false, device,
            "%llu damaged frames (%llu bytes); another baud, a bad cable, or another device?",
            (unsigned long long)shown->bad_frames, (unsigned long long)shown->skipped_bytes);
    }
}

/* ------------------------------------------------------------- standing test */

int kl_standing_test(double fy_n, double mass_kg, struct kl_fault *fault)
{
    double wanted_n = mass_kg * KL_GRAVITY_M_S2;
    double ratio = fy_n / wanted_n;
    if (fabs(ratio - 1) <= STANDING_TOLERANCE) {
        return KL_OK;
    }
    const char *cure = ratio < 0 && fabs(ratio + 1) <= STANDING_TOLERANCE
                           ? "the sign is turned: change `says` between load and reaction"
                       : fabs(ratio) < STANDING_TOLERANCE
                           ? "nobody was on the plates, or the wrong inputs are read"
                       : fabs(ratio) > 1.5 || fabs(ratio) < 0.67
                           ? "a gain, an excitation or a unit of the sheet is wrong by that factor"
                           : "a gain or a number of the sheet is wrong, something touches the "
                             "plate, or a foot stood beside it";
    return kl_fault(fault, KL_ERR_DATA,
                    "standing: the plates show %.1f N, %.1f kg should give %.1f N within 2 %% "
                    "(factor %.4g); %s",
                    fy_n, mass_kg, wanted_n, ratio, cure);
}

static void check_standing(struct report *report)
{
    double fy_n = 0;
    const struct kl_lab_device *device = NULL;
    for (size_t s = 0; s < report->reading->stream_count; s++) {
        const struct kl_reading_stream *of = &report->reading->stream[s];
        double rest[KL_WRENCH_COUNT], standing[KL_WRENCH_COUNT];
        if (of->stream->kind == KL_KIND_FORCE && of->standing.samples > 0) {
            kl_reading_wrench(of->stream, &of->rest, rest);
            kl_reading_wrench(of->stream, &of->standing, standing);
            (void)printf("  %-22s standing Fy %.1f N\n", of->stream->name,
                         standing[KL_FY] - rest[KL_FY]);
            fy_n += standing[KL_FY] - rest[KL_FY];
            device = &report->question->lab->device[of->device];
        }
    }
    struct kl_fault fault = {.text = ""};
    if (device == NULL) {
        kl_complain("check", "standing: no plate gave a sample");
        report->faults++;
    } else if (kl_standing_test(fy_n, report->question->mass_kg, &fault) != KL_OK) {
        say(report, false, device, "%s", fault.text);
    } else {
        (void)printf("standing: %.1f N for %.1f kg, within 2 %%\n", fy_n,
                     report->question->mass_kg);
    }
}

size_t kl_reading_report(const struct kl_reading_question *question,
                         const struct kl_reading *reading)
{
    struct report report = {question, reading, 0};
    (void)printf("read for %g s:\n", question->seconds);
    for (size_t s = 0; s < reading->stream_count; s++) {
        if (reading->stream[s].samples > 0) {
            print_stream(question->lab, &reading->stream[s]);
        }
    }
    for (size_t i = 0; i < question->lab->device_count; i++) {
        if (question->there[i]) {
            check_device(&report, i);
        }
    }
    for (size_t s = 0; s < reading->stream_count; s++) {
        check_stream(&report, &reading->stream[s]);
    }
    if (question->mass_kg > 0) {
        check_standing(&report);
    }
    return report.faults;
}

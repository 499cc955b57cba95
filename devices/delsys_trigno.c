/* Delsys Trigno: up to 16 EMG sensors through the Trigno SDK server (TCP).
 *
 * Data port 50043 (legacy 50041), per sample 64 bytes, no header, no counter, no checksum:
 *   off        size  field
 *   4*(k-1)      4   sensor slot k = 1..16, float32 little-endian, V at the electrode, +-0.011
 * Command port 50040: lines of ASCII ending in CR LF CR LF, answers alike, a banner first.
 *
 * Rate: samples of a frame / frame interval: 27 / 0.0135 s = 2000 Hz, 26 -> 1925.926, 29 ->
 * 2148.148, 30 -> 2222.222, 17 -> 1259.259. The server is asked, and must agree with the lab file:
 * streams declare their rate before the device can be reached. Source: Delsys Trigno SDK User
 * Guide, MAN-025. The stream is aligned from its first byte on and TCP loses nothing, so it is
 * never searched for a frame: a part of a sample is kept until the rest has come. Time: sample
 * index; the delay of START is unknown (up to 2 s until data come): use a trigger sensor.
 * Uncertain: how sensors of different modes share a frame (use one mode); the unit of the frame
 * interval (s here; values above 1 are taken as ms).
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/lab_streams.h"
#include "devices/text_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SLOTS 16
#define SAMPLE_BYTES (4 * SLOTS)
#define COMMAND_PORT 50040
#define EMG_PORT 50043
#define RATE_HZ (26 / 0.0135) /* EMG only mode */
#define RATE_TOLERANCE 1e-3
#define FULL_SCALE_V 0.011
#define ANSWER_NS (2 * KL_NS_PER_S)
#define END "\r\n\r\n"

struct delsys_trigno {
    struct kl_lab_streams map;
    double rate_hz;
    bool commands;         /* the server is ours to start and stop */
    bool was_big, running; /* what stop restores */
    int64_t index;
};

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    static const struct kl_input_range range[] = {{1, SLOTS, KL_KIND_EMG, "V", "sensor slots"}};
    static const struct kl_option_rule option = {.key = "commands", .kind = KL_RULE_FLAG};
    double commands = 1;
    struct delsys_trigno *state = self;
    const struct kl_device_config *lab = config;
    state->rate_hz = lab->rate_hz != 0 ? lab->rate_hz : RATE_HZ;
    if (!(state->rate_hz >= 100 && state->rate_hz <= 5000)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: delsys_trigno: rate_hz %g; sensors give 1259.259, 1925.926, "
                        "2000, 2148.148 or 2222.222",
                        lab->name, lab->rate_hz);
    }
    const struct kl_input_rule rule = {"delsys_trigno",  range, 1, "emg", 1, state->rate_hz,
                                       KL_FORMAT_FLOAT32};
    int status = kl_device_options(lab, &option, &commands, 1, fault);
    state->commands = commands > 0;
    return status != KL_OK ? status : kl_lab_streams_take(lab, &rule, &state->map, out, cap, fault);
}

/* ------------------------------------------------------------ conversation */

/* @return false: the command port cannot be reached */
static bool open_commands(struct kl_link *link, struct kl_conversation *talk)
{
    struct kl_link *commands =
        link->ops->beside != NULL ? link->ops->beside(link, COMMAND_PORT, ANSWER_NS) : NULL;
    kl_conversation_init(talk, commands, NULL, NULL);
    return commands != NULL;
}

/* One command line and its answer, without line ends. */
static int order(struct kl_conversation *talk, const char *command, char answer[KL_ANSWER_MAX],
                 struct kl_fault *fault)
{
    char line[64];
    int len = snprintf(line, sizeof(line), "%s" END, command);
    int status = kl_conversation_send(talk, line, (size_t)len);
    if (status == KL_OK) {
        status = kl_conversation_text(talk, END, answer, ANSWER_NS);
    }
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "delsys_trigno: \"%s\": expected an answer within 2 s, got %s (%s); is the "
                        "base station plugged into the server?",
                        command, kl_answer_line(answer), kl_status_text(status));
    }
    size_t end = strlen(answer);
    while (end > 0 &&
           (answer[end - 1] == '\r' || answer[end - 1] == '\n' || answer[end - 1] == ' ')) {
        answer[--end] = '\0';
    }
    return KL_OK;
}

static int expect(struct kl_conversation *talk, const char *command, const char *wanted,
                  const char *cure, struct kl_fault *fault)
{
    char answer[KL_ANSWER_MAX];
    int status = order(talk, command, answer, fault);
    if (status == KL_OK && strcmp(answer, wanted) != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "delsys_trigno: \"%s\": expected \"%s\", the server says \"%s\"; %s",
                        command, wanted, kl_answer_line(answer), cure);
    }
    return status;
}

static int ask_number(struct kl_conversation *talk, const char *command, double *value,
                      struct kl_fault *fault)
{
    char answer[KL_ANSWER_MAX];
    int status = order(talk, command, answer, fault);
    if (status == KL_OK && (!kl_text_number(answer, strlen(answer), value) || !(*value > 0))) {
        return kl_fault(fault, KL_ERR_DATA,
                        "delsys_trigno: \"%s\": expected a number, the server says \"%s\"", command,
                        kl_answer_line(answer));
    }
    return status;
}

static int check_rate(const struct delsys_trigno *state, struct kl_conversation *talk,
                      struct kl_fault *fault)
{
    double interval_s = 0, samples = 0;
    int status = ask_number(talk, "FRAME INTERVAL?", &interval_s, fault);
    if (status == KL_OK) {
        status = ask_number(talk, "MAX SAMPLES EMG?", &samples, fault);
    }
    if (status != KL_OK) {
        return status;
    }
    double rate_hz = samples / (interval_s > 1 ? interval_s / 1e3 : interval_s);
    if (fabs(rate_hz / state->rate_hz - 1) > RATE_TOLERANCE) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "delsys_trigno: the server sends %.3f Hz, the lab file says %.3f; write "
                        "rate_hz: %.3f, or change the sensors' mode",
                        rate_hz, state->rate_hz, rate_hz);
    }
    return KL_OK;
}

static int check_sensors(const struct delsys_trigno *state, struct kl_conversation *talk,
                         struct kl_fault *fault)
{
    for (uint8_t slot = 1; slot <= SLOTS; slot++) {
        char command[32];
        (void)snprintf(command, sizeof(command), "SENSOR %u PAIRED?", slot);
        int status = KL_OK;
        if (kl_lab_streams_use(&state->map, slot)) {
            status = expect(talk, command, "YES",
                            "pair the sensor in the Trigno Control Utility, or name another slot "
                            "in the lab file",
                            fault);
        }
        if (status != KL_OK) {
            return status;
        }
    }
    return KL_OK;
}

static int set_endian(struct delsys_trigno *state, struct kl_conversation *talk,
                      struct kl_fault *fault)
{
    char answer[KL_ANSWER_MAX];
    int status = order(talk, "ENDIANNESS?", answer, fault);
    if (status != KL_OK || strstr(answer, "LITTLE") != NULL) {
        return status;
    }
    if (strstr(answer, "BIG") == NULL) {
        return kl_fault(fault, KL_ERR_DATA,
                        "delsys_trigno: \"ENDIANNESS?\": expected LITTLE or BIG, the server says "
                        "\"%s\"; is this the Trigno server's command port?",
                        kl_answer_line(answer));
    }
    state->was_big = true; /* also when the next answer is lost */
    return expect(talk, "ENDIAN LITTLE", "OK", "restart the server", fault);
}

static int end_talk(struct delsys_trigno *state, struct kl_conversation *talk)
{
    int first = KL_OK;
    if (state->running) {
        first = expect(talk, "STOP", "OK", "restart the server", NULL);
        state->running = false;
    }
    if (state->was_big) {
        int status = expect(talk, "ENDIAN BIG", "OK", "restart the server", NULL);
        first = first == KL_OK ? status : first;
        state->was_big = false;
    }
    return first;
}

static int stop(void *self, struct kl_link *link)
{
    struct delsys_trigno *state = self;
    if (!state->running && !state->was_big) {
        return KL_OK;
    }
    struct kl_conversation talk;
    return open_commands(link, &talk) ? end_talk(state, &talk) : KL_ERR_GONE;
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    char banner[KL_ANSWER_MAX];
    struct kl_conversation talk;
    if (!open_commands(link, &talk)) {
        return KL_ERR_IO;
    }
    int status = kl_conversation_text(&talk, END, banner, ANSWER_NS);
    if (status == KL_OK && strstr(banner, "Trigno") == NULL) {
        status = KL_ERR_DATA;
    }
    if (status == KL_OK) {
        (void)snprintf(out, len, "%s", kl_answer_line(banner));
    }
    return status;
}

static int start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct delsys_trigno *state = self;
    state->index = 0;
    if (!state->commands) { /* another program starts and stops the server */
        return KL_OK;
    }
    char banner[KL_ANSWER_MAX];
    struct kl_conversation talk;
    if (!open_commands(link, &talk)) {
        return kl_fault(
            fault, KL_ERR_IO,
            "delsys_trigno: the server's command port %d cannot be reached; start the "
            "Trigno Control Utility, or start the sensors there and write commands: off",
            COMMAND_PORT);
    }
    int status = kl_conversation_text(&talk, END, banner, ANSWER_NS);
    if (status < 0 && status != KL_ERR_TIMEOUT) { /* the second start has no banner */
        return kl_fault(fault, status, "delsys_trigno: banner of the command port: %s",
                        kl_status_text(status));
    }
    status = set_endian(state, &talk, fault);
    if (status == KL_OK) {
        status = check_rate(state, &talk, fault);
    }
    if (status == KL_OK) {
        status = check_sensors(state, &talk, fault);
    }
    if (status == KL_OK) {
        state->running = true; /* also when its answer is lost */
        status = expect(&talk, "START", "OK", "stop what uses the server", fault);
    }
    if (status != KL_OK) {
        (void)end_talk(state, &talk);
    }
    return status;
}

/* ----------------------------------------------------------------- samples */

static enum kl_frame frame(const void *self, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)self;
    (void)buf;
    if (len < SAMPLE_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    *frame_len = SAMPLE_BYTES;
    return KL_FRAME_VALID;
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct delsys_trigno *state = self;
    if (len != SAMPLE_BYTES || cap < state->map.count) {
        return KL_ERR_ARG;
    }
    int64_t device_ns = (int64_t)((double)state->index++ * (1e9 / state->rate_hz));
    for (size_t s = 0; s < state->map.count; s++) {
        const struct kl_lab_stream *stream = &state->map.stream[s];
        out[s].stream = s;
        out[s].device_ns = device_ns;
        out[s].quality = 0;
        for (size_t c = 0; c < stream->channels; c++) {
            double value_v = (double)kl_f32_le(buf + 4 * (size_t)(stream->input[c] - 1));
            bool at_rail = fabs(value_v) >= FULL_SCALE_V * 0.9999; /* float32 of 0.011 is below */
            out[s].quality |= isfinite(value_v) && at_rail ? KL_QUALITY_CLIPPED : 0;
            out[s].value[c] = value_v;
        }
    }
    return (int)state->map.count;
}

static const struct kl_link_need need[] = {{.kind = KL_LINK_TCP, .tcp_port = EMG_PORT}};

const struct kl_driver kl_delsys_trigno_driver = {
    .name = "delsys_trigno",
    .label = "Delsys Trigno (SDK server)",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct delsys_trigno),
    .stream_max = SLOTS,
    .need = need,
    .need_count = 1,
    .document = "Delsys Trigno SDK User Guide MAN-025",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

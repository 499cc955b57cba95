/* A line of numbers from a microcontroller, over serial or TCP. Three formats:
 *
 *   plain    fields between , ; tab or blank, or one `separator`; "name=1.5" and "name:1.5" count
 * as 1.5. The lab names the field (from 1) of each channel, of a time and of a counter. bimu
 * $BIMUH,1,id,rate,us,name:unit,...*HH   header       HH: XOR between $ and * $BIMU,id,sequence
 * u32,time us,values...*HH           protocol of our own boards $BIMUE,id,code,text*HH a message
 *   openlog  SparkFun OpenLog Artemis: a header line of names, then data, trailing comma;
 *            aX aY aZ mg, gX gY gZ deg/s, mX mY mZ uT (SENSOR_UNITS.md of OpenLog_Artemis)
 *
 * Columns of bimu and openlog are bound by name, units by the header; axes are the board's own.
 * Time: the time field, else the counter, else arrival (then nothing tells of lost lines).
 * A line that is damaged is dropped whole, never read from its middle on. Text lines are passed
 * over. OpenLog's clock has 10 ms and its rate is uneven: arrival counts.
 */
#include "devices/number_line.h"

#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/text_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RATE_MAX_HZ 10000.0
#define ALIKE_LINES 3 /* before an undescribed line is believed */
#define HEADER_NS KL_NS_PER_S
#define HEADER_LINES 400 /* looked at for a header: 2 s of 200 Hz */
#define HEADER_TRIES 2
#define RATE_TOLERANCE 0.02

static const char *const format_text[] = {"plain", "bimu", "openlog", NULL};
static const char *const separator_text[] = {"any", "comma", "semicolon", "tab", "space", NULL};
static const char *const separators[] = {",; \t", ",", ";", "\t", " "};
static const char *const checksum_text[] = {"none", "xor", NULL};
static const char *const time_unit_text[] = {"us", "ms", "s", NULL};
static const double time_unit_ns[] = {1e3, 1e6, 1e9};

struct number_line {
    size_t format, separator, checksum, time_unit;
    size_t time_field, counter_field, fields; /* plain, from 1; 0: none, not known */
    double rate_hz;
    struct kl_lab_streams map;
    double scale[KL_STREAMS_MAX][KL_CHANNELS_MAX];
    const struct kl_line_column *wanted[KL_CHANNELS_MAX]; /* bimu, openlog */
    struct kl_line_header header;

    struct kl_counted_time time;
    bool discarding; /* up to the next line end */
    size_t alike, alike_fields;
};

/* ----------------------------------------------------------- configuration */

static int read_scales(struct number_line *state, const struct kl_device_config *lab,
                       struct kl_fault *fault)
{
    const char *text = kl_option_text(lab, "scale");
    const char *word = NULL;
    double value = 1;
    size_t given = 0;
    for (size_t s = 0; s < state->map.count; s++) {
        for (size_t c = 0; c < state->map.stream[s].channels; c++) {
            size_t len = text != NULL ? kl_text_word(&text, &word) : 0;
            if (len > 0 && !kl_text_number(word, len, &value)) {
                return kl_fault(fault, KL_ERR_RANGE, "device %s: number_line: scale \"%.*s\"",
                                lab->name, (int)len, word);
            }
            if (len == 0 && given > 1) {
                return kl_fault(fault, KL_ERR_RANGE,
                                "device %s: number_line: scale has %zu numbers; give one for all "
                                "or one for each channel of the streams, in order",
                                lab->name, given);
            }
            given += len > 0;
            state->scale[s][c] = value;
        }
    }
    return text != NULL && kl_text_word(&text, &word) > 0
               ? kl_fault(fault, KL_ERR_RANGE,
                          "device %s: number_line: scale has more numbers than the streams have "
                          "channels",
                          lab->name)
               : KL_OK;
}

static int configure_plain(struct number_line *state, const struct kl_device_config *lab,
                           struct kl_stream *out, size_t cap, struct kl_fault *fault)
{
    static const struct kl_input_range range[] = {
        {1, KL_FIELDS_MAX, KL_KIND_COUNT, NULL, "fields"}};
    enum {
        FORMAT = 0,
        SEPARATOR,
        CHECKSUM,
        TIME,
        TIME_UNIT,
        COUNTER,
        FIELDS,
        BITS,
        SCALE,
        OPTIONS
    };
    static const struct kl_option_rule options[OPTIONS] = {
        [FORMAT] = {.key = "format", .kind = KL_RULE_WORD, .word = format_text},
        [SEPARATOR] = {.key = "separator", .kind = KL_RULE_WORD, .word = separator_text},
        [CHECKSUM] = {.key = "checksum", .kind = KL_RULE_WORD, .word = checksum_text},
        [TIME] = {.key = "time", .kind = KL_RULE_WHOLE, .low = 1, .high = KL_FIELDS_MAX},
        [TIME_UNIT] = {.key = "time_unit", .kind = KL_RULE_WORD, .word = time_unit_text},
        [COUNTER] = {.key = "counter", .kind = KL_RULE_WHOLE, .low = 1, .high = KL_FIELDS_MAX},
        [FIELDS] = {.key = "fields", .kind = KL_RULE_WHOLE, .low = 1, .high = KL_FIELDS_MAX},
        [BITS] = {.key = "counter_bits", .kind = KL_RULE_WHOLE, .low = 4, .high = 63},
        [SCALE] = {.key = "scale", .kind = KL_RULE_TEXT},
    };
    double value[OPTIONS] = {[BITS] = 32};
    const struct kl_input_rule rule = {"number_line",     range, 1, "", 0, state->rate_hz,
                                       KL_FORMAT_DOUBLE64};
    int status = kl_device_options(lab, options, value, OPTIONS, fault);
    if (status != KL_OK) {
        return status;
    }
    state->time_field = (size_t)value[TIME];
    state->counter_field = (size_t)value[COUNTER];
    state->fields = (size_t)value[FIELDS];
    state->separator = (size_t)value[SEPARATOR];
    state->checksum = (size_t)value[CHECKSUM];
    state->time_unit = (size_t)value[TIME_UNIT];
    if (state->time_field != 0 && kl_option_text(lab, "time_unit") == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: number_line: field %zu is a time; write time_unit: us, ms or s",
                        lab->name, state->time_field);
    }
    state->time.has_time = state->time_field != 0;
    state->time.counter_mask =
        state->counter_field != 0 ? (UINT64_C(1) << (unsigned)value[BITS]) - 1 : 0;
    status = kl_lab_streams_take(lab, &rule, &state->map, out, cap, fault);
    if (status > 0) {
        int scales = read_scales(state, lab, fault);
        status = scales == KL_OK ? status : scales;
    }
    return status;
}

static const struct kl_line_column *find_column(const struct kl_line_column *column,
                                                const char *name, size_t len)
{
    const struct kl_field field = {name, len};
    while (column->name != NULL && !kl_field_is(&field, column->name)) {
        column++;
    }
    return column->name != NULL ? column : NULL;
}

/* bimu, openlog: the columns' names say what they are. */
static int configure_named(struct number_line *state, const struct kl_device_config *lab,
                           struct kl_stream *out, size_t cap, struct kl_fault *fault)
{
    static const struct kl_option_rule options[] = {
        {.key = "format", .kind = KL_RULE_WORD, .word = format_text},
        {.key = "columns", .kind = KL_RULE_TEXT},
    };
    double value[2] = {0};
    const char *names = state->format == KL_LINE_BIMU ? "ax ay az gx gy gz" : "aX aY aZ gX gY gZ";
    const char *given = kl_option_text(lab, "columns");
    int status = kl_device_options(lab, options, value, 2, fault);
    if (status != KL_OK) {
        return status;
    }
    if (cap < 1 || lab->placement[0] == '\0' || lab->stream_count > 0) {
        return kl_fault(
            fault, KL_ERR_RANGE,
            "device %s: number_line: format %s gives one stream, imu.<placement>: write "
            "the placement (shank.right), leave streams out",
            lab->name, format_text[state->format]);
    }
    *out = (struct kl_stream){
        .kind = KL_KIND_IMU, .format = KL_FORMAT_FLOAT32, .rate_hz = state->rate_hz};
    (void)snprintf(out->name, sizeof(out->name), "imu.%.*s", KL_NAME_MAX - 5, lab->placement);
    (void)snprintf(out->source, sizeof(out->source), "%s", lab->name);
    const char *text = given != NULL ? given : names;
    const char *word = NULL;
    for (size_t len; (len = kl_text_word(&text, &word)) > 0; out->channel_count++) {
        const struct kl_line_column *column =
            find_column(kl_line_columns((enum kl_line_format)state->format), word, len);
        if (column == NULL || out->channel_count == KL_CHANNELS_MAX) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "device %s: number_line: columns: \"%.*s\" is no column of format %s",
                            lab->name, (int)len, word, format_text[state->format]);
        }
        state->wanted[out->channel_count] = column;
        (void)snprintf(out->label[out->channel_count], KL_LABEL_MAX, "%s", column->label);
        (void)snprintf(out->unit[out->channel_count], KL_UNIT_MAX, "%s", column->unit);
    }
    if (out->channel_count == 0) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: number_line: columns is empty", lab->name);
    }
    state->map.count = 1;
    state->map.stream[0].channels = out->channel_count;
    state->time.has_time = state->format == KL_LINE_BIMU;
    state->time.counter_mask = state->format == KL_LINE_BIMU ? UINT32_MAX : 0;
    return 1;
}

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct number_line *state = self;
    const struct kl_device_config *lab = config;
    const char *format = kl_option_text(lab, "format");
    bool bimu = format != NULL && strcmp(format, format_text[KL_LINE_BIMU]) == 0;
    bool openlog = format != NULL && strcmp(format, format_text[KL_LINE_OPENLOG]) == 0;
    state->format = bimu ? KL_LINE_BIMU : openlog ? KL_LINE_OPENLOG : KL_LINE_PLAIN;
    if (!(lab->rate_hz >= 0.1 && lab->rate_hz <= RATE_MAX_HZ)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: number_line: rate_hz %g; write how many lines come each "
                        "second, 0.1 to %g",
                        lab->name, lab->rate_hz, RATE_MAX_HZ);
    }
    state->rate_hz = lab->rate_hz;
    int status = state->format == KL_LINE_PLAIN ? configure_plain(state, lab, out, cap, fault)
                                                : configure_named(state, lab, out, cap, fault);
    state->time.tick_ns = 1;
    state->time.wraps = true;
    /* a counter of 32 bit in the device's unit, until a larger value is seen */
    state->time.time_wrap = (UINT64_C(1) << 32) * (uint64_t)time_unit_ns[state->time_unit];
    state->time.period_ns = 1e9 / lab->rate_hz;
    return status;
}

static enum kl_time_meaning time_of(const void *self)
{
    return kl_counted_time_meaning(&((const struct number_line *)self)->time);
}

/* ------------------------------------------------------------------- lines */

/* While one line end is missing, what is there is dropped in lumps: no line is that long. */
static enum kl_frame frame(const void *self, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)self;
    size_t look = len < KL_LINE_MAX ? len : KL_LINE_MAX;
    const uint8_t *end = look > 0 ? memchr(buf, '\n', look) : NULL;
    if (end == NULL && len < KL_LINE_MAX) {
        return KL_FRAME_NEED_MORE;
    }
    *frame_len = end != NULL ? (size_t)(end - buf) + 1 : KL_LINE_MAX;
    return KL_FRAME_VALID;
}

/* A damaged line: framing counts it and comes back with its rest, which is then passed over. */
static int refuse(struct number_line *state)
{
    state->discarding = true;
    return KL_ERR_DATA;
}

static uint64_t ticks_of(const struct number_line *state, const struct kl_field *field, bool *good)
{
    uint64_t whole = 0;
    double value = 0;
    uint64_t unit_ns = (uint64_t)time_unit_ns[state->time_unit];
    if (kl_text_whole(field->text, field->len, &whole) && whole < INT64_MAX / unit_ns) {
        return whole * unit_ns;
    }
    *good = *good && kl_text_number(field->text, field->len, &value) && value >= 0 && value < 9e9;
    return *good ? (uint64_t)(value * (double)unit_ns + 0.5) : 0;
}

/* "name=12.5", "name:12.5": the number alone. */
static void drop_name(struct kl_field *field)
{
    size_t at = field->len;
    while (at > 0 && field->text[at - 1] != '=' && field->text[at - 1] != ':') {
        at--;
    }
    field->text += at;
    field->len -= at;
}

/* Is the number of fields that of this device's lines? Learned from lines that are alike. */
static bool fields_fit(struct number_line *state, size_t fields)
{
    if (state->fields == 0) {
        state->alike = fields == state->alike_fields ? state->alike + 1 : 1;
        state->alike_fields = fields;
        state->fields = state->alike >= ALIKE_LINES ? fields : 0;
        return state->fields != 0;
    }
    return fields == state->fields;
}

static int plain_samples(struct number_line *state, const double *value, size_t fields,
                         const struct kl_field *field, struct kl_sample *out)
{
    bool good = state->time_field <= fields && state->counter_field <= fields;
    uint64_t ticks = 0, count = 0;
    if (good && state->time_field != 0) {
        ticks = ticks_of(state, &field[state->time_field - 1], &good);
    }
    if (good && state->counter_field != 0) {
        const struct kl_field *text = &field[state->counter_field - 1];
        good = kl_text_whole(text->text, text->len, &count);
    }
    for (size_t s = 0; s < state->map.count; s++) {
        const struct kl_lab_stream *stream = &state->map.stream[s];
        out[s] = (struct kl_sample){.stream = s};
        for (size_t c = 0; c < stream->channels; c++) {
            good = good && stream->input[c] <= fields;
            out[s].value[c] = good ? value[stream->input[c] - 1] * state->scale[s][c] : 0;
        }
    }
    if (!good) {
        return refuse(state);
    }
    uint32_t quality = 0;
    int64_t device_ns = kl_counted_time_step(&state->time, count, ticks, &quality);
    for (size_t s = 0; s < state->map.count; s++) {
        out[s].device_ns = device_ns;
        out[s].quality = quality;
    }
    return (int)state->map.count;
}

static int parse_plain(struct number_line *state, const char *line, size_t len,
                       struct kl_sample *out)
{
    struct kl_field field[KL_FIELDS_MAX];
    double value[KL_FIELDS_MAX];
    struct kl_field payload = {line, len};
    if (state->checksum != 0 && !kl_line_sentence(line, len, &payload)) {
        return memchr(line, '$', len) != NULL ? refuse(state) : 0;
    }
    size_t fields = kl_line_split(payload.text, payload.len, separators[state->separator], field);
    size_t numbers = 0;
    for (size_t i = 0; i < fields && fields <= KL_FIELDS_MAX; i++) {
        drop_name(&field[i]);
        numbers += kl_text_number(field[i].text, field[i].len, &value[i]);
    }
    if (fields == 0 || numbers == 0) {
        return 0; /* text for people */
    }
    if (numbers != fields) {
        return state->fields != 0 && state->time.started ? refuse(state) : 0;
    }
    if (!fields_fit(state, fields)) {
        return state->time.started ? refuse(state) : 0;
    }
    return plain_samples(state, value, fields, field, out);
}

static bool named_values(const struct number_line *state, const struct kl_field *field,
                         struct kl_sample *out)
{
    for (size_t c = 0; c < state->map.stream[0].channels; c++) {
        const struct kl_field *text = &field[state->header.field[c]];
        double value = 0;
        if (!kl_text_number(text->text, text->len, &value)) {
            return false;
        }
        out->value[c] = value * state->header.scale[c];
    }
    return true;
}

static int parse_bimu(struct number_line *state, const char *line, size_t len,
                      struct kl_sample *out, struct kl_fault *fault)
{
    struct kl_field field[KL_FIELDS_MAX], payload;
    if (memchr(line, '$', len) == NULL) {
        return 0;
    }
    if (!kl_line_sentence(line, len, &payload)) {
        return refuse(state);
    }
    size_t fields = kl_line_split(payload.text, payload.len, ",", field);
    if (fields <= KL_FIELDS_MAX && kl_field_is(&field[0], "BIMUH")) {
        int status = kl_line_bind_bimu(&state->header, field, fields, state->wanted,
                                       state->map.stream[0].channels, fault);
        return status == KL_OK || fault == NULL ? 0 : status;
    }
    if (!kl_field_is(&field[0], "BIMU") || !state->header.bound) {
        return 0; /* BIMUE, another sentence, or data before the header */
    }
    uint64_t count = 0, ticks = 0;
    bool good = fields == state->header.fields && kl_field_is(&field[1], state->header.id) &&
                kl_text_whole(field[2].text, field[2].len, &count);
    if (good) {
        ticks = ticks_of(state, &field[3], &good);
    }
    *out = (struct kl_sample){0};
    if (!good || !named_values(state, field, out)) {
        return refuse(state);
    }
    out->device_ns = kl_counted_time_step(&state->time, count, ticks, &out->quality);
    return 1;
}

static int parse_openlog(struct number_line *state, const char *line, size_t len,
                         struct kl_sample *out)
{
    struct kl_field field[KL_FIELDS_MAX];
    struct kl_line_header *header = &state->header;
    size_t fields = kl_line_split(line, len, ",", field);
    if (fields > KL_FIELDS_MAX || fields < 2) {
        return 0; /* a menu or a message */
    }
    fields -= field[fields - 1].len == 0; /* the trailing comma */
    struct kl_line_header seen = *header;
    if (kl_line_bind_openlog(&seen, field, fields, state->wanted, state->map.stream[0].channels) ==
        KL_OK) {
        *header = seen;
        return 0;
    }
    if (!header->bound) {
        return 0;
    }
    bool extra = header->count_may_follow && fields == header->fields + 1;
    *out = (struct kl_sample){0};
    if ((fields != header->fields && !extra) || !named_values(state, field, out)) {
        return state->time.started ? refuse(state) : 0;
    }
    size_t count_field = extra ? fields : header->count_field;
    uint64_t count = 0;
    bool counted = count_field > 0 &&
                   kl_text_whole(field[count_field - 1].text, field[count_field - 1].len, &count);
    state->time.counter_mask = counted ? UINT32_MAX : 0;
    out->device_ns = kl_counted_time_step(&state->time, count, 0, &out->quality);
    return 1;
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct number_line *state = self;
    const char *line = (const char *)buf;
    if (len == 0 || cap < state->map.count) {
        return KL_ERR_ARG;
    }
    if (line[len - 1] != '\n') {
        return refuse(state); /* longer than any line */
    }
    if (state->discarding) {
        state->discarding = false;
        return 0;
    }
    len--;
    len -= len > 0 && line[len - 1] == '\r';
    switch (state->format) {
    case KL_LINE_BIMU:
        return parse_bimu(state, line, len, out, NULL);
    case KL_LINE_OPENLOG:
        return parse_openlog(state, line, len, out);
    default:
        return parse_plain(state, line, len, out);
    }
}

/* ------------------------------------------------------------ conversation */

/* Looks for the header among the lines that come. */
static int hear_header(struct number_line *state, struct kl_conversation *talk,
                       struct kl_fault *fault)
{
    char line[KL_ANSWER_MAX];
    struct kl_sample ignored;
    for (int i = 0; i < HEADER_LINES; i++) {
        int status = kl_conversation_text(talk, "\n", line, HEADER_NS);
        if (status != KL_OK && status != KL_ERR_DATA) {
            return status;
        }
        size_t len = strcspn(line, "\r\n");
        status = state->format == KL_LINE_BIMU ? parse_bimu(state, line, len, &ignored, fault)
                                               : parse_openlog(state, line, len, &ignored);
        if (state->header.bound) {
            return KL_OK;
        }
        if (status == KL_ERR_DATA && !state->discarding) {
            return KL_ERR_RANGE; /* a header that lacks something: *fault says what */
        }
        state->discarding = false;
    }
    return KL_ERR_TIMEOUT;
}

/* A board that told its header may still stand: `1` starts it, but nothing acknowledges that, so a
 * line of data is waited for. That line is the conversation's. */
static int hear_data(struct number_line *state, struct kl_conversation *talk,
                     struct kl_fault *fault)
{
    char line[KL_ANSWER_MAX];
    struct kl_sample ignored;
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < HEADER_TRIES && status == KL_ERR_TIMEOUT; i++) {
        int64_t wait_ns = HEADER_NS + (int64_t)(2e9 / state->rate_hz);
        status = kl_conversation_send(talk, "1\n", 2);
        for (int k = 0; k < HEADER_LINES && status == KL_OK; k++) {
            status = kl_conversation_text(talk, "\n", line, wait_ns);
            if (status == KL_OK &&
                parse_bimu(state, line, strcspn(line, "\r\n"), &ignored, NULL) > 0) {
                return KL_OK;
            }
            status = status == KL_ERR_DATA ? KL_OK : status; /* no line at all */
        }
        status = status == KL_OK ? KL_ERR_TIMEOUT : status;
    }
    return kl_fault(fault, status,
                    "number_line: the board tells its header but no line of data that fits it: %s; "
                    "start it, or reset it",
                    kl_status_text(status));
}

static int start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct number_line *state = self;
    state->discarding = state->format == KL_LINE_PLAIN; /* the first line may be the end of one */
    kl_counted_time_restart(&state->time);
    state->header.bound = false;
    state->alike = 0;
    if (state->format == KL_LINE_PLAIN) {
        return KL_OK;
    }
    struct kl_conversation talk;
    int status = KL_ERR_TIMEOUT;
    kl_conversation_init(&talk, link, NULL, NULL);
    for (int i = 0; i < HEADER_TRIES && status == KL_ERR_TIMEOUT; i++) {
        /* OpenLog opens a menu at any key: nothing is sent to it */
        status = state->format == KL_LINE_BIMU ? kl_conversation_send(&talk, "?\n", 2) : KL_OK;
        status = status == KL_OK ? hear_header(state, &talk, fault) : status;
    }
    if (status != KL_OK && status != KL_ERR_RANGE) {
        (void)kl_fault(fault, status,
                       "number_line: expected a header line of format %s, none came: %s; check "
                       "the baud rate, reset the board, or turn its header on",
                       format_text[state->format], kl_status_text(status));
    }
    if (status == KL_OK && state->format == KL_LINE_BIMU) {
        status = fabs(state->header.rate_hz / state->rate_hz - 1) > RATE_TOLERANCE
                     ? kl_fault(fault, KL_ERR_RANGE,
                                "number_line: the board says %g Hz, the lab file %g; write "
                                "rate_hz: %g",
                                state->header.rate_hz, state->rate_hz, state->header.rate_hz)
                     : hear_data(state, &talk, fault);
    }
    kl_counted_time_restart(&state->time);
    state->discarding = false;
    return status;
}

static int stop(void *self, struct kl_link *link)
{
    const struct number_line *state = self;
    struct kl_conversation talk;
    kl_conversation_init(&talk, link, NULL, NULL);
    return state->format == KL_LINE_BIMU ? kl_conversation_send(&talk, "0\n", 2) : KL_OK;
}

/* Arduino (by maker), Teensy, CH340, ESP32-S3 */
static const struct kl_usb_id usb_id[] = {
    {0x2341, 0x0043}, {0x16C0, 0x0483}, {0x1A86, 0x7523}, {0x303A, 0x1001}};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .usb_id = usb_id, .usb_id_count = 4, .baud = 115200},
    {.kind = KL_LINK_TCP, .tcp_port = 3333},
};

const struct kl_driver kl_number_line_driver = {
    .name = "number_line",
    .label = "Lines of numbers",
    .time_meaning = KL_TIME_ARRIVAL,
    .time_of = time_of,
    .state_size = sizeof(struct number_line),
    .stream_max = 16,
    .need = need,
    .need_count = 2,
    .document = "described in the lab file; BIMU and OpenLog Artemis by name",
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

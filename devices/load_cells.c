/* Load cells on a microcontroller (HX711, ADS1256): one line of text per sample.
 *
 * There is no standard. A line is a row of decimal numbers with one separator, ended by LF or
 * CR LF; the lab file says what each column is, counted from 0:
 *
 *   12345,8388607,-250,1024,77\n      counter, four cells
 *   |     |                 `-- column 4
 *   |     `-- column 1: one channel; counts of a 24-bit converter, full scale 8388607 / -8388608
 *   `-- column 0: counter_column, +1 per line
 *
 * Values are recorded as they come (counts); the plate's matrix makes newtons of them. With
 * checksum: xor a line ends in *HH, the exclusive or of all characters before the star.
 *
 * Two drivers share this file, for their times mean different things: load_cells has none (the
 * arrival counts: an HX711 runs on its own 10 or 80 Hz oscillator, percents off), and
 * load_cells_timed has a column of device time (ms or us, 32 bits, wraps).
 *
 * Without a checksum a damaged digit cannot be seen. What can be: a wrong number of columns,
 * characters that are no number, a counter or time that jumps. Such a line is dropped whole (its
 * tail would look like a shorter line) and the next sample is marked. The first line after a start
 * may be the tail of one and is dropped too.
 * Documents: HX711 and ADS1256 data sheets.
 */
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/number_line.h"
#include "devices/text_number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE_MAX = 512, /* bytes; a longer one is noise at a wrong speed */
    COLUMNS_MAX = KL_FIELDS_MAX,
    STREAMS_MAX = 4,
    HEX = 16,
    LINES_ASKED = 20, /* lines looked at before they are called wrong */
};

#define LINE_WAIT_NS (3 * KL_NS_PER_S) /* boards reset when the port opens */

static const double column_max = COLUMNS_MAX - 1;
static const double counter_wrap_default = 4294967296.0; /* uint32_t on the controller */
static const double time_wrap = 4294967296.0;            /* millis() and micros() */
static const double rate_default_hz = 80;                /* HX711 with RATE high */
static const double late_periods = 1.5;                  /* a time step above this is a gap */

static const char *const separator_words[] = {"comma", "semicolon", "tab", "space", NULL};
static const char separators[] = {',', ';', '\t', ' '};
static const char *const time_words[] = {"us", "ms", NULL};
static const double time_unit_ns[] = {1e3, 1e6};
static const char *const checksum_words[] = {"none", "xor", NULL};

enum option {
    OPTION_SEPARATOR = 0,
    OPTION_COLUMNS,
    OPTION_COUNTER,
    OPTION_COUNTER_WRAP,
    OPTION_BITS,
    OPTION_CHECKSUM,
    OPTION_TIME_UNIT,
    OPTION_TIME,
    OPTIONS,
    OPTIONS_UNTIMED = OPTION_TIME_UNIT
};

static const struct kl_option_rule options[OPTIONS] = {
    [OPTION_SEPARATOR] = {.key = "separator", .kind = KL_RULE_WORD, .word = separator_words},
    [OPTION_COLUMNS] = {.key = "columns", .kind = KL_RULE_WHOLE, .low = 1, .high = COLUMNS_MAX},
    [OPTION_COUNTER] = {.key = "counter_column", .kind = KL_RULE_WHOLE, .high = COLUMNS_MAX - 1},
    [OPTION_COUNTER_WRAP] = {.key = "counter_wrap",
                             .kind = KL_RULE_WHOLE,
                             .low = 2,
                             .high = 4294967296.0},
    [OPTION_BITS] = {.key = "adc_bits", .kind = KL_RULE_WHOLE, .low = 8, .high = 32},
    [OPTION_CHECKSUM] = {.key = "checksum", .kind = KL_RULE_WORD, .word = checksum_words},
    [OPTION_TIME_UNIT] = {.key = "time_unit", .kind = KL_RULE_WORD, .word = time_words},
    [OPTION_TIME] = {.key = "time_column", .kind = KL_RULE_WHOLE, .high = COLUMNS_MAX - 1},
};

struct load_cells {
    size_t stream_count;
    size_t channels[STREAMS_MAX];
    uint8_t column[STREAMS_MAX][KL_CHANNELS_MAX];
    double period_ns;
    char separator;
    bool checksum;
    size_t columns;
    int counter_column, time_column; /* -1: none */
    double counter_wrap, tick_ns;
    double high, low; /* rails of the converter */

    bool begun; /* the first line, perhaps a tail, is over */
    bool has_last;
    double last_counter, last_ticks;
    uint64_t samples;
    int64_t device_ns;
    uint32_t pending; /* quality of the next sample */
    uint64_t rejected;
};

/* ---------------------------------------------------------------- configure */

static int check_column(const struct load_cells *self, const char *name, const char *what,
                        unsigned column, struct kl_fault *fault)
{
    bool other = (int)column == self->counter_column || (int)column == self->time_column;
    if (column < self->columns && !other) {
        return KL_OK;
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "%s: %s: column %u; a line has columns 0 to %zu, of which counter and time "
                    "are not measurements",
                    name, what, column, self->columns - 1);
}

static int take_streams(struct load_cells *self, const char *name,
                        const struct kl_device_config *config, struct kl_stream *out, size_t cap,
                        struct kl_fault *fault)
{
    size_t count = config->stream_count;
    if (count == 0 || count > STREAMS_MAX || count > cap || config->input == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: %zu streams; give 1 to %d, each with the columns of its channels",
                        name, count, (int)STREAMS_MAX);
    }
    double rate_hz = config->rate_hz == 0 ? rate_default_hz : config->rate_hz;
    if (!(rate_hz >= 1 && rate_hz <= 30000)) {
        return kl_fault(fault, KL_ERR_RANGE, "%s: rate %g Hz; 1 to 30000 are allowed", name,
                        rate_hz);
    }
    for (size_t s = 0; s < count; s++) {
        const struct kl_stream *stream = &config->stream[s];
        size_t most = stream->kind == KL_KIND_FORCE ? KL_PLATE_CHANNELS_MAX : KL_CHANNELS_MAX;
        if (stream->channel_count == 0 || stream->channel_count > most) {
            return kl_fault(fault, KL_ERR_RANGE, "%s: stream %s has %zu channels; 1 to %zu are",
                            name, stream->name, stream->channel_count, most);
        }
        for (size_t c = 0; c < stream->channel_count; c++) {
            int status = check_column(self, name, stream->name, config->input[s][c], fault);
            if (status != KL_OK) {
                return status;
            }
            self->column[s][c] = config->input[s][c];
        }
        self->channels[s] = stream->channel_count;
    }
    for (size_t s = 0; s < count; s++) {
        out[s] = config->stream[s];
        out[s].rate_hz = rate_hz;
        out[s].format = KL_FORMAT_FLOAT32; /* holds 24-bit counts exactly */
        for (size_t c = 0; c < out[s].channel_count; c++) {
            if (out[s].unit[c][0] == '\0') {
                (void)snprintf(out[s].unit[c], sizeof(out[s].unit[c]), "count");
            }
            if (out[s].label[c][0] == '\0') {
                (void)snprintf(out[s].label[c], sizeof(out[s].label[c]), "column%u",
                               (unsigned)self->column[s][c]);
            }
            if (out[s].kind == KL_KIND_FORCE && out[s].plate.full_scale[c] == 0) {
                out[s].plate.full_scale[c] = self->high;
            }
        }
    }
    self->stream_count = count;
    self->period_ns = 1e9 / rate_hz;
    return (int)count;
}

/* The last column that anything refers to. */
static size_t columns_needed(const struct kl_device_config *config, double counter, double time)
{
    double last = fmax(counter, time);
    for (size_t s = 0; s < config->stream_count && config->input != NULL; s++) {
        for (size_t c = 0; c < config->stream[s].channel_count && c < KL_CHANNELS_MAX; c++) {
            last = fmax(last, config->input[s][c]);
        }
    }
    return (size_t)(fmin(last, column_max) + 1); /* -1: nothing refers to any */
}

static int configure_as(struct load_cells *self, const char *name, bool timed,
                        const struct kl_device_config *config, struct kl_stream *out, size_t cap,
                        struct kl_fault *fault)
{
    double value[OPTIONS] = {0};
    memset(self, 0, sizeof(*self));
    value[OPTION_COUNTER] = value[OPTION_TIME] = -1;
    value[OPTION_COUNTER_WRAP] = counter_wrap_default;
    value[OPTION_BITS] = 24;
    int status = kl_device_options(config, options, value,
                                   timed ? (size_t)OPTIONS : (size_t)OPTIONS_UNTIMED, fault);
    if (status != KL_OK) {
        return status;
    }
    if (timed && value[OPTION_TIME] < 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: option time_column is missing; give the column of the device's time, "
                        "or use the driver load_cells",
                        name);
    }
    self->separator = separators[(size_t)value[OPTION_SEPARATOR]];
    self->checksum = value[OPTION_CHECKSUM] > 0;
    self->counter_column = (int)value[OPTION_COUNTER];
    self->time_column = (int)value[OPTION_TIME];
    self->counter_wrap = value[OPTION_COUNTER_WRAP];
    self->tick_ns = time_unit_ns[(size_t)value[OPTION_TIME_UNIT]];
    self->high = ldexp(1, (int)value[OPTION_BITS] - 1) - 1;
    self->low = -self->high - 1;
    self->columns = value[OPTION_COLUMNS] > 0
                        ? (size_t)value[OPTION_COLUMNS]
                        : columns_needed(config, value[OPTION_COUNTER], value[OPTION_TIME]);
    if (self->counter_column >= (int)self->columns || self->time_column >= (int)self->columns ||
        (self->counter_column >= 0 && self->counter_column == self->time_column)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: counter_column and time_column must be two different columns from 0 "
                        "to %zu",
                        name, self->columns - 1);
    }
    return take_streams(self, name, config, out, cap, fault);
}

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    return configure_as(state, "load_cells", false, config, out, cap, fault);
}

static int configure_timed(void *state, const void *config, struct kl_stream *out, size_t cap,
                           struct kl_fault *fault)
{
    return configure_as(state, "load_cells_timed", true, config, out, cap, fault);
}

/* ---------------------------------------------------------------- lines */

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    const uint8_t *end = memchr(buf, '\n', len < LINE_MAX ? len : LINE_MAX);
    if (end == NULL) {
        return len < LINE_MAX ? KL_FRAME_NEED_MORE : KL_FRAME_INVALID;
    }
    *frame_len = (size_t)(end - buf) + 1;
    return KL_FRAME_VALID;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length without the checksum, or 0 when it is wrong or missing. */
static size_t check_sum(const uint8_t *line, size_t len)
{
    if (len < 4 || line[len - 3] != '*') {
        return 0;
    }
    int high = hex_digit(line[len - 2]);
    int low = hex_digit(line[len - 1]);
    unsigned sum = 0;
    for (size_t i = 0; i < len - 3; i++) {
        sum ^= line[i];
    }
    return high >= 0 && low >= 0 && sum == (unsigned)(high * HEX + low) ? len - 3 : 0;
}

/* Numbers of a line. @return how many, or 0 when something is no number */
static size_t split(const struct load_cells *self, const uint8_t *line, size_t len,
                    double value[COLUMNS_MAX])
{
    struct kl_field field[KL_FIELDS_MAX];
    const char separator[] = {self->separator, '\0'};
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r' || line[len - 1] == ' ')) {
        len--;
    }
    len = self->checksum ? check_sum(line, len) : len;
    size_t count = kl_line_split((const char *)line, len, separator, field);
    for (size_t i = 0; i < count; i++) {
        if (count > COLUMNS_MAX || !kl_text_number(field[i].text, field[i].len, &value[i])) {
            return 0;
        }
    }
    return count;
}

/* (to - from) modulo wrap, both whole. */
static double steps(double from, double to, double wrap)
{
    double d = fmod(to - from, wrap);
    return d < 0 ? d + wrap : d;
}

static bool is_count(double value, double wrap)
{
    return value >= 0 && value < wrap && value == floor(value);
}

/* Counter and time of a good line. @return false: they are no counts */
static bool follow(struct load_cells *self, const double *value)
{
    double counter = self->counter_column >= 0 ? value[self->counter_column] : 0;
    double ticks = self->time_column >= 0 ? value[self->time_column] : 0;
    if (!is_count(counter, self->counter_wrap) || !is_count(ticks, time_wrap)) {
        return false;
    }
    if (self->time_column < 0) {
        self->device_ns = (int64_t)llround((double)self->samples * self->period_ns);
    } else if (!self->has_last) {
        self->device_ns = (int64_t)llround(ticks * self->tick_ns);
    } else {
        double step = steps(self->last_ticks, ticks, time_wrap);
        bool back = step > time_wrap / 2;
        double step_ns = step * self->tick_ns;
        /* backwards: the board was reset; its time begins again and the hub's clock sees it */
        self->device_ns = back ? (int64_t)llround(ticks * self->tick_ns)
                               : self->device_ns + (int64_t)llround(step_ns);
        bool late = self->counter_column < 0 && step_ns > late_periods * self->period_ns;
        self->pending |= back || late ? (uint32_t)KL_QUALITY_GAP : 0;
    }
    if (self->counter_column >= 0 && self->has_last) {
        double missing = steps(self->last_counter + 1, counter, self->counter_wrap);
        self->pending |= missing > 0 ? (uint32_t)KL_QUALITY_GAP : 0;
    }
    self->has_last = true;
    self->last_counter = counter;
    self->last_ticks = ticks;
    return true;
}

static int parse(void *state, const uint8_t *line, size_t len, struct kl_sample *out, size_t cap)
{
    struct load_cells *self = state;
    double value[COLUMNS_MAX];
    bool first = !self->begun;
    self->begun = true;
    if (cap < self->stream_count) {
        return KL_ERR_ARG;
    }
    if (first) {
        return 0;
    }
    if (split(self, line, len, value) != self->columns || !follow(self, value)) {
        self->rejected++;
        self->pending |= KL_QUALITY_CHECKSUM;
        return 0;
    }
    for (size_t s = 0; s < self->stream_count; s++) {
        out[s] =
            (struct kl_sample){.stream = s, .device_ns = self->device_ns, .quality = self->pending};
        for (size_t c = 0; c < self->channels[s]; c++) {
            double counts = value[self->column[s][c]];
            out[s].value[c] = counts;
            out[s].quality |=
                counts >= self->high || counts <= self->low ? (uint32_t)KL_QUALITY_CLIPPED : 0;
        }
    }
    self->pending = 0;
    self->samples++;
    return (int)self->stream_count;
}

/* ---------------------------------------------------------------- conversation */

/* The board streams by itself: a good line within the time says that speed and columns are right.
 */
static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct load_cells *self = state;
    struct kl_conversation talk;
    int64_t left_ns = LINE_WAIT_NS;
    size_t seen = 0;
    int status = KL_OK;
    if (self->samples > 0) {
        self->pending |= KL_QUALITY_GAP;
    }
    self->begun = self->has_last = false;
    self->samples = 0;
    kl_conversation_init(&talk, link, frame, self);
    for (int lines = 0; lines < LINES_ASKED && status == KL_OK; lines++) {
        double value[COLUMNS_MAX];
        const uint8_t *line = NULL;
        size_t len = 0;
        status = kl_conversation_next(&talk, &left_ns, &line, &len);
        size_t columns = status == KL_OK ? split(self, line, len, value) : 0;
        seen = columns > 0 ? columns : seen;
        if (lines > 0 && columns == self->columns) {
            return KL_OK;
        }
    }
    if (status != KL_OK && status != KL_ERR_TIMEOUT) {
        return kl_fault(fault, status, "load cells: the port cannot be read: %s",
                        kl_status_text(status));
    }
    if (seen > 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "load cells: lines have %zu columns, expected %zu; compare columns, "
                        "separator and checksum with what the board sends",
                        seen, self->columns);
    }
    return kl_fault(fault, talk.heard ? KL_ERR_DATA : KL_ERR_TIMEOUT,
                    "load cells: %s within %g s; compare the speed of the port, separator and "
                    "checksum with what the board sends",
                    talk.heard ? "no line of numbers came" : "nothing came",
                    kl_seconds(LINE_WAIT_NS));
}

static int stop(void *state, struct kl_link *link)
{
    (void)state;
    (void)link;
    return KL_OK;
}

static const struct kl_link_need needs[] = {
    {.kind = KL_LINK_SERIAL, .baud = 115200},
};

static const char document[] = "HX711, ADS1256 data sheets; the line is the lab's own";

const struct kl_driver kl_load_cells_driver = {
    .name = "load_cells",
    .label = "load cells on a microcontroller",
    .time_meaning = KL_TIME_ARRIVAL,
    .state_size = sizeof(struct load_cells),
    .stream_max = STREAMS_MAX,
    .need = needs,
    .need_count = 1,
    .document = document,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

const struct kl_driver kl_load_cells_timed_driver = {
    .name = "load_cells_timed",
    .label = "load cells on a microcontroller with its own clock",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct load_cells),
    .stream_max = STREAMS_MAX,
    .need = needs,
    .need_count = 1,
    .document = document,
    .configure = configure_timed,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

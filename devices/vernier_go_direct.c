/* Vernier Go Direct force plates (and other Go Direct sensors) over USB HID.
 *
 * Document: VernierST/godirect-py (facts only; the maker publishes no protocol). HID reports of 64
 * bytes on interrupt endpoints: byte 0 counts the protocol bytes in the report, zeros behind them.
 * A packet longer than 63 bytes goes on in the next reports. Numbers little-endian.
 *
 *   offset  size  type  command                     offset  size  type  measurement
 *   0       1     u8    0x58                        0       1     u8    0x20
 *   1       1     u8    length of all of it         1       1     u8    length of all of it
 *   2       1     u8    counter, -1 each, INIT 0xfe 2       1     u8    counter (see below)
 *   3       1     u8    sum of all other bytes      3       1     u8    sum (see below)
 *   4       1     u8    command                     4       1     u8    type
 *   5       n           parameters                  5 ...               by type
 *
 *   type        sensors        rows       values        meaning
 *   0x06        u16 mask @5    u8 @7      f32 @9        rows of one value per set bit
 *   0x07        u32 mask @5    u8 @9      f32 @11       the same, more than 16 sensors
 *   0x08, 0x0a  u8 number @6   u8 @7      f32 @8        one sensor
 *   0x09, 0x0b  u8 number @6   u8 @7      i32 @8        one sensor
 *   0x0d        -              -          -             the device dropped samples
 * Values are in the sensor's own unit, N for a plate. Answers: length at byte 1, payload from 6.
 *
 * Uncertain, and what is done about it:
 * - endpoints 0x81 and 0x01: usual for one HID interface, not documented;
 * - whether measurements fill in sum and counter: sums are checked when every answer of the
 *   conversation had a right one; the counter is believed after it made the same step (+1 or -1)
 *   four times, and a break of it is a gap;
 * - 0x0d does not say how many samples: the next one is marked, its time is only roughly known;
 * - what answers carry before their payload: an answer is the next packet that is no measurement.
 * Numbers of sensors are the lab file's inputs; without streams the first default sensor is taken
 * as the vertical force. There is no device time: sample number times period. Vertical force only.
 */
#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME "vernier_go_direct"

enum {
    STREAM_IN = 0x81,
    REPORT_OUT = 0x01,
    REPORT = 64,
    PAYLOAD_MAX = REPORT - 1,
    PACKET_MAX = 255,
    STREAMS_MAX = 4,
    SENSORS = 32,
    ANY_SENSOR = 0xff,
    HEAD = 5,
    ANSWER_PAYLOAD = 6,
    MEASUREMENT = 0x20,
    COMMAND = 0x58,
    TRIES = 2,
    SILENT_READS_MAX = 20,
    DRAIN_READS = 64,
    REPORTS_MAX = 2000, /* measurements that may come before an answer */
    STEP_BELIEVED = 4,
};

enum command {
    CMD_STATUS = 0x10,
    CMD_START = 0x18,
    CMD_STOP = 0x19,
    CMD_INIT = 0x1a,
    CMD_PERIOD = 0x1b,
    CMD_SENSOR_INFO = 0x50,
    CMD_SENSOR_MASK = 0x51,
    CMD_DISCONNECT = 0x54,
    CMD_DEVICE_INFO = 0x55,
    CMD_DEFAULT_MASK = 0x56,
};

static const int64_t read_wait_ns = KL_NS_PER_S / 10;
static const int64_t drain_wait_ns = 20000000;
static const int64_t write_wait_ns = KL_NS_PER_S;
static const double rate_default_hz = 1000;

struct vernier_go_direct {
    size_t stream_count;
    size_t channels[STREAMS_MAX];
    uint8_t sensor[STREAMS_MAX][KL_CHANNELS_MAX];
    bool force[STREAMS_MAX];
    double low[STREAMS_MAX][KL_CHANNELS_MAX], high[STREAMS_MAX][KL_CHANNELS_MAX];
    uint32_t period_us;

    uint8_t command_counter;
    bool sums_seen, sums_wrong, checked;

    uint8_t packet[PACKET_MAX];
    size_t have, want; /* want 0: the next report begins a packet */
    bool has_counter;
    uint8_t counter, step;
    unsigned agreed; /* times the counter made that step */
    uint64_t index[STREAMS_MAX];
    uint32_t pending[STREAMS_MAX];
};

/* ---------------------------------------------------------------- configure */

static int take_streams(struct vernier_go_direct *self, const struct kl_device_config *config,
                        struct kl_stream *out, struct kl_fault *fault)
{
    for (size_t s = 0; s < config->stream_count; s++) {
        const struct kl_stream *stream = &config->stream[s];
        size_t most = stream->kind == KL_KIND_FORCE ? KL_PLATE_CHANNELS_MAX : KL_CHANNELS_MAX;
        if (stream->channel_count == 0 || stream->channel_count > most) {
            return kl_fault(fault, KL_ERR_RANGE, NAME ": stream %s has %zu channels; 1 to %zu are",
                            stream->name, stream->channel_count, most);
        }
        out[s] = *stream;
        for (size_t c = 0; c < stream->channel_count; c++) {
            unsigned sensor = config->input[s][c];
            if (sensor >= SENSORS) {
                return kl_fault(fault, KL_ERR_RANGE,
                                NAME ": stream %s: sensor %u; sensors have numbers 0 to 31",
                                stream->name, sensor);
            }
            self->sensor[s][c] = (uint8_t)sensor;
            if (out[s].label[c][0] == '\0') {
                (void)snprintf(out[s].label[c], sizeof(out[s].label[c]), "sensor%u", sensor);
            }
            if (out[s].unit[c][0] == '\0' && stream->kind == KL_KIND_FORCE) {
                (void)snprintf(out[s].unit[c], sizeof(out[s].unit[c]), "N");
            }
        }
    }
    return KL_OK;
}

/* A lab file that names no streams means: the plate's vertical force. */
static void describe_default(struct vernier_go_direct *self, const struct kl_device_config *config,
                             struct kl_stream *out)
{
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "plate.%s",
                   config->placement[0] != '\0' ? config->placement : "belt");
    out->kind = KL_KIND_FORCE;
    out->channel_count = 1;
    (void)snprintf(out->label[0], sizeof(out->label[0]), "fy");
    (void)snprintf(out->unit[0], sizeof(out->unit[0]), "N");
    out->plate.matrix[KL_FY][0] = 1; /* a plate tells its load as positive: the reaction is up */
    out->plate.measured = KL_PLATE_MEASURES_FY;
    self->sensor[0][0] = ANY_SENSOR;
}

static int configure(void *state, const void *lab, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct vernier_go_direct *self = state;
    const struct kl_device_config *config = lab;
    memset(self, 0, sizeof(*self));
    int status = kl_device_options(config, NULL, NULL, 0, fault);
    if (status != KL_OK) {
        return status;
    }
    double rate_hz = config->rate_hz == 0 ? rate_default_hz : config->rate_hz;
    if (!(rate_hz >= 1 && rate_hz <= 10000)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        NAME ": rate %g Hz; 1 to 10000 are allowed, and the "
                             "sensor may allow less",
                        rate_hz);
    }
    size_t count = config->stream_count;
    if (count > STREAMS_MAX || cap < (count > 0 ? count : 1)) {
        return kl_fault(fault, KL_ERR_RANGE, NAME ": %zu streams; at most %d", count,
                        (int)STREAMS_MAX);
    }
    if (count == 0) {
        describe_default(self, config, out);
        count = 1;
    } else if ((status = take_streams(self, config, out, fault)) != KL_OK) {
        return status;
    }
    self->period_us = (uint32_t)lround(1e6 / rate_hz);
    self->stream_count = count;
    for (size_t s = 0; s < count; s++) {
        out[s].rate_hz = 1e6 / self->period_us;
        out[s].format = KL_FORMAT_FLOAT32;
        self->channels[s] = out[s].channel_count;
        self->force[s] = out[s].kind == KL_KIND_FORCE;
        for (size_t c = 0; c < KL_CHANNELS_MAX; c++) {
            self->low[s][c] = (double)-INFINITY; /* until the sensor tells its range */
            self->high[s][c] = (double)INFINITY;
        }
    }
    return (int)count;
}

/* ---------------------------------------------------------------- packets of reports */

static uint8_t sum_of(const uint8_t *packet, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += i == 3 ? 0 : packet[i];
    }
    return (uint8_t)sum;
}

static size_t at_most_payload(size_t len)
{
    return len < PAYLOAD_MAX ? len : PAYLOAD_MAX;
}

/* A report that can be the first of a packet. Of measurements, which nobody asks for, more is
 * demanded: they fill their reports. */
static bool begins(const uint8_t *report)
{
    return report[0] >= HEAD && report[0] <= PAYLOAD_MAX && report[0] <= report[2] &&
           (report[1] != MEASUREMENT || report[0] == at_most_payload(report[2]));
}

/* A report that can go on with the packet begun. How the device cuts long packets is not written
 * down: full reports are expected, shorter ones borne unless they look like a new packet. */
static bool continues(const struct vernier_go_direct *self, const uint8_t *report)
{
    size_t left = self->want - self->have;
    bool another = report[1] == MEASUREMENT && report[0] == at_most_payload(report[2]);
    return self->want > 0 && report[0] > 0 && report[0] <= at_most_payload(left) &&
           (report[0] == at_most_payload(left) || !another);
}

/* Adds a report to the packet. @return true: it is complete, packet[0..want) */
static bool assemble(struct vernier_go_direct *self, const uint8_t *report)
{
    if (!continues(self, report)) {
        self->have = 0;
        self->want = report[2];
    }
    memcpy(self->packet + self->have, report + 1, report[0]);
    self->have += report[0];
    return self->have == self->want;
}

/* ---------------------------------------------------------------- conversation */

struct question {
    const char *name;
    uint8_t command;
    const uint8_t *parameter;
    size_t len;
    size_t answer_min; /* bytes of the answer, header included */
};

static int send(struct vernier_go_direct *self, struct kl_link *link,
                const struct question *question, struct kl_fault *fault)
{
    uint8_t report[REPORT] = {0};
    uint8_t *packet = report + 1;
    size_t len = HEAD + question->len;
    self->command_counter = question->command == CMD_INIT ? 0xfe : self->command_counter;
    packet[0] = COMMAND;
    packet[1] = (uint8_t)len;
    packet[2] = self->command_counter--;
    packet[4] = question->command;
    if (question->len > 0) {
        memcpy(packet + HEAD, question->parameter, question->len);
    }
    packet[3] = sum_of(packet, len);
    report[0] = (uint8_t)len;
    int sent = link->ops->write(link, report, sizeof(report), write_wait_ns);
    return sent < 0 ? kl_fault(fault, sent, NAME ": %s could not be sent: %s", question->name,
                               kl_status_text(sent))
                    : KL_OK;
}

/* The next packet that is no measurement, into self->packet. @return its length, 0: none in time,
 * or a negative status. *measured: measurements came meanwhile */
static int receive(struct vernier_go_direct *self, struct kl_link *link, bool *measured)
{
    uint8_t report[REPORT];
    size_t have = 0;
    self->want = self->have = 0;
    for (int silent = 0, reports = 0; silent < SILENT_READS_MAX && reports < REPORTS_MAX;) {
        int got = link->ops->read(link, report + have, sizeof(report) - have, read_wait_ns);
        if (got < 0 && got != KL_ERR_TIMEOUT) {
            return got;
        }
        silent += got <= 0 ? 1 : 0;
        have += got > 0 ? (size_t)got : 0;
        if (have < sizeof(report)) {
            continue;
        }
        have = 0;
        reports++;
        if (!continues(self, report) && !begins(report)) {
            self->want = 0;
            continue;
        }
        if (assemble(self, report)) {
            size_t len = self->want;
            self->want = self->have = 0;
            if (self->packet[0] != MEASUREMENT) {
                return (int)len;
            }
            *measured = true;
        }
    }
    return 0;
}

/* Asks, and waits for the answer. @return KL_OK with the answer in self->packet */
static int ask(struct vernier_go_direct *self, struct kl_link *link,
               const struct question *question, bool *measured, struct kl_fault *fault)
{
    int got = 0;
    for (int attempt = 0; attempt < TRIES && got == 0; attempt++) {
        int status = send(self, link, question, fault);
        if (status != KL_OK) {
            return status;
        }
        got = receive(self, link, measured);
    }
    if (got <= 0) {
        int status = got < 0 ? got : KL_ERR_TIMEOUT;
        return kl_fault(fault, status, NAME ": no answer to %s: %s; press the button of the device",
                        question->name, kl_status_text(status));
    }
    self->sums_seen = true;
    self->sums_wrong |= sum_of(self->packet, (size_t)got) != self->packet[3];
    if ((size_t)got < question->answer_min) {
        return kl_fault(fault, KL_ERR_DATA,
                        NAME ": %s: expected an answer of %zu bytes, got %d beginning %02x %02x",
                        question->name, question->answer_min, got, self->packet[0],
                        self->packet[1]);
    }
    return KL_OK;
}

static int ask_plain(struct vernier_go_direct *self, struct kl_link *link, uint8_t command,
                     const char *name, size_t payload, struct kl_fault *fault)
{
    const struct question question = {name, command, NULL, 0, ANSWER_PAYLOAD + payload};
    bool measured;
    return ask(self, link, &question, &measured, fault);
}

static int stop_measuring(struct vernier_go_direct *self, struct kl_link *link,
                          struct kl_fault *fault)
{
    static const uint8_t parameter[] = {0xff, 0x00, 0xff, 0xff, 0xff, 0xff};
    const struct question question = {"STOP_MEASUREMENTS", CMD_STOP, parameter, sizeof(parameter),
                                      0};
    bool measured;
    return ask(self, link, &question, &measured, fault);
}

/* The device may answer this one or be gone already. */
static int disconnect(struct vernier_go_direct *self, struct kl_link *link)
{
    const struct question question = {"DISCONNECT", CMD_DISCONNECT, NULL, 0, 0};
    bool measured;
    int status = send(self, link, &question, NULL);
    int got = status == KL_OK ? receive(self, link, &measured) : status;
    return got < 0 ? got : KL_OK;
}

/* Answers that an earlier program did not wait for would be taken for ours. */
static int drain(struct kl_link *link)
{
    uint8_t report[REPORT];
    int got = 1;
    for (int i = 0; i < DRAIN_READS && got > 0; i++) {
        got = link->ops->read(link, report, sizeof(report), drain_wait_ns);
    }
    return got < 0 && got != KL_ERR_TIMEOUT ? got : KL_OK;
}

static int init(struct vernier_go_direct *self, struct kl_link *link, struct kl_fault *fault)
{
    static const uint8_t parameter[] = {0xa5, 0x4a, 0x06, 0x49, 0x07, 0x48, 0x08, 0x47, 0x09, 0x46,
                                        0x0a, 0x45, 0x0b, 0x44, 0x0c, 0x43, 0x0d, 0x42, 0x0e, 0x41};
    const struct question question = {"INIT", CMD_INIT, parameter, sizeof(parameter), 0};
    bool measured = false;
    int status = drain(link);
    if (status != KL_OK) {
        return kl_fault(fault, status, NAME ": cannot be read: %s", kl_status_text(status));
    }
    status = ask(self, link, &question, &measured, fault);
    if (status == KL_OK && measured) { /* a crashed program left it measuring */
        status = stop_measuring(self, link, fault);
        status = status == KL_OK ? ask(self, link, &question, &measured, fault) : status;
    }
    return status;
}

/* Text fields are filled with zeros, or not ended at all. */
static void copy_text(const uint8_t *from, size_t len, char *out)
{
    size_t at = 0;
    while (at < len && from[at] >= ' ' && from[at] < 0x7f) {
        out[at] = (char)from[at];
        at++;
    }
    out[at] = '\0';
}

enum { INFO_BYTES = 64, TEXT_MAX = 61 };

static int identify(struct kl_link *link, char *out, size_t len)
{
    struct vernier_go_direct self;
    char order[TEXT_MAX], serial[TEXT_MAX], name[TEXT_MAX];
    memset(&self, 0, sizeof(self));
    int status = init(&self, link, NULL);
    if (status == KL_OK) {
        status = ask_plain(&self, link, CMD_DEVICE_INFO, "GET_DEVICE_INFO", INFO_BYTES, NULL);
    }
    if (status != KL_OK) {
        return status;
    }
    copy_text(self.packet + ANSWER_PAYLOAD, 16, order);
    copy_text(self.packet + ANSWER_PAYLOAD + 16, 16, serial);
    copy_text(self.packet + ANSWER_PAYLOAD + 32, 32, name);
    (void)snprintf(out, len, "Vernier %s, %s, serial %s", order, name, serial);
    return disconnect(&self, link) == KL_ERR_GONE ? KL_ERR_GONE : KL_OK;
}

/* Offsets of GET_SENSOR_INFO's payload. */
enum {
    SENSOR_SAMPLING = 7,
    SENSOR_TEXT = 8,
    SENSOR_TEXT_BYTES = 60,
    SENSOR_UNIT = 68,
    SENSOR_UNIT_BYTES = 32,
    SENSOR_LOW = 108,
    SENSOR_HIGH = 116,
    SENSOR_PERIOD_MIN = 124,
    SENSOR_EXCLUDES = 144,
    SENSOR_BYTES = 148,
};

static int check_sensor(struct vernier_go_direct *self, size_t s, size_t c, uint32_t wanted,
                        struct kl_fault *fault)
{
    const uint8_t *info = self->packet + ANSWER_PAYLOAD;
    unsigned sensor = self->sensor[s][c];
    char text[TEXT_MAX], unit[TEXT_MAX];
    copy_text(info + SENSOR_TEXT, SENSOR_TEXT_BYTES, text);
    copy_text(info + SENSOR_UNIT, SENSOR_UNIT_BYTES, unit);
    uint32_t period_min = kl_u32_le(info + SENSOR_PERIOD_MIN);
    uint32_t excluded = kl_u32_le(info + SENSOR_EXCLUDES) & wanted & ~(1u << sensor);
    if (self->force[s] && strcmp(unit, "N") != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        NAME ": sensor %u is \"%s\" in %s, but a plate needs N; choose another "
                             "input or kind: other",
                        sensor, text, unit);
    }
    if (info[SENSOR_SAMPLING] != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        NAME ": sensor %u (\"%s\") does not sample regularly; choose another",
                        sensor, text);
    }
    if (self->period_us < period_min) {
        return kl_fault(fault, KL_ERR_RANGE,
                        NAME ": sensor %u (\"%s\") allows %g Hz at most, not %g; lower the rate",
                        sensor, text, 1e6 / period_min, 1e6 / self->period_us);
    }
    if (excluded != 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        NAME ": sensor %u (\"%s\") cannot run together with sensors %#x (bit per "
                             "number); choose one",
                        sensor, text, (unsigned)excluded);
    }
    double low = kl_f64_le(info + SENSOR_LOW);
    double high = kl_f64_le(info + SENSOR_HIGH);
    if (low < high) {
        self->low[s][c] = low;
        self->high[s][c] = high;
    }
    return KL_OK;
}

/* Which sensors there are, and whether the lab's are among them. *mask: bit per wanted sensor */
static int find_sensors(struct vernier_go_direct *self, struct kl_link *link, uint32_t *mask,
                        struct kl_fault *fault)
{
    int status = ask_plain(self, link, CMD_SENSOR_MASK, "GET_SENSOR_AVAILABLE_MASK", 4, fault);
    uint32_t available = kl_u32_le(self->packet + ANSWER_PAYLOAD);
    if (status == KL_OK && self->sensor[0][0] == ANY_SENSOR) {
        status = ask_plain(self, link, CMD_DEFAULT_MASK, "GET_DEFAULT_SENSORS_MASK", 4, fault);
        uint32_t usual = kl_u32_le(self->packet + ANSWER_PAYLOAD) & available;
        for (uint8_t i = 0; i < SENSORS && status == KL_OK && usual != 0; i++) {
            if (usual >> i & 1u) {
                self->sensor[0][0] = i;
                break;
            }
        }
    }
    *mask = 0;
    for (size_t s = 0; s < self->stream_count && status == KL_OK; s++) {
        for (size_t c = 0; c < self->channels[s]; c++) {
            unsigned sensor = self->sensor[s][c];
            if (sensor >= SENSORS || (available >> sensor & 1u) == 0) {
                return kl_fault(fault, KL_ERR_DATA,
                                NAME ": the device has no sensor %u; it has %#x (bit per number)",
                                sensor, (unsigned)available);
            }
            *mask |= 1u << sensor;
        }
    }
    return status;
}

static int check_sensors(struct vernier_go_direct *self, struct kl_link *link, uint32_t mask,
                         struct kl_fault *fault)
{
    int status = KL_OK;
    for (size_t s = 0; s < self->stream_count && status == KL_OK; s++) {
        for (size_t c = 0; c < self->channels[s] && status == KL_OK; c++) {
            const struct question question = {"GET_SENSOR_INFO", CMD_SENSOR_INFO,
                                              &self->sensor[s][c], 1,
                                              ANSWER_PAYLOAD + SENSOR_BYTES};
            bool measured;
            status = ask(self, link, &question, &measured, fault);
            status = status == KL_OK ? check_sensor(self, s, c, mask, fault) : status;
        }
    }
    return status;
}

static int start_measuring(struct vernier_go_direct *self, struct kl_link *link, uint32_t mask,
                           struct kl_fault *fault)
{
    uint8_t period[10] = {0xff, 0x00};
    uint8_t begin[14] = {0xff, 0x01};
    for (unsigned i = 0; i < 4; i++) {
        period[2 + i] = (uint8_t)(self->period_us >> (8 * i));
        begin[2 + i] = (uint8_t)(mask >> (8 * i));
    }
    const struct question set = {"SET_MEASUREMENT_PERIOD", CMD_PERIOD, period, sizeof(period), 0};
    const struct question go = {"START_MEASUREMENTS", CMD_START, begin, sizeof(begin), 0};
    bool measured;
    int status = ask(self, link, &set, &measured, fault);
    return status == KL_OK ? ask(self, link, &go, &measured, fault) : status;
}

static int stop(void *state, struct kl_link *link)
{
    struct vernier_go_direct *self = state;
    int status = stop_measuring(self, link, NULL);
    if (status != KL_ERR_GONE) {
        (void)disconnect(self, link);
    }
    return status;
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct vernier_go_direct *self = state;
    uint32_t mask = 0;
    self->sums_seen = self->sums_wrong = self->checked = false;
    int status = init(self, link, fault);
    if (status == KL_OK) {
        status = ask_plain(self, link, CMD_STATUS, "GET_STATUS", 0, fault);
    }
    if (status == KL_OK) {
        status = ask_plain(self, link, CMD_DEVICE_INFO, "GET_DEVICE_INFO", 0, fault);
    }
    if (status == KL_OK) {
        status = find_sensors(self, link, &mask, fault);
    }
    if (status == KL_OK) {
        status = check_sensors(self, link, mask, fault);
    }
    if (status == KL_OK) {
        status = start_measuring(self, link, mask, fault);
    }
    for (size_t s = 0; s < self->stream_count; s++) {
        self->pending[s] = self->index[s] > 0 ? KL_QUALITY_GAP : 0;
        self->index[s] = 0;
    }
    self->checked = self->sums_seen && !self->sums_wrong;
    self->want = self->have = 0;
    self->has_counter = false;
    self->agreed = 0;
    if (status != KL_OK && status != KL_ERR_GONE && status != KL_ERR_TIMEOUT) {
        (void)stop(self, link);
    }
    return status;
}

/* ---------------------------------------------------------------- stream */

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct vernier_go_direct *self = state;
    if (len < 3) {
        return KL_FRAME_NEED_MORE;
    }
    if (!continues(self, buf) && !(begins(buf) && buf[1] == MEASUREMENT)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = REPORT;
    return len < REPORT ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
}

/* Rows of a measurement packet. */
struct rows {
    uint32_t mask;
    size_t count, width; /* values per row */
    const uint8_t *value;
    bool whole; /* int32 */
};

static size_t bits_of(uint32_t mask)
{
    size_t count = 0;
    for (; mask != 0; mask &= mask - 1) {
        count++;
    }
    return count;
}

/* @return false: no packet of values, or its length does not fit its contents */
static bool read_rows(const uint8_t *packet, size_t len, struct rows *rows)
{
    size_t at = 0;
    *rows = (struct rows){0};
    if (packet[4] == 0x06 && len >= 9) {
        *rows = (struct rows){.mask = kl_u16_le(packet + 5), .count = packet[7]};
        at = 9;
    } else if (packet[4] == 0x07 && len >= 11) {
        *rows = (struct rows){.mask = kl_u32_le(packet + 5), .count = packet[9]};
        at = 11;
    } else if (packet[4] >= 0x08 && packet[4] <= 0x0b && len >= 8 && packet[6] < SENSORS) {
        *rows = (struct rows){.mask = 1u << packet[6], .count = packet[7]};
        rows->whole = (packet[4] & 1) != 0;
        at = 8;
    }
    rows->width = bits_of(rows->mask);
    rows->value = packet + at;
    return at > 0 && rows->count * rows->width > 0 && at + 4 * rows->count * rows->width == len;
}

/* Where a sensor's value stands in a row; the lowest for ANY_SENSOR. */
static size_t place_of(uint32_t mask, unsigned sensor)
{
    return sensor == ANY_SENSOR ? 0 : bits_of(mask & ((1u << sensor) - 1));
}

static bool holds_stream(const struct vernier_go_direct *self, size_t s, uint32_t mask)
{
    for (size_t c = 0; c < self->channels[s]; c++) {
        unsigned sensor = self->sensor[s][c];
        if (sensor != ANY_SENSOR && (mask >> sensor & 1u) == 0) {
            return false;
        }
    }
    return true;
}

static void mark(struct vernier_go_direct *self, uint64_t missing, uint32_t quality)
{
    for (size_t s = 0; s < self->stream_count; s++) {
        self->pending[s] |= quality;
        self->index[s] += missing;
    }
}

/* The packet counter, once it is known to be one. */
static void follow(struct vernier_go_direct *self, uint8_t counter, size_t rows)
{
    uint8_t step = (uint8_t)(counter - self->counter);
    bool counts = step == 1 || step == 0xff;
    if (!self->has_counter) {
        self->agreed = 0;
    } else if (self->agreed >= STEP_BELIEVED && step != self->step) {
        unsigned passed = self->step == 1 ? step : (uint8_t)-step;
        bool sure = passed > 1 && passed <= 128;
        mark(self, sure ? (passed - 1) * rows : 0,
             KL_QUALITY_GAP | (sure ? 0u : (uint32_t)KL_QUALITY_CLOCK));
    } else if (self->agreed > 0 && step == self->step) {
        self->agreed += self->agreed < STEP_BELIEVED ? 1 : 0;
    } else {
        self->agreed = counts ? 1 : 0;
        self->step = step;
    }
    self->has_counter = true;
    self->counter = counter;
}

static struct kl_sample take_row(struct vernier_go_direct *self, size_t s, const struct rows *rows,
                                 size_t row)
{
    struct kl_sample sample = {
        .stream = s,
        .device_ns = (int64_t)self->index[s]++ * self->period_us * 1000,
        .quality = self->pending[s],
    };
    self->pending[s] = 0;
    for (size_t c = 0; c < self->channels[s]; c++) {
        size_t place = row * rows->width + place_of(rows->mask, self->sensor[s][c]);
        const uint8_t *p = rows->value + 4 * place;
        double value = rows->whole ? (double)kl_i32_le(p) : (double)kl_f32_le(p);
        sample.value[c] = value;
        sample.quality |= isfinite(value) ? 0 : (uint32_t)KL_QUALITY_INVALID;
        sample.quality |= value <= self->low[s][c] || value >= self->high[s][c]
                              ? (uint32_t)KL_QUALITY_CLIPPED
                              : 0;
    }
    return sample;
}

static int parse(void *state, const uint8_t *report, size_t len, struct kl_sample *out, size_t cap)
{
    struct vernier_go_direct *self = state;
    struct rows rows;
    size_t written = 0;
    if (len != REPORT) {
        return KL_ERR_ARG;
    }
    if (self->want > 0 && !continues(self, report)) {
        mark(self, 0, KL_QUALITY_CHECKSUM); /* the packet begun has no end */
    }
    if (!assemble(self, report)) {
        return 0;
    }
    size_t whole = self->want;
    self->want = self->have = 0;
    if (self->checked && sum_of(self->packet, whole) != self->packet[3]) {
        return KL_ERR_DATA;
    }
    if (self->packet[4] == 0x0d) {
        mark(self, 0, KL_QUALITY_GAP | KL_QUALITY_CLOCK);
    }
    bool values = read_rows(self->packet, whole, &rows);
    bool announced = self->packet[4] >= 0x06 && self->packet[4] <= 0x0b;
    bool known = announced || (self->packet[4] >= 0x0c && self->packet[4] <= 0x0e);
    if ((announced && !values) || (!known && !self->checked)) {
        return KL_ERR_DATA; /* without sums, an unknown type is rather a damaged packet */
    }
    follow(self, self->packet[2], rows.count);
    for (size_t row = 0; values && row < rows.count; row++) {
        for (size_t s = 0; s < self->stream_count && written < cap; s++) {
            if (holds_stream(self, s, rows.mask)) {
                out[written++] = take_row(self, s, &rows, row);
            }
        }
    }
    return (int)written;
}

static const struct kl_usb_id usb_ids[] = {{0x08f7, 0x0010}};
static const struct kl_link_need needs[] = {{
    .kind = KL_LINK_USB,
    .usb_id = usb_ids,
    .usb_id_count = 1,
    .interface = 0,
    .stream_in = STREAM_IN,
    .out = REPORT_OUT,
    .packet = REPORT,
}};

const struct kl_driver kl_vernier_go_direct_driver = {
    .name = NAME,
    .label = "Vernier Go Direct force plate",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct vernier_go_direct),
    .stream_max = STREAMS_MAX,
    .need = needs,
    .need_count = 1,
    .document = "VernierST/godirect-py (facts only)",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

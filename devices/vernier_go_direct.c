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
#include "devices/vernier_go_direct.h"

#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    STREAM_IN = 0x81,
    REPORT_OUT = 0x01,
    PAYLOAD_MAX = KL_VERNIER_REPORT - 1,
    BEGINNING = 3, /* bytes that tell what a report is */
    STEP_BELIEVED = 4,
};

static const double rate_default_hz = 1000;

/* ---------------------------------------------------------------- configure */

static int take_streams(struct kl_vernier *self, const struct kl_device_config *config,
                        struct kl_stream *out, struct kl_fault *fault)
{
    for (size_t s = 0; s < config->stream_count; s++) {
        const struct kl_stream *stream = &config->stream[s];
        size_t most = stream->kind == KL_KIND_FORCE ? KL_PLATE_CHANNELS_MAX : KL_CHANNELS_MAX;
        if (stream->channel_count == 0 || stream->channel_count > most) {
            return kl_fault(fault, KL_ERR_RANGE,
                            KL_VERNIER_NAME ": stream %s has %zu channels; 1 to %zu are",
                            stream->name, stream->channel_count, most);
        }
        out[s] = *stream;
        for (size_t c = 0; c < stream->channel_count; c++) {
            unsigned sensor = config->input[s][c];
            if (sensor >= KL_VERNIER_SENSORS) {
                return kl_fault(fault, KL_ERR_RANGE,
                                KL_VERNIER_NAME
                                ": stream %s: sensor %u; sensors have numbers 0 to 31",
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
static void describe_default(struct kl_vernier *self, const struct kl_device_config *config,
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
    self->sensor[0][0] = KL_VERNIER_ANY_SENSOR;
}

static int configure(void *state, const void *lab, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct kl_vernier *self = state;
    const struct kl_device_config *config = lab;
    memset(self, 0, sizeof(*self));
    int status = kl_device_options(config, NULL, NULL, 0, fault);
    if (status != KL_OK) {
        return status;
    }
    double rate_hz = config->rate_hz == 0 ? rate_default_hz : config->rate_hz;
    if (!(rate_hz >= 1 && rate_hz <= 10000)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        KL_VERNIER_NAME ": rate %g Hz; 1 to 10000 are allowed, and the "
                                        "sensor may allow less",
                        rate_hz);
    }
    size_t count = config->stream_count;
    if (count > KL_VERNIER_STREAMS_MAX || cap < (count > 0 ? count : 1)) {
        return kl_fault(fault, KL_ERR_RANGE, KL_VERNIER_NAME ": %zu streams; at most %d", count,
                        (int)KL_VERNIER_STREAMS_MAX);
    }
    if (count == 0) {
        describe_default(self, config, out);
        count = 1;
    } else if ((status = take_streams(self, config, out, fault)) != KL_OK) {
        return status;
    }
    self->period_us = (uint32_t)lround(1e6 / rate_hz);
    self->stream_count = count;
    self->charge = -1;
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

uint8_t kl_vernier_sum(const uint8_t *packet, size_t len)
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
bool kl_vernier_begins(const uint8_t *report, size_t len)
{
    return len >= BEGINNING && report[0] >= KL_VERNIER_HEAD && report[0] <= PAYLOAD_MAX &&
           report[0] <= report[2] &&
           (report[1] != KL_VERNIER_MEASUREMENT || report[0] == at_most_payload(report[2]));
}

/* A report that can go on with the packet begun. How the device cuts long packets is not written
 * down: full reports are expected, shorter ones borne unless they look like a new packet. */
bool kl_vernier_continues(const struct kl_vernier *self, const uint8_t *report, size_t len)
{
    size_t left = self->want - self->have;
    if (len < BEGINNING) {
        return false;
    }
    bool another = report[1] == KL_VERNIER_MEASUREMENT && report[0] == at_most_payload(report[2]);
    return self->want > 0 && report[0] > 0 && report[0] <= at_most_payload(left) &&
           (report[0] == at_most_payload(left) || !another);
}

/* Adds a report to the packet. @return true: it is complete, packet[0..want) */
bool kl_vernier_assemble(struct kl_vernier *self, const uint8_t *report, size_t len)
{
    if (!kl_vernier_continues(self, report, len)) {
        self->have = 0;
        self->want = report[2];
    }
    memcpy(self->packet + self->have, report + 1, report[0]);
    self->have += report[0];
    return self->have == self->want;
}

/* ---------------------------------------------------------------- stream */

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct kl_vernier *self = state;
    if (len < BEGINNING) {
        return KL_FRAME_NEED_MORE;
    }
    if (!kl_vernier_continues(self, buf, len) &&
        !(kl_vernier_begins(buf, len) && buf[1] == KL_VERNIER_MEASUREMENT)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = KL_VERNIER_REPORT;
    return len < KL_VERNIER_REPORT ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
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
    } else if (packet[4] >= 0x08 && packet[4] <= 0x0b && len >= 8 &&
               packet[6] < KL_VERNIER_SENSORS) {
        *rows = (struct rows){.mask = 1u << packet[6], .count = packet[7]};
        rows->whole = (packet[4] & 1) != 0;
        at = 8;
    }
    rows->width = bits_of(rows->mask);
    rows->value = packet + at;
    return at > 0 && rows->count * rows->width > 0 && at + 4 * rows->count * rows->width == len;
}

/* Where a sensor's value stands in a row; the lowest for KL_VERNIER_ANY_SENSOR. */
static size_t place_of(uint32_t mask, unsigned sensor)
{
    return sensor == KL_VERNIER_ANY_SENSOR ? 0 : bits_of(mask & ((1u << sensor) - 1));
}

static bool holds_stream(const struct kl_vernier *self, size_t s, uint32_t mask)
{
    for (size_t c = 0; c < self->channels[s]; c++) {
        unsigned sensor = self->sensor[s][c];
        if (sensor != KL_VERNIER_ANY_SENSOR && (mask >> sensor & 1u) == 0) {
            return false;
        }
    }
    return true;
}

static void mark(struct kl_vernier *self, uint64_t missing, uint32_t quality)
{
    for (size_t s = 0; s < self->stream_count; s++) {
        self->pending[s] |= quality;
        self->index[s] += missing;
    }
}

/* The packet counter, once it is known to be one. */
static void follow(struct kl_vernier *self, uint8_t counter, size_t rows)
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

static struct kl_sample take_row(struct kl_vernier *self, size_t s, const struct rows *rows,
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
        sample.quality |= value <= self->low[s][c] || value >= self->high[s][c]
                              ? (uint32_t)KL_QUALITY_CLIPPED
                              : 0;
    }
    return sample;
}

static int parse(void *state, const uint8_t *report, size_t len, struct kl_sample *out, size_t cap)
{
    struct kl_vernier *self = state;
    struct rows rows;
    size_t written = 0;
    if (len != KL_VERNIER_REPORT) {
        return KL_ERR_ARG;
    }
    if (self->want > 0 && !kl_vernier_continues(self, report, len)) {
        mark(self, 0, KL_QUALITY_CHECKSUM); /* the packet begun has no end */
    }
    if (!kl_vernier_assemble(self, report, len)) {
        return 0;
    }
    size_t whole = self->want;
    self->want = self->have = 0;
    if (self->checked && kl_vernier_sum(self->packet, whole) != self->packet[3]) {
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

static int battery(const void *state)
{
    const struct kl_vernier *self = state;
    return self->charge;
}

static const struct kl_usb_id usb_ids[] = {{0x08f7, 0x0010}};
static const struct kl_link_need needs[] = {{
    .kind = KL_LINK_USB,
    .usb_id = usb_ids,
    .usb_id_count = 1,
    .interface = 0,
    .stream_in = STREAM_IN,
    .out = REPORT_OUT,
    .packet = KL_VERNIER_REPORT,
}};

const struct kl_driver kl_vernier_go_direct_driver = {
    .name = KL_VERNIER_NAME,
    .label = "Vernier Go Direct force plate",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct kl_vernier),
    .stream_max = KL_VERNIER_STREAMS_MAX,
    .need = needs,
    .need_count = 1,
    .document = "VernierST/godirect-py (facts only)",
    .identify = kl_vernier_identify,
    .configure = configure,
    .start = kl_vernier_start,
    .stop = kl_vernier_stop,
    .frame = frame,
    .parse = parse,
    .battery = battery,
};

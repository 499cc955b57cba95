/* A fixed binary record from a self-made device, over serial or TCP, described in the lab file:
 *
 *   sync:      A5 5A                       bytes every record begins with
 *   length:    24                          bytes of a record, sync and checksum included
 *   fields:    i16le@4*0.001 f32be@6 ...   type @ offset * scale + offset; inputs 1, 2, ... of
 * streams counter:   u8@2                        optional: counts records time:      u32le@8
 * optional: the device's time time_unit: us                          or ms, s, or the tick in
 * seconds: 30.5e-6 checksum:  crc16-ccitt-le@22           optional; of the bytes before it
 *   checksum_from: 0                       where these begin
 *
 * Types: u8 i8, u16 i16 u24 i24 u32 i32 u64 f32 f64 with le or be. Checksums: sum8, neg8, xor8,
 * fletcher16, crc16-ccitt, crc16-modbus, crc32, the last three with -le or -be.
 * Without a checksum a record counts only when the next one's sync follows it.
 * An integer field at the end of its range is called clipped; a float that is none, invalid.
 */
#include "devices/counted_time.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/lab_streams.h"
#include "devices/record_layout.h"
#include "devices/text_number.h"

#include <math.h>
#include <string.h>

#define RATE_MAX_HZ 50000.0

/* Options that are numbers, then the others. */
enum { LENGTH = 0, CHECKSUM_FROM, OPTIONS = 8 };

struct binary_record {
    uint8_t sync[KL_RECORD_SYNC_MAX];
    size_t sync_len, length;
    struct kl_record_field field[KL_RECORD_FIELDS_MAX + 1]; /* by input number */
    struct kl_record_field counter, clock;
    const struct kl_record_sum *sum; /* NULL: none */
    size_t sum_from, sum_at;
    struct kl_lab_streams map;

    struct kl_counted_time time;
    bool in_step; /* the last record ended where this one begins */
};

/* ----------------------------------------------------------- configuration */

static int read_fields(struct binary_record *state, const struct kl_device_config *lab,
                       size_t *fields, struct kl_fault *fault)
{
    const char *text = kl_option_text(lab, "fields");
    const char *word = NULL;
    *fields = 0;
    for (size_t len; text != NULL && (len = kl_text_word(&text, &word)) > 0;) {
        if (*fields == KL_RECORD_FIELDS_MAX ||
            !kl_record_field_read(word, len, state->length, &state->field[*fields + 1])) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "device %s: binary_record: field %zu is \"%.*s\"; write type@offset"
                            "*scale+offset, such as i16le@4*0.001, within %zu bytes",
                            lab->name, *fields + 1, (int)len, word, state->length);
        }
        (*fields)++;
    }
    return *fields > 0 ? KL_OK
                       : kl_fault(fault, KL_ERR_RANGE,
                                  "device %s: binary_record: fields is missing: write type@offset "
                                  "of each, such as i16le@4*0.001 i16le@6*0.001",
                                  lab->name);
}

/* counter, time: a whole number somewhere. */
static int read_whole(const struct binary_record *state, const struct kl_device_config *lab,
                      const char *key, struct kl_record_field *out, struct kl_fault *fault)
{
    const char *text = kl_option_text(lab, key);
    if (text != NULL && (!kl_record_field_read(text, strlen(text), state->length, out) ||
                         !out->type->whole || out->scale != 1 || out->offset != 0)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: binary_record: %s is \"%s\"; write an unsigned type@offset, "
                        "such as u32le@8, within %zu bytes",
                        lab->name, key, text, state->length);
    }
    return KL_OK;
}

static uint64_t mask_of(const struct kl_record_type *type)
{
    return type->size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * type->size)) - 1;
}

static int read_time(struct binary_record *state, const struct kl_device_config *lab,
                     struct kl_fault *fault)
{
    static const struct {
        const char *name;
        double tick_ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    int status = read_whole(state, lab, "counter", &state->counter, fault);
    status = status != KL_OK ? status : read_whole(state, lab, "time", &state->clock, fault);
    if (status != KL_OK) {
        return status;
    }
    if (state->counter.type != NULL) {
        state->time.counter_mask = mask_of(state->counter.type);
    }
    if (state->clock.type == NULL) {
        return KL_OK;
    }
    const char *unit = kl_option_text(lab, "time_unit");
    double tick_s = 0;
    for (size_t i = 0; unit != NULL && i < sizeof(units) / sizeof(units[0]); i++) {
        state->time.tick_ns =
            strcmp(unit, units[i].name) == 0 ? units[i].tick_ns : state->time.tick_ns;
    }
    if (unit != NULL && kl_text_number(unit, strlen(unit), &tick_s) && tick_s >= 1e-9 &&
        tick_s <= 1) {
        state->time.tick_ns = tick_s * 1e9;
    }
    if (state->time.tick_ns == 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: binary_record: time_unit is \"%s\"; write us, ms, s, or the "
                        "tick in seconds",
                        lab->name, unit != NULL ? unit : "");
    }
    state->time.has_time = true;
    state->time.wraps = state->clock.type->size < 8;
    state->time.time_wrap = state->time.wraps ? mask_of(state->clock.type) + 1 : 0;
    return KL_OK;
}

static int read_shape(struct binary_record *state, const struct kl_device_config *lab,
                      struct kl_fault *fault)
{
    const char *sync = kl_option_text(lab, "sync");
    const char *sum = kl_option_text(lab, "checksum");
    state->sync_len = sync != NULL ? kl_record_sync_read(sync, state->sync) : 0;
    if (state->sync_len == 0 || state->sync_len >= state->length) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: binary_record: sync is \"%s\", length %zu; write the record's "
                        "first bytes in hexadecimal (A5 5A, at most %d) and its length",
                        lab->name, sync != NULL ? sync : "", state->length, KL_RECORD_SYNC_MAX);
    }
    if (sum != NULL && strcmp(sum, "none") != 0 &&
        !kl_record_sum_read(sum, strlen(sum), state->length, &state->sum, &state->sum_at)) {
        return kl_fault(
            fault, KL_ERR_RANGE,
            "device %s: binary_record: checksum is \"%s\"; write kind@offset within %zu "
            "bytes; kinds: sum8, neg8, xor8, fletcher16, crc16-ccitt-le, "
            "crc16-modbus-le, crc32-le (or -be)",
            lab->name, sum, state->length);
    }
    if (state->sum != NULL && state->sum_from >= state->sum_at) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: binary_record: checksum_from %zu lies behind the checksum",
                        lab->name, state->sum_from);
    }
    return KL_OK;
}

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    static const struct kl_option_rule options[OPTIONS] = {
        [LENGTH] = {.key = "length", .kind = KL_RULE_WHOLE, .low = 2, .high = KL_RECORD_MAX},
        [CHECKSUM_FROM] = {.key = "checksum_from", .kind = KL_RULE_WHOLE, .high = KL_RECORD_MAX},
        {.key = "sync", .kind = KL_RULE_TEXT},
        {.key = "fields", .kind = KL_RULE_TEXT},
        {.key = "counter", .kind = KL_RULE_TEXT},
        {.key = "time", .kind = KL_RULE_TEXT},
        {.key = "time_unit", .kind = KL_RULE_TEXT},
        {.key = "checksum", .kind = KL_RULE_TEXT},
    };
    double value[OPTIONS] = {0};
    struct binary_record *state = self;
    const struct kl_device_config *lab = config;
    size_t fields = 0;
    if (!(lab->rate_hz >= 0.1 && lab->rate_hz <= RATE_MAX_HZ)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: binary_record: rate_hz %g; write how many records come each "
                        "second, 0.1 to %g",
                        lab->name, lab->rate_hz, RATE_MAX_HZ);
    }
    int status = kl_device_options(lab, options, value, OPTIONS, fault);
    state->length = (size_t)value[LENGTH];
    state->sum_from = (size_t)value[CHECKSUM_FROM];
    status = status != KL_OK ? status : read_shape(state, lab, fault);
    status = status != KL_OK ? status : read_fields(state, lab, &fields, fault);
    status = status != KL_OK ? status : read_time(state, lab, fault);
    if (status != KL_OK) {
        return status;
    }
    state->time.period_ns = 1e9 / lab->rate_hz;
    const struct kl_input_range range[] = {{1, (uint8_t)fields, KL_KIND_COUNT, NULL, "fields"}};
    const struct kl_input_rule rule = {"binary_record",   range, 1, "", 0, lab->rate_hz,
                                       KL_FORMAT_DOUBLE64};
    return kl_lab_streams_take(lab, &rule, &state->map, out, cap, fault);
}

static enum kl_time_meaning time_of(const void *self)
{
    return kl_counted_time_meaning(&((const struct binary_record *)self)->time);
}

/* ----------------------------------------------------------------- records */

static bool begins(const struct binary_record *state, const uint8_t *buf, size_t len)
{
    return memcmp(buf, state->sync, len < state->sync_len ? len : state->sync_len) == 0;
}

static enum kl_frame frame(const void *self, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct binary_record *state = self;
    /* a record in step may be looked at alone; without a checksum others need their neighbour */
    bool alone = state->sum != NULL || state->in_step;
    size_t wanted = state->length + (alone ? 0 : state->sync_len);
    if (!state->in_step && !begins(state, buf, len)) {
        return KL_FRAME_INVALID;
    }
    if (len < wanted) {
        return KL_FRAME_NEED_MORE;
    }
    if (!alone && !begins(state, buf + state->length, state->sync_len)) {
        return KL_FRAME_INVALID;
    }
    if (!state->in_step && state->sum != NULL &&
        !kl_record_sum_fits(state->sum, buf, state->sum_from, state->sum_at)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = state->length; /* in step: parse looks, and hunts from there when it is wrong */
    return KL_FRAME_VALID;
}

static double value_of(const struct kl_record_field *field, const uint8_t *buf, uint32_t *quality)
{
    double stored = field->type->read(buf + field->at);
    if (isfinite(stored) && field->type->high > 1 &&
        (stored <= field->type->low || stored >= field->type->high) &&
        !(field->type->low == 0 && stored == 0)) {
        *quality |= KL_QUALITY_CLIPPED; /* 0 is an ordinary value of an unsigned number */
    }
    return stored * field->scale + field->offset;
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct binary_record *state = self;
    if (len != state->length || cap < state->map.count) {
        return KL_ERR_ARG;
    }
    if (!begins(state, buf, len) ||
        (state->sum != NULL &&
         !kl_record_sum_fits(state->sum, buf, state->sum_from, state->sum_at))) {
        state->in_step = false;
        return KL_ERR_DATA;
    }
    state->in_step = true;
    uint32_t quality = 0;
    uint64_t count =
        state->counter.type != NULL ? state->counter.type->bits(buf + state->counter.at) : 0;
    uint64_t ticks = state->clock.type != NULL ? state->clock.type->bits(buf + state->clock.at) : 0;
    int64_t device_ns = kl_counted_time_step(&state->time, count, ticks, &quality);
    for (size_t s = 0; s < state->map.count; s++) {
        const struct kl_lab_stream *stream = &state->map.stream[s];
        out[s].stream = s;
        out[s].device_ns = device_ns;
        out[s].quality = quality;
        for (size_t c = 0; c < stream->channels; c++) {
            out[s].value[c] = value_of(&state->field[stream->input[c]], buf, &out[s].quality);
        }
    }
    return (int)state->map.count;
}

/* It streams by itself: nobody knows what it would understand. */
static int start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct binary_record *state = self;
    (void)link;
    (void)fault;
    state->in_step = false;
    kl_counted_time_restart(&state->time);
    return KL_OK;
}

static int stop(void *self, struct kl_link *link)
{
    (void)self;
    (void)link;
    return KL_OK;
}

/* Arduino (by maker), Teensy, CH340, ESP32-S3 */
static const struct kl_usb_id usb_id[] = {
    {0x2341, 0x0043}, {0x16C0, 0x0483}, {0x1A86, 0x7523}, {0x303A, 0x1001}};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .usb_id = usb_id, .usb_id_count = 4, .baud = 115200},
    {.kind = KL_LINK_TCP, .tcp_port = 3333},
};

const struct kl_driver kl_binary_record_driver = {
    .name = "binary_record",
    .label = "Binary records",
    .time_meaning = KL_TIME_ARRIVAL,
    .time_of = time_of,
    .state_size = sizeof(struct binary_record),
    .stream_max = 16,
    .need = need,
    .need_count = 2,
    .document = "described in the lab file",
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

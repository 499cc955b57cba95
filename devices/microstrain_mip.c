/* MicroStrain by HBK (formerly LORD) 3DM-*: MIP protocol, sensor data. Big-endian.
 *
 *     packet   0  2  75 65
 *              2  1  descriptor set: 80 sensor data, 01 base and 0C 3DM commands and their replies
 *              3  1  payload length P
 *              4  P  fields: u8 length (its own two bytes included), u8 descriptor, data
 *            4+P  2  Fletcher-16 of everything before: A, B
 *
 *     field (set 80)   type      unit              scale
 *     04               3 f32     g                 9.80665 m/s^2
 *     05               3 f32     rad/s             1
 *     06               3 f32     gauss             1e-4 T
 *     0A               4 f32     quaternion wxyz   p_ned = q p_device q*
 *     12, D3           f64, u16, u16   time of week s, week, flags
 *     18               u16       overrange: 4 bits each of accelerometer, gyro, magnetometer
 *     D5               u64       ns since power-on
 *
 * Axes are the device's: right-handed, z DOWN in the default mounting; level and at rest the
 * acceleration reads about (0, 0, -1 g). The quaternion's earth is north-east-down.
 * Time is D5 where the device has it, else the GPS-correlated time of week; a packet without either
 * stands one period after the last and is marked. There is no packet number: losses come from the
 * time step.
 * All wanted fields are requested at one decimation, so that they share a packet and its time.
 *
 * Uncertain: which models know the overrange field (it is left out when the device refuses it); the
 * reply that holds the format in force (8F, legacy 80), needed only to restore it. The device's
 * flash is never written. At stop the device is left idle with the message format it had.
 * Source: MIP SDK (LORD-MicroStrain/mip_sdk e5a847d8) and the 3DM data communications protocol.
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"
#include "devices/sample_time.h"
#include "devices/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    HEAD_BYTES = 4,
    SUM_BYTES = 2,
    FORMAT_BYTES_MAX = 3 * 32, /* of a message format kept for stop; 32 fields */
    SET_BASE = 0x01,
    SET_3DM = 0x0c,
    SET_SENSOR = 0x80,
    REPLY = 0xf1,
    REFUSED_UNKNOWN = 1,
    ACCEL = 0x04,
    GYRO = 0x05,
    MAG = 0x06,
    QUATERNION = 0x0a,
    GPS_CORRELATED_TIME = 0x12,
    OVERRANGE = 0x18,
    GPS_TIME = 0xd3,
    REFERENCE_TIME = 0xd5,
};

#define RATE_DEFAULT_HZ 250.0 /* divides the base rates of 500 and 1000 Hz */
#define RATE_MAX_HZ 1000.0
#define BAUD_DEFAULT 115200
#define ANSWER_NS INT64_C(200000000)
#define IDLE_NS INT64_C(400000000) /* five times: the 2 s that reluctant units need */
#define OVERRANGE_ACCEL_GYRO 0x00ffu
#define OVERRANGE_MAG 0x0f00u
#define WEEK_S 604800

struct mip {
    char device[KL_NAME_MAX];
    bool magnetometer, orientation;
    double rate_hz;
    int64_t period_ns;
    struct kl_sample_time time;
    int64_t now_ns; /* of the newest sample */

    bool reached;     /* the device has answered: stop has something to do */
    bool legacy;      /* older models: base rate, format and stream by other commands */
    bool reformatted; /* start has changed the message format */
    uint8_t kept[FORMAT_BYTES_MAX]; /* the format it had: n, n x (descriptor, u16 decimation) */
    size_t kept_len;                /* 0: it did not say */
};

/* ------------------------------------------------------------------ packets */

static void fletcher(const uint8_t *buf, size_t len, uint8_t sum[SUM_BYTES])
{
    unsigned a = 0, b = 0;
    for (size_t i = 0; i < len; i++) {
        a = (a + buf[i]) & 0xff;
        b = (b + a) & 0xff;
    }
    sum[0] = (uint8_t)a;
    sum[1] = (uint8_t)b;
}

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    if ((len > 0 && buf[0] != 0x75) || (len > 1 && buf[1] != 0x65)) {
        return KL_FRAME_INVALID;
    }
    if (len < HEAD_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    size_t sum_at = HEAD_BYTES + (size_t)buf[3];
    if (len < sum_at + SUM_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    uint8_t sum[SUM_BYTES];
    fletcher(buf, sum_at, sum);
    if (memcmp(sum, buf + sum_at, SUM_BYTES) != 0) {
        return KL_FRAME_INVALID;
    }
    *frame_len = sum_at + SUM_BYTES;
    return KL_FRAME_VALID;
}

struct field {
    uint8_t descriptor;
    const uint8_t *data;
    size_t len;
};

/* The field at *at, which moves behind it. @return false at the end, also at a malformed field:
 * the rest of the packet cannot be read then. */
static bool next_field(const uint8_t *packet, size_t *at, struct field *out)
{
    size_t end = HEAD_BYTES + (size_t)packet[3];
    if (*at + 2 > end || packet[*at] < 2 || packet[*at] > end - *at) {
        return false;
    }
    *out = (struct field){
        .descriptor = packet[*at + 1], .data = packet + *at + 2, .len = packet[*at] - (size_t)2};
    *at += packet[*at];
    return true;
}

/* ------------------------------------------------------------------ samples */

/* What one packet of sensor data says. */
struct reading {
    const uint8_t *accel, *gyro, *mag, *quaternion; /* NULL: not in this packet */
    bool timed;
    int64_t time_ns;
    unsigned overrange;
};

static void read_time(struct reading *reading, const struct field *field)
{
    if (field->descriptor == REFERENCE_TIME && field->len == 8) {
        uint64_t ns = kl_u64_be(field->data);
        reading->timed = ns <= INT64_MAX;
        reading->time_ns = reading->timed ? (int64_t)ns : 0;
    } else if (!reading->timed && field->len == 12) {
        double of_week_s = kl_f64_be(field->data);
        int64_t week = kl_u16_be(field->data + 8);
        if (of_week_s >= 0 && of_week_s <= WEEK_S) { /* false for NaN */
            reading->timed = true;
            reading->time_ns = week * WEEK_S * KL_NS_PER_S + llround(of_week_s * 1e9);
        }
    }
}

static void read_field(struct reading *reading, const struct field *field)
{
    switch (field->descriptor) {
    case ACCEL:
        reading->accel = field->len == 12 ? field->data : NULL;
        break;
    case GYRO:
        reading->gyro = field->len == 12 ? field->data : NULL;
        break;
    case MAG:
        reading->mag = field->len == 12 ? field->data : NULL;
        break;
    case QUATERNION:
        reading->quaternion = field->len == 16 ? field->data : NULL;
        break;
    case OVERRANGE:
        reading->overrange = field->len == 2 ? kl_u16_be(field->data) : 0;
        break;
    case REFERENCE_TIME:
    case GPS_TIME:
    case GPS_CORRELATED_TIME:
        read_time(reading, field);
        break;
    default:
        break;
    }
}

/* Appends count floats; NaN and the quality bit where the packet has none. */
static void put(struct kl_sample *sample, size_t *channel, const uint8_t *floats, size_t count,
                double scale)
{
    for (size_t i = 0; i < count; i++) {
        double value = floats != NULL ? scale * (double)kl_f32_be(floats + 4 * i) : (double)NAN;
        sample->quality |= isfinite(value) ? 0 : KL_QUALITY_INVALID;
        sample->value[(*channel)++] = value;
    }
}

static int parse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct mip *self = state;
    struct reading reading = {0};
    struct field field;
    size_t at = HEAD_BYTES;
    (void)len; /* frame has checked it */
    if (buf[2] != SET_SENSOR || cap < 1) {
        return 0;
    }
    while (next_field(buf, &at, &field)) {
        read_field(&reading, &field);
    }
    if (reading.accel == NULL || reading.gyro == NULL) {
        return 0; /* another decimation: no sample of ours */
    }
    *out = (struct kl_sample){.stream = 0};
    if (reading.timed) {
        self->now_ns = reading.time_ns;
    } else {
        self->now_ns += self->now_ns < INT64_MAX - self->period_ns ? self->period_ns : 0;
        out->quality |= KL_QUALITY_CLOCK;
    }
    out->device_ns = self->now_ns;
    out->quality |= kl_sample_time_step(&self->time, self->now_ns, self->period_ns);
    unsigned rails = OVERRANGE_ACCEL_GYRO | (self->magnetometer ? OVERRANGE_MAG : 0);
    out->quality |= reading.overrange & rails ? KL_QUALITY_CLIPPED : 0;
    size_t channel = 0;
    put(out, &channel, reading.accel, 3, KL_STANDARD_GRAVITY_M_S2);
    put(out, &channel, reading.gyro, 3, 1);
    if (self->magnetometer) {
        put(out, &channel, reading.mag, 3, KL_TESLA_PER_GAUSS);
    }
    if (self->orientation) {
        put(out, &channel, reading.quaternion, 4, 1);
    }
    return 1;
}

/* ------------------------------------------------------------ configuration */

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    enum { MAGNETOMETER = 0, ORIENTATION, OPTIONS };
    static const struct kl_option_rule rule[OPTIONS] = {
        [MAGNETOMETER] = {.key = "magnetometer", .kind = KL_OPTION_FLAG},
        [ORIENTATION] = {.key = "orientation", .kind = KL_OPTION_FLAG},
    };
    double value[OPTIONS] = {[ORIENTATION] = 1};
    struct mip *self = state;
    const struct kl_device_config *lab = config;
    self->rate_hz = lab->rate_hz != 0 ? lab->rate_hz : RATE_DEFAULT_HZ;
    (void)snprintf(self->device, sizeof(self->device), "%s", lab->name);
    int status = kl_device_options(lab, rule, value, OPTIONS, fault);
    self->magnetometer = value[MAGNETOMETER] > 0;
    self->orientation = value[ORIENTATION] > 0;
    if (status != KL_OK) {
        return status;
    }
    if (!(self->rate_hz >= 1 && self->rate_hz <= RATE_MAX_HZ)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: rate %g Hz; allowed are 1 to %g Hz that divide the unit's base "
                        "rate (1000, 500 or 100 Hz by model)",
                        lab->name, self->rate_hz, RATE_MAX_HZ);
    }
    const struct kl_imu_channels channels = {.gyro = true,
                                             .magnetometer_unit = self->magnetometer ? "T" : NULL,
                                             .orientation = self->orientation};
    self->period_ns = llround(1e9 / self->rate_hz);
    status = kl_imu_stream(lab, &channels, self->rate_hz, out, cap, fault);
    return status == KL_OK ? 1 : status;
}

/* ------------------------------------------------------------- conversation */

struct answer {
    int code;           /* of the F1 field */
    uint8_t descriptor; /* of the first field behind it; 0: none */
    uint8_t data[255];
    size_t len;
};

/* Does the packet answer the command? Data and stale answers do not. */
static bool answers(const uint8_t *packet, uint8_t set, uint8_t command, struct answer *out)
{
    struct field field;
    size_t at = HEAD_BYTES;
    if (packet[2] != set || !next_field(packet, &at, &field) || field.descriptor != REPLY ||
        field.len != 2 || field.data[0] != command) {
        return false;
    }
    *out = (struct answer){.code = field.data[1]};
    if (next_field(packet, &at, &field)) {
        out->descriptor = field.descriptor;
        out->len = field.len;
        memcpy(out->data, field.data, field.len);
    }
    return true;
}

/* Sends one command (field: length, descriptor, data) until it is answered.
 * @return KL_OK (answer->code says yes or no), KL_ERR_TIMEOUT or the link's status */
static int ask(struct kl_conversation *talk, uint8_t set, const uint8_t *field, int tries,
               int64_t wait_ns, struct answer *answer)
{
    uint8_t packet[HEAD_BYTES + 255 + SUM_BYTES] = {0x75, 0x65, set, field[0]};
    memcpy(packet + HEAD_BYTES, field, field[0]);
    fletcher(packet, HEAD_BYTES + (size_t)field[0], packet + HEAD_BYTES + field[0]);
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < tries && status == KL_ERR_TIMEOUT; i++) {
        int64_t left_ns = wait_ns;
        const uint8_t *bytes = NULL;
        size_t len = 0;
        status = kl_conversation_send(talk, packet, HEAD_BYTES + (size_t)field[0] + SUM_BYTES);
        while (status == KL_OK) {
            status = kl_conversation_next(talk, &left_ns, &bytes, &len);
            if (status == KL_OK && answers(bytes, set, field[1], answer)) {
                return KL_OK;
            }
        }
    }
    return status;
}

static const char *code_text(int code)
{
    static const char *const text[] = {
        "yes",    "unknown command", "bad checksum", "not a valid parameter", "command failed",
        "timeout"};
    return code >= 0 && (size_t)code < COUNT(text) ? text[code] : "a code nobody documented";
}

/* One step of the handshake in words. @return KL_OK, or a status with *fault */
static int command(const struct mip *self, struct kl_conversation *talk, const char *what,
                   uint8_t set, const uint8_t *field, struct answer *answer, struct kl_fault *fault)
{
    int status = ask(talk, set, field, 3, ANSWER_NS, answer);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: %s (%02X/%02X): expected an acknowledgement within 200 ms, got "
                        "%s three times; unplug it and plug it in again",
                        self->device, what, set, field[1], kl_status_text(status));
    }
    if (answer->code != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: %s (%02X/%02X): expected yes, the device answered %d (%s); "
                        "check the rate and the options against the model",
                        self->device, what, set, field[1], answer->code, code_text(answer->code));
    }
    return KL_OK;
}

static const uint8_t ping[] = {2, 0x01};
static const uint8_t idle[] = {2, 0x02};
static const uint8_t device_info[] = {2, 0x03};
static const uint8_t resume[] = {2, 0x06};

/* Speeds in the order of their likelihood; USB units answer at any. */
static int find_speed(struct kl_conversation *talk, int tries)
{
    static const unsigned speed[] = {BAUD_DEFAULT, 921600, 460800, 230400};
    struct answer answer;
    int status = ask(talk, SET_BASE, ping, tries, ANSWER_NS, &answer);
    for (size_t i = 1; i < COUNT(speed) && status == KL_ERR_TIMEOUT; i++) {
        struct kl_link *link = talk->link;
        if (link->ops->set_baud == NULL || link->ops->set_baud(link, speed[i]) < 0) {
            return KL_ERR_TIMEOUT;
        }
        kl_conversation_init(talk, link, frame, NULL);
        status = ask(talk, SET_BASE, ping, tries, ANSWER_NS, &answer);
    }
    return status;
}

/* @return KL_OK, or a status with *fault */
static int base_rate(struct mip *self, struct kl_conversation *talk, double *base_hz,
                     struct kl_fault *fault)
{
    static const uint8_t ask_new[] = {3, 0x0e, SET_SENSOR};
    static const uint8_t ask_legacy[] = {2, 0x06};
    struct answer answer = {0};
    int status = command(self, talk, "base rate", SET_3DM, ask_new, &answer, fault);
    self->legacy = status == KL_ERR_DATA && answer.code == REFUSED_UNKNOWN;
    if (self->legacy) {
        status = command(self, talk, "base rate", SET_3DM, ask_legacy, &answer, fault);
    }
    if (status != KL_OK) {
        return status;
    }
    size_t head = self->legacy ? 0 : 1; /* the set is echoed before the rate */
    if (answer.descriptor != (self->legacy ? 0x83 : 0x8e) || answer.len != head + 2) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: base rate (0C): expected field 8E (older models: 83), got %02X "
                        "of %zu bytes; this model speaks another protocol",
                        self->device, (unsigned)answer.descriptor, answer.len);
    }
    *base_hz = kl_u16_be(answer.data + head);
    double decimation = *base_hz / self->rate_hz;
    if (decimation >= 1 && fabs(decimation - rint(decimation)) < 1e-6) {
        return KL_OK;
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "device %s: rate %g Hz cannot be had: it must divide the unit's base rate of "
                    "%g Hz; take for example %g or %g Hz",
                    self->device, self->rate_hz, *base_hz, *base_hz / 2, *base_hz / 4);
}

/* Asks for the format in force, so that stop can bring it back. An answer of another shape is no
 * fault: the format is volatile, and a power cycle restores it. */
static int keep_format(struct mip *self, struct kl_conversation *talk)
{
    static const uint8_t ask_new[] = {4, 0x0f, 2, SET_SENSOR};
    static const uint8_t ask_legacy[] = {4, 0x08, 2, 0};
    struct answer answer = {0};
    self->kept_len = 0;
    int status = ask(talk, SET_3DM, self->legacy ? ask_legacy : ask_new, 2, ANSWER_NS, &answer);
    if (status != KL_OK) {
        return status == KL_ERR_TIMEOUT ? KL_OK : status;
    }
    size_t head = self->legacy ? 0 : 1; /* the set is echoed before the list */
    uint8_t descriptor = self->legacy ? 0x80 : 0x8f;
    if (answer.code == 0 && answer.descriptor == descriptor && answer.len > head &&
        answer.len == head + 1 + 3 * (size_t)answer.data[head] &&
        answer.len - head <= sizeof(self->kept)) {
        self->kept_len = answer.len - head;
        memcpy(self->kept, answer.data + head, self->kept_len);
    }
    return KL_OK;
}

/* The command that sets a format: list holds n, n x (descriptor, u16 decimation). */
static void format_command(const struct mip *self, const uint8_t *list, size_t len, uint8_t *field)
{
    size_t at = 0;
    field[at++] = 0;
    field[at++] = self->legacy ? 0x08 : 0x0f;
    field[at++] = 1; /* write */
    if (!self->legacy) {
        field[at++] = SET_SENSOR;
    }
    memcpy(field + at, list, len);
    field[0] = (uint8_t)(at + len);
}

static int set_format(struct mip *self, struct kl_conversation *talk, unsigned decimation,
                      struct kl_fault *fault)
{
    /* The best first; what a model does not know is left out, then the older time is asked for. */
    static const struct {
        uint8_t time;
        bool overrange;
    } attempt[] = {{REFERENCE_TIME, true}, {REFERENCE_TIME, false}, {GPS_CORRELATED_TIME, false}};
    int status = KL_ERR_DATA;
    for (size_t a = self->legacy ? 2 : 0; a < COUNT(attempt) && status == KL_ERR_DATA; a++) {
        uint8_t wanted[6] = {attempt[a].time, ACCEL, GYRO};
        uint8_t list[1 + 3 * sizeof(wanted)] = {3};
        wanted[list[0]] = MAG;
        list[0] = (uint8_t)(list[0] + (self->magnetometer ? 1 : 0));
        wanted[list[0]] = QUATERNION;
        list[0] = (uint8_t)(list[0] + (self->orientation ? 1 : 0));
        wanted[list[0]] = OVERRANGE;
        list[0] = (uint8_t)(list[0] + (attempt[a].overrange ? 1 : 0));
        for (size_t i = 0; i < list[0]; i++) {
            list[1 + 3 * i] = wanted[i];
            list[2 + 3 * i] = (uint8_t)(decimation >> 8);
            list[3 + 3 * i] = (uint8_t)decimation;
        }
        uint8_t field[4 + sizeof(list)];
        struct answer answer = {0};
        format_command(self, list, 1 + 3 * (size_t)list[0], field);
        self->reformatted = true;
        status = command(self, talk, "message format", SET_3DM, field, &answer, fault);
    }
    return status;
}

static int stream_on(const struct mip *self, struct kl_conversation *talk, struct kl_fault *fault)
{
    const uint8_t on[] = {5, 0x11, 1, self->legacy ? 1 : SET_SENSOR, 1};
    struct answer answer = {0};
    int status = command(self, talk, "stream on", SET_3DM, on, &answer, fault);
    if (status == KL_OK) { /* some models stay idle until told; others need no second word */
        status = ask(talk, SET_BASE, resume, 2, ANSWER_NS, &answer);
        status = status == KL_ERR_TIMEOUT ? KL_OK : status;
    }
    return status;
}

static int make_idle(struct kl_conversation *talk)
{
    struct answer answer = {0};
    int status = ask(talk, SET_BASE, idle, 5, IDLE_NS, &answer);
    return status == KL_OK && answer.code != 0 ? KL_ERR_DATA : status;
}

static int stop(void *state, struct kl_link *link)
{
    struct mip *self = state;
    struct kl_conversation talk;
    struct answer answer = {0};
    if (!self->reached) {
        return KL_OK;
    }
    kl_conversation_init(&talk, link, frame, NULL);
    int status = make_idle(&talk);
    if (self->reformatted && self->kept_len > 0 && (status == KL_OK || status == KL_ERR_DATA)) {
        uint8_t field[4 + FORMAT_BYTES_MAX];
        format_command(self, self->kept, self->kept_len, field);
        int restored = ask(&talk, SET_3DM, field, 3, ANSWER_NS, &answer);
        restored = restored == KL_OK && answer.code != 0 ? KL_ERR_DATA : restored;
        status = status == KL_OK ? restored : status;
    }
    self->reached = false;
    self->reformatted = false;
    return status;
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct mip *self = state;
    struct kl_conversation talk;
    double base_hz = 0;
    kl_conversation_init(&talk, link, frame, NULL);
    self->time = (struct kl_sample_time){0};
    int status = find_speed(&talk, 3);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: ping (01/01): expected an acknowledgement at 115200, 921600, "
                        "460800 or 230400 baud, got %s; check the cable and the port",
                        self->device, kl_status_text(status));
    }
    self->reached = true;
    status = make_idle(&talk);
    if (status != KL_OK) {
        (void)kl_fault(fault, status,
                       "device %s: idle (01/02): expected an acknowledgement, got %s five times; "
                       "unplug it and plug it in again",
                       self->device, kl_status_text(status));
    }
    status = status == KL_OK ? base_rate(self, &talk, &base_hz, fault) : status;
    status = status == KL_OK ? keep_format(self, &talk) : status;
    status = status == KL_OK
                 ? set_format(self, &talk, (unsigned)lrint(base_hz / self->rate_hz), fault)
                 : status;
    status = status == KL_OK ? stream_on(self, &talk, fault) : status;
    if (status != KL_OK) {
        (void)stop(self, link);
    }
    return status;
}

/* Copies a space-padded text without its padding. */
static void trimmed(char *out, const uint8_t *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0')) {
        len--;
    }
    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = text[i] >= ' ' && text[i] < 0x7f ? (char)text[i] : '?';
    }
    out[len] = '\0';
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    enum { TEXT_BYTES = 16, INFO_BYTES = 2 + 5 * TEXT_BYTES };
    struct kl_conversation talk;
    struct answer answer = {0};
    kl_conversation_init(&talk, link, frame, NULL);
    int status = ask(&talk, SET_BASE, ping, 2, ANSWER_NS, &answer);
    status = status == KL_OK ? ask(&talk, SET_BASE, device_info, 2, ANSWER_NS, &answer) : status;
    if (status != KL_OK) {
        return status;
    }
    if (answer.code != 0 || answer.descriptor != 0x81 || answer.len < INFO_BYTES) {
        return KL_ERR_DATA;
    }
    char model[TEXT_BYTES + 1], serial[TEXT_BYTES + 1];
    trimmed(model, answer.data + 2, TEXT_BYTES);
    trimmed(serial, answer.data + 2 + 2 * TEXT_BYTES, TEXT_BYTES);
    (void)snprintf(out, len, "%s, serial %s, firmware %u", model, serial,
                   (unsigned)kl_u16_be(answer.data));
    return KL_OK;
}

/* The vendor is sure, the products come from users' udev rules. */
static const struct kl_usb_id usb_id[] = {{0x199b, 0x3065}, {0x199b, 0x3d65}};

static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .usb_id = usb_id, .usb_id_count = COUNT(usb_id), .baud = BAUD_DEFAULT},
};

const struct kl_driver kl_microstrain_mip_driver = {
    .name = "microstrain_mip",
    .label = "MicroStrain 3DM inertial sensor (MIP)",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct mip),
    .stream_max = 1,
    .need = need,
    .need_count = COUNT(need),
    .document = "MicroStrain MIP data communications protocol; mip_sdk",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

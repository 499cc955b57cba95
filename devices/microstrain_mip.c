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
 * Uncertain: which models know the overrange field (it is left out when the device refuses it).
 * Source: MIP SDK (LORD-MicroStrain/mip_sdk e5a847d8) and the 3DM data communications protocol.
 */
#include "devices/microstrain_mip.h"

#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"
#include "devices/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { GPS_TIME = 0xd3 };

#define RATE_DEFAULT_HZ 250.0 /* divides the base rates of 500 and 1000 Hz */
#define RATE_MAX_HZ 1000.0
#define OVERRANGE_ACCEL_GYRO 0x00ffu
#define OVERRANGE_MAG 0x0f00u
#define WEEK_S 604800
#define WEEKS_MAX 15000 /* GPS weeks that int64 ns can hold: 287 years */

/* ------------------------------------------------------------------ packets */

void kl_mip_checksum(const uint8_t *buf, size_t len, uint8_t sum[2])
{
    unsigned a = 0, b = 0;
    for (size_t i = 0; i < len; i++) {
        a = (a + buf[i]) & 0xff;
        b = (b + a) & 0xff;
    }
    sum[0] = (uint8_t)a;
    sum[1] = (uint8_t)b;
}

enum kl_frame kl_mip_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    if ((len > 0 && buf[0] != 0x75) || (len > 1 && buf[1] != 0x65)) {
        return KL_FRAME_INVALID;
    }
    if (len < KL_MIP_HEAD_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    size_t sum_at = KL_MIP_HEAD_BYTES + (size_t)buf[3];
    if (len < sum_at + KL_MIP_SUM_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    uint8_t sum[KL_MIP_SUM_BYTES];
    kl_mip_checksum(buf, sum_at, sum);
    if (memcmp(sum, buf + sum_at, KL_MIP_SUM_BYTES) != 0) {
        return KL_FRAME_INVALID;
    }
    *frame_len = sum_at + KL_MIP_SUM_BYTES;
    return KL_FRAME_VALID;
}

bool kl_mip_next_field(const uint8_t *packet, size_t len, size_t *at, struct kl_mip_field *out)
{
    size_t end = KL_MIP_HEAD_BYTES + (len >= KL_MIP_HEAD_BYTES ? (size_t)packet[3] : 0);
    if (end > len || *at + 2 > end || packet[*at] < 2 || packet[*at] > end - *at) {
        return false;
    }
    *out = (struct kl_mip_field){
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

static void read_time(struct reading *reading, const struct kl_mip_field *field)
{
    if (field->descriptor == KL_MIP_REFERENCE_TIME && field->len == 8) {
        uint64_t ns = kl_u64_be(field->data);
        reading->timed = ns <= INT64_MAX;
        reading->time_ns = reading->timed ? (int64_t)ns : 0;
    } else if (!reading->timed && field->len == 12) {
        double of_week_s = kl_f64_be(field->data);
        int64_t week = kl_u16_be(field->data + 8);
        if (of_week_s >= 0 && of_week_s <= WEEK_S && week < WEEKS_MAX) { /* false for NaN */
            reading->timed = true;
            reading->time_ns = week * WEEK_S * KL_NS_PER_S + llround(of_week_s * 1e9);
        }
    }
}

static void read_field(struct reading *reading, const struct kl_mip_field *field)
{
    switch (field->descriptor) {
    case KL_MIP_ACCEL:
        reading->accel = field->len == 12 ? field->data : NULL;
        break;
    case KL_MIP_GYRO:
        reading->gyro = field->len == 12 ? field->data : NULL;
        break;
    case KL_MIP_MAG:
        reading->mag = field->len == 12 ? field->data : NULL;
        break;
    case KL_MIP_QUATERNION:
        reading->quaternion = field->len == 16 ? field->data : NULL;
        break;
    case KL_MIP_OVERRANGE:
        reading->overrange = field->len == 2 ? kl_u16_be(field->data) : 0;
        break;
    case KL_MIP_REFERENCE_TIME:
    case GPS_TIME:
    case KL_MIP_GPS_CORRELATED_TIME:
        read_time(reading, field);
        break;
    default:
        break;
    }
}

/* Appends count floats; NaN where the packet has none. */
static void put(struct kl_sample *sample, size_t *channel, const uint8_t *floats, size_t count,
                double scale)
{
    for (size_t i = 0; i < count; i++) {
        sample->value[(*channel)++] =
            floats != NULL ? scale * (double)kl_f32_be(floats + 4 * i) : (double)NAN;
    }
}

static int parse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct kl_mip *self = state;
    struct reading reading = {0};
    struct kl_mip_field field;
    size_t at = KL_MIP_HEAD_BYTES;
    if (len < KL_MIP_HEAD_BYTES || buf[2] != KL_MIP_SET_SENSOR || cap < 1) {
        return 0;
    }
    while (kl_mip_next_field(buf, len, &at, &field)) {
        read_field(&reading, &field);
    }
    if (reading.accel == NULL || reading.gyro == NULL) {
        return 0; /* another decimation: no sample of ours */
    }
    *out = (struct kl_sample){.stream = 0};
    int64_t now_ns = reading.time_ns;
    if (!reading.timed) {
        int64_t period_ns = llround(self->time.period_ns);
        now_ns = self->time.time_ns;
        now_ns += now_ns < INT64_MAX - period_ns ? period_ns : 0;
        out->quality |= KL_QUALITY_CLOCK;
    }
    out->device_ns = kl_counted_time_step(&self->time, 0, (uint64_t)now_ns, &out->quality);
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
        [MAGNETOMETER] = {.key = "magnetometer", .kind = KL_RULE_FLAG},
        [ORIENTATION] = {.key = "orientation", .kind = KL_RULE_FLAG},
    };
    double value[OPTIONS] = {[ORIENTATION] = 1};
    struct kl_mip *self = state;
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
    self->time = kl_counted_time_absolute(1e9 / self->rate_hz, false);
    status = kl_imu_stream(lab, &channels, self->rate_hz, out, cap, fault);
    return status == KL_OK ? 1 : status;
}

/* The vendor is sure, the products come from users' udev rules. */
static const struct kl_usb_id usb_id[] = {{0x199b, 0x3065}, {0x199b, 0x3d65}};

static const unsigned other_speed[] = {921600, 460800, 230400, 0};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL,
     .speed = other_speed,
     .usb_id = usb_id,
     .usb_id_count = COUNT(usb_id),
     .baud = KL_MIP_BAUD},
};

const struct kl_driver kl_microstrain_mip_driver = {
    .name = "microstrain_mip",
    .label = "MicroStrain 3DM inertial sensor (MIP)",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct kl_mip),
    .stream_max = 1,
    .need = need,
    .need_count = COUNT(need),
    .document = "MicroStrain MIP data communications protocol; mip_sdk",
    .identify = kl_mip_identify,
    .configure = configure,
    .start = kl_mip_start,
    .stop = kl_mip_stop,
    .frame = kl_mip_frame,
    .parse = parse,
};

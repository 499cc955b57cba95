/* Xsens / Movella MTi (1-series, 10, 100, 600 and 710 families): Xbus messages, big-endian.
 *
 *   offset  size  field
 *   0       1     FA
 *   1       1     bus id: FF; 01 too on a bus with several devices
 *   2       1     message id (MID); the acknowledgement of MID is MID + 1
 *   3       1     length 0..254; FF: the next two bytes are the length, 255..2048
 *   4 or 6  n     payload; of MTData2 (MID 36): devices/xsens_mti_data.h
 *   end     1     the sum of all bytes but the first is 0 mod 256
 *
 * Document: Movella "MT Low-Level Communication Protocol Documentation" (MT0101P).
 * Axes: those of the case, z up: at rest and level az reads +1 g. Orientation: sensor to earth, the
 * earth's frame east-north-up, which is the device's default and is what we ask for.
 * Magnetic field: no SI unit; 1 is the field where the unit was calibrated.
 * Time: sample time fine, 10 kHz, the instant of the sample.
 *
 * Uncertain, and what is done about it:
 * - Which rates a product gives: the answer to SetOutputConfiguration tells what it really
 * accepted; less than the lab file says is a fault that names the rate to write there.
 * - The unit keeps its output configuration in flash by itself. So it is read first, written only
 *   when it differs, and put back at the end, unless `keep_configuration: yes` saves the two
 *   writes per session. The speed of the line is never changed.
 * - Fine time restarts at 864,000,000 (a day) on some units and at 2^32 on others: both are
 *   unwrapped; the messages of a GNSS receiver carry older times and are not samples.
 */
#include "devices/xsens_mti.h"

#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"
#include "devices/xsens_mti_data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PREAMBLE 0xfa
#define BUS_MASTER 0xff
#define PAYLOAD_MAX 2048
#define BASE_HZ 400    /* calibrated data of all families but the 1-series (100) */
#define DEFAULT_HZ 100 /* every family, and 115200 baud */

#define TICK_NS INT64_C(100000)
#define TICKS_DAY INT64_C(864000000)
#define TICKS_DAY_LATE INT64_C(6000000) /* 10 min: the longest pause across the restart */

/* Status word */
#define CLIPPED_MOTION 0x00003f00U   /* accelerometer x y z, gyro x y z */
#define CLIPPED_MAGNETIC 0x0001c000U /* magnetometer x y z */
#define CLIPPED_ANY 0x00080000U

/* -------------------------------------------------------------------- frames */

enum kl_frame kl_mti_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    if (len > 0 && buf[0] != PREAMBLE) {
        return KL_FRAME_INVALID;
    }
    if (len > 1 && buf[1] != BUS_MASTER && buf[1] != 0x01) {
        return KL_FRAME_INVALID;
    }
    if (len < 4) {
        return KL_FRAME_NEED_MORE;
    }
    size_t head = 4;
    size_t payload = buf[3];
    if (buf[3] == KL_MTI_EXTENDED) {
        if (len < 6) {
            return KL_FRAME_NEED_MORE;
        }
        head = 6;
        payload = kl_u16_be(buf + 4);
        if (payload < KL_MTI_EXTENDED || payload > PAYLOAD_MAX) {
            return KL_FRAME_INVALID;
        }
    }
    size_t whole = head + payload + 1;
    if (len < whole) {
        return KL_FRAME_NEED_MORE;
    }
    uint8_t sum = 0;
    for (size_t i = 1; i < whole; i++) {
        sum = (uint8_t)(sum + buf[i]);
    }
    if (sum != 0) {
        return KL_FRAME_INVALID;
    }
    *frame_len = whole;
    return KL_FRAME_VALID;
}

const uint8_t *kl_mti_payload(const uint8_t *buf, size_t len, size_t *payload_len)
{
    size_t head = buf[3] == KL_MTI_EXTENDED ? 6 : 4;
    *payload_len = len - head - 1;
    return buf + head;
}

/* ------------------------------------------------------------------- samples */

/* Every MTData2 message takes a number, those of a GNSS receiver too. */
static void follow_counter(struct kl_mti *state, const struct kl_mti_data *data)
{
    if (!kl_mti_has(data, KL_MTI_COUNTER)) {
        return;
    }
    uint16_t counter = (uint16_t)data->value[KL_MTI_COUNTER][0];
    if (state->has_counter) {
        uint16_t step = (uint16_t)(counter - state->counter);
        state->gap |= step != 1;
        state->odd |= step == 0 || step > 0x8000;
    }
    state->has_counter = true;
    state->counter = counter;
}

/* Ticks from the last sample to this one. */
static int64_t elapsed(uint32_t from, uint32_t to)
{
    int64_t ticks = (int64_t)to - (int64_t)from;
    if (ticks < -(INT64_C(1) << 31)) {
        return ticks + (INT64_C(1) << 32);
    }
    if (ticks < 0 && ticks >= -TICKS_DAY && ticks <= -TICKS_DAY + TICKS_DAY_LATE) {
        return ticks + TICKS_DAY;
    }
    return ticks;
}

/* @return quality bits of the time */
static uint32_t follow_time(struct kl_mti *state, const struct kl_mti_data *data)
{
    uint32_t quality = 0;
    if (!kl_mti_has(data, KL_MTI_TIME_FINE)) { /* not configured by us */
        state->device_ns += state->has_time ? llround(1e9 / state->rate_hz) : 0;
        state->has_time = true;
        return KL_QUALITY_CLOCK;
    }
    uint32_t fine = (uint32_t)data->value[KL_MTI_TIME_FINE][0];
    if (!state->has_time) {
        state->device_ns = fine * TICK_NS;
    } else {
        int64_t ticks = elapsed(state->fine, fine);
        state->device_ns += ticks * TICK_NS;
        quality = ticks <= 0 ? KL_QUALITY_GAP | KL_QUALITY_CLOCK : 0; /* a restart, or repeated */
    }
    state->has_time = true;
    state->fine = fine;
    return quality;
}

static bool clipped(const struct kl_mti *state, const struct kl_mti_data *data)
{
    if (!kl_mti_has(data, KL_MTI_STATUS)) {
        return false;
    }
    uint32_t status = (uint32_t)data->value[KL_MTI_STATUS][0];
    uint32_t axes = CLIPPED_MOTION | (state->magnetic ? CLIPPED_MAGNETIC : 0);
    bool unnamed =
        (status & CLIPPED_ANY) != 0 && (status & (CLIPPED_MOTION | CLIPPED_MAGNETIC)) == 0;
    return (status & axes) != 0 || unnamed;
}

/* A field that is configured but not in this message is not a number. */
static void put(const struct kl_mti_data *data, enum kl_mti_field field, size_t count,
                struct kl_sample *sample, size_t *channel)
{
    for (size_t i = 0; i < count; i++) {
        bool has = kl_mti_has(data, field);
        sample->value[(*channel)++] = has ? data->value[field][i] : (double)NAN;
    }
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct kl_mti *state = self;
    const uint32_t motion =
        1U << KL_MTI_ACCELERATION | 1U << KL_MTI_RATE_OF_TURN | 1U << KL_MTI_QUATERNION;
    struct kl_mti_data data;
    if (buf[2] != KL_MTI_MTDATA2) {
        return 0;
    }
    size_t payload_len = 0;
    const uint8_t *payload = kl_mti_payload(buf, len, &payload_len);
    if (kl_mti_data(payload, payload_len, &data) != KL_OK) {
        return KL_ERR_DATA;
    }
    follow_counter(state, &data);
    if ((data.has & motion) == 0 || cap < 1) {
        return 0;
    }
    *out = (struct kl_sample){.quality = state->gap ? KL_QUALITY_GAP : 0};
    out->quality |= state->odd ? KL_QUALITY_CLOCK : 0;
    out->quality |= follow_time(state, &data);
    out->quality |= clipped(state, &data) ? KL_QUALITY_CLIPPED : 0;
    out->device_ns = state->device_ns;
    state->gap = state->odd = false;
    size_t channel = 0;
    put(&data, KL_MTI_ACCELERATION, 3, out, &channel);
    put(&data, KL_MTI_RATE_OF_TURN, 3, out, &channel);
    if (state->magnetic) {
        put(&data, KL_MTI_MAGNETIC, 3, out, &channel);
    }
    if (state->orientation) {
        put(&data, KL_MTI_QUATERNION, 4, out, &channel);
    }
    return 1;
}

/* ------------------------------------------------------------- configuration */

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    enum { BAUD = 0, KEEP, MAGNETOMETER, ORIENTATION, OPTIONS };
    static const struct kl_option_rule rule[OPTIONS] = {
        [BAUD] = {.key = "baud", .kind = KL_RULE_WHOLE, .low = 4800, .high = 4000000},
        [KEEP] = {.key = "keep_configuration", .kind = KL_RULE_FLAG},
        [MAGNETOMETER] = {.key = "magnetometer", .kind = KL_RULE_FLAG},
        [ORIENTATION] = {.key = "orientation", .kind = KL_RULE_FLAG},
    };
    double value[OPTIONS] = {[ORIENTATION] = 1};
    const struct kl_device_config *lab = config;
    struct kl_mti *state = self;
    *state = (struct kl_mti){.name = ""};
    int status = kl_device_options(lab, rule, value, OPTIONS, fault);
    if (status != KL_OK) {
        return status;
    }
    state->baud = (unsigned)value[BAUD];
    state->keep = value[KEEP] > 0;
    state->magnetic = value[MAGNETOMETER] > 0;
    state->orientation = value[ORIENTATION] > 0;
    (void)snprintf(state->name, sizeof(state->name), "%.*s", KL_NAME_MAX - 1, lab->name);
    int divisor = kl_imu_divisor(lab, BASE_HZ, DEFAULT_HZ, true, fault);
    if (divisor < 0) {
        return divisor;
    }
    state->rate_hz = BASE_HZ / (double)divisor;
    const struct kl_imu_channels channels = {.gyro = true,
                                             .magnetometer_unit = state->magnetic ? "1" : NULL,
                                             .orientation = state->orientation};
    status = kl_imu_stream(lab, &channels, state->rate_hz, out, cap, fault);
    return status == KL_OK ? 1 : status;
}

/* --------------------------------------------------------------------- table */

/* The Xsens USB cable and boards, and a directly connected MTi whose kernel driver (xsens_mt) makes
 * a serial port. 0101, 0102 and 0200 of the vendor are other products. */
static const struct kl_usb_id serial_id[] = {
    {0x2639, 0x0300}, {0x2639, 0x0301}, {0x2639, 0xd00d}, {0x0403, 0xd388}, {0x0403, 0xd389},
    {0x0403, 0xd38a}, {0x0403, 0xd38b}, {0x0403, 0xd38c}, {0x0403, 0xd38d}, {0x0403, 0xd38e},
    {0x0403, 0xd38f}, {0x2639, 0x0001}, {0x2639, 0x0002}, {0x2639, 0x0003}, {0x2639, 0x0011},
    {0x2639, 0x0012}, {0x2639, 0x0013}, {0x2639, 0x0017},
};

static const struct kl_usb_id direct_id[] = {
    {0x2639, 0x0001}, {0x2639, 0x0002}, {0x2639, 0x0003}, {0x2639, 0x0011},
    {0x2639, 0x0012}, {0x2639, 0x0013}, {0x2639, 0x0017},
};

static const unsigned other_speed[] = {921600, 460800, 230400,  57600,   38400,
                                       19200,  9600,   2000000, 4000000, 0};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL,
     .speed = other_speed,
     .usb_id = serial_id,
     .usb_id_count = sizeof(serial_id) / sizeof(serial_id[0]),
     .baud = 115200},
    /* stream_in 0: endpoint numbers differ between units (usually they are on interface 1), so the
     * link takes the interface that has a bulk pair, and throws stale input away */
    {.kind = KL_LINK_USB,
     .usb_id = direct_id,
     .usb_id_count = sizeof(direct_id) / sizeof(direct_id[0]),
     .packet = 512},
};

const struct kl_driver kl_xsens_mti_driver = {
    .name = "xsens_mti",
    .label = "Xsens / Movella MTi",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct kl_mti),
    .stream_max = 1,
    .need = need,
    .need_count = sizeof(need) / sizeof(need[0]),
    .document = "Movella MT Low-Level Communication Protocol Documentation, MT0101P",
    .identify = kl_mti_identify,
    .configure = configure,
    .start = kl_mti_start,
    .stop = kl_mti_stop,
    .frame = kl_mti_frame,
    .parse = parse,
};

/* x-io Technologies x-IMU3: messages that end with 0A, little-endian.
 *
 *   binary   id timestamp numbers 0A; id: the letter + 80h, timestamp: u64 us, numbers: float32
 *            before the end, 0A is sent as DB DC and DB as DB DD
 *   text     letter,timestamp,number,number...\n
 *   command  {"key":value}\n, answered by the same text
 *
 *   letter  bytes with the end  numbers                                   stream here
 *   I       34                  gyro x y z deg/s, acceleration x y z g    imu.<placement>
 *   Q       26                  quaternion w x y z                        orientation.<placement>
 *   M       22                  magnetic field x y z                      magnetometer.<placement>
 *   H       22                  acceleration x y z g, up to 200 g         high_g.<placement>
 *   B       22                  %, V, charger                             battery.<placement>
 *
 * Document: x-io Technologies x-IMU3 User Manual.
 * Axes: those of the case, z up: at rest and level az reads +1 g. Orientation: sensor to earth; the
 * earth's frame is the device's setting ahrs_axes_convention (default north-west-up).
 * Magnetic field: no SI unit; 1 is the field where the unit was calibrated.
 * Time: us since power-up, of the sample; a divided rate averages, and carries the time of the
 * last. The letters are measured at instants and rates of their own, so each is a stream of its
 * own.
 *
 * There is no checksum and no sequence number. A damaged number cannot be seen; a lost message
 * shows as a step of more than a period and a half of its letter (the nominal rates hold to 0.3 %
 * inertial, 5 % high-g, 8 % magnetic).
 *
 * Uncertain, and what is done about it:
 * - The USB ids are not published: any serial port is asked (ping).
 * - A message of a chained unit (^, channel, message) is passed over. Damage that leaves such a
 * head before a good message hides that one too: 1 of 3000 single faults in the test.
 * - L, E and U changed their layout in 2026: told by length; we do not ask for them.
 * - Units synchronised over Wi-Fi may step their clock once: a step back is told, not mended.
 * - Ranges (+-24 g, +-2000 deg/s, +-200 g) are the manual's; within 1 % of them is called clipped.
 */
#include "devices/ximu3.h"

#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"
#include "devices/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define BASE_HZ 400
#define HIGH_G_HZ 3200
#define DEFAULT_HZ 200 /* methods 2 */
#define STUFFED 1.05   /* [P] length after stuffing: 2 of 256 bytes of noise, with room to spare */

#define NO_RANGE HUGE_VAL

/* Streams: channels in order, each `unit` of so many numbers of the message. */
static const struct row {
    const char *what;
    double rate_hz; /* 0: as configured */
    struct part {
        const char *labels, *unit;
        size_t first, count; /* numbers of the message */
        double scale, range; /* range: |number| at the rail */
    } part[2];
    enum kl_kind kind;
    char letter;
} rows[] = {
    {"imu",
     0,
     {{"ax ay az", "m/s^2", 3, 3, KL_STANDARD_GRAVITY_M_S2, 24},
      {"wx wy wz", "rad/s", 0, 3, KL_RAD_PER_DEG, 2000}},
     KL_KIND_IMU,
     'I'},
    {"orientation", 0, {{"qw qx qy qz", "1", 0, 4, 1, NO_RANGE}}, KL_KIND_OTHER, 'Q'},
    {"magnetometer", 20, {{"mx my mz", "1", 0, 3, 1, NO_RANGE}}, KL_KIND_OTHER, 'M'},
    {"high_g", 0, {{"ax ay az", "m/s^2", 0, 3, KL_STANDARD_GRAVITY_M_S2, 200}}, KL_KIND_OTHER, 'H'},
    {"battery",
     5,
     {{"charge", "%", 0, 1, 1, NO_RANGE}, {"voltage", "V", 1, 1, 1, NO_RANGE}},
     KL_KIND_OTHER,
     'B'},
};

enum { INERTIAL = 0, ORIENTATION, MAGNETOMETER, HIGH_G, BATTERY };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct kl_ximu3 *state = self;
    struct kl_ximu3_message message;
    int status = kl_ximu3_message(buf, len, &message);
    if (status != KL_OK || cap < 1) {
        return status == KL_ERR_UNSUPPORTED ? 0 : status;
    }
    if (message.letter == rows[BATTERY].letter && message.count > 0) {
        state->has_charge = message.value[0] >= 0 && message.value[0] <= 100;
        state->charge = message.value[0];
    }
    size_t s = 0;
    while (s < state->stream_count && rows[state->stream[s].row].letter != message.letter) {
        s++;
    }
    if (s == state->stream_count || message.count == 0) {
        return 0;
    }
    const struct row *row = &rows[state->stream[s].row];
    *out = (struct kl_sample){.stream = s};
    out->device_ns =
        kl_counted_time_step(&state->stream[s].time, 0, message.t_us * 1000, &out->quality);
    size_t channel = 0;
    for (size_t p = 0; p < COUNT(row->part); p++) {
        for (size_t i = 0; i < row->part[p].count; i++) {
            double value = message.value[row->part[p].first + i];
            out->quality |= fabs(value) >= 0.99 * row->part[p].range ? KL_QUALITY_CLIPPED : 0;
            out->value[channel++] = row->part[p].scale * value;
        }
    }
    return 1;
}

static int battery(const void *self)
{
    const struct kl_ximu3 *state = self;
    return state->has_charge ? (int)lrint(state->charge) : -1;
}

/* ------------------------------------------------------------- configuration */

static void want(struct kl_ximu3 *state, const char *key, const char *value)
{
    struct kl_ximu3_setting *setting = &state->setting[state->setting_count++];
    *setting = (struct kl_ximu3_setting){.key = key};
    (void)snprintf(setting->wanted, sizeof(setting->wanted), "%s", value);
}

static void want_number(struct kl_ximu3 *state, const char *key, unsigned value)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", value);
    want(state, key, text);
}

/* Declares a stream and counts its bytes. */
static int add_stream(struct kl_ximu3 *state, const struct kl_device_config *lab, size_t row,
                      double rate_hz, struct kl_stream *out, size_t cap, struct kl_fault *fault)
{
    if (state->stream_count >= cap) {
        return kl_fault(fault, KL_ERR_ARG, "%s: room for %zu streams, needs more", lab->name, cap);
    }
    struct kl_stream *stream = &out[state->stream_count];
    int status = kl_imu_stream_begin(lab, rows[row].what, rows[row].kind, rate_hz, stream, fault);
    if (status != KL_OK) {
        return status;
    }
    size_t numbers = 0;
    for (size_t p = 0; p < COUNT(rows[row].part); p++) {
        if (rows[row].part[p].count > 0) {
            kl_imu_stream_add(stream, rows[row].part[p].labels, rows[row].part[p].unit);
            numbers += rows[row].part[p].count;
        }
    }
    state->line_bytes += (unsigned)ceil((10 + 4 * (double)numbers) * STUFFED * rate_hz);
    state->stream[state->stream_count++] =
        (struct kl_ximu3_stream){.row = row, .time = kl_counted_time_absolute(1e9 / rate_hz, true)};
    return KL_OK;
}

struct options {
    bool orientation, magnetometer, battery;
    unsigned high_g_hz;
};

static int read_options(const struct kl_device_config *lab, struct options *options,
                        struct kl_fault *fault)
{
    enum { WITH_BATTERY = 0, WITH_HIGH_G, WITH_MAGNETOMETER, WITH_ORIENTATION, OPTIONS };
    static const struct kl_option_rule rule[OPTIONS] = {
        [WITH_BATTERY] = {.key = "battery", .kind = KL_RULE_FLAG},
        [WITH_HIGH_G] = {.key = "high_g_hz", .kind = KL_RULE_WHOLE, .low = 1, .high = HIGH_G_HZ},
        [WITH_MAGNETOMETER] = {.key = "magnetometer", .kind = KL_RULE_FLAG},
        [WITH_ORIENTATION] = {.key = "orientation", .kind = KL_RULE_FLAG},
    };
    double value[OPTIONS] = {[WITH_ORIENTATION] = 1};
    int status = kl_device_options(lab, rule, value, OPTIONS, fault);
    *options = (struct options){.orientation = value[WITH_ORIENTATION] > 0,
                                .magnetometer = value[WITH_MAGNETOMETER] > 0,
                                .battery = value[WITH_BATTERY] > 0,
                                .high_g_hz = (unsigned)value[WITH_HIGH_G]};
    if (status == KL_OK && options->high_g_hz != 0 && HIGH_G_HZ % options->high_g_hz != 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: high_g_hz is %u; the device gives 3200 Hz divided by a whole number: "
                        "set e.g. 1600, 800 or 400",
                        lab->name, options->high_g_hz);
    }
    return status;
}

static int add_streams(struct kl_ximu3 *state, const struct kl_device_config *lab,
                       const struct options *options, struct kl_stream *out, size_t cap,
                       struct kl_fault *fault)
{
    const struct {
        bool wanted;
        double rate_hz;
    } stream[] = {
        [INERTIAL] = {true, state->rate_hz},
        [ORIENTATION] = {options->orientation, state->rate_hz},
        [MAGNETOMETER] = {options->magnetometer, rows[MAGNETOMETER].rate_hz},
        [HIGH_G] = {options->high_g_hz != 0, options->high_g_hz},
        [BATTERY] = {options->battery, rows[BATTERY].rate_hz},
    };
    int status = KL_OK;
    for (size_t i = 0; i < COUNT(stream) && status == KL_OK; i++) {
        if (stream[i].wanted) {
            status = add_stream(state, lab, i, stream[i].rate_hz, out, cap, fault);
        }
    }
    return status;
}

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    const struct kl_device_config *lab = config;
    struct kl_ximu3 *state = self;
    struct options options;
    *state = (struct kl_ximu3){.name = ""};
    int status = read_options(lab, &options, fault);
    if (status != KL_OK) {
        return status;
    }
    int divisor = kl_imu_divisor(lab, BASE_HZ, DEFAULT_HZ, true, fault);
    if (divisor < 0) {
        return divisor;
    }
    (void)snprintf(state->name, sizeof(state->name), "%.*s", KL_NAME_MAX - 1, lab->name);
    state->rate_hz = BASE_HZ / (double)divisor;
    status = add_streams(state, lab, &options, out, cap, fault);
    if (status != KL_OK) {
        return status;
    }
    want(state, "binary_mode_enabled", "true");
    want_number(state, "inertial_message_rate_divisor", (unsigned)divisor);
    if (options.orientation) {
        want(state, "ahrs_message_type", "0"); /* quaternion */
        want_number(state, "ahrs_message_rate_divisor", (unsigned)divisor);
    }
    if (options.magnetometer) {
        want(state, "magnetometer_message_rate_divisor", "1");
    }
    if (options.high_g_hz != 0) {
        want_number(state, "high_g_accelerometer_message_rate_divisor",
                    HIGH_G_HZ / options.high_g_hz);
    }
    return (int)state->stream_count;
}

static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .baud = 115200}, /* USB CDC: the speed does not matter */
    {.kind = KL_LINK_TCP, .tcp_port = 7000},
};

const struct kl_driver kl_ximu3_driver = {
    .name = "ximu3",
    .label = "x-io Technologies x-IMU3",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct kl_ximu3),
    .stream_max = KL_XIMU3_STREAMS_MAX,
    .need = need,
    .need_count = COUNT(need),
    .document = "x-io Technologies x-IMU3 User Manual",
    .identify = kl_ximu3_identify,
    .configure = configure,
    .start = kl_ximu3_start,
    .stop = kl_ximu3_stop,
    .frame = kl_ximu3_frame,
    .parse = parse,
    .battery = battery,
};

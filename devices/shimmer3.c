/* Shimmer3 and Shimmer3R over Bluetooth (SPP): inertial sensors and two EMG inputs.
 *
 * Packets and calibration: shimmer3_packet.h. Commands are answered FF (refused: FE), then by their
 * response:
 *
 *     01 inquiry -> 02 ...      05 divisor u16        07 / 20 start / stop streaming
 *     08 sensors, 3 bytes       09 / 49 range of wide accel / gyro
 *     0E 4 configuration bytes  2C -> 2D, 84 bytes of calibration
 *     2E -> 2F firmware         3F -> 25 hardware     5E 0/1 power of the expansion board
 *     61 / 63 EXG registers     8B packet CRC         A3 prefix of what nobody asked for
 *
 * What is streamed, and how, is read from the inquiry's answer, never from what was requested.
 * Axes are those of the calibration's alignment (the maker's: right-handed, z UP out of the front).
 * EMG is volts at the electrode: raw x 2.42 V / (2^23 - 1) / gain; its lead-off bits are not used,
 * because the comparators behind them are off in the EMG set-up.
 * Time is the packet's own: u24 at 32768 Hz, wrapping every 512 s; a gap longer than that looks
 * shorter. There is one rate for all streams of a unit: 32768 Hz / divisor.
 * The packet CRC is switched on where the firmware has it. Without it a packet is believed by its
 * time stamp: one to three periods after the last, or the same to the next packet behind it.
 *
 * A Shimmer keeps what it is told (range, sensors, rate, EXG registers) in its own memory at once,
 * so all of it is put back at stop. Uncertain: whether answers carry a CRC once it is on (it is
 * switched on last); calibration of a 3R (read as a Shimmer3's) and its configuration bytes (not
 * put back); unit of the magnetometer (gauss-like). A unit that is not calibrated is refused unless
 * `uncalibrated: yes` takes the typical values, good to a few per cent.
 * Source: ShimmerResearch log-and-stream-common 12db7871, shimmer3 db65e6c9; pyshimmer a2ef5758.
 */
#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"
#include "devices/shimmer3_packet.h"
#include "devices/talk.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    ACK = 0xff,
    NACK = 0xfe,
    EMG_INPUTS = 2,
    STREAMS_MAX = 1 + EMG_INPUTS,
    EXG_BYTES = 10,
    SENSOR_BYTES = 3,
    HARDWARE_3R = 0x0a,
    FIRMWARE_BTSTREAM = 1,
    FIRMWARE_LOG_AND_STREAM = 3,
    ANSWER_MAX = 1 + KL_SHIMMER3_CALIBRATION_BYTES,
    ADC_RAIL = 4095,   /* low-noise accelerometer: 12 bit */
    WORD_RAIL = 32752, /* 12 bit, left-justified */
    EXG_RAIL = 0x7fffff,
};

#define IMU_RATE_HZ 204.8 /* divisor 160 */
#define EMG_RATE_HZ 1024.0
#define BOTH_RATE_HZ 512.0 /* what the link carries */
#define RATE_MAX_HZ 1024.0
#define RATE_TOLERANCE 0.01     /* only 32768 / n can be had */
#define BYTES_PER_S_MAX 18000.0 /* 60 % of what classic Bluetooth carries in practice */
#define BAUD 921600             /* any; bounds how long a byte takes */
#define ANSWER_NS INT64_C(1000000000)
#define QUIET_NS INT64_C(250000000)
#define HUSH_NS INT64_C(3000000000)
#define POWER_NS INT64_C(100000000) /* of the expansion board, before it is used */
#define EXG_REFERENCE_V 2.42

struct shimmer {
    char device[KL_NAME_MAX];
    bool imu, wide, magnetometer, uncalibrated;
    unsigned accel_g;
    uint8_t gyro_code; /* of its range */
    uint16_t divisor;

    struct kl_shimmer3_layout layout;
    struct kl_shimmer3_calibration accel, gyro, mag;
    double exg_v[EMG_INPUTS];                                   /* per count */
    int accel_at[3], gyro_at[3], mag_at[3], exg_at[EMG_INPUTS]; /* places in the packet */
    int emg_stream[EMG_INPUTS];                                 /* -1: not wanted */

    bool begun;
    uint32_t ticks;    /* time stamp of the newest packet */
    int64_t unwrapped; /* ticks since the first */

    bool reached, changed; /* start has talked to it; has set something */
    bool has_kept_exg;
    struct kl_shimmer3_layout kept; /* what it streamed before */
    uint8_t kept_exg[2][EXG_BYTES];
};

/* ------------------------------------------------------------------ packets */

/* Is it one to three periods, within a quarter? */
static bool plausible_step(const struct shimmer *self, uint32_t step)
{
    uint32_t divisor = self->layout.divisor;
    for (uint32_t n = 1; n <= 3; n++) {
        if (4 * step >= 3 * n * divisor && 4 * step <= 5 * n * divisor) {
            return true;
        }
    }
    return false;
}

static bool crc_fits(const struct kl_shimmer3_layout *layout, const uint8_t *buf)
{
    size_t body = (size_t)layout->len - layout->crc_bytes;
    uint16_t crc = kl_shimmer3_crc(buf, body);
    return buf[body] == (crc & 0xff) && (layout->crc_bytes < 2 || buf[body + 1] == crc >> 8);
}

/* A packet at buf[0] == 00? */
static enum kl_frame data_frame(const struct shimmer *self, const uint8_t *buf, size_t len)
{
    const struct kl_shimmer3_layout *layout = &self->layout;
    if (len < layout->len) {
        return KL_FRAME_NEED_MORE;
    }
    if (layout->crc_bytes > 0) {
        return crc_fits(layout, buf) ? KL_FRAME_VALID : KL_FRAME_INVALID;
    }
    uint32_t ticks = kl_shimmer3_ticks(layout, buf);
    if (self->begun && plausible_step(self, kl_shimmer3_tick_step(layout, self->ticks, ticks))) {
        return KL_FRAME_VALID;
    }
    const uint8_t *next = buf + layout->len;
    if (len > layout->len && next[0] != 0) {
        return KL_FRAME_INVALID;
    }
    if (len < 2 * (size_t)layout->len) {
        return KL_FRAME_NEED_MORE;
    }
    uint32_t step = kl_shimmer3_tick_step(layout, ticks, kl_shimmer3_ticks(layout, next));
    return plausible_step(self, step) ? KL_FRAME_VALID : KL_FRAME_INVALID;
}

static size_t status_bytes(const struct kl_shimmer3_layout *layout)
{
    return layout->model_3r ? 4 : 3; /* 8A 71 status */
}

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct shimmer *self = state;
    if (len == 0) {
        return KL_FRAME_NEED_MORE;
    }
    if (buf[0] == 0) {
        *frame_len = self->layout.len;
        return data_frame(self, buf, len);
    }
    if (buf[0] == 0x8a) { /* a status nobody asked for: docked, card, button */
        *frame_len = status_bytes(&self->layout);
        return len >= 2 && buf[1] != 0x71 ? KL_FRAME_INVALID
               : len < *frame_len         ? KL_FRAME_NEED_MORE
                                          : KL_FRAME_VALID;
    }
    if (buf[0] == ACK) { /* a late acknowledgement, when a packet stands behind it */
        *frame_len = 1;
        return len < 2       ? KL_FRAME_NEED_MORE
               : buf[1] == 0 ? data_frame(self, buf + 1, len - 1)
                             : KL_FRAME_INVALID;
    }
    return KL_FRAME_INVALID;
}

/* ------------------------------------------------------------------ samples */

static void put_vector(const struct shimmer *self, const uint8_t *packet, const int at[3],
                       const struct kl_shimmer3_calibration *calibration, struct kl_sample *out,
                       size_t *channel)
{
    double centred[3];
    for (size_t i = 0; i < 3; i++) {
        int32_t raw = kl_shimmer3_raw(&self->layout, packet, (size_t)at[i]);
        bool adc = self->layout.channel[at[i]] < 3 && !self->layout.model_3r;
        bool rail = adc ? raw <= 0 || raw >= ADC_RAIL : abs(raw) >= WORD_RAIL;
        out->quality |= rail ? KL_QUALITY_CLIPPED : 0;
        centred[i] = raw - calibration->offset[i];
    }
    for (size_t i = 0; i < 3; i++) {
        const double *row = calibration->matrix[i];
        out->value[(*channel)++] = row[0] * centred[0] + row[1] * centred[1] + row[2] * centred[2];
    }
}

/* Time of the packet, into every sample of it. */
static uint32_t step_time(struct shimmer *self, const uint8_t *packet)
{
    uint32_t ticks = kl_shimmer3_ticks(&self->layout, packet);
    uint32_t step = kl_shimmer3_tick_step(&self->layout, self->ticks, ticks);
    bool begun = self->begun;
    self->begun = true;
    self->ticks = ticks;
    self->unwrapped += begun ? step : 0;
    if (!begun) {
        return 0;
    }
    uint32_t periods = (step + self->layout.divisor / 2) / self->layout.divisor;
    return periods > 1 ? KL_QUALITY_GAP : periods == 0 ? KL_QUALITY_CLOCK : 0;
}

static int parse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct shimmer *self = state;
    int count = 0;
    if (buf[0] != 0) {
        return 0; /* status or acknowledgement */
    }
    if (len < self->layout.len || cap < STREAMS_MAX) {
        return KL_ERR_DATA;
    }
    uint32_t quality = step_time(self, buf);
    /* 1e9 / 32768 = 1953125 / 64 exactly */
    int64_t device_ns = self->unwrapped / 64 * 1953125 + self->unwrapped % 64 * 1953125 / 64;
    if (self->imu) {
        size_t channel = 0;
        struct kl_sample *sample = &out[count++];
        *sample = (struct kl_sample){.stream = 0, .device_ns = device_ns, .quality = quality};
        put_vector(self, buf, self->accel_at, &self->accel, sample, &channel);
        put_vector(self, buf, self->gyro_at, &self->gyro, sample, &channel);
        if (self->magnetometer) {
            put_vector(self, buf, self->mag_at, &self->mag, sample, &channel);
        }
    }
    for (size_t i = 0; i < EMG_INPUTS; i++) {
        if (self->emg_stream[i] < 0) {
            continue;
        }
        int32_t raw = kl_shimmer3_raw(&self->layout, buf, (size_t)self->exg_at[i]);
        struct kl_sample *sample = &out[count++];
        *sample = (struct kl_sample){
            .stream = (size_t)self->emg_stream[i], .device_ns = device_ns, .quality = quality};
        sample->quality |= raw >= EXG_RAIL || raw < -EXG_RAIL ? KL_QUALITY_CLIPPED : 0;
        sample->value[0] = raw * self->exg_v[i];
    }
    return count;
}

/* ------------------------------------------------------------ configuration */

static bool wants_emg(const struct shimmer *self)
{
    return self->emg_stream[0] >= 0 || self->emg_stream[1] >= 0;
}

/* Range code of the wide accelerometer. */
static uint8_t accel_code(const struct shimmer *self)
{
    return self->accel_g == 2 ? 0 : self->accel_g == 16 ? 1 : self->accel_g == 4 ? 2 : 3;
}

/* Places of three channels that follow each other by id. @return false when one is not streamed */
static bool find_three(const struct kl_shimmer3_layout *layout, uint8_t first, int at[3])
{
    for (uint8_t i = 0; i < 3; i++) {
        at[i] = kl_shimmer3_find(layout, (uint8_t)(first + i));
    }
    return at[0] >= 0 && at[1] >= 0 && at[2] >= 0;
}

/* Where the wanted channels stand in the packet. */
static int bind(struct shimmer *self, struct kl_fault *fault)
{
    const struct kl_shimmer3_layout *layout = &self->layout;
    const char *missing = NULL;
    uint8_t accel = self->wide ? KL_SHIMMER3_WIDE_ACCEL : KL_SHIMMER3_LOW_NOISE_ACCEL;
    if (self->imu && !find_three(layout, accel, self->accel_at)) {
        missing = "the accelerometer";
    }
    if (self->imu && !find_three(layout, KL_SHIMMER3_GYRO, self->gyro_at)) {
        missing = "the gyroscope";
    }
    if (self->magnetometer && !find_three(layout, KL_SHIMMER3_MAG, self->mag_at)) {
        missing = "the magnetometer";
    }
    for (unsigned i = 0; i < EMG_INPUTS; i++) {
        self->exg_at[i] = kl_shimmer3_find(layout, (uint8_t)(KL_SHIMMER3_EXG1_1 + i));
        missing = self->emg_stream[i] >= 0 && self->exg_at[i] < 0 ? "EXG 1 of 24 bit" : missing;
    }
    if (missing != NULL) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: inquiry: expected %s among its %u channels, it is not; check "
                        "that the unit has this sensor",
                        self->device, missing, (unsigned)layout->channel_count);
    }
    return KL_OK;
}

/* What the unit is expected to answer to an inquiry, so that bytes can be decoded without one:
 * analog first, then gyro, wide accel, mag, EXG. */
static size_t expected_inquiry(const struct shimmer *self, uint8_t *out)
{
    static const uint8_t low_noise[] = {0, 1, 2}, gyro[] = {0x0a, 0x0b, 0x0c};
    static const uint8_t wide[] = {4, 5, 6}, mag[] = {7, 8, 9}, exg[] = {0x1d, 0x1e, 0x1f};
    const struct {
        bool wanted;
        const uint8_t *id;
    } group[] = {{self->imu && !self->wide, low_noise},
                 {self->imu, gyro},
                 {self->imu && self->wide, wide},
                 {self->magnetometer, mag},
                 {wants_emg(self), exg}};
    size_t at = 9;
    memset(out, 0, at);
    out[0] = 0x02;
    out[1] = (uint8_t)self->divisor;
    out[2] = (uint8_t)(self->divisor >> 8);
    for (size_t g = 0; g < COUNT(group); g++) {
        if (group[g].wanted) {
            memcpy(out + at, group[g].id, 3);
            at += 3;
        }
    }
    out[7] = (uint8_t)(at - 9);
    out[8] = 1;
    return at;
}

/* The option that gives the layout for captured bytes: an inquiry's answer in hexadecimal. */
static int read_layout(struct shimmer *self, const struct kl_device_config *lab,
                       struct kl_fault *fault)
{
    uint8_t bytes[64];
    size_t len = 0;
    const char *text = kl_option_text(lab, "inquiry");
    self->layout.crc_bytes = 2;
    if (text == NULL) {
        len = expected_inquiry(self, bytes);
    }
    for (char *end = NULL; text != NULL && len < sizeof(bytes); text = end) {
        unsigned long byte = strtoul(text, &end, 16);
        if (end == text || byte > 0xff) {
            break;
        }
        bytes[len++] = (uint8_t)byte;
    }
    if (kl_shimmer3_layout_read(&self->layout, bytes, len) != 0 || self->layout.divisor == 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: inquiry: expected the bytes of an answer, such as "
                        "\"02 40 00 01 FF 01 09 01 01 12\"",
                        self->device);
    }
    return bind(self, fault);
}

static int find_divisor(struct shimmer *self, const struct kl_device_config *lab,
                        struct kl_fault *fault)
{
    double usual_hz = !wants_emg(self) ? IMU_RATE_HZ : self->imu ? BOTH_RATE_HZ : EMG_RATE_HZ;
    double rate_hz = lab->rate_hz != 0 ? lab->rate_hz : usual_hz;
    double divisor = rint(KL_SHIMMER3_TICKS_HZ / rate_hz);
    double real_hz = KL_SHIMMER3_TICKS_HZ / divisor;
    if (!(rate_hz >= 1 && rate_hz <= RATE_MAX_HZ) ||
        fabs(real_hz - rate_hz) > RATE_TOLERANCE * rate_hz) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: rate %g Hz; allowed are 32768 / n Hz up to %g, such as 1024, "
                        "512, 256, 204.8 or 102.4",
                        lab->name, rate_hz, RATE_MAX_HZ);
    }
    self->divisor = (uint16_t)divisor;
    return KL_OK;
}

#define EMG1_KEY "emg1"
#define EMG2_KEY "emg2"

static const char *const emg_key[EMG_INPUTS] = {EMG1_KEY, EMG2_KEY};

static int read_options(struct shimmer *self, const struct kl_device_config *lab,
                        struct kl_fault *fault)
{
    enum {
        IMU = 0,
        ACCEL,
        ACCEL_G,
        GYRO_DEG_S,
        MAGNETOMETER,
        EMG1,
        EMG2,
        TYPICAL,
        INQUIRY,
        OPTIONS
    };
    static const char *const accel[] = {"wide", "low_noise", NULL};
    static const char *const accel_g[] = {"2", "4", "8", "16", NULL};
    static const char *const gyro_deg_s[] = {"250", "500", "1000", "2000", NULL};
    static const struct kl_option_rule rule[OPTIONS] = {
        [IMU] = {.key = "imu", .kind = KL_OPTION_FLAG},
        [ACCEL] = {.key = "accel", .kind = KL_OPTION_WORD, .word = accel},
        [ACCEL_G] = {.key = "accel_g", .kind = KL_OPTION_WORD, .word = accel_g},
        [GYRO_DEG_S] = {.key = "gyro_deg_s", .kind = KL_OPTION_WORD, .word = gyro_deg_s},
        [MAGNETOMETER] = {.key = "magnetometer", .kind = KL_OPTION_FLAG},
        [EMG1] = {.key = EMG1_KEY, .kind = KL_OPTION_TEXT},
        [EMG2] = {.key = EMG2_KEY, .kind = KL_OPTION_TEXT},
        [TYPICAL] = {.key = "uncalibrated", .kind = KL_OPTION_FLAG},
        [INQUIRY] = {.key = "inquiry", .kind = KL_OPTION_TEXT},
    };
    /* running reaches 10 g at the shank */
    double value[OPTIONS] = {[IMU] = 1, [ACCEL_G] = 3, [GYRO_DEG_S] = 3};
    int status = kl_device_options(lab, rule, value, OPTIONS, fault);
    self->imu = value[IMU] > 0;
    self->wide = value[ACCEL] == 0;
    self->accel_g = 2U << (unsigned)value[ACCEL_G];
    self->gyro_code = (uint8_t)value[GYRO_DEG_S];
    self->magnetometer = self->imu && value[MAGNETOMETER] > 0;
    self->uncalibrated = value[TYPICAL] > 0;
    return status;
}

static int emg_stream(const struct kl_device_config *lab, const char *placement, double rate_hz,
                      struct kl_stream *out, struct kl_fault *fault)
{
    struct kl_device_config input = *lab;
    input.placement = placement;
    int status = kl_imu_stream_begin(&input, "emg", KL_KIND_EMG, rate_hz, out, fault);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: \"%s\" is no placement of an EMG input; write e.g. emg1: "
                        "vmo.left",
                        lab->name, placement);
    }
    kl_imu_stream_add(out, "emg", "V");
    return KL_OK;
}

/* Typical values until the unit has told its own. */
static void default_calibration(struct shimmer *self, bool dlhc)
{
    enum kl_shimmer3_block accel =
        self->wide ? KL_SHIMMER3_CALIBRATES_WIDE : KL_SHIMMER3_CALIBRATES_LOW_NOISE;
    self->accel = kl_shimmer3_calibration_default(accel, accel_code(self), dlhc);
    self->gyro =
        kl_shimmer3_calibration_default(KL_SHIMMER3_CALIBRATES_GYRO, self->gyro_code, dlhc);
    self->mag = kl_shimmer3_calibration_default(KL_SHIMMER3_CALIBRATES_MAG, 0, dlhc);
}

static bool has_dlhc(const struct kl_shimmer3_layout *layout)
{
    int x = kl_shimmer3_find(layout, KL_SHIMMER3_MAG);
    return x >= 0 && x + 1 < layout->channel_count && layout->channel[x + 1] == KL_SHIMMER3_MAG + 2;
}

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct shimmer *self = state;
    const struct kl_device_config *lab = config;
    int count = 0;
    (void)snprintf(self->device, sizeof(self->device), "%s", lab->name);
    int status = read_options(self, lab, fault);
    int next = self->imu ? 1 : 0;
    for (size_t i = 0; i < EMG_INPUTS; i++) {
        self->emg_stream[i] = kl_option_text(lab, emg_key[i]) != NULL ? next++ : -1;
        self->exg_v[i] = EXG_REFERENCE_V / EXG_RAIL / 12; /* the gain that start sets */
    }
    if (status == KL_OK && (next == 0 || cap < (size_t)next)) {
        status = kl_fault(fault, KL_ERR_RANGE, "device %s: nothing to stream; %s", lab->name,
                          next == 0 ? "name an EMG input (emg1: vmo.left) or leave imu: yes"
                                    : "too many streams");
    }
    status = status ? status : find_divisor(self, lab, fault);
    status = status ? status : read_layout(self, lab, fault);
    double rate_hz = (double)KL_SHIMMER3_TICKS_HZ / self->divisor;
    if (status == KL_OK && self->layout.len * rate_hz > BYTES_PER_S_MAX) {
        status =
            kl_fault(fault, KL_ERR_RANGE,
                     "device %s: %u bytes at %g Hz are more than Bluetooth carries safely "
                     "(%.0f bytes/s); take %g Hz or fewer channels",
                     lab->name, (unsigned)self->layout.len, rate_hz, BYTES_PER_S_MAX, rate_hz / 2);
    }
    const struct kl_imu_channels channels = {.gyro = true,
                                             .magnetometer_unit = self->magnetometer ? "T" : NULL};
    if (status == KL_OK && self->imu) {
        status = kl_imu_stream(lab, &channels, rate_hz, &out[count++], 1, fault);
    }
    for (size_t i = 0; i < EMG_INPUTS && status == KL_OK; i++) {
        if (self->emg_stream[i] >= 0) {
            status =
                emg_stream(lab, kl_option_text(lab, emg_key[i]), rate_hz, &out[count++], fault);
        }
    }
    default_calibration(self, has_dlhc(&self->layout));
    return status == KL_OK ? count : status;
}

/* ------------------------------------------------------------- conversation */

/* One command: what to send, and what stands behind the acknowledgement. */
struct command {
    const char *what;
    const uint8_t *send;
    size_t len;
    uint8_t answer_code; /* 0: none */
    size_t answer_len;   /* code included; 0 with a code: an inquiry's answer */
};

/* Length of the answer at buf. @return 0: more bytes are needed; negative: it is none */
static int answer_length(const struct shimmer *self, const struct command *command,
                         const uint8_t *buf, size_t len)
{
    if (len > 0 && buf[0] != command->answer_code) {
        return -1;
    }
    if (command->answer_len == 0) {
        return kl_shimmer3_inquiry_length(self->layout.model_3r, buf, len);
    }
    return len >= command->answer_len ? (int)command->answer_len : 0;
}

/* Waits for acknowledgement and answer of what has been sent.
 * @return KL_OK, KL_ERR_DATA when refused, KL_ERR_TIMEOUT, or the link's status */
static int wait_answer(const struct shimmer *self, struct kl_talk *talk,
                       const struct command *command, uint8_t *answer)
{
    bool acknowledged = false;
    int status = 0;
    kl_talk_patience(talk, ANSWER_NS);
    for (;;) {
        while (talk->len > 0) {
            const uint8_t *buf = talk->buf;
            if (buf[0] == 0x8a && command->answer_code != 0x8a) { /* a status nobody asked for */
                if (talk->len < status_bytes(&self->layout)) {
                    break;
                }
                kl_talk_drop(talk, buf[1] == 0x71 ? status_bytes(&self->layout) : 1);
                continue;
            }
            if (!acknowledged) {
                uint8_t byte = buf[0];
                kl_talk_drop(talk, 1);
                if (byte == NACK) {
                    return KL_ERR_DATA;
                }
                acknowledged = byte == ACK;
                if (acknowledged && command->answer_code == 0) {
                    return KL_OK;
                }
                continue;
            }
            int len = answer_length(self, command, buf, talk->len);
            if (len == 0) {
                break;
            }
            if (len > 0) {
                memcpy(answer, buf, (size_t)len < ANSWER_MAX ? (size_t)len : ANSWER_MAX);
                kl_talk_drop(talk, (size_t)len);
                return KL_OK;
            }
            kl_talk_drop(talk, 1);
        }
        status = kl_talk_read(talk, 1); /* no byte of the data that may follow is taken */
        if (status < 0) {
            return status;
        }
    }
}

/* @return KL_OK, KL_ERR_DATA when refused, KL_ERR_TIMEOUT, or the link's status; without *fault */
static int try_command(const struct shimmer *self, struct kl_talk *talk,
                       const struct command *command, int tries, uint8_t answer[ANSWER_MAX])
{
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < tries && status == KL_ERR_TIMEOUT; i++) {
        talk->len = 0;
        status = kl_talk_send(talk, command->send, command->len);
        status = status == KL_OK ? wait_answer(self, talk, command, answer) : status;
    }
    return status;
}

static int ask(const struct shimmer *self, struct kl_talk *talk, const struct command *command,
               uint8_t answer[ANSWER_MAX], struct kl_fault *fault)
{
    int status = try_command(self, talk, command, 3, answer);
    if (status == KL_OK) {
        return KL_OK;
    }
    return kl_fault(fault, status,
                    "device %s: %s (%02X): expected acknowledgement FF%s, %s; switch the unit off "
                    "and on, and connect it anew",
                    self->device, command->what, (unsigned)command->send[0],
                    command->answer_code != 0 ? " and an answer" : "",
                    status == KL_ERR_DATA ? "it answered FE (refused)" : kl_status_text(status));
}

/* A command without an answer. */
static int tell(const struct shimmer *self, struct kl_talk *talk, const char *what,
                const uint8_t *send, size_t len, struct kl_fault *fault)
{
    uint8_t answer[ANSWER_MAX];
    return ask(self, talk, &(struct command){what, send, len, 0, 0}, answer, fault);
}

/* Ends streaming and waits until it is quiet; what it has in its buffers may come for 0.8 s. */
static int hush(struct kl_talk *talk)
{
    static const uint8_t stop_streaming[] = {0x20};
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < 3 && status == KL_ERR_TIMEOUT; i++) {
        status = kl_talk_send(talk, stop_streaming, sizeof(stop_streaming));
        status = status == KL_OK ? kl_talk_hush(talk, QUIET_NS, HUSH_NS) : status;
    }
    return status;
}

static bool older(const uint8_t *firmware, unsigned major, unsigned minor, unsigned patch)
{
    unsigned have =
        (unsigned)kl_u16_le(firmware + 3) << 16 | (unsigned)firmware[5] << 8 | firmware[6];
    return have < (major << 16 | minor << 8 | patch);
}

/* Who is it? Sets model and width of the time stamp. */
static int greet(struct shimmer *self, struct kl_talk *talk, struct kl_fault *fault)
{
    static const uint8_t hardware[] = {0x3f}, firmware[] = {0x2e}, no_prefix[] = {0xa3, 0};
    uint8_t answer[ANSWER_MAX] = {0};
    self->layout.model_3r = false;
    int status =
        ask(self, talk, &(struct command){"hardware", hardware, 1, 0x25, 2}, answer, fault);
    self->layout.model_3r = status == KL_OK && answer[1] == HARDWARE_3R;
    status = status ? status
                    : ask(self, talk, &(struct command){"firmware", firmware, 1, 0x2f, 7}, answer,
                          fault);
    if (status != KL_OK) {
        return status;
    }
    unsigned type = kl_u16_le(answer + 1);
    self->layout.short_time = (type == FIRMWARE_BTSTREAM && older(answer, 0, 7, 3)) ||
                              (type == FIRMWARE_LOG_AND_STREAM && older(answer, 0, 5, 4));
    if (type == FIRMWARE_LOG_AND_STREAM && !older(answer, 0, 15, 4)) {
        (void)try_command(self, talk, &(struct command){"prefix", no_prefix, 2, 0, 0}, 1, answer);
    }
    return KL_OK;
}

static int inquire(struct shimmer *self, struct kl_talk *talk, struct kl_fault *fault)
{
    static const uint8_t inquiry[] = {0x01};
    uint8_t answer[ANSWER_MAX] = {0};
    int status = ask(self, talk, &(struct command){"inquiry", inquiry, 1, 0x02, 0}, answer, fault);
    if (status != KL_OK) {
        return status;
    }
    int unknown = kl_shimmer3_layout_read(&self->layout, answer, sizeof(answer));
    if (unknown != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: inquiry (01): channel %02X is of a kind nobody knows; switch "
                        "this sensor off with the maker's tool",
                        self->device, unknown > -256 ? (unsigned)-unknown : 0xffU);
    }
    return KL_OK;
}

/* Sensor bits of command 08 that give these channels. */
static void sensor_bits(const struct kl_shimmer3_layout *layout, uint8_t bits[SENSOR_BYTES])
{
    static const struct {
        uint8_t id, byte, bit;
    } sensor[] = {{0x00, 0, 0x80}, {0x0a, 0, 0x40}, {0x07, 0, 0x20}, {0x1e, 0, 0x10},
                  {0x21, 0, 0x08}, {0x1c, 0, 0x04}, {0x0d, 0, 0x02}, {0x0e, 0, 0x01},
                  {0x27, 1, 0x80}, {0x03, 1, 0x20}, {0x04, 1, 0x10}, {0x0f, 1, 0x08},
                  {0x10, 1, 0x04}, {0x11, 1, 0x02}, {0x12, 1, 0x01}, {0x13, 2, 0x80},
                  {0x14, 2, 0x40}, {0x17, 2, 0x20}, {0x23, 2, 0x10}, {0x25, 2, 0x08},
                  {0x1b, 2, 0x04}};
    memset(bits, 0, SENSOR_BYTES);
    for (size_t i = 0; i < COUNT(sensor); i++) {
        if (kl_shimmer3_find(layout, sensor[i].id) >= 0) {
            bits[sensor[i].byte] |= sensor[i].bit;
        }
    }
}

/* Sensors and rate of a layout. */
static int set_sensors(struct shimmer *self, struct kl_talk *talk,
                       const struct kl_shimmer3_layout *layout, struct kl_fault *fault)
{
    uint8_t sensors[1 + SENSOR_BYTES] = {0x08};
    const uint8_t rate[] = {0x05, (uint8_t)layout->divisor, (uint8_t)(layout->divisor >> 8)};
    sensor_bits(layout, sensors + 1);
    int status = tell(self, talk, "sensors", sensors, sizeof(sensors), fault);
    return status ? status : tell(self, talk, "rate", rate, sizeof(rate), fault);
}

static int read_exg(const struct shimmer *self, struct kl_talk *talk, uint8_t chip,
                    uint8_t out[EXG_BYTES], struct kl_fault *fault)
{
    const uint8_t get[] = {0x63, chip, 0, EXG_BYTES};
    uint8_t answer[ANSWER_MAX] = {0};
    int status =
        ask(self, talk, &(struct command){"EXG registers", get, sizeof(get), 0x62, 2 + EXG_BYTES},
            answer, fault);
    if (status == KL_OK) {
        memcpy(out, answer + 2, EXG_BYTES);
    }
    return status;
}

static int write_exg(const struct shimmer *self, struct kl_talk *talk, uint8_t chip,
                     const uint8_t reg[EXG_BYTES], struct kl_fault *fault)
{
    uint8_t set[4 + EXG_BYTES] = {0x61, chip, 0, EXG_BYTES};
    memcpy(set + 4, reg, EXG_BYTES);
    return tell(self, talk, "set EXG registers", set, sizeof(set), fault);
}

/* The maker's EMG set-up of both chips; scale from the gain that the unit confirms. */
static int set_emg(struct shimmer *self, struct kl_talk *talk, struct kl_fault *fault)
{
    static const uint8_t power[] = {0x5e, 1};
    static const double gain[8] = {6, 1, 2, 3, 4, 8, 12, 0};
    uint8_t reg[2][EXG_BYTES] = {{0, 0xa0, 0x10, 0x69, 0x60, 0x20, 0, 0, 0x02, 0x03},
                                 {0, 0xa0, 0x10, 0xe1, 0xe1, 0, 0, 0, 0x02, 0x01}};
    uint8_t now[EXG_BYTES] = {0};
    double rate_hz = (double)KL_SHIMMER3_TICKS_HZ / self->divisor;
    int status = tell(self, talk, "expansion power", power, sizeof(power), fault);
    status = status ? status : kl_talk_pause(talk, POWER_NS);
    for (uint8_t chip = 0; chip < 2 && status == KL_OK; chip++) {
        status = read_exg(self, talk, chip, self->kept_exg[chip], fault);
    }
    self->has_kept_exg = status == KL_OK;
    for (uint8_t chip = 0; chip < 2 && status == KL_OK; chip++) {
        /* a rate at or above the sampling rate, up to the chip's 8 kHz (code 6) */
        while (reg[chip][0] < 6 && 125 * (1 << reg[chip][0]) < rate_hz) {
            reg[chip][0]++;
        }
        reg[chip][1] |= self->kept_exg[chip][1] & 0x08; /* clock output: depends on the board */
        status = write_exg(self, talk, chip, reg[chip], fault);
    }
    status = status ? status : kl_talk_pause(talk, POWER_NS);
    status = status ? status : read_exg(self, talk, 0, now, fault);
    for (size_t i = 0; i < EMG_INPUTS && status == KL_OK; i++) {
        double factor = gain[now[3 + i] >> 4 & 7];
        if (factor == 0) {
            return kl_fault(fault, KL_ERR_DATA,
                            "device %s: EXG registers (63): input %zu has gain code 7, which does "
                            "not exist",
                            self->device, i + 1);
        }
        self->exg_v[i] = EXG_REFERENCE_V / EXG_RAIL / factor;
    }
    return status;
}

static int set_ranges(struct shimmer *self, struct kl_talk *talk, struct kl_fault *fault)
{
    const uint8_t accel[] = {0x09, accel_code(self)}, gyro[] = {0x49, self->gyro_code};
    int status = KL_OK;
    if (self->imu && self->wide) {
        status = tell(self, talk, "accel range", accel, sizeof(accel), fault);
    }
    if (self->imu && status == KL_OK) {
        status = tell(self, talk, "gyro range", gyro, sizeof(gyro), fault);
    }
    return status;
}

/* Is what the inquiry says what was asked for? */
static int check_layout(const struct shimmer *self, struct kl_fault *fault)
{
    const struct kl_shimmer3_layout *layout = &self->layout;
    if (layout->divisor != self->divisor) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: rate (05): expected divisor %u, the unit has %u; it may be "
                        "locked by its own trial configuration",
                        self->device, (unsigned)self->divisor, (unsigned)layout->divisor);
    }
    bool accel = !self->wide || (layout->config[0] >> 2 & 3) == accel_code(self);
    bool gyro = (layout->config[2] & 3) == self->gyro_code;
    if (self->imu && !layout->model_3r &&
        !(accel && gyro)) { /* a 3R orders these bytes otherwise */
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: %s range: the unit did not take it; take another one",
                        self->device, accel ? "gyro" : "accel");
    }
    return KL_OK;
}

/* Takes the unit's calibration, or says that it has none. */
static int calibrate(struct shimmer *self, struct kl_talk *talk, struct kl_fault *fault)
{
    static const uint8_t get[] = {0x2c};
    uint8_t answer[ANSWER_MAX] = {0};
    if (!self->imu) {
        return KL_OK;
    }
    int status =
        ask(self, talk, &(struct command){"calibration", get, 1, 0x2d, ANSWER_MAX}, answer, fault);
    if (status != KL_OK) {
        return status;
    }
    const struct {
        const char *what;
        bool wanted;
        enum kl_shimmer3_block block;
        struct kl_shimmer3_calibration *out;
    } part[] = {
        {"low-noise accelerometer", !self->wide, KL_SHIMMER3_CALIBRATES_LOW_NOISE, &self->accel},
        {"gyroscope", true, KL_SHIMMER3_CALIBRATES_GYRO, &self->gyro},
        {"magnetometer", self->magnetometer, KL_SHIMMER3_CALIBRATES_MAG, &self->mag},
        {"wide accelerometer", self->wide, KL_SHIMMER3_CALIBRATES_WIDE, &self->accel},
    };
    default_calibration(self, has_dlhc(&self->layout));
    for (size_t i = 0; i < COUNT(part); i++) {
        struct kl_shimmer3_calibration own = kl_shimmer3_calibration_read(
            part[i].block, answer + 1 + i * (KL_SHIMMER3_CALIBRATION_BYTES / KL_SHIMMER3_BLOCKS));
        /* which chip it is, and so its typical sensitivity, shows only in the magnetometer */
        bool typical = self->uncalibrated &&
                       (part[i].block != KL_SHIMMER3_CALIBRATES_WIDE || self->magnetometer);
        if (part[i].wanted && !own.valid && !typical) {
            return kl_fault(fault, KL_ERR_DATA,
                            "device %s: calibration (2C): its %s has none; calibrate it with the "
                            "maker's tool, or write uncalibrated: yes%s for values good to a few "
                            "per cent",
                            self->device, part[i].what,
                            part[i].block == KL_SHIMMER3_CALIBRATES_WIDE ? " and magnetometer: yes"
                                                                         : "");
        }
        if (part[i].wanted && own.valid) {
            *part[i].out = own;
        }
    }
    return KL_OK;
}

/* Packet CRC, where the firmware has it. */
static int set_crc(struct shimmer *self, struct kl_talk *talk)
{
    static const uint8_t two_bytes[] = {0x8b, 2};
    uint8_t answer[ANSWER_MAX];
    int status =
        try_command(self, talk, &(struct command){"packet CRC", two_bytes, 2, 0, 0}, 1, answer);
    self->layout.len = (uint8_t)(self->layout.len - self->layout.crc_bytes);
    self->layout.crc_bytes = status == KL_OK ? 2 : 0;
    self->layout.len = (uint8_t)(self->layout.len + self->layout.crc_bytes);
    return status == KL_ERR_DATA || status == KL_ERR_TIMEOUT ? KL_OK : status;
}

/* The acknowledgement may be lost: data are proof as well. */
static int start_streaming(struct shimmer *self, struct kl_talk *talk, struct kl_fault *fault)
{
    static const uint8_t go[] = {0x07};
    int status = kl_talk_hush(talk, 20000000, HUSH_NS); /* a CRC behind the last answer */
    status = status == KL_OK ? kl_talk_send(talk, go, sizeof(go)) : status;
    kl_talk_patience(talk, ANSWER_NS);
    while (status >= 0) {
        status = kl_talk_read(talk, 1);
        if (status > 0 && (talk->buf[0] == ACK || talk->len > self->layout.len)) {
            return KL_OK;
        }
    }
    return kl_fault(fault, status,
                    "device %s: start streaming (07): expected FF and data, got %s; switch the "
                    "unit off and on",
                    self->device, kl_status_text(status));
}

static int stop(void *state, struct kl_link *link)
{
    static const uint8_t no_crc[] = {0x8b, 0};
    struct shimmer *self = state;
    struct kl_talk talk;
    if (!self->reached) {
        return KL_OK;
    }
    kl_talk_init(&talk, link, BAUD);
    int status = hush(&talk);
    if (status == KL_OK && self->layout.crc_bytes > 0) {
        status = tell(self, &talk, "no packet CRC", no_crc, sizeof(no_crc), NULL);
    }
    for (uint8_t chip = 0; chip < 2 && self->has_kept_exg && status == KL_OK; chip++) {
        status = write_exg(self, &talk, chip, self->kept_exg[chip], NULL);
    }
    if (self->changed && status == KL_OK) {
        uint8_t bytes[5] = {0x0e};
        memcpy(bytes + 1, self->kept.config, 4);
        status = set_sensors(self, &talk, &self->kept, NULL);
        status = status || self->kept.model_3r
                     ? status
                     : tell(self, &talk, "configuration", bytes, sizeof(bytes), NULL);
    }
    self->reached = false;
    self->changed = false;
    self->has_kept_exg = false;
    return status;
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct shimmer *self = state;
    struct kl_shimmer3_layout wanted = {.model_3r = false};
    struct kl_talk talk;
    uint8_t expected[64];
    (void)kl_shimmer3_layout_read(&wanted, expected, expected_inquiry(self, expected));
    kl_talk_init(&talk, link, BAUD);
    self->begun = false;
    self->layout.crc_bytes = 0;
    int status = hush(&talk);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: stop streaming (20): expected silence, got %s; check that the "
                        "port is a Shimmer's",
                        self->device, kl_status_text(status));
    }
    status = greet(self, &talk, fault);
    if (status != KL_OK) {
        return status;
    }
    self->reached = true;
    status = inquire(self, &talk, fault);
    self->kept = self->layout;
    self->changed = status == KL_OK;
    status = status ? status : set_ranges(self, &talk, fault);
    status = status || !wants_emg(self) ? status : set_emg(self, &talk, fault);
    status = status ? status : set_sensors(self, &talk, &wanted, fault);
    status = status ? status : inquire(self, &talk, fault);
    status = status ? status : check_layout(self, fault);
    status = status ? status : bind(self, fault);
    status = status ? status : calibrate(self, &talk, fault);
    status = status ? status : set_crc(self, &talk);
    status = status ? status : start_streaming(self, &talk, fault);
    if (status != KL_OK) {
        (void)stop(self, link);
    }
    return status;
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    static const uint8_t hardware[] = {0x3f}, firmware[] = {0x2e};
    static const struct shimmer nobody = {.imu = false};
    struct kl_talk talk;
    uint8_t model[ANSWER_MAX] = {0}, version[ANSWER_MAX] = {0};
    kl_talk_init(&talk, link, BAUD);
    int status =
        try_command(&nobody, &talk, &(struct command){"hardware", hardware, 1, 0x25, 2}, 2, model);
    status = status ? status
                    : try_command(&nobody, &talk,
                                  &(struct command){"firmware", firmware, 1, 0x2f, 7}, 2, version);
    if (status == KL_OK) {
        (void)snprintf(
            out, len, "%s, firmware %u.%u.%u", model[1] == HARDWARE_3R ? "Shimmer3R" : "Shimmer3",
            (unsigned)kl_u16_le(version + 3), (unsigned)version[5], (unsigned)version[6]);
    }
    return status;
}

/* A Bluetooth port (/dev/rfcommN, or a named one) has no USB ids. */
static const struct kl_link_need need[] = {{.kind = KL_LINK_SERIAL, .baud = BAUD}};

const struct kl_driver kl_shimmer3_driver = {
    .name = "shimmer3",
    .label = "Shimmer3, Shimmer3R (Bluetooth): IMU, EMG",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct shimmer),
    .stream_max = STREAMS_MAX,
    .need = need,
    .need_count = COUNT(need),
    .document = "Shimmer LogAndStream firmware; log-and-stream-common",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

/* Shimmer3 and Shimmer3R over Bluetooth (SPP): inertial sensors and two EMG inputs.
 *
 * Packets and calibration: shimmer3_packet.h. Commands: shimmer3_talk.c.
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
 * The battery is not read: the unit tells volts (raw x 3 / 4095 x 1.988), and which of them is how
 * many per cent of charge no document says.
 *
 * Uncertain: calibration of a 3R (read as a Shimmer3's); unit of the magnetometer (gauss-like). A
 * unit that is not calibrated is refused unless `uncalibrated: yes` takes the typical values, good
 * to a few per cent.
 *
 * Source: ShimmerResearch log-and-stream-common 12db7871, shimmer3 db65e6c9; pyshimmer a2ef5758.
 */
#include "devices/shimmer3.h"

#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    ACK = 0xff,
    STREAMS_MAX = 1 + KL_SHIMMER3_EMG_INPUTS,
    ADC_RAIL = 4095,   /* low-noise accelerometer: 12 bit */
    WORD_RAIL = 32752, /* 12 bit, left-justified */
};

#define IMU_RATE_HZ 204.8 /* divisor 160 */
#define EMG_RATE_HZ 1024.0
#define BOTH_RATE_HZ 512.0 /* what the link carries */
#define RATE_MAX_HZ 1024.0
#define RATE_TOLERANCE 0.01     /* only 32768 / n can be had */
#define BYTES_PER_S_MAX 18000.0 /* 60 % of what classic Bluetooth carries in practice */

/* ------------------------------------------------------------------ packets */

/* Is it one to three periods, within a quarter? */
static bool plausible_step(const struct kl_shimmer3 *self, uint32_t step)
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
static enum kl_frame data_frame(const struct kl_shimmer3 *self, const uint8_t *buf, size_t len)
{
    const struct kl_shimmer3_layout *layout = &self->layout;
    if (len < layout->len) {
        return KL_FRAME_NEED_MORE;
    }
    if (layout->crc_bytes > 0) {
        return crc_fits(layout, buf) ? KL_FRAME_VALID : KL_FRAME_INVALID;
    }
    uint32_t ticks = kl_shimmer3_ticks(layout, buf, len);
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
    uint32_t step =
        kl_shimmer3_tick_step(layout, ticks, kl_shimmer3_ticks(layout, next, layout->len));
    return plausible_step(self, step) ? KL_FRAME_VALID : KL_FRAME_INVALID;
}

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct kl_shimmer3 *self = state;
    if (len == 0) {
        return KL_FRAME_NEED_MORE;
    }
    if (buf[0] == 0) {
        *frame_len = self->layout.len;
        return data_frame(self, buf, len);
    }
    if (buf[0] == 0x8a) { /* a status nobody asked for: docked, card, button */
        *frame_len = kl_shimmer3_status_bytes(&self->layout);
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

static void put_vector(const struct kl_shimmer3 *self, const uint8_t *packet, const int at[3],
                       const struct kl_shimmer3_calibration *calibration, struct kl_sample *out,
                       size_t *channel)
{
    double centred[3];
    for (size_t i = 0; i < 3; i++) {
        int32_t raw = kl_shimmer3_raw(&self->layout, packet, self->layout.len, (size_t)at[i]);
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
static uint32_t step_time(struct kl_shimmer3 *self, const uint8_t *packet)
{
    uint32_t ticks = kl_shimmer3_ticks(&self->layout, packet, self->layout.len);
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
    struct kl_shimmer3 *self = state;
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
    for (size_t i = 0; i < KL_SHIMMER3_EMG_INPUTS; i++) {
        if (self->emg_stream[i] < 0) {
            continue;
        }
        int32_t raw = kl_shimmer3_raw(&self->layout, buf, len, (size_t)self->exg_at[i]);
        struct kl_sample *sample = &out[count++];
        *sample = (struct kl_sample){
            .stream = (size_t)self->emg_stream[i], .device_ns = device_ns, .quality = quality};
        sample->quality |=
            raw >= KL_SHIMMER3_EXG_RAIL || raw < -KL_SHIMMER3_EXG_RAIL ? KL_QUALITY_CLIPPED : 0;
        sample->value[0] = raw * self->exg_v[i];
    }
    return count;
}

/* ------------------------------------------------------------ configuration */

bool kl_shimmer3_wants_emg(const struct kl_shimmer3 *self)
{
    return self->emg_stream[0] >= 0 || self->emg_stream[1] >= 0;
}

/* Range code of the wide accelerometer. */
uint8_t kl_shimmer3_accel_code(const struct kl_shimmer3 *self)
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
int kl_shimmer3_bind(struct kl_shimmer3 *self, struct kl_fault *fault)
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
    for (unsigned i = 0; i < KL_SHIMMER3_EMG_INPUTS; i++) {
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
size_t kl_shimmer3_expected_inquiry(const struct kl_shimmer3 *self,
                                    uint8_t out[KL_SHIMMER3_EXPECTED_MAX])
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
                 {kl_shimmer3_wants_emg(self), exg}};
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
static int read_layout(struct kl_shimmer3 *self, const struct kl_device_config *lab,
                       struct kl_fault *fault)
{
    uint8_t bytes[64];
    size_t len = 0;
    const char *text = kl_option_text(lab, "inquiry");
    self->layout.crc_bytes = 2;
    if (text == NULL) {
        len = kl_shimmer3_expected_inquiry(self, bytes);
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
    return kl_shimmer3_bind(self, fault);
}

static int find_divisor(struct kl_shimmer3 *self, const struct kl_device_config *lab,
                        struct kl_fault *fault)
{
    double usual_hz = !kl_shimmer3_wants_emg(self) ? IMU_RATE_HZ
                      : self->imu                  ? BOTH_RATE_HZ
                                                   : EMG_RATE_HZ;
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

static const char *const emg_key[KL_SHIMMER3_EMG_INPUTS] = {EMG1_KEY, EMG2_KEY};

static int read_options(struct kl_shimmer3 *self, const struct kl_device_config *lab,
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
        [IMU] = {.key = "imu", .kind = KL_RULE_FLAG},
        [ACCEL] = {.key = "accel", .kind = KL_RULE_WORD, .word = accel},
        [ACCEL_G] = {.key = "accel_g", .kind = KL_RULE_WORD, .word = accel_g},
        [GYRO_DEG_S] = {.key = "gyro_deg_s", .kind = KL_RULE_WORD, .word = gyro_deg_s},
        [MAGNETOMETER] = {.key = "magnetometer", .kind = KL_RULE_FLAG},
        [EMG1] = {.key = EMG1_KEY, .kind = KL_RULE_TEXT},
        [EMG2] = {.key = EMG2_KEY, .kind = KL_RULE_TEXT},
        [TYPICAL] = {.key = "uncalibrated", .kind = KL_RULE_FLAG},
        [INQUIRY] = {.key = "inquiry", .kind = KL_RULE_TEXT},
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

/* Typical values depend on the chips, which the order of the magnetometer's axes tells. */
void kl_shimmer3_calibrate_typically(struct kl_shimmer3 *self)
{
    const struct kl_shimmer3_layout *layout = &self->layout;
    int x = kl_shimmer3_find(layout, KL_SHIMMER3_MAG);
    bool dlhc =
        x >= 0 && x + 1 < layout->channel_count && layout->channel[x + 1] == KL_SHIMMER3_MAG + 2;
    enum kl_shimmer3_block accel =
        self->wide ? KL_SHIMMER3_CALIBRATES_WIDE : KL_SHIMMER3_CALIBRATES_LOW_NOISE;
    self->accel = kl_shimmer3_calibration_default(accel, kl_shimmer3_accel_code(self), dlhc);
    self->gyro =
        kl_shimmer3_calibration_default(KL_SHIMMER3_CALIBRATES_GYRO, self->gyro_code, dlhc);
    self->mag = kl_shimmer3_calibration_default(KL_SHIMMER3_CALIBRATES_MAG, 0, dlhc);
}

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct kl_shimmer3 *self = state;
    const struct kl_device_config *lab = config;
    int count = 0;
    (void)snprintf(self->device, sizeof(self->device), "%s", lab->name);
    int status = read_options(self, lab, fault);
    int next = self->imu ? 1 : 0;
    for (size_t i = 0; i < KL_SHIMMER3_EMG_INPUTS; i++) {
        self->emg_stream[i] = kl_option_text(lab, emg_key[i]) != NULL ? next++ : -1;
        self->exg_v[i] =
            KL_SHIMMER3_EXG_REFERENCE_V / KL_SHIMMER3_EXG_RAIL / 12; /* the gain that start sets */
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
    for (size_t i = 0; i < KL_SHIMMER3_EMG_INPUTS && status == KL_OK; i++) {
        if (self->emg_stream[i] >= 0) {
            status =
                emg_stream(lab, kl_option_text(lab, emg_key[i]), rate_hz, &out[count++], fault);
        }
    }
    kl_shimmer3_calibrate_typically(self);
    return status == KL_OK ? count : status;
}

/* A Bluetooth port (/dev/rfcommN, or a named one) has no USB ids. */
static const struct kl_link_need need[] = {{.kind = KL_LINK_SERIAL, .baud = KL_SHIMMER3_BAUD}};

const struct kl_driver kl_shimmer3_driver = {
    .name = "shimmer3",
    .label = "Shimmer3, Shimmer3R (Bluetooth): IMU, EMG",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct kl_shimmer3),
    .stream_max = STREAMS_MAX,
    .need = need,
    .need_count = COUNT(need),
    .document = "Shimmer LogAndStream firmware; log-and-stream-common",
    .identify = kl_shimmer3_identify,
    .configure = configure,
    .start = kl_shimmer3_start,
    .stop = kl_shimmer3_stop,
    .frame = frame,
    .parse = parse,
};

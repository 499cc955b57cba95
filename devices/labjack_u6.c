/* LabJack U6 and U6-Pro: analog inputs of force-plate amplifiers, EMG and a sync pulse.
 *
 * Documents: LabJack U6 datasheet 3.2 (stream), 5.2 (low-level functions); labjack/exodriver.
 * All numbers little-endian. Commands on bulk 0x01, answers on 0x82, stream on 0x83.
 *
 *   offset  size  type  StreamData
 *   0       1     u8    checksum8 of bytes 1..5, folded twice
 *   1       1     u8    0xf9
 *   2       1     u8    4 + n, n = samples in this packet, 1..25
 *   3       1     u8    0xc0
 *   4       2     u16   checksum16: sum of bytes 6..end
 *   6       4     u32   0; with error 60 the scans dropped, the dummy scan included (u16 counts)
 *   10      1     u8    packet counter, +1 each, wraps
 *   11      1     u8    error: 0, 59 recovery runs (samples good), 60 recovery report, others
 *                       fatal for the packet
 *   12      2n    u16   samples, unsigned counts, scan after scan across packets
 *   12+2n   1     u8    backlog of the device's FIFO, /256
 *   13+2n   1     u8    0
 *
 * Volts: (raw - centre) * positive slope, or (centre - raw) * negative slope, by the unit's own
 * calibration memory (int64 / 2^32 each). Span about -10.59 to +10.11 V.
 *
 * Uncertain, and what is done about it:
 * - where the dummy scan (all 0xffff) lies in the packet of error 60: it is searched for, in step
 *   with the scan first, then anywhere (then the step of the channels was lost, and is set by it);
 * - whether the count of error 60 holds the dummy scan: it is taken to (U3 and U6 text differ by
 *   this one scan);
 * - error 63 (recovery overflow): the loss is unknown, samples carry KL_QUALITY_CLOCK once;
 * - settling of the multiplexer: channels of one scan are about 20 us apart; not corrected.
 * A loss of 256 packets at once looks like none; the hub's clock sees its time.
 */
#include "devices/labjack_u6.h"

#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    STREAM_IN = 0x83,
    HEAD = 12,
    TAIL = 2,
    SAMPLES_MAX = 25,
    INPUTS = 14,
    RAIL_COUNTS = 8, /* this close to 0 or 0xffff is the rail */
};

enum error_code { RECOVERY_ACTIVE = 59, RECOVERY_REPORT = 60, RECOVERY_OVERFLOW = 63 };

static const double nominal_slope = 3.1580578e-4; /* V/count at +-10 V */
static const double nominal_negative = -3.1580580e-4;
static const double nominal_centre = 33523.0;
/* Samples per second of all channels together, by range: datasheet 3.2. */
static const double samples_s_max[KL_LABJACK_RANGES] = {50000, 4400, 888, 356};
/* Below this the packets are made shorter than 64 bytes, so that each ends its transfer at once
 * and data never wait longer than 20 ms in the host's buffer. */
static const double full_packets_from_s = 10000;
static const double wait_max_s = 0.02;

static const char *const range_words[] = {"10", "1", "0.1", "0.01", NULL};
const double kl_labjack_range_v[KL_LABJACK_RANGES] = {10, 1, 0.1, 0.01};
static const char *const calibration_words[] = {"device", "nominal", NULL};

enum option { OPTION_RANGE = 0, OPTION_DIFFERENTIAL, OPTION_SETTLING, OPTION_CALIBRATION, OPTIONS };

static const struct kl_option_rule options[OPTIONS] = {
    [OPTION_RANGE] = {.key = "range_v", .kind = KL_RULE_WORD, .word = range_words},
    [OPTION_DIFFERENTIAL] = {.key = "differential", .kind = KL_RULE_FLAG},
    [OPTION_SETTLING] = {.key = "settling", .kind = KL_RULE_WHOLE, .low = 0, .high = 9},
    [OPTION_CALIBRATION] = {.key = "calibration", .kind = KL_RULE_WORD, .word = calibration_words},
};

/* ---------------------------------------------------------------- checksums */

uint8_t kl_labjack_fold8(unsigned sum)
{
    sum = sum % 256 + sum / 256;
    sum = sum % 256 + sum / 256;
    return (uint8_t)sum;
}

unsigned kl_labjack_sum(const uint8_t *bytes, size_t from, size_t to)
{
    unsigned sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += bytes[i];
    }
    return sum;
}

bool kl_labjack_sealed(const uint8_t *bytes, size_t len)
{
    return (kl_labjack_sum(bytes, 6, len) & 0xffff) == kl_u16_le(bytes + 4) &&
           kl_labjack_fold8(kl_labjack_sum(bytes, 1, 6)) == bytes[0];
}

/* ---------------------------------------------------------------- configure */

static bool input_allowed(unsigned input)
{
    return input < INPUTS || input == KL_LABJACK_DIGITAL_INPUT;
}

static bool input_allowed_differential(unsigned input)
{
    return (input < INPUTS && input % 2 == 0) || input == KL_LABJACK_DIGITAL_INPUT;
}

/* The divider of the converter's clock that comes nearest to the rate. Limits as the maker's. */
static double choose_clock(struct kl_labjack *self, double rate_hz)
{
    enum { CLOCK_48_MHZ = 1 << 3, CLOCK_BY_256 = 1 << 1 };
    static const struct {
        double from_hz, clock_hz;
        uint8_t bits;
    } clock[] = {
        {732.43304, 48e6, CLOCK_48_MHZ},
        {61.03515, 4e6, 0},
        {2.86106, 187500, CLOCK_48_MHZ | CLOCK_BY_256},
        {0, 15625, CLOCK_BY_256},
    };
    size_t i = 0;
    while (rate_hz < clock[i].from_hz) {
        i++;
    }
    double interval = fmin(fmax(round(clock[i].clock_hz / rate_hz), 1), UINT16_MAX);
    self->interval = (uint16_t)interval;
    self->clock_bits = clock[i].bits;
    return clock[i].clock_hz;
}

/* Whole scans per packet where there is time for it: nothing then crosses packets. */
static unsigned choose_samples(size_t channels, double rate_hz)
{
    double samples_s = (double)channels * rate_hz;
    if (samples_s >= full_packets_from_s) {
        return SAMPLES_MAX;
    }
    unsigned most = (unsigned)((SAMPLES_MAX - 1) / channels); /* 24 or fewer: a short packet */
    double wanted = floor(wait_max_s * rate_hz);
    unsigned scans = wanted < most ? (unsigned)wanted : most;
    return (unsigned)channels * (scans > 0 ? scans : 1);
}

static int check_rate(const struct kl_labjack *self, double rate_hz, struct kl_fault *fault)
{
    double most = samples_s_max[self->range] / (double)self->scan.slot_count;
    if (!(rate_hz >= 1 && rate_hz <= most)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        KL_LABJACK_NAME
                        ": rate %g Hz; %zu channels at +-%g V allow 1 to %.0f Hz (%.0f samples "
                        "per second in all)",
                        rate_hz, self->scan.slot_count, kl_labjack_range_v[self->range],
                        floor(most), samples_s_max[self->range]);
    }
    for (size_t i = 0; i < self->scan.slot_count; i++) {
        if (self->scan.input[i] != KL_LABJACK_DIGITAL_INPUT) {
            return KL_OK;
        }
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    KL_LABJACK_NAME ": input 193 (digital lines) needs an analog input beside it");
}

struct kl_labjack_calibration kl_labjack_nominal(unsigned range)
{
    double scale = kl_labjack_range_v[range] / kl_labjack_range_v[0];
    return (struct kl_labjack_calibration){.slope = nominal_slope * scale,
                                           .negative = nominal_negative * scale,
                                           .centre = nominal_centre};
}

static int configure(void *state, const void *lab, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct kl_labjack *self = state;
    const struct kl_device_config *config = lab;
    double value[OPTIONS] = {0};
    memset(self, 0, sizeof(*self));
    int status = kl_device_options(config, options, value, OPTIONS, fault);
    if (status != KL_OK) {
        return status;
    }
    self->range = (unsigned)value[OPTION_RANGE];
    self->differential = value[OPTION_DIFFERENTIAL] > 0;
    self->settling = (uint8_t)value[OPTION_SETTLING];
    self->nominal = value[OPTION_CALIBRATION] > 0;
    const struct kl_analog_limits limits = {
        .driver = KL_LABJACK_NAME,
        .inputs_text = self->differential
                           ? "even inputs 0 to 12 (each against the next) and 193 (digital)"
                           : "0 to 13 and 193 (digital lines)",
        .input_allowed = self->differential ? input_allowed_differential : input_allowed,
        .slot_max = KL_LABJACK_CHANNELS_MAX,
        .full_scale_v = kl_labjack_range_v[self->range],
    };
    int count = kl_analog_scan_configure(&self->scan, &limits, config, out, cap, fault);
    if (count < 0) {
        return count;
    }
    double rate_hz = config->rate_hz == 0 ? 1000 : config->rate_hz;
    status = check_rate(self, rate_hz, fault);
    if (status != KL_OK) {
        return status;
    }
    double clock_hz = choose_clock(self, rate_hz);
    kl_analog_scan_rate(&self->scan, out, clock_hz, self->interval);
    self->samples = choose_samples(self->scan.slot_count, rate_hz);
    self->calibration = kl_labjack_nominal(self->range);
    return count;
}

/* ---------------------------------------------------------------- stream */

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    if ((len > 1 && buf[1] != 0xf9) || (len > 2 && (buf[2] < 4 + 1 || buf[2] > 4 + SAMPLES_MAX)) ||
        (len > 3 && buf[3] != 0xc0)) {
        return KL_FRAME_INVALID;
    }
    if (len < 6) {
        return KL_FRAME_NEED_MORE;
    }
    if (kl_labjack_fold8(kl_labjack_sum(buf, 1, 6)) != buf[0]) {
        return KL_FRAME_INVALID; /* before its length is believed */
    }
    size_t whole = HEAD + TAIL + 2 * (size_t)(buf[2] - 4);
    if (len < whole) {
        return KL_FRAME_NEED_MORE;
    }
    if (!kl_labjack_sealed(buf, whole)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = whole;
    return KL_FRAME_VALID;
}

/* `count` samples never came: whole scans are skipped, the one begun has a hole. */
static void lose(struct kl_labjack *self, size_t count)
{
    size_t channels = self->scan.slot_count;
    size_t at = self->filled + count;
    kl_analog_scan_skip(&self->scan, at / channels, KL_QUALITY_GAP);
    self->filled = at % channels;
    self->torn = self->filled > 0;
}

static bool is_dummy(const uint16_t *raw, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (raw[i] != UINT16_MAX) {
            return false;
        }
    }
    return count > 0;
}

/* Samples to throw away so that the dummy scan stands at the beginning of a scan: those from
 * *from to *to. Nothing to do where one is in step, or begins at the end. */
static bool find_slip(const uint16_t *raw, size_t count, size_t channels, size_t *from, size_t *to)
{
    for (size_t at = 0; at < count; at += channels) {
        size_t left = count - at;
        if (is_dummy(raw + at, left < channels ? left : channels)) {
            return false;
        }
    }
    for (size_t at = 0; at + channels <= count; at++) {
        if (is_dummy(raw + at, channels)) {
            *to = at;
            *from = at - at % channels;
            return true;
        }
    }
    return false;
}

/* One whole scan of counts. @return samples written or a negative status */
static int take_scan(struct kl_labjack *self, const uint16_t *raw, struct kl_sample *out,
                     size_t cap)
{
    size_t channels = self->scan.slot_count;
    double value[KL_LABJACK_CHANNELS_MAX];
    uint32_t clipped = 0;
    if (self->torn) {
        self->torn = false;
        kl_analog_scan_skip(&self->scan, 1, KL_QUALITY_GAP);
        return 0;
    }
    if (self->recovering && is_dummy(raw, channels)) {
        self->recovering = false;
        kl_analog_scan_skip(&self->scan, self->dropped, KL_QUALITY_GAP);
        return 0;
    }
    for (size_t i = 0; i < channels; i++) {
        if (self->scan.input[i] == KL_LABJACK_DIGITAL_INPUT) {
            value[i] = raw[i];
            continue;
        }
        double counts = raw[i] - self->calibration.centre;
        value[i] =
            counts < 0 ? -counts * self->calibration.negative : counts * self->calibration.slope;
        bool at_rail = raw[i] <= RAIL_COUNTS || raw[i] >= UINT16_MAX - RAIL_COUNTS;
        clipped |= at_rail ? 1u << i : 0;
    }
    return kl_analog_scan_emit(&self->scan, value, clipped, out, cap);
}

/* @return false: the packet holds no samples to be trusted */
static bool take_error(struct kl_labjack *self, const uint8_t *packet, size_t samples)
{
    unsigned code = packet[11];
    if (self->recovering && ++self->recovering_packets > 1) {
        /* no dummy scan in two packets: the time of what follows is only roughly known */
        self->recovering = false;
        kl_analog_scan_skip(&self->scan, self->dropped, KL_QUALITY_GAP | KL_QUALITY_CLOCK);
    }
    if (code == RECOVERY_REPORT) {
        self->recovering = true;
        self->recovering_packets = 0;
        self->dropped = kl_u16_le(packet + 6);
        self->dropped += self->dropped == 0 ? 1 : 0;
        return true;
    }
    if (code == 0 || code == RECOVERY_ACTIVE) {
        return true;
    }
    lose(self, samples);
    self->scan.pending |= code == RECOVERY_OVERFLOW ? (uint32_t)KL_QUALITY_CLOCK : 0;
    return false;
}

static int parse(void *state, const uint8_t *packet, size_t len, struct kl_sample *out, size_t cap)
{
    struct kl_labjack *self = state;
    size_t channels = self->scan.slot_count;
    size_t samples = (len - HEAD - TAIL) / 2;
    if (channels == 0 || len < HEAD + TAIL || samples > SAMPLES_MAX) {
        return KL_ERR_ARG;
    }
    if (self->has_counter) {
        unsigned missing = (uint8_t)(packet[10] - self->counter - 1);
        if (missing > 0) {
            lose(self, missing * samples);
        }
    }
    self->has_counter = true;
    self->counter = packet[10];
    if (!take_error(self, packet, samples)) {
        return 0;
    }
    uint16_t raw[KL_LABJACK_CHANNELS_MAX + SAMPLES_MAX];
    size_t count = self->filled + samples;
    memcpy(raw, self->part, self->filled * sizeof(raw[0]));
    for (size_t i = 0; i < samples; i++) {
        raw[self->filled + i] = kl_u16_le(packet + HEAD + 2 * i);
    }
    size_t slip_from = SIZE_MAX, slip_to = 0, at = 0;
    int written = 0;
    (void)(self->recovering && find_slip(raw, count, channels, &slip_from, &slip_to));
    while (at + channels <= count) {
        if (at == slip_from) {
            at = slip_to;
            self->torn = false;
            slip_from = SIZE_MAX;
            continue;
        }
        int status = take_scan(self, raw + at, out + written, cap - (size_t)written);
        if (status < 0) {
            return status;
        }
        written += status;
        at += channels;
    }
    self->filled = count - at;
    memcpy(self->part, raw + at, self->filled * sizeof(raw[0]));
    return written;
}

static const struct kl_usb_id usb_ids[] = {{0x0cd5, 0x0006}};
static const struct kl_link_need needs[] = {{
    .kind = KL_LINK_USB,
    .usb_id = usb_ids,
    .usb_id_count = 1,
    .interface = 0,
    .stream_in = STREAM_IN,
    .out = KL_LABJACK_COMMAND_OUT,
    .packet = 512, /* 8 full packets; shorter packets end a transfer each */
}};

const struct kl_driver kl_labjack_u6_driver = {
    .name = KL_LABJACK_NAME,
    .label = "LabJack U6, U6-Pro",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct kl_labjack),
    .stream_max = KL_ANALOG_STREAMS_MAX,
    .need = needs,
    .need_count = 1,
    .document = "LabJack U6 datasheet 3.2, 5.2; labjack/exodriver",
    .identify = kl_labjack_identify,
    .configure = configure,
    .start = kl_labjack_start,
    .stop = kl_labjack_stop,
    .frame = frame,
    .parse = parse,
};

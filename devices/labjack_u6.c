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
#include "devices/analog_scan.h"
#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME "labjack_u6"

enum {
    COMMAND_OUT = 0x01,
    ANSWER_IN = 0x82,
    STREAM_IN = 0x83,
    PACKET_MAX = 64,
    HEAD = 12,
    TAIL = 2,
    CHANNELS_MAX = 25,
    SAMPLES_MAX = 25,
    DIGITAL_INPUT = 193, /* FIO in the low byte, EIO in the high byte */
    INPUTS = 14,
    RANGES = 4,
    CAL_BLOCKS = 4, /* constants 0..15: slopes, offsets and centres of the stream's converter */
    CAL_VALUES = 4, /* per block */
    TRIES = 3,
    DRAIN_READS = 256,
    EXTENDED = 0xf8,
    RAIL_COUNTS = 8, /* this close to 0 or 0xffff is the rail */
};

enum error_code { STREAM_NOT_RUNNING = 52, RECOVERY_ACTIVE = 59, RECOVERY_REPORT = 60 };

enum { RECOVERY_OVERFLOW = 63 };

static const int64_t command_wait_ns = KL_NS_PER_S; /* as the maker's library */
static const int64_t drain_wait_ns = 20000000;

static const double nominal_slope = 3.1580578e-4; /* V/count at +-10 V */
static const double nominal_negative = -3.1580580e-4;
static const double nominal_centre = 33523.0;
static const double slope_tolerance = 0.05; /* a unit further away is damaged or never calibrated */
static const double centre_tolerance = 500.0;
/* Samples per second of all channels together, by range: datasheet 3.2. */
static const double samples_s_max[RANGES] = {50000, 4400, 888, 356};
/* Below this the packets are made shorter than 64 bytes, so that each ends its transfer at once
 * and data never wait longer than 20 ms in the host's buffer. */
static const double full_packets_from_s = 10000;
static const double wait_max_s = 0.02;

static const char *const range_words[] = {"10", "1", "0.1", "0.01", NULL};
static const double range_v[RANGES] = {10, 1, 0.1, 0.01};
static const char *const calibration_words[] = {"device", "nominal", NULL};

enum option { OPTION_RANGE = 0, OPTION_DIFFERENTIAL, OPTION_SETTLING, OPTION_CALIBRATION, OPTIONS };

static const struct kl_option_rule options[OPTIONS] = {
    [OPTION_RANGE] = {.key = "range_v", .kind = KL_OPTION_WORD, .word = range_words},
    [OPTION_DIFFERENTIAL] = {.key = "differential", .kind = KL_OPTION_FLAG},
    [OPTION_SETTLING] = {.key = "settling", .kind = KL_OPTION_WHOLE, .low = 0, .high = 9},
    [OPTION_CALIBRATION] = {.key = "calibration",
                            .kind = KL_OPTION_WORD,
                            .word = calibration_words},
};

struct labjack_u6 {
    struct kl_analog_scan scan;
    unsigned range, samples; /* per packet */
    bool differential, nominal;
    uint8_t settling;
    uint8_t clock_bits;
    uint16_t interval;
    double slope, negative, centre; /* of the range in use */

    uint16_t part[CHANNELS_MAX]; /* of the scan that crosses packets */
    size_t filled;
    bool torn; /* the scan in `part` has a hole */
    bool has_counter;
    uint8_t counter;
    bool recovering; /* a dummy scan is due, worth `dropped` scans */
    unsigned recovering_packets;
    uint32_t dropped;
};

/* ---------------------------------------------------------------- checksums */

static uint8_t fold8(unsigned sum)
{
    sum = sum % 256 + sum / 256;
    sum = sum % 256 + sum / 256;
    return (uint8_t)sum;
}

static unsigned sum_of(const uint8_t *bytes, size_t from, size_t to)
{
    unsigned sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += bytes[i];
    }
    return sum;
}

/* Fills the header of an extended command whose data stand at byte 6 and on. */
static void seal(uint8_t *command, size_t len, uint8_t number)
{
    unsigned sum = sum_of(command, 6, len);
    command[1] = EXTENDED;
    command[2] = (uint8_t)((len - 6) / 2);
    command[3] = number;
    command[4] = (uint8_t)(sum & 0xff);
    command[5] = (uint8_t)(sum >> 8);
    command[0] = fold8(sum_of(command, 1, 6));
}

static bool sealed(const uint8_t *bytes, size_t len)
{
    return (sum_of(bytes, 6, len) & 0xffff) == kl_u16_le(bytes + 4) &&
           fold8(sum_of(bytes, 1, 6)) == bytes[0];
}

/* ---------------------------------------------------------------- configure */

static bool input_allowed(unsigned input)
{
    return input < INPUTS || input == DIGITAL_INPUT;
}

static bool input_allowed_differential(unsigned input)
{
    return (input < INPUTS && input % 2 == 0) || input == DIGITAL_INPUT;
}

/* The divider of the converter's clock that comes nearest to the rate. Limits as the maker's. */
static double choose_clock(struct labjack_u6 *self, double rate_hz)
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

static int check_rate(const struct labjack_u6 *self, double rate_hz, struct kl_fault *fault)
{
    double most = samples_s_max[self->range] / (double)self->scan.slot_count;
    if (!(rate_hz >= 1 && rate_hz <= most)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        NAME
                        ": rate %g Hz; %zu channels at +-%g V allow 1 to %.0f Hz (%.0f samples "
                        "per second in all)",
                        rate_hz, self->scan.slot_count, range_v[self->range], floor(most),
                        samples_s_max[self->range]);
    }
    for (size_t i = 0; i < self->scan.slot_count; i++) {
        if (self->scan.input[i] != DIGITAL_INPUT) {
            return KL_OK;
        }
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    NAME ": input 193 (digital lines) needs an analog input beside it");
}

static void use_nominal(struct labjack_u6 *self)
{
    double scale = range_v[self->range] / range_v[0];
    self->slope = nominal_slope * scale;
    self->negative = nominal_negative * scale;
    self->centre = nominal_centre;
}

static int configure(void *state, const void *lab, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct labjack_u6 *self = state;
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
        .driver = NAME,
        .inputs_text = self->differential
                           ? "even inputs 0 to 12 (each against the next) and 193 (digital)"
                           : "0 to 13 and 193 (digital lines)",
        .input_allowed = self->differential ? input_allowed_differential : input_allowed,
        .slot_max = CHANNELS_MAX,
        .full_scale_v = range_v[self->range],
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
    use_nominal(self);
    return count;
}

/* ---------------------------------------------------------------- conversation */

static const char *error_text(unsigned code)
{
    static const struct {
        unsigned code;
        const char *text;
    } row[] = {
        {48, "a stream is running already"},
        {49, "scan list refused"},
        {50, "stream configuration refused"},
        {52, "no stream is running"},
        {54, "converter buffer overflow"},
        {55, "scans overlap: lower the rate or use fewer channels"},
        {56, "samples per packet refused"},
        {57, "range refused"},
        {58, "scan rate refused"},
        {97, "an analog line is configured as digital"},
        {98, "a digital line is configured as analog"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (row[i].code == code) {
            return row[i].text;
        }
    }
    return "see the datasheet, section 5.3";
}

/* What a command is, for sending it and for saying what failed. */
struct question {
    const char *name;
    const uint8_t *command;
    size_t len;
    size_t answer_len;
    size_t error_at; /* byte of the answer that tells the error */
    bool once;       /* not to be repeated when no answer came */
};

enum { ANSWER_GOOD = 1, ANSWER_RESEND = 2, ANSWER_OTHER = 3 };

static int judge(const struct question *question, const uint8_t *answer, size_t len)
{
    if (len >= 2 && answer[0] == 0xb8 && answer[1] == 0xb8) {
        return ANSWER_RESEND; /* the device saw a bad checksum */
    }
    bool extended = question->command[1] == EXTENDED;
    bool fits = len == question->answer_len &&
                (extended ? answer[1] == EXTENDED && answer[3] == question->command[3] &&
                                sealed(answer, len)
                          : answer[1] == (uint8_t)(question->command[1] + 1) &&
                                fold8(sum_of(answer, 1, len)) == answer[0]);
    return fits ? ANSWER_GOOD : ANSWER_OTHER;
}

/* Sends a command and waits for its answer. Something else (an answer that an earlier program left
 * behind) is passed over. @return the answer's error code, or a negative status with *fault */
static int ask(struct kl_link *link, const struct question *question, uint8_t answer[PACKET_MAX],
               struct kl_fault *fault)
{
    uint8_t command[PACKET_MAX];
    int got = 0;
    memset(answer, 0, PACKET_MAX);
    for (int attempt = 0; attempt < TRIES; attempt++) {
        memcpy(command, question->command, question->len);
        int sent = link->ops->transfer(link, COMMAND_OUT, command, question->len, command_wait_ns);
        if (sent < 0) {
            return kl_fault(fault, sent, NAME ": %s could not be sent: %s", question->name,
                            kl_status_text(sent));
        }
        int verdict = ANSWER_OTHER;
        for (int reads = 0; reads < TRIES && verdict == ANSWER_OTHER; reads++) {
            got = link->ops->transfer(link, ANSWER_IN, answer, PACKET_MAX, command_wait_ns);
            if (got < 0 && got != KL_ERR_TIMEOUT) {
                return kl_fault(fault, got, NAME ": no answer to %s: %s", question->name,
                                kl_status_text(got));
            }
            if (got <= 0) {
                break;
            }
            verdict = judge(question, answer, (size_t)got);
        }
        if (verdict == ANSWER_GOOD) {
            return answer[question->error_at];
        }
        if (question->once && verdict != ANSWER_RESEND) {
            break;
        }
    }
    if (got <= 0) {
        return kl_fault(fault, KL_ERR_TIMEOUT,
                        NAME ": no answer to %s within 1 s; unplug the device and plug it in again",
                        question->name);
    }
    return kl_fault(fault, KL_ERR_DATA,
                    NAME ": %s: expected an answer of %zu bytes, got %d beginning %02x %02x %02x "
                         "%02x; unplug the device and plug it in again",
                    question->name, question->answer_len, got, answer[0], answer[1], answer[2],
                    answer[3]);
}

/* The same, and any error code is a fault. */
static int ask_well(struct kl_link *link, const struct question *question,
                    uint8_t answer[PACKET_MAX], struct kl_fault *fault)
{
    int code = ask(link, question, answer, fault);
    if (code > 0) {
        return kl_fault(fault, KL_ERR_DATA, NAME ": %s: the device answers error %d: %s",
                        question->name, code, error_text((unsigned)code));
    }
    return code;
}

static const uint8_t stop_command[] = {0xb0, 0xb0};
static const uint8_t start_command[] = {0xa8, 0xa8};

/* @return KL_OK also when no stream ran */
static int stop_stream(struct kl_link *link, struct kl_fault *fault)
{
    const struct question question = {"StreamStop", stop_command, 2, 4, 2, false};
    uint8_t answer[PACKET_MAX];
    int code = ask(link, &question, answer, fault);
    if (code > 0 && code != STREAM_NOT_RUNNING) {
        return kl_fault(fault, KL_ERR_DATA, NAME ": StreamStop: the device answers error %d: %s",
                        code, error_text((unsigned)code));
    }
    return code < 0 ? code : KL_OK;
}

/* What an earlier stream left in the pipe. */
static int drain(struct kl_link *link)
{
    uint8_t bytes[512];
    int got = 1;
    for (int i = 0; i < DRAIN_READS && got > 0; i++) {
        got = link->ops->read(link, bytes, sizeof(bytes), drain_wait_ns);
    }
    return got < 0 && got != KL_ERR_TIMEOUT ? got : KL_OK;
}

/* ConfigU6, read only. */
static int read_identity(struct kl_link *link, uint8_t answer[PACKET_MAX], struct kl_fault *fault)
{
    uint8_t command[26] = {0};
    seal(command, sizeof(command), 0x08);
    const struct question question = {"ConfigU6", command, sizeof(command), 38, 6, false};
    return ask_well(link, &question, answer, fault);
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    uint8_t answer[PACKET_MAX];
    int status = read_identity(link, answer, NULL);
    if (status != KL_OK) {
        return status;
    }
    (void)snprintf(out, len, "LabJack U6%s, firmware %u.%02u, serial %u",
                   (answer[37] & 8) != 0 ? "-Pro" : "", (unsigned)answer[10], (unsigned)answer[9],
                   (unsigned)kl_u32_le(answer + 15));
    return KL_OK;
}

static double fixed_point(const uint8_t *p)
{
    return (double)(int64_t)kl_u64_le(p) / 4294967296.0;
}

static int read_calibration(struct labjack_u6 *self, struct kl_link *link, struct kl_fault *fault)
{
    double constant[CAL_BLOCKS * CAL_VALUES];
    for (size_t block = 0; block < CAL_BLOCKS; block++) {
        uint8_t command[8] = {0};
        uint8_t answer[PACKET_MAX];
        command[7] = (uint8_t)block;
        seal(command, sizeof(command), 0x2d);
        const struct question question = {"ReadCal", command, sizeof(command), 40, 6, false};
        int status = ask_well(link, &question, answer, fault);
        if (status != KL_OK) {
            return status;
        }
        for (size_t i = 0; i < CAL_VALUES; i++) {
            constant[block * CAL_VALUES + i] = fixed_point(answer + 8 + 8 * i);
        }
    }
    double slope = constant[2 * self->range];
    double negative = constant[8 + 2 * self->range];
    double centre = constant[8 + 2 * self->range + 1];
    double scale = range_v[self->range] / range_v[0];
    if (!(fabs(slope / (nominal_slope * scale) - 1) < slope_tolerance &&
          fabs(negative / (nominal_negative * scale) - 1) < slope_tolerance &&
          fabs(centre - nominal_centre) < centre_tolerance)) {
        return kl_fault(fault, KL_ERR_DATA,
                        NAME ": calibration memory of the +-%g V range says %g, %g V/count about "
                             "%g; expected %g, %g about %g within 5 %%: have the unit calibrated, "
                             "or set calibration: nominal",
                        range_v[self->range], slope, negative, centre, nominal_slope * scale,
                        nominal_negative * scale, nominal_centre);
    }
    self->slope = slope;
    self->negative = negative;
    self->centre = centre;
    return KL_OK;
}

static int configure_stream(const struct labjack_u6 *self, struct kl_link *link,
                            struct kl_fault *fault)
{
    uint8_t command[PACKET_MAX + CHANNELS_MAX] = {0};
    uint8_t answer[PACKET_MAX];
    size_t channels = self->scan.slot_count;
    size_t len = 14 + 2 * channels;
    command[6] = (uint8_t)channels;
    command[7] = 1; /* resolution: the fastest */
    command[8] = (uint8_t)self->samples;
    command[10] = self->settling;
    command[11] = self->clock_bits;
    command[12] = (uint8_t)(self->interval & 0xff);
    command[13] = (uint8_t)(self->interval >> 8);
    for (size_t i = 0; i < channels; i++) {
        bool digital = self->scan.input[i] == DIGITAL_INPUT;
        command[14 + 2 * i] = self->scan.input[i];
        command[15 + 2 * i] =
            digital ? 0 : (uint8_t)((self->differential ? 0x80u : 0u) | self->range << 4);
    }
    seal(command, len, 0x11);
    const struct question question = {"StreamConfig", command, len, 8, 6, false};
    return ask_well(link, &question, answer, fault);
}

static int stop(void *state, struct kl_link *link)
{
    (void)state;
    int status = stop_stream(link, NULL);
    return status == KL_OK ? drain(link) : status;
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct labjack_u6 *self = state;
    uint8_t answer[PACKET_MAX];
    if (link->ops->transfer == NULL) {
        return kl_fault(fault, KL_ERR_ARG, NAME ": needs a USB link");
    }
    int status = stop_stream(link, fault); /* a crashed program leaves the stream running */
    if (status == KL_OK && (status = drain(link)) != KL_OK) {
        return kl_fault(fault, status, NAME ": the stream endpoint cannot be read: %s",
                        kl_status_text(status));
    }
    if (status == KL_OK) {
        status = read_identity(link, answer, fault);
    }
    if (status == KL_OK && !self->nominal) {
        status = read_calibration(self, link, fault);
    }
    if (status == KL_OK) {
        status = configure_stream(self, link, fault);
    }
    if (status != KL_OK) {
        return status;
    }
    kl_analog_scan_reset(&self->scan);
    self->filled = 0;
    self->torn = self->has_counter = self->recovering = false;
    const struct question question = {"StreamStart", start_command, 2, 4, 2, true};
    status = ask_well(link, &question, answer, fault);
    if (status != KL_OK) {
        (void)stop_stream(link, NULL); /* it may have started nevertheless */
    }
    return status;
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
    if (fold8(sum_of(buf, 1, 6)) != buf[0]) {
        return KL_FRAME_INVALID; /* before its length is believed */
    }
    size_t whole = HEAD + TAIL + 2 * (size_t)(buf[2] - 4);
    if (len < whole) {
        return KL_FRAME_NEED_MORE;
    }
    if (!sealed(buf, whole)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = whole;
    return KL_FRAME_VALID;
}

/* `count` samples never came: whole scans are skipped, the one begun has a hole. */
static void lose(struct labjack_u6 *self, size_t count)
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
static int take_scan(struct labjack_u6 *self, const uint16_t *raw, struct kl_sample *out,
                     size_t cap)
{
    size_t channels = self->scan.slot_count;
    double value[CHANNELS_MAX];
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
        if (self->scan.input[i] == DIGITAL_INPUT) {
            value[i] = raw[i];
            continue;
        }
        double counts = raw[i] - self->centre;
        value[i] = counts < 0 ? -counts * self->negative : counts * self->slope;
        bool at_rail = raw[i] <= RAIL_COUNTS || raw[i] >= UINT16_MAX - RAIL_COUNTS;
        clipped |= at_rail ? 1u << i : 0;
    }
    return kl_analog_scan_emit(&self->scan, value, clipped, out, cap);
}

/* @return false: the packet holds no samples to be trusted */
static bool take_error(struct labjack_u6 *self, const uint8_t *packet, size_t samples)
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
    struct labjack_u6 *self = state;
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
    uint16_t raw[CHANNELS_MAX + SAMPLES_MAX];
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
    .out = COMMAND_OUT,
    .packet = 512, /* 8 full packets; shorter packets end a transfer each */
}};

const struct kl_driver kl_labjack_u6_driver = {
    .name = NAME,
    .label = "LabJack U6, U6-Pro",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct labjack_u6),
    .stream_max = KL_ANALOG_STREAMS_MAX,
    .need = needs,
    .need_count = 1,
    .document = "LabJack U6 datasheet 3.2, 5.2; labjack/exodriver",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

/* Measurement Computing USB-1608FS-Plus: eight simultaneous 16-bit analog inputs.
 *
 * Document: wjasper/Linux_Drivers usb-1608FS-Plus (the maker publishes no protocol); facts only.
 * Vendor control transfers (0x40 out, 0xc0 in) for everything but data; data on bulk 0x81.
 *
 *   request  name            wValue   data
 *   0x11     AIN_SCAN_START  0        10 bytes, below
 *   0x12     AIN_SCAN_STOP   0        none
 *   0x14     AIN_CONFIG      0        in/out 8 bytes: range code of each channel
 *   0x15     AIN_CLR_FIFO    0        none
 *   0x30     CAL_MEMORY      address  in: float32 slope, intercept at (range * 8 + channel) * 8
 *   0x44     STATUS          0        in: u16, bit 1 a scan runs, bit 2 it overran
 *   0x48     SERIAL          0        in: 8 ASCII
 *
 *   offset  size  type  AIN_SCAN_START
 *   0       4     u32   scans, 0: until stopped
 *   4       4     u32   40 MHz / rate - 1; 0: external clock on SYNC
 *   8       1     u8    bit per channel
 *   9       1     u8    bit 0 one small packet per scan, bit 1 clock out on SYNC, bits 2-4
 *                       trigger, bit 7 "do not stall on overrun" (never set here)
 *
 * The stream: u16, lowest enabled channel first, then ascending, then the next scan. No header, no
 * counter, no time, so nothing in the bytes tells a loss. What tells it: the device stalls the
 * pipe when its FIFO overruns; the link's read then fails and the device is started again, which
 * marks the gap. A link must therefore never drop bytes of this device silently, and must begin a
 * new frame after a restart.
 *
 *   code = raw * slope + intercept, not rounded;  volts = (code - 32768) * range / 32768
 *
 * Uncertain: aggregate limit of 400 kS/s (manufacturer's text); whether 512 bytes of calibration
 * come in one transfer (the maker's source reads 4 at a time: shorter pieces are tried too).
 */
#include "devices/analog_scan.h"
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME "mcc_usb1608fs_plus"
#define DRAIN_NS (20 * KL_MS)

enum {
    CHANNELS = 8,
    RANGES = 8,
    STREAM_IN = 0x81,
    VENDOR_OUT = 0x40,
    VENDOR_IN = 0xc0,
    SCAN_START = 0x11,
    SCAN_STOP = 0x12,
    AIN_CONFIG = 0x14,
    CLEAR_FIFO = 0x15,
    CAL_MEMORY = 0x30,
    STATUS = 0x44,
    SERIAL = 0x48,
    STATUS_RUNNING = 0x0002,
    CAL_BYTES = RANGES * CHANNELS * 8,
    CAL_PIECE = 64,
    SERIAL_BYTES = 8,
    TRIES = 3,
    START_BYTES = 10,
};

static const int64_t control_wait_ns = 2 * KL_NS_PER_S; /* as the public driver */
static const double pacer_hz = 40e6;
static const double channel_hz_max = 100e3;
static const double samples_s_max = 400e3;
static const double zero_code = 32768;
/* Below this a 64-byte packet would wait long to be full: one packet per scan. */
static const double small_packets_below_hz = 100;
/* A converter further from ideal is damaged, or its memory was never written. */
static const double slope_tolerance = 0.1;
static const double intercept_max = 3276.8; /* 10 % of half the span */

static const char *const range_words[] = {"10", "5",     "2.5",    "2", "1.25",
                                          "1",  "0.625", "0.3125", NULL};
static const double range_v[RANGES] = {10, 5, 2.5, 2, 1.25, 1, 0.625, 0.3125};
static const char *const trigger_words[] = {"none", "rising", "falling", "high", "low", NULL};
static const char *const clock_words[] = {"internal", "external", NULL};

enum option { OPTION_RANGE = 0, OPTION_TRIGGER, OPTION_CLOCK, OPTION_SYNC_OUT, OPTIONS };

static const struct kl_option_rule options[OPTIONS] = {
    [OPTION_RANGE] = {.key = "range_v", .kind = KL_RULE_WORD, .word = range_words},
    [OPTION_TRIGGER] = {.key = "trigger", .kind = KL_RULE_WORD, .word = trigger_words},
    [OPTION_CLOCK] = {.key = "clock", .kind = KL_RULE_WORD, .word = clock_words},
    [OPTION_SYNC_OUT] = {.key = "sync_out", .kind = KL_RULE_FLAG},
};

struct mcc_usb1608fs_plus {
    struct kl_analog_scan scan;
    uint8_t range;
    uint8_t start_bytes[START_BYTES];
    double slope[CHANNELS], intercept[CHANNELS]; /* by slot of the scan */
    bool has_config;
    uint8_t config_before[CHANNELS]; /* range codes as they were found */
};

/* ---------------------------------------------------------------- configure */

static bool input_allowed(unsigned input)
{
    return input < CHANNELS;
}

static void put_u32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static int configure(void *state, const void *lab, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    static const struct kl_analog_limits limits = {
        .driver = NAME,
        .inputs_text = "0 to 7",
        .input_allowed = input_allowed,
        .slot_max = CHANNELS,
        .ascending = true,
    };
    struct mcc_usb1608fs_plus *self = state;
    const struct kl_device_config *config = lab;
    double value[OPTIONS] = {0};
    memset(self, 0, sizeof(*self));
    int status = kl_device_options(config, options, value, OPTIONS, fault);
    if (status != KL_OK) {
        return status;
    }
    self->range = (uint8_t)value[OPTION_RANGE];
    struct kl_analog_limits ranged = limits;
    ranged.full_scale_v = range_v[self->range];
    int count = kl_analog_scan_configure(&self->scan, &ranged, config, out, cap, fault);
    if (count < 0) {
        return count;
    }
    double rate_hz = config->rate_hz == 0 ? 1000 : config->rate_hz;
    double most = fmin(channel_hz_max, samples_s_max / (double)self->scan.slot_count);
    if (!(rate_hz >= 1 && rate_hz <= most)) {
        return kl_fault(fault, KL_ERR_RANGE, NAME ": rate %g Hz; %zu channels allow 1 to %g Hz",
                        rate_hz, self->scan.slot_count, most);
    }
    bool external = value[OPTION_CLOCK] > 0;
    double divider = round(pacer_hz / rate_hz);
    double nominal = external ? pacer_hz / rate_hz : divider; /* outside, nobody rounds */
    kl_analog_scan_rate(&self->scan, out, pacer_hz, nominal);
    unsigned mask = 0;
    for (size_t i = 0; i < self->scan.slot_count; i++) {
        mask |= 1u << self->scan.input[i];
        self->slope[i] = 1; /* until the device tells */
    }
    put_u32(self->start_bytes + 4, external ? 0 : (uint32_t)divider - 1);
    self->start_bytes[8] = (uint8_t)mask;
    self->start_bytes[9] =
        (uint8_t)((rate_hz < small_packets_below_hz ? 1u : 0) |
                  (value[OPTION_SYNC_OUT] > 0 ? 2u : 0) | (unsigned)value[OPTION_TRIGGER] << 2);
    return count;
}

/* ---------------------------------------------------------------- conversation */

/* A control transfer, repeated when it fails for a moment. @return bytes or a negative status */
static int control(struct kl_link *link, uint8_t type, uint8_t request, uint16_t value,
                   uint8_t *buf, size_t len)
{
    int got = KL_ERR_TIMEOUT;
    for (int attempt = 0; attempt < TRIES; attempt++) {
        got = link->ops->control(link, type, request, value, 0, buf, len, control_wait_ns);
        if (got == (int)len || got == KL_ERR_GONE) {
            break;
        }
    }
    return got;
}

static int ask(struct kl_link *link, uint8_t request, uint16_t value, uint8_t *buf, size_t len,
               const char *name, struct kl_fault *fault)
{
    int got = control(link, VENDOR_IN, request, value, buf, len);
    if (got < 0) {
        return kl_fault(fault, got, NAME ": %s: %s; unplug the device and plug it in again", name,
                        kl_status_text(got));
    }
    if (got != (int)len) {
        return kl_fault(fault, KL_ERR_DATA, NAME ": %s: expected %zu bytes, got %d", name, len,
                        got);
    }
    return KL_OK;
}

static int tell(struct kl_link *link, uint8_t request, uint8_t *buf, size_t len, const char *name,
                struct kl_fault *fault)
{
    int sent = control(link, VENDOR_OUT, request, 0, buf, len);
    if (sent < 0) {
        return kl_fault(fault, sent, NAME ": %s: %s; unplug the device and plug it in again", name,
                        kl_status_text(sent));
    }
    return sent == (int)len ? KL_OK
                            : kl_fault(fault, KL_ERR_IO, NAME ": %s: only %d of %zu bytes went out",
                                       name, sent, len);
}

/* Stops a scan and throws away what it left in the device and in the pipe. */
static int quiet(struct kl_link *link, struct kl_fault *fault)
{
    struct kl_conversation talk;
    uint8_t bytes[1];
    int status = tell(link, SCAN_STOP, bytes, 0, "AIN_SCAN_STOP", fault);
    if (status == KL_OK) {
        status = tell(link, CLEAR_FIFO, bytes, 0, "AIN_CLR_FIFO", fault);
    }
    kl_conversation_init(&talk, link, NULL, NULL);
    int drained = status == KL_OK ? kl_conversation_flush(&talk, DRAIN_NS) : KL_OK;
    if (drained != KL_OK) {
        status = kl_fault(fault, drained, NAME ": the data endpoint cannot be read: %s",
                          kl_status_text(drained));
    }
    return status;
}

static int check_stopped(struct kl_link *link, struct kl_fault *fault)
{
    uint8_t bytes[2];
    int status = ask(link, STATUS, 0, bytes, sizeof(bytes), "STATUS", fault);
    if (status == KL_OK && (kl_u16_le(bytes) & STATUS_RUNNING) != 0) {
        status = kl_fault(fault, KL_ERR_DATA,
                          NAME ": a scan still runs after AIN_SCAN_STOP (status %04x); another "
                               "program uses the device, or it needs to be plugged in again",
                          (unsigned)kl_u16_le(bytes));
    }
    return status;
}

static int read_table(struct kl_link *link, uint8_t table[CAL_BYTES], struct kl_fault *fault)
{
    if (control(link, VENDOR_IN, CAL_MEMORY, 0, table, CAL_BYTES) == CAL_BYTES) {
        return KL_OK;
    }
    int status = KL_OK;
    for (size_t at = 0; status == KL_OK && at < CAL_BYTES; at += CAL_PIECE) {
        status = ask(link, CAL_MEMORY, (uint16_t)at, table + at, CAL_PIECE, "CAL_MEMORY", fault);
    }
    return status;
}

static int read_calibration(struct mcc_usb1608fs_plus *self, struct kl_link *link,
                            struct kl_fault *fault)
{
    uint8_t table[CAL_BYTES];
    int status = read_table(link, table, fault);
    for (size_t i = 0; status == KL_OK && i < self->scan.slot_count; i++) {
        size_t at = ((size_t)self->range * CHANNELS + self->scan.input[i]) * 8;
        double slope = (double)kl_f32_le(table + at);
        double intercept = (double)kl_f32_le(table + at + 4);
        if (!(fabs(slope - 1) < slope_tolerance && fabs(intercept) < intercept_max)) {
            return kl_fault(fault, KL_ERR_DATA,
                            NAME ": calibration of input %u at +-%g V says slope %g, intercept "
                                 "%g; expected 1 within 10 %% and 0 within %g: have it calibrated",
                            (unsigned)self->scan.input[i], range_v[self->range], slope, intercept,
                            intercept_max);
        }
        self->slope[i] = slope;
        self->intercept[i] = intercept;
    }
    return status;
}

static int set_ranges(struct mcc_usb1608fs_plus *self, struct kl_link *link, struct kl_fault *fault)
{
    uint8_t wanted[CHANNELS], found[CHANNELS];
    int status = KL_OK;
    if (!self->has_config) { /* not again after a restart: then they are our own */
        status = ask(link, AIN_CONFIG, 0, self->config_before, CHANNELS, "AIN_CONFIG", fault);
        self->has_config = status == KL_OK;
    }
    memset(wanted, self->range, sizeof(wanted));
    if (status == KL_OK) {
        status = tell(link, AIN_CONFIG, wanted, CHANNELS, "AIN_CONFIG", fault);
    }
    if (status == KL_OK) {
        status = ask(link, AIN_CONFIG, 0, found, CHANNELS, "AIN_CONFIG", fault);
    }
    if (status == KL_OK && memcmp(wanted, found, sizeof(wanted)) != 0) {
        status = kl_fault(fault, KL_ERR_DATA,
                          NAME ": AIN_CONFIG: range code %u was set, %u is read back; plug the "
                               "device in again",
                          (unsigned)wanted[0], (unsigned)found[0]);
    }
    return status;
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    uint8_t serial[SERIAL_BYTES];
    int status = ask(link, SERIAL, 0, serial, sizeof(serial), "SERIAL", NULL);
    if (status != KL_OK) {
        return status;
    }
    for (size_t i = 0; i < sizeof(serial); i++) {
        serial[i] = serial[i] > ' ' && serial[i] < 0x7f ? serial[i] : '?';
    }
    (void)snprintf(out, len, "USB-1608FS-Plus, serial %.*s", SERIAL_BYTES, (const char *)serial);
    return KL_OK;
}

static int stop(void *state, struct kl_link *link)
{
    struct mcc_usb1608fs_plus *self = state;
    int status = quiet(link, NULL);
    if (self->has_config && status != KL_ERR_GONE) {
        int restored = tell(link, AIN_CONFIG, self->config_before, CHANNELS, "AIN_CONFIG", NULL);
        self->has_config = restored != KL_OK;
        status = status == KL_OK ? restored : status;
    }
    return status;
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct mcc_usb1608fs_plus *self = state;
    if (link->ops->control == NULL) {
        return kl_fault(fault, KL_ERR_ARG, NAME ": needs a USB link");
    }
    int status = quiet(link, fault); /* a crashed program leaves the scan running */
    if (status == KL_OK) {
        status = check_stopped(link, fault);
    }
    if (status == KL_OK) {
        status = read_calibration(self, link, fault);
    }
    if (status == KL_OK) {
        status = set_ranges(self, link, fault);
    }
    kl_analog_scan_reset(&self->scan);
    if (status == KL_OK) {
        status = tell(link, SCAN_START, self->start_bytes, START_BYTES, "AIN_SCAN_START", fault);
    }
    if (status != KL_OK) {
        (void)stop(self, link);
    }
    return status;
}

/* ---------------------------------------------------------------- stream */

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct mcc_usb1608fs_plus *self = state;
    size_t whole = 2 * self->scan.slot_count;
    (void)buf;
    if (whole == 0) {
        return KL_FRAME_INVALID;
    }
    if (len < whole) {
        return KL_FRAME_NEED_MORE;
    }
    *frame_len = whole;
    return KL_FRAME_VALID;
}

static int parse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct mcc_usb1608fs_plus *self = state;
    double value[CHANNELS];
    uint32_t clipped = 0;
    if (len != 2 * self->scan.slot_count) {
        return KL_ERR_ARG;
    }
    for (size_t i = 0; i < self->scan.slot_count; i++) {
        unsigned raw = kl_u16_le(buf + 2 * i);
        double code = raw * self->slope[i] + self->intercept[i];
        value[i] = (code - zero_code) * range_v[self->range] / zero_code;
        clipped |= raw == 0 || raw == UINT16_MAX ? 1u << i : 0;
    }
    return kl_analog_scan_emit(&self->scan, value, clipped, out, cap);
}

static const struct kl_usb_id usb_ids[] = {{0x09db, 0x00ea}};
static const struct kl_link_need needs[] = {{
    .kind = KL_LINK_USB,
    .usb_id = usb_ids,
    .usb_id_count = 1,
    .interface = 0,
    .stream_in = STREAM_IN,
    .packet = 64, /* the device sends full packets of 64: 32 samples, 5 ms at 6 x 1 kHz */
}};

const struct kl_driver kl_mcc_usb1608fs_plus_driver = {
    .name = NAME,
    .label = "Measurement Computing USB-1608FS-Plus",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct mcc_usb1608fs_plus),
    .stream_max = CHANNELS,
    .need = needs,
    .need_count = 1,
    .document = "wjasper/Linux_Drivers usb-1608FS-Plus (facts only)",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

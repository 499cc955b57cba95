#include "record_device.h"

#include <math.h>
#include <string.h>

/*   offset  size  type  record
 *   0       2           a5 5a
 *   2       2     u16   counter
 *   4       4     u32   us of the board's clock, wraps
 *   8       2c    i16   values
 *   8+2c    2     u16   CRC-16-CCITT of what stands before it
 */
enum { HEAD = 8, TAIL = 2, CHANNELS_MAX = 18, RECORD_MAX = HEAD + 2 * CHANNELS_MAX + TAIL };

static int stored(uint64_t n, size_t c)
{
    return (int16_t)(uint16_t)(n * 40503u + c * 9973u) / 2; /* never at a rail; neighbours differ */
}

double record_device_true_ns(const struct record_device *self, uint64_t n)
{
    double d_s = (double)n / self->rate_hz; /* by the board's clock */
    double a = 1 + self->drift_ppm * 1e-6, b = self->ramp_ppm_s * 1e-6;
    /* d = a t + b t^2 / 2 */
    double t_s = fabs(b) < 1e-15 ? d_s / a : (sqrt(a * a + 2 * b * d_s) - a) / b;
    return t_s * 1e9;
}

static void put_u16(uint8_t *out, unsigned value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

/* Polynomial 0x1021, begins with 0xffff, a table made at the first use. */
static unsigned crc16(const uint8_t *bytes, size_t len)
{
    static uint16_t table[256];
    if (table[1] == 0) {
        for (unsigned i = 0; i < 256; i++) {
            unsigned crc = i << 8;
            for (int bit = 0; bit < 8; bit++) {
                crc = (crc & 0x8000u) != 0 ? crc << 1 ^ 0x1021u : crc << 1;
            }
            table[i] = (uint16_t)crc;
        }
    }
    unsigned crc = 0xffff;
    for (size_t i = 0; i < len; i++) {
        crc = (crc << 8 ^ table[(crc >> 8 ^ bytes[i]) & 0xff]) & 0xffff;
    }
    return crc;
}

static size_t write_record(const struct record_device *self, uint64_t n, uint8_t *out)
{
    size_t len = HEAD + 2 * self->channels;
    uint64_t us = (uint64_t)llround((double)n / self->rate_hz * 1e6);
    out[0] = 0xa5;
    out[1] = 0x5a;
    put_u16(out + 2, (unsigned)(n & 0xffff));
    put_u16(out + 4, (unsigned)(us & 0xffff));
    put_u16(out + 6, (unsigned)(us >> 16 & 0xffff));
    for (size_t c = 0; c < self->channels; c++) {
        put_u16(out + HEAD + 2 * c, (unsigned)stored(n, c) & 0xffff);
    }
    put_u16(out + len, crc16(out, len));
    return len + TAIL;
}

static int out(void *self, uint8_t endpoint, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    (void)self;
    (void)endpoint;
    (void)bytes;
    (void)now_ns;
    return (int)len;
}

static int in(void *memory, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    struct record_device *self = memory;
    size_t len = 0;
    (void)endpoint;
    while (cap - len >= RECORD_MAX && record_device_true_ns(self, self->next) <= (double)now_ns) {
        if (self->handed_ns != NULL) {
            self->handed_ns[self->next % self->handed_count] = now_ns;
        }
        len += write_record(self, self->next, buf + len);
        self->next++;
    }
    return (int)len;
}

static const struct emulator_ops ops = {.out = out, .in = in};

#define SCALE 0.001

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    const struct record_device *device = self;
    const size_t first = device->channels == 18 ? 9 : device->channels == 8 ? 6 : device->channels;
    for (size_t c = 0; c < (stream == 0 ? first : device->channels - first); c++) {
        value[c] = stored(k, c + first * stream) * SCALE;
    }
}

static void init_plate(void *self)
{
    *(struct record_device *)self = (struct record_device){.rate_hz = 10000, .channels = 6};
}

static void init_plate_2k(void *self)
{
    *(struct record_device *)self = (struct record_device){.rate_hz = 2000, .channels = 6};
}

static void init_daq_2k(void *self)
{
    *(struct record_device *)self = (struct record_device){.rate_hz = 2000, .channels = 8};
}

static void init_pair(void *self)
{
    *(struct record_device *)self = (struct record_device){.rate_hz = 1000, .channels = 18};
}

static void init_imu(void *self)
{
    *(struct record_device *)self = (struct record_device){.rate_hz = 1000, .channels = 9};
}

static void init_emg(void *self)
{
    *(struct record_device *)self = (struct record_device){.rate_hz = 4000, .channels = 16};
}

static void init_imu_400(void *self)
{
    *(struct record_device *)self = (struct record_device){.rate_hz = 400, .channels = 6};
}

static const uint8_t input[2][KL_CHANNELS_MAX] = {
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {10, 11, 12, 13, 14, 15, 16, 17, 18}};
static const uint8_t daq_input[2][KL_CHANNELS_MAX] = {{1, 2, 3, 4, 5, 6}, {7, 8}};

#define I16(at) "i16le@" #at "*0.001 "
#define SIX I16(8) I16(10) I16(12) I16(14) I16(16) I16(18)
#define EIGHT SIX I16(20) I16(22)
#define NINE EIGHT I16(24)
#define SIXTEEN NINE I16(26) I16(28) I16(30) I16(32) I16(34) I16(36) I16(38)
#define EIGHTEEN SIXTEEN I16(40) I16(42)
#define OPTIONS(name, bytes, at, fields_)                                                          \
    static const struct kl_device_option name[] = {{"sync", "A5 5A"},                              \
                                                   {"length", #bytes},                             \
                                                   {"fields", fields_},                            \
                                                   {"counter", "u16le@2"},                         \
                                                   {"time", "u32le@4"},                            \
                                                   {"time_unit", "us"},                            \
                                                   {"checksum", "crc16-ccitt-le@" #at}}
OPTIONS(six_options, 22, 20, SIX);
OPTIONS(eight_options, 26, 24, EIGHT);
OPTIONS(nine_options, 28, 26, NINE);
OPTIONS(sixteen_options, 42, 40, SIXTEEN);
OPTIONS(eighteen_options, 46, 44, EIGHTEEN);

static const struct kl_stream plate = {.name = "plate", .kind = KL_KIND_FORCE, .channel_count = 6};
static const struct kl_stream daq[] = {
    {.name = "plate", .kind = KL_KIND_FORCE, .channel_count = 6},
    {.name = "emg", .kind = KL_KIND_EMG, .channel_count = 2},
};
static const struct kl_stream emg = {.name = "emg", .kind = KL_KIND_EMG, .channel_count = 16};
static const struct kl_stream imu = {.name = "box", .kind = KL_KIND_OTHER, .channel_count = 9};
static const struct kl_stream imu_6 = {.name = "box", .kind = KL_KIND_OTHER, .channel_count = 6};
static const struct kl_stream pair[] = {
    {.name = "box.a", .kind = KL_KIND_OTHER, .channel_count = 9},
    {.name = "box.b", .kind = KL_KIND_OTHER, .channel_count = 9},
};

/* NOLINTBEGIN(bugprone-macro-parentheses): initialisers */
#define DEVICE(variable, init_, rate, options, streams, count, inputs)                             \
    const struct emulated_device variable = {                                                      \
        .driver = "binary_record",                                                                 \
        .ops = &ops,                                                                               \
        .size = sizeof(struct record_device),                                                      \
        .init = init_,                                                                             \
        .config = {.name = "board",                                                                \
                   .placement = "",                                                                \
                   .rate_hz = rate,                                                                \
                   .option_count = sizeof(options) / sizeof(options[0]),                           \
                   .option = options,                                                              \
                   .stream_count = count,                                                          \
                   .stream = streams,                                                              \
                   .input = inputs},                                                               \
        .meant = meant}

/* NOLINTEND(bugprone-macro-parentheses) */

DEVICE(record_plate_10k, init_plate, 10000, six_options, &plate, 1, input);
DEVICE(record_daq_2k, init_daq_2k, 2000, eight_options, daq, 2, daq_input);
DEVICE(record_plate_2k, init_plate_2k, 2000, six_options, &plate, 1, input);
DEVICE(record_imu_pair_1k, init_pair, 1000, eighteen_options, pair, 2, input);
DEVICE(record_imu_1k, init_imu, 1000, nine_options, &imu, 1, input);
DEVICE(record_emg_4k, init_emg, 4000, sixteen_options, &emg, 1, input);
DEVICE(record_imu_400, init_imu_400, 400, six_options, &imu_6, 1, input);

#include "emulate_labjack_u6.h"

#include "emulators.h"

#include <math.h>
#include <string.h>

/* This unit's own constants, a little off nominal, quantised to 2^-32 as the memory does. */
static double quantised(double value)
{
    return floor(value * 4294967296.0) / 4294967296.0;
}

#define SLOPE quantised(3.1612e-4)
#define NEGATIVE quantised(-3.1607e-4)
static const double centre = 33517.25;

static unsigned fold(unsigned sum)
{
    sum = (sum & 0xff) + (sum >> 8);
    sum = (sum & 0xff) + (sum >> 8);
    return sum & 0xff;
}

static unsigned add(const uint8_t *bytes, size_t from, size_t to)
{
    unsigned sum = 0;
    while (from < to) {
        sum += bytes[from++];
    }
    return sum;
}

double emulate_labjack_u6_volts(unsigned input, uint64_t scan)
{
    return 7.0 * sin(0.013 * (double)scan + input) + 0.1 * (double)input +
           1e-3 * (double)(scan % 977);
}

static uint16_t counts_of(unsigned input, uint64_t scan)
{
    if (input == 193) {
        return (uint16_t)(scan / 50 % 2); /* a square wave on FIO0 */
    }
    double volts = emulate_labjack_u6_volts(input, scan);
    return (uint16_t)lrint(centre + (volts < 0 ? volts / -NEGATIVE : volts / SLOPE));
}

double emulate_labjack_u6_measured(unsigned input, uint64_t scan)
{
    double counts = counts_of(input, scan);
    if (input == 193) {
        return counts;
    }
    return counts < centre ? (centre - counts) * NEGATIVE : (counts - centre) * SLOPE;
}

/* ---------------------------------------------------------------- commands */

static void put_answer(struct emulate_labjack_u6 *self, const uint8_t *bytes, size_t len)
{
    if (self->answers < 4 && !self->emulator.mute) {
        memcpy(self->answer[self->answers], bytes, len);
        self->answer_len[self->answers++] = len;
    }
}

static void put_extended(struct emulate_labjack_u6 *self, uint8_t *bytes, size_t len,
                         uint8_t number)
{
    unsigned sum = add(bytes, 6, len);
    bytes[1] = 0xf8;
    bytes[2] = (uint8_t)((len - 6) / 2);
    bytes[3] = number;
    bytes[4] = (uint8_t)sum;
    bytes[5] = (uint8_t)(sum >> 8);
    bytes[0] = (uint8_t)fold(add(bytes, 1, 6));
    put_answer(self, bytes, len);
}

static void put_short(struct emulate_labjack_u6 *self, uint8_t number, unsigned error)
{
    uint8_t bytes[4] = {0, number, (uint8_t)error, 0};
    bytes[0] = (uint8_t)fold(add(bytes, 1, 4));
    put_answer(self, bytes, 4);
}

static void put_config(struct emulate_labjack_u6 *self)
{
    uint8_t bytes[38] = {[9] = 26, [10] = 1, [15] = 0x15, [16] = 0xcd, [17] = 0x5b, [18] = 0x07};
    bytes[19] = 6;
    bytes[37] = self->pro ? 12 : 4;
    put_extended(self, bytes, sizeof(bytes), 0x08);
}

static void put_calibration(struct emulate_labjack_u6 *self, unsigned block)
{
    uint8_t bytes[40] = {0};
    for (unsigned i = 0; i < 4 && !self->cal_blank; i++) {
        unsigned index = block * 4 + i;
        double scale = pow(10, -(double)(index % 8 / 2));
        double value = 0;
        if (index < 8) {
            value = index % 2 == 0 ? SLOPE * scale : -10.6 * scale;
        } else if (index < 16) {
            value = index % 2 == 0 ? NEGATIVE * scale : centre;
        }
        int64_t fixed = (int64_t)floor(value * 4294967296.0 + 0.5);
        for (unsigned k = 0; k < 8; k++) {
            bytes[8 + 8 * i + k] = (uint8_t)((uint64_t)fixed >> (8 * k));
        }
    }
    bytes[7] = (uint8_t)block;
    put_extended(self, bytes, sizeof(bytes), 0x2d);
}

static void take_stream_config(struct emulate_labjack_u6 *self, const uint8_t *c, size_t len)
{
    uint8_t bytes[8] = {0};
    unsigned error = self->config_error;
    self->config_writes++;
    if (self->streaming) {
        error = 48;
    } else if (c[6] < 1 || c[6] > 25 || len != 14 + 2 * (size_t)c[6]) {
        error = 49;
    } else if (c[8] < 1 || c[8] > 25) {
        error = 56;
    } else if (error == 0) {
        self->channels = c[6];
        self->per_packet = c[8];
        self->clock_hz = (c[11] & 8 ? 48e6 : 4e6) / (c[11] & 2 ? 256 : 1);
        self->interval = c[12] | (unsigned)c[13] << 8;
        for (size_t i = 0; i < self->channels; i++) {
            self->input[i] = c[14 + 2 * i];
            self->option[i] = c[15 + 2 * i];
        }
        double samples_s = self->clock_hz / self->interval * (double)self->channels;
        error = self->interval == 0 || samples_s > 50001 ? 58 : 0;
    }
    bytes[6] = (uint8_t)error;
    put_extended(self, bytes, 8, 0x11);
}

static void begin_stream(struct emulate_labjack_u6 *self, int64_t now_ns)
{
    bool ready = self->channels > 0 && !self->streaming;
    unsigned refused = self->streaming ? 48 : 50;
    put_short(self, 0xa9, ready ? 0 : refused);
    if (ready) {
        self->streaming = true;
        self->start_ns = now_ns;
        self->sample = self->shift = 0;
        self->counter = 0;
        self->reported = false;
        self->emulator.out_len = 0;
    }
}

static bool well_summed(const uint8_t *c, size_t len)
{
    if (c[1] != 0xf8) {
        return fold(add(c, 1, len)) == c[0] || (len == 2 && c[0] == c[1]);
    }
    return len >= 8 && fold(add(c, 1, 6)) == c[0] && add(c, 6, len) == (c[4] | (unsigned)c[5] << 8);
}

static void obey(struct emulate_labjack_u6 *self, const uint8_t *c, size_t len, int64_t now_ns)
{
    if (c[1] == 0xb0) {
        put_short(self, 0xb1, self->streaming ? 0 : 52);
        self->streaming = false;
    } else if (c[1] == 0xa8) {
        begin_stream(self, now_ns);
    } else if (c[1] == 0xf8 && c[3] == 0x08) {
        put_config(self);
    } else if (c[1] == 0xf8 && c[3] == 0x2d) {
        put_calibration(self, c[7]);
    } else if (c[1] == 0xf8 && c[3] == 0x11) {
        take_stream_config(self, c, len);
    }
}

static int out(void *self_, uint8_t endpoint, const uint8_t *c, size_t len, int64_t now_ns)
{
    struct emulate_labjack_u6 *self = self_;
    if (self->emulator.gone) {
        return KL_ERR_GONE;
    }
    if (endpoint != 0x01 || len < 2) {
        return KL_ERR_IO;
    }
    if (self->runs) { /* since before the host came */
        self->runs = false;
        self->streaming = true;
        self->channels = self->per_packet = 3;
        self->clock_hz = 4e6;
        self->interval = 4000;
        self->start_ns = now_ns - KL_NS_PER_S / 100;
    }
    if (self->heard_count < 16 && len <= 64) {
        memcpy(self->heard[self->heard_count], c, len);
        self->heard_len[self->heard_count++] = len;
    }
    enum emulator_fault fault = emulator_command(&self->emulator);
    if (fault == EMULATOR_NO_ANSWER) {
        return (int)len;
    }
    if (self->stale_answers > 0) {
        self->stale_answers--;
        put_short(self, 0x77, 0);
    }
    if (fault == EMULATOR_WRONG_ANSWER || !well_summed(c, len)) {
        put_answer(self, (const uint8_t[]){0xb8, 0xb8}, 2);
        return (int)len;
    }
    obey(self, c, len, now_ns);
    return (int)len;
}

/* ---------------------------------------------------------------- stream */

/* The next sample as the FIFO gives it: scans before the loss, one dummy scan, scans after it. */
static uint16_t next_sample(struct emulate_labjack_u6 *self, bool *dummy)
{
    uint64_t sent = self->sample / self->channels; /* scans sent, dummy counted */
    size_t channel = self->sample % self->channels;
    self->sample++;
    bool overflows = self->recovery_scans > 0;
    if (overflows && sent == self->recovery_from_scan) {
        *dummy = true;
        return UINT16_MAX;
    }
    /* the dummy stands for one of the scans discarded */
    uint64_t scan =
        overflows && sent > self->recovery_from_scan ? sent + self->recovery_scans - 1 : sent;
    return counts_of(self->input[channel], scan);
}

static size_t make_packet(struct emulate_labjack_u6 *self, uint8_t *p)
{
    size_t n = self->per_packet, len = 14 + 2 * n;
    bool dummy = false;
    memset(p, 0, len);
    for (size_t i = 0; i < n; i++) {
        uint16_t raw = next_sample(self, &dummy);
        p[12 + 2 * i] = (uint8_t)raw;
        p[13 + 2 * i] = (uint8_t)(raw >> 8);
    }
    uint64_t scans = self->sample / self->channels;
    bool draining = self->recovery_scans > 0 && scans + 200 > self->recovery_from_scan &&
                    scans <= self->recovery_from_scan;
    p[11] = draining ? 59 : 0;
    if (dummy && !self->reported) {
        self->reported = true;
        p[6] = (uint8_t)self->recovery_scans;
        p[7] = (uint8_t)(self->recovery_scans >> 8);
        p[11] = 60;
    }
    p[1] = 0xf9;
    p[2] = (uint8_t)(4 + n);
    p[3] = 0xc0;
    p[10] = self->counter++;
    unsigned sum = add(p, 6, len);
    p[4] = (uint8_t)sum;
    p[5] = (uint8_t)(sum >> 8);
    p[0] = (uint8_t)fold(add(p, 1, 6));
    return len;
}

/* Samples that the FIFO has passed on by now. */
static uint64_t due(const struct emulate_labjack_u6 *self, int64_t now_ns)
{
    double age_s = kl_seconds(now_ns - self->start_ns) * (1 + self->emulator.drift_ppm * 1e-6);
    /* scan k is converted at k periods */
    double scans = floor(age_s * self->clock_hz / self->interval) + 1;
    /* of the discarded scans only the dummy is sent */
    if (self->recovery_scans > 0 && scans > (double)self->recovery_from_scan) {
        double less = (double)(self->recovery_scans - 1);
        scans = fmax(scans - less, (double)self->recovery_from_scan);
    }
    return scans > 0 ? (uint64_t)scans * self->channels : 0;
}

static void speak(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_labjack_u6 *self = (struct emulate_labjack_u6 *)emulator;
    while (self->streaming && self->sample + self->per_packet <= due(self, now_ns)) {
        uint8_t packet[128];
        emulator_frame(emulator, packet, make_packet(self, packet), now_ns);
    }
}

static int in(void *self_, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    struct emulate_labjack_u6 *self = self_;
    if (endpoint == 0x82) {
        if (self->emulator.gone) {
            return KL_ERR_GONE;
        }
        if (self->answers == 0) {
            return 0;
        }
        size_t len = self->answer_len[0] < cap ? self->answer_len[0] : cap;
        memcpy(buf, self->answer[0], len);
        self->answers--;
        memmove(self->answer[0], self->answer[1], sizeof(self->answer[0]) * self->answers);
        memmove(&self->answer_len[0], &self->answer_len[1],
                sizeof(self->answer_len[0]) * self->answers);
        return (int)len;
    }
    return endpoint == 0x83 ? emulator_take(&self->emulator, buf, cap, now_ns) : KL_ERR_IO;
}

const struct emulator_ops emulate_labjack_u6_ops = {.out = out, .in = in};

void emulate_labjack_u6_init(struct emulate_labjack_u6 *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.speak = speak;
}

static void init(void *self)
{
    emulate_labjack_u6_init(self);
}

static const uint8_t input[2][KL_CHANNELS_MAX] = {{0, 1, 2, 3, 4, 5}, {8}};

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    for (size_t c = 0; c < (stream == 0 ? 6 : 1); c++) {
        value[c] = emulate_labjack_u6_measured(input[stream][c], k);
    }
}

static const struct kl_stream streams[] = {
    {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 6},
    {.name = "emg.vmo.right", .kind = KL_KIND_EMG, .channel_count = 1},
};

static uint64_t settings(const void *self_)
{
    const struct emulate_labjack_u6 *self = self_;
    return self->streaming;
}

const struct emulated_device emulated_labjack_u6 = {
    .driver = "labjack_u6",
    .ops = &emulate_labjack_u6_ops,
    .size = sizeof(struct emulate_labjack_u6),
    .init = init,
    .config = {.name = "daq",
               .placement = "",
               .rate_hz = 1000,
               .stream_count = 2,
               .stream = streams,
               .input = input},
    .meant = meant,
    .settings = settings,
};

#include "emulate_mcc_usb1608fs_plus.h"

#include "emulators.h"

#include <math.h>
#include <string.h>

static const double full_scale[8] = {10, 5, 2.5, 2, 1.25, 1, 0.625, 0.3125};

/* Numbers that a float32 holds exactly, so that both sides mean the same. */
static float slope_of(unsigned input, unsigned range)
{
    return 1.0F + (float)(input + 1) / 1024 - (float)range / 2048;
}

static float intercept_of(unsigned input, unsigned range)
{
    return -3.5F + (float)input - (float)range * 0.25F;
}

static uint16_t raw_of(unsigned input, unsigned range, uint64_t scan)
{
    double part = 0.8 * sin(0.017 * (double)scan + input) + 0.1 * (double)(scan % 7) / 7;
    double code = part * 32768 + 32768;
    double raw = (code - (double)intercept_of(input, range)) / (double)slope_of(input, range);
    return (uint16_t)lrint(fmin(fmax(raw, 0), 65535));
}

double emulate_mcc_usb1608fs_plus_measured(unsigned input, unsigned range, uint64_t scan)
{
    double code = raw_of(input, range, scan) * (double)slope_of(input, range) +
                  (double)intercept_of(input, range);
    return (code / 32768 - 1) * full_scale[range];
}

static void put_f32(uint8_t *p, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(bits >> (8 * i));
    }
}

static void read_memory(const struct emulate_mcc_usb1608fs_plus *self, unsigned address,
                        uint8_t *buf, size_t len)
{
    uint8_t memory[768];
    memset(memory, 0xff, sizeof(memory));
    for (unsigned i = 0; i < 64 && !self->cal_blank; i++) {
        put_f32(memory + i * 8UL, slope_of(i % 8, i / 8));
        put_f32(memory + i * 8UL + 4, intercept_of(i % 8, i / 8));
    }
    for (size_t i = 0; i < len; i++) {
        buf[i] = address + i < sizeof(memory) ? memory[address + i] : 0;
    }
}

static int answer(struct emulate_mcc_usb1608fs_plus *self, uint8_t request, uint16_t value,
                  uint8_t *buf, size_t len)
{
    switch (request) {
    case 0x14:
        if (self->running || len != 8) {
            return KL_ERR_IO; /* stalls while a scan runs */
        }
        memcpy(buf, self->range, 8);
        return 8;
    case 0x30:
        if (self->cal_pieces && len > 64) {
            return KL_ERR_IO;
        }
        read_memory(self, value, buf, len);
        return (int)len;
    case 0x44:
        buf[0] = (uint8_t)((self->running ? 2 : 0) | (self->overran ? 4 : 0));
        buf[1] = 0;
        return 2;
    case 0x48:
        memcpy(buf, "01A2B3C4", 8);
        return 8;
    default:
        return KL_ERR_IO;
    }
}

static int obey(struct emulate_mcc_usb1608fs_plus *self, uint8_t request, const uint8_t *buf,
                size_t len, int64_t now_ns)
{
    switch (request) {
    case 0x11:
        if (len != 10 || self->running) {
            return KL_ERR_IO;
        }
        memcpy(self->start, buf, 10);
        self->running = true;
        self->starts++;
        self->start_ns = now_ns;
        self->sent = 0;
        break;
    case 0x12:
        self->running = self->never_stops && self->running;
        break;
    case 0x14:
        if (self->running || len != 8) {
            return KL_ERR_IO;
        }
        if (!self->range_stuck) {
            memcpy(self->range, buf, 8);
        }
        break;
    case 0x15:
        self->emulator.out_len = 0;
        self->overran = false;
        break;
    default:
        return KL_ERR_IO;
    }
    return (int)len;
}

static int control(void *self_, uint8_t request_type, uint8_t request, uint16_t value,
                   uint16_t index, uint8_t *buf, size_t len, int64_t now_ns)
{
    struct emulate_mcc_usb1608fs_plus *self = self_;
    if (self->emulator.gone) {
        return KL_ERR_GONE;
    }
    if (self->runs) { /* since before the host came */
        static const uint8_t start[10] = {0, 0, 0, 0, 0x3f, 0x9c, 0, 0, 0x07, 0};
        self->runs = false;
        (void)obey(self, 0x11, start, sizeof(start), now_ns - KL_NS_PER_S / 10);
    }
    enum emulator_fault fault = emulator_command(&self->emulator);
    if (fault == EMULATOR_NO_ANSWER) {
        return KL_ERR_TIMEOUT;
    }
    if (fault == EMULATOR_WRONG_ANSWER || index != 0) { /* it stalls */
        return KL_ERR_IO;
    }
    int status = request_type == 0xc0 ? answer(self, request, value, buf, len)
                                      : obey(self, request, buf, len, now_ns);
    return self->emulator.mute ? KL_ERR_TIMEOUT : status;
}

static uint32_t u32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Bytes converted by now. */
static uint64_t due(const struct emulate_mcc_usb1608fs_plus *self, int64_t now_ns, size_t channels)
{
    double age_s = kl_seconds(now_ns - self->start_ns) * (1 + self->emulator.drift_ppm * 1e-6);
    /* scan k is converted at k periods */
    double scans = floor(age_s * 40e6 / ((double)u32(self->start + 4) + 1)) + 1;
    return scans > 0 ? (uint64_t)scans * channels * 2 : 0;
}

static void speak(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_mcc_usb1608fs_plus *self = (struct emulate_mcc_usb1608fs_plus *)emulator;
    unsigned input[8];
    size_t channels = 0;
    for (unsigned i = 0; i < 8; i++) {
        if ((unsigned)self->start[8] >> i & 1u) {
            input[channels++] = i;
        }
    }
    size_t len = self->start[9] & 1 ? 2 * channels : 64;
    while (self->running && self->sent + len <= due(self, now_ns, channels)) {
        uint8_t packet[64];
        if (self->overrun_at > 0 && self->sent + len > self->overrun_at) {
            self->halted = self->overran = true;
            self->running = false;
            return;
        }
        for (size_t i = 0; i < len; i += 2) {
            uint64_t sample = (self->sent + i) / 2;
            unsigned channel = input[sample % channels];
            uint16_t raw = raw_of(channel, self->range[channel], sample / channels);
            packet[i] = (uint8_t)raw;
            packet[i + 1] = (uint8_t)(raw >> 8);
        }
        self->sent += len;
        emulator_frame(emulator, packet, len, now_ns);
    }
}

void emulate_mcc_usb1608fs_plus_init(struct emulate_mcc_usb1608fs_plus *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.speak = speak;
    memset(self->range, 3, sizeof(self->range));
}

static int out(void *self, uint8_t endpoint, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    (void)self;
    (void)endpoint;
    (void)bytes;
    (void)len;
    (void)now_ns;
    return KL_ERR_IO; /* it has no endpoint out */
}

static int in(void *self_, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    struct emulate_mcc_usb1608fs_plus *self = self_;
    if (endpoint != 0x81) {
        return KL_ERR_IO;
    }
    int got = emulator_take(&self->emulator, buf, cap, now_ns);
    return got == 0 && self->halted ? KL_ERR_IO : got;
}

const struct emulator_ops emulate_mcc_usb1608fs_plus_ops = {
    .out = out, .in = in, .control = control};

static void init(void *self)
{
    emulate_mcc_usb1608fs_plus_init(self);
}

static const uint8_t input[2][KL_CHANNELS_MAX] = {{0, 1, 2, 4, 5, 6}, {3}};

static void meant(const void *self_, size_t stream, uint64_t k, double *value)
{
    const struct emulate_mcc_usb1608fs_plus *self = self_;
    for (size_t c = 0; c < (stream == 0 ? 6 : 1); c++) {
        unsigned i = input[stream][c];
        value[c] = emulate_mcc_usb1608fs_plus_measured(i, self->range[i], k);
    }
}

static const struct kl_stream streams[] = {
    {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 6},
    {.name = "emg.vmo.right", .kind = KL_KIND_EMG, .channel_count = 1},
};

static uint64_t settings(const void *self_)
{
    const struct emulate_mcc_usb1608fs_plus *self = self_;
    return self->running;
}

const struct emulated_device emulated_mcc_usb1608fs_plus = {
    .driver = "mcc_usb1608fs_plus",
    .ops = &emulate_mcc_usb1608fs_plus_ops,
    .size = sizeof(struct emulate_mcc_usb1608fs_plus),
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

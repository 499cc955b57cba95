#include "emulate_witmotion.h"

#include "emulators.h"

#include <math.h>
#include <string.h>

int emulate_witmotion_value(uint64_t index, size_t channel)
{
    return (int)lrint(30000 * sin(0.011 * (double)index + (double)channel));
}

static double rate_hz(const struct emulate_witmotion *self)
{
    static const double hz[] = {0, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 125, 200};
    uint16_t code = self->reg[3];
    return (code < sizeof(hz) / sizeof(hz[0]) ? hz[code] : 0) * self->real_share;
}

static size_t packet(uint8_t type, const uint8_t data[8], uint8_t *out)
{
    unsigned sum = 0;
    out[0] = 0x55;
    out[1] = type;
    memcpy(out + 2, data, 8);
    for (size_t i = 0; i < 10; i++) {
        sum += out[i];
    }
    out[10] = (uint8_t)sum;
    return 11;
}

static void words(uint64_t index, size_t channel, size_t count, uint8_t data[8])
{
    for (size_t i = 0; i < count; i++) {
        unsigned raw = (uint16_t)(int16_t)emulate_witmotion_value(index, channel + i);
        data[2 * i] = (uint8_t)raw;
        data[2 * i + 1] = (uint8_t)(raw >> 8);
    }
}

/* Runs from power-on (nobody has set it), so month and day are what they are. */
static void clock_words(const struct emulate_witmotion *self, uint64_t index, uint8_t data[8])
{
    const struct emulator *emulator = &self->emulator;
    /* the device's own time: true time as its drifting clock sees it */
    uint64_t ms = 86395000U + (uint64_t)llround(1e-6 * (double)emulator->begun_ns +
                                                1e3 * (double)index / emulator->rate_hz);
    uint64_t s = ms / 1000;
    data[0] = 15;
    data[1] = 1;
    data[2] = (uint8_t)(1 + s / 86400);
    data[3] = (uint8_t)(s / 3600 % 24);
    data[4] = (uint8_t)(s / 60 % 60);
    data[5] = (uint8_t)(s % 60);
    data[6] = (uint8_t)(ms % 1000);
    data[7] = (uint8_t)(ms % 1000 >> 8);
}

static size_t sample(struct emulator *emulator, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    const struct emulate_witmotion *self = (const struct emulate_witmotion *)emulator;
    static const struct {
        uint8_t bit;
        size_t channel, count;
    } kind[] = {{1, 0, 3}, {2, 3, 3}, {3, 0, 3}, {4, 6, 3}, {9, 9, 4}};
    unsigned content = self->reg[2] & self->known_types;
    uint8_t data[8];
    size_t len = 0;
    if (content & 1) {
        clock_words(self, index, data);
        len += packet(0x50, data, out + len);
    }
    for (size_t k = 0; k < sizeof(kind) / sizeof(kind[0]); k++) {
        if (content & 1U << kind[k].bit) {
            memset(data, 0x55, sizeof(data));
            words(index, kind[k].channel, kind[k].count, data);
            len += packet((uint8_t)(0x50 + kind[k].bit), data, out + len);
        }
    }
    return len;
}

static void obey(struct emulate_witmotion *self, int64_t t_ns)
{
    uint8_t reg = self->in[2], data[8], answer[11];
    uint16_t value = (uint16_t)(self->in[3] | self->in[4] << 8);
    bool unlocked = t_ns < self->unlocked_until_ns;
    if (emulator_command(&self->emulator) != EMULATOR_SOUND) {
        return; /* it has no words for a no */
    }
    if (reg == 0x27 && self->answers_reads && value + 4U <= 0x80) {
        for (size_t i = 0; i < 4; i++) {
            data[2 * i] = (uint8_t)self->reg[value + i];
            data[2 * i + 1] = (uint8_t)(self->reg[value + i] >> 8);
        }
        emulator_send(&self->emulator, answer, packet(0x5f, data, answer));
    } else if (reg == 0x69 && value == 0xb588) {
        self->unlocked_until_ns = t_ns + INT64_C(10000000000);
    } else if (reg == 0 && unlocked) {
        self->saves++;
    } else if (reg < 0x80 && unlocked && reg != 0x27) {
        self->reg[reg] = value;
        if (reg == 2 || reg == 3) {
            emulator_stream(&self->emulator, rate_hz(self), t_ns);
        }
    }
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t t_ns)
{
    struct emulate_witmotion *self = (struct emulate_witmotion *)emulator;
    for (size_t i = 0; i < len; i++) {
        self->in[self->in_len++] = buf[i];
        if ((self->in_len == 1 && buf[i] != 0xff) || (self->in_len == 2 && buf[i] != 0xaa)) {
            self->in_len = 0;
        } else if (self->in_len == sizeof(self->in)) {
            self->in_len = 0;
            obey(self, t_ns);
        }
    }
}

void emulate_witmotion_init(struct emulate_witmotion *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.sample = sample;
    self->reg[0x02] = 0x1e; /* as delivered: accel, gyro, angle, mag at 10 Hz */
    self->reg[0x03] = 6;
    self->reg[0x04] = 6;
    self->reg[0x1f] = 4;
    self->reg[0x2e] = 0x2f5a;
    self->known_types = 0x3ff;
    self->answers_reads = true;
    self->real_share = 1;
    emulator_stream(&self->emulator, rate_hz(self), 0);
}

static void init(void *self)
{
    emulate_witmotion_init(self);
}

/* Acceleration, rate of turn, quaternion: full scale 16 g, 2000 deg/s, 1. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    static const double full_scale[] = {16 * 9.80665, 2000 * 0.017453292519943295, 1};
    (void)self;
    (void)stream;
    for (size_t c = 0; c < 10; c++) {
        value[c] =
            full_scale[c < 6 ? c / 3 : 2] / 32768 * emulate_witmotion_value(k, c < 6 ? c : c + 3);
    }
}

static uint64_t settings(const void *self_)
{
    const struct emulate_witmotion *self = self_;
    const uint64_t all[] = {self->reg[2], self->reg[3], self->saves, self->emulator.baud};
    return emulators_digest(0, all, sizeof(all));
}

const struct emulated_device emulated_witmotion = {
    .driver = "witmotion",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_witmotion),
    .init = init,
    .config = {.name = "wit", .placement = "shank.left"},
    .meant = meant,
    .settings = settings,
};

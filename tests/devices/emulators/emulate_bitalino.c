#include "emulate_bitalino.h"

#include "emulators.h"

#include <string.h>

unsigned emulate_bitalino_count(uint64_t n, unsigned k)
{
    unsigned full = k <= 4 ? 1022 : 62;
    return 1 + (unsigned)((n * 389 + k * 71) % full);
}

/* The document's own register: bits shifted in from the right, reduced by x^4 + x + 1. */
static unsigned crc4(const uint8_t *frame, size_t len)
{
    unsigned x = 0;
    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0x80; bit != 0; bit >>= 1) {
            unsigned in = (frame[i] & bit) != 0 && !(i + 1 == len && bit < 0x10);
            x = x << 1;
            if (x & 0x10) {
                x = x ^ 0x03;
            }
            x = (x ^ in) & 0x1f;
        }
    }
    return x & 0x0f;
}

size_t emulate_bitalino_frame(uint64_t n, unsigned channels, uint8_t out[BITALINO_FRAME_MAX])
{
    static const size_t length[] = {0, 3, 4, 6, 7, 8, 8};
    size_t len = length[channels];
    memset(out, 0, BITALINO_FRAME_MAX);
    uint8_t *end = out + len;
    unsigned v[7] = {0};
    for (unsigned k = 1; k <= channels; k++) {
        v[k] = emulate_bitalino_count(n, k);
    }
    end[-1] = (uint8_t)((n & 15) << 4);
    end[-2] = (uint8_t)((n % 100 < 50 ? 0x80U : 0) | v[1] >> 6);
    end[-3] = (uint8_t)((v[1] & 0x3f) << 2 | v[2] >> 8);
    if (channels >= 2) {
        end[-4] = (uint8_t)v[2];
    }
    if (channels >= 3) {
        end[-5] = (uint8_t)(v[3] >> 2);
        end[-6] = (uint8_t)((v[3] & 3) << 6 | v[4] >> 4);
    }
    if (channels >= 4) {
        end[-7] = (uint8_t)((v[4] & 15) << 4 | v[5] >> 2);
    }
    if (channels >= 5) {
        end[-8] = (uint8_t)((v[5] & 3) << 6 | v[6]);
    }
    end[-1] = (uint8_t)(end[-1] | crc4(out, len));
    return len;
}

static unsigned channels_of(unsigned mask)
{
    unsigned count = 0;
    for (; mask != 0; mask >>= 1) {
        count += mask & 1;
    }
    return count;
}

static void obey(struct emulate_bitalino *self, uint8_t command, int64_t now_ns)
{
    static const double rates[] = {1, 10, 100, 1000};
    bool live = self->emulator.rate_hz > 0;
    if (command == 0xFF || (live && command == 0x00)) {
        emulator_stream(&self->emulator, 0, now_ns);
    } else if (live) {
        return; /* deaf while streaming */
    } else if (command == 0x07) {
        emulator_answer(&self->emulator, "BITalino_v5.2\n");
    } else if ((command & 3) == 3) {
        self->rate_hz = rates[command >> 6];
    } else if ((command & 3) == 1) {
        self->mask = command >> 2;
        emulator_stream(&self->emulator, self->mask != 0 ? self->rate_hz : 0, now_ns);
    }
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t now_ns)
{
    for (size_t i = 0; i < len; i++) {
        obey((struct emulate_bitalino *)emulator, buf[i], now_ns);
    }
}

static size_t sample(struct emulator *emulator, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    struct emulate_bitalino *self = (struct emulate_bitalino *)emulator;
    return emulate_bitalino_frame(index, channels_of(self->mask), out);
}

void emulate_bitalino_init(struct emulate_bitalino *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.sample = sample;
    self->emulator.damage_place = 1;
    self->emulator.damage_mask = 1;
    self->rate_hz = 1000;
}

static void init(void *self)
{
    emulate_bitalino_init(self);
}

/* Two electrodes, 10 bit, 3.3 V, gain 1009. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    (void)stream;
    for (unsigned c = 0; c < 2; c++) {
        value[c] = ((double)emulate_bitalino_count(k, c + 1) / 1024 - 0.5) * 3.3 / 1009;
    }
}

static const struct kl_stream streams[] = {
    {.name = "emg", .kind = KL_KIND_EMG, .channel_count = 2}};
static const uint8_t input[1][KL_CHANNELS_MAX] = {{1, 2}};

static uint64_t settings(const void *self_)
{
    const struct emulate_bitalino *self = self_;
    return self->emulator.rate_hz > 0;
}

const struct emulated_device emulated_bitalino = {
    .driver = "bitalino",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_bitalino),
    .init = init,
    .config =
        {.name = "emg", .placement = "", .stream_count = 1, .stream = streams, .input = input},
    .meant = meant,
    .settings = settings,
};

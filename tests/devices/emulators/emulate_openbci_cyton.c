#include "emulate_openbci_cyton.h"

#include "emulators.h"

#include <stdio.h>
#include <string.h>

#define RATE_HZ 250.0

int32_t emulate_cyton_count(uint64_t n, unsigned channel)
{
    return (int32_t)((n * 7919 + channel * 104729) % 400000) - 200000;
}

void emulate_cyton_frame(uint64_t n, bool digital, uint8_t out[CYTON_FRAME])
{
    memset(out, 0, CYTON_FRAME);
    out[0] = 0xA0;
    out[1] = (uint8_t)n;
    for (unsigned c = 1; c <= 8; c++) {
        uint32_t count = (uint32_t)emulate_cyton_count(n, c);
        for (unsigned i = 0; i < 3; i++) {
            out[2 + 3 * (c - 1) + i] = (uint8_t)(count >> (16 - 8 * i));
        }
    }
    if (digital) {
        out[29] = n % 100 < 50; /* D17: a square wave */
    } else if (n % 10 == 0) {
        out[26] = 0x1F;
        out[27] = 0x40; /* 8000 counts: 1 g */
    }
    out[32] = digital ? 0xC1 : 0xC0;
}

/* x C P G I B S2 S1 X */
static void set_channel(struct emulate_cyton *self)
{
    char text[64];
    const char *s = self->setting;
    int c = s[1] - '1';
    if (self->setting_len != 9 || c < 0 || c > 7) {
        emulator_answer(&self->emulator, "Failure: too few chars$$$");
        return;
    }
    self->gain_code[c] = s[2] == '0' ? s[3] - '0' : -1;
    (void)snprintf(text, sizeof(text), "Success: Channel set for %d$$$", c + 1);
    emulator_answer(&self->emulator, text);
}

static void defaults(struct emulate_cyton *self)
{
    for (int c = 0; c < 8; c++) {
        self->gain_code[c] = 6;
    }
}

static void obey(struct emulate_cyton *self, char command, int64_t now_ns)
{
    struct emulator *out = &self->emulator;
    if (self->setting_len > 0) {
        self->setting[self->setting_len++] = command;
        bool aux = self->setting[0] == '/';
        if (aux) {
            self->digital = command == '3';
            emulator_answer(out, "Success: board mode$$$");
        } else if (command == 'X') {
            set_channel(self);
        }
        self->setting_len =
            aux || command == 'X' || self->setting_len == 16 ? 0 : self->setting_len;
        return;
    }
    switch (command) {
    case 's':
        emulator_stream(out, 0, now_ns);
        break;
    case 'b':
        emulator_stream(out, RATE_HZ, now_ns);
        break;
    case 'x':
    case '/':
        self->setting[self->setting_len++] = command;
        break;
    case 'v':
        defaults(self);
        emulator_stream(out, 0, now_ns);
        emulator_answer(out, "OpenBCI V3 8-16 channel\nOn Board ADS1299 Device ID: 0x3E\n"
                             "LIS3DH Device ID: 0x33\nFirmware: v3.1.1\n$$$");
        break;
    case 'V':
        emulator_answer(out, "v3.1.1$$$");
        break;
    case 'd':
        defaults(self);
        emulator_answer(out, "updating channel settings to default$$$");
        break;
    default:
        break;
    }
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t now_ns)
{
    struct emulate_cyton *self = (struct emulate_cyton *)emulator;
    for (size_t i = 0; i < len; i++) {
        if (self->board_off) {
            emulator_send(emulator,
                          "Failure: Communications timeout - Device failed to poll Host$$$", 63);
        } else if (emulator->rate_hz <= 0 || buf[i] == 's') {
            obey(self, (char)buf[i], now_ns);
        }
    }
}

static size_t sample(struct emulator *emulator, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    emulate_cyton_frame(index, ((struct emulate_cyton *)emulator)->digital, out);
    return CYTON_FRAME;
}

void emulate_cyton_init(struct emulate_cyton *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.sample = sample;
    self->emulator.baud = 115200;
    self->emulator.damage_place = 1;
    self->emulator.first_due_ns = 4000000;
    defaults(self);
}

static void init(void *self)
{
    emulate_cyton_init(self);
}

/* 4.5 V reference, gain 12. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    value[0] = emulate_cyton_count(k, (unsigned)stream + 1) * (4.5 / 12 / 8388607);
}

static const struct kl_stream streams[] = {
    {.name = "emg.vmo.right", .kind = KL_KIND_EMG, .channel_count = 1},
    {.name = "emg.vl.right", .kind = KL_KIND_EMG, .channel_count = 1},
};
static const uint8_t input[2][KL_CHANNELS_MAX] = {{1}, {2}};

static uint64_t settings(const void *self_)
{
    const struct emulate_cyton *self = self_;
    const uint64_t all[] = {self->emulator.rate_hz > 0, self->digital};
    return emulators_digest(emulators_digest(0, all, sizeof(all)), self->gain_code,
                            sizeof(self->gain_code));
}

const struct emulated_device emulated_openbci_cyton = {
    .driver = "openbci_cyton",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_cyton),
    .init = init,
    .config =
        {.name = "emg", .placement = "", .stream_count = 2, .stream = streams, .input = input},
    .meant = meant,
    .settings = settings,
};

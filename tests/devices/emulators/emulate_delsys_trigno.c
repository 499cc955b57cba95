#include "emulate_delsys_trigno.h"

#include "emulators.h"

#include <stdio.h>
#include <string.h>

#define FRAME_NS 13500000.0
#define FIRST_DATA_NS INT64_C(1500000000)

float emulate_trigno_volts(uint64_t n, unsigned slot)
{
    return ((float)((n * 7919 + slot * 1237) % 20000) - 10000.0f) * 1e-6f;
}

static void obey(struct emulate_trigno *self, const char *command, int64_t now_ns)
{
    char answer[64];
    unsigned slot = 0;
    enum emulator_fault fault = emulator_command(&self->emulator);
    if (fault == EMULATOR_NO_ANSWER) {
        return;
    }
    const char *text = "INVALID COMMAND\r\n\r\n";
    if (strcmp(command, "START") == 0) {
        self->running = true;
        self->start_ns = now_ns + FIRST_DATA_NS;
        self->made = 0;
        text = "OK\r\n\r\n";
    } else if (strcmp(command, "STOP") == 0) {
        self->running = false;
        text = "OK\r\n\r\n";
    } else if (strcmp(command, "ENDIANNESS?") == 0) {
        text = self->little ? "LITTLE\r\n\r\n" : "BIG\r\n\r\n";
    } else if (strncmp(command, "ENDIAN ", 7) == 0) {
        self->little = strcmp(command + 7, "LITTLE") == 0;
        text = "OK\r\n\r\n";
    } else if (strcmp(command, "FRAME INTERVAL?") == 0) {
        text = "0.0135\r\n\r\n";
    } else if (strcmp(command, "MAX SAMPLES EMG?") == 0) {
        (void)snprintf(answer, sizeof(answer), "%d\r\n\r\n", self->samples_per_frame);
        text = answer;
    } else if (sscanf(command, "SENSOR %u PAIRED?", &slot) == 1 && slot >= 1 && slot <= 16) {
        text = self->paired >> (slot - 1) & 1 ? "YES\r\n\r\n" : "NO\r\n\r\n";
    }
    if (fault == EMULATOR_WRONG_ANSWER) {
        text = "Failure\r\n\r\n";
    }
    if (!self->emulator.mute) {
        emulator_send(&self->commands, text, strlen(text));
    }
}

static void hear_commands(struct emulate_trigno *self, const uint8_t *buf, size_t len,
                          int64_t now_ns)
{
    for (size_t i = 0; i < len; i++) {
        if (self->line_len + 1 < sizeof(self->line)) {
            self->line[self->line_len++] = (char)buf[i];
        }
        if (self->line_len >= 4 && memcmp(self->line + self->line_len - 4, "\r\n\r\n", 4) == 0) {
            self->line[self->line_len - 4] = '\0';
            self->line_len = 0;
            obey(self, self->line, now_ns);
        }
    }
}

static void put_sample(struct emulate_trigno *self, int64_t now_ns)
{
    uint8_t sample[TRIGNO_SAMPLE];
    for (unsigned slot = 1; slot <= 16; slot++) {
        float volts = emulate_trigno_volts(self->made, slot);
        uint32_t bits;
        memcpy(&bits, &volts, sizeof(bits));
        for (unsigned i = 0; i < 4; i++) {
            sample[4 * (slot - 1) + i] = (uint8_t)(bits >> (self->little ? 8 * i : 24 - 8 * i));
        }
    }
    self->made++;
    emulator_frame(&self->emulator, sample, sizeof(sample), now_ns);
}

/* Whole frames of 13.5 ms, as the base station sends them. */
static void speak(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_trigno *self = (struct emulate_trigno *)emulator;
    while (self->running) {
        uint64_t frame = self->made / (uint64_t)self->samples_per_frame;
        double age_ns = (double)(now_ns - self->start_ns) * (1 + emulator->drift_ppm * 1e-6);
        if ((double)(frame + 1) * FRAME_NS > age_ns) {
            return;
        }
        for (int i = 0; i < self->samples_per_frame; i++) {
            put_sample(self, now_ns);
        }
    }
}

static int in(void *self_, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    struct emulate_trigno *self = self_;
    self->commands.gone = self->emulator.gone;
    return emulator_take(endpoint == EMULATOR_BESIDE ? &self->commands : &self->emulator, buf, cap,
                         now_ns);
}

static int out(void *self_, uint8_t endpoint, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    struct emulate_trigno *self = self_;
    if (endpoint == EMULATOR_BESIDE) {
        hear_commands(self, bytes, len, now_ns);
    } else {
        self->emulator.heard |= len > 0;
    }
    return (int)len;
}

static const struct emulator_ops ops = {.out = out, .in = in};

void emulate_trigno_init(struct emulate_trigno *self)
{
    static const char greeting[] = "Delsys Trigno System Digital Protocol Version 3.6.0\r\n\r\n";
    memset(self, 0, sizeof(*self));
    self->emulator.speak = speak;
    self->samples_per_frame = 26;
    self->paired = 0x3;
    emulator_send(&self->commands, greeting, sizeof(greeting) - 1);
}

static void init(void *self)
{
    emulate_trigno_init(self);
}

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    value[0] = (double)emulate_trigno_volts(k, (unsigned)stream + 1);
}

static const struct kl_stream streams[] = {
    {.name = "emg.vmo.right", .kind = KL_KIND_EMG, .channel_count = 1},
    {.name = "emg.vl.right", .kind = KL_KIND_EMG, .channel_count = 1},
};
static const uint8_t input[2][KL_CHANNELS_MAX] = {{1}, {2}};

static uint64_t settings(const void *self_)
{
    const struct emulate_trigno *self = self_;
    return self->running * 2U + self->little;
}

const struct emulated_device emulated_delsys_trigno = {
    .driver = "delsys_trigno",
    .ops = &ops,
    .size = sizeof(struct emulate_trigno),
    .init = init,
    .config =
        {.name = "emg", .placement = "", .stream_count = 2, .stream = streams, .input = input},
    .meant = meant,
    .settings = settings,
};

#include "emulate_belt_query.h"

#include "emulators.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int emulate_belt_speed(uint64_t k)
{
    return 40 + (int)(k * 7 % 97);
}

static void answer(struct emulate_belt *self, uint8_t head, const char *text, int64_t now_ns)
{
    uint8_t bytes[8] = {head};
    size_t len = strlen(text);
    memcpy(bytes + 1, text, len);
    emulator_frame(&self->emulator, bytes, 1 + len, now_ns);
}

static void obey(struct emulate_belt *self, uint8_t byte, int64_t now_ns)
{
    char digits[16];
    enum emulator_fault fault = emulator_command(&self->emulator);
    if (fault == EMULATOR_WRONG_ANSWER) {
        answer(self, 0xBF, "", now_ns);
    }
    if (fault != EMULATOR_SOUND) {
        return;
    }
    int speed = self->speed != 0 ? self->speed : emulate_belt_speed(self->speeds_asked);
    switch (byte) {
    case 0xC0:
        answer(self, 0xD0, "3", now_ns);
        break;
    case 0xC1:
        self->speeds_asked++;
        (void)snprintf(digits, sizeof(digits), "%c%03d", speed < 0 ? '3' : '0', abs(speed) % 1000);
        answer(self, 0xD1, digits, now_ns);
        break;
    case 0xC2:
        self->elevations_asked++;
        (void)snprintf(digits, sizeof(digits), "%04d", abs(self->elevation) % 10000);
        answer(self, 0xD2, digits, now_ns);
        break;
    case 0xC3:
        answer(self, 0xD3, self->woodway ? "\x01\x02\x03\x04" : "0040", now_ns);
        break;
    default:
        self->moved = true;
        break;
    }
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t now_ns)
{
    for (size_t i = 0; i < len; i++) {
        obey((struct emulate_belt *)emulator, buf[i], now_ns);
    }
}

static void speak(struct emulator *emulator, int64_t now_ns)
{
    (void)emulator;
    (void)now_ns; /* it speaks only when asked */
}

void emulate_belt_init(struct emulate_belt *self, bool woodway)
{
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.speak = speak;
    self->emulator.baud = 4800;
    self->emulator.damage_place = 1;
    self->emulator.damage_mask = 0x40;
    self->woodway = woodway;
    self->elevation = 25;
}

static void init_trackmaster(void *self)
{
    emulate_belt_init(self, false);
}

static void init_woodway(void *self)
{
    emulate_belt_init(self, true);
}

/* Tenths of a mile per hour; 2.5 % uphill. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    (void)stream;
    value[0] = emulate_belt_speed(k) * 0.1 * 1609.344 / 3600;
    value[1] = atan(0.025);
}

static const struct kl_device_option option[] = {{"unit", "mph"}};

static uint64_t settings(const void *self_)
{
    const struct emulate_belt *self = self_;
    return self->moved;
}

const struct emulated_device emulated_trackmaster = {
    .driver = "trackmaster",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_belt),
    .init = init_trackmaster,
    .config = {.name = "belt", .placement = "", .option_count = 1, .option = option},
    .meant = meant,
    .settings = settings,
};

const struct emulated_device emulated_woodway = {
    .driver = "woodway",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_belt),
    .init = init_woodway,
    .config = {.name = "belt", .placement = "", .option_count = 1, .option = option},
    .meant = meant,
    .settings = settings,
};

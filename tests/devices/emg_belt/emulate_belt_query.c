#include "emulate_belt_query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer(struct emulate_belt *self, uint8_t head, const char *text, int64_t now_ns)
{
    uint8_t bytes[8] = {head};
    size_t len = strlen(text);
    memcpy(bytes + 1, text, len);
    if (!self->emulator.faults.mute) {
        emulator_frame(&self->emulator, bytes, 1 + len, now_ns);
    }
}

static void obey(struct emulate_belt *self, uint8_t byte, int64_t now_ns)
{
    char digits[16];
    if (self->emulator.faults.wrong_answers > 0) {
        self->emulator.faults.wrong_answers--;
        answer(self, 0xBF, "", now_ns);
        return;
    }
    switch (byte) {
    case 0xC0:
        answer(self, 0xD0, "3", now_ns);
        break;
    case 0xC1:
        self->speeds_asked++;
        (void)snprintf(digits, sizeof(digits), "%c%03d", self->speed < 0 ? '3' : '0',
                       abs(self->speed) % 1000);
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

static void tick(struct emulator *emulator, int64_t now_ns)
{
    (void)emulator;
    (void)now_ns; /* it speaks only when asked */
}

void emulate_belt_init(struct emulate_belt *self, bool woodway)
{
    *self = (struct emulate_belt){
        .emulator = {.hear = hear, .tick = tick, .damage_place = 1, .damage_mask = 0x40},
        .woodway = woodway};
}

#include "emulate_bertec_treadmill.h"

#include <string.h>

int emulate_bertec_left(uint64_t n)
{
    return 2900 + (int)(n % 499);
}

int emulate_bertec_right(uint64_t n)
{
    return 3100 - (int)(n % 491);
}

int emulate_bertec_incline(uint64_t n)
{
    return (int)(n / 100 % 500) + 37;
}

static void put(uint8_t *out, int value)
{
    out[0] = (uint8_t)((unsigned)value >> 8);
    out[1] = (uint8_t)value;
}

void emulate_bertec_status(uint64_t n, uint8_t out[BERTEC_STATUS])
{
    memset(out, 0, BERTEC_STATUS);
    put(out + 1, emulate_bertec_right(n));
    put(out + 3, emulate_bertec_left(n));
    put(out + 9, emulate_bertec_incline(n));
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t now_ns)
{
    (void)buf;
    (void)now_ns;
    ((struct emulate_bertec *)emulator)->commanded |= len > 0;
}

static void tick(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_bertec *self = (struct emulate_bertec *)emulator;
    while ((int64_t)((double)(self->made + 1) * 1e9 / self->rate_hz) <= now_ns) {
        uint8_t status[BERTEC_STATUS];
        emulate_bertec_status(self->made++, status);
        emulator_frame(emulator, status, sizeof(status), now_ns);
    }
}

void emulate_bertec_init(struct emulate_bertec *self)
{
    *self = (struct emulate_bertec){
        .emulator = {.hear = hear, .tick = tick, .damage_place = 1, .damage_mask = 0x10},
        .rate_hz = 100};
}

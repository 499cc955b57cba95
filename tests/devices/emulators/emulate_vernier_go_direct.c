#include "emulate_vernier_go_direct.h"

#include "emulators.h"

#include <stdio.h>
#include <string.h>

enum { SENSORS_HAD = 0x1e, DEFAULT_SENSORS = 0x02 };

float emulate_vernier_go_direct_value(unsigned sensor, uint64_t row)
{
    if (row == 77) {
        return 4450.0F; /* the upper end of the range */
    }
    return (float)((row * 37 + sensor * 1013) % 30000) * 0.125F - 100.0F;
}

static uint8_t sum(const uint8_t *packet, size_t len)
{
    unsigned total = 0;
    for (size_t i = 0; i < len; i++) {
        total += i == 3 ? 0 : packet[i];
    }
    return (uint8_t)total;
}

/* Cuts a packet into reports of 64 bytes. @return bytes */
static size_t into_reports(const uint8_t *packet, size_t len, uint8_t *reports)
{
    size_t count = 0;
    for (size_t at = 0; at < len; at += 63, count++) {
        size_t part = len - at < 63 ? len - at : 63;
        memset(reports + 64 * count, 0, 64);
        reports[64 * count] = (uint8_t)part;
        memcpy(reports + 64 * count + 1, packet + at, part);
    }
    return 64 * count;
}

static void put_packet(struct emulate_vernier_go_direct *self, const uint8_t *packet, size_t len)
{
    uint8_t reports[512];
    emulator_send(&self->emulator, reports, into_reports(packet, len, reports));
}

static void put_answer(struct emulate_vernier_go_direct *self, uint8_t command,
                       const uint8_t *payload, size_t len)
{
    uint8_t packet[256] = {0x98, (uint8_t)(6 + len), 0x11, 0, command, 0};
    if (len > 0) {
        memcpy(packet + 6, payload, len);
    }
    packet[3] = (uint8_t)(sum(packet, 6 + len) + (self->blank_header ? 1 : 0));
    put_packet(self, packet, 6 + len);
}

static void put_u32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static void put_f64(uint8_t *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    for (unsigned i = 0; i < 8; i++) {
        p[i] = (uint8_t)(bits >> (8 * i));
    }
}

static void put_sensor(struct emulate_vernier_go_direct *self, unsigned sensor)
{
    static const char *const name[] = {"", "Force", "Left", "Right", "Temperature"};
    uint8_t info[148] = {(uint8_t)sensor};
    if (sensor < 1 || sensor > 4) {
        put_answer(self, 0x50, info, 0);
        return;
    }
    (void)snprintf((char *)info + 8, 60, "%s", name[sensor]);
    (void)snprintf((char *)info + 68, 32, "%s", sensor < 4 ? "N" : "C");
    info[7] = sensor == 4 ? 1 : 0;
    put_f64(info + 108, -850);
    put_f64(info + 116, 4450);
    put_u32(info + 124, 1000); /* 1000 Hz at most */
    put_u32(info + 144, sensor == 1 ? 0x08 : sensor == 3 ? 0x02 : 0);
    put_answer(self, 0x50, info, self->short_answers ? 20 : sizeof(info));
}

static void obey(struct emulate_vernier_go_direct *self, const uint8_t *c, int64_t now_ns)
{
    uint8_t payload[128] = {0};
    switch (c[4]) {
    case 0x10:
        payload[10] = 80; /* battery */
        put_answer(self, c[4], payload, 12);
        break;
    case 0x55:
        memcpy(payload, "GDX-FPL", 7);
        memcpy(payload + 16, "0B100123", 8);
        memcpy(payload + 32, "GDX-FPL 0B100123", 16);
        put_answer(self, c[4], payload, 120);
        break;
    case 0x51:
    case 0x56:
        put_u32(payload, c[4] == 0x51 ? SENSORS_HAD : DEFAULT_SENSORS);
        put_answer(self, c[4], payload, 4);
        break;
    case 0x50:
        put_sensor(self, c[5]);
        break;
    case 0x1b:
        self->period_us = c[7] | (uint32_t)c[8] << 8 | (uint32_t)c[9] << 16;
        put_answer(self, c[4], payload, 1);
        break;
    case 0x18:
        put_answer(self, c[4], payload, 1);
        self->mask = c[7] | (uint32_t)c[8] << 8;
        self->measuring = true;
        self->start_ns = now_ns;
        self->row = self->packets = 0;
        break;
    case 0x19:
        self->measuring = false;
        put_answer(self, c[4], payload, 1);
        break;
    default:
        put_answer(self, c[4], payload, 0);
        break;
    }
}

static int out(void *self_, uint8_t endpoint, const uint8_t *report, size_t len, int64_t now_ns)
{
    struct emulate_vernier_go_direct *self = self_;
    if (self->emulator.gone) {
        return KL_ERR_GONE;
    }
    if (endpoint != 0x01 || len != 64 || report[1] != 0x58 || report[0] != report[2] ||
        sum(report + 1, report[0]) != report[4]) {
        return KL_ERR_IO;
    }
    if (self->heard_count < 16) {
        memcpy(self->heard[self->heard_count++], report, 64);
    }
    switch (emulator_command(&self->emulator)) {
    case EMULATOR_SOUND:
        obey(self, report + 1, now_ns);
        break;
    case EMULATOR_WRONG_ANSWER:
        put_answer(self, 0x77, NULL, 0); /* nobody asked that */
        break;
    default:
        break;
    }
    /* parameters of SET_MEASUREMENT_PERIOD and START begin at byte 5: ff 00, then the number */
    return (int)len;
}

static void measure(struct emulate_vernier_go_direct *self, int64_t now_ns)
{
    uint8_t packet[255] = {0x20, 0, 0, 0, self->wide ? 0x07 : 0x06};
    size_t at = self->wide ? 11 : 9;
    uint8_t rows = self->rows > 0 ? self->rows : 5;
    packet[5] = (uint8_t)self->mask;
    packet[6] = (uint8_t)(self->mask >> 8);
    packet[self->wide ? 9 : 7] = rows;
    for (unsigned row = 0; row < rows; row++, self->row++) {
        for (unsigned sensor = 0; sensor < 16; sensor++) {
            if (self->mask >> sensor & 1u) {
                float value = emulate_vernier_go_direct_value(sensor, self->row);
                uint32_t bits;
                memcpy(&bits, &value, sizeof(bits));
                put_u32(packet + at, bits);
                at += 4;
            }
        }
    }
    self->packets++;
    self->counter = (uint8_t)(self->counter + (self->counts_down ? -1 : 1));
    packet[1] = (uint8_t)at;
    if (!self->blank_header) {
        packet[2] = self->counter;
        packet[3] = sum(packet, at);
    }
    if (self->packets == self->told_packet) {
        const uint8_t told[] = {0x20, 6, self->counter, (uint8_t)(0x33 + self->counter), 0x0d, 0};
        put_packet(self, told, sizeof(told));
        return;
    }
    uint8_t reports[512];
    size_t len = into_reports(packet, at, reports);
    self->emulator.damage_place = len - 10; /* a number in the first report */
    emulator_frame(&self->emulator, reports, len, now_ns);
}

static void speak(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_vernier_go_direct *self = (struct emulate_vernier_go_direct *)emulator;
    double age_us = (double)(now_ns - self->start_ns) / 1e3 * (1 + emulator->drift_ppm * 1e-6);
    uint8_t rows = self->rows > 0 ? self->rows : 5;
    while (self->measuring && (double)(self->row + rows) * self->period_us <= age_us) {
        measure(self, now_ns);
    }
}

static int in(void *self_, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    struct emulate_vernier_go_direct *self = self_;
    if (endpoint != 0x81) {
        return KL_ERR_IO;
    }
    if (self->runs) { /* since before the host came */
        self->runs = false;
        self->measuring = true;
        self->period_us = 1000;
        self->mask = 0x02;
        self->start_ns = now_ns - KL_NS_PER_S / 10;
    }
    if (self->stale) {
        self->stale = false;
        put_answer(self, 0x54, NULL, 0);
    }
    return emulator_take(&self->emulator, buf, cap, now_ns);
}

const struct emulator_ops emulate_vernier_go_direct_ops = {.out = out, .in = in};

void emulate_vernier_go_direct_init(struct emulate_vernier_go_direct *self)
{
    memset(self, 0, sizeof(*self));
    self->period_us = 100000; /* until it is told another */
    self->emulator.speak = speak;
}

static void init(void *self)
{
    emulate_vernier_go_direct_init(self);
}

static const uint8_t input[2][KL_CHANNELS_MAX] = {{2}, {3}};

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    value[0] = (double)emulate_vernier_go_direct_value(input[stream][0], k);
}

static const struct kl_stream streams[] = {
    {.name = "plate.left", .kind = KL_KIND_FORCE, .channel_count = 1},
    {.name = "plate.right", .kind = KL_KIND_FORCE, .channel_count = 1},
};

static uint64_t settings(const void *self_)
{
    const struct emulate_vernier_go_direct *self = self_;
    return self->measuring;
}

const struct emulated_device emulated_vernier_go_direct = {
    .driver = "vernier_go_direct",
    .ops = &emulate_vernier_go_direct_ops,
    .size = sizeof(struct emulate_vernier_go_direct),
    .init = init,
    .config = {.name = "plate",
               .placement = "",
               .rate_hz = 1000,
               .stream_count = 2,
               .stream = streams,
               .input = input},
    .meant = meant,
    .settings = settings,
};

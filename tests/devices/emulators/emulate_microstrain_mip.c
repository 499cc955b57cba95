#include "emulate_microstrain_mip.h"

#include "emulators.h"

#include <math.h>
#include <string.h>

float emulate_mip_value(uint64_t index, size_t channel)
{
    return (float)sin(0.01 * (double)index + (double)channel) * (channel < 3 ? 2.0F : 0.75F);
}

size_t emulate_mip_packet(uint8_t set, const uint8_t *fields, size_t len, uint8_t *out)
{
    unsigned a = 0, b = 0;
    out[0] = 0x75;
    out[1] = 0x65;
    out[2] = set;
    out[3] = (uint8_t)len;
    memcpy(out + 4, fields, len);
    for (size_t i = 0; i < len + 4; i++) {
        a = (a + out[i]) & 0xff;
        b = (b + a) & 0xff;
    }
    out[4 + len] = (uint8_t)a;
    out[5 + len] = (uint8_t)b;
    return len + 6;
}

static void put_be(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
}

static size_t put_floats(uint8_t *out, uint64_t index, size_t channel, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = emulate_mip_value(index, channel + i);
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        put_be(out + 4 * i, bits, 4);
    }
    return 4 * count;
}

static unsigned decimation(const struct emulate_mip *self)
{
    unsigned d = (unsigned)self->format[2] << 8 | self->format[3];
    return d > 0 ? d : 1;
}

static size_t sample(struct emulator *emulator, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    const struct emulate_mip *self = (const struct emulate_mip *)emulator;
    uint8_t fields[255];
    size_t len = 0;
    uint64_t t_ns = (uint64_t)EMULATE_MIP_FIRST_NS +
                    index * decimation(self) * UINT64_C(1000000000) / self->base_hz;
    for (size_t f = 0; f < self->format[0]; f++) {
        uint8_t *data = fields + len + 2;
        size_t size = 0;
        uint8_t descriptor = self->format[1 + 3 * f];
        if (descriptor == 0xd5) {
            put_be(data, t_ns, 8);
            size = 8;
        } else if (descriptor == 0x12) {
            double tow_s = (double)t_ns * 1e-9;
            uint64_t bits;
            memcpy(&bits, &tow_s, sizeof(bits));
            put_be(data, bits, 8);
            put_be(data + 8, 0, 4); /* week 0 */
            size = 12;
        } else if (descriptor == 0x18) {
            put_be(data, index % 100 == 99 ? 0x0001 : 0, 2);
            size = 2;
        } else {
            size_t channel = descriptor == 0x04   ? 0
                             : descriptor == 0x05 ? 3
                             : descriptor == 0x06 ? 6
                                                  : 9;
            size = put_floats(data, index, channel, descriptor == 0x0a ? 4 : 3);
        }
        fields[len] = (uint8_t)(size + 2);
        fields[len + 1] = descriptor;
        len += size + 2;
    }
    size_t sent = emulate_mip_packet(0x80, fields, len, out);
    if (self->foreign_data) {
        static const uint8_t euler[] = {0x10, 0x05, 0x3B, 0xDE, 0xB6, 0xFF, 0x3C, 0x8E,
                                        0xDC, 0x20, 0xBF, 0x93, 0xB5, 0x92, 0x00, 0x01};
        sent += emulate_mip_packet(0x82, euler, sizeof(euler), out + sent);
    }
    return sent;
}

static void answer(struct emulate_mip *self, uint8_t set, uint8_t command, uint8_t code,
                   const uint8_t *field, size_t len)
{
    uint8_t fields[255] = {4, 0xf1, command, code};
    uint8_t packet[261];
    if (len > 0) {
        memcpy(fields + 4, field, len);
    }
    emulator_send(&self->emulator, packet, emulate_mip_packet(set, fields, 4 + len, packet));
}

static void run(struct emulate_mip *self, int64_t t_ns)
{
    double rate_hz = (double)self->base_hz / decimation(self);
    emulator_stream(&self->emulator, self->idle ? 0 : rate_hz, t_ns);
}

static bool known_fields(const struct emulate_mip *self, const uint8_t *list)
{
    for (size_t f = 0; f < list[0]; f++) {
        uint8_t descriptor = list[1 + 3 * f];
        if ((descriptor == 0x18 && !self->knows_overrange) ||
            (descriptor == 0xd5 && self->legacy)) {
            return false;
        }
    }
    return true;
}

static void format(struct emulate_mip *self, uint8_t command, const uint8_t *data, size_t len)
{
    size_t head = command == 0x0f ? 2 : 1; /* function, and the set of the newer command */
    if (data[0] == 2) {
        uint8_t field[70] = {0, command == 0x0f ? 0x8f : 0x80, 0x80};
        memcpy(field + head + 1, self->format, self->format_len);
        field[0] = (uint8_t)(head + 1 + self->format_len);
        answer(self, 0x0c, command, 0, field, field[0]);
    } else if (len > head && len == head + 1 + 3 * (size_t)data[head] && len - head < 64 &&
               known_fields(self, data + head)) {
        self->format_len = len - head;
        memcpy(self->format, data + head, self->format_len);
        answer(self, 0x0c, command, 0, NULL, 0);
    } else {
        answer(self, 0x0c, command, 3, NULL, 0);
    }
}

static void base_command(struct emulate_mip *self, int64_t t_ns, uint8_t command)
{
    static const char info[] = "  3DM-CX5-AR    6253-4220       6253.106910     "
                               "I042D           4g, 300d/s      ";
    uint8_t field[84] = {84, 0x81, 0x04, 0x4f};
    switch (command) {
    case 0x02:
    case 0x06:
        self->idle = command == 0x02;
        answer(self, 0x01, command, 0, NULL, 0);
        run(self, t_ns);
        break;
    case 0x03:
        memcpy(field + 4, info, 80);
        answer(self, 0x01, command, 0, field, sizeof(field));
        break;
    default:
        answer(self, 0x01, command, command == 0x01 ? 0 : 1, NULL, 0);
        break;
    }
}

static void device_command(struct emulate_mip *self, int64_t t_ns, const uint8_t *field)
{
    uint8_t command = field[1];
    bool older = command == 0x06 || command == 0x08;
    if (command != 0x11 && older != self->legacy) {
        answer(self, 0x0c, command, 1, NULL, 0);
    } else if (command == 0x0e) {
        const uint8_t rate[] = {5, 0x8e, 0x80, (uint8_t)(self->base_hz >> 8),
                                (uint8_t)self->base_hz};
        answer(self, 0x0c, command, 0, rate, sizeof(rate));
    } else if (command == 0x06) {
        const uint8_t rate[] = {4, 0x83, (uint8_t)(self->base_hz >> 8), (uint8_t)self->base_hz};
        answer(self, 0x0c, command, 0, rate, sizeof(rate));
    } else if (command == 0x0f || command == 0x08) {
        format(self, command, field + 2, field[0] - (size_t)2);
    } else if (command == 0x11 && field[3] == (self->legacy ? 1 : 0x80)) {
        self->idle = field[4] == 0;
        answer(self, 0x0c, command, 0, NULL, 0);
        run(self, t_ns);
    } else {
        answer(self, 0x0c, command, 3, NULL, 0);
    }
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t t_ns)
{
    struct emulate_mip *self = (struct emulate_mip *)emulator;
    for (size_t i = 0; i < len; i++) {
        self->in[self->in_len++] = buf[i];
        if ((self->in_len == 1 && buf[i] != 0x75) || (self->in_len == 2 && buf[i] != 0x65)) {
            self->in_len = 0;
        }
        if (self->in_len < 6 || self->in_len < 6U + self->in[3]) {
            continue;
        }
        self->in_len = 0;
        uint8_t again[261];
        if (memcmp(again, self->in,
                   emulate_mip_packet(self->in[2], self->in + 4, self->in[3], again)) != 0 ||
            self->in[3] < 2) {
            continue;
        }
        enum emulator_fault fault = emulator_command(emulator);
        if (fault == EMULATOR_NO_ANSWER) {
            continue;
        }
        if (fault == EMULATOR_WRONG_ANSWER) {
            answer(self, self->in[2], self->in[5], 4, NULL, 0);
        } else if (self->in[2] == 0x01) {
            base_command(self, t_ns, self->in[5]);
        } else if (self->in[2] == 0x0c) {
            device_command(self, t_ns, self->in + 4);
        }
    }
}

void emulate_mip_init(struct emulate_mip *self)
{
    static const uint8_t saved[] = {2, 0x04, 0, 8, 0x05, 0, 8}; /* what a vendor tool left */
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.sample = sample;
    self->emulator.baud = 115200;
    self->base_hz = 1000;
    self->knows_overrange = true;
    memcpy(self->format, saved, sizeof(saved));
    self->format_len = sizeof(saved);
    run(self, 0);
}

static void init(void *self)
{
    emulate_mip_init(self);
}

/* Without a magnetometer: acceleration (g on the wire), rate of turn, quaternion. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    (void)stream;
    for (size_t c = 0; c < 10; c++) {
        value[c] = (c < 3 ? 9.80665 : 1) * (double)emulate_mip_value(k, c < 6 ? c : c + 3);
    }
}

static uint64_t settings(const void *self_)
{
    const struct emulate_mip *self = self_;
    return emulators_digest(self->emulator.baud, self->format, self->format_len);
}

const struct emulated_device emulated_microstrain_mip = {
    .driver = "microstrain_mip",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_mip),
    .init = init,
    .config = {.name = "mip", .placement = "pelvis"},
    .meant = meant,
    .settings = settings,
};

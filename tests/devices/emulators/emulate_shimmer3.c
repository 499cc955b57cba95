#include "emulate_shimmer3.h"

#include "emulators.h"

#include <math.h>
#include <string.h>

/* Of a public test suite: 84 bytes behind 2D. */
static const uint8_t calibration[84] = {
    0x08, 0xCD, 0x08, 0xCD, 0x08, 0xCD, 0x00, 0x5C, 0x00, 0x5C, 0x00, 0x5C, 0x00, 0x9C,
    0x00, 0x9C, 0x00, 0x00, 0x00, 0x00, 0x9C, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x19,
    0x96, 0x19, 0x96, 0x19, 0x96, 0x00, 0x9C, 0x00, 0x9C, 0x00, 0x00, 0x00, 0x00, 0x9C,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x9B, 0x02, 0x9B, 0x02, 0x9B, 0x00, 0x9C,
    0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x9C, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06,
    0x87, 0x06, 0x87, 0x06, 0x87, 0x00, 0x9C, 0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x9C};

int32_t emulate_shimmer3_value(uint64_t index, uint8_t id)
{
    double wave = sin(0.017 * (double)index + id);
    return id < 3                                  ? (int32_t)lrint(2048 + 1900 * wave)
           : id == 0x1d || id == 0x20              ? 0x80
           : id == 0x1e || id == 0x1f || id > 0x20 ? (int32_t)lrint(8000000 * wave)
                                                   : (int32_t)lrint(32000 * wave);
}

/* Channel ids in the order the firmware streams them. @return how many */
static size_t channels(const struct emulate_shimmer3 *self, uint8_t *out)
{
    static const struct {
        uint8_t byte, bit, id[3], count;
    } sensor[] = {
        {0, 0x80, {0, 1, 2}, 3},
        {1, 0x20, {3}, 1},
        {1, 0x01, {0x12}, 1},
        {0, 0x40, {0x0a, 0x0b, 0x0c}, 3},
        {1, 0x10, {4, 5, 6}, 3},
        {0, 0x20, {7, 8, 9}, 3},
        {0, 0x10, {0x1d, 0x1e, 0x1f}, 3},
        {0, 0x08, {0x20, 0x21, 0x22}, 3},
    };
    size_t count = 0;
    for (size_t s = 0; s < sizeof(sensor) / sizeof(sensor[0]); s++) {
        if (self->sensors[sensor[s].byte] & sensor[s].bit) {
            memcpy(out + count, sensor[s].id, sensor[s].count);
            if (sensor[s].id[0] == 7 && self->dlhc) {
                out[count + 1] = 9;
                out[count + 2] = 8;
            }
            count += sensor[s].count;
        }
    }
    return count;
}

static uint16_t crc(const uint8_t *buf, size_t len)
{
    unsigned c = 0xb0ca;
    for (size_t i = 0; i < len + len % 2; i++) {
        c = (c >> 8 | c << 8) & 0xffff;
        c ^= i < len ? buf[i] : 0;
        c ^= (c & 0xff) >> 4;
        c = (c ^ c << 12) & 0xffff;
        c = (c ^ (c & 0xff) << 5) & 0xffff;
    }
    return (uint16_t)c;
}

static size_t put(uint8_t *out, int32_t value, size_t bytes, bool big)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)((uint32_t)value >> 8 * (big ? bytes - 1 - i : i));
    }
    return bytes;
}

static size_t sample(struct emulator *emulator, uint64_t index, uint8_t out[EMULATOR_FRAME_MAX])
{
    const struct emulate_shimmer3 *self = (const struct emulate_shimmer3 *)emulator;
    uint8_t id[32];
    size_t count = channels(self, id), start = 0;
    if (self->status_every > 0 && index % self->status_every == 1) {
        out[start++] = 0x8a;
        out[start++] = 0x71;
        out[start++] = 0x25;
    }
    uint8_t *packet = out + start;
    uint32_t ticks = self->first_ticks + (uint32_t)index * self->divisor;
    size_t len = 1;
    packet[0] = 0;
    len += put(packet + len, (int32_t)(ticks & 0xffffff), 3, false);
    for (size_t c = 0; c < count; c++) {
        bool exg = id[c] >= 0x1d;
        size_t bytes = id[c] == 0x1d || id[c] == 0x20 ? 1 : exg ? 3 : 2;
        bool big =
            exg || (id[c] >= 0x0a && id[c] <= 0x0c) || (id[c] >= 7 && id[c] <= 9 && self->dlhc);
        len += put(packet + len, emulate_shimmer3_value(index, id[c]), bytes, big);
    }
    if (self->crc_bytes > 0) {
        len += put(packet + len, crc(packet, len), self->crc_bytes, false);
    }
    return start + len;
}

static void answer(struct emulate_shimmer3 *self, uint8_t code, const uint8_t *bytes, size_t len)
{
    static const uint8_t ack = 0xff;
    emulator_send(&self->emulator, &ack, 1);
    if (code != 0) {
        emulator_send(&self->emulator, &code, 1);
        emulator_send(&self->emulator, bytes, len);
    }
}

static void answer_inquiry(struct emulate_shimmer3 *self)
{
    uint8_t bytes[48] = {(uint8_t)self->divisor, (uint8_t)(self->divisor >> 8)};
    memcpy(bytes + 2, self->config, 4);
    bytes[6] = (uint8_t)channels(self, bytes + 8);
    bytes[7] = 1;
    answer(self, 0x02, bytes, 8 + (size_t)bytes[6]);
}

/* Bytes of a command, itself included. */
static size_t command_bytes(const uint8_t *in)
{
    static const uint8_t more[256] = {
        [0x05] = 2, [0x08] = 3, [0x09] = 1, [0x49] = 1, [0x37] = 1, [0x0e] = 4,
        [0x5e] = 1, [0x61] = 3, [0x63] = 3, [0x8b] = 1, [0xa3] = 1};
    return 1 + (size_t)more[in[0]] + (in[0] == 0x61 ? in[3] : 0);
}

static void set(struct emulate_shimmer3 *self, const uint8_t *in)
{
    switch (in[0]) {
    case 0x05:
        self->divisor = (uint16_t)(in[1] | in[2] << 8);
        break;
    case 0x08:
        memcpy(self->sensors, in + 1, 3);
        break;
    case 0x09:
        self->config[0] = (uint8_t)((self->config[0] & ~0x0cU) | (unsigned)in[1] << 2);
        break;
    case 0x49:
        self->config[2] = (uint8_t)((self->config[2] & ~3U) | in[1]);
        break;
    case 0x0e:
        memcpy(self->config, in + 1, 4);
        break;
    case 0x5e:
        self->config[3] = (uint8_t)((self->config[3] & ~1U) | in[1]);
        break;
    case 0x61:
        memcpy(self->exg[in[1] & 1] + in[2], in + 4, in[3]);
        break;
    case 0x8b:
        self->crc_bytes = in[1];
        break;
    default:
        break;
    }
    answer(self, 0, NULL, 0);
}

static void get(struct emulate_shimmer3 *self, const uint8_t *in)
{
    static const uint8_t model = 3;
    uint8_t bytes[84];
    switch (in[0]) {
    case 0x01:
        answer_inquiry(self);
        break;
    case 0x3f:
        answer(self, 0x25, &model, 1);
        break;
    case 0x2e:
        answer(self, 0x2f, self->firmware, sizeof(self->firmware));
        break;
    case 0x2c:
        memset(bytes, 0xff, sizeof(bytes));
        answer(self, 0x2d, self->calibrated ? calibration : bytes, sizeof(bytes));
        break;
    case 0x63:
        bytes[0] = in[3];
        memcpy(bytes + 1, self->exg[in[1] & 1] + in[2], in[3]);
        answer(self, 0x62, bytes, 1 + (size_t)in[3]);
        break;
    default:
        set(self, in);
        break;
    }
}

static void obey(struct emulate_shimmer3 *self, int64_t t_ns)
{
    static const uint8_t nack = 0xfe;
    const uint8_t *in = self->in;
    enum emulator_fault fault = emulator_command(&self->emulator);
    if (fault == EMULATOR_NO_ANSWER) {
        return;
    }
    if (fault == EMULATOR_WRONG_ANSWER || (in[0] == 0x8b && !self->has_crc)) {
        emulator_send(&self->emulator, &nack, 1);
    } else if (in[0] == 0x07 || in[0] == 0x20) {
        self->streaming = in[0] == 0x07;
        if (!self->streaming || !self->lose_start_ack) {
            answer(self, 0, NULL, 0);
        }
        emulator_stream(&self->emulator, self->streaming ? 32768.0 / self->divisor : 0, t_ns);
    } else {
        get(self, in);
    }
}

static void hear(struct emulator *emulator, const uint8_t *buf, size_t len, int64_t t_ns)
{
    struct emulate_shimmer3 *self = (struct emulate_shimmer3 *)emulator;
    for (size_t i = 0; i < len; i++) {
        self->in[self->in_len++] = buf[i];
        size_t head = self->in[0] == 0x61 ? 4 : 1;
        if (self->in_len >= head && self->in_len >= command_bytes(self->in)) {
            self->in_len = 0;
            obey(self, t_ns);
        }
    }
}

void emulate_shimmer3_init(struct emulate_shimmer3 *self)
{
    static const uint8_t firmware[] = {3, 0, 0, 0, 15, 4}; /* LogAndStream 0.15.4 */
    static const uint8_t exg[10] = {0x00, 0x80, 0x10, 0, 0, 0, 0, 0, 0x02, 0x01};
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.sample = sample;
    self->has_crc = true;
    self->calibrated = true;
    memcpy(self->firmware, firmware, sizeof(firmware));
    memcpy(self->exg[0], exg, sizeof(exg));
    memcpy(self->exg[1], exg, sizeof(exg));
    self->sensors[1] = 0x21; /* battery and internal adc 13, as somebody left it */
    self->divisor = 640;
    self->config[0] = 0x01;
    self->config[1] = 0xff;
    self->config[2] = 0x01;
    self->config[3] = 0x08;
    self->first_ticks = 0xffe000; /* wraps soon */
}

static void init(void *self)
{
    emulate_shimmer3_init(self);
}

/* Acceleration and rate of turn by the calibration above, which turns y to -x. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    static const struct {
        uint8_t id;
        double per_unit;
    } source[] = {{5, 1671}, {4, -1671}, {6, -1671}, {11, -65.5}, {10, -65.5}, {12, -65.5}};
    (void)self;
    (void)stream;
    for (size_t c = 0; c < 6; c++) {
        double rad = c < 3 ? 1 : 0.017453292519943295;
        value[c] = emulate_shimmer3_value(k, source[c].id) / source[c].per_unit * rad;
    }
}

static uint64_t settings(const void *self_)
{
    const struct emulate_shimmer3 *self = self_;
    uint64_t digest = emulators_digest(self->divisor, self->sensors, sizeof(self->sensors));
    digest = emulators_digest(digest, self->config, sizeof(self->config));
    digest = emulators_digest(digest, self->exg, sizeof(self->exg));
    return emulators_digest(digest, &self->streaming, sizeof(self->streaming));
}

const struct emulated_device emulated_shimmer3 = {
    .driver = "shimmer3",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_shimmer3),
    .init = init,
    .config = {.name = "shimmer", .placement = "shank.left"},
    .meant = meant,
    .settings = settings,
};

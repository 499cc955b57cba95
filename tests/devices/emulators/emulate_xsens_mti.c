#include "emulate_xsens_mti.h"

#include "emulators.h"

#include <string.h>

#define NS_PER_TICK 100000

static const uint8_t factory[] = {0x10, 0x20, 0xff, 0xff, 0x10, 0x60, 0xff, 0xff,
                                  0x20, 0x30, 0x00, 0x64, 0xe0, 0x20, 0xff, 0xff};

static size_t seal(uint8_t *frame, unsigned mid, size_t payload_len)
{
    frame[0] = 0xfa;
    frame[1] = 0xff;
    frame[2] = (uint8_t)mid;
    frame[3] = (uint8_t)payload_len;
    unsigned sum = 0;
    for (size_t i = 1; i < 4 + payload_len; i++) {
        sum += frame[i];
    }
    frame[4 + payload_len] = (uint8_t)(0x100 - (sum & 0xff));
    return 5 + payload_len;
}

static void answer(struct emulate_xsens_mti *self, unsigned mid, const void *payload, size_t len)
{
    uint8_t frame[5 + EMULATE_MTI_LIST_MAX];
    if (len > 0) {
        memcpy(frame + 4, payload, len);
    }
    emulator_send(&self->emulator, frame, seal(frame, mid, len));
}

static size_t put_u(uint8_t *out, uint32_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    }
    return bytes;
}

static size_t put_floats(uint8_t *out, uint64_t index, unsigned first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = emulator_value(index, first + (unsigned)i);
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        (void)put_u(out + 4 * i, bits, 4);
    }
    return 4 * count;
}

static unsigned entry(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static size_t put_field(const struct emulate_xsens_mti *self, unsigned id, uint32_t fine,
                        uint8_t *out)
{
    switch (id) {
    case 0x1020:
        return put_u(out, (uint16_t)(self->counter + self->emulator.frames), 2);
    case 0x1060:
        return put_u(out, fine, 4);
    case 0x2010:
        return put_floats(out, self->emulator.frames, 9, 4);
    case 0x2030:
        return put_floats(out, self->emulator.frames, 20, 3);
    case 0x4020:
        return put_floats(out, self->emulator.frames, 0, 3);
    case 0x8020:
        return put_floats(out, self->emulator.frames, 3, 3);
    case 0xc020:
        return put_floats(out, self->emulator.frames, 6, 3);
    case 0xe020:
        return put_u(out, 0x00000003, 4);
    default:
        return 0;
    }
}

static unsigned rate_of(const struct emulate_xsens_mti *self)
{
    unsigned rate = 0;
    for (size_t at = 0; at < self->list_len; at += 4) {
        unsigned r = entry(self->list + at + 2);
        rate = r != 0xffff && r > rate ? r : rate;
    }
    return rate;
}

static void speak(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_xsens_mti *self = (struct emulate_xsens_mti *)emulator;
    unsigned rate = rate_of(self);
    while (self->measuring && rate > 0) {
        int64_t due_ns = self->start_ns + (int64_t)(self->index * 1000000000U / rate);
        if (due_ns > emulator_clock(emulator, now_ns)) {
            break;
        }
        uint8_t frame[256];
        size_t at = 4;
        for (size_t i = 0; i < self->list_len; i += 4) {
            unsigned id = entry(self->list + i);
            size_t size =
                put_field(self, id, self->fine + (uint32_t)(due_ns / NS_PER_TICK), frame + at + 3);
            (void)put_u(frame + at, id, 2);
            frame[at + 2] = (uint8_t)size;
            at += 3 + size;
        }
        emulator_frame(emulator, frame, seal(frame, 0x36, at - 4), now_ns);
        self->index++;
    }
}

static void set_output(struct emulate_xsens_mti *self, const uint8_t *payload, size_t len)
{
    memcpy(self->list, payload, len);
    self->list_len = len;
    self->writes++;
    for (size_t at = 0; at < len; at += 4) {
        unsigned rate = entry(payload + at + 2);
        unsigned granted = rate != 0xffff && rate > self->rate_max_hz ? self->rate_max_hz : rate;
        granted = self->no_orientation && entry(payload + at) == 0x2010 ? 0 : granted;
        (void)put_u(self->list + at + 2, granted, 2);
    }
}

static void obey(struct emulate_xsens_mti *self, unsigned mid, const uint8_t *payload, size_t len,
                 int64_t now_ns)
{
    static const uint8_t id[] = {0x03, 0x70, 0x03, 0xf8};
    static const uint8_t firmware[] = {1, 8, 2, 0, 0, 0, 0x25, 0, 1, 0x15, 0x34};
    static const uint8_t invalid_message = 4;
    enum emulator_fault fault = emulator_command(&self->emulator);
    if (fault == EMULATOR_NO_ANSWER) {
        return;
    }
    bool known = mid == 0x30 || mid == 0x10 || mid == 0x00 || mid == 0x12 || mid == 0x1c ||
                 (mid == 0xc0 && len % 4 == 0 && len <= EMULATE_MTI_LIST_MAX);
    if (fault == EMULATOR_WRONG_ANSWER || !known || (self->measuring && mid != 0x30)) {
        answer(self, 0x42, &invalid_message, 1);
        return;
    }
    if (mid == 0x30 || mid == 0x10) {
        self->measuring = mid == 0x10;
        self->start_ns = emulator_clock(&self->emulator, now_ns);
        self->index = 0;
        self->first = self->emulator.frames;
        answer(self, mid + 1, NULL, 0);
    } else if (mid == 0xc0) {
        if (len > 0) {
            set_output(self, payload, len);
        }
        answer(self, 0xc1, self->list, self->list_len);
    } else if (mid == 0x00) {
        answer(self, 0x01, id, sizeof(id));
    } else if (mid == 0x12) {
        answer(self, 0x13, firmware, sizeof(firmware));
    } else {
        answer(self, 0x1d, "MTi-300   ", 10);
    }
}

static void hear(struct emulator *emulator, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    struct emulate_xsens_mti *self = (struct emulate_xsens_mti *)emulator;
    for (size_t i = 0; i < len; i++) {
        self->in_len = self->in_len == sizeof(self->in) ? 0 : self->in_len;
        self->in[self->in_len++] = bytes[i];
        if (self->in[0] != 0xfa) {
            self->in_len = 0;
        }
        if (self->in_len >= 5 && self->in_len == 5U + self->in[3]) {
            unsigned sum = 0;
            for (size_t k = 1; k < self->in_len; k++) {
                sum += self->in[k];
            }
            size_t payload = self->in[3];
            self->in_len = 0;
            if ((sum & 0xff) == 0) {
                obey(self, self->in[2], self->in + 4, payload, now_ns);
            }
        }
    }
}

void emulate_xsens_mti_init(struct emulate_xsens_mti *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.speak = speak;
    self->emulator.baud = 115200;
    self->measuring = true;
    self->rate_max_hz = 400;
    self->fine = 29686846;
    self->counter = 65000; /* wraps within the first minutes */
    memcpy(self->list, factory, sizeof(factory));
    self->list_len = sizeof(factory);
}

static void init(void *self)
{
    emulate_xsens_mti_init(self);
}

static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    (void)stream;
    for (unsigned c = 0; c < 13; c++) {
        value[c] = (double)emulator_value(k, c);
    }
}

static const struct kl_device_option option[] = {{"magnetometer", "yes"}};

static uint64_t settings(const void *self_)
{
    const struct emulate_xsens_mti *self = self_;
    return emulators_digest(self->emulator.baud, self->list, self->list_len);
}

const struct emulated_device emulated_xsens_mti = {
    .driver = "xsens_mti",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_xsens_mti),
    .init = init,
    .config = {.name = "mti", .placement = "shank.right", .option_count = 1, .option = option},
    .meant = meant,
    .settings = settings,
};

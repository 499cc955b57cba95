#include "emulate_vectornav.h"

#include "emulators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct emulate_vectornav *self, const char *text)
{
    char line[300];
    unsigned sum = 0;
    for (const char *c = text; *c != '\0'; c++) {
        sum ^= (unsigned char)*c;
    }
    int len = snprintf(line, sizeof(line), "$%s*%02X\r\n", text, sum & 0xff);
    emulator_send(&self->emulator, line, (size_t)len);
}

/* The manual's loop, in 16 bits. */
static uint16_t crc16(const uint8_t *bytes, size_t len)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc = (uint16_t)((crc >> 8) | (crc << 8));
        crc = (uint16_t)(crc ^ bytes[i]);
        crc = (uint16_t)(crc ^ ((crc & 0xff) >> 4));
        crc = (uint16_t)(crc ^ (crc << 12));
        crc = (uint16_t)(crc ^ ((crc & 0xff) << 5));
    }
    return crc;
}

static size_t put_le(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
    return bytes;
}

static size_t put_floats(const struct emulate_vectornav *self, uint8_t *out, unsigned first,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float value = emulator_value(self->emulator.frames, first + (unsigned)i);
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        (void)put_le(out + 4 * i, bits, 4);
    }
    return 4 * count;
}

static void send_packet(struct emulate_vectornav *self, int64_t due_ns, int64_t now_ns)
{
    uint8_t packet[128] = {0xfa, 0x01, (uint8_t)self->mask, (uint8_t)(self->mask >> 8)};
    size_t at = 4;
    for (unsigned bit = 0; bit < 15; bit++) {
        if ((self->mask >> bit & 1) == 0) {
            continue;
        }
        switch (bit) {
        case 0:
            at += put_le(packet + at, (uint64_t)(self->power_up_ns + due_ns), 8);
            break;
        case 4:
            at += put_floats(self, packet + at, 9, 4);
            break;
        case 5:
            at += put_floats(self, packet + at, 3, 3);
            break;
        case 8:
            at += put_floats(self, packet + at, 0, 3);
            break;
        case 10:
            at += put_floats(self, packet + at, 6, 3);
            at += put_floats(self, packet + at, 20, 2);
            break;
        default: /* 13 */
            at += put_le(packet + at, 42 + self->emulator.frames, 4);
        }
    }
    uint16_t crc = crc16(packet + 1, at - 1);
    packet[at] = (uint8_t)(crc >> 8);
    packet[at + 1] = (uint8_t)crc;
    emulator_frame(&self->emulator, packet, at + 2, now_ns);
}

static void speak(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_vectornav *self = (struct emulate_vectornav *)emulator;
    int64_t clock_ns = emulator_clock(emulator, now_ns);
    if (self->next_baud != 0 && emulator->out_len == 0) {
        emulator->baud = self->next_baud;
        self->next_baud = 0;
    }
    for (; self->line_ns <= clock_ns; self->line_ns += 25000000) {
        if (!self->paused && self->ascii != 0) {
            say(self, "VNYMR,+100.949,-007.330,+000.715,-00.0049,-00.2449,+00.5397,-01.258,-00.100,"
                      "-09.701,-00.000018,+00.001122,-00.000551");
        }
    }
    while (!self->paused && (self->mode & self->port) != 0 && self->divisor > 0) {
        int64_t due_ns =
            self->start_ns + (int64_t)(self->index * 1000000000U * self->divisor / self->base_hz);
        if (due_ns > clock_ns) {
            break;
        }
        send_packet(self, due_ns, now_ns);
        self->index++;
    }
}

static void restart(struct emulate_vectornav *self, int64_t now_ns)
{
    self->start_ns = emulator_clock(&self->emulator, now_ns);
    self->index = 0;
    self->first = self->emulator.frames;
}

static void read_register(struct emulate_vectornav *self, unsigned number)
{
    char text[128];
    switch (number) {
    case 1:
        (void)snprintf(text, sizeof(text), "VNRRG,01,%s", self->model);
        break;
    case 3:
        (void)snprintf(text, sizeof(text), "VNRRG,03,0100012345");
        break;
    case 4:
        (void)snprintf(text, sizeof(text), "VNRRG,04,2.0.0.1");
        break;
    case 6:
        (void)snprintf(text, sizeof(text), "VNRRG,06,%u", self->ascii);
        break;
    case 75:
        (void)snprintf(text, sizeof(text), "VNRRG,75,%u,%u,%s%.0X", self->mode, self->divisor,
                       self->mask != 0 ? "01," : "00", self->mask);
        break;
    default:
        (void)snprintf(text, sizeof(text), "VNERR,08");
    }
    say(self, text);
}

static void write_register(struct emulate_vectornav *self, unsigned number, const char *arguments,
                           int64_t now_ns)
{
    char text[128];
    char *end = NULL;
    unsigned long first = strtoul(arguments, &end, 10);
    if (number == 5) {
        self->next_baud = (unsigned)first;
    } else if (number == 6) {
        self->ascii = (unsigned)first;
    } else if (number == 75) {
        unsigned long divisor = *end == ',' ? strtoul(end + 1, &end, 10) : 0;
        unsigned long groups = *end == ',' ? strtoul(end + 1, &end, 16) : 0;
        unsigned long mask = *end == ',' ? strtoul(end + 1, &end, 16) : 0;
        if (divisor == 0 || groups != 1 || mask == 0 || (mask & ~0x2531UL) != 0) {
            say(self, "VNERR,07"); /* it does not take back what it reports when off */
            return;
        }
        self->mode = (unsigned)first;
        self->divisor = (unsigned)divisor;
        self->mask = (unsigned)mask;
        restart(self, now_ns);
    }
    (void)snprintf(text, sizeof(text), "VNWRG,%02u,%.80s", number, arguments);
    say(self, text);
}

static void obey(struct emulate_vectornav *self, char *text, int64_t now_ns)
{
    enum emulator_fault fault = emulator_command(&self->emulator);
    if (fault != EMULATOR_SOUND) {
        if (fault == EMULATOR_WRONG_ANSWER) {
            say(self, "VNERR,07");
        }
        return;
    }
    char *end = text;
    unsigned number = strlen(text) > 6 ? (unsigned)strtoul(text + 6, &end, 10) : 0;
    if (strncmp(text, "VNASY,", 6) == 0) {
        self->paused = number == 0;
        restart(self, now_ns);
        say(self, number == 0 ? "VNASY,0" : "VNASY,1");
    } else if (strncmp(text, "VNRRG,", 6) == 0) {
        read_register(self, number);
    } else if (strncmp(text, "VNWRG,", 6) == 0 && *end == ',') {
        write_register(self, number, end + 1, now_ns);
    } else {
        self->flash_writes += strncmp(text, "VNWNV", 5) == 0;
        say(self, "VNERR,04");
    }
}

/* A whole line without its end: is its sum right? Cuts it off. */
static bool sound(char *line)
{
    char *star = strchr(line, '*');
    unsigned sum = 0;
    if (line[0] != '$' || star == NULL) {
        return false;
    }
    for (const char *c = line + 1; c < star; c++) {
        sum ^= (unsigned char)*c;
    }
    *star = '\0';
    return strtoul(star + 1, NULL, 16) == (sum & 0xff);
}

static void hear(struct emulator *emulator, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    struct emulate_vectornav *self = (struct emulate_vectornav *)emulator;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n' || self->in_len + 1 == sizeof(self->in)) {
            self->in[self->in_len] = '\0';
            self->in_len = 0;
            if (sound(self->in)) {
                obey(self, self->in + 1, now_ns);
            } else {
                say(self, "VNERR,03");
            }
        } else {
            self->in[self->in_len++] = (char)bytes[i];
        }
    }
}

void emulate_vectornav_init(struct emulate_vectornav *self)
{
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.speak = speak;
    self->emulator.baud = 115200;
    self->model = "VN-100T-CR";
    self->port = 1;
    self->base_hz = 800;
    self->ascii = 14;
    self->power_up_ns = 43000006000;
}

static void init(void *self)
{
    emulate_vectornav_init(self);
}

/* Gauss to tesla; the scalar of the quaternion comes last on the wire. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    static const unsigned source[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 9, 10, 11};
    (void)self;
    (void)stream;
    for (unsigned c = 0; c < 13; c++) {
        value[c] = (c >= 6 && c < 9 ? 1e-4 : 1) * (double)emulator_value(k, source[c]);
    }
}

static const struct kl_device_option option[] = {{"magnetometer", "yes"}};

static uint64_t settings(const void *self_)
{
    const struct emulate_vectornav *self = self_;
    const unsigned all[] = {self->paused, self->ascii, self->mode, self->emulator.baud};
    return emulators_digest(0, all, sizeof(all));
}

const struct emulated_device emulated_vectornav = {
    .driver = "vectornav",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_vectornav),
    .init = init,
    .config = {.name = "vn", .placement = "shank.right", .option_count = 1, .option = option},
    .meant = meant,
    .settings = settings,
};

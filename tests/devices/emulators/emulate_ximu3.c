#include "emulate_ximu3.h"

#include "emulators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is measured: by which setting it is divided, and how many numbers it has. */
static const struct {
    char letter;
    const char *key;
    unsigned rate_hz;
    size_t count;
} letter[EMULATE_XIMU3_LETTERS] = {
    {'I', "inertial_message_rate_divisor", 400, 6},
    {'Q', "ahrs_message_rate_divisor", 400, 4},
    {'M', "magnetometer_message_rate_divisor", 20, 3},
    {'H', "high_g_accelerometer_message_rate_divisor", 3200, 3},
    {'B', "battery_message_rate_divisor", 5, 3},
};

unsigned emulate_ximu3_channel(char name)
{
    unsigned channel = 0;
    for (size_t i = 0; i < EMULATE_XIMU3_LETTERS && letter[i].letter != name; i++) {
        channel += (unsigned)letter[i].count;
    }
    return channel;
}

static struct emulate_ximu3_setting *find(struct emulate_ximu3 *self, const char *key)
{
    for (size_t i = 0; i < EMULATE_XIMU3_SETTINGS; i++) {
        if (self->setting[i].key != NULL && strcmp(self->setting[i].key, key) == 0) {
            return &self->setting[i];
        }
    }
    return NULL;
}

const char *emulate_ximu3_setting(const struct emulate_ximu3 *self, const char *key)
{
    for (size_t i = 0; i < EMULATE_XIMU3_SETTINGS; i++) {
        if (self->setting[i].key != NULL && strcmp(self->setting[i].key, key) == 0) {
            return self->setting[i].value;
        }
    }
    return "";
}

static size_t stuff(const uint8_t *plain, size_t len, uint8_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        if (plain[i] == 0x0a || plain[i] == 0xdb) {
            out[count++] = 0xdb;
            out[count++] = plain[i] == 0x0a ? 0xdc : 0xdd;
        } else {
            out[count++] = plain[i];
        }
    }
    out[count++] = 0x0a;
    return count;
}

static void send_binary(struct emulate_ximu3 *self, size_t k, int64_t now_ns)
{
    uint8_t plain[64] = {(uint8_t)(letter[k].letter | 0x80)};
    uint8_t bytes[128];
    uint64_t t_us = (uint64_t)(self->due_ns[k] / 1000);
    for (size_t i = 0; i < 8; i++) {
        plain[1 + i] = (uint8_t)(t_us >> (8 * i));
    }
    for (size_t i = 0; i < letter[k].count; i++) {
        float value =
            emulator_value(self->next[k], emulate_ximu3_channel(letter[k].letter) + (unsigned)i);
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        for (size_t b = 0; b < 4; b++) {
            plain[9 + 4 * i + b] = (uint8_t)(bits >> (8 * b));
        }
    }
    emulator_frame(&self->emulator, bytes, stuff(plain, 9 + 4 * letter[k].count, bytes), now_ns);
}

static void send_text(struct emulate_ximu3 *self, size_t k, int64_t now_ns)
{
    char text[200];
    int len = snprintf(text, sizeof(text), "%c,%lld", letter[k].letter,
                       (long long)(self->due_ns[k] / 1000));
    for (size_t i = 0; i < letter[k].count; i++) {
        float value =
            emulator_value(self->next[k], emulate_ximu3_channel(letter[k].letter) + (unsigned)i);
        len += snprintf(text + len, sizeof(text) - (size_t)len, ",%.4f", (double)value);
    }
    len += snprintf(text + len, sizeof(text) - (size_t)len, "\n");
    emulator_frame(&self->emulator, text, (size_t)len, now_ns);
}

static void speak(struct emulator *emulator, int64_t now_ns)
{
    struct emulate_ximu3 *self = (struct emulate_ximu3 *)emulator;
    int64_t clock_ns = emulator_clock(emulator, now_ns);
    for (;;) { /* the earliest of all letters */
        size_t first = EMULATE_XIMU3_LETTERS;
        int64_t period_ns = 0;
        for (size_t k = 0; k < EMULATE_XIMU3_LETTERS; k++) {
            long divisor = strtol(emulate_ximu3_setting(self, letter[k].key), NULL, 10);
            if (divisor > 0 && self->due_ns[k] <= clock_ns &&
                (first == EMULATE_XIMU3_LETTERS || self->due_ns[k] < self->due_ns[first])) {
                first = k;
                period_ns = divisor * 1000000000LL / letter[k].rate_hz;
            }
        }
        if (first == EMULATE_XIMU3_LETTERS) {
            return;
        }
        bool binary = strcmp(emulate_ximu3_setting(self, "binary_mode_enabled"), "true") == 0;
        if (!self->mute) {
            (binary ? send_binary : send_text)(self, first, now_ns);
        }
        self->next[first]++;
        self->due_ns[first] += period_ns;
    }
}

static void say(struct emulate_ximu3 *self, const char *key, const char *value)
{
    char text[300];
    int len = snprintf(text, sizeof(text), "{\"%s\":%s}\n", key, value);
    emulator_send(&self->emulator, text, (size_t)len);
}

static void obey(struct emulate_ximu3 *self, const char *key, const char *value)
{
    enum emulator_fault fault = emulator_command(&self->emulator);
    struct emulate_ximu3_setting *setting = find(self, key);
    if (fault == EMULATOR_NO_ANSWER) {
        return;
    }
    if (fault == EMULATOR_WRONG_ANSWER) {
        say(self, key, "{\"error\":\"Unable to write read-only setting\"}");
    } else if (strcmp(key, "ping") == 0) {
        char text[100];
        (void)snprintf(text, sizeof(text),
                       "{\"interface\":\"%s\",\"name\":\"x-IMU3\",\"sn\":\"01234567\"}",
                       self->interface);
        say(self, key, text);
    } else if (strcmp(key, "apply") == 0) {
        self->applies++;
        for (size_t i = 0; i < EMULATE_XIMU3_SETTINGS; i++) {
            (void)snprintf(self->setting[i].value, sizeof(self->setting[i].value), "%s",
                           self->setting[i].written);
        }
        say(self, key, "null");
    } else if (strcmp(key, "save") == 0) {
        self->saves++;
        say(self, key, "null");
    } else if (setting == NULL) {
        say(self, key, "{\"error\":\"Unknown command\"}");
    } else {
        if (strcmp(value, "null") != 0 && !self->deaf_setting) {
            (void)snprintf(setting->written, sizeof(setting->written), "%.31s", value);
        }
        say(self, key, strcmp(value, "null") == 0 ? setting->written : value);
    }
}

static void hear(struct emulator *emulator, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    struct emulate_ximu3 *self = (struct emulate_ximu3 *)emulator;
    (void)now_ns;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n' && self->in_len + 1 < sizeof(self->in)) {
            self->in[self->in_len++] = (char)bytes[i];
            continue;
        }
        char key[64];
        char value[512];
        self->in[self->in_len] = '\0';
        self->in_len = 0;
        if (sscanf(self->in, "{\"%63[^\"]\":%511[^}]}", key, value) == 2) {
            obey(self, key, value);
        }
    }
}

void emulate_ximu3_init(struct emulate_ximu3 *self)
{
    static const char *const setting[][2] = {
        {"binary_mode_enabled", "true"},
        {"inertial_message_rate_divisor", "8"},
        {"ahrs_message_type", "0"},
        {"ahrs_message_rate_divisor", "8"},
        {"magnetometer_message_rate_divisor", "1"},
        {"high_g_accelerometer_message_rate_divisor", "64"},
        {"battery_message_rate_divisor", "1"},
        {"serial_baud_rate", "115200"},
    };
    memset(self, 0, sizeof(*self));
    self->emulator.hear = hear;
    self->emulator.speak = speak;
    self->interface = "USB";
    for (size_t i = 0; i < sizeof(setting) / sizeof(setting[0]); i++) {
        self->setting[i].key = setting[i][0];
        (void)snprintf(self->setting[i].value, sizeof(self->setting[i].value), "%s", setting[i][1]);
        (void)snprintf(self->setting[i].written, sizeof(self->setting[i].written), "%s",
                       setting[i][1]);
    }
    for (size_t k = 0; k < EMULATE_XIMU3_LETTERS; k++) {
        self->due_ns[k] = 1000000 * (int64_t)(k + 1);
    }
}

/* The owner has switched off what the streams below do not need. */
static void init(void *self)
{
    static const char *const key[] = {"magnetometer_message_rate_divisor",
                                      "high_g_accelerometer_message_rate_divisor",
                                      "battery_message_rate_divisor"};
    emulate_ximu3_init(self);
    for (size_t i = 0; i < 3; i++) {
        struct emulate_ximu3_setting *setting = find(self, key[i]);
        (void)strcpy(setting->value, "0");
        (void)strcpy(setting->written, "0");
    }
}

#define STANDARD_GRAVITY 9.80665 /* m/s^2: the device says g */
#define DEG 0.017453292519943295

/* Streams: inertial, orientation. The device says rate of turn first. */
static void meant(const void *self, size_t stream, uint64_t k, double *value)
{
    (void)self;
    for (unsigned c = 0; c < (stream == 0 ? 6 : 4); c++) {
        value[c] = stream != 0 ? (double)emulator_value(k, emulate_ximu3_channel('Q') + c)
                   : c < 3     ? STANDARD_GRAVITY * (double)emulator_value(k, 3 + c)
                               : DEG * (double)emulator_value(k, c - 3);
    }
}

static uint64_t settings(const void *self_)
{
    const struct emulate_ximu3 *self = self_;
    uint64_t digest = 0;
    for (size_t i = 0; i < EMULATE_XIMU3_SETTINGS && self->setting[i].key != NULL; i++) {
        const char *value = self->setting[i].value;
        digest = emulators_digest(digest, value, strlen(value));
    }
    return digest;
}

const struct emulated_device emulated_ximu3 = {
    .driver = "ximu3",
    .ops = &emulator_ops,
    .size = sizeof(struct emulate_ximu3),
    .init = init,
    .config = {.name = "ximu", .placement = "shank.right", .rate_hz = 200},
    .meant = meant,
    .settings = settings,
};

/* The conversation with a Shimmer3: find out who it is, set ranges, sensors and rate, stream, put
 * all of it back.
 *
 * Commands are answered FF (refused: FE), then by their response:
 *
 *     01 inquiry -> 02 ...      05 divisor u16        07 / 20 start / stop streaming
 *     08 sensors, 3 bytes       09 / 49 range of wide accel / gyro
 *     0E 4 configuration bytes  2C -> 2D, 84 bytes of calibration
 *     2E -> 2F firmware         3F -> 25 hardware     5E 0/1 power of the expansion board
 *     61 / 63 EXG registers     8B packet CRC         A3 prefix of what nobody asked for
 *
 * A Shimmer keeps what it is told (range, sensors, rate, EXG registers) in its own memory at once,
 * so all of it is put back at stop. Uncertain: whether answers carry a CRC once it is on (it is
 * switched on last); the configuration bytes of a 3R (not put back).
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/shimmer3.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    ACK = 0xff,
    NACK = 0xfe,
    STATUS = 0x8a,
    SENSOR_BYTES = 3,
    HARDWARE_3R = 0x0a,
    FIRMWARE_BTSTREAM = 1,
    FIRMWARE_LOG_AND_STREAM = 3,
    BLOCK_BYTES = KL_SHIMMER3_CALIBRATION_BYTES / KL_SHIMMER3_BLOCKS,
    ANSWER_MAX = 1 + KL_SHIMMER3_CALIBRATION_BYTES,
};

#define ANSWER_NS (1000 * KL_MS)
#define QUIET_NS (250 * KL_MS)
#define HUSH_NS (3000 * KL_MS)
#define POWER_NS (100 * KL_MS) /* of the expansion board, before it is used */

/* One command: what to send, and what stands behind the acknowledgement. */
struct command {
    const char *what;
    const uint8_t *send;
    size_t len;
    uint8_t answer_code; /* 0: none */
    size_t answer_len;   /* code included; 0 with a code: an inquiry's answer */
};

/* What is waited for: an acknowledgement, then the answer. */
struct awaited {
    const struct kl_shimmer3_layout *layout;
    const struct command *command;
    bool acknowledged;
};

static enum kl_frame answer_frame(const void *state, const uint8_t *buf, size_t len,
                                  size_t *frame_len)
{
    const struct awaited *awaited = state;
    *frame_len = 1;
    if (buf[0] == STATUS) { /* one nobody asked for */
        *frame_len = kl_shimmer3_status_bytes(awaited->layout);
        return len >= 2 && buf[1] != 0x71 ? KL_FRAME_INVALID
               : len < *frame_len         ? KL_FRAME_NEED_MORE
                                          : KL_FRAME_VALID;
    }
    if (!awaited->acknowledged) {
        return buf[0] == ACK || buf[0] == NACK ? KL_FRAME_VALID : KL_FRAME_INVALID;
    }
    if (buf[0] != awaited->command->answer_code) {
        return KL_FRAME_INVALID;
    }
    *frame_len = awaited->command->answer_len;
    if (*frame_len == 0) {
        int whole = kl_shimmer3_inquiry_length(awaited->layout->model_3r, buf, len);
        *frame_len = whole > 0 ? (size_t)whole : 0;
        return whole < 0 ? KL_FRAME_INVALID : whole == 0 ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
    }
    return len < *frame_len ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
}

static void begin(struct kl_conversation *talk, struct kl_link *link)
{
    kl_conversation_init(talk, link, answer_frame, NULL);
    talk->cap = 1;                /* no byte of the data that may follow is taken */
    talk->give_up_ns = ANSWER_NS; /* Bluetooth pauses in the middle of an answer */
}

/* Waits for acknowledgement and answer of what has been sent.
 * @return KL_OK, KL_ERR_DATA when refused, KL_ERR_TIMEOUT, or the link's status */
static int wait_answer(struct kl_conversation *talk, struct awaited *awaited, uint8_t *answer)
{
    int64_t left_ns = ANSWER_NS;
    for (;;) {
        const uint8_t *bytes = NULL;
        size_t len = 0;
        int status = kl_conversation_next(talk, &left_ns, &bytes, &len);
        if (status != KL_OK) {
            return status;
        }
        if (bytes[0] == STATUS) {
            continue;
        }
        if (awaited->acknowledged) {
            memcpy(answer, bytes, len < ANSWER_MAX ? len : ANSWER_MAX);
            return KL_OK;
        }
        if (bytes[0] == NACK) {
            return KL_ERR_DATA;
        }
        awaited->acknowledged = true;
        if (awaited->command->answer_code == 0) {
            return KL_OK;
        }
    }
}

/* @return KL_OK, KL_ERR_DATA when refused, KL_ERR_TIMEOUT, or the link's status; without *fault */
static int try_command(const struct kl_shimmer3 *self, struct kl_conversation *talk,
                       const struct command *command, int tries, uint8_t answer[ANSWER_MAX])
{
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < tries && status == KL_ERR_TIMEOUT; i++) {
        struct awaited awaited = {.layout = &self->layout, .command = command};
        talk->used = talk->len = 0;
        talk->state = &awaited;
        status = kl_conversation_send(talk, command->send, command->len);
        status = status == KL_OK ? wait_answer(talk, &awaited, answer) : status;
        talk->state = NULL;
    }
    return status;
}

static int ask(const struct kl_shimmer3 *self, struct kl_conversation *talk,
               const struct command *command, uint8_t answer[ANSWER_MAX], struct kl_fault *fault)
{
    int status = try_command(self, talk, command, 3, answer);
    if (status == KL_OK) {
        return KL_OK;
    }
    return kl_fault(fault, status,
                    "device %s: %s (%02X): expected acknowledgement FF%s, %s; switch the unit off "
                    "and on, and connect it anew",
                    self->device, command->what, (unsigned)command->send[0],
                    command->answer_code != 0 ? " and an answer" : "",
                    status == KL_ERR_DATA ? "it answered FE (refused)" : kl_status_text(status));
}

/* A command without an answer. */
static int tell(const struct kl_shimmer3 *self, struct kl_conversation *talk, const char *what,
                const uint8_t *send, size_t len, struct kl_fault *fault)
{
    uint8_t answer[ANSWER_MAX];
    return ask(self, talk, &(struct command){what, send, len, 0, 0}, answer, fault);
}

/* Ends streaming and waits until it is quiet; what it has in its buffers may come for 0.8 s. */
static int hush(struct kl_conversation *talk)
{
    static const uint8_t stop_streaming[] = {0x20};
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < 3 && status == KL_ERR_TIMEOUT; i++) {
        status = kl_conversation_send(talk, stop_streaming, sizeof(stop_streaming));
        status = status == KL_OK ? kl_conversation_hush(talk, QUIET_NS, HUSH_NS) : status;
    }
    return status;
}

static bool older(const uint8_t *firmware, unsigned major, unsigned minor, unsigned patch)
{
    unsigned have =
        (unsigned)kl_u16_le(firmware + 3) << 16 | (unsigned)firmware[5] << 8 | firmware[6];
    return have < (major << 16 | minor << 8 | patch);
}

/* Who is it? Sets model and width of the time stamp. */
static int greet(struct kl_shimmer3 *self, struct kl_conversation *talk, struct kl_fault *fault)
{
    static const uint8_t hardware[] = {0x3f}, firmware[] = {0x2e}, no_prefix[] = {0xa3, 0};
    uint8_t answer[ANSWER_MAX] = {0};
    self->layout.model_3r = false;
    int status =
        ask(self, talk, &(struct command){"hardware", hardware, 1, 0x25, 2}, answer, fault);
    self->layout.model_3r = status == KL_OK && answer[1] == HARDWARE_3R;
    status = status ? status
                    : ask(self, talk, &(struct command){"firmware", firmware, 1, 0x2f, 7}, answer,
                          fault);
    if (status != KL_OK) {
        return status;
    }
    unsigned type = kl_u16_le(answer + 1);
    self->layout.short_time = (type == FIRMWARE_BTSTREAM && older(answer, 0, 7, 3)) ||
                              (type == FIRMWARE_LOG_AND_STREAM && older(answer, 0, 5, 4));
    if (type == FIRMWARE_LOG_AND_STREAM && !older(answer, 0, 15, 4)) {
        (void)try_command(self, talk, &(struct command){"prefix", no_prefix, 2, 0, 0}, 1, answer);
    }
    return KL_OK;
}

static int inquire(struct kl_shimmer3 *self, struct kl_conversation *talk, struct kl_fault *fault)
{
    static const uint8_t inquiry[] = {0x01};
    uint8_t answer[ANSWER_MAX] = {0};
    int status = ask(self, talk, &(struct command){"inquiry", inquiry, 1, 0x02, 0}, answer, fault);
    if (status != KL_OK) {
        return status;
    }
    int unknown = kl_shimmer3_layout_read(&self->layout, answer, sizeof(answer));
    if (unknown != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: inquiry (01): channel %02X is of a kind nobody knows; switch "
                        "this sensor off with the maker's tool",
                        self->device, unknown > -256 ? (unsigned)-unknown : 0xffU);
    }
    return KL_OK;
}

/* Sensor bits of command 08 that give these channels. */
static void sensor_bits(const struct kl_shimmer3_layout *layout, uint8_t bits[SENSOR_BYTES])
{
    static const struct {
        uint8_t id, byte, bit;
    } sensor[] = {{0x00, 0, 0x80}, {0x0a, 0, 0x40}, {0x07, 0, 0x20}, {0x1e, 0, 0x10},
                  {0x21, 0, 0x08}, {0x1c, 0, 0x04}, {0x0d, 0, 0x02}, {0x0e, 0, 0x01},
                  {0x27, 1, 0x80}, {0x03, 1, 0x20}, {0x04, 1, 0x10}, {0x0f, 1, 0x08},
                  {0x10, 1, 0x04}, {0x11, 1, 0x02}, {0x12, 1, 0x01}, {0x13, 2, 0x80},
                  {0x14, 2, 0x40}, {0x17, 2, 0x20}, {0x23, 2, 0x10}, {0x25, 2, 0x08},
                  {0x1b, 2, 0x04}};
    memset(bits, 0, SENSOR_BYTES);
    for (size_t i = 0; i < COUNT(sensor); i++) {
        if (kl_shimmer3_find(layout, sensor[i].id) >= 0) {
            bits[sensor[i].byte] |= sensor[i].bit;
        }
    }
}

/* Sensors and rate of a layout. */
static int set_sensors(struct kl_shimmer3 *self, struct kl_conversation *talk,
                       const struct kl_shimmer3_layout *layout, struct kl_fault *fault)
{
    uint8_t sensors[1 + SENSOR_BYTES] = {0x08};
    const uint8_t rate[] = {0x05, (uint8_t)layout->divisor, (uint8_t)(layout->divisor >> 8)};
    sensor_bits(layout, sensors + 1);
    int status = tell(self, talk, "sensors", sensors, sizeof(sensors), fault);
    return status ? status : tell(self, talk, "rate", rate, sizeof(rate), fault);
}

static int read_exg(const struct kl_shimmer3 *self, struct kl_conversation *talk, uint8_t chip,
                    uint8_t out[KL_SHIMMER3_EXG_BYTES], struct kl_fault *fault)
{
    const uint8_t get[] = {0x63, chip, 0, KL_SHIMMER3_EXG_BYTES};
    uint8_t answer[ANSWER_MAX] = {0};
    int status =
        ask(self, talk,
            &(struct command){"EXG registers", get, sizeof(get), 0x62, 2 + KL_SHIMMER3_EXG_BYTES},
            answer, fault);
    if (status == KL_OK) {
        memcpy(out, answer + 2, KL_SHIMMER3_EXG_BYTES);
    }
    return status;
}

static int write_exg(const struct kl_shimmer3 *self, struct kl_conversation *talk, uint8_t chip,
                     const uint8_t reg[KL_SHIMMER3_EXG_BYTES], struct kl_fault *fault)
{
    uint8_t set[4 + KL_SHIMMER3_EXG_BYTES] = {0x61, chip, 0, KL_SHIMMER3_EXG_BYTES};
    memcpy(set + 4, reg, KL_SHIMMER3_EXG_BYTES);
    return tell(self, talk, "set EXG registers", set, sizeof(set), fault);
}

/* The maker's EMG set-up of both chips; scale from the gain that the unit confirms. */
static int set_emg(struct kl_shimmer3 *self, struct kl_conversation *talk, struct kl_fault *fault)
{
    static const uint8_t power[] = {0x5e, 1};
    static const double gain[8] = {6, 1, 2, 3, 4, 8, 12, 0};
    uint8_t reg[2][KL_SHIMMER3_EXG_BYTES] = {{0, 0xa0, 0x10, 0x69, 0x60, 0x20, 0, 0, 0x02, 0x03},
                                             {0, 0xa0, 0x10, 0xe1, 0xe1, 0, 0, 0, 0x02, 0x01}};
    uint8_t now[KL_SHIMMER3_EXG_BYTES] = {0};
    double rate_hz = (double)KL_SHIMMER3_TICKS_HZ / self->divisor;
    int status = tell(self, talk, "expansion power", power, sizeof(power), fault);
    status = status ? status : kl_conversation_pause(talk, POWER_NS);
    for (uint8_t chip = 0; chip < 2 && status == KL_OK; chip++) {
        status = read_exg(self, talk, chip, self->kept_exg[chip], fault);
    }
    self->has_kept_exg = status == KL_OK;
    for (uint8_t chip = 0; chip < 2 && status == KL_OK; chip++) {
        /* a rate at or above the sampling rate, up to the chip's 8 kHz (code 6) */
        while (reg[chip][0] < 6 && 125 * (1 << reg[chip][0]) < rate_hz) {
            reg[chip][0]++;
        }
        reg[chip][1] |= self->kept_exg[chip][1] & 0x08; /* clock output: depends on the board */
        status = write_exg(self, talk, chip, reg[chip], fault);
    }
    status = status ? status : kl_conversation_pause(talk, POWER_NS);
    status = status ? status : read_exg(self, talk, 0, now, fault);
    for (size_t i = 0; i < KL_SHIMMER3_EMG_INPUTS && status == KL_OK; i++) {
        double factor = gain[now[3 + i] >> 4 & 7];
        if (factor == 0) {
            return kl_fault(fault, KL_ERR_DATA,
                            "device %s: EXG registers (63): input %zu has gain code 7, which does "
                            "not exist",
                            self->device, i + 1);
        }
        self->exg_v[i] = KL_SHIMMER3_EXG_REFERENCE_V / KL_SHIMMER3_EXG_RAIL / factor;
    }
    return status;
}

static int set_ranges(struct kl_shimmer3 *self, struct kl_conversation *talk,
                      struct kl_fault *fault)
{
    const uint8_t accel[] = {0x09, kl_shimmer3_accel_code(self)}, gyro[] = {0x49, self->gyro_code};
    int status = KL_OK;
    if (self->imu && self->wide) {
        status = tell(self, talk, "accel range", accel, sizeof(accel), fault);
    }
    if (self->imu && status == KL_OK) {
        status = tell(self, talk, "gyro range", gyro, sizeof(gyro), fault);
    }
    return status;
}

/* Is what the inquiry says what was asked for? */
static int check_layout(const struct kl_shimmer3 *self, struct kl_fault *fault)
{
    const struct kl_shimmer3_layout *layout = &self->layout;
    if (layout->divisor != self->divisor) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: rate (05): expected divisor %u, the unit has %u; it may be "
                        "locked by its own trial configuration",
                        self->device, (unsigned)self->divisor, (unsigned)layout->divisor);
    }
    bool accel = !self->wide || (layout->config[0] >> 2 & 3) == kl_shimmer3_accel_code(self);
    bool gyro = (layout->config[2] & 3) == self->gyro_code;
    if (self->imu && !layout->model_3r &&
        !(accel && gyro)) { /* a 3R orders these bytes otherwise */
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: %s range: the unit did not take it; take another one",
                        self->device, accel ? "gyro" : "accel");
    }
    return KL_OK;
}

/* Takes the unit's calibration, or says that it has none. */
static int calibrate(struct kl_shimmer3 *self, struct kl_conversation *talk, struct kl_fault *fault)
{
    static const uint8_t get[] = {0x2c};
    uint8_t answer[ANSWER_MAX] = {0};
    if (!self->imu) {
        return KL_OK;
    }
    int status =
        ask(self, talk, &(struct command){"calibration", get, 1, 0x2d, ANSWER_MAX}, answer, fault);
    if (status != KL_OK) {
        return status;
    }
    const struct {
        const char *what;
        bool wanted;
        enum kl_shimmer3_block block;
        struct kl_shimmer3_calibration *out;
    } part[] = {
        {"low-noise accelerometer", !self->wide, KL_SHIMMER3_CALIBRATES_LOW_NOISE, &self->accel},
        {"gyroscope", true, KL_SHIMMER3_CALIBRATES_GYRO, &self->gyro},
        {"magnetometer", self->magnetometer, KL_SHIMMER3_CALIBRATES_MAG, &self->mag},
        {"wide accelerometer", self->wide, KL_SHIMMER3_CALIBRATES_WIDE, &self->accel},
    };
    kl_shimmer3_calibrate_typically(self);
    for (size_t i = 0; i < COUNT(part); i++) {
        struct kl_shimmer3_calibration own =
            kl_shimmer3_calibration_read(part[i].block, answer + 1 + i * BLOCK_BYTES, BLOCK_BYTES);
        /* which chip it is, and so its typical sensitivity, shows only in the magnetometer */
        bool typical = self->uncalibrated &&
                       (part[i].block != KL_SHIMMER3_CALIBRATES_WIDE || self->magnetometer);
        if (part[i].wanted && !own.valid && !typical) {
            return kl_fault(fault, KL_ERR_DATA,
                            "device %s: calibration (2C): its %s has none; calibrate it with the "
                            "maker's tool, or write uncalibrated: yes%s for values good to a few "
                            "per cent",
                            self->device, part[i].what,
                            part[i].block == KL_SHIMMER3_CALIBRATES_WIDE ? " and magnetometer: yes"
                                                                         : "");
        }
        if (part[i].wanted && own.valid) {
            *part[i].out = own;
        }
    }
    return KL_OK;
}

/* Packet CRC, where the firmware has it. When nothing is acknowledged (older firmware, or the
 * acknowledgements got lost) it is switched off again: packets two bytes longer than believed would
 * never be in step. */
static int set_crc(struct kl_shimmer3 *self, struct kl_conversation *talk)
{
    static const uint8_t two_bytes[] = {0x8b, 2}, none[] = {0x8b, 0};
    uint8_t answer[ANSWER_MAX];
    int status =
        try_command(self, talk, &(struct command){"packet CRC", two_bytes, 2, 0, 0}, 2, answer);
    if (status == KL_ERR_TIMEOUT) {
        int off = try_command(self, talk, &(struct command){"no CRC", none, 2, 0, 0}, 1, answer);
        status = off == KL_OK ? KL_ERR_TIMEOUT : off;
    }
    self->layout.len = (uint8_t)(self->layout.len - self->layout.crc_bytes);
    self->layout.crc_bytes = status == KL_OK ? 2 : 0;
    self->layout.len = (uint8_t)(self->layout.len + self->layout.crc_bytes);
    return status == KL_ERR_DATA || status == KL_ERR_TIMEOUT ? KL_OK : status;
}

/* The acknowledgement may be lost: data are proof as well. */
static enum kl_frame streaming_frame(const void *state, const uint8_t *buf, size_t len,
                                     size_t *frame_len)
{
    const struct kl_shimmer3_layout *layout = state;
    *frame_len = buf[0] == ACK ? 1 : (size_t)layout->len + 1;
    return len < *frame_len ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
}

static int start_streaming(struct kl_shimmer3 *self, struct kl_conversation *talk,
                           struct kl_fault *fault)
{
    static const uint8_t go[] = {0x07};
    const uint8_t *bytes = NULL;
    size_t len = 0;
    int64_t left_ns = ANSWER_NS;
    int status = kl_conversation_hush(talk, 20 * KL_MS, HUSH_NS); /* a CRC behind the last answer */
    talk->frame = streaming_frame;
    talk->state = &self->layout;
    status = status == KL_OK ? kl_conversation_send(talk, go, sizeof(go)) : status;
    status = status == KL_OK ? kl_conversation_next(talk, &left_ns, &bytes, &len) : status;
    if (status == KL_OK) {
        return KL_OK;
    }
    return kl_fault(fault, status,
                    "device %s: start streaming (07): expected FF and data, got %s; switch the "
                    "unit off and on",
                    self->device, kl_status_text(status));
}

int kl_shimmer3_stop(void *state, struct kl_link *link)
{
    static const uint8_t no_crc[] = {0x8b, 0};
    struct kl_shimmer3 *self = state;
    struct kl_conversation talk;
    if (!self->reached) {
        return KL_OK;
    }
    begin(&talk, link);
    int status = hush(&talk);
    if (status == KL_OK && self->layout.crc_bytes > 0) {
        status = tell(self, &talk, "no packet CRC", no_crc, sizeof(no_crc), NULL);
    }
    for (uint8_t chip = 0; chip < 2 && self->has_kept_exg && status == KL_OK; chip++) {
        status = write_exg(self, &talk, chip, self->kept_exg[chip], NULL);
    }
    if (self->changed && status == KL_OK) {
        uint8_t bytes[5] = {0x0e};
        memcpy(bytes + 1, self->kept.config, 4);
        status = set_sensors(self, &talk, &self->kept, NULL);
        status = status || self->kept.model_3r
                     ? status
                     : tell(self, &talk, "configuration", bytes, sizeof(bytes), NULL);
    }
    self->reached = false;
    self->changed = false;
    self->has_kept_exg = false;
    return status;
}

int kl_shimmer3_start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_shimmer3 *self = state;
    struct kl_shimmer3_layout wanted = {.model_3r = false};
    struct kl_conversation talk;
    uint8_t expected[KL_SHIMMER3_EXPECTED_MAX];
    (void)kl_shimmer3_layout_read(&wanted, expected, kl_shimmer3_expected_inquiry(self, expected));
    begin(&talk, link);
    self->begun = false;
    self->layout.crc_bytes = 0;
    int status = hush(&talk);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: stop streaming (20): expected silence, got %s; check that the "
                        "port is a Shimmer's",
                        self->device, kl_status_text(status));
    }
    status = greet(self, &talk, fault);
    if (status != KL_OK) {
        return status;
    }
    self->reached = true;
    status = inquire(self, &talk, fault);
    self->kept = self->layout;
    self->changed = status == KL_OK;
    status = status ? status : set_ranges(self, &talk, fault);
    status = status || !kl_shimmer3_wants_emg(self) ? status : set_emg(self, &talk, fault);
    status = status ? status : set_sensors(self, &talk, &wanted, fault);
    status = status ? status : inquire(self, &talk, fault);
    status = status ? status : check_layout(self, fault);
    status = status ? status : kl_shimmer3_bind(self, fault);
    status = status ? status : calibrate(self, &talk, fault);
    status = status ? status : set_crc(self, &talk);
    status = status ? status : start_streaming(self, &talk, fault);
    if (status != KL_OK) {
        (void)kl_shimmer3_stop(self, link);
    }
    return status;
}

int kl_shimmer3_identify(struct kl_link *link, char *out, size_t len)
{
    static const uint8_t hardware[] = {0x3f}, firmware[] = {0x2e};
    static const struct kl_shimmer3 nobody = {.imu = false};
    struct kl_conversation talk;
    uint8_t model[ANSWER_MAX] = {0}, version[ANSWER_MAX] = {0};
    begin(&talk, link);
    int status =
        try_command(&nobody, &talk, &(struct command){"hardware", hardware, 1, 0x25, 2}, 2, model);
    status = status ? status
                    : try_command(&nobody, &talk,
                                  &(struct command){"firmware", firmware, 1, 0x2f, 7}, 2, version);
    if (status == KL_OK) {
        (void)snprintf(
            out, len, "%s, firmware %u.%u.%u", model[1] == HARDWARE_3R ? "Shimmer3R" : "Shimmer3",
            (unsigned)kl_u16_le(version + 3), (unsigned)version[5], (unsigned)version[6]);
    }
    return status;
}

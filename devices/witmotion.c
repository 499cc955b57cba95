/* WitMotion WT901, BWT901, JY901, WT931: standard serial protocol. Little-endian.
 *
 *     packet   0  1  55
 *              1  1  type
 *              2  8  data
 *             10  1  sum of bytes 0..9
 *
 *     type  data                                    scale
 *     50    u8 year month day hour min s, u16 ms    runs from power-on unless somebody set it
 *     51    3 i16 acceleration, i16 temperature     16 g / 32768
 *     52    3 i16 angular rate, i16                 2000 deg/s / 32768
 *     54    3 i16 magnetic field, i16 temperature   counts, without a unit
 *     59    4 i16 quaternion w x y z                1 / 32768
 *     5F    4 u16 registers                         answer to FF AA 27 register 00
 *     53, 55..58, 5A                                not used
 *
 * A sample is the run of packets of one cycle in ascending order of type. It is made when the
 * wanted types are all there; one missing makes it a damaged sample, which is dropped and marked on
 * the next. Time is packet 50, in whole milliseconds, so it is always switched on.
 * Axes are the device's own, z UP: lying flat it reads (0, 0, +1 g). Orientation is sensor to
 * earth.
 *
 * Uncertain, since no real recording is public: scales other than 16 g and 2000 deg/s exist when
 * somebody changed the range registers (options accel_g, gyro_deg_s say so); older firmware may not
 * answer reads, then its output content and rate are left as set until its power is cut. Models of
 * high precision (WT905x, HWT905) have other scales and are not for this driver. A unit asked for
 * 200 Hz may deliver 180. Nothing is ever saved in the device; content, rate and bandwidth are put
 * back at stop. The speed of the line is the owner's and is never changed.
 * Source: WITMOTION/WitStandardProtocol_JY901 e8f4e3af, maker's data sheets.
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/counted_time.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"
#include "devices/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    PACKET_BYTES = 11,
    TYPE_FIRST = 0x50,
    TIME = 0, /* bits of the output content register; type = 50 + bit */
    ACCEL = 1,
    GYRO = 2,
    MAG = 4,
    QUATERNION = 9,
    TYPES = 11,
    REGISTERS = 15, /* 5F */
    RSW = 0x02,     /* output content */
    RRATE = 0x03,
    BANDWIDTH = 0x1f,
    VERSION = 0x2e,
    BANDWIDTH_184_HZ = 1,
};

#define RATE_DEFAULT_HZ 200.0
#define BAUD_DEFAULT 115200
#define LISTEN_NS INT64_C(500000000)
#define SETTLE_NS INT64_C(100000000) /* between commands; 20 to 200 ms are asked for */
#define WIRE_SHARE 0.9               /* of the line that output may fill */
#define RATE_TOLERANCE 0.2           /* 180 Hz for 200 have been seen */

struct witmotion {
    char device[KL_NAME_MAX];
    bool magnetometer, orientation;
    unsigned accel_g, gyro_deg_s, baud; /* full scales; baud 0: find it */
    double rate_hz;
    uint8_t rate_code;
    int64_t period_ns;
    unsigned wanted; /* bit per type */

    bool locked;   /* a packet has been accepted */
    unsigned have; /* of the cycle in hand */
    int last_type; /* bit of the newest packet; -1: none */
    uint8_t data[TYPES][8];
    bool damaged; /* a cycle was incomplete since the last sample */
    struct kl_counted_time time;

    bool changed; /* start has set registers */
    bool kept;    /* what they were is known */
    uint8_t kept_content[2], kept_rate[2], kept_bandwidth[2];
};

/* ------------------------------------------------------------------ packets */

static bool whole(const uint8_t *buf)
{
    unsigned sum = 0;
    for (size_t i = 0; i < PACKET_BYTES - 1; i++) {
        sum += buf[i];
    }
    bool known =
        (buf[1] >= TYPE_FIRST && buf[1] < TYPE_FIRST + TYPES) || buf[1] == TYPE_FIRST + REGISTERS;
    return buf[0] == 0x55 && known && (sum & 0xff) == buf[PACKET_BYTES - 1];
}

/* The sum is weak: until the first packet is taken, a second one must stand right behind it. */
static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct witmotion *self = state;
    if (len > 0 && buf[0] != 0x55) {
        return KL_FRAME_INVALID;
    }
    if (len < PACKET_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    if (!whole(buf)) {
        return KL_FRAME_INVALID;
    }
    if (!self->locked && len < (size_t)2 * PACKET_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    if (!self->locked && !whole(buf + PACKET_BYTES)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = PACKET_BYTES;
    return KL_FRAME_VALID;
}

/* Days since 2000-03-01 of a date whose month and day may be 0: a clock nobody has set. */
static int64_t days(unsigned year, unsigned month, unsigned day)
{
    month = month > 0 ? month : 1;
    day = day > 0 ? day : 1;
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t m = (month + 9) % 12; /* from March on, so that the odd day is the last */
    return y * 365 + (y >= 0 ? y / 4 : -1) + (153 * m + 2) / 5 + day - 1;
}

/* @return false when it cannot be a time */
static bool read_time(const uint8_t *data, int64_t *out_ns)
{
    unsigned ms = kl_u16_le(data + 6);
    if (data[1] > 12 || data[2] > 31 || data[3] > 23 || data[4] > 59 || data[5] > 59 || ms > 999) {
        return false;
    }
    int64_t seconds =
        days(data[0], data[1], data[2]) * 86400 + data[3] * 3600 + data[4] * 60 + data[5];
    *out_ns = seconds * KL_NS_PER_S + (int64_t)ms * 1000000;
    return true;
}

/* ------------------------------------------------------------------ samples */

static void put(const struct witmotion *self, int type, size_t count, double scale,
                struct kl_sample *out, size_t *channel)
{
    for (size_t i = 0; i < count; i++) {
        int raw = kl_i16_le(self->data[type] + 2 * i);
        bool rail = raw == INT16_MAX || raw == INT16_MIN;
        /* a quaternion of 1 stands at the rail and is none */
        out->quality |= rail && type != QUATERNION ? KL_QUALITY_CLIPPED : 0;
        out->value[(*channel)++] = raw * scale;
    }
}

static void make_sample(struct witmotion *self, struct kl_sample *out)
{
    size_t channel = 0;
    *out = (struct kl_sample){.stream = 0};
    int64_t now_ns = 0;
    if (!read_time(self->data[TIME], &now_ns)) {
        now_ns = self->time.time_ns + self->period_ns;
        out->quality |= KL_QUALITY_CLOCK;
    }
    out->quality |= self->damaged ? KL_QUALITY_GAP : 0;
    out->device_ns = kl_counted_time_step(&self->time, 0, (uint64_t)now_ns, &out->quality);
    self->damaged = false;
    put(self, ACCEL, 3, self->accel_g * KL_STANDARD_GRAVITY_M_S2 / 32768, out, &channel);
    put(self, GYRO, 3, self->gyro_deg_s * KL_RAD_PER_DEG / 32768, out, &channel);
    if (self->magnetometer) {
        put(self, MAG, 3, 1, out, &channel);
    }
    if (self->orientation) {
        put(self, QUATERNION, 4, 1.0 / 32768, out, &channel);
    }
}

static int parse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct witmotion *self = state;
    int type = buf[1] - TYPE_FIRST;
    if (len < PACKET_BYTES || cap < 1) {
        return KL_ERR_DATA;
    }
    self->locked = true;
    if (type >= TYPES) {
        return 0; /* an answer, at any place of the cycle */
    }
    if (type <= self->last_type) { /* a new cycle; was the old one whole? */
        self->damaged |= self->have != 0 && self->time.started;
        self->have = 0;
    }
    self->last_type = type;
    if ((self->wanted & 1U << type) == 0) {
        return 0;
    }
    memcpy(self->data[type], buf + 2, sizeof(self->data[type]));
    self->have |= 1U << type;
    if (self->have != self->wanted) {
        return 0;
    }
    self->have = 0;
    make_sample(self, out);
    return 1;
}

/* ------------------------------------------------------------ configuration */

static const struct rate {
    double hz;
    uint8_t code;
} rates[] = {{200, 0x0b}, {100, 9}, {50, 8}, {20, 7}, {10, 6}, {5, 5}, {2, 4}, {1, 3}};

static int find_rate(struct witmotion *self, const struct kl_device_config *lab,
                     struct kl_fault *fault)
{
    double wanted_hz = lab->rate_hz != 0 ? lab->rate_hz : RATE_DEFAULT_HZ;
    for (size_t i = 0; i < COUNT(rates); i++) {
        if (wanted_hz == rates[i].hz) {
            self->rate_hz = rates[i].hz;
            self->rate_code = rates[i].code;
            self->period_ns = llround(1e9 / rates[i].hz);
            self->time = kl_counted_time_absolute(1e9 / rates[i].hz, false);
            return KL_OK;
        }
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "device %s: rate %g Hz; allowed are 200, 100, 50, 20, 10, 5, 2 and 1 Hz",
                    lab->name, wanted_hz);
}

static const unsigned speed[] = {BAUD_DEFAULT, 9600, 921600, 230400, 460800, 57600, 38400, 19200};
static const char *const speed_word[] = {"115200", "9600",  "921600", "230400", "460800",
                                         "57600",  "38400", "19200",  NULL};

static int read_options(struct witmotion *self, const struct kl_device_config *lab,
                        struct kl_fault *fault)
{
    enum { MAGNETOMETER = 0, ORIENTATION, ACCEL_G, GYRO_DEG_S, BAUD, OPTIONS };
    static const char *const accel_g[] = {"2", "4", "8", "16", NULL};
    static const char *const gyro_deg_s[] = {"250", "500", "1000", "2000", NULL};
    static const struct kl_option_rule rule[OPTIONS] = {
        [MAGNETOMETER] = {.key = "magnetometer", .kind = KL_RULE_FLAG},
        [ORIENTATION] = {.key = "orientation", .kind = KL_RULE_FLAG},
        [ACCEL_G] = {.key = "accel_g", .kind = KL_RULE_WORD, .word = accel_g},
        [GYRO_DEG_S] = {.key = "gyro_deg_s", .kind = KL_RULE_WORD, .word = gyro_deg_s},
        [BAUD] = {.key = "baud", .kind = KL_RULE_WORD, .word = speed_word},
    };
    double value[OPTIONS] = {[ORIENTATION] = 1, [ACCEL_G] = 3, [GYRO_DEG_S] = 3, [BAUD] = -1};
    int status = kl_device_options(lab, rule, value, OPTIONS, fault);
    self->magnetometer = value[MAGNETOMETER] > 0;
    self->orientation = value[ORIENTATION] > 0;
    self->accel_g = 2U << (unsigned)value[ACCEL_G];
    self->gyro_deg_s = 250U << (unsigned)value[GYRO_DEG_S];
    self->baud = value[BAUD] < 0 ? 0 : speed[(size_t)value[BAUD]];
    return status;
}

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct witmotion *self = state;
    const struct kl_device_config *lab = config;
    (void)snprintf(self->device, sizeof(self->device), "%s", lab->name);
    int status = read_options(self, lab, fault);
    status = status == KL_OK ? find_rate(self, lab, fault) : status;
    if (status != KL_OK) {
        return status;
    }
    self->last_type = -1;
    self->wanted = 1U << TIME | 1U << ACCEL | 1U << GYRO | (self->magnetometer ? 1U << MAG : 0) |
                   (self->orientation ? 1U << QUATERNION : 0);
    const struct kl_imu_channels channels = {.gyro = true,
                                             .magnetometer_unit =
                                                 self->magnetometer ? "a.u." : NULL,
                                             .orientation = self->orientation};
    status = kl_imu_stream(lab, &channels, self->rate_hz, out, cap, fault);
    return status == KL_OK ? 1 : status;
}

/* ------------------------------------------------------------- conversation */

/* `count` packets, one right behind the other. */
static enum kl_frame packets_frame(const uint8_t *buf, size_t len, size_t count, size_t *frame_len)
{
    *frame_len = count * PACKET_BYTES;
    for (size_t at = 0; at + PACKET_BYTES <= len && at < *frame_len; at += PACKET_BYTES) {
        if (!whole(buf + at)) {
            return KL_FRAME_INVALID;
        }
    }
    return len < *frame_len ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
}

static enum kl_frame packet_frame(const void *state, const uint8_t *buf, size_t len,
                                  size_t *frame_len)
{
    (void)state;
    return packets_frame(buf, len, 1, frame_len);
}

static enum kl_frame three_packets(const void *state, const uint8_t *buf, size_t len,
                                   size_t *frame_len)
{
    (void)state;
    return packets_frame(buf, len, 3, frame_len);
}

static int send_command(struct kl_conversation *talk, uint8_t reg, uint8_t low, uint8_t high)
{
    const uint8_t command[] = {0xff, 0xaa, reg, low, high};
    return kl_conversation_send(talk, command, sizeof(command));
}

/* Sets a register: unlocks first, waits after. */
static int set_register(struct kl_conversation *talk, uint8_t reg, const uint8_t value[2])
{
    int status = send_command(talk, 0x69, 0x88, 0xb5);
    status = status == KL_OK ? kl_conversation_pause(talk, SETTLE_NS) : status;
    status = status == KL_OK ? send_command(talk, reg, value[0], value[1]) : status;
    return status == KL_OK ? kl_conversation_pause(talk, SETTLE_NS) : status;
}

/* Reads four registers from `reg` on. @return KL_OK, KL_ERR_TIMEOUT or the link's status */
static int read_registers(struct kl_conversation *talk, uint8_t reg, uint8_t out[8])
{
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < 3 && status == KL_ERR_TIMEOUT; i++) {
        int64_t left_ns = LISTEN_NS;
        const uint8_t *packet = NULL;
        size_t len = 0;
        status = send_command(talk, 0x27, reg, 0);
        while (status == KL_OK) {
            status = kl_conversation_next(talk, &left_ns, &packet, &len);
            if (status == KL_OK && packet[1] == TYPE_FIRST + REGISTERS) {
                memcpy(out, packet + 2, 8);
                return KL_OK;
            }
        }
    }
    return status;
}

/* Does it talk at this speed? Three packets in a row, or an answer when its output is off. */
static int listen(struct kl_conversation *talk, unsigned baud)
{
    uint8_t answer[8];
    const uint8_t *packets = NULL;
    size_t len = 0;
    int64_t left_ns = baud <= 9600 ? 4 * LISTEN_NS : LISTEN_NS;
    talk->frame = three_packets;
    int status = kl_conversation_next(talk, &left_ns, &packets, &len);
    talk->frame = packet_frame;
    return status == KL_ERR_TIMEOUT ? read_registers(talk, VERSION, answer) : status;
}

static int find_speed(const struct witmotion *self, struct kl_conversation *talk, unsigned *baud)
{
    struct kl_link *link = talk->link;
    bool can_change = link->ops->set_baud != NULL;
    int status = KL_ERR_TIMEOUT;
    for (size_t i = 0; i < COUNT(speed) && status == KL_ERR_TIMEOUT; i++) {
        if (self->baud != 0 && self->baud != speed[i]) {
            continue;
        }
        if (can_change && link->ops->set_baud(link, speed[i]) < 0) {
            continue; /* a port that cannot do this one may do the next */
        }
        *baud = can_change ? speed[i] : BAUD_DEFAULT;
        kl_conversation_init(talk, link, packet_frame, NULL);
        status = listen(talk, *baud);
        if (!can_change) {
            break;
        }
    }
    return status;
}

static unsigned type_count(unsigned types)
{
    unsigned count = 0;
    for (; types != 0; types &= types - 1) {
        count++;
    }
    return count;
}

static int check_wire(const struct witmotion *self, unsigned baud, struct kl_fault *fault)
{
    double bits_s = type_count(self->wanted) * PACKET_BYTES * 10 * self->rate_hz;
    if (bits_s <= WIRE_SHARE * baud) {
        return KL_OK;
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "device %s: %g Hz with %u packets each needs %.0f bit/s, its line carries %u; "
                    "lower the rate to %.0f Hz or less, switch orientation or magnetometer off, or "
                    "raise its speed with the maker's tool",
                    self->device, self->rate_hz, type_count(self->wanted), bits_s, baud,
                    floor(WIRE_SHARE * baud / (type_count(self->wanted) * PACKET_BYTES * 10)));
}

/* Remembers the registers that start is going to change; firmware that answers no reads keeps what
 * it is told until its power is cut. */
static int keep_registers(struct witmotion *self, struct kl_conversation *talk)
{
    uint8_t output[8], bandwidth[8];
    int status = read_registers(talk, RSW, output);
    status = status == KL_OK ? read_registers(talk, BANDWIDTH, bandwidth) : status;
    self->kept = status == KL_OK;
    if (self->kept) {
        memcpy(self->kept_content, output, 2);
        memcpy(self->kept_rate, output + 2, 2);
        memcpy(self->kept_bandwidth, bandwidth, 2);
    }
    return status == KL_ERR_TIMEOUT ? KL_OK : status;
}

static int set_output(struct witmotion *self, struct kl_conversation *talk)
{
    const uint8_t content[2] = {(uint8_t)self->wanted, (uint8_t)(self->wanted >> 8)};
    const uint8_t rate[2] = {self->rate_code, 0};
    const uint8_t bandwidth[2] = {BANDWIDTH_184_HZ, 0};
    self->changed = true;
    int status = set_register(talk, RSW, content);
    status = status == KL_OK ? set_register(talk, RRATE, rate) : status;
    return status == KL_OK ? set_register(talk, BANDWIDTH, bandwidth) : status;
}

/* What arrived while looking. */
struct arrived {
    unsigned types;
    unsigned times; /* packets 50 */
    int64_t first_ns, last_ns;
};

static void look_at(struct arrived *arrived, const uint8_t *packet)
{
    int64_t t_ns = 0;
    int type = packet[1] - TYPE_FIRST;
    arrived->types |= type < TYPES ? 1U << type : 0;
    if (type == TIME && read_time(packet + 2, &t_ns)) {
        arrived->first_ns = arrived->times == 0 ? t_ns : arrived->first_ns;
        arrived->last_ns = t_ns;
        arrived->times++;
    }
}

/* Types and rate over a second of the device's own time. */
static int check_output(const struct witmotion *self, struct kl_conversation *talk,
                        struct kl_fault *fault)
{
    struct arrived arrived = {0};
    int64_t span_ns = self->period_ns * 3 > KL_NS_PER_S ? self->period_ns * 3 : KL_NS_PER_S;
    int64_t left_ns = 2 * span_ns;
    int status = KL_OK;
    while (status == KL_OK && arrived.last_ns - arrived.first_ns < span_ns) {
        const uint8_t *packet = NULL;
        size_t len = 0;
        status = kl_conversation_next(talk, &left_ns, &packet, &len);
        if (status == KL_OK) {
            look_at(&arrived, packet);
        }
    }
    if (status < 0 && status != KL_ERR_TIMEOUT) {
        return status;
    }
    unsigned missing = self->wanted & ~arrived.types;
    if (missing != 0) {
        char list[64] = "";
        for (int type = 0; type < TYPES; type++) {
            size_t len = strlen(list);
            (void)snprintf(list + len, sizeof(list) - len, "%s",
                           missing & 1U << type ? (char[4]){' ', '5', "0123456789A"[type]} : "");
        }
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: output content (register 02): packets%s do not come; its "
                        "firmware does not know them: switch orientation or magnetometer off",
                        self->device, list);
    }
    double rate_hz = arrived.last_ns > arrived.first_ns
                         ? (arrived.times - 1) * 1e9 / (double)(arrived.last_ns - arrived.first_ns)
                         : 0;
    if (fabs(rate_hz - self->rate_hz) > RATE_TOLERANCE * self->rate_hz) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: rate (register 03): expected %g Hz, its own clock says %.1f; "
                        "lower the rate or raise the speed of its line",
                        self->device, self->rate_hz, rate_hz);
    }
    return KL_OK;
}

static int stop(void *state, struct kl_link *link)
{
    struct witmotion *self = state;
    struct kl_conversation talk;
    int status = KL_OK;
    kl_conversation_init(&talk, link, packet_frame, NULL);
    if (self->changed && self->kept) {
        status = set_register(&talk, RSW, self->kept_content);
        status = status == KL_OK ? set_register(&talk, RRATE, self->kept_rate) : status;
        status = status == KL_OK ? set_register(&talk, BANDWIDTH, self->kept_bandwidth) : status;
    }
    self->changed = false;
    return status;
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct witmotion *self = state;
    struct kl_conversation talk;
    unsigned baud = BAUD_DEFAULT;
    self->locked = false;
    self->have = 0;
    self->last_type = -1;
    self->damaged = false;
    kl_counted_time_restart(&self->time);
    kl_conversation_init(&talk, link, packet_frame, NULL);
    int status = find_speed(self, &talk, &baud);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: expected three packets 55 5x in a row at any speed from 9600 "
                        "to 921600 baud, got %s; check the port, the cable and its power",
                        self->device, kl_status_text(status));
    }
    status = check_wire(self, baud, fault);
    if (status != KL_OK) {
        return status;
    }
    status = keep_registers(self, &talk);
    status = status == KL_OK ? set_output(self, &talk) : status;
    if (status != KL_OK) {
        (void)kl_fault(fault, status, "device %s: setting its output (registers 02, 03, 1F): %s",
                       self->device, kl_status_text(status));
    }
    status = status == KL_OK ? check_output(self, &talk, fault) : status;
    if (status != KL_OK) {
        (void)stop(self, link);
    }
    return status;
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    struct kl_conversation talk;
    uint8_t answer[8];
    kl_conversation_init(&talk, link, packet_frame, NULL);
    int status = listen(&talk, BAUD_DEFAULT);
    if (status != KL_OK) {
        return status;
    }
    status = read_registers(&talk, VERSION, answer);
    if (status == KL_OK) {
        (void)snprintf(out, len, "WitMotion, firmware word %u", (unsigned)kl_u16_le(answer));
    } else {
        (void)snprintf(out, len, "WitMotion, older firmware");
    }
    return status == KL_ERR_TIMEOUT ? KL_OK : status;
}

/* Bridges between UART and USB say nothing of what is behind them. */
static const struct kl_usb_id usb_id[] = {{0x1a86, 0x7523}, {0x10c4, 0xea60}};

static const unsigned other_speed[] = {9600, 921600, 230400, 460800, 57600, 38400, 19200, 0};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL,
     .speed = other_speed,
     .usb_id = usb_id,
     .usb_id_count = COUNT(usb_id),
     .baud = BAUD_DEFAULT},
};

const struct kl_driver kl_witmotion_driver = {
    .name = "witmotion",
    .label = "WitMotion WT901, BWT901, JY901, WT931",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct witmotion),
    .stream_max = 1,
    .need = need,
    .need_count = COUNT(need),
    .document = "WitMotion standard communication protocol; WitStandardProtocol_JY901",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

/* VectorNav VN-100, VN-200 and VN-300: binary packets for data, text for everything else.
 *
 *   binary: little-endian, but for the checksum
 *   offset  size  field
 *   0       1     FA
 *   1       1     groups: bit n: group n + 1 is there. Bit 7: more groups (not known here)
 *   2       2 g   field mask of each group, lowest group first. Bit 15: extension (not known here)
 *   ..      ..    the fields, groups and bits in order; sizes: `group` below
 *   end     2     CRC-16 of all bytes between FA and here, high byte first
 *
 *   text: $VNxxx,arg,arg*CC\r\n   CC: two hex digits: XOR, or four: CRC-16, of what is between $
 * and *
 *
 * Document: VectorNav VN-100 User Manual (UM001), and the makers' own library.
 * Axes: those of the case, z down: at rest and level az reads -1 g (-9.8). Orientation: body to
 * north-east-down; the device sends the scalar last, here it comes first (qw qx qy qz).
 * Magnetic field: gauss on the wire, T here.
 * Time: TimeStartup, ns of the device's clock at the measurement. There is no sequence number:
 * lost packets show as steps of more than a period and a half.
 *
 * Uncertain, and what is done about it:
 * - A VN-300's own rate (taken as 400 Hz, others 800): the step of the first packets is measured,
 *   and a wrong rate is a fault.
 * - Ranges are not on the wire: +-16 g and +-2000 deg/s are the data sheet's; a value within 1 % of
 *   them is called clipped.
 * - Fields of newer firmware (extension bits) are refused, so their packets are skipped.
 */
#include "devices/vectornav.h"

#include "devices/bytes.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/imu_stream.h"
#include "devices/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYNC 0xfa
#define GROUPS 6
#define BASE_HZ 800
#define DEFAULT_HZ 200 /* methods 2; 115200 baud do not carry it, a higher speed is set */
#define CLIP_M_S2 (0.99 * 16 * KL_STANDARD_GRAVITY_M_S2)
#define CLIP_RAD_S (0.99 * 2000 * KL_RAD_PER_DEG)

/* -------------------------------------------------------------------- packet */

/* Sizes of the fields of each group, bit 0 first; bits beyond are not known. */
static const struct {
    size_t count;
    uint8_t size[15];
} group[GROUPS] = {
    {15, {8, 8, 8, 12, 16, 12, 24, 12, 12, 24, 20, 28, 2, 4, 8}}, /* common */
    {10, {8, 8, 8, 2, 8, 8, 8, 4, 4, 1}},                         /* time */
    {12, {2, 12, 12, 12, 4, 4, 16, 12, 12, 12, 12, 2}},           /* IMU */
    {14, {8, 8, 2, 1, 1, 24, 24, 12, 12, 12, 4, 4, 2, 28}},       /* GNSS; SatInfo has no size */
    {14, {2, 12, 16, 36, 12, 12, 12, 12, 12, 12, 28, 24, 12, 4}}, /* attitude */
    {13, {2, 24, 24, 12, 12, 12, 12, 12, 12, 4, 4, 68, 64}},      /* INS */
};

/* Which of them we read. `count` floats from `skip` bytes into the field; 0: a whole number. */
static const struct row {
    enum kl_vn_field field;
    uint8_t group, bit, skip, count;
} rows[] = {
    {KL_VN_TIME_STARTUP, 0, 0, 0, 0},   {KL_VN_YAW_PITCH_ROLL, 0, 3, 0, 3},
    {KL_VN_QUATERNION, 0, 4, 0, 4},     {KL_VN_RATE, 0, 5, 0, 3},
    {KL_VN_ACCELERATION, 0, 8, 0, 3},   {KL_VN_MAGNETIC, 0, 10, 0, 3},
    {KL_VN_TEMPERATURE, 0, 10, 12, 1},  {KL_VN_SYNC_IN, 0, 13, 0, 0},
    {KL_VN_TIME_STARTUP, 1, 0, 0, 0},   {KL_VN_SYNC_IN, 1, 7, 0, 0},
    {KL_VN_TEMPERATURE, 2, 4, 0, 1},    {KL_VN_MAGNETIC, 2, 8, 0, 3},
    {KL_VN_ACCELERATION, 2, 9, 0, 3},   {KL_VN_RATE, 2, 10, 0, 3},
    {KL_VN_YAW_PITCH_ROLL, 4, 1, 0, 3}, {KL_VN_QUATERNION, 4, 2, 0, 4},
};

/* The head of a packet. */
struct head {
    uint16_t mask[GROUPS];
    size_t len;   /* of the head */
    size_t whole; /* of the packet */
};

static enum kl_frame read_head(const uint8_t *buf, size_t len, struct head *head)
{
    *head = (struct head){.len = 2};
    if (len < 2) {
        return KL_FRAME_NEED_MORE;
    }
    if (buf[1] == 0 || buf[1] >> GROUPS != 0) {
        return KL_FRAME_INVALID;
    }
    size_t payload = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        if ((buf[1] >> g & 1) == 0) {
            continue;
        }
        if (len < head->len + 2) {
            return KL_FRAME_NEED_MORE;
        }
        head->mask[g] = kl_u16_le(buf + head->len);
        head->len += 2;
        if (head->mask[g] == 0 || head->mask[g] >> group[g].count != 0) {
            return KL_FRAME_INVALID;
        }
        for (size_t bit = 0; bit < group[g].count; bit++) {
            payload += (head->mask[g] >> bit & 1) != 0 ? group[g].size[bit] : 0;
        }
    }
    head->whole = head->len + payload + 2;
    return head->whole <= KL_VN_PACKET_MAX ? KL_FRAME_VALID : KL_FRAME_INVALID;
}

uint16_t kl_vn_crc(const uint8_t *bytes, size_t len)
{
    unsigned crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc = ((crc >> 8) | (crc << 8)) & 0xffff;
        crc ^= bytes[i];
        crc ^= (crc & 0xff) >> 4;
        crc ^= crc << 12 & 0xffff;
        crc ^= (crc & 0xff) << 5;
    }
    return (uint16_t)crc;
}

static enum kl_frame packet_frame(const uint8_t *buf, size_t len, size_t *frame_len)
{
    struct head head;
    enum kl_frame answer = read_head(buf, len, &head);
    if (answer != KL_FRAME_VALID) {
        return answer;
    }
    if (len < head.whole) {
        return KL_FRAME_NEED_MORE;
    }
    if (kl_vn_crc(buf + 1, head.whole - 1) != 0) { /* over its own checksum it is 0 */
        return KL_FRAME_INVALID;
    }
    *frame_len = head.whole;
    return KL_FRAME_VALID;
}

static void take_field(size_t g, size_t bit, const uint8_t *p, struct kl_vn_data *out)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        if (row->group != g || row->bit != bit) {
            continue;
        }
        out->has |= 1U << row->field;
        if (row->field == KL_VN_TIME_STARTUP) {
            out->startup_ns = kl_u64_le(p);
        } else if (row->field == KL_VN_SYNC_IN) {
            out->value[row->field][0] = kl_u32_le(p);
        }
        for (size_t k = 0; k < row->count; k++) {
            out->value[row->field][k] = (double)kl_f32_le(p + row->skip + 4 * k);
        }
    }
}

int kl_vn_data(const uint8_t *packet, size_t len, struct kl_vn_data *out)
{
    struct head head;
    out->has = 0;
    if (len < 1 || packet[0] != SYNC || read_head(packet, len, &head) != KL_FRAME_VALID ||
        len < head.whole) {
        return KL_ERR_DATA;
    }
    const uint8_t *p = packet + head.len;
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t bit = 0; bit < group[g].count; bit++) {
            if ((head.mask[g] >> bit & 1) != 0) {
                take_field(g, bit, p, out);
                p += group[g].size[bit];
            }
        }
    }
    return KL_OK;
}

/* ---------------------------------------------------------------------- text */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    unsigned letter = c | 0x20U;
    return letter >= 'a' && letter <= 'f' ? (int)(letter - 'a' + 10) : -1;
}

static uint8_t xor_of(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum ^= bytes[i];
    }
    return sum;
}

/* Whether the line's sum is right; `star` is where it begins. */
static bool sum_right(const uint8_t *buf, size_t star, size_t end)
{
    unsigned sum = 0;
    for (size_t i = star + 1; i < end; i++) {
        int digit = hex_digit(buf[i]);
        if (digit < 0) {
            return false;
        }
        sum = sum << 4 | (unsigned)digit;
    }
    size_t digits = end - star - 1;
    return (digits == 2 && sum == xor_of(buf + 1, star - 1)) ||
           (digits == 4 && sum == kl_vn_crc(buf + 1, star - 1));
}

static enum kl_frame line_frame(const uint8_t *buf, size_t len, size_t *frame_len)
{
    static const char begin[] = "$VN";
    size_t star = 0;
    for (size_t i = 0; i < len; i++) {
        if (buf[i] == '\n') {
            size_t end = i > 0 && buf[i - 1] == '\r' ? i - 1 : i;
            if (star == 0 || star > end || !sum_right(buf, star, end)) {
                return KL_FRAME_INVALID;
            }
            *frame_len = i + 1;
            return KL_FRAME_VALID;
        }
        bool text = (buf[i] >= ' ' && buf[i] < 0x7f) || buf[i] == '\r';
        if (i + 1 >= KL_VN_LINE_MAX || !text || (i < 3 && buf[i] != (uint8_t)begin[i])) {
            return KL_FRAME_INVALID;
        }
        star = buf[i] == '*' ? i : star;
    }
    return KL_FRAME_NEED_MORE;
}

enum kl_frame kl_vn_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    if (len == 0) {
        return KL_FRAME_NEED_MORE;
    }
    if (buf[0] == SYNC) {
        return packet_frame(buf, len, frame_len);
    }
    return buf[0] == '$' ? line_frame(buf, len, frame_len) : KL_FRAME_INVALID;
}

size_t kl_vn_numbers(const uint8_t *line, size_t len, double *out, size_t cap)
{
    char text[KL_VN_LINE_MAX] = "";
    size_t count = 0;
    memcpy(text, line, len < sizeof(text) ? len : sizeof(text) - 1);
    text[strcspn(text, "*")] = '\0';
    for (const char *at = strchr(text, ','); at != NULL && count < cap; at = strchr(at + 1, ',')) {
        char *end = NULL;
        double value = strtod(at + 1, &end);
        if (end == at + 1 || (*end != ',' && *end != '\0')) {
            break;
        }
        out[count++] = value;
    }
    return count;
}

size_t kl_vn_command(const char *text, char *out, size_t cap)
{
    unsigned sum = xor_of((const uint8_t *)text, strlen(text));
    int len = snprintf(out, cap, "$%s*%02X\r\n", text, sum);
    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

/* ------------------------------------------------------------------- samples */

static bool has(const struct kl_vn_data *data, enum kl_vn_field field)
{
    return (data->has >> field & 1U) != 0;
}

/* @return device time */
static int64_t follow_time(struct kl_vn *state, const struct kl_vn_data *data, uint32_t *quality)
{
    struct kl_counted_time *time = &state->time;
    uint64_t ticks = data->startup_ns;
    if (!has(data, KL_VN_TIME_STARTUP) || data->startup_ns > INT64_MAX) { /* not asked for by us */
        ticks = (uint64_t)time->time_ns + (time->started ? (uint64_t)time->period_ns : 0);
        *quality |= KL_QUALITY_CLOCK;
    }
    return kl_counted_time_step(time, 0, ticks, quality);
}

static void put(const struct kl_vn_data *data, enum kl_vn_field field, size_t count, double scale,
                struct kl_sample *sample, size_t *channel)
{
    for (size_t i = 0; i < count; i++) {
        sample->value[(*channel)++] =
            has(data, field) ? scale * data->value[field][i] : (double)NAN;
    }
}

static bool clipped(const struct kl_vn_data *data)
{
    bool at_rail = false;
    for (size_t i = 0; i < 3; i++) {
        at_rail |=
            has(data, KL_VN_ACCELERATION) && fabs(data->value[KL_VN_ACCELERATION][i]) >= CLIP_M_S2;
        at_rail |= has(data, KL_VN_RATE) && fabs(data->value[KL_VN_RATE][i]) >= CLIP_RAD_S;
    }
    return at_rail;
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct kl_vn *state = self;
    const uint32_t motion = 1U << KL_VN_ACCELERATION | 1U << KL_VN_RATE | 1U << KL_VN_QUATERNION;
    struct kl_vn_data data;
    if (buf[0] == '$') {
        return 0;
    }
    if (kl_vn_data(buf, len, &data) != KL_OK) {
        return KL_ERR_DATA;
    }
    bool other = memcmp(buf, state->header, state->header_len) != 0; /* the owner's output 2 or 3 */
    if (other || (data.has & motion) == 0 || cap < 1) {
        return 0;
    }
    *out = (struct kl_sample){.quality = clipped(&data) ? KL_QUALITY_CLIPPED : 0};
    out->device_ns = follow_time(state, &data, &out->quality);
    size_t channel = 0;
    put(&data, KL_VN_ACCELERATION, 3, 1, out, &channel);
    put(&data, KL_VN_RATE, 3, 1, out, &channel);
    if (state->magnetic) {
        put(&data, KL_VN_MAGNETIC, 3, KL_TESLA_PER_GAUSS, out, &channel);
    }
    if (state->orientation) {
        size_t w = channel;
        channel++;
        put(&data, KL_VN_QUATERNION, 3, 1, out, &channel);
        out->value[w] =
            has(&data, KL_VN_QUATERNION) ? data.value[KL_VN_QUATERNION][3] : (double)NAN;
    }
    if (state->sync) {
        put(&data, KL_VN_SYNC_IN, 1, 1, out, &channel);
    }
    return 1;
}

uint16_t kl_vn_mask(const struct kl_vn *state, size_t *packet_len)
{
    uint16_t mask = 1U << 0 | 1U << 5 | 1U << 8; /* TimeStartup, AngularRate, Accel */
    mask |= state->orientation ? 1U << 4 : 0;
    mask |= state->magnetic ? 1U << 10 : 0;
    mask |= state->sync ? 1U << 13 : 0;
    *packet_len = 4 + 2;
    for (size_t bit = 0; bit < group[0].count; bit++) {
        *packet_len += ((unsigned)mask >> bit & 1U) != 0 ? group[0].size[bit] : 0;
    }
    return mask;
}

/* ------------------------------------------------------------- configuration */

static int read_options(const struct kl_device_config *lab, struct kl_vn *state,
                        struct kl_fault *fault)
{
    enum { BAUD = 0, MAGNETOMETER, ORIENTATION, SYNC_IN, OPTIONS };
    static const struct kl_option_rule rule[OPTIONS] = {
        [BAUD] = {.key = "baud", .kind = KL_RULE_WHOLE, .low = 9600, .high = 921600},
        [MAGNETOMETER] = {.key = "magnetometer", .kind = KL_RULE_FLAG},
        [ORIENTATION] = {.key = "orientation", .kind = KL_RULE_FLAG},
        [SYNC_IN] = {.key = "sync", .kind = KL_RULE_FLAG},
    };
    double value[OPTIONS] = {[ORIENTATION] = 1};
    int status = kl_device_options(lab, rule, value, OPTIONS, fault);
    state->baud = (unsigned)value[BAUD];
    state->magnetic = value[MAGNETOMETER] > 0;
    state->orientation = value[ORIENTATION] > 0;
    state->sync = value[SYNC_IN] > 0;
    return status;
}

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    const struct kl_device_config *lab = config;
    struct kl_vn *state = self;
    *state = (struct kl_vn){.name = ""};
    int status = read_options(lab, state, fault);
    if (status != KL_OK) {
        return status;
    }
    (void)snprintf(state->name, sizeof(state->name), "%.*s", KL_NAME_MAX - 1, lab->name);
    int divisor = kl_imu_divisor(lab, BASE_HZ, DEFAULT_HZ, false, fault);
    if (divisor < 0) {
        return divisor;
    }
    state->rate_hz = BASE_HZ / (double)divisor;
    state->time = kl_counted_time_absolute(1e9 / state->rate_hz, true);
    const struct kl_imu_channels channels = {.gyro = true,
                                             .magnetometer_unit = state->magnetic ? "T" : NULL,
                                             .orientation = state->orientation};
    status = kl_imu_stream(lab, &channels, state->rate_hz, out, cap, fault);
    if (status != KL_OK) {
        return status;
    }
    kl_imu_stream_add(out, state->sync ? "sync_in" : "", "1");
    return 1;
}

/* The kit's cable has a generic FTDI bridge: its id is a hint, the model is asked for. */
static const struct kl_usb_id bridge_id[] = {{0x0403, 0x6001}};

static const unsigned other_speed[] = {921600, 460800, 230400, 57600, 38400, 19200, 9600, 0};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL,
     .speed = other_speed,
     .usb_id = bridge_id,
     .usb_id_count = 1,
     .baud = 115200},
};

const struct kl_driver kl_vectornav_driver = {
    .name = "vectornav",
    .label = "VectorNav VN-100, VN-200, VN-300",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct kl_vn),
    .stream_max = 1,
    .need = need,
    .need_count = sizeof(need) / sizeof(need[0]),
    .document = "VectorNav VN-100 User Manual, UM001",
    .identify = kl_vn_identify,
    .configure = configure,
    .start = kl_vn_start,
    .stop = kl_vn_stop,
    .frame = kl_vn_frame,
    .parse = parse,
};

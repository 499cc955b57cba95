/* Bosch / CEVA BNO080, BNO085, BNO086 in UART-RVC mode: power it and it talks.
 *
 *     offset  size  type    field          scale
 *      0       2    AA AA   head
 *      2       1    u8      index, +1 each frame
 *      3       2    i16 LE  yaw            0.01 deg, +-180
 *      5       2    i16 LE  pitch          0.01 deg, +-90
 *      7       2    i16 LE  roll           0.01 deg, +-180
 *      9       6    3 i16   acceleration   mg
 *     15       3    u8      motion intent, motion request (BNO086), reserved
 *     18       1    u8      sum of bytes 2..17
 *
 * 100 Hz, 115200 baud, transmit only: nothing is ever sent to it, so nothing is ever changed.
 * Axes are the chip's own, z UP: lying flat it reads (0, 0, +1 g). Orientation is turned yaw, then
 * pitch, then roll (q = qz qy qx, sensor to earth); yaw counts from the heading at power-on and
 * drifts. There is no gyroscope and no magnetometer in this mode.
 * Time: there is none. The index counts frames, but the chip's rate is off by up to several tenths
 * of a per cent, far beyond a crystal's drift, so samples are placed by their arrival; device_ns
 * still says index x 10 ms, so that the number lost is known. Gaps beyond 2.55 s look shorter.
 *
 * Uncertain: the rail of the accelerometer in this mode (taken as the +-8 g of its class).
 * Source: CEVA/Hillcrest BNO08X data sheet 1000-3927 v1.11.
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
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
    FRAME_BYTES = 19,
    SUM_FROM = 2,
    INDEX = 2,
    RESERVED = 17,
    RAIL_MG = 7950, /* a little under 8 g: calibration moves the rail */
    LOCK_FRAMES = 3,
};

#define RATE_HZ 100.0
#define PERIOD_NS INT64_C(10000000)
#define BAUD 115200
#define LISTEN_NS INT64_C(1000000000) /* the first frames come a few hundred ms after power-on */

struct bno08x {
    char device[KL_NAME_MAX];
    bool locked;             /* a frame has been accepted */
    uint8_t index, reserved; /* of the frame before */
    int64_t device_ns;
};

static bool whole(const uint8_t *buf)
{
    unsigned sum = 0;
    for (size_t i = SUM_FROM; i < FRAME_BYTES - 1; i++) {
        sum += buf[i];
    }
    return buf[0] == 0xaa && buf[1] == 0xaa && (sum & 0xff) == buf[FRAME_BYTES - 1];
}

/* Does it follow the frame before? */
static bool follows(const struct bno08x *self, const uint8_t *buf)
{
    return self->locked && buf[INDEX] == (uint8_t)(self->index + 1) &&
           buf[RESERVED] == self->reserved;
}

/* The sum is weak: a frame that does not follow the one before is believed when another stands
 * right behind it. That costs its sample one period of delay after a loss, and at the start. */
static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct bno08x *self = state;
    if ((len > 0 && buf[0] != 0xaa) || (len > 1 && buf[1] != 0xaa)) {
        return KL_FRAME_INVALID;
    }
    if (len < FRAME_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    if (!whole(buf)) {
        return KL_FRAME_INVALID;
    }
    bool sure = follows(self, buf);
    if (!sure && len < (size_t)2 * FRAME_BYTES) {
        return KL_FRAME_NEED_MORE;
    }
    if (!sure && !whole(buf + FRAME_BYTES)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = FRAME_BYTES;
    return KL_FRAME_VALID;
}

/* Half angles of raw/100 degrees. */
static void half(const uint8_t *raw, double *cosine, double *sine)
{
    double angle_rad = 0.01 * kl_i16_le(raw) * KL_RAD_PER_DEG;
    *cosine = cos(angle_rad / 2);
    *sine = sin(angle_rad / 2);
}

/* q = qz(yaw) qy(pitch) qx(roll) */
static void orientation(const uint8_t *frame_bytes, double q[4])
{
    double cy, sy, cp, sp, cr, sr;
    half(frame_bytes + 3, &cy, &sy);
    half(frame_bytes + 5, &cp, &sp);
    half(frame_bytes + 7, &cr, &sr);
    q[0] = cy * cp * cr + sy * sp * sr;
    q[1] = cy * cp * sr - sy * sp * cr;
    q[2] = cy * sp * cr + sy * cp * sr;
    q[3] = sy * cp * cr - cy * sp * sr;
}

static int parse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct bno08x *self = state;
    if (len < FRAME_BYTES || cap < 1) {
        return KL_ERR_DATA;
    }
    unsigned step = self->locked ? (uint8_t)(buf[INDEX] - self->index) : 0;
    if (self->locked && step == 0) {
        step = 256; /* a frame is never repeated */
    }
    *out = (struct kl_sample){.stream = 0};
    self->device_ns += (int64_t)step * PERIOD_NS;
    self->index = buf[INDEX];
    self->reserved = buf[RESERVED];
    self->locked = true;
    out->device_ns = self->device_ns;
    out->quality = step > 1 ? KL_QUALITY_GAP : 0;
    for (size_t i = 0; i < 3; i++) {
        int mg = kl_i16_le(buf + 9 + 2 * i);
        out->value[i] = mg * (KL_STANDARD_GRAVITY_M_S2 / 1000);
        out->quality |= abs(mg) >= RAIL_MG ? KL_QUALITY_CLIPPED : 0;
    }
    orientation(buf, out->value + 3);
    return 1;
}

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    static const struct kl_imu_channels channels = {.orientation = true};
    struct bno08x *self = state;
    const struct kl_device_config *lab = config;
    (void)snprintf(self->device, sizeof(self->device), "%s", lab->name);
    int status = kl_device_options(lab, NULL, NULL, 0, fault);
    if (status != KL_OK) {
        return status;
    }
    if (lab->rate_hz != 0 && lab->rate_hz != RATE_HZ) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: rate %g Hz; in UART-RVC mode the chip sends %g Hz and nothing "
                        "else",
                        lab->name, lab->rate_hz, RATE_HZ);
    }
    status = kl_imu_stream(lab, &channels, RATE_HZ, out, cap, fault);
    return status == KL_OK ? 1 : status;
}

/* Frames that stand one behind the other. */
static enum kl_frame frames_in_a_row(const void *state, const uint8_t *buf, size_t len,
                                     size_t *frame_len)
{
    (void)state;
    *frame_len = (size_t)LOCK_FRAMES * FRAME_BYTES;
    for (size_t at = 0; at + FRAME_BYTES <= len && at < *frame_len; at += FRAME_BYTES) {
        if (!whole(buf + at)) {
            return KL_FRAME_INVALID;
        }
    }
    return len < *frame_len ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
}

static int listen(struct kl_link *link)
{
    struct kl_conversation talk;
    const uint8_t *frames = NULL;
    size_t len = 0;
    int64_t left_ns = LISTEN_NS;
    kl_conversation_init(&talk, link, frames_in_a_row, NULL);
    return kl_conversation_next(&talk, &left_ns, &frames, &len);
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct bno08x *self = state;
    self->locked = false;
    int status = listen(link);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: expected three frames AA AA in a row within a second, got %s; "
                        "check 115200 baud, the wire from its SDA/MISO/TX pin, and PS1 low, PS0 "
                        "high at reset",
                        self->device, kl_status_text(status));
    }
    return KL_OK;
}

static int stop(void *state, struct kl_link *link)
{
    (void)state;
    (void)link;
    return KL_OK; /* nothing was changed, and nothing can be said to it */
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    int status = listen(link);
    if (status == KL_OK) {
        (void)snprintf(out, len, "BNO08x in UART-RVC mode");
    }
    return status;
}

/* Bridges between UART and USB say nothing of what is behind them. */
static const struct kl_usb_id usb_id[] = {
    {0x0403, 0x6001}, {0x0403, 0x6015}, {0x10c4, 0xea60}, {0x1a86, 0x7523}};

static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .usb_id = usb_id, .usb_id_count = COUNT(usb_id), .baud = BAUD},
};

const struct kl_driver kl_bno08x_rvc_driver = {
    .name = "bno08x_rvc",
    .label = "BNO080/085/086 in UART-RVC mode",
    .time_meaning = KL_TIME_ARRIVAL,
    .state_size = sizeof(struct bno08x),
    .stream_max = 1,
    .need = need,
    .need_count = COUNT(need),
    .document = "CEVA/Hillcrest BNO08X data sheet 1000-3927 v1.11",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

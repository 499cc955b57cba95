/* Bertec instrumented treadmill: status packets of its control panel ("Remote Control"), TCP 4000.
 *
 * Status, 32 bytes, continuously, all int16 big-endian:
 *   off   size  field                        unit
 *     0     1   format, 0
 *     1     2   right belt speed             mm/s
 *     3     2   left belt speed              mm/s
 *     5     4   rear right, rear left        mm/s (4-belt models; else 0)
 *     9     2   incline                      0.01 deg
 *    11    21   padding, 0
 *
 * Source: Bertec treadmill remote control packets as published by UM-LoCoLab and HMRL client code.
 * Right comes FIRST on the wire; the stream is left, right, incline.
 * READ-ONLY: this driver never writes a byte. It does not hold the command packet.
 * Packets have no head and no checksum: they are aligned from the connection's first byte. A packet
 * that breaks the rule (byte 0 and padding zero) means that this place is lost. It is not looked
 * for among bytes that fit at many shifts (standing belts: at all): a new connection is asked for.
 * Uncertain: the rate is set on the panel (about 100 Hz); the time is that of arrival.
 */
#include "devices/belt_stream.h"
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/units.h"

#include <math.h>

#define STATUS_BYTES 32
#define PADDING_AT 11
#define RATE_HZ 100.0
#define FIRST_DATA_NS (3 * KL_NS_PER_S)

struct bertec_treadmill {
    bool heard; /* a packet, also of an earlier connection */
    bool gap;   /* before the next one */
};

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    const struct kl_device_config *lab = config;
    double rate_hz = lab->rate_hz != 0 ? lab->rate_hz : RATE_HZ;
    *(struct bertec_treadmill *)self = (struct bertec_treadmill){.heard = false};
    if (cap < 1 || !(rate_hz >= 1 && rate_hz <= 1000)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: bertec_treadmill: rate_hz %g; give the panel's, 1 to 1000",
                        lab->name, lab->rate_hz);
    }
    if (lab->stream_count > 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: bertec_treadmill names its stream itself; leave streams out",
                        lab->name);
    }
    int status = kl_device_options(lab, NULL, NULL, 0, fault);
    if (status != KL_OK) {
        return status;
    }
    kl_belt_stream(lab, rate_hz, true, out);
    return 1;
}

static bool fits(const uint8_t *buf)
{
    if (buf[0] != 0) {
        return false;
    }
    for (size_t i = PADDING_AT; i < STATUS_BYTES; i++) {
        if (buf[i] != 0) {
            return false;
        }
    }
    return true;
}

static enum kl_frame frame(const void *self, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)self;
    (void)buf;
    *frame_len = STATUS_BYTES;
    return len < STATUS_BYTES ? KL_FRAME_NEED_MORE : KL_FRAME_VALID; /* parse looks at it */
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct bertec_treadmill *state = self;
    if (len != STATUS_BYTES || cap < 1) {
        return KL_ERR_ARG;
    }
    if (!fits(buf)) {
        return KL_ERR_GONE;
    }
    *out = (struct kl_sample){.quality = state->gap ? KL_QUALITY_GAP : 0};
    out->value[0] = kl_i16_be(buf + 3) / 1e3;
    out->value[1] = kl_i16_be(buf + 1) / 1e3;
    out->value[2] = kl_i16_be(buf + 9) / 100.0 * KL_RAD_PER_DEG;
    state->heard = true;
    state->gap = false;
    return 1;
}

static int start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct bertec_treadmill *state = self;
    struct kl_conversation talk;
    uint8_t first[STATUS_BYTES];
    state->gap = state->heard;
    kl_conversation_init(&talk, link, NULL, NULL);
    int status = kl_conversation_bytes(&talk, first, sizeof(first), FIRST_DATA_NS);
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(fault, status,
                        "bertec_treadmill: expected status packets, none came in 3 s; enable "
                        "Remote Control in the panel's settings and close other clients (it "
                        "serves one)");
    }
    if (status != KL_OK) {
        return kl_fault(fault, status, "bertec_treadmill: first status packet: %s",
                        kl_status_text(status));
    }
    if (!fits(first)) {
        return kl_fault(
            fault, KL_ERR_DATA,
            "bertec_treadmill: expected a status packet with format 0 and zero padding, "
            "got %02X .. %02X %02X; this is not the treadmill's port, or its panel "
            "speaks another version",
            first[0], first[PADDING_AT], first[STATUS_BYTES - 1]);
    }
    return KL_OK;
}

static int stop(void *self, struct kl_link *link)
{
    (void)self;
    (void)link; /* nothing was started: nothing is said */
    return KL_OK;
}

static const struct kl_link_need need[] = {{.kind = KL_LINK_TCP, .tcp_port = 4000}};

const struct kl_driver kl_bertec_treadmill_driver = {
    .name = "bertec_treadmill",
    .label = "Bertec treadmill (read-only)",
    .time_meaning = KL_TIME_ARRIVAL,
    .state_size = sizeof(struct bertec_treadmill),
    .stream_max = 1,
    .need = need,
    .need_count = 1,
    .document = "Bertec treadmill remote control, as in public client code",
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

/* BITalino (r)evolution: up to 6 channels at 1000 Hz over Bluetooth (SPP, /dev/rfcommN).
 *
 * Live frame of n channels: 3, 4, 6, 7, 8, 8 bytes for n = 1..6. Counted from the end, b[-1] last:
 *   b[-1] bits 7-4  sequence 0-15              b[-1] bits 3-0  CRC4 (x^4 + x + 1)
 *   b[-2] bits 7-4  I1 I2 O1 O2
 *   ch 1  b[-2] bits 3-0, b[-3] bits 7-2       ch 2  b[-3] bits 1-0, b[-4]        10 bit
 *   ch 3  b[-5], b[-6] bits 7-6                ch 4  b[-6] bits 5-0, b[-7] 7-4    10 bit
 *   ch 5  b[-7] bits 3-0, b[-8] bits 7-6       ch 6  b[-8] bits 5-0                6 bit
 * "ch k" is the k-th enabled input: A1..A6 in ascending order; only the first four have 10 bits.
 * EMG sensor: V = (adc / 2^bits - 0.5) * 3.3 / 1009 (at the electrodes; band about 25-480 Hz).
 *
 * Source: BITalino (r)evolution MCU documentation and EMG sensor data sheet (PLUX); command bytes
 * as in BITalino's revolution-python-api.
 * Uncertain: gaps of more than 15 frames are counted modulo 16 (the hub's clock sees the jump).
 * The battery's level is told only while idle and in a unit the document does not give: not read.
 */
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/lab_streams.h"
#include "devices/text_number.h"

#include <stdio.h>
#include <string.h>

#define CHANNELS 6
#define FRAME_BYTES_MAX 8
#define VCC_V 3.3
#define EMG_GAIN 1009.0
#define ANSWER_NS KL_NS_PER_S
#define PAUSE_NS (KL_NS_PER_S / 10) /* between command bytes: the reference waits as long */
#define SURE_FRAMES 3               /* a CRC of 4 bits passes 1/16 of garbage */

enum command { STOP = 0x00, VERSION = 0x07, IDLE = 0xFF };

/* Input numbers of the lab file: A1..A6, then the digital inputs. */
enum { I1 = 7, I2 = 8 };

static const struct rate {
    double hz;
    uint8_t code; /* (number << 6) | 0x03 */
} rates[] = {{1000, 0xC3}, {100, 0x83}, {10, 0x43}, {1, 0x03}};

struct bitalino {
    struct kl_lab_streams map;
    struct rate rate;
    uint8_t mask;               /* bit 0: A1 */
    size_t place[CHANNELS + 1]; /* "ch k" of input A<i>; 0: not enabled */
    size_t frame_len, channels;

    bool hunting, counted;
    uint8_t last;
    int64_t index; /* samples since the first frame, lost ones included */
};

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    static const size_t frame_len[CHANNELS + 1] = {0, 3, 4, 6, 7, 8, 8};
    static const struct kl_input_range range[] = {
        {1, CHANNELS, KL_KIND_EMG, "V", "EMG on A1-A6"},
        {I1, I2, KL_KIND_OTHER, NULL, "digital I1, I2"},
    };
    struct bitalino *state = self;
    const struct kl_device_config *lab = config;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        if (lab->rate_hz == rates[i].hz || (lab->rate_hz == 0 && i == 0)) {
            state->rate = rates[i];
        }
    }
    if (state->rate.hz == 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: bitalino: rate_hz %g; allowed are 1, 10, 100, 1000", lab->name,
                        lab->rate_hz);
    }
    const struct kl_input_rule rule = {"bitalino",       range, 2, "emg", 1, state->rate.hz,
                                       KL_FORMAT_FLOAT32};
    int status = kl_device_options(lab, NULL, NULL, 0, fault);
    if (status == KL_OK) {
        status = kl_lab_streams_take(lab, &rule, &state->map, out, cap, fault);
    }
    for (uint8_t i = 1; status > 0 && i <= CHANNELS; i++) {
        if (kl_lab_streams_use(&state->map, i)) {
            state->mask = (uint8_t)(state->mask | 1U << (i - 1));
            state->place[i] = ++state->channels;
        }
    }
    if (status > 0 && state->channels == 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: bitalino sends I1 and I2 beside at least one of A1-A6; add one",
                        lab->name);
    }
    state->frame_len = frame_len[state->channels];
    return status;
}

/* ------------------------------------------------------------ conversation */

static int command(struct kl_conversation *talk, uint8_t byte)
{
    int status = kl_conversation_send(talk, &byte, 1);
    return status == KL_OK ? kl_conversation_hush(talk, PAUSE_NS, KL_NS_PER_S) : status;
}

/* The version text, "BITalino_v5.2": told only while idle. */
static int ask_version(struct kl_conversation *talk, char answer[KL_ANSWER_MAX])
{
    static const uint8_t ask = VERSION;
    answer[0] = '\0';
    int status = kl_conversation_send(talk, &ask, 1);
    if (status == KL_OK) {
        status = kl_conversation_text(talk, "\n", answer, ANSWER_NS);
    }
    if (status == KL_OK && strstr(answer, "BITalino") == NULL) {
        status = KL_ERR_DATA;
    }
    return status;
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    struct kl_conversation talk;
    char answer[KL_ANSWER_MAX];
    kl_conversation_init(&talk, link, NULL, NULL);
    int status = ask_version(&talk, answer);
    if (status == KL_OK) {
        (void)snprintf(out, len, "BITalino, %s", kl_answer_line(strstr(answer, "BITalino")));
    }
    return status;
}

/* Bluetooth keeps a session that was broken off alive: it may still be streaming. */
static int wake(struct kl_conversation *talk, char answer[KL_ANSWER_MAX])
{
    static const uint8_t calm[] = {IDLE, STOP}; /* (r)evolution, older ones */
    int status = ask_version(talk, answer);
    for (size_t i = 0; i < sizeof(calm) && (status == KL_ERR_TIMEOUT || status == KL_ERR_DATA);
         i++) {
        status = command(talk, calm[i]);
        if (status == KL_OK || status == KL_ERR_TIMEOUT) {
            status = ask_version(talk, answer);
        }
    }
    return status;
}

static double version_number(const char *answer)
{
    const char *at = strstr(answer, "_v");
    at = at != NULL ? at + 2 : strchr(answer, 'V') != NULL ? strchr(answer, 'V') + 1 : "";
    double number = 0;
    (void)(kl_text_number(at, strspn(at, "0123456789."), &number) || number == 0);
    return number;
}

static int stop(void *self, struct kl_link *link)
{
    struct kl_conversation talk;
    (void)self;
    kl_conversation_init(&talk, link, NULL, NULL);
    int status = command(&talk, STOP);
    if (status == KL_ERR_TIMEOUT) { /* still streaming */
        status = command(&talk, IDLE);
    }
    return status;
}

static int start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct bitalino *state = self;
    struct kl_conversation talk;
    char answer[KL_ANSWER_MAX];
    state->hunting = true;
    state->counted = false;
    kl_conversation_init(&talk, link, NULL, NULL);
    int status = wake(&talk, answer);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "bitalino: version (07): expected a text naming BITalino, got %s (%s); "
                        "switch it on and pair it again",
                        kl_answer_line(answer), kl_status_text(status));
    }
    if (version_number(answer) < 4.2) {
        return kl_fault(fault, KL_ERR_UNSUPPORTED,
                        "bitalino: it says \"%s\"; (r)evolution has 4.2 or later, its EMG sensor's "
                        "scale would be wrong for this one",
                        kl_answer_line(answer));
    }
    status = command(&talk, state->rate.code);
    if (status == KL_OK) {
        const uint8_t live = (uint8_t)(0x01 | state->mask << 2);
        status = kl_conversation_send(&talk, &live, 1);
    }
    uint8_t first; /* costs the first frame, and shows that there is one */
    if (status == KL_OK) {
        status = kl_conversation_bytes(&talk, &first, 1,
                                       2 * KL_NS_PER_S + kl_nanoseconds(1 / state->rate.hz));
    }
    if (status != KL_OK) {
        (void)kl_fault(fault, status,
                       "bitalino: start (%02X): expected data within 2 s: %s; charge it, or bring "
                       "it nearer",
                       0x01 | state->mask << 2, kl_status_text(status));
        (void)stop(state, link);
    }
    return status;
}

/* ------------------------------------------------------------------ frames */

static bool crc_fits(const uint8_t *buf, size_t len)
{
    unsigned x = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned byte = i + 1 < len ? buf[i] : buf[i] & 0xf0U;
        for (int bit = 7; bit >= 0; bit--) {
            x <<= 1;
            x ^= (x & 0x10) != 0 ? 0x03 : 0;
            x ^= byte >> bit & 1;
        }
    }
    return (x & 0x0f) == (buf[len - 1] & 0x0fU);
}

static uint8_t sequence(const uint8_t *buf, size_t len)
{
    return buf[len - 1] >> 4;
}

/* While hunting, and after a jump of the sequence, the frames behind must agree: a damaged frame
 * may pass the CRC. */
static enum kl_frame frame(const void *self, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct bitalino *state = self;
    const size_t size = state->frame_len;
    if (len < size) {
        return KL_FRAME_NEED_MORE;
    }
    bool hunting = state->hunting || !state->counted;
    bool follows = sequence(buf, size) == ((state->last + 1U) & 15);
    if (!hunting && (follows || !crc_fits(buf, size))) {
        *frame_len = size; /* parse looks at the CRC, and hunts from there when it is wrong */
        return KL_FRAME_VALID;
    }
    if (state->counted && follows) {
        /* the sequence is that of the damaged frame: its end is whole, its beginning may be garbage
         * that fits the CRC 1 time in 16 */
        return KL_FRAME_INVALID;
    }
    for (size_t i = 0; i < SURE_FRAMES; i++) {
        if (len < (i + 1) * size) {
            return KL_FRAME_NEED_MORE;
        }
        const uint8_t *at = buf + i * size;
        if (!crc_fits(at, size) || sequence(at, size) != ((sequence(buf, size) + i) & 15)) {
            return KL_FRAME_INVALID;
        }
    }
    *frame_len = size;
    return KL_FRAME_VALID;
}

/* "ch k" of a frame that ends before `end`. */
static unsigned adc(const uint8_t *end, size_t k)
{
    switch (k) {
    case 1:
        return (end[-2] & 0x0fU) << 6 | end[-3] >> 2;
    case 2:
        return (end[-3] & 0x03U) << 8 | end[-4];
    case 3:
        return (unsigned)end[-5] << 2 | end[-6] >> 6;
    case 4:
        return (end[-6] & 0x3fU) << 4 | end[-7] >> 4;
    case 5:
        return (end[-7] & 0x0fU) << 2 | end[-8] >> 6;
    default:
        return end[-8] & 0x3fU;
    }
}

static double input_value(const struct bitalino *state, const uint8_t *end, uint8_t input,
                          uint32_t *quality)
{
    if (input == I1 || input == I2) {
        return end[-2] >> (input == I1 ? 7 : 6) & 1;
    }
    size_t k = state->place[input];
    unsigned full = k <= 4 ? 1024 : 64;
    unsigned count = adc(end, k);
    *quality |= count == 0 || count == full - 1 ? KL_QUALITY_CLIPPED : 0;
    return ((double)count / full - 0.5) * VCC_V / EMG_GAIN;
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct bitalino *state = self;
    if (len != state->frame_len || cap < state->map.count) {
        return KL_ERR_ARG;
    }
    unsigned lost = state->counted ? (sequence(buf, len) - state->last - 1U) & 15 : 0;
    if (!crc_fits(buf, len)) {
        state->hunting = true;
        return KL_ERR_DATA;
    }
    state->index += state->counted ? 1 + (int64_t)lost : 0;
    state->hunting = false;
    state->counted = true;
    state->last = sequence(buf, len);
    for (size_t s = 0; s < state->map.count; s++) {
        const struct kl_lab_stream *stream = &state->map.stream[s];
        out[s].stream = s;
        out[s].device_ns = (int64_t)((double)state->index * (1e9 / state->rate.hz));
        out[s].quality = lost > 0 ? KL_QUALITY_GAP : 0;
        for (size_t c = 0; c < stream->channels; c++) {
            out[s].value[c] = input_value(state, buf + len, stream->input[c], &out[s].quality);
        }
    }
    return (int)state->map.count;
}

static const struct kl_link_need need[] = {{.kind = KL_LINK_SERIAL, .baud = 115200}};

const struct kl_driver kl_bitalino_driver = {
    .name = "bitalino",
    .label = "BITalino (r)evolution",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct bitalino),
    .stream_max = 8,
    .need = need,
    .need_count = 1,
    .document = "PLUX BITalino (r)evolution MCU and EMG sensor data sheets",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

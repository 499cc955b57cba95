/* OpenBCI Cyton: 8 channels of 24 bit at 250 Hz, by radio to a USB dongle (FTDI serial, 115200).
 *
 * Frame, 33 bytes:
 *   off  size  field
 *     0    1   0xA0
 *     1    1   sample number, wraps at 256: lost = (n - last - 1) & 255
 *     2   24   8 channels, int24 big-endian; V = count * 4.5 / gain / (2^23 - 1)
 *    26    6   aux, by type:
 *                0     accelerometer x y z, int16 BE, 0.002/16 g; zeros between its 25 Hz updates
 *                1     digital mode: D11 D12 D13 D17 (free) D18, one byte each
 *                3..6  26-27 something of types 0..1, 28-31 board time, uint32 BE, ms
 *    32    1   0xC0 | type
 *
 * Source: OpenBCI Cyton data format and SDK pages; OpenBCI_Cyton_Library
 * (OpenBCI_32bit_Library.cpp). The radio carries 250 Hz: Nyquist is 125 Hz, below the EMG band
 * (20-450 Hz). Good for amplitude trends, not for spectra or normalised ratios; the stream's rate
 * says so to whoever computes. Uncertain: gaps of more than 255 frames are counted modulo 256 (the
 * radio has no other counter); how often the accelerometer repeats instead of sending zeros differs
 * between firmwares. A board with a Daisy module interleaves two boards; it is switched to 8
 * channels here. Accelerometer axes are those printed on the board.
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/drivers.h"
#include "devices/lab_streams.h"
#include "devices/units.h"

#include <stdio.h>
#include <string.h>

#define FRAME_BYTES 33
#define HEAD 0xA0
#define CHANNELS 8
#define RATE_HZ 250.0
#define VREF_V 4.5
#define COUNT_MAX 8388607 /* 2^23 - 1 */
#define AUX_AT 26
#define STOP_AT 32
#define ACCEL_G_PER_COUNT (0.002 / 16) /* LIS3DH, +-4 g, 16 bit left-aligned */
#define ANSWER_NS (2 * KL_NS_PER_S)
#define QUIET_NS (KL_NS_PER_S / 10)
#define END "$$$" /* of every text answer */

/* Input numbers of the lab file: channels and digital pins as printed on the board. */
enum { PIN_FIRST = 11, PIN_LAST = 18, ACCEL_FIRST = 21, ACCEL_LAST = 23, BOARD_TIME = 24 };

enum aux { AUX_ACCEL = 0, AUX_RAW = 1, AUX_TIMED_FIRST = 3, AUX_TIMED_LAST = 6 };

static const char *const gain_text[] = {"1", "2", "4", "6", "8", "12", "24", NULL};
static const double gain_of[] = {1, 2, 4, 6, 8, 12, 24};
static const char *const montage_text[] = {"bipolar", "srb2", NULL};

struct openbci_cyton {
    struct kl_lab_streams map;
    size_t gain; /* index of gain_of, and the code in the channel command */
    size_t srb2, bias;
    bool uses_pins, changed;

    bool hunting;
    bool counted;    /* a first frame has been seen */
    uint8_t last;    /* its sample number */
    int64_t index;   /* samples since the first frame, lost ones included */
    double held[32]; /* aux inputs by number: the newest value */
};

static int configure(void *self, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    static const struct kl_input_range range[] = {
        {1, CHANNELS, KL_KIND_EMG, "V", "EMG"},
        {PIN_FIRST, 13, KL_KIND_OTHER, NULL, "digital pin"},
        {17, PIN_LAST, KL_KIND_OTHER, NULL, "digital pin"},
        {ACCEL_FIRST, ACCEL_LAST, KL_KIND_OTHER, "m/s2", "accelerometer x y z"},
        {BOARD_TIME, BOARD_TIME, KL_KIND_OTHER, "s", "board time"},
    };
    static const struct kl_input_rule rule = {"openbci_cyton",  range, 5, "emg", 1, RATE_HZ,
                                              KL_FORMAT_FLOAT32};
    enum { GAIN = 0, MONTAGE, BIAS, OPTIONS };
    static const struct kl_option_rule options[OPTIONS] = {
        [GAIN] = {.key = "gain", .kind = KL_RULE_WORD, .word = gain_text},
        [MONTAGE] = {.key = "montage", .kind = KL_RULE_WORD, .word = montage_text},
        [BIAS] = {.key = "bias", .kind = KL_RULE_FLAG},
    };
    /* gain 12: electrode offsets rail higher ones */
    double value[OPTIONS] = {[GAIN] = 5, [BIAS] = 1};
    struct openbci_cyton *state = self;
    const struct kl_device_config *lab = config;
    if (lab->rate_hz != 0 && lab->rate_hz != RATE_HZ) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: openbci_cyton: rate_hz %g: over its radio it gives 250 only",
                        lab->name, lab->rate_hz);
    }
    int status = kl_device_options(lab, options, value, OPTIONS, fault);
    if (status != KL_OK) {
        return status;
    }
    state->gain = (size_t)value[GAIN];
    state->srb2 = (size_t)value[MONTAGE];
    state->bias = (size_t)value[BIAS];
    status = kl_lab_streams_take(lab, &rule, &state->map, out, cap, fault);
    for (uint8_t pin = PIN_FIRST; status > 0 && pin <= PIN_LAST; pin++) {
        state->uses_pins |= kl_lab_streams_use(&state->map, pin);
    }
    if (status > 0 && state->uses_pins && kl_lab_streams_use(&state->map, ACCEL_FIRST)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: openbci_cyton sends digital pins or its accelerometer, not "
                        "both; leave one out",
                        lab->name);
    }
    return status;
}

/* ------------------------------------------------------------ conversation */

static int identify(struct kl_link *link, char *out, size_t len)
{
    struct kl_conversation talk;
    char answer[KL_ANSWER_MAX];
    kl_conversation_init(&talk, link, NULL, NULL);
    int status = kl_conversation_send(&talk, "V", 1); /* firmware version; changes nothing */
    if (status == KL_OK) {
        status = kl_conversation_text(&talk, END, answer, KL_NS_PER_S);
    }
    if (status != KL_OK) {
        return status;
    }
    if (strncmp(answer, "Failure", 7) == 0) {
        (void)snprintf(out, len, "OpenBCI dongle; its board is off or on another radio channel");
        return KL_OK;
    }
    if (answer[0] != 'v' || answer[1] < '0' || answer[1] > '9') {
        return KL_ERR_DATA;
    }
    answer[strlen(answer) - strlen(END)] = '\0';
    (void)snprintf(out, len, "OpenBCI Cyton, firmware %s", kl_answer_line(answer));
    return KL_OK;
}

/* One command, its answer up to $$$; says what went wrong. */
static int order(struct kl_conversation *talk, const char *command, char answer[KL_ANSWER_MAX],
                 struct kl_fault *fault)
{
    int status = kl_conversation_send(talk, command, strlen(command));
    if (status == KL_OK) {
        status = kl_conversation_text(talk, END, answer, ANSWER_NS);
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(fault, status,
                        "openbci_cyton: command \"%s\": expected an answer ending in $$$ within 2 "
                        "s, got %s; is this the dongle, its switch on GPIO6?",
                        command, kl_answer_line(answer));
    }
    if (status != KL_OK) {
        return kl_fault(fault, status, "openbci_cyton: command \"%s\": %s", command,
                        kl_status_text(status));
    }
    if (strstr(answer, "Failure") != NULL) {
        return kl_fault(
            fault, KL_ERR_DATA,
            "openbci_cyton: command \"%s\": the dongle says \"%s\"; switch the board to "
            "PC, or set its radio channel",
            command, kl_answer_line(answer));
    }
    return KL_OK;
}

static int set_channels(struct openbci_cyton *state, struct kl_conversation *talk,
                        struct kl_fault *fault)
{
    char answer[KL_ANSWER_MAX];
    for (uint8_t c = 1; c <= CHANNELS; c++) {
        /* x, channel, power down, gain, input (0 normal, 1 shorted), bias, SRB2, SRB1, X */
        char command[] = "x1100000X";
        command[1] = (char)('0' + c);
        if (kl_lab_streams_use(&state->map, c)) {
            command[2] = '0';
            command[3] = (char)('0' + state->gain);
            command[5] = (char)('0' + state->bias);
            command[6] = (char)('0' + state->srb2);
        } else {
            command[4] = '1'; /* open inputs would only add noise to the bias */
        }
        int status = order(talk, command, answer, fault);
        if (status != KL_OK) {
            return status;
        }
    }
    return KL_OK;
}

/* Ends what streams and waits until it has ended. */
static int halt(struct kl_conversation *talk)
{
    int status = kl_conversation_send(talk, "s", 1);
    return status == KL_OK ? kl_conversation_hush(talk, QUIET_NS, KL_NS_PER_S) : status;
}

static int stop(void *self, struct kl_link *link)
{
    struct openbci_cyton *state = self;
    struct kl_conversation talk;
    char answer[KL_ANSWER_MAX];
    kl_conversation_init(&talk, link, NULL, NULL);
    int status = halt(&talk);
    if (status == KL_OK && state->changed) {
        status = order(&talk, "d", answer, NULL);
        state->changed = false;
    }
    if (status == KL_OK && state->uses_pins) {
        status = order(&talk, "/0", answer, NULL);
    }
    return status;
}

static int prepare(struct openbci_cyton *state, struct kl_conversation *talk,
                   struct kl_fault *fault)
{
    char answer[KL_ANSWER_MAX];
    int status = order(talk, "v", answer, fault);
    if (status == KL_ERR_TIMEOUT) { /* it may have been streaming: once more */
        status = order(talk, "v", answer, fault);
    }
    if (status != KL_OK) {
        return status;
    }
    if (strstr(answer, "OpenBCI") == NULL) {
        return kl_fault(fault, KL_ERR_DATA,
                        "openbci_cyton: reset: expected a text naming OpenBCI, got \"%s\"; another "
                        "device is on this port",
                        kl_answer_line(answer));
    }
    state->changed = true;
    if (strstr(answer, "Daisy") != NULL) {
        status = order(talk, "c", answer, fault);
    }
    if (status == KL_OK) {
        status = order(talk, "d", answer, fault);
    }
    if (status == KL_OK) {
        status = set_channels(state, talk, fault);
    }
    if (status == KL_OK && state->uses_pins) {
        status = order(talk, "/3", answer, fault);
    }
    return status;
}

static int start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct openbci_cyton *state = self;
    struct kl_conversation talk;
    state->hunting = true;
    state->counted = false;
    kl_conversation_init(&talk, link, NULL, NULL);
    int status = halt(&talk);
    if (status != KL_OK) {
        return kl_fault(fault, status, "openbci_cyton: stopping what runs: %s",
                        kl_status_text(status));
    }
    status = prepare(state, &talk, fault);
    if (status == KL_OK) {
        uint8_t first; /* costs the first frame, and shows that there is one */
        status = kl_conversation_send(&talk, "b", 1);
        if (status == KL_OK) {
            status = kl_conversation_bytes(&talk, &first, 1, ANSWER_NS);
        }
        if (status != KL_OK) {
            (void)kl_fault(fault, status,
                           "openbci_cyton: command \"b\": expected data within 2 s: %s; move the "
                           "dongle nearer to the board",
                           kl_status_text(status));
        }
    }
    if (status != KL_OK) {
        (void)stop(state, link);
    }
    return status;
}

/* ------------------------------------------------------------------ frames */

/* While hunting, a frame needs the next one's head behind it: samples may look like heads. */
static enum kl_frame frame(const void *self, const uint8_t *buf, size_t len, size_t *frame_len)
{
    const struct openbci_cyton *state = self;
    bool hunting = state->hunting || !state->counted;
    if (len > 0 && buf[0] != HEAD && hunting) {
        return KL_FRAME_INVALID;
    }
    if (len > STOP_AT && (buf[STOP_AT] & 0xf0) != 0xC0 && hunting) {
        return KL_FRAME_INVALID;
    }
    if (len < (hunting ? FRAME_BYTES + 1 : FRAME_BYTES)) {
        return KL_FRAME_NEED_MORE;
    }
    if (hunting && buf[FRAME_BYTES] != HEAD) {
        return KL_FRAME_INVALID;
    }
    *frame_len = FRAME_BYTES; /* not hunting: parse looks, and hunts from there when it is wrong */
    return KL_FRAME_VALID;
}

/* Keeps the newest aux values. @return those inputs are new: bit per input number */
static uint32_t take_aux(struct openbci_cyton *state, const uint8_t *buf)
{
    static const uint8_t pin_at[PIN_LAST + 1] = {
        [11] = 26, [12] = 27, [13] = 28, [17] = 29, [18] = 31};
    static const uint8_t no_aux[6] = {0};
    unsigned type = buf[STOP_AT] & 0x0f;
    uint32_t fresh = 0;
    if (type == AUX_ACCEL && memcmp(buf + AUX_AT, no_aux, sizeof(no_aux)) != 0) {
        for (unsigned i = 0; i < 3; i++) {
            state->held[ACCEL_FIRST + i] =
                kl_i16_be(buf + AUX_AT + 2 * i) * ACCEL_G_PER_COUNT * KL_STANDARD_GRAVITY_M_S2;
            fresh |= UINT32_C(1) << (ACCEL_FIRST + i);
        }
    } else if (type == AUX_RAW) {
        for (unsigned pin = PIN_FIRST; pin <= PIN_LAST; pin++) {
            if (pin_at[pin] != 0) {
                state->held[pin] = buf[pin_at[pin]];
                fresh |= UINT32_C(1) << pin;
            }
        }
    } else if (type >= AUX_TIMED_FIRST && type <= AUX_TIMED_LAST) {
        state->held[BOARD_TIME] = kl_u32_be(buf + 28) / 1e3;
        fresh |= UINT32_C(1) << BOARD_TIME;
    }
    return fresh;
}

static double channel(const struct openbci_cyton *state, const uint8_t *buf, unsigned c,
                      uint32_t *quality)
{
    int32_t count = kl_i24_be(buf + 2 + 3 * (size_t)(c - 1));
    if (count >= COUNT_MAX || count <= -COUNT_MAX - 1) {
        *quality |= KL_QUALITY_CLIPPED; /* a loose electrode rails */
    }
    return count * (VREF_V / gain_of[state->gain] / COUNT_MAX);
}

static void fill(const struct openbci_cyton *state, const uint8_t *buf, uint32_t fresh,
                 const struct kl_lab_stream *stream, struct kl_sample *out)
{
    for (size_t c = 0; c < stream->channels; c++) {
        uint8_t input = stream->input[c];
        if (input <= CHANNELS) {
            out->value[c] = channel(state, buf, input, &out->quality);
        } else {
            out->value[c] = state->held[input];
            out->quality |= (fresh & UINT32_C(1) << input) == 0 ? KL_QUALITY_STALE : 0;
        }
    }
}

static int parse(void *self, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    struct openbci_cyton *state = self;
    if (len < FRAME_BYTES || cap < state->map.count) {
        return KL_ERR_ARG;
    }
    if (buf[0] != HEAD || (buf[STOP_AT] & 0xf0) != 0xC0) {
        state->hunting = true;
        return KL_ERR_DATA;
    }
    unsigned lost = state->counted ? (buf[1] - state->last - 1U) & 0xff : 0;
    state->index += state->counted ? 1 + (int64_t)lost : 0;
    state->hunting = false;
    state->counted = true;
    state->last = buf[1];
    uint32_t fresh = take_aux(state, buf);
    for (size_t s = 0; s < state->map.count; s++) {
        out[s].stream = s;
        out[s].device_ns = state->index * (KL_NS_PER_S / (int64_t)RATE_HZ);
        out[s].quality = lost > 0 ? KL_QUALITY_GAP : 0;
        fill(state, buf, fresh, &state->map.stream[s], &out[s]);
    }
    return (int)state->map.count;
}

/* The dongle's bridge; the id is the chip's, so the port is asked. */
static const struct kl_usb_id usb_id[] = {{0x0403, 0x6015}};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .usb_id = usb_id, .usb_id_count = 1, .baud = 115200},
};

const struct kl_driver kl_openbci_cyton_driver = {
    .name = "openbci_cyton",
    .label = "OpenBCI Cyton",
    .time_meaning = KL_TIME_INDEX,
    .state_size = sizeof(struct openbci_cyton),
    .stream_max = 16,
    .need = need,
    .need_count = 1,
    .document = "OpenBCI Cyton data format and Cyton SDK",
    .identify = identify,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

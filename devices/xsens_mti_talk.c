/* The conversation with an Xsens MTi: find its speed, configure it, start it, put it back.
 *
 *   GotoConfig 30 -> 31   ReqOutputConfiguration C0 -> C1   SetOutputConfiguration C0 -> C1
 *   GotoMeasurement 10 -> 11, then MTData2 until GotoConfig
 *
 * A measuring device keeps sending data until it has obeyed, so everything but the answer is passed
 * over. An Error may come instead of an acknowledgement.
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/xsens_mti.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PREAMBLE 0xfa
#define BUS_MASTER 0xff
#define ANSWER_NS (500 * KL_MS)
#define SCAN_NS (100 * KL_MS) /* at each of the other speeds */
#define TRIES 5
#define WITH_EVERY 0xffff /* rate of counters, times and status: with every message */

static const char *error_text(unsigned code)
{
    static const struct {
        unsigned code;
        const char *text;
    } row[] = {
        {0x03, "period invalid"},
        {0x04, "invalid message"},
        {0x1e, "timer overflow"},
        {0x20, "baud rate invalid"},
        {0x21, "invalid parameter"},
        {0x23, "transmit buffer full"},
        {0x24, "transmit overflow"},
        {0x28, "device error"},
        {0x29, "data overflow: the line is too slow"},
        {0x2a, "buffer overflow"},
        {0x2b, "external trigger error"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (row[i].code == code) {
            return row[i].text;
        }
    }
    return "unknown error";
}

static int send(struct kl_conversation *talk, enum kl_mti_mid mid, const uint8_t *payload,
                size_t len)
{
    uint8_t bytes[5 + KL_MTI_LIST_MAX] = {PREAMBLE, BUS_MASTER, (uint8_t)mid, (uint8_t)len};
    if (len > 0) {
        memcpy(bytes + 4, payload, len);
    }
    uint8_t sum = 0;
    for (size_t i = 1; i < 4 + len; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    bytes[4 + len] = (uint8_t)-sum;
    return kl_conversation_send(talk, bytes, 5 + len);
}

/* An answer: payload valid until the next word is spoken. */
struct answer {
    const uint8_t *payload;
    size_t len;
    unsigned error; /* when the device answered with Error */
    bool measuring; /* data came before the answer */
};

/* Sends a request up to `tries` times. @return KL_OK; KL_ERR_DATA: the device said Error;
 * KL_ERR_TIMEOUT; or what the link says */
static int ask(struct kl_conversation *talk, enum kl_mti_mid mid, const uint8_t *payload,
               size_t len, int tries, int64_t wait_ns, struct answer *answer)
{
    *answer = (struct answer){.len = 0};
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < tries && status == KL_ERR_TIMEOUT; i++) {
        int64_t left_ns = wait_ns;
        const uint8_t *bytes = NULL;
        size_t bytes_len = 0;
        status = send(talk, mid, payload, len);
        while (status == KL_OK) {
            status = kl_conversation_next(talk, &left_ns, &bytes, &bytes_len);
            if (status != KL_OK) {
                break;
            }
            answer->payload = kl_mti_payload(bytes, bytes_len, &answer->len);
            bool data = bytes[2] == KL_MTI_MTDATA2;
            if (bytes[2] == (unsigned)mid + 1 || (data && mid == KL_MTI_GOTO_MEASUREMENT)) {
                return KL_OK; /* data prove as much as a lost acknowledgement would have */
            }
            if (bytes[2] == KL_MTI_ERROR) {
                answer->error = answer->len > 0 ? answer->payload[0] : 0;
                return KL_ERR_DATA;
            }
            answer->measuring |= data;
            if (bytes[2] ==
                KL_MTI_WAKE_UP) { /* just powered up: acknowledging keeps it configurable */
                status = send(talk, (enum kl_mti_mid)(KL_MTI_WAKE_UP + 1), NULL, 0);
            }
        }
    }
    return status;
}

/* ask, with a fault in words. */
static int request(struct kl_conversation *talk, const char *name, enum kl_mti_mid mid,
                   const char *word, const uint8_t *payload, size_t len, struct answer *answer,
                   struct kl_fault *fault)
{
    int status = ask(talk, mid, payload, len, TRIES, ANSWER_NS, answer);
    if (status == KL_ERR_DATA) {
        return kl_fault(fault, status,
                        "%s: %s: expected acknowledgement %02X, the MTi answered error %u (%s); "
                        "power it off and on and try again",
                        name, word, (unsigned)mid + 1, answer->error, error_text(answer->error));
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(
            fault, status,
            "%s: %s: expected acknowledgement %02X within 0.5 s, %d times nothing came; "
            "check the cable and that no other program uses the MTi",
            name, word, (unsigned)mid + 1, TRIES);
    }
    return status == KL_OK
               ? KL_OK
               : kl_fault(fault, status, "%s: %s: %s", name, word, kl_status_text(status));
}

/* Brings the device into configuration mode at the speed it is set to. */
static int enter_config(struct kl_mti *state, struct kl_conversation *talk, bool scan,
                        struct answer *answer)
{
    static const unsigned speed[] = {115200, 921600, 460800, 230400,  57600,
                                     38400,  19200,  9600,   2000000, 4000000};
    struct kl_link *link = talk->link;
    int status = ask(talk, KL_MTI_GOTO_CONFIG, NULL, 0, TRIES, ANSWER_NS, answer);
    if (link->ops->set_baud == NULL || !scan) {
        return status;
    }
    for (size_t i = 0; i < sizeof(speed) / sizeof(speed[0]) && status == KL_ERR_TIMEOUT; i++) {
        status = link->ops->set_baud(link, speed[i]);
        if (status == KL_OK) {
            status = kl_conversation_flush(talk, KL_MS);
        }
        if (status == KL_OK) {
            status = ask(talk, KL_MTI_GOTO_CONFIG, NULL, 0, 2, SCAN_NS, answer);
            state->found_baud = speed[i];
        } else if (status == KL_ERR_UNSUPPORTED || status == KL_ERR_RANGE) {
            status = KL_ERR_TIMEOUT; /* the bridge cannot do this speed */
        }
    }
    return status;
}

static int find(struct kl_mti *state, struct kl_conversation *talk, struct kl_fault *fault)
{
    struct kl_link *link = talk->link;
    struct answer answer;
    int status = KL_OK;
    state->found_baud = 0;
    if (link->ops->set_baud != NULL) {
        state->found_baud = state->baud != 0 ? state->baud : 115200;
        status = link->ops->set_baud(link, state->found_baud);
    }
    if (status == KL_OK) {
        status = kl_conversation_flush(talk, KL_MS);
    }
    if (status == KL_OK) {
        status = enter_config(state, talk, state->baud == 0, &answer);
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(fault, status,
                        "%s: GotoConfig: expected acknowledgement 31, nothing came at %s; check "
                        "cable and power, that no other program uses the MTi, and its baud",
                        state->name,
                        state->found_baud == 0 || state->baud != 0 ? "this speed" : "any speed");
    }
    return status == KL_OK
               ? KL_OK
               : kl_fault(fault, status, "%s: GotoConfig: %s", state->name, kl_status_text(status));
}

/* One field we want: what it is called in faults, its id, its rate, its bytes in a message. */
struct wish {
    const char *label;
    uint16_t id, rate;
    size_t size;
};

#define WISHES_MAX 8

static size_t wishes(const struct kl_mti *state, struct wish out[WISHES_MAX])
{
    uint16_t rate = (uint16_t)state->rate_hz;
    size_t count = 0;
    out[count++] = (struct wish){"packet counter", 0x1020, WITH_EVERY, 2};
    out[count++] = (struct wish){"sample time", 0x1060, WITH_EVERY, 4};
    if (state->orientation) {
        out[count++] = (struct wish){"orientation", 0x2010, rate, 16};
    }
    out[count++] = (struct wish){"acceleration", 0x4020, rate, 12};
    out[count++] = (struct wish){"rate of turn", 0x8020, rate, 12};
    if (state->magnetic) {
        out[count++] = (struct wish){"magnetic field", 0xc020, rate, 12};
    }
    out[count++] = (struct wish){"status word", 0xe020, WITH_EVERY, 4};
    return count;
}

/* Does the line carry it? Overload is silent loss on some firmware. */
static int check_speed(const struct kl_mti *state, const struct wish *wish, size_t count,
                       struct kl_fault *fault)
{
    const double bits_per_byte = 10; /* 8N1 */
    const double usable = 0.9; /* [P]: 400 Hz of everything, 352 kbit/s, is known to fit 460800 */
    size_t bytes = 5;
    for (size_t i = 0; i < count; i++) {
        bytes += 3 + wish[i].size;
    }
    double needed = (double)bytes * bits_per_byte * state->rate_hz;
    if (state->found_baud == 0 || needed <= usable * state->found_baud) {
        return KL_OK;
    }
    return kl_fault(
        fault, KL_ERR_RANGE,
        "%s: %g Hz need %.0f bit/s, the MTi is set to %u baud; set it to 921600 with the "
        "maker's tool, or rate_hz to at most %.0f",
        state->name, state->rate_hz, needed, state->found_baud,
        floor(usable * state->found_baud / ((double)bytes * bits_per_byte)));
}

/* What the device accepted is what counts. */
static int check_granted(const struct kl_mti *state, const struct wish *wish, size_t count,
                         const struct answer *answer, struct kl_fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        unsigned granted = 0;
        for (size_t at = 0; at + 4 <= answer->len; at += 4) {
            if ((kl_u16_be(answer->payload + at) & 0xfff0) == wish[i].id) {
                granted = kl_u16_be(answer->payload + at + 2);
            }
        }
        if (wish[i].rate == WITH_EVERY ? granted == 0 : granted != wish[i].rate) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "%s: SetOutputConfiguration: asked for %s at %g Hz, the MTi gives %u; "
                            "%s",
                            state->name, wish[i].label, state->rate_hz, granted,
                            granted == 0 ? "this model cannot measure it: switch it off in the lab "
                                           "file or use another"
                                         : "set rate_hz to what it gives");
        }
    }
    return KL_OK;
}

static int set_output(struct kl_mti *state, struct kl_conversation *talk, struct kl_fault *fault)
{
    struct wish wish[WISHES_MAX];
    size_t count = wishes(state, wish);
    uint8_t list[4 * WISHES_MAX];
    for (size_t i = 0; i < count; i++) {
        list[4 * i] = (uint8_t)(wish[i].id >> 8);
        list[4 * i + 1] = (uint8_t)wish[i].id;
        list[4 * i + 2] = (uint8_t)(wish[i].rate >> 8);
        list[4 * i + 3] = (uint8_t)wish[i].rate;
    }
    int status = check_speed(state, wish, count, fault);
    if (status != KL_OK) {
        return status;
    }
    struct answer answer;
    status = request(talk, state->name, KL_MTI_OUTPUT_CONFIGURATION, "ReqOutputConfiguration", NULL,
                     0, &answer, fault);
    if (status != KL_OK) {
        return status;
    }
    if (answer.len == 4 * count && memcmp(answer.payload, list, answer.len) == 0) {
        return KL_OK; /* as it is: flash is spared */
    }
    state->has_before = answer.len <= KL_MTI_LIST_MAX && answer.len > 0;
    state->before_len = state->has_before ? answer.len : 0;
    memcpy(state->before, answer.payload, state->before_len);
    state->changed = true; /* also when the acknowledgement gets lost */
    status = request(talk, state->name, KL_MTI_OUTPUT_CONFIGURATION, "SetOutputConfiguration", list,
                     4 * count, &answer, fault);
    return status == KL_OK ? check_granted(state, wish, count, &answer, fault) : status;
}

/* Puts the output configuration back; the device is in configuration mode. */
static int restore(struct kl_mti *state, struct kl_conversation *talk)
{
    if (!state->changed || !state->has_before) {
        return KL_OK;
    }
    struct answer answer;
    int status = ask(talk, KL_MTI_OUTPUT_CONFIGURATION, state->before, state->before_len, TRIES,
                     ANSWER_NS, &answer);
    state->changed = status != KL_OK;
    return status;
}

int kl_mti_start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_mti *state = self;
    struct kl_conversation talk;
    struct answer answer;
    state->has_counter = state->has_time = state->gap = state->odd = false;
    kl_conversation_init(&talk, link, kl_mti_frame, NULL);
    int status = find(state, &talk, fault);
    if (status != KL_OK) {
        return status;
    }
    status = set_output(state, &talk, fault);
    if (status == KL_OK) {
        talk.cap = 1; /* the first data belong to the stream, not to the conversation */
        status = request(&talk, state->name, KL_MTI_GOTO_MEASUREMENT, "GotoMeasurement", NULL, 0,
                         &answer, fault);
        talk.cap = sizeof(talk.buf);
        if (status != KL_OK) { /* it may measure nevertheless */
            (void)enter_config(state, &talk, false, &answer);
        }
    }
    if (status != KL_OK) {
        (void)restore(state, &talk);
    }
    return status;
}

int kl_mti_stop(void *self, struct kl_link *link)
{
    struct kl_mti *state = self;
    struct kl_conversation talk;
    struct answer answer;
    kl_conversation_init(&talk, link, kl_mti_frame, NULL);
    int status = enter_config(state, &talk, false, &answer);
    if (status == KL_OK && !state->keep) {
        status = restore(state, &talk);
    }
    return status;
}

int kl_mti_identify(struct kl_link *link, char *out, size_t len)
{
    struct kl_conversation talk;
    struct answer answer;
    char product[24] = "MTi";
    char firmware[16] = "?";
    unsigned long id = 0;
    kl_conversation_init(&talk, link, kl_mti_frame, NULL);
    int status = ask(&talk, KL_MTI_GOTO_CONFIG, NULL, 0, 2, ANSWER_NS, &answer);
    bool measuring = answer.measuring;
    if (status != KL_OK) {
        return status;
    }
    if (ask(&talk, KL_MTI_REQ_DID, NULL, 0, 2, ANSWER_NS, &answer) == KL_OK && answer.len >= 4) {
        id = kl_u32_be(answer.payload);
    }
    if (ask(&talk, KL_MTI_REQ_PRODUCT, NULL, 0, 2, ANSWER_NS, &answer) == KL_OK) {
        size_t n = 0;
        while (n < answer.len && n + 1 < sizeof(product) && answer.payload[n] > ' ' &&
               answer.payload[n] < 0x7f) {
            product[n] = (char)answer.payload[n];
            n++;
        }
        product[n] = '\0';
    }
    if (ask(&talk, KL_MTI_REQ_FIRMWARE, NULL, 0, 2, ANSWER_NS, &answer) == KL_OK &&
        answer.len >= 3) {
        (void)snprintf(firmware, sizeof(firmware), "%u.%u.%u", answer.payload[0], answer.payload[1],
                       answer.payload[2]);
    }
    (void)snprintf(out, len, "%s, device %08lX, firmware %s", product, id, firmware);
    return measuring ? ask(&talk, KL_MTI_GOTO_MEASUREMENT, NULL, 0, TRIES, ANSWER_NS, &answer)
                     : KL_OK;
}

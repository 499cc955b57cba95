#include "devices/belt_query.h"

#include "devices/belt_stream.h"
#include "devices/conversation.h"
#include "devices/device_option.h"
#include "devices/units.h"

#include <stdio.h>
#include <string.h>

#define RATE_HZ 4.0     /* polling 2-5 Hz is what the makers' own clients do */
#define RATE_MAX_HZ 5.0 /* two questions and 10 bytes of answer at 4800 baud take 25 ms */
#define ANSWER_NS (KL_NS_PER_S / 2)
#define QUIET_NS (KL_NS_PER_S / 20)
#define TRIES 3
#define DIGITS 4
#define ANSWER_OF(question) ((uint8_t)((question) + 0x10))

enum { ERROR_FIRST = 0xBD, ERROR_LAST = 0xBF };

static const char *const unit_text[] = {"mph", "km/h", NULL};
static const double unit_m_s[] = {KL_MPH_M_S, KL_KMH_M_S};

int kl_belt_query_configure(struct kl_belt_query *query, const struct kl_belt_family *family,
                            const struct kl_device_config *config, struct kl_stream *out,
                            size_t cap, struct kl_fault *fault)
{
    static const struct kl_option_rule option = {
        .key = "unit", .kind = KL_RULE_WORD, .word = unit_text};
    double rate_hz = config->rate_hz != 0 ? config->rate_hz : RATE_HZ;
    if (cap < 1 || !(rate_hz >= 0.5 && rate_hz <= RATE_MAX_HZ)) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: %s: rate_hz %g; it can be asked 0.5 to %g",
                        config->name, family->driver, config->rate_hz, RATE_MAX_HZ);
    }
    if (config->stream_count > 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: %s names its stream itself; leave streams out", config->name,
                        family->driver);
    }
    double unit = family->default_unit != NULL ? 0 : -1;
    int status = kl_device_options(config, &option, &unit, 1, fault);
    if (status != KL_OK) {
        return status;
    }
    if (unit < 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: %s does not say its unit of speed: write unit: mph or unit: "
                        "km/h, as its console shows",
                        config->name, family->driver);
    }
    query->family = family;
    query->unit_m_s = unit_m_s[(size_t)unit];
    query->period_ns = kl_nanoseconds(1 / rate_hz);
    kl_belt_stream(config, rate_hz, false, out);
    return 1;
}

/* ------------------------------------------------------------ conversation */

static int put(struct kl_conversation *talk, enum kl_belt_question question)
{
    const uint8_t byte = (uint8_t)question;
    return kl_conversation_send(talk, &byte, 1);
}

/* Asks who it is; answers of others (late ones) are passed over. */
static int ask_who(const struct kl_belt_family *family, struct kl_link *link,
                   uint8_t answer[DIGITS])
{
    struct kl_conversation talk;
    int status = KL_ERR_TIMEOUT;
    kl_conversation_init(&talk, link, NULL, NULL);
    for (int i = 0; i < TRIES && (status == KL_ERR_TIMEOUT || status == KL_ERR_DATA); i++) {
        status = kl_conversation_flush(&talk, QUIET_NS);
        status = status == KL_OK ? put(&talk, family->who) : status;
        uint8_t head = 0;
        if (status == KL_OK) {
            status = kl_conversation_bytes(&talk, &head, 1, ANSWER_NS);
        }
        if (status == KL_OK && head != ANSWER_OF(family->who)) {
            status = KL_ERR_DATA;
        }
        if (status == KL_OK) {
            status = kl_conversation_bytes(&talk, answer, family->who_bytes, ANSWER_NS);
        }
        if (status == KL_OK && family->who_is_status && (answer[0] < 0x31 || answer[0] > 0x33)) {
            status = KL_ERR_DATA;
        }
    }
    return status;
}

int kl_belt_query_identify(const struct kl_belt_family *family, struct kl_link *link, char *out,
                           size_t len)
{
    static const char *const belt[] = {"belt stopped", "belt running with timer", "belt running"};
    uint8_t answer[DIGITS] = {0};
    int status = ask_who(family, link, answer);
    size_t digits = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        digits += answer[i] >= '0' && answer[i] <= '9';
    }
    if (status == KL_OK && !family->who_is_status && digits == DIGITS) {
        return KL_ERR_DATA; /* Trackmaster's set speed, not a firmware */
    }
    if (status == KL_OK && family->who_is_status) {
        (void)snprintf(out, len, "%s, %s", family->label, belt[answer[0] - 0x31]);
    } else if (status == KL_OK) {
        (void)snprintf(out, len, "%s, firmware %u.%u.%u.%u", family->label, answer[0], answer[1],
                       answer[2], answer[3]);
    }
    return status;
}

int kl_belt_query_start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_belt_query *query = state;
    uint8_t answer[DIGITS];
    query->next_ns = 0;
    query->ask_elevation = query->has_speed = query->gap = false;
    int status = ask_who(query->family, link, answer);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "%s: question %02X: expected %02X and %zu bytes, three times: %s; check "
                        "the cable (4800 baud) and that remote control is on",
                        query->family->driver, query->family->who, ANSWER_OF(query->family->who),
                        query->family->who_bytes, kl_status_text(status));
    }
    return KL_OK;
}

int kl_belt_query_stop(void *state, struct kl_link *link)
{
    (void)state;
    (void)link; /* it falls silent by itself; the belt is none of our business */
    return KL_OK;
}

int kl_belt_query_ask(void *state, int64_t now_ns, uint8_t *out, size_t cap, int64_t *wait_ns)
{
    struct kl_belt_query *query = state;
    int count = 0;
    if (cap > 0 && (query->next_ns == 0 || now_ns >= query->next_ns)) {
        *out = query->ask_elevation ? KL_BELT_ELEVATION : KL_BELT_SPEED;
        query->ask_elevation = !query->ask_elevation;
        int64_t due_ns = query->next_ns == 0 ? now_ns : query->next_ns;
        due_ns += query->period_ns / 2;
        query->next_ns = due_ns > now_ns ? due_ns : now_ns + query->period_ns / 2;
        count = 1;
    }
    int64_t left_ns = query->next_ns - now_ns;
    *wait_ns = left_ns < *wait_ns ? left_ns : *wait_ns;
    return count;
}

/* ----------------------------------------------------------------- answers */

/* Bytes of the answer that begins like this; 0: none does. */
static size_t answer_bytes(uint8_t head)
{
    if (head >= ERROR_FIRST && head <= ERROR_LAST) {
        return 1;
    }
    switch (head) {
    case ANSWER_OF(KL_BELT_STATUS):
        return 2;
    case ANSWER_OF(KL_BELT_SPEED):
    case ANSWER_OF(KL_BELT_ELEVATION):
        return 1 + DIGITS;
    default:
        return 0;
    }
}

enum kl_frame kl_belt_query_frame(const void *state, const uint8_t *buf, size_t len,
                                  size_t *frame_len)
{
    (void)state;
    size_t size = len > 0 ? answer_bytes(buf[0]) : 1;
    if (size == 0) {
        return KL_FRAME_INVALID;
    }
    for (size_t i = 1; size == 1 + DIGITS && i < size && i < len; i++) {
        if (buf[i] < '0' || buf[i] > '9') {
            return KL_FRAME_INVALID;
        }
    }
    if (len < size) {
        return KL_FRAME_NEED_MORE;
    }
    *frame_len = size;
    return KL_FRAME_VALID;
}

/* Four digits in tenths. */
static double tenths(const uint8_t *digit, size_t first)
{
    double value = 0;
    for (size_t i = first; i < DIGITS; i++) {
        value = value * 10 + (digit[i] - '0');
    }
    return value / 10;
}

static int take_speed(struct kl_belt_query *query, const uint8_t *digit)
{
    double sign = 1;
    if (query->family->reverse) {
        if (digit[0] != '0' && digit[0] != '3') {
            return KL_ERR_DATA;
        }
        sign = digit[0] == '3' ? -1 : 1;
    }
    query->gap |= query->has_speed; /* the elevation between them was lost */
    query->speed_m_s = sign * tenths(digit, query->family->reverse ? 1 : 0) * query->unit_m_s;
    query->has_speed = true;
    return 0;
}

int kl_belt_query_parse(void *state, const uint8_t *frame, size_t len, struct kl_sample *out,
                        size_t cap)
{
    struct kl_belt_query *query = state;
    if (cap < 1 || len < 1) {
        return KL_ERR_ARG;
    }
    if (frame[0] == ANSWER_OF(KL_BELT_SPEED) && len == 1 + DIGITS) {
        return take_speed(query, frame + 1);
    }
    if (frame[0] != ANSWER_OF(KL_BELT_ELEVATION) || len != 1 + DIGITS) {
        query->gap |= len == 1; /* BD, BE, BF: a question was not understood */
        return 0;
    }
    if (!query->has_speed) {
        query->gap = true;
        return 0;
    }
    *out = (struct kl_sample){.quality = query->gap ? KL_QUALITY_GAP : 0};
    out->value[0] = query->speed_m_s;
    out->value[1] = kl_grade_rad(tenths(frame + 1, 0));
    query->has_speed = query->gap = false;
    return 1;
}

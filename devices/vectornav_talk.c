/* The conversation with a VectorNav: find its speed, raise it when needed, ask for packets, put
 * everything back.
 *
 *   VNASY,0 pauses output   VNRRG,n reads register n   VNWRG,n,... writes it   VNASY,1 resumes
 *   register 1 model, 3 serial number, 4 firmware, 5 speed, 6 text output, 75 binary output 1
 *
 * All of it is volatile: VNWNV, which writes flash, is never sent. The answer to a command repeats
 * it; an error is "$VNERR,nn". The answer to a new speed still comes at the old one.
 */
#include "devices/conversation.h"
#include "devices/vectornav.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_NS (300 * KL_MS)
#define TRIES 3
#define QUIET_NS (50 * KL_MS) /* after the pause: what was on its way */
#define SPEED_TAKES_NS (100 * KL_MS)
#define FIRST_PACKET_NS (1000 * KL_MS)
#define USABLE 0.8       /* of the line's speed: above it packets are silently missing */
#define BITS_PER_BYTE 10 /* 8N1 */

/* What came back: the arguments after the number, as text. */
struct answer {
    char text[KL_VN_ARGUMENTS_MAX];
    unsigned error; /* of VNERR */
};

/* Does the line answer `word,number`? Its arguments go to out. */
static bool answers(const uint8_t *line, size_t len, const char *word, unsigned number, char *out)
{
    char text[KL_VN_LINE_MAX] = "";
    memcpy(text, line + 1, len - 1 < sizeof(text) ? len - 1 : sizeof(text) - 1);
    text[strcspn(text, "*")] = '\0';
    size_t word_len = strlen(word);
    if (strncmp(text, word, word_len) != 0 || text[word_len] != ',') {
        return false;
    }
    char *end = NULL;
    unsigned long found = strtoul(text + word_len + 1, &end, 10);
    if (found != number || (*end != ',' && *end != '\0')) {
        return false;
    }
    (void)snprintf(out, KL_VN_ARGUMENTS_MAX, "%.*s", KL_VN_ARGUMENTS_MAX - 1,
                   *end == ',' ? end + 1 : "");
    return true;
}

/* Waits for one answer. 2, 11 and 12 complain of output that was too much, not of the command. */
static int listen(struct kl_conversation *talk, const char *word, unsigned number,
                  struct answer *answer)
{
    int64_t left_ns = ANSWER_NS;
    for (;;) {
        const uint8_t *frame = NULL;
        size_t len = 0;
        double code = 0;
        int status = kl_conversation_next(talk, &left_ns, &frame, &len);
        if (status != KL_OK) {
            return status;
        }
        if (frame[0] != '$') {
            continue;
        }
        if (answers(frame, len, word, number, answer->text)) {
            return KL_OK;
        }
        if (len > 6 && memcmp(frame, "$VNERR", 6) == 0) {
            bool numbered = kl_vn_numbers(frame, len, &code, 1) == 1 && code >= 0 && code <= 255;
            answer->error = numbered ? (unsigned)code : 0;
            if (answer->error != 2 && answer->error != 11 && answer->error != 12) {
                return KL_ERR_DATA;
            }
        }
    }
}

/* Sends `word,number[,arguments]` up to `tries` times. @return KL_OK; KL_ERR_DATA: the device said
 * VNERR; KL_ERR_TIMEOUT; or what the link says */
static int ask(struct kl_conversation *talk, const char *word, unsigned number,
               const char *arguments, int tries, struct answer *answer)
{
    char text[KL_VN_LINE_MAX - 8];
    char bytes[KL_VN_LINE_MAX];
    *answer = (struct answer){.text = ""};
    /* VNASY,0 and VNASY,1 have one digit, registers two */
    (void)snprintf(text, sizeof(text), strcmp(word, "VNASY") == 0 ? "%s,%u%s%s" : "%s,%02u%s%s",
                   word, number, arguments[0] != '\0' ? "," : "", arguments);
    size_t len = kl_vn_command(text, bytes, sizeof(bytes));
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < tries && status == KL_ERR_TIMEOUT; i++) {
        status = kl_conversation_send(talk, bytes, len);
        if (status == KL_OK) {
            status = listen(talk, word, number, answer);
        }
    }
    return status;
}

static const char *error_text(unsigned code)
{
    static const char *const text[] = {
        "unknown error",         "hard fault",        "serial buffer overflow",
        "invalid checksum",      "invalid command",   "too few parameters",
        "too many parameters",   "invalid parameter", "invalid register",
        "unauthorised access",   "watchdog reset",    "output buffer overflow",
        "insufficient baud rate"};
    return code < sizeof(text) / sizeof(text[0]) ? text[code] : text[0];
}

/* The device's own word on what it did not do. */
static int refused(const struct kl_vn *state, const char *word, unsigned number,
                   const struct answer *answer, struct kl_fault *fault)
{
    return kl_fault(fault, KL_ERR_DATA,
                    "%s: $%s,%u: expected it repeated, the VectorNav answered $VNERR,%u (%s); "
                    "power it off and on and try again",
                    state->name, word, number, answer->error, error_text(answer->error));
}

/* ask, with a fault in words. */
static int request(const struct kl_vn *state, struct kl_conversation *talk, const char *word,
                   unsigned number, const char *arguments, struct answer *answer,
                   struct kl_fault *fault)
{
    int status = ask(talk, word, number, arguments, TRIES, answer);
    if (status == KL_OK) {
        return KL_OK;
    }
    if (status == KL_ERR_DATA) {
        return refused(state, word, number, answer, fault);
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(
            fault, status,
            "%s: $%s,%u: expected it repeated within 0.3 s, %d times nothing came; check "
            "the cable and that no other program uses the sensor",
            state->name, word, number, TRIES);
    }
    return kl_fault(fault, status, "%s: $%s,%u: %s", state->name, word, number,
                    kl_status_text(status));
}

/* ---------------------------------------------------------------------- speed */

/* Pauses the output at the speed the device is set to. */
static int find(struct kl_vn *state, struct kl_conversation *talk, struct kl_fault *fault)
{
    static const unsigned speed[] = {115200, 921600, 460800, 230400, 57600, 38400, 19200, 9600};
    struct kl_link *link = talk->link;
    struct answer answer = {.text = ""};
    int status = KL_ERR_TIMEOUT;
    if (link->ops->set_baud == NULL) {
        status = ask(talk, "VNASY", 0, "", TRIES, &answer);
    }
    for (size_t i = 0; link->ops->set_baud != NULL && i < sizeof(speed) / sizeof(speed[0]) &&
                       status == KL_ERR_TIMEOUT;
         i++) {
        if (state->baud != 0 && i > 0) {
            break; /* the lab file knows */
        }
        state->found_baud = state->baud != 0 ? state->baud : speed[i];
        status = link->ops->set_baud(link, state->found_baud);
        if (status == KL_OK) {
            status = kl_conversation_flush(talk, KL_MS);
        }
        if (status == KL_OK) {
            status = ask(talk, "VNASY", 0, "", i == 0 ? TRIES : 2, &answer);
        }
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(fault, status,
                        "%s: $VNASY,0: expected it repeated, nothing came at %s; check cable and "
                        "power, that no other program uses the sensor, and its baud",
                        state->name, state->baud != 0 ? "the baud of the lab file" : "any speed");
    }
    if (status != KL_OK) {
        return kl_fault(fault, status, "%s: $VNASY,0: %s", state->name,
                        status == KL_ERR_DATA ? error_text(answer.error) : kl_status_text(status));
    }
    state->paused = true;
    status = kl_conversation_flush(talk, QUIET_NS);
    return status == KL_OK ? KL_OK
                           : kl_fault(fault, status, "%s: %s", state->name, kl_status_text(status));
}

/* Both ends at another speed. The answer to it may be lost, and comes at either speed: what the
 * device says at the new one counts. */
static int change_speed(struct kl_vn *state, struct kl_conversation *talk, unsigned baud,
                        struct kl_fault *fault)
{
    const struct kl_link_ops *ops = talk->link->ops;
    unsigned before = state->found_baud;
    struct answer answer;
    char text[16];
    int status = KL_ERR_TIMEOUT;
    (void)snprintf(text, sizeof(text), "%u", baud);
    for (int i = 0; i < TRIES && status == KL_ERR_TIMEOUT; i++) {
        status = ask(talk, "VNWRG", 5, text, 1, &answer);
        if (status == KL_ERR_DATA) {
            return refused(state, "VNWRG", 5, &answer, fault);
        }
        if (status != KL_OK && status != KL_ERR_TIMEOUT) {
            break;
        }
        status = ops->set_baud(talk->link, baud);
        status = status == KL_OK ? kl_conversation_flush(talk, SPEED_TAKES_NS) : status;
        status = status == KL_OK ? ask(talk, "VNRRG", 1, "", 2, &answer) : status;
        if (status == KL_OK || status == KL_ERR_DATA) { /* an error is an answer */
            state->found_baud = baud;
            return KL_OK;
        } else if (status == KL_ERR_TIMEOUT) { /* it has not heard us */
            int back = ops->set_baud(talk->link, before);
            back = back == KL_OK ? kl_conversation_flush(talk, SPEED_TAKES_NS) : back;
            status = back == KL_OK ? status : back;
        }
    }
    return kl_fault(fault, status,
                    "%s: $VNWRG,5: expected an answer at %u baud: %s; set the speed with the "
                    "maker's tool",
                    state->name, baud, kl_status_text(status));
}

/* Does the line carry the packets? If not, the lowest speed that does. */
static int ensure_speed(struct kl_vn *state, struct kl_conversation *talk, struct kl_fault *fault)
{
    static const unsigned speed[] = {115200, 230400, 460800, 921600};
    size_t packet_len = 0;
    (void)kl_vn_mask(state, &packet_len);
    double needed = (double)packet_len * BITS_PER_BYTE * state->rate_hz / USABLE;
    if (state->found_baud == 0 || needed <= state->found_baud) {
        return KL_OK;
    }
    for (size_t i = 0; i < sizeof(speed) / sizeof(speed[0]); i++) {
        if (needed <= speed[i]) {
            state->before_baud = state->found_baud;
            return change_speed(state, talk, speed[i], fault);
        }
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "%s: %g Hz need %.0f baud, the VectorNav has at most 921600; lower rate_hz or "
                    "switch magnetometer or orientation off",
                    state->name, state->rate_hz, needed);
}

/* -------------------------------------------------------------------- output */

/* Waits for packets of ours and measures their distance. */
static int first_packets(const struct kl_vn *state, struct kl_conversation *talk, double *period_s)
{
    enum { PACKETS = 3 }; /* two distances: one may hold a lost packet */
    double wait_ns = 3e9 / state->rate_hz;
    int64_t left_ns = FIRST_PACKET_NS + (int64_t)wait_ns;
    uint64_t before_ns = 0;
    *period_s = HUGE_VAL;
    for (int i = 0; i < PACKETS;) {
        const uint8_t *frame = NULL;
        size_t len = 0;
        struct kl_vn_data data;
        int status = kl_conversation_next(talk, &left_ns, &frame, &len);
        if (status != KL_OK) {
            return status;
        }
        if (len < state->header_len || memcmp(frame, state->header, state->header_len) != 0 ||
            kl_vn_data(frame, len, &data) != KL_OK) {
            continue;
        }
        double step_s = (double)(data.startup_ns - before_ns) * 1e-9;
        *period_s = i > 0 && step_s < *period_s ? step_s : *period_s;
        before_ns = data.startup_ns;
        i++;
    }
    return KL_OK;
}

/* Packets on the port we are at: which of two it is, the sensor does not say. */
static int start_packets(struct kl_vn *state, struct kl_conversation *talk, unsigned base_hz,
                         struct kl_fault *fault)
{
    struct answer answer;
    size_t packet_len = 0;
    uint16_t mask = kl_vn_mask(state, &packet_len);
    const uint8_t header[KL_VN_HEADER_MAX] = {0xfa, 0x01, (uint8_t)mask, (uint8_t)(mask >> 8)};
    memcpy(state->header, header, sizeof(header));
    state->header_len = sizeof(header);
    double period_s = 0;
    int status = KL_ERR_TIMEOUT;
    for (unsigned mode = 1; mode <= 3 && status == KL_ERR_TIMEOUT; mode++) {
        char text[40];
        talk->cap = sizeof(talk->buf);
        (void)snprintf(text, sizeof(text), "%u,%ld,01,%04X", mode, lrint(base_hz / state->rate_hz),
                       (unsigned)mask);
        status = request(state, talk, "VNWRG", 75, text, &answer, fault);
        talk->cap = 1; /* what comes after the first packets belongs to the stream */
        if (status == KL_OK) {
            status = request(state, talk, "VNASY", 1, "", &answer, fault);
        }
        if (status != KL_OK) {
            return status;
        }
        status = first_packets(state, talk, &period_s);
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(
            fault, status,
            "%s: expected packets within 1 s of $VNASY,1 on port 1 or 2, none came; check "
            "that the sensor is not in another program's hands, power it off and on",
            state->name);
    }
    if (status == KL_OK && fabs(period_s * state->rate_hz - 1) > 0.2) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: asked for %g Hz, packets come at %.1f Hz; set rate_hz to what this "
                        "model can give",
                        state->name, state->rate_hz, 1 / period_s);
    }
    return status == KL_OK ? KL_OK
                           : kl_fault(fault, status, "%s: %s", state->name, kl_status_text(status));
}

/* The model, and from it the rate of its measurements. */
static int ask_model(const struct kl_vn *state, struct kl_conversation *talk, unsigned *base_hz,
                     struct kl_fault *fault)
{
    struct answer answer;
    int status = request(state, talk, "VNRRG", 1, "", &answer, fault);
    if (status != KL_OK) {
        return status;
    }
    *base_hz = strncmp(answer.text, "VN-3", 4) == 0 ? 400 : 800;
    double divisor = *base_hz / state->rate_hz;
    if (divisor < 1 || fabs(divisor - rint(divisor)) > 1e-6) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: rate_hz is %g; a %s gives %u Hz divided by a whole number",
                        state->name, state->rate_hz, answer.text, *base_hz);
    }
    return KL_OK;
}

static int set_output(struct kl_vn *state, struct kl_conversation *talk, struct kl_fault *fault)
{
    struct answer answer;
    unsigned base_hz = 0;
    int status = ask_model(state, talk, &base_hz, fault);
    if (status == KL_OK) {
        status = ensure_speed(state, talk, fault);
    }
    if (status == KL_OK) {
        status = request(state, talk, "VNRRG", 75, "", &answer, fault);
    }
    if (status == KL_OK && state->before_binary[0] == '\0') {
        memcpy(state->before_binary, answer.text, sizeof(answer.text));
    }
    if (status == KL_OK) {
        status = request(state, talk, "VNRRG", 6, "", &answer, fault);
    }
    if (status == KL_OK && state->before_ascii[0] == '\0') {
        memcpy(state->before_ascii, answer.text, sizeof(answer.text));
    }
    if (status == KL_OK) { /* at high rates it is what overloads the line */
        status = request(state, talk, "VNWRG", 6, "0", &answer, fault);
    }
    return status == KL_OK ? start_packets(state, talk, base_hz, fault) : status;
}

/* ------------------------------------------------------------- put back, ask */

/* Writes back what was read. @return the first failure; goes on as long as the link lives */
static int restore(struct kl_vn *state, struct kl_conversation *talk)
{
    struct answer answer;
    int status = KL_OK;
    talk->cap = sizeof(talk->buf);
    if (state->before_binary[0] != '\0') {
        status = ask(talk, "VNWRG", 75, state->before_binary, TRIES, &answer);
        if (status == KL_ERR_DATA) { /* what it reports when off it may not accept: stop it so */
            status = ask(talk, "VNWRG", 75, "0,8,01,0001", TRIES, &answer);
        }
    }
    if (state->before_ascii[0] != '\0') {
        int more = ask(talk, "VNWRG", 6, state->before_ascii, TRIES, &answer);
        status = status == KL_OK ? more : status;
    }
    if (state->before_baud != 0 && state->before_baud != state->found_baud) {
        int more = change_speed(state, talk, state->before_baud, NULL);
        status = status == KL_OK ? more : status;
    }
    if (state->paused) {
        int more = ask(talk, "VNASY", 1, "", TRIES, &answer);
        status = status == KL_OK ? more : status;
    }
    state->before_binary[0] = state->before_ascii[0] = '\0';
    state->before_baud = 0;
    state->paused = false;
    return status;
}

int kl_vn_start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_vn *state = self;
    struct kl_conversation talk;
    kl_counted_time_restart(&state->time);
    state->found_baud = 0;
    kl_conversation_init(&talk, link, kl_vn_frame, NULL);
    int status = find(state, &talk, fault);
    if (status == KL_OK) {
        status = set_output(state, &talk, fault);
    }
    if (status != KL_OK && state->paused) {
        (void)restore(state, &talk);
    }
    return status;
}

int kl_vn_stop(void *self, struct kl_link *link)
{
    struct kl_vn *state = self;
    struct kl_conversation talk;
    struct answer answer;
    if (!state->paused) {
        return KL_OK; /* never started, or put back already */
    }
    kl_conversation_init(&talk, link, kl_vn_frame, NULL);
    int status = ask(&talk, "VNASY", 0, "", TRIES, &answer);
    if (status == KL_OK) {
        status = kl_conversation_flush(&talk, QUIET_NS);
    }
    return status == KL_OK ? restore(state, &talk) : status;
}

int kl_vn_identify(struct kl_link *link, char *out, size_t len)
{
    static const unsigned speed[] = {115200, 921600};
    struct kl_conversation talk;
    struct answer model;
    struct answer serial;
    struct answer firmware;
    int status = KL_ERR_TIMEOUT;
    kl_conversation_init(&talk, link, kl_vn_frame, NULL);
    for (size_t i = 0; i < sizeof(speed) / sizeof(speed[0]) && status == KL_ERR_TIMEOUT; i++) {
        status = link->ops->set_baud != NULL ? link->ops->set_baud(link, speed[i]) : KL_OK;
        if (status == KL_OK) {
            status = ask(&talk, "VNRRG", 1, "", 2, &model);
        }
        if (link->ops->set_baud == NULL) {
            break;
        }
    }
    if (status != KL_OK) {
        return status;
    }
    (void)ask(&talk, "VNRRG", 3, "", 2, &serial);
    (void)ask(&talk, "VNRRG", 4, "", 2, &firmware);
    (void)snprintf(out, len, "%.24s, serial %.16s, firmware %.16s", model.text, serial.text,
                   firmware.text);
    return KL_OK;
}

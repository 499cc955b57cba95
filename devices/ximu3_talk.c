/* The conversation with an x-IMU3: ping, read what is set, set what differs, apply, check, put
 * back.
 *
 *   {"ping":null}       -> {"ping":{"interface":"USB","name":"x-IMU3","sn":"01234567"}}
 *   {"key":null}        -> {"key":value}
 *   {"key":value}       -> the same text, or {"key":{"error":"..."}}
 *   {"apply":null}      -> {"apply":null}; without it a setting takes effect after 2 s
 *
 * It streams all the while: data between a command and its answer are passed over. {"save":null},
 * which writes flash, is never sent: a power cycle restores the owner's settings at the latest.
 */
#include "devices/conversation.h"
#include "devices/ximu3.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PING_NS (200 * KL_MS)
#define PING_TRIES 5
#define ANSWER_NS (500 * KL_MS)
#define TRIES 3
#define FIRST_DATA_NS (1000 * KL_MS)
#define BITS_PER_BYTE 10 /* 8N1 */
#define USABLE 0.9       /* [P] of a serial line's speed */

/* Sends a command up to `tries` times. @param out  [KL_XIMU3_TEXT_MAX] the value, or the refusal
 * @return KL_OK; KL_ERR_RANGE: refused; KL_ERR_TIMEOUT; or what the link says */
static int ask(struct kl_conversation *talk, const char *key, const char *value, int tries,
               int64_t wait_ns, char *out)
{
    char text[128];
    size_t text_len = kl_ximu3_command(key, value, text, sizeof(text));
    int status = KL_ERR_TIMEOUT;
    out[0] = '\0';
    for (int i = 0; i < tries && status == KL_ERR_TIMEOUT; i++) {
        int64_t left_ns = wait_ns;
        const uint8_t *frame = NULL;
        size_t len = 0;
        status = kl_conversation_send(talk, text, text_len);
        while (status == KL_OK) {
            status = kl_conversation_next(talk, &left_ns, &frame, &len);
            if (status == KL_OK && frame[0] == '{') {
                int answer = kl_ximu3_answer(frame, len, key, out, KL_XIMU3_TEXT_MAX);
                if (answer == KL_OK || answer == KL_ERR_RANGE) {
                    return answer;
                }
            }
        }
    }
    return status;
}

/* ask, with a fault in words. */
static int request(const struct kl_ximu3 *state, struct kl_conversation *talk, const char *key,
                   const char *value, char *out, struct kl_fault *fault)
{
    int status = ask(talk, key, value, TRIES, ANSWER_NS, out);
    if (status == KL_OK) {
        return KL_OK;
    }
    if (status == KL_ERR_RANGE) {
        return kl_fault(fault, status,
                        "%s: {\"%s\":%s}: expected it repeated, the x-IMU3 answered \"%s\"; update "
                        "its firmware",
                        state->name, key, value, out);
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(fault, status,
                        "%s: {\"%s\":%s}: expected an answer within 0.5 s, %d times nothing came; "
                        "check the cable and that no other program uses the sensor",
                        state->name, key, value, TRIES);
    }
    return kl_fault(fault, status, "%s: {\"%s\":%s}: %s", state->name, key, value,
                    kl_status_text(status));
}

/* 1, 1.0 and 1.000000 are the same setting. */
static bool same_value(const char *a, const char *b)
{
    char *end_a = NULL;
    char *end_b = NULL;
    double x = strtod(a, &end_a);
    double y = strtod(b, &end_b);
    bool numbers = end_a != a && end_b != b && *end_a == '\0' && *end_b == '\0';
    return numbers ? x == y : strcmp(a, b) == 0;
}

/* A UART is slow: does it carry the messages? Other interfaces always do. */
static int check_speed(const struct kl_ximu3 *state, struct kl_conversation *talk, const char *ping,
                       struct kl_fault *fault)
{
    char interface[KL_XIMU3_TEXT_MAX] = "";
    char text[KL_XIMU3_TEXT_MAX];
    if (kl_ximu3_member((const uint8_t *)ping, strlen(ping), "interface", interface,
                        sizeof(interface)) != KL_OK ||
        (strstr(interface, "erial") == NULL && strstr(interface, "UART") == NULL)) {
        return KL_OK;
    }
    int status = request(state, talk, "serial_baud_rate", "null", text, fault);
    if (status != KL_OK) {
        return status;
    }
    double baud = strtod(text, NULL);
    double needed = (double)state->line_bytes * BITS_PER_BYTE;
    if (needed <= USABLE * baud) {
        return KL_OK;
    }
    return kl_fault(
        fault, KL_ERR_RANGE,
        "%s: %g Hz need %.0f bit/s, the serial line has %.0f; use USB, lower rate_hz or "
        "switch orientation off",
        state->name, state->rate_hz, needed, baud);
}

static int set_one(const struct kl_ximu3 *state, struct kl_conversation *talk,
                   struct kl_ximu3_setting *setting, struct kl_fault *fault)
{
    char text[KL_XIMU3_TEXT_MAX];
    int status = request(state, talk, setting->key, "null", text, fault);
    if (status != KL_OK || same_value(text, setting->wanted)) {
        return status;
    }
    if (!setting->changed) { /* not what we set before an unplugging */
        (void)snprintf(setting->before, sizeof(setting->before), "%.15s", text);
    }
    setting->changed = true; /* also when the answer gets lost */
    return request(state, talk, setting->key, setting->wanted, text, fault);
}

static int check_one(const struct kl_ximu3 *state, struct kl_conversation *talk,
                     const struct kl_ximu3_setting *setting, struct kl_fault *fault)
{
    char text[KL_XIMU3_TEXT_MAX];
    int status = request(state, talk, setting->key, "null", text, fault);
    if (status == KL_OK && !same_value(text, setting->wanted)) {
        return kl_fault(
            fault, KL_ERR_DATA,
            "%s: asked for %s %s, after apply the x-IMU3 says %.32s; power it off and on "
            "and try again",
            state->name, setting->key, setting->wanted, text);
    }
    return status;
}

static int apply_settings(struct kl_ximu3 *state, struct kl_conversation *talk,
                          struct kl_fault *fault)
{
    char text[KL_XIMU3_TEXT_MAX];
    int status = KL_OK;
    for (size_t i = 0; i < state->setting_count && status == KL_OK; i++) {
        status = set_one(state, talk, &state->setting[i], fault);
    }
    if (status == KL_OK) {
        status = request(state, talk, "apply", "null", text, fault);
    }
    for (size_t i = 0; i < state->setting_count && status == KL_OK; i++) {
        status = check_one(state, talk, &state->setting[i], fault);
    }
    return status;
}

/* Settings may be right and data still be switched off. */
static int await_data(const struct kl_ximu3 *state, struct kl_conversation *talk,
                      struct kl_fault *fault)
{
    double period_ns = 1e9 / state->rate_hz;
    int64_t left_ns = FIRST_DATA_NS + (int64_t)period_ns;
    struct kl_ximu3_message message = {.letter = '\0'};
    int status = KL_OK;
    talk->cap = 1; /* what comes after it belongs to the stream */
    while (status == KL_OK && message.letter != 'I') {
        const uint8_t *frame = NULL;
        size_t len = 0;
        status = kl_conversation_next(talk, &left_ns, &frame, &len);
        if (status == KL_OK && kl_ximu3_message(frame, len, &message) != KL_OK) {
            message.letter = '\0';
        }
    }
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(fault, status,
                        "%s: it answers, but sends no inertial message within 1 s; switch on its "
                        "data messages for this interface (usb_data_messages_enabled)",
                        state->name);
    }
    return status == KL_OK ? KL_OK
                           : kl_fault(fault, status, "%s: %s", state->name, kl_status_text(status));
}

/* Puts the owner's settings back. @return the first failure */
static int restore(struct kl_ximu3 *state, struct kl_conversation *talk)
{
    char text[KL_XIMU3_TEXT_MAX];
    int status = KL_OK;
    bool any = false;
    for (size_t i = 0; i < state->setting_count; i++) {
        struct kl_ximu3_setting *setting = &state->setting[i];
        if (setting->changed && status != KL_ERR_GONE) {
            int one = ask(talk, setting->key, setting->before, TRIES, ANSWER_NS, text);
            status = status == KL_OK ? one : status;
            setting->changed = one != KL_OK;
            any = true;
        }
    }
    if (any && status == KL_OK) {
        status = ask(talk, "apply", "null", TRIES, ANSWER_NS, text);
    }
    return status;
}

int kl_ximu3_start(void *self, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_ximu3 *state = self;
    struct kl_conversation talk;
    char ping[KL_XIMU3_TEXT_MAX];
    for (size_t s = 0; s < state->stream_count; s++) {
        kl_counted_time_restart(&state->stream[s].time);
    }
    kl_conversation_init(&talk, link, kl_ximu3_frame, NULL);
    int status = ask(&talk, "ping", "null", PING_TRIES, PING_NS, ping);
    if (status == KL_ERR_TIMEOUT) {
        return kl_fault(
            fault, status,
            "%s: {\"ping\":null}: expected an answer within 0.2 s, %d times nothing came; "
            "check that it is switched on, the cable, and that no other program uses it",
            state->name, PING_TRIES);
    }
    if (status != KL_OK) {
        return kl_fault(fault, status, "%s: {\"ping\":null}: %s", state->name,
                        status == KL_ERR_RANGE ? ping : kl_status_text(status));
    }
    status = check_speed(state, &talk, ping, fault);
    if (status == KL_OK) {
        status = apply_settings(state, &talk, fault);
    }
    if (status == KL_OK) {
        status = await_data(state, &talk, fault);
    }
    if (status != KL_OK) {
        talk.cap = sizeof(talk.buf);
        (void)restore(state, &talk);
    }
    return status;
}

int kl_ximu3_stop(void *self, struct kl_link *link)
{
    struct kl_conversation talk;
    kl_conversation_init(&talk, link, kl_ximu3_frame, NULL);
    return restore(self, &talk);
}

int kl_ximu3_identify(struct kl_link *link, char *out, size_t len)
{
    struct kl_conversation talk;
    char ping[KL_XIMU3_TEXT_MAX];
    char name[32] = "x-IMU3";
    char serial[24] = "?";
    char interface[16] = "?";
    kl_conversation_init(&talk, link, kl_ximu3_frame, NULL);
    int status = ask(&talk, "ping", "null", 2, PING_NS, ping);
    if (status != KL_OK) {
        return status == KL_ERR_RANGE ? KL_ERR_DATA : status;
    }
    const uint8_t *json = (const uint8_t *)ping;
    size_t json_len = strlen(ping);
    if (kl_ximu3_member(json, json_len, "sn", serial, sizeof(serial)) != KL_OK ||
        kl_ximu3_member(json, json_len, "name", name, sizeof(name)) != KL_OK ||
        kl_ximu3_member(json, json_len, "interface", interface, sizeof(interface)) != KL_OK) {
        return KL_ERR_DATA; /* something else that answers a ping */
    }
    (void)snprintf(out, len, "%s, serial %s, over %s", name, serial, interface);
    return KL_OK;
}

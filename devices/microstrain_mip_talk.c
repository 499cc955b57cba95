/* The conversation with a MicroStrain: find its speed, make it idle, ask for one message format,
 * put the format back.
 *
 *   01/01 ping      01/02 idle          01/03 who is it       01/06 resume
 *   0C/0E base rate 0C/0F message format 0C/11 stream on      (older models: 0C/06, 0C/08)
 *
 * Every command is answered by field F1 {command, code}, code 0: yes. Uncertain: the reply that
 * holds the format in force (8F, legacy 80), needed only to restore it. The device's flash is never
 * written. At stop the device is left idle with the message format it had.
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/microstrain_mip.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    SET_BASE = 0x01,
    SET_3DM = 0x0c,
    REPLY = 0xf1,
    REFUSED_UNKNOWN = 1,
};

#define ANSWER_NS (200 * KL_MS)
#define IDLE_NS (400 * KL_MS) /* five times: the 2 s that reluctant units need */

struct answer {
    int code;           /* of the F1 field */
    uint8_t descriptor; /* of the first field behind it; 0: none */
    uint8_t data[255];
    size_t len;
};

/* Does the packet answer the command? Data and stale answers do not. */
static bool answers(const uint8_t *packet, size_t len, uint8_t set, uint8_t command,
                    struct answer *out)
{
    struct kl_mip_field field;
    size_t at = KL_MIP_HEAD_BYTES;
    if (packet[2] != set || !kl_mip_next_field(packet, len, &at, &field) ||
        field.descriptor != REPLY || field.len != 2 || field.data[0] != command) {
        return false;
    }
    *out = (struct answer){.code = field.data[1]};
    if (kl_mip_next_field(packet, len, &at, &field)) {
        out->descriptor = field.descriptor;
        out->len = field.len;
        memcpy(out->data, field.data, field.len);
    }
    return true;
}

/* Sends one command (field: length, descriptor, data) until it is answered.
 * @return KL_OK (answer->code says yes or no), KL_ERR_TIMEOUT or the link's status */
static int ask(struct kl_conversation *talk, uint8_t set, const uint8_t *field, int tries,
               int64_t wait_ns, struct answer *answer)
{
    uint8_t packet[KL_MIP_HEAD_BYTES + 255 + KL_MIP_SUM_BYTES] = {0x75, 0x65, set, field[0]};
    memcpy(packet + KL_MIP_HEAD_BYTES, field, field[0]);
    kl_mip_checksum(packet, KL_MIP_HEAD_BYTES + (size_t)field[0],
                    packet + KL_MIP_HEAD_BYTES + field[0]);
    int status = KL_ERR_TIMEOUT;
    for (int i = 0; i < tries && status == KL_ERR_TIMEOUT; i++) {
        int64_t left_ns = wait_ns;
        const uint8_t *bytes = NULL;
        size_t len = 0;
        status = kl_conversation_send(talk, packet,
                                      KL_MIP_HEAD_BYTES + (size_t)field[0] + KL_MIP_SUM_BYTES);
        while (status == KL_OK) {
            status = kl_conversation_next(talk, &left_ns, &bytes, &len);
            if (status == KL_OK && answers(bytes, len, set, field[1], answer)) {
                return KL_OK;
            }
        }
    }
    return status;
}

static const char *code_text(int code)
{
    static const char *const text[] = {
        "yes",    "unknown command", "bad checksum", "not a valid parameter", "command failed",
        "timeout"};
    return code >= 0 && (size_t)code < COUNT(text) ? text[code] : "a code nobody documented";
}

/* One step of the handshake in words. @return KL_OK, or a status with *fault */
static int command(const struct kl_mip *self, struct kl_conversation *talk, const char *what,
                   uint8_t set, const uint8_t *field, struct answer *answer, struct kl_fault *fault)
{
    int status = ask(talk, set, field, 3, ANSWER_NS, answer);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: %s (%02X/%02X): expected an acknowledgement within 200 ms, got "
                        "%s three times; unplug it and plug it in again",
                        self->device, what, set, field[1], kl_status_text(status));
    }
    if (answer->code != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: %s (%02X/%02X): expected yes, the device answered %d (%s); "
                        "check the rate and the options against the model",
                        self->device, what, set, field[1], answer->code, code_text(answer->code));
    }
    return KL_OK;
}

static const uint8_t ping[] = {2, 0x01};
static const uint8_t idle[] = {2, 0x02};
static const uint8_t device_info[] = {2, 0x03};
static const uint8_t resume[] = {2, 0x06};

/* Speeds in the order of their likelihood; USB units answer at any. */
static int find_speed(struct kl_conversation *talk, int tries)
{
    static const unsigned speed[] = {KL_MIP_BAUD, 921600, 460800, 230400};
    struct answer answer;
    int status = ask(talk, SET_BASE, ping, tries, ANSWER_NS, &answer);
    for (size_t i = 1; i < COUNT(speed) && status == KL_ERR_TIMEOUT; i++) {
        struct kl_link *link = talk->link;
        if (link->ops->set_baud == NULL || link->ops->set_baud(link, speed[i]) < 0) {
            return KL_ERR_TIMEOUT;
        }
        kl_conversation_init(talk, link, kl_mip_frame, NULL);
        status = ask(talk, SET_BASE, ping, tries, ANSWER_NS, &answer);
    }
    return status;
}

/* @return KL_OK, or a status with *fault */
static int base_rate(struct kl_mip *self, struct kl_conversation *talk, double *base_hz,
                     struct kl_fault *fault)
{
    static const uint8_t ask_new[] = {3, 0x0e, KL_MIP_SET_SENSOR};
    static const uint8_t ask_legacy[] = {2, 0x06};
    struct answer answer = {0};
    int status = command(self, talk, "base rate", SET_3DM, ask_new, &answer, fault);
    self->legacy = status == KL_ERR_DATA && answer.code == REFUSED_UNKNOWN;
    if (self->legacy) {
        status = command(self, talk, "base rate", SET_3DM, ask_legacy, &answer, fault);
    }
    if (status != KL_OK) {
        return status;
    }
    size_t head = self->legacy ? 0 : 1; /* the set is echoed before the rate */
    if (answer.descriptor != (self->legacy ? 0x83 : 0x8e) || answer.len != head + 2) {
        return kl_fault(fault, KL_ERR_DATA,
                        "device %s: base rate (0C): expected field 8E (older models: 83), got %02X "
                        "of %zu bytes; this model speaks another protocol",
                        self->device, (unsigned)answer.descriptor, answer.len);
    }
    *base_hz = kl_u16_be(answer.data + head);
    double decimation = *base_hz / self->rate_hz;
    if (decimation >= 1 && fabs(decimation - rint(decimation)) < 1e-6) {
        return KL_OK;
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "device %s: rate %g Hz cannot be had: it must divide the unit's base rate of "
                    "%g Hz; take for example %g or %g Hz",
                    self->device, self->rate_hz, *base_hz, *base_hz / 2, *base_hz / 4);
}

/* Asks for the format in force, so that stop can bring it back. An answer of another shape is no
 * fault: the format is volatile, and a power cycle restores it. */
static int keep_format(struct kl_mip *self, struct kl_conversation *talk)
{
    static const uint8_t ask_new[] = {4, 0x0f, 2, KL_MIP_SET_SENSOR};
    static const uint8_t ask_legacy[] = {4, 0x08, 2, 0};
    struct answer answer = {0};
    self->kept_len = 0;
    int status = ask(talk, SET_3DM, self->legacy ? ask_legacy : ask_new, 2, ANSWER_NS, &answer);
    if (status != KL_OK) {
        return status == KL_ERR_TIMEOUT ? KL_OK : status;
    }
    size_t head = self->legacy ? 0 : 1; /* the set is echoed before the list */
    uint8_t descriptor = self->legacy ? 0x80 : 0x8f;
    if (answer.code == 0 && answer.descriptor == descriptor && answer.len > head &&
        answer.len == head + 1 + 3 * (size_t)answer.data[head] &&
        answer.len - head <= sizeof(self->kept)) {
        self->kept_len = answer.len - head;
        memcpy(self->kept, answer.data + head, self->kept_len);
    }
    return KL_OK;
}

/* The command that sets a format: list holds n, n x (descriptor, u16 decimation). */
static void format_command(const struct kl_mip *self, const uint8_t *list, size_t len,
                           uint8_t *field)
{
    size_t at = 0;
    field[at++] = 0;
    field[at++] = self->legacy ? 0x08 : 0x0f;
    field[at++] = 1; /* write */
    if (!self->legacy) {
        field[at++] = KL_MIP_SET_SENSOR;
    }
    memcpy(field + at, list, len);
    field[0] = (uint8_t)(at + len);
}

static int set_format(struct kl_mip *self, struct kl_conversation *talk, unsigned decimation,
                      struct kl_fault *fault)
{
    /* The best first; what a model does not know is left out, then the older time is asked for. */
    static const struct {
        uint8_t time;
        bool overrange;
    } attempt[] = {{KL_MIP_REFERENCE_TIME, true},
                   {KL_MIP_REFERENCE_TIME, false},
                   {KL_MIP_GPS_CORRELATED_TIME, false}};
    int status = KL_ERR_DATA;
    for (size_t a = self->legacy ? 2 : 0; a < COUNT(attempt) && status == KL_ERR_DATA; a++) {
        uint8_t wanted[6] = {attempt[a].time, KL_MIP_ACCEL, KL_MIP_GYRO};
        uint8_t list[1 + 3 * sizeof(wanted)] = {3};
        wanted[list[0]] = KL_MIP_MAG;
        list[0] = (uint8_t)(list[0] + (self->magnetometer ? 1 : 0));
        wanted[list[0]] = KL_MIP_QUATERNION;
        list[0] = (uint8_t)(list[0] + (self->orientation ? 1 : 0));
        wanted[list[0]] = KL_MIP_OVERRANGE;
        list[0] = (uint8_t)(list[0] + (attempt[a].overrange ? 1 : 0));
        for (size_t i = 0; i < list[0]; i++) {
            list[1 + 3 * i] = wanted[i];
            list[2 + 3 * i] = (uint8_t)(decimation >> 8);
            list[3 + 3 * i] = (uint8_t)decimation;
        }
        uint8_t field[4 + sizeof(list)];
        struct answer answer = {0};
        format_command(self, list, 1 + 3 * (size_t)list[0], field);
        self->reformatted = true;
        status = command(self, talk, "message format", SET_3DM, field, &answer, fault);
    }
    return status;
}

static int stream_on(const struct kl_mip *self, struct kl_conversation *talk,
                     struct kl_fault *fault)
{
    const uint8_t on[] = {5, 0x11, 1, self->legacy ? 1 : KL_MIP_SET_SENSOR, 1};
    struct answer answer = {0};
    int status = command(self, talk, "stream on", SET_3DM, on, &answer, fault);
    if (status == KL_OK) { /* some models stay idle until told; others need no second word */
        status = ask(talk, SET_BASE, resume, 2, ANSWER_NS, &answer);
        status = status == KL_ERR_TIMEOUT ? KL_OK : status;
    }
    return status;
}

static int make_idle(struct kl_conversation *talk)
{
    struct answer answer = {0};
    int status = ask(talk, SET_BASE, idle, 5, IDLE_NS, &answer);
    return status == KL_OK && answer.code != 0 ? KL_ERR_DATA : status;
}

int kl_mip_stop(void *state, struct kl_link *link)
{
    struct kl_mip *self = state;
    struct kl_conversation talk;
    struct answer answer = {0};
    if (!self->reached) {
        return KL_OK;
    }
    kl_conversation_init(&talk, link, kl_mip_frame, NULL);
    int status = make_idle(&talk);
    if (self->reformatted && self->kept_len > 0 && (status == KL_OK || status == KL_ERR_DATA)) {
        uint8_t field[4 + KL_MIP_FORMAT_MAX];
        format_command(self, self->kept, self->kept_len, field);
        int restored = ask(&talk, SET_3DM, field, 3, ANSWER_NS, &answer);
        restored = restored == KL_OK && answer.code != 0 ? KL_ERR_DATA : restored;
        status = status == KL_OK ? restored : status;
    }
    self->reached = false;
    self->reformatted = false;
    return status;
}

int kl_mip_start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_mip *self = state;
    struct kl_conversation talk;
    double base_hz = 0;
    kl_conversation_init(&talk, link, kl_mip_frame, NULL);
    kl_counted_time_restart(&self->time);
    int status = find_speed(&talk, 3);
    if (status != KL_OK) {
        return kl_fault(fault, status,
                        "device %s: ping (01/01): expected an acknowledgement at 115200, 921600, "
                        "460800 or 230400 baud, got %s; check the cable and the port",
                        self->device, kl_status_text(status));
    }
    self->reached = true;
    status = make_idle(&talk);
    if (status != KL_OK) {
        (void)kl_fault(fault, status,
                       "device %s: idle (01/02): expected an acknowledgement, got %s five times; "
                       "unplug it and plug it in again",
                       self->device, kl_status_text(status));
    }
    status = status == KL_OK ? base_rate(self, &talk, &base_hz, fault) : status;
    status = status == KL_OK ? keep_format(self, &talk) : status;
    status = status == KL_OK
                 ? set_format(self, &talk, (unsigned)lrint(base_hz / self->rate_hz), fault)
                 : status;
    status = status == KL_OK ? stream_on(self, &talk, fault) : status;
    if (status != KL_OK) {
        (void)kl_mip_stop(self, link);
    }
    return status;
}

/* Copies a space-padded text without its padding. */
static void trimmed(char *out, const uint8_t *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0')) {
        len--;
    }
    while (len > 0 && *text == ' ') {
        text++;
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = text[i] >= ' ' && text[i] < 0x7f ? (char)text[i] : '?';
    }
    out[len] = '\0';
}

int kl_mip_identify(struct kl_link *link, char *out, size_t len)
{
    enum { TEXT_BYTES = 16, INFO_BYTES = 2 + 5 * TEXT_BYTES };
    struct kl_conversation talk;
    struct answer answer = {0};
    kl_conversation_init(&talk, link, kl_mip_frame, NULL);
    int status = ask(&talk, SET_BASE, ping, 2, ANSWER_NS, &answer);
    status = status == KL_OK ? ask(&talk, SET_BASE, device_info, 2, ANSWER_NS, &answer) : status;
    if (status != KL_OK) {
        return status;
    }
    if (answer.code != 0 || answer.descriptor != 0x81 || answer.len < INFO_BYTES) {
        return KL_ERR_DATA;
    }
    char model[TEXT_BYTES + 1], serial[TEXT_BYTES + 1];
    trimmed(model, answer.data + 2, TEXT_BYTES);
    trimmed(serial, answer.data + 2 + 2 * TEXT_BYTES, TEXT_BYTES);
    (void)snprintf(out, len, "%s, serial %s, firmware %u", model, serial,
                   (unsigned)kl_u16_be(answer.data));
    return KL_OK;
}

/* The conversation with a Vernier Go Direct device: INIT, who is it, which sensors, period, START.
 *
 * Every command gets one answer, which repeats the command at byte 4 (not its counter);
 * measurements of a device that an earlier program left running, and answers it did not wait for,
 * may stand before it. Which commands and payloads: VernierST/godirect-py (facts only).
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/vernier_go_direct.h"

#include <stdio.h>
#include <string.h>

enum { COMMAND = 0x58, COMMAND_AT = 4, ANSWER_PAYLOAD = 6, TRIES = 2 };

enum command {
    CMD_STATUS = 0x10,
    CMD_START = 0x18,
    CMD_STOP = 0x19,
    CMD_INIT = 0x1a,
    CMD_PERIOD = 0x1b,
    CMD_SENSOR_INFO = 0x50,
    CMD_SENSOR_MASK = 0x51,
    CMD_DISCONNECT = 0x54,
    CMD_DEVICE_INFO = 0x55,
    CMD_DEFAULT_MASK = 0x56,
};

#define ANSWER_NS (2000 * KL_MS)
#define DRAIN_NS (20 * KL_MS)

struct question {
    const char *name;
    uint8_t command;
    const uint8_t *parameter;
    size_t len;
    size_t answer_min; /* bytes of the answer, header included */
};

static int send(struct kl_vernier *self, struct kl_conversation *talk,
                const struct question *question, struct kl_fault *fault)
{
    uint8_t report[KL_VERNIER_REPORT] = {0};
    uint8_t *packet = report + 1;
    size_t len = KL_VERNIER_HEAD + question->len;
    self->command_counter = question->command == CMD_INIT ? 0xfe : self->command_counter;
    packet[0] = COMMAND;
    packet[1] = (uint8_t)len;
    packet[2] = self->command_counter--;
    packet[4] = question->command;
    if (question->len > 0) {
        memcpy(packet + KL_VERNIER_HEAD, question->parameter, question->len);
    }
    packet[3] = kl_vernier_sum(packet, len);
    report[0] = (uint8_t)len;
    int sent = kl_conversation_send(talk, report, sizeof(report));
    return sent < 0 ? kl_fault(fault, sent, KL_VERNIER_NAME ": %s could not be sent: %s",
                               question->name, kl_status_text(sent))
                    : KL_OK;
}

static enum kl_frame report_frame(const void *state, const uint8_t *buf, size_t len,
                                  size_t *frame_len)
{
    (void)state;
    (void)buf;
    *frame_len = KL_VERNIER_REPORT;
    return len < KL_VERNIER_REPORT ? KL_FRAME_NEED_MORE : KL_FRAME_VALID;
}

static void begin(struct kl_conversation *talk, struct kl_link *link)
{
    kl_conversation_init(talk, link, report_frame, NULL);
    talk->cap = KL_VERNIER_REPORT; /* the first measurements belong to the stream */
}

/* The next packet that is no measurement, into self->packet. @return its length, or a negative
 * status. *measured: measurements came meanwhile */
static int receive(struct kl_vernier *self, struct kl_conversation *talk, int64_t *left_ns,
                   bool *measured)
{
    self->want = self->have = 0;
    for (;;) {
        const uint8_t *report = NULL;
        size_t len = 0;
        int status = kl_conversation_next(talk, left_ns, &report, &len);
        if (status != KL_OK) {
            return status;
        }
        if (!kl_vernier_continues(self, report, len) && !kl_vernier_begins(report, len)) {
            self->want = 0;
        } else if (kl_vernier_assemble(self, report, len)) {
            size_t whole = self->want;
            self->want = self->have = 0;
            if (self->packet[0] != KL_VERNIER_MEASUREMENT) {
                return (int)whole;
            }
            *measured = true;
        }
    }
}

/* Asks, and waits for the answer; another command's is passed over. @return KL_OK with the answer
 * in self->packet */
static int ask(struct kl_vernier *self, struct kl_conversation *talk,
               const struct question *question, bool *measured, struct kl_fault *fault)
{
    int got = KL_ERR_TIMEOUT;
    unsigned others = 0, other = 0;
    for (int attempt = 0; attempt < TRIES && got == KL_ERR_TIMEOUT; attempt++) {
        int64_t left_ns = ANSWER_NS;
        int status = send(self, talk, question, fault);
        if (status != KL_OK) {
            return status;
        }
        while ((got = receive(self, talk, &left_ns, measured)) >= 0 &&
               self->packet[COMMAND_AT] != question->command) {
            other = self->packet[COMMAND_AT];
            others++;
        }
    }
    if (got == KL_ERR_TIMEOUT && others > 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        KL_VERNIER_NAME
                        ": %s: expected an answer to command %02x, got one to %02x; switch the "
                        "device off and on",
                        question->name, question->command, other);
    }
    if (got < 0) {
        return kl_fault(fault, got,
                        KL_VERNIER_NAME ": no answer to %s: %s; press the button of the device",
                        question->name, kl_status_text(got));
    }
    self->sums_seen = true;
    self->sums_wrong |= kl_vernier_sum(self->packet, (size_t)got) != self->packet[3];
    if ((size_t)got < question->answer_min) {
        return kl_fault(
            fault, KL_ERR_DATA,
            KL_VERNIER_NAME ": %s: expected an answer of %zu bytes, got %d beginning %02x %02x",
            question->name, question->answer_min, got, self->packet[0], self->packet[1]);
    }
    return KL_OK;
}

static int ask_plain(struct kl_vernier *self, struct kl_conversation *talk, uint8_t command,
                     const char *name, size_t payload, struct kl_fault *fault)
{
    const struct question question = {name, command, NULL, 0, ANSWER_PAYLOAD + payload};
    bool measured;
    return ask(self, talk, &question, &measured, fault);
}

/* Its state. An answer that ends before the charge of the battery is no fault. */
static int ask_status(struct kl_vernier *self, struct kl_conversation *talk, struct kl_fault *fault)
{
    enum { CHARGE_AT = ANSWER_PAYLOAD + 10 };
    int status = ask_plain(self, talk, CMD_STATUS, "GET_STATUS", 0, fault);
    bool told = status == KL_OK && self->packet[1] > CHARGE_AT && self->packet[CHARGE_AT] <= 100;
    self->charge = told ? self->packet[CHARGE_AT] : -1;
    return status;
}

static int stop_measuring(struct kl_vernier *self, struct kl_conversation *talk,
                          struct kl_fault *fault)
{
    static const uint8_t parameter[] = {0xff, 0x00, 0xff, 0xff, 0xff, 0xff};
    const struct question question = {"STOP_MEASUREMENTS", CMD_STOP, parameter, sizeof(parameter),
                                      0};
    bool measured;
    return ask(self, talk, &question, &measured, fault);
}

/* The device may answer this one or be gone already. */
static int disconnect(struct kl_vernier *self, struct kl_conversation *talk)
{
    const struct question question = {"DISCONNECT", CMD_DISCONNECT, NULL, 0, 0};
    bool measured;
    int64_t left_ns = ANSWER_NS;
    int status = send(self, talk, &question, NULL);
    int got = status == KL_OK ? receive(self, talk, &left_ns, &measured) : status;
    return got < 0 && got != KL_ERR_TIMEOUT ? got : KL_OK;
}

static int init(struct kl_vernier *self, struct kl_conversation *talk, struct kl_fault *fault)
{
    static const uint8_t parameter[] = {0xa5, 0x4a, 0x06, 0x49, 0x07, 0x48, 0x08, 0x47, 0x09, 0x46,
                                        0x0a, 0x45, 0x0b, 0x44, 0x0c, 0x43, 0x0d, 0x42, 0x0e, 0x41};
    const struct question question = {"INIT", CMD_INIT, parameter, sizeof(parameter), 0};
    bool measured = false;
    /* answers that an earlier program did not wait for would be taken for ours */
    int status = kl_conversation_flush(talk, DRAIN_NS);
    if (status != KL_OK) {
        return kl_fault(fault, status, KL_VERNIER_NAME ": cannot be read: %s",
                        kl_status_text(status));
    }
    status = ask(self, talk, &question, &measured, fault);
    if (status == KL_OK && measured) { /* a crashed program left it measuring */
        status = stop_measuring(self, talk, fault);
        status = status == KL_OK ? ask(self, talk, &question, &measured, fault) : status;
    }
    return status;
}

/* Text fields are filled with zeros, or not ended at all. */
static void copy_text(const uint8_t *from, size_t len, char *out)
{
    size_t at = 0;
    while (at < len && from[at] >= ' ' && from[at] < 0x7f) {
        out[at] = (char)from[at];
        at++;
    }
    out[at] = '\0';
}

enum { INFO_BYTES = 64, TEXT_MAX = 61 };

int kl_vernier_identify(struct kl_link *link, char *out, size_t len)
{
    struct kl_conversation talk;
    struct kl_vernier self;
    char order[TEXT_MAX], serial[TEXT_MAX], name[TEXT_MAX];
    memset(&self, 0, sizeof(self));
    begin(&talk, link);
    int status = init(&self, &talk, NULL);
    if (status == KL_OK) {
        status = ask_plain(&self, &talk, CMD_DEVICE_INFO, "GET_DEVICE_INFO", INFO_BYTES, NULL);
    }
    if (status != KL_OK) {
        return status;
    }
    copy_text(self.packet + ANSWER_PAYLOAD, 16, order);
    copy_text(self.packet + ANSWER_PAYLOAD + 16, 16, serial);
    copy_text(self.packet + ANSWER_PAYLOAD + 32, 32, name);
    (void)snprintf(out, len, "Vernier %s, %s, serial %s", order, name, serial);
    return disconnect(&self, &talk) == KL_ERR_GONE ? KL_ERR_GONE : KL_OK;
}

/* Offsets of GET_SENSOR_INFO's payload. */
enum {
    SENSOR_SAMPLING = 7,
    SENSOR_TEXT = 8,
    SENSOR_TEXT_BYTES = 60,
    SENSOR_UNIT = 68,
    SENSOR_UNIT_BYTES = 32,
    SENSOR_LOW = 108,
    SENSOR_HIGH = 116,
    SENSOR_PERIOD_MIN = 124,
    SENSOR_EXCLUDES = 144,
    SENSOR_BYTES = 148,
};

static int check_sensor(struct kl_vernier *self, size_t s, size_t c, uint32_t wanted,
                        struct kl_fault *fault)
{
    const uint8_t *info = self->packet + ANSWER_PAYLOAD;
    unsigned sensor = self->sensor[s][c];
    char text[TEXT_MAX], unit[TEXT_MAX];
    copy_text(info + SENSOR_TEXT, SENSOR_TEXT_BYTES, text);
    copy_text(info + SENSOR_UNIT, SENSOR_UNIT_BYTES, unit);
    uint32_t period_min = kl_u32_le(info + SENSOR_PERIOD_MIN);
    uint32_t excluded = kl_u32_le(info + SENSOR_EXCLUDES) & wanted & ~(1u << sensor);
    if (self->force[s] && strcmp(unit, "N") != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        KL_VERNIER_NAME
                        ": sensor %u is \"%s\" in %s, but a plate needs N; choose another "
                        "input or kind: other",
                        sensor, text, unit);
    }
    if (info[SENSOR_SAMPLING] != 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        KL_VERNIER_NAME
                        ": sensor %u (\"%s\") does not sample regularly; choose another",
                        sensor, text);
    }
    if (self->period_us < period_min) {
        return kl_fault(fault, KL_ERR_RANGE,
                        KL_VERNIER_NAME
                        ": sensor %u (\"%s\") allows %g Hz at most, not %g; lower the rate",
                        sensor, text, 1e6 / period_min, 1e6 / self->period_us);
    }
    if (excluded != 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        KL_VERNIER_NAME
                        ": sensor %u (\"%s\") cannot run together with sensors %#x (bit per "
                        "number); choose one",
                        sensor, text, (unsigned)excluded);
    }
    double low = kl_f64_le(info + SENSOR_LOW);
    double high = kl_f64_le(info + SENSOR_HIGH);
    if (low < high) {
        self->low[s][c] = low;
        self->high[s][c] = high;
    }
    return KL_OK;
}

/* Which sensors there are, and whether the lab's are among them. *mask: bit per wanted sensor */
static int find_sensors(struct kl_vernier *self, struct kl_conversation *talk, uint32_t *mask,
                        struct kl_fault *fault)
{
    int status = ask_plain(self, talk, CMD_SENSOR_MASK, "GET_SENSOR_AVAILABLE_MASK", 4, fault);
    uint32_t available = kl_u32_le(self->packet + ANSWER_PAYLOAD);
    if (status == KL_OK && self->sensor[0][0] == KL_VERNIER_ANY_SENSOR) {
        status = ask_plain(self, talk, CMD_DEFAULT_MASK, "GET_DEFAULT_SENSORS_MASK", 4, fault);
        uint32_t usual = kl_u32_le(self->packet + ANSWER_PAYLOAD) & available;
        for (uint8_t i = 0; i < KL_VERNIER_SENSORS && status == KL_OK && usual != 0; i++) {
            if (usual >> i & 1u) {
                self->sensor[0][0] = i;
                break;
            }
        }
    }
    *mask = 0;
    for (size_t s = 0; s < self->stream_count && status == KL_OK; s++) {
        for (size_t c = 0; c < self->channels[s]; c++) {
            unsigned sensor = self->sensor[s][c];
            if (sensor >= KL_VERNIER_SENSORS || (available >> sensor & 1u) == 0) {
                return kl_fault(fault, KL_ERR_DATA,
                                KL_VERNIER_NAME
                                ": the device has no sensor %u; it has %#x (bit per number)",
                                sensor, (unsigned)available);
            }
            *mask |= 1u << sensor;
        }
    }
    return status;
}

static int check_sensors(struct kl_vernier *self, struct kl_conversation *talk, uint32_t mask,
                         struct kl_fault *fault)
{
    int status = KL_OK;
    for (size_t s = 0; s < self->stream_count && status == KL_OK; s++) {
        for (size_t c = 0; c < self->channels[s] && status == KL_OK; c++) {
            const struct question question = {"GET_SENSOR_INFO", CMD_SENSOR_INFO,
                                              &self->sensor[s][c], 1,
                                              ANSWER_PAYLOAD + SENSOR_BYTES};
            bool measured;
            status = ask(self, talk, &question, &measured, fault);
            status = status == KL_OK ? check_sensor(self, s, c, mask, fault) : status;
        }
    }
    return status;
}

static int start_measuring(struct kl_vernier *self, struct kl_conversation *talk, uint32_t mask,
                           struct kl_fault *fault)
{
    uint8_t period[10] = {0xff, 0x00};
    uint8_t begin[14] = {0xff, 0x01};
    for (unsigned i = 0; i < 4; i++) {
        period[2 + i] = (uint8_t)(self->period_us >> (8 * i));
        begin[2 + i] = (uint8_t)(mask >> (8 * i));
    }
    const struct question set = {"SET_MEASUREMENT_PERIOD", CMD_PERIOD, period, sizeof(period), 0};
    const struct question go = {"START_MEASUREMENTS", CMD_START, begin, sizeof(begin), 0};
    bool measured;
    int status = ask(self, talk, &set, &measured, fault);
    return status == KL_OK ? ask(self, talk, &go, &measured, fault) : status;
}

int kl_vernier_stop(void *state, struct kl_link *link)
{
    struct kl_conversation talk;
    struct kl_vernier *self = state;
    begin(&talk, link);
    int status = stop_measuring(self, &talk, NULL);
    if (status != KL_ERR_GONE) {
        (void)disconnect(self, &talk);
    }
    return status;
}

int kl_vernier_start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_conversation talk;
    struct kl_vernier *self = state;
    uint32_t mask = 0;
    self->sums_seen = self->sums_wrong = self->checked = false;
    begin(&talk, link);
    int status = init(self, &talk, fault);
    if (status == KL_OK) {
        status = ask_status(self, &talk, fault);
    }
    if (status == KL_OK) {
        status = ask_plain(self, &talk, CMD_DEVICE_INFO, "GET_DEVICE_INFO", 0, fault);
    }
    if (status == KL_OK) {
        status = find_sensors(self, &talk, &mask, fault);
    }
    if (status == KL_OK) {
        status = check_sensors(self, &talk, mask, fault);
    }
    if (status == KL_OK) {
        status = start_measuring(self, &talk, mask, fault);
    }
    for (size_t s = 0; s < self->stream_count; s++) {
        self->pending[s] = self->index[s] > 0 ? KL_QUALITY_GAP : 0;
        self->index[s] = 0;
    }
    self->checked = self->sums_seen && !self->sums_wrong;
    self->want = self->have = 0;
    self->has_counter = false;
    self->agreed = 0;
    if (status != KL_OK && status != KL_ERR_GONE && status != KL_ERR_TIMEOUT) {
        (void)kl_vernier_stop(self, link);
    }
    return status;
}

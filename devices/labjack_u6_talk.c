/* The conversation with a LabJack U6: commands and answers on their own bulk pipes.
 *
 *   B0 StreamStop   A8 StreamStart   F8 .. 11 StreamConfig   F8 .. 08 ConfigU6   F8 .. 2D ReadCal
 *
 * Documents: LabJack U6 datasheet 5.2 (low-level functions), 5.3 (errors); labjack/exodriver.
 */
#include "devices/bytes.h"
#include "devices/conversation.h"
#include "devices/labjack_u6.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    ANSWER_IN = 0x82, /* endpoint */
    CAL_BLOCKS = 4,   /* constants 0..15: slopes, offsets and centres of the stream's converter */
    CAL_VALUES = 4,   /* per block */
    TRIES = 3,
    EXTENDED = 0xf8,
    STREAM_NOT_RUNNING = 52, /* error code */
};

#define COMMAND_NS (1000 * KL_MS) /* as the maker's library */
#define DRAIN_NS (20 * KL_MS)

static const double slope_tolerance = 0.05; /* a unit further away is damaged or never calibrated */
static const double centre_tolerance = 500.0; /* counts */

/* Fills the header of an extended command whose data stand at byte 6 and on. */
static void seal(uint8_t *command, size_t len, uint8_t number)
{
    unsigned sum = kl_labjack_sum(command, 6, len);
    command[1] = EXTENDED;
    command[2] = (uint8_t)((len - 6) / 2);
    command[3] = number;
    command[4] = (uint8_t)(sum & 0xff);
    command[5] = (uint8_t)(sum >> 8);
    command[0] = kl_labjack_fold8(kl_labjack_sum(command, 1, 6));
}

static const char *error_text(unsigned code)
{
    static const struct {
        unsigned code;
        const char *text;
    } row[] = {
        {48, "a stream is running already"},
        {49, "scan list refused"},
        {50, "stream configuration refused"},
        {52, "no stream is running"},
        {54, "converter buffer overflow"},
        {55, "scans overlap: lower the rate or use fewer channels"},
        {56, "samples per packet refused"},
        {57, "range refused"},
        {58, "scan rate refused"},
        {97, "an analog line is configured as digital"},
        {98, "a digital line is configured as analog"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (row[i].code == code) {
            return row[i].text;
        }
    }
    return "see the datasheet, section 5.3";
}

/* What a command is, for sending it and for saying what failed. */
struct question {
    const char *name;
    const uint8_t *command;
    size_t len;
    size_t answer_len;
    size_t error_at; /* byte of the answer that tells the error */
    bool once;       /* not to be repeated when no answer came */
};

enum { ANSWER_GOOD = 1, ANSWER_RESEND = 2, ANSWER_OTHER = 3 };

static int judge(const struct question *question, const uint8_t *answer, size_t len)
{
    if (len >= 2 && answer[0] == 0xb8 && answer[1] == 0xb8) {
        return ANSWER_RESEND; /* the device saw a bad checksum */
    }
    bool extended = question->command[1] == EXTENDED;
    bool fits = len == question->answer_len &&
                (extended ? answer[1] == EXTENDED && answer[3] == question->command[3] &&
                                kl_labjack_sealed(answer, len)
                          : answer[1] == (uint8_t)(question->command[1] + 1) &&
                                kl_labjack_fold8(kl_labjack_sum(answer, 1, len)) == answer[0]);
    return fits ? ANSWER_GOOD : ANSWER_OTHER;
}

/* Sends a command and waits for its answer. Something else (an answer that an earlier program left
 * behind) is passed over. @return the answer's error code, or a negative status with *fault */
static int ask(struct kl_link *link, const struct question *question,
               uint8_t answer[KL_LABJACK_PACKET_MAX], struct kl_fault *fault)
{
    uint8_t command[KL_LABJACK_PACKET_MAX];
    int got = 0;
    memset(answer, 0, KL_LABJACK_PACKET_MAX);
    for (int attempt = 0; attempt < TRIES; attempt++) {
        memcpy(command, question->command, question->len);
        int sent =
            link->ops->transfer(link, KL_LABJACK_COMMAND_OUT, command, question->len, COMMAND_NS);
        if (sent < 0) {
            return kl_fault(fault, sent, KL_LABJACK_NAME ": %s could not be sent: %s",
                            question->name, kl_status_text(sent));
        }
        int verdict = ANSWER_OTHER;
        for (int reads = 0; reads < TRIES && verdict == ANSWER_OTHER; reads++) {
            got = link->ops->transfer(link, ANSWER_IN, answer, KL_LABJACK_PACKET_MAX, COMMAND_NS);
            if (got < 0 && got != KL_ERR_TIMEOUT) {
                return kl_fault(fault, got, KL_LABJACK_NAME ": no answer to %s: %s", question->name,
                                kl_status_text(got));
            }
            if (got <= 0) {
                break;
            }
            verdict = judge(question, answer, (size_t)got);
        }
        if (verdict == ANSWER_GOOD) {
            return answer[question->error_at];
        }
        if (question->once && verdict != ANSWER_RESEND) {
            break;
        }
    }
    if (got <= 0) {
        return kl_fault(fault, KL_ERR_TIMEOUT,
                        KL_LABJACK_NAME
                        ": no answer to %s within 1 s; unplug the device and plug it in again",
                        question->name);
    }
    return kl_fault(
        fault, KL_ERR_DATA,
        KL_LABJACK_NAME ": %s: expected an answer of %zu bytes, got %d beginning %02x %02x %02x "
                        "%02x; unplug the device and plug it in again",
        question->name, question->answer_len, got, answer[0], answer[1], answer[2], answer[3]);
}

/* The same, and any error code is a fault. */
static int ask_well(struct kl_link *link, const struct question *question,
                    uint8_t answer[KL_LABJACK_PACKET_MAX], struct kl_fault *fault)
{
    int code = ask(link, question, answer, fault);
    if (code > 0) {
        return kl_fault(fault, KL_ERR_DATA, KL_LABJACK_NAME ": %s: the device answers error %d: %s",
                        question->name, code, error_text((unsigned)code));
    }
    return code;
}

static const uint8_t stop_command[] = {0xb0, 0xb0};
static const uint8_t start_command[] = {0xa8, 0xa8};

/* @return KL_OK also when no stream ran */
static int stop_stream(struct kl_link *link, struct kl_fault *fault)
{
    const struct question question = {"StreamStop", stop_command, 2, 4, 2, false};
    uint8_t answer[KL_LABJACK_PACKET_MAX];
    int code = ask(link, &question, answer, fault);
    if (code > 0 && code != STREAM_NOT_RUNNING) {
        return kl_fault(fault, KL_ERR_DATA,
                        KL_LABJACK_NAME ": StreamStop: the device answers error %d: %s", code,
                        error_text((unsigned)code));
    }
    return code < 0 ? code : KL_OK;
}

/* What an earlier stream left in the pipe. */
static int drain(struct kl_link *link)
{
    struct kl_conversation talk;
    kl_conversation_init(&talk, link, NULL, NULL);
    return kl_conversation_flush(&talk, DRAIN_NS);
}

/* ConfigU6, read only. */
static int read_identity(struct kl_link *link, uint8_t answer[KL_LABJACK_PACKET_MAX],
                         struct kl_fault *fault)
{
    uint8_t command[26] = {0};
    seal(command, sizeof(command), 0x08);
    const struct question question = {"ConfigU6", command, sizeof(command), 38, 6, false};
    return ask_well(link, &question, answer, fault);
}

int kl_labjack_identify(struct kl_link *link, char *out, size_t len)
{
    uint8_t answer[KL_LABJACK_PACKET_MAX];
    int status = read_identity(link, answer, NULL);
    if (status != KL_OK) {
        return status;
    }
    (void)snprintf(out, len, "LabJack U6%s, firmware %u.%02u, serial %u",
                   (answer[37] & 8) != 0 ? "-Pro" : "", (unsigned)answer[10], (unsigned)answer[9],
                   (unsigned)kl_u32_le(answer + 15));
    return KL_OK;
}

static double fixed_point(const uint8_t *p)
{
    return (double)(int64_t)kl_u64_le(p) / 4294967296.0;
}

static int read_calibration(struct kl_labjack *self, struct kl_link *link, struct kl_fault *fault)
{
    double constant[CAL_BLOCKS * CAL_VALUES];
    for (size_t block = 0; block < CAL_BLOCKS; block++) {
        uint8_t command[8] = {0};
        uint8_t answer[KL_LABJACK_PACKET_MAX];
        command[7] = (uint8_t)block;
        seal(command, sizeof(command), 0x2d);
        const struct question question = {"ReadCal", command, sizeof(command), 40, 6, false};
        int status = ask_well(link, &question, answer, fault);
        if (status != KL_OK) {
            return status;
        }
        for (size_t i = 0; i < CAL_VALUES; i++) {
            constant[block * CAL_VALUES + i] = fixed_point(answer + 8 + 8 * i);
        }
    }
    const struct kl_labjack_calibration nominal = kl_labjack_nominal(self->range);
    const struct kl_labjack_calibration found = {.slope = constant[2 * self->range],
                                                 .negative = constant[8 + 2 * self->range],
                                                 .centre = constant[8 + 2 * self->range + 1]};
    if (!(fabs(found.slope / nominal.slope - 1) < slope_tolerance &&
          fabs(found.negative / nominal.negative - 1) < slope_tolerance &&
          fabs(found.centre - nominal.centre) < centre_tolerance)) {
        return kl_fault(fault, KL_ERR_DATA,
                        KL_LABJACK_NAME
                        ": calibration memory of the +-%g V range says %g, %g V/count about %g; "
                        "expected %g, %g about %g within 5 %%: have the unit calibrated, or set "
                        "calibration: nominal",
                        kl_labjack_range_v[self->range], found.slope, found.negative, found.centre,
                        nominal.slope, nominal.negative, nominal.centre);
    }
    self->calibration = found;
    return KL_OK;
}

static int configure_stream(const struct kl_labjack *self, struct kl_link *link,
                            struct kl_fault *fault)
{
    uint8_t command[KL_LABJACK_PACKET_MAX + KL_LABJACK_CHANNELS_MAX] = {0};
    uint8_t answer[KL_LABJACK_PACKET_MAX];
    size_t channels = self->scan.slot_count;
    size_t len = 14 + 2 * channels;
    command[6] = (uint8_t)channels;
    command[7] = 1; /* resolution: the fastest */
    command[8] = (uint8_t)self->samples;
    command[10] = self->settling;
    command[11] = self->clock_bits;
    command[12] = (uint8_t)(self->interval & 0xff);
    command[13] = (uint8_t)(self->interval >> 8);
    for (size_t i = 0; i < channels; i++) {
        bool digital = self->scan.input[i] == KL_LABJACK_DIGITAL_INPUT;
        command[14 + 2 * i] = self->scan.input[i];
        command[15 + 2 * i] =
            digital ? 0 : (uint8_t)((self->differential ? 0x80u : 0u) | self->range << 4);
    }
    seal(command, len, 0x11);
    const struct question question = {"StreamConfig", command, len, 8, 6, false};
    return ask_well(link, &question, answer, fault);
}

int kl_labjack_stop(void *state, struct kl_link *link)
{
    (void)state;
    int status = stop_stream(link, NULL);
    return status == KL_OK ? drain(link) : status;
}

int kl_labjack_start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    struct kl_labjack *self = state;
    uint8_t answer[KL_LABJACK_PACKET_MAX];
    if (link->ops->transfer == NULL) {
        return kl_fault(fault, KL_ERR_ARG, KL_LABJACK_NAME ": needs a USB link");
    }
    int status = stop_stream(link, fault); /* a crashed program leaves the stream running */
    if (status == KL_OK && (status = drain(link)) != KL_OK) {
        return kl_fault(fault, status, KL_LABJACK_NAME ": the stream endpoint cannot be read: %s",
                        kl_status_text(status));
    }
    if (status == KL_OK) {
        status = read_identity(link, answer, fault);
    }
    if (status == KL_OK && !self->nominal) {
        status = read_calibration(self, link, fault);
    }
    if (status == KL_OK) {
        status = configure_stream(self, link, fault);
    }
    if (status != KL_OK) {
        return status;
    }
    kl_analog_scan_reset(&self->scan);
    self->filled = 0;
    self->torn = self->has_counter = self->recovering = false;
    const struct question question = {"StreamStart", start_command, 2, 4, 2, true};
    status = ask_well(link, &question, answer, fault);
    if (status != KL_OK) {
        (void)stop_stream(link, NULL); /* it may have started nevertheless */
    }
    return status;
}

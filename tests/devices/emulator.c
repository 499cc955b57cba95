#include "emulator.h"

#include <math.h>
#include <string.h>

void emulator_break(struct emulator *self, enum emulator_fault fault, uint64_t after,
                    uint64_t count)
{
    bool of_commands = fault >= EMULATOR_WRONG_ANSWER;
    self->fault = fault;
    self->fault_at = after + (of_commands ? self->commands : self->frames);
    self->fault_count = count;
}

static enum emulator_fault fault_of(const struct emulator *self, uint64_t number)
{
    bool faulty = number >= self->fault_at && number - self->fault_at < self->fault_count;
    return faulty ? self->fault : EMULATOR_SOUND;
}

static void put(struct emulator *self, const void *bytes, size_t len)
{
    if (len <= sizeof(self->out) - self->out_len) { /* a full buffer loses, as in a device */
        memcpy(self->out + self->out_len, bytes, len);
        self->out_len += len;
    }
}

void emulator_send(struct emulator *self, const void *bytes, size_t len)
{
    if (!self->mute) {
        put(self, bytes, len);
    }
}

void emulator_frame(struct emulator *self, const void *bytes, size_t len, int64_t now_ns)
{
    static const uint8_t garbage[] = {0xfa, 0xff, 0x36, 0x7b, 0x22, 0xc9, 0x00, 0x24, 0x56, 0x4e};
    uint8_t frame[EMULATOR_FRAME_MAX];
    size_t place = self->damage_place > 0 ? self->damage_place : 2; /* the last may be an end */
    memcpy(frame, bytes, len);
    switch (fault_of(self, self->frames++)) {
    case EMULATOR_BAD_CHECKSUM:
        frame[len - place] ^= self->damage_mask > 0 ? self->damage_mask : 0x10;
        break;
    case EMULATOR_DROPPED_FRAME:
        return;
    case EMULATOR_CUT_FRAME:
        len--;
        memmove(frame + len / 2, frame + len / 2 + 1, len - len / 2);
        break;
    case EMULATOR_GARBAGE:
        put(self, garbage, sizeof(garbage));
        break;
    case EMULATOR_STALL:
        self->stalled_until_ns = now_ns + (self->stall_ns > 0 ? self->stall_ns : KL_NS_PER_S);
        break;
    case EMULATOR_HANG_UP:
        self->gone = true;
        break;
    default:
        break;
    }
    put(self, frame, len);
}

enum emulator_fault emulator_command(struct emulator *self)
{
    enum emulator_fault fault = fault_of(self, self->commands++);
    self->mute = fault == EMULATOR_LOST_ANSWER;
    return fault == EMULATOR_WRONG_ANSWER || fault == EMULATOR_NO_ANSWER ? fault : EMULATOR_SOUND;
}

void emulator_answer(struct emulator *self, const char *text)
{
    enum emulator_fault fault = emulator_command(self);
    text = fault == EMULATOR_WRONG_ANSWER ? "Failure: what?\n$$$\r\n\r\n" : text;
    if (fault != EMULATOR_NO_ANSWER) {
        emulator_send(self, text, strlen(text));
    }
}

void emulator_stream(struct emulator *self, double rate_hz, int64_t now_ns)
{
    self->rate_hz = rate_hz;
    self->begun_ns = now_ns;
    self->next = 0;
}

static void speak(struct emulator *self, int64_t now_ns)
{
    if (self->speak != NULL) {
        self->speak(self, now_ns);
        return;
    }
    while (self->rate_hz > 0) {
        uint8_t frame[EMULATOR_FRAME_MAX];
        double age_ns = (double)(now_ns - self->begun_ns - self->first_due_ns);
        if ((double)self->next * 1e9 / self->rate_hz > age_ns * (1 + self->drift_ppm * 1e-6)) {
            break;
        }
        size_t len = self->sample(self, self->next++, frame);
        emulator_frame(self, frame, len, now_ns);
    }
}

int emulator_take(struct emulator *self, uint8_t *buf, size_t cap, int64_t now_ns)
{
    if (!self->gone) {
        speak(self, now_ns);
    }
    if (now_ns < self->stalled_until_ns) {
        return 0;
    }
    if (self->out_len == 0 && self->gone) {
        return KL_ERR_GONE;
    }
    size_t take = self->out_len < cap ? self->out_len : cap;
    memcpy(buf, self->out, take);
    self->out_len -= take;
    memmove(self->out, self->out + take, self->out_len);
    return (int)take;
}

static int line_in(void *self, uint8_t endpoint, uint8_t *buf, size_t cap, int64_t now_ns)
{
    (void)endpoint;
    return emulator_take(self, buf, cap, now_ns);
}

static int line_out(void *self_, uint8_t endpoint, const uint8_t *bytes, size_t len, int64_t now_ns)
{
    struct emulator *self = self_;
    (void)endpoint;
    if (self->gone) {
        return KL_ERR_GONE;
    }
    speak(self, now_ns); /* what was due before it heard */
    self->heard |= len > 0;
    if (self->hear != NULL) {
        self->hear(self, bytes, len, now_ns);
    }
    self->mute = false;
    return (int)len;
}

const struct emulator_ops emulator_ops = {.out = line_out, .in = line_in};

int64_t emulator_clock(const struct emulator *self, int64_t now_ns)
{
    return now_ns + llround((double)now_ns * self->drift_ppm * 1e-6);
}

float emulator_value(uint64_t index, unsigned c)
{
    return (float)(0.9 * sin(0.05 * (double)(index % 100000) + c) + 0.001 * c);
}

#include "toy_device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TICK_NS 100000
#define HEAD_BYTES 7 /* a5, length, stream, u32 time */
#define SUM_BYTES 2

struct toy_state {
    struct toy toy;
    uint64_t next[TOY_STREAMS_MAX];
    bool after_gap[TOY_STREAMS_MAX];
};

int64_t toy_time(const struct toy_stream *stream, uint64_t index)
{
    return KL_EPOCH_NS + stream->first_ns + kl_nanoseconds((double)index / stream->rate_hz);
}

double toy_value(size_t s, uint64_t index, size_t c)
{
    return (double)s * 1000 + (double)c * 10 + (double)(index % 997) + 0.1;
}

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    struct toy_state *self = state;
    self->toy = *(const struct toy *)config;
    if (self->toy.stream_count > cap) {
        return kl_fault(fault, KL_ERR_RANGE, "toy: %zu streams", self->toy.stream_count);
    }
    for (size_t s = 0; s < self->toy.stream_count; s++) {
        const struct toy_stream *stream = &self->toy.stream[s];
        out[s] = (struct kl_stream){
            .kind = KL_KIND_OTHER,
            .format = stream->format,
            .rate_hz = stream->rate_hz,
            .channel_count = stream->channels,
        };
        (void)snprintf(out[s].name, sizeof(out[s].name), "%s", stream->name);
    }
    return (int)self->toy.stream_count;
}

static int events(void *state, struct kl_event *out, size_t cap)
{
    const struct toy_state *self = state;
    for (size_t i = 0; i < self->toy.event_count && i < cap; i++) {
        out[i] = self->toy.event[i];
    }
    return (int)self->toy.event_count;
}

/* The stream whose next sample is the earliest. */
static size_t earliest(const struct toy_state *self)
{
    size_t best = 0;
    for (size_t s = 1; s < self->toy.stream_count; s++) {
        if (toy_time(&self->toy.stream[s], self->next[s]) <
            toy_time(&self->toy.stream[best], self->next[best])) {
            best = s;
        }
    }
    return best;
}

static int generate(void *state, int64_t until_ns, struct kl_sample *out, size_t cap)
{
    struct toy_state *self = state;
    const struct toy *toy = &self->toy;
    size_t count = 0;
    while (count < cap) {
        size_t s = earliest(self);
        int64_t t_ns = toy_time(&toy->stream[s], self->next[s]);
        if (t_ns >= until_ns) {
            break;
        }
        if (toy->fails_ns > 0 && t_ns >= toy->fails_ns) {
            return count > 0 ? (int)count : KL_ERR_GONE;
        }
        uint64_t index = self->next[s]++;
        if (t_ns >= toy->gap_from_ns && t_ns < toy->gap_until_ns) {
            self->after_gap[s] = true;
            continue;
        }
        struct kl_sample *sample = &out[count++];
        sample->stream = s;
        sample->device_ns = t_ns;
        sample->quality = self->after_gap[s] ? KL_QUALITY_GAP : 0;
        self->after_gap[s] = false;
        for (size_t c = 0; c < toy->stream[s].channels; c++) {
            sample->value[c] = toy_value(s, index, c);
        }
    }
    return (int)count;
}

const struct kl_driver toy_generator = {
    .name = "toy_generator",
    .label = "generator of known values",
    .time_meaning = KL_TIME_SESSION,
    .state_size = sizeof(struct toy_state),
    .stream_max = TOY_STREAMS_MAX,
    .configure = configure,
    .generate = generate,
    .events = events,
};

/* ------------------------------------------------------------------ framed */

static void fletcher(const uint8_t *buf, size_t len, uint8_t out[SUM_BYTES])
{
    unsigned a = 0, b = 0;
    for (size_t i = 0; i < len; i++) {
        a = (a + buf[i]) & 0xff;
        b = (b + a) & 0xff;
    }
    out[0] = (uint8_t)a;
    out[1] = (uint8_t)b;
}

size_t toy_frame_write(const struct toy *toy, size_t stream, uint64_t index,
                       uint8_t out[TOY_FRAME_MAX])
{
    size_t at = HEAD_BYTES;
    uint32_t ticks = (uint32_t)((toy_time(&toy->stream[stream], index) - KL_EPOCH_NS) / TICK_NS);
    for (size_t c = 0; c < toy->stream[stream].channels; c++) {
        unsigned raw = (uint16_t)(int16_t)lrint(toy_value(stream, index, c));
        out[at++] = (uint8_t)(raw & 0xff);
        out[at++] = (uint8_t)(raw >> 8);
    }
    out[0] = 0xa5;
    out[1] = (uint8_t)(at + SUM_BYTES - 2);
    out[2] = (uint8_t)stream;
    for (unsigned i = 0; i < 4; i++) {
        out[3 + i] = (uint8_t)(ticks >> (8 * i));
    }
    fletcher(out, at, out + at);
    return at + SUM_BYTES;
}

static enum kl_frame frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    if (len > 0 && buf[0] != 0xa5) {
        return KL_FRAME_INVALID;
    }
    if (len < 2) {
        return KL_FRAME_NEED_MORE;
    }
    size_t whole = (size_t)buf[1] + 2;
    if (whole < HEAD_BYTES + SUM_BYTES || whole > TOY_FRAME_MAX) {
        return KL_FRAME_INVALID;
    }
    if (len < whole) {
        return KL_FRAME_NEED_MORE;
    }
    uint8_t sum[SUM_BYTES];
    fletcher(buf, whole - SUM_BYTES, sum);
    if (memcmp(sum, buf + whole - SUM_BYTES, SUM_BYTES) != 0) {
        return KL_FRAME_INVALID;
    }
    *frame_len = whole;
    return KL_FRAME_VALID;
}

static int parse(void *state, const uint8_t *buf, size_t len, struct kl_sample *out, size_t cap)
{
    const struct toy_state *self = state;
    size_t channels = (len - HEAD_BYTES - SUM_BYTES) / 2;
    if (cap < 1 || buf[2] >= self->toy.stream_count ||
        channels != self->toy.stream[buf[2]].channels) {
        return KL_ERR_DATA;
    }
    uint32_t ticks = 0;
    for (unsigned i = 0; i < 4; i++) {
        ticks |= (uint32_t)buf[3 + i] << (8 * i);
    }
    *out = (struct kl_sample){.stream = buf[2], .device_ns = (int64_t)ticks * TICK_NS};
    for (size_t c = 0; c < channels; c++) {
        const uint8_t *p = buf + HEAD_BYTES + 2 * c;
        out->value[c] = (double)(int16_t)(uint16_t)(p[0] | (unsigned)p[1] << 8);
    }
    return 1;
}

static int start(void *state, struct kl_link *link, struct kl_fault *fault)
{
    (void)state;
    (void)link;
    (void)fault;
    return KL_OK;
}

static int stop(void *state, struct kl_link *link)
{
    (void)state;
    (void)link;
    return KL_OK;
}

const struct kl_driver toy_framed = {
    .name = "toy_framed",
    .label = "frames of known values",
    .time_meaning = KL_TIME_COUNTER,
    .state_size = sizeof(struct toy_state),
    .stream_max = TOY_STREAMS_MAX,
    .configure = configure,
    .start = start,
    .stop = stop,
    .frame = frame,
    .parse = parse,
};

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct toy_link *self = (struct toy_link *)link;
    size_t left = self->len - self->at;
    size_t take = left < self->chunk ? left : self->chunk;
    take = take < cap ? take : cap;
    if (take == 0 && !self->stays) {
        return KL_ERR_GONE;
    }
    if (take == 0) {
        const struct timespec pause = {.tv_nsec = (long)(wait_ns % KL_NS_PER_S)};
        (void)nanosleep(&pause, NULL);
        return 0;
    }
    memcpy(buf, self->bytes + self->at, take);
    self->at += take;
    return (int)take;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)link;
    (void)buf;
    (void)wait_ns;
    return (int)len;
}

void toy_link_init(struct toy_link *link, const uint8_t *bytes, size_t len, size_t chunk)
{
    static const struct kl_link_ops ops = {.read = link_read, .write = link_write};
    *link = (struct toy_link){.link = {.ops = &ops}, .bytes = bytes, .len = len, .chunk = chunk};
}

#include "app/lab_reading.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define WAIT_NS INT64_C(100000000)
#define START_S 8.0           /* configuring the slowest device (Shimmer over Bluetooth) */
#define REFUSED_S 3.0         /* a device that shows a fault for so long will not come */
#define SETTLE_NS KL_NS_PER_S /* after somebody stepped on */

static double monotonic_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void add(struct kl_reading_window *window, const double *value, size_t channels)
{
    window->samples++;
    for (size_t c = 0; c < channels; c++) {
        double step = value[c] - window->mean[c];
        window->mean[c] += step / (double)window->samples;
        window->square[c] += step * (value[c] - window->mean[c]);
    }
}

/* Is a plate's channel within 0.1 % of its rail, as the lab file has it? */
static bool is_at_rail(const struct kl_stream *stream, const double *value)
{
    for (size_t c = 0; stream->kind == KL_KIND_FORCE && c < stream->channel_count; c++) {
        double rail = stream->plate.full_scale[c];
        if (rail > 0 && fabs(value[c]) >= 0.999 * rail) {
            return true;
        }
    }
    return false;
}

static void take_block(struct kl_reading *reading, const struct kl_block *block, double seconds)
{
    struct kl_reading_stream *stream = &reading->stream[block->stream];
    size_t channels = stream->stream->channel_count;
    stream->last_s = monotonic_s();
    if (stream->samples == 0) {
        stream->first_s = stream->last_s;
        stream->first_block = block->count;
    }
    for (size_t i = 0; i < block->count; i++) {
        const double *value = block->value + i * channels;
        int64_t t_ns = block->t_ns[i];
        if (stream->samples++ == 0) {
            stream->first_ns = t_ns;
            stream->rest.until_ns = t_ns + kl_nanoseconds(seconds);
        }
        stream->last_ns = t_ns;
        stream->clipped +=
            (block->quality[i] & KL_QUALITY_CLIPPED) != 0 || is_at_rail(stream->stream, value);
        if ((block->quality[i] & KL_QUALITY_INVALID) != 0) {
            stream->invalid++;
        } else if (t_ns < stream->rest.until_ns) {
            add(&stream->rest, value, channels);
        } else if (t_ns >= stream->standing.until_ns - kl_nanoseconds(seconds) &&
                   t_ns < stream->standing.until_ns) {
            add(&stream->standing, value, channels);
        }
    }
}

/* A listening in progress. */
struct listening {
    struct kl_reading *reading;
    const struct kl_reading_wish *wish;
    const size_t *lab_device; /* of each device of the hub */
    struct kl_hub *hub;
    bool fast;
    double began_s;
};

static bool has_window(const struct kl_reading_stream *stream,
                       const struct kl_reading_window *window)
{
    /* the last sample may be a period early */
    return stream->samples > 0 && window->until_ns > 0 &&
           (double)(window->until_ns - stream->last_ns) <= 1.5e9 / stream->stream->rate_hz;
}

static bool is_refused(const struct listening *listening, size_t device)
{
    struct kl_hub_device shown[KL_LAB_DEVICES];
    size_t count = kl_hub_devices(listening->hub, shown, KL_LAB_DEVICES);
    for (size_t i = 0; i < count; i++) {
        if (listening->lab_device[i] == device) {
            return shown[i].fault.text[0] != '\0';
        }
    }
    return false;
}

/* Is there nothing more to wait for in this window? */
static bool is_over(const struct listening *listening, bool standing)
{
    const struct kl_reading *reading = listening->reading;
    double passed_s = monotonic_s() - listening->began_s;
    if (passed_s > listening->wish->seconds + START_S) {
        return true;
    }
    for (size_t i = 0; i < reading->stream_count; i++) {
        const struct kl_reading_stream *stream = &reading->stream[i];
        bool wanted = !standing || stream->stream->kind == KL_KIND_FORCE;
        bool done = has_window(stream, standing ? &stream->standing : &stream->rest);
        bool refused = !done && passed_s > REFUSED_S && is_refused(listening, stream->device);
        if (wanted && !done && !refused) {
            return false;
        }
    }
    return true;
}

static void open_standing(struct kl_reading *reading, double seconds)
{
    int64_t newest_ns = 0;
    for (size_t i = 0; i < reading->stream_count; i++) {
        newest_ns = reading->stream[i].last_ns > newest_ns ? reading->stream[i].last_ns : newest_ns;
    }
    for (size_t i = 0; i < reading->stream_count; i++) {
        reading->stream[i].standing.until_ns = newest_ns + SETTLE_NS + kl_nanoseconds(seconds);
    }
}

static int listen_to(struct listening *listening, struct kl_source *source, struct kl_fault *fault)
{
    struct kl_reading *reading = listening->reading;
    const struct kl_reading_wish *wish = listening->wish;
    enum { REST, STEPPING_ON, STANDING } window = REST;
    struct kl_item item;
    int answer = KL_SOURCE_IDLE;
    listening->began_s = monotonic_s();
    while (answer >= 0 && answer != KL_SOURCE_END) {
        answer = kl_source_next(source, WAIT_NS, &item, fault);
        if (answer == KL_SOURCE_ITEM && item.kind == KL_ITEM_BLOCK) {
            take_block(reading, &item.block, wish->seconds);
        }
        if (window == REST && is_over(listening, false)) {
            window = STEPPING_ON;
        }
        if (window == STEPPING_ON && wish->stands == NULL) {
            break;
        }
        if (window == STEPPING_ON && (listening->fast || wish->stands(wish->self))) {
            open_standing(reading, wish->seconds);
            listening->began_s = monotonic_s();
            window = STANDING;
        }
        if (window == STANDING && is_over(listening, true)) {
            break;
        }
    }
    return answer < 0 ? answer : KL_OK;
}

/* Adds the devices that are there. @return how many, or a negative status */
static int plug(const struct kl_lab *lab, const bool *there, struct kl_hub *hub,
                size_t lab_device[KL_LAB_DEVICES], struct kl_reading *out, bool *fast,
                struct kl_fault *fault)
{
    int count = 0;
    *fast = true;
    for (size_t i = 0; i < lab->device_count; i++) {
        const struct kl_lab_device *device = &lab->device[i];
        if (!there[i]) {
            continue;
        }
        int index = kl_hub_add_at(hub, device->name, device->driver, kl_lab_device_config(device),
                                  &device->choice, fault);
        if (index < 0) {
            return index;
        }
        *fast = *fast && device->driver->generate != NULL;
        lab_device[count++] = i;
        for (size_t s = 0; s < device->stream_count && out->stream_count < KL_STREAMS_MAX; s++) {
            out->stream[out->stream_count++] =
                (struct kl_reading_stream){.stream = &device->stream[s], .device = i};
        }
    }
    return count;
}

int kl_lab_reading(const struct kl_lab *lab, const bool *there, const struct kl_reading_wish *wish,
                   struct kl_reading *out, struct kl_fault *fault)
{
    size_t lab_device[KL_LAB_DEVICES] = {0};
    struct kl_hub_device shown[KL_LAB_DEVICES];
    bool fast = false;
    memset(out, 0, sizeof(*out));
    struct kl_hub *hub = kl_hub_create();
    if (hub == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    int status = plug(lab, there, hub, lab_device, out, &fast, fault);
    if (status > 0) {
        struct listening listening = {
            .reading = out, .wish = wish, .lab_device = lab_device, .hub = hub, .fast = fast};
        struct kl_source *source = kl_hub_start(hub, fast, fast ? 2 * wish->seconds + 2 : 0, fault);
        status = source != NULL ? listen_to(&listening, source, fault) : KL_ERR_IO;
    }
    size_t count = kl_hub_devices(hub, shown, KL_LAB_DEVICES);
    for (size_t i = 0; i < count; i++) {
        out->device[lab_device[i]] = shown[i];
    }
    kl_hub_destroy(hub);
    return status < 0 ? status : KL_OK;
}

double kl_reading_rate_hz(const struct kl_lab *lab, const struct kl_reading_stream *stream)
{
    const struct kl_driver *driver = lab->device[stream->device].driver;
    bool by_device = driver->generate != NULL ||
                     (driver->time_meaning == KL_TIME_COUNTER && driver->time_of == NULL);
    double span_s = by_device ? kl_seconds(stream->last_ns - stream->first_ns)
                              : stream->last_s - stream->first_s;
    uint64_t steps = stream->samples - (by_device ? 1 : stream->first_block);
    return stream->samples > 1 && span_s > 0 ? (double)steps / span_s : 0;
}

double kl_reading_sd(const struct kl_reading_window *window, size_t channel)
{
    return window->samples > 1 ? sqrt(window->square[channel] / (double)(window->samples - 1)) : 0;
}

void kl_reading_wrench(const struct kl_stream *stream, const struct kl_reading_window *window,
                       double wrench[KL_WRENCH_COUNT])
{
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        wrench[i] = 0;
        for (size_t c = 0; c < stream->channel_count && c < KL_PLATE_CHANNELS_MAX; c++) {
            wrench[i] += stream->plate.matrix[i][c] * window->mean[c];
        }
    }
}

double kl_reading_fy_sd(const struct kl_stream *stream, const struct kl_reading_window *window)
{
    double variance = 0;
    for (size_t c = 0; c < stream->channel_count && c < KL_PLATE_CHANNELS_MAX; c++) {
        double sd_n = stream->plate.matrix[KL_FY][c] * kl_reading_sd(window, c);
        variance += sd_n * sd_n;
    }
    return sqrt(variance);
}

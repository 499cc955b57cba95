#include "process/belt_speed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BELTS 4
#define WINDOW_MAX 512 /* samples; of a faster stream the newest */
/* The median is looked at so often: a treadmill's own pace, whatever a lab streams. */
#define LOOK_NS (KL_NS_PER_S / 10)
#define SEEN_MIN_NS (KL_BELT_WINDOW_NS / 2) /* of less nothing is said */

/* The first median that is a change may be of the middle of it: a window later it is not. */
#define SETTLE_NS (KL_BELT_WINDOW_NS + LOOK_NS)

/* One channel's last second. */
struct window {
    size_t stream, channels, channel;
    bool incline;
    size_t capacity, head, count; /* ring: newest at head - 1 */
    int64_t *t_ns;
    double *value;
};

struct kl_belt_speed {
    size_t windows;
    struct window window[2 * BELTS];
    bool has_incline;
    bool streams;      /* a belt has streamed: the three below hold */
    int64_t since_ns;  /* its first sample, or the first after a silence */
    int64_t newest_ns; /* its newest sample */
    int64_t look;      /* LOOK_NS slot of the newest look */
    bool told;         /* the speed below has been */
    int64_t settle_ns; /* when what was told in the middle of a change is told exactly; 0: it was */
    double speed_m_s, slope_rad;
    double sorted[WINDOW_MAX];
};

static bool open_window(struct kl_belt_speed *belt, const struct kl_stream *stream, size_t index,
                        size_t channel, bool incline)
{
    if (belt->windows == sizeof(belt->window) / sizeof(belt->window[0])) {
        return true;
    }
    double samples = ceil(stream->rate_hz * kl_seconds(KL_BELT_WINDOW_NS)) + 1;
    struct window *window = &belt->window[belt->windows++];
    window->stream = index;
    window->channels = stream->channel_count;
    window->channel = channel;
    window->incline = incline;
    belt->has_incline = belt->has_incline || incline;
    window->capacity = samples < WINDOW_MAX ? (size_t)samples : WINDOW_MAX;
    window->t_ns = calloc(window->capacity, sizeof(*window->t_ns));
    window->value = calloc(window->capacity, sizeof(*window->value));
    return window->t_ns != NULL && window->value != NULL;
}

struct kl_belt_speed *kl_belt_speed_create(const struct kl_stream *streams, size_t count)
{
    struct kl_belt_speed *belt = calloc(1, sizeof(*belt));
    for (size_t i = 0; belt != NULL && i < count; i++) {
        for (size_t c = 0; streams[i].kind == KL_KIND_TREADMILL && c < streams[i].channel_count;
             c++) {
            bool incline = strcmp(streams[i].label[c], "incline") == 0;
            bool speed = strncmp(streams[i].label[c], "belt speed", strlen("belt speed")) == 0;
            if ((incline || speed) && !open_window(belt, &streams[i], i, c, incline)) {
                kl_belt_speed_destroy(belt);
                return NULL;
            }
        }
    }
    return belt;
}

void kl_belt_speed_destroy(struct kl_belt_speed *belt)
{
    for (size_t w = 0; belt != NULL && w < belt->windows; w++) {
        free(belt->window[w].t_ns);
        free(belt->window[w].value);
    }
    free(belt);
}

/* ------------------------------------------------------------------- median */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of what is not older than the window. @return false: nothing is */
static bool median(struct kl_belt_speed *belt, const struct window *window, int64_t now_ns,
                   double *out)
{
    size_t count = 0;
    for (size_t i = 1; i <= window->count; i++) {
        size_t at = (window->head + window->capacity - i) % window->capacity;
        if (window->t_ns[at] > now_ns - KL_BELT_WINDOW_NS) {
            belt->sorted[count++] = window->value[at];
        }
    }
    if (count == 0) {
        return false;
    }
    qsort(belt->sorted, count, sizeof(belt->sorted[0]), by_value);
    *out = belt->sorted[(count - 1) / 2]; /* of two the lower: no speed that the belt never had */
    return true;
}

/* Mean of what the belts tell: all inclines, or the speeds of those that move: a runner on one of
 * two belts leaves the other standing. @return false: none tells */
static bool mean(struct kl_belt_speed *belt, bool incline, int64_t now_ns, double *out)
{
    double sum = 0;
    size_t told = 0;
    size_t counted = 0;
    for (size_t w = 0; w < belt->windows; w++) {
        double one = 0;
        if (belt->window[w].incline != incline || !median(belt, &belt->window[w], now_ns, &one)) {
            continue;
        }
        told++;
        /* below the least change it is a tachometer's noise; backwards is no running */
        if (incline || one >= KL_BELT_CHANGE_M_S) {
            sum += one;
            counted++;
        }
    }
    if (told > 0) {
        *out = counted > 0 ? sum / (double)counted : 0;
    }
    return told > 0;
}

static bool look(struct kl_belt_speed *belt, int64_t t_ns, struct kl_event *event)
{
    double speed = 0;
    double slope = belt->slope_rad; /* as entered, of a treadmill that does not tell it */
    if (!mean(belt, false, t_ns, &speed)) {
        return false;
    }
    (void)mean(belt, true, t_ns, &slope);
    bool stops = speed == 0 && belt->speed_m_s > 0;
    bool changed = !belt->told || stops || fabs(speed - belt->speed_m_s) > KL_BELT_CHANGE_M_S ||
                   fabs(slope - belt->slope_rad) > KL_BELT_CHANGE_RAD;
    bool settled = belt->settle_ns != 0 && t_ns >= belt->settle_ns;
    if (changed) {
        belt->settle_ns = t_ns + SETTLE_NS;
    } else if (settled) {
        belt->settle_ns = 0;
        changed = speed != belt->speed_m_s || slope != belt->slope_rad;
    }
    if (!changed) {
        return false;
    }
    belt->told = true;
    belt->speed_m_s = speed;
    belt->slope_rad = slope;
    *event = (struct kl_event){
        .kind = KL_EVENT_SPEED, .t_ns = t_ns, .value = {speed, slope}, .text = ""};
    return true;
}

/* ------------------------------------------------------------------ samples */

/* @return whether it was a belt's speed */
static bool take(struct kl_belt_speed *belt, const struct kl_block *block, size_t i, int64_t t_ns)
{
    const uint32_t unfit = (uint32_t)KL_QUALITY_INVALID | (uint32_t)KL_QUALITY_STALE;
    bool speed = false;
    for (size_t w = 0; w < belt->windows; w++) {
        struct window *window = &belt->window[w];
        if (window->stream != block->stream || (block->quality[i] & unfit) != 0) {
            continue;
        }
        double value = block->value[i * window->channels + window->channel];
        if (!isfinite(value)) {
            continue;
        }
        window->t_ns[window->head] = t_ns;
        window->value[window->head] = value;
        window->head = (window->head + 1) % window->capacity;
        window->count += window->count < window->capacity;
        speed = speed || !window->incline;
    }
    return speed;
}

bool kl_belt_speed_step(struct kl_belt_speed *belt, const struct kl_block *block, size_t i,
                        int64_t t_ns, struct kl_event *event)
{
    if (!take(belt, block, i, t_ns)) {
        return false;
    }
    if (!belt->streams || t_ns > belt->newest_ns + KL_BELT_SILENT_NS) {
        belt->since_ns = t_ns;
    }
    belt->streams = true;
    belt->newest_ns = t_ns;
    int64_t slot = t_ns / LOOK_NS;
    if (slot == belt->look || t_ns < belt->since_ns + SEEN_MIN_NS) {
        return false;
    }
    belt->look = slot;
    return look(belt, t_ns, event);
}

bool kl_belt_speed_entered(struct kl_belt_speed *belt, const struct kl_event *event)
{
    if (!belt->has_incline) {
        belt->slope_rad = event->value[1];
    }
    if (belt->streams && event->t_ns <= belt->newest_ns + KL_BELT_SILENT_NS) {
        return false;
    }
    belt->told = false; /* what a belt that comes back tells is news */
    return true;
}

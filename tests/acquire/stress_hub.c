/* Devices, operators and a stop signal at once, under ThreadSanitizer: every sample is handed out
 * or counted, every event comes once and in its operator's order, and the session ends. */
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "toy_device.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPERATORS 3
#define EVENTS 200 /* per operator */
#define FRAMES 20000
#define RUN_NS 1000000000L

static const struct toy simulated[] = {
    {.stream_count = 2,
     .stream = {{"plate.left", 5000, 6, KL_FORMAT_FLOAT32, 0},
                {"plate.right", 5000, 6, KL_FORMAT_FLOAT32, 0}}},
    {.stream_count = 1, .stream = {{"emg", 8000, 16, KL_FORMAT_INT16, 0}}},
};

static const struct toy linked = {.stream_count = 1,
                                  .stream = {{"imu", 1000, 9, KL_FORMAT_INT16, 0}}};

static struct kl_hub *signalled_hub; /* for the signal handler; set before it is installed */

static void on_signal(int number)
{
    (void)number;
    kl_hub_stop(signalled_hub);
}

struct operator_thread {
    pthread_t thread;
    struct kl_hub *hub;
    int number;
    int accepted;
};

/* Operators that have said all; the stop waits for them, however busy the machine is: what is
 * accepted before a stop must come out, what is said after it belongs to no session. */
static atomic_int finished;

static void *operate(void *arg)
{
    struct operator_thread *self = arg;
    for (int i = 0; i < EVENTS; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "operator %d", self->number);
        const struct kl_event event = {
            .kind = KL_EVENT_MARKER, .value = {self->number, self->accepted}, .text = text};
        self->accepted += kl_hub_event(self->hub, &event) == KL_OK;
        struct kl_hub_device shown[4];
        (void)kl_hub_devices(self->hub, shown, 4);
        const struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
    }
    (void)atomic_fetch_add(&finished, 1);
    return NULL;
}

static void *stop_later(void *arg)
{
    (void)arg;
    const struct timespec pause = {.tv_nsec = RUN_NS - 1};
    (void)nanosleep(&pause, NULL);
    while (atomic_load(&finished) < OPERATORS) {
        const struct timespec moment = {.tv_nsec = 1000000};
        (void)nanosleep(&moment, NULL);
    }
    (void)raise(SIGINT);
    return NULL;
}

struct tally {
    uint64_t samples, lost, events, wrong;
    int next_event[OPERATORS];
    int64_t last_ns[KL_STREAMS_MAX];
};

static void count_item(struct tally *tally, const struct kl_item *item)
{
    if (item->kind == KL_ITEM_BLOCK) {
        const struct kl_block *block = &item->block;
        for (size_t i = 0; i < block->count; i++) {
            tally->wrong += block->t_ns[i] <= tally->last_ns[block->stream];
            tally->last_ns[block->stream] = block->t_ns[i];
        }
        tally->samples += block->count;
        return;
    }
    if (item->event.kind == KL_EVENT_LOST) {
        tally->lost += (uint64_t)item->event.value[0];
        return;
    }
    size_t from = (size_t)item->event.value[0];
    char text[32];
    (void)snprintf(text, sizeof(text), "operator %zu", from);
    tally->wrong += from >= OPERATORS || strcmp(text, item->event.text) != 0 ||
                    (int)item->event.value[1] != tally->next_event[from]++;
    tally->events++;
}

static int pull(struct kl_source *source, struct tally *tally)
{
    for (;;) {
        struct kl_item item;
        struct kl_fault fault;
        int answer = kl_source_next(source, 10000000, &item, &fault);
        if (answer == KL_SOURCE_END || answer < 0) {
            return answer;
        }
        if (answer == KL_SOURCE_ITEM) {
            count_item(tally, &item);
        }
    }
}

static struct kl_hub *make_hub(struct toy_link *link)
{
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    if (hub == NULL || kl_hub_add(hub, "plates", &toy_generator, &simulated[0], &fault) < 0 ||
        kl_hub_add(hub, "amplifier", &toy_generator, &simulated[1], &fault) < 0 ||
        kl_hub_add_link(hub, "imu", &toy_framed, &linked, &link->link, &fault) < 0) {
        (void)fprintf(stderr, "%s\n", fault.text);
        kl_hub_destroy(hub);
        return NULL;
    }
    return hub;
}

/* @return false when anything does not add up */
static bool check(const struct kl_hub *hub, const struct tally *tally, int accepted)
{
    struct kl_hub_device shown[3];
    size_t count = kl_hub_devices(hub, shown, 3);
    uint64_t samples = 0, lost = 0;
    for (size_t d = 0; d < count; d++) {
        samples += shown[d].samples;
        lost += shown[d].lost;
    }
    printf("%llu samples, %llu lost, %llu events of %d, %llu wrong\n",
           (unsigned long long)tally->samples, (unsigned long long)tally->lost,
           (unsigned long long)tally->events, accepted, (unsigned long long)tally->wrong);
    return tally->wrong == 0 && samples == tally->samples && lost == tally->lost &&
           shown[2].samples + shown[2].lost == FRAMES && tally->events == (uint64_t)accepted &&
           shown[0].samples > 0 && shown[1].samples > 0;
}

int main(void)
{
    static uint8_t bytes[FRAMES * TOY_FRAME_MAX];
    size_t len = 0;
    for (uint64_t i = 0; i < FRAMES; i++) {
        len += toy_frame_write(&linked, 0, i, bytes + len);
    }
    struct toy_link link;
    toy_link_init(&link, bytes, len, 511);
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = make_hub(&link);
    struct kl_source *source = hub != NULL ? kl_hub_start(hub, false, 0, &fault) : NULL;
    if (source == NULL) {
        kl_hub_destroy(hub);
        return EXIT_FAILURE;
    }
    signalled_hub = hub;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    (void)sigaction(SIGINT, &action, NULL);

    struct operator_thread operators[OPERATORS];
    pthread_t stopper;
    bool ok = pthread_create(&stopper, NULL, stop_later, NULL) == 0;
    for (int i = 0; i < OPERATORS; i++) {
        operators[i] = (struct operator_thread){.hub = hub, .number = i};
        ok &= pthread_create(&operators[i].thread, NULL, operate, &operators[i]) == 0;
    }
    struct tally tally = {0};
    ok = ok && pull(source, &tally) == KL_SOURCE_END;
    int accepted = 0;
    for (int i = 0; i < OPERATORS; i++) {
        (void)pthread_join(operators[i].thread, NULL);
        accepted += operators[i].accepted;
    }
    (void)pthread_join(stopper, NULL);
    ok = ok && check(hub, &tally, accepted);
    kl_hub_destroy(hub);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

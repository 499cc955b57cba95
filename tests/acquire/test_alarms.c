/* What is said of a device that gives samples and is not well, and how soon. Time is an argument,
 * but for the hub, where only the order of things counts. */
#include "acquire/device_alarm.h"
#include "acquire/disk_space.h"
#include "acquire/hub.h"
#include "acquire/hub_device.h"
#include "toy_device.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS INT64_C(1000000)

/* A device of `nominal_hz` that changes to `then_hz` at 15 s; reads come every `burst_ms`, and at
 * 12 s one of them comes `late_ms` late. @return when the alarm was given, ms after the change; -1:
 * never, -2: before */
static int alarm_after(double nominal_hz, double then_hz, int burst_ms, int late_ms)
{
    struct kl_rate_watch watch;
    kl_rate_watch_init(&watch, nominal_hz);
    double made = 0, until = 0; /* samples */
    for (int ms = 0; ms < 40000; ms += burst_ms) {
        double hz = ms < 15000 ? nominal_hz : then_hz;
        made += hz * burst_ms / 1000;
        if (ms >= 12000 && ms < 12000 + late_ms) {
            continue;
        }
        for (; until + 1 <= made; until++) {
            kl_rate_watch_step(&watch, KL_NS_PER_S + ms * MS, 0);
        }
        if (kl_rate_watch_alarm(&watch)) {
            return ms < 15000 ? -2 : ms - 15000;
        }
    }
    return -1;
}

Test(alarms, give_a_wrong_rate_soon_and_a_right_one_never)
{
    static const struct {
        const char *legend;
        double nominal_hz, then_hz;
        int burst_ms, late_ms;
        int from_ms, to_ms; /* -1: no alarm */
    } row[] = {
        {"100 Hz stays", 100, 100, 10, 0, -1, -1},
        {"100 Hz, bursts of 20 ms", 100, 100, 20, 0, -1, -1},
        {"2 kHz, one read half a second late", 2000, 2000, 20, 500, -1, -1},
        {"1 % fast is within tolerance", 400, 404, 20, 0, -1, -1},
        {"half the rate within 250 ms", 100, 50, 10, 0, 50, 250},
        {"half the rate, 400 Hz", 400, 200, 10, 0, 50, 250},
        {"twice the rate within 250 ms", 1000, 2000, 10, 0, 50, 250},
        {"10 % slow within 1.5 s", 400, 360, 10, 0, 250, 1500},
        {"3 % slow within 10 s", 1000, 970, 10, 0, 1000, 10000},
        {"3 % fast within 10 s", 1000, 1030, 10, 0, 1000, 10000},
        {"10 Hz becomes 5 Hz", 10, 5, 100, 0, 250, 3000},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        int ms = alarm_after(row[i].nominal_hz, row[i].then_hz, row[i].burst_ms, row[i].late_ms);
        printf("%-36s alarm after %5d ms\n", row[i].legend, ms);
        cr_expect(ms >= row[i].from_ms && ms <= row[i].to_ms, "%s: %d ms", row[i].legend, ms);
    }
}

Test(alarms, count_what_is_lost_as_delivered)
{
    struct kl_rate_watch watch;
    kl_rate_watch_init(&watch, 100);
    for (int i = 0; i < 2000; i += 2) { /* every other one is lost, and known to be */
        kl_rate_watch_step(&watch, KL_NS_PER_S + i * 10 * MS, 1);
    }
    cr_expect_not(kl_rate_watch_alarm(&watch));
    cr_expect_float_eq(watch.measured_hz, 100, 0.2, "%g", watch.measured_hz);
}

/* What a port had kept for a second before it was opened comes with the first reads. */
Test(alarms, do_not_take_a_backlog_for_a_fast_device)
{
    struct kl_rate_watch watch;
    kl_rate_watch_init(&watch, 100);
    for (int i = 0; i < 100; i++) {
        kl_rate_watch_step(&watch, KL_NS_PER_S + i / 20 * MS, 0);
    }
    for (int i = 0; i < 1000; i++) {
        kl_rate_watch_step(&watch, KL_NS_PER_S + (i + 1) * 10 * MS, 0);
        cr_assert_not(kl_rate_watch_alarm(&watch), "sample %d", i);
    }
}

Test(alarms, are_said_in_words_the_gravest_first)
{
    static const struct {
        unsigned alarms;
        const char *text;
    } row[] = {
        {0, ""},
        {KL_ALARM_BATTERY, "battery 12 %"},
        {KL_ALARM_BATTERY | KL_ALARM_CLIPPING, "clipping"},
        {KL_ALARM_CLIPPING | KL_ALARM_RATE, "rate 96.35 Hz, not 100"},
        {KL_ALARM_RATE | KL_ALARM_NO_DATA, "no data"},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        char text[KL_DEVICE_STATE_MAX];
        kl_device_alarm_text(row[i].alarms, 96.349, 100, 0.12, text);
        cr_expect_str_eq(text, row[i].text, "%s", row[i].text);
    }
}

Test(alarms, say_when_the_disk_runs_full)
{
    static const struct {
        const char *legend;
        uint64_t free_bytes;
        double bytes_per_s;
        const char *text;
    } row[] = {
        {"plenty", UINT64_C(50000000000), 1e6, ""},
        {"not known", UINT64_MAX, 1e6, ""},
        {"rate not known yet", UINT64_C(1000000000), 0, ""},
        {"10 min", UINT64_C(6000000000), 1e7, ""},
        {"a little less", UINT64_C(5999000000), 1e7,
         "disk: 5999 MB free, 10.0 min at this rate; free some space"},
        {"4 min", UINT64_C(2400000000), 1e7,
         "disk: 2400 MB free, 4.0 min at this rate; free some space"},
        {"below 1 GB", UINT64_C(999000000), 1e3,
         "disk: 999 MB free, 16650.0 min at this rate; free some space"},
        {"nothing, rate not known", 0, 0, "disk: 0 MB free; free some space"},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        char text[96];
        bool low = kl_disk_space_text(row[i].free_bytes, row[i].bytes_per_s, text, sizeof(text));
        cr_expect_str_eq(text, row[i].text, "%s", row[i].legend);
        cr_expect_eq(low, row[i].text[0] != '\0', "%s", row[i].legend);
    }
}

/* ----------------------------------------------------------------- in the hub */

static const struct toy toy = {.stream_count = 1, .stream = {{"a", 100, 1, KL_FORMAT_INT16, 0}}};

/* Gives a frame of 100 Hz every 10 ms until it is told otherwise. */
struct paced {
    struct kl_link link;
    uint64_t next;
    bool garbage;
};

static int paced_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct paced *self = (struct paced *)link;
    const struct timespec pause = {.tv_nsec = 10 * 1000000};
    (void)wait_ns, (void)cap;
    (void)nanosleep(&pause, NULL);
    if (self->garbage && self->next >= 30) {
        memset(buf, 'x', 10);
        return 10;
    }
    return (int)toy_frame_write(&toy, 0, self->next++, buf);
}

static const struct kl_link_ops paced_ops = {.read = paced_read};

static int parse_clipped(void *state, const uint8_t *frame, size_t len, struct kl_sample *out,
                         size_t cap)
{
    int count = toy_framed.parse(state, frame, len, out, cap);
    out->quality |= KL_QUALITY_CLIPPED;
    return count;
}

static int nearly_empty(const void *state)
{
    (void)state;
    return 7;
}

/* Runs until the device is said to be in this state. */
static void expect_state(const struct kl_driver *driver, bool garbage, const char *expected)
{
    struct paced link = {.link = {.ops = &paced_ops}, .garbage = garbage};
    struct kl_fault fault;
    struct kl_hub *hub = kl_hub_create();
    cr_assert_eq(kl_hub_add_link(hub, "toy", driver, &toy, &link.link, &fault), 0);
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    char state[KL_DEVICE_STATE_MAX] = "";
    int64_t from_ns = kl_monotonic_ns();
    bool alarm = false;
    while (strcmp(state, expected) != 0 && kl_monotonic_ns() - from_ns < 20 * KL_NS_PER_S) {
        struct kl_hub_device shown;
        struct kl_item item;
        cr_assert_geq(kl_source_next(source, MS, &item, &fault), 0);
        (void)kl_hub_devices(hub, &shown, 1);
        alarm = kl_hub_device_state(&shown, state);
    }
    cr_expect_str_eq(state, expected);
    cr_expect_eq(alarm, strcmp(expected, "streaming") != 0);
    kl_hub_destroy(hub);
}

Test(alarms, show_in_the_state_of_a_device)
{
    struct kl_driver clipped = toy_framed, empty = toy_framed;
    clipped.parse = parse_clipped;
    empty.battery = nearly_empty;
    expect_state(&toy_framed, false, "streaming");
    expect_state(&clipped, false, "clipping");
    expect_state(&empty, false, "battery 7 %");
    expect_state(&toy_framed, true, "no data"); /* bytes come, and no frame */
}

/* Every driver against its emulated device: what holds for all of them. What is particular to one
 * stands in its own test. */
#include "acquire/clock.h"
#include "devices/registry.h"
#include "driver_run.h"
#include "emulators.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAULT(kind) (1U << (kind))

enum {
    /* No driver can tell these where nothing on the wire does: TCP and USB streams without frames
     * (their links lose nothing), and frames without a checksum. */
    UNFRAMED = FAULT(EMULATOR_BAD_CHECKSUM) | FAULT(EMULATOR_DROPPED_FRAME) |
               FAULT(EMULATOR_CUT_FRAME) | FAULT(EMULATOR_GARBAGE),
    UNCHECKED = FAULT(EMULATOR_BAD_CHECKSUM),
    REPORTS = FAULT(EMULATOR_CUT_FRAME) | FAULT(EMULATOR_GARBAGE), /* HID: whole or not at all */
};

static const struct row {
    const char *driver;
    unsigned lost;   /* samples of a stream that one fault may cost */
    const char *why; /* ... so many: how many a frame has, and what is needed to be in step again */
    unsigned untold; /* FAULT bits that its wire does not know */
    bool counts;     /* the wire says how many are missing */
    /* 99th percentile of the error of mapped time, of a host that is busy for up to 20 ms: by the
     * device's clock or sample number 100; by the arrival alone that delay, smoothed over nominal
     * periods to less than half of it; of one that is asked all of it */
    unsigned clock_us;
    double late_s; /* until the first sample, at most */
} table[] = {
    // clang-format off
    {"bertec_treadmill", 3, "it, and those until the new connection", 0, false, 10000, 0.1},
    {"binary_record", 1, "one in a record", 0, true, 100, 0.1},
    {"bitalino", 2, "CRC of 4 bits: 2 frames must fit", 0, true, 100, 0.1},
    {"bno08x_rvc", 1, "one in a frame", 0, true, 10000, 0.1},
    {"delsys_trigno", 0, "TCP loses nothing", UNFRAMED, false, 100, 1.6},
    {"labjack_u6", 3, "21 values of 7 inputs in a packet", 0, true, 100, 0.1},
    {"load_cells", 1, "one in a line", 0, true, 10000, 0.1},
    {"load_cells_timed", 1, "one in a line", 0, true, 100, 0.1},
    {"mcc_usb1608fs_plus", 0, "USB loses nothing", UNFRAMED, false, 100, 0.1},
    {"microstrain_mip", 1, "one in a packet", 0, true, 100, 0.1},
    {"number_line", 1, "one in a line", 0, true, 100, 0.1},
    {"openbci_cyton", 1, "one in a frame", 0, true, 100, 0.1},
    {"shimmer3", 1, "one in a packet", 0, true, 100, 0.1},
    {"trackmaster", 2, "speed and grade of two questions", 0, false, 20000, 0.6},
    {"vectornav", 1, "one in a packet", 0, true, 100, 0.1},
    {"vernier_go_direct", 5, "5 rows in a packet", REPORTS, true, 100, 0.1},
    {"witmotion", 1, "one in a packet of each type", 0, false, 100, 0.1},
    {"woodway", 2, "speed and grade of two questions", 0, false, 20000, 0.6},
    {"ximu3", 1, "one in a message", UNCHECKED, true, 100, 0.1},
    {"xsens_mti", 1, "one in a message", 0, true, 100, 0.1},
    // clang-format on
};

enum { ROWS = sizeof(table) / sizeof(table[0]) };

/* ------------------------------------------------------------------- a device and its driver */

struct bench {
    const struct row *row;
    const struct emulated_device *device;
    const struct kl_driver *driver;
    struct emulator *self;
    struct emulator_link link;
    struct driver_run run;
};

static void plug(struct bench *bench, const struct row *row)
{
    memset(bench, 0, sizeof(*bench));
    bench->row = row;
    bench->device = emulators_find(row->driver);
    bench->driver = kl_registry_find(row->driver);
    cr_assert(bench->device != NULL && bench->driver != NULL, "%s", row->driver);
    bench->self = malloc(bench->device->size);
    cr_assert_not_null(bench->self);
    bench->device->init(bench->self);
    emulator_link_init(&bench->link, bench->device->ops, bench->self, &bench->driver->need[0]);
    bench->link.now_ns = 1; /* a host's clock */
    int streams = run_configure(&bench->run, bench->driver, &bench->device->config);
    cr_assert_gt(streams, 0, "%s: %s", row->driver, bench->run.fault.text);
}

static void begin(struct bench *bench)
{
    int status = run_start(&bench->run, &bench->link.link);
    cr_assert_eq(status, KL_OK, "%s: %s", bench->row->driver, bench->run.fault.text);
}

/* As the hub: a driver that cannot follow any more gets a new conversation. */
static int listen_for(struct bench *bench, double seconds)
{
    int64_t until_ns = bench->link.now_ns + kl_nanoseconds(seconds);
    int status = KL_OK;
    while (status == KL_OK && bench->link.now_ns < until_ns) {
        status = run_link(&bench->run, &bench->link.link, &bench->link.now_ns,
                          kl_seconds(until_ns - bench->link.now_ns));
        if (bench->run.framing.gone) {
            (void)bench->driver->stop(bench->run.state, &bench->link.link);
            emulator_link_reopen(&bench->link);
            kl_framing_restart(&bench->run.framing);
            status = run_start(&bench->run, &bench->link.link);
        }
    }
    return status;
}

static uint64_t settings(const struct bench *bench)
{
    return bench->device->settings != NULL ? bench->device->settings(bench->self) : 0;
}

static void unplug(struct bench *bench)
{
    run_release(&bench->run);
    free(bench->self);
}

/* ------------------------------------------------------------------- samples and what was meant */

/* Looks for the sample that was meant, from `from` on. @return its number, or -1 */
static int64_t number_of(const struct bench *bench, const struct kl_sample *sample, uint64_t from)
{
    size_t channels = bench->run.stream[sample->stream].channel_count;
    for (uint64_t k = from; k < from + 20000; k++) {
        double meant[KL_CHANNELS_MAX] = {0};
        bool same = true;
        bench->device->meant(bench->self, sample->stream, k, meant);
        for (size_t c = 0; c < channels && same; c++) {
            /* both sides compute in double from the same numbers on the wire */
            same = fabs(sample->value[c] - meant[c]) <= 1e-9 * fmax(1e-3, fabs(meant[c]));
        }
        if (same) {
            return (int64_t)k;
        }
    }
    return -1;
}

struct account {
    size_t count[RUN_STREAMS_MAX], lost[RUN_STREAMS_MAX]; /* per stream */
    size_t wrong;                                         /* samples that were never meant */
    size_t unmarked;                                      /* losses that no quality bit tells */
    size_t gaps;                                          /* samples that tell one */
    size_t damage; /* damaged frames, as far as the framing or the samples tell */
};

static struct account account_for(const struct bench *bench)
{
    struct account account = {0};
    uint64_t next[RUN_STREAMS_MAX] = {0};
    for (size_t i = 0; i < bench->run.count; i++) {
        const struct kl_sample *sample = &bench->run.sample[i];
        size_t s = sample->stream;
        int64_t number = number_of(bench, sample, next[s]);
        bool first = account.count[s] == 0;
        bool gap = (sample->quality & KL_QUALITY_GAP) != 0 && !first;
        account.wrong += number < 0;
        account.gaps += gap;
        account.damage += (sample->quality & KL_QUALITY_CHECKSUM) != 0;
        if (number < 0) {
            continue;
        }
        account.count[s]++;
        if (!first) {
            account.lost[s] += (uint64_t)number - next[s];
            account.unmarked += (uint64_t)number > next[s] && !gap;
        }
        next[s] = (uint64_t)number + 1;
    }
    account.damage += bench->run.framing.skipped;
    return account;
}

/* ------------------------------------------------------------------- tests */

Test(all_drivers, every_driver_of_the_registry_has_a_row)
{
    for (size_t i = 0; i < kl_registry_count(); i++) {
        const char *name = kl_registry_get(i)->name;
        bool found = strcmp(name, "virtual_runner") == 0; /* it has no device */
        for (size_t r = 0; r < ROWS; r++) {
            found |= strcmp(table[r].driver, name) == 0;
        }
        cr_expect(found, "%s has no row in the table above", name);
        cr_expect(strcmp(name, "virtual_runner") == 0 || emulators_find(name) != NULL, "%s", name);
    }
    cr_expect_eq(emulators_count(), ROWS);
    cr_expect_eq(kl_registry_count(), ROWS + 1);
}

Test(all_drivers, five_seconds_are_what_the_device_meant_however_they_are_cut)
{
    static const size_t chunk[] = {0, 1, 7, 64};
    for (size_t r = 0; r < 4 * ROWS; r++) {
        struct bench bench;
        plug(&bench, &table[r / 4]);
        bench.link.chunk = chunk[r % 4];
        uint64_t before = settings(&bench);
        begin(&bench);
        cr_expect_eq(listen_for(&bench, 5 + table[r / 4].late_s), KL_OK);
        struct account account = account_for(&bench);
        cr_expect_eq(account.wrong, 0, "%s", table[r / 4].driver);
        cr_expect_eq(account.gaps, 0, "%s", table[r / 4].driver);
        for (size_t s = 0; s < bench.run.streams; s++) {
            double least = 5 * bench.run.stream[s].rate_hz - 1;
            double most = (5.02 + table[r / 4].late_s) * bench.run.stream[s].rate_hz + 1;
            cr_expect((double)account.count[s] >= least && (double)account.count[s] <= most,
                      "%s: %zu of stream %zu, expected %g to %g", table[r / 4].driver,
                      account.count[s], s, least, most);
            cr_expect_eq(account.lost[s], 0, "%s", table[r / 4].driver);
        }
        cr_expect_eq(bench.driver->stop(bench.run.state, &bench.link.link), KL_OK, "%s",
                     table[r / 4].driver);
        cr_expect_eq(settings(&bench), before, "%s is left as it was found", table[r / 4].driver);
        unplug(&bench);
    }
}

Test(all_drivers, every_fault_costs_what_it_must_and_is_told)
{
    static const struct {
        enum emulator_fault fault;
        bool loses, damages;
    } kind[] = {
        {EMULATOR_BAD_CHECKSUM, true, true}, {EMULATOR_DROPPED_FRAME, true, false},
        {EMULATOR_CUT_FRAME, true, true},    {EMULATOR_GARBAGE, false, true},
        {EMULATOR_STALL, false, false},
    };
    enum { KINDS = sizeof(kind) / sizeof(kind[0]) };
    for (size_t i = 0; i < ROWS * KINDS; i++) {
        const struct row *row = &table[i / KINDS];
        enum emulator_fault fault = kind[i % KINDS].fault;
        struct bench bench;
        if (row->untold & FAULT(fault)) {
            continue;
        }
        plug(&bench, row);
        begin(&bench);
        emulator_break(bench.self, fault, bench.run.stream[0].rate_hz > 10 ? 50 : 9, 1);
        cr_expect_eq(listen_for(&bench, 5), KL_OK, "%s, fault %d", row->driver, fault);
        struct account account = account_for(&bench);
        cr_expect_eq(account.wrong, 0, "%s, fault %d: %zu", row->driver, fault, account.wrong);
        for (size_t s = 0; s < bench.run.streams; s++) {
            cr_expect_leq(account.lost[s], row->lost, "%s, fault %d: %zu lost of stream %zu (%s)",
                          row->driver, fault, account.lost[s], s, row->why);
            cr_expect_geq((double)account.count[s],
                          bench.run.stream[s].rate_hz * (4.9 - row->late_s) - 5,
                          "%s, fault %d: %zu", row->driver, fault, account.count[s]);
        }
        cr_expect(!row->counts || account.unmarked == 0, "%s, fault %d: %zu unmarked", row->driver,
                  fault, account.unmarked);
        cr_expect(!row->counts || !kind[i % KINDS].loses || account.gaps > 0,
                  "%s, fault %d: no gap is told", row->driver, fault);
        /* what stands before a line that begins with $ is not looked at */
        cr_expect(!kind[i % KINDS].damages || account.damage > 0 ||
                      strcmp(row->driver, "number_line") == 0,
                  "%s, fault %d: no damage is counted", row->driver, fault);
        unplug(&bench);
    }
}

Test(all_drivers, a_device_that_hangs_up_is_gone)
{
    for (size_t r = 0; r < ROWS; r++) {
        struct bench bench;
        plug(&bench, &table[r]);
        begin(&bench);
        emulator_break(bench.self, EMULATOR_HANG_UP, 9, 1);
        cr_expect_eq(listen_for(&bench, 5), KL_ERR_GONE, "%s", table[r].driver);
        struct account account = account_for(&bench);
        cr_expect_eq(account.wrong + account.gaps, 0, "%s", table[r].driver);
        (void)bench.driver->stop(bench.run.state, &bench.link.link); /* it returns */
        unplug(&bench);
    }
}

/* Once, and from then on: each command of the start in turn. */
static void spoil(const struct row *row, enum emulator_fault fault, uint64_t command,
                  uint64_t count)
{
    struct bench bench;
    plug(&bench, row);
    uint64_t before = settings(&bench);
    emulator_break(bench.self, fault, command, count);
    int status = run_start(&bench.run, &bench.link.link);
    cr_expect_lt(bench.link.now_ns, 60 * KL_NS_PER_S, "%s: a start must end", row->driver);
    if (status == KL_OK) { /* repeated, or not needed */
        cr_expect_eq(listen_for(&bench, 1 + row->late_s), KL_OK);
        struct account account = account_for(&bench);
        cr_expect(account.wrong == 0, "%s, fault %d of command %llu", row->driver, fault,
                  (unsigned long long)command);
        for (size_t s = 0; s < bench.run.streams; s++) {
            double least = bench.run.stream[s].rate_hz - row->lost - 2;
            cr_expect_geq((double)account.count[s], least,
                          "%s, fault %d of command %llu, %llu times: %zu of stream %zu in 1 s, "
                          "expected %g",
                          row->driver, fault, (unsigned long long)command,
                          (unsigned long long)count, account.count[s], s, least);
        }
    } else {
        cr_expect_gt(strlen(bench.run.fault.text), 20, "%s: %s", row->driver, bench.run.fault.text);
        cr_expect(count > 1 || settings(&bench) == before,
                  "%s, fault %d of command %llu: left as it was: %s", row->driver, fault,
                  (unsigned long long)command, bench.run.fault.text);
    }
    cr_expect(command > 0 || count == 1 || status < 0 || fault == EMULATOR_LOST_ANSWER,
              "%s, fault %d: nothing was answered", row->driver, fault);
    unplug(&bench);
}

Test(all_drivers, wrong_answers_and_silence_are_repeated_or_refused_in_words)
{
    for (size_t r = 0; r < ROWS; r++) {
        struct bench bench;
        plug(&bench, &table[r]);
        begin(&bench);
        uint64_t commands = bench.self->commands;
        unplug(&bench);
        for (uint64_t k = 0; k < commands; k++) {
            spoil(&table[r], EMULATOR_NO_ANSWER, k, 1);
            spoil(&table[r], EMULATOR_NO_ANSWER, k, UINT64_MAX);
            spoil(&table[r], EMULATOR_LOST_ANSWER, k, 1);
            spoil(&table[r], EMULATOR_LOST_ANSWER, k, UINT64_MAX);
            spoil(&table[r], EMULATOR_WRONG_ANSWER, k, 1);
            spoil(&table[r], EMULATOR_WRONG_ANSWER, k, UINT64_MAX);
        }
    }
}

Test(all_drivers, a_device_that_is_already_gone_is_refused_in_words)
{
    for (size_t r = 0; r < ROWS; r++) {
        struct bench bench;
        plug(&bench, &table[r]);
        bench.self->gone = true;
        if (run_start(&bench.run, &bench.link.link) == KL_OK) { /* it only listens */
            cr_expect_eq(listen_for(&bench, 1), KL_ERR_GONE, "%s", table[r].driver);
        } else {
            cr_expect_gt(strlen(bench.run.fault.text), 20, "%s: %s", table[r].driver,
                         bench.run.fault.text);
        }
        cr_expect_lt(bench.link.now_ns, 10 * KL_NS_PER_S, "%s", table[r].driver);
        unplug(&bench);
    }
}

/* ------------------------------------------------------------------- time */

struct clock_check {
    const struct bench *bench;
    struct kl_clock clock;
    struct kl_arrival_clock arrival_clock;
    bool by_arrival;
    int64_t arrival_ns, first_ns;
    double period_ns;  /* of the true time */
    double *offset_ns; /* mapped time less the sample's number of periods */
    double least_ns;   /* the same of the arrival that was least late */
    size_t count, cap;
    uint64_t next;
};

static void map_time(void *self, const struct kl_sample *sample)
{
    struct clock_check *check = self;
    if (sample->stream != 0) {
        return;
    }
    int64_t number = number_of(check->bench, sample, check->next);
    int64_t host_ns =
        check->by_arrival
            ? kl_arrival_clock_step(&check->arrival_clock, sample->device_ns, check->arrival_ns)
            : kl_clock_step(&check->clock, sample->device_ns, check->arrival_ns);
    cr_assert_geq(number, 0, "%s", check->bench->row->driver);
    check->next = (uint64_t)number + 1;
    /* one that is asked measures when it answers */
    bool asked = check->bench->driver->ask != NULL;
    double due_ns = asked ? (double)check->arrival_ns : (double)number * check->period_ns;
    check->least_ns = fmin(check->least_ns, (double)check->arrival_ns - due_ns);
    if (check->arrival_ns - check->first_ns > 30 * KL_NS_PER_S && check->count < check->cap) {
        check->offset_ns[check->count++] = (double)host_ns - due_ns;
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* 99th percentile between 30 and 60 s, with a host that is busy for 1 to 20 ms now and then. */
static double clock_error_ns(struct bench *bench)
{
    static struct clock_check check;
    uint64_t random = 5;
    double rate_hz = bench->run.stream[0].rate_hz;
    check = (struct clock_check){.bench = bench,
                                 .first_ns = bench->link.now_ns,
                                 .period_ns = 1e9 / rate_hz / (1 + bench->self->drift_ppm * 1e-6),
                                 .least_ns = (double)INFINITY,
                                 .cap = (size_t)(40 * rate_hz)};
    check.offset_ns = calloc(check.cap, sizeof(double));
    cr_assert_not_null(check.offset_ns);
    kl_clock_init(&check.clock);
    kl_arrival_clock_init(&check.arrival_clock, rate_hz);
    check.by_arrival = bench->driver->time_of != NULL
                           ? bench->driver->time_of(bench->run.state) == KL_TIME_ARRIVAL
                           : bench->driver->time_meaning == KL_TIME_ARRIVAL;
    while (bench->link.now_ns < check.first_ns + 60 * KL_NS_PER_S) {
        uint8_t bytes[4096];
        random = random * 6364136223846793005u + 1442695040888963407u;
        if ((random >> 33) % 20 == 0) {
            bench->link.now_ns += (int64_t)(1 + (random >> 40) % 20) * 1000000;
        }
        int64_t wait_ns = 125000;
        int asked = bench->driver->ask != NULL
                        ? bench->driver->ask(bench->run.state, bench->link.now_ns, bytes,
                                             sizeof(bytes), &wait_ns)
                        : 0;
        if (asked > 0) {
            (void)bench->link.link.ops->write(&bench->link.link, bytes, (size_t)asked, 0);
        }
        int got = bench->link.link.ops->read(&bench->link.link, bytes, sizeof(bytes), wait_ns);
        cr_assert_geq(got, 0, "%s", bench->row->driver);
        check.arrival_ns = bench->link.now_ns;
        kl_framing_feed(&bench->run.framing, bytes, (size_t)got, map_time, &check);
    }
    cr_assert_gt((double)check.count, 25 * rate_hz, "%s", bench->row->driver);
    for (size_t i = 0; i < check.count; i++) {
        check.offset_ns[i] = fabs(check.offset_ns[i] - check.least_ns);
    }
    qsort(check.offset_ns, check.count, sizeof(double), ascending);
    double p99_ns = check.offset_ns[check.count * 99 / 100];
    free(check.offset_ns);
    return p99_ns;
}

Test(all_drivers, time_of_a_drifting_device_is_followed)
{
    static const double drift_ppm[] = {-100, 100};
    for (size_t r = 0; r < 2 * ROWS; r++) {
        const struct row *row = &table[r / 2];
        struct bench bench;
        plug(&bench, row);
        bench.self->drift_ppm = drift_ppm[r % 2];
        begin(&bench);
        double error_us = clock_error_ns(&bench) * 1e-3;
        cr_log_info("%s at %g ppm: %g us", row->driver, drift_ppm[r % 2], error_us);
        cr_expect_leq(error_us, row->clock_us, "%s at %g ppm: %g us", row->driver, drift_ppm[r % 2],
                      error_us);
        unplug(&bench);
    }
}

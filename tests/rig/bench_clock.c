/* How well the devices of a session stand on one clock, through the real program, against emulated
 * boards whose true times are known: +-100 ppm, a drift that changes, bursts of 1-20 ms, late
 * batches. Prints the conditions, and the 99th percentile of |difference between two devices| from
 * 30 s on (goal: 100 us).
 *
 * Serial boards stand 0.1-0.2 ms behind those on TCP, by a constant: the kernel hands what is
 * written to a pseudo terminal to its reader by a worker thread. (Without umockdev and without our
 * code, 8 bytes from write to read on a machine at load 23: 86 us at the 10th percentile and 1.4 ms
 * at the median, against 26 and 43 us on TCP.)
 *
 *     bench_clock [SECONDS]
 */
#include "record_device.h"
#include "rig_lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LEARNT_S 30
#define BIN_NS INT64_C(10000000)
#define GOAL_US 100.0

static const struct {
    const char *label;
    enum kl_link_kind kind;
    double drift_ppm, ramp_ppm_s;
    struct rig_delivery delivery;
} board[] = {
    {"steady, every ms", KL_LINK_TCP, 0, 0, {0, 0, 0, 0}},
    {"+100 ppm, bursts 1-20 ms", KL_LINK_TCP, 100, 0, {1000000, 20000000, 0, 0}},
    {"-100 ppm, bursts 1-20 ms", KL_LINK_TCP, -100, 0, {1000000, 20000000, 0, 0}},
    {"+100 ppm, late by 100 ms each 20th", KL_LINK_TCP, 100, 0, {1000000, 20000000, 20, 100000000}},
    {"-100 ppm, late by 100 ms each 20th",
     KL_LINK_TCP,
     -100,
     0,
     {1000000, 20000000, 20, 100000000}},
    {"ramp from -20 ppm by +0.1 ppm/s, bursts", KL_LINK_TCP, -20, 0.1, {1000000, 20000000, 0, 0}},
    {"ramp from +20 ppm by -0.1 ppm/s, bursts", KL_LINK_TCP, 20, -0.1, {1000000, 20000000, 0, 0}},
    {"serial, +100 ppm, bursts 1-20 ms", KL_LINK_SERIAL, 100, 0, {1000000, 20000000, 0, 0}},
    {"serial, -100 ppm, bursts 1-20 ms", KL_LINK_SERIAL, -100, 0, {1000000, 20000000, 0, 0}},
};
#define BOARDS (sizeof(board) / sizeof(board[0]))

struct errors {
    const struct rig_lab *lab;
    size_t bins;
    double *us[BOARDS]; /* [bins] of the last sample in a bin; NaN: none */
};

static void look(void *self, size_t stream, uint64_t k, int64_t t_ns)
{
    struct errors *errors = self;
    const struct rig_member *member = &errors->lab->member[stream];
    double true_ns = (double)member->device.on_ns + record_device_true_ns(member->self, k);
    size_t bin = (size_t)(t_ns / BIN_NS);
    if (stream < BOARDS && bin < errors->bins) {
        /* both numbers are far below 2^53 ns = 104 days */
        errors->us[stream][bin] = ((double)t_ns - true_ns) / 1e3;
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *value, size_t count)
{
    return count > 0 ? value[count / 2] : 0;
}

/* |difference| of two devices, sorted. @param constant  out: its constant part, us; with `removed`
 * it is taken out @return how many */
static size_t differences(const struct errors *errors, size_t a, size_t b, bool removed,
                          double *out, double *constant)
{
    size_t count = 0;
    for (size_t i = (size_t)(LEARNT_S * KL_NS_PER_S / BIN_NS); i < errors->bins; i++) {
        double difference = errors->us[a][i] - errors->us[b][i];
        if (!isnan(difference)) {
            out[count++] = difference;
        }
    }
    qsort(out, count, sizeof(*out), by_size);
    *constant = median(out, count);
    for (size_t i = 0; i < count; i++) {
        out[i] = fabs(out[i] - (removed ? *constant : 0));
    }
    qsort(out, count, sizeof(*out), by_size);
    return count;
}

static void print_pairs(const struct errors *errors, bool across, bool removed, double *all)
{
    size_t total = 0;
    double constant;
    for (size_t a = 0; a < BOARDS; a++) {
        for (size_t b = 0; b < a; b++) {
            if (across || board[a].kind == board[b].kind) {
                total += differences(errors, a, b, removed, all + total, &constant);
            }
        }
    }
    if (total > 0) {
        qsort(all, total, sizeof(*all), by_size);
        (void)printf("clock, pairs %s, constant part %s, from %d s on: p50 %.1f us, p99 %.1f us "
                     "(goal %.0f us), worst %.1f us\n",
                     across ? "of all devices" : "on cables of one kind",
                     removed ? "removed" : "as it is", LEARNT_S, all[total / 2],
                     all[total * 99 / 100], GOAL_US, all[total - 1]);
    }
}

static void print(const struct errors *errors)
{
    double *each = calloc(errors->bins, sizeof(*each));
    double *all = calloc(errors->bins * BOARDS * BOARDS, sizeof(*all));
    for (size_t a = 0; a < BOARDS && each != NULL && all != NULL; a++) {
        double constant;
        size_t count = differences(errors, a, 0, false, each, &constant);
        (void)printf("  %-40s against the first: constant %7.1f us, p99 %6.1f us, worst %6.1f us\n",
                     board[a].label, constant, count > 0 ? each[count * 99 / 100] : 0,
                     count > 0 ? each[count - 1] : 0);
    }
    for (unsigned way = 0; way < 4 && each != NULL && all != NULL; way++) {
        print_pairs(errors, way < 2, way % 2 != 0, all);
    }
    free(each);
    free(all);
}

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 60;
    static struct rig rig;
    static struct rig_lab lab;
    static struct rig_account account;
    struct errors errors = {.lab = &lab, .bins = (size_t)((seconds + 2) * 1e9 / (double)BIN_NS)};
    rig_start(&rig);
    rig_lab_begin(&lab, &rig);
    for (size_t i = 0; i < BOARDS; i++) {
        struct rig_member *member =
            rig_lab_add_emulated(&lab, &record_imu_400, board[i].kind, "", board[i].delivery);
        struct record_device *device = member->self;
        device->drift_ppm = board[i].drift_ppm;
        device->ramp_ppm_s = board[i].ramp_ppm_s;
        rig_add(&rig, &member->device);
        errors.us[i] = malloc(errors.bins * sizeof(double));
        for (size_t k = 0; k < errors.bins && errors.us[i] != NULL; k++) {
            errors.us[i][k] = NAN;
        }
    }
    struct rig_run run = rig_lab_record(&lab, seconds);
    struct rig_end end = rig_lab_wait(&run, seconds + 60);
    bool ok = rig_lab_account_each(&lab, run.session, &account, look, &errors);
    uint64_t lost = 0;
    for (size_t s = 0; s < account.count; s++) {
        lost += account.stream[s].missing + account.stream[s].alien + account.stream[s].told;
    }
    print(&errors);
    (void)printf("%.0f s, %llu samples lost, the rig's own lateness %.1f ms at worst, status %d\n",
                 seconds, (unsigned long long)lost, (double)rig.late_worst_ns / 1e6, end.status);
    for (size_t i = 0; i < BOARDS; i++) {
        free(errors.us[i]);
    }
    rig_stop(&rig);
    rig_lab_end(&lab);
    return ok && lost == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

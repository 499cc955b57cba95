#include "devices/counted_time.h"

#include <criterion/criterion.h>

#define GAP KL_QUALITY_GAP
#define RESET (KL_QUALITY_GAP | KL_QUALITY_CLOCK)

Test(counted_time, unwraps_counts_losses_and_tells_restarts)
{
    static const struct {
        const char *legend;
        uint64_t counter_mask, time_wrap;
        bool has_time;
        uint64_t count[2], ticks[2];
        unsigned quality;
        int64_t device_ns; /* of the second sample; a period is 1000 ticks of 1000 ns */
        uint64_t lost;
    } table[] = {
        {"neither: index", 0, 0, false, {0, 0}, {0, 0}, 0, 1000000, 0},
        {"next", 0xff, 0, false, {7, 8}, {0, 0}, 0, 1000000, 0},
        {"wrap of 8 bit", 0xff, 0, false, {255, 0}, {0, 0}, 0, 1000000, 0},
        {"2 lost", 0xff, 0, false, {7, 10}, {0, 0}, GAP, 3000000, 2},
        {"long loss of 8 bit", 0xff, 0, false, {7, 6}, {0, 0}, GAP, 255000000, 254},
        {"restart of 16 bit", 0xffff, 0, false, {700, 0}, {0, 0}, RESET, 1000000, 0},
        {"wrap of 32 bit", UINT32_MAX, 0, false, {UINT32_MAX, 0}, {0, 0}, 0, 1000000, 0},
        {"time", 0, 1ULL << 32, true, {0, 0}, {5, 1005}, 0, 1000000, 0},
        {"uneven time", 0, 1ULL << 32, true, {0, 0}, {5, 1305}, 0, 1300000, 0},
        {"time tells a loss", 0, 1ULL << 32, true, {0, 0}, {5, 3005}, GAP, 3000000, 2},
        {"time wraps", 0, 1ULL << 32, true, {0, 0}, {4294966796, 500}, 0, 1000000, 0},
        {"time runs back", 0, 1ULL << 32, true, {0, 0}, {900000, 100}, RESET, 1000000, 0},
        {"time of 64 bit runs back", 0, 0, true, {0, 0}, {5000000000, 0}, RESET, 1000000, 0},
        {"counter beats time", 0xff, 1ULL << 32, true, {1, 2}, {0, 3000}, 0, 3000000, 0},
        {"both", 0xff, 1ULL << 32, true, {1, 4}, {0, 3000}, GAP, 3000000, 2},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct kl_counted_time time = {.counter_mask = table[i].counter_mask,
                                       .time_wrap = table[i].time_wrap,
                                       .has_time = table[i].has_time,
                                       .wraps = table[i].time_wrap != 0,
                                       .tick_ns = 1000,
                                       .period_ns = 1e6};
        uint32_t quality = 0;
        cr_expect_eq(kl_counted_time_step(&time, table[i].count[0], table[i].ticks[0], &quality),
                     0);
        cr_expect_eq(quality, 0, "%s", table[i].legend);
        int64_t device_ns =
            kl_counted_time_step(&time, table[i].count[1], table[i].ticks[1], &quality);
        cr_expect_eq(device_ns, table[i].device_ns, "%s: %ld", table[i].legend, (long)device_ns);
        cr_expect_eq(quality, table[i].quality, "%s", table[i].legend);
        cr_expect_eq(time.lost, table[i].lost, "%s", table[i].legend);
        cr_expect_eq(time.resets, table[i].quality == RESET, "%s", table[i].legend);
    }
}

Test(counted_time, survives_any_ticks)
{
    struct kl_counted_time time = {.has_time = true, .tick_ns = 1e9, .period_ns = 1e6};
    uint64_t seed = 1;
    int64_t last = 0;
    for (int i = 0; i < 100000; i++) {
        uint32_t quality = 0;
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int64_t t = kl_counted_time_step(&time, seed, seed, &quality);
        cr_assert(t >= last || t < 2000000000, "%d", i);
        last = t;
    }
}

/* Which drivers are told the charge of a battery, and what they make of it. */
#include "devices/drivers.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const struct kl_device_config lab = {.name = "unit", .placement = "shank.left"};

static void *configured(const struct kl_driver *driver)
{
    struct kl_stream stream[KL_STREAMS_MAX];
    void *state = calloc(1, driver->state_size);
    cr_assert_gt(driver->configure(state, &lab, stream, KL_STREAMS_MAX, NULL), 0);
    return state;
}

Test(battery, an_ximu3_tells_it_whether_or_not_it_is_recorded)
{
    static const struct {
        const char *legend, *message;
        int percent;
    } row[] = {
        {"full", "B,1000000,100.0,4.2,2\n", 100},
        {"rounded", "B,2000000,14.6,3.4,0\n", 15},
        {"another message leaves it", "T,2100000,25.0\n", 15},
        {"nonsense", "B,3000000,101.0,4.2,2\n", -1},
        {"empty", "B,4000000,0.0,3.1,0\n", 0},
    };
    const struct kl_driver *driver = &kl_ximu3_driver;
    void *state = configured(driver);
    cr_expect_eq(driver->battery(state), -1, "not told");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct kl_sample sample;
        cr_expect_eq(driver->parse(state, (const uint8_t *)row[i].message, strlen(row[i].message),
                                   &sample, 1),
                     0, "%s", row[i].legend);
        cr_expect_eq(driver->battery(state), row[i].percent, "%s", row[i].legend);
    }
    free(state);
}

/* Answers every command with a payload of zeros, but for the charge in the answer to GET_STATUS. */
struct plate {
    struct kl_link link;
    uint8_t charge, payload;
    uint8_t command; /* 0: answered */
};

static int plate_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)wait_ns;
    ((struct plate *)link)->command = buf[5];
    return (int)len;
}

static int plate_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct plate *self = (struct plate *)link;
    (void)wait_ns;
    if (self->command == 0 || cap < 64) {
        return 0;
    }
    memset(buf, 0, 64);
    buf[0] = buf[2] = (uint8_t)(6 + self->payload);
    buf[1] = 0x98;
    buf[5] = self->command;
    buf[17] = self->command == 0x10 ? self->charge : 0;
    self->command = 0;
    return 64;
}

Test(battery, a_vernier_plate_tells_it_when_it_is_started)
{
    static const struct kl_link_ops ops = {.read = plate_read, .write = plate_write};
    static const struct {
        const char *legend;
        uint8_t charge, payload;
        int percent;
    } row[] = {{"told", 73, 12, 73},
               {"nonsense", 255, 12, -1},
               {"an answer that ends before it", 73, 10, -1}};
    const struct kl_driver *driver = &kl_vernier_go_direct_driver;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct plate plate = {
            .link = {.ops = &ops}, .charge = row[i].charge, .payload = row[i].payload};
        struct kl_fault fault;
        void *state = configured(driver);
        cr_expect_eq(driver->battery(state), -1, "not told");
        cr_expect_lt(driver->start(state, &plate.link, &fault), 0, "it has no sensors");
        cr_expect_eq(driver->battery(state), row[i].percent, "%s", row[i].legend);
        free(state);
    }
}

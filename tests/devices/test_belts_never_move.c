/* The project's safety rule: nothing here moves a belt. Whatever a treadmill answers, and whatever
 * goes wrong, its driver writes documented questions only, and Bertec's writes nothing at all. */
#include "devices/registry.h"
#include "driver_run.h"

#include <criterion/criterion.h>

#include <string.h>

/* A link that answers with anything and keeps what was written. */
struct wild_link {
    struct kl_link link;
    uint64_t seed;
    size_t writes[256]; /* of each byte */
    int64_t now_ns;
};

static uint64_t draw(struct wild_link *self)
{
    self->seed = self->seed * 6364136223846793005u + 1442695040888963407u;
    return self->seed >> 33;
}

static int wild_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    static const uint8_t likely[] = {0xD0, 0xD1, 0xD2, 0xD3, 0x30, 0x31, 0x33, 0xBF, 0xB0, 0};
    struct wild_link *self = (struct wild_link *)link;
    self->now_ns += wait_ns;
    uint64_t kind = draw(self) % 16;
    if (kind == 0) {
        return KL_ERR_GONE;
    }
    size_t count = kind < 4 ? 0 : (size_t)(draw(self) % 40);
    count = count < cap ? count : cap;
    for (size_t i = 0; i < count; i++) {
        uint64_t any = draw(self);
        buf[i] = any % 4 != 0 ? likely[any / 4 % sizeof(likely)] : (uint8_t)(any >> 8);
    }
    return (int)count;
}

static int wild_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct wild_link *self = (struct wild_link *)link;
    (void)wait_ns;
    for (size_t i = 0; i < len; i++) {
        self->writes[buf[i]]++;
    }
    return draw(self) % 32 == 0 ? KL_ERR_IO : (int)len;
}

static struct driver_run run; /* too large for the stack; each test is its own process */

Test(belts_never_move, drivers_of_treadmills_write_documented_questions_only)
{
    static const struct {
        const char *driver, *unit;
        uint8_t question[4];
        size_t questions;
    } table[] = {
        {"bertec_treadmill", NULL, {0}, 0},
        {"trackmaster", "mph", {0xC0, 0xC1, 0xC2}, 3},
        {"woodway", "mph", {0xC1, 0xC2, 0xC3}, 3},
    };
    static const struct kl_link_ops ops = {.read = wild_read, .write = wild_write};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct kl_driver *driver = kl_registry_find(table[i].driver);
        struct wild_link link = {.link = {.ops = &ops}, .seed = 7, .now_ns = 1};
        cr_assert_not_null(driver);
        for (int round = 0; round < 2000; round++) {
            struct lab lab;
            struct kl_fault fault;
            char text[80];
            lab_init(&lab, "", 0);
            if (table[i].unit != NULL) {
                lab_option(&lab, "unit", table[i].unit);
            }
            cr_assert_eq(run_configure(&run, driver, &lab.config), 1, "%s", run.fault.text);
            if (driver->identify != NULL) {
                (void)driver->identify(&link.link, text, sizeof(text));
            }
            (void)driver->start(run.state, &link.link, &fault);
            (void)run_link(&run, &link.link, &link.now_ns, 2);
            (void)driver->stop(run.state, &link.link);
        }
        size_t asked = 0;
        for (size_t byte = 0; byte < 256; byte++) {
            bool allowed = memchr(table[i].question, (int)byte, table[i].questions) != NULL;
            cr_expect(allowed || link.writes[byte] == 0, "%s wrote %02zX", table[i].driver, byte);
            asked += allowed && link.writes[byte] > 0;
        }
        cr_expect_eq(asked, table[i].questions, "%s: every question was seen", table[i].driver);
    }
}

Test(belts_never_move, every_treadmill_of_the_registry_is_looked_at)
{
    for (size_t i = 0; i < kl_registry_count(); i++) {
        const struct kl_driver *driver = kl_registry_get(i);
        if (strstr(driver->label, "readmill") != NULL) {
            cr_expect(strcmp(driver->name, "bertec_treadmill") == 0 ||
                          strcmp(driver->name, "trackmaster") == 0 ||
                          strcmp(driver->name, "woodway") == 0,
                      "%s: add it to the table above", driver->name);
        }
    }
}

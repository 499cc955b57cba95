#include "devices/registry.h"

#include <criterion/criterion.h>

#include <string.h>

Test(registry, finds_every_row_by_its_name)
{
    cr_assert_gt(kl_registry_count(), 0);
    for (size_t i = 0; i < kl_registry_count(); i++) {
        cr_expect_eq(kl_registry_find(kl_registry_get(i)->name), kl_registry_get(i), "row %zu", i);
    }
    cr_expect_not_null(kl_registry_find("virtual_runner"));
}

Test(registry, knows_nothing_else)
{
    cr_expect_null(kl_registry_find("virtual_runner "));
    cr_expect_null(kl_registry_find("Virtual_runner"));
    cr_expect_null(kl_registry_find(""));
    cr_expect_null(kl_registry_find(NULL));
    cr_expect_null(kl_registry_get(kl_registry_count()));
}

Test(registry, rows_are_complete)
{
    for (size_t i = 0; i < kl_registry_count(); i++) {
        const struct kl_driver *driver = kl_registry_get(i);
        cr_expect_not_null(driver->label, "%s", driver->name);
        cr_expect_not_null(driver->configure, "%s", driver->name);
        cr_expect_gt(driver->state_size, 0, "%s", driver->name);
        cr_expect(driver->stream_max > 0 && driver->stream_max <= KL_STREAMS_MAX, "%s",
                  driver->name);
        /* a device either parses bytes of a link or simulates samples in session time */
        bool parses = driver->frame != NULL && driver->parse != NULL && driver->start != NULL &&
                      driver->stop != NULL;
        bool simulates = driver->generate != NULL && driver->time_meaning == KL_TIME_SESSION;
        cr_expect(parses != simulates, "%s", driver->name);
        cr_expect_eq(strspn(driver->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                     strlen(driver->name), "%s: a name is typed into lab files", driver->name);
    }
}

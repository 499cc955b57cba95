/* Every driver against its emulator: what holds for all of them. */
#include "devices/registry.h"
#include "driver_session.h"
#include "emulators.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

/* Looks for the sample that was meant, from `from` on. @return its number, or -1 */
static int64_t number_of(const struct emulated_device *device, const void *self,
                         const struct kl_stream *stream, const struct kl_sample *sample,
                         uint64_t from)
{
    for (uint64_t k = from; k < from + 20000; k++) {
        double value[KL_CHANNELS_MAX] = {0};
        bool same = true;
        device->meant(self, sample->stream, k, value);
        for (size_t c = 0; c < stream->channel_count && same; c++) {
            same = fabs(sample->value[c] - value[c]) <= 1e-9 * fmax(1, fabs(value[c]));
        }
        if (same) {
            return (int64_t)k;
        }
    }
    return -1;
}

Test(all_drivers, five_seconds_are_what_the_device_meant)
{
    for (size_t i = 0; i < emulators_count(); i++) {
        const struct emulated_device *device = emulators_get(i);
        const struct kl_driver *driver = kl_registry_find(device->driver);
        struct driver_session session;
        struct emulator_link link;
        uint64_t next[KL_STREAMS_MAX] = {0};
        void *self = malloc(device->size);
        device->init(self);
        emulator_link_init(&link, device->ops, self, &driver->need[0]);
        cr_assert_gt(driver_session_begin(&session, driver, &device->config), 0, "%s",
                     session.fault.text);
        cr_assert_eq(driver->start(session.state, &link.link, &session.fault), KL_OK, "%s",
                     session.fault.text);
        cr_expect_eq(driver_session_read(&session, &link, link.now_ns + 5 * KL_NS_PER_S), KL_OK);
        cr_expect_gt(session.count, 300, "%s: %zu", device->driver, session.count);
        for (size_t k = 0; k < session.count; k++) {
            const struct kl_sample *sample = &session.sample[k];
            int64_t number = number_of(device, self, &session.stream[sample->stream], sample,
                                       next[sample->stream]);
            cr_assert_geq(number, 0, "%s: sample %zu was never meant", device->driver, k);
            cr_assert(next[sample->stream] == 0 || (uint64_t)number == next[sample->stream],
                      "%s: sample %zu: %lld, not %llu", device->driver, k, (long long)number,
                      (unsigned long long)next[sample->stream]);
            next[sample->stream] = (uint64_t)number + 1;
        }
        cr_expect_eq(driver->stop(session.state, &link.link), KL_OK, "%s", device->driver);
        driver_session_end(&session);
        free(self);
    }
}

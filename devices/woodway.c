/* Woodway treadmills: RS-232 through an FTDI bridge, 4800 8N1. Questions, answers and their bytes:
 * belt_query.h. A split belt is two ports, one per belt, told apart by the bridge's serial number:
 * two devices in the lab file, with placement left and right.
 *
 * Source: a public Woodway client; no document of the maker was at hand.
 * READ-ONLY: only C1, C2 and C3 (firmware) are written.
 * Digits: speed is 0 (forward) or 3 (reverse) and three digits in 0.1 mph; elevation in 0.1 %.
 * Uncertain: whether consoles set to km/h send km/h (option unit); the bytes of the firmware.
 */
#include "devices/belt_query.h"
#include "devices/drivers.h"

static const struct kl_belt_family family = {
    .driver = "woodway",
    .label = "Woodway treadmill",
    .default_unit = "mph",
    .reverse = true,
    .who = KL_BELT_FIRMWARE,
    .who_bytes = 4,
};

static int configure(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault)
{
    return kl_belt_query_configure(state, &family, config, out, cap, fault);
}

static int identify(struct kl_link *link, char *out, size_t len)
{
    return kl_belt_query_identify(&family, link, out, len);
}

/* FT232R with the chip maker's own id: the port is asked. */
static const struct kl_usb_id usb_id[] = {{0x0403, 0x6001}};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .usb_id = usb_id, .usb_id_count = 1, .baud = 4800},
};

const struct kl_driver kl_woodway_driver = {
    .name = "woodway",
    .label = "Woodway treadmill (read-only)",
    .time_meaning = KL_TIME_ARRIVAL,
    .state_size = sizeof(struct kl_belt_query),
    .stream_max = 1,
    .need = need,
    .need_count = 1,
    .document = "none of the maker; a public client's bytes",
    .identify = identify,
    .configure = configure,
    .start = kl_belt_query_start,
    .stop = kl_belt_query_stop,
    .ask = kl_belt_query_ask,
    .frame = kl_belt_query_frame,
    .parse = kl_belt_query_parse,
};

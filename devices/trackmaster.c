/* Trackmaster treadmills (TMX425/428, FVX325): RS-232 or built-in FTDI, 4800 8N1. Questions,
 * answers and their bytes: belt_query.h.
 *
 * Source: Trackmaster TMX428 service manual, chapter 8; FVX325 manual.
 * READ-ONLY: only C0, C1 and C2 are written.
 * The unit of speed follows the console's setting and is in no answer: the lab file says it.
 * Digits: speed in tenths of mph or km/h, elevation in tenths of a percent of grade.
 */
#include "devices/belt_query.h"
#include "devices/drivers.h"

static const struct kl_belt_family family = {
    .driver = "trackmaster",
    .label = "Trackmaster treadmill",
    .who = KL_BELT_STATUS,
    .who_bytes = 1,
    .who_is_status = true,
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

const struct kl_driver kl_trackmaster_driver = {
    .name = "trackmaster",
    .label = "Trackmaster treadmill (read-only)",
    .time_meaning = KL_TIME_ARRIVAL,
    .state_size = sizeof(struct kl_belt_query),
    .stream_max = 1,
    .need = need,
    .need_count = 1,
    .document = "Trackmaster TMX428 service manual ch. 8",
    .identify = identify,
    .configure = configure,
    .start = kl_belt_query_start,
    .stop = kl_belt_query_stop,
    .ask = kl_belt_query_ask,
    .frame = kl_belt_query_frame,
    .parse = kl_belt_query_parse,
};

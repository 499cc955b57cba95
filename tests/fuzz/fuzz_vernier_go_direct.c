/* Any bytes as what a Vernier Go Direct plate says. With an odd first byte the rest becomes reports
 * of measurement packets whose lengths and sums are right. */
#include "devices/drivers.h"
#include "fuzz_device.h"

#include <string.h>

enum { REPORT = 64, REPORTS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t seal(const uint8_t *data, size_t left, uint8_t *reports)
{
    uint8_t packet[256] = {0};
    size_t len = 8 + data[0] % 200u;
    unsigned sum = 0;
    memcpy(packet + 2, data, left < len - 2 ? left : len - 2);
    packet[0] = left > 2 && data[2] == 0x77 ? 0x98 : 0x20; /* now and then an answer */
    packet[1] = (uint8_t)len;
    for (size_t i = 0; i < len; i++) {
        sum += i == 3 ? 0u : packet[i];
    }
    packet[3] = (uint8_t)sum;
    size_t count = 0;
    for (size_t at = 0; at < len; at += REPORT - 1, count++) {
        size_t part = len - at < REPORT - 1 ? len - at : REPORT - 1;
        memset(reports + count * REPORT, 0, REPORT);
        reports[count * REPORT] = (uint8_t)part;
        memcpy(reports + count * REPORT + 1, packet + at, part);
    }
    return count * REPORT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t input[2][KL_CHANNELS_MAX] = {{1, 3}, {2}};
    static const struct kl_stream stream[] = {
        {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 2},
        {.name = "other", .kind = KL_KIND_OTHER, .channel_count = 1}};
    static const struct kl_device_config config = {.name = "fuzz",
                                                   .placement = "",
                                                   .stream_count = 2,
                                                   .stream = stream,
                                                   .input =
                                                       (const uint8_t(*)[KL_CHANNELS_MAX])input};
    static uint8_t reports[(REPORTS_MAX + 4) * REPORT];
    size_t chunk = size > 0 ? (size_t)data[0] / 2 + 1 : 1;
    if (size == 0 || data[0] % 2 == 0) {
        fuzz_device(&kl_vernier_go_direct_driver, &config, data, size, chunk);
        return 0;
    }
    size_t len = 0;
    for (size_t at = 1; at < size && len < (size_t)REPORTS_MAX * REPORT;) {
        size_t more = seal(data + at, size - at, reports + len);
        at += 6 + data[at] % 200u;
        len += more;
    }
    fuzz_device(&kl_vernier_go_direct_driver, &config, reports, len, chunk);
    return 0;
}

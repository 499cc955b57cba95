/* Any bytes as what a LabJack U6 says. With an odd first byte the rest becomes packets whose
 * checksums are right, so that what stands behind the checksums is reached too. */
#include "devices/drivers.h"
#include "fuzz_device.h"

#include <string.h>

enum { PACKETS_MAX = 64, PACKET_MAX = 64, HEAD = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned fold(unsigned sum)
{
    sum = sum % 256 + sum / 256;
    return (sum % 256 + sum / 256) & 0xff;
}

/* Packet of n samples: counter, error and drop count from the first three bytes of data. */
static size_t seal(const uint8_t *data, size_t left, uint8_t *packet)
{
    size_t n = 1 + data[0] % 25u;
    size_t len = HEAD + 2 * n + 2;
    unsigned sum = 0;
    memset(packet, 0xff, len);
    memset(packet, 0, HEAD);
    packet[1] = 0xf9;
    packet[2] = (uint8_t)(4 + n);
    packet[3] = 0xc0;
    packet[6] = left > 3 ? data[3] : 0;
    packet[10] = left > 1 ? data[1] : 0;
    packet[11] = left > 2 ? data[2] : 0;
    size_t some = left > 4 ? left - 4 : 0;
    memcpy(packet + HEAD, data + (left > 4 ? 4 : 0), some < 2 * n ? some : 2 * n);
    for (size_t i = 6; i < len; i++) {
        sum += packet[i];
    }
    packet[4] = (uint8_t)sum;
    packet[5] = (uint8_t)(sum >> 8);
    packet[0] = (uint8_t)fold(0xf9u + packet[2] + 0xc0 + packet[4] + packet[5]);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t input[2][KL_CHANNELS_MAX] = {{0, 1, 2, 3, 4, 5}, {193}};
    static const struct kl_stream stream[] = {
        {.name = "plate.belt", .kind = KL_KIND_FORCE, .channel_count = 6},
        {.name = "sync", .kind = KL_KIND_OTHER, .channel_count = 1}};
    static const struct kl_device_config config = {.name = "fuzz",
                                                   .placement = "",
                                                   .stream_count = 2,
                                                   .stream = stream,
                                                   .input =
                                                       (const uint8_t(*)[KL_CHANNELS_MAX])input};
    static uint8_t sealed[PACKETS_MAX * PACKET_MAX];
    size_t chunk = size > 0 ? (size_t)data[0] / 2 + 1 : 1;
    if (size == 0 || data[0] % 2 == 0) {
        fuzz_device(&kl_labjack_u6_driver, &config, data, size, chunk);
        return 0;
    }
    size_t len = 0;
    for (size_t at = 1; at < size && len + PACKET_MAX <= sizeof(sealed);) {
        size_t packet = seal(data + at, size - at, sealed + len);
        at += 4 + packet - HEAD - 2;
        len += packet;
    }
    fuzz_device(&kl_labjack_u6_driver, &config, sealed, len, chunk);
    return 0;
}

#include "visualize/change_key.h"

#include <string.h>

/* Multiply and fold, eight bytes at a time; the multiplier is the 64-bit golden ratio of
 * splitmix64. Collisions would leave a panel stale: 64 bits make that a matter of ages. */
static uint64_t mix(uint64_t key, uint64_t word)
{
    key = (key ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
    return key ^ (key >> 29);
}

uint64_t kl_change_key(uint64_t key, const void *data, size_t len)
{
    const unsigned char *byte = data;
    uint64_t word = 0;
    for (; len >= sizeof(word); len -= sizeof(word), byte += sizeof(word)) {
        memcpy(&word, byte, sizeof(word));
        key = mix(key, word);
    }
    word = (uint64_t)len << 56;
    memcpy(&word, byte, len);
    return mix(key, word ^ ((uint64_t)(len + 1) << 56));
}

#include "devices/answer.h"

#include <string.h>

#define WRITE_WAIT_NS KL_NS_PER_S
#define DRAIN_READS_MAX 1000 /* a device that streams on: 1 s of bursts of 1 ms */

int kl_link_say(struct kl_link *link, const void *bytes, size_t len)
{
    int status = link->ops->write(link, bytes, len, WRITE_WAIT_NS);
    return status < 0 ? status : KL_OK;
}

int kl_link_hear(struct kl_link *link, const char *end, char out[KL_ANSWER_MAX], int64_t wait_ns)
{
    size_t len = 0;
    out[0] = '\0';
    while (len + 1 < KL_ANSWER_MAX) {
        uint8_t byte;
        int count = link->ops->read(link, &byte, 1, wait_ns);
        if (count < 0) {
            return count;
        }
        if (count == 0) {
            return KL_ERR_TIMEOUT;
        }
        out[len++] = byte != 0 ? (char)byte : '?';
        out[len] = '\0';
        size_t ending = strlen(end);
        if (len >= ending && memcmp(out + len - ending, end, ending) == 0) {
            return KL_OK;
        }
    }
    return KL_ERR_DATA;
}

int kl_link_take(struct kl_link *link, uint8_t *out, size_t len, int64_t wait_ns)
{
    for (size_t at = 0; at < len;) {
        int count = link->ops->read(link, out + at, len - at, wait_ns);
        if (count <= 0) {
            return count < 0 ? count : KL_ERR_TIMEOUT;
        }
        at += (size_t)count;
    }
    return KL_OK;
}

int kl_link_drain(struct kl_link *link, int64_t quiet_ns)
{
    uint8_t waste[256];
    for (int i = 0; i < DRAIN_READS_MAX; i++) {
        int count = link->ops->read(link, waste, sizeof(waste), quiet_ns);
        if (count <= 0) {
            return count;
        }
    }
    return KL_ERR_TIMEOUT;
}

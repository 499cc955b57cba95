#include "devices/talk.h"

#include <string.h>

/* One read waits this long; a read that gave something costs at least the fiftieth. */
#define SLICE_NS INT64_C(5000000)
#define READ_NS (SLICE_NS / 50)
#define WRITE_NS INT64_C(500000000)
#define BITS_PER_BYTE 10 /* 8N1 with start and stop */

void kl_talk_init(struct kl_talk *talk, struct kl_link *link, unsigned baud)
{
    memset(talk, 0, sizeof(*talk));
    talk->link = link;
    talk->byte_ns = baud > 0 ? BITS_PER_BYTE * KL_NS_PER_S / (int64_t)baud : 0;
}

int kl_talk_send(struct kl_talk *talk, const uint8_t *bytes, size_t len)
{
    int status = talk->link->ops->write(talk->link, bytes, len, WRITE_NS);
    return status < 0 ? status : KL_OK;
}

void kl_talk_drop(struct kl_talk *talk, size_t count)
{
    count = count < talk->len ? count : talk->len;
    talk->len -= count;
    memmove(talk->buf, talk->buf + count, talk->len);
}

int kl_talk_read(struct kl_talk *talk, size_t want)
{
    if (talk->left_ns <= 0) {
        return KL_ERR_TIMEOUT;
    }
    if (talk->len == sizeof(talk->buf)) {
        kl_talk_drop(talk, sizeof(talk->buf) / 2);
    }
    size_t room = sizeof(talk->buf) - talk->len;
    int64_t wait_ns = talk->left_ns < SLICE_NS ? talk->left_ns : SLICE_NS;
    int count = talk->link->ops->read(talk->link, talk->buf + talk->len, want < room ? want : room,
                                      wait_ns);
    if (count < 0) {
        return count;
    }
    int64_t cost_ns = count * talk->byte_ns;
    cost_ns = cost_ns > READ_NS ? cost_ns : READ_NS;
    talk->left_ns -= count == 0 ? wait_ns : cost_ns;
    talk->len += (size_t)count;
    return count;
}

int kl_talk_hush(struct kl_talk *talk, int64_t quiet_ns, int64_t limit_ns)
{
    int64_t quiet_left_ns = quiet_ns;
    talk->left_ns = limit_ns;
    while (quiet_left_ns > 0) {
        int count = kl_talk_read(talk, sizeof(talk->buf));
        if (count < 0) {
            return count;
        }
        quiet_left_ns = count == 0 ? quiet_left_ns - SLICE_NS : quiet_ns;
        talk->len = 0;
    }
    return KL_OK;
}

int kl_talk_pause(struct kl_talk *talk, int64_t wait_ns)
{
    int count = 0;
    talk->left_ns = wait_ns;
    while (count >= 0) {
        count = kl_talk_read(talk, sizeof(talk->buf));
        talk->len = 0;
    }
    return count == KL_ERR_TIMEOUT ? KL_OK : count;
}

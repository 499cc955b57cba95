#include "devices/conversation.h"

#include <string.h>

#define SLICE_NS                                                                                   \
    (2 * KL_MS)       /* one read; short, as what it waited before bytes came is not known         \
                       */
#define BUSY_NS KL_MS /* least cost of a read that brought bytes: a USB frame */
#define BYTE_NS INT64_C(10000)       /* least cost of a byte: 1 Mbit/s, the fastest serial line */
#define GIVE_UP_NS (100 * KL_MS)     /* of silence: an unfinished frame will not be finished */
#define WRITE_WAIT_NS (1000 * KL_MS) /* 1000 bytes at 9600 baud */
#define FLUSH_READS_MAX 64           /* xsens_mti.md section 1 */

void kl_conversation_init(struct kl_conversation *talk, struct kl_link *link,
                          enum kl_frame (*frame)(const void *state, const uint8_t *buf, size_t len,
                                                 size_t *frame_len),
                          const void *state)
{
    *talk = (struct kl_conversation){
        .link = link, .frame = frame, .state = state, .cap = sizeof(talk->buf)};
}

static void drop(struct kl_conversation *talk, size_t count)
{
    talk->len -= count;
    memmove(talk->buf, talk->buf + count, talk->len);
}

/* Skips what is no frame. @return true: the buffer begins with a whole frame of *frame_len */
static bool scan(struct kl_conversation *talk, bool last, size_t *frame_len)
{
    size_t at = 0;
    enum kl_frame answer = KL_FRAME_NEED_MORE;
    while (at < talk->len) {
        size_t left = talk->len - at;
        *frame_len = 0;
        answer = talk->frame(talk->state, talk->buf + at, left, frame_len);
        bool whole = answer == KL_FRAME_VALID && *frame_len > 0 && *frame_len <= left;
        bool wait = answer == KL_FRAME_NEED_MORE && !last && left < sizeof(talk->buf);
        if (whole || wait) {
            break;
        }
        answer = KL_FRAME_INVALID;
        at++;
    }
    drop(talk, at);
    return talk->len > 0 && answer == KL_FRAME_VALID;
}

int kl_conversation_next(struct kl_conversation *talk, int64_t *left_ns, const uint8_t **frame,
                         size_t *frame_len)
{
    int64_t silent_ns = 0;
    drop(talk, talk->used);
    talk->used = 0;
    while (!scan(talk, silent_ns >= GIVE_UP_NS, frame_len)) {
        if (*left_ns <= 0) {
            return KL_ERR_TIMEOUT;
        }
        size_t room = sizeof(talk->buf) - talk->len;
        int64_t wait_ns = *left_ns < SLICE_NS ? *left_ns : SLICE_NS;
        int count = talk->link->ops->read(talk->link, talk->buf + talk->len,
                                          room < talk->cap ? room : talk->cap, wait_ns);
        if (count < 0) {
            return count;
        }
        int64_t busy_ns = count * BYTE_NS > BUSY_NS ? count * BYTE_NS : BUSY_NS;
        *left_ns -= count == 0 ? wait_ns : busy_ns;
        silent_ns = count == 0 ? silent_ns + wait_ns : 0;
        talk->len += (size_t)count;
    }
    *frame = talk->buf;
    talk->used = *frame_len;
    return KL_OK;
}

int kl_conversation_send(struct kl_conversation *talk, const void *bytes, size_t len)
{
    int status = talk->link->ops->write(talk->link, bytes, len, WRITE_WAIT_NS);
    return status < 0 ? status : KL_OK;
}

int kl_conversation_flush(struct kl_conversation *talk, int64_t quiet_ns)
{
    talk->used = talk->len = 0;
    for (int i = 0; i < FLUSH_READS_MAX; i++) {
        int count = talk->link->ops->read(talk->link, talk->buf, sizeof(talk->buf), quiet_ns);
        if (count <= 0) {
            return count;
        }
    }
    return KL_OK;
}

#include "devices/conversation.h"

#include <string.h>

#define SLICE_NS (2 * KL_MS)    /* one read; short: what it waited before bytes came is not known */
#define BUSY_NS KL_MS           /* least cost of a read that brought all there was: a USB frame */
#define FULL_NS INT64_C(100000) /* of a read that brought all it was let: more may be there */
#define BYTE_NS INT64_C(10000)  /* least cost of a byte: 1 Mbit/s, the fastest serial line */
#define GIVE_UP_NS (100 * KL_MS)
#define WRITE_WAIT_NS (1000 * KL_MS) /* 1000 bytes at 9600 baud */
#define FLUSH_READS_MAX 64           /* xsens_mti.md section 1 */
#define SHOWN_MAX 60

void kl_conversation_init(struct kl_conversation *talk, struct kl_link *link, kl_frame_test *frame,
                          const void *state)
{
    *talk = (struct kl_conversation){.link = link,
                                     .frame = frame,
                                     .state = state,
                                     .cap = sizeof(talk->buf),
                                     .give_up_ns = GIVE_UP_NS};
}

int kl_conversation_send(struct kl_conversation *talk, const void *bytes, size_t len)
{
    int status = talk->link->ops->write(talk->link, bytes, len, WRITE_WAIT_NS);
    return status < 0 ? status : KL_OK;
}

static void drop(struct kl_conversation *talk, size_t count)
{
    talk->len -= count;
    memmove(talk->buf, talk->buf + count, talk->len);
}

/* Forgets what was given last. */
static void go_on(struct kl_conversation *talk)
{
    drop(talk, talk->used);
    talk->used = 0;
}

/* Reads once, at most cap bytes. @return bytes, KL_ERR_TIMEOUT when nothing is left of the wait, or
 * what the link says */
static int receive(struct kl_conversation *talk, size_t cap, int64_t *left_ns)
{
    size_t room = sizeof(talk->buf) - talk->len;
    int64_t wait_ns = *left_ns < SLICE_NS ? *left_ns : SLICE_NS;
    cap = cap < talk->cap ? cap : talk->cap;
    cap = cap < room ? cap : room;
    if (*left_ns <= 0) {
        return KL_ERR_TIMEOUT;
    }
    int count = talk->link->ops->read(talk->link, talk->buf + talk->len, cap, wait_ns);
    if (count < 0) {
        return count;
    }
    int64_t least_ns = (size_t)count == cap ? FULL_NS : BUSY_NS;
    int64_t busy_ns = count * BYTE_NS > least_ns ? count * BYTE_NS : least_ns;
    *left_ns -= count == 0 ? wait_ns : busy_ns;
    talk->len += (size_t)count;
    talk->heard |= count > 0;
    return count;
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
    go_on(talk);
    while (!scan(talk, silent_ns >= talk->give_up_ns, frame_len)) {
        int64_t before_ns = *left_ns;
        int count = receive(talk, sizeof(talk->buf), left_ns);
        if (count < 0) {
            return count;
        }
        silent_ns = count == 0 ? silent_ns + before_ns - *left_ns : 0;
    }
    *frame = talk->buf;
    talk->used = *frame_len;
    return KL_OK;
}

int kl_conversation_text(struct kl_conversation *talk, const char *end, char out[KL_ANSWER_MAX],
                         int64_t wait_ns)
{
    size_t ending = strlen(end);
    out[0] = '\0';
    go_on(talk);
    while (talk->used + 1 < KL_ANSWER_MAX) {
        int count = talk->used < talk->len ? 1 : receive(talk, 1, &wait_ns);
        if (count < 0) {
            return count;
        }
        if (count > 0) {
            uint8_t byte = talk->buf[talk->used];
            out[talk->used++] = byte != 0 ? (char)byte : '?';
            out[talk->used] = '\0';
        }
        if (talk->used >= ending && memcmp(out + talk->used - ending, end, ending) == 0) {
            return KL_OK;
        }
    }
    return KL_ERR_DATA;
}

int kl_conversation_bytes(struct kl_conversation *talk, uint8_t *out, size_t len, int64_t wait_ns)
{
    go_on(talk);
    while (talk->len < len) {
        int count = receive(talk, len - talk->len, &wait_ns);
        if (count < 0) {
            return count;
        }
    }
    memcpy(out, talk->buf, len);
    talk->used = len;
    return KL_OK;
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

int kl_conversation_hush(struct kl_conversation *talk, int64_t quiet_ns, int64_t limit_ns)
{
    for (int64_t quiet_left_ns = quiet_ns; quiet_left_ns > 0;) {
        int64_t before_ns = limit_ns;
        talk->used = talk->len = 0;
        int count = receive(talk, sizeof(talk->buf), &limit_ns);
        if (count < 0) {
            return count;
        }
        quiet_left_ns = count == 0 ? quiet_left_ns - (before_ns - limit_ns) : quiet_ns;
    }
    return KL_OK;
}

int kl_conversation_pause(struct kl_conversation *talk, int64_t wait_ns)
{
    int count = 0;
    while (count >= 0) {
        talk->used = talk->len = 0;
        count = receive(talk, sizeof(talk->buf), &wait_ns);
    }
    return count == KL_ERR_TIMEOUT ? KL_OK : count;
}

const char *kl_answer_line(char *answer)
{
    for (size_t i = 0; answer[i] != '\0'; i++) {
        answer[i] = answer[i] < ' ' || answer[i] > '~' ? ' ' : answer[i];
        if (i == SHOWN_MAX) {
            answer[i] = '\0';
            break;
        }
    }
    return answer[0] != '\0' ? answer : "nothing";
}

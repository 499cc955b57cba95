/* Reading captures, and the link that plays one. */
#include "acquire/capture.h"
#include "acquire/crc32c.h"

#include <stdio.h>
#include <string.h>

#define FIRST_LINE "kneelab capture: "
#define FIRST_LEN (sizeof(FIRST_LINE) - 1)
#define VERSION '1'
#define LINE_MAX_CHARS 1024
#define HEAD_BYTES 12
#define SUM_BYTES 4
#define LENGTH_MASK 0xffffffu
#define KIND_SHIFT 24

bool kl_capture_is(const uint8_t *data, size_t len)
{
    return len >= FIRST_LEN && memcmp(data, FIRST_LINE, FIRST_LEN) == 0;
}

static void take_key(const char *line, size_t len, const char *key, char *out, size_t cap)
{
    size_t key_len = strlen(key);
    if (len > key_len && memcmp(line, key, key_len) == 0) {
        (void)snprintf(out, cap, "%.*s", (int)(len - key_len), line + key_len);
    }
}

int kl_capture_open(const char *name, const uint8_t *data, size_t len,
                    struct kl_capture_reader *out, struct kl_fault *fault)
{
    if (!kl_capture_is(data, len)) {
        return kl_fault(fault, KL_ERR_DATA, "%s: not a capture: it begins otherwise", name);
    }
    if (len < FIRST_LEN + 2 || data[FIRST_LEN] != VERSION || data[FIRST_LEN + 1] != '\n') {
        return kl_fault(fault, KL_ERR_UNSUPPORTED,
                        "%s: a capture of another version than 1; a newer Kneelab may read it",
                        name);
    }
    struct kl_capture_reader reader = {.data = data, .len = len};
    for (;;) {
        const char *line = (const char *)data + reader.at;
        size_t left = len - reader.at;
        const char *end = memchr(line, '\n', left < LINE_MAX_CHARS ? left : LINE_MAX_CHARS);
        if (end == NULL) {
            return kl_fault(fault, KL_ERR_DATA,
                            "%s: the head of the capture has no end (an empty line)", name);
        }
        size_t line_len = (size_t)(end - line);
        reader.at += line_len + 1;
        if (line_len == 0) {
            break;
        }
        take_key(line, line_len, "device: ", reader.device, sizeof(reader.device));
        take_key(line, line_len, "driver: ", reader.driver, sizeof(reader.driver));
    }
    *out = reader;
    return KL_OK;
}

static uint64_t get_le(const uint8_t *in, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)in[i] << (8 * i);
    }
    return value;
}

bool kl_capture_next(struct kl_capture_reader *reader, struct kl_capture_record *out)
{
    const uint8_t *record = reader->data + reader->at;
    size_t left = reader->len - reader->at;
    if (left < HEAD_BYTES + SUM_BYTES) {
        reader->torn = left;
        return false;
    }
    uint32_t word = (uint32_t)get_le(record + 8, 4);
    size_t len = word & LENGTH_MASK;
    unsigned kind = word >> KIND_SHIFT;
    if (len > left - HEAD_BYTES - SUM_BYTES || kind >= KL_CAPTURE_KIND_COUNT ||
        get_le(record + HEAD_BYTES + len, SUM_BYTES) != kl_crc32c(0, record, HEAD_BYTES + len)) {
        reader->torn = left;
        return false;
    }
    *out = (struct kl_capture_record){.arrival_ns = (int64_t)get_le(record, 8),
                                      .kind = (enum kl_capture_kind)kind,
                                      .bytes = record + HEAD_BYTES,
                                      .len = len};
    reader->at += HEAD_BYTES + len + SUM_BYTES;
    return true;
}

/* ----------------------------------------------------------------- playing */

/* The next record that has a say, in hand. @return false at the end */
static bool in_hand(struct kl_capture_player *player)
{
    while (!player->has_record) {
        if (!kl_capture_next(&player->reader, &player->record)) {
            return false;
        }
        player->taken = 0;
        player->has_record =
            player->record.kind != KL_CAPTURE_OPENED && player->record.kind != KL_CAPTURE_LOST;
    }
    return true;
}

static int player_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    (void)wait_ns;
    struct kl_capture_player *player = (struct kl_capture_player *)link;
    if (!in_hand(player)) {
        return KL_ERR_GONE;
    }
    if (player->record.kind != KL_CAPTURE_READ) {
        return 0; /* first the driver has to ask */
    }
    size_t left = player->record.len - player->taken;
    size_t take = left < cap ? left : cap;
    memcpy(buf, player->record.bytes + player->taken, take);
    player->taken += take;
    player->has_record = player->taken < player->record.len;
    link->arrival_ns = player->record.arrival_ns;
    return (int)take;
}

/* Moves behind the next thing that was written: what is read from here on answers it. A driver that
 * writes more than was written then leaves the rest of the capture alone. */
static void pass_written(struct kl_capture_player *player)
{
    struct kl_capture_player ahead = *player;
    while (in_hand(&ahead)) {
        ahead.has_record = false;
        if (ahead.record.kind == KL_CAPTURE_WRITTEN) {
            *player = ahead;
            return;
        }
    }
}

static int player_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)buf;
    (void)wait_ns;
    pass_written((struct kl_capture_player *)link);
    return (int)len;
}

static int player_set_baud(struct kl_link *link, unsigned baud)
{
    (void)link;
    (void)baud;
    return KL_OK;
}

/* The next answer; what was read in between stays unread. @param whole  what does not fit is lost,
 * as in a transfer; else the rest is given next */
static int take_answer(struct kl_capture_player *player, uint8_t *buf, size_t len, bool whole)
{
    struct kl_capture_player ahead = *player;
    while (in_hand(&ahead)) {
        if (ahead.record.kind == KL_CAPTURE_ANSWER) {
            size_t left = ahead.record.len - ahead.taken;
            size_t take = left < len ? left : len;
            memcpy(buf, ahead.record.bytes + ahead.taken, take);
            ahead.taken += take;
            ahead.has_record = !whole && take < left;
            *player = ahead;
            return (int)take;
        }
        ahead.has_record = false;
    }
    return KL_ERR_GONE;
}

static int player_control(struct kl_link *link, uint8_t request_type, uint8_t request,
                          uint16_t value, uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)request;
    (void)value;
    (void)index;
    (void)wait_ns;
    struct kl_capture_player *player = (struct kl_capture_player *)link;
    pass_written(player);
    bool in = (request_type & 0x80) != 0;
    int count = take_answer(player, buf, in ? len : 0, true);
    return in ? count : (int)len;
}

static int player_transfer(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                           int64_t wait_ns)
{
    (void)wait_ns;
    struct kl_capture_player *player = (struct kl_capture_player *)link;
    if ((endpoint & 0x80) != 0) {
        return take_answer(player, buf, len, true);
    }
    pass_written(player);
    return (int)len;
}

static int beside_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    (void)wait_ns;
    int count = take_answer(((struct kl_capture_beside *)link)->player, buf, cap, false);
    return count == KL_ERR_GONE ? 0 : count; /* no more answers; the stream may go on */
}

static int beside_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    return player_write(&((struct kl_capture_beside *)link)->player->link, buf, len, wait_ns);
}

static struct kl_link *player_beside(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns)
{
    (void)tcp_port;
    (void)wait_ns;
    static const struct kl_link_ops ops = {.read = beside_read, .write = beside_write};
    struct kl_capture_player *player = (struct kl_capture_player *)link;
    player->beside = (struct kl_capture_beside){.link = {.ops = &ops}, .player = player};
    return &player->beside.link;
}

void kl_capture_player_init(struct kl_capture_player *player,
                            const struct kl_capture_reader *reader)
{
    static const struct kl_link_ops ops = {.read = player_read,
                                           .write = player_write,
                                           .set_baud = player_set_baud,
                                           .control = player_control,
                                           .transfer = player_transfer,
                                           .beside = player_beside};
    *player = (struct kl_capture_player){.link = {.ops = &ops}, .reader = *reader};
}

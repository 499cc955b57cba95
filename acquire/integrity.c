#include "acquire/integrity.h"

#include "acquire/crc32c.h"
#include "acquire/formats/xdf_write.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TEXT_FORMAT                                                                                \
    "{\"mark\":%10" PRIu64 ",\"from\":%16" PRIu64 ",\"to\":%16" PRIu64 ",\"crc32c\":\"%08" PRIx32  \
    "\",\"previous\":{\"from\":%16" PRIu64 ",\"crc32c\":\"%08" PRIx32 "\",\"mark\":\"%08" PRIx32   \
    "\"},\"closed\":%5s,\"self\":\"%08" PRIx32 "\"}"
#define NUMBER_LIMIT UINT64_C(10000000000)         /* 10 digits */
#define POSITION_LIMIT UINT64_C(10000000000000000) /* 16 digits */

/* What a search looks for, and where it lies in the chunk. */
#define TEXT_START "{\"mark\":"
#define TEXT_OFFSET (KL_MARK_SIZE - KL_MARK_TEXT_SIZE)
/* Where the chunk's own CRC stands: eight digits before the closing quote and brace. */
#define SELF_OFFSET (KL_MARK_SIZE - 10)

void kl_mark_write(const struct kl_mark *mark, uint8_t out[KL_MARK_SIZE])
{
    char text[KL_MARK_TEXT_SIZE + 1];
    uint8_t *at = kl_xdf_put_string(out, mark->stream, mark->stamp_s, KL_MARK_TEXT_SIZE);
    assert(at == out + TEXT_OFFSET);
    int size = snprintf(text, sizeof(text), TEXT_FORMAT, mark->number % NUMBER_LIMIT,
                        mark->from % POSITION_LIMIT, mark->to % POSITION_LIMIT, mark->crc,
                        mark->previous_from % POSITION_LIMIT, mark->previous_crc,
                        mark->previous_mark, mark->closed ? "true" : "false", (uint32_t)0);
    assert(size == KL_MARK_TEXT_SIZE);
    (void)size;
    memcpy(at, text, KL_MARK_TEXT_SIZE);
    char self[9];
    (void)snprintf(self, sizeof(self), "%08" PRIx32, kl_crc32c(0, out, SELF_OFFSET));
    memcpy(out + SELF_OFFSET, self, 8);
}

/* Digits (blanks in front) up to the first other character. Exactness is checked by writing the
 * mark again, so this may be generous. */
static uint64_t read_digits(const char *text, const char *key, unsigned base)
{
    const char *at = strstr(text, key);
    uint64_t value = 0;
    if (at == NULL) {
        return 0;
    }
    at += strlen(key);
    while (*at == ' ') {
        at++;
    }
    for (;; at++) {
        unsigned digit = base;
        if (*at >= '0' && *at <= '9') {
            digit = (unsigned)(*at - '0');
        } else if (*at >= 'a' && *at <= 'f') {
            digit = (unsigned)(*at - 'a') + 10;
        }
        if (digit >= base) {
            return value;
        }
        value = value * base + digit;
    }
}

bool kl_mark_read(const uint8_t *buf, size_t len, size_t pos, struct kl_mark *mark)
{
    struct kl_xdf_chunk chunk;
    struct kl_xdf_samples samples;
    struct kl_mark found = {0};
    bool given = false;
    char text[KL_MARK_TEXT_SIZE + 1];
    if (pos > len || len - pos < KL_MARK_SIZE ||
        memcmp(buf + pos + TEXT_OFFSET, TEXT_START, strlen(TEXT_START)) != 0 ||
        kl_xdf_chunk_at(buf, pos + KL_MARK_SIZE, pos, &chunk) != KL_XDF_CHUNK ||
        !kl_xdf_samples_begin(&chunk, &samples) ||
        !kl_xdf_samples_stamp(&samples, &given, &found.stamp_s)) {
        return false;
    }
    memcpy(text, buf + pos + TEXT_OFFSET, KL_MARK_TEXT_SIZE);
    text[KL_MARK_TEXT_SIZE] = '\0';
    found.stream = chunk.stream;
    found.number = read_digits(text, "\"mark\":", 10);
    found.from = read_digits(text, ",\"from\":", 10);
    found.to = read_digits(text, ",\"to\":", 10);
    found.crc = (uint32_t)read_digits(text, ",\"crc32c\":\"", 16);
    found.previous_from = read_digits(text, "{\"from\":", 10);
    const char *previous = strstr(text, "\"previous\"");
    if (previous == NULL) {
        return false;
    }
    found.previous_crc = (uint32_t)read_digits(previous, "\"crc32c\":\"", 16);
    found.previous_mark = (uint32_t)read_digits(previous, "\"mark\":\"", 16);
    found.closed = strstr(text, "\"closed\": true") != NULL;
    uint8_t written[KL_MARK_SIZE];
    kl_mark_write(&found, written);
    if (memcmp(written, buf + pos, KL_MARK_SIZE) != 0) {
        return false;
    }
    *mark = found;
    return true;
}

size_t kl_mark_find(const uint8_t *buf, size_t len, size_t pos, struct kl_mark *mark)
{
    size_t at = pos <= len && len - pos >= KL_MARK_SIZE ? pos + TEXT_OFFSET : len;
    for (;;) {
        at = kl_xdf_find(buf, len, at, TEXT_START, strlen(TEXT_START), 0);
        if (at == SIZE_MAX) {
            return SIZE_MAX;
        }
        if (kl_mark_read(buf, len, at - TEXT_OFFSET, mark)) {
            return at - TEXT_OFFSET;
        }
        at++;
    }
}

#define LAST_WINDOW ((size_t)256 * 1024) /* bytes looked through at a time, from the end */

size_t kl_mark_find_last(const uint8_t *buf, size_t len, struct kl_mark *mark)
{
    size_t end = len;
    while (end > 0) {
        size_t start = end > LAST_WINDOW ? end - LAST_WINDOW : 0;
        /* A mark that begins before `end` may reach behind it. */
        size_t reach = len - end > KL_MARK_SIZE ? end + KL_MARK_SIZE : len;
        size_t last = SIZE_MAX;
        struct kl_mark found;
        for (size_t at = start; at < end;) {
            size_t hit = kl_mark_find(buf, reach, at, &found);
            if (hit == SIZE_MAX) {
                break;
            }
            last = hit;
            *mark = found;
            at = hit + KL_MARK_SIZE;
        }
        if (last != SIZE_MAX) {
            return last;
        }
        end = start;
    }
    return SIZE_MAX;
}

struct kl_mark kl_mark_next(const struct kl_mark *previous, uint32_t stream, double stamp_s,
                            uint64_t to, uint32_t crc, bool closed)
{
    struct kl_mark mark = {
        .stream = stream, .stamp_s = stamp_s, .to = to, .crc = crc, .closed = closed};
    if (previous != NULL) {
        uint8_t chunk[KL_MARK_SIZE];
        kl_mark_write(previous, chunk);
        mark.number = previous->number + 1;
        mark.from = previous->to;
        mark.previous_from = previous->from;
        mark.previous_crc = previous->crc;
        mark.previous_mark = kl_crc32c(0, chunk, sizeof(chunk));
    }
    return mark;
}

/* ------------------------------------------------------------------- ranges */

struct kl_ranges kl_ranges_begin(const uint8_t *buf, size_t len)
{
    return (struct kl_ranges){.buf = buf, .len = len};
}

static enum kl_range_verdict verdict(const struct kl_ranges *ranges, size_t from, size_t to,
                                     uint32_t crc)
{
    bool same = kl_crc32c(0, ranges->buf + from, to - from) == crc;
    return same ? KL_RANGE_INTACT : KL_RANGE_DAMAGED;
}

/* What lies behind the last mark that can be read. */
static bool tail(struct kl_ranges *ranges, struct kl_range *range)
{
    size_t from = ranges->after_mark ? ranges->pos + KL_MARK_SIZE : ranges->pos;
    ranges->pos = ranges->len;
    ranges->after_mark = false;
    if (from >= ranges->len) {
        return false;
    }
    *range = (struct kl_range){.from = from, .to = ranges->len, .verdict = KL_RANGE_UNMARKED};
    return true;
}

bool kl_ranges_next(struct kl_ranges *ranges, struct kl_range *range)
{
    if (ranges->pending) {
        ranges->pending = false;
        *range = ranges->next;
        return true;
    }
    struct kl_mark mark;
    size_t first = ranges->after_mark ? ranges->pos + KL_MARK_SIZE : ranges->pos;
    size_t at = kl_mark_find(ranges->buf, ranges->len, first, &mark);
    if (at == SIZE_MAX) {
        return tail(ranges, range);
    }
    size_t pos = ranges->pos;
    uint64_t size = mark.to >= mark.from ? mark.to - mark.from : UINT64_MAX;
    uint64_t previous_size =
        mark.from >= mark.previous_from ? mark.from - mark.previous_from : UINT64_MAX;
    ranges->pos = at;
    ranges->after_mark = true;
    *range = (struct kl_range){
        .from = pos, .to = at, .verdict = KL_RANGE_DAMAGED, .marked = true, .mark = mark};
    if (size == at - pos) {
        range->verdict = verdict(ranges, pos, at, mark.crc);
    } else if (size < at - pos) {
        /* The mark at the start of this range is damaged. This one says what its range was. */
        ranges->next = *range;
        ranges->next.from = at - (size_t)size;
        ranges->next.verdict = verdict(ranges, ranges->next.from, at, mark.crc);
        ranges->pending = true;
        range->marked = false;
        range->to = ranges->next.from;
        if (previous_size == range->to - pos) {
            range->verdict = verdict(ranges, pos, range->to, mark.previous_crc);
        }
    } /* else bytes are missing from this range: damaged as it stands */
    return true;
}

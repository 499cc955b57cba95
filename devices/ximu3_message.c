#include "devices/bytes.h"
#include "devices/ximu3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END 0x0a
#define ESCAPE 0xdb
#define ESCAPED_END 0xdc
#define ESCAPED_ESCAPE 0xdd
#define BINARY 0x80
#define HEAD 9                /* id, u64 time */
#define TIME_MAX (1ULL << 53) /* us: 285 years, also when synchronised to a calendar */
#define FIXED_MAX (HEAD + 4 * KL_XIMU3_VALUES_MAX)

/* Numbers that a letter may carry. Other letters carry text, bytes, or are not known. */
static const struct row {
    char letter;
    uint8_t count[2];
    bool text; /* or something else, in other versions */
} rows[] = {
    {'I', {6, 6}, false}, {'M', {3, 3}, false}, {'H', {3, 3}, false}, {'Q', {4, 4}, false},
    {'R', {9, 9}, false}, {'A', {3, 3}, false}, {'L', {3, 7}, false}, {'E', {3, 7}, false},
    {'U', {4, 4}, true},  {'T', {1, 1}, false}, {'B', {3, 3}, false}, {'W', {2, 2}, false},
};

static const struct row *row_of(unsigned letter)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if ((unsigned char)rows[i].letter == letter) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool fits(const struct row *row, size_t count)
{
    return row != NULL && (count == row->count[0] || count == row->count[1]);
}

/* ------------------------------------------------------------------- binary */

/* Takes the stuffing out of a message without its end. Bytes beyond cap are counted, not stored.
 * @return unstuffed length, SIZE_MAX: wrong escape */
static size_t unstuff(const uint8_t *buf, size_t len, uint8_t *out, size_t cap)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = buf[i];
        if (byte == ESCAPE) {
            i++;
            if (i == len || (buf[i] != ESCAPED_END && buf[i] != ESCAPED_ESCAPE)) {
                return SIZE_MAX;
            }
            byte = buf[i] == ESCAPED_END ? END : ESCAPE;
        }
        if (count < cap) {
            out[count] = byte;
        }
        count++;
    }
    return count;
}

/* A binary message without its end. @param fixed  only one whose numbers are known */
static bool read_binary(const uint8_t *buf, size_t len, bool fixed, struct kl_ximu3_message *out)
{
    uint8_t plain[FIXED_MAX] = {0};
    unsigned letter = buf[0] & 0x7fU;
    if (buf[0] < BINARY || letter < 'A' || letter > 'Z') {
        return false;
    }
    const struct row *row = row_of(letter);
    if (fixed &&
        (row == NULL || len < HEAD + 4U * row->count[0] || len > 2 * (HEAD + 4U * row->count[1]))) {
        return false; /* of no length that it could have, stuffed or not */
    }
    size_t count = unstuff(buf, len, plain, sizeof(plain));
    if (count == SIZE_MAX || count < HEAD) {
        return false;
    }
    *out = (struct kl_ximu3_message){.letter = (char)letter, .t_us = kl_u64_le(plain + 1)};
    bool whole = (count - HEAD) % 4 == 0 && fits(row, (count - HEAD) / 4);
    bool known = row != NULL && !row->text;
    if (out->t_us >= TIME_MAX || (!whole && (fixed || known))) {
        return false;
    }
    out->count = whole ? (count - HEAD) / 4 : 0;
    for (size_t i = 0; i < out->count; i++) {
        out->value[i] = (double)kl_f32_le(plain + HEAD + 4 * i);
    }
    return true;
}

/* There is no checksum, so a damaged beginning may look like the text of some other message. It
 * must not swallow a good message whose numbers are where they belong, at the end. */
static bool hides_message(const uint8_t *buf, size_t len)
{
    struct kl_ximu3_message message;
    for (size_t i = len > 2 * FIXED_MAX ? len - 2 * FIXED_MAX : 1; i < len; i++) {
        if (read_binary(buf + i, len - i, true, &message)) {
            return true;
        }
    }
    return false;
}

/* --------------------------------------------------------------------- text */

static bool printable(const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (buf[i] < ' ' || buf[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A data message in text, without its end: I,1000000,0.0000,... */
static bool read_text(const uint8_t *buf, size_t len, struct kl_ximu3_message *out)
{
    char text[256];
    if (len < 3 || buf[0] < 'A' || buf[0] > 'Z' || buf[1] != ',' || buf[2] < '0' || buf[2] > '9' ||
        !printable(buf, len)) {
        return false;
    }
    const struct row *row = row_of(buf[0]);
    bool known = row != NULL && !row->text;
    *out = (struct kl_ximu3_message){.letter = (char)buf[0]};
    if (len >= sizeof(text)) {
        return !known; /* long text of the device */
    }
    memcpy(text, buf, len);
    text[len] = '\0';
    char *at = NULL;
    out->t_us = strtoull(text + 2, &at, 10);
    size_t count = 0;
    while (*at == ',' && count < KL_XIMU3_VALUES_MAX) {
        char *end = NULL;
        double value = strtod(at + 1, &end);
        if (end == at + 1) {
            break;
        }
        out->value[count++] = value;
        at = end;
    }
    bool whole = *at == '\0' && fits(row, count);
    out->count = whole ? count : 0;
    return out->t_us < TIME_MAX && (whole || !known);
}

/* -------------------------------------------------------------------- frame */

/* A message without its end, but of a chained unit. */
static bool own_sound(const uint8_t *buf, size_t len)
{
    struct kl_ximu3_message message;
    size_t text_len = len > 0 && buf[len - 1] == '\r' ? len - 1 : len; /* some bridges add it */
    if (len == 0) {
        return false;
    }
    if (buf[0] >= BINARY) {
        return read_binary(buf, len, false, &message) &&
               (message.count > 0 || !hides_message(buf, len));
    }
    bool text = buf[0] == '{' ? printable(buf, text_len) && buf[text_len - 1] == '}'
                              : read_text(buf, text_len, &message);
    return text && !hides_message(buf, len);
}

/* A message without its end, of whatever kind. */
static bool sound(const uint8_t *buf, size_t len)
{
    if (len > 2 && buf[0] == '^') { /* of a chained unit: channel, then its message */
        return own_sound(buf + 2, len - 2) && !hides_message(buf + 2, len - 2);
    }
    return own_sound(buf, len);
}

static bool may_begin(uint8_t byte)
{
    uint8_t letter = byte & 0x7f;
    return byte == '{' || byte == '^' || (letter >= 'A' && letter <= 'Z');
}

enum kl_frame kl_ximu3_frame(const void *state, const uint8_t *buf, size_t len, size_t *frame_len)
{
    (void)state;
    if (len > 0 && !may_begin(buf[0])) {
        return KL_FRAME_INVALID;
    }
    const struct row *row = len > 0 ? row_of(buf[0] & 0x7fU) : NULL;
    bool binary = len > 0 && buf[0] >= BINARY;
    bool fixed = binary && row != NULL && !row->text;
    size_t max = fixed ? 2 * FIXED_MAX + 1 : KL_XIMU3_MESSAGE_MAX;
    const uint8_t *end = memchr(buf, END, len < max ? len : max);
    if (end == NULL) {
        bool torn = len > 1 && !binary && buf[0] >= 'A' && buf[0] <= 'Z' && buf[1] != ',';
        return len >= max || torn ? KL_FRAME_INVALID : KL_FRAME_NEED_MORE;
    }
    size_t body = (size_t)(end - buf);
    if (!sound(buf, body)) {
        return KL_FRAME_INVALID;
    }
    *frame_len = body + 1;
    return KL_FRAME_VALID;
}

int kl_ximu3_message(const uint8_t *buf, size_t len, struct kl_ximu3_message *out)
{
    if (len < 2 || buf[len - 1] != END) {
        return KL_ERR_DATA;
    }
    if (buf[0] == '{' || buf[0] == '^') {
        return KL_ERR_UNSUPPORTED;
    }
    size_t body = len - 1;
    if (buf[0] >= BINARY) {
        return read_binary(buf, body, false, out) ? KL_OK : KL_ERR_DATA;
    }
    body -= buf[body - 1] == '\r';
    return read_text(buf, body, out) ? KL_OK : KL_ERR_DATA;
}

/* --------------------------------------------------------------------- JSON */

size_t kl_ximu3_command(const char *key, const char *value, char *out, size_t cap)
{
    int len = snprintf(out, cap, "{\"%s\":%s}\n", key, value);
    return len > 0 && (size_t)len < cap ? (size_t)len : 0;
}

static size_t skip_space(const uint8_t *json, size_t len, size_t at)
{
    while (at < len &&
           (json[at] == ' ' || json[at] == '\t' || json[at] == '\r' || json[at] == '\n')) {
        at++;
    }
    return at;
}

static void append(char *out, size_t cap, size_t *used, char c)
{
    if (*used + 1 < cap) { /* what does not fit is cut: these texts are for people */
        out[(*used)++] = c;
        out[*used] = '\0';
    }
}

/* Reads the text that begins with a quote at `at`. @return behind it, SIZE_MAX: it has no end */
static size_t read_string(const uint8_t *json, size_t len, size_t at, char *out, size_t cap)
{
    size_t used = 0;
    out[0] = '\0';
    for (at++; at < len; at++) {
        if (json[at] == '"') {
            return at + 1;
        }
        if (json[at] == '\\' && ++at < len && json[at] == 'u') {
            append(out, cap, &used, '?'); /* the device's own texts are ASCII */
            at += at + 4 < len ? 4 : 0;
        } else if (at < len) {
            append(out, cap, &used, (char)json[at]);
        }
    }
    return SIZE_MAX;
}

/* Reads the value at `at`. @return behind it, SIZE_MAX: none */
static size_t read_value(const uint8_t *json, size_t len, size_t at, char *out, size_t cap)
{
    if (at < len && json[at] == '"') {
        return read_string(json, len, at, out, cap);
    }
    size_t used = 0;
    size_t depth = 0;
    bool text = false;
    size_t from = at;
    out[0] = '\0';
    for (; at < len; at++) {
        uint8_t c = json[at];
        bool escaped = text && c == '\\';
        text = c == '"' ? !text : text;
        bool closes = !text && (c == '}' || c == ']');
        if (!text && depth == 0 && (closes || c == ',')) {
            break;
        }
        depth += !text && (c == '{' || c == '[');
        depth -= closes;
        append(out, cap, &used, (char)c);
        if (escaped && at + 1 < len) {
            append(out, cap, &used, (char)json[++at]);
        }
    }
    while (used > 0 && out[used - 1] == ' ') {
        out[--used] = '\0';
    }
    return at < len && at > from ? at : SIZE_MAX;
}

static int plain_letter(const char **at)
{
    for (; **at != '\0'; (*at)++) {
        int c = (unsigned char)**at;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) {
            (*at)++;
            return c;
        }
        if (c >= 'A' && c <= 'Z') {
            (*at)++;
            return c - 'A' + 'a';
        }
    }
    return 0;
}

static bool same_key(const char *a, const char *b)
{
    int x = 1;
    while (x != 0) {
        x = plain_letter(&a);
        if (x != plain_letter(&b)) {
            return false;
        }
    }
    return true;
}

int kl_ximu3_member(const uint8_t *json, size_t len, const char *key, char *out, size_t cap)
{
    char found[KL_XIMU3_TEXT_MAX];
    char value[KL_XIMU3_TEXT_MAX];
    size_t at = skip_space(json, len, 0);
    if (at >= len || json[at] != '{') {
        return KL_ERR_DATA;
    }
    do {
        at = skip_space(json, len, at + 1);
        if (at < len && json[at] == '}') {
            return KL_ERR_UNSUPPORTED;
        }
        if (at >= len || json[at] != '"') {
            return KL_ERR_DATA;
        }
        at = read_string(json, len, at, found, sizeof(found));
        at = at == SIZE_MAX ? len : skip_space(json, len, at);
        if (at >= len || json[at] != ':') {
            return KL_ERR_DATA;
        }
        at = read_value(json, len, skip_space(json, len, at + 1), value, sizeof(value));
        if (at == SIZE_MAX) {
            return KL_ERR_DATA;
        }
        if (same_key(found, key)) {
            (void)snprintf(out, cap, "%s", value);
            return KL_OK;
        }
        at = skip_space(json, len, at);
    } while (at < len && json[at] == ',');
    return at < len && json[at] == '}' ? KL_ERR_UNSUPPORTED : KL_ERR_DATA;
}

int kl_ximu3_answer(const uint8_t *message, size_t len, const char *key, char *out, size_t cap)
{
    char value[KL_XIMU3_TEXT_MAX];
    int status = kl_ximu3_member(message, len, key, value, sizeof(value));
    if (status != KL_OK) {
        return status;
    }
    if (value[0] == '{' &&
        kl_ximu3_member((const uint8_t *)value, strlen(value), "error", out, cap) == KL_OK) {
        return KL_ERR_RANGE;
    }
    (void)snprintf(out, cap, "%s", value);
    return KL_OK;
}

#include "acquire/event_json.h"

#include "acquire/decimal.h"

#include <jansson.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where text goes: counts everything, keeps what fits. */
struct line {
    char *out;
    size_t cap, len;
};

static void put(struct line *line, const char *text, size_t len)
{
    if (line->len < line->cap) {
        size_t room = line->cap - line->len;
        memcpy(line->out + line->len, text, len < room ? len : room);
    }
    line->len += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629), 0 when there is none. */
static size_t utf8_length(const unsigned char *p)
{
    static const struct {
        unsigned char first, last, second_low, second_high;
        size_t length;
    } row[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    if (p[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        if (p[0] < row[i].first || p[0] > row[i].last) {
            continue;
        }
        if (p[1] < row[i].second_low || p[1] > row[i].second_high) {
            return 0;
        }
        for (size_t k = 2; k < row[i].length; k++) {
            if ((p[k] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return row[i].length;
    }
    return 0;
}

static void put_string(struct line *line, const char *text)
{
    put_text(line, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0';) {
        size_t length = utf8_length(p);
        if (length == 0) {
            put_text(line, "\xef\xbf\xbd");
            p++;
            continue;
        }
        if (*p < 0x20) {
            char escape[8];
            put(line, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", *p));
        } else {
            if (*p == '"' || *p == '\\') {
                put_text(line, "\\");
            }
            put(line, (const char *)p, length);
        }
        p += length;
    }
    put_text(line, "\"");
}

static void put_number(struct line *line, double value)
{
    char digits[KL_DECIMAL_MAX];
    size_t len = kl_decimal_write(value, digits);
    bool finite = memchr(digits, 'n', len) == NULL; /* "nan", "inf" */
    if (!finite) {
        put_text(line, "\"");
    }
    put(line, digits, len);
    if (!finite) {
        put_text(line, "\"");
    } else if (strpbrk(digits, ".e") == NULL) {
        put_text(line, ".0"); /* "-0" alone would be read as the integer 0, without its sign */
    }
}

/* NOLINTNEXTLINE(readability-non-const-parameter): `out` is written through `line` */
size_t kl_event_json_write(const struct kl_event *event, char *out, size_t cap)
{
    struct line line = {.out = out, .cap = cap};
    char number[32];
    put_text(&line, "{\"kind\":");
    put_string(&line, kl_event_kind_text(event->kind));
    put_text(&line, ",\"duration_ns\":");
    put(&line, number, (size_t)snprintf(number, sizeof(number), "%" PRId64, event->duration_ns));
    for (int i = 0; i < KL_EVENT_VALUES; i++) {
        put_text(&line, i == 0 ? ",\"value\":[" : ",");
        put_number(&line, event->value[i]);
    }
    put_text(&line, "],\"text\":");
    put_string(&line, event->text);
    put_text(&line, "}");
    return line.len;
}

static bool read_number(const json_t *json, double *value)
{
    if (json_is_number(json)) {
        *value = json_number_value(json);
        return true;
    }
    return json_is_string(json) && kl_decimal_read(json_string_value(json), value);
}

static int read_object(const json_t *root, struct kl_event *event, char **text,
                       struct kl_fault *fault)
{
    struct kl_event found = {.kind = KL_EVENT_KIND_COUNT, .t_ns = event->t_ns};
    const char *word = json_string_value(json_object_get(root, "kind"));
    const json_t *value = json_object_get(root, "value");
    const json_t *duration = json_object_get(root, "duration_ns");
    const char *note = json_string_value(json_object_get(root, "text"));
    if (word == NULL || note == NULL || !json_is_integer(duration)) {
        return kl_fault(fault, KL_ERR_DATA, "event without kind, duration_ns or text");
    }
    for (int i = 0; i < KL_EVENT_VALUES; i++) {
        if (!read_number(json_array_get(value, (size_t)i), &found.value[i])) {
            return kl_fault(fault, KL_ERR_DATA, "event \"%.40s\" without its %d values", word,
                            KL_EVENT_VALUES);
        }
    }
    for (int kind = 0; kind < KL_EVENT_KIND_COUNT; kind++) {
        if (strcmp(word, kl_event_kind_text((enum kl_event_kind)kind)) == 0) {
            found.kind = (enum kl_event_kind)kind;
        }
    }
    if (found.kind == KL_EVENT_KIND_COUNT) {
        return kl_fault(fault, KL_ERR_UNSUPPORTED,
                        "event of kind \"%.40s\" is not known to this version", word);
    }
    char *copy = strdup(note);
    if (copy == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "no memory for the text of an event");
    }
    found.duration_ns = json_integer_value(duration);
    found.text = copy;
    *text = copy;
    *event = found;
    return KL_OK;
}

int kl_event_json_read(const char *json, size_t len, struct kl_event *event, char **text,
                       struct kl_fault *fault)
{
    json_error_t error;
    json_t *root = json_loadb(json, len, 0, &error);
    if (root == NULL) {
        return kl_fault(fault, KL_ERR_DATA, "event is not JSON: %s", error.text);
    }
    int status = read_object(root, event, text, fault);
    json_decref(root);
    return status;
}

#include "process/steps/step_record.h"

#include "process/steps/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

struct line {
    char *out;
    size_t len, at;
};

static struct line line_begin(char *out, size_t len, const char *kind)
{
    out[0] = '\0';
    struct line line = {.out = out, .len = len};
    line.at = (size_t)snprintf(out, len, "%s", kind);
    line.at = line.at < len ? line.at : len - 1;
    return line;
}

/* " key=value", cut where the line is full. */
static void put(struct line *line, const char *key, const char *value)
{
    size_t room = line->len - line->at;
    size_t n = (size_t)snprintf(line->out + line->at, room, " %s=%s", key, value);
    line->at += n < room ? n : room - 1;
}

static void put_number(struct line *line, const char *key, double value)
{
    char text[KL_NUMBER_TEXT_MAX];
    put(line, key, kl_number_exact(value, text, sizeof(text)));
}

static void put_count(struct line *line, const char *key, uint64_t count)
{
    char text[KL_NUMBER_TEXT_MAX];
    (void)snprintf(text, sizeof(text), "%" PRIu64, count);
    put(line, key, text);
}

static void put_bits(struct line *line, const char *key, const char *before, uint32_t bits)
{
    char text[KL_NUMBER_TEXT_MAX];
    (void)snprintf(text, sizeof(text), "%s0x%" PRIx32, before, bits);
    put(line, key, text);
}

size_t kl_step_record(const struct kl_step *step, char *out, size_t len)
{
    struct line line = line_begin(out, len, "step");
    put_count(&line, "index", step->index);
    put_count(&line, "plate", step->stream);
    put(&line, "side", kl_side_text(step->side));
    put_number(&line, "contact_ns", step->contact_ns);
    put_number(&line, "off_ns", step->off_ns);
    put_count(&line, "valid", step->valid);
    put_bits(&line, "reasons", "", step->reasons);
    put_count(&line, "loading_rule", step->loading_rule);
    put_number(&line, "body_weight_n", step->body_weight_n);
    put_number(&line, "speed_m_s", step->speed_m_s);
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        const char *key = kl_metric_get((enum kl_metric_id)m)->key;
        if (step->metric_reasons[m] != 0) {
            put_bits(&line, key, "!", step->metric_reasons[m]);
        } else {
            put_number(&line, key, step->metric[m]);
        }
        if (step->metric_marks[m] != 0) {
            char marks[64];
            (void)snprintf(marks, sizeof(marks), "%.50s.marks", key);
            put_bits(&line, marks, "", step->metric_marks[m]);
        }
    }
    return line.at;
}

size_t kl_flag_record(const struct kl_rule *rule, const struct kl_flag *flag, char *out, size_t len)
{
    struct line line = line_begin(out, len, "flag");
    put_count(&line, "rule", flag->rule);
    put(&line, "factor", kl_factor_get(rule->factor)->key);
    put(&line, "indicator", rule->indicator);
    put(&line, "side", kl_side_text(flag->side));
    put(&line, "state", kl_flag_state_text(flag->state));
    put_count(&line, "high", flag->high);
    put_number(&line, "value", flag->value);
    put_number(&line, "ci_low", flag->ci_low);
    put_number(&line, "ci_high", flag->ci_high);
    put_count(&line, "steps", flag->steps);
    put_count(&line, "step", flag->step);
    put_number(&line, "t_ns", flag->t_ns);
    return line.at;
}

struct kl_record_digest kl_record_digest_init(void)
{
    return (struct kl_record_digest){.hash = FNV_OFFSET};
}

static uint64_t fnv1a(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * FNV_PRIME;
}

bool kl_record_digest_add(struct kl_record_digest *digest, const char *line)
{
    for (const char *c = line; *c != '\0'; c++) {
        digest->hash = fnv1a(digest->hash, (unsigned char)*c);
    }
    digest->hash = fnv1a(digest->hash, '\n');
    digest->lines++;
    return digest->lines % KL_RECORD_DIGEST_EVERY == 0;
}

size_t kl_record_digest_line(const struct kl_record_digest *digest, char *out, size_t len)
{
    char hash[KL_NUMBER_TEXT_MAX];
    (void)snprintf(hash, sizeof(hash), "%016" PRIx64, digest->hash);
    struct line line = line_begin(out, len, "digest");
    put_count(&line, "lines", digest->lines);
    put(&line, "fnv1a", hash);
    return line.at;
}

/* One field of a line: `key=value`, or a bare word. */
struct field {
    const char *text;
    size_t len, key_len;
};

static struct field next_field(const char **at)
{
    struct field field = {.text = *at + strspn(*at, " ")};
    field.len = strcspn(field.text, " ");
    const char *equal = memchr(field.text, '=', field.len);
    field.key_len = equal != NULL ? (size_t)(equal - field.text) : field.len;
    *at = field.text + field.len;
    return field;
}

/* A value as number; the decimal sign is always a point here, whatever the locale says, so the two
 * halves are read as integers and joined. Only used to compare, never to compute. */
static bool read_number(const struct field *field, double *out)
{
    char text[KL_NUMBER_TEXT_MAX];
    size_t key = field->key_len + 1;
    if (field->len <= key || field->len - key >= sizeof(text)) {
        return false;
    }
    size_t len = field->len - key;
    memcpy(text, field->text + key, len);
    text[len] = '\0';
    if (strspn(text, "0123456789.+-e") != len) {
        return false;
    }
    char *point = strchr(text, '.');
    int places = 0;
    if (point != NULL) {
        places = (int)strspn(point + 1, "0123456789");
        memmove(point, point + 1, strlen(point));
    }
    char *end = NULL;
    double digits = strtod(text, &end);
    *out = digits * pow(10, -places);
    return end != text && *end == '\0';
}

static bool fields_agree(const struct field *a, const struct field *b, double relative)
{
    if (a->len == b->len && memcmp(a->text, b->text, a->len) == 0) {
        return true;
    }
    double x = 0, y = 0;
    if (relative <= 0 || a->key_len != b->key_len || memcmp(a->text, b->text, a->key_len) != 0 ||
        !read_number(a, &x) || !read_number(b, &y)) {
        return false;
    }
    return fabs(x - y) <= relative * fmax(fabs(x), fabs(y));
}

bool kl_record_equal(const char *a, const char *b, double relative, char *field, size_t len)
{
    while (*a != '\0' || *b != '\0') {
        struct field left = next_field(&a), right = next_field(&b);
        if (!fields_agree(&left, &right, relative)) {
            const struct field *named = left.len > 0 ? &left : &right;
            (void)snprintf(field, len, "%.*s", (int)named->key_len, named->text);
            return false;
        }
    }
    return true;
}

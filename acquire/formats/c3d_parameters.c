/* The parameter section: a chain of records, groups and parameters in any order.
 *
 *   group:     i8 length (negative: locked)  i8 -id   name  i16 next  u8 n  description
 *   parameter: i8 length (negative: locked)  i8 +id   name  i16 next  i8 type  u8 dims  dims  data
 *
 * `next` counts from its own first byte to the next record; 0 ends the chain.
 */
#include "acquire/formats/c3d_bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUPS_MAX 128 /* ids are 1..127 */

void kl_c3d_remark(struct kl_c3d *c3d, const char *format, ...)
{
    if (c3d->remark_count == KL_C3D_REMARKS_MAX) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c3d->remark[c3d->remark_count++], sizeof(c3d->remark[0]), format, args);
    va_end(args);
}

static void copy_name(char *out, const uint8_t *name, size_t len)
{
    len = len < KL_C3D_NAME_MAX - 1 ? len : KL_C3D_NAME_MAX - 1;
    for (size_t i = 0; i < len; i++) {
        char c = (char)name[i];
        out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    out[len] = 0;
}

/* int8, written out so that no compiler takes plain char for it. */
static int signed_byte(uint8_t byte)
{
    return byte < 128 ? byte : byte - 256;
}

static size_t element_size(int type)
{
    return type == 4 ? 4 : type == 2 ? 2 : 1;
}

/* Type, dimensions and data between `at` and `end`; data that reach beyond `end` are cut. */
static bool read_array(struct kl_c3d_parameter *p, const uint8_t *buf, size_t at, size_t end)
{
    if (end < at + 2) {
        return false;
    }
    p->type = signed_byte(buf[at]);
    p->dimension_count = buf[at + 1];
    at += 2;
    if ((p->type != -1 && p->type != 1 && p->type != 2 && p->type != 4) ||
        p->dimension_count > KL_C3D_DIMENSIONS_MAX || end < at + p->dimension_count) {
        return false;
    }
    size_t count = 1;
    size_t most = end / element_size(p->type); /* keeps the product from overflowing */
    for (unsigned i = 0; i < p->dimension_count; i++) {
        p->dimension[i] = buf[at + i];
        count = count * p->dimension[i] < most ? count * p->dimension[i] : most;
    }
    for (unsigned i = 0; i < p->dimension_count; i++) {
        count = p->dimension[i] == 0 ? 0 : count;
    }
    at += p->dimension_count;
    size_t fits = (end - at) / element_size(p->type);
    p->data = buf + at;
    p->count = count < fits ? count : fits;
    return true;
}

static struct kl_c3d_parameter *add_parameter(struct kl_c3d *c3d, size_t *cap)
{
    if (c3d->parameter_count == *cap) {
        size_t more = *cap == 0 ? 64 : *cap * 2;
        struct kl_c3d_parameter *grown =
            realloc(c3d->parameter, more * sizeof(struct kl_c3d_parameter));
        if (grown == NULL) {
            return NULL;
        }
        c3d->parameter = grown;
        *cap = more;
    }
    struct kl_c3d_parameter *p = &c3d->parameter[c3d->parameter_count];
    *p = (struct kl_c3d_parameter){0};
    return p;
}

int kl_c3d_read_parameters(struct kl_c3d *c3d, size_t begin, size_t end)
{
    char group[GROUPS_MAX][KL_C3D_NAME_MAX] = {{0}};
    size_t cap = 0;
    size_t at = begin;
    while (at + 2 <= end && c3d->buf[at] != 0) {
        int length = signed_byte(c3d->buf[at]);
        int id = signed_byte(c3d->buf[at + 1]);
        size_t name_len = (size_t)abs(length);
        size_t link = at + 2 + name_len;
        if (id == 0 || id == -GROUPS_MAX || link + 2 > end) {
            kl_c3d_remark(c3d, "parameter section: no record at byte %zu; the rest is not read",
                          at);
            break;
        }
        size_t jump = kl_c3d_u16(c3d, c3d->buf + link);
        size_t next = jump == 0 || link + jump > end ? end : link + jump;
        if (id < 0) {
            copy_name(group[-id], c3d->buf + at + 2, name_len);
        } else {
            struct kl_c3d_parameter *p = add_parameter(c3d, &cap);
            if (p == NULL) {
                return KL_ERR_MEM;
            }
            copy_name(p->name, c3d->buf + at + 2, name_len);
            p->group_id = id;
            c3d->parameter_count += read_array(p, c3d->buf, link + 2, next);
        }
        if (jump == 1) {
            kl_c3d_remark(c3d, "parameter section: the record at byte %zu points into itself", at);
            break;
        }
        at = next;
    }
    for (size_t i = 0; i < c3d->parameter_count; i++) {
        struct kl_c3d_parameter *p = &c3d->parameter[i];
        memcpy(p->group, group[p->group_id], sizeof(p->group));
    }
    return KL_OK;
}

const struct kl_c3d_parameter *kl_c3d_find(const struct kl_c3d *c3d, const char *group,
                                           const char *name)
{
    for (size_t i = 0; i < c3d->parameter_count; i++) {
        const struct kl_c3d_parameter *p = &c3d->parameter[i];
        if (strcmp(p->name, name) == 0 && strcmp(p->group, group) == 0) {
            return p;
        }
    }
    return NULL;
}

double kl_c3d_number(const struct kl_c3d *c3d, const struct kl_c3d_parameter *parameter,
                     size_t index, double missing)
{
    if (parameter == NULL || index >= parameter->count) {
        return missing;
    }
    switch (parameter->type) {
    case 1:
        return parameter->data[index];
    case 2:
        return kl_c3d_i16(c3d, parameter->data + 2 * index);
    case 4:
        return kl_c3d_f32(c3d, parameter->data + 4 * index);
    default:
        return missing;
    }
}

size_t kl_c3d_text(const struct kl_c3d_parameter *parameter, size_t index, char *out, size_t cap)
{
    out[0] = 0;
    if (parameter == NULL || parameter->type != -1 || cap == 0) {
        return 0;
    }
    size_t len = parameter->dimension_count == 0 ? 1 : parameter->dimension[0];
    if (len == 0 || index >= parameter->count / len) {
        return 0;
    }
    const uint8_t *text = parameter->data + index * len;
    size_t used = 0;
    while (used < len && text[used] != 0) {
        used++;
    }
    while (used > 0 && text[used - 1] == ' ') {
        used--;
    }
    while (used > 0 && *text == ' ') {
        text++;
        used--;
    }
    used = used < cap - 1 ? used : cap - 1;
    memcpy(out, text, used);
    out[used] = 0;
    return used;
}

size_t kl_c3d_analog_text(const struct kl_c3d *c3d, const char *name, size_t channel, char *out,
                          size_t cap)
{
    const size_t part = 255; /* dimensions are bytes */
    char numbered[KL_C3D_NAME_MAX];
    (void)snprintf(numbered, sizeof(numbered), channel < part ? "%s" : "%s%zu", name,
                   channel / part + 1);
    return kl_c3d_text(kl_c3d_find(c3d, "ANALOG", numbered), channel % part, out, cap);
}

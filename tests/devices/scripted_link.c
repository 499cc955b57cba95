#include "scripted_link.h"

#include <string.h>

static bool over(const struct scripted_link *self)
{
    return self->at >= self->rows && self->out_len == 0 && self->fails < 0;
}

static void answer(struct scripted_link *self)
{
    const struct scripted_row *row = &self->row[self->at++];
    if (row->answer_len > 0 && row->answer_len <= sizeof(self->out) - self->out_len) {
        memcpy(self->out + self->out_len, row->answer, row->answer_len);
        self->out_len += row->answer_len;
    }
    self->heard = 0;
}

/* Rows that need no word of the driver. */
static void volunteer(struct scripted_link *self)
{
    while (self->at < self->rows && self->row[self->at].expect_len == 0) {
        answer(self);
    }
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    if (self->out_len == 0) {
        volunteer(self);
    }
    if (over(self)) {
        return self->fails;
    }
    size_t count = self->out_len < cap ? self->out_len : cap;
    count = self->chunk != 0 && count > self->chunk ? self->chunk : count;
    self->waited_ns += count == 0 ? wait_ns : 0;
    memcpy(buf, self->out, count);
    self->out_len -= count;
    memmove(self->out, self->out + count, self->out_len);
    return (int)count;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    (void)wait_ns;
    volunteer(self);
    if (over(self)) {
        return self->fails;
    }
    for (size_t i = 0; i < len; i++) {
        const struct scripted_row *row = self->at < self->rows ? &self->row[self->at] : NULL;
        if (row == NULL || ((const uint8_t *)row->expect)[self->heard] != buf[i]) {
            self->surprised = true;
            return (int)len;
        }
        if (++self->heard == row->expect_len) {
            answer(self);
        }
    }
    return (int)len;
}

static struct kl_link *link_beside(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    (void)wait_ns;
    self->side_port = tcp_port;
    return self->side;
}

void scripted_link_init(struct scripted_link *link, const struct scripted_row *row, size_t rows)
{
    static const struct kl_link_ops ops = {
        .read = link_read, .write = link_write, .beside = link_beside};
    *link = (struct scripted_link){.link = {.ops = &ops}, .row = row, .rows = rows};
}

bool scripted_link_done(const struct scripted_link *link)
{
    return link->at == link->rows && link->out_len == 0 && !link->surprised;
}

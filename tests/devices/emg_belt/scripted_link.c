#include "scripted_link.h"

#include <string.h>

static bool over(const struct scripted_link *self)
{
    return self->at >= self->rows && self->say_len == 0;
}

static void answer(struct scripted_link *self)
{
    self->say = self->row[self->at].answer;
    self->say_len = self->row[self->at].answer_len;
    self->heard = 0;
    self->at++;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    if (over(self) && self->fails != 0) {
        return self->fails;
    }
    if (self->say_len == 0 && self->at < self->rows && self->row[self->at].expect == NULL) {
        answer(self);
    }
    size_t count = self->say_len < cap ? self->say_len : cap;
    count = self->chunk != 0 && count > self->chunk ? self->chunk : count;
    if (count == 0) {
        self->waited_ns += wait_ns;
        return 0;
    }
    memcpy(buf, self->say, count);
    self->say += count;
    self->say_len -= count;
    return (int)count;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    (void)wait_ns;
    if (over(self) && self->fails != 0) {
        return self->fails;
    }
    for (size_t i = 0; i < len; i++) {
        if (self->written_len < sizeof(self->written)) {
            self->written[self->written_len++] = buf[i];
        }
        const struct scripted_row *row = self->at < self->rows ? &self->row[self->at] : NULL;
        if (row == NULL || row->expect == NULL || (uint8_t)row->expect[self->heard] != buf[i]) {
            self->surprised = true;
        } else if (++self->heard == row->expect_len) {
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

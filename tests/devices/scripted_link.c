#include "scripted_link.h"

#include <string.h>

static void answer(struct scripted_link *self, const struct scripted_row *row)
{
    if (row->answer_len <= sizeof(self->out) - self->out_len && row->answer_len > 0) {
        memcpy(self->out + self->out_len, row->answer, row->answer_len);
        self->out_len += row->answer_len;
    }
    self->next++;
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    while (self->out_len == 0 && self->next < self->row_count &&
           self->row[self->next].expect_len == 0) {
        answer(self, &self->row[self->next]);
    }
    if (self->out_len == 0) {
        self->waited_ns += wait_ns;
        return self->silent_status < 0 ? self->silent_status : 0;
    }
    size_t take = self->out_len < self->chunk ? self->out_len : self->chunk;
    take = take < cap ? take : cap;
    memcpy(buf, self->out, take);
    self->out_len -= take;
    memmove(self->out, self->out + take, self->out_len);
    return (int)take;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    (void)wait_ns;
    if (self->write_status < 0) {
        return self->write_status;
    }
    if (len > sizeof(self->got) - self->got_len) {
        self->wrong = true;
        return (int)len;
    }
    memcpy(self->got + self->got_len, buf, len);
    self->got_len += len;
    if (self->next >= self->row_count) {
        self->wrong = true;
        return (int)len;
    }
    const struct scripted_row *row = &self->row[self->next];
    size_t both = self->got_len < row->expect_len ? self->got_len : row->expect_len;
    self->wrong |= self->got_len > row->expect_len || memcmp(self->got, row->expect, both) != 0;
    if (self->got_len >= row->expect_len) {
        self->got_len = 0;
        answer(self, row);
    }
    return (int)len;
}

void scripted_link_init(struct scripted_link *link, const struct scripted_row *row,
                        size_t row_count)
{
    static const struct kl_link_ops ops = {.read = link_read, .write = link_write};
    *link = (struct scripted_link){
        .link = {.ops = &ops}, .row = row, .row_count = row_count, .chunk = SIZE_MAX};
}

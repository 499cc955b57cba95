#include "scripted_link.h"

#include <string.h>

static void settle(struct scripted_link *self)
{
    while (self->at < self->row_count && self->written == self->row[self->at].expect_len &&
           self->given == self->row[self->at].answer_len) {
        self->at++;
        self->written = 0;
        self->given = 0;
    }
}

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    (void)wait_ns;
    settle(self);
    if (self->at == self->row_count || self->surprised) {
        return self->fails;
    }
    const struct scripted_row *row = &self->row[self->at];
    if (self->written < row->expect_len) {
        return 0;
    }
    size_t left = row->answer_len - self->given;
    size_t most = self->chunk > 0 && self->chunk < cap ? self->chunk : cap;
    size_t count = left < most ? left : most;
    memcpy(buf, row->answer + self->given, count);
    self->given += count;
    return (int)count;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct scripted_link *self = (struct scripted_link *)link;
    (void)wait_ns;
    for (size_t i = 0; i < len && !self->surprised; i++) {
        settle(self);
        if (self->at == self->row_count) {
            if (self->fails < 0) {
                return self->fails;
            }
            self->surprised = true;
            self->unexpected = self->at;
            break;
        }
        const struct scripted_row *row = &self->row[self->at];
        if (self->written < row->expect_len && row->expect[self->written] == buf[i]) {
            self->written++;
        } else {
            self->surprised = true;
            self->unexpected = self->at;
        }
    }
    return (int)len;
}

void scripted_link_init(struct scripted_link *link, const struct scripted_row *row, size_t count)
{
    static const struct kl_link_ops ops = {.read = link_read, .write = link_write};
    *link = (struct scripted_link){.link = {.ops = &ops}, .row = row, .row_count = count};
}

bool scripted_link_done(const struct scripted_link *link)
{
    struct scripted_link copy = *link;
    settle(&copy);
    return copy.at == copy.row_count && !copy.surprised;
}

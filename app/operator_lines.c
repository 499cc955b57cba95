#include "app/operator_lines.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLANKS " \t\r"

void kl_operator_lines_init(struct kl_operator_lines *lines)
{
    *lines = (struct kl_operator_lines){.ended = false};
}

static bool may_read(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    bool ours = isatty(STDIN_FILENO) == 0 || tcgetpgrp(STDIN_FILENO) == getpgrp();
    return ours && poll(&input, 1, 0) > 0;
}

/* @return whether the text holds a whole line, which goes to `out` */
static bool cut(struct kl_operator_lines *lines, char out[KL_OPERATOR_LINE_MAX])
{
    char *end = memchr(lines->text, '\n', lines->len);
    bool full = end == NULL && (lines->len == sizeof(lines->text) - 1 || lines->ended);
    if (end == NULL && !(full && lines->len > 0)) {
        return false;
    }
    size_t len = end != NULL ? (size_t)(end - lines->text) : lines->len;
    size_t used = end != NULL ? len + 1 : len;
    size_t from = 0;
    while (from < len && strchr(BLANKS, lines->text[from]) != NULL) {
        from++;
    }
    while (len > from && strchr(BLANKS, lines->text[len - 1]) != NULL) {
        len--;
    }
    memcpy(out, lines->text + from, len - from);
    out[len - from] = '\0';
    lines->len -= used;
    memmove(lines->text, lines->text + used, lines->len);
    return true;
}

bool kl_operator_lines_next(struct kl_operator_lines *lines, char out[KL_OPERATOR_LINE_MAX])
{
    if (cut(lines, out)) {
        return true;
    }
    if (lines->ended || !may_read()) {
        return false;
    }
    ssize_t got =
        read(STDIN_FILENO, lines->text + lines->len, sizeof(lines->text) - 1 - lines->len);
    lines->ended = got <= 0;
    lines->len += got > 0 ? (size_t)got : 0;
    return cut(lines, out);
}

/* Lines the operator types while a session runs, without ever waiting for one.
 *
 * Standard input is read when it is a pipe or a file, or the terminal in whose foreground the
 * program is; a program in the background that reads its terminal would be stopped. */
#ifndef KL_APP_OPERATOR_LINES_H
#define KL_APP_OPERATOR_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define KL_OPERATOR_LINE_MAX 256

struct kl_operator_lines {
    bool ended; /* nothing more comes */
    size_t len;
    char text[KL_OPERATOR_LINE_MAX];
};

void kl_operator_lines_init(struct kl_operator_lines *lines);

/** The next whole line, blanks around it cut off; what is longer than fits is cut.
 *  @return false: none so far */
bool kl_operator_lines_next(struct kl_operator_lines *lines, char out[KL_OPERATOR_LINE_MAX]);

#endif

/* Command-line options as a table: one row says how an option is written, where its value goes and
 * what --help prints. */
#ifndef KL_APP_ARGUMENTS_H
#define KL_APP_ARGUMENTS_H

#include "acquire/stream.h"

enum kl_option_kind {
    KL_OPTION_FLAG = 0, /* bool * */
    KL_OPTION_TEXT,     /* const char ** */
    KL_OPTION_SECONDS,  /* double *, > 0 */
    KL_OPTION_NUMBER,   /* double *, finite */
    KL_OPTION_COUNT,    /* size_t * */
};

struct kl_option {
    const char *name; /* "--seconds" */
    enum kl_option_kind kind;
    void *target;
    const char *value; /* "N", for help; NULL for flags */
    const char *help;
};

struct kl_arguments {
    const char *verb;     /* "analyze" */
    const char *operands; /* "FILE...", for help */
    const char *summary;  /* what the verb does, one or more lines */
    const struct kl_option *option;
    size_t option_count;
    size_t operand_min, operand_max; /* allowed operands */
};

/** Exit statuses of every verb. */
enum kl_exit {
    KL_EXIT_OK = 0,
    KL_EXIT_SHORT = 1, /* the data or the run fell short; the message says where */
    KL_EXIT_USAGE = 2, /* the call was wrong */
};

#define KL_EXIT_HELP (-1) /* help was printed: leave with KL_EXIT_OK */

/** Reads argv (without program and verb) into the targets; operands are moved to the front of
 *  argv. `--name value` and `--name=value` both work, `--` ends options.
 *  @return number of operands, KL_EXIT_HELP after --help, or -2 - after printing what is wrong */
int kl_arguments_read(const struct kl_arguments *arguments, int argc, char **argv);

/** Prints usage and options. */
void kl_arguments_help(const struct kl_arguments *arguments);

/** kl_arguments_read's negative answers as an exit status. */
int kl_arguments_exit(int answer);

/** "kneelab VERB: TEXT" on standard error. */
void kl_complain(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

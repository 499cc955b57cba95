/* The verbs of the command, one file each. Adding one is a file and a row in verbs.c. */
#ifndef KL_APP_VERBS_H
#define KL_APP_VERBS_H

#include <stddef.h>

struct kl_verb {
    const char *name;
    const char *summary;               /* one line, for `kneelab --help` */
    int (*run)(int argc, char **argv); /* words after the verb; returns kl_exit */
};

/** All verbs in the order of `kneelab --help`; *count rows. */
const struct kl_verb *kl_verbs(size_t *count);

int kl_verb_demo(int argc, char **argv);
int kl_verb_devices(int argc, char **argv);
int kl_verb_check(int argc, char **argv);
int kl_verb_live(int argc, char **argv);
int kl_verb_record(int argc, char **argv);
int kl_verb_replay(int argc, char **argv);
int kl_verb_analyze(int argc, char **argv);
int kl_verb_export(int argc, char **argv);
int kl_verb_decode(int argc, char **argv);
int kl_verb_verify(int argc, char **argv);

#endif

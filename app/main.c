/* Finds the verb, calls it, returns its status. */
#include "app/arguments.h"
#include "app/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int usage(FILE *out)
{
    size_t count = 0;
    const struct kl_verb *verbs = kl_verbs(&count);
    (void)fprintf(out,
                  "Kneelab %s: force, motion and load of a running knee, live and replayed.\n"
                  "It shows numbers and how far they can be trusted. It never diagnoses.\n\n"
                  "usage: kneelab VERB ...\n\n",
                  KL_VERSION);
    for (size_t i = 0; i < count; i++) {
        (void)fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
    }
    (void)fprintf(out, "\n`kneelab VERB --help` says more. Start with `kneelab demo`.\n");
    return out == stdout ? KL_EXIT_OK : KL_EXIT_USAGE;
}

/** A full disk or a broken pipe behind our output is not success. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return status;
    }
    (void)fprintf(stderr, "kneelab: not everything could be printed: %s\n", strerror(errno));
    return status == KL_EXIT_OK ? KL_EXIT_SHORT : status;
}

int main(int argc, char **argv)
{
    (void)umask(077); /* a runner's data are private, whichever file they go to */
    if (argc < 2) {
        return usage(stderr);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return usage(stdout);
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("kneelab %s\n", KL_VERSION);
        return KL_EXIT_OK;
    }
    size_t count = 0;
    const struct kl_verb *verbs = kl_verbs(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return finish(verbs[i].run(argc - 2, argv + 2));
        }
    }
    (void)fprintf(stderr, "kneelab: no verb \"%s\"\n\n", argv[1]);
    return usage(stderr);
}

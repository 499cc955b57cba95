/* kneelab live LAB.yaml and kneelab record LAB.yaml: with a screen and without. */
#include "app/lab_session.h"
#include "app/verbs.h"

static int run(const char *verb, bool screen, const char *summary, int argc, char **argv)
{
    struct kl_lab_session session = {
        .verb = verb, .title = "Kneelab", .screen = screen, .truth = true};
    struct kl_option options[KL_LAB_SESSION_OPTIONS];
    const struct kl_arguments arguments = {
        .verb = verb,
        .operands = "LAB.yaml",
        .summary = summary,
        .option = options,
        .option_count = kl_lab_session_options(&session, options),
        .operand_min = 1,
        .operand_max = 1,
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    session.lab_path = argv[0];
    return kl_lab_session(&session);
}

int kl_verb_live(int argc, char **argv)
{
    return run("live", true,
               "The lab screen: zero the belt, weigh the runner, run, watch, record.\n"
               "Without a display it prints progress and records all the same.",
               argc, argv);
}

int kl_verb_record(int argc, char **argv)
{
    return run("record", false, "Records what the lab file describes, without a screen.", argc,
               argv);
}

/* kneelab demo: a simulated runner, live, recorded, flagged. No hardware, no configuration. */
#include "app/lab_session.h"
#include "app/verbs.h"

#define DEMO_SECONDS 75.0 /* long enough for the flags of the demo table to come up */

int kl_verb_demo(int argc, char **argv)
{
    char lab[512];
    struct kl_lab_session session = {.verb = "demo",
                                     .lab_path = kl_config_path("demo.yaml", lab, sizeof(lab)),
                                     .title = "Kneelab demo: a simulated runner",
                                     .seconds = DEMO_SECONDS,
                                     .screen = true,
                                     .truth = true};
    struct kl_option options[KL_LAB_SESSION_OPTIONS];
    const struct kl_arguments arguments = {
        .verb = "demo",
        .operands = "",
        .summary = "A simulated runner on a treadmill, live on screen, recorded and flagged; its\n"
                   "truth is written beside the session. Without a display it prints progress and\n"
                   "leaves the same files.",
        .option = options,
        .option_count = kl_lab_session_options(&session, options),
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    return answer < 0 ? kl_arguments_exit(answer) : kl_lab_session(&session);
}

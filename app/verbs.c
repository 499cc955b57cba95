#include "app/verbs.h"

const struct kl_verb *kl_verbs(size_t *count)
{
    static const struct kl_verb verbs[] = {
        {"demo", "a simulated runner, live, recorded, flagged: no hardware needed", kl_verb_demo},
        {"devices", "what is plugged in, and the drivers there are", kl_verb_devices},
        {"check", "is this lab file right? names the line and the cure of each fault",
         kl_verb_check},
        {"live", "the lab screen: zero, weigh, run, watch, record", kl_verb_live},
        {"record", "the same without a screen", kl_verb_record},
        {"replay", "the lab screen on a recording: pause, seek, speed", kl_verb_replay},
        {"analyze", "steps and summary of recordings, as fast as the machine can", kl_verb_analyze},
        {"export", "a recording as CSV files", kl_verb_export},
        {"verify", "is this session file whole? --repair writes a clean copy", kl_verb_verify},
        {"decode", "raw bytes of one device as CSV: for driver work", kl_verb_decode},
    };
    *count = sizeof(verbs) / sizeof(verbs[0]);
    return verbs;
}

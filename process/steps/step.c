#include "process/steps/step.h"

const char *kl_reason_text(enum kl_reason bit)
{
    static const char *const text[KL_REASON_COUNT] = {
        "cut",
        "contact time out of range",
        "step time out of range",
        "flight too short",
        "peak out of range",
        "missed step",
        "no next step",
        "gap",
        "zero moved",
        "belt noise",
        "saturated",
        "side unknown",
        "centre of pressure uncertain",
        "not measured",
        "body weight not known",
        "no impact peak",
        "starting up",
        "both belts loaded",
        "speed not known",
        "speed changed",
        "height not known",
        "not a number",
        "plate sign wrong?",
        "no sensor",
        "not calibrated",
        "strap moved",
        "joint axis uncertain",
        "headings disagree",
        "segment lengths not entered",
        "not steady",
        "signal too small",
    };
    for (unsigned i = 0; i < KL_REASON_COUNT; i++) {
        if ((unsigned)bit == 1u << i) {
            return text[i];
        }
    }
    return "unknown reason";
}

const char *kl_mark_text(enum kl_mark bit)
{
    static const char *const text[KL_MARK_COUNT] = {
        "relative to this run",
        "VMO and VL hear each other",
        "mains hum taken out",
    };
    for (unsigned i = 0; i < KL_MARK_COUNT; i++) {
        if ((unsigned)bit == 1u << i) {
            return text[i];
        }
    }
    return "unknown mark";
}

const char *kl_loading_rule_text(enum kl_loading_rule rule)
{
    static const char *const text[KL_LOADING_RULE_COUNT] = {"impact peak", "P13", "A312", "POI",
                                                            "BW50"};
    return (unsigned)rule < KL_LOADING_RULE_COUNT ? text[rule] : "unknown rule";
}

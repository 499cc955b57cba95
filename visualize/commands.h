/* What can be done in the window: one table for keys, buttons and help. */
#ifndef KL_VISUALIZE_COMMANDS_H
#define KL_VISUALIZE_COMMANDS_H

#include "visualize/window.h"

enum kl_action {
    KL_ACTION_SEND = 0,    /* a kl_command for the application */
    KL_ACTION_METRICS,     /* the next page of metrics */
    KL_ACTION_MOTION,      /* motion curves, or back to the forces */
    KL_ACTION_CALIBRATION, /* body calibration, or back to the forces */
    KL_ACTION_CALIBRATE,   /* sends KL_COMMAND_CALIBRATE for a phase */
    KL_ACTION_THEME,
    KL_ACTION_FULL_SCREEN,
    KL_ACTION_HELP,
    KL_ACTION_CLOSE,
};

/** What must be typed before the command can be sent. */
enum kl_input { KL_INPUT_NONE = 0, KL_INPUT_TEXT, KL_INPUT_NUMBER };

/** When a command makes sense. */
enum kl_offer {
    KL_OFFER_ALWAYS = 0,
    KL_OFFER_LIVE,
    KL_OFFER_REPLAY,
    KL_OFFER_CALIBRATION, /* live, while the page of the body calibration is on screen: a digit hit
                             by mistake must not throw away a calibration */
};

struct kl_command_row {
    const char *key_text;
    const char *button; /* NULL: no button */
    const char *help;
    const char *question; /* above the entry; NULL without input */
    double value;         /* sent with KL_INPUT_NONE */
    size_t phase;         /* KL_ACTION_CALIBRATE */
    double least, most;   /* KL_INPUT_NUMBER, both included */
    unsigned key[2];      /* GDK key values; 0: none */
    enum kl_offer offer;
    enum kl_action action;
    enum kl_command command; /* KL_ACTION_SEND */
    enum kl_input input;
};

size_t kl_command_row_count(void);
const struct kl_command_row *kl_command_row_get(size_t i);

/** True when the row belongs to a live session, or to a replay. */
bool kl_command_offered(const struct kl_command_row *row, bool replay);

/** The row of a key, NULL when it has none here. */
const struct kl_command_row *kl_command_find(unsigned key, bool replay);

/** Checks what was typed. Text must not be blank; a number (point or comma) must be whole and in
 *  range. @param value  out, untouched unless a number was accepted */
bool kl_command_accepts(const struct kl_command_row *row, const char *text, double *value);

#endif

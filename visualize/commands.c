#include "visualize/commands.h"

#include <gdk/gdkkeysyms.h>
#include <glib.h>

#include <math.h>
#include <string.h>

/* Keys of the phases in their order; what is sent with them stands in process/snapshot.h. */
#define PHASE_ROW(digit, keypad, at, name, words)                                                  \
    {                                                                                              \
        .key = {(digit), (keypad)}, .key_text = #at, .button = (name), .help = (words),            \
        .offer = KL_OFFER_CALIBRATION, .action = KL_ACTION_CALIBRATE,                              \
        .command = KL_COMMAND_CALIBRATE, .phase = (at)-1                                           \
    }

static const struct kl_command_row rows[] = {
    {.key = {GDK_KEY_z},
     .key_text = "z",
     .button = "Zero",
     .help = "zero the plates: the belt is empty now",
     .offer = KL_OFFER_LIVE,
     .command = KL_COMMAND_TARE},
    {.key = {GDK_KEY_w},
     .key_text = "w",
     .button = "Weigh",
     .help = "weigh: the runner stands still now",
     .offer = KL_OFFER_LIVE,
     .command = KL_COMMAND_WEIGH},
    {.key = {GDK_KEY_c},
     .key_text = "c",
     .button = "Condition",
     .help = "name what is being compared from here on",
     .offer = KL_OFFER_LIVE,
     .command = KL_COMMAND_CONDITION,
     .input = KL_INPUT_TEXT,
     .question = "Condition from here on, for example \"shoe A\" (Enter sends, Esc closes)"},
    {.key = {GDK_KEY_m},
     .key_text = "m",
     .button = "Marker",
     .help = "note something at this moment",
     .offer = KL_OFFER_LIVE,
     .command = KL_COMMAND_MARKER,
     .input = KL_INPUT_TEXT,
     .question = "Marker at this moment (Enter sends, Esc closes)"},
    {.key = {GDK_KEY_v},
     .key_text = "v",
     .button = "Speed",
     .help = "enter the speed of the belt",
     .offer = KL_OFFER_LIVE,
     .command = KL_COMMAND_SPEED,
     .input = KL_INPUT_NUMBER,
     .question = "Belt speed in m/s, 0 to 12 (Enter sends, Esc closes)",
     .least = 0.0,
     .most = 12.0},
    PHASE_ROW(GDK_KEY_1, GDK_KEY_KP_1, 1, "Still", "calibration: the runner stands still now"),
    PHASE_ROW(GDK_KEY_2, GDK_KEY_KP_2, 2, "Squats", "calibration: knee bends begin now"),
    PHASE_ROW(GDK_KEY_3, GDK_KEY_KP_3, 3, "Bows", "calibration: bows begin now"),
    PHASE_ROW(GDK_KEY_4, GDK_KEY_KP_4, 4, "March", "calibration: marching on the spot begins now"),
    PHASE_ROW(GDK_KEY_5, GDK_KEY_KP_5, 5, "Still again",
              "calibration: the runner stands still again"),
    PHASE_ROW(GDK_KEY_6, GDK_KEY_KP_6, 6, "MVC", "calibration: maximal contractions begin now"),
    {.key = {GDK_KEY_space},
     .key_text = "space",
     .button = "Pause",
     .help = "pause or go on",
     .offer = KL_OFFER_REPLAY,
     .command = KL_COMMAND_PAUSE},
    {.key = {GDK_KEY_Left, GDK_KEY_KP_Left},
     .key_text = "←",
     .button = "Back",
     .help = "5 s back",
     .offer = KL_OFFER_REPLAY,
     .command = KL_COMMAND_SEEK,
     .value = -5.0},
    {.key = {GDK_KEY_Right, GDK_KEY_KP_Right},
     .key_text = "→",
     .button = "Forward",
     .help = "5 s forward",
     .offer = KL_OFFER_REPLAY,
     .command = KL_COMMAND_SEEK,
     .value = 5.0},
    {.key = {GDK_KEY_minus, GDK_KEY_KP_Subtract},
     .key_text = "-",
     .button = "Slower",
     .help = "half the speed of the replay",
     .offer = KL_OFFER_REPLAY,
     .command = KL_COMMAND_RATE,
     .value = 0.5},
    {.key = {GDK_KEY_plus, GDK_KEY_KP_Add},
     .key_text = "+",
     .button = "Faster",
     .help = "twice the speed of the replay",
     .offer = KL_OFFER_REPLAY,
     .command = KL_COMMAND_RATE,
     .value = 2.0},
    {.key = {GDK_KEY_g},
     .key_text = "g",
     .button = "Metrics",
     .help = "the next group of metrics",
     .action = KL_ACTION_METRICS},
    {.key = {GDK_KEY_F2, GDK_KEY_o},
     .key_text = "F2",
     .button = "Motion",
     .help = "motion curves of the last steps, or back to the forces",
     .action = KL_ACTION_MOTION},
    {.key = {GDK_KEY_F3, GDK_KEY_k},
     .key_text = "F3",
     .button = "Calibration",
     .help = "body calibration, or back to the forces; there the keys 1 to 6 begin its phases",
     .action = KL_ACTION_CALIBRATION},
    {.key = {GDK_KEY_t},
     .key_text = "t",
     .button = "Theme",
     .help = "dark or light",
     .action = KL_ACTION_THEME},
    {.key = {GDK_KEY_f, GDK_KEY_F11},
     .key_text = "f",
     .button = "Full screen",
     .help = "full screen or window",
     .action = KL_ACTION_FULL_SCREEN},
    {.key = {GDK_KEY_question, GDK_KEY_F1},
     .key_text = "?",
     .button = "Keys",
     .help = "this list",
     .action = KL_ACTION_HELP},
    {.key = {GDK_KEY_q},
     .key_text = "q",
     .button = "Quit",
     .help = "end the session, close the file and the window",
     .action = KL_ACTION_CLOSE,
     .command = KL_COMMAND_QUIT},
};

size_t kl_command_row_count(void)
{
    return sizeof(rows) / sizeof(rows[0]);
}

const struct kl_command_row *kl_command_row_get(size_t i)
{
    return &rows[i];
}

bool kl_command_offered(const struct kl_command_row *row, bool replay)
{
    return row->offer == KL_OFFER_ALWAYS || (row->offer == KL_OFFER_REPLAY) == replay;
}

const struct kl_command_row *kl_command_find(unsigned key, bool replay)
{
    for (size_t i = 0; key != 0 && i < kl_command_row_count(); i++) {
        if ((rows[i].key[0] == key || rows[i].key[1] == key) &&
            kl_command_offered(&rows[i], replay)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

bool kl_command_accepts(const struct kl_command_row *row, const char *text, double *value)
{
    if (row->input == KL_INPUT_NONE) {
        return true;
    }
    if (is_blank(text)) {
        return false;
    }
    if (row->input == KL_INPUT_TEXT) {
        return true;
    }
    char number[32];
    if (strlen(text) >= sizeof(number)) {
        return false;
    }
    (void)g_strlcpy(number, text, sizeof(number));
    for (char *c = number; *c != '\0'; c++) {
        *c = *c == ',' ? '.' : *c; /* a comma is a point in half the world's labs */
    }
    /* Digits, one point and a sign only: no hexadecimal, no "nan", no "inf". */
    if (number[strspn(number, " \t+-.0123456789")] != '\0') {
        return false;
    }
    char *end = NULL;
    double typed = g_ascii_strtod(number, &end); /* not the locale's idea of a number */
    if (end == number || !is_blank(end) || !(typed >= row->least && typed <= row->most)) {
        return false;
    }
    *value = typed;
    return true;
}

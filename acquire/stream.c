#include "acquire/stream.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *kl_status_text(int status)
{
    static const char *const text[] = {
        [-KL_OK] = "done",
        [-KL_ERR_ARG] = "wrong argument",
        [-KL_ERR_MEM] = "out of memory",
        [-KL_ERR_IO] = "the system refused",
        [-KL_ERR_TIMEOUT] = "timed out",
        [-KL_ERR_GONE] = "the device is gone",
        [-KL_ERR_DATA] = "the data are damaged",
        [-KL_ERR_RANGE] = "a value is out of range",
        [-KL_ERR_UNSUPPORTED] = "not supported",
    };
    if (status > 0 || status <= -(int)COUNT(text)) {
        return "unknown status";
    }
    return text[-status];
}

int kl_fault(struct kl_fault *fault, int status, const char *format, ...)
{
    if (fault != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(fault->text, sizeof(fault->text), format, args);
        va_end(args);
    }
    return status;
}

const char *kl_side_text(enum kl_side side)
{
    static const char *const text[KL_SIDE_COUNT] = {"unknown", "left", "right"};
    return (unsigned)side < KL_SIDE_COUNT ? text[side] : "unknown";
}

const char *kl_kind_text(enum kl_kind kind)
{
    static const char *const text[KL_KIND_COUNT] = {"force", "imu", "emg", "treadmill", "other"};
    return (unsigned)kind < KL_KIND_COUNT ? text[kind] : "other";
}

const char *kl_event_kind_text(enum kl_event_kind kind)
{
    static const char *const text[KL_EVENT_KIND_COUNT] = {
        "subject", "tare",     "weigh",      "speed",       "condition", "marker",
        "lost",    "settings", "flag table", "calibration", "entry",     "alignment",
    };
    return (unsigned)kind < KL_EVENT_KIND_COUNT ? text[kind] : "unknown event";
}

static double clamp_round(double value, double low, double high)
{
    double rounded = nearbyint(value);
    /* + 0.0 turns -0.0 into 0.0: an integer has no negative zero to come back from storage */
    return (rounded < low ? low : rounded > high ? high : rounded) + 0.0;
}

double kl_format_round(enum kl_format format, double value)
{
    switch (format) {
    case KL_FORMAT_FLOAT32:
        return (double)(float)value;
    case KL_FORMAT_INT16:
        return clamp_round(value, INT16_MIN, INT16_MAX);
    case KL_FORMAT_INT32:
        return clamp_round(value, INT32_MIN, INT32_MAX);
    case KL_FORMAT_DOUBLE64:
        break;
    }
    return value;
}

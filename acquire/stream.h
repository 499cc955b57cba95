/* The vocabulary of Kneelab: status, time, streams, blocks, events, quality.
 *
 * A session is an ordered sequence of items: blocks of samples and events. Everything that is
 * computed is a pure function of that sequence, so these few plain structs are all that the
 * arithmetic (process/) knows about the world. No threads, no I/O, no allocation here.
 *
 * Units: SI (N, N·m, m, s, rad, V) and int64_t nanoseconds. Time is session time: the first sample
 * of a session stands at KL_EPOCH_NS, so that no time stamp is ever 0 (XDF readers take 0.0 for
 * "no stamp").
 * Lab axes: X where the runner faces, Y up, Z to the runner's right; force of the ground on the
 * runner. Origin on the belt surface.
 */
#ifndef KL_ACQUIRE_STREAM_H
#define KL_ACQUIRE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KL_CHECK __attribute__((warn_unused_result))

/* ------------------------------------------------------------------ status */

/** What a call came to. Negative is a failure; functions return a status or a count >= 0. */
enum kl_status {
    KL_OK = 0,
    KL_ERR_ARG = -1,         /* the caller's bug */
    KL_ERR_MEM = -2,         /* no memory */
    KL_ERR_IO = -3,          /* the system said no */
    KL_ERR_TIMEOUT = -4,     /* nothing came in time */
    KL_ERR_GONE = -5,        /* the device was unplugged */
    KL_ERR_DATA = -6,        /* the bytes are wrong */
    KL_ERR_RANGE = -7,       /* a configured value is not allowed */
    KL_ERR_UNSUPPORTED = -8, /* understood, but not done */
};

/** One short English phrase for a status; "unknown status" for anything else. Threads: any. */
const char *kl_status_text(int status);

/** A failure in words: where it is, what was expected, what was found, what to do. One line. */
struct kl_fault {
    char text[512];
};

/** Writes a fault (printf style) and gives the status back, so that a function can end with
 *  `return kl_fault(fault, KL_ERR_DATA, "%s:%zu: ...", path, line)`. `fault` may be NULL. */
int kl_fault(struct kl_fault *fault, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* -------------------------------------------------------------------- time */

#define KL_NS_PER_S INT64_C(1000000000)
#define KL_EPOCH_NS KL_NS_PER_S /* session time of a session's first sample */

/** Seconds as session files hold them; exact to the nanosecond for 30 days. */
static inline double kl_seconds(int64_t t_ns)
{
    return (double)t_ns / 1e9;
}

/** The inverse of kl_seconds, rounded to the nearest nanosecond. Finite input only. */
static inline int64_t kl_nanoseconds(double seconds)
{
    return (int64_t)(seconds * 1e9 + (seconds < 0 ? -0.5 : 0.5));
}

/* ----------------------------------------------------------------- quality */

/** Bits beside every sample. A fault sets a bit; nothing is silently filled. */
enum kl_quality {
    KL_QUALITY_GAP = 1 << 0,          /* samples are missing before this one */
    KL_QUALITY_CLIPPED = 1 << 1,      /* a channel is at its rail */
    KL_QUALITY_STALE = 1 << 2,        /* the device repeated an old value */
    KL_QUALITY_INTERPOLATED = 1 << 3, /* made, not measured */
    KL_QUALITY_CLOCK = 1 << 4,        /* the time of this sample is uncertain */
    KL_QUALITY_CHECKSUM = 1 << 5,     /* a damaged frame was dropped before this sample */
    KL_QUALITY_INVALID = 1 << 6,      /* a channel is not a number */
};

/* ----------------------------------------------------------------- streams */

enum kl_side { KL_SIDE_UNKNOWN = 0, KL_SIDE_LEFT, KL_SIDE_RIGHT, KL_SIDE_COUNT };

/** "unknown", "left" or "right". */
const char *kl_side_text(enum kl_side side);

enum kl_kind {
    KL_KIND_FORCE = 0,
    KL_KIND_IMU,
    KL_KIND_EMG,
    KL_KIND_TREADMILL,
    KL_KIND_OTHER,
    KL_KIND_COUNT,
};

/** "force", "imu", "emg", "treadmill", "other". */
const char *kl_kind_text(enum kl_kind kind);

/** How a stream's values are stored. The hub rounds to it before anyone consumes a sample. */
enum kl_format { KL_FORMAT_FLOAT32 = 0, KL_FORMAT_DOUBLE64, KL_FORMAT_INT16, KL_FORMAT_INT32 };

/** `value` as it comes back from storage in `format` (integers round half to even and saturate). */
double kl_format_round(enum kl_format format, double value);

#define KL_NAME_MAX 48
#define KL_LABEL_MAX 24
#define KL_UNIT_MAX 12
#define KL_CHANNELS_MAX 32
#define KL_STREAMS_MAX 64
#define KL_PLATE_CHANNELS_MAX 8

/** Components of a wrench, in this order everywhere. */
enum kl_wrench { KL_FX = 0, KL_FY, KL_FZ, KL_MX, KL_MY, KL_MZ, KL_WRENCH_COUNT };

/** What the six rows that `matrix` yields mean. */
enum kl_plate_form {
    KL_PLATE_WRENCH = 0, /* Fx Fy Fz Mx My Mz about the lab origin */
    KL_PLATE_POINT, /* Fx Fy Fz, COP x, free moment about +Y, COP z: the file gives the point */
};

/** From a plate's channels, as recorded, to the ground reaction on the runner in lab axes.
 *  Gains, cross-talk, device sign, plate orientation and the shift of the moments to the lab
 *  origin on the belt surface are one linear map, so they are one matrix. */
struct kl_plate {
    enum kl_side side; /* the foot this belt carries; UNKNOWN: one belt for both feet */
    enum kl_plate_form form;
    double matrix[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX]; /* [6][channels] N or N·m (m) per unit */
    double full_scale[KL_PLATE_CHANNELS_MAX]; /* [channels] |value| at the rail; 0: not known */
    unsigned measured;                        /* bit per kl_wrench component that exists */
    double corner_x_m[4], corner_z_m[4];      /* outline in lab axes; all 0: not known */
};

#define KL_PLATE_MEASURES_ALL 0x3fu
#define KL_PLATE_MEASURES_FY (1u << KL_FY)

/** A named, typed, regularly sampled set of channels of one device. */
struct kl_stream {
    char name[KL_NAME_MAX];   /* plate.belt, imu.shank.right, emg.vmo.right */
    char source[KL_NAME_MAX]; /* the device or file it comes from */
    enum kl_kind kind;
    enum kl_format format;
    double rate_hz; /* nominal; filter coefficients come from it. > 0 */
    size_t channel_count;
    char label[KL_CHANNELS_MAX][KL_LABEL_MAX];
    char unit[KL_CHANNELS_MAX][KL_UNIT_MAX];
    struct kl_plate plate; /* KL_KIND_FORCE only */
};

/** Consecutive samples of one stream, in file order. Borrowed: valid until the next item. */
struct kl_block {
    size_t stream;           /* index of the stream in the session */
    size_t count;            /* samples, >= 1 */
    const int64_t *t_ns;     /* [count] session time, increasing */
    const double *value;     /* [count][channel_count] as recorded */
    const uint32_t *quality; /* [count] kl_quality bits */
};

/* ------------------------------------------------------------------ events */

/** Everything besides samples that influences a result, at its place in the order. */
enum kl_event_kind {
    KL_EVENT_SUBJECT = 0, /* value = mass kg, height m (0: not entered); text = subject code */
    KL_EVENT_TARE,        /* the plates are empty from here for duration_ns; text = stream or "" */
    KL_EVENT_WEIGH,       /* the runner stands still from here for duration_ns */
    KL_EVENT_SPEED,       /* value = belt speed m/s, slope rad */
    KL_EVENT_CONDITION,   /* text = what is being compared from here on */
    KL_EVENT_MARKER,      /* text = a note of the operator */
    KL_EVENT_LOST,        /* value = samples lost by the stream named in text */
    KL_EVENT_SETTINGS,    /* text = processing settings, JSON */
    KL_EVENT_FLAG_TABLE,  /* text = the flag table in force, YAML as written by the lab */
    KL_EVENT_CALIBRATION, /* a calibration pose or movement from here for duration_ns; text = which
                             (still, squats, bows, marching, mvc.vmo.right, ...) */
    KL_EVENT_ENTRY,       /* something entered or measured by hand: text = its key with the unit
                             (shank_length_m), value = the number */
    KL_EVENT_ALIGNMENT,   /* value = seconds to add to the times of the source named in text from
                           * here on (instead of what an earlier one said), how well it fits */
    KL_EVENT_KIND_COUNT,
};

/** "subject", "tare", ... : the word used in session files. */
const char *kl_event_kind_text(enum kl_event_kind kind);

#define KL_EVENT_VALUES 2

struct kl_event {
    enum kl_event_kind kind;
    int64_t t_ns;
    int64_t duration_ns;
    double value[KL_EVENT_VALUES];
    const char *text; /* UTF-8, never NULL. Borrowed: valid until the next item */
};

/** One element of the sequence. */
struct kl_item {
    enum kl_item_kind { KL_ITEM_BLOCK = 0, KL_ITEM_EVENT } kind;
    union {
        struct kl_block block;
        struct kl_event event;
    };
};

#endif

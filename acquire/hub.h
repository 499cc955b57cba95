/* Owns device threads, clocks and the order of blocks: the live source of a session.
 *
 * Each device has a thread that produces samples into a single-producer ring. The session thread
 * drains the rings in a fixed order, maps device time to session time, rounds values to the
 * stream's storage format and hands out blocks. It never waits for a late device and never sorts:
 * the emitted order is the truth. Losses are counted, marked on the next sample, and emitted as
 * events.
 *
 * Time: the session begins with its first sample, at KL_EPOCH_NS; simulated devices carry session
 * time and begin when the hub is started. What a real device made before that is not part of the
 * session. Time stamps increase strictly within a stream.
 * Events: those of a driver stand before every sample at or after their time, in both modes;
 * an operator's stand where the session was when they came.
 * A device that fails is not the session's end: kl_hub_devices names it, the others go on. A device
 * behind a link is opened again until it is back, started again, and its next samples are marked as
 * following a gap. The session ends when it is stopped, when its time is over, or when no device is
 * left that could come back.
 */
#ifndef KL_ACQUIRE_HUB_H
#define KL_ACQUIRE_HUB_H

#include "acquire/clock_pair.h"
#include "acquire/device_alarm.h"
#include "acquire/driver.h"
#include "acquire/link.h"
#include "acquire/source.h"

struct kl_hub;

/** State of one device, for the screen. */
struct kl_hub_device {
    char name[KL_NAME_MAX];
    const struct kl_driver *driver;
    uint64_t samples, lost; /* handed out; dropped here or missed by the device itself */
    uint64_t frames, bad_frames, skipped_bytes; /* with a link: what framing counted */
    int64_t uncertainty_ns; /* of its clock against the host's; 0: simulated or no clock */
    double drift_ppm;       /* of host against device time */
    bool running;           /* gives samples now; false: it ended, or is lost and looked for */
    char where[KL_PORT_NAME_MAX]; /* port or host where it was found last; "": simulated */
    uint64_t connections;         /* times it was started; above 1 it was away in between */
    struct kl_fault fault;        /* text "" when all is well */
    bool silent;                  /* not running: it is connected and gives nothing */
    unsigned alarms;              /* kl_device_alarm bits */
    double measured_hz; /* of the stream whose rate is off, else of its fastest; 0: not known */
    double nominal_hz;  /* of the same stream */
    double battery;     /* 0 to 1; negative: it does not say */
};

/** What a screen says of a device: an alarm, else "streaming", "simulated", "not found", "lost",
 *  "no data", "stopped". @return whether it is an alarm */
bool kl_hub_device_state(const struct kl_hub_device *device, char out[KL_DEVICE_STATE_MAX]);

struct kl_hub *kl_hub_create(void);

/** Adds a device before start: a simulated one, or the only one plugged in that fits the driver.
 *  @param config  driver-specific, read during this call only
 *  @return index of the device or a negative status with *fault */
int kl_hub_add(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
               const void *config, struct kl_fault *fault);

/** The same for the device that `choice` names (link.h); it may be plugged in later.
 *  @param choice  copied; NULL: nothing said */
int kl_hub_add_at(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
                  const void *config, const struct kl_link_choice *choice, struct kl_fault *fault);

/** Keeps the raw bytes of every link in a folder (capture.h), made if need be. Before start. */
int kl_hub_capture(struct kl_hub *hub, const char *folder, struct kl_fault *fault);

/** Is every raw byte kept so far, if it should be? @param flush  writes what waits first, which
 * waits for the disk: at the end. Threads: any, after start. @return KL_OK, or KL_ERR_IO with
 * *fault */
int kl_hub_capture_state(struct kl_hub *hub, bool flush, struct kl_fault *fault);

/** Starts the device threads. @param fast  simulated devices only: no waiting for the clock; items
 *  are ordered by first time stamp, then stream index, so that every run is the same.
 *  @param seconds  ends the session after this much session time; 0: until kl_hub_stop
 *  @return the source to pull from (owned by the hub), or NULL with *fault */
struct kl_source *kl_hub_start(struct kl_hub *hub, bool fast, double seconds,
                               struct kl_fault *fault);

/** Puts an operator's event into the sequence, stamped with the newest session time.
 *  Threads: any. text is copied. @return KL_OK or KL_ERR_MEM when too many wait */
int kl_hub_event(struct kl_hub *hub, const struct kl_event *event);

/** The oldest look at a device's clock not yet taken, for the recorder. Who never asks loses the
 *  oldest, no sample. Threads: the one that pulls. @return false when there is none */
bool kl_hub_clock(struct kl_hub *hub, struct kl_clock_pair *out);

/** Asks the session to end: the source gives what is in the rings, then KL_SOURCE_END.
 *  Threads: any; safe in a signal handler. */
void kl_hub_stop(struct kl_hub *hub);

/** @return devices written */
size_t kl_hub_devices(const struct kl_hub *hub, struct kl_hub_device *out, size_t cap);

/** Joins the threads and frees everything, the source too. NULL is allowed. */
void kl_hub_destroy(struct kl_hub *hub);

#endif

/* Owns device threads, clocks and the order of blocks: the live source of a session.
 *
 * Each device has a thread that produces samples into a single-producer ring. The session thread
 * drains the rings in a fixed order, maps device time to session time, rounds values to the
 * stream's storage format and hands out blocks. It never waits for a late device and never sorts:
 * the emitted order is the truth. Losses are counted, marked on the next sample, and emitted as
 * events.
 */
#ifndef KL_ACQUIRE_HUB_H
#define KL_ACQUIRE_HUB_H

#include "acquire/driver.h"
#include "acquire/source.h"

struct kl_hub;

/** State of one device, for the screen. */
struct kl_hub_device {
    char name[KL_NAME_MAX];
    const struct kl_driver *driver;
    uint64_t samples, lost;
    bool running;
    struct kl_fault fault; /* text "" when all is well */
};

struct kl_hub *kl_hub_create(void);

/** Adds a device before start. @param config  driver-specific, read during this call only
 *  @return index of the device or a negative status with *fault */
int kl_hub_add(struct kl_hub *hub, const char *name, const struct kl_driver *driver,
               const void *config, struct kl_fault *fault);

/** Starts the device threads. @param fast  simulated devices only: no waiting for the clock; items
 *  are ordered by first time stamp, then stream index, so that every run is the same.
 *  @param seconds  ends the session after this much session time; 0: until kl_hub_stop
 *  @return the source to pull from (owned by the hub), or NULL with *fault */
struct kl_source *kl_hub_start(struct kl_hub *hub, bool fast, double seconds,
                               struct kl_fault *fault);

/** Puts an operator's event into the sequence, stamped with the newest session time.
 *  Threads: any. text is copied. @return KL_OK or KL_ERR_MEM when too many wait */
int kl_hub_event(struct kl_hub *hub, const struct kl_event *event);

/** Asks the session to end: the source gives what is in the rings, then KL_SOURCE_END.
 *  Threads: any; safe in a signal handler. */
void kl_hub_stop(struct kl_hub *hub);

/** @return devices written */
size_t kl_hub_devices(const struct kl_hub *hub, struct kl_hub_device *out, size_t cap);

/** Joins the threads and frees everything, the source too. NULL is allowed. */
void kl_hub_destroy(struct kl_hub *hub);

#endif

/* The raw bytes of a link with their times of arrival: for driver work and bug reports.
 *
 * One file per device. Text first, one `key: value` per line, then an empty line, then records:
 *
 *     kneelab capture: 1          version; an unknown one is an error
 *     device: imu.left            name in the lab file; never a person's
 *     driver: xsens_mti
 *     made: 2026-11-22T09:15:00Z
 *     software: kneelab 0.1.0
 *     notes:                      firmware and what was done: to be filled in by hand
 *
 *     offset  size  type    meaning
 *     0       8     i64 LE  host monotonic time of arrival, ns
 *     8       4     u32 LE  bits 0-23 length of the bytes, bits 24-31 kl_capture_kind
 *     12      n     bytes
 *     12 + n  4     u32 LE  CRC-32C of the 12 + n bytes before it
 *
 * What a driver wrote is kept too, so that its conversation can be held again: the replaying link
 * gives no byte that came after an answer before the driver has asked for it. A torn tail ends
 * cleanly and is told.
 *
 * Threads: bytes go through a queue to one writing thread; no reader waits for the disk. What does
 * not fit (a disk that stalls) is left out whole and counted, in the file too.
 */
#ifndef KL_ACQUIRE_CAPTURE_H
#define KL_ACQUIRE_CAPTURE_H

#include "acquire/driver.h"

enum kl_capture_kind {
    KL_CAPTURE_READ = 0, /* came by read */
    KL_CAPTURE_ANSWER,   /* came by control, transfer or a link beside */
    KL_CAPTURE_WRITTEN,  /* went to the device, by any of them */
    KL_CAPTURE_OPENED,   /* the link was opened (again) here; no bytes */
    KL_CAPTURE_LOST,     /* u64 LE: records left out here */
    KL_CAPTURE_KIND_COUNT,
};

/* ------------------------------------------------------------------ keeping */

struct kl_capture;
struct kl_capture_file;

/** A folder of captures, made if need be. @return NULL with *fault */
struct kl_capture *kl_capture_create(const char *folder, struct kl_fault *fault);

/** Begins FOLDER/DEVICE.klcap (0600). @param out  lives until kl_capture_destroy
 *  @return KL_OK, KL_ERR_IO (it is there already), KL_ERR_RANGE or KL_ERR_MEM with *fault */
KL_CHECK int kl_capture_add(struct kl_capture *capture, const char *device,
                            const struct kl_driver *driver, struct kl_capture_file **out,
                            struct kl_fault *fault);

/** A link that keeps what goes through `inner`, which it closes with itself. Without memory, inner
 *  itself. Threads: those of the link. */
struct kl_link *kl_capture_link(struct kl_capture_file *file, struct kl_link *inner);

/** Is everything kept? What a full disk or a disk that stands still cost is said in *fault, and
 *  stays said; the session goes on. Threads: any, once every device is added.
 *  @return KL_OK, or KL_ERR_IO with *fault */
int kl_capture_state(const struct kl_capture *capture, struct kl_fault *fault);

/** Writes what waits now. Waits for the disk. Threads: any but those of the links. */
void kl_capture_flush(struct kl_capture *capture);

/** Writes what waits and closes the files. NULL is allowed. Every link must be closed. */
void kl_capture_destroy(struct kl_capture *capture);

/* ------------------------------------------------------------------ reading */

struct kl_capture_record {
    int64_t arrival_ns;
    enum kl_capture_kind kind;
    const uint8_t *bytes; /* borrowed from the file's bytes */
    size_t len;
};

/** A capture in memory. */
struct kl_capture_reader {
    const uint8_t *data; /* borrowed */
    size_t len, at;
    char device[KL_NAME_MAX], driver[KL_NAME_MAX];
    size_t torn; /* bytes at the end that are no whole record; known after the last one */
};

/** Does the text begin as a capture does, of whatever version? */
bool kl_capture_is(const uint8_t *data, size_t len);

/** Reads the head. @param name  stands for the file in messages
 *  @return KL_OK, KL_ERR_UNSUPPORTED for another version, KL_ERR_DATA with *fault */
KL_CHECK int kl_capture_open(const char *name, const uint8_t *data, size_t len,
                             struct kl_capture_reader *out, struct kl_fault *fault);

/** The next record. @return false at the end, torn or not */
bool kl_capture_next(struct kl_capture_reader *reader, struct kl_capture_record *out);

/** A link that plays a capture: read gives the records as they were read; a read behind which the
 *  driver wrote something waits for that write (gives 0); control and transfer give the answers in
 *  their order. Gone at the end. Whatever is written is not compared. */
struct kl_capture_player {
    struct kl_link link;
    struct kl_capture_beside {
        struct kl_link link;
        struct kl_capture_player *player;
    } beside; /* every link beside is this one: it gives the answers */
    struct kl_capture_reader reader;
    struct kl_capture_record record; /* the one in hand */
    size_t taken;                    /* of its bytes */
    bool has_record;
};

void kl_capture_player_init(struct kl_capture_player *player,
                            const struct kl_capture_reader *reader);

#endif

/* What a device family provides: constant data and pure functions. Nothing here names a cable.
 *
 * A driver explains bytes (frame, parse) and holds a conversation over a link (start, stop), or,
 * when it simulates, makes samples (generate). It knows no port, no thread and no other device.
 * The hub owns the thread, the link and the state's memory.
 */
#ifndef KL_ACQUIRE_DRIVER_H
#define KL_ACQUIRE_DRIVER_H

#include "acquire/stream.h"

/** A way to exchange bytes: serial port, USB device, TCP socket, capture file. */
struct kl_link {
    const struct kl_link_ops {
        /** Up to cap bytes of the stream within wait_ns. @return bytes (0: none in time) or a
         *  negative status */
        int (*read)(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns);
        /** All bytes or a negative status. */
        int (*write)(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns);
        /** Serial: another speed, after a handshake. NULL: not this kind of link. */
        int (*set_baud)(struct kl_link *link, unsigned baud);
        /** USB: a control transfer on endpoint 0 (bit 7 of request_type: device to host).
         *  @return bytes or a negative status. NULL: not this kind of link */
        int (*control)(struct kl_link *link, uint8_t request_type, uint8_t request, uint16_t value,
                       uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns);
        /** USB: one bulk or interrupt transfer on an endpoint that is not the stream's (bit 7:
         *  device to host). @return bytes or a negative status. NULL: not this kind of link */
        int (*transfer)(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                        int64_t wait_ns);
        /** TCP: another connection to the same host, for devices that take commands on a port of
         *  their own. Opened at the first call and closed with this link, which owns it.
         *  @return the link, or NULL when it cannot be reached. NULL: not this kind of link */
        struct kl_link *(*beside)(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns);
        /** Ends the link and frees it. For whoever opened it, never for a driver. NULL: borrowed */
        void (*close)(struct kl_link *link);
    } * ops;
    /** Host monotonic time at which the bytes of the last read came; 0: the link does not know and
     *  the reader's own clock counts. */
    int64_t arrival_ns;
    /** Pieces of the stream that the link itself had to drop before the bytes of the last read: the
     *  reader was too slow. It only grows; a read that makes it grow begins behind the gap. */
    uint64_t dropped;
};

enum kl_link_kind { KL_LINK_NONE = 0, KL_LINK_SERIAL, KL_LINK_USB, KL_LINK_TCP };

struct kl_usb_id {
    uint16_t vendor, product;
};

/** One way a device can be reached: constant data, for discovery and for opening. */
struct kl_link_need {
    enum kl_link_kind kind;
    const struct kl_usb_id *usb_id; /* the device's, or its USB-serial bridge's */
    size_t usb_id_count;
    /* Serial: other speeds a unit may have been left at, ended by 0; NULL: none. */
    const unsigned *speed;
    unsigned baud;     /* serial, 8N1 */
    uint16_t tcp_port; /* TCP */
    uint8_t interface; /* USB: claimed; a kernel driver on it is detached */
    /* USB: endpoint that read() streams from, bit 7 set. 0: numbers differ between units, so the
     * first interface that has a bulk endpoint in and one out is claimed, with both; `interface`
     * and `out` are not looked at, and what waits in the endpoint is thrown away. */
    uint8_t stream_in;
    uint8_t out;   /* USB: endpoint that write() goes to */
    size_t packet; /* USB: bytes asked for in one streaming transfer */
};

/** Answer of a frame test. */
enum kl_frame { KL_FRAME_NEED_MORE = 0, KL_FRAME_VALID, KL_FRAME_INVALID };

/** What a sample's device time means. */
enum kl_time_meaning {
    KL_TIME_COUNTER = 0, /* the device's own clock */
    KL_TIME_INDEX,       /* sample number at the nominal rate */
    KL_TIME_ARRIVAL,     /* none: when the bytes came. device_ns may still count nominal periods
                          * (a frame counter): then gaps are as long as it says; else always 0 */
    KL_TIME_SESSION,     /* simulated: already session time */
};

/** One instant of one stream, as a driver delivers it. */
struct kl_sample {
    size_t stream;     /* index among the device's own streams */
    int64_t device_ns; /* device time in ns, unwrapped by the driver (kl_time_meaning) */
    uint32_t quality;  /* kl_quality bits; KL_QUALITY_INVALID is none of the driver's business */
    /* As the device sent it, in the stream's unit; NaN for a channel that this sample lacks. Not
     * finite is passed on: whoever stores it (acquire/stage.h) marks the sample as INVALID. */
    double value[KL_CHANNELS_MAX];
};

#define KL_DEVICE_OPTIONS_MAX 16

struct kl_device_option {
    const char *key, *value;
};

/** A device as the lab file describes it: what drivers of real devices get as `config`. Borrowed
 *  during configure; every text is non-NULL. */
struct kl_device_config {
    const char *name;      /* of the device in the lab file */
    const char *placement; /* "shank.right", "vmo.left"; "": none. Streams: imu.shank.right */
    double rate_hz;        /* wanted; 0: the driver's default */
    size_t option_count;
    const struct kl_device_option *option; /* the driver's own keys; an unknown one is a fault */
    /* Streams whose meaning only the lab knows (analog inputs, columns of text): names, kinds,
     * labels, units and plates as the driver shall report them; rate and format are the driver's.
     */
    size_t stream_count;
    const struct kl_stream *stream;
    const uint8_t (*input)[KL_CHANNELS_MAX]; /* [stream_count]: input number of each channel */
};

struct kl_driver {
    const char *name;  /* virtual_runner, xsens_mti: used in lab files */
    const char *label; /* for people */
    enum kl_time_meaning time_meaning;
    size_t state_size;               /* bytes of state the hub provides, zeroed */
    size_t stream_max;               /* streams of one device */
    const struct kl_link_need *need; /* ways to reach it; none when it simulates */
    size_t need_count;
    const char *document; /* the maker's document it follows */

    /** Is this the device? Asked of serial ports whose USB ids fit many: says what it is in words
     *  ("MTi-630, firmware 1.12"). Leaves the device as it was. NULL: cannot be asked.
     *  @return KL_OK, KL_ERR_TIMEOUT or KL_ERR_DATA (somebody else), KL_ERR_IO */
    int (*identify)(struct kl_link *link, char *out, size_t len);

    /** Sets the state up from the device's part of the lab file (driver-specific struct) and says
     *  which streams will come. @return number of streams or a negative status */
    int (*configure)(void *state, const void *config, struct kl_stream *out, size_t cap,
                     struct kl_fault *fault);

    /* A device behind a link. */
    int (*start)(void *state, struct kl_link *link, struct kl_fault *fault);
    int (*stop)(void *state, struct kl_link *link);
    enum kl_frame (*frame)(const void *state, const uint8_t *buf, size_t len, size_t *frame_len);
    /** @return samples written, or a negative status when it is no frame after all: its first byte
     *  is skipped. KL_ERR_GONE asks for a new conversation: what still comes cannot be trusted (no
     *  way back into step, a device that reset itself); the link is closed, opened and started. */
    int (*parse)(void *state, const uint8_t *frame, size_t len, struct kl_sample *out, size_t cap);

    /** A device that speaks only when asked: the next question. Called before every read.
     *  @param now_ns   host monotonic time  @param wait_ns  in/out: how long the read may wait;
     *                  shortened so that the next question is not late
     *  @return bytes to write, 0: none is due. NULL: the device streams by itself */
    int (*ask)(void *state, int64_t now_ns, uint8_t *out, size_t cap, int64_t *wait_ns);

    /** What device times mean where the lab file decides it (a column may be a time, or none is).
     *  NULL: always time_meaning. Asked after configure. */
    enum kl_time_meaning (*time_of)(const void *state);

    /** Charge of the device's battery as it told last, 0..100 %; -1: it has not told. Asked on the
     *  thread that parses, or when no thread does. NULL: it never tells. */
    int (*battery)(const void *state);

    /* A simulated device: samples in order of time, all before until_ns (session time), at most
     * cap. @return samples written; fewer than cap means "no more before until_ns" */
    int (*generate)(void *state, int64_t until_ns, struct kl_sample *out, size_t cap);

    /** Events the device itself causes at its start (subject, speed...). @return how many;
     *  texts live as long as the state. May be NULL. */
    int (*events)(void *state, struct kl_event *out, size_t cap);

    /** Releases what configure acquired. May be NULL. */
    void (*release)(void *state);
};

#endif

/* The scan of a multi-channel converter and the streams the lab makes of it.
 *
 * Plates, EMG and a sync pulse share one converter. It takes its inputs in one order, again and
 * again; each stream picks its channels from the scan. Values are what stands at the input (volts);
 * what they mean is in the stream's plate, copied from the lab file.
 *
 *     lab file:  plate.left  inputs 0..5      scan:  0 1 2 3 4 5 6 7 0 1 2 ...
 *                emg.vmo     input  6                '---------' | '-- slot 7
 *                sync        input  7              plate.left   emg.vmo
 *
 * Time is the number of the scan times its exact period. Scans that are missing move the number
 * on and mark the next sample of every stream.
 */
#ifndef KL_DEVICES_ANALOG_SCAN_H
#define KL_DEVICES_ANALOG_SCAN_H

#include "acquire/driver.h"

enum { KL_ANALOG_SLOTS_MAX = 32, KL_ANALOG_STREAMS_MAX = 16 };

/** What one converter allows. */
struct kl_analog_limits {
    const char *driver;
    const char *inputs_text; /* for faults: "0 to 13" */
    bool (*input_allowed)(unsigned input);
    size_t slot_max;
    bool ascending;      /* the converter orders its inputs itself */
    double full_scale_v; /* where the lab file knows no rail of its own */
};

/** Part of a driver's state. */
struct kl_analog_scan {
    size_t stream_count;
    size_t channels[KL_ANALOG_STREAMS_MAX];
    uint8_t slot[KL_ANALOG_STREAMS_MAX][KL_CHANNELS_MAX];
    size_t slot_count; /* inputs of one scan */
    uint8_t input[KL_ANALOG_SLOTS_MAX];
    double period_ns; /* exact, of the scan */
    uint64_t scan;    /* number of the next one */
    uint32_t pending; /* quality of the next sample of each stream */
};

/** Reads the streams of the lab file; rates are set by kl_analog_scan_rate.
 *  @param out  [cap] streams as they will be reported: kind, names, labels and plate of the config,
 *              unit V where it names none, float32
 *  @return number of streams, or KL_ERR_RANGE with what is allowed */
KL_CHECK int kl_analog_scan_configure(struct kl_analog_scan *scan,
                                      const struct kl_analog_limits *limits,
                                      const struct kl_device_config *config, struct kl_stream *out,
                                      size_t cap, struct kl_fault *fault);

/** The rate the converter really runs at: clock_hz / divider. */
void kl_analog_scan_rate(struct kl_analog_scan *scan, struct kl_stream *out, double clock_hz,
                         double divider);

/** From the beginning again, after a (re)start of the device. */
void kl_analog_scan_reset(struct kl_analog_scan *scan);

/** `count` scans are missing before the next one. */
void kl_analog_scan_skip(struct kl_analog_scan *scan, uint64_t count, uint32_t quality);

/** One whole scan to one sample per stream.
 *  @param value    in [slot_count]
 *  @param clipped  bit per slot: at the rail
 *  @return samples written, or KL_ERR_ARG when cap is too small */
int kl_analog_scan_emit(struct kl_analog_scan *scan, const double *value, uint32_t clipped,
                        struct kl_sample *out, size_t cap);

#endif

/* The `devices:` part of a lab file: what is plugged in, how it is reached, what it measures. */
#ifndef KL_APP_LAB_DEVICES_H
#define KL_APP_LAB_DEVICES_H

#include "app/lab.h"
#include "app/lab_runner.h"

struct kl_yaml_plate;

struct kl_yaml_channel {
    unsigned input;
    char *label, *unit;
    double *full_scale;
};

struct kl_yaml_stream {
    char *name;
    enum kl_kind kind;
    enum kl_side side;
    struct kl_yaml_channel *channels;
    unsigned channels_count;
    struct kl_yaml_plate *plate;
};

/** A device as libcyaml loads it. */
struct kl_yaml_device {
    char *name, *driver;
    struct kl_lab_runner *virtual_runner;
    char *port, *serial_number, *host, *placement;
    unsigned *baud;
    double *rate_hz;
    struct kl_yaml_stream *streams;
    unsigned streams_count;
};

extern const cyaml_schema_value_t kl_lab_device_schema;

/** Takes every device, right or wrong, and asks its driver. @return KL_OK, or a negative status
 *  with every fault noted in the document; what was taken is released by kl_lab_free */
int kl_lab_devices_take(struct kl_lab_document *document, const struct kl_yaml_device *from,
                        size_t count, struct kl_lab *to);

void kl_lab_device_release(struct kl_lab_device *device);

#endif

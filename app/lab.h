/* LAB.yaml: one lab, one runner: who runs, what is plugged in, how it is judged. */
#ifndef KL_APP_LAB_H
#define KL_APP_LAB_H

#include "acquire/hub.h"
#include "app/lab_document.h"
#include "app/lab_subject.h"
#include "devices/virtual_runner.h"
#include "process/pipeline.h"

#define KL_LAB_DEVICES 32
#define KL_LAB_PULSES 8
#define KL_PATH_MAX 4096 /* as Linux has it */

struct kl_lab_device {
    char name[KL_NAME_MAX];
    size_t line; /* in the lab file */
    const struct kl_driver *driver;
    struct kl_virtual_runner runner; /* configuration of the virtual_runner driver */
    struct kl_link_choice choice;    /* real devices: which one... */
    struct kl_device_config real;    /* ... and how; owns its arrays and their texts */
    char placement[KL_NAME_MAX];
    struct kl_stream *stream; /* [stream_count] what it will stream; heap */
    size_t stream_count;
};

/** What the device's driver is configured with. */
const void *kl_lab_device_config(const struct kl_lab_device *device);

struct kl_lab {
    char path[KL_PATH_MAX];
    struct kl_settings settings;
    struct kl_lab_subject subject; /* who runs, if the lab file says so */
    double mains_hz;               /* what hum of the mains is looked for in the EMG; 0: none */
    size_t pulse_count;            /* streams that carry the shared pulse */
    char pulse[KL_LAB_PULSES][KL_NAME_MAX];
    char flags_path[KL_PATH_MAX];
    struct kl_flag_table flags;
    char *flags_text; /* heap: as embedded in recordings */
    size_t device_count;
    struct kl_lab_device device[KL_LAB_DEVICES];
};

/** Reads LAB.yaml and the flag table it names, and checks both. Free with kl_lab_free.
 *  @return KL_OK, or a negative status with the first fault, and how many more there are */
int kl_lab_load(const char *path, struct kl_lab *out, struct kl_fault *fault);

/** The same with everything there is to say about it, doubts too: faults with file, line and cure
 *  in their order of finding. @return KL_OK, or a negative status when there is any fault */
int kl_lab_read(const char *path, struct kl_lab *out, struct kl_lab_findings *findings);

/** Defaults and the shipped flag table, without any device: for recordings.
 *  @param flags_path  another table, or NULL */
int kl_lab_defaults(const char *flags_path, struct kl_lab *out, struct kl_fault *fault);

void kl_lab_free(struct kl_lab *lab);

/** Adds the lab's devices to a hub. */
int kl_lab_plug(const struct kl_lab *lab, struct kl_hub *hub, struct kl_fault *fault);

/** Path of a file that ships in configs/: $KNEELAB_CONFIGS, else where this build came from. */
const char *kl_config_path(const char *name, char *out, size_t len);

#endif

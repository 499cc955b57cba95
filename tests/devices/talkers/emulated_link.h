/* A link that calls an emulator directly: no port, no thread; time passes only while a read waits.
 */
#ifndef KL_TESTS_DEVICES_EMULATED_LINK_H
#define KL_TESTS_DEVICES_EMULATED_LINK_H

#include "acquire/driver.h"
#include "emulator.h"

struct emulated_link {
    struct kl_link link;
    struct emulator *emulator;
    int64_t t_ns;
    size_t chunk;         /* most bytes one read gives */
    unsigned baud;        /* the host's */
    unsigned device_baud; /* 0: any; else what is sent at another speed is lost */
    bool gone;            /* the cable is out */
};

void emulated_link_init(struct emulated_link *link, struct emulator *emulator, size_t chunk);

#endif

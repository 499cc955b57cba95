/* What is plugged in: serial ports and USB devices, with what tells them apart. */
#ifndef KL_ACQUIRE_PORT_LIST_H
#define KL_ACQUIRE_PORT_LIST_H

#include "acquire/driver.h"

#define KL_PORT_NAME_MAX 96
#define KL_SERIAL_NUMBER_MAX 64
#define KL_PORTS_MAX 64

/** One thing that can be opened. Texts that are not known are empty. */
struct kl_port {
    enum kl_link_kind kind;      /* KL_LINK_SERIAL or KL_LINK_USB */
    char name[KL_PORT_NAME_MAX]; /* /dev/ttyUSB0; usb:1-4.2 (bus and sockets) */
    char label[136];             /* maker and product, as the device says */
    char serial_number[KL_SERIAL_NUMBER_MAX];
    struct kl_usb_id usb_id; /* 0, 0: not on USB */
    bool denied;             /* this user may not open it */
};

/** Serial ports that have hardware behind them, by name; none is opened.
 *  @param built_in  those without USB too. That waits for whoever is closing one (a console drains
 *                   for seconds): for people, not for looking for a lost device
 *  @return how many were written */
size_t kl_port_list_serial(struct kl_port *out, size_t cap, bool built_in);

/** USB devices but hubs, by name. @return how many were written */
size_t kl_port_list_usb(struct kl_port *out, size_t cap);

/** Does one way of reaching a device fit this port, by USB ids? A way without ids fits none. */
bool kl_port_fits(const struct kl_port *port, const struct kl_link_need *need);

#endif

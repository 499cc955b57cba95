#include "acquire/link.h"

#include "acquire/link_serial.h"
#include "acquire/link_tcp.h"
#include "acquire/link_usb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A server in the same room answers in milliseconds; longer would delay a stop. */
#define CONNECT_WAIT_NS INT64_C(500000000)

/* What an opening is about. */
struct request {
    const char *device;
    const struct kl_driver *driver;
    const struct kl_link_choice *choice;
    struct kl_link_found *found;
};

static const struct kl_link_need *need_of(const struct kl_driver *driver, enum kl_link_kind kind)
{
    for (size_t i = 0; i < driver->need_count; i++) {
        if (driver->need[i].kind == kind) {
            return &driver->need[i];
        }
    }
    return NULL;
}

/* ----------------------------------------------------------------- network */

static int open_host(const struct request *request, struct kl_link **out, struct kl_fault *fault)
{
    const struct kl_link_need *tcp = need_of(request->driver, KL_LINK_TCP);
    if (tcp == NULL && need_of(request->driver, KL_LINK_SERIAL) == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: %s is not reached over a network; leave `host` out",
                        request->device, request->driver->label);
    }
    /* a serial port behind a network has no port of its own: the host names it */
    int status = kl_tcp_open(request->device, request->choice->host,
                             tcp != NULL ? tcp->tcp_port : 0, CONNECT_WAIT_NS, out, fault);
    if (status == KL_OK) {
        (void)snprintf(request->found->where, sizeof(request->found->where), "%s",
                       request->choice->host);
    }
    return status;
}

/* ------------------------------------------------------------ serial and USB */

static int open_at(const struct request *request, const struct kl_link_need *need,
                   const struct kl_port *port, struct kl_link **out, struct kl_fault *fault)
{
    int status;
    if (need->kind == KL_LINK_USB) {
        status = kl_usb_open(request->device, port->name, need, out, fault);
    } else {
        unsigned baud = request->choice->baud != 0 ? request->choice->baud : need->baud;
        status = kl_serial_open(request->device, port->name, baud, out, fault);
    }
    if (status == KL_OK) {
        memcpy(request->found->where, port->name, sizeof(request->found->where));
        memcpy(request->found->serial_number, port->serial_number,
               sizeof(request->found->serial_number));
    }
    return status;
}

static bool same_place(const struct kl_port *port, const char *named)
{
    if (strcmp(port->name, named) == 0) {
        return true;
    }
    char *path = port->kind == KL_LINK_SERIAL ? kl_serial_path(named) : NULL;
    bool same = path != NULL && strcmp(port->name, path) == 0;
    free(path);
    return same;
}

/* What a driver can use of what is plugged in. */
struct plugged {
    size_t count;
    struct kl_port port[KL_PORTS_MAX];
};

static void list_plugged(const struct kl_link_need *need, struct plugged *out)
{
    out->count = need->kind == KL_LINK_USB ? kl_port_list_usb(out->port, KL_PORTS_MAX)
                                           : kl_port_list_serial(out->port, KL_PORTS_MAX, false);
}

static int fail_absent(const struct request *request, const char *serial_number,
                       struct kl_fault *fault)
{
    const struct kl_driver *driver = request->driver;
    if (serial_number[0] != '\0') {
        return kl_fault(fault, KL_ERR_GONE,
                        "device %s: no %s with serial number %s is plugged in; plug it in, or see "
                        "`kneelab devices`",
                        request->device, driver->label, serial_number);
    }
    size_t ids = 0;
    for (size_t i = 0; i < driver->need_count; i++) {
        ids += driver->need[i].usb_id_count;
    }
    if (ids == 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: nothing on a port tells that it is a %s; say `port`, "
                        "`serial_number` or `host` in the lab file",
                        request->device, driver->label);
    }
    return kl_fault(fault, KL_ERR_GONE,
                    "device %s: no %s is plugged in; plug it in, or say `port` when it hangs on "
                    "another cable (`kneelab devices` lists what is there)",
                    request->device, driver->label);
}

static int fail_ambiguous(const struct request *request, const struct plugged *plugged,
                          const struct kl_link_need *need, struct kl_fault *fault)
{
    char list[240] = "";
    for (size_t i = 0; i < plugged->count; i++) {
        const struct kl_port *port = &plugged->port[i];
        size_t len = strlen(list);
        if (kl_port_fits(port, need)) {
            (void)snprintf(list + len, sizeof(list) - len, "%s%.60s (%.30s)", len > 0 ? ", " : "",
                           port->name,
                           port->serial_number[0] != '\0' ? port->serial_number : "no number");
        }
    }
    return kl_fault(fault, KL_ERR_RANGE,
                    "device %s: more than one thing fits %s: %s; say `serial_number` or `port` in "
                    "the lab file",
                    request->device, request->driver->label, list);
}

/* Among the ports one need can use: the one named by serial number, else the only one that fits.
 * @return 1 with *out, 0 for none, or a negative status */
static int choose(const struct request *request, const struct kl_link_need *need,
                  const char *serial_number, const struct kl_port **out, struct plugged *plugged,
                  struct kl_fault *fault)
{
    const struct kl_port *best = NULL;
    size_t fitting = 0;
    list_plugged(need, plugged);
    for (size_t i = 0; i < plugged->count; i++) {
        const struct kl_port *port = &plugged->port[i];
        bool fits = serial_number[0] != '\0' ? strcmp(port->serial_number, serial_number) == 0
                                             : kl_port_fits(port, need);
        if (!fits) {
            continue;
        }
        fitting++;
        /* one device may show several ports: the one named, else the first */
        bool better = best == NULL || strcmp(port->name, best->name) < 0;
        if (request->choice->port[0] != '\0' && same_place(port, request->choice->port)) {
            *out = port;
            return 1;
        }
        best = better ? port : best;
    }
    if (serial_number[0] == '\0' && fitting > 1) {
        return fail_ambiguous(request, plugged, need, fault);
    }
    *out = best;
    return best != NULL;
}

/* The port that the lab file names, known to a list or not (a pseudo terminal). */
static int open_named(const struct request *request, struct plugged *plugged, struct kl_link **out,
                      struct kl_fault *fault)
{
    const char *name = request->choice->port;
    enum kl_link_kind kind = strncmp(name, "usb:", 4) == 0 ? KL_LINK_USB : KL_LINK_SERIAL;
    const struct kl_link_need *need = need_of(request->driver, kind);
    if (need == NULL) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "device %s: %s is not reached by %s; leave `port` out, or see `kneelab "
                        "devices`",
                        request->device, request->driver->label, name);
    }
    struct kl_port port = {.kind = kind};
    (void)snprintf(port.name, sizeof(port.name), "%s", name);
    list_plugged(need, plugged);
    for (size_t i = 0; i < plugged->count; i++) {
        if (same_place(&plugged->port[i], name)) {
            port = plugged->port[i];
        }
    }
    return open_at(request, need, &port, out, fault);
}

static int open_plugged(const struct request *request, struct plugged *plugged,
                        struct kl_link **out, struct kl_fault *fault)
{
    const char *serial_number = request->choice->serial_number[0] != '\0'
                                    ? request->choice->serial_number
                                    : request->found->serial_number;
    if (serial_number[0] == '\0' && request->choice->port[0] != '\0') {
        return open_named(request, plugged, out, fault);
    }
    for (size_t i = 0; i < request->driver->need_count; i++) {
        const struct kl_link_need *need = &request->driver->need[i];
        const struct kl_port *port = NULL;
        int chosen = need->kind == KL_LINK_TCP
                         ? 0
                         : choose(request, need, serial_number, &port, plugged, fault);
        if (chosen != 0) {
            return chosen < 0 ? chosen : open_at(request, need, port, out, fault);
        }
    }
    return fail_absent(request, serial_number, fault);
}

int kl_link_open(const char *device, const struct kl_driver *driver,
                 const struct kl_link_choice *choice, struct kl_link_found *found,
                 struct kl_link **out, struct kl_fault *fault)
{
    const struct request request = {device, driver, choice, found};
    if (choice->host[0] != '\0') {
        return open_host(&request, out, fault);
    }
    struct plugged *plugged = malloc(sizeof(*plugged));
    if (plugged == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "device %s: out of memory", device);
    }
    int status = open_plugged(&request, plugged, out, fault);
    free(plugged);
    return status;
}

int kl_link_identify(struct kl_link *link, const struct kl_driver *driver, unsigned baud, char *out,
                     size_t len)
{
    const struct kl_link_need *need = need_of(driver, KL_LINK_SERIAL);
    int first = driver->identify(link, out, len);
    if (baud != 0 || link->ops->set_baud == NULL || need == NULL || need->speed == NULL) {
        return first;
    }
    int status = first;
    for (const unsigned *speed = need->speed;
         *speed != 0 && (status == KL_ERR_TIMEOUT || status == KL_ERR_DATA); speed++) {
        if (*speed == need->baud || link->ops->set_baud(link, *speed) < 0) {
            continue; /* a bridge that cannot do this one may do the next */
        }
        status = driver->identify(link, out, len);
        if (status >= 0) {
            size_t used = strlen(out);
            (void)snprintf(out + used, len - used, ", at %u baud", *speed);
            return status;
        }
    }
    if (status < 0 && link->ops->set_baud(link, need->baud) < 0) {
        return KL_ERR_IO;
    }
    return status < 0 && status != KL_ERR_TIMEOUT && status != KL_ERR_DATA ? status : first;
}

void kl_link_close(struct kl_link *link)
{
    if (link != NULL && link->ops->close != NULL) {
        link->ops->close(link);
    }
}

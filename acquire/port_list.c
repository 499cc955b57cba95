#include "acquire/port_list.h"

#include <libserialport.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TTY_FOLDER "/sys/class/tty"
#define USB_FOLDER "/sys/bus/usb/devices"
#define USB_CLASS_HUB 9

static void copy_text(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text != NULL ? text : "");
}

static void label(struct kl_port *port, const char *maker, const char *product)
{
    (void)snprintf(port->label, sizeof(port->label), "%s%s%s", maker != NULL ? maker : "",
                   maker != NULL && maker[0] != '\0' && product != NULL ? " " : "",
                   product != NULL ? product : "");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct kl_port *)a)->name, ((const struct kl_port *)b)->name);
}

bool kl_port_fits(const struct kl_port *port, const struct kl_link_need *need)
{
    for (size_t i = 0; port->kind == need->kind && i < need->usb_id_count; i++) {
        if (need->usb_id[i].vendor == port->usb_id.vendor &&
            need->usb_id[i].product == port->usb_id.product) {
            return true;
        }
    }
    return false;
}

/* The first line of FOLDER/DEVICE/NAME; "" when there is none. */
static void read_line(const char *folder, const char *device, const char *name, char *out,
                      size_t cap)
{
    char path[340];
    (void)snprintf(path, sizeof(path), "%s/%s/%s", folder, device, name);
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    if (fgets(out, (int)cap, file) == NULL) {
        out[0] = '\0';
    }
    (void)fclose(file);
    out[strcspn(out, "\n")] = '\0';
}

/* What the system knows of a port, without opening it: opening raises DTR, which resets boards, and
 * may wait for a console. (sp_list_ports opens every built-in port, and a lost device is looked for
 * 20 times a second.) @return false when there is no hardware behind the name */
static bool describe_serial(const char *name, bool built_in, struct kl_port *port)
{
    char path[300], target[512], type[8] = "";
    (void)snprintf(path, sizeof(path), "%s/%s", TTY_FOLDER, name);
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0) {
        return false;
    }
    target[len] = '\0';
    bool on_usb = strstr(target, "/usb") != NULL;
    if (strstr(target, "/virtual/") != NULL || (!built_in && !on_usb)) {
        return false;
    }
    if (!on_usb) {
        read_line(TTY_FOLDER, name, "type", type, sizeof(type));
    }
    if (strcmp(type, "0") == 0) {
        return false; /* PORT_UNKNOWN: a built-in port that was never built in */
    }
    *port = (struct kl_port){.kind = KL_LINK_SERIAL};
    (void)snprintf(port->name, sizeof(port->name), "/dev/%.80s", name);
    return true;
}

static void add_usb_details(struct kl_port *port)
{
    struct sp_port *found = NULL;
    int vendor = 0, product = 0;
    if (sp_get_port_by_name(port->name, &found) != SP_OK) {
        return;
    }
    if (sp_get_port_usb_vid_pid(found, &vendor, &product) == SP_OK) {
        port->usb_id = (struct kl_usb_id){(uint16_t)vendor, (uint16_t)product};
        label(port, sp_get_port_usb_manufacturer(found), sp_get_port_usb_product(found));
        copy_text(port->serial_number, sizeof(port->serial_number), sp_get_port_usb_serial(found));
    } else {
        label(port, NULL, sp_get_port_description(found));
    }
    sp_free_port(found);
}

size_t kl_port_list_serial(struct kl_port *out, size_t cap, bool built_in)
{
    DIR *folder = opendir(TTY_FOLDER);
    size_t count = 0;
    if (folder == NULL) {
        return 0;
    }
    /* readdir: this stream of entries belongs to this call alone */
    for (const struct dirent *entry = readdir(folder); entry != NULL && count < cap; // NOLINT
         entry = readdir(folder)) {                                                  // NOLINT
        struct kl_port *port = &out[count];
        if (describe_serial(entry->d_name, built_in, port)) {
            add_usb_details(port);
            port->denied = access(port->name, R_OK | W_OK) != 0;
            count++;
        }
    }
    (void)closedir(folder);
    qsort(out, count, sizeof(*out), by_name);
    return count;
}

static void read_attribute(const char *device, const char *name, char *out, size_t cap)
{
    read_line(USB_FOLDER, device, name, out, cap);
}

static unsigned read_number(const char *device, const char *name, int base)
{
    char text[16];
    read_attribute(device, name, text, sizeof(text));
    return (unsigned)strtoul(text, NULL, base);
}

static bool describe_usb(const char *device, struct kl_port *port)
{
    char maker[64], product[64], node[40];
    *port = (struct kl_port){.kind = KL_LINK_USB};
    port->usb_id.vendor = (uint16_t)read_number(device, "idVendor", 16);
    port->usb_id.product = (uint16_t)read_number(device, "idProduct", 16);
    if (port->usb_id.vendor == 0 || read_number(device, "bDeviceClass", 16) == USB_CLASS_HUB) {
        return false;
    }
    (void)snprintf(port->name, sizeof(port->name), "usb:%.80s", device);
    read_attribute(device, "manufacturer", maker, sizeof(maker));
    read_attribute(device, "product", product, sizeof(product));
    read_attribute(device, "serial", port->serial_number, sizeof(port->serial_number));
    label(port, maker, product);
    (void)snprintf(node, sizeof(node), "/dev/bus/usb/%03u/%03u", read_number(device, "busnum", 10),
                   read_number(device, "devnum", 10));
    port->denied = access(node, R_OK | W_OK) != 0;
    return true;
}

size_t kl_port_list_usb(struct kl_port *out, size_t cap)
{
    DIR *folder = opendir(USB_FOLDER);
    size_t count = 0;
    if (folder == NULL) {
        return 0;
    }
    /* readdir: this stream of entries belongs to this call alone */
    for (const struct dirent *entry = readdir(folder); entry != NULL && count < cap; // NOLINT
         entry = readdir(folder)) {                                                  // NOLINT
        bool is_device = isdigit((unsigned char)entry->d_name[0]) != 0 &&
                         strchr(entry->d_name, ':') == NULL; /* 1-4.2, not 1-4.2:1.0 or usb1 */
        count += is_device && describe_usb(entry->d_name, &out[count]) ? 1 : 0;
    }
    (void)closedir(folder);
    qsort(out, count, sizeof(*out), by_name);
    return count;
}

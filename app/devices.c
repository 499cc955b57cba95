/* kneelab devices: what is plugged in, which driver fits, and what else could be. */
#include "acquire/link.h"
#include "app/arguments.h"
#include "app/verbs.h"
#include "devices/registry.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDENTITY_MAX 160

static const char *time_text(enum kl_time_meaning meaning)
{
    static const char *const text[] = {
        [KL_TIME_COUNTER] = "device clock",
        [KL_TIME_INDEX] = "sample number",
        [KL_TIME_ARRIVAL] = "arrival",
        [KL_TIME_SESSION] = "simulated",
    };
    return text[meaning];
}

static const char *kind_text(enum kl_link_kind kind)
{
    static const char *const text[] = {
        [KL_LINK_NONE] = "none",
        [KL_LINK_SERIAL] = "serial",
        [KL_LINK_USB] = "usb",
        [KL_LINK_TCP] = "tcp",
    };
    return text[kind];
}

/* ---------------------------------------------------------------- plugged in */

static bool fits(const struct kl_port *port, const struct kl_driver *driver)
{
    for (size_t i = 0; i < driver->need_count; i++) {
        if (kl_port_fits(port, &driver->need[i])) {
            return true;
        }
    }
    return false;
}

/* Do the port's USB ids stand in the driver's own list? A driver without ids fits any port, and
 * that is no reason to write to it. */
static bool is_named(const struct kl_port *port, const struct kl_driver *driver)
{
    for (size_t i = 0; i < driver->need_count; i++) {
        if (driver->need[i].usb_id_count > 0 && kl_port_fits(port, &driver->need[i])) {
            return true;
        }
    }
    return false;
}

/* Asks whoever is on a port. @return KL_OK with *out, or why not */
static int ask(const struct kl_port *port, const struct kl_driver *driver, char out[IDENTITY_MAX],
               struct kl_fault *fault)
{
    struct kl_link_choice choice = {.port = ""};
    struct kl_link_found found = {.where = ""};
    struct kl_link *link = NULL;
    memcpy(choice.port, port->name, sizeof(choice.port));
    int status = kl_link_open(port->name, driver, &choice, &found, &link, fault);
    if (status == KL_OK) {
        status = kl_link_identify(link, driver, 0, out, IDENTITY_MAX);
        kl_link_close(link);
    }
    return status;
}

/* One port as JSON, the form both outputs are made from.
 *
 * A port is asked only when its USB ids fit one driver alone: behind an id that many devices share
 * (an FTDI or CH340 bridge) may sit a treadmill, and bytes meant for a sensor could start its belt.
 * Such a port is asked by `kneelab check`, which knows from the lab file who is there. */
static json_t *describe_port(const struct kl_port *port, bool asking)
{
    json_t *fitting = json_array();
    char identity[IDENTITY_MAX] = "";
    const char *identified = NULL;
    struct kl_fault fault = {.text = ""};
    const struct kl_driver *only = NULL;
    for (size_t i = 0; i < kl_registry_count(); i++) {
        const struct kl_driver *driver = kl_registry_get(i);
        if (fits(port, driver)) {
            (void)json_array_append_new(fitting, json_string(driver->name));
            only = driver;
        }
    }
    if (json_array_size(fitting) != 1 || only == NULL || port->usb_id.vendor == 0 ||
        !is_named(port, only)) {
        only = NULL;
    }
    if (asking && only != NULL && only->identify != NULL && !port->denied &&
        ask(port, only, identity, &fault) == KL_OK) {
        identified = only->name;
    }
    if (asking && json_array_size(fitting) > 1) {
        (void)kl_fault(&fault, KL_OK,
                       "not asked: several kinds of devices share these USB ids, a treadmill among "
                       "them; name the driver in a lab file, `kneelab check` asks it");
    }
    if (port->denied) {
        (void)kl_fault(&fault, KL_ERR_IO,
                       "no permission; copy configs/60-kneelab.rules to /etc/udev/rules.d, run "
                       "`udevadm control --reload` and plug it in again");
    }
    char usb[16] = "";
    if (port->usb_id.vendor != 0) {
        (void)snprintf(usb, sizeof(usb), "%04x:%04x", port->usb_id.vendor, port->usb_id.product);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s?, s:s, s:s}", "kind",
                     kind_text(port->kind), "port", port->name, "label", port->label, "usb_id", usb,
                     "serial_number", port->serial_number, "drivers", fitting, "identified",
                     identified, "identity", identity, "fault", fault.text);
}

static json_t *list_plugged(bool asking)
{
    json_t *list = json_array();
    struct kl_port *port = calloc(2 * (size_t)KL_PORTS_MAX, sizeof(*port));
    if (port == NULL) {
        return list;
    }
    size_t count = kl_port_list_serial(port, KL_PORTS_MAX, true);
    count += kl_port_list_usb(port + count, KL_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, describe_port(&port[i], asking));
    }
    free(port);
    return list;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void print_port(const json_t *port)
{
    (void)printf("  %-20s %s%s%s%s%s\n", text_at(port, "port"), text_at(port, "label"),
                 text_at(port, "usb_id")[0] != '\0' ? "  " : "", text_at(port, "usb_id"),
                 text_at(port, "serial_number")[0] != '\0' ? "  serial_number: " : "",
                 text_at(port, "serial_number"));
    const json_t *drivers = json_object_get(port, "drivers");
    const json_t *name;
    size_t i;
    if (text_at(port, "identified")[0] != '\0') {
        (void)printf("  %-20s is %s (driver: %s)\n", "", text_at(port, "identity"),
                     text_at(port, "identified"));
    } else if (json_array_size(drivers) > 0) {
        (void)printf("  %-20s fits driver:", "");
        json_array_foreach(drivers, i, name)
        {
            (void)printf("%s %s", i > 0 ? " or" : "", json_string_value(name));
        }
        (void)putchar('\n');
    }
    if (text_at(port, "fault")[0] != '\0') {
        (void)printf("  %-20s %s\n", "", text_at(port, "fault"));
    }
}

/* ------------------------------------------------------------------- drivers */

static json_t *list_drivers(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < kl_registry_count(); i++) {
        const struct kl_driver *driver = kl_registry_get(i);
        json_t *links = json_array();
        for (size_t n = 0; n < driver->need_count; n++) {
            (void)json_array_append_new(links, json_string(kind_text(driver->need[n].kind)));
        }
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:b, s:o, s:s}", "driver", driver->name, "label",
                            driver->label, "time", time_text(driver->time_meaning), "simulated",
                            (int)(driver->generate != NULL), "links", links, "document",
                            driver->document != NULL ? driver->document : ""));
    }
    return list;
}

static void print_all(const json_t *plugged, const json_t *drivers)
{
    const json_t *row;
    size_t i;
    (void)printf("plugged in:%s\n", json_array_size(plugged) == 0 ? " nothing" : "");
    json_array_foreach(plugged, i, row)
    {
        print_port(row);
    }
    (void)printf("\ndrivers a lab file may name:\n");
    json_array_foreach(drivers, i, row)
    {
        (void)printf("  %-20s %s (time: %s)\n", text_at(row, "driver"), text_at(row, "label"),
                     text_at(row, "time"));
    }
}

int kl_verb_devices(int argc, char **argv)
{
    bool json = false, silent = false;
    const struct kl_option options[] = {
        {"--json", KL_OPTION_FLAG, &json, NULL, "both lists as JSON"},
        {"--no-ask", KL_OPTION_FLAG, &silent, NULL,
         "do not open ports to ask what is on them (opening resets some boards)"},
    };
    const struct kl_arguments arguments = {
        .verb = "devices",
        .operands = "",
        .summary = "Lists what is plugged in, which driver fits and what the device says it is,\n"
                   "then the drivers a lab file may name. Devices on a network are not searched\n"
                   "for: a lab file names their host.",
        .option = options,
        .option_count = sizeof(options) / sizeof(options[0]),
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    json_t *all =
        json_pack("{s:o, s:o}", "plugged", list_plugged(!silent), "drivers", list_drivers());
    if (json) {
        (void)json_dumpf(all, stdout, JSON_INDENT(1));
        (void)putchar('\n');
    } else {
        print_all(json_object_get(all, "plugged"), json_object_get(all, "drivers"));
    }
    json_decref(all);
    return KL_EXIT_OK;
}

/* kneelab devices: what is plugged in, which driver fits, and what else could be. */
#include "acquire/link.h"
#include "app/arguments.h"
#include "app/lab.h"
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

/* What a driver would stream from a device nobody has described yet: ["imu.placement: 10 channels
 * at 100 Hz"]; empty when only the lab knows. */
static json_t *would_stream(const struct kl_driver *driver)
{
    json_t *list = json_array();
    const struct kl_virtual_runner runner = kl_virtual_runner_defaults();
    const struct kl_device_config config = {.name = driver->name, .placement = "placement"};
    void *state = calloc(1, driver->state_size > 0 ? driver->state_size : 1);
    struct kl_stream *stream = calloc(KL_STREAMS_MAX, sizeof(*stream));
    struct kl_fault fault = {.text = ""};
    int count = 0;
    if (state != NULL && stream != NULL) {
        const void *described = driver->generate != NULL ? (const void *)&runner : &config;
        count = driver->configure(state, described, stream, KL_STREAMS_MAX, &fault);
    }
    for (int i = 0; i < count; i++) {
        char text[KL_NAME_MAX + 60];
        (void)snprintf(text, sizeof(text), "%s: %zu channel%s at %g Hz", stream[i].name,
                       stream[i].channel_count, stream[i].channel_count == 1 ? "" : "s",
                       stream[i].rate_hz);
        (void)json_array_append_new(list, json_string(text));
    }
    if (count > 0 && driver->release != NULL) {
        driver->release(state);
    }
    free(stream);
    free(state);
    return list;
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

/* Why a port may not be opened, and the rule that cures it. */
static void say_denied(const struct kl_port *port, struct kl_fault *fault)
{
    char path[KL_PATH_MAX];
    if (port->usb_id.vendor == 0) {
        (void)kl_fault(
            fault, KL_ERR_IO,
            "no permission; add yourself to its group: `sudo usermod -aG dialout $USER`, "
            "then log in again");
        return;
    }
    (void)kl_fault(fault, KL_ERR_IO,
                   "no permission; `sudo cp %.200s /etc/udev/rules.d/ && sudo udevadm control "
                   "--reload`, then plug it in again. Its rule: SUBSYSTEM==\"%s\", "
                   "%s{idVendor}==\"%04x\", %s{idProduct}==\"%04x\", MODE=\"0660\", "
                   "TAG+=\"uaccess\"",
                   kl_config_path("60-kneelab.rules", path, sizeof(path)),
                   port->kind == KL_LINK_USB ? "usb" : "tty",
                   port->kind == KL_LINK_USB ? "ATTR" : "ATTRS", port->usb_id.vendor,
                   port->kind == KL_LINK_USB ? "ATTR" : "ATTRS", port->usb_id.product);
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
        say_denied(port, &fault);
    }
    char usb[16] = "";
    if (port->usb_id.vendor != 0) {
        (void)snprintf(usb, sizeof(usb), "%04x:%04x", port->usb_id.vendor, port->usb_id.product);
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s?, s:s, s:s}", "kind",
                     kind_text(port->kind), "port", port->name, "label", port->label, "usb_id", usb,
                     "serial_number", port->serial_number, "drivers", fitting, "would_stream",
                     only != NULL ? would_stream(only) : json_array(), "identified", identified,
                     "identity", identity, "fault", fault.text);
}

/* Is a USB device only the plug of a serial port that is listed? */
static bool is_bridge(const struct kl_port *port, const struct kl_port *serial, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (serial[i].usb_id.vendor == port->usb_id.vendor &&
            serial[i].usb_id.product == port->usb_id.product &&
            strcmp(serial[i].serial_number, port->serial_number) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *list_plugged(bool asking)
{
    json_t *list = json_array();
    struct kl_port *port = calloc(2 * (size_t)KL_PORTS_MAX, sizeof(*port));
    if (port == NULL) {
        return list;
    }
    size_t count = kl_port_list_serial(port, KL_PORTS_MAX, true);
    size_t serial = count;
    count += kl_port_list_usb(port + count, KL_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i < serial || !is_bridge(&port[i], port, serial)) {
            (void)json_array_append_new(list, describe_port(&port[i], asking));
        }
    }
    free(port);
    return list;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void print_list(const char *lead, const json_t *list, const char *between)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        (void)printf("%s%s", i == 0 ? lead : between, json_string_value(item));
    }
    (void)fputs(i > 0 ? "\n" : "", stdout);
}

/* A port that no driver knows is hardly of interest, unless it may hide a device. */
static bool is_worth_a_line(const json_t *port)
{
    return json_array_size(json_object_get(port, "drivers")) > 0 ||
           strcmp(text_at(port, "kind"), "serial") == 0;
}

static void print_port(const json_t *port)
{
    char margin[32];
    (void)snprintf(margin, sizeof(margin), "  %-20s ", "");
    (void)printf("  %-20s %s%s%s%s%s\n", text_at(port, "port"), text_at(port, "label"),
                 text_at(port, "usb_id")[0] != '\0' ? "  " : "", text_at(port, "usb_id"),
                 text_at(port, "serial_number")[0] != '\0' ? "  serial_number: " : "",
                 text_at(port, "serial_number"));
    if (text_at(port, "identified")[0] != '\0') {
        (void)printf("%sis %s (driver: %s)\n", margin, text_at(port, "identity"),
                     text_at(port, "identified"));
    } else {
        (void)fputs(json_array_size(json_object_get(port, "drivers")) > 0 ? margin : "", stdout);
        print_list("fits driver: ", json_object_get(port, "drivers"), " or ");
    }
    if (json_array_size(json_object_get(port, "would_stream")) > 0) {
        (void)fputs(margin, stdout);
        print_list("would stream ", json_object_get(port, "would_stream"), "; ");
    }
    if (text_at(port, "fault")[0] != '\0') {
        (void)printf("%s%s\n", margin, text_at(port, "fault"));
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
            list, json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:s}", "driver", driver->name, "label",
                            driver->label, "time", time_text(driver->time_meaning), "simulated",
                            (int)(driver->generate != NULL), "links", links, "would_stream",
                            would_stream(driver), "document",
                            driver->document != NULL ? driver->document : ""));
    }
    return list;
}

static void print_driver(const json_t *row)
{
    char links[32] = "";
    const json_t *link;
    size_t i;
    json_array_foreach(json_object_get(row, "links"), i, link)
    {
        size_t at = strlen(links);
        (void)snprintf(links + at, sizeof(links) - at, "%s%s", i > 0 ? ", " : "",
                       json_string_value(link));
    }
    (void)printf("  %-20s %-12s %s\n", text_at(row, "driver"), links[0] != '\0' ? links : "none",
                 text_at(row, "label"));
    const json_t *streams = json_object_get(row, "would_stream");
    (void)printf("  %-20s %-12s ", "", "");
    print_list("streams ", streams, "; ");
    (void)fputs(json_array_size(streams) > 0 ? "" : "streams what the lab file describes\n",
                stdout);
}

static void print_all(const json_t *plugged, const json_t *drivers)
{
    const json_t *row;
    size_t i, shown = 0;
    json_array_foreach(plugged, i, row)
    {
        shown += is_worth_a_line(row);
    }
    (void)printf("plugged in:%s\n",
                 shown == 0 ? " nothing that a driver knows, no serial port" : "");
    json_array_foreach(plugged, i, row)
    {
        if (is_worth_a_line(row)) {
            print_port(row);
        }
    }
    if (i > shown) {
        (void)printf("  and %zu USB device%s that no driver knows (--json lists them)\n", i - shown,
                     i - shown == 1 ? "" : "s");
    }
    (void)printf("\ndrivers a lab file may name, and how they are reached:\n");
    json_array_foreach(drivers, i, row)
    {
        print_driver(row);
    }
    char labs[KL_PATH_MAX];
    (void)printf("\nexample lab files: %s\n", kl_config_path("labs", labs, sizeof(labs)));
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

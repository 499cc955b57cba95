/* A serial device on a mocked USB bus, through the real libserialport: found by its ids and its
 * serial number, opened, lost, and found again on another port. Runs under umockdev-wrapper. */
#include "acquire/hub.h"
#include "mocked_device.h"
#include "toy_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RATE_HZ 500
#define FRAME_NS (KL_NS_PER_S / RATE_HZ)

static const struct toy toy = {.stream_count = 1,
                               .stream = {{"toy", RATE_HZ, 3, KL_FORMAT_INT16, 0}}};
static const struct kl_usb_id id[] = {{MOCKED_VENDOR, MOCKED_SERIAL_PRODUCT}};
static const struct kl_link_need need[] = {
    {.kind = KL_LINK_SERIAL, .usb_id = id, .usb_id_count = 1, .baud = 921600}};

static int failed;

static void expect(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "not so: %s\n", what);
        failed++;
    }
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

static void listing(void)
{
    struct kl_port port[KL_PORTS_MAX];
    size_t count = kl_port_list_serial(port, KL_PORTS_MAX, false);
    expect(count == 1 && strcmp(port[0].name, "/dev/ttyACM0") == 0, "one port, /dev/ttyACM0");
    expect(strcmp(port[0].serial_number, "KL1") == 0, "serial number KL1");
    expect(strcmp(port[0].label, "Kneelab Toy") == 0, "label Kneelab Toy");
    expect(kl_port_fits(&port[0], need), "ids fit");
    count = kl_port_list_usb(port, KL_PORTS_MAX);
    expect(count == 1 && strcmp(port[0].name, "usb:1-1") == 0, "one USB device, usb:1-1");
    expect(!kl_port_fits(&port[0], need), "a USB device is not a serial port");
}

/* Streams and pulls until the device gives samples, or is named. @return how long that took */
static int64_t run_until(struct kl_hub *hub, struct kl_source *source, int fd, bool running)
{
    static uint64_t index;
    int64_t from_ns = now_ns();
    struct kl_hub_device shown;
    (void)kl_hub_devices(hub, &shown, 1);
    uint64_t before = shown.samples;
    for (;;) {
        uint8_t frame[TOY_FRAME_MAX];
        size_t len = toy_frame_write(&toy, 0, index++, frame);
        if (fd >= 0 && write(fd, frame, len) < 0) {
            perror("write");
        }
        struct kl_item item;
        failed += kl_source_next(source, FRAME_NS, &item, NULL) < 0;
        (void)kl_hub_devices(hub, &shown, 1);
        int64_t took_ns = now_ns() - from_ns;
        bool there = running ? shown.running && shown.samples > before + 10
                             : !shown.running && shown.fault.text[0] != '\0';
        if (there) {
            (void)printf("%s after %.0f ms at %s: %s\n", running ? "runs" : "named",
                         (double)took_ns / 1e6, shown.where, shown.fault.text);
            return took_ns;
        }
        if (took_ns > 5 * KL_NS_PER_S) {
            (void)fprintf(stderr, "waited 5 s: %s\n", shown.fault.text);
            failed++;
            return took_ns;
        }
    }
}

static void two_of_a_kind(UMockdevTestbed *bed)
{
    struct kl_driver driver = toy_framed;
    driver.need = need;
    driver.need_count = 1;
    struct kl_link_choice choice = {.port = ""};
    struct kl_link_found found = {.where = ""};
    struct kl_link *link = NULL;
    struct kl_fault fault = {.text = ""};
    expect(kl_link_open("x", &driver, &choice, &found, &link, &fault) == KL_OK, "the only one");
    expect(strcmp(found.where, "/dev/ttyACM0") == 0, "the only one is on ttyACM0");
    if (link != NULL) {
        expect(link->ops->set_baud(link, 115200) == KL_OK, "another speed");
        expect(link->ops->set_baud(link, 0) == KL_ERR_ARG, "no speed");
    }
    kl_link_close(link);
    int other = mocked_serial_plug(bed, 5, "KL2");
    link = NULL;
    memset(&found, 0, sizeof(found));
    expect(kl_link_open("x", &driver, &choice, &found, &link, &fault) == KL_ERR_RANGE, "two fit");
    (void)printf("%s\n", fault.text);
    expect(strstr(fault.text, "/dev/ttyACM0 (KL1), /dev/ttyACM5 (KL2)") != NULL, "both are named");
    (void)snprintf(choice.serial_number, sizeof(choice.serial_number), "KL2");
    expect(kl_link_open("x", &driver, &choice, &found, &link, &fault) == KL_OK, "by number");
    expect(strcmp(found.where, "/dev/ttyACM5") == 0, "KL2 is on ttyACM5");
    kl_link_close(link);
    mocked_serial_pull(bed, 5, other);
}

static void lose_and_find(UMockdevTestbed *bed, int fd)
{
    struct kl_driver driver = toy_framed;
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    driver.need = need;
    driver.need_count = 1;
    expect(kl_hub_add(hub, "toy", &driver, &toy, &fault) == 0, "added");
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    expect(source != NULL, "started");
    (void)run_until(hub, source, fd, true);
    mocked_serial_pull(bed, 0, fd);
    expect(run_until(hub, source, -1, false) < 250 * (KL_NS_PER_S / 1000), "named in 250 ms");
    fd = mocked_serial_plug(bed, 3, "KL1"); /* another port */
    expect(run_until(hub, source, fd, true) < 300 * (KL_NS_PER_S / 1000) + 20 * FRAME_NS,
           "back in 300 ms on another port");
    struct kl_hub_device shown;
    (void)kl_hub_devices(hub, &shown, 1);
    expect(strcmp(shown.where, "/dev/ttyACM3") == 0, "on ttyACM3 now");
    expect(shown.connections == 2, "started twice");
    kl_hub_destroy(hub);
    mocked_serial_pull(bed, 3, fd);
}

int main(void)
{
    UMockdevTestbed *bed = umockdev_testbed_new();
    int fd = mocked_serial_plug(bed, 0, "KL1");
    listing();
    two_of_a_kind(bed);
    lose_and_find(bed, fd);
    g_object_unref(bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

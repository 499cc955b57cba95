/* A bulk device on a mocked USB bus, through the real libusb: streaming with eight transfers
 * queued, empty packets, commands, stop in the middle, and a cable pulled. Runs under
 * umockdev-wrapper.
 *
 * umockdev's node is always ready, so libusb asks for finished transfers without a pause; the bus
 * answers "none" after a millisecond.
 */
#include "acquire/hub.h"
#include "acquire/link_usb.h"
#include "mocked_device.h"
#include "toy_device.h"

#include <dirent.h>
#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define PARENT "/devices/pci0000:00/0000:00:14.0/usb1/1-%u"
#define NODE "/dev/bus/usb/001/%03u"
#define DEVICES 2
#define FIRST_PORT 7
#define STREAM_IN 0x81
#define ANSWER_IN 0x82
#define COMMAND_OUT 0x01
#define PACKET 64
#define URBS_MAX 32
#define RATE_HZ 500
#define ECHO_REQUEST 0x42 /* control: gives wValue back */

static const struct toy toy = {.stream_count = 1,
                               .stream = {{"toy", RATE_HZ, 3, KL_FORMAT_INT16, 0}}};
static const struct kl_usb_id id[] = {{MOCKED_VENDOR, MOCKED_BULK_PRODUCT}};
static const struct kl_link_need need[] = {{.kind = KL_LINK_USB,
                                            .usb_id = id,
                                            .usb_id_count = 1,
                                            .stream_in = STREAM_IN,
                                            .out = COMMAND_OUT,
                                            .packet = PACKET}};

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

/* The bulk pair of the device: the need says neither endpoint. */
static const struct kl_link_need pair_need[] = {
    {.kind = KL_LINK_USB, .usb_id = id, .usb_id_count = 1, .packet = PACKET}};

#define LARGE_PACKET 16384 /* what libusb asks the kernel for in one piece */
#define LARGE_WORDS (LARGE_PACKET / sizeof(uint32_t))
static const struct kl_link_need large_need[] = {{.kind = KL_LINK_USB,
                                                  .usb_id = id,
                                                  .usb_id_count = 1,
                                                  .stream_in = STREAM_IN,
                                                  .packet = LARGE_PACKET}};

/* ------------------------------------------------------------------ the bus */

struct urb {
    UMockdevIoctlData *urb, *buffer;
};

static struct bus {
    pthread_mutex_t lock; /* the bed's thread and the test's */
    struct urb waiting[URBS_MAX];
    size_t count;
    unsigned queued_worst; /* stream transfers seen waiting at once */
    bool streams, pulled;
    unsigned empty_every; /* of this many packets one is empty; 0: none */
    unsigned packets;
    uint64_t index; /* of the next sample */
    int64_t next_packet_ns;
    unsigned large; /* packets of LARGE_PACKET bytes still to give */
    uint32_t word;  /* next of them */
    unsigned halts_cleared;
    char command[PACKET];
} buses[DEVICES] = {{.lock = PTHREAD_MUTEX_INITIALIZER}, {.lock = PTHREAD_MUTEX_INITIALIZER}};

static struct usbdevfs_urb *urb_of(const struct urb *urb)
{
    return (struct usbdevfs_urb *)(void *)urb->urb->data;
}

static void drop(struct bus *bus, size_t i)
{
    memmove(&bus->waiting[i], &bus->waiting[i + 1], (bus->count - i - 1) * sizeof(bus->waiting[0]));
    bus->count--;
}

static void finish(struct urb *urb, int status, const void *bytes, size_t len)
{
    struct usbdevfs_urb done = *urb_of(urb);
    done.status = status;
    done.actual_length = (int)len;
    if (bytes != NULL && len > 0) {
        /* the setup packet of a control transfer stands before its data */
        size_t at = done.type == USBDEVFS_URB_TYPE_CONTROL ? 8 : 0;
        umockdev_ioctl_data_update(urb->buffer, at, (guint8 *)(uintptr_t)bytes, (int)len);
    }
    umockdev_ioctl_data_update(urb->urb, 0, (guint8 *)&done, sizeof(done));
}

/* What the device does with one waiting transfer. @return true when it is finished */
static bool serve(struct bus *bus, struct urb *urb)
{
    const struct usbdevfs_urb *u = urb_of(urb);
    uint8_t packet[TOY_FRAME_MAX] = {0};
    if (bus->pulled) {
        finish(urb, -ESHUTDOWN, NULL, 0);
        return true;
    }
    if (u->type == USBDEVFS_URB_TYPE_CONTROL) {
        finish(urb, 0, urb->buffer->data + 2, 2);
        return true;
    }
    if (u->endpoint == COMMAND_OUT) {
        memset(bus->command, 0, sizeof(bus->command));
        memcpy(bus->command, urb->buffer->data,
               (size_t)u->buffer_length < PACKET ? (size_t)u->buffer_length : PACKET - 1);
        finish(urb, 0, NULL, (size_t)u->buffer_length);
        return true;
    }
    if (u->endpoint == ANSWER_IN && bus->command[0] != '\0') {
        finish(urb, 0, bus->command, strlen(bus->command));
        bus->command[0] = '\0';
        return true;
    }
    if (u->endpoint == STREAM_IN && bus->large > 0 && u->buffer_length == LARGE_PACKET) {
        static uint32_t words[LARGE_WORDS];
        for (size_t i = 0; i < LARGE_WORDS; i++) {
            words[i] = bus->word++;
        }
        bus->large--;
        finish(urb, 0, words, sizeof(words));
        return true;
    }
    if (u->endpoint == STREAM_IN && bus->streams) {
        bool empty = bus->empty_every > 0 && ++bus->packets % bus->empty_every == 0;
        size_t len = empty ? 0 : toy_frame_write(&toy, 0, bus->index++, packet);
        finish(urb, 0, packet, len);
        return true;
    }
    return false;
}

static void reap(struct bus *bus, UMockdevIoctlClient *client, UMockdevIoctlData *arg)
{
    unsigned streaming = 0;
    for (size_t i = 0; i < bus->count; i++) {
        struct urb urb = bus->waiting[i];
        bool is_stream = urb_of(&urb)->endpoint == STREAM_IN;
        bool discarded = urb_of(&urb)->status == -ENOENT;
        streaming += is_stream;
        bus->queued_worst = streaming > bus->queued_worst ? streaming : bus->queued_worst;
        if (is_stream && !discarded && !bus->pulled && now_ns() < bus->next_packet_ns) {
            continue;
        }
        if (!discarded && !serve(bus, &urb)) {
            continue;
        }
        bus->next_packet_ns = is_stream ? now_ns() + KL_NS_PER_S / RATE_HZ : bus->next_packet_ns;
        drop(bus, i);
        (void)umockdev_ioctl_data_set_ptr(arg, 0, urb.urb);
        umockdev_ioctl_client_complete(client, 0, 0);
        g_object_unref(urb.urb);
        g_object_unref(urb.buffer);
        return;
    }
    const struct timespec pause = {.tv_nsec = 1000000};
    (void)nanosleep(&pause, NULL);
    umockdev_ioctl_client_complete(client, -1, EAGAIN);
}

static void discard(struct bus *bus, UMockdevIoctlClient *client, gulong address)
{
    for (size_t i = 0; i < bus->count; i++) {
        if (bus->waiting[i].urb->client_addr == address) {
            finish(&bus->waiting[i], -ENOENT, NULL, 0);
            umockdev_ioctl_client_complete(client, 0, 0);
            return;
        }
    }
    umockdev_ioctl_client_complete(client, -1, EINVAL);
}

static void submit(struct bus *bus, UMockdevIoctlClient *client, UMockdevIoctlData *data)
{
    const struct usbdevfs_urb *urb = (const struct usbdevfs_urb *)(void *)data->data;
    if (bus->pulled || bus->count == URBS_MAX) {
        umockdev_ioctl_client_complete(client, -1, ENODEV);
        return;
    }
    UMockdevIoctlData *buffer = umockdev_ioctl_data_resolve(
        data, offsetof(struct usbdevfs_urb, buffer), (gsize)urb->buffer_length, NULL);
    bus->waiting[bus->count++] = (struct urb){g_object_ref(data), buffer};
    umockdev_ioctl_client_complete(client, 0, 0);
}

static gboolean answer(UMockdevIoctlBase *base, UMockdevIoctlClient *client, gpointer self)
{
    (void)base;
    struct bus *bus = self;
    gulong request = umockdev_ioctl_client_get_request(client);
    UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(client);
    UMockdevIoctlData *data = _IOC_SIZE(request) > 0 && request != USBDEVFS_DISCARDURB
                                  ? umockdev_ioctl_data_resolve(arg, 0, _IOC_SIZE(request), NULL)
                                  : NULL;
    (void)pthread_mutex_lock(&bus->lock);
    if (request == USBDEVFS_GET_CAPABILITIES) {
        guint32 capabilities = USBDEVFS_CAP_BULK_CONTINUATION | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                               USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
        umockdev_ioctl_data_update(data, 0, (guint8 *)&capabilities, sizeof(capabilities));
        umockdev_ioctl_client_complete(client, 0, 0);
    } else if (request == USBDEVFS_SUBMITURB) {
        submit(bus, client, data);
    } else if (request == USBDEVFS_REAPURB || request == USBDEVFS_REAPURBNDELAY) {
        reap(bus, client, data);
    } else if (request == USBDEVFS_DISCARDURB) {
        discard(bus, client, *(gulong *)(void *)arg->data);
    } else if (request == USBDEVFS_GETDRIVER || request == USBDEVFS_IOCTL) {
        umockdev_ioctl_client_complete(client, -1, ENODATA); /* no kernel driver */
    } else if (request == USBDEVFS_CLEAR_HALT) {
        bus->halts_cleared += *(const unsigned *)(const void *)data->data == STREAM_IN;
        umockdev_ioctl_client_complete(client, 0, 0);
    } else if (request == USBDEVFS_CLAIMINTERFACE || request == USBDEVFS_RELEASEINTERFACE) {
        umockdev_ioctl_client_complete(client, 0, 0);
    } else {
        umockdev_ioctl_client_complete(client, -1, ENOTTY);
    }
    (void)pthread_mutex_unlock(&bus->lock);
    if (data != NULL) {
        g_object_unref(data);
    }
    return TRUE;
}

static void plug(UMockdevTestbed *bed, unsigned which)
{
    struct bus *bus = &buses[which];
    unsigned port = FIRST_PORT + which;
    char text[1024], node[40];
    GError *error = NULL;
    (void)snprintf(
        text, sizeof(text),
        "P: " PARENT "\nN: bus/usb/001/%03u\nE: DEVTYPE=usb_device\nE: SUBSYSTEM=usb\n"
        "E: BUSNUM=001\nE: DEVNUM=%03u\nE: DEVNAME=" NODE "\n"
        "A: idVendor=%04x\\n\nA: idProduct=%04x\\n\nA: serial=KL%u\\n\nA: busnum=1\\n\n"
        "A: devnum=%u\\n\nA: bDeviceClass=00\\n\nA: bConfigurationValue=1\\n\nA: speed=12\\n\n"
        /* device; configuration; interface; stream in, answers in, commands out (all bulk, 64) */
        "H: descriptors=120100020000004009120200000101020301"
        "0902270001010080fa"
        "0904000003ff000000"
        "07058102400000"
        "07058202400000"
        "07050102400000\n",
        port, port, port, port, MOCKED_VENDOR, MOCKED_BULK_PRODUCT, port, port);
    (void)snprintf(node, sizeof(node), NODE, port);
    (void)pthread_mutex_lock(&bus->lock);
    bus->pulled = false;
    (void)pthread_mutex_unlock(&bus->lock);
    UMockdevIoctlBase *handler = umockdev_ioctl_base_new();
    (void)g_signal_connect(handler, "handle-ioctl", G_CALLBACK(answer), bus);
    if (!umockdev_testbed_add_from_string(bed, text, &error) ||
        !umockdev_testbed_attach_ioctl(bed, node, handler, &error)) {
        (void)fprintf(stderr, "%s\n", error->message);
        exit(EXIT_FAILURE);
    }
    g_object_unref(handler);
}

static void pull(UMockdevTestbed *bed, unsigned which)
{
    struct bus *bus = &buses[which];
    char node[40], parent[96];
    (void)snprintf(node, sizeof(node), NODE, FIRST_PORT + which);
    (void)snprintf(parent, sizeof(parent), "/sys" PARENT, FIRST_PORT + which);
    (void)pthread_mutex_lock(&bus->lock);
    bus->pulled = true;
    (void)pthread_mutex_unlock(&bus->lock);
    for (size_t waiting = 1; waiting > 0;) { /* the kernel ends them, then the device is gone */
        const struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&bus->lock);
        waiting = bus->count;
        (void)pthread_mutex_unlock(&bus->lock);
    }
    (void)umockdev_testbed_detach_ioctl(bed, node, NULL);
    umockdev_testbed_uevent(bed, parent, "remove");
    umockdev_testbed_remove_device(bed, parent);
}

/* -------------------------------------------------------------------- tests */

static size_t count_entries(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t count = 0;
    while (entries != NULL && readdir(entries) != NULL) { /* NOLINT(concurrency-mt-unsafe) */
        count++;
    }
    if (entries != NULL) {
        (void)closedir(entries);
    }
    return count;
}

static void set_stream(struct bus *bus, bool streams, unsigned empty_every)
{
    (void)pthread_mutex_lock(&bus->lock);
    bus->streams = streams;
    bus->empty_every = empty_every;
    (void)pthread_mutex_unlock(&bus->lock);
}

static void talk(void)
{
    struct kl_link *link = NULL;
    struct kl_fault fault = {.text = ""};
    uint8_t buf[PACKET] = {0};
    const int64_t soon_ns = KL_NS_PER_S;
    if (kl_usb_open("toy", "usb:1-7", need, &link, &fault) != KL_OK) {
        (void)fprintf(stderr, "%s\n", fault.text);
        failed++;
        return;
    }
    expect(link->ops->read(link, buf, sizeof(buf), 5000000) == 0, "silent before it streams");
    expect(link->ops->control(link, 0xc0, ECHO_REQUEST, 0xbeef, 0, buf, 2, soon_ns) == 2 &&
               buf[0] == 0xef && buf[1] == 0xbe,
           "control answers");
    expect(link->ops->write(link, (const uint8_t *)"hello", 5, soon_ns) == 5, "writes");
    expect(link->ops->transfer(link, ANSWER_IN, buf, sizeof(buf), soon_ns) == 5 &&
               memcmp(buf, "hello", 5) == 0,
           "reads an answer beside the stream");
    expect(link->ops->transfer(link, ANSWER_IN, buf, sizeof(buf), 20000000) == KL_ERR_TIMEOUT,
           "no answer in time");
    expect(link->ops->transfer(link, STREAM_IN, buf, sizeof(buf), soon_ns) == KL_ERR_ARG,
           "the stream's endpoint is the stream's");
    set_stream(&buses[0], true, 3);
    int64_t before_ns = now_ns();
    for (uint64_t i = 0; i < 100; i++) {
        uint8_t frame[TOY_FRAME_MAX];
        size_t len = toy_frame_write(&toy, 0, i, frame);
        int count = link->ops->read(link, buf, sizeof(buf), soon_ns);
        expect(count == (int)len && memcmp(buf, frame, len) == 0, "frames in their order");
        expect(link->arrival_ns >= before_ns && link->arrival_ns <= now_ns(), "stamped");
        before_ns = link->arrival_ns;
    }
    expect(buses[0].queued_worst == KL_USB_TRANSFERS, "eight transfers wait");
    kl_link_close(link); /* in the middle of the stream */
    set_stream(&buses[0], false, 0);
}

/* A need that names no endpoint finds 81 and 01. */
static void use_the_bulk_pair(void)
{
    struct kl_link *link = NULL;
    uint8_t buf[PACKET];
    unsigned halts = buses[0].halts_cleared;
    expect(kl_usb_open("toy", "usb:1-7", pair_need, &link, NULL) == KL_OK, "opens the bulk pair");
    expect(buses[0].halts_cleared == halts + 1, "clears a halt of the stream before it begins");
    expect(link->ops->write(link, (const uint8_t *)"pair", 4, KL_NS_PER_S) == 4 &&
               link->ops->transfer(link, ANSWER_IN, buf, sizeof(buf), KL_NS_PER_S) == 4 &&
               memcmp(buf, "pair", 4) == 0,
           "writes to the bulk out that it found");
    set_stream(&buses[0], true, 0);
    expect(link->ops->read(link, buf, sizeof(buf), KL_NS_PER_S) > 0, "reads from the bulk in");
    kl_link_close(link);
    set_stream(&buses[0], false, 0);
}

static void wait_for_large(struct bus *bus, unsigned more)
{
    (void)pthread_mutex_lock(&bus->lock);
    bus->large = more;
    (void)pthread_mutex_unlock(&bus->lock);
    for (unsigned left = more; left > 0;) {
        const struct timespec pause = {.tv_nsec = 5000000};
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&bus->lock);
        left = bus->large;
        (void)pthread_mutex_unlock(&bus->lock);
    }
    const struct timespec pause = {.tv_nsec = 50000000}; /* for the last one to be put away */
    (void)nanosleep(&pause, NULL);
}

/* Counts up through what is there. @return the next word; the dropped transfers are missing in
 * front of a read that says so, and nowhere else */
static uint32_t read_words(struct kl_link *link, uint32_t next, unsigned packets)
{
    uint32_t words[1024];
    size_t left = packets * (size_t)LARGE_PACKET;
    while (left > 0) {
        uint64_t dropped = link->dropped;
        int count = link->ops->read(link, (uint8_t *)words,
                                    left < sizeof(words) ? left : sizeof(words), 100000000);
        if (count <= 0) {
            break;
        }
        next += (uint32_t)((link->dropped - dropped) * LARGE_WORDS);
        for (size_t i = 0; i < (size_t)count / sizeof(words[0]); i++) {
            expect(words[i] == next, "counts on, or says what it dropped");
            next = words[i] + 1;
        }
        left -= (size_t)count;
    }
    return next;
}

/* Nobody reads while 100 transfers of 16 KiB come: the ring of 1 MiB takes 63. */
static void overflow(void)
{
    struct kl_link *link = NULL;
    struct bus *bus = &buses[0];
    expect(kl_usb_open("toy", "usb:1-7", large_need, &link, NULL) == KL_OK, "opens");
    wait_for_large(bus, 100);
    uint32_t next = read_words(link, 0, 10);
    expect(link->dropped == 0, "nothing is missing in front of the first");
    wait_for_large(bus, 8);
    next = read_words(link, next, 100);
    (void)printf("dropped %llu transfers, %u words read or told of %u\n",
                 (unsigned long long)link->dropped, next, bus->word);
    expect(link->dropped > 0 && next == bus->word, "every transfer is read or told");
    kl_link_close(link);
}

static int64_t run_until(struct kl_hub *hub, struct kl_source *source, bool running)
{
    int64_t from_ns = now_ns();
    struct kl_hub_device shown;
    (void)kl_hub_devices(hub, &shown, 1);
    uint64_t before = shown.samples;
    for (;;) {
        struct kl_item item;
        failed += kl_source_next(source, 1000000, &item, NULL) < 0;
        (void)kl_hub_devices(hub, &shown, 1);
        int64_t took_ns = now_ns() - from_ns;
        if (running ? shown.running && shown.samples > before
                    : !shown.running && shown.fault.text[0] != '\0') {
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

static void lose_and_find(UMockdevTestbed *bed)
{
    struct kl_driver driver = toy_framed;
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    driver.need = need;
    driver.need_count = 1;
    expect(kl_hub_add(hub, "toy", &driver, &toy, &fault) == 0, "added");
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    expect(source != NULL, "started");
    set_stream(&buses[0], true, 5);
    (void)run_until(hub, source, true);
    for (int i = 0; i < 5; i++) {
        pull(bed, 0);
        expect(run_until(hub, source, false) < KL_NS_PER_S / 4, "named in 250 ms");
        plug(bed, 0);
        expect(run_until(hub, source, true) < KL_NS_PER_S * 3 / 10, "back in 300 ms");
    }
    struct kl_hub_device shown;
    (void)kl_hub_devices(hub, &shown, 1);
    expect(shown.connections == 6, "started six times");
    kl_hub_destroy(hub);
    set_stream(&buses[0], false, 0);
}

/* Another device comes and goes twenty times beside one that streams: of the first, nothing is lost
 * and no connection is begun anew. */
static void plug_another(UMockdevTestbed *bed)
{
    struct kl_driver driver = toy_framed;
    struct toy other = toy;
    const struct kl_link_choice at[DEVICES] = {{.port = "usb:1-7"}, {.port = "usb:1-8"}};
    struct kl_fault fault = {.text = ""};
    struct kl_hub *hub = kl_hub_create();
    struct kl_hub_device shown[DEVICES];
    driver.need = need;
    driver.need_count = 1;
    other.stream[0].name = "other";
    expect(kl_hub_add_at(hub, "other", &driver, &other, &at[1], &fault) == 0, "added");
    expect(kl_hub_add_at(hub, "toy", &driver, &toy, &at[0], &fault) == 1, "added");
    struct kl_source *source = kl_hub_start(hub, false, 0, &fault);
    set_stream(&buses[0], true, 0);
    set_stream(&buses[1], true, 0);
    plug(bed, 1);
    (void)run_until(hub, source, true);
    for (int i = 0; i < 20; i++) {
        pull(bed, 1);
        (void)run_until(hub, source, false);
        plug(bed, 1);
        (void)run_until(hub, source, true);
    }
    (void)kl_hub_devices(hub, shown, DEVICES);
    expect(shown[0].connections == 21, "the other was started 21 times");
    expect(shown[1].connections == 1 && shown[1].samples > 0, "the first once");
    expect(shown[1].lost == 0 && shown[1].bad_frames == 0 && shown[1].skipped_bytes == 0,
           "the first lost nothing");
    kl_hub_destroy(hub);
    set_stream(&buses[0], false, 0);
    set_stream(&buses[1], false, 0);
    pull(bed, 1);
}

int main(void)
{
    UMockdevTestbed *bed = umockdev_testbed_new();
    plug(bed, 0);
    talk(); /* once, so that what libraries keep for ever is there */
    set_stream(&buses[0], false, 0);
    buses[0].index = 0;
    size_t fds = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    talk();
    use_the_bulk_pair();
    overflow();
    lose_and_find(bed);
    plug_another(bed);
    (void)printf("descriptors %zu -> %zu, threads %zu -> %zu\n", fds,
                 count_entries("/proc/self/fd"), threads, count_entries("/proc/self/task"));
    expect(count_entries("/proc/self/task") == threads, "no thread left");
    expect(count_entries("/proc/self/fd") <= fds, "no descriptor left");
    g_object_unref(bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Captures: what went through a link comes back, however the file was cut or damaged. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "acquire/capture.h"
#include "acquire/link.h"
#include "acquire/whole_file.h"
#include "toy_device.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An inner link that answers what it is told; control and transfer answer 0x11 and 0x22. */
struct answering {
    struct kl_link link;
    const char *text;
    bool closed;
};

static int answer_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    (void)wait_ns;
    struct answering *self = (struct answering *)link;
    size_t len = strlen(self->text);
    len = len < cap ? len : cap;
    memcpy(buf, self->text, len);
    self->text += len;
    link->arrival_ns = 12345;
    return (int)len;
}

static int answer_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)buf, (void)wait_ns;
    ((struct answering *)link)->text = len == 1 ? "one" : "many";
    return (int)len;
}

static int answer_control(struct kl_link *link, uint8_t request_type, uint8_t request,
                          uint16_t value, uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)link, (void)request_type, (void)request, (void)value, (void)index, (void)wait_ns;
    memset(buf, 0x11, len);
    return (int)len;
}

static void answer_close(struct kl_link *link)
{
    ((struct answering *)link)->closed = true;
}

static const struct kl_link_ops answering_ops = {
    .read = answer_read, .write = answer_write, .control = answer_control, .close = answer_close};

/* A capture of one conversation, in a folder of its own. */
static struct kl_bytes hold_conversation(char folder[32])
{
    struct kl_fault fault = {.text = ""};
    struct kl_capture_file *file = NULL;
    struct answering inner = {.link = {.ops = &answering_ops}, .text = "before"};
    (void)snprintf(folder, 32, "/tmp/kl-capture-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    struct kl_capture *capture = kl_capture_create(folder, &fault);
    cr_assert_not_null(capture, "%s", fault.text);
    cr_assert_eq(kl_capture_add(capture, "dev", &toy_framed, &file, &fault), KL_OK, "%s",
                 fault.text);
    struct kl_link *link = kl_capture_link(file, &inner.link);
    uint8_t buf[64];
    cr_expect_null(link->ops->set_baud, "the inner link has none");
    cr_expect_eq(link->ops->read(link, buf, sizeof(buf), 0), 6);
    cr_expect_eq(link->arrival_ns, 12345);
    cr_expect_eq(link->ops->write(link, (const uint8_t *)"x", 1, 0), 1);
    cr_expect_eq(link->ops->read(link, buf, sizeof(buf), 0), 3);
    cr_expect_eq(link->ops->control(link, 0xc0, 1, 2, 3, buf, 4, 0), 4);
    cr_expect_eq(link->ops->write(link, (const uint8_t *)"xy", 2, 0), 2);
    cr_expect_eq(link->ops->read(link, buf, sizeof(buf), 0), 4);
    kl_link_close(link);
    cr_expect(inner.closed);
    kl_capture_destroy(capture);
    char path[64];
    struct kl_bytes bytes;
    (void)snprintf(path, sizeof(path), "%s/dev.klcap", folder);
    cr_assert_eq(kl_bytes_read(path, &bytes, &fault), KL_OK, "%s", fault.text);
    (void)unlink(path);
    (void)rmdir(folder);
    return bytes;
}

Test(capture, keeps_every_byte_in_its_order_with_its_time)
{
    static const struct {
        enum kl_capture_kind kind;
        const char *bytes;
        size_t len;
    } row[] = {
        {KL_CAPTURE_OPENED, "", 0},
        {KL_CAPTURE_READ, "before", 6},
        {KL_CAPTURE_WRITTEN, "x", 1},
        {KL_CAPTURE_READ, "one", 3},
        {KL_CAPTURE_WRITTEN, "\xc0\x01\x02\x00\x03\x00\x04\x00", 8},
        {KL_CAPTURE_ANSWER, "\x11\x11\x11\x11", 4},
        {KL_CAPTURE_WRITTEN, "xy", 2},
        {KL_CAPTURE_READ, "many", 4},
    };
    char folder[32];
    struct kl_bytes bytes = hold_conversation(folder);
    struct kl_capture_reader reader;
    struct kl_capture_record record;
    struct kl_fault fault;
    cr_assert_eq(kl_capture_open("c", bytes.data, bytes.len, &reader, &fault), KL_OK);
    cr_expect_str_eq(reader.device, "dev");
    cr_expect_str_eq(reader.driver, "toy_framed");
    for (size_t i = 0; i < COUNT(row); i++) {
        cr_assert(kl_capture_next(&reader, &record), "row %zu", i);
        cr_expect_eq(record.kind, row[i].kind, "row %zu", i);
        cr_expect_eq(record.len, row[i].len, "row %zu", i);
        cr_expect_eq(memcmp(record.bytes, row[i].bytes, row[i].len), 0, "row %zu", i);
        if (record.kind == KL_CAPTURE_READ) {
            cr_expect_eq(record.arrival_ns, 12345);
        }
    }
    cr_expect_not(kl_capture_next(&reader, &record));
    cr_expect_eq(reader.torn, 0);
    kl_bytes_release(&bytes);
}

Test(capture, plays_a_conversation_only_as_far_as_it_was_asked_for)
{
    char folder[32];
    struct kl_bytes bytes = hold_conversation(folder);
    struct kl_capture_reader reader;
    struct kl_capture_player player;
    struct kl_fault fault;
    uint8_t buf[64];
    cr_assert_eq(kl_capture_open("c", bytes.data, bytes.len, &reader, &fault), KL_OK);
    kl_capture_player_init(&player, &reader);
    struct kl_link *link = &player.link;
    cr_expect_eq(link->ops->read(link, buf, 4, 0), 4); /* "befo" */
    cr_expect_eq(link->ops->read(link, buf, 4, 0), 2); /* "re" */
    cr_expect_eq(link->ops->read(link, buf, 4, 0), 0); /* first it has to be asked */
    cr_expect_eq(link->ops->write(link, (const uint8_t *)"x", 1, 0), 1);
    cr_expect_eq(link->ops->read(link, buf, 64, 0), 3);
    cr_expect_eq(memcmp(buf, "one", 3), 0);
    cr_expect_eq(link->ops->control(link, 0xc0, 1, 2, 3, buf, 4, 0), 4);
    cr_expect_eq(buf[3], 0x11);
    cr_expect_eq(link->ops->read(link, buf, 64, 0), 0);
    cr_expect_eq(link->ops->write(link, (const uint8_t *)"zz", 2, 0), 2);
    cr_expect_eq(link->ops->read(link, buf, 64, 0), 4);
    cr_expect_eq(link->ops->read(link, buf, 64, 0), KL_ERR_GONE);
    kl_bytes_release(&bytes);
}

Test(capture, ends_cleanly_wherever_it_was_torn_or_damaged)
{
    char folder[32];
    struct kl_bytes bytes = hold_conversation(folder);
    struct kl_capture_reader whole;
    struct kl_fault fault;
    cr_assert_eq(kl_capture_open("c", bytes.data, bytes.len, &whole, &fault), KL_OK);
    size_t head = whole.at;
    for (size_t len = 0; len < bytes.len; len++) {
        struct kl_capture_reader reader = {.torn = 0};
        struct kl_capture_record record;
        uint8_t *cut = malloc(len + 1); /* a copy, so that a sanitizer sees each byte too far */
        cr_assert_not_null(cut);
        memcpy(cut, bytes.data, len);
        int status = kl_capture_open("c", cut, len, &reader, &fault);
        cr_expect_eq(status == KL_OK, len >= head, "%zu bytes", len);
        size_t used = head;
        while (status == KL_OK && kl_capture_next(&reader, &record)) {
            used += 16 + record.len;
        }
        cr_expect(status != KL_OK || used + reader.torn == len, "%zu bytes", len);
        free(cut);
    }
    for (size_t at = head; at < bytes.len; at++) {
        struct kl_capture_reader reader = whole;
        struct kl_capture_record record;
        size_t records = 0;
        bytes.data[at] ^= 0x20;
        while (kl_capture_next(&reader, &record)) {
            records++;
        }
        bytes.data[at] ^= 0x20;
        cr_expect(records < 8 && reader.torn > 0, "byte %zu", at);
    }
    kl_bytes_release(&bytes);
}

Test(capture, another_version_is_an_error_that_says_so)
{
    static const struct {
        const char *text;
        int status;
        const char *says;
    } row[] = {
        {"kneelab capture: 2\n\n", KL_ERR_UNSUPPORTED, "another version"},
        {"kneelab capture: 11\n\n", KL_ERR_UNSUPPORTED, "another version"},
        {"kneelab capture: ", KL_ERR_UNSUPPORTED, "another version"},
        {"kneelab captur", KL_ERR_DATA, "not a capture"},
        {"", KL_ERR_DATA, "not a capture"},
        {"kneelab capture: 1\ndevice: x\n", KL_ERR_DATA, "no end"},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        struct kl_capture_reader reader;
        struct kl_fault fault;
        cr_expect_eq(kl_capture_open("c", (const uint8_t *)row[i].text, strlen(row[i].text),
                                     &reader, &fault),
                     row[i].status, "row %zu", i);
        cr_expect(strstr(fault.text, row[i].says) != NULL, "row %zu: %s", i, fault.text);
    }
}

Test(capture, never_writes_over_an_older_one_nor_outside_its_folder)
{
    char folder[32] = "/tmp/kl-capture-XXXXXX", path[64];
    struct kl_fault fault;
    struct kl_capture_file *file = NULL;
    cr_assert_not_null(mkdtemp(folder));
    struct kl_capture *capture = kl_capture_create(folder, &fault);
    cr_assert_not_null(capture);
    cr_expect_eq(kl_capture_add(capture, "dev", &toy_framed, &file, &fault), KL_OK);
    cr_expect_eq(kl_capture_add(capture, "dev", &toy_framed, &file, &fault), KL_ERR_IO);
    cr_expect(strstr(fault.text, "exists") != NULL, "%s", fault.text);
    cr_expect_eq(kl_capture_add(capture, "../dev", &toy_framed, &file, &fault), KL_ERR_RANGE);
    kl_capture_destroy(capture);
    (void)snprintf(path, sizeof(path), "%s/dev.klcap", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

/* A link that always has 4 KiB. */
static int plenty_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    (void)link, (void)wait_ns;
    memset(buf, 0x5a, cap);
    return (int)cap;
}

/* A file size limit stands for a full disk: what was kept can be read, the end is said, and no read
 * fails or waits because of it. */
Test(capture, says_that_the_disk_is_full_and_reads_on)
{
    static const struct kl_link_ops ops = {.read = plenty_read};
    char folder[] = "/tmp/kl-capture-XXXXXX", path[64];
    struct kl_fault fault = {.text = ""};
    struct kl_capture_file *file = NULL;
    struct kl_link inner = {.ops = &ops};
    struct rlimit limit = {.rlim_cur = 100000};
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/dev.klcap", folder);
    cr_assert(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 100000;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct kl_capture *capture = kl_capture_create(folder, &fault);
    cr_assert_eq(kl_capture_add(capture, "dev", &toy_framed, &file, &fault), KL_OK);
    struct kl_link *link = kl_capture_link(file, &inner);
    cr_expect_eq(kl_capture_state(capture, &fault), KL_OK);
    int status = KL_OK;
    for (int i = 0; i < 10000 && status == KL_OK; i++) { /* 100 s are never needed */
        uint8_t buf[4096];
        const struct timespec pause = {.tv_nsec = 10000000};
        cr_assert_eq(link->ops->read(link, buf, sizeof(buf), 0), (int)sizeof(buf));
        status = kl_capture_state(capture, &fault);
        (void)nanosleep(&pause, NULL);
    }
    cr_expect_eq(status, KL_ERR_IO);
    cr_expect_not_null(strstr(fault.text, "dev.klcap ends early: File too large"), "%s",
                       fault.text);
    uint8_t buf[4096];
    for (int i = 0; i < 5000; i++) { /* 20 MB: more than waits in memory, which must be let go */
        cr_assert_eq(link->ops->read(link, buf, sizeof(buf), 0), (int)sizeof(buf));
    }
    link->ops->close(link);
    kl_capture_destroy(capture);
    struct kl_bytes bytes;
    struct kl_capture_reader reader;
    struct kl_capture_record record;
    size_t kept = 0;
    cr_assert_eq(kl_bytes_read(path, &bytes, &fault), KL_OK);
    cr_assert_eq(kl_capture_open(path, bytes.data, bytes.len, &reader, &fault), KL_OK);
    while (kl_capture_next(&reader, &record)) {
        kept += record.kind == KL_CAPTURE_READ;
    }
    cr_expect_eq(kept, 100000 / (4096 + 16), "whole records up to the limit: %d", (int)kept);
    kl_bytes_release(&bytes);
    (void)unlink(path);
    (void)rmdir(folder);
}

/* A writing thread that cannot keep up costs records, which are counted, not time. */
Test(capture, says_how_much_a_disk_that_stands_still_cost)
{
    static const struct kl_link_ops ops = {.read = plenty_read};
    char folder[] = "/tmp/kl-capture-XXXXXX", path[64];
    static uint8_t much[5 << 20]; /* the queue holds 4 MiB */
    struct kl_fault fault = {.text = ""};
    struct kl_capture_file *file = NULL;
    struct kl_link inner = {.ops = &ops};
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/dev.klcap", folder);
    struct kl_capture *capture = kl_capture_create(folder, &fault);
    cr_assert_eq(kl_capture_add(capture, "dev", &toy_framed, &file, &fault), KL_OK);
    struct kl_link *link = kl_capture_link(file, &inner);
    cr_assert_eq(link->ops->read(link, much, sizeof(much), 0), (int)sizeof(much));
    cr_expect_eq(kl_capture_state(capture, &fault), KL_ERR_IO);
    cr_expect_not_null(strstr(fault.text, "left out 1 records: the disk was too slow"), "%s",
                       fault.text);
    link->ops->close(link);
    kl_capture_destroy(capture);
    (void)unlink(path);
    (void)rmdir(folder);
}

#include "acquire/capture.h"

#include "acquire/byte_queue.h"
#include "acquire/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* 4 MiB hold 10 s of the fastest link: 8 channels of 16 bits at 20 kHz. */
#define QUEUE_BYTES ((size_t)4 << 20)
#define WRITE_EVERY_NS 20000000L /* how long a record may wait in memory */
#define HEAD_BYTES 12
#define SUM_BYTES 4
#define LENGTH_MAX ((size_t)0xffffff)
#define KIND_SHIFT 24

struct kl_capture_file {
    struct kl_capture_file *next;
    struct kl_byte_queue *queue; /* link's owner to writing thread */
    int fd;
    char path[400];
    uint64_t lost;           /* the link's owner's: records that did not fit, not yet told */
    _Atomic uint64_t missed; /* all of those; by the link's owner, read by any thread */
    atomic_int error; /* errno of a write: nothing more goes to this file. By who holds the lock */
};

struct kl_capture {
    char folder[256];
    struct kl_capture_file *file; /* the list: changed before the links run only */
    pthread_mutex_t lock;         /* guards the list against the writing thread */
    pthread_t thread;
    bool has_thread;
    atomic_bool stop; /* written by destroy, read by the writing thread */
};

/* ---------------------------------------------------------------- writing */

static void write_all(struct kl_capture_file *file, const uint8_t *bytes, size_t len)
{
    while (len > 0 && atomic_load_explicit(&file->error, memory_order_relaxed) == 0) {
        ssize_t count = write(file->fd, bytes, len);
        if (count > 0) {
            bytes += count;
            len -= (size_t)count;
        } else if (count < 0 && errno != EINTR) {
            /* a full disk costs the capture, never the session */
            atomic_store_explicit(&file->error, errno, memory_order_relaxed);
        } else if (count == 0) {
            atomic_store_explicit(&file->error, ENOSPC, memory_order_relaxed);
        }
    }
}

void kl_capture_flush(struct kl_capture *capture)
{
    (void)pthread_mutex_lock(&capture->lock);
    for (struct kl_capture_file *file = capture->file; file != NULL; file = file->next) {
        uint64_t cursor = kl_byte_queue_begin(file->queue);
        const uint8_t *record;
        size_t size;
        int64_t t_ns;
        while ((record = kl_byte_queue_peek(file->queue, &cursor, &size, &t_ns)) != NULL) {
            write_all(file, record, size);
            kl_byte_queue_release(file->queue, cursor);
        }
    }
    (void)pthread_mutex_unlock(&capture->lock);
}

int kl_capture_state(const struct kl_capture *capture, struct kl_fault *fault)
{
    for (const struct kl_capture_file *file = capture->file; file != NULL; file = file->next) {
        int error = atomic_load_explicit(&file->error, memory_order_relaxed);
        uint64_t missed = atomic_load_explicit(&file->missed, memory_order_relaxed);
        char words[64] = "";
        if (error != 0) {
            (void)strerror_r(error, words, sizeof(words));
            return kl_fault(fault, KL_ERR_IO,
                            "capture %.60s ends early: %s; free space, the next session captures "
                            "again",
                            file->path, words);
        }
        if (missed > 0) {
            return kl_fault(fault, KL_ERR_IO,
                            "capture %.60s left out %llu records: the disk was too slow; capture "
                            "to another disk",
                            file->path, (unsigned long long)missed);
        }
    }
    return KL_OK;
}

static void *run(void *arg)
{
    struct kl_capture *capture = arg;
    while (!atomic_load_explicit(&capture->stop, memory_order_acquire)) {
        const struct timespec pause = {.tv_nsec = WRITE_EVERY_NS};
        (void)nanosleep(&pause, NULL);
        kl_capture_flush(capture);
    }
    return NULL;
}

struct kl_capture *kl_capture_create(const char *folder, struct kl_fault *fault)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        (void)kl_fault(fault, KL_ERR_IO, "%s: this folder for captures cannot be made: %s", folder,
                       strerror(errno));
        return NULL;
    }
    struct kl_capture *capture = calloc(1, sizeof(*capture));
    if (capture == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "out of memory");
        return NULL;
    }
    if (snprintf(capture->folder, sizeof(capture->folder), "%s", folder) >=
        (int)sizeof(capture->folder)) {
        free(capture);
        (void)kl_fault(fault, KL_ERR_RANGE,
                       "%.60s...: the name of a folder for captures may have "
                       "%zu bytes",
                       folder, sizeof(capture->folder) - 1);
        return NULL;
    }
    atomic_init(&capture->stop, false);
    (void)pthread_mutex_init(&capture->lock, NULL); /* cannot fail without attributes */
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    capture->has_thread = pthread_create(&capture->thread, NULL, run, capture) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!capture->has_thread) {
        kl_capture_destroy(capture);
        (void)kl_fault(fault, KL_ERR_IO, "the system gave no thread for captures");
        return NULL;
    }
    return capture;
}

static void close_file(struct kl_capture_file *file)
{
    kl_byte_queue_destroy(file->queue);
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    free(file);
}

void kl_capture_destroy(struct kl_capture *capture)
{
    if (capture == NULL) {
        return;
    }
    atomic_store_explicit(&capture->stop, true, memory_order_release);
    if (capture->has_thread) {
        (void)pthread_join(capture->thread, NULL);
    }
    kl_capture_flush(capture);
    while (capture->file != NULL) {
        struct kl_capture_file *next = capture->file->next;
        close_file(capture->file);
        capture->file = next;
    }
    (void)pthread_mutex_destroy(&capture->lock);
    free(capture);
}

static int write_head(struct kl_capture_file *file, const char *device,
                      const struct kl_driver *driver)
{
    char head[512], made[32] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL) {
        (void)strftime(made, sizeof(made), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    int len = snprintf(head, sizeof(head),
                       "kneelab capture: 1\ndevice: %s\ndriver: %s\nmade: %s\n"
                       "software: kneelab %s\nnotes: \n\n",
                       device, driver->name, made, KL_VERSION);
    if (len < 0 || (size_t)len >= sizeof(head)) {
        return KL_ERR_RANGE;
    }
    write_all(file, (const uint8_t *)head, (size_t)len);
    return atomic_load_explicit(&file->error, memory_order_relaxed) == 0 ? KL_OK : KL_ERR_IO;
}

int kl_capture_add(struct kl_capture *capture, const char *device, const struct kl_driver *driver,
                   struct kl_capture_file **out, struct kl_fault *fault)
{
    if (strchr(device, '/') != NULL || strchr(device, '\n') != NULL) {
        return kl_fault(fault, KL_ERR_RANGE, "device %s: a name with / in it cannot be captured",
                        device);
    }
    struct kl_capture_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    const char *path = file->path;
    (void)snprintf(file->path, sizeof(file->path), "%s/%s.klcap", capture->folder, device);
    file->queue = kl_byte_queue_create(QUEUE_BYTES);
    file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = errno;
    if (file->queue == NULL || file->fd < 0 || write_head(file, device, driver) != KL_OK) {
        int status = kl_fault(fault, KL_ERR_IO, "%s: cannot be written: %s", path,
                              file->fd < 0          ? strerror(error)
                              : file->queue == NULL ? "out of memory"
                                                    : strerror(atomic_load(&file->error)));
        close_file(file);
        return status;
    }
    (void)pthread_mutex_lock(&capture->lock);
    file->next = capture->file;
    capture->file = file;
    (void)pthread_mutex_unlock(&capture->lock);
    *out = file;
    return KL_OK;
}

/* ----------------------------------------------------------------- records */

static void put_le(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static bool put_record(struct kl_capture_file *file, int64_t t_ns, enum kl_capture_kind kind,
                       const uint8_t *bytes, size_t len)
{
    if (len > LENGTH_MAX) {
        return false;
    }
    uint8_t *record = kl_byte_queue_reserve(file->queue, HEAD_BYTES + len + SUM_BYTES);
    if (record == NULL) {
        return false;
    }
    put_le(record, (uint64_t)t_ns, 8);
    put_le(record + 8, len | (size_t)kind << KIND_SHIFT, 4);
    if (len > 0) {
        memcpy(record + HEAD_BYTES, bytes, len);
    }
    put_le(record + HEAD_BYTES + len, kl_crc32c(0, record, HEAD_BYTES + len), SUM_BYTES);
    kl_byte_queue_commit(file->queue, t_ns);
    return true;
}

static void keep(struct kl_capture_file *file, int64_t t_ns, enum kl_capture_kind kind,
                 const uint8_t *bytes, size_t len)
{
    struct timespec now;
    if (t_ns == 0) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        t_ns = (int64_t)now.tv_sec * KL_NS_PER_S + now.tv_nsec;
    }
    if (file->lost > 0) {
        uint8_t lost[8];
        put_le(lost, file->lost, sizeof(lost));
        file->lost = put_record(file, t_ns, KL_CAPTURE_LOST, lost, sizeof(lost)) ? 0 : file->lost;
    }
    if (file->lost > 0 || !put_record(file, t_ns, kind, bytes, len)) {
        file->lost++;
        (void)atomic_fetch_add_explicit(&file->missed, 1, memory_order_relaxed);
    }
}

/* ------------------------------------------------------------ keeping link */

#define BESIDE_MAX 4

struct keeping {
    struct kl_link link;
    enum kl_capture_kind came; /* what a read is kept as: by a link beside, an answer */
    struct keeping *beside[BESIDE_MAX];
    size_t beside_count;
    struct kl_link_ops ops; /* only what the inner link has */
    struct kl_link *inner;
    struct kl_capture_file *file;
};

static int keeping_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    struct keeping *self = (struct keeping *)link;
    int count = self->inner->ops->read(self->inner, buf, cap, wait_ns);
    link->arrival_ns = self->inner->arrival_ns;
    link->dropped = self->inner->dropped;
    if (count > 0) {
        keep(self->file, link->arrival_ns, self->came, buf, (size_t)count);
    }
    return count;
}

static int keeping_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    struct keeping *self = (struct keeping *)link;
    keep(self->file, 0, KL_CAPTURE_WRITTEN, buf, len);
    return self->inner->ops->write(self->inner, buf, len, wait_ns);
}

static int keeping_set_baud(struct kl_link *link, unsigned baud)
{
    struct keeping *self = (struct keeping *)link;
    return self->inner->ops->set_baud(self->inner, baud);
}

static int keeping_control(struct kl_link *link, uint8_t request_type, uint8_t request,
                           uint16_t value, uint16_t index, uint8_t *buf, size_t len,
                           int64_t wait_ns)
{
    struct keeping *self = (struct keeping *)link;
    uint8_t setup[8] = {request_type, request};
    put_le(setup + 2, value, 2);
    put_le(setup + 4, index, 2);
    put_le(setup + 6, len, 2);
    keep(self->file, 0, KL_CAPTURE_WRITTEN, setup, sizeof(setup));
    int count = self->inner->ops->control(self->inner, request_type, request, value, index, buf,
                                          len, wait_ns);
    keep(self->file, 0, KL_CAPTURE_ANSWER, buf,
         count > 0 && (request_type & 0x80) != 0 ? (size_t)count : 0);
    return count;
}

static int keeping_transfer(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                            int64_t wait_ns)
{
    struct keeping *self = (struct keeping *)link;
    bool in = (endpoint & 0x80) != 0;
    if (!in) {
        keep(self->file, 0, KL_CAPTURE_WRITTEN, buf, len);
    }
    int count = self->inner->ops->transfer(self->inner, endpoint, buf, len, wait_ns);
    if (in) {
        keep(self->file, 0, KL_CAPTURE_ANSWER, buf, count > 0 ? (size_t)count : 0);
    }
    return count;
}

static struct keeping *wrap(struct kl_capture_file *file, struct kl_link *inner);

static struct kl_link *keeping_beside(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns)
{
    struct keeping *self = (struct keeping *)link;
    struct kl_link *inner = self->inner->ops->beside(self->inner, tcp_port, wait_ns);
    for (size_t i = 0; inner != NULL && i < self->beside_count; i++) {
        if (self->beside[i]->inner == inner) {
            return &self->beside[i]->link;
        }
    }
    struct keeping *beside =
        inner != NULL && self->beside_count < BESIDE_MAX ? wrap(self->file, inner) : NULL;
    if (beside == NULL) {
        return inner; /* not kept, but working */
    }
    beside->came = KL_CAPTURE_ANSWER;
    self->beside[self->beside_count++] = beside;
    return &beside->link;
}

static void keeping_close(struct kl_link *link)
{
    struct keeping *self = (struct keeping *)link;
    for (size_t i = 0; i < self->beside_count; i++) {
        free(self->beside[i]); /* what it wraps closes with the inner link, which owns it */
    }
    if (self->inner->ops->close != NULL) {
        self->inner->ops->close(self->inner);
    }
    free(self);
}

static struct keeping *wrap(struct kl_capture_file *file, struct kl_link *inner)
{
    struct keeping *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    const struct kl_link_ops *has = inner->ops;
    self->ops = (struct kl_link_ops){
        .read = has->read != NULL ? keeping_read : NULL,
        .write = has->write != NULL ? keeping_write : NULL,
        .set_baud = has->set_baud != NULL ? keeping_set_baud : NULL,
        .control = has->control != NULL ? keeping_control : NULL,
        .transfer = has->transfer != NULL ? keeping_transfer : NULL,
        .beside = has->beside != NULL ? keeping_beside : NULL,
        .close = keeping_close,
    };
    self->link.ops = &self->ops;
    self->inner = inner;
    self->file = file;
    return self;
}

struct kl_link *kl_capture_link(struct kl_capture_file *file, struct kl_link *inner)
{
    struct keeping *self = wrap(file, inner);
    if (self == NULL) {
        return inner;
    }
    keep(file, 0, KL_CAPTURE_OPENED, NULL, 0);
    return &self->link;
}

/* Any bytes as what a device says, to the driver FUZZ_DRIVER: framed and parsed as configured,
 * answered to start, stop and identify, and streamed after a start. The first byte picks the lab
 * file (fuzz_labs.h, or the one of its emulated device) and how the bytes are cut; for some cuts
 * the checksums of what looks like packets and answers are made right first (fuzz_seal.h), and a
 * conversation reads one of those at a time.
 *
 * Without libFuzzer: seeds are the files given and what the emulated device says, damaged here and
 * there. --write FOLDER only writes what the emulated device says, as a corpus for libFuzzer. */
#include "acquire/framing.h"
#include "devices/registry.h"
#include "emulators.h"
#include "fuzz_labs.h"
#include "fuzz_seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_MAX 16
#define READS_MAX 200000
#define SEALED_MAX (1 << 16)
#define SEAL_LOOK 1024                        /* longest packet or answer */
enum { SEALED_FROM = 24, SEALED_UNTIL = 31 }; /* cuts; 31 is that of the seeds made here */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A link whose answers are the input; when they are used up the device is gone. */
struct noise_link {
    struct kl_link link, beside;
    const uint8_t *data;
    size_t size, chunk; /* chunk 0: the bytes say how they are cut, and when nothing comes */
    bool sealed;        /* a read gives no more than a packet */
    size_t left;        /* of this packet */
    unsigned reads;
};

static struct noise_link noise;

static int link_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    (void)link;
    (void)wait_ns;
    if (++noise.reads > READS_MAX) {
        abort(); /* a conversation without end */
    }
    if (noise.size == 0) {
        return KL_ERR_GONE;
    }
    size_t count = noise.chunk > 0 ? noise.chunk : noise.data[0] % 32;
    if (count == 0) {
        noise.data++;
        noise.size--;
        return 0;
    }
    if (noise.sealed && noise.left == 0) {
        uint8_t packet[SEAL_LOOK];
        size_t look = noise.size < sizeof(packet) ? noise.size : sizeof(packet);
        memcpy(packet, noise.data, look);
        noise.left = fuzz_seal(FUZZ_DRIVER, packet, look);
    }
    count = noise.left > 0 ? noise.left : count;
    count = count < noise.size ? count : noise.size;
    count = count < cap ? count : cap;
    memcpy(buf, noise.data, count);
    noise.data += count;
    noise.size -= count;
    noise.left -= noise.left > 0 ? count : 0;
    return (int)count;
}

static int link_write(struct kl_link *link, const uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)link, (void)buf, (void)wait_ns;
    return (int)len;
}

static int link_set_baud(struct kl_link *link, unsigned baud)
{
    (void)link;
    return baud > 0 ? KL_OK : KL_ERR_ARG;
}

static int link_transfer(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                         int64_t wait_ns)
{
    return endpoint & 0x80 ? link_read(link, buf, len, wait_ns)
                           : link_write(link, buf, len, wait_ns);
}

static int link_control(struct kl_link *link, uint8_t type, uint8_t request, uint16_t value,
                        uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns)
{
    (void)request, (void)value, (void)index;
    size_t chunk = noise.chunk;
    noise.chunk = len > 0 ? len : 1; /* answers of the asked length get further */
    int got = link_transfer(link, type & 0x80, buf, len, wait_ns);
    noise.chunk = chunk;
    return got;
}

static struct kl_link *link_beside(struct kl_link *link, uint16_t tcp_port, int64_t wait_ns)
{
    (void)link, (void)tcp_port, (void)wait_ns;
    return &noise.beside;
}

static void plug(const uint8_t *data, size_t size, size_t chunk, enum kl_link_kind kind)
{
    static const struct kl_link_ops usb = {
        .read = link_read, .write = link_write, .control = link_control, .transfer = link_transfer};
    static const struct kl_link_ops serial = {
        .read = link_read, .write = link_write, .set_baud = link_set_baud};
    static const struct kl_link_ops tcp = {
        .read = link_read, .write = link_write, .beside = link_beside};
    const struct kl_link_ops *ops = kind == KL_LINK_USB   ? &usb
                                    : kind == KL_LINK_TCP ? &tcp
                                                          : &serial;
    noise = (struct noise_link){
        .link = {.ops = ops}, .beside = {.ops = ops}, .data = data, .size = size, .chunk = chunk};
    noise.sealed = chunk >= SEALED_FROM && chunk < SEALED_UNTIL;
}

struct promise {
    size_t streams;
    struct kl_stream stream[STREAMS_MAX];
};

static uint64_t samples;

/* What a driver may never do, whatever the bytes were. */
static void check(void *self, const struct kl_sample *sample)
{
    const struct promise *promise = self;
    if (sample->stream >= promise->streams || sample->quality > 0x7f) {
        abort(); /* a stream or a quality that nobody declared */
    }
    volatile double sum = 0; /* every declared channel must be defined */
    for (size_t c = 0; c < promise->stream[sample->stream].channel_count; c++) {
        sum = sum + sample->value[c];
    }
    samples++;
}

static void feed(const struct kl_driver *driver, void *state, struct promise *promise,
                 const uint8_t *data, size_t size, size_t chunk)
{
    static struct kl_framing framing;
    kl_framing_init(&framing, driver, state);
    for (size_t at = 0; at < size; at += chunk) {
        size_t left = size - at;
        kl_framing_feed(&framing, data + at, left < chunk ? left : chunk, check, promise);
    }
    kl_framing_finish(&framing, check, promise);
}

/* The lab files of a driver: that of its emulated device first. */
static const struct kl_device_config *lab_of(const struct emulated_device *device, unsigned pick)
{
    const struct kl_device_config *lab[1 + FUZZ_LABS] = {&device->config};
    size_t count = 1;
    for (size_t i = 0; i < FUZZ_LABS; i++) {
        if (strcmp(fuzz_labs[i].driver, device->driver) == 0) {
            lab[count++] = &fuzz_labs[i].config;
        }
    }
    return lab[pick % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct promise promise;
    const struct emulated_device *device = emulators_find(FUZZ_DRIVER);
    const struct kl_driver *driver = kl_registry_find(FUZZ_DRIVER);
    struct kl_fault fault;
    if (device == NULL || driver == NULL) {
        abort();
    }
    if (size < 1) {
        return 0;
    }
    const size_t cut = data[0] / 8u;
    void *state = calloc(1, driver->state_size);
    int streams = state != NULL ? driver->configure(state, lab_of(device, data[0] % 8u),
                                                    promise.stream, STREAMS_MAX, &fault)
                                : 0;
    if (streams <= 0) {
        abort();
    }
    promise.streams = (size_t)streams;
    data++;
    size--;
    if (cut >= SEALED_FROM && cut < SEALED_UNTIL && size <= SEALED_MAX) {
        static uint8_t sealed[SEALED_MAX];
        memcpy(sealed, data, size);
        fuzz_seal_all(FUZZ_DRIVER, sealed, size);
        data = sealed;
    }
    feed(driver, state, &promise, data, size, cut + 1);
    plug(data, size, cut, driver->need[0].kind);
    if (driver->start(state, &noise.link, &fault) == KL_OK) {
        feed(driver, state, &promise, data, size, size + 1);
    }
    plug(data, size, cut, driver->need[0].kind);
    (void)driver->stop(state, &noise.link);
    if (driver->identify != NULL) {
        char text[64];
        plug(data, size, cut, driver->need[0].kind);
        (void)driver->identify(&noise.link, text, sizeof(text));
    }
    if (driver->release != NULL) {
        driver->release(state);
    }
    free(state);
    return 0;
}

#ifndef KL_LIBFUZZER

#define ROUNDS 3000
#define SEEDS_MAX 64
#define SEED_MAX 4096

static struct {
    uint8_t bytes[SEED_MAX];
    size_t len;
} seed[SEEDS_MAX];
static size_t seeds;

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % below;
}

/* What the driver heard goes into the next seed. */
static const struct kl_link_ops *heard_ops;

static void keep(const uint8_t *bytes, int count)
{
    size_t room = SEED_MAX - seed[seeds].len;
    size_t take = count > 0 ? (size_t)count : 0;
    take = take < room ? take : room;
    memcpy(seed[seeds].bytes + seed[seeds].len, bytes, take);
    seed[seeds].len += take;
}

static int kept_read(struct kl_link *link, uint8_t *buf, size_t cap, int64_t wait_ns)
{
    int count = heard_ops->read(link, buf, cap, wait_ns);
    keep(buf, count);
    return count;
}

static int kept_transfer(struct kl_link *link, uint8_t endpoint, uint8_t *buf, size_t len,
                         int64_t wait_ns)
{
    int count = heard_ops->transfer(link, endpoint, buf, len, wait_ns);
    keep(buf, endpoint & 0x80 ? count : 0);
    return count;
}

static int kept_control(struct kl_link *link, uint8_t type, uint8_t request, uint16_t value,
                        uint16_t index, uint8_t *buf, size_t len, int64_t wait_ns)
{
    int count = heard_ops->control(link, type, request, value, index, buf, len, wait_ns);
    keep(buf, type & 0x80 ? count : 0);
    return count;
}

/* A conversation and a second of data, and the data alone. */
static void seed_from_device(void)
{
    const struct emulated_device *device = emulators_find(FUZZ_DRIVER);
    const struct kl_driver *driver = kl_registry_find(FUZZ_DRIVER);
    struct emulator_link link;
    struct kl_stream stream[STREAMS_MAX];
    struct kl_fault fault;
    void *self = malloc(device->size);
    void *state = calloc(1, driver->state_size);
    if (self == NULL || state == NULL) {
        abort();
    }
    device->init(self);
    emulator_link_init(&link, device->ops, self, &driver->need[0]);
    heard_ops = link.link.ops;
    struct kl_link_ops ops = *heard_ops;
    ops.read = kept_read;
    ops.transfer = ops.transfer != NULL ? kept_transfer : NULL;
    ops.control = ops.control != NULL ? kept_control : NULL;
    link.link.ops = &ops;
    keep((const uint8_t[]){0xf8}, 1);
    if (driver->configure(state, &device->config, stream, STREAMS_MAX, &fault) <= 0 ||
        driver->start(state, &link.link, &fault) != KL_OK) {
        abort();
    }
    for (int twice = 0; twice < 2; twice++) {
        for (int reads = 0; reads < 200; reads++) {
            uint8_t bytes[4096];
            int64_t wait_ns = 10000000;
            int asked = driver->ask != NULL
                            ? driver->ask(state, link.now_ns + 1, bytes, sizeof(bytes), &wait_ns)
                            : 0;
            if (asked > 0) {
                (void)ops.write(&link.link, bytes, (size_t)asked, 0);
            }
            (void)ops.read(&link.link, bytes, sizeof(bytes), 10000000);
        }
        seeds++;
        keep((const uint8_t[]){0xf8}, 1);
    }
    if (driver->release != NULL) {
        driver->release(state);
    }
    free(state);
    free(self);
}

static void seed_from_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file != NULL && seeds < SEEDS_MAX) {
        seed[seeds].len = fread(seed[seeds].bytes, 1, SEED_MAX, file);
        seeds++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* Of its own size, so that AddressSanitizer sees its end. */
static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

/* Each also as a stream whose checksums are made right. */
static int write_seeds(const char *folder)
{
    for (size_t i = 0; i < 2 * seeds; i++) {
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/device_%zu", folder, i);
        FILE *file = fopen(path, "wb");
        if (i % 2 == 1) {
            seed[i / 2].bytes[0] = 8 * SEALED_FROM;
        }
        if (file == NULL || fwrite(seed[i / 2].bytes, seed[i / 2].len, 1, file) != 1 ||
            fclose(file) != 0) {
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t random = 1;
    seed_from_device();
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        return write_seeds(argv[2]);
    }
    for (int i = 1; i < argc; i++) {
        seed_from_file(argv[i]);
    }
    for (size_t s = 0; s < seeds; s++) {
        for (size_t len = 0; len <= seed[s].len; len += 1 + len / 64) {
            run(seed[s].bytes, len); /* whole but for its end */
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t input[SEED_MAX];
        size_t s = (size_t)draw(&random, seeds);
        size_t len = seed[s].len;
        memcpy(input, seed[s].bytes, len);
        for (uint64_t i = draw(&random, 20); i > 0 && len > 0; i--) {
            input[draw(&random, len)] = (uint8_t)draw(&random, 256);
        }
        uint64_t kind = draw(&random, 3);
        if (len > 0 && kind == 0) {
            input[0] = (uint8_t)draw(&random, 256);
        } else if (len > 0 && kind == 1) {
            input[0] = (uint8_t)(8 * (SEALED_FROM + draw(&random, SEALED_UNTIL - SEALED_FROM)));
        }
        run(input, (size_t)draw(&random, len + 1));
    }
    (void)printf("%zu seeds, %d rounds, %llu samples\n", seeds, ROUNDS,
                 (unsigned long long)samples);
    return samples > 0 ? 0 : 1;
}

#endif

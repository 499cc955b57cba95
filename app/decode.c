/* kneelab decode DRIVER FILE.bin: raw bytes of one device to samples as CSV, for driver work and
 * bug reports.
 *
 * A capture holds the driver's conversation too: it is held again, so that what the device answered
 * (its calibration, its fields) is known. Plain bytes have only the lab file's word for it.
 */
#include "acquire/capture.h"
#include "acquire/framing.h"
#include "acquire/whole_file.h"
#include "app/arguments.h"
#include "app/lab.h"
#include "app/verbs.h"
#include "devices/registry.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoding {
    const struct kl_driver *driver;
    void *state;
    struct kl_stream stream[KL_STREAMS_MAX];
    size_t stream_count;
    struct kl_framing framing;
    uint64_t samples;
};

struct decode_options {
    const char *lab, *device, *placement;
    double rate_hz;
};

/* --------------------------------------------------------------------- CSV */

/* One column per channel of every stream; a row fills those of its own stream. */
static void print_header(const struct decoding *decoding)
{
    (void)printf("stream,device_s,quality");
    for (size_t s = 0; s < decoding->stream_count; s++) {
        const struct kl_stream *stream = &decoding->stream[s];
        for (size_t c = 0; c < stream->channel_count; c++) {
            (void)printf(",%s%s%s [%s]", decoding->stream_count > 1 ? stream->name : "",
                         decoding->stream_count > 1 ? "." : "", stream->label[c], stream->unit[c]);
        }
    }
    (void)putchar('\n');
}

static void print_sample(void *self, const struct kl_sample *sample)
{
    struct decoding *decoding = self;
    if (sample->stream >= decoding->stream_count) {
        return; /* a driver that knows more streams than it declared */
    }
    decoding->samples++;
    (void)printf("%s,%.9f,%u", decoding->stream[sample->stream].name, kl_seconds(sample->device_ns),
                 (unsigned)sample->quality);
    for (size_t s = 0; s < decoding->stream_count; s++) {
        const struct kl_stream *stream = &decoding->stream[s];
        for (size_t c = 0; c < stream->channel_count; c++) {
            double value = s == sample->stream ? sample->value[c] : (double)NAN;
            if (isfinite(value)) { /* an empty cell where there is no number */
                (void)printf(",%.9g", kl_format_round(stream->format, value));
            } else {
                (void)putchar(',');
            }
        }
    }
    (void)putchar('\n');
}

/* ---------------------------------------------------------------- decoding */

static void feed(struct decoding *decoding, const uint8_t *bytes, size_t len)
{
    kl_framing_feed(&decoding->framing, bytes, len, print_sample, decoding);
    if (decoding->framing.gone) { /* there is nobody to ask: go on with what comes */
        kl_framing_restart(&decoding->framing);
    }
}

/* What came by read from the reader's place on. @return bytes fed */
static size_t feed_records(struct decoding *decoding, struct kl_capture_reader *reader)
{
    struct kl_capture_record record;
    size_t fed = 0;
    while (kl_capture_next(reader, &record)) {
        if (record.kind == KL_CAPTURE_OPENED) { /* what was cut off then has no other half */
            kl_framing_restart(&decoding->framing);
        } else if (record.kind == KL_CAPTURE_READ) {
            feed(decoding, record.bytes, record.len);
            fed += record.len;
        }
    }
    return fed;
}

static int decode_capture(struct decoding *decoding, const char *path, const struct kl_bytes *bytes,
                          struct kl_fault *fault)
{
    struct kl_capture_reader reader;
    struct kl_capture_player player;
    int status = kl_capture_open(path, bytes->data, bytes->len, &reader, fault);
    if (status != KL_OK) {
        return status;
    }
    kl_capture_player_init(&player, &reader);
    const struct kl_driver *driver = decoding->driver;
    if (driver->start != NULL && driver->start(decoding->state, &player.link, fault) < 0) {
        kl_complain("decode",
                    "%s: the start of the conversation is not in it; decoding without: %s", path,
                    fault->text);
        kl_capture_player_init(&player, &reader);
    }
    if (player.has_record && player.record.kind == KL_CAPTURE_READ) {
        feed(decoding, player.record.bytes + player.taken, player.record.len - player.taken);
    }
    (void)feed_records(decoding, &player.reader);
    if (player.reader.torn > 0) {
        kl_complain("decode", "%s: the last %zu bytes are no whole record: left out", path,
                    player.reader.torn);
    }
    return KL_OK;
}

static int decode_bytes(struct decoding *decoding, const char *path, struct kl_fault *fault)
{
    struct kl_bytes bytes;
    int status = kl_bytes_read(path, &bytes, fault);
    if (status != KL_OK) {
        return status;
    }
    print_header(decoding);
    if (kl_capture_is(bytes.data, bytes.len)) {
        status = decode_capture(decoding, path, &bytes, fault);
    } else {
        feed(decoding, bytes.data, bytes.len);
    }
    kl_framing_finish(&decoding->framing, print_sample, decoding);
    kl_bytes_release(&bytes);
    const struct kl_framing *framing = &decoding->framing;
    (void)fflush(stdout);
    (void)fprintf(stderr,
                  "%llu samples from %llu frames; broken %llu times, %llu bytes belong to no "
                  "frame\n",
                  (unsigned long long)decoding->samples, (unsigned long long)framing->frames,
                  (unsigned long long)framing->bad, (unsigned long long)framing->skipped);
    if (status == KL_OK && decoding->samples == 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: no frame of %s in it; is it the right driver, and do the options say "
                        "what the device was set to?",
                        path, decoding->driver->label);
    }
    return status;
}

static int decode(const struct kl_driver *driver, const void *config, const char *path,
                  struct kl_fault *fault)
{
    struct decoding *decoding = calloc(1, sizeof(*decoding));
    void *state = calloc(1, driver->state_size > 0 ? driver->state_size : 1);
    int status = KL_ERR_MEM;
    if (decoding != NULL && state != NULL) {
        status = driver->configure(state, config, decoding->stream, KL_STREAMS_MAX, fault);
    }
    if (status >= 0 && decoding != NULL) {
        decoding->driver = driver;
        decoding->state = state;
        decoding->stream_count = (size_t)status;
        kl_framing_init(&decoding->framing, driver, state);
        status = decode_bytes(decoding, path, fault);
        if (driver->release != NULL) {
            driver->release(state);
        }
    }
    free(state);
    free(decoding);
    return status;
}

/* --------------------------------------------------------------------- verb */

static int decode_by_lab(const struct kl_driver *driver, const struct decode_options *options,
                         const char *path, struct kl_fault *fault)
{
    struct kl_lab *lab = calloc(1, sizeof(*lab));
    if (lab == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    int status = kl_lab_load(options->lab, lab, fault);
    const struct kl_lab_device *device = NULL;
    for (size_t i = 0; status == KL_OK && i < lab->device_count; i++) {
        bool meant = lab->device[i].driver == driver &&
                     (options->device == NULL || strcmp(lab->device[i].name, options->device) == 0);
        device = device == NULL && meant ? &lab->device[i] : device;
    }
    if (status == KL_OK) {
        status = device != NULL
                     ? decode(driver, kl_lab_device_config(device), path, fault)
                     : kl_fault(fault, KL_ERR_RANGE, "%s: no device%s%s with driver %s",
                                options->lab, options->device != NULL ? " " : "",
                                options->device != NULL ? options->device : "", driver->name);
    }
    kl_lab_free(lab);
    free(lab);
    return status;
}

static int decode_plainly(const struct kl_driver *driver, const struct decode_options *options,
                          const char *path, struct kl_fault *fault)
{
    const struct kl_device_config config = {
        .name = driver->name, .placement = options->placement, .rate_hz = options->rate_hz};
    return decode(driver, &config, path, fault);
}

int kl_verb_decode(int argc, char **argv)
{
    struct decode_options given = {.placement = "shank.right"};
    const struct kl_option options[] = {
        {"--lab", KL_OPTION_TEXT, &given.lab, "LAB.yaml", "how the device was set up"},
        {"--device", KL_OPTION_TEXT, &given.device, "NAME",
         "which device of the lab file; else the first with this driver"},
        {"--placement", KL_OPTION_TEXT, &given.placement, "WORD",
         "without a lab file: shank.right if not said"},
        {"--rate", KL_OPTION_NUMBER, &given.rate_hz, "HZ", "without a lab file"},
    };
    const struct kl_arguments arguments = {
        .verb = "decode",
        .operands = "DRIVER FILE.bin",
        .summary = "Decodes the raw bytes of one device to samples as CSV on standard output. The\n"
                   "file holds the bytes as they came, or is a capture of `live --capture`.",
        .option = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operand_min = 2,
        .operand_max = 2,
    };
    int answer = kl_arguments_read(&arguments, argc, argv);
    if (answer < 0) {
        return kl_arguments_exit(answer);
    }
    const struct kl_driver *driver = kl_registry_find(argv[0]);
    if (driver == NULL || driver->frame == NULL) {
        kl_complain("decode",
                    driver == NULL ? "no driver \"%s\"; `kneelab devices` lists them"
                                   : "%s is simulated: it has no bytes",
                    argv[0]);
        return KL_EXIT_USAGE;
    }
    struct kl_fault fault = {.text = ""};
    int status = given.lab != NULL ? decode_by_lab(driver, &given, argv[1], &fault)
                                   : decode_plainly(driver, &given, argv[1], &fault);
    if (status < 0) {
        kl_complain("decode", "%s", fault.text[0] != '\0' ? fault.text : kl_status_text(status));
    }
    return status < 0 ? KL_EXIT_SHORT : KL_EXIT_OK;
}

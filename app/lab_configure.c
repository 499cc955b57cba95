#include "app/lab_configure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 16 /* faults of one device that are looked for */

/* What is left out of a device's configuration. */
struct without {
    bool rate, placement;
    bool option[KL_DEVICE_OPTIONS_MAX];
    bool channel[KL_STREAMS_MAX][KL_CHANNELS_MAX];
};

/* A configuration with parts left out, and what the driver says to it. */
struct trial {
    const struct kl_lab_device *device;
    struct kl_device_config config;
    struct kl_device_option option[KL_DEVICE_OPTIONS_MAX];
    struct kl_stream stream[KL_STREAMS_MAX];
    uint8_t input[KL_STREAMS_MAX][KL_CHANNELS_MAX];
    struct kl_stream answer[KL_STREAMS_MAX];
};

static int ask(const struct kl_lab_device *device, const void *config, struct kl_stream *out,
               struct kl_fault *fault)
{
    void *state = calloc(1, device->driver->state_size > 0 ? device->driver->state_size : 1);
    if (state == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "out of memory");
    }
    int count = device->driver->configure(state, config, out, KL_STREAMS_MAX, fault);
    if (count >= 0 && device->driver->release != NULL) {
        device->driver->release(state);
    }
    free(state);
    return count;
}

static void leave_out(struct trial *trial, const struct without *without)
{
    const struct kl_device_config *from = &trial->device->real;
    trial->config = *from;
    trial->config.rate_hz = without->rate ? 0 : from->rate_hz;
    trial->config.placement = without->placement ? "trunk" : from->placement; /* any good one */
    trial->config.option = trial->option;
    trial->config.option_count = 0;
    for (size_t i = 0; i < from->option_count; i++) {
        if (!without->option[i]) {
            trial->option[trial->config.option_count++] = from->option[i];
        }
    }
    trial->config.stream = trial->stream;
    trial->config.input = (const uint8_t(*)[KL_CHANNELS_MAX])trial->input;
    trial->config.stream_count = 0;
    for (size_t s = 0; s < from->stream_count; s++) {
        size_t at = trial->config.stream_count;
        struct kl_stream *to = &trial->stream[at];
        *to = from->stream[s];
        to->channel_count = 0;
        for (size_t c = 0; c < from->stream[s].channel_count; c++) {
            if (!without->channel[s][c]) {
                memcpy(to->label[to->channel_count], from->stream[s].label[c], KL_LABEL_MAX);
                memcpy(to->unit[to->channel_count], from->stream[s].unit[c], KL_UNIT_MAX);
                trial->input[at][to->channel_count++] = from->input[s][c];
            }
        }
        trial->config.stream_count += to->channel_count > 0 ? 1 : 0;
    }
}

/* The answer before a part is left out, and after. */
struct answer {
    struct kl_fault before, now;
    int status;
    bool cured; /* looked for: the driver is content without the part; else: says something else */
};

/* Does leaving `part` out change the answer? It stays out when it does. */
static bool matters(struct trial *trial, const struct without *without, bool *part,
                    struct answer *answer)
{
    if (*part) {
        return false;
    }
    *part = true;
    leave_out(trial, without);
    answer->now.text[0] = '\0';
    bool emptied = trial->config.stream_count == 0 && trial->device->real.stream_count > 0;
    answer->status =
        emptied ? KL_ERR_RANGE : ask(trial->device, &trial->config, trial->answer, &answer->now);
    if (!emptied && (answer->status >= 0 ||
                     (!answer->cured && strcmp(answer->before.text, answer->now.text) != 0))) {
        return true;
    }
    *part = false;
    return false;
}

/* Finds the part that a fault is about: the rate first, then channels from the last one (of two
 * that use one input the later is the fault), then options, then the placement.
 * @return false when no single part explains it; *path is the device then */
static bool find_part(struct trial *trial, struct without *without, struct answer *answer,
                      char path[96])
{
    const struct kl_device_config *real = &trial->device->real;
    path[0] = '\0';
    if (real->rate_hz > 0 && matters(trial, without, &without->rate, answer)) {
        (void)snprintf(path, 96, "rate_hz");
        return true;
    }
    for (size_t s = real->stream_count; s-- > 0;) {
        for (size_t c = real->stream[s].channel_count; c-- > 0;) {
            if (matters(trial, without, &without->channel[s][c], answer)) {
                (void)snprintf(path, 96, "streams[%zu].channels[%zu].input", s + 1, c + 1);
                return true;
            }
        }
    }
    for (size_t i = 0; i < real->option_count; i++) {
        if (matters(trial, without, &without->option[i], answer)) {
            (void)snprintf(path, 96, "options.%.80s", real->option[i].key);
            return true;
        }
    }
    if (real->placement[0] != '\0' && matters(trial, without, &without->placement, answer)) {
        (void)snprintf(path, 96, "placement");
        return true;
    }
    return false;
}

/* A part without which all is well is the fault; else one without which something else is said. */
static bool find_fault(struct trial *trial, struct without *without, struct answer *answer,
                       char path[96])
{
    answer->cured = true;
    if (find_part(trial, without, answer, path)) {
        return true;
    }
    answer->cured = false;
    return find_part(trial, without, answer, path);
}

static void place_faults(const struct kl_lab_document *document, const struct kl_lab_device *device,
                         const struct kl_fault *first)
{
    struct trial *trial = calloc(1, sizeof(*trial));
    struct without *without = calloc(1, sizeof(*without));
    struct answer answer = {.before = *first, .status = KL_ERR_RANGE};
    char path[96] = "";
    bool found = trial != NULL && without != NULL;
    if (found) {
        trial->device = device;
    }
    for (int round = 0; answer.status < 0 && round < ROUNDS_MAX; round++) {
        found = found && find_fault(trial, without, &answer, path);
        (void)kl_lab_refuse(document, path, "%s", answer.before.text);
        const char *key = strrchr(path, '.');
        if (!found ||
            (strncmp(path, "options.", 8) == 0 && strstr(answer.now.text, key + 1) != NULL)) {
            break; /* nothing more to leave out, or only what was left out is missed */
        }
        answer.before = answer.now;
    }
    free(without);
    free(trial);
}

int kl_lab_configure(const struct kl_lab_document *document, struct kl_lab_device *device)
{
    struct kl_fault fault = {.text = ""};
    device->stream = calloc(KL_STREAMS_MAX, sizeof(*device->stream));
    if (device->stream == NULL) {
        (void)kl_fault(&fault, KL_ERR_MEM, "out of memory");
        return kl_lab_note(document, KL_ERR_MEM, &fault);
    }
    int count = ask(device, kl_lab_device_config(device), device->stream, &fault);
    if (count >= 0) {
        device->stream_count = (size_t)count;
        return KL_OK;
    }
    if (device->driver->generate != NULL) {
        (void)kl_lab_refuse(document, "", "%s", fault.text);
    } else {
        place_faults(document, device, &fault);
    }
    return count;
}

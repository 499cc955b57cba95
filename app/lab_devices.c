#include "app/lab_devices.h"

#include "app/lab_configure.h"
#include "app/lab_plate.h"
#include "devices/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define WORD (CYAML_FLAG_STRICT | CYAML_FLAG_OPTIONAL)
#define RATE_MAX_HZ 100000.0
#define BAUD_MAX 12000000u /* the fastest USB bridges */

/* ------------------------------------------------------------------- schema */

static const cyaml_strval_t kind_words[] = {
    {"force", KL_KIND_FORCE},         {"imu", KL_KIND_IMU},     {"emg", KL_KIND_EMG},
    {"treadmill", KL_KIND_TREADMILL}, {"other", KL_KIND_OTHER},
};
static const cyaml_strval_t side_words[] = {
    {"unknown", KL_SIDE_UNKNOWN}, {"left", KL_SIDE_LEFT}, {"right", KL_SIDE_RIGHT}};

static const cyaml_schema_field_t channel_fields[] = {
    CYAML_FIELD_UINT("input", CYAML_FLAG_DEFAULT, struct kl_yaml_channel, input),
    CYAML_FIELD_STRING_PTR("label", CYAML_FLAG_POINTER, struct kl_yaml_channel, label, 1,
                           KL_LABEL_MAX - 1),
    CYAML_FIELD_STRING_PTR("unit", CYAML_FLAG_POINTER, struct kl_yaml_channel, unit, 1,
                           KL_UNIT_MAX - 1),
    CYAML_FIELD_FLOAT_PTR("full_scale", OPTIONAL, struct kl_yaml_channel, full_scale),
    CYAML_FIELD_END};

static const cyaml_schema_value_t channel_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct kl_yaml_channel, channel_fields)};

static const cyaml_schema_field_t stream_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct kl_yaml_stream, name, 1,
                           KL_NAME_MAX - 1),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, struct kl_yaml_stream, kind, kind_words,
                     COUNT(kind_words)),
    CYAML_FIELD_ENUM("side", WORD, struct kl_yaml_stream, side, side_words, COUNT(side_words)),
    CYAML_FIELD_SEQUENCE("channels", CYAML_FLAG_POINTER, struct kl_yaml_stream, channels,
                         &channel_schema, 1, KL_CHANNELS_MAX),
    CYAML_FIELD_MAPPING_PTR("plate", OPTIONAL, struct kl_yaml_stream, plate, kl_lab_plate_fields),
    CYAML_FIELD_END};

static const cyaml_schema_value_t stream_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct kl_yaml_stream, stream_fields)};

static const cyaml_schema_field_t device_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct kl_yaml_device, name, 1,
                           KL_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("driver", CYAML_FLAG_POINTER, struct kl_yaml_device, driver, 1,
                           KL_NAME_MAX - 1),
    CYAML_FIELD_MAPPING_PTR("virtual_runner", OPTIONAL, struct kl_yaml_device, virtual_runner,
                            kl_lab_runner_fields),
    CYAML_FIELD_STRING_PTR("port", OPTIONAL, struct kl_yaml_device, port, 1, KL_PORT_NAME_MAX - 1),
    CYAML_FIELD_STRING_PTR("serial_number", OPTIONAL, struct kl_yaml_device, serial_number, 1,
                           KL_SERIAL_NUMBER_MAX - 1),
    CYAML_FIELD_STRING_PTR("host", OPTIONAL, struct kl_yaml_device, host, 1, KL_HOST_MAX - 1),
    CYAML_FIELD_UINT_PTR("baud", OPTIONAL, struct kl_yaml_device, baud),
    CYAML_FIELD_STRING_PTR("placement", OPTIONAL, struct kl_yaml_device, placement, 1,
                           KL_NAME_MAX - 1),
    CYAML_FIELD_FLOAT_PTR("rate_hz", OPTIONAL, struct kl_yaml_device, rate_hz),
    CYAML_FIELD_IGNORE("options", CYAML_FLAG_OPTIONAL), /* the driver's own keys */
    CYAML_FIELD_SEQUENCE("streams", OPTIONAL, struct kl_yaml_device, streams, &stream_schema, 1,
                         KL_STREAMS_MAX),
    CYAML_FIELD_END};

const cyaml_schema_value_t kl_lab_device_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct kl_yaml_device, device_fields)};

/* ------------------------------------------------------------------ meaning */

static void copy_text(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text != NULL ? text : "");
}

/* The first of two that is not KL_OK. */
static int worse(int a, int b)
{
    return a != KL_OK ? a : b;
}

static int out_of_memory(const struct kl_lab_document *document)
{
    return kl_lab_note(document, KL_ERR_MEM, &(struct kl_fault){"out of memory"});
}

static int take_choice(const struct kl_lab_document *document, const struct kl_yaml_device *from,
                       struct kl_link_choice *to)
{
    int status = KL_OK;
    copy_text(to->port, sizeof(to->port), from->port);
    copy_text(to->serial_number, sizeof(to->serial_number), from->serial_number);
    copy_text(to->host, sizeof(to->host), from->host);
    if (from->host != NULL && (from->port != NULL || from->serial_number != NULL)) {
        status = kl_lab_refuse(document, "host",
                               "a device is reached by `host`, or by `port` and `serial_number`");
    }
    if (from->baud != NULL && (*from->baud == 0 || *from->baud > BAUD_MAX)) {
        status = kl_lab_refuse(document, "baud", "out of range; allowed is 1 to 12000000");
    }
    to->baud = from->baud != NULL ? *from->baud : 0;
    return status;
}

static int take_options(const struct kl_lab_document *document, struct kl_lab_device *to)
{
    char path[48];
    struct kl_yaml_pair *pair = NULL;
    struct kl_fault fault = {.text = ""};
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "devices[%u].options", document->device);
    int status =
        kl_yaml_pairs(document->name, document->text, document->len, path, &pair, &count, &fault);
    if (status != KL_OK) {
        return kl_lab_note(document, status, &fault);
    }
    if (count > KL_DEVICE_OPTIONS_MAX) {
        kl_yaml_pairs_free(pair, count);
        return kl_lab_refuse(document, "options", "more than 16 of them");
    }
    struct kl_device_option *option = calloc(count + 1, sizeof(*option));
    for (size_t i = 0; option != NULL && i < count; i++) {
        option[i] = (struct kl_device_option){pair[i].key, pair[i].value};
    }
    if (option == NULL) {
        kl_yaml_pairs_free(pair, count);
        return out_of_memory(document);
    }
    free(pair); /* its texts live on in the options */
    to->real.option = option;
    to->real.option_count = count;
    return KL_OK;
}

static int take_channels(const struct kl_lab_document *document, unsigned number,
                         const struct kl_yaml_stream *from, struct kl_stream *to, uint8_t *input)
{
    int status = KL_OK;
    to->channel_count = from->channels_count;
    for (unsigned c = 0; c < from->channels_count; c++) {
        const struct kl_yaml_channel *channel = &from->channels[c];
        char key[64];
        if (channel->input > UINT8_MAX) {
            (void)snprintf(key, sizeof(key), "streams[%u].channels[%u].input", number, c + 1);
            status = kl_lab_refuse(document, key, "out of range; inputs count from 0 to 255");
        }
        input[c] = (uint8_t)channel->input;
        copy_text(to->label[c], sizeof(to->label[c]), channel->label);
        copy_text(to->unit[c], sizeof(to->unit[c]), channel->unit);
        if (channel->full_scale != NULL && !(*channel->full_scale > 0)) {
            (void)snprintf(key, sizeof(key), "streams[%u].channels[%u].full_scale", number, c + 1);
            status = kl_lab_refuse(document, key, "must be above 0: |value| at the rail");
        }
        if (channel->full_scale != NULL && c < KL_PLATE_CHANNELS_MAX) {
            to->plate.full_scale[c] = *channel->full_scale;
        }
    }
    return status;
}

static int take_stream(const struct kl_lab_document *document, unsigned number,
                       const struct kl_yaml_stream *from, struct kl_stream *to, uint8_t *input)
{
    char key[40], path[64];
    copy_text(to->name, sizeof(to->name), from->name);
    to->kind = from->kind;
    to->plate.side = from->side;
    int status = take_channels(document, number, from, to, input);
    (void)snprintf(key, sizeof(key), "streams[%u]", number);
    (void)snprintf(path, sizeof(path), "%s.plate", key);
    if ((from->plate != NULL) != (from->kind == KL_KIND_FORCE)) {
        return kl_lab_refuse(document, key,
                             from->plate != NULL
                                 ? "`plate` belongs to streams of kind force only"
                                 : "a force stream needs `plate`: what its channels mean");
    }
    if (from->plate != NULL) {
        /* a fault in it is noted; the driver may be asked about the rest all the same */
        (void)kl_lab_plate_take(document, path, from->plate, to);
    }
    return status;
}

static int take_streams(const struct kl_lab_document *document, const struct kl_yaml_device *from,
                        struct kl_lab_device *to)
{
    struct kl_stream *stream = calloc(from->streams_count + 1, sizeof(*stream));
    uint8_t(*input)[KL_CHANNELS_MAX] = calloc(from->streams_count + 1, sizeof(*input));
    to->real.stream = stream; /* released with the device, whatever comes now */
    to->real.input = (const uint8_t(*)[KL_CHANNELS_MAX])input;
    if (stream == NULL || input == NULL) {
        return out_of_memory(document);
    }
    int status = KL_OK;
    for (unsigned s = 0; s < from->streams_count; s++) {
        status =
            worse(status, take_stream(document, s + 1, &from->streams[s], &stream[s], input[s]));
    }
    to->real.stream_count = from->streams_count;
    return status;
}

static int take_real(const struct kl_lab_document *document, const struct kl_yaml_device *from,
                     struct kl_lab_device *to)
{
    int status = KL_OK;
    if (from->virtual_runner != NULL) {
        status =
            kl_lab_refuse(document, "virtual_runner", "belongs to the driver virtual_runner only");
    }
    if (from->rate_hz != NULL && !(*from->rate_hz > 0 && *from->rate_hz <= RATE_MAX_HZ)) {
        status = kl_lab_refuse(document, "rate_hz", "out of range; allowed is above 0 to 100000");
    }
    copy_text(to->placement, sizeof(to->placement), from->placement);
    to->real.name = to->name;
    to->real.placement = to->placement;
    to->real.rate_hz = from->rate_hz != NULL ? *from->rate_hz : 0;
    status = worse(status, take_choice(document, from, &to->choice));
    status = worse(status, take_options(document, to));
    return worse(status, take_streams(document, from, to));
}

static int take_simulated(const struct kl_lab_document *document, const struct kl_yaml_device *from,
                          struct kl_lab_device *to)
{
    if (from->port != NULL || from->serial_number != NULL || from->host != NULL) {
        return kl_lab_refuse(document, "driver", "a simulated device is not plugged in anywhere");
    }
    return kl_lab_runner_take(document, from->virtual_runner, &to->runner);
}

int kl_lab_devices_take(struct kl_lab_document *document, const struct kl_yaml_device *from,
                        size_t count, struct kl_lab *to)
{
    int status = KL_OK;
    for (size_t i = 0; i < count; i++) {
        struct kl_lab_device *device = &to->device[i];
        document->device = (unsigned)i + 1;
        copy_text(device->name, sizeof(device->name), from[i].name);
        device->driver = kl_registry_find(from[i].driver);
        device->line = kl_lab_line(document, "");
        to->device_count = i + 1;
        int one =
            device->driver == NULL
                ? kl_lab_refuse(document, "driver",
                                "no driver \"%s\"; `kneelab devices` lists them", from[i].driver)
            : device->driver->generate != NULL ? take_simulated(document, &from[i], device)
                                               : take_real(document, &from[i], device);
        if (one == KL_OK) {
            one = kl_lab_configure(document, device);
        }
        status = worse(status, one);
    }
    document->device = 0;
    return status;
}

const void *kl_lab_device_config(const struct kl_lab_device *device)
{
    return device->driver->generate != NULL ? (const void *)&device->runner
                                            : (const void *)&device->real;
}

void kl_lab_device_release(struct kl_lab_device *device)
{
    struct kl_device_config *real = &device->real;
    for (size_t i = 0; i < real->option_count; i++) {
        free((void *)real->option[i].key); /* ours: copied by kl_yaml_pairs */
        free((void *)real->option[i].value);
    }
    free((void *)real->option);
    free((void *)real->stream);
    free((void *)real->input);
    free(device->stream);
    device->stream = NULL;
    memset(real, 0, sizeof(*real));
}

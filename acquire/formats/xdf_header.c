#include "acquire/formats/xdf_header.h"

#include "acquire/decimal.h"

#include <libxml/parser.h>
#include <libxml/xmlwriter.h>

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NUMBERS_MAX (KL_PLATE_CHANNELS_MAX * KL_DECIMAL_MAX)
#define XML_SIZE_MAX (16 * 1024 * 1024) /* a header larger than this is no header */

/* ------------------------------------------------------------------ writing */

/* XML has no way to write most control characters, and libxml2 wants UTF-8: what cannot be said is
 * said as '?'. */
static void put(xmlTextWriter *writer, const char *name, const char *text)
{
    size_t size = strlen(text);
    char *clean = malloc(size + 1);
    if (clean == NULL) {
        return; /* the element is missing, which the reader of this text notices */
    }
    memcpy(clean, text, size + 1);
    bool utf8 = xmlCheckUTF8((const xmlChar *)clean) == 1;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)clean[i];
        bool bad = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x80 && !utf8);
        clean[i] = bad ? '?' : clean[i];
    }
    (void)xmlTextWriterWriteElement(writer, (const xmlChar *)name, (const xmlChar *)clean);
    free(clean);
}

static void put_numbers(xmlTextWriter *writer, const char *name, const double *value, size_t count)
{
    char text[NUMBERS_MAX];
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) {
            text[len++] = ' ';
        }
        len += kl_decimal_write(value[i], text + len);
    }
    put(writer, name, text);
}

static void put_count(xmlTextWriter *writer, const char *name, uint64_t count)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRIu64, count);
    put(writer, name, text);
}

static void begin(xmlTextWriter *writer, const char *name)
{
    (void)xmlTextWriterStartElement(writer, (const xmlChar *)name);
}

static void end(xmlTextWriter *writer)
{
    (void)xmlTextWriterEndElement(writer);
}

/* The document so far as text of the caller's; both are gone afterwards. */
static char *finish(xmlTextWriter *writer, xmlBuffer *buffer)
{
    char *text = NULL;
    if (xmlTextWriterEndDocument(writer) >= 0) {
        xmlFreeTextWriter(writer); /* flushes into the buffer */
        writer = NULL;
        text = strdup((const char *)xmlBufferContent(buffer));
    }
    xmlFreeTextWriter(writer);
    xmlBufferFree(buffer);
    return text;
}

static xmlTextWriter *document(xmlBuffer **buffer)
{
    *buffer = xmlBufferCreate();
    xmlTextWriter *writer = *buffer != NULL ? xmlNewTextWriterMemory(*buffer, 0) : NULL;
    if (writer == NULL) {
        xmlBufferFree(*buffer);
        return NULL;
    }
    (void)xmlTextWriterStartDocument(writer, "1.0", NULL, NULL);
    begin(writer, "info");
    return writer;
}

char *kl_xdf_file_header_text(void)
{
    xmlBuffer *buffer = NULL;
    xmlTextWriter *writer = document(&buffer);
    if (writer == NULL) {
        return NULL;
    }
    char stamp[40] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL) {
        (void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    struct utsname machine;
    put(writer, "version", "1.0");
    put(writer, "datetime", stamp);
    /* Results are bit-identical for one build on one class of processor: both are named. */
    begin(writer, "kneelab");
    put(writer, "version", KL_VERSION);
    put(writer, "compiler", __VERSION__);
    put(writer, "machine", uname(&machine) >= 0 ? machine.machine : "unknown");
    end(writer);
    return finish(writer, buffer);
}

static void put_plate(xmlTextWriter *writer, const struct kl_plate *plate)
{
    begin(writer, "plate");
    put(writer, "side", kl_side_text(plate->side));
    put_count(writer, "form", (uint64_t)plate->form);
    put_count(writer, "measured", plate->measured);
    put_numbers(writer, "full_scale", plate->full_scale, KL_PLATE_CHANNELS_MAX);
    put_numbers(writer, "corner_x_m", plate->corner_x_m, COUNT(plate->corner_x_m));
    put_numbers(writer, "corner_z_m", plate->corner_z_m, COUNT(plate->corner_z_m));
    for (int row = 0; row < KL_WRENCH_COUNT; row++) {
        put_numbers(writer, "row", plate->matrix[row], KL_PLATE_CHANNELS_MAX);
    }
    end(writer);
}

static void put_channel(xmlTextWriter *writer, const char *label, const char *unit)
{
    begin(writer, "channel");
    put(writer, "label", label);
    put(writer, "unit", unit);
    end(writer);
}

char *kl_xdf_header_text(const struct kl_stream *stream)
{
    static const char *const type[KL_KIND_COUNT] = {"Force", "IMU", "EMG", "Treadmill", "Other"};
    static const char *const format[] = {
        [KL_FORMAT_FLOAT32] = "float32",
        [KL_FORMAT_DOUBLE64] = "double64",
        [KL_FORMAT_INT16] = "int16",
        [KL_FORMAT_INT32] = "int32",
    };
    xmlBuffer *buffer = NULL;
    xmlTextWriter *writer = document(&buffer);
    if (writer == NULL) {
        return NULL;
    }
    put(writer, "name", stream->name);
    put(writer, "type", type[stream->kind]);
    put_count(writer, "channel_count", stream->channel_count + 1);
    put_numbers(writer, "nominal_srate", &stream->rate_hz, 1);
    put(writer, "channel_format", format[stream->format]);
    put(writer, "source_id", stream->source);
    begin(writer, "desc");
    begin(writer, "channels");
    for (size_t i = 0; i < stream->channel_count; i++) {
        put_channel(writer, stream->label[i], stream->unit[i]);
    }
    put_channel(writer, KL_XDF_QUALITY_LABEL, "bits");
    end(writer);
    begin(writer, "synchronization");
    put(writer, "can_drop_samples", "true");
    end(writer);
    begin(writer, "kneelab");
    put(writer, "kind", kl_kind_text(stream->kind));
    if (stream->kind == KL_KIND_FORCE) {
        put_plate(writer, &stream->plate);
    }
    end(writer);
    end(writer);
    return finish(writer, buffer);
}

char *kl_xdf_string_header_text(const char *name, const char *type)
{
    xmlBuffer *buffer = NULL;
    xmlTextWriter *writer = document(&buffer);
    if (writer == NULL) {
        return NULL;
    }
    put(writer, "name", name);
    put(writer, "type", type);
    put(writer, "channel_count", "1");
    put(writer, "nominal_srate", "0");
    put(writer, "channel_format", "string");
    put(writer, "source_id", "kneelab");
    begin(writer, "desc");
    end(writer);
    return finish(writer, buffer);
}

char *kl_xdf_footer_text(uint64_t sample_count, double first_s, double last_s)
{
    xmlBuffer *buffer = NULL;
    xmlTextWriter *writer = document(&buffer);
    if (writer == NULL) {
        return NULL;
    }
    put_numbers(writer, "first_timestamp", &first_s, 1);
    put_numbers(writer, "last_timestamp", &last_s, 1);
    put_count(writer, "sample_count", sample_count);
    begin(writer, "clock_offsets");
    end(writer);
    return finish(writer, buffer);
}

/* ------------------------------------------------------------------ reading */

static const xmlNode *child(const xmlNode *node, const char *name)
{
    const xmlNode *at = node != NULL ? node->children : NULL;
    while (at != NULL &&
           (at->type != XML_ELEMENT_NODE || strcmp((const char *)at->name, name) != 0)) {
        at = at->next;
    }
    return at;
}

static const xmlNode *next_sibling(const xmlNode *node)
{
    const xmlNode *at = node->next;
    while (at != NULL && (at->type != XML_ELEMENT_NODE ||
                          strcmp((const char *)at->name, (const char *)node->name) != 0)) {
        at = at->next;
    }
    return at;
}

/* The node's text, cut between characters where it does not fit. */
static bool copy_text(const xmlNode *node, char *out, size_t cap)
{
    xmlChar *text = node != NULL ? xmlNodeGetContent(node) : NULL;
    if (text == NULL) {
        return false;
    }
    size_t size = strlen((const char *)text);
    if (size >= cap) {
        size = cap - 1;
        while (size > 0 && (text[size] & 0xc0) == 0x80) {
            size--;
        }
    }
    memcpy(out, text, size);
    out[size] = '\0';
    xmlFree(text);
    return true;
}

static bool read_numbers(const xmlNode *node, double *value, size_t count)
{
    char text[NUMBERS_MAX];
    return copy_text(node, text, sizeof(text)) && kl_decimal_read_list(text, value, count);
}

static bool read_count(const xmlNode *node, double max, uint64_t *out)
{
    double value = 0;
    if (!read_numbers(node, &value, 1) || !(value >= 0) || value > max) {
        return false;
    }
    *out = (uint64_t)value;
    return true;
}

static bool read_plate(const xmlNode *node, struct kl_plate *plate)
{
    struct kl_plate found = {.side = KL_SIDE_UNKNOWN};
    char side[16];
    uint64_t form = 0;
    uint64_t measured = 0;
    if (!copy_text(child(node, "side"), side, sizeof(side)) ||
        !read_count(child(node, "form"), KL_PLATE_POINT, &form) ||
        !read_count(child(node, "measured"), UINT_MAX, &measured) ||
        !read_numbers(child(node, "full_scale"), found.full_scale, KL_PLATE_CHANNELS_MAX) ||
        !read_numbers(child(node, "corner_x_m"), found.corner_x_m, COUNT(found.corner_x_m)) ||
        !read_numbers(child(node, "corner_z_m"), found.corner_z_m, COUNT(found.corner_z_m))) {
        return false;
    }
    const xmlNode *row = child(node, "row");
    for (int i = 0; i < KL_WRENCH_COUNT; i++) {
        if (row == NULL || !read_numbers(row, found.matrix[i], KL_PLATE_CHANNELS_MAX)) {
            return false;
        }
        row = next_sibling(row);
    }
    for (int i = 0; i < KL_SIDE_COUNT; i++) {
        if (strcmp(side, kl_side_text((enum kl_side)i)) == 0) {
            found.side = (enum kl_side)i;
        }
    }
    found.form = (enum kl_plate_form)form;
    found.measured = (unsigned)measured;
    *plate = found;
    return true;
}

static void read_channels(const xmlNode *desc, struct kl_xdf_header *header)
{
    struct kl_stream *stream = &header->stream;
    const xmlNode *channel = child(child(desc, "channels"), "channel");
    for (size_t i = 0; i < stream->channel_count; i++) {
        if (channel == NULL ||
            !copy_text(child(channel, "label"), stream->label[i], KL_LABEL_MAX)) {
            (void)snprintf(stream->label[i], KL_LABEL_MAX, "ch %u", (unsigned)i + 1);
        }
        if (channel != NULL) {
            (void)copy_text(child(channel, "unit"), stream->unit[i], KL_UNIT_MAX);
            channel = next_sibling(channel);
        }
    }
}

static const xmlNode *last_channel(const xmlNode *desc)
{
    const xmlNode *channel = child(child(desc, "channels"), "channel");
    const xmlNode *last = channel;
    for (; channel != NULL; channel = next_sibling(channel)) {
        last = channel;
    }
    return last;
}

/* Kind, quality channel and plate: from our own description, else from the type. A foreign force
 * stream has no calibration to lab axes, so it stays what it is: other. */
static void read_kind(const xmlNode *desc, struct kl_xdf_header *header)
{
    struct kl_stream *stream = &header->stream;
    const xmlNode *own = child(desc, "kneelab");
    char kind[16];
    char label[KL_LABEL_MAX];
    stream->kind = KL_KIND_OTHER;
    header->ours = copy_text(child(own, "kind"), kind, sizeof(kind)) &&
                   copy_text(child(last_channel(desc), "label"), label, sizeof(label)) &&
                   strcmp(label, KL_XDF_QUALITY_LABEL) == 0 && header->channel_count > 1;
    if (!header->ours) {
        bool muscle = strcasecmp(header->type, "EMG") == 0 || strcasecmp(header->type, "EEG") == 0;
        stream->kind = muscle ? KL_KIND_EMG : KL_KIND_OTHER;
        return;
    }
    for (int i = 0; i < KL_KIND_COUNT; i++) {
        if (strcmp(kind, kl_kind_text((enum kl_kind)i)) == 0) {
            stream->kind = (enum kl_kind)i;
        }
    }
    if (stream->kind == KL_KIND_FORCE && !read_plate(child(own, "plate"), &stream->plate)) {
        stream->kind = KL_KIND_OTHER;
    }
}

static enum kl_format storage_of(enum kl_xdf_format format)
{
    static const enum kl_format row[KL_XDF_FORMAT_COUNT] = {
        [KL_XDF_INT8] = KL_FORMAT_INT16,      [KL_XDF_INT16] = KL_FORMAT_INT16,
        [KL_XDF_INT32] = KL_FORMAT_INT32,     [KL_XDF_INT64] = KL_FORMAT_DOUBLE64,
        [KL_XDF_FLOAT32] = KL_FORMAT_FLOAT32, [KL_XDF_DOUBLE64] = KL_FORMAT_DOUBLE64,
        [KL_XDF_STRING] = KL_FORMAT_DOUBLE64,
    };
    return row[format];
}

static int read_info(const xmlNode *info, struct kl_xdf_header *out, struct kl_fault *fault)
{
    const xmlNode *desc = child(info, "desc");
    char format[16];
    uint64_t channels = 0;
    double rate_hz = 0;
    (void)copy_text(child(info, "name"), out->stream.name, KL_NAME_MAX);
    (void)copy_text(child(info, "source_id"), out->stream.source, KL_NAME_MAX);
    (void)copy_text(child(info, "type"), out->type, sizeof(out->type));
    if (!read_count(child(info, "channel_count"), UINT32_MAX, &channels) || channels == 0) {
        return kl_fault(fault, KL_ERR_DATA, "stream header of \"%s\" without channel_count",
                        out->stream.name);
    }
    if (!read_numbers(child(info, "nominal_srate"), &rate_hz, 1) || !(rate_hz >= 0) ||
        rate_hz > 1e9) {
        return kl_fault(fault, KL_ERR_DATA, "stream header of \"%s\" without nominal_srate",
                        out->stream.name);
    }
    if (!copy_text(child(info, "channel_format"), format, sizeof(format)) ||
        kl_xdf_format_find(format) == KL_XDF_FORMAT_COUNT) {
        return kl_fault(fault, KL_ERR_DATA,
                        "stream header of \"%s\" without a channel_format of XDF 1.0",
                        out->stream.name);
    }
    out->channel_count = (uint32_t)channels;
    out->rate_hz = rate_hz;
    out->format = kl_xdf_format_find(format);
    out->string = out->format == KL_XDF_STRING;
    char drop[8] = "";
    (void)copy_text(child(child(desc, "synchronization"), "can_drop_samples"), drop, sizeof(drop));
    out->can_drop_samples = strcasecmp(drop, "true") == 0;
    if (!out->string) {
        read_kind(desc, out);
        size_t own = channels - (out->ours ? 1 : 0);
        out->stream.channel_count = own < KL_CHANNELS_MAX ? (size_t)own : KL_CHANNELS_MAX;
        out->stream.rate_hz = rate_hz;
        out->stream.format = storage_of(out->format);
        read_channels(desc, out);
    }
    return KL_OK;
}

static xmlDoc *parse(const char *xml, size_t size)
{
    if (size == 0 || size > XML_SIZE_MAX) {
        return NULL;
    }
    xmlDoc *doc = xmlReadMemory(xml, (int)size, NULL, "UTF-8", /* whatever it declares */

                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (doc != NULL && doc->intSubset != NULL) {
        /* Entities that expand to entities: a few lines can fill all memory. No header has any. */
        xmlFreeDoc(doc);
        doc = NULL;
    }
    return doc;
}

int kl_xdf_header_read(const char *xml, size_t size, struct kl_xdf_header *out,
                       struct kl_fault *fault)
{
    xmlDoc *doc = parse(xml, size);
    if (doc == NULL) {
        return kl_fault(fault, KL_ERR_DATA, "stream header is not XML");
    }
    struct kl_xdf_header found;
    memset(&found, 0, sizeof(found));
    int status = read_info(xmlDocGetRootElement(doc), &found, fault);
    if (status == KL_OK) {
        *out = found;
    }
    xmlFreeDoc(doc);
    return status;
}

bool kl_xdf_footer_count(const char *xml, size_t size, uint64_t *count)
{
    xmlDoc *doc = parse(xml, size);
    if (doc == NULL) {
        return false;
    }
    bool found = read_count(child(xmlDocGetRootElement(doc), "sample_count"), 1e15, count);
    xmlFreeDoc(doc);
    return found;
}

/* A C3D file as a session: one stream per plate, its other analog channels, its events.
 *
 *   plate.1, plate.2 ...   a plate's channels, scaled as the file says, and their map to our axes
 *   emg                    channels in volts whose label says so
 *   analog                 all other analog channels
 *
 * Markers of motion capture are not streams yet. What had to be assumed or mended becomes a
 * remark: a marker at the start.
 */
#include "acquire/formats/c3d_source.h"

#include "acquire/formats/c3d.h"
#include "acquire/formats/c3d_plate.h"
#include "acquire/formats/memory_source.h"
#include "acquire/formats/recording.h"
#include "acquire/whole_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No runner loads a plate with more; channels that are scaled twice do. force_plate_math 3. */
static const double plausible_n = 5000.0;
/* Below this a plate carries nobody. */
static const double loaded_n = 20.0;

struct reading {
    const char *path;
    const char *source; /* file name without folders */
    struct kl_c3d c3d;
    struct kl_memory *memory;
    bool *taken;                /* [analog_count] belongs to a plate */
    struct kl_fault first_line; /* why the first refused plate was refused */
    struct kl_fault *fault;
};

/* ------------------------------------------------------------------ text */

/* Labels may be Latin-1 (a degree sign, a micro sign); everything behind this reads UTF-8. */
static void to_utf8(const char *text, char *out, size_t cap)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != 0; p++) {
        size_t tail = *p >= 0xc2 && *p < 0xe0 ? 1 : *p >= 0xe0 && *p < 0xf0 ? 2 : 0;
        bool utf8 = tail > 0 && (p[1] & 0xc0) == 0x80 && (tail == 1 || (p[2] & 0xc0) == 0x80);
        size_t need = utf8 ? tail + 1 : *p >= 0x80 ? 2 : 1;
        if (n + need >= cap) {
            break;
        }
        if (utf8) {
            memcpy(out + n, p, need);
            p += tail;
        } else if (*p >= 0x80) {
            out[n] = (char)(0xc0 | *p >> 6);
            out[n + 1] = (char)(0x80 | (*p & 0x3f));
        } else {
            out[n] = *p < ' ' ? ' ' : (char)*p;
        }
        n += need;
    }
    out[n] = 0;
}

static void describe_channel(const struct kl_c3d *c3d, size_t channel, struct kl_stream *stream)
{
    char text[64];
    size_t c = stream->channel_count++;
    if (kl_c3d_analog_text(c3d, "LABELS", channel, text, sizeof(text)) == 0) {
        (void)snprintf(text, sizeof(text), "analog %zu", channel + 1);
    }
    to_utf8(text, stream->label[c], KL_LABEL_MAX);
    (void)kl_c3d_analog_text(c3d, "UNITS", channel, text, sizeof(text));
    to_utf8(text, stream->unit[c], KL_UNIT_MAX);
}

static struct kl_stream new_stream(const struct reading *r, enum kl_kind kind)
{
    struct kl_stream stream = {
        .kind = kind, .format = KL_FORMAT_DOUBLE64, .rate_hz = r->c3d.analog_rate_hz};
    to_utf8(r->source, stream.source, sizeof(stream.source));
    return stream;
}

static int no_memory(const struct reading *r)
{
    return kl_fault(r->fault, KL_ERR_MEM, "%s: no memory for %zu samples of %zu channels", r->path,
                    kl_c3d_analog_samples(&r->c3d), r->c3d.analog_count);
}

/* ---------------------------------------------------------------- plates */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Range and median of the vertical force over the record, as the file holds it. */
struct vertical {
    double low, high, median;
};

static bool find_vertical(const struct kl_memory_stream *s, struct vertical *out)
{
    const double *row = s->stream.plate.matrix[KL_FY];
    size_t channels = s->stream.channel_count;
    double *up = malloc(s->count * sizeof(*up));
    if (up == NULL) {
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        double sum = 0.0;
        for (size_t c = 0; c < channels; c++) {
            sum += row[c] * s->value[i * channels + c];
        }
        if (isfinite(sum)) {
            up[n++] = sum;
        }
    }
    *out = (struct vertical){0};
    if (n > 0) {
        qsort(up, n, sizeof(*up), compare_doubles);
        *out = (struct vertical){.low = up[0], .high = up[n - 1], .median = up[n / 2]};
    }
    free(up);
    return true;
}

/* C3D files hold the reaction; some hold the load on the plate. A person is pushed up. */
static bool holds_load(const struct vertical *v)
{
    if (v->high - v->low < loaded_n || v->low >= -loaded_n) {
        return false;
    }
    return v->high <= loaded_n || v->median - v->low > v->high - v->median;
}

static void refuse_plate(struct reading *r, const char *line)
{
    if (r->first_line.text[0] == 0) {
        (void)kl_fault(&r->first_line, KL_ERR_DATA, "%s", line);
    }
    kl_memory_remark(r->memory, "%s", line);
}

static struct kl_memory_stream *add_plate(struct reading *r, size_t index,
                                          const struct kl_c3d_plate *plate,
                                          const struct kl_c3d_axes *axes)
{
    struct kl_stream stream = new_stream(r, KL_KIND_FORCE);
    (void)snprintf(stream.name, sizeof(stream.name), "plate.%zu", index + 1);
    for (size_t i = 0; i < plate->channel_count; i++) {
        describe_channel(&r->c3d, plate->channel[i], &stream);
    }
    stream.plate = kl_c3d_plate_map(plate, axes, 1.0);
    struct kl_memory_stream *s = kl_memory_add(r->memory, &stream, kl_c3d_analog_samples(&r->c3d));
    for (size_t i = 0; s != NULL && i < plate->channel_count; i++) {
        if (kl_c3d_analog(&r->c3d, plate->channel[i], s->value + i, plate->channel_count) !=
            KL_OK) {
            return NULL;
        }
    }
    return s;
}

static void drop_last_stream(struct kl_memory *memory)
{
    struct kl_memory_stream *s = &memory->stream[--memory->stream_count];
    free(s->t_ns);
    free(s->value);
    free(s->quality);
}

/** Integer counts without their zero are no force.
 *  @return the number, from 1, of the first such channel of the plate; 0: all have one */
static size_t zero_unknown(const struct kl_c3d *c3d, const struct kl_c3d_plate *plate)
{
    const struct kl_c3d_parameter *offset = kl_c3d_find(c3d, "ANALOG", "OFFSET");
    for (size_t i = 0; !c3d->is_float && i < plate->channel_count; i++) {
        if (offset == NULL || (offset->count < 255 && plate->channel[i] >= offset->count)) {
            return plate->channel[i] + 1;
        }
    }
    return 0;
}

static int read_plate(struct reading *r, size_t index, struct kl_c3d_axes *axes, bool *has_axes)
{
    struct kl_c3d_plate plate;
    struct kl_fault line = {""};
    if (kl_c3d_plate_read(&r->c3d, index, &plate, &line) != KL_OK) {
        refuse_plate(r, line.text);
        return KL_OK;
    }
    size_t unknown = zero_unknown(&r->c3d, &plate);
    if (unknown > 0) {
        (void)kl_fault(&line, KL_ERR_DATA,
                       "plate %zu: ANALOG:OFFSET says nothing of channel %zu, so its zero is not "
                       "known; the parameter section is damaged, export the file again",
                       index + 1, unknown);
        refuse_plate(r, line.text);
        return KL_OK;
    }
    if (!*has_axes) {
        *axes = kl_c3d_axes(&r->c3d, &plate);
        *has_axes = true;
    }
    struct vertical vertical;
    struct kl_memory_stream *s = add_plate(r, index, &plate, axes);
    if (s == NULL || !find_vertical(s, &vertical)) {
        return no_memory(r);
    }
    double peak = fmax(fabs(vertical.low), fabs(vertical.high));
    if (peak > plausible_n) {
        (void)kl_fault(&line, KL_ERR_DATA,
                       "plate %zu: %.1f kN cannot be a runner's: TYPE %d with channels that are "
                       "already scaled? correct FORCE_PLATFORM:TYPE or ANALOG:SCALE",
                       index + 1, peak / 1e3, plate.type);
        drop_last_stream(r->memory);
        refuse_plate(r, line.text);
        return KL_OK;
    }
    if (holds_load(&vertical)) {
        s->stream.plate = kl_c3d_plate_map(&plate, axes, -1.0);
        kl_memory_remark(r->memory,
                         "plate %zu: holds the load on the plate (%.0f N at its peak), not the "
                         "force on the person; its sign is turned",
                         index + 1, vertical.low);
    }
    if (plate.type == 1) {
        kl_memory_remark(r->memory, "plate %zu: positions are relative to the plate's centre",
                         index + 1);
    }
    if (-(axes->row[1][0] * plate.axis[2][0] + axes->row[1][1] * plate.axis[2][1] +
          axes->row[1][2] * plate.axis[2][2]) < 0.9) {
        kl_memory_remark(r->memory,
                         "plate %zu: its surface does not lie flat and upwards; two corners may be "
                         "exchanged",
                         index + 1);
    }
    kl_memory_mark_invalid(s);
    return KL_OK;
}

static int read_plates(struct reading *r)
{
    static const char forward[] = "xyz";
    struct kl_c3d_axes axes = {0};
    bool has_axes = false;
    size_t stated = 0;
    size_t count = kl_c3d_plate_count(&r->c3d, &stated);
    int status = KL_OK;
    for (size_t i = 0; status == KL_OK && i < count; i++) {
        size_t channels[KL_PLATE_CHANNELS_MAX];
        size_t n = kl_c3d_plate_channels(&r->c3d, i, channels);
        for (size_t k = 0; k < n; k++) {
            r->taken[channels[k]] = true;
        }
        status = read_plate(r, i, &axes, &has_axes);
    }
    if (count < stated) {
        kl_memory_remark(r->memory,
                         "FORCE_PLATFORM:USED says %zu plates, but only %zu are described", stated,
                         count);
    }
    if (has_axes) {
        kl_memory_remark(r->memory,
                         "a C3D file does not say where the runner faces: forward is taken along "
                         "the file's +%c",
                         forward[axes.row[0][0] == 1.0 ? 0 : 1]);
    } else {
        kl_memory_remark(r->memory, "no force plate in this file can be used");
    }
    return status;
}

/* --------------------------------------------------------- other channels */

/* Only what is obvious: a voltage, and a label that names EMG or a vastus. */
static bool is_emg(const struct kl_c3d *c3d, size_t channel)
{
    static const char *const units[] = {"V", "MV", "UV", "\xb5V", "\xc2\xb5V", "VOLTS"};
    static const char *const words[] = {"EMG", "VMO", "VASTUS", "VASTI"};
    char unit[16], label[64];
    (void)kl_c3d_analog_text(c3d, "UNITS", channel, unit, sizeof(unit));
    (void)kl_c3d_analog_text(c3d, "LABELS", channel, label, sizeof(label));
    for (char *p = unit; *p != 0; p++) {
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    }
    for (char *p = label; *p != 0; p++) {
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
    }
    bool voltage = false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        voltage |= strcmp(unit, units[i]) == 0;
    }
    bool named = strcmp(label, "VL") == 0 || strcmp(label, "VM") == 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        named |= strstr(label, words[i]) != NULL;
    }
    return voltage && named;
}

static int finish_analog(struct reading *r, const struct kl_stream *stream, const size_t *channels)
{
    struct kl_memory_stream *s = kl_memory_add(r->memory, stream, kl_c3d_analog_samples(&r->c3d));
    if (s == NULL) {
        return no_memory(r);
    }
    for (size_t i = 0; i < stream->channel_count; i++) {
        int status = kl_c3d_analog(&r->c3d, channels[i], s->value + i, stream->channel_count);
        if (status != KL_OK) {
            return status;
        }
    }
    kl_memory_mark_invalid(s);
    return KL_OK;
}

/* The free channels of one kind, in streams of at most KL_CHANNELS_MAX. */
static int read_analog(struct reading *r, enum kl_kind kind, const char *name)
{
    size_t channels[KL_CHANNELS_MAX] = {0};
    size_t streams = 0;
    struct kl_stream stream = new_stream(r, kind);
    int status = KL_OK;
    size_t left = 0;
    for (size_t c = 0; c < r->c3d.analog_count; c++) {
        left += !r->taken[c] && is_emg(&r->c3d, c) == (kind == KL_KIND_EMG);
    }
    bool several = left > KL_CHANNELS_MAX;
    for (size_t c = 0; status == KL_OK && c < r->c3d.analog_count && left > 0; c++) {
        if (r->taken[c] || is_emg(&r->c3d, c) != (kind == KL_KIND_EMG)) {
            continue;
        }
        channels[stream.channel_count] = c;
        describe_channel(&r->c3d, c, &stream);
        left--;
        if (stream.channel_count < KL_CHANNELS_MAX && left > 0) {
            continue;
        }
        if (r->memory->stream_count == KL_STREAMS_MAX) {
            kl_memory_remark(r->memory, "%zu analog channels do not fit and are left out",
                             left + stream.channel_count);
            break;
        }
        (void)snprintf(stream.name, sizeof(stream.name), several ? "%s.%zu" : "%s", name,
                       ++streams);
        status = finish_analog(r, &stream, channels);
        stream = new_stream(r, kind);
    }
    return status;
}

/* --------------------------------------------------------- people, events */

static void read_subject(struct reading *r)
{
    const struct kl_c3d *c3d = &r->c3d;
    double mass = kl_c3d_number(c3d, kl_c3d_find(c3d, "PROCESSING", "BODYMASS"), 0, 0.0);
    double height = kl_c3d_number(c3d, kl_c3d_find(c3d, "PROCESSING", "HEIGHT"), 0, 0.0) / 1e3;
    if (mass > 20.0 && mass < 300.0) { /* kg; Vicon's field, 0 when not entered */
        (void)kl_memory_event(
            r->memory,
            &(struct kl_event){.kind = KL_EVENT_SUBJECT,
                               .value = {mass, height > 1.0 && height < 2.5 ? height : 0.0},
                               .text = ""});
    }
}

/* EVENT:TIMES are (minutes, seconds) from frame 1 of the original recording. */
static void read_events(struct reading *r)
{
    const struct kl_c3d *c3d = &r->c3d;
    const struct kl_c3d_parameter *times = kl_c3d_find(c3d, "EVENT", "TIMES");
    double used = kl_c3d_number(c3d, kl_c3d_find(c3d, "EVENT", "USED"), 0, 0.0);
    double start_s = c3d->first_frame == 0 ? 0.0 : (c3d->first_frame - 1.0) / c3d->frame_rate_hz;
    double end_s = (double)c3d->frame_count / c3d->frame_rate_hz;
    for (size_t i = 0; (double)i < used && i < KL_MEMORY_EVENTS_MAX; i++) {
        char context[40], label[40], raw[96], text[128];
        double seconds = 60.0 * kl_c3d_number(c3d, times, 2 * i, (double)NAN) +
                         kl_c3d_number(c3d, times, 2 * i + 1, (double)NAN) - start_s;
        if (!(seconds >= 0.0 && seconds <= end_s)) {
            continue;
        }
        (void)kl_c3d_text(kl_c3d_find(c3d, "EVENT", "CONTEXTS"), i, context, sizeof(context));
        (void)kl_c3d_text(kl_c3d_find(c3d, "EVENT", "LABELS"), i, label, sizeof(label));
        (void)snprintf(raw, sizeof(raw), "%s%s%s", context, context[0] != 0 ? " " : "", label);
        to_utf8(raw, text, sizeof(text));
        (void)kl_memory_event(r->memory, &(struct kl_event){.kind = KL_EVENT_MARKER,
                                                            .t_ns = kl_nanoseconds(seconds),
                                                            .text = text});
    }
}

static int read_all(struct reading *r)
{
    const struct kl_c3d *c3d = &r->c3d;
    if (c3d->analog_count == 0) {
        return kl_fault(r->fault, KL_ERR_DATA,
                        "%s: C3D with %zu markers but no analog channel, so no force plate; export "
                        "it again with its forces",
                        r->path, c3d->point_count);
    }
    double seconds = (double)kl_c3d_analog_samples(c3d) / c3d->analog_rate_hz;
    if (!(c3d->analog_rate_hz > 0) || !(seconds > 0 && seconds < 1e9)) {
        return kl_fault(r->fault, KL_ERR_DATA,
                        "%s: C3D with an analog rate of %g Hz; correct ANALOG:RATE", r->path,
                        c3d->analog_rate_hz);
    }
    for (size_t i = 0; i < c3d->remark_count; i++) {
        kl_memory_remark(r->memory, "%s", c3d->remark[i]);
    }
    if (c3d->stated_frames > (double)c3d->frame_count) {
        (void)snprintf(r->memory->missing, sizeof(r->memory->missing),
                       "the file ends early: %zu of %.0f frames are there", c3d->frame_count,
                       c3d->stated_frames);
    }
    read_subject(r);
    int status = read_plates(r);
    if (status == KL_OK) {
        status = read_analog(r, KL_KIND_EMG, "emg");
    }
    if (status == KL_OK) {
        status = read_analog(r, KL_KIND_OTHER, "analog");
    }
    if (status == KL_OK && r->memory->stream_count == 0) {
        status = kl_fault(r->fault, KL_ERR_DATA, "%s: nothing to use: %.300s", r->path,
                          r->first_line.text);
    }
    if (status == KL_OK) {
        read_events(r);
    }
    return status;
}

int kl_c3d_session(const char *name, const uint8_t *buf, size_t len, struct kl_memory *memory,
                   struct kl_fault *fault)
{
    const char *slash = strrchr(name, '/');
    struct reading r = {
        .path = name, .source = slash != NULL ? slash + 1 : name, .memory = memory, .fault = fault};
    int status = kl_c3d_parse(name, buf, len, &r.c3d, fault);
    if (status != KL_OK) {
        return status;
    }
    r.taken = calloc(r.c3d.analog_count + 1, sizeof(*r.taken));
    status = r.taken != NULL ? read_all(&r) : no_memory(&r);
    free(r.taken);
    kl_c3d_release(&r.c3d);
    return status;
}

struct kl_source *kl_c3d_open(const char *path, struct kl_fault *fault)
{
    struct kl_bytes bytes;
    struct kl_source *source = NULL;
    if (kl_bytes_read(path, &bytes, fault) != KL_OK) {
        return NULL;
    }
    struct kl_memory *memory = calloc(1, sizeof(*memory));
    if (memory == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory", path);
    } else if (kl_c3d_session(path, bytes.data, bytes.len, memory, fault) == KL_OK) {
        source = kl_memory_source(memory);
        if (source == NULL) {
            (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory", path);
        }
    }
    if (memory != NULL) {
        kl_memory_release(memory);
        free(memory);
    }
    kl_bytes_release(&bytes);
    return source;
}

#include "app/lab_together.h"

#include "process/motion/segment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A runner of 70 kg peaks at about 2.5 body weights, 1.7 kN (methods 4.1): less is clipped. */
#define CAPACITY_MIN_N 1800.0
/* No plate under a runner measures more; a gain or an excitation was left out. */
#define CAPACITY_MAX_N 200000.0
#define APART_M 0.05 /* plates nearer to each other lie on one another */

/* What a plate does not tell of itself: where it stands in the lab file. */
struct placed_plate {
    unsigned device, stream; /* from 1 */
    const struct kl_stream *of;
};

static size_t line_of_device(struct kl_lab_document *document, size_t device, const char *key)
{
    unsigned before = document->device;
    document->device = (unsigned)device + 1;
    size_t line = kl_lab_line(document, key);
    document->device = before;
    return line;
}

static bool is_told(const struct kl_lab_device *device)
{
    return device->choice.port[0] != '\0' || device->choice.serial_number[0] != '\0' ||
           device->choice.host[0] != '\0';
}

/* Two devices may not share a name or what they are plugged into. */
static void check_pair(struct kl_lab_document *document, const struct kl_lab *lab, size_t one,
                       size_t other)
{
    const struct kl_lab_device *a = &lab->device[one], *b = &lab->device[other];
    if (strcmp(a->name, b->name) == 0) {
        (void)kl_lab_refuse(document, "name", "another device has this name, on line %zu",
                            line_of_device(document, one, "name"));
    }
    if (a->driver == NULL || b->driver == NULL) {
        return;
    }
    if (b->choice.port[0] != '\0' && strcmp(a->choice.port, b->choice.port) == 0) {
        (void)kl_lab_refuse(document, "port", "another device is on this port, on line %zu",
                            line_of_device(document, one, "port"));
    }
    if (a->driver == b->driver && b->choice.host[0] != '\0' &&
        strcmp(a->choice.host, b->choice.host) == 0) {
        (void)kl_lab_refuse(document, "host", "another device is at this host, on line %zu",
                            line_of_device(document, one, "host"));
    }
    if (b->choice.serial_number[0] != '\0' && a->driver == b->driver &&
        strcmp(a->choice.serial_number, b->choice.serial_number) == 0) {
        (void)kl_lab_refuse(document, "serial_number",
                            "another device has this number, on line %zu",
                            line_of_device(document, one, "serial_number"));
    }
    if (a->driver == b->driver && b->driver->generate == NULL && !(is_told(a) && is_told(b))) {
        (void)kl_lab_refuse(document, "",
                            "%s and %s are both %s: which is which must not be a matter of luck; "
                            "give each its serial_number, port or host (`kneelab devices` shows "
                            "them)",
                            a->name, b->name, b->driver->name);
    }
}

/* The key that gave a device's stream its name. */
static void name_key(const struct kl_lab_device *device, size_t stream, char out[40])
{
    if (stream < device->real.stream_count) {
        (void)snprintf(out, 40, "streams[%zu].name", stream + 1);
    } else {
        (void)snprintf(out, 40, "%s", device->placement[0] != '\0' ? "placement" : "");
    }
}

/* Streams of one name are two sensors in one place. */
static void check_stream_name(struct kl_lab_document *document, const struct kl_lab *lab,
                              size_t device, size_t stream)
{
    const char *name = lab->device[device].stream[stream].name;
    for (size_t d = 0; d <= device; d++) {
        size_t count = d < device ? lab->device[d].stream_count : stream;
        for (size_t s = 0; s < count; s++) {
            char key[40], other_key[40];
            if (strcmp(lab->device[d].stream[s].name, name) != 0) {
                continue;
            }
            name_key(&lab->device[device], stream, key);
            name_key(&lab->device[d], s, other_key);
            (void)kl_lab_refuse(document, key,
                                "%s is also given by %s (line %zu): two sensors in one place; "
                                "move or rename one of them",
                                name, lab->device[d].name, line_of_device(document, d, other_key));
            return;
        }
    }
}

/* Sensors on no segment known here are recorded, and nothing is computed from them. */
static void doubt_segment(const struct kl_lab_document *document,
                          const struct kl_lab_device *device, size_t stream)
{
    const struct kl_stream *of = &device->stream[stream];
    char key[40], all[120] = "";
    if (of->kind != KL_KIND_IMU || strncmp(of->name, "imu.", 4) != 0 ||
        kl_segment_of(of->name) != KL_SEGMENT_COUNT) {
        return;
    }
    for (int i = 0; i < KL_SEGMENT_COUNT; i++) {
        size_t at = strlen(all);
        (void)snprintf(all + at, sizeof(all) - at, "%s%s", i > 0 ? ", " : "",
                       kl_segment_text((enum kl_segment)i));
    }
    name_key(device, stream, key);
    kl_lab_doubt(document, key,
                 "%s is recorded, but no motion is computed from it; known places are %s",
                 of->name + 4, all);
}

/* ------------------------------------------------------------------- plates */

double kl_lab_plate_capacity_n(const struct kl_stream *stream)
{
    double capacity_n = 0;
    for (size_t c = 0; c < stream->channel_count && c < KL_PLATE_CHANNELS_MAX; c++) {
        capacity_n += fabs(stream->plate.matrix[KL_FY][c]) * stream->plate.full_scale[c];
    }
    return capacity_n;
}

static bool has_outline(const struct kl_plate *plate)
{
    bool any = false;
    for (size_t k = 0; k < 4; k++) {
        any |= plate->corner_x_m[k] != 0 || plate->corner_z_m[k] != 0;
    }
    return any;
}

static double centre(const double corner[4])
{
    return (corner[0] + corner[1] + corner[2] + corner[3]) / 4;
}

static void doubt_capacity(const struct kl_lab_document *document, const struct placed_plate *plate)
{
    double capacity_n = kl_lab_plate_capacity_n(plate->of);
    char key[40];
    (void)snprintf(key, sizeof(key), "streams[%u].plate", plate->stream);
    if (capacity_n > 0 && capacity_n < CAPACITY_MIN_N) {
        kl_lab_doubt(document, key,
                     "at its rails %s measures %.0f N of vertical force; a runner of 70 kg peaks "
                     "at about 1700 N: lower the amplifier's gain, or is a number of the sheet "
                     "wrong?",
                     plate->of->name, capacity_n);
    }
    if (capacity_n > CAPACITY_MAX_N) {
        kl_lab_doubt(document, key,
                     "at its rails %s would measure %.0f kN of vertical force; is the gain, the "
                     "excitation or a unit wrong?",
                     plate->of->name, capacity_n / 1000);
    }
}

/* The filter must fit the plate's rate, or there will be no steps from it. */
static void check_cutoff(struct kl_lab_document *document, const struct kl_lab *lab,
                         const struct placed_plate *plate)
{
    if (!kl_force_settings_fit(&lab->settings.force, plate->of->rate_hz)) {
        unsigned before = document->device;
        document->device = 0;
        (void)kl_lab_refuse(document, "settings.cutoff_hz",
                            "%g Hz is too high for %s at %g Hz; lower the cut-off or raise "
                            "the rate",
                            lab->settings.force.cutoff_hz, plate->of->name, plate->of->rate_hz);
        document->device = before;
    }
}

static void check_plates(const struct kl_lab_document *document, const struct placed_plate *a,
                         const struct placed_plate *b)
{
    const struct kl_plate *one = &a->of->plate, *other = &b->of->plate;
    char key[40];
    bool same = strcmp(a->of->name, b->of->name) == 0; /* told as such */
    if (same || !has_outline(one) || !has_outline(other)) {
        return;
    }
    double z = centre(one->corner_z_m), other_z = centre(other->corner_z_m);
    if (hypot(centre(one->corner_x_m) - centre(other->corner_x_m), z - other_z) < APART_M) {
        (void)snprintf(key, sizeof(key), "streams[%u].plate", b->stream);
        (void)kl_lab_refuse(document, key, "%s lies where %s lies; say where each of them is",
                            b->of->name, a->of->name);
        return;
    }
    bool exchanged = (one->side == KL_SIDE_LEFT && other->side == KL_SIDE_RIGHT && z > other_z) ||
                     (one->side == KL_SIDE_RIGHT && other->side == KL_SIDE_LEFT && z < other_z);
    if (exchanged) {
        (void)snprintf(key, sizeof(key), "streams[%u].side", b->stream);
        (void)kl_lab_refuse(document, key,
                            "left and right are exchanged: %s carries the %s foot, but its middle "
                            "is %.2f m to the %s of %s; exchange the sides or the places",
                            b->of->name, kl_side_text(other->side), fabs(z - other_z),
                            z > other_z ? "left" : "right", a->of->name);
    }
}

static void check_all_plates(struct kl_lab_document *document, const struct kl_lab *lab)
{
    struct placed_plate plate[KL_STREAMS_MAX];
    size_t count = 0;
    for (unsigned d = 0; d < lab->device_count; d++) {
        const struct kl_lab_device *device = &lab->device[d];
        document->device = d + 1;
        for (unsigned s = 0; s < device->stream_count && count < KL_STREAMS_MAX; s++) {
            if (device->stream[s].kind != KL_KIND_FORCE) {
                continue;
            }
            struct placed_plate *now = &plate[count];
            *now = (struct placed_plate){d + 1, s + 1, &device->stream[s]};
            check_cutoff(document, lab, now);
            if (device->driver->generate == NULL) {
                doubt_capacity(document, now);
            }
            for (size_t i = 0; i < count; i++) {
                check_plates(document, &plate[i], now);
            }
            count++;
        }
    }
    document->device = 0;
}

void kl_lab_together(struct kl_lab_document *document, const struct kl_lab *lab)
{
    for (size_t d = 0; d < lab->device_count; d++) {
        document->device = (unsigned)d + 1;
        for (size_t other = 0; other < d; other++) {
            check_pair(document, lab, other, d);
        }
        for (size_t s = 0; s < lab->device[d].stream_count; s++) {
            check_stream_name(document, lab, d, s);
            doubt_segment(document, &lab->device[d], s);
        }
    }
    check_all_plates(document, lab);
}

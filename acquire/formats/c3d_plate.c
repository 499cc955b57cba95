#include "acquire/formats/c3d_plate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define GROUP "FORCE_PLATFORM"
#define PLATES_MAX 32
#define SIDE_MM_MIN 10.0 /* a plate longer than this many units is described in mm */

static const size_t plate_channels[] = {0, 6, 6, 8, 6}; /* by type */

/* -------------------------------------------------------------- vectors */

static void cross(const double *a, const double *b, double *out)
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static bool normalise(double *v)
{
    double length = sqrt(dot(v, v));
    if (!(length > 0) || !isfinite(length)) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        v[i] /= length;
    }
    return true;
}

/* Plate frame to laboratory directions. */
static void to_lab(const struct kl_c3d_plate *plate, const double *p, double *out)
{
    for (size_t i = 0; i < 3; i++) {
        out[i] = plate->axis[0][i] * p[0] + plate->axis[1][i] * p[1] + plate->axis[2][i] * p[2];
    }
}

/* -------------------------------------------------------------- reading */

static const struct kl_c3d_parameter *find(const struct kl_c3d *c3d, const char *name)
{
    return kl_c3d_find(c3d, GROUP, name);
}

/* Length of the first dimension: channels of one plate in CHANNEL. */
static size_t first_dimension(const struct kl_c3d_parameter *p)
{
    return p == NULL || p->dimension_count == 0 ? 0 : p->dimension[0];
}

size_t kl_c3d_plate_count(const struct kl_c3d *c3d, size_t *stated)
{
    const struct kl_c3d_parameter *channel = find(c3d, "CHANNEL");
    const struct kl_c3d_parameter *type = find(c3d, "TYPE");
    const struct kl_c3d_parameter *corners = find(c3d, "CORNERS");
    double used = kl_c3d_number(c3d, find(c3d, "USED"), 0, 0.0);
    size_t count = used > 0 && used <= PLATES_MAX ? (size_t)used : 0;
    *stated = count;
    size_t per_plate = first_dimension(channel);
    size_t limits[] = {
        type == NULL ? 0 : type->count,
        per_plate == 0 ? 0 : channel->count / per_plate,
        corners == NULL ? 0 : corners->count / 12,
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        count = limits[i] < count ? limits[i] : count;
    }
    return count;
}

size_t kl_c3d_plate_channels(const struct kl_c3d *c3d, size_t index,
                             size_t out[KL_PLATE_CHANNELS_MAX])
{
    const struct kl_c3d_parameter *channel = find(c3d, "CHANNEL");
    size_t per_plate = first_dimension(channel);
    size_t count = 0;
    for (size_t i = 0; i < per_plate && count < KL_PLATE_CHANNELS_MAX; i++) {
        double number = kl_c3d_number(c3d, channel, index * per_plate + i, 0.0);
        if (number >= 1 && number <= (double)c3d->analog_count) {
            out[count++] = (size_t)number - 1;
        }
    }
    return count;
}

static int read_channels(const struct kl_c3d *c3d, size_t index, struct kl_c3d_plate *plate,
                         struct kl_fault *fault)
{
    const struct kl_c3d_parameter *channel = find(c3d, "CHANNEL");
    size_t per_plate = first_dimension(channel);
    for (size_t i = 0; i < plate->channel_count; i++) {
        double number =
            i < per_plate ? kl_c3d_number(c3d, channel, index * per_plate + i, 0.0) : 0.0;
        if (!(number >= 1 && number <= (double)c3d->analog_count)) {
            return kl_fault(fault, KL_ERR_DATA,
                            "plate %zu: its channel %zu should be analog channel %.0f, but the "
                            "file holds %zu",
                            index + 1, i + 1, number, c3d->analog_count);
        }
        plate->channel[i] = (size_t)number - 1;
    }
    return KL_OK;
}

static void read_origin(const struct kl_c3d *c3d, size_t index, struct kl_c3d_plate *plate)
{
    for (size_t i = 0; i < 3; i++) {
        plate->origin[i] = kl_c3d_number(c3d, find(c3d, "ORIGIN"), index * 3 + i, 0.0);
    }
    if (plate->origin[2] > 0) { /* stored from the surface to the sensor: as common as the rule */
        for (size_t i = plate->type == 3 ? 2 : 0; i < 3; i++) { /* type 3: x, y are lengths */
            plate->origin[i] = -plate->origin[i];
        }
    }
}

static int read_calibration(const struct kl_c3d *c3d, size_t index, struct kl_c3d_plate *plate,
                            struct kl_fault *fault)
{
    const struct kl_c3d_parameter *matrix = find(c3d, "CAL_MATRIX");
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
            double missing = i == j ? 1.0 : 0.0;
            plate->calibration[i][j] =
                plate->type == 4
                    ? kl_c3d_number(c3d, matrix, index * 36 + j * KL_WRENCH_COUNT + i, (double)NAN)
                    : missing;
            if (!isfinite(plate->calibration[i][j])) {
                return kl_fault(fault, KL_ERR_DATA,
                                "plate %zu: type 4 needs FORCE_PLATFORM:CAL_MATRIX of 36 numbers",
                                index + 1);
            }
        }
    }
    return KL_OK;
}

static int read_corners(const struct kl_c3d *c3d, size_t index, struct kl_c3d_plate *plate,
                        struct kl_fault *fault)
{
    const struct kl_c3d_parameter *corners = find(c3d, "CORNERS");
    double toward_x[3], toward_y[3];
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 4; k++) {
            plate->corner[k][i] = kl_c3d_number(c3d, corners, index * 12 + k * 3 + i, (double)NAN);
            plate->centre[i] += plate->corner[k][i] / 4.0;
        }
        toward_x[i] = plate->corner[0][i] - plate->corner[1][i];
        toward_y[i] = plate->corner[0][i] - plate->corner[3][i];
    }
    double(*axis)[3] = plate->axis;
    memcpy(axis[0], toward_x, sizeof(toward_x));
    bool usable = normalise(axis[0]);
    cross(axis[0], toward_y, axis[2]);
    usable = usable && normalise(axis[2]);
    cross(axis[2], axis[0], axis[1]);
    if (!usable) {
        return kl_fault(fault, KL_ERR_DATA,
                        "plate %zu: FORCE_PLATFORM:CORNERS span no surface; enter the corners of "
                        "the plate",
                        index + 1);
    }
    return KL_OK;
}

int kl_c3d_plate_read(const struct kl_c3d *c3d, size_t index, struct kl_c3d_plate *out,
                      struct kl_fault *fault)
{
    struct kl_c3d_plate plate = {0};
    double type = kl_c3d_number(c3d, find(c3d, "TYPE"), index, 0.0);
    if (!(type >= 1 && type <= 4)) {
        return kl_fault(fault, KL_ERR_UNSUPPORTED,
                        "plate %zu: FORCE_PLATFORM:TYPE %.0f is not read; types 1 to 4 are",
                        index + 1, type);
    }
    plate.type = (int)type;
    plate.channel_count = plate_channels[plate.type];
    int status = read_channels(c3d, index, &plate, fault);
    if (status == KL_OK) {
        status = read_corners(c3d, index, &plate, fault);
    }
    if (status == KL_OK) {
        status = read_calibration(c3d, index, &plate, fault);
    }
    if (status != KL_OK) {
        return status;
    }
    read_origin(c3d, index, &plate);
    *out = plate;
    return KL_OK;
}

/* ------------------------------------------------------------- wrenches */

/* Force and moment in P, the moment about the sensor's origin. Not for type 1. */
static void sensor_wrench(const struct kl_c3d_plate *plate, const double *raw, double *f, double *m)
{
    if (plate->type == 3) {
        /* fx12 fx34 fy14 fy23 fz1..4; sensors at (+-a, +-b), a and b are ORIGIN x and y */
        double a = plate->origin[0];
        double b = plate->origin[1];
        const double *fz = raw + 4;
        f[0] = raw[0] + raw[1];
        f[1] = raw[2] + raw[3];
        f[2] = fz[0] + fz[1] + fz[2] + fz[3];
        m[0] = b * (fz[0] + fz[1] - fz[2] - fz[3]);
        m[1] = a * (-fz[0] + fz[1] + fz[2] - fz[3]);
        m[2] = b * (-raw[0] + raw[1]) + a * (raw[2] - raw[3]);
        return;
    }
    double load[KL_WRENCH_COUNT];
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        load[i] = 0.0;
        for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
            load[i] += plate->calibration[i][j] * raw[j];
        }
    }
    memcpy(f, load, 3 * sizeof(*f));
    memcpy(m, load + 3, 3 * sizeof(*m));
}

/* Force and moment about the centre of the top surface, in P. */
static void surface_wrench(const struct kl_c3d_plate *plate, const double *raw, double *f,
                           double *m)
{
    double shift[3];
    if (plate->type == 1) { /* the file gives the point; M = p x F + T */
        const double point[3] = {raw[3], raw[4], 0.0};
        memcpy(f, raw, 3 * sizeof(*f));
        cross(point, f, m);
        m[2] += raw[5];
        return;
    }
    sensor_wrench(plate, raw, f, m);
    const double arm[3] = {plate->type == 3 ? 0.0 : plate->origin[0],
                           plate->type == 3 ? 0.0 : plate->origin[1], plate->origin[2]};
    cross(f, arm, shift);
    for (size_t i = 0; i < 3; i++) {
        m[i] += shift[i];
    }
}

struct kl_c3d_wrench kl_c3d_plate_wrench(const struct kl_c3d_plate *plate, const double *raw)
{
    struct kl_c3d_wrench out = {0};
    double f[3], m[3];
    surface_wrench(plate, raw, f, m);
    to_lab(plate, f, out.force);
    to_lab(plate, m, out.moment);
    if (f[2] == 0.0) {
        return out;
    }
    out.has_point = true;
    double n = dot(f, f);
    const double cop[3] = {-m[1] / f[2], m[0] / f[2], 0.0};
    const double free_moment[3] = {0.0, 0.0, m[2] - cop[0] * f[1] + cop[1] * f[0]};
    const double shimba[3] = {
        (f[1] * m[2] - f[2] * m[1]) / n - (f[0] * f[0] * m[1] - f[0] * f[1] * m[0]) / (n * f[2]),
        (f[2] * m[0] - f[0] * m[2]) / n - (f[0] * f[1] * m[1] - f[1] * f[1] * m[0]) / (n * f[2]),
        0.0,
    };
    to_lab(plate, cop, out.cop);
    to_lab(plate, free_moment, out.free_moment);
    to_lab(plate, shimba, out.shimba);
    for (size_t i = 0; i < 3; i++) {
        out.cop[i] += plate->centre[i];
        out.shimba[i] += plate->centre[i];
    }
    return out;
}

/* ------------------------------------------------------------- our axes */

static double unit_length(const struct kl_c3d *c3d, const struct kl_c3d_plate *plate)
{
    static const struct {
        const char *unit;
        double length_m;
    } units[] = {{"mm", 1e-3}, {"cm", 1e-2}, {"m", 1.0}, {"mete", 1.0}, {"meters", 1.0}};
    char unit[16];
    (void)kl_c3d_text(kl_c3d_find(c3d, "POINT", "UNITS"), 0, unit, sizeof(unit));
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].unit) == 0) {
            return units[i].length_m;
        }
    }
    double side[3];
    for (size_t i = 0; i < 3; i++) {
        side[i] = plate->corner[0][i] - plate->corner[1][i];
    }
    return sqrt(dot(side, side)) > SIDE_MM_MIN ? 1e-3 : 1.0;
}

/* "+Z", "-y": a signed unit vector; false for anything else. */
static bool screen_axis(const struct kl_c3d *c3d, const char *name, double *out)
{
    char text[8];
    (void)kl_c3d_text(kl_c3d_find(c3d, "POINT", name), 0, text, sizeof(text));
    const char *p = text + (text[0] == '+' || text[0] == '-');
    int axis = (*p | 0x20) - 'x';
    if (axis < 0 || axis > 2 || p[1] != 0) {
        return false;
    }
    memset(out, 0, 3 * sizeof(*out));
    out[axis] = text[0] == '-' ? -1.0 : 1.0;
    return true;
}

struct kl_c3d_axes kl_c3d_axes(const struct kl_c3d *c3d, const struct kl_c3d_plate *plate)
{
    struct kl_c3d_axes axes = {.length_m = unit_length(c3d, plate)};
    double(*row)[3] = axes.row;
    if (!screen_axis(c3d, "Y_SCREEN", row[1])) {
        const double *ez = plate->axis[2];
        size_t most = 0;
        for (size_t i = 1; i < 3; i++) {
            most = fabs(ez[i]) > fabs(ez[most]) ? i : most;
        }
        row[1][most] = ez[most] > 0 ? -1.0 : 1.0; /* z of a plate points down */
    }
    row[0][row[1][0] == 0.0 ? 0 : 1] = 1.0;
    cross(row[0], row[1], row[2]);
    return axes;
}

static void to_ours(const struct kl_c3d_plate *plate, const struct kl_c3d_axes *axes,
                    const double *p, double *out)
{
    double lab[3];
    to_lab(plate, p, lab);
    for (size_t i = 0; i < 3; i++) {
        out[i] = dot(axes->row[i], lab);
    }
}

/* Type 1: force, point relative to the centre, free moment; a linear map of the channels too. */
static void map_point(const struct kl_c3d_plate *plate, const struct kl_c3d_axes *axes, double sign,
                      struct kl_plate *out)
{
    double v[3];
    out->form = KL_PLATE_POINT;
    for (size_t j = 0; j < 3; j++) {
        double unit[3] = {0};
        unit[j] = 1.0;
        to_ours(plate, axes, unit, v);
        for (size_t i = 0; i < 3; i++) {
            out->matrix[KL_FX + i][j] = sign * v[i];
        }
        if (j < 2) { /* Px, Py */
            out->matrix[KL_MX][3 + j] = axes->length_m * v[0];
            out->matrix[KL_MZ][3 + j] = axes->length_m * v[2];
        } else { /* Mz */
            out->matrix[KL_MY][5] = sign * axes->length_m * v[1];
        }
    }
}

static void map_wrench(const struct kl_c3d_plate *plate, const struct kl_c3d_axes *axes,
                       const double *centre_m, double sign, struct kl_plate *out)
{
    for (size_t j = 0; j < plate->channel_count; j++) {
        double raw[KL_PLATE_CHANNELS_MAX] = {0};
        double f[3], m[3], force[3], moment[3], shift[3];
        raw[j] = 1.0;
        surface_wrench(plate, raw, f, m);
        to_ours(plate, axes, f, force);
        to_ours(plate, axes, m, moment);
        cross(centre_m, force, shift);
        for (size_t i = 0; i < 3; i++) {
            out->matrix[KL_FX + i][j] = sign * force[i];
            out->matrix[KL_MX + i][j] = sign * (moment[i] * axes->length_m + shift[i]);
        }
    }
}

struct kl_plate kl_c3d_plate_map(const struct kl_c3d_plate *plate, const struct kl_c3d_axes *axes,
                                 double sign)
{
    struct kl_plate out = {.side = KL_SIDE_UNKNOWN, .measured = KL_PLATE_MEASURES_ALL};
    double centre_m[3];
    for (size_t i = 0; i < 3; i++) {
        centre_m[i] = dot(axes->row[i], plate->centre) * axes->length_m;
    }
    if (plate->type == 1) { /* its point has no constant part in a linear map */
        centre_m[0] = centre_m[2] = 0.0;
    }
    for (size_t k = 0; k < 4; k++) {
        double arm[3];
        for (size_t i = 0; i < 3; i++) {
            arm[i] = plate->corner[k][i] - plate->centre[i];
        }
        out.corner_x_m[k] = centre_m[0] + dot(axes->row[0], arm) * axes->length_m;
        out.corner_z_m[k] = centre_m[2] + dot(axes->row[2], arm) * axes->length_m;
    }
    centre_m[1] = 0.0; /* our origin lies on the surface */
    if (plate->type == 1) {
        map_point(plate, axes, sign, &out);
    } else {
        map_wrench(plate, axes, centre_m, sign, &out);
    }
    return out;
}

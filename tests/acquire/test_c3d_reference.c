/* Every recorded C3D file against what BTK and ezc3d read from it.
 *
 * Both compute force and moment alike; they differ in the point: ezc3d gives (-My/Fz, Mx/Fz) at the
 * centre of the plate, BTK where the wrench axis meets the plate (Shimba 1984). Both points are
 * computed here, each compared with its own tool. */
#include "acquire/formats/c3d.h"
#include "acquire/formats/c3d_plate.h"
#include "acquire/whole_file.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The references print 9 digits of float32 data; 1e-6 is asked for. */
static const double relative = 1e-6;
/* N and N·mm: absolute part, for values that cancel to about 0. */
static const double force_n = 2e-6;
static const double moment_n_mm = 5e-4;
/* mm: at 10 N, 1e-5 N·mm / N. */
static const double point_mm = 1e-3;
/* A point is a quotient: below this load its last digits are not comparable, and below 10 N BTK
 * gives the centre of the plate instead. */
static const double point_load_n = 20.0;

/* ezc3d negates a and b of type 3 with the positive height, so its moments are wrong there, and
 * BTK's differ from both by 280-410 mm of COP (agreement file): neither is truth. */
static bool has_disputed_moment(const char *file)
{
    return strstr(file, "Walking_Hybrid") != NULL;
}

struct tally {
    size_t files, channels, wrenches, points;
    double worst_channel, worst_force_n, worst_point_mm;
};

static double number_at(const json_t *array, size_t index)
{
    return json_number_value(json_array_get(array, index));
}

static void compare_channels(const char *file, const struct kl_c3d *c3d, const json_t *reference,
                             double *values, struct tally *tally)
{
    size_t channel;
    const json_t *row;
    size_t samples = kl_c3d_analog_samples(c3d);
    json_array_foreach(json_object_get(reference, "analog_sample"), channel, row)
    {
        double mean = 0.0, size = 0.0;
        cr_assert_eq(kl_c3d_analog(c3d, channel, values, 1), KL_OK, "%s", file);
        for (size_t i = 0; i < samples; i++) {
            mean += values[i] / (double)samples;
            size = fmax(size, fabs(values[i]));
        }
        size_t index = (size_t)json_integer_value(json_object_get(row, "index0"));
        double value = json_number_value(json_object_get(row, "value"));
        double expected_mean = json_number_value(json_object_get(row, "mean"));
        cr_expect_float_eq(values[index], value, relative * fabs(value) + 1e-12,
                           "%s channel %zu: %.9g, expected %.9g", file, channel, values[index],
                           value);
        cr_expect_float_eq(mean, expected_mean, relative * size + 1e-12,
                           "%s channel %zu mean: %.9g, expected %.9g", file, channel, mean,
                           expected_mean);
        if (value != 0.0) {
            tally->worst_channel = fmax(tally->worst_channel, fabs(values[index] / value - 1.0));
        }
        tally->channels++;
    }
}

static void compare_vector(const char *legend, const char *file, size_t sample, const double *value,
                           const json_t *expected, double absolute, double *worst)
{
    if (expected == NULL || json_is_null(json_array_get(expected, 0))) {
        return;
    }
    double size = 0.0;
    for (size_t i = 0; i < 3; i++) {
        size = fmax(size, fabs(number_at(expected, i)));
    }
    for (size_t i = 0; i < 3; i++) {
        double difference = fabs(value[i] - number_at(expected, i));
        cr_expect_leq(difference, relative * size + absolute,
                      "%s sample %zu %s[%zu]: %.9g, "
                      "expected %.9g",
                      file, sample, legend, i, value[i], number_at(expected, i));
        *worst = fmax(*worst, difference);
    }
}

/* The same wrench through the map into our axes gives the same point of the plate. */
static void compare_map(const char *file, const struct kl_c3d_plate *plate,
                        const struct kl_c3d_axes *axes, const double *raw,
                        const struct kl_c3d_wrench *wrench)
{
    struct kl_plate map = kl_c3d_plate_map(plate, axes, 1.0);
    double w[6] = {0}, force[3], cop[3];
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < plate->channel_count; j++) {
            w[i] += map.matrix[i][j] * raw[j];
        }
    }
    for (size_t i = 0; i < 3; i++) {
        force[i] = cop[i] = 0.0;
        for (size_t j = 0; j < 3; j++) {
            force[i] += axes->row[i][j] * wrench->force[j];
            double from = plate->type == 1 ? plate->centre[j] : 0.0;
            cop[i] += axes->row[i][j] * (wrench->cop[j] - from) * axes->length_m;
        }
        cr_expect_float_eq(w[i], force[i], 1e-9 * (1.0 + fabs(force[i])), "%s", file);
    }
    double x = map.form == KL_PLATE_POINT ? w[KL_MX] : w[KL_MZ] / w[KL_FY];
    double z = map.form == KL_PLATE_POINT ? w[KL_MZ] : -w[KL_MX] / w[KL_FY];
    /* A plate that leans by 1 % (type1.C3D) or lies 2 mm askew moves the point by less than that.
     */
    cr_expect_float_eq(x, cop[0], 1.5e-3, "%s: x %.6f, expected %.6f", file, x, cop[0]);
    cr_expect_float_eq(z, cop[2], 1.5e-3, "%s: z %.6f, expected %.6f", file, z, cop[2]);
}

/* R (F x o): what moves the moment from the sensor's origin to the surface. */
static void moment_shift(const struct kl_c3d_plate *plate, const double *force, double *out)
{
    double o[3] = {0};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = plate->type == 3 ? 2 : 0; i < 3 && plate->type != 1; i++) {
            o[k] += plate->axis[i][k] * plate->origin[i];
        }
    }
    for (size_t k = 0; k < 3; k++) {
        out[k] = force[(k + 1) % 3] * o[(k + 2) % 3] - force[(k + 2) % 3] * o[(k + 1) % 3];
    }
}

static void compare_plate(const char *file, const struct kl_c3d *c3d, size_t index, bool ezc3d,
                          const json_t *reference, double *values, struct tally *tally)
{
    struct kl_fault fault = {""};
    struct kl_c3d_plate plate;
    size_t i;
    const json_t *row;
    int status = kl_c3d_plate_read(c3d, index, &plate, &fault);
    if (strstr(file, "shd01") != NULL && index == 1) {
        cr_expect_eq(status, KL_ERR_DATA); /* BTK makes up zeros for channels that are not there */
        return;
    }
    cr_assert_eq(status, KL_OK, "%s: %s", file, fault.text);
    for (size_t c = 0; c < plate.channel_count; c++) {
        cr_assert_eq(kl_c3d_analog(c3d, plate.channel[c], values + c, KL_PLATE_CHANNELS_MAX),
                     KL_OK);
    }
    struct kl_c3d_axes axes = kl_c3d_axes(c3d, &plate);
    json_array_foreach(json_object_get(reference, "samples"), i, row)
    {
        size_t sample = (size_t)json_integer_value(json_object_get(row, "index0"));
        const double *raw = values + sample * KL_PLATE_CHANNELS_MAX;
        struct kl_c3d_wrench wrench = kl_c3d_plate_wrench(&plate, raw);
        double ignored = 0.0;
        double load = 0.0, shift[3], btk_moment[3], btk_point[3];
        for (size_t k = 0; k < 3; k++) {
            load += wrench.force[k] * plate.axis[2][k];
        }
        load = fabs(load);
        /* BTK's moment is about the sensor's origin, the centre of its plate halfway from c1 to c3,
         * and for type 1 it passes the file's point on. */
        moment_shift(&plate, wrench.force, shift);
        for (size_t k = 0; k < 3; k++) {
            btk_moment[k] = wrench.moment[k] - shift[k];
            btk_point[k] = (plate.type == 1 ? wrench.cop[k] : wrench.shimba[k]) - plate.centre[k] +
                           (plate.corner[0][k] + plate.corner[2][k]) / 2.0;
        }
        compare_vector("force", file, sample, wrench.force, json_object_get(row, "force"), force_n,
                       &tally->worst_force_n);
        tally->wrenches++;
        if (has_disputed_moment(file)) {
            continue;
        }
        if (!ezc3d || plate.type != 1) { /* ezc3d's moment of type 1 is F x p: the other sign */
            compare_vector("moment", file, sample, ezc3d ? wrench.moment : btk_moment,
                           json_object_get(row, "moment"), moment_n_mm, &ignored);
        }
        if (!wrench.has_point || load < point_load_n) {
            continue;
        }
        compare_vector("cop", file, sample, wrench.cop, json_object_get(row, "cop"), point_mm,
                       &tally->worst_point_mm);
        compare_vector("shimba", file, sample, btk_point, json_object_get(row, "grw_position"),
                       point_mm, &tally->worst_point_mm);
        compare_map(file, &plate, &axes, raw, &wrench);
        tally->points++;
    }
}

static void compare_file(const char *file, const json_t *reference, bool ezc3d, struct tally *tally)
{
    static double values[1 << 20];
    char path[512];
    struct kl_fault fault = {""};
    struct kl_bytes bytes;
    struct kl_c3d c3d;
    size_t i, stated = 0;
    const json_t *row;
    double worst = 0.0;
    (void)snprintf(path, sizeof(path), "%s/%s", KL_DATA, file);
    cr_assert_eq(kl_bytes_read(path, &bytes, &fault), KL_OK, "%s", fault.text);
    cr_assert_eq(kl_c3d_parse(file, bytes.data, bytes.len, &c3d, &fault), KL_OK, "%s", fault.text);
    const struct {
        const char *key;
        double value;
    } counts[] = {
        {"point_count", (double)c3d.point_count},
        {"point_frames", (double)c3d.frame_count},
        {"analog_count", (double)c3d.analog_count},
        {"analog_frames", (double)kl_c3d_analog_samples(&c3d)},
        {"first_frame", (double)c3d.first_frame},
    };
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        const json_t *count = json_object_get(reference, counts[i].key);
        if (count != NULL) {
            cr_expect_eq(counts[i].value, json_number_value(count), "%s %s: %g", file,
                         counts[i].key, counts[i].value);
        }
    }
    cr_assert_leq(kl_c3d_analog_samples(&c3d) * KL_PLATE_CHANNELS_MAX,
                  sizeof(values) / sizeof(values[0]));
    compare_channels(file, &c3d, reference, values, tally);
    json_array_foreach(json_object_get(reference, "points_sample"), i, row)
    {
        double xyz[3];
        size_t frame = (size_t)json_integer_value(json_object_get(row, "index0"));
        if (kl_c3d_point(&c3d, frame, i, xyz) &&
            json_array_size(json_object_get(reference, "point_labels")) == 0) {
            compare_vector("point", file, frame, xyz, json_object_get(row, "xyz"), 1e-4, &worst);
        }
    }
    size_t plates = kl_c3d_plate_count(&c3d, &stated);
    json_array_foreach(json_object_get(reference, "platforms"), i, row)
    {
        cr_assert_lt(i, plates, "%s", file);
        compare_plate(file, &c3d, i, ezc3d, row, values, tally);
    }
    tally->files++;
    kl_c3d_release(&c3d);
    kl_bytes_release(&bytes);
}

/* Files the reference tool could not read, or read otherwise for a reason we know. */
static bool is_comparable(const char *file, const json_t *reference, bool ezc3d)
{
    static const char *const ezc3d_differs[] = {
        "shd01",       /* takes the absolute value of a negative OFFSET */
        "phasespace",  /* needs groups that the file does not have */
        "kyowadengyo", /* believes POINT:USED, which does not fit the file */
        "type1.C3D",   /* finds no analog channel */
    };
    if (!json_is_true(json_object_get(reference, "ok"))) {
        return false;
    }
    for (size_t i = 0; ezc3d && i < sizeof(ezc3d_differs) / sizeof(ezc3d_differs[0]); i++) {
        if (strstr(file, ezc3d_differs[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* Python wrote bytes that are no UTF-8 (a degree sign) as lone surrogates \\udcXX, which jansson
 * refuses: read as Latin-1 instead. */
static json_t *load_json(const char *path, json_error_t *error)
{
    struct kl_bytes bytes;
    struct kl_fault fault = {""};
    cr_assert_eq(kl_bytes_read(path, &bytes, &fault), KL_OK, "%s", fault.text);
    for (char *p = (char *)bytes.data; (p = strstr(p, "\\udc")) != NULL; p += 4) {
        p[2] = p[3] = '0';
    }
    json_t *json = json_loadb((const char *)bytes.data, bytes.len, 0, error);
    kl_bytes_release(&bytes);
    return json;
}

static void compare_all(const char *reference, bool ezc3d, size_t files_expected)
{
    struct tally tally = {0};
    json_error_t error;
    const char *file;
    json_t *row;
    if (access(KL_DATA "/README.md", R_OK) != 0) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
    json_t *all = load_json(reference, &error);
    cr_assert_not_null(all, "%s: %s", reference, error.text);
    json_object_foreach(all, file, row)
    {
        if (is_comparable(file, row, ezc3d)) {
            compare_file(file, row, ezc3d, &tally);
        }
    }
    cr_log_info("%zu files, %zu channels (worst %.2g), %zu wrenches (worst %.2g N), %zu points "
                "(worst %.2g mm)\n",
                tally.files, tally.channels, tally.worst_channel, tally.wrenches,
                tally.worst_force_n, tally.points, tally.worst_point_mm);
    cr_expect_eq(tally.files, files_expected, "%zu files", tally.files);
    json_decref(all);
}

Test(c3d_reference, every_file_reads_as_btk_reads_it)
{
    compare_all(KL_DATA "/reference/c3d_btk.json", false, 25);
}

Test(c3d_reference, every_file_reads_as_ezc3d_reads_it)
{
    compare_all(KL_DATA "/reference/c3d_ezc3d.json", true, 18);
}

/* The C3D format against its documentation: files written here in every encoding, the worked
 * examples of force-plate arithmetic, damaged files. */
#include "acquire/formats/c3d.h"
#include "acquire/formats/c3d_plate.h"
#include "acquire/formats/recording.h"
#include "acquire/whole_file.h"
#include "c3d_writer.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const analog_labels[] = {"Fz", "VMO"};
static const char *const analog_units[] = {"N", "mV"};

/* 1 point, 2 channels x 2 subframes, 3 frames from frame 5; the last point is missing. Raw numbers
 * are small integers so that all encodings hold them exactly. */
static void write_two_channels(struct c3d_writer *w, enum kl_c3d_processor processor, bool is_float)
{
    static double raw[3][8];
    const int one = 1, two = 2, offsets[] = {10, -20};
    const double rate = 100.0, analog_rate = 200.0, gain = 0.5, scales[] = {2.0, -0.25};
    *w = (struct c3d_writer){.processor = processor,
                             .is_float = is_float,
                             .points = 1,
                             .channels = 2,
                             .subframes = 2,
                             .frames = 3,
                             .first_frame = 5,
                             .rate_hz = rate,
                             .point_scale = 0.5};
    c3d_begin(w);
    c3d_int16(w, 1, "USED", &one, 1, 0); /* parameters may come before their group */
    c3d_group(w, 1, "POINT");
    c3d_float(w, 1, "SCALE", (const double[]){is_float ? -0.5 : 0.5}, 1, 0);
    c3d_float(w, 1, "RATE", &rate, 1, 0);
    c3d_group(w, 2, "Analog");
    c3d_int16(w, 2, "USED", &two, 1, 0);
    c3d_float(w, 2, "RATE", &analog_rate, 1, 0);
    c3d_float(w, 2, "GEN_SCALE", &gain, 1, 0);
    c3d_float(w, 2, "SCALE", scales, 2, 0);
    c3d_int16(w, 2, "OFFSET", offsets, 2, 0);
    c3d_text(w, 2, "LABELS", analog_labels, 2, 6);
    c3d_text(w, 2, "UNITS", analog_units, 2, 4);
    for (int f = 0; f < 3; f++) {
        double scale = is_float ? 1.0 : 0.5; /* float files hold lengths, integer files counts */
        double *p = raw[f];
        p[0] = (100.0 + f) / scale;
        p[1] = -200.0 / scale;
        p[2] = 300.0 / scale;
        p[3] = f == 2 ? -1.0 : 0.0;
        for (int s = 0; s < 2; s++) {
            p[4 + 2 * s] = 100.0 * f + 10.0 * s;
            p[5 + 2 * s] = -100.0 * f - 10.0 * s;
        }
    }
    c3d_data(w, &raw[0][0], COUNT(raw) * COUNT(raw[0]));
}

Test(c3d, every_encoding_gives_the_same_numbers)
{
    static const struct {
        enum kl_c3d_processor processor;
        bool is_float;
    } rows[] = {
        {KL_C3D_INTEL, false}, {KL_C3D_INTEL, true}, {KL_C3D_DEC, false},
        {KL_C3D_DEC, true},    {KL_C3D_MIPS, false}, {KL_C3D_MIPS, true},
    };
    static struct c3d_writer w;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *legend = kl_c3d_processor_text(rows[i].processor);
        struct kl_fault fault = {""};
        struct kl_c3d c3d;
        double value[2][6], xyz[3];
        char text[16];
        write_two_channels(&w, rows[i].processor, rows[i].is_float);
        cr_assert_eq(kl_c3d_parse("w.c3d", w.file, w.len, &c3d, &fault), KL_OK, "%s: %s", legend,
                     fault.text);
        cr_expect_eq(c3d.point_count, 1);
        cr_expect_eq(c3d.analog_count, 2);
        cr_expect_eq(c3d.frame_count, 3);
        cr_expect_eq(c3d.first_frame, 5);
        cr_expect_eq(c3d.frame_rate_hz, 100.0);
        cr_expect_eq(c3d.analog_rate_hz, 200.0);
        cr_expect_eq(kl_c3d_analog_samples(&c3d), 6);
        cr_expect_eq(kl_c3d_analog_text(&c3d, "LABELS", 1, text, sizeof(text)), 3);
        cr_expect_str_eq(text, "VMO");
        cr_expect_eq(kl_c3d_analog_text(&c3d, "LABELS", 2, text, sizeof(text)), 0);
        for (size_t c = 0; c < 2; c++) {
            cr_expect_eq(kl_c3d_analog(&c3d, c, value[c], 1), KL_OK);
        }
        for (int s = 0; s < 6; s++) { /* (raw - offset) * scale * gen_scale, exact in binary */
            double raw = 100.0 * (s / 2) + 10.0 * (s % 2);
            cr_expect_eq(value[0][s], (raw - 10.0) * 2.0 * 0.5, "%s %d: %g", legend, s,
                         value[0][s]);
            cr_expect_eq(value[1][s], (-raw + 20.0) * -0.25 * 0.5, "%s %d", legend, s);
        }
        cr_expect_eq(kl_c3d_analog(&c3d, 2, value[0], 1), KL_ERR_ARG);
        cr_expect(kl_c3d_point(&c3d, 1, 0, xyz));
        cr_expect(xyz[0] == 101.0 && xyz[1] == -200.0 && xyz[2] == 300.0, "%s: %g", legend, xyz[0]);
        cr_expect_not(kl_c3d_point(&c3d, 2, 0, xyz), "%s: missing", legend);
        cr_expect_not(kl_c3d_point(&c3d, 3, 0, xyz));
        cr_expect_eq(c3d.remark_count, 0);
        kl_c3d_release(&c3d);
    }
}

Test(c3d, zeros_before_the_header_and_old_processor_bytes_are_taken)
{
    static struct c3d_writer w;
    static uint8_t file[C3D_FILE_MAX + 100];
    struct kl_fault fault = {""};
    struct kl_c3d c3d;
    double value[6];
    write_two_channels(&w, KL_C3D_DEC, true);
    memcpy(file + 100, w.file, w.len);
    file[100 + 515] = 2; /* 1, 2, 3 for 84, 85, 86 */
    cr_assert_eq(kl_c3d_parse("z.c3d", file, w.len + 100, &c3d, &fault), KL_OK, "%s", fault.text);
    cr_expect_eq(kl_c3d_analog(&c3d, 0, value, 1), KL_OK);
    cr_expect_eq(value[5], 200.0);
    kl_c3d_release(&c3d);
}

Test(c3d, a_file_that_ends_early_keeps_its_whole_frames)
{
    static struct c3d_writer w;
    struct kl_fault fault = {""};
    struct kl_c3d c3d;
    write_two_channels(&w, KL_C3D_INTEL, true);
    cr_assert_eq(kl_c3d_parse("e.c3d", w.file, w.len - 1, &c3d, &fault), KL_OK);
    cr_expect_eq(c3d.frame_count, 2);
    cr_assert_eq(c3d.remark_count, 1);
    cr_expect_str_eq(c3d.remark[0], "the file ends early: 2 of 3 frames are there");
    kl_c3d_release(&c3d);
}

Test(c3d, unsigned_samples_have_unsigned_offsets)
{
    static struct c3d_writer w = {.processor = KL_C3D_INTEL,
                                  .channels = 1,
                                  .subframes = 1,
                                  .frames = 2,
                                  .first_frame = 1,
                                  .rate_hz = 100.0,
                                  .point_scale = 1.0};
    static const char *const format[] = {"UNSIGNED"};
    const int offset = -32752; /* 32784 in the same bits: shd01.c3d */
    struct kl_fault fault = {""};
    struct kl_c3d c3d;
    double value[2];
    c3d_begin(&w);
    c3d_group(&w, 2, "ANALOG");
    c3d_int16(&w, 2, "OFFSET", &offset, 1, 0);
    c3d_text(&w, 2, "FORMAT", format, 1, 8);
    c3d_data(&w, (const double[]){32784.0, 60000.0}, 2);
    cr_assert_eq(kl_c3d_parse("u.c3d", w.file, w.len, &c3d, &fault), KL_OK, "%s", fault.text);
    cr_expect_eq(kl_c3d_analog(&c3d, 0, value, 1), KL_OK);
    cr_expect_eq(value[0], 0.0);
    cr_expect_eq(value[1], 60000.0 - 32784.0);
    kl_c3d_release(&c3d);
}

Test(c3d, damaged_files_are_refused_in_one_line)
{
    static struct c3d_writer w;
    static uint8_t file[C3D_FILE_MAX];
    static const struct {
        const char *legend;
        size_t at, len; /* one byte is set, then cut to len (0: whole) */
        uint8_t byte;
        const char *fault;
    } rows[] = {
        {"no magic", 1, 0, 0x51,
         "x.c3d: not a C3D file: no 0x50 in its second byte or no processor byte 84-86"},
        {"no processor", 515, 0, 9,
         "x.c3d: not a C3D file: no 0x50 in its second byte or no processor byte 84-86"},
        {"parameter block beyond the end", 0, 0, 200,
         "x.c3d: not a C3D file: no 0x50 in its second byte or no processor byte 84-86"},
        {"cut in the header", 1, 300, 0x50,
         "x.c3d: not a C3D file: no 0x50 in its second byte or no processor byte 84-86"},
        {"data beyond the end", 16, 0, 77,
         "x.c3d: damaged C3D: its data should begin at byte 38912 of 1120; copy the file again "
         "from where it was recorded"},
        {"data on the parameters", 16, 0, 2,
         "x.c3d: damaged C3D: its data should begin at byte 512 of 1120; copy the file again "
         "from where it was recorded"},
        {"no frame", 8, 0, 1,
         "x.c3d: C3D without a whole frame (1 points, 2 analog channels, 96 bytes of data); copy "
         "the file again from where it was recorded"},
    };
    write_two_channels(&w, KL_C3D_INTEL, true);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kl_fault fault = {""};
        struct kl_c3d c3d;
        memcpy(file, w.file, w.len);
        file[rows[i].at] = rows[i].byte;
        cr_expect_eq(
            kl_c3d_parse("x.c3d", file, rows[i].len != 0 ? rows[i].len : w.len, &c3d, &fault),
            KL_ERR_DATA, "%s", rows[i].legend);
        cr_expect_str_eq(fault.text, rows[i].fault, "%s: %s", rows[i].legend, fault.text);
    }
}

/* ------------------------------------------------------------------ plates */

/* Corners (mm) of examples 1 and 2: ex = (1,0,0), ey = (0,-1,0), ez = (0,0,-1), t = (300,200,0). */
static const double example_corners[12] = {532, -54, 0, 68, -54, 0, 68, 454, 0, 532, 454, 0};

/* CAL_MATRIX of example 1, N/V and N·m/V, as printed: 8 decimals. */
static const double example_calibration[6][6] = {
    {37.31276227, -0.22292657, -0.10974959, 0.00131133, 0, 0},
    {0.16706899, 37.31243622, 0.00054149, -0.21948492, 0, 0},
    {-0.43799091, 0.22210758, 147.06011789, -0.00130652, 0, 0},
    {0.00020611, -0.00010452, -0.06920476, 14.70588297, 0, 0},
    {0.13092197, -0.00078220, -0.00038509, 0.00000460, 14.61988304, 0},
    {0.00005183, -0.00002628, -0.01740356, 0.00000015, 0, 7.39644970},
};

/* One plate, two samples (the second half as large). Values may exceed int16: float file. */
static void write_plate(struct c3d_writer *w, int type, const double *origin, const double *raw,
                        unsigned channels)
{
    const int one = 1, number[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const char *const mm[] = {"mm"};
    double cal[36], data[16];
    *w = (struct c3d_writer){.processor = KL_C3D_INTEL,
                             .is_float = true,
                             .channels = channels,
                             .subframes = 1,
                             .frames = 2,
                             .first_frame = 1,
                             .rate_hz = 100.0,
                             .point_scale = 1.0};
    for (int j = 0; j < 6; j++) {
        for (int i = 0; i < 6; i++) { /* column by column; moments in N·mm */
            cal[j * 6 + i] = example_calibration[i][j] * (i < 3 ? 1.0 : 1e3);
        }
    }
    c3d_begin(w);
    c3d_group(w, 1, "POINT");
    c3d_text(w, 1, "UNITS", mm, 1, 2);
    c3d_group(w, 3, "FORCE_PLATFORM");
    c3d_int16(w, 3, "USED", &one, 1, 0);
    c3d_int16(w, 3, "TYPE", &type, 1, 0);
    c3d_float(w, 3, "CORNERS", example_corners, 12, 3);
    c3d_float(w, 3, "ORIGIN", origin, 3, 3);
    c3d_int16(w, 3, "CHANNEL", number, channels, channels);
    c3d_float(w, 3, "CAL_MATRIX", cal, 36, 6);
    for (unsigned i = 0; i < channels; i++) {
        data[i] = raw[i];
        data[channels + i] = raw[i] / 2.0;
    }
    c3d_data(w, data, (size_t)2 * channels);
}

static void expect_near(const char *legend, const double *value, const double *expected,
                        double tolerance)
{
    for (int i = 0; i < 3; i++) {
        cr_expect_float_eq(value[i], expected[i], tolerance, "%s [%d]: %.9g, expected %.9g", legend,
                           i, value[i], expected[i]);
    }
}

static const struct plate_example {
    const char *legend;
    int type;
    unsigned channels;
    double origin[3];
    double raw[8];
    double force[3], cop[3], free_moment; /* file's axes, N, mm, N·mm */
    double sign;                          /* what makes it the reaction */
    double length_tolerance;              /* mm: what the printed digits allow */
} plate_examples[] = {
    {"type 4, volts of the load (example 1)",
     4,
     6,
     {0.5, -0.3, -40},
     {0.5556, 0.922076, 4.7602, -2.27668, -4.87146, 1.0283772},
     {20, -35, -700},
     {400, 250, 0},
     -3000,
     -1,
     1e-3},
    {"type 2, reactions",
     2,
     6,
     {0.5, -0.3, -40},
     {-20, -35, -700, 33810, 71150, -7523.5},
     {-20, 35, 700},
     {400, 250, 0},
     3000,
     1,
     1e-4},
    {"type 2, origin the other way round",
     2,
     6,
     {-0.5, 0.3, 40},
     {-20, -35, -700, 33810, 71150, -7523.5},
     {-20, 35, 700},
     {400, 250, 0},
     3000,
     1,
     1e-4},
    {"type 3, load (example 2)",
     3,
     8,
     {120, 200, -54},
     {8, 12, 20, 15, 210, 120, 150, 220},
     {20, -35, -700},
     {325.885714, 214.128571, 0},
     -211.428571,
     -1,
     1e-4},
    {"type 3, height the other way round",
     3,
     8,
     {120, 200, 54},
     {8, 12, 20, 15, 210, 120, 150, 220},
     {20, -35, -700},
     {325.885714, 214.128571, 0},
     -211.428571,
     -1,
     1e-4},
    {"type 1, reactions with their point",
     1,
     6,
     {0, 0, 0},
     {-20, -35, -700, 100, -50, -3000},
     {-20, 35, 700},
     {400, 250, 0},
     3000,
     1,
     1e-4},
};

/* Force, COP and free moment in our axes, from the map and the raw channels, and from the values in
 * the file's axes: x = x, y = z, z = -y, metres; heights from the surface. */
static void expect_map(const struct plate_example *e, const struct kl_plate *map)
{
    double w[6] = {0}, cop_x, cop_z, torque;
    for (int i = 0; i < 6; i++) {
        for (unsigned j = 0; j < e->channels; j++) {
            w[i] += map->matrix[i][j] * e->raw[j];
        }
    }
    double force[3] = {e->sign * e->force[0], e->sign * e->force[2], -e->sign * e->force[1]};
    expect_near(e->legend, w, force, 1e-4);
    if (map->form == KL_PLATE_POINT) { /* relative to the centre */
        cop_x = w[3] + 0.3;
        cop_z = w[5] - 0.2;
        torque = w[4];
    } else { /* methods 7.1, h = 0 */
        cop_x = w[5] / w[1];
        cop_z = -w[3] / w[1];
        torque = w[4] - cop_z * w[0] + cop_x * w[2];
    }
    cr_expect_float_eq(cop_x, e->cop[0] / 1e3, e->length_tolerance / 1e3, "%s: %.9g", e->legend,
                       cop_x);
    cr_expect_float_eq(cop_z, -e->cop[1] / 1e3, e->length_tolerance / 1e3, "%s: %.9g", e->legend,
                       cop_z);
    cr_expect_float_eq(torque, e->sign * e->free_moment / 1e3, 2e-3, "%s: %.9g", e->legend, torque);
    cr_expect_eq(map->measured, KL_PLATE_MEASURES_ALL);
}

Test(c3d_plate, worked_examples_come_out_of_files_of_each_type)
{
    static struct c3d_writer w;
    for (size_t i = 0; i < COUNT(plate_examples); i++) {
        const struct plate_example *e = &plate_examples[i];
        struct kl_fault fault = {""};
        struct kl_c3d c3d;
        struct kl_c3d_plate plate;
        size_t stated = 0;
        write_plate(&w, e->type, e->origin, e->raw, e->channels);
        cr_assert_eq(kl_c3d_parse("p.c3d", w.file, w.len, &c3d, &fault), KL_OK, "%s", fault.text);
        cr_assert_eq(kl_c3d_plate_count(&c3d, &stated), 1);
        cr_assert_eq(kl_c3d_plate_read(&c3d, 0, &plate, &fault), KL_OK, "%s: %s", e->legend,
                     fault.text);
        struct kl_c3d_wrench wrench = kl_c3d_plate_wrench(&plate, e->raw);
        const double free_moment[3] = {0, 0, e->free_moment};
        cr_expect(wrench.has_point);
        expect_near(e->legend, wrench.force, e->force, 1e-4); /* printed volts, float32 matrix */
        expect_near(e->legend, wrench.cop, e->cop, e->length_tolerance);
        expect_near(e->legend, wrench.free_moment, free_moment, 2.0); /* of 3000 N·mm: as printed */
        struct kl_c3d_axes axes = kl_c3d_axes(&c3d, &plate);
        struct kl_plate map = kl_c3d_plate_map(&plate, &axes, e->sign);
        expect_map(e, &map);
        cr_expect_float_eq(map.corner_x_m[0] + (e->type == 1 ? 0.3 : 0.0), 0.532, 1e-7);
        cr_expect_float_eq(map.corner_z_m[0] - (e->type == 1 ? 0.2 : 0.0), 0.054, 1e-7);
        kl_c3d_release(&c3d);
    }
}

Test(c3d_plate, two_belts_add_up_about_the_lab_origin)
{
    /* Example 3, in m and N: moments about the origin of each belt, then the common COP. */
    const double f[2][3] = {{-15, 40, 420}, {10, -25, 310}};
    const double p[2][2] = {{-0.20, 0.30}, {0.18, -0.10}};
    const double t[2] = {1.2, -0.7};
    double force[3] = {0}, moment[3] = {0};
    for (int k = 0; k < 2; k++) {
        /* a type-1 plate whose frame is the lab's turned over: x = x, y = -y, z = -z */
        struct kl_c3d_plate plate = {
            .type = 1, .channel_count = 6, .axis = {{1, 0, 0}, {0, -1, 0}, {0, 0, -1}}};
        const double raw[6] = {f[k][0], -f[k][1], -f[k][2], p[k][0], -p[k][1], -t[k]};
        struct kl_c3d_wrench w = kl_c3d_plate_wrench(&plate, raw);
        for (int i = 0; i < 3; i++) {
            force[i] += w.force[i];
            moment[i] += w.moment[i];
        }
    }
    expect_near("force", force, (const double[]){-5, 15, 730}, 1e-12);
    expect_near("moment", moment, (const double[]){95.0, 28.2, -6.5}, 1e-12);
    cr_expect_float_eq(-moment[1] / force[2], -0.0386301, 5e-8);
    cr_expect_float_eq(moment[0] / force[2], 0.1301370, 5e-8);
}

Test(c3d_plate, what_cannot_be_a_plate_is_refused_in_one_line)
{
    static struct c3d_writer w;
    const double origin[3] = {0, 0, -40}, raw[8] = {0, 0, -700, 0, 0, 0, 0, 0};
    struct kl_fault fault = {""};
    struct kl_c3d c3d;
    struct kl_c3d_plate plate;
    static const struct {
        int type;
        unsigned channels;
        enum kl_status status;
        const char *fault;
    } rows[] = {
        {5, 8, KL_ERR_UNSUPPORTED, "plate 1: FORCE_PLATFORM:TYPE 5 is not read; types 1 to 4 are"},
        {3, 6, KL_ERR_DATA,
         "plate 1: its channel 7 should be analog channel 0, but the file holds 6"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        write_plate(&w, rows[i].type, origin, raw, rows[i].channels);
        cr_assert_eq(kl_c3d_parse("p.c3d", w.file, w.len, &c3d, &fault), KL_OK);
        cr_expect_eq(kl_c3d_plate_read(&c3d, 0, &plate, &fault), (int)rows[i].status);
        cr_expect_str_eq(fault.text, rows[i].fault, "%s", fault.text);
        kl_c3d_release(&c3d);
    }
    cr_expect_not(kl_c3d_plate_wrench(&(struct kl_c3d_plate){.type = 2}, raw).has_point);
}

/* ----------------------------------------------------------------- sources */

static struct kl_source *open_bytes(const uint8_t *file, size_t len, struct kl_fault *fault)
{
    char path[] = "/tmp/kneelab_c3d_XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, file, len), (ssize_t)len);
    (void)close(fd);
    struct kl_source *source = kl_c3d_open(path, fault);
    (void)unlink(path);
    return source;
}

Test(c3d_source, a_plate_becomes_a_stream_and_a_load_is_turned_into_the_reaction)
{
    static struct c3d_writer w;
    for (size_t i = 0; i < COUNT(plate_examples); i++) {
        const struct plate_example *e = &plate_examples[i];
        struct kl_fault fault = {""};
        struct kl_item item;
        bool turned = false;
        size_t samples = 0;
        write_plate(&w, e->type, e->origin, e->raw, e->channels);
        struct kl_source *source = open_bytes(w.file, w.len, &fault);
        cr_assert_not_null(source, "%s: %s", e->legend, fault.text);
        cr_assert_eq(source->stream_count, 1);
        cr_expect_str_eq(source->stream[0].name, "plate.1");
        cr_expect_eq(source->stream[0].kind, KL_KIND_FORCE);
        cr_expect_eq(source->stream[0].channel_count, e->channels);
        cr_expect_eq(source->duration_ns, 20000000);
        expect_map(e, &source->stream[0].plate);
        while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
            if (item.kind == KL_ITEM_EVENT) {
                turned |= strstr(item.event.text, "its sign is turned") != NULL;
                continue;
            }
            cr_expect_eq(item.block.t_ns[0], KL_EPOCH_NS);
            for (unsigned c = 0; c < e->channels; c++) { /* raw channels, as recorded */
                cr_expect_eq(item.block.value[c], (double)(float)e->raw[c]);
            }
            samples += item.block.count;
        }
        cr_expect_eq(samples, 2);
        cr_expect_eq(turned, e->sign < 0, "%s", e->legend);
        kl_source_close(source);
    }
}

Test(c3d_source, files_without_a_usable_plate_say_why)
{
    static struct c3d_writer w;
    const double origin[3] = {0, 0, -40}, raw[8] = {0, 0, -5601, 0, 0, 0};
    struct kl_fault fault = {""};
    write_plate(&w, 2, origin, raw, 6);
    cr_expect_null(open_bytes(w.file, w.len, &fault));
    cr_expect_not_null(strstr(fault.text,
                              ": nothing to use: plate 1: 5.6 kN cannot be a runner's: TYPE 2 with "
                              "channels that are already scaled? correct FORCE_PLATFORM:TYPE or "
                              "ANALOG:SCALE"),
                       "%s", fault.text);
    w = (struct c3d_writer){.processor = KL_C3D_MIPS,
                            .points = 1,
                            .frames = 1,
                            .first_frame = 1,
                            .subframes = 1,
                            .rate_hz = 100.0,
                            .point_scale = 1.0};
    c3d_begin(&w);
    c3d_data(&w, (const double[]){1, 2, 3, 0}, 4);
    cr_expect_null(open_bytes(w.file, w.len, &fault));
    cr_expect_not_null(strstr(fault.text, ": C3D with 1 markers but no analog channel, so no force "
                                          "plate; export it again with its forces"),
                       "%s", fault.text);
    cr_expect_null(open_bytes((const uint8_t *)"hello\n", 6, &fault));
    cr_expect_not_null(strstr(fault.text, ": not a C3D file: "), "%s", fault.text);
}

Test(c3d_source, channels_of_a_muscle_become_emg_and_the_rest_analog)
{
    static struct c3d_writer w;
    struct kl_fault fault = {""};
    write_two_channels(&w, KL_C3D_DEC, false);
    struct kl_source *source = open_bytes(w.file, w.len, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    cr_assert_eq(source->stream_count, 2);
    cr_expect_str_eq(source->stream[0].name, "emg");
    cr_expect_eq(source->stream[0].kind, KL_KIND_EMG);
    cr_expect_str_eq(source->stream[0].label[0], "VMO");
    cr_expect_str_eq(source->stream[0].unit[0], "mV");
    cr_expect_str_eq(source->stream[1].name, "analog");
    cr_expect_str_eq(source->stream[1].label[0], "Fz");
    cr_expect_eq(source->stream[1].rate_hz, 200.0);
    kl_source_close(source);
}

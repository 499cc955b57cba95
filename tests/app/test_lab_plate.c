/* A plate's calibration sheet in a lab file: the worked examples of volts and forces, read as a lab
 * would write them, come out as the ground reaction. */
#define _XOPEN_SOURCE 700 /* mkstemp */
#include "app/lab.h"
#include "app/lab_together.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const double printed = 1e-6; /* the examples are printed with 7 to 9 digits */

static struct kl_lab lab;
static struct kl_lab_findings findings;

static int load(const char *text)
{
    char path[] = "/tmp/kl-plate-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    int status = kl_lab_read(path, &lab, &findings);
    (void)unlink(path);
    return status;
}

static const char *said(void)
{
    static char all[8192];
    all[0] = '\0';
    for (size_t i = 0; i < findings.count; i++) {
        size_t at = strlen(all);
        (void)snprintf(all + at, sizeof(all) - at, "%s%s\n",
                       findings.finding[i].doubt ? "doubt: " : "", findings.finding[i].fault.text);
    }
    return all;
}

#define HEAD                                                                                       \
    "devices:\n  - name: daq\n    driver: labjack_u6\n    rate_hz: 1000\n    streams:\n"           \
    "      - name: plate.left\n        kind: force\n        side: left\n"
#define SIX(unit)                                                                                  \
    "        channels:\n"                                                                          \
    "          - {input: 0, label: fx, unit: " unit ", full_scale: 5}\n"                           \
    "          - {input: 1, label: fy, unit: V}\n          - {input: 2, label: fz, unit: V}\n"     \
    "          - {input: 3, label: mx, unit: V}\n          - {input: 4, label: my, unit: V}\n"     \
    "          - {input: 5, label: mz, unit: V}\n"
#define EIGHT                                                                                      \
    "        channels:\n"                                                                          \
    "          - {input: 0, label: fx12, unit: V}\n          - {input: 1, label: fx34, unit: V}\n" \
    "          - {input: 2, label: fy14, unit: V}\n          - {input: 3, label: fy23, unit: V}\n" \
    "          - {input: 4, label: fz1, unit: V}\n          - {input: 5, label: fz2, unit: V}\n"   \
    "          - {input: 6, label: fz3, unit: V}\n          - {input: 7, label: fz4, unit: V}\n"

/* Example 1: an AMTI plate with cross-talk; its laboratory (x, y, z up) is (x, z, -y) here. */
#define SENSITIVITY                                                                                \
    "            sensitivity_uv:\n"                                                                \
    "              - [0.67, 0.004, 0.0005, 0, 0, 0]\n"                                             \
    "              - [-0.003, 0.67, 0, 0.01, 0, 0]\n"                                              \
    "              - [0.002, -0.001, 0.17, 0, 0, 0]\n"                                             \
    "              - [0, 0, 0.0008, 1.70, 0, 0]\n"                                                 \
    "              - [-0.006, 0, 0, 0, 1.71, 0]\n"                                                 \
    "              - [0, 0, 0.0004, 0, 0, 3.38]\n"
#define ORIGIN "            origin_m: [0.0005, -0.0003, -0.040]\n"
#define AMTI                                                                                       \
    "        plate:\n          sheet:\n" SENSITIVITY "            excitation_v: 10\n"              \
    "            gain: [4000]\n" ORIGIN
#define CORNERS                                                                                    \
    "          corners_m: [[0.532, 0.054], [0.068, 0.054], [0.068, -0.454], [0.532, -0.454]]\n"
/* The same place by its axes: y of the plate points to the right. */
#define AXES                                                                                       \
    "          x: forward\n          y: right\n          centre_m: [0.3, -0.2]\n"                  \
    "          size_m: [0.464, 0.508]\n"
/* The calibration matrix of example 1, N/V and N·m/V. */
#define CALIBRATION_V                                                                              \
    "        plate:\n          sheet:\n            calibration_v:\n"                               \
    "              - [37.31276227, -0.22292657, -0.10974959, 0.00131133, 0, 0]\n"                  \
    "              - [0.16706899, 37.31243622, 0.00054149, -0.21948492, 0, 0]\n"                   \
    "              - [-0.43799091, 0.22210758, 147.06011789, -0.00130652, 0, 0]\n"                 \
    "              - [0.00020611, -0.00010452, -0.06920476, 14.70588297, 0, 0]\n"                  \
    "              - [0.13092197, -0.00078220, -0.00038509, 0.00000460, 14.61988304, 0]\n"         \
    "              - [0.00005183, -0.00002628, -0.01740356, 0.00000015, 0, 7.39644970]\n" ORIGIN
#define KISTLER                                                                                    \
    "        plate:\n          sheet:\n"                                                           \
    "            sensitivity_pc_n: [-7.8, -7.8, -7.8, -7.8, -3.8, -3.8, -3.8, -3.8]\n"             \
    "            range_pc: [5000, 5000, 5000, 5000, 10000, 10000, 10000, 10000]\n"                 \
    "            sensors_m: [0.120, 0.200]\n            origin_m: [0, 0, -0.054]\n"

static const double volts[] = {0.5556, 0.922076, 4.7602, -2.27668, -4.87146, 1.0283772};

static void force_of(const double *value, double wrench[KL_WRENCH_COUNT])
{
    const struct kl_stream *stream = &lab.device[0].stream[0];
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        wrench[i] = 0;
        for (size_t c = 0; c < stream->channel_count; c++) {
            wrench[i] += stream->plate.matrix[i][c] * value[c];
        }
    }
}

static void expect_near(double found, double wanted, double scale, const char *what, size_t row)
{
    cr_expect(fabs(found - wanted) <= printed * fmax(fabs(wanted), scale),
              "row %zu: %s: %.9g, not %.9g", row, what, found, wanted);
}

/* force_plate_math.md, examples 1 and 2: GRF (-20, 35, 700) N. */
Test(lab_plate, worked_examples_come_out_as_ground_reaction)
{
    static const struct {
        const char *text, *legend;
        double x_m, z_m, twist;
    } row[] = {
        {HEAD SIX("V") AMTI CORNERS, "AMTI sensitivity, corners", 0.4, -0.25, 3.0},
        {HEAD SIX("V") AMTI AXES, "AMTI sensitivity, axes", 0.4, -0.25, 3.0},
        {HEAD SIX("V") AMTI CORNERS "          cover_m: 0.006\n", "a mat of 6 mm", 0.3998286,
         -0.2503, 3.0},
        {HEAD SIX("V") CALIBRATION_V AXES, "Bertec volts", 0.4, -0.25, 3.0},
        {HEAD EIGHT KISTLER CORNERS, "Kistler", 0.325885714, -0.214128571, 0.211428571},
    };
    static const double newtons[] = {8, 12, 20, 15, 210, 120, 150, 220};
    double charge[KL_PLATE_CHANNELS_MAX];
    for (size_t j = 0; j < KL_PLATE_CHANNELS_MAX; j++) {
        charge[j] = newtons[j] * (j < 4 ? -7.8 * 10 / 5000 : -3.8 * 10 / 10000);
    }
    for (size_t i = 0; i < COUNT(row); i++) {
        double w[KL_WRENCH_COUNT];
        cr_assert_eq(load(row[i].text), KL_OK, "%s: %s", row[i].legend, said());
        force_of(lab.device[0].stream[0].channel_count == 8 ? charge : volts, w);
        expect_near(w[KL_FX], -20, 1, row[i].legend, i);
        expect_near(w[KL_FY], 700, 1, row[i].legend, i);
        expect_near(w[KL_FZ], -35, 1, row[i].legend, i);
        double x = w[KL_MZ] / w[KL_FY], z = -w[KL_MX] / w[KL_FY];
        /* the mat's answer is printed to 0.1 um */
        cr_expect_float_eq(x, row[i].x_m, 1e-7, "%s: COP x %.9g", row[i].legend, x);
        cr_expect_float_eq(z, row[i].z_m, 1e-7, "%s: COP z %.9g", row[i].legend, z);
        if (i != 2) { /* about another height the example gives none */
            expect_near(w[KL_MY] - (z * w[KL_FX] - x * w[KL_FZ]), row[i].twist, 1, "twist", i);
        }
        cr_expect_eq(lab.device[0].stream[0].plate.side, KL_SIDE_LEFT);
        cr_expect_eq(lab.device[0].stream[0].plate.measured, KL_PLATE_MEASURES_ALL);
        kl_lab_free(&lab);
    }
}

Test(lab_plate, rails_are_the_converters_and_a_gain_too_high_is_doubted)
{
    cr_assert_eq(load(HEAD SIX("V") AMTI CORNERS), KL_OK, "%s", said());
    const struct kl_stream *plate = &lab.device[0].stream[0];
    cr_expect_eq(plate->plate.full_scale[0], 5, "as the lab file says");
    cr_expect_eq(plate->plate.full_scale[2], 10, "as the converter has it");
    /* 147.06 N/V times 10 V, and a little cross-talk of the others */
    cr_expect_float_eq(kl_lab_plate_capacity_n(plate), 1475, 2);
    cr_expect_not_null(strstr(said(), "doubt: "), "%s", said());
    cr_expect_not_null(strstr(said(), "lower the amplifier's gain"), "%s", said());
    kl_lab_free(&lab);
}

Test(lab_plate, load_cells_under_a_board_tell_weight_and_place)
{
    cr_assert_eq(load("devices:\n  - name: board\n    driver: number_line\n    port: /dev/x\n"
                      "    rate_hz: 200\n    streams:\n      - name: plate.belt\n"
                      "        kind: force\n        channels:\n"
                      "          - {input: 1, label: a, unit: kg}\n"
                      "          - {input: 2, label: b, unit: kg}\n"
                      "          - {input: 3, label: c, unit: kg}\n"
                      "          - {input: 4, label: d, unit: kg}\n"
                      "        plate:\n          sheet:\n"
                      "            cells_n: [9.80665, 9.80665, 9.80665, 9.80665]\n"
                      "            cells_m: [[0.114, 0.2165], [-0.114, 0.2165], "
                      "[0.114, -0.2165], [-0.114, -0.2165]]\n"
                      "          x: forward\n          y: right\n          centre_m: [0, 0]\n"
                      "          size_m: [0.3, 0.5]\n"),
                 KL_OK, "%s", said());
    /* digital_force_plates.md: the board's COP (+7.71, -6.55) mm, x right, y forward */
    double w[KL_WRENCH_COUNT];
    force_of((const double[]){24.6242, 26.0477, 21.4950, 25.6939}, w);
    expect_near(w[KL_FY], 97.8608 * 9.80665, 1, "weight", 0);
    cr_expect_float_eq(-w[KL_MX] / w[KL_FY], 7.71e-3, 0.005e-3);
    cr_expect_float_eq(w[KL_MZ] / w[KL_FY], -6.55e-3, 0.005e-3);
    kl_lab_free(&lab);
}

Test(lab_plate, what_cannot_be_is_refused_at_its_line)
{
    static const struct {
        const char *text, *place, *says;
    } row[] = {
        /* the matrix begins in line 18, the sheet in 17, the plate in 16 */
        {HEAD SIX("V") "        plate:\n          sheet: {excitation_v: 10}\n" CORNERS,
         ":17:", "say one of sensitivity_uv"},
        {HEAD SIX("V") "        plate:\n          sheet:\n" SENSITIVITY CORNERS,
         ":18:", "excitation_v is missing"},
        {HEAD SIX("V") "        plate:\n          sheet:\n" SENSITIVITY CORNERS,
         ":18:", "gain is missing"},
        {HEAD SIX("V") "        plate:\n          sheet:\n" SENSITIVITY CORNERS,
         ":18:", "origin_m is missing"},
        {HEAD SIX("V") AMTI "            range_pc: [1, 1, 1, 1, 1, 1, 1, 1]\n" CORNERS,
         ":28:", "has no place beside sensitivity_uv"},
        {HEAD SIX("mV") AMTI CORNERS, ":10:", "unit V, not mV"},
        {HEAD EIGHT AMTI CORNERS, ":21:", "for 6 channels, the stream has 8"},
        {HEAD SIX("V") KISTLER CORNERS, ":18:", "for 8 channels, the stream has 6"},
        {HEAD SIX("V") AMTI "          x: forward\n", ":17:", "where does it lie?"},
        {HEAD SIX("V") AMTI CORNERS "          x: forward\n", ":28:", "corners say it all"},
        {HEAD SIX("V") AMTI AXES "          z: up\n", ":32:", "points down"},
        {HEAD SIX("V") AMTI CORNERS "          cover_m: 6\n", ":29:", "0 to 0.3 m"},
        {HEAD SIX("V") AMTI CORNERS "          origin_m: [0, 0, 0]\n",
         ":29:", "belongs into the sheet"},
        /* two corners exchanged: z of the plate would point up */
        {HEAD SIX("V") AMTI "          corners_m: [[0.068, 0.054], [0.532, 0.054], "
                            "[0.532, -0.454], [0.068, -0.454]]\n",
         ":28:", "must point down"},
        {HEAD SIX("V") AMTI "          corners_m: [[532, 54], [68, 54], [68, -454], "
                            "[532, -454]]\n",
         ":28:", "metres"},
        {HEAD SIX("V") "        plate:\n          sheet:\n            diagonal_v: "
                       "[1, 1, 1, 1, 1, 1]\n            origin_m: [0, 0, -40]\n" AXES,
         ":18:", "give metres"},
        {HEAD SIX("V") "        plate:\n          sheet:\n            diagonal_v: "
                       "[1, 1, 1, 1, 1, 1]\n            origin_m: [0, 0, 0.04]\n" AXES,
         ":18:", "0 or negative"},
        {HEAD SIX("V") "        plate:\n          sheet:\n            diagonal_v: "
                       "[1, 1, 0, 1, 1, 1]\n            origin_m: [0, 0, 0]\n" AXES,
         ":18:", "cannot be inverted"},
        {HEAD SIX("V") "        plate:\n          sheet:\n            diagonal_v: "
                       "[1, 1, 1, 1, 1, 1]\n            origin_m: [0, 0, 0]\n"
                       "            gain: [1, 2]\n" AXES,
         ":20:", "one gain for all channels, or six"},
        {HEAD "        channels:\n          - {input: 0, label: fz, unit: V}\n"
              "          - {input: 1, label: fy, unit: V}\n          - {input: 2, label: fx, "
              "unit: V}\n          - {input: 3, label: mx, unit: V}\n          - {input: 4, "
              "label: my, unit: V}\n          - {input: 5, label: mz, unit: V}\n" AMTI CORNERS,
         ":10:", "channel 1 of the sheet is fx, but here it is \"fz\""},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        cr_expect_eq(load(row[i].text), KL_ERR_RANGE, "row %zu", i);
        bool found = false;
        for (size_t f = 0; f < findings.count; f++) {
            const char *text = findings.finding[f].fault.text;
            const char *colon = strchr(text, ':');
            found |= colon != NULL && strncmp(colon, row[i].place, strlen(row[i].place)) == 0 &&
                     strstr(text, row[i].says) != NULL;
        }
        cr_expect(found, "row %zu: %s %s:\n%s", i, row[i].place, row[i].says, said());
    }
}

/* Every fault of a file at once; a typist's bad day. */
Test(lab_plate, all_faults_are_told_at_once)
{
    cr_expect_eq(
        load("settings: {cutoff_hz: 500}\n"                                           /* 1 */
             "devices:\n"                                                             /* 2 */
             "  - name: daq\n    driver: labjack_u6\n    rate_hz: 90000\n"            /* 5 */
             "    options: {range_v: 7}\n    streams:\n"                              /* 7 */
             "      - name: emg.vmo.left\n        kind: emg\n"                        /* 9 */
             "        channels: [{input: 40, label: vmo, unit: V}]\n"                 /* 10 */
             "      - name: emg.vmo.right\n        kind: emg\n"                       /* 12 */
             "        channels: [{input: 3, label: vmo, unit: V}]\n"                  /* 13 */
             "      - name: sync\n        kind: other\n"                              /* 15 */
             "        channels: [{input: 3, label: pulse, unit: V}]\n"                /* 16 */
             "  - {name: a, driver: vectornav, port: /dev/a, placement: foot.left}\n" /* 17 */
             "  - {name: b, driver: ximu3, port: /dev/b, placement: foot.left}\n"     /* 18 */
             "  - {name: c, driver: vectornav, port: /dev/a, placement: head}\n"      /* 19 */
             "  - {name: c, driver: witmotion, placement: pelvis, rate_hz: 33}\n"     /* 20 */
             "  - {name: e, driver: nonsense}\n"),                                    /* 21 */
        KL_ERR_RANGE);
    static const struct {
        const char *place, *says;
    } row[] = {
        {":1:", "500 is out of range"},
        {":5:", "rate 90000 Hz"},
        {":6:", "range_v"},
        {":10:", "input 40"},
        {":16:", "input 3 is used twice"},
        {":18:", "imu.foot.left is also given by a (line 17)"},
        {":19:", "another device is on this port, on line 17"},
        {":19:", "no motion is computed"},
        {":20:", "another device has this name, on line 19"},
        {":20:", "33"},
        {":21:", "no driver \"nonsense\""},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        bool found = false;
        for (size_t f = 0; f < findings.count; f++) {
            const char *text = findings.finding[f].fault.text;
            const char *colon = strchr(text, ':');
            found |= strncmp(colon, row[i].place, strlen(row[i].place)) == 0 &&
                     strstr(text, row[i].says) != NULL;
        }
        cr_expect(found, "%s %s:\n%s", row[i].place, row[i].says, said());
    }
    /* ten faults, one doubt, and nothing made up */
    cr_expect_eq(findings.faults, COUNT(row) - 1, "%zu:\n%s", findings.faults, said());
}

#define PLATE(name, side, inputs, place)                                                           \
    "      - name: " name "\n        kind: force\n        side: " side "\n"                        \
    "        channels: [{input: " inputs ", label: fz, unit: V}]\n"                                \
    "        plate: {sensitivity: [500], corners_m: " place "}\n"

Test(lab_plate, left_plates_lie_to_the_left)
{
#define TWO(a, b)                                                                                  \
    "devices:\n  - name: daq\n    driver: labjack_u6\n    rate_hz: 1000\n    streams:\n" a b
#define LEFT "[[0.8, -0.1], [-0.8, -0.1], [-0.8, -0.5], [0.8, -0.5]]"
#define RIGHT "[[0.8, 0.5], [-0.8, 0.5], [-0.8, 0.1], [0.8, 0.1]]"
    static const char vertical[] = "label: fz",
                      up[] = "label: fy"; /* the lab's own axes: y is up */
    char text[2048];
    const struct {
        const char *yaml, *says;
    } row[] = {
        {TWO(PLATE("l", "left", "0", LEFT), PLATE("r", "right", "1", RIGHT)), NULL},
        {TWO(PLATE("r", "right", "0", RIGHT), PLATE("l", "left", "1", LEFT)), NULL},
        {TWO(PLATE("l", "left", "0", RIGHT), PLATE("r", "right", "1", LEFT)),
         "left and right are exchanged"},
        {TWO(PLATE("r", "right", "0", LEFT), PLATE("l", "left", "1", RIGHT)),
         "left and right are exchanged"},
        {TWO(PLATE("l", "left", "0", LEFT), PLATE("r", "right", "1", LEFT)), "lies where l lies"},
    };
    for (size_t i = 0; i < COUNT(row); i++) {
        (void)snprintf(text, sizeof(text), "%s", row[i].yaml);
        for (char *at; (at = strstr(text, vertical)) != NULL;) {
            memcpy(at, up, sizeof(up) - 1);
        }
        int status = load(text);
        cr_expect_eq(status == KL_OK, row[i].says == NULL, "row %zu: %s", i, said());
        cr_expect(row[i].says == NULL || strstr(said(), row[i].says) != NULL, "row %zu: %s", i,
                  said());
        if (status == KL_OK) {
            kl_lab_free(&lab);
        }
    }
}

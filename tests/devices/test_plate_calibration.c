#include "devices/plate_calibration.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

/* Numbers of the worked examples are printed with 7 to 9 digits. */
static const double printed = 1e-6;

static void expect_near(double found, double wanted, double scale, const char *what)
{
    cr_expect(fabs(found - wanted) <= printed * fmax(fabs(wanted), scale), "%s: %.9g, not %.9g",
              what, found, wanted);
}

/* The examples' laboratory has x, y in the floor and z up; ours is (x, z, -y). */
static void from_z_up(const double in[3], double out[3])
{
    out[0] = in[0];
    out[1] = in[2];
    out[2] = -in[1];
}

/* Corners of example 1, in m: centre (0.300, 0.200), x of the plate along x, y against y. */
static struct kl_plate_placement example_placement(double height_m)
{
    static const double corner[4][3] = {
        {0.532, -0.054, 0}, {0.068, -0.054, 0}, {0.068, 0.454, 0}, {0.532, 0.454, 0}};
    struct kl_plate_placement placement = {.by_corners = true};
    for (size_t k = 0; k < 4; k++) {
        from_z_up(corner[k], placement.corner_m[k]);
        placement.corner_m[k][1] = height_m;
    }
    return placement;
}

static struct kl_plate_sheet example_sheet(void)
{
    struct kl_plate_sheet sheet = {
        .kind = KL_PLATE_SHEET_SENSITIVITY,
        .excitation_v = 10,
        .gain = {4000, 4000, 4000, 4000, 4000, 4000},
        .origin_m = {0.5e-3, -0.3e-3, -40e-3},
        .full_scale_v = 10,
    };
    static const double diagonal[KL_WRENCH_COUNT] = {0.67, 0.67, 0.17, 1.70, 1.71, 3.38};
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        sheet.matrix[i][i] = diagonal[i];
    }
    sheet.matrix[0][1] = 0.004;
    sheet.matrix[1][0] = -0.003;
    sheet.matrix[2][0] = 0.002;
    sheet.matrix[2][1] = -0.001;
    sheet.matrix[0][2] = 0.0005;
    sheet.matrix[3][2] = 0.0008;
    sheet.matrix[4][0] = -0.006;
    sheet.matrix[5][2] = 0.0004;
    sheet.matrix[1][3] = 0.01;
    return sheet;
}

static const double example_volts[KL_WRENCH_COUNT] = {0.5556,   0.922076, 4.7602,
                                                      -2.27668, -4.87146, 1.0283772};

static void apply(double matrix[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX], const double *volts,
                  size_t channels, double out[KL_WRENCH_COUNT])
{
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        out[i] = 0;
        for (size_t j = 0; j < channels; j++) {
            out[i] += matrix[i][j] * volts[j];
        }
    }
}

/* Where the force meets the belt surface y = 0 and what twist is left. */
static void expect_point(const double wrench[KL_WRENCH_COUNT], double x_m, double z_m, double twist)
{
    double x = wrench[KL_MZ] / wrench[KL_FY];
    double z = -wrench[KL_MX] / wrench[KL_FY];
    expect_near(x, x_m, 1e-3, "COP x");
    expect_near(z, z_m, 1e-3, "COP z");
    expect_near(wrench[KL_MY] - (z * wrench[KL_FX] - x * wrench[KL_FZ]), twist, 1, "free moment");
}

static void expect_force(const double wrench[KL_WRENCH_COUNT], const double z_up[3])
{
    double wanted[3];
    from_z_up(z_up, wanted);
    for (size_t i = 0; i < 3; i++) {
        expect_near(wrench[i], wanted[i], 1, "force");
    }
}

Test(plate_calibration, amti_matrix_is_inverted_and_divided_by_excitation_and_gain)
{
    static const double wanted[KL_WRENCH_COUNT][KL_WRENCH_COUNT] = {
        {37.31276227, -0.22292657, -0.10974959, 0.00131133, 0, 0},
        {0.16706899, 37.31243622, 0.00054149, -0.21948492, 0, 0},
        {-0.43799091, 0.22210758, 147.06011789, -0.00130652, 0, 0},
        {0.00020611, -0.00010452, -0.06920476, 14.70588297, 0, 0},
        {0.13092197, -0.00078220, -0.00038509, 0.00000460, 14.61988304, 0},
        {0.00005183, -0.00002628, -0.01740356, 0.00000015, 0, 7.39644970},
    };
    double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX];
    struct kl_plate_sheet sheet = example_sheet();
    cr_assert_eq(kl_plate_sheet_load(&sheet, load, NULL), 6);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
            /* printed with 8 decimals */
            cr_expect_float_eq(load[i][j], wanted[i][j], 0.6e-8, "%zu %zu: %.10g", i, j,
                               load[i][j]);
        }
    }
    static const double applied[KL_WRENCH_COUNT] = {20, 35, 700, -33.81, -71.15, 7.5235};
    double found[KL_WRENCH_COUNT];
    apply(load, example_volts, 6, found);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        expect_near(found[i], applied[i], 1, "load");
    }
}

Test(plate_calibration, the_inverse_sheet_and_other_units_give_the_same)
{
    double wanted[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX];
    double found[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX];
    struct kl_plate_sheet sheet = example_sheet();
    cr_assert_eq(kl_plate_sheet_load(&sheet, wanted, NULL), 6);

    struct kl_plate_sheet inverse = sheet;
    inverse.kind = KL_PLATE_SHEET_INVERSE;
    struct kl_plate_sheet volts = sheet;
    volts.kind = KL_PLATE_SHEET_VOLTS;
    struct kl_plate_sheet milli = inverse;
    milli.signal_v = 1e-3;
    memset(volts.gain, 0, sizeof(volts.gain));
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
            inverse.matrix[i][j] = wanted[i][j] * 0.04; /* 10 V * 4000 * 1e-6 */
            milli.matrix[i][j] = wanted[i][j] * 40;     /* per mV/V */
            volts.matrix[i][j] = wanted[i][j];
        }
    }
    const struct kl_plate_sheet *const other[] = {&inverse, &milli, &volts};
    for (size_t n = 0; n < 3; n++) {
        cr_assert_eq(kl_plate_sheet_load(other[n], found, NULL), 6);
        for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
            for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
                cr_expect_float_eq(found[i][j], wanted[i][j], 1e-12, "sheet %zu", n);
            }
        }
    }
}

Test(plate_calibration, columns_are_divided_by_their_own_gain)
{
    struct kl_plate_sheet sheet = {.kind = KL_PLATE_SHEET_VOLTS,
                                   .gain = {1, 2, 4, 5, 8, 10}}; /* Bertec with extra gains */
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        sheet.matrix[i][i] = 100;
    }
    sheet.matrix[0][5] = 7;
    double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX];
    cr_assert_eq(kl_plate_sheet_load(&sheet, load, NULL), 6);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        cr_expect_float_eq(load[i][i], 100 / sheet.gain[i], 1e-12);
    }
    cr_expect_float_eq(load[0][5], 0.7, 1e-12);
}

Test(plate_calibration, example_1_stands_where_it_was_put_in_our_axes)
{
    struct kl_plate_sheet sheet = example_sheet();
    struct kl_plate_placement placement = example_placement(0);
    struct kl_plate plate;
    double wrench[KL_WRENCH_COUNT];
    struct kl_fault fault = {.text = ""};
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_LEFT, &plate, &fault), 6, "%s",
                 fault.text);
    apply(plate.matrix, example_volts, 6, wrench);
    expect_force(wrench, (const double[]){-20, 35, 700});
    expect_point(wrench, 0.400, -0.250, 3.0);
    cr_expect_eq(plate.side, KL_SIDE_LEFT);
    cr_expect_eq(plate.form, KL_PLATE_WRENCH);
    cr_expect_eq(plate.measured, KL_PLATE_MEASURES_ALL);
    cr_expect_eq(plate.full_scale[5], 10);
    cr_expect_eq(plate.corner_x_m[0], 0.532);
    cr_expect_eq(plate.corner_z_m[2], -0.454);
}

Test(plate_calibration, a_mat_moves_the_point_not_the_force)
{
    struct kl_plate_sheet sheet = example_sheet();
    struct kl_plate_placement placement = example_placement(-6e-3); /* plate below the belt */
    struct kl_plate plate;
    double wrench[KL_WRENCH_COUNT];
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_UNKNOWN, &plate, NULL), 6);
    apply(plate.matrix, example_volts, 6, wrench);
    expect_force(wrench, (const double[]){-20, 35, 700});
    /* plate (99.8286, -50.3000) mm: printed with 4 decimals */
    cr_expect_float_eq(wrench[KL_MZ] / wrench[KL_FY], 0.300 + 0.0998286, 1e-7);
    cr_expect_float_eq(-wrench[KL_MX] / wrench[KL_FY], -(0.200 + 0.0503), 1e-7);
}

Test(plate_calibration, reactions_are_not_turned_again)
{
    struct kl_plate_sheet sheet = example_sheet();
    struct kl_plate_placement placement = example_placement(0);
    struct kl_plate action, reaction;
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_UNKNOWN, &action, NULL), 6);
    sheet.stores_reaction = true;
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_UNKNOWN, &reaction, NULL), 6);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
            cr_expect_eq(action.matrix[i][j], -reaction.matrix[i][j]);
        }
    }
}

Test(plate_calibration, axes_and_size_say_the_same_as_corners)
{
    struct kl_plate_sheet sheet = example_sheet();
    struct kl_plate_placement corners = example_placement(0);
    struct kl_plate_placement axes = {
        .x_axis = {1, 0, 0},
        .y_axis = {0, 0, 1}, /* to the runner's right: -y of the example */
        .centre_m = {0.3, 0, -0.2},
        .size_m = {0.464, 0.508},
    };
    struct kl_plate a, b;
    cr_assert_eq(kl_plate_calibrate(&sheet, &corners, KL_SIDE_UNKNOWN, &a, NULL), 6);
    cr_assert_eq(kl_plate_calibrate(&sheet, &axes, KL_SIDE_UNKNOWN, &b, NULL), 6);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
            cr_expect_float_eq(a.matrix[i][j], b.matrix[i][j], 1e-12);
        }
    }
    for (size_t k = 0; k < 4; k++) {
        cr_expect_float_eq(a.corner_x_m[k], b.corner_x_m[k], 1e-12);
        cr_expect_float_eq(a.corner_z_m[k], b.corner_z_m[k], 1e-12);
    }
}

Test(plate_calibration, four_cells_tell_vertical_force_and_its_point)
{
    /* The board of the protocol page: L = 433 mm, W = 228 mm; cells top right, bottom right, top
     * left, bottom left; 24.6242, 26.0477, 21.4950, 25.6939 kg give COP (+7.71, -6.55) mm with x
     * to the right and y to the top. "Top" forward: x of P along our X, y of P to our right. */
    static const double kg[] = {24.6242, 26.0477, 21.4950, 25.6939};
    static const double g = 9.80665;
    struct kl_plate_sheet sheet = {
        .kind = KL_PLATE_SHEET_CELLS,
        .cell_count = 4,
        .cell_m = {{0.114, 0.2165}, {-0.114, 0.2165}, {0.114, -0.2165}, {-0.114, -0.2165}},
        .cell_n = {g, g, g, g},
    };
    const struct kl_plate_placement placement = {
        .x_axis = {1, 0, 0}, .y_axis = {0, 0, 1}, .size_m = {0.3, 0.5}};
    struct kl_plate plate;
    double wrench[KL_WRENCH_COUNT];
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_UNKNOWN, &plate, NULL), 4);
    apply(plate.matrix, kg, 4, wrench);
    expect_near(wrench[KL_FY], 97.8608 * g, 1, "weight");
    /* printed to 0.01 mm */
    cr_expect_float_eq(-wrench[KL_MX] / wrench[KL_FY], 7.71e-3, 0.005e-3);
    cr_expect_float_eq(wrench[KL_MZ] / wrench[KL_FY], -6.55e-3, 0.005e-3);
    cr_expect_eq(plate.measured, 1u << KL_FY | 1u << KL_MX | 1u << KL_MZ);
    sheet.cell_count = 2;
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_UNKNOWN, &plate, NULL), 2);
    cr_expect_eq(plate.measured, KL_PLATE_MEASURES_FY, "two cells cannot tell the point");
}

static struct kl_plate_sheet kistler_sheet(void)
{
    struct kl_plate_sheet sheet = {
        .kind = KL_PLATE_SHEET_PIEZO, .a_m = 0.120, .b_m = 0.200, .origin_m = {0, 0, -0.054}};
    for (size_t j = 0; j < KL_PLATE_CHANNELS_MAX; j++) {
        sheet.range_pc[j] = j < 4 ? 5000 : 10000;
        sheet.sensitivity_pc_n[j] = j < 4 ? -7.8 : -3.8;
    }
    return sheet;
}

Test(plate_calibration, example_2_of_a_kistler_plate)
{
    static const double newtons[KL_PLATE_CHANNELS_MAX] = {8, 12, 20, 15, 210, 120, 150, 220};
    struct kl_plate_sheet sheet = kistler_sheet();
    struct kl_plate_placement placement = example_placement(0);
    struct kl_plate plate;
    double volts[KL_PLATE_CHANNELS_MAX], wrench[KL_WRENCH_COUNT];
    for (size_t j = 0; j < KL_PLATE_CHANNELS_MAX; j++) {
        volts[j] = newtons[j] * sheet.sensitivity_pc_n[j] * 10 / sheet.range_pc[j];
    }
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_UNKNOWN, &plate, NULL), 8);
    apply(plate.matrix, volts, 8, wrench);
    expect_force(wrench, (const double[]){-20, 35, 700});
    /* in P: Tz = 211.428571 N mm about +z down, of the action; the reaction's about up is equal */
    expect_point(wrench, 0.325885714, -0.214128571, 0.211428571);
}

/* Example 3 tells wrenches in the lab: a plate of 1 N/V that stores reactions, its z down. */
static void belt_wrench(const double force[3], const double cop[3], double twist, double total[6])
{
    struct kl_plate_sheet sheet = {.kind = KL_PLATE_SHEET_VOLTS, .stores_reaction = true};
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        sheet.matrix[i][i] = 1;
    }
    struct kl_plate_placement placement = {
        .x_axis = {1, 0, 0},
        .y_axis = {0, 0, 1},
        .centre_m = {0.1, 0, cop[0] < 0 ? 0.7 : -0.7}, /* anywhere: the sum must not depend on it */
        .size_m = {1.6, 0.5},
    };
    struct kl_plate plate;
    cr_assert_eq(kl_plate_calibrate(&sheet, &placement, KL_SIDE_UNKNOWN, &plate, NULL), 6);
    /* lab (x, y, z up) to P (x, -y, -z), and the point from the centre */
    const double f[3] = {force[0], -force[1], -force[2]};
    const double p[2] = {cop[0] - 0.1, -cop[1] - placement.centre_m[2]};
    const double volts[KL_WRENCH_COUNT] = {
        f[0], f[1], f[2], p[1] * f[2], -p[0] * f[2], p[0] * f[1] - p[1] * f[0] - twist};
    double wrench[KL_WRENCH_COUNT];
    apply(plate.matrix, volts, 6, wrench);
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        total[i] += wrench[i];
    }
}

Test(plate_calibration, example_3_two_belts_add_about_one_origin)
{
    double total[KL_WRENCH_COUNT] = {0};
    belt_wrench((const double[]){-15, 40, 420}, (const double[]){-0.20, 0.30, 0}, 1.2, total);
    belt_wrench((const double[]){10, -25, 310}, (const double[]){0.18, -0.10, 0}, -0.7, total);
    expect_force(total, (const double[]){-5, 15, 730});
    expect_near(total[KL_MX], 95.0, 1, "M0 x");
    expect_near(total[KL_MZ], -28.2, 1, "M0 y is -z");
    expect_near(total[KL_MY], -6.5, 1, "M0 z is y");
    expect_point(total, -0.0386301, -0.1301370, -6.5712329);
}

Test(plate_calibration, a_frame_is_a_rotation_with_z_down)
{
    struct kl_plate_placement placement = example_placement(0);
    struct kl_plate_frame frame;
    cr_assert_eq(kl_plate_frame(&placement, &frame, NULL), KL_OK);
    static const double wanted[3][3] = {{1, 0, 0}, {0, 0, 1}, {0, -1, 0}};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            cr_expect_float_eq(frame.axis[i][k], wanted[i][k], 1e-12);
        }
    }
}

static void swap_corners(struct kl_plate_placement *placement, size_t a, size_t b)
{
    double held[3];
    memcpy(held, placement->corner_m[a], sizeof(held));
    memcpy(placement->corner_m[a], placement->corner_m[b], sizeof(held));
    memcpy(placement->corner_m[b], held, sizeof(held));
}

static void expect_refused(const struct kl_plate_placement *placement, const char *word)
{
    struct kl_plate_frame frame = {.centre_m = {42}};
    struct kl_fault fault = {.text = ""};
    cr_expect_eq(kl_plate_frame(placement, &frame, &fault), KL_ERR_RANGE, "%s", word);
    cr_expect_not_null(strstr(fault.text, word), "'%s' does not say '%s'", fault.text, word);
    cr_expect_eq(frame.centre_m[0], 42, "untouched on error");
}

Test(plate_calibration, impossible_placements_are_refused_in_words)
{
    struct kl_plate_placement placement = example_placement(0);
    swap_corners(&placement, 0, 1);
    swap_corners(&placement, 2, 3); /* a mirrored plate: z up */
    expect_refused(&placement, "must point down");
    placement = example_placement(0);
    swap_corners(&placement, 0, 1); /* a bow tie */
    expect_refused(&placement, "exchanged");
    placement = example_placement(0);
    placement.corner_m[2][0] += 2e-3;
    expect_refused(&placement, "1 mm");
    placement = example_placement(0);
    for (size_t k = 0; k < 4; k++) {
        placement.corner_m[k][0] *= 1000;
    }
    expect_refused(&placement, "metres");
    placement = (struct kl_plate_placement){.by_corners = true};
    expect_refused(&placement, "each different");
    placement = example_placement(0);
    placement.corner_m[1][2] = (double)NAN;
    expect_refused(&placement, "not a number");

    const struct kl_plate_placement good = {
        .x_axis = {0, 0, 1}, .y_axis = {-1, 0, 0}, .size_m = {0.5, 0.6}};
    struct kl_plate_frame frame;
    cr_expect_eq(kl_plate_frame(&good, &frame, NULL), KL_OK);
    placement = good;
    placement.y_axis[0] = 1;
    expect_refused(&placement, "wrong way");
    placement = good;
    placement.x_axis[0] = 0.1;
    expect_refused(&placement, "right angles");
    placement = good;
    placement.size_m[1] = 600;
    expect_refused(&placement, "metres");
}

static void expect_bad_sheet(const struct kl_plate_sheet *sheet, const char *word)
{
    struct kl_plate_placement placement = example_placement(0);
    struct kl_plate plate = {.full_scale = {42}};
    struct kl_fault fault = {.text = ""};
    cr_expect_eq(kl_plate_calibrate(sheet, &placement, KL_SIDE_LEFT, &plate, &fault), KL_ERR_RANGE,
                 "%s", word);
    cr_expect_not_null(strstr(fault.text, word), "'%s' does not say '%s'", fault.text, word);
    cr_expect_eq(plate.full_scale[0], 42, "untouched on error");
}

Test(plate_calibration, impossible_sheets_are_refused_in_words)
{
    struct kl_plate_sheet sheet = example_sheet();
    sheet.origin_m[2] = 0.04;
    expect_bad_sheet(&sheet, "origin z");
    sheet = example_sheet();
    sheet.excitation_v = 0;
    expect_bad_sheet(&sheet, "excitation");
    sheet = example_sheet();
    sheet.gain[3] = 0;
    expect_bad_sheet(&sheet, "channel 4");
    sheet = example_sheet();
    memcpy(sheet.matrix[1], sheet.matrix[0], sizeof(sheet.matrix[0]));
    expect_bad_sheet(&sheet, "inverted");
    sheet = example_sheet();
    sheet.matrix[4][4] = (double)INFINITY;
    expect_bad_sheet(&sheet, "inverted");
    sheet = kistler_sheet();
    sheet.a_m = 120;
    expect_bad_sheet(&sheet, "metres");
    sheet = kistler_sheet();
    sheet.sensitivity_pc_n[7] = 0;
    expect_bad_sheet(&sheet, "channel 8");
    sheet = (struct kl_plate_sheet){.kind = KL_PLATE_SHEET_CELLS};
    expect_bad_sheet(&sheet, "0 load cells");
    sheet.cell_count = 1;
    expect_bad_sheet(&sheet, "cell 1");
    sheet = kistler_sheet();
    sheet.kind = KL_PLATE_SHEET_KIND_COUNT;
    expect_bad_sheet(&sheet, "kind");
}

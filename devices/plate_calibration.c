#include "devices/plate_calibration.h"

#include <math.h>
#include <string.h>

enum { AXES = 3, CORNERS = 4, PIEZO_CHANNELS = 8, CELLS_FOR_POINT = 3 };

static const double side_tolerance_m = 1e-3;   /* of a corner survey */
static const double side_min_m = 0.05;         /* anything smaller is no plate */
static const double side_max_m = 10.0;         /* anything larger was typed in millimetres */
static const double depth_max_m = 1.0;         /* of a transducer: -40 was typed in millimetres */
static const double axis_tolerance = 1e-6;     /* of a direction typed with 7 digits */
static const double down_min = 0.99;           /* cosine: a floor plate looks down */
static const double piezo_full_range_v = 10.0; /* a charge amplifier gives its range at 10 V */
static const double uv_v = 1e-6;
/* A calibration matrix whose pivots differ by more is made of typing errors. */
static const double pivot_min = 1e-9;

/* -------------------------------------------------------------- vectors */

static double dot(const double *a, const double *b)
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double *a, const double *b, double *out)
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static double distance(const double *a, const double *b)
{
    double d[AXES] = {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
    return sqrt(dot(d, d));
}

static bool all_finite(const double *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(v[i])) {
            return false;
        }
    }
    return true;
}

/* Frame vector to the lab. */
static void to_lab(const struct kl_plate_frame *frame, const double *p, double *out)
{
    for (size_t i = 0; i < AXES; i++) {
        out[i] = frame->axis[0][i] * p[0] + frame->axis[1][i] * p[1] + frame->axis[2][i] * p[2];
    }
}

/* -------------------------------------------------------------- placement */

static int frame_from_corners(const double corner[CORNERS][AXES], struct kl_plate_frame *frame,
                              struct kl_fault *fault)
{
    static const char *const pair[] = {"c1-c2 and c4-c3", "c1-c4 and c2-c3", "c1-c3 and c2-c4"};
    const double length[][2] = {
        {distance(corner[0], corner[1]), distance(corner[3], corner[2])},
        {distance(corner[0], corner[3]), distance(corner[1], corner[2])},
        {distance(corner[0], corner[2]), distance(corner[1], corner[3])},
    };
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 2; k++) {
            if (!(length[i][k] >= side_min_m && length[i][k] <= side_max_m)) {
                return kl_fault(fault, KL_ERR_RANGE,
                                "plate corners: %s are %g m long; give corners in metres, each "
                                "different, in the order (+x,+y) (-x,+y) (-x,-y) (+x,-y) of the "
                                "plate",
                                pair[i], length[i][k]);
            }
        }
        if (fabs(length[i][0] - length[i][1]) > side_tolerance_m) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "plate corners: %s should be equally long within 1 mm, but are %.4f "
                            "and %.4f m; measure again, or two corners are exchanged",
                            pair[i], length[i][0], length[i][1]);
        }
    }
    double toward_y[AXES] = {0};
    for (size_t i = 0; i < AXES; i++) {
        frame->axis[0][i] = (corner[0][i] - corner[1][i]) / length[0][0];
        toward_y[i] = corner[0][i] - corner[3][i];
        frame->centre_m[i] = (corner[0][i] + corner[1][i] + corner[2][i] + corner[3][i]) / CORNERS;
    }
    cross(frame->axis[0], toward_y, frame->axis[2]);
    double z_length = sqrt(dot(frame->axis[2], frame->axis[2])); /* > 0: the diagonals are equal */
    for (size_t i = 0; i < AXES; i++) {
        frame->axis[2][i] /= z_length;
    }
    cross(frame->axis[2], frame->axis[0], frame->axis[1]);
    memcpy(frame->corner_m, corner, sizeof(frame->corner_m));
    return KL_OK;
}

static int frame_from_axes(const struct kl_plate_placement *placement, struct kl_plate_frame *frame,
                           struct kl_fault *fault)
{
    const double *x = placement->x_axis;
    const double *y = placement->y_axis;
    if (!(fabs(dot(x, x) - 1) < axis_tolerance && fabs(dot(y, y) - 1) < axis_tolerance &&
          fabs(dot(x, y)) < axis_tolerance)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate axes: x (%g %g %g) and y (%g %g %g) must be of length 1 and at "
                        "right angles",
                        x[0], x[1], x[2], y[0], y[1], y[2]);
    }
    const double *size = placement->size_m;
    for (size_t i = 0; i < 2; i++) {
        if (!(size[i] >= side_min_m && size[i] <= side_max_m)) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "plate size: %g m along %s; give metres between %g and %g", size[i],
                            i == 0 ? "x" : "y", side_min_m, side_max_m);
        }
    }
    memcpy(frame->axis[0], x, sizeof(frame->axis[0]));
    memcpy(frame->axis[1], y, sizeof(frame->axis[1]));
    cross(x, y, frame->axis[2]);
    memcpy(frame->centre_m, placement->centre_m, sizeof(frame->centre_m));
    static const double quadrant[CORNERS][2] = {{1, 1}, {-1, 1}, {-1, -1}, {1, -1}};
    for (size_t k = 0; k < CORNERS; k++) {
        for (size_t i = 0; i < AXES; i++) {
            frame->corner_m[k][i] = placement->centre_m[i] + quadrant[k][0] * size[0] / 2 * x[i] +
                                    quadrant[k][1] * size[1] / 2 * y[i];
        }
    }
    return KL_OK;
}

int kl_plate_frame(const struct kl_plate_placement *placement, struct kl_plate_frame *out,
                   struct kl_fault *fault)
{
    struct kl_plate_frame frame = {0};
    if (!all_finite(&placement->corner_m[0][0], CORNERS * AXES) ||
        !all_finite(placement->centre_m, AXES)) {
        return kl_fault(fault, KL_ERR_RANGE, "plate placement: a position is not a number");
    }
    int status = placement->by_corners ? frame_from_corners(placement->corner_m, &frame, fault)
                                       : frame_from_axes(placement, &frame, fault);
    if (status != KL_OK) {
        return status;
    }
    double normal[AXES] = {0};
    cross(frame.axis[0], frame.axis[1], normal);
    double determinant = dot(normal, frame.axis[2]);
    if (fabs(determinant - 1) > axis_tolerance) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate placement: the axes have determinant %g; a rotation has +1",
                        determinant);
    }
    if (!(-frame.axis[2][1] > down_min)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate placement: z of the plate points (%.3f %.3f %.3f), but it must "
                        "point down (0 -1 0); %s",
                        frame.axis[2][0], frame.axis[2][1], frame.axis[2][2],
                        placement->by_corners ? "two corners are exchanged"
                                              : "x or y points the wrong way");
    }
    *out = frame;
    return KL_OK;
}

/* -------------------------------------------------------------- sheet */

enum { N = KL_WRENCH_COUNT, WIDE = 2 * KL_WRENCH_COUNT };

/* One step of Gauss-Jordan: column c becomes a unit column. @return false: singular */
static bool eliminate(double work[N][WIDE], size_t c)
{
    size_t pivot = c;
    for (size_t i = c + 1; i < N; i++) {
        pivot = fabs(work[i][c]) > fabs(work[pivot][c]) ? i : pivot;
    }
    double scale = work[pivot][c];
    if (!(fabs(scale) > pivot_min)) {
        return false;
    }
    for (size_t j = 0; j < WIDE; j++) {
        double held = work[c][j];
        work[c][j] = work[pivot][j] / scale;
        work[pivot][j] = pivot == c ? work[c][j] : held;
    }
    for (size_t i = 0; i < N; i++) {
        double factor = i == c ? 0 : work[i][c];
        for (size_t j = 0; j < WIDE; j++) {
            work[i][j] -= factor * work[c][j];
        }
    }
    return true;
}

/* Rows are scaled to their largest number first, for forces and moments have different units.
 * @return false: singular */
static bool invert(const double in[N][N], double out[N][N])
{
    double work[N][WIDE];
    memset(work, 0, sizeof(work));
    for (size_t i = 0; i < N; i++) {
        double largest = 0;
        for (size_t j = 0; j < N; j++) {
            largest = fmax(largest, fabs(in[i][j]));
        }
        if (!(largest > 0)) {
            return false;
        }
        for (size_t j = 0; j < N; j++) {
            work[i][j] = in[i][j] / largest;
        }
        work[i][N + i] = 1 / largest;
    }
    for (size_t c = 0; c < N; c++) {
        if (!eliminate(work, c)) {
            return false;
        }
    }
    for (size_t i = 0; i < N; i++) {
        memcpy(out[i], &work[i][N], sizeof(out[i]));
    }
    return true;
}

/* Volts at the converter of one unit of the sheet's signal, per channel. */
static int signal_volts(const struct kl_plate_sheet *sheet, double out[KL_WRENCH_COUNT],
                        struct kl_fault *fault)
{
    bool bridge = sheet->kind != KL_PLATE_SHEET_VOLTS;
    double signal_v = sheet->signal_v == 0 ? uv_v : sheet->signal_v;
    if (bridge && !(sheet->excitation_v > 0 && isfinite(sheet->excitation_v))) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate calibration: excitation is %g V; give the bridge's volts (2.5, 5 "
                        "or 10 are usual)",
                        sheet->excitation_v);
    }
    if (bridge && !(signal_v > 0 && isfinite(signal_v))) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate calibration: the sheet's unit is %g V; 1e-6 (uV) or 1e-3 (mV)",
                        signal_v);
    }
    bool given = false;
    for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
        given |= sheet->gain[j] != 0;
    }
    for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
        double gain = given ? sheet->gain[j] : 1;
        if (gain == 0 || !isfinite(gain)) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "plate calibration: gain of channel %zu is %g; give the amplifier's "
                            "setting for all six",
                            j + 1, gain);
        }
        out[j] = bridge ? sheet->excitation_v * gain * signal_v : gain;
    }
    return KL_OK;
}

static int load_of_matrix(const struct kl_plate_sheet *sheet,
                          double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX],
                          struct kl_fault *fault)
{
    double volts[KL_WRENCH_COUNT] = {0};
    double inverse[KL_WRENCH_COUNT][KL_WRENCH_COUNT] = {{0}};
    int status = signal_volts(sheet, volts, fault);
    if (status != KL_OK) {
        return status;
    }
    bool usable = all_finite(&sheet->matrix[0][0], (size_t)KL_WRENCH_COUNT * KL_WRENCH_COUNT) &&
                  invert(sheet->matrix, inverse);
    if (!usable) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate calibration: the 6x6 matrix cannot be inverted; a row or column "
                        "is 0, repeated or not a number: compare it with the maker's sheet");
    }
    for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
        for (size_t j = 0; j < KL_WRENCH_COUNT; j++) {
            double c =
                sheet->kind == KL_PLATE_SHEET_SENSITIVITY ? inverse[i][j] : sheet->matrix[i][j];
            load[i][j] = c / volts[j];
        }
    }
    return KL_WRENCH_COUNT;
}

static int load_of_piezo(const struct kl_plate_sheet *sheet,
                         double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX],
                         struct kl_fault *fault)
{
    double a = sheet->a_m;
    double b = sheet->b_m;
    if (!(a > 0 && b > 0 && a < side_max_m && b < side_max_m)) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate calibration: sensors at a = %g m, b = %g m; both must be above 0 "
                        "and in metres",
                        a, b);
    }
    const double newtons[KL_WRENCH_COUNT][PIEZO_CHANNELS] = {
        [KL_FX] = {1, 1},
        [KL_FY] = {0, 0, 1, 1},
        [KL_FZ] = {0, 0, 0, 0, 1, 1, 1, 1},
        [KL_MX] = {0, 0, 0, 0, b, b, -b, -b},
        [KL_MY] = {0, 0, 0, 0, -a, a, a, -a},
        [KL_MZ] = {-b, b, a, -a},
    };
    for (size_t j = 0; j < PIEZO_CHANNELS; j++) {
        double range_pc = sheet->range_pc[j];
        double pc_n = sheet->sensitivity_pc_n[j];
        if (!(range_pc > 0) || !isfinite(range_pc) || pc_n == 0 || !isfinite(pc_n)) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "plate calibration: channel %zu has range %g pC and sensitivity %g "
                            "pC/N; the range must be above 0 and the sensitivity not 0",
                            j + 1, range_pc, pc_n);
        }
        for (size_t i = 0; i < KL_WRENCH_COUNT; i++) {
            load[i][j] = newtons[i][j] * range_pc / piezo_full_range_v / pc_n;
        }
    }
    return PIEZO_CHANNELS;
}

/* Vertical force only: each cell at its place. */
static int load_of_cells(const struct kl_plate_sheet *sheet,
                         double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX],
                         struct kl_fault *fault)
{
    size_t count = sheet->cell_count;
    if (count < 1 || count > KL_PLATE_CHANNELS_MAX) {
        return kl_fault(fault, KL_ERR_RANGE, "plate calibration: %zu load cells; 1 to %d are",
                        count, KL_PLATE_CHANNELS_MAX);
    }
    for (size_t j = 0; j < count; j++) {
        const double *at = sheet->cell_m[j];
        double newtons = sheet->cell_n[j];
        bool placed = fabs(at[0]) < side_max_m && fabs(at[1]) < side_max_m;
        if (!placed || newtons == 0 || !isfinite(newtons)) {
            return kl_fault(fault, KL_ERR_RANGE,
                            "plate calibration: cell %zu stands at (%g, %g) m and gives %g N per "
                            "unit; the place must be in metres and the gain not 0",
                            j + 1, at[0], at[1], newtons);
        }
        load[KL_FZ][j] = newtons;
        load[KL_MX][j] = at[1] * newtons;
        load[KL_MY][j] = -at[0] * newtons;
    }
    return (int)count;
}

int kl_plate_sheet_load(const struct kl_plate_sheet *sheet,
                        double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX], struct kl_fault *fault)
{
    memset(load, 0, sizeof(double) * KL_WRENCH_COUNT * KL_PLATE_CHANNELS_MAX);
    if ((unsigned)sheet->kind >= KL_PLATE_SHEET_KIND_COUNT) {
        return kl_fault(fault, KL_ERR_RANGE, "plate calibration: unknown kind of sheet %u",
                        (unsigned)sheet->kind);
    }
    static int (*const load_of[KL_PLATE_SHEET_KIND_COUNT])(
        const struct kl_plate_sheet *, double[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX],
        struct kl_fault *) = {
        [KL_PLATE_SHEET_SENSITIVITY] = load_of_matrix, [KL_PLATE_SHEET_INVERSE] = load_of_matrix,
        [KL_PLATE_SHEET_VOLTS] = load_of_matrix,       [KL_PLATE_SHEET_PIEZO] = load_of_piezo,
        [KL_PLATE_SHEET_CELLS] = load_of_cells,
    };
    return load_of[sheet->kind](sheet, load, fault);
}

/* -------------------------------------------------------------- whole map */

int kl_plate_calibrate(const struct kl_plate_sheet *sheet,
                       const struct kl_plate_placement *placement, enum kl_side side,
                       struct kl_plate *out, struct kl_fault *fault)
{
    double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX] = {{0}};
    struct kl_plate_frame frame = {0};
    const double *origin = sheet->origin_m;
    if (!all_finite(origin, AXES) || fabs(origin[0]) > side_max_m || fabs(origin[1]) > side_max_m ||
        fabs(origin[2]) > depth_max_m) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate calibration: origin (%g %g %g); give metres: a sensor lies at most "
                        "%g m under the surface",
                        origin[0], origin[1], origin[2], depth_max_m);
    }
    if (origin[2] > 0) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "plate calibration: origin z is %g m; the vector leads from the "
                        "transducer up to the surface, so z (down) must be 0 or negative: enter "
                        "%g, and turn x and y too",
                        origin[2], -origin[2]);
    }
    int channels = kl_plate_sheet_load(sheet, load, fault);
    if (channels < 0) {
        return channels;
    }
    int status = kl_plate_frame(placement, &frame, fault);
    if (status != KL_OK) {
        return status;
    }
    struct kl_plate plate = {.side = side, .measured = KL_PLATE_MEASURES_ALL};
    if (sheet->kind == KL_PLATE_SHEET_CELLS) {
        plate.measured = KL_PLATE_MEASURES_FY;
        plate.measured |= channels >= CELLS_FOR_POINT ? 1u << KL_MX | 1u << KL_MZ : 0;
    }
    double sign = sheet->stores_reaction ? 1 : -1;
    for (size_t j = 0; j < (size_t)channels; j++) {
        const double f[AXES] = {load[KL_FX][j], load[KL_FY][j], load[KL_FZ][j]};
        double m[AXES] = {0}, force[AXES] = {0}, moment[AXES] = {0}, shift[AXES] = {0};
        cross(f, origin, m);
        for (size_t i = 0; i < AXES; i++) {
            m[i] += load[KL_MX + i][j];
        }
        to_lab(&frame, f, force);
        to_lab(&frame, m, moment);
        cross(frame.centre_m, force, shift);
        for (size_t i = 0; i < AXES; i++) {
            plate.matrix[KL_FX + i][j] = sign * force[i];
            plate.matrix[KL_MX + i][j] = sign * (moment[i] + shift[i]);
        }
        plate.full_scale[j] = sheet->full_scale_v;
    }
    for (size_t k = 0; k < CORNERS; k++) {
        plate.corner_x_m[k] = frame.corner_m[k][0];
        plate.corner_z_m[k] = frame.corner_m[k][2];
    }
    *out = plate;
    return channels;
}

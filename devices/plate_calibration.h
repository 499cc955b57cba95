/* From a force plate's calibration sheet and its place in the lab to the one matrix of struct
 * kl_plate: recorded volts -> ground reaction on the runner, about the lab origin, in lab axes.
 *
 * Two frames. The plate's own P is right-handed, x and y in the top surface, z DOWN into the plate
 * (AMTI, Bertec, Kistler, C3D). The lab's: X where the runner faces, Y up, Z to the right, origin
 * on the belt surface. A plate's analog outputs tell the action (what the runner does to the
 * plate); what we want is the reaction, so the default is to turn the sign.
 *
 *     L_O = sheet(volts)            N, N·m in P about the transducer's origin O
 *     M_S = M_O + F x o             about the centre S of the top surface; o = O -> S, o_z <= 0
 *     F_lab = -R F                  R = [ex ey ez]: axes of P in the lab
 *     M_lab = -R M_S + t x F_lab    t = S in the lab: moments about the lab origin
 *
 * Every line is linear, so it is worked out once per channel. A mat of thickness h on the plate:
 * the belt surface is h above S, so centre (or corners) lie at y = -h and the point of application
 * comes out right by itself.
 *
 * Sources: AMTI "Force Calculations"; Bertec manual; "Kistler Force Plate Formulae" 03.02.99;
 * c3d.org FORCE_PLATFORM pages. Lengths in m. Pure functions; any thread.
 */
#ifndef KL_DEVICES_PLATE_CALIBRATION_H
#define KL_DEVICES_PLATE_CALIBRATION_H

#include "acquire/stream.h"

enum kl_plate_sheet_kind {
    /** AMTI sensitivity matrix: signal out of channel i per load j, per volt of excitation:
     *  uV/(V N), uV/(V N·m). Rows channels, columns loads. */
    KL_PLATE_SHEET_SENSITIVITY = 0,
    /** AMTI calibration matrix, its inverse: N/(uV/V), N·m/(uV/V). Rows loads, columns channels. */
    KL_PLATE_SHEET_INVERSE,
    /** Bertec: N/V, N·m/V at the output of an amplifier of gain 1. Rows loads, columns channels. */
    KL_PLATE_SHEET_VOLTS,
    /** Kistler, 8 channels fx12 fx34 fy14 fy23 fz1 fz2 fz3 fz4: charge range and sensitivity. */
    KL_PLATE_SHEET_PIEZO,
    /** Load cells under a board: vertical force only; with three or more also where it acts. */
    KL_PLATE_SHEET_CELLS,
    KL_PLATE_SHEET_KIND_COUNT,
};

/** What the maker's sheet and the amplifier's front panel say. */
struct kl_plate_sheet {
    enum kl_plate_sheet_kind kind;
    double matrix[KL_WRENCH_COUNT][KL_WRENCH_COUNT]; /* Fx Fy Fz Mx My Mz; not PIEZO, CELLS */
    double excitation_v;                             /* SENSITIVITY, INVERSE: of the bridge, > 0 */
    double signal_v; /* SENSITIVITY, INVERSE: 1e-6 when the sheet counts uV (0: that), 1e-3 mV */
    double gain[KL_WRENCH_COUNT];                   /* of the amplifier, per channel; all 0: 1 */
    double range_pc[KL_PLATE_CHANNELS_MAX];         /* PIEZO: charge at 10 V */
    double sensitivity_pc_n[KL_PLATE_CHANNELS_MAX]; /* PIEZO: as the sheet signs it, often < 0 */
    double a_m, b_m;                                /* PIEZO: sensors at (+-a, +-b) */
    size_t cell_count;                              /* CELLS */
    double cell_m[KL_PLATE_CHANNELS_MAX][2];        /* CELLS: x, y in P from O */
    double cell_n[KL_PLATE_CHANNELS_MAX];           /* CELLS: N per recorded unit, load positive */
    double origin_m[3];                             /* o, in P; PIEZO: (0, 0, az0) */
    double full_scale_v;                            /* |volts| at the rail; 0: not known */
    bool stores_reaction; /* the channels already tell the force on the runner */
};

/** Where the plate lies, in our lab axes: by its corners, or by its axes, centre and size. */
struct kl_plate_placement {
    bool by_corners;
    double corner_m[4][3];       /* quadrants of P in the order (+x,+y) (-x,+y) (-x,-y) (+x,-y) */
    double x_axis[3], y_axis[3]; /* of P, unit vectors in the lab */
    double centre_m[3];          /* of the top surface, in the lab */
    double size_m[2];            /* along x and y of P */
};

/** Axes of P in the lab (rows ex, ey, ez) and the centre of the top surface. */
struct kl_plate_frame {
    double axis[3][3];
    double centre_m[3];
    double corner_m[4][3];
};

/** Checks a placement: sides parallel and square within 1 mm (axes: unit and square), det = +1,
 *  z of the plate down within 8 degrees (cos 0.99).
 *  @return KL_OK, or KL_ERR_RANGE with what is wrong and how to mend it; *out untouched */
KL_CHECK int kl_plate_frame(const struct kl_plate_placement *placement, struct kl_plate_frame *out,
                            struct kl_fault *fault);

/** @param load  out [6][channels] N, N·m in P about the transducer's origin, per volt recorded
 *  @return number of channels (6, 8, or the cells), or KL_ERR_RANGE with *fault */
KL_CHECK int kl_plate_sheet_load(const struct kl_plate_sheet *sheet,
                                 double load[KL_WRENCH_COUNT][KL_PLATE_CHANNELS_MAX],
                                 struct kl_fault *fault);

/** The whole map. @param side  the foot this plate carries
 *  @return number of channels, or KL_ERR_RANGE with *fault and *out untouched */
KL_CHECK int kl_plate_calibrate(const struct kl_plate_sheet *sheet,
                                const struct kl_plate_placement *placement, enum kl_side side,
                                struct kl_plate *out, struct kl_fault *fault);

#endif

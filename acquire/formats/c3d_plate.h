/* Force plates as C3D files describe them: FORCE_PLATFORM types 1 to 4.
 *
 * A plate has its own frame P: right-handed, x and y in the top surface, z down into the plate.
 * The corners give its place in the file's laboratory, the order of the corners its axes; ORIGIN
 * leads from the sensor's origin to the centre of the top surface. C3D files hold the reaction
 * (the force on the person) in nearly all cases: nothing is negated here.
 *
 * Two views: kl_c3d_plate_wrench gives what other C3D tools give, in the file's own axes and
 * units (N, N * POINT:UNITS); kl_c3d_plate_map gives the linear map into Kneelab's lab axes.
 */
#ifndef KL_ACQUIRE_FORMATS_C3D_PLATE_H
#define KL_ACQUIRE_FORMATS_C3D_PLATE_H

#include "acquire/formats/c3d.h"

struct kl_c3d_plate {
    int type;                                             /* 1 to 4 */
    size_t channel_count;                                 /* 6, or 8 for type 3 */
    size_t channel[KL_PLATE_CHANNELS_MAX];                /* analog channels, from 0 */
    double corner[4][3];                                  /* laboratory of the file */
    double origin[3];                                     /* in P, sign mended: z <= 0 */
    double calibration[KL_WRENCH_COUNT][KL_WRENCH_COUNT]; /* type 4; else identity */
    double axis[3][3]; /* ex, ey, ez of P in the file's laboratory */
    double centre[3];  /* of the top surface */
};

/** What other tools report for one sample; file's axes and units. */
struct kl_c3d_wrench {
    double force[3];
    double moment[3]; /* about the centre of the top surface */
    bool has_point;   /* false: no load normal to the plate, the rest is 0 */
    double cop[3];    /* (-My/Fz, Mx/Fz) in P: where the moment is normal to the plate */
    double free_moment[3];
    double shimba[3]; /* where the wrench axis meets the plate (Shimba 1984; BTK's point) */
};

/** How the file's laboratory lies in ours. */
struct kl_c3d_axes {
    double row[3][3]; /* our X, Y, Z in the file's axes */
    double length_m;  /* metres per unit of length of the file */
};

/** Plates the file speaks of: FORCE_PLATFORM:USED, or fewer when its arrays are shorter (then
 *  *stated says what USED says). */
size_t kl_c3d_plate_count(const struct kl_c3d *c3d, size_t *stated);

/** Analog channels that belong to plate `index`, usable or not. @return how many were written */
size_t kl_c3d_plate_channels(const struct kl_c3d *c3d, size_t index,
                             size_t out[KL_PLATE_CHANNELS_MAX]);

/** Plate `index`, from 0.
 *  @return KL_OK; KL_ERR_DATA or KL_ERR_UNSUPPORTED with "plate N: ..." in *fault */
KL_CHECK int kl_c3d_plate_read(const struct kl_c3d *c3d, size_t index, struct kl_c3d_plate *out,
                               struct kl_fault *fault);

/** One sample as other C3D tools give it. @param raw  in [channel_count] scaled analog values
 *  Equations: COP, free moment: M_S = M_O + F x o; (-My/Fz, Mx/Fz). Shimba 1984, as in BTK. */
struct kl_c3d_wrench kl_c3d_plate_wrench(const struct kl_c3d_plate *plate, const double *raw);

/** The file's axes in ours: up from POINT:Y_SCREEN, else against the plates' z; forward is the
 *  file's x (its y when x is up), for nothing in a C3D file says where the runner faces.
 *  Lengths by POINT:UNITS, else mm when the plate is longer than 10 units.
 *  @param plate  any plate of the file */
struct kl_c3d_axes kl_c3d_axes(const struct kl_c3d *c3d, const struct kl_c3d_plate *plate);

/** The plate's map from its channels to the ground reaction in our axes. Heights count from the
 *  plate's top surface. Type 1 gives its point relative to the plate's centre.
 *  @param sign  1 when the file holds the reaction, -1 when it holds the load on the plate */
struct kl_plate kl_c3d_plate_map(const struct kl_c3d_plate *plate, const struct kl_c3d_axes *axes,
                                 double sign);

#endif

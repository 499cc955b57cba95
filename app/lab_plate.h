/* A force plate's part of a lab file: from its channels to the ground reaction in lab axes.
 *
 *     plate:
 *       matrix:                 N or N·m per unit of each channel, in the plate's own axes;
 *         fx: [500, 0, 0, ...]  rows that are left out are not measured
 *         ...
 *         mz: [...]
 *       sensitivity: [...]      instead, without cross-talk: one number per channel, whose label
 *                               says of what: fx, fy, fz, mx, my or mz
 *       x: forward              where the plate's own axes point in the lab: forward, backward, up,
 *       y: up                   down, right or left. Not said: the lab's own axes
 *       z: right
 *       origin_m: [0, 0, 0]     what its moments are about: forward, up, right of the lab's origin
 *       says: reaction          the force on the runner; or load: the force on the plate
 *       corners_m: [[x, z], ... four of them]    outline: forward and right
 *
 * or, from the maker's sheet and the plate's place on the floor, as lab_plate_sheet.h says:
 *
 *     plate:
 *       sheet: {...}
 *       ...
 */
#ifndef KL_APP_LAB_PLATE_H
#define KL_APP_LAB_PLATE_H

#include "app/lab_plate_sheet.h"

#define KL_PLATE_ROWS(ROW) ROW(fx) ROW(fy) ROW(fz) ROW(mx) ROW(my) ROW(mz)

struct kl_yaml_matrix {
#define MEMBER(name)                                                                               \
    double *name;                                                                                  \
    unsigned name##_count;
    KL_PLATE_ROWS(MEMBER)
#undef MEMBER
};

/** A direction d > 0 is lab axis (d - 1) / 2, against it when d is even. */
#define KL_LAB_PLATE_DOWN 4

struct kl_yaml_plate {
    struct kl_yaml_sheet *sheet;
    double *centre_m, *size_m, *cover_m;
    unsigned centre_m_count, size_m_count;
    struct kl_yaml_matrix *matrix;
    double *sensitivity;
    unsigned sensitivity_count;
    int x, y, z; /* a direction; 0: not said */
    double *origin_m;
    unsigned origin_m_count;
    int says; /* kl_lab_plate_says; 0: not said */
    double (*corners_m)[2];
    unsigned corners_m_count;
};

extern const cyaml_schema_field_t kl_lab_plate_fields[];

/** The plate's map into `stream`, whose channels are known.
 *  @param path  of the plate, from its device: streams[1].plate
 *  @return KL_OK, or KL_ERR_RANGE with every fault noted in the document */
int kl_lab_plate_take(const struct kl_lab_document *document, const char *path,
                      const struct kl_yaml_plate *from, struct kl_stream *stream);

#endif

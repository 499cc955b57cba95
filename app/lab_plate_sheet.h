/* The maker's calibration sheet of a force plate, as a lab file tells it.
 *
 *     plate:
 *       sheet:
 *         sensitivity_uv: [[six], ... six]  AMTI: uV/(V N), uV/(V N·m); rows channels, columns
 *                                           loads; sensitivity_mv where the sheet says mV/V
 *         calibration_uv: [[six], ... six]  its inverse: N/(uV/V), N·m/(uV/V); rows loads, columns
 *                                           channels; calibration_mv where the sheet says mV/V
 *         calibration_v:  [[six], ... six]  Bertec: N/V, N·m/V; rows loads, columns channels
 *         diagonal_v:     [six]             the same without cross-talk
 *         sensitivity_pc_n: [eight]         Kistler: pC/N of fx12 fx34 fy14 fy23 fz1 fz2 fz3 fz4
 *         cells_n: [one to eight]           load cells: N per unit of each channel
 *                                           (one of these seven)
 *         excitation_v: 10                  of the bridge: uV and mV sheets
 *         gain: [1000]                      of the amplifier: one for all channels, or six
 *         range_pc: [eight]                 Kistler: charge that gives 10 V
 *         sensors_m: [a, b]                 Kistler: sensors at (+-a, +-b)
 *         cells_m: [[x, y], ...]            load cells: where each stands
 *         origin_m: [x, y, z]               from the transducer's origin up to the middle of the
 * top surface, in the plate's axes: z is 0 or negative x: forward                          where x
 * and y of the plate point; z points down. With y: right                            centre_m:
 * [forward, right] and size_m: [along x, y] corners_m: [[x, z], ... four]       instead of these:
 * forward and right of the quadrants
 *                                           (+x,+y) (-x,+y) (-x,-y) (+x,-y) of the plate
 *       cover_m: 0.006                      what lies on it: belt, mat, board
 *       says: load                          what an amplifier tells; or reaction
 */
#ifndef KL_APP_LAB_PLATE_SHEET_H
#define KL_APP_LAB_PLATE_SHEET_H

#include "acquire/yaml.h"
#include "app/lab_document.h"

struct kl_yaml_plate;

enum kl_lab_plate_says { KL_LAB_PLATE_SAYS_REACTION = 1, KL_LAB_PLATE_SAYS_LOAD };

/** Matrices that a sheet may hold, in the order of the schema. */
#define KL_LAB_SHEET_MATRICES 5

struct kl_yaml_sheet {
    double (*matrix[KL_LAB_SHEET_MATRICES])[KL_WRENCH_COUNT];
    unsigned matrix_count[KL_LAB_SHEET_MATRICES];
    double *diagonal_v, *sensitivity_pc_n, *cells_n, *gain, *range_pc, *sensors_m, *origin_m;
    unsigned diagonal_v_count, sensitivity_pc_n_count, cells_n_count, gain_count, range_pc_count,
        sensors_m_count, origin_m_count;
    double (*cells_m)[2];
    unsigned cells_m_count;
    double *excitation_v;
};

extern const cyaml_schema_field_t kl_lab_plate_sheet_fields[];

/** The map of a plate that is told by its sheet, into `stream`, whose channels are known.
 *  @param path  of the plate, from its device: streams[1].plate
 *  @return KL_OK, or KL_ERR_RANGE with every fault noted in the document */
int kl_lab_plate_sheet_take(const struct kl_lab_document *document, const char *path,
                            const struct kl_yaml_plate *from, struct kl_stream *stream);

#endif

#include "process/force/plate_map.h"

#include <math.h>
#include <string.h>

/* A channel this close to full scale is clipped. */
#define RAIL_PART 0.999

/* No plate carries this; beyond it a value is a decoding error and would poison the filters. */
#define ABSURD 1e9

/* Below this a file may leave the centre of pressure out (methods 7.2: no valid COP there). */
#define POINT_NEEDED_N 100.0

/* Rows of KL_PLATE_POINT. */
enum { POINT_X = 3, POINT_TWIST = 4, POINT_Z = 5 };

int kl_plate_map_init(struct kl_plate_map *map, const struct kl_stream *stream)
{
    size_t channels = stream->channel_count;
    if (channels < 1 || channels > KL_PLATE_CHANNELS_MAX) {
        return KL_ERR_ARG;
    }
    const struct kl_plate *plate = &stream->plate;
    *map = (struct kl_plate_map){
        .form = plate->form, .measured = plate->measured, .channel_count = channels};
    for (size_t c = 0; c < channels; c++) {
        map->rail[c] = (double)NAN; /* no value reaches it */
    }
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        /* A point is needed for moments even where only some of them count as measured. */
        bool row_used = (plate->measured & (1u << r)) != 0 || plate->form == KL_PLATE_POINT;
        for (size_t c = 0; c < channels && row_used; c++) {
            if (plate->matrix[r][c] != 0) {
                struct kl_plate_row *row = &map->row[r];
                row->channel[row->count] = c;
                row->gain[row->count++] = plate->matrix[r][c];
                map->rail[c] =
                    plate->full_scale[c] > 0 ? plate->full_scale[c] * RAIL_PART : (double)NAN;
            }
        }
    }
    return KL_OK;
}

/* A missing point with hardly any force on it does no harm: its moment is next to nothing. */
static bool mend_point(const struct kl_plate_map *map, double rows[KL_WRENCH_COUNT])
{
    if (map->form != KL_PLATE_POINT || !(fabs(rows[KL_FY]) < POINT_NEEDED_N)) {
        return false;
    }
    for (size_t r = POINT_X; r <= POINT_Z; r++) {
        rows[r] = fabs(rows[r]) < ABSURD ? rows[r] : 0;
    }
    return true;
}

bool kl_plate_map_rows(const struct kl_plate_map *map, const double *raw,
                       double rows[KL_WRENCH_COUNT], uint32_t *quality)
{
    for (size_t c = 0; c < map->channel_count; c++) {
        *quality |= fabs(raw[c]) >= map->rail[c] ? KL_QUALITY_CLIPPED : 0;
    }
    bool sound = true;
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        /* Only channels that the row uses: 0 * NaN would be NaN. */
        const struct kl_plate_row *row = &map->row[r];
        double sum = 0;
        for (size_t k = 0; k < row->count; k++) {
            sum += row->gain[k] * raw[row->channel[k]];
        }
        rows[r] = sum;
        sound = sound && fabs(sum) < ABSURD;
    }
    if (!sound && mend_point(map, rows)) {
        sound = true;
        for (size_t r = KL_FX; r <= KL_FZ; r++) {
            sound = sound && fabs(rows[r]) < ABSURD;
        }
    }
    if (!sound) {
        *quality |= KL_QUALITY_INVALID;
    }
    return sound;
}

void kl_plate_map_wrench(const struct kl_plate_map *map, const double rows[KL_WRENCH_COUNT],
                         double wrench[KL_WRENCH_COUNT])
{
    double tared[KL_WRENCH_COUNT];
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        tared[r] = rows[r] - map->tare[r];
    }
    if (map->form == KL_PLATE_POINT) {
        double x = rows[POINT_X]; /* a place has no tare */
        double z = rows[POINT_Z];
        double moment_x = -z * tared[KL_FY];
        double moment_y = z * tared[KL_FX] - x * tared[KL_FZ] + tared[POINT_TWIST];
        double moment_z = x * tared[KL_FY];
        tared[KL_MX] = moment_x;
        tared[KL_MY] = moment_y;
        tared[KL_MZ] = moment_z;
    }
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        wrench[r] = (map->measured & (1u << r)) != 0 ? tared[r] : 0;
    }
}

/* From a plate's raw channels to a tared wrench in lab axes. */
#ifndef KL_PROCESS_FORCE_PLATE_MAP_H
#define KL_PROCESS_FORCE_PLATE_MAP_H

#include "acquire/stream.h"

/** The plate's matrix without its zeros, and the tare. */
struct kl_plate_map {
    enum kl_plate_form form;
    unsigned measured;
    size_t channel_count;
    struct kl_plate_row {
        size_t count; /* terms that are not 0 */
        size_t channel[KL_PLATE_CHANNELS_MAX];
        double gain[KL_PLATE_CHANNELS_MAX];
    } row[KL_WRENCH_COUNT];
    double rail[KL_PLATE_CHANNELS_MAX]; /* |value| from here on is clipped; NaN: not known */
    double tare[KL_WRENCH_COUNT];       /* of the rows the matrix yields */
};

/** @return KL_OK, or KL_ERR_ARG when the stream has no or too many channels */
KL_CHECK int kl_plate_map_init(struct kl_plate_map *map, const struct kl_stream *stream);

/** The rows that the matrix yields, untared: what a tare averages.
 *  @param quality  in/out  KL_QUALITY_CLIPPED, KL_QUALITY_INVALID are added
 *  @return false when the sample is no measurement: a channel is not a number */
bool kl_plate_map_rows(const struct kl_plate_map *map, const double *raw,
                       double rows[KL_WRENCH_COUNT], uint32_t *quality);

/** Tared wrench about the lab origin; components that are not measured are 0.
 *  With KL_PLATE_POINT, M = r x F + (0, T, 0). */
void kl_plate_map_wrench(const struct kl_plate_map *map, const double rows[KL_WRENCH_COUNT],
                         double wrench[KL_WRENCH_COUNT]);

#endif

/* Writes small C3D files in memory, in each of the six encodings, for tests. Not a product: no
 * checks, fixed sizes. Layout: c3d.org user guide. */
#ifndef KL_TESTS_C3D_WRITER_H
#define KL_TESTS_C3D_WRITER_H

#include "acquire/formats/c3d.h"

#define C3D_FILE_MAX 16384

struct c3d_writer {
    enum kl_c3d_processor processor;
    bool is_float;
    unsigned points, channels, subframes, frames, first_frame;
    double rate_hz, point_scale;
    uint8_t file[C3D_FILE_MAX];
    size_t len;
};

/** Parameter section begins; set the fields of the writer before. */
void c3d_begin(struct c3d_writer *w);
void c3d_group(struct c3d_writer *w, int id, const char *name);
/** Numbers; rows x columns, first index fastest; 0 rows: one dimension. */
void c3d_int16(struct c3d_writer *w, int id, const char *name, const int *value, unsigned count,
               unsigned rows);
void c3d_float(struct c3d_writer *w, int id, const char *name, const double *value, unsigned count,
               unsigned rows);
/** `count` strings of `width` characters. */
void c3d_text(struct c3d_writer *w, int id, const char *name, const char *const *text,
              unsigned count, unsigned width);
/** Ends the parameters and writes the header. Raw numbers follow: points (4 per point) and analog
 *  channels, frame by frame. */
void c3d_data(struct c3d_writer *w, const double *raw, size_t count);

#endif

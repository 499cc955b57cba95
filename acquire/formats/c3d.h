/* C3D files as numbers: header, parameters, points, analog samples. c3d.org, user guide.
 *
 * A file is blocks of 512 bytes: header, parameter section, data. Which byte order and which
 * floating point the integers and numbers have is said by one byte of the parameter section
 * (Intel, DEC, MIPS). Header and parameters often disagree; where they do, what fits the length of
 * the file wins. Nothing here knows what a plate is (c3d_plate.h) or makes streams (c3d_source.c).
 *
 * Contract: pure functions of (buf, len); any bytes may be handed in. The reader borrows the
 * buffer: it must outlive the kl_c3d. Lengths are in the file's own unit, POINT:UNITS.
 */
#ifndef KL_ACQUIRE_FORMATS_C3D_H
#define KL_ACQUIRE_FORMATS_C3D_H

#include "acquire/stream.h"

#define KL_C3D_NAME_MAX 32
#define KL_C3D_DIMENSIONS_MAX 7
#define KL_C3D_REMARKS_MAX 6

/** Byte order and floating point, as the processor byte says. */
enum kl_c3d_processor { KL_C3D_INTEL = 84, KL_C3D_DEC = 85, KL_C3D_MIPS = 86 };

/** One parameter; names are upper case. Data stay in the file. */
struct kl_c3d_parameter {
    char group[KL_C3D_NAME_MAX];
    char name[KL_C3D_NAME_MAX];
    int group_id;
    int type; /* -1 text, 1 byte, 2 int16, 4 float */
    unsigned dimension_count;
    uint8_t dimension[KL_C3D_DIMENSIONS_MAX];
    const uint8_t *data;
    size_t count; /* elements that are there */
};

struct kl_c3d {
    const uint8_t *buf;
    size_t len;
    size_t begin; /* zero bytes before the header; all block numbers count from here */
    enum kl_c3d_processor processor;
    size_t parameter_count;
    struct kl_c3d_parameter *parameter; /* [parameter_count] owned */

    size_t data;   /* offset of the first frame */
    bool is_float; /* numbers of the data section */
    bool unsigned_analog;
    double scale;         /* integer points: length per count */
    size_t frame_count;   /* whole in the file */
    double stated_frames; /* what header or parameters promise */
    unsigned first_frame;
    size_t point_count;
    double frame_rate_hz;
    size_t analog_count;   /* channels */
    size_t subframe_count; /* analog samples per channel and frame */
    double analog_rate_hz;
    double analog_gain; /* GEN_SCALE */

    size_t remark_count;
    char remark[KL_C3D_REMARKS_MAX][160]; /* what was mended while reading */
};

/** Whether the bytes begin like a C3D file. */
bool kl_c3d_matches(const uint8_t *buf, size_t len);

/** Reads header and parameters. `name` stands for the file in messages.
 *  @return KL_OK (release with kl_c3d_release), KL_ERR_DATA or KL_ERR_MEM with *fault */
KL_CHECK int kl_c3d_parse(const char *name, const uint8_t *buf, size_t len, struct kl_c3d *out,
                          struct kl_fault *fault);

/** Frees what parse made; the buffer is the caller's. */
void kl_c3d_release(struct kl_c3d *c3d);

/** The parameter of that name, or NULL. Upper case. */
const struct kl_c3d_parameter *kl_c3d_find(const struct kl_c3d *c3d, const char *group,
                                           const char *name);

/** Element `index` as a number by its stored type; `missing` when it is not there or is text. */
double kl_c3d_number(const struct kl_c3d *c3d, const struct kl_c3d_parameter *parameter,
                     size_t index, double missing);

/** String `index` of a text parameter, blanks cut off; "" when it is not there.
 *  @return its length */
size_t kl_c3d_text(const struct kl_c3d_parameter *parameter, size_t index, char *out, size_t cap);

/** Label, unit... of analog channel `channel`: text `name` of ANALOG, going on in NAME2, NAME3
 *  beyond 255 channels. */
size_t kl_c3d_analog_text(const struct kl_c3d *c3d, const char *name, size_t channel, char *out,
                          size_t cap);

/** Samples of each analog channel. */
static inline size_t kl_c3d_analog_samples(const struct kl_c3d *c3d)
{
    return c3d->frame_count * c3d->subframe_count;
}

/** All samples of one analog channel, scaled: (raw - OFFSET) * SCALE * GEN_SCALE.
 *  @param out     out [samples], element i at out[i * stride]
 *  @return KL_OK, or KL_ERR_ARG for a channel that does not exist */
KL_CHECK int kl_c3d_analog(const struct kl_c3d *c3d, size_t channel, double *out, size_t stride);

/** One point of one frame. @param xyz  out [3] the file's own unit and axes
 *  @return false when it is missing there (occluded, or outside the file) */
KL_CHECK bool kl_c3d_point(const struct kl_c3d *c3d, size_t frame, size_t point, double *xyz);

/** "Intel", "DEC" or "MIPS". */
const char *kl_c3d_processor_text(enum kl_c3d_processor processor);

#endif

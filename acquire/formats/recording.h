/* Recordings made elsewhere, opened as sources: C3D, .mot, delimited text, XDF. */
#ifndef KL_ACQUIRE_FORMATS_RECORDING_H
#define KL_ACQUIRE_FORMATS_RECORDING_H

#include "acquire/source.h"

struct kl_recording_options {
    const char *columns; /* path of a column description, NULL: FILE.yaml beside the data */
    size_t row;          /* which record of a file that holds one per line; 0 is the first */
};

/** Looks at the first bytes (never only at the name) and opens the file as what it is.
 *  @return NULL with one line in *fault: what it is, why it cannot be used, what to do */
struct kl_source *kl_recording_open(const char *path, const struct kl_recording_options *options,
                                    struct kl_fault *fault);

/** What reading this recording left out or mended so far (damaged ranges, a missing end, streams
 *  that have no place), one line that says where more is to be learned; "" when nothing. Ask after
 *  the last item.
 *  @return KL_OK, or KL_ERR_DATA when something is damaged or missing */
int kl_recording_left_out(struct kl_source *source, char *out, size_t len);

struct kl_source *kl_c3d_open(const char *path, struct kl_fault *fault);
struct kl_source *kl_mot_open(const char *path, struct kl_fault *fault);
struct kl_source *kl_delimited_open(const char *path, const struct kl_recording_options *options,
                                    struct kl_fault *fault);

#endif

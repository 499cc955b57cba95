/* The XML in XDF files: stream headers and footers, both ways, through libxml2.
 *
 * Our stream headers restore a kl_stream bit for bit. What XDF has no word for (kind, plate) stands
 * in <desc><kneelab>, where other readers do not look; numbers have 17 digits:
 *
 *     <desc>
 *       <channels><channel><label>Fz</label><unit>N</unit></channel>... last one: quality
 *       <synchronization><can_drop_samples>true</can_drop_samples></synchronization>
 *       <kneelab><kind>force</kind><plate><side>left</side><form>0</form><measured>63</measured>
 *         <full_scale>8 numbers</full_scale><corner_x_m>4</corner_x_m><corner_z_m>4</corner_z_m>
 *         <row>8 numbers</row> ... six rows, N or N·m per recorded unit
 *
 * `can_drop_samples` keeps other readers from replacing our stamps by a straight line.
 * Threads: any, after one thread has been here. Not RT safe.
 */
#ifndef KL_ACQUIRE_FORMATS_XDF_HEADER_H
#define KL_ACQUIRE_FORMATS_XDF_HEADER_H

#include "acquire/formats/xdf_chunk.h"

#define KL_XDF_QUALITY_LABEL "quality"

/** What a StreamHeader says. */
struct kl_xdf_header {
    char type[KL_NAME_MAX];
    enum kl_xdf_format format;
    uint32_t channel_count; /* as stored, with the quality channel */
    double rate_hz;         /* 0: irregular */
    bool can_drop_samples;
    bool ours;   /* has <kneelab><kind>: the last channel holds quality bits */
    bool string; /* format is string: stream.name is all that is filled */
    /* Name, source, kind, storage format, rate, up to KL_CHANNELS_MAX channels (without quality),
     * labels, units, plate. */
    struct kl_stream stream;
};

/** @return KL_OK or KL_ERR_DATA with what is missing; *out untouched on error */
KL_CHECK int kl_xdf_header_read(const char *xml, size_t size, struct kl_xdf_header *out,
                                struct kl_fault *fault);

/** Text of a FileHeader, of a data stream's header, of a string stream's header and of a footer.
 *  Freed by the caller; NULL without memory. */
char *kl_xdf_file_header_text(void);
char *kl_xdf_header_text(const struct kl_stream *stream);
char *kl_xdf_string_header_text(const char *name, const char *type);
char *kl_xdf_footer_text(uint64_t sample_count, double first_s, double last_s);

/** Sample count of a footer. @return false when it has none */
KL_CHECK bool kl_xdf_footer_count(const char *xml, size_t size, uint64_t *count);

#endif

/* Lines of numbers: what number_line's three kinds of line share, and load_cells with them. */
#ifndef KL_DEVICES_NUMBER_LINE_H
#define KL_DEVICES_NUMBER_LINE_H

#include "devices/counted_time.h"
#include "devices/lab_streams.h"

#define KL_LINE_MAX 512 /* bytes with the line end; BIMU allows 255, OpenLog headers are longer */
#define KL_FIELDS_MAX 64

enum kl_line_format { KL_LINE_PLAIN = 0, KL_LINE_BIMU, KL_LINE_OPENLOG };

/** A field: where it is in the line. */
struct kl_field {
    const char *text;
    size_t len;
};

/** A column that is bound by its name. */
struct kl_line_column {
    const char *name;  /* in the header */
    const char *label; /* of the channel */
    const char *unit;  /* of the channel, SI */
    const char *said;  /* unit in the header; OpenLog: the maker's */
};

/** The header of a BIMU or OpenLog device, bound to the channels wanted. */
struct kl_line_header {
    bool bound;
    char id[24]; /* BIMU */
    double rate_hz;
    size_t fields;                 /* of a data line */
    size_t count_field;            /* OpenLog: field of `count`, from 1; 0: none */
    bool count_may_follow;         /* OpenLog: old firmware prints it without a title */
    size_t field[KL_CHANNELS_MAX]; /* of each channel */
    double scale[KL_CHANNELS_MAX];
};

/** Splits at `separators`, empty fields kept unless a separator is a blank. @return fields, or
 *  KL_FIELDS_MAX + 1 when there are more */
size_t kl_line_split(const char *line, size_t len, const char *separators,
                     struct kl_field field[KL_FIELDS_MAX]);

bool kl_field_is(const struct kl_field *field, const char *word);

/** The columns a format knows, ended by a row without name. */
const struct kl_line_column *kl_line_columns(enum kl_line_format format);

/** Binds a BIMU header ("BIMUH" and its fields) or an OpenLog header to wanted columns.
 *  @return KL_OK, or KL_ERR_DATA with the column at fault in *fault; header->bound says which */
int kl_line_bind_bimu(struct kl_line_header *header, const struct kl_field *field, size_t fields,
                      const struct kl_line_column *const *wanted, size_t channels,
                      struct kl_fault *fault);
int kl_line_bind_openlog(struct kl_line_header *header, const struct kl_field *field, size_t fields,
                         const struct kl_line_column *const *wanted, size_t channels);

/** The payload of the last `$...*HH` in a line. @return false: none, or a wrong checksum */
bool kl_line_sentence(const char *line, size_t len, struct kl_field *payload);

#endif

/* Which column of a text file is what: a small description a lab person writes once.
 *
 * The description is YAML; configs/columns/ holds examples that explain each key. Values stay in
 * the file's units; the plate's map converts.
 */
#ifndef KL_ACQUIRE_FORMATS_COLUMNS_H
#define KL_ACQUIRE_FORMATS_COLUMNS_H

#include "acquire/formats/delimited.h"
#include "acquire/stream.h"

/** Components a column of a force stream can be. */
enum kl_component {
    KL_COMPONENT_NONE = 0,
    KL_COMPONENT_FX,
    KL_COMPONENT_FY,
    KL_COMPONENT_FZ,
    KL_COMPONENT_MX, /* moments about the lab origin on the belt surface */
    KL_COMPONENT_MY,
    KL_COMPONENT_MZ,
    KL_COMPONENT_COP_X,
    KL_COMPONENT_COP_Z,
    KL_COMPONENT_FREE_MOMENT, /* about +Y, on the runner */
    KL_COMPONENT_COUNT,
};

struct kl_column {
    const char *column; /* name in the header, or number from 1 */
    enum kl_component component;
    const char *unit;
    const char *label; /* NULL: the component, or the column's name */
    int sign;          /* 1 or -1; 0: not stated, 1 */
    double range;      /* |value| at the rail, in `unit`; 0: not known, clipping cannot be seen */
};

struct kl_column_stream {
    const char *name;
    enum kl_kind kind;
    enum kl_side side;
    struct kl_column *channels;
    unsigned channels_count;
    unsigned samples; /* layout rows: cells of one channel; 0: to the end of the line */
};

struct kl_columns {
    double rate_hz; /* 0: from the time column */
    enum kl_columns_layout { KL_LAYOUT_COLUMNS = 0, KL_LAYOUT_ROWS } layout;
    unsigned skip_rows;
    int header;    /* as kl_delimited_hint */
    int separator; /* a character, 0: look */
    int decimal;
    const char *time; /* column of time stamps, NULL: none */
    int time_unit;    /* 0 s, 3 ms, 6 us: powers of ten */
    const char *subject;
    double mass_kg, height_m, speed_m_s; /* 0: not stated */
    double gravity_m_s2;                 /* that body weights were made with; 0: standard */
    struct kl_column_stream *streams;
    unsigned streams_count;
};

/** Reads and checks a description. `name` stands for the file in messages.
 *  @return KL_OK (free with kl_columns_free); KL_ERR_RANGE with line and column in *fault */
KL_CHECK int kl_columns_parse(const char *name, const char *text, size_t len,
                              struct kl_columns **out, struct kl_fault *fault);

void kl_columns_free(struct kl_columns *columns);

/** "fx", "cop_x"... */
const char *kl_component_text(enum kl_component component);

/** The stream a description speaks of: names, units and, for forces, the map to newtons and
 *  metres. Centre of pressure makes it KL_PLATE_POINT, and then the bits of `measured` count the
 *  rows of that form. @param rate_hz  of the data */
struct kl_stream kl_columns_stream(const struct kl_columns *columns, size_t stream, double rate_hz);

#endif

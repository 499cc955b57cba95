/* From a described table to a session: the common part of delimited text and .mot files. */
#ifndef KL_ACQUIRE_FORMATS_TABLE_SESSION_H
#define KL_ACQUIRE_FORMATS_TABLE_SESSION_H

#include "acquire/formats/columns.h"
#include "acquire/formats/memory_source.h"

/** A table with its description. */
struct kl_table {
    const struct kl_delimited *data;
    const struct kl_columns *columns;
    const char *description; /* name of the description's file; NULL: made by a reader */
    const char *text;        /* of the description, for places in it */
    size_t len;
    size_t row; /* layout rows: which record */
};

/** Reads what the description names into `memory`: streams, the runner, the speed.
 *  A cell that is no number becomes NaN with KL_QUALITY_INVALID; a column with more than 5 % of
 *  such cells is refused (a centre of pressure may be absent between contacts: only refused when
 *  it is absent everywhere).
 *  @return KL_OK or a negative status with *fault; release `memory` in both cases */
KL_CHECK int kl_table_session(const struct kl_table *table, struct kl_memory *memory,
                              struct kl_fault *fault);

#endif

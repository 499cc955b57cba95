/* Numbers in text: cells between separators, one record per line. Knows nothing of streams.
 *
 * Separator, decimal sign and header are found by looking, unless told: tab before semicolon before
 * comma before blanks; a decimal comma where cells look like "1,5" and the comma does not separate;
 * a header where the first line is not numbers. Byte order marks, CRLF, lone CR, quotes, a missing
 * or doubled newline at the end and trailing separators are all taken. Any bytes may be handed in.
 *
 * Contract: pure functions of (text, len). Lines, columns and cells count from 1 in messages, a
 * column is a byte of its line, as editors count.
 */
#ifndef KL_ACQUIRE_FORMATS_DELIMITED_H
#define KL_ACQUIRE_FORMATS_DELIMITED_H

#include "acquire/stream.h"

/** What is known beforehand; 0 in each field: look. */
struct kl_delimited_hint {
    char separator; /* '\t' ';' ',' ' ' */
    char decimal;   /* '.' ',' */
    int header;     /* 1 there is one, -1 there is none */
    size_t skip_rows;
};

/** How a text is laid out. Borrows the text. */
struct kl_delimited {
    const char *name; /* of the file, for messages */
    const char *text;
    size_t len;
    char newline;   /* '\n', or '\r' where there is no other */
    char separator; /* 0: one cell per line */
    char decimal;
    size_t header;     /* offset of the header line; len: there is none */
    size_t records;    /* offset of the first record */
    size_t first_line; /* its line number */
    size_t cell_count; /* cells of the header, else of the first record */
};

/** Cells of chosen columns. */
struct kl_cells {
    size_t rows;
    size_t columns;
    double *value; /* [rows][columns] NaN where a cell is no number */
    struct kl_bad_cells {
        size_t count;        /* cells of this column that are no number */
        size_t explicit_nan; /* of these: empty or written as NaN */
        size_t line, column; /* the first of them */
        char text[24];
    } * bad; /* [columns] */
};

/** Whether the bytes can be text: no zero byte, few control bytes. */
bool kl_delimited_is_text(const uint8_t *buf, size_t len);

/** Looks at the head of a text.
 *  @return KL_OK or KL_ERR_DATA with *fault */
KL_CHECK int kl_delimited_look(const char *name, const char *text, size_t len,
                               const struct kl_delimited_hint *hint, struct kl_delimited *out,
                               struct kl_fault *fault);

/** Index of the column called `name`, or numbered so from 1.
 *  @return the index, or -1 when there is none */
int kl_delimited_find(const struct kl_delimited *d, const char *name);

/** Names of all columns, for messages: "Time, Fx, Fy"; "3 columns without names". */
void kl_delimited_names(const struct kl_delimited *d, char *out, size_t cap);

/** Reads columns[0..count) of every record. Blank lines are passed over.
 *  @return KL_OK (free with kl_cells_release), KL_ERR_DATA without a record, KL_ERR_MEM */
KL_CHECK int kl_delimited_read(const struct kl_delimited *d, const size_t *columns, size_t count,
                               struct kl_cells *out, struct kl_fault *fault);

/** Reads record `row` (from 0) from cell `first` (from 0) on, at most `most` cells, as one column.
 *  @return as kl_delimited_read; KL_ERR_RANGE when the file has fewer records */
KL_CHECK int kl_delimited_read_row(const struct kl_delimited *d, size_t row, size_t first,
                                   size_t most, struct kl_cells *out, struct kl_fault *fault);

void kl_cells_release(struct kl_cells *cells);

#endif

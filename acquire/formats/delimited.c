#include "acquire/formats/delimited.h"

#include "acquire/formats/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOOK_LINES 8          /* lines that are looked at */
#define TEXT_LOOK_BYTES 65536 /* bytes that decide whether it is text */
#define CONTROL_SHARE 50      /* one control byte in so many is still text */
#define CELLS_MAX 1000000     /* of one record */

/* ------------------------------------------------------------------ cells */

struct cell {
    const char *text;
    size_t len;
};

/* Walks the cells of one line. */
struct walk {
    const char *at, *end;
    char separator;
    bool more;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct cell trimmed(const char *begin, const char *end)
{
    while (begin < end && is_blank(*begin)) {
        begin++;
    }
    while (end > begin && is_blank(end[-1])) {
        end--;
    }
    if (end - begin >= 2 && *begin == '"' && end[-1] == '"') {
        begin++;
        end--;
    }
    return (struct cell){begin, (size_t)(end - begin)};
}

static struct walk walk_line(const char *begin, const char *end, char separator)
{
    struct walk w = {begin, end, separator, true};
    if (separator == ' ') { /* runs of blanks separate; those at the ends do not */
        struct cell all = {begin, (size_t)(end - begin)};
        while (all.len > 0 && is_blank(all.text[0])) {
            all.text++;
            all.len--;
        }
        while (all.len > 0 && is_blank(all.text[all.len - 1])) {
            all.len--;
        }
        w.at = all.text;
        w.end = all.text + all.len;
        w.more = all.len > 0;
    }
    return w;
}

static bool next_cell(struct walk *w, struct cell *out)
{
    if (!w->more) {
        return false;
    }
    const char *p = w->at;
    const char *quoted = p;
    while (quoted < w->end && is_blank(*quoted)) {
        quoted++;
    }
    if (quoted < w->end && *quoted == '"') {
        const char *close = memchr(quoted + 1, '"', (size_t)(w->end - quoted - 1));
        p = close != NULL ? close + 1 : p;
    }
    if (w->separator == ' ') {
        while (p < w->end && !is_blank(*p)) {
            p++;
        }
    } else {
        const char *stop = w->separator != 0 ? memchr(p, w->separator, (size_t)(w->end - p)) : NULL;
        p = stop != NULL ? stop : w->end;
    }
    *out = trimmed(w->at, p);
    w->more = p < w->end;
    while (w->separator == ' ' && p < w->end && is_blank(*p)) {
        p++;
    }
    w->at = w->separator == ' ' || p == w->end ? p : p + 1;
    return true;
}

static const char *line_end(const struct kl_delimited *d, const char *begin)
{
    const char *end = memchr(begin, d->newline, d->len - (size_t)(begin - d->text));
    return end != NULL ? end : d->text + d->len;
}

static bool is_empty_line(const char *begin, const char *end)
{
    return trimmed(begin, end).len == 0;
}

static size_t count_cells(const char *begin, const char *end, char separator)
{
    struct walk w = walk_line(begin, end, separator);
    struct cell cell = {NULL, 0};
    size_t n = 0;
    while (n < CELLS_MAX && next_cell(&w, &cell)) {
        n++;
    }
    return n > 1 && cell.len == 0 ? n - 1 : n; /* a separator at the end opens no cell */
}

/* ------------------------------------------------------------------- look */

static bool is_utf16(const uint8_t *buf, size_t len)
{
    return len >= 2 && (memcmp(buf, "\xff\xfe", 2) == 0 || memcmp(buf, "\xfe\xff", 2) == 0);
}

bool kl_delimited_is_text(const uint8_t *buf, size_t len)
{
    if (is_utf16(buf, len)) {
        return true; /* text, if not one that is read: _look says so */
    }
    size_t look = len < TEXT_LOOK_BYTES ? len : TEXT_LOOK_BYTES;
    size_t control = 0;
    for (size_t i = 0; i < look; i++) {
        if (buf[i] == 0) {
            return false;
        }
        control += buf[i] < ' ' && buf[i] != '\n' && buf[i] != '\r' && buf[i] != '\t';
    }
    return look > 0 && control * CONTROL_SHARE <= look;
}

static bool occurs(const struct kl_delimited *d, size_t from, char c)
{
    const char *p = d->text + from;
    const char *end = d->text + d->len;
    for (size_t i = 0; i < LOOK_LINES && p < end; i++) {
        const char *stop = line_end(d, p);
        struct cell line = trimmed(p, stop);
        if (memchr(line.text, c, line.len) != NULL) {
            return true;
        }
        p = stop < end ? stop + 1 : end;
    }
    return false;
}

static char find_separator(const struct kl_delimited *d, size_t from)
{
    static const char candidates[] = {'\t', ';', ',', ' '};
    for (size_t i = 0; i < sizeof(candidates); i++) {
        if (occurs(d, from, candidates[i])) {
            return candidates[i];
        }
    }
    return 0;
}

static bool is_nan_word(struct cell cell)
{
    static const char *const words[] = {"nan", "na", "n/a", "null", "-nan", "nan(ind)"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == cell.len && strncasecmp(words[i], cell.text, cell.len) == 0) {
            return true;
        }
    }
    return cell.len == 0;
}

/* Whether any cell of the first lines is a number only with a decimal comma. */
static bool has_decimal_comma(const struct kl_delimited *d, size_t from)
{
    const char *p = d->text + from;
    const char *end = d->text + d->len;
    for (size_t i = 0; i < LOOK_LINES && p < end; i++) {
        const char *stop = line_end(d, p);
        struct walk w = walk_line(p, stop, d->separator);
        struct cell cell;
        double value;
        for (size_t n = 0; n < CELLS_MAX && next_cell(&w, &cell); n++) {
            if (!kl_number(cell.text, cell.len, '.', &value) &&
                kl_number(cell.text, cell.len, ',', &value)) {
                return true;
            }
        }
        p = stop < end ? stop + 1 : end;
    }
    return false;
}

/* A header has a cell that is neither a number nor a missing one. */
static bool is_header(const struct kl_delimited *d, const char *begin, const char *end)
{
    struct walk w = walk_line(begin, end, d->separator);
    struct cell cell;
    double value;
    for (size_t n = 0; n < CELLS_MAX && next_cell(&w, &cell); n++) {
        if (!is_nan_word(cell) && !kl_number(cell.text, cell.len, d->decimal, &value)) {
            return true;
        }
    }
    return false;
}

/* Moves *at over blank lines; counts lines. */
static void skip_blank_lines(const struct kl_delimited *d, size_t *at, size_t *line)
{
    while (*at < d->len) {
        const char *begin = d->text + *at;
        const char *end = line_end(d, begin);
        if (!is_empty_line(begin, end)) {
            return;
        }
        *at = end < d->text + d->len ? (size_t)(end - d->text) + 1 : d->len;
        ++*line;
    }
}

static void skip_line(const struct kl_delimited *d, size_t *at, size_t *line)
{
    const char *end = line_end(d, d->text + *at);
    *at = end < d->text + d->len ? (size_t)(end - d->text) + 1 : d->len;
    ++*line;
}

int kl_delimited_look(const char *name, const char *text, size_t len,
                      const struct kl_delimited_hint *hint, struct kl_delimited *out,
                      struct kl_fault *fault)
{
    struct kl_delimited d = {.name = name, .text = text, .len = len, .newline = '\n'};
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t line = 1;
    if (is_utf16((const uint8_t *)text, len)) {
        return kl_fault(fault, KL_ERR_DATA, "%s: text in UTF-16; save it as UTF-8 or ASCII", name);
    }
    if (len > 0 && memchr(text, '\n', len) == NULL) {
        d.newline = memchr(text, '\r', len) != NULL ? '\r' : '\n';
    }
    for (size_t i = 0; i < hint->skip_rows && at < len; i++) {
        skip_line(&d, &at, &line);
    }
    skip_blank_lines(&d, &at, &line);
    if (at == len) {
        return kl_fault(fault, KL_ERR_DATA, "%s:%zu:1: no records: the file ends here", name, line);
    }
    d.separator = hint->separator != 0 ? hint->separator : find_separator(&d, at);
    bool comma = d.separator != ',' && has_decimal_comma(&d, at);
    d.decimal = hint->decimal != 0 ? hint->decimal : (char)(comma ? ',' : '.');
    const char *begin = d.text + at;
    const char *end = line_end(&d, begin);
    d.header = len;
    d.cell_count = count_cells(begin, end, d.separator);
    if (hint->header > 0 || (hint->header == 0 && is_header(&d, begin, end))) {
        d.header = at;
        skip_line(&d, &at, &line);
        skip_blank_lines(&d, &at, &line);
    }
    d.records = at;
    d.first_line = line;
    *out = d;
    return KL_OK;
}

/* ------------------------------------------------------------------ names */

int kl_delimited_find(const struct kl_delimited *d, const char *name)
{
    size_t len = strlen(name);
    if (d->header < d->len) {
        const char *begin = d->text + d->header;
        struct walk w = walk_line(begin, line_end(d, begin), d->separator);
        struct cell cell;
        for (int i = 0; i < CELLS_MAX && next_cell(&w, &cell); i++) {
            if (cell.len == len && memcmp(cell.text, name, len) == 0) {
                return i;
            }
        }
    }
    size_t number = 0;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9' || number > CELLS_MAX) {
            return -1;
        }
        number = number * 10 + (size_t)(name[i] - '0');
    }
    return number >= 1 && number <= d->cell_count ? (int)number - 1 : -1;
}

void kl_delimited_names(const struct kl_delimited *d, char *out, size_t cap)
{
    if (d->header == d->len) {
        (void)snprintf(out, cap, "%zu columns without names", d->cell_count);
        return;
    }
    const char *begin = d->text + d->header;
    struct walk w = walk_line(begin, line_end(d, begin), d->separator);
    struct cell cell;
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < d->cell_count && used + 1 < cap && next_cell(&w, &cell); i++) {
        int n = snprintf(out + used, cap - used, "%s%.*s", i > 0 ? ", " : "",
                         (int)(cell.len < 40 ? cell.len : 40), cell.text);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* ------------------------------------------------------------------- read */

/* A cell as a number; NaN and a note where it is none. */
static double read_cell(const struct kl_delimited *d, struct cell cell, const char *line_begin,
                        size_t line, struct kl_bad_cells *bad)
{
    double value;
    if (kl_number(cell.text, cell.len, d->decimal, &value)) {
        return value;
    }
    if (bad->count++ == 0) {
        bad->line = line;
        bad->column = (size_t)(cell.text - line_begin) + 1;
        int shown = (int)(cell.len < sizeof(bad->text) - 1 ? cell.len : sizeof(bad->text) - 1);
        (void)snprintf(bad->text, sizeof(bad->text), "%.*s", shown, cell.text);
    }
    bad->explicit_nan += is_nan_word(cell);
    return (double)NAN;
}

static bool allocate(size_t rows, size_t columns, struct kl_cells *cells)
{
    *cells = (struct kl_cells){.columns = columns};
    cells->value = calloc(rows, columns * sizeof(*cells->value));
    cells->bad = calloc(columns, sizeof(*cells->bad));
    if (cells->value == NULL || cells->bad == NULL) {
        kl_cells_release(cells);
        return false;
    }
    return true;
}

static int no_memory(const struct kl_delimited *d, size_t rows, size_t columns,
                     struct kl_fault *fault)
{
    return kl_fault(fault, KL_ERR_MEM, "%s: no memory for %zu rows of %zu columns", d->name, rows,
                    columns);
}

static size_t count_lines(const struct kl_delimited *d)
{
    size_t lines = 1;
    const char *p = d->text + d->records;
    const char *end = d->text + d->len;
    while (p < end && (p = memchr(p, d->newline, (size_t)(end - p))) != NULL) {
        lines++;
        p++;
    }
    return lines;
}

/* Reads the wanted cells of one line; cells the line does not have are bad at its end. */
static void read_line(const struct kl_delimited *d, const char *begin, const char *end, size_t line,
                      const size_t *columns, size_t last, struct kl_cells *cells)
{
    struct walk w = walk_line(begin, end, d->separator);
    struct cell cell = {begin, 0};
    double *out = cells->value + cells->rows * cells->columns;
    for (size_t at = 0; at <= last; at++) {
        if (!next_cell(&w, &cell)) {
            cell = (struct cell){end, 0};
        }
        for (size_t c = 0; c < cells->columns; c++) {
            if (columns[c] == at) {
                out[c] = read_cell(d, cell, begin, line, &cells->bad[c]);
            }
        }
    }
    cells->rows++;
}

/* Behind the last line that holds anything. */
static const char *end_of_records(const struct kl_delimited *d)
{
    const char *end = d->text + d->len;
    const char *begin = d->text + d->records;
    while (end > begin && (is_blank(end[-1]) || end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }
    return end;
}

int kl_delimited_read(const struct kl_delimited *d, const size_t *columns, size_t count,
                      struct kl_cells *out, struct kl_fault *fault)
{
    struct kl_cells cells;
    size_t lines = count_lines(d);
    if (!allocate(lines, count, &cells)) {
        return no_memory(d, lines, count, fault);
    }
    size_t last = 0;
    for (size_t c = 0; c < count; c++) {
        last = columns[c] > last ? columns[c] : last;
    }
    const char *p = d->text + d->records;
    const char *end = end_of_records(d);
    /* A blank line between records is a record that is missing: dropping it would move all that
     * comes after it in time. */
    for (size_t line = d->first_line; p < end; line++) {
        const char *stop = line_end(d, p);
        read_line(d, p, stop, line, columns, last, &cells);
        p = stop < end ? stop + 1 : end;
    }
    if (cells.rows == 0) {
        kl_cells_release(&cells);
        return kl_fault(fault, KL_ERR_DATA, "%s:%zu:1: no records: the file ends here", d->name,
                        d->first_line);
    }
    *out = cells;
    return KL_OK;
}

int kl_delimited_read_row(const struct kl_delimited *d, size_t row, size_t first, size_t most,
                          struct kl_cells *out, struct kl_fault *fault)
{
    size_t at = d->records;
    size_t line = d->first_line;
    size_t record = 0;
    for (;; record++) {
        skip_blank_lines(d, &at, &line);
        if (at == d->len || record == row) {
            break;
        }
        skip_line(d, &at, &line);
    }
    if (at == d->len) {
        return kl_fault(fault, KL_ERR_RANGE,
                        "%s: row %zu is asked for, but the file holds rows 0 to %zu", d->name, row,
                        record == 0 ? 0 : record - 1);
    }
    const char *begin = d->text + at;
    const char *end = line_end(d, begin);
    size_t count = count_cells(begin, end, d->separator);
    if (first >= count) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s:%zu:1: the record ends after %zu cells, cell %zu "
                        "is wanted",
                        d->name, line, count, first + 1);
    }
    size_t rows = count - first < most ? count - first : most;
    struct kl_cells cells;
    if (!allocate(rows, 1, &cells)) {
        return no_memory(d, rows, 1, fault);
    }
    struct walk w = walk_line(begin, end, d->separator);
    struct cell cell;
    for (size_t i = 0; cells.rows < rows && next_cell(&w, &cell); i++) {
        if (i >= first) {
            cells.value[cells.rows++] = read_cell(d, cell, begin, line, &cells.bad[0]);
        }
    }
    *out = cells;
    return KL_OK;
}

void kl_cells_release(struct kl_cells *cells)
{
    free(cells->value);
    free(cells->bad);
    *cells = (struct kl_cells){0};
}

#include "acquire/formats/table_session.h"

#include "acquire/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More cells of a column than this without a number: the column is not what was described. */
static const double bad_share_max = 0.05;
/* A time step longer than so many sample spacings is a gap. */
static const double gap_spacings = 1.5;
/* A rate found from rounded time stamps is taken as whole when it is that close. */
static const double rate_rounding = 1e-4;

#define PICKS_MAX (KL_STREAMS_MAX * KL_CHANNELS_MAX + 1)

/* ---------------------------------------------------------------- columns */

static int fail_described(const struct kl_table *t, const char *path, struct kl_fault *fault,
                          const char *what)
{
    if (t->description == NULL) {
        return kl_fault(fault, KL_ERR_DATA, "%s: %s", t->data->name, what);
    }
    return kl_yaml_fault(t->description, t->text, t->len, path, fault, "%s", what);
}

static int find_column(const struct kl_table *t, const char *name, const char *path, size_t *out,
                       struct kl_fault *fault)
{
    int index = kl_delimited_find(t->data, name);
    if (index < 0) {
        char names[200], what[380];
        kl_delimited_names(t->data, names, sizeof(names));
        (void)snprintf(what, sizeof(what), "no column '%.60s' in %.80s; it has: %s", name,
                       t->data->name, names);
        return fail_described(t, path, fault, what);
    }
    *out = (size_t)index;
    return KL_OK;
}

/* Picks of all channels, stream by stream, and the time column at the end. */
static int find_columns(const struct kl_table *t, size_t *picks, size_t *count,
                        struct kl_fault *fault)
{
    const struct kl_columns *k = t->columns;
    char path[64];
    int status = KL_OK;
    size_t n = 0;
    for (size_t s = 0; status == KL_OK && s < k->streams_count; s++) {
        for (size_t c = 0; status == KL_OK && c < k->streams[s].channels_count; c++) {
            (void)snprintf(path, sizeof(path), "streams[%zu].channels[%zu].column", s + 1, c + 1);
            status = find_column(t, k->streams[s].channels[c].column, path, &picks[n++], fault);
        }
    }
    if (status == KL_OK && k->time != NULL) {
        status = find_column(t, k->time, "time", &picks[n++], fault);
    }
    *count = n;
    return status;
}

/* Refuses a column that holds too few numbers. */
static int check_column(const struct kl_table *t, const struct kl_cells *cells, size_t c,
                        const struct kl_column *column, struct kl_fault *fault)
{
    const struct kl_bad_cells *bad = &cells->bad[c];
    bool may_be_absent = column->component == KL_COMPONENT_COP_X ||
                         column->component == KL_COMPONENT_COP_Z ||
                         column->component == KL_COMPONENT_FREE_MOMENT;
    size_t counted = bad->count - (may_be_absent ? bad->explicit_nan : 0);
    if (bad->count < cells->rows && (double)counted <= bad_share_max * (double)cells->rows) {
        return KL_OK;
    }
    return kl_fault(fault, KL_ERR_DATA,
                    "%s:%zu:%zu: column '%s' holds '%s' where a number is expected, and so %zu of "
                    "its %zu cells; check the column and the decimal sign",
                    t->data->name, bad->line, bad->column, column->column, bad->text, bad->count,
                    cells->rows);
}

/* Few enough to go on without them, but not in silence. */
static void remark_bad_cells(const struct kl_cells *cells, size_t c, const struct kl_column *column,
                             struct kl_memory *memory)
{
    const struct kl_bad_cells *bad = &cells->bad[c];
    if (bad->count > bad->explicit_nan ||
        (bad->count > 0 && column->component == KL_COMPONENT_FY)) {
        kl_memory_remark(memory,
                         "line %zu, column '%s' holds '%s': %zu of its %zu cells are no numbers",
                         bad->line, column->column, bad->text, bad->count, cells->rows);
    }
}

/* ------------------------------------------------------------------- time */

/* Time stamps in ns; GAP where steps are too long. Found rate in *rate when it is 0. */
static int read_time(const struct kl_table *t, const struct kl_cells *cells, double *rate,
                     int64_t *t_ns, struct kl_fault *fault)
{
    size_t c = cells->columns - 1;
    const struct kl_bad_cells *bad = &cells->bad[c];
    double unit_ns = 1e9 / pow(10.0, t->columns->time_unit);
    if (bad->count > 0) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s:%zu:%zu: time column '%s' holds '%s' where a number is expected; "
                        "correct it, or leave 'time' out and give rate_hz",
                        t->data->name, bad->line, bad->column, t->columns->time, bad->text);
    }
    for (size_t i = 0; i < cells->rows; i++) {
        double ns = cells->value[i * cells->columns + c] * unit_ns;
        if (!(fabs(ns) < 1e18)) {
            return kl_fault(fault, KL_ERR_DATA,
                            "%s: time column '%s', record %zu: %g is no time of a recording",
                            t->data->name, t->columns->time, i + 1, ns / unit_ns);
        }
        t_ns[i] = (int64_t)llround(ns);
        if (i > 0 && t_ns[i] <= t_ns[i - 1]) {
            return kl_fault(fault, KL_ERR_DATA,
                            "%s: time column '%s' does not increase at record %zu (%g after %g); "
                            "correct it, or leave 'time' out and give rate_hz",
                            t->data->name, t->columns->time, i + 1, ns / unit_ns,
                            (double)t_ns[i - 1] / unit_ns);
        }
    }
    if (*rate > 0) {
        return KL_OK;
    }
    double span_ns = (double)(t_ns[cells->rows - 1] - t_ns[0]);
    *rate = cells->rows < 2 ? 0.0 : (double)(cells->rows - 1) * 1e9 / span_ns;
    if (fabs(*rate - nearbyint(*rate)) < rate_rounding * *rate) {
        *rate = nearbyint(*rate);
    }
    if (!(*rate >= 1.0 && *rate <= 1e5)) {
        return kl_fault(fault, KL_ERR_DATA,
                        "%s: the time column '%s' makes %g samples per second; check its unit "
                        "(time_unit: s, ms or us)",
                        t->data->name, t->columns->time, *rate);
    }
    return KL_OK;
}

static void use_time(struct kl_memory_stream *s, const int64_t *t_ns)
{
    double gap_ns = gap_spacings * 1e9 / s->stream.rate_hz;
    memcpy(s->t_ns, t_ns, s->count * sizeof(*t_ns));
    for (size_t i = 1; i < s->count; i++) {
        if ((double)(t_ns[i] - t_ns[i - 1]) > gap_ns) {
            s->quality[i] |= KL_QUALITY_GAP;
        }
    }
}

/* ---------------------------------------------------------------- streams */

static struct kl_memory_stream *add_stream(const struct kl_table *t, struct kl_memory *memory,
                                           size_t stream, double rate, size_t rows,
                                           struct kl_fault *fault)
{
    struct kl_stream described = kl_columns_stream(t->columns, stream, rate);
    const char *slash = strrchr(t->data->name, '/');
    (void)snprintf(described.source, sizeof(described.source), "%s",
                   slash != NULL ? slash + 1 : t->data->name);
    struct kl_memory_stream *s = kl_memory_add(memory, &described, rows);
    if (s == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory for %zu samples", t->data->name, rows);
    }
    return s;
}

static int add_streams(const struct kl_table *t, const struct kl_cells *cells,
                       struct kl_memory *memory, struct kl_fault *fault)
{
    const struct kl_columns *k = t->columns;
    double rate = k->rate_hz;
    int64_t *t_ns = malloc(cells->rows * sizeof(*t_ns));
    if (t_ns == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "%s: no memory for %zu time stamps", t->data->name,
                        cells->rows);
    }
    int status = k->time != NULL ? read_time(t, cells, &rate, t_ns, fault) : KL_OK;
    size_t pick = 0;
    for (size_t i = 0; status == KL_OK && i < k->streams_count; i++) {
        size_t channels = k->streams[i].channels_count;
        for (size_t c = 0; status == KL_OK && c < channels; c++) {
            status = check_column(t, cells, pick + c, &k->streams[i].channels[c], fault);
        }
        struct kl_memory_stream *s =
            status == KL_OK ? add_stream(t, memory, i, rate, cells->rows, fault) : NULL;
        if (s == NULL) {
            status = status == KL_OK ? KL_ERR_MEM : status;
            break;
        }
        for (size_t c = 0; c < channels; c++) {
            remark_bad_cells(cells, pick + c, &k->streams[i].channels[c], memory);
        }
        for (size_t r = 0; r < cells->rows; r++) {
            memcpy(s->value + r * channels, cells->value + r * cells->columns + pick,
                   channels * sizeof(*s->value));
        }
        if (k->time != NULL) {
            use_time(s, t_ns);
        }
        kl_memory_mark_invalid(s);
        pick += channels;
    }
    free(t_ns);
    return status;
}

static int read_columns(const struct kl_table *t, struct kl_memory *memory, struct kl_fault *fault)
{
    struct kl_cells cells;
    size_t *picks = malloc(PICKS_MAX * sizeof(*picks));
    size_t count = 0;
    if (picks == NULL) {
        return kl_fault(fault, KL_ERR_MEM, "%s: no memory", t->data->name);
    }
    int status = find_columns(t, picks, &count, fault);
    if (status == KL_OK) {
        status = kl_delimited_read(t->data, picks, count, &cells, fault);
    }
    if (status == KL_OK) {
        status = add_streams(t, &cells, memory, fault);
        kl_cells_release(&cells);
    }
    free(picks);
    return status;
}

/* --------------------------------------------------------- layout: rows */

/* Layout rows: a channel is a run of cells of one line, beginning at the cell its column names. */
static int read_row_channel(const struct kl_table *t, const struct kl_column_stream *stream,
                            size_t s, size_t c, struct kl_cells *cells, struct kl_fault *fault)
{
    char path[64];
    const struct kl_column *column = &stream->channels[c];
    (void)snprintf(path, sizeof(path), "streams[%zu].channels[%zu].column", s + 1, c + 1);
    if (strspn(column->column, "0123456789") != strlen(column->column) ||
        strlen(column->column) > 9 || strtoul(column->column, NULL, 10) == 0) {
        return fail_described(t, path, fault,
                              "layout rows: the number, from 1, of the cell the channel begins at "
                              "is expected");
    }
    size_t first = strtoul(column->column, NULL, 10) - 1;
    size_t most = stream->samples > 0 ? stream->samples : SIZE_MAX;
    int status = kl_delimited_read_row(t->data, t->row, first, most, cells, fault);
    if (status == KL_OK) {
        status = check_column(t, cells, 0, column, fault);
        if (status != KL_OK) {
            kl_cells_release(cells);
        }
    }
    return status;
}

static int read_rows(const struct kl_table *t, struct kl_memory *memory, struct kl_fault *fault)
{
    int status = KL_OK;
    for (size_t i = 0; status == KL_OK && i < t->columns->streams_count; i++) {
        const struct kl_column_stream *stream = &t->columns->streams[i];
        struct kl_memory_stream *s = NULL;
        for (size_t c = 0; status == KL_OK && c < stream->channels_count; c++) {
            struct kl_cells cells = {0};
            status = read_row_channel(t, stream, i, c, &cells, fault);
            if (status != KL_OK) {
                break;
            }
            if (c == 0) {
                s = add_stream(t, memory, i, t->columns->rate_hz, cells.rows, fault);
            }
            if (s == NULL) {
                status = KL_ERR_MEM;
            } else if (s->count != cells.rows) {
                status = kl_fault(fault, KL_ERR_DATA,
                                  "%s: row %zu: channel %zu of '%s' has %zu samples, the first has "
                                  "%zu; say how many with 'samples'",
                                  t->data->name, t->row, c + 1, stream->name, cells.rows, s->count);
            }
            for (size_t r = 0; status == KL_OK && r < cells.rows; r++) {
                s->value[r * stream->channels_count + c] = cells.value[r];
            }
            kl_cells_release(&cells);
        }
        if (status == KL_OK) {
            kl_memory_mark_invalid(s);
        }
    }
    return status;
}

int kl_table_session(const struct kl_table *table, struct kl_memory *memory, struct kl_fault *fault)
{
    const struct kl_columns *k = table->columns;
    int status = k->layout == KL_LAYOUT_ROWS ? read_rows(table, memory, fault)
                                             : read_columns(table, memory, fault);
    if (status != KL_OK) {
        return status;
    }
    int64_t start_ns = memory->stream[0].t_ns[0];
    if (k->mass_kg > 0 || k->height_m > 0 || k->subject != NULL) {
        status = kl_memory_event(memory,
                                 &(struct kl_event){.kind = KL_EVENT_SUBJECT,
                                                    .t_ns = start_ns,
                                                    .value = {k->mass_kg, k->height_m},
                                                    .text = k->subject != NULL ? k->subject : ""});
    }
    if (status == KL_OK && k->speed_m_s > 0) {
        status = kl_memory_event(memory, &(struct kl_event){.kind = KL_EVENT_SPEED,
                                                            .t_ns = start_ns,
                                                            .value = {k->speed_m_s, 0.0},
                                                            .text = ""});
    }
    return status == KL_OK ? KL_OK : kl_fault(fault, status, "%s: no memory", table->data->name);
}

/* Text tables and their descriptions: good ones, bad ones, and what is said about them. */
#include "acquire/formats/columns.h"
#include "acquire/formats/delimited.h"
#include "acquire/formats/recording.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------ tables */

Test(delimited, layouts_are_found_by_looking)
{
    static const struct {
        const char *legend, *text;
        struct kl_delimited_hint hint;
        char separator, decimal;
        bool header;
        size_t rows, columns[2];
        double first[2], last[2];
    } rows[] = {
        {"comma, header", "a,b\n1,2\n3,4\n", {0}, ',', '.', true, 2, {0, 1}, {1, 2}, {3, 4}},
        {"comma, no header", "1,2\n3,4\n", {0}, ',', '.', false, 2, {0, 1}, {1, 2}, {3, 4}},
        {"tab", "a\tb\n1\t2\n3\t4", {0}, '\t', '.', true, 2, {1, 0}, {2, 1}, {4, 3}},
        {"semicolon, decimal comma",
         "a;b\n1,5;2\n3;4,25\n",
         {0},
         ';',
         ',',
         true,
         2,
         {0, 1},
         {1.5, 2},
         {3, 4.25}},
        {"semicolon, decimal point",
         "1.5;2\n3;4\n",
         {0},
         ';',
         '.',
         false,
         2,
         {0, 1},
         {1.5, 2},
         {3, 4}},
        {"tab, decimal comma",
         "1,5\t2,5\n3,0\t4,0\n",
         {0},
         '\t',
         ',',
         false,
         2,
         {0, 1},
         {1.5, 2.5},
         {3, 4}},
        {"blanks", "  x   y \n  1   2\n 3 4  \n", {0}, ' ', '.', true, 2, {0, 1}, {1, 2}, {3, 4}},
        {"one column", "1.5\n-2e3\n", {0}, 0, '.', false, 2, {0, 0}, {1.5, 1.5}, {-2000, -2000}},
        {"BOM, CRLF",
         "\xef\xbb\xbf"
         "a,b\r\n1,2\r\n3,4\r\n",
         {0},
         ',',
         '.',
         true,
         2,
         {0, 1},
         {1, 2},
         {3, 4}},
        {"lone CR", "a,b\r1,2\r3,4", {0}, ',', '.', true, 2, {0, 1}, {1, 2}, {3, 4}},
        {"a blank line inside is a record that is missing",
         "\n\na,b\n\n1,2\n\n3,4\n\n\n",
         {0},
         ',',
         '.',
         true,
         3,
         {0, 1},
         {1, 2},
         {3, 4}},
        {"separator at the end",
         "a,b,\n1,2,\n3,4,\n",
         {0},
         ',',
         '.',
         true,
         2,
         {0, 1},
         {1, 2},
         {3, 4}},
        {"quotes",
         "\"a, m\",\"b\"\n\"1\",2\n3,\"4\"\n",
         {0},
         ',',
         '.',
         true,
         2,
         {0, 1},
         {1, 2},
         {3, 4}},
        {"two lines skipped",
         "made by\n9,9,9\na,b\n1,2\n3,4\n",
         {.skip_rows = 2},
         ',',
         '.',
         true,
         2,
         {0, 1},
         {1, 2},
         {3, 4}},
        {"missing cells are no header",
         "nan,\n1,2\n3,4\n",
         {0},
         ',',
         '.',
         false,
         3,
         {0, 1},
         {(double)NAN, (double)NAN},
         {3, 4}},
        {"numbers as header, told so",
         "1,2\n1,2\n3,4\n",
         {.header = 1},
         ',',
         '.',
         true,
         2,
         {0, 1},
         {1, 2},
         {3, 4}},
        {"comma decimal, told so",
         "1,5\n2,5\n",
         {.separator = ';', .decimal = ','},
         ';',
         ',',
         false,
         2,
         {0, 0},
         {1.5, 1.5},
         {2.5, 2.5}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kl_delimited d;
        struct kl_cells cells;
        struct kl_fault fault = {""};
        const char *legend = rows[i].legend;
        cr_assert_eq(
            kl_delimited_look("t", rows[i].text, strlen(rows[i].text), &rows[i].hint, &d, &fault),
            KL_OK, "%s: %s", legend, fault.text);
        cr_expect_eq(d.separator, rows[i].separator, "%s: '%c'", legend, d.separator);
        cr_expect_eq(d.decimal, rows[i].decimal, "%s: '%c'", legend, d.decimal);
        cr_expect_eq(d.header < d.len, rows[i].header, "%s", legend);
        cr_assert_eq(kl_delimited_read(&d, rows[i].columns, 2, &cells, &fault), KL_OK, "%s: %s",
                     legend, fault.text);
        cr_assert_eq(cells.rows, rows[i].rows, "%s: %zu rows", legend, cells.rows);
        for (size_t c = 0; c < 2; c++) {
            double first = cells.value[c], last = cells.value[2 * (cells.rows - 1) + c];
            cr_expect(first == rows[i].first[c] || (isnan(first) && isnan(rows[i].first[c])),
                      "%s: %g", legend, first);
            cr_expect_eq(last, rows[i].last[c], "%s: %g", legend, last);
        }
        kl_cells_release(&cells);
    }
}

Test(delimited, cells_that_are_no_numbers_are_counted_and_placed)
{
    static const char text[] = "a,b\n1,2\n3\n5,x y\nNaN,\n";
    static const size_t columns[] = {0, 1};
    struct kl_delimited d;
    struct kl_cells cells;
    struct kl_fault fault;
    cr_assert_eq(
        kl_delimited_look("t", text, strlen(text), &(struct kl_delimited_hint){0}, &d, &fault),
        KL_OK);
    cr_assert_eq(kl_delimited_read(&d, columns, 2, &cells, &fault), KL_OK);
    cr_expect_eq(cells.rows, 4);
    cr_expect_eq(cells.bad[0].count, 1);
    cr_expect_eq(cells.bad[0].line, 5);
    cr_expect_eq(cells.bad[0].column, 1);
    cr_expect_eq(cells.bad[1].count, 3);
    cr_expect_eq(cells.bad[1].explicit_nan, 2);
    cr_expect_eq(cells.bad[1].line, 3); /* the cell that is not there, at the end of its line */
    cr_expect_eq(cells.bad[1].column, 2);
    cr_expect(isnan(cells.value[3]) && isnan(cells.value[5]) && isnan(cells.value[7]));
    kl_cells_release(&cells);
}

Test(delimited, names_and_numbers_find_columns)
{
    static const char text[] = "Time, Fx ,\"F y\",7\n1,2,3,4\n";
    struct kl_delimited d;
    struct kl_fault fault;
    char names[64];
    cr_assert_eq(
        kl_delimited_look("t", text, strlen(text), &(struct kl_delimited_hint){0}, &d, &fault),
        KL_OK);
    cr_expect_eq(kl_delimited_find(&d, "Time"), 0);
    cr_expect_eq(kl_delimited_find(&d, "Fx"), 1);
    cr_expect_eq(kl_delimited_find(&d, "F y"), 2);
    cr_expect_eq(kl_delimited_find(&d, "7"), 3); /* a name before a number */
    cr_expect_eq(kl_delimited_find(&d, "2"), 1);
    cr_expect_eq(kl_delimited_find(&d, "5"), -1);
    cr_expect_eq(kl_delimited_find(&d, "0"), -1);
    cr_expect_eq(kl_delimited_find(&d, "fx"), -1);
    cr_expect_eq(kl_delimited_find(&d, "99999999999999999999"), -1);
    kl_delimited_names(&d, names, sizeof(names));
    cr_expect_str_eq(names, "Time, Fx, F y, 7");
    kl_delimited_names(&d, names, 8);
    cr_expect_str_eq(names, "Time, F");
}

Test(delimited, a_long_line_is_a_record_of_many_samples)
{
    struct kl_delimited d;
    struct kl_cells cells;
    struct kl_fault fault = {""};
    size_t n = 100000, len = 0;
    char *text = malloc(n * 8 * 2);
    for (size_t line = 0; line < 2; line++) {
        for (size_t i = 0; i < n; i++) {
            len += (size_t)sprintf(text + len, "%s%zu", i > 0 ? "," : "", i + line);
        }
        text[len++] = '\n';
    }
    cr_assert_eq(
        kl_delimited_look("t", text, len, &(struct kl_delimited_hint){.header = -1}, &d, &fault),
        KL_OK);
    cr_assert_eq(kl_delimited_read_row(&d, 1, 10, SIZE_MAX, &cells, &fault), KL_OK);
    cr_expect_eq(cells.rows, n - 10);
    cr_expect_eq(cells.value[0], 11.0);
    cr_expect_eq(cells.value[n - 11], (double)n);
    kl_cells_release(&cells);
    cr_expect_eq(kl_delimited_read_row(&d, 2, 0, 5, &cells, &fault), KL_ERR_RANGE);
    cr_expect_str_eq(fault.text, "t: row 2 is asked for, but the file holds rows 0 to 1");
    cr_expect_eq(kl_delimited_read_row(&d, 0, n, 5, &cells, &fault), KL_ERR_DATA);
    cr_expect_str_eq(fault.text,
                     "t:1:1: the record ends after 100000 cells, cell 100001 is wanted");
    free(text);
}

/* ------------------------------------------------------------ descriptions */

#define STREAM "streams:\n- name: p\n  kind: force\n  channels:\n"
#define FY "  - {column: 1, component: fy, unit: N}\n"

Test(columns, a_description_becomes_a_map_to_newtons_and_metres)
{
    static const char text[] = "rate_hz: 100\nmass_kg: 80\ngravity_m_s2: 9.81\n"
                               "streams:\n"
                               "- name: plate.left\n  kind: force\n  side: left\n  channels:\n"
                               "  - {column: Fy, component: fy, unit: BW}\n"
                               "  - {column: Fx, component: fx, unit: kN, sign: -1}\n"
                               "  - {column: X, component: cop_x, unit: mm, label: Along}\n"
                               "  - {column: T, component: free_moment, unit: N.mm}\n"
                               "- name: plate.right\n  kind: force\n  channels:\n"
                               "  - {column: Fy, component: fy, unit: N}\n"
                               "  - {column: Mz, component: mz, unit: N.m}\n"
                               "- name: emg.vmo\n  kind: emg\n  channels:\n"
                               "  - {column: EMG 1, unit: uV}\n";
    struct kl_columns *columns = NULL;
    struct kl_fault fault = {""};
    cr_assert_eq(kl_columns_parse("d.yaml", text, strlen(text), &columns, &fault), KL_OK, "%s",
                 fault.text);
    struct kl_stream left = kl_columns_stream(columns, 0, 100.0);
    struct kl_stream right = kl_columns_stream(columns, 1, 100.0);
    struct kl_stream emg = kl_columns_stream(columns, 2, 100.0);
    cr_expect_str_eq(left.name, "plate.left");
    cr_expect_eq(left.plate.side, KL_SIDE_LEFT);
    cr_expect_eq(left.plate.form, KL_PLATE_POINT);
    cr_expect_eq(left.plate.matrix[KL_FY][0], 80.0 * 9.81);
    cr_expect_eq(left.plate.matrix[KL_FX][1], -1000.0);
    cr_expect_eq(left.plate.matrix[KL_MX][2], 1e-3); /* row of COP x */
    cr_expect_eq(left.plate.matrix[KL_MY][3], 1e-3); /* row of the free moment */
    cr_expect_eq(left.plate.measured, 1u << KL_FX | 1u << KL_FY | 1u << KL_MX | 1u << KL_MY);
    cr_expect_str_eq(left.label[0], "fy");
    cr_expect_str_eq(left.label[2], "Along");
    cr_expect_str_eq(left.unit[3], "N.mm");
    cr_expect_eq(right.plate.form, KL_PLATE_WRENCH);
    cr_expect_eq(right.plate.matrix[KL_MZ][1], 1.0);
    cr_expect_eq(right.plate.measured, 1u << KL_FY | 1u << KL_MZ);
    cr_expect_eq(emg.kind, KL_KIND_EMG);
    cr_expect_str_eq(emg.label[0], "EMG 1");
    kl_columns_free(columns);
}

Test(columns, a_bad_description_is_faulted_at_its_line_and_column)
{
    static const struct {
        const char *legend, *text, *fault;
    } rows[] = {
        {"no rate", STREAM FY,
         "d:1:1: key 'rate_hz' is missing: samples per second, or name the column of time stamps "
         "with 'time'"},
        {"rate 0.5", "rate_hz: 0.5\n" STREAM FY,
         "d:1:10: rate_hz: found 0.5; allowed: 1 to 100000"},
        {"mass in pounds", "rate_hz: 100\nmass_kg: -5\n" STREAM FY,
         "d:2:10: mass_kg: found -5; allowed: 20 to 300"},
        {"height in cm", "rate_hz: 100\nheight_m: 183\n" STREAM FY,
         "d:2:11: height_m: found 183; allowed: 0.8 to 2.6"},
        {"speed in km/h", "rate_hz: 100\nspeed_m_s: 36\n" STREAM FY,
         "d:2:12: speed_m_s: found 36; allowed: 0.1 to 15"},
        {"no component", "rate_hz: 100\n" STREAM "  - {column: 1, unit: N}\n",
         "d:6:5: streams[1].channels[1]: key 'component' is missing; a column of a force stream is "
         "one of fx, fy, fz, mx, my, mz, cop_x, cop_z, free_moment"},
        {"wrong component", "rate_hz: 100\n" STREAM "  - {column: 1, component: fw, unit: N}\n",
         "d:6:28: streams[1].channels[1].component: found 'fw'; allowed: fx, fy, fz, mx, my, mz, "
         "cop_x, cop_z, free_moment"},
        {"wrong unit", "rate_hz: 100\n" STREAM "  - {column: 1, component: fy, unit: mm}\n",
         "d:6:38: streams[1].channels[1].unit: found 'mm' for fy; allowed: N, kN, BW"},
        {"wrong unit of a point",
         "rate_hz: 100\n" STREAM FY "  - {column: 2, component: cop_x, unit: N}\n",
         "d:7:41: streams[1].channels[2].unit: found 'N' for cop_x; allowed: m, cm, mm"},
        {"body weights without a mass",
         "rate_hz: 100\n" STREAM "  - {column: 1, component: fy, unit: BW}\n",
         "d:6:38: streams[1].channels[1].unit: body weights need the runner's mass; add mass_kg at "
         "the top"},
        {"twice", "rate_hz: 100\n" STREAM FY FY,
         "d:7:28: streams[1].channels[2].component: 'fy' is here twice"},
        {"no vertical force", "rate_hz: 100\n" STREAM "  - {column: 1, component: fx, unit: N}\n",
         "d:6:3: streams[1].channels: no column is 'fy', the vertical force; steps cannot be found "
         "without it"},
        {"moments and a point",
         "rate_hz: 100\n" STREAM FY "  - {column: 2, component: mx, unit: N.m}\n"
         "  - {column: 3, component: cop_x, unit: m}\n",
         "d:6:3: streams[1].channels: moments (mx, my, mz) and centre of pressure (cop_x, cop_z, "
         "free_moment) say the same; give one of them"},
        {"sign 2", "rate_hz: 100\n" STREAM "  - {column: 1, component: fy, unit: N, sign: 2}\n",
         "d:6:47: streams[1].channels[1].sign: found 2; allowed: 1, -1"},
        {"component of an EMG",
         "rate_hz: 100\nstreams:\n- name: e\n  kind: emg\n  channels:\n"
         "  - {column: 1, component: fy, unit: V}\n",
         "d:6:28: streams[1].channels[1].component: only streams of kind force have components and "
         "signs"},
        {"same name", "rate_hz: 100\n" STREAM FY "- name: p\n  kind: force\n  channels:\n" FY,
         "d:7:9: streams[2].name: 'p' is the name of another stream too"},
        {"time in rows", "rate_hz: 100\nlayout: rows\ntime: t\n" STREAM FY,
         "d:3:7: time: layout rows holds one record per line: no time column, no header"},
        {"unknown key", "rate: 100\n" STREAM FY,
         "d:1:1: unknown key 'rate'; allowed: rate_hz, layout, skip_rows, header, separator, "
         "decimal, time, time_unit, subject, mass_kg, height_m, speed_m_s, gravity_m_s2, streams"},
        {"decimal comma", "rate_hz: 100,5\n" STREAM FY,
         "d:1:10: rate_hz: found '100,5'; a number is expected"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kl_columns *columns = NULL;
        struct kl_fault fault = {""};
        cr_expect_eq(kl_columns_parse("d", rows[i].text, strlen(rows[i].text), &columns, &fault),
                     KL_ERR_RANGE, "%s", rows[i].legend);
        cr_expect_str_eq(fault.text, rows[i].fault, "%s: %s", rows[i].legend, fault.text);
        cr_expect_null(columns);
    }
}

/* ----------------------------------------------------------------- sources */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

/* Opens text with a description, both as files d.csv and d.yaml of a folder of their own; "@" in
 * the fault stands for that folder. */
static struct kl_source *open_texts(const char *data, const char *description, size_t row,
                                    struct kl_fault *fault)
{
    char folder[] = "/tmp/kneelab_XXXXXX";
    char file[64], desc[64];
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(file, sizeof(file), "%s/d.csv", folder);
    (void)snprintf(desc, sizeof(desc), "%s/d.yaml", folder);
    write_file(file, data);
    if (description != NULL) {
        write_file(desc, description);
    }
    const struct kl_recording_options options = {.row = row};
    struct kl_fault raw = {""};
    struct kl_source *source = kl_delimited_open(file, &options, &raw);
    (void)unlink(file);
    (void)unlink(desc);
    (void)rmdir(folder);
    fault->text[0] = 0;
    size_t n = 0;
    for (const char *p = raw.text; *p != 0; p++) {
        if (strncmp(p, folder, strlen(folder)) == 0) {
            fault->text[n++] = '@';
            p += strlen(folder) - 1;
        } else {
            fault->text[n++] = *p;
        }
    }
    fault->text[n] = 0;
    return source;
}

Test(delimited_source, samples_events_and_times_come_out_as_described)
{
    static const char data[] = "t,F,e\n0.5,10,1\n0.51,,2\n0.52,30,3\n0.60,40,4\n0.61,1,5\n"
                               "0.62,2,6\n0.63,2,7\n0.64,2,8\n0.65,2,9\n0.66,2,10\n0.67,2,11\n"
                               "0.68,2,1\n0.69,2,1\n0.7,2,1\n0.71,2,1\n0.72,2,1\n0.73,2,1\n"
                               "0.74,2,1\n0.75,2,1\n0.76,2,1\n0.77,2,1\n";
    static const char description[] =
        "rate_hz: 100\ntime: t\nsubject: R01\nmass_kg: 70\nheight_m: 1.8\nspeed_m_s: 2.5\n"
        "streams:\n- name: plate.belt\n  kind: force\n  channels:\n"
        "  - {column: F, component: fy, unit: N}\n"
        "- name: emg\n  kind: emg\n  channels:\n  - {column: e, unit: V}\n";
    struct kl_fault fault;
    struct kl_item item;
    struct kl_source *source = open_texts(data, description, 0, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    cr_assert_eq(source->stream_count, 2);
    cr_expect_str_eq(source->stream[0].source, "d.csv");
    cr_expect_eq(source->duration_ns, 280000000);
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM);
    cr_assert_eq(item.kind, KL_ITEM_EVENT);
    cr_expect_eq(item.event.kind, KL_EVENT_MARKER);
    cr_expect_not_null(strstr(item.event.text, "1 of its 21 cells"), "%s", item.event.text);
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM);
    cr_assert_eq(item.kind, KL_ITEM_EVENT);
    cr_expect_eq(item.event.kind, KL_EVENT_SUBJECT);
    cr_expect_eq(item.event.t_ns, KL_EPOCH_NS);
    cr_expect_eq(item.event.value[0], 70.0);
    cr_expect_eq(item.event.value[1], 1.8);
    cr_expect_str_eq(item.event.text, "R01");
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM);
    cr_expect_eq(item.event.kind, KL_EVENT_SPEED);
    cr_expect_eq(item.event.value[0], 2.5);
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM);
    cr_assert_eq(item.kind, KL_ITEM_BLOCK);
    cr_assert_eq(item.block.count, 5);
    static const int64_t t_ms[] = {0, 10, 20, 100, 110};
    static const uint32_t quality[] = {0, KL_QUALITY_INVALID, 0, KL_QUALITY_GAP, 0};
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(item.block.t_ns[i], KL_EPOCH_NS + t_ms[i] * 1000000);
        cr_expect_eq(item.block.quality[i], quality[i]);
    }
    cr_expect(isnan(item.block.value[1]));
    cr_expect_eq(item.block.value[2], 30.0);
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM);
    cr_expect_eq(item.block.stream, 1); /* the emg's first block, at the same time */
    kl_source_close(source);
}

Test(delimited_source, one_record_of_many_can_be_chosen)
{
    static const char description[] =
        "rate_hz: 100\nlayout: rows\nmass_kg: 50\nstreams:\n"
        "- name: p\n  kind: force\n  samples: 3\n  channels:\n"
        "  - {column: 1, component: fy, unit: BW}\n  - {column: 4, component: fx, unit: N}\n";
    struct kl_fault fault;
    struct kl_item item;
    struct kl_source *source = open_texts("1,2,3,4,5,6\n7,8,9,10,11,12\n", description, 1, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    cr_expect_eq(source->stream[0].plate.matrix[KL_FY][0], 50.0 * 9.80665);
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM); /* subject */
    cr_assert_eq(kl_source_next(source, 0, &item, &fault), KL_SOURCE_ITEM);
    cr_assert_eq(item.block.count, 3);
    static const double expected[] = {7, 10, 8, 11, 9, 12};
    cr_expect_arr_eq(item.block.value, expected, sizeof(expected));
    kl_source_close(source);
    cr_expect_null(open_texts("1,2,3,4,5\n", description, 0, &fault));
    cr_expect_str_eq(fault.text, "@/d.csv: row 0: channel 2 of 'p' has 2 samples, the first has 3; "
                                 "say how many with 'samples'");
    cr_expect_null(open_texts("1,2,3,4,5,6\n", description, 9, &fault));
    cr_expect_str_eq(fault.text, "@/d.csv: row 9 is asked for, but the file holds rows 0 to 0");
}

Test(delimited_source, what_cannot_be_used_is_placed_and_explained)
{
    static const char by_name[] =
        "rate_hz: 100\n" STREAM "  - {column: Fy, component: fy, unit: N}\n";
    static const char by_time[] = "time: t\n" STREAM "  - {column: Fy, component: fy, unit: N}\n";
    static const struct {
        const char *legend, *data, *description, *fault;
    } rows[] = {
        {"no description", "1\n2\n", NULL,
         "@/d.csv: columns of text, but nothing says which column is what; give --columns "
         "DESC.yaml "
         "or write @/d.csv.yaml (examples: configs/columns/)"},
        {"no such column", "Fx,Fz\n1,2\n", by_name,
         "@/d.yaml:6:14: streams[1].channels[1].column: no column 'Fy' in @/d.csv; it has: Fx, Fz"},
        {"no header", "1,2\n3,4\n", by_name,
         "@/d.yaml:6:14: streams[1].channels[1].column: no column 'Fy' in @/d.csv; it has: 2 "
         "columns without names"},
        {"text in a column", "Fx,Fy\n1,a\n1,b\n1,2\n", by_name,
         "@/d.csv:2:3: column 'Fy' holds 'a' where a number is expected, and so 2 of its 3 cells; "
         "check the column and the decimal sign"},
        {"an empty column", "Fx,Fy\n1,\n1,\n", by_name,
         "@/d.csv:2:3: column 'Fy' holds '' where a number is expected, and so 2 of its 2 cells; "
         "check the column and the decimal sign"},
        {"only a header", "Fx,Fy\n", by_name, "@/d.csv:2:1: no records: the file ends here"},
        {"nothing", "", by_name, "@/d.csv: empty file"},
        {"blank", "\n\n", by_name, "@/d.csv:3:1: no records: the file ends here"},
        {"UTF-16",
         "\xff\xfe"
         "F\x01y\x01",
         by_name, "@/d.csv: text in UTF-16; save it as UTF-8 or ASCII"},
        {"time goes back", "t,Fy\n0,1\n0.01,2\n0.005,3\n", by_time,
         "@/d.csv: time column 't' does not increase at record 3 (0.005 after 0.01); correct it, "
         "or "
         "leave 'time' out and give rate_hz"},
        {"no time", "t,Fy\n0,1\nx,2\n0.005,3\n", by_time,
         "@/d.csv:3:1: time column 't' holds 'x' where a number is expected; correct it, or leave "
         "'time' out and give rate_hz"},
        {"time in ms", "t,Fy\n0,1\n10,2\n20,3\n", by_time,
         "@/d.csv: the time column 't' makes 0.1 samples per second; check its unit (time_unit: s, "
         "ms or us)"},
        {"bad description", "Fy\n1\n", "rate: 3\n" STREAM FY,
         "@/d.yaml:1:1: unknown key 'rate'; allowed: rate_hz, layout, skip_rows, header, "
         "separator, "
         "decimal, time, time_unit, subject, mass_kg, height_m, speed_m_s, gravity_m_s2, streams"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct kl_fault fault;
        cr_expect_null(open_texts(rows[i].data, rows[i].description, 0, &fault), "%s",
                       rows[i].legend);
        cr_expect_str_eq(fault.text, rows[i].fault, "%s: %s", rows[i].legend, fault.text);
    }
}

Test(delimited_source, a_point_may_be_absent_between_contacts)
{
    struct kl_fault fault;
    struct kl_source *source =
        open_texts("Fy,X\n0,\n0,NaN\n500,0.1\n",
                   "rate_hz: 100\n" STREAM "  - {column: Fy, component: fy, unit: N}\n"
                   "  - {column: X, component: cop_x, unit: m}\n",
                   0, &fault);
    cr_expect_not_null(source, "%s", fault.text);
    kl_source_close(source);
}

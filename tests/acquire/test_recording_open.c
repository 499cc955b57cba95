/* Files are opened as what they hold, whatever they are called. */
#include "acquire/formats/recording.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct kl_source *open_as(const char *name, const void *bytes, size_t len,
                                 const char *columns, struct kl_fault *fault)
{
    char folder[] = "/tmp/kneelab_XXXXXX";
    char path[80], desc[80];
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    (void)snprintf(desc, sizeof(desc), "%s/desc.yaml", folder);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
    if (columns != NULL) {
        file = fopen(desc, "wb");
        cr_assert_not_null(file);
        (void)fputs(columns, file);
        (void)fclose(file);
    }
    const struct kl_recording_options options = {.columns = columns != NULL ? desc : NULL};
    struct kl_source *source = kl_recording_open(path, &options, fault);
    (void)unlink(path);
    (void)unlink(desc);
    (void)rmdir(folder);
    return source;
}

Test(recording, content_decides_and_the_message_names_both)
{
    static const char mot[] = "name a\nendheader\ntime\tg_force_vy\n0\t1\n0.01\t2\n0.02\t3\n";
    static const struct {
        const char *legend, *name, *bytes;
        size_t len;
        const char *says; /* NULL: opens */
    } rows[] = {
        {".mot called .c3d", "a.c3d", mot, sizeof(mot) - 1, NULL},
        {".mot called .csv", "a.csv", mot, sizeof(mot) - 1, NULL},
        {"text called .c3d", "a.c3d", "1,2\n3,4\n", 8,
         "(named like C3D, but it holds delimited text)"},
        {"text", "a.csv", "1,2\n3,4\n", 8, "nothing says which column is what"},
        {"bytes called .c3d", "a.c3d", "\x01\x02\x03\x04\x05", 5,
         "named like C3D, but not a recording that can be read (it begins with 01 02 03 04)"},
        {"bytes", "a.bin", "\x01\x02\x03\x04\x05", 5,
         ": not a recording that can be read (it begins with 01 02 03 04)"},
        {"workbook called .csv", "a.csv", "PK\x03\x04\x00\x00", 6, "an Excel workbook"},
        {"gzip", "a.csv.gz", "\x1f\x8b\x08\x00", 4, "compressed with gzip; unpack it first"},
        {"MATLAB", "a.mat", "MATLAB 5.0 \x00\x01", 13, "a MATLAB file"},
        {"empty", "a.c3d", "", 0, "empty file"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct kl_fault fault = {""};
        struct kl_source *source = open_as(rows[i].name, rows[i].bytes, rows[i].len, NULL, &fault);
        if (rows[i].says == NULL) {
            cr_expect_not_null(source, "%s: %s", rows[i].legend, fault.text);
        } else {
            cr_expect_null(source, "%s", rows[i].legend);
            cr_expect_not_null(strstr(fault.text, rows[i].says), "%s: %s", rows[i].legend,
                               fault.text);
        }
        kl_source_close(source);
    }
}

Test(recording, a_description_makes_text_a_session)
{
    struct kl_fault fault = {""};
    struct kl_source *source =
        open_as("a.dat", "1\n2\n3\n", 6,
                "rate_hz: 100\nstreams:\n- name: p\n  kind: force\n  channels:\n"
                "  - {column: 1, component: fy, unit: N}\n",
                &fault);
    cr_assert_not_null(source, "%s", fault.text);
    cr_expect_eq(source->duration_ns, 30000000);
    kl_source_close(source);
}

Test(recording, files_that_are_not_there_are_named)
{
    struct kl_fault fault = {""};
    cr_expect_null(kl_recording_open("/nowhere/a.c3d", NULL, &fault));
    cr_expect_str_eq(fault.text, "/nowhere/a.c3d: cannot be opened: No such file or directory");
    cr_expect_null(kl_recording_open("/", NULL, &fault));
    cr_expect_str_eq(fault.text, "/: cannot be read: Is a directory");
}

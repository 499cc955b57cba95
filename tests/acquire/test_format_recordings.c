/* Real recordings of other laboratories, opened with the descriptions that ship. Counts and values:
 * data/README.md and the files themselves. */
#include "acquire/formats/recording.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS KL_SOURCE "/configs/columns/"

static void need_recordings(void)
{
    if (access(KL_DATA "/README.md", R_OK) != 0) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
}

/* Samples of stream 0; the first and last row of raw values; mean of channel 0. */
struct seen {
    size_t samples, events;
    double first[8], last[8], mean;
    double subject_kg;
    int64_t last_ns;
    uint32_t quality;
};

static struct seen pull_all(struct kl_source *source, size_t stream)
{
    struct seen seen = {0};
    struct kl_item item;
    struct kl_fault fault = {""};
    size_t channels = source->stream[stream].channel_count;
    int answer;
    while ((answer = kl_source_next(source, 0, &item, &fault)) == KL_SOURCE_ITEM) {
        if (item.kind == KL_ITEM_EVENT) {
            seen.events++;
            seen.subject_kg =
                item.event.kind == KL_EVENT_SUBJECT ? item.event.value[0] : seen.subject_kg;
            continue;
        }
        if (item.block.stream != stream) {
            continue;
        }
        for (size_t i = 0; i < item.block.count; i++) {
            const double *row = item.block.value + i * channels;
            memcpy(seen.samples == 0 ? seen.first : seen.last, row, channels * sizeof(*row));
            seen.mean += row[0];
            seen.last_ns = item.block.t_ns[i];
            seen.quality |= item.block.quality[i];
            seen.samples++;
        }
    }
    cr_expect_eq(answer, KL_SOURCE_END, "%s", fault.text);
    seen.mean /= (double)seen.samples;
    return seen;
}

Test(recordings, dryft_is_one_column_of_vertical_force)
{
    need_recordings();
    struct kl_fault fault = {""};
    const struct kl_recording_options options = {.columns = COLUMNS "dryft.yaml"};
    struct kl_source *source =
        kl_delimited_open(KL_DATA "/dryft/custom_drift_S001runT25.csv", &options, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    cr_assert_eq(source->stream_count, 1);
    cr_expect_eq(source->stream[0].rate_hz, 300.0);
    cr_expect_eq(source->stream[0].plate.measured, KL_PLATE_MEASURES_FY);
    cr_expect_eq(source->stream[0].plate.matrix[KL_FY][0], 1.0);
    cr_expect_eq(source->duration_ns, 30 * KL_NS_PER_S);
    struct seen seen = pull_all(source, 0);
    cr_expect_eq(seen.samples, 9000);
    cr_expect_eq(seen.events, 0);
    cr_expect_eq(seen.first[0], 329.14);
    cr_expect_eq(seen.last[0], 1155.4);
    cr_expect_eq(seen.last_ns, KL_EPOCH_NS + INT64_C(29996666667));
    cr_expect_eq(seen.quality, 0);
    kl_source_close(source);
}

Test(recordings, fukuchi_gives_force_point_and_free_moment)
{
    need_recordings();
    struct kl_fault fault = {""};
    const struct kl_recording_options options = {.columns = COLUMNS "fukuchi.yaml"};
    struct kl_source *source =
        kl_delimited_open(KL_DATA "/fukuchi/RBDS002runT25forces.txt", &options, &fault);
    cr_assert_not_null(source, "%s", fault.text);
    const struct kl_plate *plate = &source->stream[0].plate;
    cr_expect_eq(plate->form, KL_PLATE_POINT);
    cr_expect_eq(plate->measured, KL_PLATE_MEASURES_ALL);
    struct seen seen = pull_all(source, 0);
    cr_expect_eq(seen.samples, 9000);
    cr_expect_eq(seen.subject_kg, 0.0); /* belongs to a recording, not to the layout */
    static const double first[] = {35.02, 1613.01, 37.23, 2142.33, 934.22, 6890.13};
    for (size_t c = 0; c < 6; c++) {
        double out = 0.0, si[] = {35.02, 1613.01, 37.23, 2.14233, 6.89013, 0.93422};
        cr_expect_eq(seen.first[c], first[c]);
        for (size_t j = 0; j < 6; j++) {
            out += plate->matrix[c][j] * seen.first[j];
        }
        cr_expect_float_eq(out, si[c], 1e-12, "row %zu: %.12g", c, out);
    }
    kl_source_close(source);
}

Test(recordings, grf_prediction_holds_a_trial_per_line)
{
    need_recordings();
    for (size_t row = 0; row < 16; row++) {
        struct kl_fault fault = {""};
        const struct kl_recording_options options = {.columns = COLUMNS "grf_prediction.yaml",
                                                     .row = row};
        struct kl_source *source = kl_delimited_open(
            KL_DATA "/grf_prediction/GRF_one_sub_rows00-15.csv", &options, &fault);
        cr_assert_not_null(source, "%s", fault.text);
        cr_expect_eq(source->stream[0].plate.matrix[KL_FY][0], 76.8 * 9.81);
        cr_expect_eq(source->duration_ns, INT64_C(4960000000));
        struct seen seen = pull_all(source, 0);
        cr_expect_eq(seen.samples, 2480);
        cr_expect_eq(seen.subject_kg, 76.8);
        if (row == 0) {
            cr_expect_eq(seen.first[0], 2.003655389908256534e+00);
        }
        /* level or inclined: over whole steps a runner weighs his weight; the ends cut a step */
        cr_expect_float_eq(seen.mean, 1.0, 0.06, "row %zu: %.3f", row, seen.mean);
        kl_source_close(source);
    }
    struct kl_fault fault = {""};
    const struct kl_recording_options options = {.columns = COLUMNS "grf_prediction.yaml",
                                                 .row = 16};
    cr_expect_null(
        kl_delimited_open(KL_DATA "/grf_prediction/GRF_one_sub_rows00-15.csv", &options, &fault));
    cr_expect_not_null(strstr(fault.text, "row 16 is asked for, but the file holds rows 0 to 15"));
}

Test(recordings, a_mot_file_has_two_feet)
{
    need_recordings();
    struct kl_fault fault = {""};
    for (size_t stream = 0; stream < 2; stream++) {
        struct kl_source *source = kl_mot_open(KL_DATA "/opensim/bmc_grf_run.mot", &fault);
        cr_assert_not_null(source, "%s", fault.text);
        cr_assert_eq(source->stream_count, 2);
        const struct kl_stream *s = &source->stream[stream];
        cr_expect_str_eq(s->name, stream == 0 ? "plate.right" : "plate.left");
        cr_expect_eq(s->plate.side, stream == 0 ? KL_SIDE_RIGHT : KL_SIDE_LEFT);
        cr_expect_eq(s->plate.form, KL_PLATE_POINT);
        cr_expect_eq(s->plate.measured, KL_PLATE_MEASURES_ALL);
        cr_expect_eq(s->channel_count, 6);
        cr_expect_eq(s->rate_hz, 300.0);
        struct seen seen = pull_all(source, stream);
        cr_expect_eq(seen.samples, 246);
        cr_expect_eq(seen.last_ns, KL_EPOCH_NS + INT64_C(816666670));
        cr_expect_eq(seen.quality, 0);
        kl_source_close(source);
    }
}

Test(recordings, every_c3d_file_opens_or_says_why_in_one_line)
{
    need_recordings();
    static const struct {
        const char *file;
        size_t plates, streams; /* 0 streams: refused */
    } rows[] = {
        {"btkdata/PiG/PiG_Motion3_FF.c3d", 3, 4},
        {"btkdata/others/1123x01EMG.c3d", 0, 1},
        {"btkdata/others/Gait.c3d", 2, 3},
        {"btkdata/others/badParameterOffset.c3d", 0, 0},
        {"btkdata/others/parameterOverflow.c3d", 3, 5},
        {"btkdata/others/shd01.c3d", 0, 0},
        {"btkdata/sample02/DEC_INT.C3D", 2, 3},
        {"btkdata/sample02/sgi_real.c3d", 2, 3},
        {"btkdata/sample09/PlugInC3D.c3d", 2, 4},
        {"btkdata/sample10/TYPE-2.C3D", 1, 1},
        {"btkdata/sample10/TYPE-4.C3D", 1, 1},
        {"btkdata/sample15/FP1.C3D", 1, 2},
        {"btkdata/sample18/bad_parameter_section.c3d", 0, 2},
        {"btkdata/sample20/phasespace_sample.c3d", 0, 0},
        {"btkdata/sample21/sample21.c3d", 2, 2},
        {"btkdata/sample28/dynamic.C3D", 1, 1},
        {"btkdata/sample28/type1.C3D", 1, 1},
        {"opensim/walking2.c3d", 2, 2},
        {"pyc3dserver/Sample26/Walking_Hybrid_1_2.c3d", 2, 2},
        {"pyc3dserver/Sample27/kyowadengyo.c3d", 3, 3},
        {"pyc3dserver/Sample35/Mega_Electronics_Isokinetic_EMG_Angle_Torque.c3d", 0, 2},
        {"pyc3dserver/Vicon/pyCGM2_lower_limb_CGM24_Walking01.c3d", 1, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[300];
        struct kl_fault fault = {""};
        (void)snprintf(path, sizeof(path), "%s/%s", KL_DATA, rows[i].file);
        struct kl_source *source = kl_c3d_open(path, &fault);
        size_t plates = 0;
        for (size_t s = 0; source != NULL && s < source->stream_count; s++) {
            plates += source->stream[s].kind == KL_KIND_FORCE;
        }
        cr_expect_eq(plates, rows[i].plates, "%s: %zu", rows[i].file, plates);
        cr_expect_eq(source == NULL ? 0 : source->stream_count, rows[i].streams, "%s",
                     rows[i].file);
        cr_expect(source != NULL || (strlen(fault.text) > 40 && strchr(fault.text, '\n') == NULL),
                  "%s: %s", rows[i].file, fault.text);
        kl_source_close(source);
    }
}

/* A person on the plate is pushed up whatever the file holds: the largest mapped vertical force. */
Test(recordings, people_are_pushed_up)
{
    need_recordings();
    static const struct {
        const char *file;
        double peak_n; /* reference/c3d_*.json Fz_max; type 1 has no peak there */
    } rows[] = {
        {"opensim/walking2.c3d", 950.954},
        {"btkdata/PiG/PiG_Motion3_FF.c3d", 792.985168},
        {"btkdata/others/Gait.c3d", 798.656698},
        {"btkdata/sample10/TYPE-4.C3D", 390.483849},
        {"pyc3dserver/Sample26/Walking_Hybrid_1_2.c3d", 943.729},
        {"btkdata/sample15/FP1.C3D", 284.461779}, /* holds the load: turned */
        {"btkdata/sample21/sample21.c3d", 1117.97189},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[300];
        struct kl_fault fault = {""};
        struct kl_item item;
        (void)snprintf(path, sizeof(path), "%s/%s", KL_DATA, rows[i].file);
        struct kl_source *source = kl_c3d_open(path, &fault);
        cr_assert_not_null(source, "%s", fault.text);
        const struct kl_stream *s = &source->stream[0];
        double peak = -1e9;
        while (kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
            for (size_t k = 0;
                 item.kind == KL_ITEM_BLOCK && item.block.stream == 0 && k < item.block.count;
                 k++) {
                double fy = 0.0;
                for (size_t c = 0; c < s->channel_count; c++) {
                    fy += s->plate.matrix[KL_FY][c] * item.block.value[k * s->channel_count + c];
                }
                peak = fmax(peak, fy);
            }
        }
        cr_expect_float_eq(peak, rows[i].peak_n, 1e-6 * rows[i].peak_n + 6e-4, "%s: %.6f",
                           rows[i].file, peak);
        kl_source_close(source);
    }
}

/* Real runners: what other people's tools found in the same files. */
#include "session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

/* Feeds a table column by column description and ends the session. */
static struct kl_pipeline *run(const struct kl_stream *stream, const double *table, size_t rows,
                               size_t columns, const size_t *column, const double *scale,
                               const double *offset, struct session_log *log)
{
    struct kl_settings settings = kl_settings_defaults();
    struct kl_pipeline *pipeline =
        kl_pipeline_create(stream, 1, &settings, NULL, session_sink(log));
    cr_assert_not_null(pipeline);
    struct session_samples samples =
        session_samples(0, stream->channel_count, rows, stream->rate_hz);
    for (size_t i = 0; i < rows; i++) {
        for (size_t c = 0; c < stream->channel_count; c++) {
            samples.value[i * stream->channel_count + c] =
                (table[i * columns + column[c]] - offset[c]) * scale[c];
        }
    }
    session_event(pipeline, KL_EVENT_SPEED, KL_EPOCH_NS, 0, 2.5, 0, "");
    session_block(pipeline, &samples, 0, rows);
    kl_pipeline_end(pipeline);
    session_samples_free(&samples);
    return pipeline;
}

static double mean_of(const struct kl_pipeline *pipeline, enum kl_side side, enum kl_metric_id m,
                      double *sd, size_t *n)
{
    double mean = (double)NAN;
    *sd = (double)NAN;
    *n = kl_pipeline_summary(pipeline, side, m, &mean, sd);
    return mean;
}

Test(recordings, dryft_runner_gives_the_numbers_of_the_method_book)
{
    const char *path = KL_DATA "/dryft/custom_drift_S001runT25.csv";
    double *table = NULL;
    size_t rows = session_read_table(path, 1, 0, ',', &table);
    if (rows == 0) {
        cr_skip_test("skipped: no recordings at %s", KL_DATA);
    }
    const struct kl_stream stream = session_vertical_plate(300);
    struct session_log log = {0};
    struct kl_pipeline *pipeline = run(&stream, table, rows, 1, (const size_t[]){0},
                                       (const double[]){1}, (const double[]){0}, &log);

    /* Methods 6, last paragraph; 1 % because 300 Hz quantises events. */
    const struct {
        enum kl_metric_id metric;
        double mean, divide;
    } expected[] = {
        {KL_METRIC_CONTACT_TIME, 0.2764, 1},
        {KL_METRIC_FLIGHT_TIME, 0.1063, 1},
        {KL_METRIC_STEP_TIME, 0.38261, 1},
        {KL_METRIC_DUTY_FACTOR, 0.361, 1},
        {KL_METRIC_CADENCE, 156.82 / 60, 1},
        {KL_METRIC_ACTIVE_PEAK, 2.262, 594.51},
        {KL_METRIC_VERTICAL_IMPULSE, 0.38166, 594.51},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        double sd = 0;
        size_t n = 0;
        double mean =
            mean_of(pipeline, KL_SIDE_UNKNOWN, expected[i].metric, &sd, &n) / expected[i].divide;
        cr_expect_float_eq(mean, expected[i].mean, 0.01 * expected[i].mean, "row %zu: %g", i, mean);
    }
    double sd = 0;
    size_t n = 0;
    (void)mean_of(pipeline, KL_SIDE_UNKNOWN, KL_METRIC_CONTACT_TIME, &sd, &n);
    cr_expect_float_eq(sd, 0.0055, 0.0005); /* printed with two digits in the book */
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    kl_pipeline_snapshot(pipeline, snapshot);
    cr_expect_eq(kl_pipeline_contacts(pipeline), 78);
    /* 77 complete contacts, each with its step time; the book reports 75 of them. */
    cr_expect_eq(log.steps, 79);
    cr_expect_eq(log.valid, 77);
    cr_expect_float_eq(snapshot->body_weight_n, 594.51, 0.6); /* 0.1 %: nothing lost below F_thr */
    free(snapshot);
    free(table);
    session_log_free(&log);
    kl_pipeline_destroy(pipeline);
}

Test(recordings, fukuchi_runner_gives_cadence_forces_and_both_feet)
{
    const char *path = KL_DATA "/fukuchi/RBDS002runT25forces.txt";
    double *table = NULL;
    size_t rows = session_read_table(path, 8, 1, '\t', &table);
    if (rows == 0) {
        cr_skip_test("skipped: no recordings at %s", KL_DATA);
    }
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, 300);
    stream.plate.form = KL_PLATE_POINT;
    struct session_log log = {0};
    /* Fx Fy Fz N, COP x mm, free moment N·mm, COP z mm; plate centre at (2149, 0, 976.7) mm. */
    struct kl_pipeline *pipeline = run(&stream, table, rows, 8, (const size_t[]){1, 2, 3, 4, 7, 6},
                                       (const double[]){1, 1, 1, 1e-3, 1e-3, 1e-3},
                                       (const double[]){0, 0, 0, 2149, 0, 976.7}, &log);
    for (size_t i = 0; i < log.steps; i++) {
        /* The reference begins with a right foot at 0.2399 s and alternates strictly; so does the
         * second contact here, the first one being cut by the start. */
        enum kl_side truth = i % 2 == 1 ? KL_SIDE_RIGHT : KL_SIDE_LEFT;
        enum kl_side side = log.step[i].side;
        cr_expect(side == truth || (side == KL_SIDE_UNKNOWN && i < 20), "contact %zu", i);
    }
    cr_expect_float_eq(log.step[1].contact_ns / 1e9 - 1, 0.2399, 0.001);
    double sd = 0;
    size_t n = 0;
    double cadence = 60 * mean_of(pipeline, KL_SIDE_UNKNOWN, KL_METRIC_CADENCE, &sd, &n);
    double step = mean_of(pipeline, KL_SIDE_UNKNOWN, KL_METRIC_STEP_TIME, &sd, &n);
    /* reference/fukuchi_RBDS002_runT25.json: 150.11 steps/min, step 0.3997 (0.0056) s */
    cr_expect_float_eq(cadence, 150.11, 0.15, "%g", cadence);
    cr_expect_float_eq(step, 0.3997, 0.0004);
    cr_expect_float_eq(sd, 0.0056, 0.0006);
    for (int s = KL_SIDE_LEFT; s <= KL_SIDE_RIGHT; s++) {
        double contact = mean_of(pipeline, (enum kl_side)s, KL_METRIC_CONTACT_TIME, &sd, &n);
        double peak = mean_of(pipeline, (enum kl_side)s, KL_METRIC_ACTIVE_PEAK, &sd, &n);
        double impulse = mean_of(pipeline, (enum kl_side)s, KL_METRIC_VERTICAL_IMPULSE, &sd, &n);
        cr_expect_float_eq(contact, 0.314, 0.003);
        cr_expect_float_eq(peak / 755.8, 2.195, 0.022);
        cr_expect_float_eq(impulse, 301.1, 3.0);
    }
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    kl_pipeline_snapshot(pipeline, snapshot);
    cr_expect_float_eq(snapshot->body_weight_n, 755.8, 1.5);
    cr_expect_float_eq(snapshot->cadence_fft_spm, 150.11, 1.5);
    cr_expect_not(snapshot->cadence_disagrees);
    cr_expect_gt(snapshot->side_confidence, 3);
    free(snapshot);
    free(table);
    session_log_free(&log);
    kl_pipeline_destroy(pipeline);
}

/* The whole arithmetic, from samples to steps, flags and the snapshot. */
#include "process/steps/body_weight.h"
#include "session.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE_HZ 1000.0
#define WEIGHT_N (70 * KL_GRAVITY_M_S2)
#define STEP_S 0.35
#define CONTACT_S 0.25

/* A noise that is the same everywhere, SD about 2 N. */
static double hiss(size_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return 7 * ((double)(z >> 11) / 9007199254740992.0 - 0.5);
}

/* Half-sine running from 3 s on over an empty plate; foot k at z = +-30 mm, even ones right. The
 * step `missing` does not land. @param plate  0, 1: only the left, the right foot; 2: both */
static struct session_samples running(size_t stream, int plate, double seconds, double drift_n_s,
                                      int missing)
{
    size_t count = (size_t)(seconds * RATE_HZ);
    struct session_samples samples = session_samples(stream, KL_WRENCH_COUNT, count, RATE_HZ);
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / RATE_HZ - 3, k = floor(t / STEP_S);
        bool right = fmod(k, 2) == 0;
        bool here = t >= 0 && (int)k != missing && (plate == 2 || plate == (right ? 1 : 0));
        double fy = here ? session_half_sine(t - k * STEP_S, CONTACT_S, STEP_S, WEIGHT_N) : 0;
        double z_m = right ? 0.030 : -0.030;
        double *wrench = samples.value + i * KL_WRENCH_COUNT;
        wrench[KL_FY] = fy + hiss(i) + drift_n_s * (double)i / RATE_HZ;
        wrench[KL_FX] = 0.2 * hiss(i + 7777777);
        wrench[KL_FZ] = 0.2 * hiss(i + 8888888);
        wrench[KL_MX] = -z_m * fy + 0.05 * hiss(i + 9999999);
        wrench[KL_MZ] = 0.1 * fy + 0.05 * hiss(i + 6666666);
        wrench[KL_MY] = 0.05 * hiss(i + 5555555);
    }
    return samples;
}

static struct kl_flag_table quick_table(void)
{
    struct kl_flag_table table = {
        .timing = {.window_steps = 20,
                   .raise_steps = 10,
                   .clear_after_s = 5,
                   .settle_s = 5,
                   .speed_pause_s = 5,
                   .demo = true},
        .count = 1,
    };
    table.rule[0] = (struct kl_rule){.factor = KL_FACTOR_RUNNING_FORM,
                                     .indicator = "cadence_low",
                                     .label = "Cadence",
                                     .metric = KL_METRIC_CADENCE,
                                     .limit = {175, 166},
                                     .grade = KL_GRADE_M};
    return table;
}

static struct kl_pipeline *create(const struct kl_stream *streams, size_t count,
                                  struct session_log *log)
{
    struct kl_settings settings = kl_settings_defaults();
    struct kl_flag_table table = quick_table();
    struct kl_pipeline *pipeline =
        kl_pipeline_create(streams, count, &settings, &table, session_sink(log));
    cr_assert_not_null(pipeline);
    return pipeline;
}

static void begin(struct kl_pipeline *pipeline, double mass_kg)
{
    session_event(pipeline, KL_EVENT_SUBJECT, KL_EPOCH_NS, 0, mass_kg, 1.75, "S07");
    session_event(pipeline, KL_EVENT_SPEED, KL_EPOCH_NS, 0, 3.0, 0, "");
    session_event(pipeline, KL_EVENT_TARE, KL_EPOCH_NS, 2 * KL_NS_PER_S, 0, 0, "");
}

static struct kl_snapshot *snapshot_of(const struct kl_pipeline *pipeline)
{
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    kl_pipeline_snapshot(pipeline, snapshot);
    return snapshot;
}

Test(pipeline, cutting_samples_into_blocks_changes_no_bit)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    struct session_samples samples = running(0, 2, 30, 0.5, 50);
    for (size_t i = 12000; i < 12015; i++) {
        samples.quality[i] = KL_QUALITY_CLIPPED;
    }
    char *reference = NULL;
    const size_t sizes[] = {0, 1, 2, 3, 7, 64, 4096, SIZE_MAX};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct session_log log = {0};
        struct kl_pipeline *pipeline = create(&stream, 1, &log);
        begin(pipeline, 0);
        uint64_t random = 12345;
        for (size_t at = 0; at < samples.count;) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            size_t size = sizes[s] == 0 ? 1 + (size_t)(random >> 54) : sizes[s];
            size_t to = samples.count - at < size ? samples.count : at + size;
            session_block(pipeline, &samples, at, to);
            at = to;
        }
        kl_pipeline_end(pipeline);
        cr_expect_geq(log.steps, 70);
        cr_expect_geq(log.flags, 1);
        if (reference == NULL) {
            reference = log.text;
            log.text = NULL;
        } else {
            cr_expect_str_eq(log.text, reference, "blocks of %zu", sizes[s]);
        }
        session_log_free(&log);
        kl_pipeline_destroy(pipeline);
    }
    free(reference);
    session_samples_free(&samples);
}

Test(pipeline, plates_of_a_split_belt_may_take_turns_in_any_way)
{
    struct kl_stream streams[2] = {session_wrench_plate("plate.left", KL_SIDE_LEFT, RATE_HZ),
                                   session_wrench_plate("plate.right", KL_SIDE_RIGHT, RATE_HZ)};
    struct session_samples left = running(0, 0, 20, 0.5, -1), right = running(1, 1, 20, -0.3, -1);
    char *reference = NULL;
    const struct {
        size_t left_block, right_block, right_late;
    } ways[] = {{1, 1, 0}, {50, 50, 0}, {13, 97, 0}, {64, 64, 300}, {500, 20, 450}};
    for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
        struct session_log log = {0};
        struct kl_pipeline *pipeline = create(streams, 2, &log);
        begin(pipeline, 70);
        size_t at[2] = {0, 0};
        while (at[0] < left.count || at[1] < right.count) {
            size_t to = at[0] + ways[w].left_block;
            to = to < left.count ? to : left.count;
            session_block(pipeline, &left, at[0], to);
            at[0] = to;
            while (at[1] < right.count &&
                   (at[1] + ways[w].right_late < at[0] || to == left.count)) {
                to = at[1] + ways[w].right_block;
                to = to < right.count ? to : right.count;
                session_block(pipeline, &right, at[1], to);
                at[1] = to;
                to = at[0];
            }
        }
        kl_pipeline_end(pipeline);
        cr_expect_geq(log.valid, 44, "way %zu: %zu", w, log.valid);
        for (size_t i = 3; i + 2 < log.steps; i++) {
            cr_expect_eq(log.step[i].side, i % 2 == 0 ? KL_SIDE_RIGHT : KL_SIDE_LEFT);
            cr_expect_float_eq(log.step[i].metric[KL_METRIC_STEP_TIME], STEP_S, 0.002);
            cr_expect_float_eq(log.step[i].metric[KL_METRIC_FLIGHT_TIME], STEP_S - CONTACT_S,
                               0.010);
        }
        if (reference == NULL) {
            reference = log.text;
            log.text = NULL;
        } else {
            cr_expect_str_eq(log.text, reference, "way %zu", w);
        }
        session_log_free(&log);
        kl_pipeline_destroy(pipeline);
    }
    free(reference);
    session_samples_free(&left);
    session_samples_free(&right);
}

Test(pipeline, a_run_fills_the_snapshot)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    stream.plate.corner_x_m[0] = 0.7;
    struct session_samples samples = running(0, 2, 40, 0.5, -1);
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(&stream, 1, &log);
    begin(pipeline, 0);
    session_event(pipeline, KL_EVENT_CONDITION, KL_EPOCH_NS, 0, 0, 0, "shoe A");
    session_block(pipeline, &samples, 0, samples.count);
    struct kl_snapshot *now = snapshot_of(pipeline);
    cr_expect_eq(now->t_ns, samples.t_ns[samples.count - 1]);
    cr_expect_eq(now->gait, KL_GAIT_RUN, "%s", kl_gait_text(now->gait));
    cr_expect_str_eq(now->body_weight_from, "running mean");
    /* Forces below the threshold count: without them 0.25 % would be missing (methods 6). */
    cr_expect_float_eq(now->body_weight_n, WEIGHT_N, 0.001 * WEIGHT_N, "%g", now->body_weight_n);
    cr_expect_str_eq(now->subject, "S07");
    cr_expect_str_eq(now->condition, "shoe A");
    cr_expect_eq(now->height_m, 1.75);
    cr_expect_eq(now->speed_m_s, 3.0);
    cr_expect_float_eq(now->cadence_spm, 171.4286, 0.1, "%g", now->cadence_spm); /* oracle 10 */
    cr_expect_float_eq(now->cadence_fft_spm, 171.4286, 0.12, "%g", now->cadence_fft_spm);
    cr_expect_not(now->cadence_disagrees);
    cr_expect_gt(now->cadence_count, 40);
    cr_expect_str_eq(now->plate_problem, "");
    cr_expect_gt(now->side_confidence, 3);
    cr_expect_eq(now->contacts, kl_pipeline_contacts(pipeline));
    cr_expect_geq(now->contacts, 104);
    cr_expect_eq(now->flag_count, 1);
    cr_expect_eq(now->flag[0].state, KL_FLAG_AMBER);
    cr_expect_eq(now->factor[KL_FACTOR_RUNNING_FORM], KL_FLAG_AMBER);
    cr_expect_eq(now->factor[KL_FACTOR_PRONATION], KL_FLAG_GREY);
    cr_expect_eq(now->flag_table->count, 1);
    for (int s = KL_SIDE_LEFT; s <= KL_SIDE_RIGHT; s++) {
        const struct kl_snapshot_side *side = &now->side[s];
        cr_assert(side->has_step);
        cr_expect_eq(side->curve_count, KL_CURVE_STEPS);
        cr_expect_eq(side->last.side, (enum kl_side)s);
        cr_expect_gt(side->steps, 35);
        cr_expect_float_eq(side->mean[KL_METRIC_COP_MEAN_ML], 0.030, 0.003);
        cr_expect_float_eq(side->curve[0].contact_time_s, 0.2447, 0.003); /* 250 - 5.3 ms */
        float peak = 0;
        for (size_t i = 0; i < KL_CURVE_POINTS; i++) {
            peak = fmaxf(peak, side->curve[0].fy_bw[i]);
        }
        cr_expect_float_eq((double)peak, 2.1991, 0.03);
        cr_expect_eq(side->curve[0].cop_count, KL_COP_POINTS);
        for (size_t i = 0; i < KL_COP_POINTS; i++) {
            double z = s == KL_SIDE_RIGHT ? 0.03 : -0.03;
            cr_expect_float_eq((double)side->curve[0].cop_z_m[i], z, 0.006);
            cr_expect_float_eq((double)side->curve[0].cop_x_m[i], 0.1, 0.006);
        }
    }
    const struct kl_snapshot_plate *plate = &now->plate[0];
    cr_expect_str_eq(plate->name, "plate.belt");
    cr_expect(plate->has_corners && plate->has_cop);
    cr_expect_eq(plate->trace_count, KL_TRACE_SAMPLES);
    double high = 0;
    size_t contact = 0, right = 0, left = 0;
    for (size_t i = 0; i < plate->trace_count; i++) {
        const struct kl_trace_point *point = &plate->trace[i];
        cr_expect_leq(point->low_n, point->high_n);
        high = fmax(high, (double)point->high_n);
        contact += point->contact;
        right += point->side == KL_SIDE_RIGHT;
        left += point->side == KL_SIDE_LEFT;
    }
    cr_expect_float_eq(high, 2.1991 * WEIGHT_N, 60);
    cr_expect_float_eq((double)contact / KL_TRACE_SAMPLES, CONTACT_S / STEP_S, 0.06);
    cr_expect_gt(right, 500);
    cr_expect_gt(left, 500);
    /* A contact shows before its step is finished. */
    const struct kl_step *newest = &now->side[KL_SIDE_LEFT].last;
    newest = now->side[KL_SIDE_RIGHT].last.index > newest->index ? &now->side[KL_SIDE_RIGHT].last
                                                                 : newest;
    cr_expect_eq(newest->index, log.steps + 1);
    cr_expect((newest->reasons & KL_REASON_NO_NEXT) != 0);
    free(now);
    session_log_free(&log);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
}

Test(pipeline, the_trace_shows_the_foot_that_is_down)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    struct session_samples samples = running(0, 2, 30, 0, -1);
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(&stream, 1, &log);
    begin(pipeline, 70);
    session_block(pipeline, &samples, 0, samples.count);
    struct kl_snapshot *now = snapshot_of(pipeline);
    const struct kl_snapshot_plate *plate = &now->plate[0];
    size_t wrong = 0, known = 0;
    for (size_t i = 0; i < plate->trace_count; i++) {
        size_t at = (plate->trace_head + i) % KL_TRACE_SAMPLES;
        double end_s = (double)(plate->trace_end_ns - KL_EPOCH_NS) / 1e9;
        double t = end_s - ((double)(plate->trace_count - i) - 0.5) / KL_TRACE_RATE_HZ - 3;
        double in = fmod(t, STEP_S);
        bool right = fmod(floor(t / STEP_S), 2) == 0;
        if (plate->trace[at].side == KL_SIDE_UNKNOWN || in < 0.03 || in > 0.22) {
            continue;
        }
        known++;
        wrong += (plate->trace[at].side == KL_SIDE_RIGHT) != right;
    }
    cr_expect_eq(wrong, 0);
    cr_expect_gt(known, 900);
    free(now);
    session_log_free(&log);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
}

/* Oracle 28. */
Test(pipeline, walking_on_one_belt_gives_a_cadence_and_refuses_every_foot)
{
    struct kl_stream stream = session_vertical_plate(RATE_HZ);
    struct session_samples samples = session_samples(0, 1, 30000, RATE_HZ);
    for (size_t i = 0; i < samples.count; i++) {
        double t = (double)i / RATE_HZ, phase = 6.283185307179586 * 110 / 60 * t;
        samples.value[i] =
            t < 3 ? hiss(i) : WEIGHT_N * (1 + 0.1 * sin(phase) + 0.15 * sin(2 * phase)) + hiss(i);
    }
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(&stream, 1, &log);
    begin(pipeline, 70);
    session_block(pipeline, &samples, 0, samples.count);
    struct kl_snapshot *now = snapshot_of(pipeline);
    cr_expect_eq(now->gait, KL_GAIT_WALK, "%s", kl_gait_text(now->gait));
    cr_expect_float_eq(now->cadence_fft_spm, 110, 0.3, "%g", now->cadence_fft_spm);
    cr_expect_eq(now->cadence_spm, 0);
    cr_expect_eq(log.valid, 0);
    for (int s = 0; s < KL_SIDE_COUNT; s++) {
        cr_expect_eq(now->side[s].steps, 0);
    }
    for (int m = 0; m < KL_METRIC_COUNT; m++) {
        double mean = 0, sd = 0;
        cr_expect_eq(
            kl_pipeline_summary(pipeline, KL_SIDE_UNKNOWN, (enum kl_metric_id)m, &mean, &sd), 0);
    }
    free(now);
    session_log_free(&log);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
}

/* Oracle 31. */
Test(pipeline, a_gap_of_50_ms_costs_one_step_and_not_the_next)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    struct session_samples samples = running(0, 2, 30, 0, -1);
    /* Step 40 lands at 17.0 s; samples are missing from 17.10 to 17.15 s. */
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(&stream, 1, &log);
    begin(pipeline, 70);
    session_block(pipeline, &samples, 0, 17100);
    samples.quality[17150] = KL_QUALITY_GAP;
    session_block(pipeline, &samples, 17150, samples.count);
    kl_pipeline_end(pipeline);
    size_t gaps = 0;
    for (size_t i = 0; i < log.steps; i++) {
        double ic_s = log.step[i].contact_ns / 1e9 - 1;
        bool in_gap_step = ic_s > 16.9 && ic_s < 17.3;
        gaps += in_gap_step;
        cr_expect_eq((log.step[i].reasons & KL_REASON_GAP) != 0, in_gap_step, "at %g: %x", ic_s,
                     log.step[i].reasons);
        if (ic_s > 16 && ic_s < 18) {
            cr_expect_eq(log.step[i].valid, !in_gap_step, "at %g: %x", ic_s, log.step[i].reasons);
        }
        if (ic_s > 17.3 && ic_s < 29) { /* feet alternate on: no step can hide in 50 ms */
            bool right = (int)floor((ic_s - 3) / STEP_S) % 2 == 0;
            cr_expect_eq(log.step[i].side, right ? KL_SIDE_RIGHT : KL_SIDE_LEFT, "at %g", ic_s);
        }
    }
    cr_expect_leq(gaps, 2); /* what was before the gap, and what was behind it */
    cr_expect_geq(gaps, 1);
    session_log_free(&log);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
}

Test(pipeline, standing_is_weighed_and_a_wrong_sign_is_seen)
{
    const struct {
        double sign, mass_kg;
        const char *from, *problem;
    } rows[] = {{1, 0, "weighed", ""},
                {1, 70, "entered", ""},
                {1, 80, "entered", "plate reads 686 N, body weight 785 N (-12.5 %)"},
                {-1, 70, "entered", "plate reads -68"},
                {-1, 0, "", "plate reads -68"}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct kl_stream stream = session_vertical_plate(RATE_HZ);
        struct session_samples samples = session_samples(0, 1, 10000, RATE_HZ);
        for (size_t i = 0; i < samples.count; i++) {
            double load = i < 3000 ? 0 : rows[r].sign * WEIGHT_N;
            samples.value[i] = 40 + load + hiss(i); /* 40 N of tare */
        }
        struct session_log log = {0};
        struct kl_pipeline *pipeline = create(&stream, 1, &log);
        begin(pipeline, rows[r].mass_kg);
        session_block(pipeline, &samples, 0, 4000);
        session_event(pipeline, KL_EVENT_WEIGH, KL_EPOCH_NS + 4 * KL_NS_PER_S, 3 * KL_NS_PER_S, 0,
                      0, "");
        session_block(pipeline, &samples, 4000, samples.count);
        struct kl_snapshot *now = snapshot_of(pipeline);
        cr_expect_str_eq(now->body_weight_from, rows[r].from, "row %zu", r);
        cr_expect_eq(strncmp(now->plate_problem, rows[r].problem, strlen(rows[r].problem)), 0,
                     "row %zu: %s", r, now->plate_problem);
        cr_expect(rows[r].problem[0] != '\0' || now->plate_problem[0] == '\0', "row %zu: %s", r,
                  now->plate_problem);
        if (rows[r].sign > 0 && rows[r].mass_kg <= 0) {
            cr_expect_float_eq(now->body_weight_n, WEIGHT_N, 1);
        }
        cr_expect(rows[r].sign < 0 || now->gait == KL_GAIT_STAND, "%s", kl_gait_text(now->gait));
        free(now);
        session_log_free(&log);
        session_samples_free(&samples);
        kl_pipeline_destroy(pipeline);
    }
}

Test(pipeline, another_condition_begins_the_judging_anew)
{
    struct kl_stream stream = session_vertical_plate(RATE_HZ);
    struct session_samples wrench = running(0, 2, 40, 0, -1);
    struct session_samples samples = session_samples(0, 1, wrench.count, RATE_HZ);
    for (size_t i = 0; i < samples.count; i++) {
        samples.value[i] = wrench.value[i * KL_WRENCH_COUNT + KL_FY];
    }
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(&stream, 1, &log);
    begin(pipeline, 70);
    session_block(pipeline, &samples, 0, 25000);
    struct kl_snapshot *now = snapshot_of(pipeline);
    cr_expect_eq(now->flag[0].state, KL_FLAG_AMBER);
    session_event(pipeline, KL_EVENT_CONDITION, KL_EPOCH_NS + 25 * KL_NS_PER_S, 0, 0, 0, "shoe B");
    session_block(pipeline, &samples, 25000, 28000);
    kl_pipeline_snapshot(pipeline, now);
    cr_expect_eq(now->flag[0].state, KL_FLAG_GREY);
    cr_expect_str_eq(now->condition, "shoe B");
    cr_expect_leq(now->side[KL_SIDE_UNKNOWN].n[KL_METRIC_CONTACT_TIME], 10);
    session_block(pipeline, &samples, 28000, samples.count);
    kl_pipeline_snapshot(pipeline, now);
    cr_expect_eq(now->flag[0].state, KL_FLAG_AMBER);
    cr_expect_eq(log.flags, 5); /* green, amber, grey, green, amber */
    free(now);
    session_log_free(&log);
    session_samples_free(&samples);
    session_samples_free(&wrench);
    kl_pipeline_destroy(pipeline);
}

Test(pipeline, a_hole_in_the_samples_is_a_hole_in_the_trace)
{
    struct kl_stream stream = session_vertical_plate(150); /* slower than the trace */
    struct session_samples samples = session_samples(0, 1, 400, 150);
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(&stream, 1, &log);
    session_block(pipeline, &samples, 0, 200);
    session_block(pipeline, &samples, 300, 400);
    struct kl_snapshot *now = snapshot_of(pipeline);
    const struct kl_snapshot_plate *plate = &now->plate[0];
    size_t holes = 0;
    for (size_t i = 0; i < plate->trace_count; i++) {
        holes += isnan(plate->trace[i].low_n) != 0;
    }
    /* Points 0-531; between samples 199 (point 265) and 300 (point 400) there is nothing. */
    cr_expect_eq(plate->trace_count, 532);
    cr_expect_eq(holes, 134);
    free(now);
    session_log_free(&log);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
}

Test(pipeline, samples_that_are_no_numbers_leave_no_mark)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    struct session_samples samples = running(0, 2, 30, 0, -1);
    for (size_t i = 5000; i < samples.count; i += 1777) { /* single samples, and 40 in a row */
        samples.value[i * KL_WRENCH_COUNT + KL_FY] = (double)NAN;
    }
    for (size_t i = 20000; i < 20040; i++) {
        samples.value[i * KL_WRENCH_COUNT + KL_FY] = HUGE_VAL;
    }
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(&stream, 1, &log);
    begin(pipeline, 70);
    session_block(pipeline, &samples, 0, samples.count);
    kl_pipeline_end(pipeline);
    cr_expect_geq(log.valid, 70);
    size_t marked = 0;
    for (size_t i = 0; i < log.steps; i++) {
        marked += (log.step[i].reasons & KL_REASON_NOT_A_NUMBER) != 0;
        for (int m = 0; m < KL_METRIC_COUNT; m++) {
            cr_expect(isfinite(log.step[i].metric[m]));
        }
    }
    cr_expect_geq(marked, 5);
    struct kl_snapshot *now = snapshot_of(pipeline);
    cr_expect(isfinite(now->body_weight_n) && isfinite(now->cadence_fft_spm));
    for (size_t i = 0; i < now->plate[0].trace_count; i++) {
        const struct kl_trace_point *point = &now->plate[0].trace[i];
        cr_expect(isnan(point->low_n) || fabsf(point->high_n) < 3000);
    }
    free(now);
    session_log_free(&log);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
}

Test(pipeline, streams_that_are_no_plates_and_odd_items_are_ignored)
{
    struct kl_stream streams[2] = {session_vertical_plate(RATE_HZ), session_vertical_plate(200)};
    streams[1].kind = KL_KIND_IMU;
    struct session_log log = {0};
    struct kl_pipeline *pipeline = create(streams, 2, &log);
    struct session_samples samples = session_samples(1, 1, 100, 200);
    session_block(pipeline, &samples, 0, 100);
    samples.stream = 9;
    session_block(pipeline, &samples, 0, 100);
    for (int kind = 0; kind < KL_EVENT_KIND_COUNT; kind++) {
        session_event(pipeline, (enum kl_event_kind)kind, 0, 0, 0, 0, "");
    }
    kl_pipeline_end(pipeline);
    kl_pipeline_end(pipeline);
    cr_expect_eq(log.steps, 0);
    session_samples_free(&samples);
    kl_pipeline_destroy(pipeline);
    kl_pipeline_destroy(NULL);

    struct kl_settings settings = kl_settings_defaults();
    streams[1].rate_hz = 0;
    cr_expect_null(kl_pipeline_create(streams, 2, &settings, NULL, (struct kl_pipeline_sink){0}));
    pipeline = kl_pipeline_create(NULL, 0, &settings, NULL, (struct kl_pipeline_sink){0});
    cr_assert_not_null(pipeline);
    struct kl_snapshot *now = snapshot_of(pipeline);
    cr_expect_eq(now->plate_count, 0);
    free(now);
    kl_pipeline_destroy(pipeline);
}

/* A contact shows as soon as the foot is off; what waits for the next one shows its last value. */
Test(pipeline, the_newest_contact_never_blanks_what_was_known)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    struct session_samples samples = running(0, 2, 25, 0, -1);
    struct kl_settings settings = kl_settings_defaults();
    struct kl_pipeline *pipeline =
        kl_pipeline_create(&stream, 1, &settings, NULL, (struct kl_pipeline_sink){0});
    struct kl_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    cr_assert(pipeline != NULL && snapshot != NULL);
    size_t waited = 0;
    for (size_t at = 0; at + 20 <= samples.count; at += 20) {
        session_block(pipeline, &samples, at, at + 20);
        kl_pipeline_snapshot(pipeline, snapshot);
        for (int side = KL_SIDE_LEFT; side <= KL_SIDE_RIGHT; side++) {
            const struct kl_snapshot_side *shown = &snapshot->side[side];
            if (shown->steps < 3) {
                continue;
            }
            waited += shown->waiting[KL_METRIC_STEP_TIME];
            cr_assert_eq(shown->last.metric_reasons[KL_METRIC_CONTACT_TIME], 0);
            cr_assert_eq(shown->last.metric_reasons[KL_METRIC_STEP_TIME], 0, "%.2f s",
                         (double)at / RATE_HZ);
            cr_assert_float_eq(shown->last.metric[KL_METRIC_STEP_TIME], STEP_S, 0.002);
        }
    }
    cr_expect_gt(waited, 10, "some snapshots must have caught an open step");
    kl_pipeline_destroy(pipeline);
    session_samples_free(&samples);
    free(snapshot);
}

/* Turned upside down, the runner looks like a flight far below zero: no step may come of it. */
Test(pipeline, an_upside_down_plate_gives_no_valid_step)
{
    struct kl_stream stream = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, RATE_HZ);
    for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
        stream.plate.matrix[r][r] = -1;
    }
    struct session_samples samples = running(0, 2, 20, 0, -1);
    struct kl_settings settings = kl_settings_defaults();
    struct session_log log = {0};
    struct kl_pipeline *pipeline =
        kl_pipeline_create(&stream, 1, &settings, NULL, session_sink(&log));
    cr_assert_not_null(pipeline);
    session_block(pipeline, &samples, 0, samples.count);
    kl_pipeline_end(pipeline);
    cr_expect_eq(log.valid, 0, "%zu of %zu", log.valid, log.steps);
    kl_pipeline_destroy(pipeline);
    session_samples_free(&samples);
    session_log_free(&log);
}

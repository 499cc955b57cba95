#include "process/steps/step_assembler.h"
#include "process/steps/step_record.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_WEIGHT_N 700.0
#define DT_S 0.001
#define MARGIN 30 /* samples in the flights */
#define SAMPLES_MAX 1200

/* A hand-made contact: half sine, centre of pressure at z. */
struct foot {
    double ic_s, contact_s, z_m, peak_bw;
    size_t plate;
    struct kl_contact contact; /* what differs from a faultless one: set after make() */
    double wrench[SAMPLES_MAX][KL_WRENCH_COUNT];
};

static struct foot *make(double ic_s, double contact_s, double z_m, size_t plate)
{
    struct foot *foot = calloc(1, sizeof(*foot));
    foot->ic_s = ic_s;
    foot->contact_s = contact_s;
    foot->plate = plate;
    size_t count = (size_t)(contact_s / DT_S) + 2 * MARGIN;
    for (size_t i = 0; i < count; i++) {
        double s = ((double)i - MARGIN) * DT_S / contact_s;
        double fy = s > 0 && s < 1 ? 2.2 * BODY_WEIGHT_N * sin(3.141592653589793 * s) : 0;
        foot->wrench[i][KL_FY] = fy;
        foot->wrench[i][KL_MX] = -z_m * fy;
    }
    foot->contact = (struct kl_contact){
        .ic_ns = 1e9 * ic_s,
        .to_ns = 1e9 * (ic_s + contact_s),
        .has_ic = true,
        .has_to = true,
        .count = count,
        .t0_ns = (int64_t)(1e9 * ic_s) - (int64_t)(MARGIN * DT_S * 1e9),
        .dt_s = DT_S,
        .wrench = (const double(*)[KL_WRENCH_COUNT])foot->wrench,
        .has_flight_sd = true,
    };
    return foot;
}

struct rig {
    struct kl_body_weight weight;
    struct kl_cadence *cadence;
    struct kl_step_assembler *assembler;
    size_t plates, steps, shown;
    struct kl_step step[512], last_shown;
    char text[512][KL_RECORD_MAX];
};

static struct rig *rig_create(size_t plates)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    kl_body_weight_subject(&rig->weight, BODY_WEIGHT_N / KL_GRAVITY_M_S2);
    rig->cadence = kl_cadence_create();
    struct kl_assembler_plate plate[2] = {
        {.stream = 4, .measured = KL_PLATE_MEASURES_ALL, .rate_hz = 1 / DT_S},
        {.stream = 7, .measured = KL_PLATE_MEASURES_ALL, .rate_hz = 1 / DT_S},
    };
    if (plates == 2) {
        plate[0].side = KL_SIDE_LEFT;
        plate[1].side = KL_SIDE_RIGHT;
    }
    rig->plates = plates;
    rig->assembler =
        kl_step_assembler_create(plate, plates, KL_LOADING_P13, &rig->weight, rig->cadence);
    return rig;
}

static void rig_destroy(struct rig *rig)
{
    kl_step_assembler_destroy(rig->assembler);
    kl_cadence_destroy(rig->cadence);
    free(rig);
}

static void drain(struct rig *rig)
{
    struct kl_assembly out;
    enum kl_assembled what;
    while ((what = kl_step_assembler_next(rig->assembler, &out)) != KL_ASSEMBLED_NOTHING) {
        if (what == KL_ASSEMBLED_CONTACT) {
            rig->shown++;
            rig->last_shown = out.step;
        } else {
            rig->step[rig->steps] = out.step;
            (void)kl_step_record(&out.step, rig->text[rig->steps++], KL_RECORD_MAX);
        }
    }
}

/* A contact is delivered 0.15 s after its end; the plate is then known up to there. */
static void deliver(struct rig *rig, const struct foot *foot)
{
    int64_t now_ns = (int64_t)(foot->contact.to_ns + 0.15e9);
    kl_step_assembler_contact(rig->assembler, foot->plate, &foot->contact);
    kl_step_assembler_plate(rig->assembler, foot->plate, now_ns, (int64_t)foot->contact.to_ns,
                            false);
    drain(rig);
}

static void finish(struct rig *rig)
{
    kl_step_assembler_end(rig->assembler);
    drain(rig);
}

/* Feet alternate at 0.35 s, contact 0.25 s, 60 mm apart, even ones right. */
static struct foot *regular(unsigned k)
{
    return make(2 + 0.35 * k, 0.25, k % 2 == 0 ? 0.03 : -0.03, 0);
}

static void run_regular(struct rig *rig, unsigned from, unsigned to)
{
    for (unsigned k = from; k < to; k++) {
        struct foot *foot = regular(k);
        deliver(rig, foot);
        free(foot);
    }
}

Test(step_assembler, a_regular_run_gives_one_valid_step_per_contact)
{
    struct rig *rig = rig_create(1);
    run_regular(rig, 0, 40);
    cr_expect_eq(rig->shown, 40);
    cr_expect_eq(rig->steps, 38); /* the last two wait for their neighbours */
    cr_expect((rig->last_shown.reasons & KL_REASON_NO_NEXT) != 0);
    cr_expect_eq(rig->last_shown.metric_reasons[KL_METRIC_CONTACT_TIME], 0);
    cr_expect_eq(rig->last_shown.metric_reasons[KL_METRIC_STEP_TIME], KL_REASON_NO_NEXT);
    cr_expect_eq(rig->last_shown.side, KL_SIDE_LEFT); /* contact 39, known by alternation */
    finish(rig);
    cr_assert_eq(rig->steps, 40);
    for (unsigned k = 0; k < 40; k++) {
        const struct kl_step *step = &rig->step[k];
        cr_expect_eq(step->index, k);
        cr_expect_eq(step->stream, 4);
        cr_expect_eq(step->reasons, k < 39 ? 0 : KL_REASON_NO_NEXT, "step %u: %x", k,
                     step->reasons);
        cr_expect_eq(step->valid, k < 39);
        enum kl_side truth = k % 2 == 0 ? KL_SIDE_RIGHT : KL_SIDE_LEFT;
        cr_expect_eq(step->side, k < 19 ? KL_SIDE_UNKNOWN : truth, "step %u", k);
        cr_expect_float_eq(step->metric[KL_METRIC_CONTACT_TIME], 0.25, 1e-12);
        if (k < 39) {
            cr_expect_float_eq(step->metric[KL_METRIC_STEP_TIME], 0.35, 1e-9);
            cr_expect_float_eq(step->metric[KL_METRIC_FLIGHT_TIME], 0.10, 1e-9);
            cr_expect_float_eq(step->metric[KL_METRIC_CADENCE], 1 / 0.35, 1e-6, "step %u", k);
        }
        if (k < 38) {
            cr_expect_float_eq(step->metric[KL_METRIC_STRIDE_TIME], 0.70, 1e-9);
        }
    }
    cr_expect_eq(kl_step_assembler_contacts(rig->assembler), 40);
    rig_destroy(rig);
}

/* What a single fault in contact 30 does to it and to its neighbours. */
Test(step_assembler, validity_follows_the_table_of_the_method_book)
{
    enum fault {
        NONE,
        SHORT,
        LONG,
        CUT_IC,
        CUT_TO,
        ENDED,
        PATCHED,
        DRIFT,
        NOISE,
        CLIPPED,
        WARM,
        WEAK,
        STRONG,
        NOT_NUMBER
    };
    const struct {
        const char *legend;
        enum fault fault;
        uint32_t reasons;
        bool valid;
        bool neighbour_valid; /* contact 29, which needs the IC of 30 */
    } rows[] = {
        {"faultless", NONE, 0, true, true},
        {"99 ms", SHORT, KL_REASON_CONTACT_RANGE, false, true},
        {"no initial contact", CUT_IC, KL_REASON_CUT | KL_REASON_NO_NEXT, false, false},
        {"no toe-off", CUT_TO, KL_REASON_CUT | KL_REASON_NO_NEXT, false, true},
        {"a gap after it", ENDED, KL_REASON_GAP | KL_REASON_NO_NEXT, false, true},
        {"a patched gap", PATCHED, KL_REASON_GAP, true, true},
        {"zero moved 16 N", DRIFT, KL_REASON_DRIFT_STEP, true, true},
        {"flight noise 11 N", NOISE, KL_REASON_NOISE, true, true},
        {"at the rail", CLIPPED, KL_REASON_SATURATED, true, true},
        {"starting up", WARM, KL_REASON_WARMING_UP, false, true},
        {"peak 1.1 BW", WEAK, KL_REASON_PEAK_RANGE, false, true},
        {"peak 4.6 BW", STRONG, KL_REASON_PEAK_RANGE, false, true},
        {"a NaN, patched", NOT_NUMBER, KL_REASON_NOT_A_NUMBER, true, true},
        {"contact 460 ms, no flight", LONG, KL_REASON_CONTACT_RANGE | KL_REASON_FLIGHT_RANGE, false,
         true},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct rig *rig = rig_create(1);
        for (unsigned k = 0; k < 36; k++) {
            struct foot *foot = regular(k);
            if (k == 30 && (rows[r].fault == SHORT || rows[r].fault == LONG)) {
                free(foot);
                foot = make(2 + 0.35 * k, rows[r].fault == SHORT ? 0.099 : 0.460, 0.03, 0);
                foot->contact.quality = 0;
            }
            struct kl_contact *c = &foot->contact;
            if (k == 30) {
                c->has_ic = rows[r].fault != CUT_IC;
                c->has_to = rows[r].fault != CUT_TO;
                c->ended = rows[r].fault == ENDED;
                c->quality = rows[r].fault == PATCHED      ? KL_QUALITY_INTERPOLATED
                             : rows[r].fault == CLIPPED    ? KL_QUALITY_CLIPPED
                             : rows[r].fault == NOT_NUMBER ? KL_QUALITY_INVALID
                                                           : 0;
                c->drift_step_n = rows[r].fault == DRIFT ? 16 : 0;
                c->flight_sd[KL_FY] = rows[r].fault == NOISE ? 11 : 2;
                c->warming_up = rows[r].fault == WARM;
                double factor = rows[r].fault == WEAK ? 0.5 : rows[r].fault == STRONG ? 2.1 : 1;
                for (size_t i = 0; i < c->count; i++) {
                    foot->wrench[i][KL_FY] *= factor;
                }
            }
            deliver(rig, foot);
            free(foot);
        }
        finish(rig);
        cr_assert_eq(rig->steps, 36);
        const struct kl_step *step = &rig->step[30];
        cr_expect_eq(step->reasons, rows[r].reasons, "%s: %x", rows[r].legend, step->reasons);
        cr_expect_eq(step->valid, rows[r].valid, "%s", rows[r].legend);
        cr_expect_eq(rig->step[29].valid, rows[r].neighbour_valid, "%s: %x", rows[r].legend,
                     rig->step[29].reasons);
        cr_expect(rig->step[31].valid, "%s: %x", rows[r].legend, rig->step[31].reasons);
        rig_destroy(rig);
    }
}

Test(step_assembler, step_time_and_flight_are_held_against_their_ranges)
{
    const struct {
        double step_s, contact_s;
        uint32_t reasons;
    } rows[] = {{0.35, 0.25, 0},
                {0.241, 0.20, 0},
                {0.239, 0.20, KL_REASON_STEP_RANGE},
                {0.549, 0.30, 0},
                {0.551, 0.30, KL_REASON_STEP_RANGE},
                {0.35, 0.329, 0},
                {0.35, 0.331, KL_REASON_FLIGHT_RANGE}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct rig *rig = rig_create(1);
        for (unsigned k = 0; k < 10; k++) {
            struct foot *foot = make(2 + rows[r].step_s * k, rows[r].contact_s, 0, 0);
            deliver(rig, foot);
            free(foot);
        }
        cr_expect_eq(rig->step[5].reasons, rows[r].reasons, "row %zu: %x", r, rig->step[5].reasons);
        rig_destroy(rig);
    }
}

/* Oracle 29. */
Test(step_assembler, a_missing_step_rejects_both_neighbours_and_never_swaps_feet)
{
    struct rig *rig = rig_create(1);
    for (unsigned k = 0; k < 90; k++) {
        if (k == 40) {
            continue;
        }
        run_regular(rig, k, k + 1);
    }
    finish(rig);
    cr_assert_eq(rig->steps, 89);
    for (unsigned i = 0; i < rig->steps; i++) {
        const struct kl_step *step = &rig->step[i];
        unsigned k = i < 40 ? i : i + 1; /* the foot that really landed */
        bool beside = k == 39 || k == 41;
        cr_expect_eq((step->reasons & KL_REASON_MISSED_STEP) != 0, beside, "step %u", k);
        cr_expect_eq(step->valid, !beside && k != 89, "step %u: %x", k, step->reasons);
        enum kl_side truth = k % 2 == 0 ? KL_SIDE_RIGHT : KL_SIDE_LEFT;
        cr_expect(step->side == truth || step->side == KL_SIDE_UNKNOWN, "step %u", k);
        if (k > 41 + 20) { /* 20 usable steps later the feet are known again */
            cr_expect_eq(step->side, truth, "step %u", k);
        }
        if (k >= 41 && k < 61) {
            cr_expect_eq(step->side, KL_SIDE_UNKNOWN, "step %u", k);
        }
    }
    /* Cadence never reaches over the hole. */
    cr_expect_float_eq(rig->step[45].metric[KL_METRIC_CADENCE], 1 / 0.35, 1e-6);
    rig_destroy(rig);
}

Test(step_assembler, a_step_waits_for_its_neighbours_but_not_for_ever)
{
    struct rig *rig = rig_create(1);
    run_regular(rig, 0, 3);
    cr_expect_eq(rig->steps, 1);
    /* Contact 2 ended at 2.95 s. Nothing begins any more. */
    kl_step_assembler_plate(rig->assembler, 0, 3940000000, 3940000000, false);
    drain(rig);
    cr_expect_eq(rig->steps, 1);
    kl_step_assembler_plate(rig->assembler, 0, 3960000000, 3960000000, false);
    drain(rig);
    cr_assert_eq(rig->steps, 3);
    cr_expect(rig->step[1].valid);
    cr_expect_eq(rig->step[1].metric_reasons[KL_METRIC_STRIDE_TIME], KL_REASON_NO_NEXT);
    cr_expect_eq(rig->step[2].reasons, KL_REASON_NO_NEXT);
    rig_destroy(rig);
}

/* A split belt: left and right contacts on their own plates, delivered in several ways. */
Test(step_assembler, two_plates_give_the_same_steps_however_they_take_turns)
{
    const unsigned n = 60;
    struct foot *foot[60];
    for (unsigned k = 0; k < n; k++) {
        double jitter = 0.01 * sin(1.7 * k);
        foot[k] = make(2 + 0.35 * k + jitter, 0.25, k % 2 == 0 ? -0.1 : 0.1, k % 2);
    }
    struct rig *reference = NULL;
    for (unsigned way = 0; way < 6; way++) {
        struct rig *rig = rig_create(2);
        /* Each plate has its own clock of deliveries, the second `late` seconds behind. */
        const double chunk_s[] = {0.001, 0.05, 0.3, 0.013, 0.2, 0.4};
        const double late_s[] = {0, 0.1, 0.4, -0.4, 0.3, 0.5};
        unsigned next[2] = {0, 1};
        for (double now = 1.5; now < 26; now += chunk_s[way]) {
            for (size_t p = 0; p < 2; p++) {
                double at = p == 1 ? now - late_s[way] : now;
                double mark = at;
                while (next[p] < n && foot[next[p]]->contact.to_ns / 1e9 + 0.1 <= at) {
                    kl_step_assembler_contact(rig->assembler, p, &foot[next[p]]->contact);
                    next[p] += 2;
                }
                if (next[p] < n && foot[next[p]]->ic_s < mark) {
                    mark = foot[next[p]]->ic_s - 0.02; /* it is on the plate */
                }
                kl_step_assembler_plate(rig->assembler, p, (int64_t)(at * 1e9),
                                        (int64_t)(mark * 1e9), false);
                drain(rig);
            }
        }
        finish(rig);
        cr_assert_eq(rig->steps, n, "way %u: %zu", way, rig->steps);
        if (reference == NULL) {
            reference = rig;
            for (unsigned k = 0; k + 1 < n; k++) {
                cr_expect_eq(rig->step[k].side, k % 2 == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT);
                cr_expect_eq(rig->step[k].stream, k % 2 == 0 ? 4 : 7);
                cr_expect(rig->step[k].valid, "step %u: %x", k, rig->step[k].reasons);
                double flight = (foot[k + 1]->contact.ic_ns - foot[k]->contact.to_ns) / 1e9;
                cr_expect_float_eq(rig->step[k].metric[KL_METRIC_FLIGHT_TIME], flight, 1e-9);
            }
            continue;
        }
        for (unsigned k = 0; k < n; k++) {
            cr_expect_str_eq(rig->text[k], reference->text[k], "way %u", way);
        }
        rig_destroy(rig);
    }
    rig_destroy(reference);
    for (unsigned k = 0; k < n; k++) {
        free(foot[k]);
    }
}

Test(step_assembler, a_plate_that_stops_is_not_waited_for)
{
    struct rig *rig = rig_create(2);
    kl_step_assembler_plate(rig->assembler, 1, 2000000000, 2000000000, false);
    for (unsigned k = 0; k < 12; k += 2) {
        struct foot *foot = make(2 + 0.35 * k, 0.25, 0, 0);
        deliver(rig, foot);
        free(foot);
    }
    cr_expect_gt(rig->shown, 3);
    /* It comes back with a contact from before: too late to be ordered. */
    struct foot *foot = make(2.35, 0.25, 0, 1);
    deliver(rig, foot);
    free(foot);
    cr_expect_eq(kl_step_assembler_late(rig->assembler), 1);
    rig_destroy(rig);
}

Test(step_assembler, both_belts_loaded_at_once_reject_the_step)
{
    struct rig *rig = rig_create(2);
    for (unsigned k = 0; k < 12; k++) {
        struct foot *foot = make(2 + 0.35 * k, 0.25, 0, k % 2);
        /* In contact 6 (plate 0) the other belt carries load for 30 ms, in 8 for 5 ms. */
        double load_s = k == 6 ? 0.030 : k == 8 ? 0.005 : 0;
        for (double t = 0; t < 0.25; t += 0.001) {
            int64_t now_ns = (int64_t)((foot->ic_s + t) * 1e9);
            kl_step_assembler_plate(rig->assembler, 1 - k % 2, now_ns, now_ns,
                                    t >= 0.1 && t < 0.1 + load_s);
        }
        deliver(rig, foot);
        free(foot);
    }
    finish(rig);
    for (unsigned k = 0; k < 11; k++) {
        cr_expect_eq((rig->step[k].reasons & KL_REASON_CROSSOVER) != 0, k == 6, "step %u: %x", k,
                     rig->step[k].reasons);
    }
    rig_destroy(rig);
}

Test(step_assembler, speed_is_the_one_at_contact_and_its_change_is_marked)
{
    struct rig *rig = rig_create(1);
    run_regular(rig, 0, 5);
    cr_expect_eq(rig->step[0].speed_m_s, 0);
    kl_step_assembler_speed(rig->assembler, (int64_t)(2.0e9 + 0.35e9 * 6 - 1), 3.0);
    run_regular(rig, 5, 9);
    kl_step_assembler_speed(rig->assembler, (int64_t)(2.0e9 + 0.35e9 * 8 + 0.1e9), 3.5);
    run_regular(rig, 9, 14);
    finish(rig);
    for (unsigned k = 0; k < 14; k++) {
        double speed = k < 6 ? 0 : k < 9 ? 3.0 : 3.5;
        cr_expect_eq(rig->step[k].speed_m_s, speed, "step %u", k);
        cr_expect_eq((rig->step[k].reasons & KL_REASON_SPEED_CHANGE) != 0, k == 8, "step %u", k);
    }
    rig_destroy(rig);
}

/* Adds an impact peak: a bump early in stance that falls off before the active peak. */
static void add_impact(struct foot *foot)
{
    for (size_t i = 0; i < foot->contact.count; i++) {
        double s = ((double)i - MARGIN) * DT_S / foot->contact_s / 0.24;
        if (s > 0 && s < 1) {
            double bump = 0.9 * BODY_WEIGHT_N * sin(3.141592653589793 * s);
            foot->wrench[i][KL_FY] += bump * sin(3.141592653589793 * s);
        }
    }
}

Test(step_assembler, a_bout_with_some_impact_peaks_uses_one_rule)
{
    const struct {
        unsigned every; /* which contacts have an impact peak; 0: none */
        enum kl_loading_rule with, without;
        bool forced;
    } rows[] = {{1, KL_LOADING_IMPACT_PEAK, KL_LOADING_P13, false},
                {2, KL_LOADING_P13, KL_LOADING_P13, true},
                {9, KL_LOADING_P13, KL_LOADING_P13, true},
                {13, KL_LOADING_IMPACT_PEAK, KL_LOADING_P13, false},
                {0, KL_LOADING_IMPACT_PEAK, KL_LOADING_P13, false}};
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct rig *rig = rig_create(1);
        for (unsigned k = 0; k < 120; k++) {
            struct foot *foot = regular(k);
            if (rows[r].every > 0 && k % rows[r].every == rows[r].every - 1) {
                add_impact(foot);
            }
            deliver(rig, foot);
            free(foot);
        }
        cr_expect_eq(kl_step_assembler_forces_rule(rig->assembler), rows[r].forced, "row %zu", r);
        for (unsigned k = 90; k < 118; k++) {
            bool with = rows[r].every > 0 && k % rows[r].every == rows[r].every - 1;
            cr_expect_eq(rig->step[k].loading_rule, with ? rows[r].with : rows[r].without,
                         "row %zu step %u", r, k);
        }
        kl_step_assembler_bout(rig->assembler);
        cr_expect_not(kl_step_assembler_forces_rule(rig->assembler));
        rig_destroy(rig);
    }
}

Test(step_assembler, a_step_waits_for_motion_beside_the_plates_but_no_longer_than_a_second)
{
    static const struct {
        const char *legend;
        int64_t beside_ns; /* INT64_MIN: never told */
        size_t steps; /* of ten contacts, the last at 5.15 s, ended at 5.40 s, known to 5.40 s */
    } rows[] = {
        {"without motion two steps wait for their neighbours", INT64_MIN, 8},
        {"motion is ahead", INT64_C(9000000000), 8},
        /* step k needs its stride and 0.25 s: 2 + 0.35 (k + 2) + 0.25 <= 4.8: k <= 5 */
        {"motion has come to 4.8 s", INT64_C(4800000000), 6},
        /* ... or plates to 2 + 0.35 (k + 2) + 1.25 < 5.40: k <= 4, strictly before */
        {"motion has died", 1, 5},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct rig *rig = rig_create(1);
        if (rows[r].beside_ns != INT64_MIN) {
            kl_step_assembler_beside(rig->assembler, rows[r].beside_ns);
        }
        run_regular(rig, 0, 10);
        cr_expect_eq(rig->steps, rows[r].steps, "%s: %zu", rows[r].legend, rig->steps);
        cr_expect_eq(rig->shown, 10, "%s: contacts show at once", rows[r].legend);
        finish(rig);
        cr_expect_eq(rig->steps, 10, "%s: the end waits for nothing", rows[r].legend);
        rig_destroy(rig);
    }
}

/* One real runner (Fukuchi 2017, RBDS002 at 2.5 m/s): level K3, the knee seen by markers, against
 * the reference values computed elsewhere from the same recording, and against the published curve.
 *
 * Markers and frames are done here as the reference describes them (15 Hz, rigid fits by SVD,
 * anatomical frames of the standing trial); forces, contacts, moment and peaks are Kneelab's. */
#include "../session.h"
#include "marker_trial.h"
#include "process/knee/knee_force.h"
#include "process/knee/knee_moment.h"
#include "process/motion/joint_angle.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER KL_DATA "/fukuchi/"
#define REFERENCE KL_DATA "/reference/fukuchi_RBDS002_runT25.json"
#define FORCE_RATE_HZ 300.0
#define MASS_KG 80.0 /* stated; what the reference divides by */

/* The reference ran filters of 15 and 20 Hz twice without correcting for that (scipy's filtfilt),
 * so they lose 3 dB at (sqrt 2 - 1)^(1/4) of it. It matters: the peak in the lab frame is 0.65 so
 * and 0.74 with 20 Hz as methods 3.2 has it. */
#define UNCORRECTED 0.80225

/* Single samples of 15 to 45 N remain in flight, where their centre of pressure is meaningless (the
 * data's own note): they make no moment here. */
#define FLIGHT_N 46.0

enum { CONTACTS = 80, FRAMES = 4 };
static const char *const frame_name[FRAMES] = {"lab", "thigh", "shank_epicondyles",
                                               "shank_malleoli"};
static const char *const plate_marker[2][4] = {
    {"Thigh.Top.Lateral", "Thigh.Bottom.Lateral", "Thigh.Top.Medial", "Thigh.Bottom.Medial"},
    {"Shank.Top.Lateral", "Shank.Bottom.Lateral", "Shank.Top.Medial", "Shank.Bottom.Medial"}};
static const char *const foot_marker[] = {"Heel.Top", "Heel.Bottom", "Heel.Lateral", "MT1", "MT5"};

static struct marker_trial standing, running;
static double *force_table;
static size_t force_rows;

static const char *named(char side, const char *name)
{
    static char text[4][40];
    static unsigned turn;
    turn = (turn + 1) % 4;
    (void)snprintf(text[turn], sizeof(text[0]), "%c.%s", side, name);
    return text[turn];
}

static bool open_trial(void)
{
    if (!marker_trial_read(&standing, FOLDER "RBDS002static.txt") ||
        !marker_trial_read(&running, FOLDER "RBDS002runT25markers.txt")) {
        return false;
    }
    marker_trial_filter(&running, 15 * UNCORRECTED);
    force_rows = session_read_table(FOLDER "RBDS002runT25forces.txt", 8, 1, '\t', &force_table);
    return force_rows > 0;
}

static void close_trial(void)
{
    marker_trial_free(&standing);
    marker_trial_free(&running);
    free(force_table);
}

/* --------------------------------------------------------------- the markers */

struct leg {
    char side;
    struct kl_vec knee;         /* standing, lab */
    struct kl_vec axis[FRAMES]; /* anterior axes, standing */
    struct kl_vec *at;          /* [frames] knee centre carried by the shank plate */
    struct kl_vec *x[FRAMES];   /* [frames] */
};

static struct kl_vec middle(char side, const char *a, const char *b)
{
    return kl_vec_scale(
        kl_vec_add(marker_mean(&standing, named(side, a)), marker_mean(&standing, named(side, b))),
        .5);
}

/* Line to the runner's right through two markers of a leg. */
static struct kl_vec to_the_right(char side, const char *lateral, const char *medial)
{
    struct kl_vec line = kl_vec_sub(marker_mean(&standing, named(side, lateral)),
                                    marker_mean(&standing, named(side, medial)));
    return side == 'R' ? line : kl_vec_scale(line, -1);
}

static void stand(struct leg *leg, char side)
{
    leg->side = side;
    leg->knee = middle(side, "Knee", "Knee.Medial");
    struct kl_vec ankle = middle(side, "Ankle", "Ankle.Medial");
    struct kl_vec here = marker_mean(&standing, named(side, "GTR"));
    struct kl_vec there = marker_mean(&standing, named(side == 'R' ? 'L' : 'R', "GTR"));
    struct kl_vec hip = kl_vec_add(here, kl_vec_scale(kl_vec_sub(there, here), .25));
    struct kl_vec epicondyles = to_the_right(side, "Knee", "Knee.Medial");
    struct kl_vec malleoli = to_the_right(side, "Ankle", "Ankle.Medial");
    struct kl_vec thigh = kl_vec_unit(kl_vec_sub(hip, leg->knee));
    struct kl_vec shank = kl_vec_unit(kl_vec_sub(leg->knee, ankle));
    leg->axis[0] = (struct kl_vec){1, 0, 0};
    leg->axis[1] = kl_vec_unit(kl_vec_cross(thigh, epicondyles));
    leg->axis[2] = kl_vec_unit(kl_vec_cross(shank, epicondyles));
    leg->axis[3] = kl_vec_unit(kl_vec_cross(shank, malleoli));
}

static void run(struct leg *leg)
{
    leg->at = calloc(running.count, sizeof(*leg->at));
    for (size_t f = 0; f < FRAMES; f++) {
        leg->x[f] = calloc(running.count, sizeof(*leg->x[f]));
    }
    const char *name[2][4];
    char text[2][4][40];
    for (size_t p = 0; p < 2; p++) {
        for (size_t m = 0; m < 4; m++) {
            (void)snprintf(text[p][m], sizeof(text[p][m]), "%s",
                           named(leg->side, plate_marker[p][m]));
            name[p][m] = text[p][m];
        }
    }
    for (size_t i = 0; i < running.count; i++) {
        struct rigid thigh = marker_fit(&standing, &running, i, name[0], 4);
        struct rigid shank = marker_fit(&standing, &running, i, name[1], 4);
        leg->at[i] = rigid_point(&shank, leg->knee);
        leg->x[0][i] = leg->axis[0];
        leg->x[1][i] = rigid_direction(&thigh, leg->axis[1]);
        leg->x[2][i] = rigid_direction(&shank, leg->axis[2]);
        leg->x[3][i] = rigid_direction(&shank, leg->axis[3]);
    }
}

static void lose(struct leg *leg)
{
    free(leg->at);
    for (size_t f = 0; f < FRAMES; f++) {
        free(leg->x[f]);
    }
}

/* Between frames: cubic through four of them, so that 150 Hz loses nothing of 15 Hz. */
static struct kl_vec between(const struct kl_vec *v, double at)
{
    size_t i = (size_t)fmin(fmax(at, 1), (double)running.count - 3);
    double t = at - (double)i;
    const double w[4] = {-t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2,
                         -(t + 1) * t * (t - 2) / 2, (t + 1) * t * (t - 1) / 6};
    struct kl_vec sum = {0, 0, 0};
    for (size_t k = 0; k < 4; k++) {
        sum = kl_vec_add(sum, kl_vec_scale(v[i + k - 1], w[k]));
    }
    return sum;
}

/* The foot whose markers are lower at mid-contact. */
static char side_of(const struct kl_contact *contact)
{
    double t_s = ((contact->ic_ns + contact->to_ns) / 2 - KL_EPOCH_NS) / 1e9;
    size_t frame = (size_t)(t_s * MARKER_RATE_HZ + .5);
    double height[2] = {0, 0};
    for (size_t m = 0; m < 5; m++) {
        height[0] += marker_at(&running, frame, named('R', foot_marker[m])).y;
        height[1] += marker_at(&running, frame, named('L', foot_marker[m])).y;
    }
    return height[0] < height[1] ? 'R' : 'L';
}

/* ----------------------------------------------------------------- our part */

struct stance {
    char side;
    double ic_s;
    struct kl_knee_peaks peaks[FRAMES];
    double most[FRAMES]; /* over the whole stance, as the reference takes it */
    double curve[FRAMES][101];
};

/* The sample and its neighbours are below what remains in flight. */
static bool in_flight(size_t row)
{
    for (size_t i = row > 0 ? row - 1 : 0; i <= row + 1 && i < force_rows; i++) {
        if (fabs(force_table[8 * i + 2]) >= FLIGHT_N) {
            return false;
        }
    }
    return true;
}

static size_t stances_of(const struct leg leg[2], double cutoff_hz, struct stance *out, size_t cap)
{
    struct kl_stream plate = session_wrench_plate("plate.belt", KL_SIDE_UNKNOWN, FORCE_RATE_HZ);
    struct kl_force_settings settings = kl_force_settings_defaults();
    struct kl_force_chain *chain = kl_force_chain_create(&plate, &settings);
    struct kl_knee_force *force = kl_knee_force_create(FORCE_RATE_HZ, cutoff_hz);
    static struct kl_motion_window window;
    static double wrench[KL_MOTION_SAMPLES][KL_WRENCH_COUNT];
    size_t count = 0;
    for (size_t i = 0; i <= force_rows; i++) {
        if (i < force_rows) {
            const double *r = &force_table[8 * i];
            double x = r[4] / 1000;
            double z = r[6] / 1000;
            const double raw[KL_WRENCH_COUNT] = {
                r[1], r[2], r[3], -z * r[2], r[7] / 1000 + z * r[1] - x * r[3], x * r[2]};
            static const double rest[KL_WRENCH_COUNT] = {0};
            kl_force_chain_push(chain, KL_EPOCH_NS + llround((double)i * 1e9 / FORCE_RATE_HZ),
                                in_flight(i) ? rest : raw, 0);
        } else {
            kl_force_chain_end(chain);
        }
        struct kl_contact contact;
        while (kl_force_chain_contact(chain, &contact)) {
            if (!contact.has_ic || !contact.has_to || count == cap) {
                continue;
            }
            struct stance *stance = &out[count++];
            stance->side = side_of(&contact);
            stance->ic_s = (contact.ic_ns - KL_EPOCH_NS) / 1e9;
            window.t0_ns = contact.ic_ns - KL_MOTION_MARGIN_S * 1e9;
            window.ic_s = KL_MOTION_MARGIN_S;
            window.to_s = window.ic_s + (contact.to_ns - contact.ic_ns) / 1e9;
            window.count = (size_t)((window.to_s + KL_MOTION_MARGIN_S) * KL_MOTION_RATE_HZ);
            cr_assert(kl_knee_force_fill(force, &contact, &window, wrench));
            const struct leg *l = &leg[stance->side == 'R' ? 0 : 1];
            for (size_t f = 0; f < FRAMES; f++) {
                struct kl_knee_curve curve = {.count = window.count,
                                              .dt_s = 1 / KL_MOTION_RATE_HZ,
                                              .ic_s = window.ic_s,
                                              .to_s = window.to_s};
                stance->most[f] = 0;
                for (size_t k = 0; k < window.count; k++) {
                    double at =
                        ((window.t0_ns - KL_EPOCH_NS) / 1e9 + (double)k / KL_MOTION_RATE_HZ) *
                        MARKER_RATE_HZ;
                    struct kl_vec knee = between(l->at, at);
                    struct kl_vec x = kl_vec_unit(between(l->x[f], at));
                    double w[KL_WRENCH_COUNT];
                    memcpy(w, wrench[k], sizeof(w));
                    if (stance->side == 'L') {
                        kl_knee_mirror_wrench(w);
                        knee = kl_mirror_polar(knee);
                        x = kl_mirror_polar(x);
                    }
                    curve.value[k] = kl_vec_dot(x, kl_knee_moment(w, knee));
                    double t_s = (double)k / KL_MOTION_RATE_HZ;
                    if (t_s >= window.ic_s && t_s <= window.to_s) {
                        stance->most[f] = fmax(stance->most[f], curve.value[k] / MASS_KG);
                    }
                }
                cr_assert(kl_knee_peaks_of(&curve, MASS_KG, &stance->peaks[f]));
                for (size_t p = 0; p <= 100; p++) {
                    double s = (window.ic_s + (window.to_s - window.ic_s) * (double)p / 100) *
                               KL_MOTION_RATE_HZ;
                    size_t k = (size_t)s;
                    stance->curve[f][p] =
                        (curve.value[k] + (s - (double)k) * (curve.value[k + 1] - curve.value[k])) /
                        MASS_KG;
                }
            }
        }
    }
    kl_knee_force_destroy(force);
    kl_force_chain_destroy(chain);
    return count;
}

/* -------------------------------------------------------------------- judge */

static double reference_of(const json_t *row, const char *frame, const char *what)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "kam_%s_%s", frame, what);
    return json_number_value(json_object_get(row, key));
}

static void compare(const struct stance *stance, size_t count, const json_t *rows, char side)
{
    for (size_t f = 0; f < FRAMES; f++) {
        double sum[3][2] = {{0}};
        double square = 0;
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            const json_t *row = json_array_get(rows, i);
            if (stance[i].side != side) {
                continue;
            }
            const double ours[3] = {stance[i].most[f], stance[i].peaks[f].first_n_m / MASS_KG,
                                    stance[i].peaks[f].impulse_n_m_s / MASS_KG};
            static const char *const what[3] = {"peak", "peak10_50", "impulse"};
            for (size_t k = 0; k < 3; k++) {
                sum[k][0] += ours[k];
                sum[k][1] += reference_of(row, frame_name[f], what[k]);
            }
            double error = ours[0] - reference_of(row, frame_name[f], "peak");
            square += error * error;
            n++;
        }
        cr_assert_gt(n, 30);
        (void)fprintf(stderr,
                      "%c %-18s peak %.4f (%.4f), RMS of stances %.4f; 10-50 %% %.4f "
                      "(%.4f); impulse %.5f (%.5f) N.m/kg(.s)\n",
                      side, frame_name[f], sum[0][0] / (double)n, sum[0][1] / (double)n,
                      sqrt(square / (double)n), sum[1][0] / (double)n, sum[1][1] / (double)n,
                      sum[2][0] / (double)n, sum[2][1] / (double)n);
        /* Where the impact makes the largest value, 10 % of stance cuts through its flank: 1 ms of
         * contact time is 3 % of it there. */
        bool impact = sum[0][1] > 1.005 * sum[1][1];
        for (size_t k = 0; k < 3; k++) {
            if (k == 1 && impact) {
                continue;
            }
            /* 1 % (the issue's), and 0.5 mN.m/kg for rounding in the reference file */
            cr_expect_float_eq(sum[k][0], sum[k][1], .01 * sum[k][1] + 5e-4 * (double)n,
                               "%c %s %zu", side, frame_name[f], k);
        }
    }
}

/* Mean stance curve about the thigh's x axis against RkneeMomX25 / LkneeMomX25: gait cycle from
 * contact, 101 rows; stance is the first contact / stride of it. */
static double published(const struct stance *stance, size_t count, char side, double *peak)
{
    static char line[65536];
    FILE *file = fopen(FOLDER "RBDS002processed.txt", "r");
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(line, sizeof(line), file));
    size_t column = 0;
    size_t found = 0;
    char *save = NULL;
    for (char *word = strtok_r(line, "\t\r\n", &save); word != NULL;
         word = strtok_r(NULL, "\t\r\n", &save), column++) {
        if (strcmp(word, side == 'R' ? "RkneeMomX25" : "LkneeMomX25") == 0) {
            found = column;
        }
    }
    cr_assert_gt(found, 0);
    double cycle[101];
    for (size_t row = 0; row < 101 && fgets(line, sizeof(line), file) != NULL; row++) {
        char *at = line;
        for (size_t c = 0; c <= found; c++) {
            cycle[row] = strtod(at, &at);
        }
    }
    (void)fclose(file);
    /* the published cycle begins 7 to 13 ms before the 50 N crossing (data/README) */
    const double stride_s = .7991;
    const double contact_s = .314;
    const double early_s = side == 'R' ? .0067 : .010;
    double square = 0;
    *peak = 0;
    for (size_t p = 0; p <= 100; p++) {
        double mean = 0;
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            mean += stance[i].side == side ? stance[i].curve[1][p] : 0;
            n += stance[i].side == side;
        }
        double at = (early_s + contact_s * (double)p / 100) / stride_s * 100;
        size_t k = (size_t)at;
        double there = cycle[k] + (at - (double)k) * (cycle[k + 1] - cycle[k]);
        double error = mean / (double)n - there;
        square += error * error / 101;
        *peak = fmax(*peak, mean / (double)n);
    }
    return sqrt(square);
}

Test(fukuchi_knee, adduction_moment_with_a_seen_knee_is_that_of_the_reference_in_every_frame)
{
    if (!open_trial()) {
        cr_skip_test("skipped: no recordings at " KL_DATA);
    }
    json_error_t fault;
    json_t *reference = json_load_file(REFERENCE, 0, &fault);
    cr_assert_not_null(reference, "%s", fault.text);
    struct leg leg[2];
    for (size_t s = 0; s < 2; s++) {
        stand(&leg[s], "RL"[s]);
        run(&leg[s]);
    }
    static struct stance stance[CONTACTS];
    size_t count = stances_of(leg, 20 * UNCORRECTED, stance, CONTACTS);
    const json_t *rows = json_object_get(reference, "per_stance");
    /* The first stance of ours may be another one: line them up by time. */
    size_t skip = 0;
    while (skip < count &&
           fabs(stance[skip].ic_s -
                json_number_value(json_object_get(json_array_get(rows, 0), "begin_s"))) > .05) {
        skip++;
    }
    cr_assert_leq(skip, 1);
    count -= skip;
    cr_assert_eq(count, json_array_size(rows));
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        cr_expect_eq(stance[skip + i].side, json_string_value(json_object_get(row, "side"))[0]);
        /* one sample: the reference's 50 Hz filter is uncorrected too, so its flanks are flatter */
        cr_expect_float_eq(stance[skip + i].ic_s,
                           json_number_value(json_object_get(row, "begin_s")), 1 / FORCE_RATE_HZ);
    }
    compare(stance + skip, count, rows, 'R');
    compare(stance + skip, count, rows, 'L');
    /* The published forces were low-passed at about 12 Hz (data/README). */
    cr_assert_eq(stances_of(leg, 12 * UNCORRECTED, stance, CONTACTS), skip + count);
    for (size_t s = 0; s < 2; s++) {
        double peak = 0;
        double rms = published(stance + skip, count, "RL"[s], &peak);
        (void)fprintf(stderr,
                      "%c thigh frame against the published curve: peak %.3f, RMS %.3f "
                      "N.m/kg (without inertia)\n",
                      "RL"[s], peak, rms);
        /* Without shank and foot inertia the reference itself is off by 0.048 and 0.081, over 43
         * points of which the first and last are flight: over stance alone that is 0.050 and 0.085.
         */
        cr_expect_leq(rms, s == 0 ? .055 : .090);
    }
    for (size_t s = 0; s < 2; s++) {
        lose(&leg[s]);
    }
    json_decref(reference);
    close_trial();
}

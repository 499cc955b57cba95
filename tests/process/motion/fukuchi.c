#include "fukuchi.h"

#include "process/motion/heading.h"
#include "process/motion/motion_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEG (3.14159265358979323846 / 180)
#define RATE_HZ 300.0
#define RUN_FROM_S 7.0 /* time 7.0 of the file is row 0 of the forces */
#define STILL_UNTIL_S 4.9
#define SEGMENTS 7
#define CHANNELS 6
#define ROWS_MAX 12000

const struct fukuchi_row fukuchi_rows[FUKUCHI_ROWS] = {
    {"eversion_excursion_B", KL_MOTION_EVERSION_EXCURSION, false, true},
    {"eversion_excursion_M", KL_MOTION_EVERSION_EXCURSION, true, true},
    {"eversion_peak_B", KL_MOTION_EVERSION_PEAK, false, false},
    {"tibial_internal_rotation_vs_heel_excursion_B", KL_MOTION_TIBIAL_ROTATION_TO_FOOT, false,
     true},
    {"shank_axis_rotation_excursion_B", KL_MOTION_TIBIAL_ROTATION, false, true},
    {"knee_varus_excursion_B", KL_MOTION_KNEE_VARUS_EXCURSION, false, true},
    {"knee_valgus_excursion_B", KL_MOTION_KNEE_VALGUS_EXCURSION, false, true},
    {"knee_internal_rotation_excursion_B", KL_MOTION_KNEE_ROTATION_EXCURSION, false, true},
    {"hip_adduction_excursion_B", KL_MOTION_HIP_ADDUCTION_EXCURSION, false, true},
    {"hip_adduction_peak_B", KL_MOTION_HIP_ADDUCTION_PEAK, false, false},
    {"pelvic_drop_peak_minus_contact", KL_MOTION_PELVIC_DROP_PEAK, false, true},
    {"knee_flexion_at_contact_B", KL_MOTION_KNEE_FLEXION_CONTACT, false, false},
    {"knee_flexion_peak_B", KL_MOTION_KNEE_FLEXION_PEAK, false, false},
};

/* In the order of the file's columns. */
static const struct {
    const char *name;
    enum kl_segment segment;
} segments[SEGMENTS] = {
    {"pelvis", KL_SEGMENT_PELVIS},       {"R_thigh", KL_SEGMENT_THIGH_RIGHT},
    {"R_shank", KL_SEGMENT_SHANK_RIGHT}, {"R_foot", KL_SEGMENT_FOOT_RIGHT},
    {"L_thigh", KL_SEGMENT_THIGH_LEFT},  {"L_shank", KL_SEGMENT_SHANK_LEFT},
    {"L_foot", KL_SEGMENT_FOOT_LEFT},
};

static char *read_text(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", KL_DATA, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *text = NULL;
    size_t size = 0;
    size_t got = 0;
    do {
        size = size * 2 + 65536;
        char *larger = realloc(text, size + 1);
        if (larger == NULL) {
            break;
        }
        text = larger;
        got += fread(text + got, 1, size - got, file);
    } while (got == size);
    (void)fclose(file);
    if (text != NULL) {
        text[got] = '\0';
    }
    return text;
}

/* Numbers behind a key, wherever commas, brackets and spaces stand. */
static const char *numbers(const char *text, const char *key, double *out, size_t count)
{
    char quoted[96];
    (void)snprintf(quoted, sizeof(quoted), "\"%s\":", key);
    const char *at = text != NULL ? strstr(text, quoted) : NULL;
    if (at == NULL) {
        return NULL;
    }
    at += strlen(quoted);
    for (size_t i = 0; i < count; i++) {
        at += strspn(at, " \n\t,[");
        out[i] = strtod(at, (char **)&at);
    }
    return at;
}

struct stance {
    enum kl_side side;
    double begin_s, end_s;
    double reference[FUKUCHI_ROWS];
};

struct recording {
    size_t rows;
    double (*value)[SEGMENTS * CHANNELS];
    size_t stances;
    struct stance stance[FUKUCHI_STANCES];
    struct kl_quat mounting[SEGMENTS]; /* sensor to B */
    struct kl_quat m_to_b[SEGMENTS];   /* shanks */
    double standing_rad[SEGMENTS];     /* heading of B's z in the standing trial */
};

static bool read_stances(struct recording *r)
{
    char *text = read_text("reference/fukuchi_RBDS002_runT25.json");
    const char *at = text != NULL ? strstr(text, "\"per_stance\"") : NULL;
    while (at != NULL && r->stances < FUKUCHI_STANCES) {
        const char *side = strstr(at, "\"side\":");
        if (side == NULL) {
            break;
        }
        struct stance *stance = &r->stance[r->stances++];
        side += strlen("\"side\":");
        side += strspn(side, " \"");
        stance->side = *side == 'R' ? KL_SIDE_RIGHT : KL_SIDE_LEFT;
        at = side;
        (void)numbers(at, "begin_s", &stance->begin_s, 1);
        (void)numbers(at, "end_s", &stance->end_s, 1);
        for (size_t i = 0; i < FUKUCHI_ROWS; i++) {
            (void)numbers(at, fukuchi_rows[i].key, &stance->reference[i], 1);
        }
    }
    free(text);
    return r->stances > 0;
}

static bool read_mounting(struct recording *r)
{
    char *text = read_text("fukuchi/imu_RBDS002runT25.json");
    char *truth = read_text("fukuchi/imu_RBDS002runT25_truth.csv");
    bool found = text != NULL && truth != NULL;
    const char *row = found ? strchr(truth, '\n') : NULL;
    for (size_t s = 0; found && s < SEGMENTS; s++) {
        char quoted[32];
        (void)snprintf(quoted, sizeof(quoted), "\"%s\": {", segments[s].name);
        const char *at = strstr(text, quoted);
        double q[4] = {1, 0, 0, 0};
        /* "pelvis" and others stand in "residual_rms_mm" too, but without a brace */
        found = numbers(at, "mounting_q_wxyz_sensor_to_B", q, 4) != NULL;
        r->mounting[s] = kl_quat_unit((struct kl_quat){q[0], q[1], q[2], q[3]});
        double m[4] = {1, 0, 0, 0};
        (void)numbers(at, "q_wxyz_M_to_B", m, 4); /* the next shank's for other segments */
        r->m_to_b[s] = kl_quat_unit((struct kl_quat){m[0], m[1], m[2], m[3]});
        double b[4] = {1, 0, 0, 0};
        const char *cell = row + 1;
        for (size_t skip = 0; skip < 1 + 4 * s; skip++) {
            cell = strchr(cell, ',') + 1;
        }
        for (size_t k = 0; k < 4; k++) {
            b[k] = strtod(cell, (char **)&cell);
            cell++;
        }
        struct kl_quat standing = kl_quat_unit((struct kl_quat){b[0], b[1], b[2], b[3]});
        r->standing_rad[s] = kl_heading_of(kl_quat_rotate(standing, (struct kl_vec){0, 0, 1}));
    }
    free(truth);
    free(text);
    return found;
}

static bool read_samples(struct recording *r, const char *file)
{
    char name[128];
    (void)snprintf(name, sizeof(name), "fukuchi/%s", file);
    char *text = read_text(name);
    const char *at = text != NULL ? strchr(text, '\n') : NULL;
    r->value = calloc(ROWS_MAX, sizeof(*r->value));
    while (at != NULL && at[1] != '\0' && r->rows < ROWS_MAX && r->value != NULL) {
        at++;
        (void)strtod(at, (char **)&at); /* time is rounded; the row number is not */
        for (size_t c = 0; c < SEGMENTS * CHANNELS; c++) {
            at++;
            r->value[r->rows][c] = strtod(at, (char **)&at);
        }
        r->rows++;
        at = strchr(at, '\n');
    }
    free(text);
    return r->rows > 0;
}

static struct kl_motion_chain *build(void)
{
    static const char *const labels[CHANNELS] = {"wx", "wy", "wz", "ax", "ay", "az"};
    static struct kl_stream streams[SEGMENTS];
    memset(streams, 0, sizeof(streams));
    for (size_t s = 0; s < SEGMENTS; s++) {
        streams[s].kind = KL_KIND_IMU;
        streams[s].format = KL_FORMAT_DOUBLE64;
        streams[s].rate_hz = RATE_HZ;
        streams[s].channel_count = CHANNELS;
        (void)snprintf(streams[s].name, sizeof(streams[s].name), "imu.%s",
                       kl_segment_text(segments[s].segment));
        for (size_t c = 0; c < CHANNELS; c++) {
            (void)snprintf(streams[s].label[c], sizeof(streams[s].label[c]), "%s", labels[c]);
        }
    }
    struct kl_motion_chain *chain = NULL;
    struct kl_fault fault;
    return kl_motion_chain_create(streams, SEGMENTS, NULL, &chain, &fault) == KL_OK ? chain : NULL;
}

static int64_t time_of(double s)
{
    return KL_EPOCH_NS + kl_nanoseconds(s);
}

static void push_rows(struct kl_motion_chain *chain, const struct recording *r, size_t first,
                      size_t end)
{
    static int64_t t_ns[4096];
    static double value[4096 * CHANNELS];
    static uint32_t quality[4096];
    for (size_t s = 0; s < SEGMENTS; s++) {
        for (size_t i = first; i < end; i++) {
            t_ns[i - first] = time_of((double)i / RATE_HZ);
            memcpy(&value[(i - first) * CHANNELS], &r->value[i][s * CHANNELS],
                   CHANNELS * sizeof(double));
        }
        struct kl_block block = {s, end - first, t_ns, value, quality};
        kl_motion_chain_push(chain, &block);
    }
}

/* Up from the standing trial, the axis from the anatomical frame of the reference. */
static void align(struct kl_motion_chain *chain, const struct recording *r,
                  const struct fukuchi_setup *setup)
{
    for (size_t s = 0; s < SEGMENTS; s++) {
        struct kl_vec up = {0, 0, 0};
        for (size_t i = 0; i < (size_t)(STILL_UNTIL_S * RATE_HZ); i++) {
            const double *a = &r->value[i][s * CHANNELS + 3];
            up = kl_vec_add(up, (struct kl_vec){a[0], a[1], a[2]});
        }
        struct kl_vec z = {0, 0, 1};
        bool shank = segments[s].segment == KL_SEGMENT_SHANK_LEFT ||
                     segments[s].segment == KL_SEGMENT_SHANK_RIGHT;
        double heading = r->standing_rad[s];
        if (shank && setup->malleolar) {
            z = kl_quat_rotate(r->m_to_b[s], z);
            heading += kl_heading_of(z);
        }
        struct kl_segment_alignment alignment = {
            .valid = true,
            .gravity_m_s2 = 9.80665,
            .quality = 1,
            .standing_heading_rad = setup->square || setup->anchor_only ? 0 : heading,
        };
        if (kl_segment_alignment_of(up, kl_quat_rotate(kl_quat_conj(r->mounting[s]), z),
                                    &alignment.sensor_segment)) {
            kl_motion_chain_align(chain, segments[s].segment, &alignment);
        }
    }
}

struct sums {
    size_t n, refused;
    double x, y, xx, yy, xy, error, square;
};

/* A knee frontal angle that is withheld for cross-talk is counted as refused and scored all the
 * same: the reference contains the same cross-talk. */
static void score(struct kl_motion_window *window, const struct stance *stance, struct sums *sums)
{
    struct kl_motion_input input = {window, NULL};
    uint32_t *shank = &window
                           ->segment[stance->side == KL_SIDE_LEFT ? KL_SEGMENT_SHANK_LEFT
                                                                  : KL_SEGMENT_SHANK_RIGHT]
                           .marks;
    uint32_t kept = *shank;
    for (size_t i = 0; i < FUKUCHI_ROWS; i++) {
        double found;
        uint32_t marks;
        *shank = kept;
        if (!kl_motion_metric_compute(fukuchi_rows[i].metric, &input, &found, &marks)) {
            sums[i].refused++;
            *shank &= ~(uint32_t)KL_MOTION_CROSS_TALK;
            if (!kl_motion_metric_compute(fukuchi_rows[i].metric, &input, &found, &marks)) {
                continue;
            }
        }
        double x = stance->reference[i];
        x = fukuchi_rows[i].metric == KL_MOTION_KNEE_VALGUS_EXCURSION ? -x : x;
        double y = found / DEG;
        sums[i].n++;
        sums[i].x += x;
        sums[i].y += y;
        sums[i].xx += x * x;
        sums[i].yy += y * y;
        sums[i].xy += x * y;
        sums[i].error += y - x;
        sums[i].square += (y - x) * (y - x);
    }
}

static void run_stances(struct kl_motion_chain *chain, const struct recording *r, size_t block,
                        struct sums *sums)
{
    static struct kl_motion_window window;
    size_t next = 0;
    size_t row = (size_t)(STILL_UNTIL_S * RATE_HZ);
    while (row < r->rows) {
        size_t end = row + block < r->rows ? row + block : r->rows;
        push_rows(chain, r, row, end);
        row = end;
        double now_s = (double)(row - 1) / RATE_HZ - RUN_FROM_S;
        while (next < r->stances) {
            const struct stance *stance = &r->stance[next];
            double next_s = next + 2 < r->stances ? r->stance[next + 2].begin_s : 0;
            if (fmax(next_s, stance->end_s) + KL_MOTION_MARGIN_S + 0.01 > now_s) {
                break;
            }
            double begin_ns = (double)time_of(RUN_FROM_S + stance->begin_s);
            double end_ns = (double)time_of(RUN_FROM_S + stance->end_s);
            double next_ns = next_s > 0 ? (double)time_of(RUN_FROM_S + next_s) : 0;
            if (kl_motion_window_fill(chain, begin_ns, end_ns, next_ns, stance->side, &window) ==
                KL_OK) {
                score(&window, stance, sums);
                kl_motion_chain_stride(chain, &window);
            }
            next++;
        }
    }
}

bool fukuchi_run(const struct fukuchi_setup *setup, struct fukuchi_error out[FUKUCHI_ROWS])
{
    static struct recording r;
    r = (struct recording){.rows = 0};
    bool ready = read_stances(&r) && read_mounting(&r) && read_samples(&r, setup->file);
    struct kl_motion_chain *chain = ready ? build() : NULL;
    if (chain != NULL) {
        size_t still = (size_t)(STILL_UNTIL_S * RATE_HZ);
        push_rows(chain, &r, 0, still);
        if (!setup->anchor_only) {
            (void)kl_motion_chain_still(chain, time_of((double)(still - 1) / RATE_HZ));
        }
        align(chain, &r, setup);
        struct sums sums[FUKUCHI_ROWS] = {{0}};
        run_stances(chain, &r, setup->block, sums);
        for (size_t i = 0; i < FUKUCHI_ROWS; i++) {
            double n = (double)sums[i].n;
            double spread =
                (sums[i].xx - sums[i].x * sums[i].x / n) * (sums[i].yy - sums[i].y * sums[i].y / n);
            out[i] = (struct fukuchi_error){
                .count = sums[i].n,
                .refused = sums[i].refused,
                .mean_reference_deg = sums[i].x / n,
                .bias_deg = sums[i].error / n,
                .rms_deg = sqrt(sums[i].square / n),
                .correlation = (sums[i].xy - sums[i].x * sums[i].y / n) / sqrt(spread),
            };
        }
    }
    kl_motion_chain_destroy(chain);
    free(r.value);
    return chain != NULL;
}

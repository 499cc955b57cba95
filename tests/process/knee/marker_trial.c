#include "marker_trial.h"

#include "process/force/butterworth.h"

#include <gsl/gsl_linalg.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 65536

static bool read_names(struct marker_trial *trial, char *header)
{
    char *save = NULL;
    size_t column = 0;
    for (char *word = strtok_r(header, "\t\r\n", &save); word != NULL;
         word = strtok_r(NULL, "\t\r\n", &save), column++) {
        size_t marker = (column - 1) / 3;
        if (column > 0 && (column - 1) % 3 == 0 && marker < MARKER_NAMES) {
            word[strlen(word) - 1] = '\0'; /* X */
            (void)snprintf(trial->name[marker], sizeof(trial->name[0]), "%s", word);
            trial->markers = marker + 1;
        }
    }
    return trial->markers > 0;
}

bool marker_trial_read(struct marker_trial *trial, const char *path)
{
    static char line[LINE_MAX_BYTES];
    memset(trial, 0, sizeof(*trial));
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof(line), file) == NULL || !read_names(trial, line)) {
        if (file != NULL) {
            (void)fclose(file);
        }
        return false;
    }
    size_t cap = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (trial->count == cap) {
            cap = cap == 0 ? 512 : 2 * cap;
            trial->place = realloc(trial->place, cap * trial->markers * sizeof(*trial->place));
        }
        char *at = line;
        (void)strtod(at, &at);
        struct kl_vec *row = trial->place + trial->count++ * trial->markers;
        for (size_t m = 0; m < trial->markers; m++) {
            row[m].x = strtod(at, &at) / 1000;
            row[m].y = strtod(at, &at) / 1000;
            row[m].z = strtod(at, &at) / 1000;
        }
    }
    (void)fclose(file);
    return trial->count > 0;
}

void marker_trial_free(struct marker_trial *trial)
{
    free(trial->place);
}

static size_t find(const struct marker_trial *trial, const char *name)
{
    for (size_t m = 0; m < trial->markers; m++) {
        if (strcmp(trial->name[m], name) == 0) {
            return m;
        }
    }
    (void)fprintf(stderr, "no marker %s\n", name);
    abort();
}

struct kl_vec marker_at(const struct marker_trial *trial, size_t frame, const char *name)
{
    return trial->place[frame * trial->markers + find(trial, name)];
}

struct kl_vec marker_mean(const struct marker_trial *trial, const char *name)
{
    struct kl_vec sum = {0, 0, 0};
    for (size_t i = 0; i < trial->count; i++) {
        sum = kl_vec_add(sum, marker_at(trial, i, name));
    }
    return kl_vec_scale(sum, 1 / (double)trial->count);
}

/* One marker forwards and backwards; ends begin in the steady state of their first sample. */
void marker_trial_filter(struct marker_trial *trial, double cutoff_hz)
{
    struct kl_butterworth filter;
    if (kl_butterworth_init(&filter, cutoff_hz, MARKER_RATE_HZ) != KL_OK) {
        abort();
    }
    for (size_t m = 0; m < trial->markers; m++) {
        for (int pass = 0; pass < 2; pass++) {
            struct kl_butterworth_state state;
            for (size_t i = 0; i < trial->count; i++) {
                size_t frame = pass == 0 ? i : trial->count - 1 - i;
                struct kl_vec *v = &trial->place[frame * trial->markers + m];
                double value[KL_WRENCH_COUNT] = {v->x, v->y, v->z};
                if (i == 0) {
                    kl_butterworth_settle(&filter, &state, value);
                }
                kl_butterworth_step(&filter, &state, value, value);
                *v = (struct kl_vec){value[0], value[1], value[2]};
            }
        }
    }
}

struct kl_vec rigid_direction(const struct rigid *motion, struct kl_vec v)
{
    const double(*m)[3] = motion->r.m;
    return (struct kl_vec){m[0][0] * v.x + m[0][1] * v.y + m[0][2] * v.z,
                           m[1][0] * v.x + m[1][1] * v.y + m[1][2] * v.z,
                           m[2][0] * v.x + m[2][1] * v.y + m[2][2] * v.z};
}

struct kl_vec rigid_point(const struct rigid *motion, struct kl_vec point)
{
    return kl_vec_add(motion->p, rigid_direction(motion, point));
}

/* R = V diag(1, 1, det) U^T of the covariance U S V^T (Kabsch). */
static struct kl_matrix rotation_of(double covariance[9])
{
    double v_data[9];
    double s_data[3];
    double work_data[3];
    gsl_matrix_view u = gsl_matrix_view_array(covariance, 3, 3);
    gsl_matrix_view v = gsl_matrix_view_array(v_data, 3, 3);
    gsl_vector_view s = gsl_vector_view_array(s_data, 3);
    gsl_vector_view work = gsl_vector_view_array(work_data, 3);
    (void)gsl_linalg_SV_decomp(&u.matrix, &v.matrix, &s.vector, &work.vector);
    struct kl_matrix r = {{{0}}};
    for (int turn = 0; turn < 2; turn++) {
        double last = turn == 0 ? 1 : -1;
        for (int i = 0; i < 3; i++) {
            for (int k = 0; k < 3; k++) {
                r.m[i][k] = v_data[3 * i] * covariance[3 * k] +
                            v_data[3 * i + 1] * covariance[3 * k + 1] +
                            last * v_data[3 * i + 2] * covariance[3 * k + 2];
            }
        }
        struct kl_vec a = {r.m[0][0], r.m[1][0], r.m[2][0]};
        struct kl_vec b = {r.m[0][1], r.m[1][1], r.m[2][1]};
        struct kl_vec c = {r.m[0][2], r.m[1][2], r.m[2][2]};
        if (kl_vec_dot(kl_vec_cross(a, b), c) > 0) {
            break;
        }
    }
    return r;
}

struct rigid marker_fit(const struct marker_trial *standing, const struct marker_trial *trial,
                        size_t frame, const char *const *name, size_t count)
{
    struct kl_vec from[8];
    struct kl_vec to[8];
    struct kl_vec from_mean = {0, 0, 0};
    struct kl_vec to_mean = {0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        from[i] = marker_mean(standing, name[i]);
        to[i] = marker_at(trial, frame, name[i]);
        from_mean = kl_vec_add(from_mean, kl_vec_scale(from[i], 1 / (double)count));
        to_mean = kl_vec_add(to_mean, kl_vec_scale(to[i], 1 / (double)count));
    }
    double covariance[9] = {0}; /* sum of from to^T */
    for (size_t i = 0; i < count; i++) {
        struct kl_vec a = kl_vec_sub(from[i], from_mean);
        struct kl_vec b = kl_vec_sub(to[i], to_mean);
        const double av[3] = {a.x, a.y, a.z};
        const double bv[3] = {b.x, b.y, b.z};
        for (int r = 0; r < 3; r++) {
            for (int c = 0; c < 3; c++) {
                covariance[3 * r + c] += av[r] * bv[c];
            }
        }
    }
    struct rigid motion = {.r = rotation_of(covariance)};
    motion.p = kl_vec_sub(to_mean, rigid_direction(&motion, from_mean));
    return motion;
}

#include "imu_recording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef KL_HAS_ZLIB
#include <zlib.h>

static gzFile text_open(const char *path)
{
    return gzopen(path, "rb");
}

static bool text_line(gzFile file, char *line, size_t size)
{
    return gzgets(file, line, (int)size) != NULL;
}

static void text_close(gzFile file)
{
    (void)gzclose(file);
}

typedef gzFile text_file;
#else
static FILE *text_open(const char *path)
{
    return strstr(path, ".gz") != NULL ? NULL : fopen(path, "rb");
}

static bool text_line(FILE *file, char *line, size_t size)
{
    return fgets(line, (int)size, file) != NULL;
}

static void text_close(FILE *file)
{
    (void)fclose(file);
}

typedef FILE *text_file;
#endif

#define PI 3.14159265358979323846
#define DEG_PER_RAD (180.0 / PI)

static void parse_row(const char *place, size_t columns, double *out)
{
    for (size_t c = 0; c < columns; c++) {
        char *end = NULL;
        out[c] = (double)NAN;
        if (*place != ',' && *place != '\t' && *place != '\0') {
            double value = strtod(place, &end);
            out[c] = end != place ? value : out[c];
            place = end;
        }
        place += strcspn(place, ",\t\n");
        place += *place == ',' || *place == '\t';
    }
}

size_t imu_recording_read(const char *path, size_t header_lines, size_t columns,
                          struct imu_recording *out)
{
    *out = (struct imu_recording){.columns = columns};
    text_file file = text_open(path);
    if (file == NULL) {
        return 0;
    }
    static char line[8192];
    size_t room = 0;
    for (size_t n = 0; text_line(file, line, sizeof(line)); n++) {
        if (n < header_lines) {
            continue;
        }
        if (out->rows == room) {
            room = room == 0 ? 4096 : 2 * room;
            double *more = realloc(out->value, room * columns * sizeof(double));
            if (more == NULL) {
                break;
            }
            out->value = more;
        }
        parse_row(line, columns, &out->value[out->rows * columns]);
        out->rows++;
    }
    text_close(file);
    return out->rows;
}

void imu_recording_destroy(struct imu_recording *recording)
{
    free(recording->value);
    *recording = (struct imu_recording){0};
}

const struct broad_trial broad_trials[BROAD_TRIALS] = {
    {"01 slow rotation A", KL_DATA "/broad/01_undisturbed_slow_rotation_A.csv", 0.598736},
    {"07 fast rotation B", KL_DATA "/broad/07_undisturbed_fast_rotation_B.csv", 1.02289},
    {"15 fast translation A", KL_DATA "/broad/15_undisturbed_fast_translation_A.csv", 0.470471},
    {"31 stationary magnet D", KL_DATA "/broad/31_disturbed_stationary_magnet_D.csv.gz", 1.14133},
};

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Columns: gyr, acc, mag, reference quaternion, movement. */
enum { GYR = 0, ACC = 3, REFERENCE = 9, MOVEMENT = 13, COLUMNS = 14 };

static void score(const struct imu_recording *r, const struct kl_quat *q, struct broad_score *out)
{
    double sum = 0;
    double heading_first = 0;
    double heading = 0;
    bool has_first = false;
    for (size_t i = 0; i < r->rows; i++) {
        const double *row = imu_recording_row(r, i);
        if (!isfinite(row[REFERENCE])) {
            continue;
        }
        struct kl_quat reference = kl_quat_unit((struct kl_quat){
            row[REFERENCE], row[REFERENCE + 1], row[REFERENCE + 2], row[REFERENCE + 3]});
        struct kl_quat e = kl_quat_mul(q[i], kl_quat_conj(reference));
        double yaw = 2 * atan2(e.z, e.w);
        heading = has_first ? heading + remainder(yaw - heading, 2 * PI) : yaw;
        heading_first = has_first ? heading_first : heading;
        has_first = true;
        if (row[MOVEMENT] > 0) {
            double angle = 2 * acos(fmin(1, sqrt(e.w * e.w + e.z * e.z)));
            sum += angle * angle;
            out->movement++;
        }
    }
    out->inclination_rmse_deg = sqrt(sum / (double)out->movement) * DEG_PER_RAD;
    out->heading_drift_deg = (heading - heading_first) * DEG_PER_RAD;
}

size_t broad_run(const struct broad_trial *trial, const struct kl_orientation_settings *settings,
                 struct broad_score *out)
{
    struct imu_recording r;
    *out = (struct broad_score){0};
    size_t rows = imu_recording_read(trial->file, 1, COLUMNS, &r);
    struct kl_quat *q = rows > 0 ? calloc(rows, sizeof(*q)) : NULL;
    struct kl_orientation o;
    if (q == NULL || kl_orientation_init(&o, BROAD_RATE_HZ, settings) < 0) {
        rows = 0;
        goto done;
    }
    double begin = seconds_now();
    for (size_t i = 0; i < rows; i++) {
        const double *row = imu_recording_row(&r, i);
        kl_orientation_push(&o, KL_EPOCH_NS + (int64_t)i * 3500000, imu_recording_vec(&row[GYR], 1),
                            imu_recording_vec(&row[ACC], 1), 0);
        q[i] = kl_orientation_get(&o);
    }
    out->ns_per_update = (seconds_now() - begin) * 1e9 / (double)rows;
    score(&r, q, out);
done:
    free(q);
    imu_recording_destroy(&r);
    return rows;
}

/* How fast the force chain is: two plates of six channels at 1 kHz, contacts and metrics included.
 *
 *     bench_force_chain [SECONDS of data]
 *
 * Prints ns per plate-sample and the multiple of real time; goal: <= 500 ns, >= 1000 x. Fails only
 * when contacts are missing: how fast a machine is is not a test.
 */
#include "process/steps/metric_input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RATE_HZ 1000.0
#define PLATES 2
#define CHANNELS 6
#define STRIDE_S 0.70
#define CONTACT_S 0.25

/* Of this process: other programs on the machine are not measured. */
static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Deterministic noise of SD 1, the sum of four uniform numbers. */
static double noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sum += (double)(*state >> 11) / 9007199254740992.0 - 0.5;
    }
    return sum * sqrt(3.0);
}

static void make_samples(double (*out)[CHANNELS], size_t count, double phase_s, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        double t = fmod((double)i / RATE_HZ + phase_s, STRIDE_S);
        double s = t < CONTACT_S ? t / CONTACT_S : 0;
        double fy =
            1600.0 * sin(3.14159265358979 * s) + 500 * exp(-pow((s - 0.14) / 0.05, 2)) * (s > 0);
        double fx = -180.0 * sin(2 * 3.14159265358979 * s);
        double fz = -40.0 * sin(3.14159265358979 * s);
        double x = 0.1 + 0.2 * s;
        double z = 0.05;
        out[i][KL_FX] = fx + noise(&seed);
        out[i][KL_FY] = fy + 3 * noise(&seed) + 0.5 * (double)i / RATE_HZ;
        out[i][KL_FZ] = fz + noise(&seed);
        out[i][KL_MX] = -z * fy + 0.5 * noise(&seed);
        out[i][KL_MY] = z * fx - x * fz + 0.3 * noise(&seed);
        out[i][KL_MZ] = x * fy + 0.5 * noise(&seed);
    }
}

static size_t drain(struct kl_force_chain *chain, double *sum)
{
    struct kl_contact contact;
    size_t found = 0;
    while (kl_force_chain_contact(chain, &contact)) {
        struct kl_metric_input input = {
            .contact = &contact,
            .measured = KL_PLATE_MEASURES_ALL,
            .side = KL_SIDE_RIGHT,
            .body_weight_n = 700,
            .height_m = 1.75,
            .speed_m_s = 3,
            .rule_without_impact = KL_LOADING_P13,
        };
        for (unsigned id = 0; id < KL_METRIC_COUNT; id++) {
            double value = 0;
            if (kl_metric_compute((enum kl_metric_id)id, &input, &value) == 0) {
                *sum += value;
            }
        }
        found++;
    }
    return found;
}

int main(int argc, char **argv)
{
    double span_s = argc > 1 ? strtod(argv[1], NULL) : 60.0;
    size_t count = (size_t)(span_s * RATE_HZ);
    struct kl_stream stream = {
        .kind = KL_KIND_FORCE, .rate_hz = RATE_HZ, .channel_count = CHANNELS};
    stream.plate.measured = KL_PLATE_MEASURES_ALL;
    for (size_t c = 0; c < CHANNELS; c++) {
        for (size_t r = 0; r < KL_WRENCH_COUNT; r++) {
            stream.plate.matrix[r][c] = r == c ? 1.0 : 1e-6; /* with cross-talk: a full matrix */
        }
        stream.plate.full_scale[c] = 5000;
    }
    struct kl_force_settings settings = kl_force_settings_defaults();
    struct kl_force_chain *chain[PLATES] = {NULL};
    double(*sample[PLATES])[CHANNELS] = {NULL};
    int status = EXIT_FAILURE;
    for (size_t p = 0; p < PLATES; p++) {
        chain[p] = kl_force_chain_create(&stream, &settings);
        sample[p] = malloc(count * sizeof(*sample[p]));
        if (chain[p] == NULL || sample[p] == NULL) {
            (void)fprintf(stderr, "bench_force_chain: no memory\n");
            goto done;
        }
        make_samples(sample[p], count, (double)p * STRIDE_S / 2, p + 1);
    }
    size_t contacts = 0;
    double sum = 0;
    double begin = seconds_now();
    for (size_t i = 0; i < count; i++) {
        int64_t t_ns = KL_EPOCH_NS + (int64_t)i * 1000000;
        for (size_t p = 0; p < PLATES; p++) {
            kl_force_chain_push(chain[p], t_ns, sample[p][i], 0);
            contacts += drain(chain[p], &sum);
        }
    }
    double spent = seconds_now() - begin;
    printf("%zu contacts, %.1f ns per plate-sample, %.0f x real time (two plates, one core), "
           "checksum %.3f\n",
           contacts, spent * 1e9 / (double)(count * PLATES), span_s / spent, sum);
    size_t expected = (size_t)(PLATES * (span_s / STRIDE_S - 2));
    status = contacts >= expected ? EXIT_SUCCESS : EXIT_FAILURE;
done:
    for (size_t p = 0; p < PLATES; p++) {
        kl_force_chain_destroy(chain[p]);
        free(sample[p]);
    }
    return status;
}

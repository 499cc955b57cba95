#include "process/steps/cadence.h"

#include "process/steps/total_force.h"

#include <fftw3.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define RUN_LOW_HZ 2.0 /* search band; methods 5 */
#define RUN_HIGH_HZ 4.0
#define WALK_LOW_HZ 1.2 /* project setting: 72-156 steps/min */
#define WALK_HIGH_HZ 2.6
#define AGREE_HZ (1.0 / 60) /* 1 step/min; methods 5 */
#define AGREE_FRACTION 0.005
#define WINDOW_NS ((double)KL_CADENCE_WINDOW / KL_TOTAL_RATE_HZ * 1e9)

struct kl_cadence {
    size_t contacts, contact_head; /* ring of the chain's contacts */
    double ic_ns[KL_CADENCE_CONTACTS];
    size_t count, head, since_hop;
    double force_n[KL_CADENCE_WINDOW];
    double hann[KL_CADENCE_WINDOW];
    double spectral_hz;
    double *in;        /* [KL_CADENCE_PADDED] */
    fftw_complex *out; /* [KL_CADENCE_PADDED / 2 + 1] */
    fftw_plan plan;
};

struct kl_cadence *kl_cadence_create(void)
{
    struct kl_cadence *cadence = calloc(1, sizeof(*cadence));
    if (cadence == NULL) {
        return NULL;
    }
    cadence->in = fftw_alloc_real(KL_CADENCE_PADDED);
    cadence->out = fftw_alloc_complex(KL_CADENCE_PADDED / 2 + 1);
    if (cadence->in != NULL && cadence->out != NULL) {
        cadence->plan =
            fftw_plan_dft_r2c_1d(KL_CADENCE_PADDED, cadence->in, cadence->out, FFTW_ESTIMATE);
    }
    if (cadence->plan == NULL) {
        kl_cadence_destroy(cadence);
        return NULL;
    }
    memset(cadence->in, 0, sizeof(double) * KL_CADENCE_PADDED);
    for (size_t i = 0; i < KL_CADENCE_WINDOW; i++) { /* periodic Hann */
        cadence->hann[i] = 0.5 - 0.5 * cos(2 * PI * (double)i / KL_CADENCE_WINDOW);
    }
    return cadence;
}

void kl_cadence_destroy(struct kl_cadence *cadence)
{
    if (cadence == NULL) {
        return;
    }
    if (cadence->plan != NULL) {
        fftw_destroy_plan(cadence->plan);
    }
    fftw_free(cadence->in);
    fftw_free(cadence->out);
    free(cadence);
}

void kl_cadence_contact(struct kl_cadence *cadence, double ic_ns)
{
    cadence->ic_ns[cadence->contact_head] = ic_ns;
    cadence->contact_head = (cadence->contact_head + 1) % KL_CADENCE_CONTACTS;
    cadence->contacts += cadence->contacts < KL_CADENCE_CONTACTS;
}

void kl_cadence_restart(struct kl_cadence *cadence)
{
    cadence->contacts = 0;
}

/* Contact `back` before the newest. */
static double contact_back(const struct kl_cadence *cadence, size_t back)
{
    return cadence
        ->ic_ns[(cadence->contact_head + 2 * KL_CADENCE_CONTACTS - 1 - back) % KL_CADENCE_CONTACTS];
}

uint32_t kl_cadence_reach(const struct kl_cadence *cadence, double *ic_ns)
{
    if (cadence->contacts < 2) {
        return 0;
    }
    size_t steps = cadence->contacts - 1;
    steps = steps < KL_CADENCE_STEPS ? steps : KL_CADENCE_STEPS;
    *ic_ns = contact_back(cadence, steps);
    return (uint32_t)steps;
}

double kl_cadence_counted(const struct kl_cadence *cadence)
{
    double first_ns = 0;
    if (kl_cadence_reach(cadence, &first_ns) < KL_CADENCE_STEPS) {
        return 0;
    }
    return KL_CADENCE_STEPS / (contact_back(cadence, 0) - first_ns) * 1e9;
}

static double magnitude(const struct kl_cadence *cadence, size_t bin)
{
    return hypot(cadence->out[bin][0], cadence->out[bin][1]);
}

/* Frequency of the largest peak inside the band, refined by a parabola through the logarithms of
 * three bins; 0 when the largest value is at an edge, which is no peak. */
static double peak_hz(const struct kl_cadence *cadence, double low_hz, double high_hz)
{
    const double bin_hz = (double)KL_TOTAL_RATE_HZ / KL_CADENCE_PADDED;
    size_t first = (size_t)ceil(low_hz / bin_hz), last = (size_t)floor(high_hz / bin_hz);
    size_t best = first;
    for (size_t i = first; i <= last; i++) {
        best = magnitude(cadence, i) > magnitude(cadence, best) ? i : best;
    }
    double before = magnitude(cadence, best - 1), top = magnitude(cadence, best);
    double after = magnitude(cadence, best + 1);
    if (!(before > 0 && after > 0 && top > before && top >= after)) {
        return 0;
    }
    double curve = log(before) - 2 * log(top) + log(after);
    double shift = curve < 0 ? 0.5 * (log(before) - log(after)) / curve : 0;
    return ((double)best + shift) * bin_hz;
}

void kl_cadence_force(struct kl_cadence *cadence, double fy_n, bool valid, bool walking)
{
    if (!valid) {
        cadence->count = cadence->head = cadence->since_hop = 0;
        cadence->spectral_hz = 0;
        return;
    }
    cadence->force_n[cadence->head] = fy_n;
    cadence->head = (cadence->head + 1) % KL_CADENCE_WINDOW;
    cadence->count += cadence->count < KL_CADENCE_WINDOW;
    cadence->since_hop++;
    if (cadence->count < KL_CADENCE_WINDOW || cadence->since_hop < KL_CADENCE_HOP) {
        return;
    }
    cadence->since_hop = 0;
    double mean = 0;
    for (size_t i = 0; i < KL_CADENCE_WINDOW; i++) {
        mean += cadence->force_n[(cadence->head + i) % KL_CADENCE_WINDOW];
    }
    mean /= KL_CADENCE_WINDOW;
    for (size_t i = 0; i < KL_CADENCE_WINDOW; i++) {
        double force = cadence->force_n[(cadence->head + i) % KL_CADENCE_WINDOW];
        cadence->in[i] = (force - mean) * cadence->hann[i];
    }
    fftw_execute(cadence->plan);
    cadence->spectral_hz =
        peak_hz(cadence, walking ? WALK_LOW_HZ : RUN_LOW_HZ, walking ? WALK_HIGH_HZ : RUN_HIGH_HZ);
}

double kl_cadence_spectral(const struct kl_cadence *cadence)
{
    return cadence->spectral_hz;
}

bool kl_cadence_disagrees(const struct kl_cadence *cadence)
{
    double spectral = cadence->spectral_hz;
    if (spectral <= 0 || kl_cadence_counted(cadence) <= 0) {
        return false;
    }
    size_t steps = KL_CADENCE_STEPS;
    double newest_ns = contact_back(cadence, 0);
    while (steps + 1 < cadence->contacts &&
           newest_ns - contact_back(cadence, steps + 1) <= WINDOW_NS) {
        steps++;
    }
    double counted = (double)steps / (newest_ns - contact_back(cadence, steps)) * 1e9;
    return fabs(counted - spectral) > AGREE_HZ + AGREE_FRACTION * counted;
}

#include "process/motion/tibial_shock.h"

#include <fftw3.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PEAK_FROM_S (-0.010)
#define PEAK_TO_S 0.060

#define POINTS 1024
#define BAND_FROM_HZ 10.0
#define BAND_TO_HZ 20.0

/* What makes a trace unreadable, and what makes its height wrong. */
#define UNREADABLE                                                                                 \
    (KL_MOTION_NO_SENSOR | KL_MOTION_NOT_CALIBRATED | KL_MOTION_MISSING | KL_MOTION_CLIPPED)

static size_t grid_index(double since_contact_s)
{
    return (size_t)lround((since_contact_s + KL_SHOCK_BEFORE_S) * KL_SHOCK_RATE_HZ);
}

uint32_t kl_shock_peaks_of(const struct kl_shock *shock, struct kl_shock_peaks *out)
{
    if ((shock->marks & UNREADABLE) != 0) {
        return shock->marks & UNREADABLE;
    }
    size_t first = grid_index(PEAK_FROM_S);
    size_t last = grid_index(PEAK_TO_S);
    size_t at = first;
    double resultant = 0;
    for (size_t i = first; i <= last; i++) {
        at = shock->filtered_m_s2[i].y > shock->filtered_m_s2[at].y ? i : at;
        resultant = fmax(resultant, kl_vec_norm(shock->filtered_m_s2[i]));
    }
    *out = (struct kl_shock_peaks){
        .axial_m_s2 = shock->filtered_m_s2[at].y,
        .resultant_m_s2 = resultant,
        .axial_s = (double)at / KL_SHOCK_RATE_HZ - KL_SHOCK_BEFORE_S,
    };
    return 0;
}

struct kl_shock_attenuation {
    size_t steps, next;                                   /* held, and the place of the next one */
    double power[KL_SHOCK_STEPS][2][KL_SHOCK_BINS];       /* of tibia and proximal */
    double tibia[KL_SHOCK_BINS], proximal[KL_SHOCK_BINS]; /* their sums over the steps held */
    double *input;
    fftw_complex *output;
    fftw_plan plan;
};

struct kl_shock_attenuation *kl_shock_attenuation_create(void)
{
    struct kl_shock_attenuation *attenuation = calloc(1, sizeof(*attenuation));
    if (attenuation == NULL) {
        return NULL;
    }
    attenuation->input = fftw_alloc_real(POINTS);
    attenuation->output = fftw_alloc_complex(KL_SHOCK_BINS);
    if (attenuation->input != NULL && attenuation->output != NULL) {
        /* FFTW_ESTIMATE: a measured plan differs from run to run, and so would the last bits */
        attenuation->plan =
            fftw_plan_dft_r2c_1d(POINTS, attenuation->input, attenuation->output, FFTW_ESTIMATE);
    }
    if (attenuation->plan == NULL) {
        kl_shock_attenuation_destroy(attenuation);
        return NULL;
    }
    return attenuation;
}

void kl_shock_attenuation_destroy(struct kl_shock_attenuation *attenuation)
{
    if (attenuation == NULL) {
        return;
    }
    if (attenuation->plan != NULL) {
        fftw_destroy_plan(attenuation->plan);
    }
    fftw_free(attenuation->output);
    fftw_free(attenuation->input);
    free(attenuation);
}

void kl_shock_attenuation_reset(struct kl_shock_attenuation *attenuation)
{
    attenuation->steps = 0;
    attenuation->next = 0;
    memset(attenuation->tibia, 0, sizeof(attenuation->tibia));
    memset(attenuation->proximal, 0, sizeof(attenuation->proximal));
}

/* Removes the least-squares line and leaves the rest of the input zero. */
static void load_detrended(double *input, const struct kl_vec *trace)
{
    double centre = (KL_SHOCK_SAMPLES - 1) / 2.0;
    double mean = 0;
    double slope = 0;
    double squares = 0;
    for (size_t i = 0; i < KL_SHOCK_SAMPLES; i++) {
        double x = (double)i - centre;
        mean += trace[i].y;
        slope += x * trace[i].y;
        squares += x * x;
    }
    mean /= KL_SHOCK_SAMPLES;
    slope /= squares;
    memset(input, 0, POINTS * sizeof(*input));
    for (size_t i = 0; i < KL_SHOCK_SAMPLES; i++) {
        input[i] = trace[i].y - mean - slope * ((double)i - centre);
    }
}

static void put_power(struct kl_shock_attenuation *attenuation, const struct kl_vec *trace,
                      double *power)
{
    load_detrended(attenuation->input, trace);
    fftw_execute(attenuation->plan);
    for (size_t k = 0; k < KL_SHOCK_BINS; k++) {
        double re = attenuation->output[k][0];
        double im = attenuation->output[k][1];
        power[k] = re * re + im * im;
    }
}

/* Anew for every step: a sum that the oldest is taken out of would gather rounding. */
static void sum_up(struct kl_shock_attenuation *attenuation)
{
    memset(attenuation->tibia, 0, sizeof(attenuation->tibia));
    memset(attenuation->proximal, 0, sizeof(attenuation->proximal));
    for (size_t i = 0; i < attenuation->steps; i++) {
        for (size_t k = 0; k < KL_SHOCK_BINS; k++) {
            attenuation->tibia[k] += attenuation->power[i][0][k];
            attenuation->proximal[k] += attenuation->power[i][1][k];
        }
    }
}

bool kl_shock_attenuation_add(struct kl_shock_attenuation *attenuation,
                              const struct kl_shock_window *window)
{
    if (((window->tibia.marks | window->proximal.marks) & UNREADABLE) != 0) {
        return false;
    }
    size_t at = attenuation->next;
    put_power(attenuation, window->tibia.raw_m_s2, attenuation->power[at][0]);
    put_power(attenuation, window->proximal.raw_m_s2, attenuation->power[at][1]);
    attenuation->next = (at + 1) % KL_SHOCK_STEPS;
    attenuation->steps += attenuation->steps < KL_SHOCK_STEPS;
    sum_up(attenuation);
    return true;
}

size_t kl_shock_attenuation_steps(const struct kl_shock_attenuation *attenuation)
{
    return attenuation->steps;
}

bool kl_shock_attenuation_get(const struct kl_shock_attenuation *attenuation, double *out_db)
{
    if (attenuation->steps < KL_SHOCK_STEPS_MIN) {
        return false;
    }
    double bin_hz = KL_SHOCK_RATE_HZ / POINTS;
    size_t first = (size_t)ceil(BAND_FROM_HZ / bin_hz);
    size_t last = (size_t)floor(BAND_TO_HZ / bin_hz);
    double sum = 0;
    for (size_t k = first; k <= last; k++) {
        if (!(attenuation->tibia[k] > 0) || !(attenuation->proximal[k] > 0)) {
            return false;
        }
        sum += 10 * log10(attenuation->proximal[k] / attenuation->tibia[k]);
    }
    *out_db = sum / (double)(last - first + 1);
    return true;
}

bool kl_shock_median_frequency(const struct kl_shock_attenuation *attenuation, double *out_hz)
{
    double total = 0;
    for (size_t k = 1; k < KL_SHOCK_BINS; k++) {
        total += attenuation->tibia[k];
    }
    if (attenuation->steps < KL_SHOCK_STEPS_MIN || !(total > 0)) {
        return false;
    }
    double below = 0;
    size_t k = 1;
    while (k < KL_SHOCK_BINS - 1 && below + attenuation->tibia[k] < total / 2) {
        below += attenuation->tibia[k++];
    }
    /* the power of bin k lies evenly between k - 1/2 and k + 1/2 */
    double part = (total / 2 - below) / attenuation->tibia[k];
    *out_hz = ((double)k - 0.5 + part) * KL_SHOCK_RATE_HZ / POINTS;
    return true;
}

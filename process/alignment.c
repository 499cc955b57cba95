#include "process/alignment.h"

#include <math.h>
#include <string.h>

#define GRID_NS INT64_C(1000000)
#define LAGS ((int64_t)(KL_ALIGNMENT_LAG_MAX_NS / GRID_NS))
#define COMMON_MIN 2000 /* ms: longer than any lag, and room for two stamps */
/* Derivative of a Gaussian: wide enough that 400 Hz make a smooth peak, narrow beside an impact. */
#define KERNEL_SD 4.0
#define KERNEL_HALF 16
/* A derivative of two different sensors never fits well; noise over 2 s stays below a tenth. */
#define STRENGTH_MIN 0.3
#define RIVAL_MAX 0.8 /* of the strength */
#define PEAK_HALF 60  /* ms around the lag that are its own peak: the width of an impact */
/* Beyond this no offset is believed, from whatever file the event comes. */
#define OFFSET_MAX_S 10.0

/* Linear between samples; both ends lie inside the signal. */
static bool resample(const struct kl_alignment_signal *signal, int64_t from_ns, size_t count,
                     double *out)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t t_ns = from_ns + (int64_t)i * GRID_NS;
        while (at + 2 < signal->count && signal->t_ns[at + 1] <= t_ns) {
            at++;
        }
        double step_ns = (double)(signal->t_ns[at + 1] - signal->t_ns[at]);
        double share = step_ns > 0 ? (double)(t_ns - signal->t_ns[at]) / step_ns : 0;
        out[i] = signal->value[at] + share * (signal->value[at + 1] - signal->value[at]);
        if (!isfinite(out[i])) {
            return false;
        }
    }
    return true;
}

/* @return the sum of squares */
static double differentiate(const double *plain, size_t count, double *out)
{
    double power = 0;
    memset(out, 0, count * sizeof(*out));
    for (size_t i = KERNEL_HALF; i + KERNEL_HALF < count; i++) {
        for (int k = 1; k <= KERNEL_HALF; k++) {
            double weight = k * exp(-0.5 * k * k / (KERNEL_SD * KERNEL_SD));
            out[i] += weight * (plain[i + (size_t)k] - plain[i - (size_t)k]);
        }
        power += out[i] * out[i];
    }
    return power;
}

/* Correlation at a lag, over all that overlaps. */
static double correlate(const double *a, const double *b, size_t count, int64_t lag)
{
    size_t a_from = lag < 0 ? (size_t)-lag : 0, b_from = lag > 0 ? (size_t)lag : 0;
    double sum = 0;
    for (size_t i = 0; i + a_from < count && i + b_from < count; i++) {
        sum += a[i + a_from] * b[i + b_from];
    }
    return sum;
}

static int find_peak(const double *fit, struct kl_alignment *out)
{
    int64_t best = 0;
    for (int64_t i = 0; i <= 2 * LAGS; i++) {
        best = fit[i] > fit[best] ? i : best;
    }
    out->strength = fit[best];
    out->rival = 0;
    for (int64_t i = 0; i <= 2 * LAGS; i++) {
        bool own = i - best <= PEAK_HALF && best - i <= PEAK_HALF;
        out->rival = !own && fit[i] > out->rival ? fit[i] : out->rival;
    }
    if (best == 0 || best == 2 * LAGS) {
        return KL_ERR_DATA;
    }
    double bend = fit[best - 1] - 2 * fit[best] + fit[best + 1];
    double beside = bend < 0 ? 0.5 * (fit[best - 1] - fit[best + 1]) / bend : 0;
    out->lag_ns = (best - LAGS) * GRID_NS + llround(beside * (double)GRID_NS);
    return out->strength >= STRENGTH_MIN && out->rival <= RIVAL_MAX * out->strength ? KL_OK
                                                                                    : KL_ERR_DATA;
}

int kl_alignment_find(const struct kl_alignment_signal *reference,
                      const struct kl_alignment_signal *other, struct kl_alignment_work *work,
                      struct kl_alignment *out, struct kl_fault *fault)
{
    const struct kl_alignment_signal *both[2] = {reference, other};
    int64_t from_ns = INT64_MIN, to_ns = INT64_MAX;
    double power[2];
    *out = (struct kl_alignment){0};
    for (size_t s = 0; s < 2; s++) {
        if (both[s]->count < 2) {
            return kl_fault(fault, KL_ERR_DATA, "alignment: one of the two signals is empty");
        }
        int64_t first_ns = both[s]->t_ns[0], last_ns = both[s]->t_ns[both[s]->count - 1];
        from_ns = first_ns > from_ns ? first_ns : from_ns;
        to_ns = last_ns < to_ns ? last_ns : to_ns;
    }
    int64_t common = to_ns > from_ns ? (to_ns - from_ns) / GRID_NS : 0;
    if (common < COMMON_MIN) {
        return kl_fault(fault, KL_ERR_DATA,
                        "alignment: the signals have %lld ms in common; expected at least %d ms",
                        (long long)common, COMMON_MIN);
    }
    size_t count = common < KL_ALIGNMENT_GRID_MAX ? (size_t)common : KL_ALIGNMENT_GRID_MAX;
    from_ns = to_ns - (int64_t)count * GRID_NS;
    for (size_t s = 0; s < 2; s++) {
        if (!resample(both[s], from_ns, count, work->plain)) {
            return kl_fault(fault, KL_ERR_DATA, "alignment: a value is not a number");
        }
        power[s] = differentiate(work->plain, count, work->slope[s]);
    }
    double norm = sqrt(power[0] * power[1]);
    for (int64_t lag = -LAGS; lag <= LAGS; lag++) {
        double sum = correlate(work->slope[0], work->slope[1], count, lag);
        work->fit[lag + LAGS] = norm > 0 ? sum / norm : 0;
    }
    if (find_peak(work->fit, out) != KL_OK) {
        return kl_fault(fault, KL_ERR_DATA,
                        "alignment: no lag within %lld ms fits clearly (best %.2f, next %.2f); "
                        "stamp five times, a second or more apart, with the foot of the sensor",
                        (long long)(KL_ALIGNMENT_LAG_MAX_NS / 1000000), out->strength, out->rival);
    }
    return KL_OK;
}

struct kl_event kl_alignment_event(const struct kl_alignment *alignment, const char *source)
{
    return (struct kl_event){.kind = KL_EVENT_ALIGNMENT,
                             .value = {-kl_seconds(alignment->lag_ns), alignment->strength},
                             .text = source};
}

bool kl_alignment_applies(const struct kl_event *event, const struct kl_stream *stream,
                          int64_t *offset_ns)
{
    if (event->kind != KL_EVENT_ALIGNMENT || strcmp(event->text, stream->source) != 0 ||
        !(fabs(event->value[0]) <= OFFSET_MAX_S)) {
        return false;
    }
    *offset_ns = kl_nanoseconds(event->value[0]);
    return true;
}

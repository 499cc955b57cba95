#include "process/muscle/muscle_step.h"

#include "process/muscle/emg_filter.h"

#include <math.h>
#include <string.h>

/* methods 13 */
#define BAND_LOW_HZ 20.0
#define BAND_HIGH_HZ 450.0
#define ENVELOPE_HZ 10.0
#define NOTCH_QUALITY 30.0
#define NOTCH_HARMONICS 3
#define HUM_PART 0.10      /* of the band's power in swing */
#define ARTEFACT_PART 0.50 /* of the raw power lies below 20 Hz */
#define RAIL_PART 0.98
#define ACTIVATION_S 0.100
#define LOADING_PART 0.5
#define BASELINE_S 0.150
#define ENERGY_HZ 50.0
#define ENERGY_SD 8.0
#define ONSET_HOLD_S 0.025
#define ONSET_BEFORE_S 0.250
#define ONSET_AFTER_S 0.100
#define SNR_MIN 5.0
#define REFERENCE_S 0.5
#define EDGE_S 0.05 /* a zero-lag filter has not settled there */
#define PI 3.14159265358979323846

static size_t sample_at(const struct kl_muscle_stretch *stretch, double t_s)
{
    double at = t_s * stretch->rate_hz;
    return at <= 0 ? 0 : (size_t)fmin(floor(at + 0.5), (double)stretch->count);
}

static double mean_of(const double *x, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += x[i];
    }
    return to > from ? sum / (double)(to - from) : 0;
}

static double power_of(const double *x, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += x[i] * x[i];
    }
    return to > from ? sum / (double)(to - from) : 0;
}

void kl_teager_kaiser(const double *x, size_t count, double *out)
{
    for (size_t i = 1; i + 1 < count; i++) {
        out[i] = x[i] * x[i] - x[i - 1] * x[i + 1];
    }
    out[0] = out[1];
    out[count - 1] = out[count - 2];
}

double kl_muscle_cross_talk(const double *a_v, const double *b_v, size_t count)
{
    double a_mean = mean_of(a_v, 0, count);
    double b_mean = mean_of(b_v, 0, count);
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (size_t i = 0; i < count; i++) {
        double a = a_v[i] - a_mean;
        double b = b_v[i] - b_mean;
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* ---------------------------------------------------------------- band-pass */

/* Power of one frequency over a stretch (Goertzel as a plain sum): of its sine, V^2. */
static double power_at(const double *x, size_t from, size_t to, double frequency_hz, double rate_hz)
{
    double re = 0;
    double im = 0;
    for (size_t i = from; i < to; i++) {
        double phase = 2 * PI * frequency_hz * (double)i / rate_hz;
        re += x[i] * cos(phase);
        im += x[i] * sin(phase);
    }
    double n = (double)(to - from);
    return 2 * (re * re + im * im) / (n * n);
}

static bool at_rail(const struct kl_muscle_stretch *stretch)
{
    if ((stretch->quality & KL_QUALITY_CLIPPED) != 0) {
        return true;
    }
    for (size_t i = 0; stretch->rail_v > 0 && i < stretch->count; i++) {
        if (fabs(stretch->raw_v[i]) >= RAIL_PART * stretch->rail_v) {
            return true;
        }
    }
    return false;
}

/* Takes hum out where it is worth it: above a tenth of the band's power in the quiet part. */
static bool take_hum(const struct kl_muscle_stretch *stretch, double *band, size_t quiet)
{
    size_t from = sample_at(stretch, EDGE_S);
    bool taken = false;
    double power = power_of(band, from, quiet);
    for (int k = 1; stretch->line_hz > 0 && k <= NOTCH_HARMONICS; k++) {
        struct kl_emg_section notch;
        double f = stretch->line_hz * k;
        bool loud = power_at(band, from, quiet, f, stretch->rate_hz) > HUM_PART * power;
        if ((loud || taken) && kl_emg_notch(&notch, f, NOTCH_QUALITY, stretch->rate_hz) == KL_OK) {
            kl_emg_filter(&notch, band, stretch->count);
            taken = true;
        }
    }
    return taken;
}

/* Band-passes into `band`. @return marks that leave nothing to read */
static uint32_t band_pass(const struct kl_muscle_stretch *stretch, double *band)
{
    struct kl_emg_section high;
    struct kl_emg_section low;
    const uint32_t lost = KL_QUALITY_GAP | KL_QUALITY_INVALID | KL_QUALITY_CHECKSUM;
    if (stretch->rate_hz < KL_EMG_RATE_MIN_HZ ||
        kl_emg_high_pass(&high, BAND_LOW_HZ, stretch->rate_hz) != KL_OK) {
        return KL_MUSCLE_RATE;
    }
    size_t edge = (size_t)(EDGE_S * stretch->rate_hz);
    if (stretch->count < 4 * edge || stretch->count > KL_EMG_SAMPLES ||
        (stretch->quality & lost) != 0) {
        return KL_MUSCLE_MISSING;
    }
    if (at_rail(stretch)) {
        return KL_MUSCLE_RAIL;
    }
    double mean = mean_of(stretch->raw_v, 0, stretch->count);
    for (size_t i = 0; i < stretch->count; i++) {
        band[i] = stretch->raw_v[i] - mean;
    }
    double all = power_of(band, edge, stretch->count - edge);
    kl_emg_filter(&high, band, stretch->count);
    double above = power_of(band, edge, stretch->count - edge);
    if (!(above > 0) || above < (1 - ARTEFACT_PART) * all) {
        return KL_MUSCLE_ARTEFACT;
    }
    /* Slower converters end the band themselves. */
    if (kl_emg_low_pass(&low, BAND_HIGH_HZ, stretch->rate_hz) == KL_OK) {
        kl_emg_filter(&low, band, stretch->count);
    }
    return 0;
}

/* -------------------------------------------------------------------- onset */

/* First sample of the quietest window in [from, to). */
static size_t quietest(const double *x, size_t from, size_t to, size_t window)
{
    size_t best = from;
    double least = (double)INFINITY;
    double sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += x[i];
        if (i - from >= window) {
            sum -= x[i - window];
        }
        if (i + 1 - from >= window && sum < least) {
            least = sum;
            best = i + 1 - window;
        }
    }
    return best;
}

static void find_onset(const struct kl_muscle_stretch *stretch, struct kl_muscle_scratch *scratch,
                       size_t quiet, struct kl_muscle_step *out)
{
    struct kl_emg_section smooth;
    double *energy = scratch->energy;
    kl_teager_kaiser(scratch->band, stretch->count, energy);
    for (size_t i = 0; i < stretch->count; i++) {
        energy[i] = fabs(energy[i]);
    }
    if (kl_emg_low_pass(&smooth, ENERGY_HZ, stretch->rate_hz) != KL_OK) {
        out->marks |= KL_MUSCLE_RATE;
        return;
    }
    kl_emg_filter(&smooth, energy, stretch->count);
    size_t window = (size_t)(BASELINE_S * stretch->rate_hz);
    double mean = mean_of(energy, quiet, quiet + window);
    double square = power_of(energy, quiet, quiet + window);
    double threshold = mean + ENERGY_SD * sqrt(fmax(0, square - mean * mean));
    size_t hold = (size_t)ceil(ONSET_HOLD_S * stretch->rate_hz);
    size_t until = sample_at(stretch, stretch->ic_s + ONSET_AFTER_S);
    size_t above = 0;
    for (size_t i = sample_at(stretch, stretch->ic_s - ONSET_BEFORE_S); i < stretch->count; i++) {
        above = energy[i] > threshold ? above + 1 : 0;
        size_t begin = i + 1 - above;
        if (above == 0 && i >= until) {
            break;
        }
        if (above >= hold && begin <= until) {
            double step = begin > 0 ? energy[begin] - energy[begin - 1] : 0;
            double part = step > 0 ? (energy[begin] - threshold) / step : 0;
            out->onset_s =
                ((double)begin - fmin(fmax(part, 0), 1)) / stretch->rate_hz - stretch->ic_s;
            out->has_onset = true;
            return;
        }
    }
    out->marks |= KL_MUSCLE_NO_ONSET;
}

void kl_muscle_step_of(const struct kl_muscle_stretch *stretch, struct kl_muscle_scratch *scratch,
                       struct kl_muscle_step *out)
{
    memset(out, 0, sizeof(*out));
    out->marks = band_pass(stretch, scratch->band);
    size_t ic = sample_at(stretch, stretch->ic_s);
    size_t window = (size_t)(BASELINE_S * stretch->rate_hz);
    size_t first = sample_at(stretch, EDGE_S);
    size_t swing_end = sample_at(stretch, stretch->ic_s - ACTIVATION_S);
    struct kl_emg_section smooth;
    if (out->marks == 0 && (swing_end < first + window ||
                            sample_at(stretch, stretch->to_s) >= stretch->count || ic == 0)) {
        out->marks = KL_MUSCLE_MISSING;
    }
    if (out->marks != 0 || kl_emg_low_pass(&smooth, ENVELOPE_HZ, stretch->rate_hz) != KL_OK) {
        return;
    }
    if (take_hum(stretch, scratch->band, swing_end)) {
        out->marks |= KL_MUSCLE_LINE_HUM;
    }
    double *envelope = scratch->envelope;
    for (size_t i = 0; i < stretch->count; i++) {
        envelope[i] = fabs(scratch->band[i]);
    }
    kl_emg_filter(&smooth, envelope, stretch->count);
    size_t to = sample_at(stretch, stretch->to_s);
    size_t half =
        sample_at(stretch, stretch->ic_s + LOADING_PART * (stretch->to_s - stretch->ic_s));
    size_t quiet = quietest(envelope, first, swing_end, window);
    out->activation_v = mean_of(envelope, swing_end, ic);
    out->loading_v = mean_of(envelope, ic, half);
    out->baseline_v = mean_of(envelope, quiet, quiet + window);
    for (size_t i = swing_end; i < to; i++) {
        out->peak_v = fmax(out->peak_v, envelope[i]);
    }
    if (out->peak_v < SNR_MIN * out->baseline_v) {
        out->marks |= KL_MUSCLE_LOW_SNR;
        return;
    }
    find_onset(stretch, scratch, quiet, out);
}

double kl_muscle_reference(const struct kl_muscle_stretch *trial, struct kl_muscle_scratch *scratch,
                           uint32_t *marks)
{
    *marks = band_pass(trial, scratch->band);
    size_t window = (size_t)(REFERENCE_S * trial->rate_hz);
    if (*marks == 0 && trial->count < window + 2 * sample_at(trial, EDGE_S)) {
        *marks = KL_MUSCLE_MISSING;
    }
    if (*marks != 0) {
        return 0;
    }
    double sum = 0;
    double most = 0;
    size_t first = sample_at(trial, EDGE_S);
    for (size_t i = first; i + first < trial->count; i++) {
        sum += scratch->band[i] * scratch->band[i];
        if (i - first >= window) {
            sum -= scratch->band[i - window] * scratch->band[i - window];
        }
        most = i + 1 - first >= window ? fmax(most, sum) : most;
    }
    return sqrt(most / (double)window);
}

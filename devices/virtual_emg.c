#include "devices/virtual_emg.h"

#include <gsl/gsl_math.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double before_s = 0.090, after_s = 0.110; /* burst about the contact, methods 21.4 */
static const double burst_share = 0.6;                 /* of MVC, VL while running [P] */
static const double mvc_vmo_v = 0.4e-3, mvc_vl_v = 0.5e-3; /* RMS [P] */
static const double contraction_s = 2.0, contraction_edge_s = 0.2;
static const double band_low_hz = 20, band_high_hz = 450; /* methods 21.4 */
static const double hum_hz = 50;
static const double rail_v = 5e-3; /* of the amplifier [P] */

enum { NOISE_OF_EMG = 16 };     /* consumer numbers 16-19 of kl_noise_init */
enum { ENERGY_SAMPLES = 4096 }; /* of the band's impulse response: 20 Hz has long gone */

struct kl_virtual_burst kl_virtual_burst(const struct kl_virtual_runner *runner,
                                         enum kl_virtual_muscle_name muscle, enum kl_side side)
{
    int i = side == KL_SIDE_LEFT ? 0 : 1;
    bool vmo = muscle == KL_VIRTUAL_VMO;
    return (struct kl_virtual_burst){
        .side = side,
        .delay_s = vmo ? runner->vmo_delay_s[i] : 0,
        .share = burst_share * (vmo ? runner->vmo_gain[i] : 1),
        .floor = burst_share / runner->emg_snr,
        .mvc = kl_virtual_timeline(runner).part[KL_VIRTUAL_MVC],
    };
}

double kl_virtual_burst_onset(const struct kl_virtual_burst *burst,
                              const struct kl_virtual_contact *contact)
{
    return contact->onset_s - before_s + burst->delay_s;
}

/* 0..1: the trials of maximal contraction. */
static double contraction(const struct kl_virtual_span *mvc, double t_s)
{
    if (t_s <= mvc->start_s || t_s >= mvc->end_s) {
        return 0;
    }
    double in_s = fmod(t_s - mvc->start_s, KL_VIRTUAL_MVC_S);
    double edge = fmin(in_s, contraction_s - in_s) / contraction_edge_s;
    return edge <= 0 ? 0 : edge >= 1 ? 1 : 0.5 - 0.5 * cos(M_PI * edge);
}

double kl_virtual_burst_at(const struct kl_virtual_burst *burst,
                           const struct kl_virtual_contact *contact, size_t count, double t_s)
{
    double top = 0;
    for (size_t k = 0; k < count; k++) {
        if (contact[k].side == burst->side) {
            double u = (t_s - kl_virtual_burst_onset(burst, &contact[k])) / (before_s + after_s);
            if (u > 0 && u < 1) {
                top = fmax(top, 0.5 - 0.5 * cos(2 * M_PI * u));
            }
        }
    }
    double running = burst->floor + fmax(burst->share - burst->floor, 0) * top;
    double maximal = contraction(&burst->mvc, t_s);
    return running + (1 - running) * maximal;
}

/* ------------------------------------------------------------------ noise in a band */

/* Second-order Butterworth by the bilinear transform; high: pass above, else below. */
static void butterworth(struct kl_virtual_biquad *section, double cutoff_hz, double rate_hz,
                        bool high)
{
    double k = tan(M_PI * cutoff_hz / rate_hz);
    double norm = 1 / (1 + M_SQRT2 * k + k * k);
    double b = high ? norm : k * k * norm;
    section->b[0] = b;
    section->b[1] = high ? -2 * b : 2 * b;
    section->b[2] = b;
    section->a[0] = 2 * (k * k - 1) * norm;
    section->a[1] = (1 - M_SQRT2 * k + k * k) * norm;
    section->z[0] = section->z[1] = 0;
}

static double pass(struct kl_virtual_band *band, double x)
{
    for (int i = 0; i < 2; i++) {
        struct kl_virtual_biquad *s = &band->section[i];
        double y = s->b[0] * x + s->z[0];
        s->z[0] = s->b[1] * x - s->a[0] * y + s->z[1];
        s->z[1] = s->b[2] * x - s->a[1] * y;
        x = y;
    }
    return x;
}

static void band_init(struct kl_virtual_band *band, uint64_t seed, uint64_t consumer,
                      double rate_hz)
{
    butterworth(&band->section[0], band_low_hz, rate_hz, true);
    butterworth(&band->section[1], fmin(band_high_hz, 0.45 * rate_hz), rate_hz, false);
    double energy = 0;
    for (int n = 0; n < ENERGY_SAMPLES; n++) {
        double h = pass(band, n == 0 ? 1 : 0);
        energy += h * h;
    }
    band->scale = 1 / sqrt(energy);
    for (int i = 0; i < 2; i++) {
        band->section[i].z[0] = band->section[i].z[1] = 0;
    }
    kl_noise_init(&band->noise, seed, consumer);
}

static double band_next(struct kl_virtual_band *band)
{
    return band->scale * pass(band, kl_noise_gaussian(&band->noise, 1.0));
}

void kl_virtual_emg_init(struct kl_virtual_emg *emg, const struct kl_virtual_runner *runner,
                         unsigned sensor)
{
    unsigned number = sensor - (unsigned)KL_VIRTUAL_EMG_VMO_LEFT;
    enum kl_side side = number % 2 == 0 ? KL_SIDE_LEFT : KL_SIDE_RIGHT;
    bool vmo = number / 2 == KL_VIRTUAL_VMO;
    unsigned neighbour = (number + 2) % 4;
    memset(emg, 0, sizeof(*emg));
    emg->sensor = sensor;
    emg->rate_hz = runner->emg_rate_hz;
    emg->own = kl_virtual_burst(runner, vmo ? KL_VIRTUAL_VMO : KL_VIRTUAL_VL, side);
    emg->other = kl_virtual_burst(runner, vmo ? KL_VIRTUAL_VL : KL_VIRTUAL_VMO, side);
    emg->mvc_v = vmo ? mvc_vmo_v : mvc_vl_v;
    emg->other_mvc_v = vmo ? mvc_vl_v : mvc_vmo_v;
    emg->crosstalk = runner->crosstalk;
    emg->hum_v = runner->hum_v;
    band_init(&emg->own_band, runner->seed, NOISE_OF_EMG + number, emg->rate_hz);
    band_init(&emg->other_band, runner->seed, NOISE_OF_EMG + neighbour, emg->rate_hz);
}

void kl_virtual_emg_describe(const struct kl_virtual_emg *emg, struct kl_stream *out)
{
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->name, sizeof(out->name), "%s", kl_virtual_sensor_text(emg->sensor));
    out->kind = KL_KIND_EMG;
    out->format = KL_FORMAT_FLOAT32;
    out->rate_hz = emg->rate_hz;
    out->channel_count = 1;
    (void)snprintf(out->label[0], sizeof(out->label[0]), "emg");
    (void)snprintf(out->unit[0], sizeof(out->unit[0]), "V");
}

uint32_t kl_virtual_emg_read(struct kl_virtual_emg *emg, const struct kl_virtual_contact *contact,
                             size_t count, double t_s, double *volts)
{
    double v = emg->mvc_v * kl_virtual_burst_at(&emg->own, contact, count, t_s) *
               band_next(&emg->own_band);
    if (emg->crosstalk > 0) {
        v += emg->crosstalk * emg->other_mvc_v *
             kl_virtual_burst_at(&emg->other, contact, count, t_s) * band_next(&emg->other_band);
    }
    v += emg->hum_v * M_SQRT2 * sin(2 * M_PI * hum_hz * t_s); /* hum_v: RMS */
    bool clipped = fabs(v) >= rail_v;
    *volts = clipped ? copysign(rail_v, v) : v;
    return clipped ? KL_QUALITY_CLIPPED : 0;
}

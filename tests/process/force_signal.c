#include "force_signal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846

double signal_half_sine(double s)
{
    return s < 0 || s > 1 ? 0
                          : PI / 2 * SIGNAL_BW_N * (SIGNAL_STEP_S / SIGNAL_CONTACT_S) * sin(PI * s);
}

double signal_rearfoot(double s)
{
    const double impact = 0.9;
    const double until = 0.24;
    if (s < 0 || s > 1) {
        return 0;
    }
    double amplitude =
        PI / (2 * SIGNAL_CONTACT_S) * (SIGNAL_STEP_S - impact * SIGNAL_CONTACT_S * until / 2);
    double fy = amplitude * sin(PI * s);
    if (s <= until) {
        fy += impact * pow(sin(PI * s / until), 2);
    }
    return SIGNAL_BW_N * fy;
}

double signal_noise(uint64_t *state)
{
    double sum = 0;
    for (int i = 0; i < 4; i++) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        sum += (double)(*state >> 11) / 9007199254740992.0 - 0.5;
    }
    return sum * sqrt(3.0);
}

struct kl_stream signal_plate(double rate_hz, unsigned measured)
{
    struct kl_stream stream = {.kind = KL_KIND_FORCE, .rate_hz = rate_hz};
    stream.plate.measured = measured;
    stream.channel_count = KL_WRENCH_COUNT;
    for (size_t c = 0; c < KL_WRENCH_COUNT; c++) {
        stream.plate.matrix[c][c] = 1;
    }
    return stream;
}

struct signal_record signal_record_create(double rate_hz, double seconds)
{
    struct signal_record record = {.rate_hz = rate_hz, .count = (size_t)(rate_hz * seconds + 0.5)};
    record.wrench = calloc(record.count, sizeof(*record.wrench));
    record.quality = calloc(record.count, sizeof(*record.quality));
    record.t_ns = calloc(record.count, sizeof(*record.t_ns));
    record.missing = calloc(record.count, sizeof(*record.missing));
    for (size_t i = 0; i < record.count; i++) {
        record.t_ns[i] = KL_EPOCH_NS + (int64_t)llround(1e9 * (double)i / rate_hz);
    }
    return record;
}

void signal_record_destroy(struct signal_record *record)
{
    free(record->wrench);
    free(record->quality);
    free(record->t_ns);
    free(record->missing);
}

void signal_run(struct signal_record *record, double (*fy)(double s), double start_s)
{
    for (size_t i = 0; i < record->count; i++) {
        double t = (double)i / record->rate_hz - start_s;
        double step = floor(t / SIGNAL_STEP_S);
        double s = (t - step * SIGNAL_STEP_S) / SIGNAL_CONTACT_S;
        if (t < 0 || s > 1) {
            continue;
        }
        double side = fmod(step, 2) == 0 ? 1 : -1;
        double *w = record->wrench[i];
        double x = 0.1 + 0.1 * s;
        double z = side * (0.05 + 0.01 * s);
        w[KL_FY] = fy(s);
        w[KL_FX] = -0.25 * SIGNAL_BW_N * sin(2 * PI * s);
        w[KL_FZ] = -side * 0.06 * SIGNAL_BW_N * sin(PI * s);
        w[KL_MX] = -z * w[KL_FY];
        w[KL_MZ] = x * w[KL_FY];
        w[KL_MY] = z * w[KL_FX] - x * w[KL_FZ] + side * 3.0 * sin(PI * s);
    }
}

static void copy_contact(struct signal_contacts *out, const struct kl_contact *contact,
                         int64_t now_ns)
{
    if (out->count == SIGNAL_CONTACTS_MAX) {
        return;
    }
    double(*wrench)[KL_WRENCH_COUNT] = malloc(contact->count * sizeof(*wrench));
    memcpy(wrench, contact->wrench, contact->count * sizeof(*wrench));
    out->contact[out->count] = *contact;
    out->contact[out->count].wrench = (const double(*)[KL_WRENCH_COUNT])wrench;
    out->out_ns[out->count] = now_ns;
    out->with_ic += contact->has_ic;
    out->complete += contact->has_ic && contact->has_to;
    out->count++;
}

static int64_t drain(struct kl_force_chain *chain, int64_t now_ns, int64_t watermark,
                     struct signal_contacts *out)
{
    struct kl_contact contact;
    while (kl_force_chain_contact(chain, &contact)) {
        copy_contact(out, &contact, now_ns);
        if (contact.ic_ns < (double)watermark) {
            out->watermark_held = false;
        }
    }
    int64_t next = kl_force_chain_watermark(chain);
    if (next < watermark) {
        out->watermark_monotonic = false;
    }
    return next;
}

struct signal_contacts *signal_contacts_of(const struct kl_stream *stream,
                                           const struct kl_force_settings *settings,
                                           const struct signal_record *record)
{
    struct kl_force_settings chosen = settings != NULL ? *settings : kl_force_settings_defaults();
    struct kl_force_chain *chain = kl_force_chain_create(stream, &chosen);
    struct signal_contacts *out = calloc(1, sizeof(*out));
    if (chain == NULL || out == NULL) {
        abort();
    }
    out->watermark_held = out->watermark_monotonic = true;
    int64_t watermark = INT64_MIN;
    for (size_t i = 0; i < record->count; i++) {
        if (record->missing[i]) {
            continue;
        }
        kl_force_chain_push(chain, record->t_ns[i], record->wrench[i], record->quality[i]);
        watermark = drain(chain, record->t_ns[i], watermark, out);
        out->worst_lag_s = fmax(out->worst_lag_s, (double)(record->t_ns[i] - watermark) / 1e9);
    }
    kl_force_chain_end(chain);
    (void)drain(chain, INT64_MAX, watermark, out);
    kl_force_chain_destroy(chain);
    return out;
}

void signal_contacts_destroy(struct signal_contacts *contacts)
{
    for (size_t i = 0; i < contacts->count; i++) {
        void *wrench = NULL;
        memcpy(&wrench, &contacts->contact[i].wrench, sizeof(wrench));
        free(wrench);
    }
    free(contacts);
}

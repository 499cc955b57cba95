#include "process/force/com_anchor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRAVITY_M_S2 9.80665
#define STEP_NS (1e9 / KL_COM_RATE_HZ)
#define STEP_S (1.0 / KL_COM_RATE_HZ)
#define COM_PER_HEIGHT 0.56 /* methods 7.4 */
#define HEIGHT_M 1.75       /* methods 21: when not entered; drops out of steady running */
#define STEADY_PART 0.01    /* methods 7.4: of body weight */

enum { FX, FY, FZ, MX, MZ, PARTS };
static const enum kl_wrench component[PARTS] = {KL_FX, KL_FY, KL_FZ, KL_MX, KL_MZ};

struct kl_com_anchor {
    int64_t slot[KL_COM_SAMPLES]; /* number of the grid point that a place holds */
    double value[KL_COM_SAMPLES][PARTS];
    int64_t newest;
    bool any;
};

struct kl_com_anchor *kl_com_anchor_create(void)
{
    return calloc(1, sizeof(struct kl_com_anchor));
}

void kl_com_anchor_destroy(struct kl_com_anchor *anchor)
{
    free(anchor);
}

static size_t place(int64_t n)
{
    return (size_t)(n % KL_COM_SAMPLES);
}

/* Empties the grid points that were not reached yet. */
static void advance(struct kl_com_anchor *anchor, int64_t n)
{
    int64_t from = anchor->any ? anchor->newest + 1 : n - KL_COM_SAMPLES + 1;
    from = from > n - KL_COM_SAMPLES + 1 ? from : n - KL_COM_SAMPLES + 1;
    for (int64_t i = from > 0 ? from : 0; i <= n; i++) {
        anchor->slot[place(i)] = i;
        memset(anchor->value[place(i)], 0, sizeof(anchor->value[0]));
    }
    if (!anchor->any || n > anchor->newest) {
        anchor->newest = n;
    }
    anchor->any = true;
}

void kl_com_anchor_contact(struct kl_com_anchor *anchor, const struct kl_contact *contact)
{
    if (contact->count < 2 || !(contact->dt_s > 0)) {
        return;
    }
    double dt_ns = contact->dt_s * 1e9;
    double t0_ns = (double)contact->t0_ns;
    int64_t first = (int64_t)ceil(t0_ns / STEP_NS);
    int64_t last = (int64_t)floor((t0_ns + (double)(contact->count - 1) * dt_ns) / STEP_NS);
    advance(anchor, last);
    for (int64_t n = first > 0 ? first : 0; n <= last; n++) {
        if (anchor->slot[place(n)] != n) {
            continue; /* too old */
        }
        double at = ((double)n * STEP_NS - t0_ns) / dt_ns;
        size_t i = at < 0 ? 0 : (size_t)at;
        i = i + 1 < contact->count ? i : contact->count - 2;
        double part = at - (double)i;
        for (size_t c = 0; c < PARTS; c++) {
            double here = contact->wrench[i][component[c]];
            double next = contact->wrench[i + 1][component[c]];
            anchor->value[place(n)][c] += here + part * (next - here);
        }
    }
}

/* ---------------------------------------------------------------- integrals */

static void remove_mean(double *x, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += x[i];
    }
    for (size_t i = 0; i < count; i++) {
        x[i] -= sum / (double)count;
    }
}

/* Running integral by trapezes, mean removed, in place. */
static void integrate(double *x, size_t count)
{
    double sum = 0;
    double before = x[0];
    x[0] = 0;
    for (size_t i = 1; i < count; i++) {
        double here = x[i];
        sum += (before + here) / 2 * STEP_S;
        before = here;
        x[i] = sum;
    }
    remove_mean(x, count);
}

/* How the centre of mass moves along one axis: force to position, all means removed. */
static void displacement(const struct kl_com_anchor *anchor, int64_t first, size_t count,
                         size_t force, double mass_kg, double *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = anchor->value[place(first + (int64_t)i)][force] / mass_kg;
    }
    remove_mean(out, count);
    integrate(out, count);
    integrate(out, count);
}

/* Constant part that balances the moments. @param sign  of the stored moment in cop * Fy */
static double balance(const struct kl_com_anchor *anchor, int64_t first, const struct kl_com *com,
                      size_t moment, double sign, size_t force, const double *displaced)
{
    double sum = 0;
    double weight = 0;
    for (size_t i = 0; i < com->count; i++) {
        const double *value = anchor->value[place(first + (int64_t)i)];
        sum += sign * value[moment] + com->y_m[i] * value[force] - displaced[i] * value[FY];
        weight += value[FY];
    }
    return sum / weight;
}

bool kl_com_anchor_find(const struct kl_com_anchor *anchor, double from_ns, double to_ns,
                        double height_m, struct kl_com *out)
{
    int64_t first = (int64_t)ceil(from_ns / STEP_NS);
    int64_t last = (int64_t)ceil(to_ns / STEP_NS) - 1;
    if (!anchor->any || first < 0 || last <= first || last > anchor->newest ||
        last - first >= KL_COM_SAMPLES || anchor->slot[place(first)] != first) {
        return false;
    }
    size_t count = (size_t)(last - first + 1);
    double sum[PARTS] = {0};
    for (int64_t n = first; n <= last; n++) {
        for (size_t c = 0; c < PARTS; c++) {
            sum[c] += anchor->value[place(n)][c];
        }
    }
    double weight_n = sum[FY] / (double)count;
    if (!(weight_n > 0)) {
        return false;
    }
    out->t0_ns = (double)first * STEP_NS;
    out->count = count;
    out->mass_kg = weight_n / GRAVITY_M_S2;
    out->mean_fx_n = sum[FX] / (double)count;
    out->mean_fz_n = sum[FZ] / (double)count;
    out->steady = fabs(out->mean_fx_n) <= STEADY_PART * weight_n &&
                  fabs(out->mean_fz_n) <= STEADY_PART * weight_n;
    displacement(anchor, first, count, FX, out->mass_kg, out->x_m);
    displacement(anchor, first, count, FY, out->mass_kg, out->y_m);
    displacement(anchor, first, count, FZ, out->mass_kg, out->z_m);
    for (size_t i = 0; i < count; i++) {
        out->y_m[i] += COM_PER_HEIGHT * (height_m > 0 ? height_m : HEIGHT_M);
    }
    /* z_cop Fy = -Mx and x_cop Fy = Mz about an origin on the belt surface */
    double x0 = balance(anchor, first, out, MZ, 1, FX, out->x_m);
    double z0 = balance(anchor, first, out, MX, -1, FZ, out->z_m);
    for (size_t i = 0; i < count; i++) {
        out->x_m[i] += x0;
        out->z_m[i] += z0;
    }
    return true;
}

void kl_com_at(const struct kl_com *com, double t_ns, double *x_m, double *y_m, double *z_m)
{
    double at = (t_ns - com->t0_ns) / STEP_NS;
    at = fmin(fmax(at, 0), (double)(com->count - 1));
    size_t i = (size_t)at;
    i = i + 1 < com->count ? i : com->count - 2;
    double part = at - (double)i;
    *x_m = com->x_m[i] + part * (com->x_m[i + 1] - com->x_m[i]);
    *y_m = com->y_m[i] + part * (com->y_m[i + 1] - com->y_m[i]);
    *z_m = com->z_m[i] + part * (com->z_m[i + 1] - com->z_m[i]);
}

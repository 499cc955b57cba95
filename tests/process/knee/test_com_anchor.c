/* Forces that pass through a known centre of mass: methods 7.4. */
#include "process/force/com_anchor.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define MASS 70.0
#define G 9.80665

enum { RATE = 1000, STEP = 350, STANCE = 250, STEPS = 12, MARGIN = 40, ALL = STEP * STEPS };

static double force[ALL][3];
static double com[ALL][3];

/* Twice the running sum at 1 kHz; over whole strides, means removed: the textbook way, at five
 * times the rate and from the force itself. */
static void integrate(void)
{
    const double gravity[3] = {0, -G, 0};
    for (size_t c = 0; c < 3; c++) {
        for (int pass = 0; pass < 2; pass++) {
            double sum = 0;
            double mean = 0;
            for (size_t i = 0; i < ALL; i++) {
                double x = pass == 0 ? force[i][c] / MASS + gravity[c] : com[i][c];
                sum += x / RATE;
                com[i][c] = sum - x / RATE / 2;
                mean += com[i][c] / ALL;
            }
            for (size_t i = 0; i < ALL; i++) {
                com[i][c] -= mean;
            }
        }
    }
}

static void add_contacts(struct kl_com_anchor *anchor, const double place[3], double shift_ns)
{
    static double wrench[STANCE + 2 * MARGIN][KL_WRENCH_COUNT];
    for (size_t k = 0; k < STEPS; k++) {
        for (size_t i = 0; i < STANCE + 2 * MARGIN; i++) {
            size_t n = k * STEP + i; /* the contact begins MARGIN into its step */
            memset(wrench[i], 0, sizeof(wrench[i]));
            if (n >= ALL) {
                continue;
            }
            double x = com[n][0] + place[0];
            double y = com[n][1] + place[1];
            double z = com[n][2] + place[2];
            const double *f = force[n];
            const double all[KL_WRENCH_COUNT] = {
                f[0], f[1], f[2], y * f[2] - z * f[1], z * f[0] - x * f[2], x * f[1] - y * f[0]};
            memcpy(wrench[i], all, sizeof(all));
        }
        struct kl_contact contact = {.count = STANCE + 2 * MARGIN,
                                     .t0_ns = (int64_t)(1e9 + shift_ns) +
                                              (int64_t)(k * STEP) * (1000000000 / RATE),
                                     .dt_s = 1.0 / RATE,
                                     .wrench = (const double(*)[KL_WRENCH_COUNT])wrench};
        kl_com_anchor_contact(anchor, &contact);
    }
}

static void run_forces(double lateral)
{
    for (size_t n = 0; n < ALL; n++) {
        double s = ((double)(n % STEP) - MARGIN) / STANCE;
        double side = n / STEP % 2 == 0 ? 1 : -1;
        bool on = s > 0 && s < 1;
        /* impulse m g T over a stance of a half sine */
        double peak = MASS * G * PI / 2 * STEP / STANCE;
        force[n][0] = on ? -.25 * MASS * G * sin(2 * PI * s) : 0;
        force[n][1] = on ? peak * sin(PI * s) : 0;
        force[n][2] = on ? (-.06 * side + lateral) * MASS * G * sin(PI * s) : 0;
    }
    integrate();
}

Test(com_anchor, finds_the_place_whatever_height_it_is_told)
{
    run_forces(0);
    const double place[3] = {.037, .98, .012};
    const double heights[] = {1.75, 1.75 * 1.1, 0};
    for (size_t h = 0; h < 3; h++) {
        struct kl_com_anchor *anchor = kl_com_anchor_create();
        add_contacts(anchor, place, 0);
        static struct kl_com found;
        double from = 1e9 + 2 * STEP * 1e6 + MARGIN * 1e6;
        cr_assert(kl_com_anchor_find(anchor, from, from + 8 * STEP * 1e6, heights[h], &found));
        cr_expect(found.steady);
        /* trapezes of 5 ms over a half sine of 0.25 s: (pi dt / T)^2 / 12 = 0.033 % */
        cr_expect_float_eq(found.mass_kg, MASS, 4e-4 * MASS);
        /* 0.1 mm: 200 Hz trapezes of curves that are known at 1 kHz */
        for (size_t k = 0; k < 20; k++) {
            double t_ns = from + (double)k * 1e8;
            size_t n = (size_t)((t_ns - 1e9) / 1e6 + .5);
            double x;
            double y;
            double z;
            kl_com_at(&found, t_ns, &x, &y, &z);
            cr_expect_float_eq(x, place[0] + com[n][0], 2e-4, "x at %zu: %g", k, x);
            cr_expect_float_eq(z, place[2] + com[n][2], 1e-4, "z at %zu: %g", k, z);
        }
        kl_com_anchor_destroy(anchor);
    }
}

Test(com_anchor, a_force_that_does_not_balance_is_not_steady)
{
    run_forces(.03);
    const double place[3] = {0, .98, 0};
    struct kl_com_anchor *anchor = kl_com_anchor_create();
    add_contacts(anchor, place, 0);
    static struct kl_com found;
    double from = 1e9 + 2 * STEP * 1e6 + MARGIN * 1e6;
    cr_assert(kl_com_anchor_find(anchor, from, from + 8 * STEP * 1e6, 1.75, &found));
    cr_expect_not(found.steady);
    kl_com_anchor_destroy(anchor);
}

Test(com_anchor, says_when_the_window_is_not_there)
{
    run_forces(0);
    const double place[3] = {0, .98, 0};
    struct kl_com_anchor *anchor = kl_com_anchor_create();
    static struct kl_com found;
    cr_expect_not(kl_com_anchor_find(anchor, 1e9, 2e9, 1.75, &found), "nothing yet");
    add_contacts(anchor, place, 0);
    cr_expect_not(kl_com_anchor_find(anchor, 1e9, 9e9, 1.75, &found), "not reached yet");
    cr_expect_not(kl_com_anchor_find(anchor, 2e9, 2e9, 1.75, &found), "empty");
    add_contacts(anchor, place, 60e9);
    cr_expect_not(kl_com_anchor_find(anchor, 1.5e9, 3e9, 1.75, &found), "forgotten");
    kl_com_anchor_destroy(anchor);
}

/* Prints, for every metric that has a truth, how far the whole pipeline is from it on the virtual
 * runner: noise-free, with default noise, and the goal of methods 21.5. */
#include "truth_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS 240.0

static const char *const about[] = {"", "each", "RMS", "mean of 60"};

static bool column(bool noisy, struct truth_error *error)
{
    struct kl_virtual_runner runner = truth_runner(noisy);
    struct kl_results results = {0};
    struct kl_fault fault = {{0}};
    struct truth_step *truth = calloc(TRUTH_STEPS_MAX, sizeof(*truth));
    bool run = truth != NULL && truth_run(&runner, NULL, SECONDS, &results, &fault);
    if (run) {
        truth_compare(&runner, &results, truth, truth_of(&runner, SECONDS, truth), error);
    } else {
        (void)fprintf(stderr, "%s\n", fault.text);
    }
    kl_results_free(&results);
    free(truth);
    return run;
}

/* ------------------------------------------------------------------ levels of the knee */

#define KNEE_SECONDS 140.0
enum { DRAWS = 3, CONDITIONS = 4 };

static const char *const level_name[KNEE_LEVELS] = {"K1 (lab)", "K2a", "K2b", "K3"};
static const char *const budget[KNEE_LEVELS] = {"-", "0.47", "0.65", "-"};

static struct kl_virtual_runner condition(int k)
{
    static const double deg = 0.017453292519943295;
    struct kl_virtual_runner runner = truth_runner(true);
    for (int i = 0; i < 2; i++) {
        runner.valgus_rad[i] += k == 1 ? 4 * deg : 0;
        runner.wedge_rad[i] += k == 2 ? 5 * deg : 0;
    }
    runner.step_width_m += k == 3 ? 0.04 : 0;
    return runner;
}

/* Sensors turned by 3 deg about axes of their own, centre of pressure 10 mm off to either side:
 * several draws, since one draw has one bias. */
static bool print_knee(void)
{
    static const char *const name[CONDITIONS] = {"as calibrated", "valgus + 4 deg",
                                                 "medial wedge 5 deg", "step width + 40 mm"};
    static struct knee_errors error[CONDITIONS][DRAWS][KNEE_LEVELS];
    for (int c = 0; c < CONDITIONS; c++) {
        for (int d = 0; d < DRAWS; d++) {
            const struct truth_disturbance disturbance = {0.052359877559829883, (uint64_t)d + 1,
                                                          d % 2 == 0 ? 0.010 : -0.010};
            struct kl_virtual_runner runner = condition(c);
            struct kl_fault fault = {{0}};
            if (!knee_errors_of(&runner, &disturbance, KNEE_SECONDS, error[c][d], &fault)) {
                (void)fprintf(stderr, "%s\n", fault.text);
                return false;
            }
        }
    }
    (void)fflush(stdout);
    printf("\nKAM peak, N.m/kg, sensors 3 deg and centre of pressure 10 mm off, %d draws\n", DRAWS);
    printf("%-20s %-9s %6s %7s %7s %9s %6s | budget 12.3\n", "condition", "level", "truth", "bias",
           "RMSE", "SD steps", "r");
    for (int c = 0; c < CONDITIONS; c++) {
        for (int k = 0; k < KNEE_LEVELS; k++) {
            double bias = 0;
            double square = 0;
            double sd = 0;
            double r = 0;
            for (int d = 0; d < DRAWS; d++) {
                const struct knee_errors *e = &error[c][d][k];
                bias += e->bias / DRAWS;
                square += e->rmse * e->rmse / DRAWS;
                sd += e->sd / DRAWS;
                r += e->correlation / DRAWS;
            }
            printf("%-20s %-9s %6.3f %7.3f %7.3f %9.3f %6.2f | %s\n", name[c], level_name[k],
                   error[c][0][k].truth, bias, sqrt(square), sd, r, budget[k]);
        }
    }
    printf("\nDifference to the first condition (smallest credible: 0.16)\n");
    for (int c = 1; c < CONDITIONS; c++) {
        for (int k = 0; k < KNEE_LEVELS; k++) {
            double bias = 0;
            double square = 0;
            for (int d = 0; d < DRAWS; d++) {
                double off = error[c][d][k].bias - error[0][d][k].bias;
                bias += off / DRAWS;
                square += off * off / DRAWS;
            }
            printf("%-20s %-9s true %7.3f bias %7.3f RMSE %7.3f\n", name[c], level_name[k],
                   error[c][0][k].truth - error[0][0][k].truth, bias, sqrt(square));
        }
    }
    return true;
}

int main(void)
{
    struct truth_error *error[2];
    for (int k = 0; k < 2; k++) {
        error[k] = calloc(truth_row_count, sizeof(*error[k]));
        if (error[k] == NULL || !column(k == 1, error[k])) {
            return 1;
        }
    }
    printf("%-26s %-9s %8s | %7s %7s %7s | %7s %7s %7s %4s | goal\n", "metric", "error in", "truth",
           "bias", "RMS", "worst", "bias", "RMS", "worst", "n");
    for (size_t r = 0; r < truth_row_count; r++) {
        const struct truth_row *row = &truth_rows[r];
        printf("%-26s %-9s %8.3f", row->key, row->unit, error[0][r].truth);
        for (int k = 0; k < 2; k++) {
            printf(" | %7.3f %7.3f %7.3f", error[k][r].bias, error[k][r].rms, error[k][r].worst);
        }
        printf(" %4zu |", error[1][r].count);
        if (row->about != TRUTH_NO_GOAL) {
            printf(" %s %g / %g: %.3f%s / %.3f%s", about[row->about], row->goal[0], row->goal[1],
                   truth_figure(row, &error[0][r]),
                   truth_figure(row, &error[0][r]) <= row->goal[0] ? "" : " MISSED",
                   truth_figure(row, &error[1][r]),
                   truth_figure(row, &error[1][r]) <= row->goal[1] ? "" : " MISSED");
        }
        printf("\n");
    }
    free(error[0]);
    free(error[1]);
    return print_knee() ? 0 : 1;
}

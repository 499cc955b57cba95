/* Prints, for every metric that has a truth, how far the whole pipeline is from it on the virtual
 * runner: noise-free, with default noise, and the goal of methods 21.5. */
#include "truth_table.h"

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
    bool run = truth != NULL && truth_run(&runner, SECONDS, &results, &fault);
    if (run) {
        truth_compare(&runner, &results, truth, truth_of(&runner, SECONDS, truth), error);
    } else {
        (void)fprintf(stderr, "%s\n", fault.text);
    }
    kl_results_free(&results);
    free(truth);
    return run;
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
    return 0;
}

/* Tables of steps, flags and figures as CSV: first row names with units, empty cells where not
 * valid. */
#ifndef KL_APP_STEP_CSV_H
#define KL_APP_STEP_CSV_H

#include "app/results.h"

#include <stdio.h>

void kl_step_csv(FILE *out, const struct kl_results *results);
void kl_flag_csv(FILE *out, const struct kl_results *results);

/** Of the last condition: variability, attenuation, stability; and left against right. */
void kl_figure_csv(FILE *out, const struct kl_results *results);
void kl_asymmetry_csv(FILE *out, const struct kl_results *results);

#endif

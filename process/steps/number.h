/* Numbers as text, the same bytes in every locale.
 *
 * A window toolkit sets the user's locale, and printf would then write 0,35 for 0.35: records that
 * must repeat to the bit, and sentences that tests compare, are written through here.
 * Threads: any; no allocation.
 */
#ifndef KL_PROCESS_STEPS_NUMBER_H
#define KL_PROCESS_STEPS_NUMBER_H

#include <stddef.h>

#define KL_NUMBER_TEXT_MAX 40

/** Shortest fixed text that gives the same double back (17 significant digits, "nan", "inf").
 *  @param out  out [len], len >= KL_NUMBER_TEXT_MAX
 *  @return out */
char *kl_number_exact(double value, char *out, size_t len);

/** Rounded to `decimals` digits after the point, for people; -0 is written as 0.
 *  @param decimals  0-9
 *  @return out */
char *kl_number_rounded(double value, int decimals, char *out, size_t len);

#endif

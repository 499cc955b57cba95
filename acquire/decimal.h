/* Numbers as text that survives: 17 significant digits give every double back bit for bit, and the
 * decimal sign is a point whatever language the operator's desktop speaks (a GTK program runs in
 * the user's locale, where printf may write "9,81" and strtod may stop at the point). */
#ifndef KL_ACQUIRE_DECIMAL_H
#define KL_ACQUIRE_DECIMAL_H

#include "acquire/stream.h"

#define KL_DECIMAL_MAX 32 /* bytes that hold any number, with the final 0 */

/** Shortest of "%.17g" with a point; "nan", "inf", "-inf" for what is not finite.
 *  @return length without the final 0.   Threads: any. RT safe after the first call. */
size_t kl_decimal_write(double value, char out[KL_DECIMAL_MAX]);

/** Reads a number that fills `text` but for white space around it; *value untouched if not. */
KL_CHECK bool kl_decimal_read(const char *text, double *value);

/** Reads `count` numbers separated by white space, and nothing else. */
KL_CHECK bool kl_decimal_read_list(const char *text, double *value, size_t count);

#endif

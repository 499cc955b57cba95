/* Numbers in text, read the same whatever the language of the computer.
 *
 * strtod() follows the locale (a German desktop would read "0.5" as 0), so neither data files nor
 * configurations may be read with it directly.
 */
#ifndef KL_ACQUIRE_FORMATS_NUMBER_H
#define KL_ACQUIRE_FORMATS_NUMBER_H

#include "acquire/stream.h"

/** Reads the whole of text[0..len) as one finite decimal number: sign, digits, `decimal`, digits,
 *  exponent. Correctly rounded, as strtod in the C locale. No hexadecimal, nan, inf or blanks.
 *  @param decimal  '.' or ','
 *  @param out      untouched when it is no number
 *  @return whether it is a number */
KL_CHECK bool kl_number(const char *text, size_t len, char decimal, double *out);

#endif

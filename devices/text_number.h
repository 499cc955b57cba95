/* Numbers out of text that a device or a lab wrote: a point for the decimal sign whatever the
 * desktop's language, a known length instead of a final 0, no memory, no locale. */
#ifndef KL_DEVICES_TEXT_NUMBER_H
#define KL_DEVICES_TEXT_NUMBER_H

#include "acquire/stream.h"

/** Reads the number that fills text[0..len) but for blanks around it: sign, digits, point,
 *  exponent. nan, inf and hexadecimal are no numbers here.
 *  Exact to the last bit up to 15 digits and 10^+-22, within 2 units of it beyond.
 *  @return false, *out untouched, for anything else and for what no double holds. Threads: any. RT
 *  safe */
KL_CHECK bool kl_text_number(const char *text, size_t len, double *out);

/** The same for an unsigned whole number of at most 64 bits, decimal. */
KL_CHECK bool kl_text_whole(const char *text, size_t len, uint64_t *out);

/** Takes the next word off a list of words between blanks or commas; *text moves behind it.
 *  @return its length, *word its start; 0: no more */
size_t kl_text_word(const char **text, const char **word);

#endif

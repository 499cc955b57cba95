/* Steps and flags as text, one line each: the canonical form in which results are stored and
 * compared.
 *
 * A line holds only what follows from the session's items: no wall time, no path, no locale. Two
 * runs agree when their lines are equal byte for byte; a digest every 100 lines makes that cheap to
 * check and says where a difference begins.
 *
 *     step index=12 plate=0 side=left contact_ns=5.2e9 ... contact_time=0.245 valr=!0x4000
 *     flag rule=3 side=left state=amber high=0 value=92.1 ...
 *     digest lines=100 fnv1a=8c0e9f32a1b7d544
 *
 * A metric that is not valid is `!` and its reason bits in hexadecimal; what is said beside a
 * metric (kl_mark) follows it as `<key>.marks=0x1`. Threads: any; no allocation.
 */
#ifndef KL_PROCESS_STEPS_STEP_RECORD_H
#define KL_PROCESS_STEPS_STEP_RECORD_H

#include "process/flags/flag.h"
#include "process/steps/step.h"

#define KL_RECORD_MAX 4096 /* bytes of the longest line with its final 0 */

/** @param out  out [len], len >= KL_RECORD_MAX.  @return characters written */
size_t kl_step_record(const struct kl_step *step, char *out, size_t len);

/** @param rule  row of the table the flag came from (its factor and indicator are written) */
size_t kl_flag_record(const struct kl_rule *rule, const struct kl_flag *flag, char *out,
                      size_t len);

/** 64-bit FNV-1a over all lines so far, each with a newline after it.
 *  Source: draft-eastlake-fnv; not cryptographic: it finds accidents, and integrity marks of the
 *  file find damage. */
struct kl_record_digest {
    uint64_t hash;
    uint64_t lines;
};

#define KL_RECORD_DIGEST_EVERY 100 /* lines */

struct kl_record_digest kl_record_digest_init(void);

/** Takes a line in. @return true when a digest line is due after it */
bool kl_record_digest_add(struct kl_record_digest *digest, const char *line);

/** The digest line of now. @return characters written */
size_t kl_record_digest_line(const struct kl_record_digest *digest, char *out, size_t len);

/** Compares two lines field by field.
 *  @param relative  numbers may differ by this fraction; 0: every byte counts (one build, one class
 *                   of processor), 1e-9 elsewhere
 *  @param field     out [len] name of the first field that differs; untouched when equal
 *  @return true when they agree */
bool kl_record_equal(const char *a, const char *b, double relative, char *field, size_t len);

#endif

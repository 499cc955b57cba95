/* The virtual_runner section of a lab file: every number of the simulated runner that a lab may
 * set.
 */
#ifndef KL_APP_LAB_RUNNER_H
#define KL_APP_LAB_RUNNER_H

#include "acquire/yaml.h"
#include "app/lab_document.h"
#include "app/lab_runner_motion.h"
#include "devices/virtual_runner.h"

#define KL_LAB_RUNNER_NUMBERS 18
#define KL_LAB_RUNNER_PAIRS 5

/** What the section says, as the schema lays it out; NULL: not said. */
struct kl_lab_runner {
    double *number[KL_LAB_RUNNER_NUMBERS];
    struct kl_lab_pair {
        double *value;
        unsigned count;
    } pair[KL_LAB_RUNNER_PAIRS]; /* [left, right] */
    bool *split_belt, *imu;
    unsigned *seed;
    char *subject;
    struct kl_lab_motion motion;
};

/** Schema of the section, for a CYAML_FIELD_MAPPING_PTR. */
extern const cyaml_schema_field_t kl_lab_runner_fields[];

/** The defaults, changed by what the section says and checked.
 *  @param from    NULL: no section
 *  @return KL_OK, or KL_ERR_RANGE with every fault noted in the document */
int kl_lab_runner_take(const struct kl_lab_document *document, const struct kl_lab_runner *from,
                       struct kl_virtual_runner *to);

#endif

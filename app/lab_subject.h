/* The runner section of a lab file: who runs, in numbers that people measured with a tape (methods
 * 19), and what becomes of it in the session.
 *
 *     runner:
 *       subject: R07            a code, never a name
 *       mass_kg: 68.5
 *
 * The same section alone in a file of its own (--runner FILE.yaml) stands for the lab's, so that a
 * lab file stays the lab's and every runner has a file.
 */
#ifndef KL_APP_LAB_SUBJECT_H
#define KL_APP_LAB_SUBJECT_H

#include "acquire/yaml.h"
#include "app/lab_document.h"

#define KL_SUBJECT_CODE_MAX 32
#define KL_SUBJECT_NUMBERS 11
#define KL_SUBJECT_EVENTS (KL_SUBJECT_NUMBERS + 1)

/** What the section says, as the schema lays it out; NULL: not said. */
struct kl_yaml_subject {
    char *subject;
    double *number[KL_SUBJECT_NUMBERS];
};

/** Schema of the section, for a CYAML_FIELD_MAPPING_PTR. */
extern const cyaml_schema_field_t kl_lab_subject_fields[];

/** Who runs. Numbers in SI; what was not said is not in the events. */
struct kl_lab_subject {
    char code[KL_SUBJECT_CODE_MAX]; /* "": not said */
    bool said[KL_SUBJECT_NUMBERS];
    double value[KL_SUBJECT_NUMBERS];
};

/** Checks what was said: codes, ranges, proportions of a body. Faults and doubts are noted at
 *  "runner.KEY". @param from  NULL: no section */
void kl_lab_subject_take(const struct kl_lab_document *document, const struct kl_yaml_subject *from,
                         struct kl_lab_subject *to);

/** Reads a file that holds the section alone. @return KL_OK, or a negative status with *fault */
int kl_lab_subject_load(const char *path, struct kl_lab_subject *out, struct kl_fault *fault);

/** Speed of the belt where no treadmill streams, m/s; instead of what the section says.
 *  @return KL_OK, or KL_ERR_RANGE with *fault */
int kl_lab_subject_speed(struct kl_lab_subject *subject, double speed_m_s, struct kl_fault *fault);

/** The events that a session begins with. Texts live as long as the subject.
 *  @return how many were written */
size_t kl_lab_subject_events(const struct kl_lab_subject *subject,
                             struct kl_event out[KL_SUBJECT_EVENTS]);

#endif

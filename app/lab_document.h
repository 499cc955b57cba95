/* The text a lab is read from, where in it we are, and what was found in it.
 *
 * A lab file is judged as a whole: whoever reads a part of it writes down each fault with its line
 * and its cure and goes on, so that one look at the list mends the file.
 */
#ifndef KL_APP_LAB_DOCUMENT_H
#define KL_APP_LAB_DOCUMENT_H

#include "acquire/stream.h"

#define KL_LAB_FINDINGS_MAX 64

/** Something to be said about a lab file, with its place. */
struct kl_lab_finding {
    struct kl_fault fault;
    size_t line; /* 0: the fault names its place itself */
    bool doubt;  /* it works, but is hardly what was meant */
};

struct kl_lab_findings {
    size_t count;                                       /* kept, at most KL_LAB_FINDINGS_MAX */
    size_t faults;                                      /* found, kept or not; doubts not counted */
    struct kl_lab_finding finding[KL_LAB_FINDINGS_MAX]; /* by line */
};

struct kl_lab_document {
    const char *name, *text;
    size_t len;
    unsigned device; /* from 1; 0: not in a device */
    struct kl_lab_findings *findings;
};

/** Notes a fault at `path`, which counts from the device we are in: "streams[1].plate".
 *  @return KL_ERR_RANGE */
int kl_lab_refuse(const struct kl_lab_document *document, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Notes a doubt in the same way. */
void kl_lab_doubt(const struct kl_lab_document *document, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Notes a fault that names its place itself. @return status */
int kl_lab_note(const struct kl_lab_document *document, int status, const struct kl_fault *fault);

/** The line of a value, from 1; as kl_lab_refuse takes it. */
size_t kl_lab_line(const struct kl_lab_document *document, const char *path);

/** The first fault into *fault, and how many more there are. */
void kl_lab_first_fault(const struct kl_lab_findings *findings, struct kl_fault *fault);

#endif

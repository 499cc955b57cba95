#include "app/lab_document.h"

#include "acquire/yaml.h"
#include "acquire/yaml_check.h"

#include <stdarg.h>
#include <stdio.h>

#define PATH_MAX_LEN 160

/* From the device we are in to the whole document. */
static const char *whole_path(const struct kl_lab_document *document, const char *path,
                              char out[PATH_MAX_LEN])
{
    if (document->device == 0) {
        return path;
    }
    (void)snprintf(out, PATH_MAX_LEN, "devices[%u]%s%s", document->device,
                   path[0] != '\0' ? "." : "", path);
    return out;
}

static void keep(struct kl_lab_findings *findings, const struct kl_fault *fault, size_t line,
                 bool doubt)
{
    findings->faults += doubt ? 0 : 1;
    if (findings->count == KL_LAB_FINDINGS_MAX) {
        return;
    }
    size_t at = findings->count++;
    for (; at > 0 && findings->finding[at - 1].line > line; at--) {
        findings->finding[at] = findings->finding[at - 1];
    }
    findings->finding[at] = (struct kl_lab_finding){*fault, line, doubt};
}

static void place(const struct kl_lab_document *document, const char *path, const char *format,
                  va_list args, bool doubt)
{
    struct kl_fault what = {.text = ""}, fault = {.text = ""};
    char whole[PATH_MAX_LEN];
    (void)vsnprintf(what.text, sizeof(what.text), format, args);
    (void)kl_yaml_fault(document->name, document->text, document->len,
                        whole_path(document, path, whole), &fault, "%s", what.text);
    keep(document->findings, &fault, kl_lab_line(document, path), doubt);
}

int kl_lab_refuse(const struct kl_lab_document *document, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    place(document, path, format, args, false);
    va_end(args);
    return KL_ERR_RANGE;
}

void kl_lab_doubt(const struct kl_lab_document *document, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    place(document, path, format, args, true);
    va_end(args);
}

int kl_lab_note(const struct kl_lab_document *document, int status, const struct kl_fault *fault)
{
    keep(document->findings, fault, 0, false);
    return status;
}

size_t kl_lab_line(const struct kl_lab_document *document, const char *path)
{
    char whole[PATH_MAX_LEN];
    size_t line = 1, column = 1;
    kl_yaml_place(document->text, document->len, whole_path(document, path, whole), &line, &column);
    return line;
}

void kl_lab_first_fault(const struct kl_lab_findings *findings, struct kl_fault *fault)
{
    for (size_t i = 0; fault != NULL && i < findings->count; i++) {
        if (findings->finding[i].doubt) {
            continue;
        }
        if (findings->faults > 1) {
            (void)kl_fault(fault, KL_ERR_RANGE, "%.430s (and %zu more: `kneelab check` lists them)",
                           findings->finding[i].fault.text, findings->faults - 1);
        } else {
            *fault = findings->finding[i].fault;
        }
        return;
    }
}

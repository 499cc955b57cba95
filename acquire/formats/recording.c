/* Looks at what a file holds, never only at its name, and opens it as that. */
#include "acquire/formats/recording.h"

#include "acquire/formats/c3d.h"
#include "acquire/formats/delimited.h"
#include "acquire/formats/mot.h"
#include "acquire/session_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LOOK_BYTES 65536

static bool xdf_matches(const uint8_t *buf, size_t len)
{
    return len >= 4 && memcmp(buf, "XDF:", 4) == 0;
}

static struct kl_source *open_xdf(const char *path, const struct kl_recording_options *options,
                                  struct kl_fault *fault)
{
    (void)options;
    return kl_session_open(path, fault);
}

static struct kl_source *open_c3d(const char *path, const struct kl_recording_options *options,
                                  struct kl_fault *fault)
{
    (void)options;
    return kl_c3d_open(path, fault);
}

static struct kl_source *open_mot(const char *path, const struct kl_recording_options *options,
                                  struct kl_fault *fault)
{
    (void)options;
    return kl_mot_open(path, fault);
}

/* In this order: the sure ones first, any text last. */
static const struct format {
    const char *name;
    const char *extensions; /* with a blank around each */
    bool (*matches)(const uint8_t *buf, size_t len);
    struct kl_source *(*open)(const char *path, const struct kl_recording_options *options,
                              struct kl_fault *fault);
} formats[] = {
    {"XDF", " xdf ", xdf_matches, open_xdf},
    {"C3D", " c3d ", kl_c3d_matches, open_c3d},
    {"OpenSim table", " mot sto ", kl_mot_matches, open_mot},
    {"delimited text", " csv txt tsv asc dat ", kl_delimited_is_text, kl_delimited_open},
};

/* Files people hand in by mistake, by their first bytes. */
static const struct {
    const char *bytes, *what;
} strangers[] = {
    {"PK\x03\x04", "a ZIP archive or an Excel workbook; save the sheet as CSV"},
    {"\xd0\xcf\x11\xe0", "an old Excel or Word file; save the sheet as CSV"},
    {"\x1f\x8b", "compressed with gzip; unpack it first"},
    {"MATLAB", "a MATLAB file; export the signals as CSV"},
    {"\x89HDF", "an HDF5 or MATLAB 7.3 file; export the signals as CSV"},
    {"%PDF", "a PDF"},
};

/* The format a name promises, or NULL. */
static const struct format *named_format(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    char word[12];
    if (dot == NULL || strlen(dot) > 8) {
        return NULL;
    }
    (void)snprintf(word, sizeof(word), " %s ", dot + 1);
    for (char *p = word; *p != 0; p++) {
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    }
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strstr(formats[i].extensions, word) != NULL) {
            return &formats[i];
        }
    }
    return NULL;
}

static struct kl_source *refuse(const char *path, const uint8_t *buf, size_t len,
                                struct kl_fault *fault)
{
    if (len == 0) {
        (void)kl_fault(fault, KL_ERR_DATA, "%s: empty file", path);
        return NULL;
    }
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        size_t n = strlen(strangers[i].bytes);
        if (len >= n && memcmp(buf, strangers[i].bytes, n) == 0) {
            (void)kl_fault(fault, KL_ERR_DATA, "%s: %s", path, strangers[i].what);
            return NULL;
        }
    }
    const struct format *named = named_format(path);
    char promise[48] = "";
    if (named != NULL) {
        (void)snprintf(promise, sizeof(promise), "named like %s, but ", named->name);
    }
    (void)kl_fault(fault, KL_ERR_DATA,
                   "%s: %snot a recording that can be read (it begins with %02x %02x %02x %02x); "
                   "XDF, C3D, .mot/.sto and delimited text are",
                   path, promise, buf[0], len > 1 ? buf[1] : 0, len > 2 ? buf[2] : 0,
                   len > 3 ? buf[3] : 0);
    return NULL;
}

struct kl_source *kl_recording_open(const char *path, const struct kl_recording_options *options,
                                    struct kl_fault *fault)
{
    uint8_t head[LOOK_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)kl_fault(fault, KL_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    size_t len = fread(head, 1, sizeof(head), file);
    bool failed = ferror(file) != 0;
    int reason = errno;
    (void)fclose(file);
    if (failed) {
        (void)kl_fault(fault, KL_ERR_IO, "%s: cannot be read: %s", path, strerror(reason));
        return NULL;
    }
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (!formats[i].matches(head, len)) {
            continue;
        }
        struct kl_fault why = {""};
        struct kl_source *source = formats[i].open(path, options, &why);
        const struct format *named = named_format(path);
        if (source == NULL && named != NULL && named != &formats[i]) {
            (void)kl_fault(fault, KL_ERR_DATA, "%.380s (named like %s, but it holds %s)", why.text,
                           named->name, formats[i].name);
        } else if (source == NULL) {
            (void)kl_fault(fault, KL_ERR_DATA, "%s", why.text);
        }
        return source;
    }
    return refuse(path, head, len, fault);
}

int kl_recording_left_out(struct kl_source *source, char *out, size_t len)
{
    const char *missing = kl_memory_missing(source);
    const char *remark = kl_session_remark(source);
    out[0] = '\0';
    if (missing[0] != '\0') {
        (void)snprintf(out, len, "%s; the rest is used", missing);
        return KL_ERR_DATA;
    }
    if (remark[0] != '\0') {
        (void)snprintf(out, len, "%sthe rest is used; `kneelab verify` says more", remark);
        return kl_session_damaged(source) ? KL_ERR_DATA : KL_OK;
    }
    size_t count = 0;
    const char *first = kl_memory_first_remark(source, &count);
    if (count == 1) {
        (void)snprintf(out, len, "%s", first);
    } else if (count > 1) {
        (void)snprintf(out, len, "%s (and %zu more remarks: markers at its start)", first,
                       count - 1);
    }
    return KL_OK;
}

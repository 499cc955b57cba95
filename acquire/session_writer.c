#include "acquire/session_writer.h"

#include "acquire/crc32c.h"
#include "acquire/formats/xdf_header.h"
#include "acquire/formats/xdf_write.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_ROOM (KL_XDF_BOUNDARY_SIZE + KL_MARK_SIZE)
#define GATHER_FIRST ((size_t)64 * 1024)

uint8_t *kl_session_writer_reserve(struct kl_session_writer *writer, size_t size)
{
    size_t need = writer->gathered + size + MARK_ROOM;
    if (need > writer->gather_cap) {
        size_t cap = writer->gather_cap > 0 ? writer->gather_cap : GATHER_FIRST;
        while (cap < need) {
            cap *= 2;
        }
        uint8_t *larger = realloc(writer->gather, cap);
        if (larger == NULL) {
            return NULL;
        }
        writer->gather = larger;
        writer->gather_cap = cap;
    }
    uint8_t *room = writer->gather + writer->gathered;
    writer->gathered += size;
    return room;
}

void kl_session_writer_discard(struct kl_session_writer *writer)
{
    writer->gathered = 0;
}

/* All bytes at `offset`, or the errno of what stopped them. */
static int write_all(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t done = pwrite(fd, data, size, (off_t)offset);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return errno;
        }
        if (done == 0) {
            return ENOSPC;
        }
        data += done;
        size -= (size_t)done;
        offset += (uint64_t)done;
    }
    return 0;
}

int kl_session_writer_flush(struct kl_session_writer *writer, double stamp_s, bool closed)
{
    size_t size = writer->gathered;
    uint8_t *end = kl_session_writer_reserve(writer, 0);
    if (end == NULL) {
        return KL_ERR_MEM;
    }
    (void)kl_xdf_put_boundary(end);
    size += KL_XDF_BOUNDARY_SIZE;
    /* The range starts with the mark before, which is in the file already. */
    uint32_t crc = 0;
    const struct kl_mark *previous = NULL;
    if (writer->marks > 0) {
        uint8_t chunk[KL_MARK_SIZE];
        previous = &writer->mark;
        kl_mark_write(previous, chunk);
        crc = kl_crc32c(0, chunk, sizeof(chunk));
    }
    crc = kl_crc32c(crc, writer->gather, size);
    uint32_t id = kl_session_head_role(writer->head, KL_ROLE_INTEGRITY);
    struct kl_mark mark = kl_mark_next(previous, id, stamp_s, writer->size + size, crc, closed);
    kl_mark_write(&mark, writer->gather + size);
    size += KL_MARK_SIZE;
    int refused = write_all(writer->fd, writer->gather, size, writer->size);
    if (refused != 0) {
        writer->system_error = refused;
        if (ftruncate(writer->fd, (off_t)writer->size) != 0) {
            /* The torn bytes stay until the next try writes over them; no reader believes them. */
            writer->system_error = refused;
        }
        return KL_ERR_IO;
    }
    if (writer->marks++ == 0) {
        writer->first_mark_s = stamp_s;
    }
    writer->mark = mark;
    writer->size += size;
    writer->gathered = 0;
    return KL_OK;
}

int kl_session_writer_sync(struct kl_session_writer *writer)
{
    if (fdatasync(writer->fd) != 0) {
        writer->system_error = errno;
        return KL_ERR_IO;
    }
    return KL_OK;
}

static bool gather_xml(struct kl_session_writer *writer, enum kl_xdf_tag tag, uint32_t id,
                       const char *xml)
{
    size_t size = xml != NULL ? strlen(xml) : 0;
    uint8_t *room =
        xml != NULL ? kl_session_writer_reserve(writer, kl_xdf_chunk_size(tag, size)) : NULL;
    if (room != NULL) {
        (void)kl_xdf_put_xml(room, tag, id, xml, size);
    }
    return room != NULL;
}

/* Head and mark 0; copy of the head and mark 1. */
static int write_head(struct kl_session_writer *writer)
{
    const struct kl_session_head *head = writer->head;
    double start_s = kl_seconds(KL_EPOCH_NS);
    uint8_t *magic = kl_session_writer_reserve(writer, KL_XDF_MAGIC_SIZE);
    bool good = magic != NULL && head->file_xml != NULL;
    if (good) {
        (void)kl_xdf_put_bytes(magic, KL_XDF_MAGIC, KL_XDF_MAGIC_SIZE);
        good = gather_xml(writer, KL_XDF_FILE_HEADER, 0, head->file_xml);
    }
    for (size_t i = 0; i < head->entry_count && good; i++) {
        good = gather_xml(writer, KL_XDF_STREAM_HEADER, head->entry[i].id, head->entry[i].xml);
    }
    int status = good ? kl_session_writer_flush(writer, start_s, false) : KL_ERR_MEM;
    if (status != KL_OK) {
        return status;
    }
    char *copy = kl_session_head_copy_text(head);
    size_t size = copy != NULL ? strlen(copy) : 0;
    uint8_t *room =
        copy != NULL ? kl_session_writer_reserve(writer, kl_xdf_string_size(size)) : NULL;
    if (room != NULL) {
        uint32_t id = kl_session_head_role(head, KL_ROLE_INTEGRITY);
        room = kl_xdf_put_string(room, id, start_s, size);
        (void)kl_xdf_put_bytes(room, copy, size);
    }
    free(copy);
    return room != NULL ? kl_session_writer_flush(writer, start_s, false) : KL_ERR_MEM;
}

/* The name itself must survive a power cut too. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return;
    }
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(copy);
}

static int refused(struct kl_fault *fault, const char *path, int error)
{
    static const struct {
        int error;
        const char *cure;
    } row[] = {
        {EEXIST, "choose another name; a recording is never overwritten"},
        {ENOENT, "create the folder first"},
        {EACCES, "choose a folder you may write to"},
        {EROFS, "choose a folder that can be written to"},
        {ENOSPC, "free space on the disk or choose another one"},
    };
    const char *cure = "choose another place";
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        cure = row[i].error == error ? row[i].cure : cure;
    }
    char words[96] = "";
    (void)strerror_r(error, words, sizeof(words));
    return kl_fault(fault, KL_ERR_IO, "%s: cannot be recorded to: %s; %s", path, words, cure);
}

int kl_session_file_create(const char *path, struct kl_fault *fault)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    return fd >= 0 ? fd : refused(fault, path, errno);
}

int kl_session_writer_open(struct kl_session_writer *writer, const char *path,
                           const struct kl_session_head *head, struct kl_fault *fault)
{
    *writer = (struct kl_session_writer){.head = head};
    writer->fd = kl_session_file_create(path, fault);
    if (writer->fd < 0) {
        return writer->fd;
    }
    int status = write_head(writer);
    if (status == KL_OK) {
        status = kl_session_writer_sync(writer);
    }
    if (status == KL_OK) {
        sync_folder(path);
        return KL_OK;
    }
    int error = status == KL_ERR_MEM ? ENOMEM : writer->system_error;
    kl_session_writer_close(writer);
    (void)unlink(path);
    (void)refused(fault, path, error);
    return status;
}

int kl_session_writer_finish(struct kl_session_writer *writer, double stamp_s,
                             const struct kl_session_tally *tally)
{
    const struct kl_session_head *head = writer->head;
    kl_session_writer_discard(writer);
    for (size_t i = 0; i < head->entry_count; i++) {
        struct kl_session_tally of = tally[i];
        if (head->entry[i].role == KL_ROLE_INTEGRITY) {
            /* Marks so far, the copy of the head, and the mark that is about to follow. */
            of = (struct kl_session_tally){writer->marks + 2, writer->first_mark_s, stamp_s};
        }
        char *xml = kl_xdf_footer_text(of.count, of.first_s, of.last_s);
        bool good = gather_xml(writer, KL_XDF_STREAM_FOOTER, head->entry[i].id, xml);
        free(xml);
        if (!good) {
            return KL_ERR_MEM;
        }
    }
    return kl_session_writer_flush(writer, stamp_s, true);
}

void kl_session_writer_close(struct kl_session_writer *writer)
{
    if (writer->head != NULL && writer->fd >= 0) {
        (void)close(writer->fd);
    }
    free(writer->gather);
    *writer = (struct kl_session_writer){.fd = -1};
}

#include "acquire/formats/xdf_block.h"
#include "acquire/formats/xdf_write.h"
#include "acquire/mapped_file.h"
#include "acquire/session_file.h"
#include "acquire/session_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes per mark of a copy: as a live recording has them at a few MB/s, so that later damage to the
 * copy costs as little. */
#define COPY_FLUSH ((size_t)128 * 1024)

struct copy {
    const struct kl_session_head *head;
    struct kl_session_writer writer;
    struct kl_session_tally tally[KL_SESSION_ENTRIES_MAX];
    bool gap[KL_SESSION_ENTRIES_MAX];
    double newest_s;
};

/* A copy that misses something is no clean copy: it is taken away again. */
static int not_complete(const char *to, int status, int error, struct kl_fault *fault)
{
    char words[64] = "no memory";
    if (status != KL_ERR_MEM) {
        (void)strerror_r(error, words, sizeof(words));
    }
    (void)unlink(to);
    return kl_fault(fault, status, "%s: cannot be written: %s; free space and repeat", to, words);
}

/* First and last stamp of a chunk of ours, and how many samples it has. */
static bool chunk_times(const struct copy *copy, const struct kl_session_entry *entry,
                        const struct kl_xdf_chunk *chunk, uint64_t *count, double *first_s,
                        double *last_s)
{
    struct kl_xdf_samples samples;
    bool given = false;
    if (!kl_xdf_samples_begin(chunk, &samples) || samples.count == 0 ||
        (entry->role == KL_ROLE_DATA &&
         kl_xdf_block_count(&copy->head->stream[entry->stream], chunk) < 0)) {
        return false;
    }
    size_t each = (samples.len - samples.pos) / (size_t)samples.count;
    struct kl_xdf_samples last = samples;
    last.pos += each * (size_t)(samples.count - 1);
    *count = samples.count;
    return kl_xdf_samples_stamp(&samples, &given, first_s) && given &&
           kl_xdf_samples_stamp(&last, &given, last_s) && given;
}

/* Sets the gap bit of the first sample of a data chunk, by reading and writing it again. */
static int mark_gap(const struct kl_stream *stream, const struct kl_xdf_chunk *chunk, uint32_t id,
                    uint8_t *out)
{
    int64_t n = kl_xdf_block_count(stream, chunk);
    if (n < 1) {
        return KL_ERR_DATA;
    }
    int64_t *t_ns = calloc((size_t)n, sizeof(*t_ns));
    uint32_t *quality = calloc((size_t)n, sizeof(*quality));
    double *value = calloc((size_t)n * stream->channel_count, sizeof(*value));
    int status = KL_ERR_MEM;
    if (t_ns != NULL && quality != NULL && value != NULL) {
        struct kl_block block = {
            .count = (size_t)n, .t_ns = t_ns, .value = value, .quality = quality};
        kl_xdf_block_read(stream, chunk, t_ns, value, quality);
        /* What we wrote has this size; a chunk of another writer could differ in its lengths. */
        status = kl_xdf_block_size(stream, &block) == chunk->size ? KL_OK : KL_ERR_DATA;
        if (status == KL_OK) {
            (void)kl_xdf_put_block(out, id, stream, &block, KL_QUALITY_GAP);
        }
    }
    free(t_ns);
    free(quality);
    free(value);
    return status;
}

static int copy_chunk(struct copy *copy, const uint8_t *buf, const struct kl_xdf_chunk *chunk)
{
    const struct kl_session_entry *entry = kl_session_head_find(copy->head, chunk->stream);
    if (chunk->tag != KL_XDF_SAMPLES || entry == NULL || entry->role == KL_ROLE_INTEGRITY) {
        return KL_OK; /* head, boundaries, marks and footers are written anew */
    }
    uint64_t count = 0;
    double first_s = 0;
    double last_s = 0;
    if (!chunk_times(copy, entry, chunk, &count, &first_s, &last_s)) {
        return KL_OK;
    }
    uint8_t *room = kl_session_writer_reserve(&copy->writer, chunk->size);
    if (room == NULL) {
        return KL_ERR_MEM;
    }
    memcpy(room, buf + chunk->offset, chunk->size);
    size_t index = (size_t)(entry - copy->head->entry);
    if (entry->role == KL_ROLE_DATA && copy->gap[index]) {
        copy->gap[index] = false;
        int status = mark_gap(&copy->head->stream[entry->stream], chunk, chunk->stream, room);
        if (status == KL_ERR_MEM) {
            return status;
        }
    }
    struct kl_session_tally *tally = &copy->tally[index];
    tally->first_s = tally->count == 0 ? first_s : tally->first_s;
    tally->last_s = last_s;
    tally->count += count;
    copy->newest_s = last_s > copy->newest_s ? last_s : copy->newest_s;
    return copy->writer.gathered >= COPY_FLUSH
               ? kl_session_writer_flush(&copy->writer, copy->newest_s, false)
               : KL_OK;
}

static int copy_ours(const struct kl_mapped_file *file, struct copy *copy)
{
    struct kl_session_walk walk = kl_session_walk_begin(file->data, file->size);
    struct kl_xdf_chunk chunk;
    uint64_t lost = 0;
    int status = KL_OK;
    copy->newest_s = kl_seconds(KL_EPOCH_NS);
    while (status == KL_OK && kl_session_walk_next(&walk, &chunk)) {
        if (walk.lost_ranges != lost) {
            lost = walk.lost_ranges;
            memset(copy->gap, true, sizeof(copy->gap));
        }
        status = copy_chunk(copy, file->data, &chunk);
    }
    if (status == KL_OK && copy->writer.gathered > 0) {
        status = kl_session_writer_flush(&copy->writer, copy->newest_s, false);
    }
    if (status == KL_OK) {
        status = kl_session_writer_finish(&copy->writer, copy->newest_s, copy->tally);
    }
    return status == KL_OK ? kl_session_writer_sync(&copy->writer) : status;
}

static int repair_ours(const struct kl_mapped_file *file, const char *from, const char *to,
                       struct kl_fault *fault)
{
    struct copy *copy = calloc(1, sizeof(*copy));
    struct kl_session_head *head =
        copy != NULL ? kl_session_head_read(file->data, file->size, from, fault) : NULL;
    if (head == NULL) {
        free(copy);
        return copy == NULL ? kl_fault(fault, KL_ERR_MEM, "%s: no memory", from) : KL_ERR_DATA;
    }
    copy->head = head;
    int status = kl_session_writer_open(&copy->writer, to, head, fault);
    if (status == KL_OK) {
        status = copy_ours(file, copy);
        if (status != KL_OK) {
            (void)not_complete(to, status, copy->writer.system_error, fault);
        }
    }
    kl_session_writer_close(&copy->writer);
    kl_session_head_destroy(head);
    free(copy);
    return status;
}

/* Every whole chunk of a foreign file, as it is. */
static int repair_foreign(const struct kl_mapped_file *file, const char *from, const char *to,
                          struct kl_fault *fault)
{
    if (file->size < KL_XDF_MAGIC_SIZE ||
        memcmp(file->data, KL_XDF_MAGIC, KL_XDF_MAGIC_SIZE) != 0) {
        return kl_fault(fault, KL_ERR_UNSUPPORTED,
                        "%s: is not an XDF file (it does not begin with \"XDF:\")", from);
    }
    int fd = kl_session_file_create(to, fault);
    if (fd < 0) {
        return fd;
    }
    FILE *out = fdopen(fd, "wb");
    if (out == NULL) {
        (void)close(fd);
        return kl_fault(fault, KL_ERR_MEM, "%s: no memory to write it", to);
    }
    bool good = fwrite(file->data, KL_XDF_MAGIC_SIZE, 1, out) == 1;
    for (size_t pos = KL_XDF_MAGIC_SIZE; good && pos < file->size;) {
        struct kl_xdf_chunk chunk;
        if (kl_xdf_chunk_at(file->data, file->size, pos, &chunk) == KL_XDF_CHUNK) {
            good = fwrite(file->data + pos, chunk.size, 1, out) == 1;
            pos += chunk.size;
            continue;
        }
        size_t next = kl_xdf_after_boundary(file->data, file->size, pos);
        pos = next != SIZE_MAX ? next : file->size;
    }
    good &= fflush(out) == 0 && fdatasync(fd) == 0;
    int error = errno;
    good &= fclose(out) == 0;
    return good ? KL_OK : not_complete(to, KL_ERR_IO, error, fault);
}

int kl_session_repair(const char *from, const char *to, struct kl_fault *fault)
{
    struct kl_mapped_file file;
    int status = kl_mapped_file_open(from, &file, fault);
    if (status == KL_OK) {
        status = kl_session_is_ours(file.data, file.size) ? repair_ours(&file, from, to, fault)
                                                          : repair_foreign(&file, from, to, fault);
        kl_mapped_file_close(&file);
    }
    return status;
}

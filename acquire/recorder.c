#include "acquire/recorder.h"

#include "acquire/byte_queue.h"
#include "acquire/disk_space.h"
#include "acquire/event_json.h"
#include "acquire/formats/xdf_block.h"
#include "acquire/formats/xdf_write.h"
#include "acquire/session_writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Emitted to written within 50 ms: this long asleep, the rest for the write itself. */
#define WAKE_NS (20 * INT64_C(1000000))
/* Synced at least every 200 ms: asked for at this age, the rest for the sync itself. */
#define SYNC_NS (150 * INT64_C(1000000))
#define LOOK_NS (200 * INT64_C(1000000)) /* at the space left: seen within 250 ms */
#define RETRY_NS (250 * INT64_C(1000000))
/* What close spends on a disk that stays full. */
#define CLOSE_TRIES 3
#define CLOSE_RETRY_NS (100 * INT64_C(1000000))

/* One write is at most this large, so that a mark follows soon and a file that is cut loses no more
 * than this, also at the speed of a replay; it shrinks while the disk refuses, so that the last
 * free bytes are used. */
#define PIECE_MAX ((size_t)64 * 1024)
#define PIECE_MIN ((size_t)4096)

/* Memory for a disk that stands still: 60 s of all streams, at least 64 MiB (design.md section 4
 * asks for 10 s; recorder.h promises 60). A quarter more for chunk heads, events and steps. */
#define HOLD_S 60.0
#define HOLD_SPARE 1.25
#define QUEUE_MIN ((size_t)64 * 1024 * 1024)

struct kl_recorder {
    struct kl_session_head *head;
    struct kl_byte_queue *queue;
    char name[64]; /* of the file, for messages */

    /* Session thread, then whoever closes. */
    struct kl_session_tally tally[KL_SESSION_ENTRIES_MAX];
    uint64_t dropped[KL_SESSION_ENTRIES_MAX]; /* samples lost since the last one that was kept */
    bool any_dropped;

    /* Recorder thread. */
    struct kl_session_writer writer;
    size_t piece;
    int64_t written_to_ns; /* newest time in the file */

    /* Sync thread; the recorder thread joins it before the last sync, which is its own. */
    pthread_t sync_thread;
    bool has_sync_thread;
    bool sync_stop; /* guarded by lock */

    pthread_t thread;
    pthread_mutex_t lock; /* the stops only; the session thread never takes it */
    pthread_cond_t wake;
    bool stop;
    bool complete; /* written by the thread before it ends */

    /* Read from any thread; all relaxed, each is meaningful by itself. */
    _Atomic uint64_t bytes_written, lost_items; /* by recorder thread; by session thread */
    _Atomic int64_t newest_ns;                  /* by session thread: newest time queued */
    _Atomic int64_t oldest_held_ns;             /* by recorder thread: newest time written */
    atomic_bool unsynced;                       /* by recorder thread, taken by sync thread */
    _Atomic int problem;                        /* by recorder thread: errno, 0 when all is well */
    _Atomic uint64_t free_bytes;                /* by recorder thread */
    _Atomic int sync_problem;                   /* by recorder thread: errno, stays */
};

static int64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * KL_NS_PER_S + now.tv_nsec;
}

/* ----------------------------------------------------------- recorder thread */

/* Moves up to one piece from the queue into the writer's buffer. @return cursor behind it */
static uint64_t gather(struct kl_recorder *recorder, int64_t *newest_ns)
{
    uint64_t cursor = kl_byte_queue_begin(recorder->queue);
    size_t taken = 0;
    while (taken < recorder->piece) {
        uint64_t next = cursor;
        size_t size = 0;
        int64_t t_ns = 0;
        const uint8_t *record = kl_byte_queue_peek(recorder->queue, &next, &size, &t_ns);
        uint8_t *room = record != NULL ? kl_session_writer_reserve(&recorder->writer, size) : NULL;
        if (room == NULL) {
            break;
        }
        memcpy(room, record, size);
        taken += size;
        cursor = next;
        *newest_ns = t_ns > *newest_ns ? t_ns : *newest_ns;
    }
    return cursor;
}

/* Writes everything queued. @return false when the disk refuses */
static bool drain(struct kl_recorder *recorder)
{
    while (kl_byte_queue_used(recorder->queue) > 0) {
        int64_t newest_ns = recorder->written_to_ns;
        uint64_t cursor = gather(recorder, &newest_ns);
        bool moved = recorder->writer.gathered > 0;
        int status = moved
                         ? kl_session_writer_flush(&recorder->writer, kl_seconds(newest_ns), false)
                         : KL_ERR_MEM;
        if (status != KL_OK) {
            kl_session_writer_discard(&recorder->writer); /* the queue still has it */
            if (recorder->piece > PIECE_MIN) {
                recorder->piece = recorder->piece / 4 > PIECE_MIN ? recorder->piece / 4 : PIECE_MIN;
                continue;
            }
            atomic_store_explicit(&recorder->problem,
                                  status == KL_ERR_MEM ? ENOMEM : recorder->writer.system_error,
                                  memory_order_relaxed);
            return false;
        }
        kl_byte_queue_release(recorder->queue, cursor);
        recorder->written_to_ns = newest_ns;
        atomic_store_explicit(&recorder->unsynced, true, memory_order_release);
        recorder->piece = recorder->piece < PIECE_MAX / 2 ? recorder->piece * 2 : PIECE_MAX;
        atomic_store_explicit(&recorder->bytes_written, recorder->writer.size,
                              memory_order_relaxed);
        atomic_store_explicit(&recorder->oldest_held_ns, newest_ns, memory_order_relaxed);
    }
    atomic_store_explicit(&recorder->problem, 0, memory_order_relaxed);
    return true;
}

static void sync_file(struct kl_recorder *recorder)
{
    if (atomic_exchange_explicit(&recorder->unsynced, false, memory_order_acq_rel) &&
        fdatasync(recorder->writer.fd) != 0) {
        atomic_store_explicit(&recorder->sync_problem, errno, memory_order_relaxed);
    }
}

/* Sleeps, but for a stop. @return whether to stop */
static bool wait_for_stop(struct kl_recorder *recorder, const bool *stop_flag, int64_t wait_ns)
{
    int64_t until_ns = clock_ns() + wait_ns;
    struct timespec until = {.tv_sec = (time_t)(until_ns / KL_NS_PER_S),
                             .tv_nsec = (long)(until_ns % KL_NS_PER_S)};
    (void)pthread_mutex_lock(&recorder->lock);
    int woken = 0;
    while (!*stop_flag && woken != ETIMEDOUT) {
        woken = pthread_cond_timedwait(&recorder->wake, &recorder->lock, &until);
    }
    bool stop = *stop_flag;
    (void)pthread_mutex_unlock(&recorder->lock);
    return stop;
}

static bool finish(struct kl_recorder *recorder)
{
    if (!drain(recorder)) {
        return false;
    }
    double stamp_s = kl_seconds(recorder->written_to_ns);
    if (kl_session_writer_finish(&recorder->writer, stamp_s, recorder->tally) != KL_OK) {
        atomic_store_explicit(&recorder->problem, recorder->writer.system_error,
                              memory_order_relaxed);
        return false;
    }
    return true;
}

static void *sync_now_and_then(void *arg)
{
    struct kl_recorder *recorder = arg;
    while (!wait_for_stop(recorder, &recorder->sync_stop, SYNC_NS)) {
        sync_file(recorder);
    }
    return NULL;
}

static void end_sync_thread(struct kl_recorder *recorder)
{
    if (recorder->has_sync_thread) {
        (void)pthread_mutex_lock(&recorder->lock);
        recorder->sync_stop = true;
        (void)pthread_cond_broadcast(&recorder->wake);
        (void)pthread_mutex_unlock(&recorder->lock);
        (void)pthread_join(recorder->sync_thread, NULL);
    }
}

static void *record(void *arg)
{
    struct kl_recorder *recorder = arg;
    bool flowing = true;
    int64_t looked_ns = 0;
    while (!wait_for_stop(recorder, &recorder->stop, flowing ? WAKE_NS : RETRY_NS)) {
        flowing = drain(recorder);
        if (clock_ns() - looked_ns >= LOOK_NS) {
            looked_ns = clock_ns();
            atomic_store_explicit(&recorder->free_bytes, kl_disk_space_free(recorder->writer.fd),
                                  memory_order_relaxed);
        }
    }
    bool complete = finish(recorder);
    for (int tries = 1; tries < CLOSE_TRIES && !complete; tries++) {
        struct timespec pause = {.tv_nsec = CLOSE_RETRY_NS};
        (void)nanosleep(&pause, NULL);
        complete = finish(recorder);
    }
    end_sync_thread(recorder);
    atomic_store_explicit(&recorder->unsynced, true, memory_order_relaxed); /* the footers too */
    sync_file(recorder);
    recorder->complete = complete; /* read after the join */
    return NULL;
}

/* -------------------------------------------------------------------- create */

static size_t queue_size(const struct kl_stream *streams, size_t count)
{
    double bytes_per_s = 0;
    for (size_t i = 0; i < count; i++) {
        struct kl_block one = {.count = 1};
        bytes_per_s += streams[i].rate_hz * (double)kl_xdf_block_size(&streams[i], &one);
    }
    double wanted = bytes_per_s * HOLD_S * HOLD_SPARE;
    double limit = (double)(SIZE_MAX / 4);
    return wanted < (double)QUEUE_MIN ? QUEUE_MIN : (size_t)(wanted < limit ? wanted : limit);
}

static void release(struct kl_recorder *recorder)
{
    if (recorder != NULL) {
        kl_session_writer_close(&recorder->writer);
        kl_byte_queue_destroy(recorder->queue);
        kl_session_head_destroy(recorder->head);
        free(recorder);
    }
}

static int start_thread(struct kl_recorder *recorder)
{
    pthread_condattr_t monotonic;
    (void)pthread_mutex_init(&recorder->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&recorder->wake, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    /* Signals belong to the others: a handler must not cut a write short, and a file size limit
     * (SIGXFSZ) must come as an error of the write, not as the end of the program. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&recorder->sync_thread, NULL, sync_now_and_then, recorder);
    recorder->has_sync_thread = error == 0;
    if (error == 0) {
        error = pthread_create(&recorder->thread, NULL, record, recorder);
    }
    if (error != 0) {
        end_sync_thread(recorder);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

struct kl_recorder *kl_recorder_open(const char *path, const struct kl_stream *streams,
                                     size_t count, size_t queue_bytes, struct kl_fault *fault)
{
    struct kl_recorder *recorder = calloc(1, sizeof(*recorder));
    if (recorder == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM, "%s: no memory to record", path);
        return NULL;
    }
    recorder->writer.fd = -1;
    recorder->piece = PIECE_MAX;
    recorder->written_to_ns = KL_EPOCH_NS;
    recorder->newest_ns = KL_EPOCH_NS;
    recorder->oldest_held_ns = KL_EPOCH_NS;
    const char *slash = strrchr(path, '/');
    (void)snprintf(recorder->name, sizeof(recorder->name), "%s", slash != NULL ? slash + 1 : path);
    recorder->head = kl_session_head_create(streams, count, fault);
    if (recorder->head == NULL) {
        release(recorder);
        return NULL;
    }
    size_t bytes = queue_bytes > 0 ? queue_bytes : queue_size(streams, count);
    recorder->queue = kl_byte_queue_create(bytes);
    if (recorder->queue == NULL) {
        (void)kl_fault(fault, KL_ERR_MEM,
                       "%s: no %zu MiB of memory for the queue; record fewer "
                       "streams or close other programs",
                       path, bytes >> 20);
        release(recorder);
        return NULL;
    }
    if (kl_session_writer_open(&recorder->writer, path, recorder->head, fault) != KL_OK) {
        release(recorder);
        return NULL;
    }
    recorder->bytes_written = recorder->writer.size;
    recorder->free_bytes = kl_disk_space_free(recorder->writer.fd);
    if (start_thread(recorder) != 0) {
        (void)kl_fault(fault, KL_ERR_MEM, "%s: the system gives no thread to record with", path);
        release(recorder);
        return NULL;
    }
    return recorder;
}

/* ------------------------------------------------------------ session thread */

static void count_up(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* Hands over the record that was filled: `count` samples of one entry. */
static void commit(struct kl_recorder *recorder, size_t entry, uint64_t count, int64_t first_ns,
                   int64_t last_ns)
{
    struct kl_session_tally *tally = &recorder->tally[entry];
    if (tally->count == 0) {
        tally->first_s = kl_seconds(first_ns);
    }
    tally->count += count;
    tally->last_s = kl_seconds(last_ns);
    int64_t newest_ns = atomic_load_explicit(&recorder->newest_ns, memory_order_relaxed);
    if (last_ns > newest_ns) {
        atomic_store_explicit(&recorder->newest_ns, last_ns, memory_order_relaxed);
    }
    kl_byte_queue_commit(recorder->queue, last_ns);
}

static size_t role_entry(const struct kl_recorder *recorder, enum kl_session_role role)
{
    return recorder->head->stream_count + (size_t)role; /* as _head_create puts them */
}

static bool queue_event(struct kl_recorder *recorder, const struct kl_event *event)
{
    size_t entry = role_entry(recorder, KL_ROLE_EVENTS);
    size_t size = kl_event_json_write(event, NULL, 0);
    uint8_t *room = kl_byte_queue_reserve(recorder->queue, kl_xdf_string_size(size));
    if (room == NULL) {
        return false;
    }
    room = kl_xdf_put_string(room, recorder->head->entry[entry].id, kl_seconds(event->t_ns), size);
    (void)kl_event_json_write(event, (char *)room, size);
    commit(recorder, entry, 1, event->t_ns, event->t_ns);
    return true;
}

static bool queue_line(struct kl_recorder *recorder, enum kl_session_role role, int64_t t_ns,
                       const char *text)
{
    size_t entry = role_entry(recorder, role);
    size_t size = strlen(text);
    uint8_t *room = kl_byte_queue_reserve(recorder->queue, kl_xdf_string_size(size));
    if (room == NULL) {
        count_up(&recorder->lost_items);
        return false;
    }
    room = kl_xdf_put_string(room, recorder->head->entry[entry].id, kl_seconds(t_ns), size);
    (void)kl_xdf_put_bytes(room, text, size);
    commit(recorder, entry, 1, t_ns, t_ns);
    return true;
}

static bool queue_block(struct kl_recorder *recorder, const struct kl_block *block, bool gap)
{
    const struct kl_stream *stream = &recorder->head->stream[block->stream];
    uint8_t *room = kl_byte_queue_reserve(recorder->queue, kl_xdf_block_size(stream, block));
    if (room == NULL) {
        return false;
    }
    (void)kl_xdf_put_block(room, recorder->head->entry[block->stream].id, stream, block,
                           gap ? KL_QUALITY_GAP : 0);
    commit(recorder, block->stream, block->count, block->t_ns[0], block->t_ns[block->count - 1]);
    return true;
}

/* There is room again: the file tells what it missed before it goes on. */
static void report_dropped(struct kl_recorder *recorder, size_t entry, int64_t t_ns)
{
    bool data = recorder->head->entry[entry].role == KL_ROLE_DATA;
    struct kl_event lost = {
        .kind = KL_EVENT_LOST,
        .t_ns = t_ns,
        .value = {(double)recorder->dropped[entry]},
        .text = data ? recorder->head->stream[entry].name
                     : kl_session_role_name(recorder->head->entry[entry].role),
    };
    if (queue_event(recorder, &lost)) {
        recorder->dropped[entry] = 0;
    }
}

bool kl_recorder_item(struct kl_recorder *recorder, const struct kl_item *item)
{
    bool data = item->kind == KL_ITEM_BLOCK;
    if (data && (item->block.count == 0 || item->block.stream >= recorder->head->stream_count)) {
        return item->block.count == 0;
    }
    size_t entry = data ? item->block.stream : role_entry(recorder, KL_ROLE_EVENTS);
    bool gap = recorder->dropped[entry] > 0;
    if (gap) {
        report_dropped(recorder, entry, data ? item->block.t_ns[0] : item->event.t_ns);
    }
    /* While the loss is not told, nothing may follow it as if nothing had been. */
    bool kept = recorder->dropped[entry] == 0 && (data ? queue_block(recorder, &item->block, gap)
                                                       : queue_event(recorder, &item->event));
    if (!kept) {
        recorder->dropped[entry] += data ? item->block.count : 1;
        count_up(&recorder->lost_items);
    }
    return kept;
}

bool kl_recorder_step(struct kl_recorder *recorder, int64_t t_ns, const char *text)
{
    return queue_line(recorder, KL_ROLE_STEPS, t_ns, text);
}

bool kl_recorder_flag(struct kl_recorder *recorder, int64_t t_ns, const char *text)
{
    return queue_line(recorder, KL_ROLE_FLAGS, t_ns, text);
}

bool kl_recorder_clock(struct kl_recorder *recorder, const struct kl_clock_pair *pair)
{
    char line[KL_CLOCK_PAIR_TEXT];
    (void)kl_clock_pair_write(pair, line);
    return queue_line(recorder, KL_ROLE_CLOCK, pair->t_ns, line);
}

/* --------------------------------------------------------------- any thread */

static void explain(const struct kl_recorder *recorder, struct kl_recorder_state *state)
{
    int error = atomic_load_explicit(&recorder->problem, memory_order_relaxed);
    int sync_error = atomic_load_explicit(&recorder->sync_problem, memory_order_relaxed);
    char words[64] = "";
    if (error != 0) {
        const char *cure = error == ENOSPC || error == EDQUOT ? "free space on the disk"
                           : error == EFBIG                   ? "raise the file size limit"
                                                              : "check the disk";
        (void)strerror_r(error, words, sizeof(words));
        (void)snprintf(state->problem, sizeof(state->problem),
                       "%.40s: %s; %.1f s wait in memory; %s, it goes on by itself", recorder->name,
                       words, (double)state->held_ns / 1e9, cure);
    } else if (sync_error != 0) {
        (void)strerror_r(sync_error, words, sizeof(words));
        (void)snprintf(state->problem, sizeof(state->problem),
                       "%.40s: the disk does not confirm what was written: %s; check the disk",
                       recorder->name, words);
    } else if (state->lost_items > 0) {
        (void)snprintf(state->problem, sizeof(state->problem),
                       "%.40s: %llu items found no room in memory while the disk stood still",
                       recorder->name, (unsigned long long)state->lost_items);
    }
    state->holding = error != 0;
}

struct kl_recorder_state kl_recorder_get(const struct kl_recorder *recorder)
{
    struct kl_recorder_state state = {0};
    int64_t written_ns = atomic_load_explicit(&recorder->oldest_held_ns, memory_order_relaxed);
    int64_t newest_ns = atomic_load_explicit(&recorder->newest_ns, memory_order_relaxed);
    state.bytes_written = atomic_load_explicit(&recorder->bytes_written, memory_order_relaxed);
    state.lost_items = atomic_load_explicit(&recorder->lost_items, memory_order_relaxed);
    state.bytes_queued = kl_byte_queue_used(recorder->queue);
    state.held_ns = state.bytes_queued > 0 && newest_ns > written_ns ? newest_ns - written_ns : 0;
    explain(recorder, &state);
    state.free_bytes = atomic_load_explicit(&recorder->free_bytes, memory_order_relaxed);
    /* in session time, so that a recording made faster than it runs is no alarm */
    double seconds = kl_seconds(written_ns - KL_EPOCH_NS);
    (void)kl_disk_space_text(state.free_bytes,
                             seconds >= 1 ? (double)state.bytes_written / seconds : 0,
                             state.warning, sizeof(state.warning));
    return state;
}

/* --------------------------------------------------------------------- close */

int kl_recorder_close(struct kl_recorder *recorder, struct kl_fault *fault)
{
    if (recorder == NULL) {
        return KL_OK;
    }
    for (size_t i = 0; i < recorder->head->entry_count; i++) {
        if (recorder->dropped[i] > 0) {
            report_dropped(recorder, i, recorder->newest_ns);
        }
    }
    (void)pthread_mutex_lock(&recorder->lock);
    recorder->stop = true;
    (void)pthread_cond_broadcast(&recorder->wake);
    (void)pthread_mutex_unlock(&recorder->lock);
    (void)pthread_join(recorder->thread, NULL);
    struct kl_recorder_state state = kl_recorder_get(recorder);
    int status = KL_OK;
    if (!recorder->complete) {
        char words[64] = "";
        (void)strerror_r(atomic_load_explicit(&recorder->problem, memory_order_relaxed), words,
                         sizeof(words));
        status = kl_fault(fault, KL_ERR_IO,
                          "%s: %s; the last %.3f s (%llu bytes) are not in the file and it is not "
                          "closed; what it holds can be read",
                          recorder->name, words, (double)state.held_ns / 1e9,
                          (unsigned long long)state.bytes_queued);
    } else if (state.problem[0] != '\0') {
        status = kl_fault(fault, KL_ERR_IO, "%s", state.problem);
    }
    (void)pthread_cond_destroy(&recorder->wake);
    (void)pthread_mutex_destroy(&recorder->lock);
    release(recorder);
    return status;
}

/* A whole recording while another thread asks for its state: nothing races, nothing is lost. Runs
 * under ThreadSanitizer. */
#include "acquire/recorder.h"
#include "acquire/session_file.h"
#include "random_session.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_bool done;

static void *watch(void *arg)
{
    uint64_t before = 0;
    while (!atomic_load(&done)) {
        struct kl_recorder_state state = kl_recorder_get(arg);
        if (state.bytes_written < before || state.lost_items > 0 || state.holding) {
            return arg;
        }
        before = state.bytes_written;
        (void)sched_yield();
    }
    return NULL;
}

int main(void)
{
    const char *path = test_path("stress.xdf");
    struct random_session *session = random_session_create(5, RANDOM_STREAMS, 20000, 16);
    struct kl_fault fault = {""};
    struct kl_recorder *recorder =
        kl_recorder_open(path, session->stream, session->stream_count, 0, &fault);
    pthread_t watcher;
    if (recorder == NULL || pthread_create(&watcher, NULL, watch, recorder) != 0) {
        (void)fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    bool kept = true;
    for (size_t i = 0; i < session->item_count; i++) {
        kept &= kl_recorder_item(recorder, &session->item[i]);
        if (i % 1000 == 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
    }
    atomic_store(&done, true);
    void *wrong = NULL;
    (void)pthread_join(watcher, &wrong);
    int status = kl_recorder_close(recorder, &fault);
    struct kl_source *source = kl_session_open(path, &fault);
    long found = source != NULL ? match_items(session, source, false) : -1;
    bool good = kept && wrong == NULL && status == KL_OK && found == (long)session->item_count;
    (void)printf("%ld of %zu items, %s %s\n", found, session->item_count,
                 good ? "all right" : "FAILED", fault.text);
    random_session_destroy(session);
    (void)unlink(path);
    (void)rmdir(test_folder());
    return good ? 0 : 1;
}

/* How fast a session is recorded, verified and read.   bench_session_file [FOLDER [SECONDS]]
 * The lab: 42 streams of 8 double channels at 1000 Hz, 336,000 values/s, blocks of 10 ms. */
#include "acquire/recorder.h"
#include "acquire/session_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STREAMS 42
#define CHANNELS 8
#define SAMPLES 10
#define BLOCK_NS (INT64_C(10) * 1000000)

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double record(const char *path, int seconds, double *encode_s)
{
    static struct kl_stream streams[STREAMS];
    static double value[SAMPLES * CHANNELS];
    static uint32_t quality[SAMPLES];
    int64_t t_ns[SAMPLES];
    struct kl_fault fault = {""};
    for (int i = 0; i < STREAMS; i++) {
        (void)snprintf(streams[i].name, KL_NAME_MAX, "stream.%d", i);
        streams[i].kind = KL_KIND_OTHER;
        streams[i].format = KL_FORMAT_DOUBLE64;
        streams[i].rate_hz = 1000;
        streams[i].channel_count = CHANNELS;
    }
    for (int i = 0; i < SAMPLES * CHANNELS; i++) {
        value[i] = 700.123 * i;
    }
    struct kl_recorder *recorder = kl_recorder_open(path, streams, STREAMS, 0, &fault);
    if (recorder == NULL) {
        (void)fprintf(stderr, "%s\n", fault.text);
        exit(1);
    }
    double start = now_s();
    double waited = 0;
    for (int64_t block = 0; block < (int64_t)seconds * 100; block++) {
        for (int i = 0; i < SAMPLES; i++) {
            t_ns[i] = KL_EPOCH_NS + block * BLOCK_NS + i * (BLOCK_NS / SAMPLES);
        }
        for (size_t stream = 0; stream < STREAMS; stream++) {
            struct kl_item item = {.kind = KL_ITEM_BLOCK,
                                   .block = {stream, SAMPLES, t_ns, value, quality}};
            if (!kl_recorder_item(recorder, &item)) {
                (void)fprintf(stderr, "an item was lost\n");
                exit(1);
            }
        }
        while (kl_recorder_get(recorder).bytes_queued > (size_t)48 << 20) {
            double before = now_s();
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            waited += now_s() - before;
        }
    }
    *encode_s = now_s() - start - waited;
    double close_start = now_s();
    if (kl_recorder_close(recorder, &fault) != KL_OK) {
        (void)fprintf(stderr, "%s\n", fault.text);
        exit(1);
    }
    (void)printf("close with its backlog  %8.1f ms\n", (now_s() - close_start) * 1e3);
    return now_s() - start;
}

static uint64_t read_back(const char *path)
{
    struct kl_fault fault = {""};
    struct kl_source *source = kl_session_open(path, &fault);
    struct kl_item item;
    uint64_t samples = 0;
    while (source != NULL && kl_source_next(source, 0, &item, &fault) == KL_SOURCE_ITEM) {
        samples += item.kind == KL_ITEM_BLOCK ? item.block.count : 0;
    }
    kl_source_close(source);
    return samples;
}

int main(int argc, char **argv)
{
    char path[512];
    int seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 60;
    (void)snprintf(path, sizeof(path), "%s/kneelab_bench_%ld.xdf", argc > 1 ? argv[1] : ".",
                   (long)getpid());
    double encode_s = 0;
    double write_s = record(path, seconds, &encode_s);
    static struct kl_verify_report report;
    struct kl_fault fault = {""};
    double start = now_s();
    int status = kl_session_verify(path, &report, &fault);
    double verify_s = now_s() - start;
    start = now_s();
    uint64_t samples = read_back(path);
    double read_s = now_s() - start;
    double mb = (double)report.bytes / 1e6;
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("session                 %8.1f MB, %d s, %llu samples, %llu marks, %s\n", mb,
                 seconds, (unsigned long long)samples, (unsigned long long)report.marks,
                 status == KL_OK ? "verified" : report.finding[0].text);
    (void)printf("needed live             %8.2f MB/s\n", mb / seconds);
    (void)printf("session thread          %8.1f MB/s (encoding into the queue)\n", mb / encode_s);
    (void)printf("write to synced close   %8.1f MB/s\n", mb / write_s);
    (void)printf("verify                  %8.1f MB/s\n", mb / verify_s);
    (void)printf("read as items           %8.1f MB/s\n", mb / read_s);
    (void)printf("largest memory          %8.1f MB\n", (double)usage.ru_maxrss / 1e3);
    (void)unlink(path);
    return status == KL_OK && samples == (uint64_t)seconds * 1000 * STREAMS ? 0 : 1;
}

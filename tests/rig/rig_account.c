/* The session file against what the devices meant. A sample's number is found by its values:
 * neighbours differ, and a search goes forward only. */
#include "acquire/formats/recording.h"
#include "acquire/session_file.h"
#include "rig_lab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sample may be this far ahead of the last one seen: what a device says in a minute. */
#define SEARCH 200000
#define NEAR 20000 /* values may come again: what is near is rather it */
#define NONE UINT64_MAX
/* So many samples nobody meant are looked for; the rest is as alien as they. */
#define ALIENS_MAX 20
/* Values come back as float32 at worst: half a unit in the last place is 6e-8 of the value. */
#define RELATIVE 1e-6
#define ABSOLUTE 1e-12

struct cursor {
    const struct rig_member *member;
    size_t own; /* index of the stream among the device's */
    bool power_cycles;
    uint64_t next;
    bool begun;
    size_t stream;
    rig_observer *observer;
    void *self;
};

static bool is_meant(const struct cursor *cursor, uint64_t k, const double *value, size_t channels)
{
    double meant[KL_CHANNELS_MAX] = {0};
    const struct rig_member *member = cursor->member;
    member->emulated->meant(member->seen != NULL ? member->seen : member->self, cursor->own, k,
                            meant);
    for (size_t c = 0; c < channels; c++) {
        if (!(fabs(meant[c] - value[c]) <= RELATIVE * fabs(meant[c]) + ABSOLUTE)) {
            return false;
        }
    }
    return true;
}

/* @return the number of the sample with these values, or NONE */
static uint64_t search(const struct cursor *cursor, uint64_t from, uint64_t reach,
                       const double *value, size_t channels)
{
    for (uint64_t k = from; k < from + reach; k++) {
        if (is_meant(cursor, k, value, channels)) {
            return k;
        }
    }
    return NONE;
}

static void take_sample(struct cursor *cursor, struct rig_stream_account *account, int64_t t_ns,
                        const double *value, size_t channels, uint32_t quality)
{
    const uint64_t from = cursor->next;
    const bool gap = (quality & KL_QUALITY_GAP) != 0;
    const uint64_t reach = account->alien < ALIENS_MAX ? SEARCH : 1;
    uint64_t k = NONE;
    if (!gap || !cursor->power_cycles) {
        k = search(cursor, from, gap ? NEAR : reach, value, channels);
    }
    if (k == NONE && gap) { /* it was away: it counts anew, or it was away for long */
        k = search(cursor, 0, NEAR, value, channels);
        account->restarts += k != NONE;
        cursor->next = k != NONE ? k : cursor->next;
        k = k != NONE ? k : search(cursor, from, reach, value, channels);
    }
    account->gaps += (quality & KL_QUALITY_GAP) != 0;
    account->checksums += (quality & KL_QUALITY_CHECKSUM) != 0;
    account->recorded++;
    if (k == NONE) {
        account->alien++;
        return;
    }
    if (!cursor->begun) {
        account->first = k;
        account->first_ns = t_ns;
    } else if (k > cursor->next) {
        account->missing += k - cursor->next;
        bool marked = (quality & (KL_QUALITY_GAP | KL_QUALITY_CHECKSUM)) != 0;
        account->missing_unmarked += marked ? 0 : k - cursor->next;
    }
    cursor->begun = true;
    cursor->next = k + 1;
    account->last = k;
    account->last_ns = t_ns;
    if (cursor->observer != NULL) {
        cursor->observer(cursor->self, cursor->stream, k, t_ns);
    }
}

static size_t member_named(const struct rig_lab *lab, const char *name)
{
    for (size_t i = 0; i < lab->count; i++) {
        if (strcmp(lab->member[i].name, name) == 0) {
            return i;
        }
    }
    return lab->count;
}

static void take_block(const struct kl_source *source, const struct kl_block *block,
                       struct cursor *cursor, struct rig_account *out)
{
    size_t channels = source->stream[block->stream].channel_count;
    for (size_t i = 0; i < block->count && cursor->member != NULL; i++) {
        take_sample(cursor, &out->stream[block->stream], block->t_ns[i],
                    block->value + i * channels, channels, block->quality[i]);
    }
    out->values += block->count * channels;
}

static void take_event(const struct kl_event *event, struct rig_account *out)
{
    for (size_t s = 0; s < out->count && event->kind == KL_EVENT_LOST; s++) {
        if (strcmp(event->text, out->stream[s].name) == 0) {
            out->stream[s].told += (uint64_t)event->value[0];
        }
    }
}

bool rig_lab_account(const struct rig_lab *lab, const char *session, struct rig_account *out)
{
    return rig_lab_account_each(lab, session, out, NULL, NULL);
}

bool rig_lab_account_each(const struct rig_lab *lab, const char *session, struct rig_account *out,
                          rig_observer *observer, void *self)
{
    struct kl_fault fault = {.text = ""};
    struct kl_item item;
    struct kl_source *source = kl_session_open(session, &fault);
    struct cursor *cursor = calloc(KL_STREAMS_MAX, sizeof(*cursor));
    size_t own[RIG_MEMBERS_MAX] = {0};
    memset(out, 0, sizeof(*out));
    if (source == NULL || cursor == NULL) {
        (void)fprintf(stderr, "%s: %s\n", session, fault.text);
        free(cursor);
        return false;
    }
    out->count = source->stream_count;
    for (size_t s = 0; s < out->count; s++) {
        size_t m = member_named(lab, source->stream[s].source);
        memcpy(out->stream[s].name, source->stream[s].name, KL_NAME_MAX);
        out->stream[s].rate_hz = source->stream[s].rate_hz;
        out->member_of[s] = m;
        if (m < lab->count) {
            cursor[s] = (struct cursor){.member = &lab->member[m],
                                        .own = own[m]++,
                                        .power_cycles = lab->power_cycles,
                                        .stream = s,
                                        .observer = observer,
                                        .self = self};
        }
    }
    int answer;
    while ((answer = kl_source_next(source, 0, &item, &fault)) == KL_SOURCE_ITEM) {
        if (item.kind == KL_ITEM_BLOCK) {
            take_block(source, &item.block, &cursor[item.block.stream], out);
        } else {
            take_event(&item.event, out);
        }
    }
    kl_source_close(source);
    free(cursor);
    if (answer < 0) {
        (void)fprintf(stderr, "%s: %s\n", session, fault.text);
    }
    return answer == KL_SOURCE_END;
}

void rig_lab_print(const struct rig_lab *lab, const struct rig_account *account)
{
    (void)printf("%-22s %-20s %9s %9s %9s %7s %7s %6s %6s %6s %9s\n", "stream", "driver", "rate Hz",
                 "recorded", "first", "missing", "unmarkd", "alien", "told", "gaps", "backlog B");
    for (size_t s = 0; s < account->count; s++) {
        const struct rig_stream_account *stream = &account->stream[s];
        const struct rig_member *member =
            account->member_of[s] < lab->count ? &lab->member[account->member_of[s]] : NULL;
        (void)printf(
            "%-22s %-20s %9.3f %9llu %9llu %7llu %7llu %6llu %6llu %6llu %9zu\n", stream->name,
            member != NULL ? member->emulated->driver : "?", stream->rate_hz,
            (unsigned long long)stream->recorded, (unsigned long long)stream->first,
            (unsigned long long)stream->missing, (unsigned long long)stream->missing_unmarked,
            (unsigned long long)stream->alien, (unsigned long long)stream->told,
            (unsigned long long)stream->gaps, member != NULL ? member->device.backlog_worst : 0);
    }
}

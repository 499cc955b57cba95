#include "seen.h"

#include <criterion/criterion.h>

#include <string.h>

/* FNV-1a, 64 bit. */
static uint64_t digest(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *byte = data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static void see_block(struct seen *seen, const struct kl_source *source,
                      const struct kl_block *block)
{
    size_t s = block->stream, channels = source->stream[s].channel_count;
    for (size_t i = 0; i < block->count; i++) {
        seen->increasing &= seen->samples[s] == 0 || block->t_ns[i] > seen->last_ns[s];
        seen->last_ns[s] = block->t_ns[i];
        seen->gaps[s] += (block->quality[i] & KL_QUALITY_GAP) != 0;
        seen->samples[s]++;
        uint64_t *content = &seen->content[s];
        *content = digest(*content, &block->t_ns[i], sizeof(block->t_ns[i]));
        *content = digest(*content, &block->quality[i], sizeof(block->quality[i]));
        *content = digest(*content, block->value + i * channels, channels * sizeof(double));
    }
    seen->sequence = digest(seen->sequence, &block->stream, sizeof(block->stream));
    seen->sequence = digest(seen->sequence, &block->count, sizeof(block->count));
    seen->sequence = digest(seen->sequence, &seen->content[s], sizeof(seen->content[s]));
    seen->in_time_order &= block->t_ns[0] >= seen->first_ns;
    seen->first_ns = block->t_ns[0];
    seen->block_max = block->count > seen->block_max ? block->count : seen->block_max;
    seen->newest_ns = seen->last_ns[s] > seen->newest_ns ? seen->last_ns[s] : seen->newest_ns;
}

static void see_event(struct seen *seen, const struct kl_source *source,
                      const struct kl_event *event)
{
    cr_assert_lt(seen->event_count, SEEN_EVENTS_MAX);
    size_t at = seen->event_count++;
    seen->event[at] = *event;
    seen->samples_before[at] = seen->samples[0];
    strncpy(seen->text[at], event->text, sizeof(seen->text[at]) - 1);
    seen->sequence = digest(seen->sequence, &event->t_ns, sizeof(event->t_ns));
    seen->sequence = digest(seen->sequence, event->text, strlen(event->text));
    for (size_t s = 0; event->kind == KL_EVENT_LOST && s < source->stream_count; s++) {
        if (strcmp(source->stream[s].name, event->text) == 0) {
            seen->lost_told[s] += (uint64_t)event->value[0];
        }
    }
}

int seen_pull(struct seen *seen, struct kl_source *source, uint64_t items)
{
    int answer = KL_SOURCE_IDLE;
    for (uint64_t n = 0; n < items;) {
        struct kl_item item;
        struct kl_fault fault;
        answer = kl_source_next(source, SEEN_WAIT_NS, &item, &fault);
        cr_assert_geq(answer, 0);
        if (answer == KL_SOURCE_END) {
            break;
        }
        if (answer == KL_SOURCE_ITEM) {
            n++;
            if (item.kind == KL_ITEM_BLOCK) {
                see_block(seen, source, &item.block);
            } else {
                see_event(seen, source, &item.event);
            }
        }
    }
    return answer;
}

struct seen seen_nothing(void)
{
    return (struct seen){.increasing = true, .in_time_order = true};
}

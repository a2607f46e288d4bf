/* epoch_order.c - see epoch_order.h. */
#include "run/epoch_order.h"
#include "base/philox.h"
#include <math.h>

static bool is_some(const struct epoch_order *order, size_t sentence)
{
    return sentence >= order->some.first && sentence - order->some.first < order->some.count;
}

static bool reads_some(const struct epoch_order *order, size_t epoch)
{
    return !order->some.epochs || epoch <= order->some.epochs;
}

void epoch_order_sentences(struct epoch_order *order, const bool *has_mentions, size_t count)
{
    order->count = count;
    order->has_mentions = has_mentions;
    order->empty = order->some_empty = 0;
    for (size_t i = 0; i < count; i++) {
        order->empty += !has_mentions[i];
        order->some_empty += !has_mentions[i] && is_some(order, i);
    }
}

/* Sentences without mentions that an epoch has to choose from, and how many of them it reads. */
static size_t empty_of(const struct epoch_order *order, size_t epoch)
{
    return order->empty - (reads_some(order, epoch) ? 0 : order->some_empty);
}

static size_t empty_read(const struct epoch_order *order, size_t epoch)
{
    size_t empty = empty_of(order, epoch);
    return empty - (size_t)nearbyint(order->empty_left_out * (double)empty);
}

size_t epoch_order_count(const struct epoch_order *order, size_t epoch)
{
    size_t count = order->count - (reads_some(order, epoch) ? 0 : order->some.count);
    return count - empty_of(order, epoch) + empty_read(order, epoch);
}

size_t epoch_order_batches(const struct epoch_order *order, size_t epoch, size_t batch)
{
    return (epoch_order_count(order, epoch) + batch - 1) / batch;
}

size_t epoch_order_batches_total(const struct epoch_order *order, size_t epochs, size_t batch)
{
    size_t total = 0;
    for (size_t epoch = 1; epoch <= epochs; epoch++)
        total += epoch_order_batches(order, epoch, batch);
    return total;
}

void epoch_order_write(const struct epoch_order *order, size_t epoch, size_t *numbers)
{
    size_t wanted = empty_read(order, epoch), left = empty_of(order, epoch), count = 0;
    bool all = reads_some(order, epoch);
    struct philox from;
    philox_init(&from, order->seed, philox_stream(PHILOX_EMPTY, 0), (uint32_t)epoch);
    for (size_t i = 0; i < order->count; i++)
        if ((all || !is_some(order, i)) && (order->has_mentions[i] || philox_takes(&from, &wanted, &left)))
            numbers[count++] = i;
    if (order->shuffle)
        philox_shuffle(order->seed, philox_stream(PHILOX_SHUFFLE, 0), (uint32_t)epoch, numbers, count);
}

/* epoch_order.c - see epoch_order.h. */
#include "run/epoch_order.h"
#include "base/philox.h"
#include <math.h>

void epoch_order_sentences(struct epoch_order *order, const bool *has_mentions, size_t count)
{
    order->count = count;
    order->has_mentions = has_mentions;
    order->empty = 0;
    for (size_t i = 0; i < count; i++)
        order->empty += !has_mentions[i];
}

/* Sentences without mentions that an epoch reads: as many in each. */
static size_t empty_read(const struct epoch_order *order)
{
    return order->empty - (size_t)nearbyint(order->empty_left_out * (double)order->empty);
}

size_t epoch_order_count(const struct epoch_order *order, size_t epoch)
{
    (void)epoch; /* other sentences in each, but as many */
    return order->count - order->empty + empty_read(order);
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
    size_t wanted = empty_read(order), left = order->empty, count = 0;
    struct philox from;
    philox_init(&from, order->seed, philox_stream(PHILOX_EMPTY, 0), (uint32_t)epoch);
    for (size_t i = 0; i < order->count; i++)
        if (order->has_mentions[i] || philox_takes(&from, &wanted, &left))
            numbers[count++] = i;
    if (order->shuffle)
        philox_shuffle(order->seed, philox_stream(PHILOX_SHUFFLE, 0), (uint32_t)epoch, numbers, count);
}

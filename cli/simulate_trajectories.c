// SPDX-License-Identifier: Apache-2.0
/* Threads make blocks of trajectories; one thread hands them over in the order of their ids, so a store does not depend on the threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

enum { BLOCK_BYTES = 1 << 18, MOST_BLOCK = 256 };

typedef struct block {
    int64_t first;
    size_t count;
    bool ready;
    double *values;    /* count × variables × n_steps */
    uint32_t *lengths; /* count */
    sheaf_outcome *outcomes;
} block;

typedef struct work {
    simulation *s;
    sheaf_id_range *ranges; /* missing ids */
    size_t n_ranges, at_range;
    uint64_t at_offset; /* ids of the range at hand given out */
    size_t block_size;
    block *blocks; /* a ring */
    size_t n_blocks;
    uint64_t begun, handed_over; /* blocks */
    bool stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} work;

/* Gives out the next ids; false when none are left. The lock is held. */
static bool next_ids(work *w, block *b)
{
    if (w->at_range == w->n_ranges) return false;
    sheaf_id_range range = w->ranges[w->at_range];
    uint64_t length = (uint64_t)range.last - (uint64_t)range.first + 1, left = length - w->at_offset;
    b->first = range.first + (int64_t)w->at_offset;
    b->count = left < w->block_size ? (size_t)left : w->block_size;
    w->at_offset += b->count;
    if (w->at_offset == length) {
        w->at_offset = 0;
        w->at_range++;
    }
    return true;
}

static void make_trajectory(const simulation *s, int64_t id, double *values, uint32_t *length, sheaf_outcome *outcome)
{
    double state[MODEL_STATE], step[MODEL_MOST_VARIABLES];
    const model *m = s->model;
    uint32_t t = 0;
    m->begin(s->parameters, state);
    for (; t < s->n_steps && m->step(s->parameters, s->seed, id, t, state, step); t++)
        for (size_t v = 0; v < m->n_variables; v++) values[v * s->n_steps + t] = step[v];
    *length = t;
    if (m->outcome) m->outcome(s->parameters, state, outcome);
}

static void make_block(const work *w, block *b)
{
    size_t per = w->s->model->n_variables * w->s->n_steps;
    for (size_t i = 0; i < b->count; i++)
        make_trajectory(w->s, b->first + (int64_t)i, b->values + i * per, &b->lengths[i], &b->outcomes[i]);
}

static void *make_blocks(void *argument)
{
    work *w = argument;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->stop && w->begun - w->handed_over == w->n_blocks) pthread_cond_wait(&w->changed, &w->lock);
        block *b = &w->blocks[w->begun % w->n_blocks];
        if (w->stop || !next_ids(w, b)) break;
        w->begun++;
        pthread_mutex_unlock(&w->lock);
        make_block(w, b);
        pthread_mutex_lock(&w->lock);
        b->ready = true;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static sheaf_status hand_over(work *w, const block *b, sheaf_error *err)
{
    simulation *s = w->s;
    size_t n = s->model->n_variables;
    for (size_t i = 0; i < b->count; i++) {
        const void *values[MODEL_MOST_VARIABLES];
        for (size_t v = 0; v < n; v++) values[v] = b->values + (i * n + v) * s->n_steps;
        sheaf_status status = sheaf_ensemble_put_trajectory(s->run, b->first + (int64_t)i, b->lengths[i], values,
                                                            s->model->outcome ? &b->outcomes[i] : NULL, err);
        if (status != SHEAF_OK) return status;
        s->n_put++;
    }
    cli_progress_update(&s->progress, s->n_put);
    s->interrupted = cli_interrupted();
    return SHEAF_OK;
}

/* The next block in order; NULL when all are handed over. Without threads it is made here. */
static block *next_block(work *w, unsigned n_threads)
{
    block *b = &w->blocks[w->handed_over % w->n_blocks];
    if (n_threads == 0) {
        if (!next_ids(w, b)) return NULL;
        make_block(w, b);
        return b;
    }
    pthread_mutex_lock(&w->lock);
    while (!b->ready && (w->at_range < w->n_ranges || w->begun > w->handed_over)) pthread_cond_wait(&w->changed, &w->lock);
    bool got = b->ready;
    pthread_mutex_unlock(&w->lock);
    return got ? b : NULL;
}

static sheaf_status hand_over_all(work *w, unsigned n_threads, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    for (block *b; status == SHEAF_OK && !w->s->interrupted && (b = next_block(w, n_threads));) {
        status = hand_over(w, b, err);
        pthread_mutex_lock(&w->lock);
        b->ready = false;
        w->handed_over++;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
    }
    return status;
}

static sheaf_status run_threads(work *w, sheaf_error *err)
{
    unsigned n = 0;
    pthread_t *threads = calloc(w->s->n_threads + 1, sizeof *threads);
    while (threads && n < w->s->n_threads && pthread_create(&threads[n], NULL, make_blocks, w) == 0) n++;
    /* Without threads (too little memory, or a limit) it is done here. */
    sheaf_status status = hand_over_all(w, n, err);
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < n; i++) pthread_join(threads[i], NULL);
    free(threads);
    return status;
}

static bool allocate_blocks(work *w)
{
    const simulation *s = w->s;
    size_t per = s->model->n_variables * s->n_steps * sizeof(double);
    w->block_size = BLOCK_BYTES / per;
    if (w->block_size < 1) w->block_size = 1;
    if (w->block_size > MOST_BLOCK) w->block_size = MOST_BLOCK;
    w->n_blocks = s->n_threads ? 2 * (size_t)s->n_threads + 1 : 1;
    w->blocks = calloc(w->n_blocks, sizeof *w->blocks);
    for (size_t i = 0; w->blocks && i < w->n_blocks; i++) {
        block *b = &w->blocks[i];
        b->values = malloc(w->block_size * per);
        b->lengths = calloc(w->block_size, sizeof *b->lengths);
        b->outcomes = calloc(w->block_size, sizeof *b->outcomes);
        if (!b->values || !b->lengths || !b->outcomes) return false;
    }
    return w->blocks != NULL;
}

static sheaf_status find_missing(work *w, sheaf_error *err)
{
    int64_t last = (int64_t)w->s->n_trajectories - 1;
    size_t n;
    sheaf_status status = sheaf_ensemble_missing(w->s->run, 0, last, NULL, 0, &w->n_ranges, err);
    w->ranges = calloc(w->n_ranges + 1, sizeof *w->ranges);
    if (status == SHEAF_OK && w->ranges) status = sheaf_ensemble_missing(w->s->run, 0, last, w->ranges, w->n_ranges, &n, err);
    return status;
}

sheaf_status simulate_trajectories(simulation *s, sheaf_error *err)
{
    work w = {.s = s};
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.changed, NULL);
    sheaf_status status = find_missing(&w, err);
    if (status == SHEAF_OK && (!w.ranges || !allocate_blocks(&w))) {
        memset(err, 0, sizeof *err);
        err->code = status = SHEAF_ERR_MEMORY;
        err->record = err->byte = -1;
        snprintf(err->message, sizeof err->message, "out of memory for blocks of trajectories of %u steps", s->n_steps);
    }
    if (status == SHEAF_OK) status = run_threads(&w, err);
    for (size_t i = 0; w.blocks && i < w.n_blocks; i++) {
        free(w.blocks[i].values);
        free(w.blocks[i].lengths);
        free(w.blocks[i].outcomes);
    }
    free(w.blocks);
    free(w.ranges);
    pthread_cond_destroy(&w.changed);
    pthread_mutex_destroy(&w.lock);
    return status;
}

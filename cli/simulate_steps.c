// SPDX-License-Identifier: Apache-2.0
/* The whole ensemble goes one step at a time; a team of threads shares its trajectories. A trajectory that has ended holds NaN. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"

typedef struct team {
    simulation *s;
    double *states;                       /* n × MODEL_STATE */
    double *values[MODEL_MOST_VARIABLES]; /* n each */
    uint32_t t;
    unsigned n_members;
    uint64_t turn;    /* steps begun */
    unsigned at_work; /* members that have not ended this turn */
    bool stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} team;

typedef struct member {
    team *team;
    unsigned index;
    pthread_t thread;
} member;

/* The member's share of one step. */
static void make_share(team *t, unsigned index)
{
    const simulation *s = t->s;
    uint64_t n = s->n_trajectories, first = n * index / t->n_members, end = n * (index + 1) / t->n_members;
    double step[MODEL_MOST_VARIABLES];
    for (uint64_t i = first; i < end; i++) {
        bool there = s->model->step(s->parameters, s->seed, (int64_t)i, t->t, t->states + i * MODEL_STATE, step);
        for (size_t v = 0; v < s->model->n_variables; v++) t->values[v][i] = there ? step[v] : (double)NAN;
    }
}

static void *work_along(void *argument)
{
    member *m = argument;
    team *t = m->team;
    uint64_t turn = 0;
    pthread_mutex_lock(&t->lock);
    for (;;) {
        while (!t->stop && t->turn == turn) pthread_cond_wait(&t->changed, &t->lock);
        if (t->stop) break;
        turn = t->turn;
        pthread_mutex_unlock(&t->lock);
        make_share(t, m->index);
        pthread_mutex_lock(&t->lock);
        if (--t->at_work == 0) pthread_cond_broadcast(&t->changed);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void make_step(team *t)
{
    pthread_mutex_lock(&t->lock);
    t->at_work = t->n_members - 1;
    t->turn++;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    make_share(t, 0);
    pthread_mutex_lock(&t->lock);
    while (t->at_work) pthread_cond_wait(&t->changed, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

static sheaf_status hand_over_steps(team *t, uint64_t next, sheaf_error *err)
{
    simulation *s = t->s;
    sheaf_status status = SHEAF_OK;
    for (t->t = 0; t->t < s->n_steps && status == SHEAF_OK && !s->interrupted; t->t++) {
        make_step(t); /* on resuming, the states are made again from the beginning */
        s->interrupted = cli_interrupted();
        if (t->t < next) continue;
        const void *values[MODEL_MOST_VARIABLES];
        for (size_t v = 0; v < s->model->n_variables; v++) values[v] = t->values[v];
        status = sheaf_ensemble_put_step(s->run, t->t, s->model->time(s->parameters, t->t), values, err);
        if (status == SHEAF_OK) cli_progress_update(&s->progress, ++s->n_put);
    }
    /* Interrupted after the last step: it is whole. */
    if (status == SHEAF_OK && t->t == s->n_steps) s->interrupted = false;
    return status;
}

static sheaf_status run_team(team *t, sheaf_error *err)
{
    uint64_t next;
    unsigned most = t->s->n_threads > 1 ? t->s->n_threads : 1;
    member *members = calloc(most, sizeof *members);
    /* Members wait for the first turn, so the team may still shrink to the threads that could be made. */
    t->n_members = members ? most : 1;
    unsigned made = 1;
    for (; made < t->n_members; made++) {
        members[made] = (member){.team = t, .index = made};
        if (pthread_create(&members[made].thread, NULL, work_along, &members[made]) != 0) break;
    }
    t->n_members = made;
    sheaf_status status = sheaf_ensemble_next_step(t->s->run, &next, err);
    if (status == SHEAF_OK) status = hand_over_steps(t, next, err);
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    for (unsigned i = 1; i < made; i++) pthread_join(members[i].thread, NULL);
    free(members);
    return status;
}

sheaf_status simulate_steps(simulation *s, sheaf_error *err)
{
    team t = {.s = s};
    bool bad = false;
    pthread_mutex_init(&t.lock, NULL);
    pthread_cond_init(&t.changed, NULL);
    t.states = calloc(s->n_trajectories, sizeof(double) * MODEL_STATE);
    for (size_t v = 0; v < s->model->n_variables; v++) {
        t.values[v] = calloc(s->n_trajectories, sizeof(double));
        bad |= !t.values[v];
    }
    sheaf_status status = SHEAF_OK;
    if (bad || !t.states) {
        memset(err, 0, sizeof *err);
        err->code = status = SHEAF_ERR_MEMORY;
        err->record = err->byte = -1;
        snprintf(err->message, sizeof err->message, "out of memory for one step of %llu trajectories",
                 (unsigned long long)s->n_trajectories);
    } else {
        for (uint64_t i = 0; i < s->n_trajectories; i++) s->model->begin(s->parameters, t.states + i * MODEL_STATE);
        status = run_team(&t, err);
    }
    free(t.states);
    for (size_t v = 0; v < s->model->n_variables; v++) free(t.values[v]);
    pthread_cond_destroy(&t.changed);
    pthread_mutex_destroy(&t.lock);
    return status;
}

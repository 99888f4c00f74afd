#define _GNU_SOURCE
#include "pool.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

/// Longer than the serial steps between two jobs of a token, shorter than anything a neighbour would notice.
enum { SPIN_NANOSECONDS = 20000 };

// `claim` holds the number of the job in its upper half and the next item in its lower half. A thread takes a piece by
// exchanging the whole word, so a piece can only be taken from the job whose fields the thread has read; that also
// keeps the fields unchanged until the piece is done, since the caller waits for `done`.
struct ik_pool {
    _Atomic uint64_t claim;
    _Atomic uint32_t done;
    _Atomic(ik_work) work;
    _Atomic(const void *) job;
    _Atomic uint32_t items, grain;
    _Atomic uint32_t sleepers;
    _Atomic bool caller_sleeps, stops;
    pthread_mutex_t lock;
    pthread_cond_t started, finished;
    uint32_t threads;
    ik_path path;
    /// Bytes for each thread, one part after the other.
    uint8_t *scratch;
    size_t scratch_bytes;
    _Atomic uint32_t numbered;
    pthread_t workers[];
};

/// The caller of a job is number 0.
static _Thread_local uint32_t thread_number;

static uint64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Works on the current job until no piece is left.
static void drain(ik_pool *pool) {
    uint64_t claim = atomic_load(&pool->claim);
    for (;;) {
        ik_work work = atomic_load_explicit(&pool->work, memory_order_relaxed);
        const void *job = atomic_load_explicit(&pool->job, memory_order_relaxed);
        uint32_t items = atomic_load_explicit(&pool->items, memory_order_relaxed);
        uint32_t grain = atomic_load_explicit(&pool->grain, memory_order_relaxed);
        uint32_t first = (uint32_t)claim;
        if (first >= items) {
            // Either the job is over, or a next one is being written; its number tells.
            uint64_t again = atomic_load(&pool->claim);
            if (again >> 32 == claim >> 32) return;
            claim = again;
            continue;
        }
        uint32_t last = items - first > grain ? first + grain : items;
        if (!atomic_compare_exchange_weak(&pool->claim, &claim, (claim & ~0xffffffffull) | last)) continue;
        work(job, first, last);
        if (atomic_fetch_add(&pool->done, last - first) + (last - first) == items && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->lock);
        }
        claim = atomic_load(&pool->claim);
    }
}

static void *worker(void *argument) {
    ik_pool *pool = argument;
    uint32_t seen = 0;
    thread_number = atomic_fetch_add(&pool->numbered, 1) + 1;
    for (;;) {
        uint64_t until = nanoseconds() + SPIN_NANOSECONDS;
        bool found = false;
        do {
            for (int i = 0; i < 16 && !found; i++) {
                found = (uint32_t)(atomic_load(&pool->claim) >> 32) != seen || atomic_load(&pool->stops);
                if (!found) RELAX();
            }
        } while (!found && nanoseconds() < until);
        if (!found) {
            pthread_mutex_lock(&pool->lock);
            atomic_fetch_add(&pool->sleepers, 1);
            while ((uint32_t)(atomic_load(&pool->claim) >> 32) == seen && !atomic_load(&pool->stops))
                pthread_cond_wait(&pool->started, &pool->lock);
            atomic_fetch_sub(&pool->sleepers, 1);
            pthread_mutex_unlock(&pool->lock);
        }
        if (atomic_load(&pool->stops)) return NULL;
        seen = (uint32_t)(atomic_load(&pool->claim) >> 32);
        drain(pool);
    }
}

ik_pool *ik_pool_create(uint32_t threads, ik_path path) {
    if (threads == 0 || !ik_path_available(path)) return NULL;
    ik_pool *pool = calloc(1, sizeof *pool + (threads - 1) * sizeof(pthread_t));
    if (!pool) return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->started, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->path = path;
    pool->threads = 1;
    for (uint32_t i = 0; i + 1 < threads; i++) {
        if (pthread_create(&pool->workers[i], NULL, worker, pool) != 0) {
            ik_pool_destroy(pool);
            return NULL;
        }
        pool->threads++;
    }
    return pool;
}

void ik_pool_destroy(ik_pool *pool) {
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->stops, true);
    pthread_cond_broadcast(&pool->started);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i + 1 < pool->threads; i++) pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->started);
    pthread_cond_destroy(&pool->finished);
    pthread_mutex_destroy(&pool->lock);
    ik_release(pool->scratch, pool->threads * pool->scratch_bytes);
    free(pool);
}

bool ik_pool_reserve(ik_pool *pool, size_t bytes) {
    if (bytes <= pool->scratch_bytes) return true;
    uint8_t *scratch = ik_allocate(pool->threads * bytes);
    if (!scratch) return false;
    ik_release(pool->scratch, pool->threads * pool->scratch_bytes);
    pool->scratch = scratch;
    pool->scratch_bytes = bytes;
    return true;
}

void *ik_pool_scratch(const ik_pool *pool) { return pool->scratch + thread_number * pool->scratch_bytes; }

uint32_t ik_pool_threads(const ik_pool *pool) { return pool->threads; }
ik_path ik_pool_path(const ik_pool *pool) { return pool->path; }

void ik_pool_run(ik_pool *pool, ik_work work, const void *job, uint32_t items, uint32_t grain) {
    if (items == 0) return;
    if (pool->threads == 1 || items <= grain) {
        work(job, 0, items);
        return;
    }
    // No piece of the last job is left and none is being worked on, so nobody acts on fields that change here.
    uint64_t number = (atomic_load(&pool->claim) >> 32) + 1;
    atomic_store(&pool->claim, (number << 32) | 0xffffffffu);
    atomic_store(&pool->done, 0);
    atomic_store_explicit(&pool->work, work, memory_order_relaxed);
    atomic_store_explicit(&pool->job, job, memory_order_relaxed);
    atomic_store_explicit(&pool->items, items, memory_order_relaxed);
    atomic_store_explicit(&pool->grain, grain, memory_order_relaxed);
    number += 1;
    atomic_store(&pool->claim, number << 32);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->started);
        pthread_mutex_unlock(&pool->lock);
    }
    drain(pool);
    uint64_t until = nanoseconds() + SPIN_NANOSECONDS;
    while (atomic_load(&pool->done) != items) {
        for (int i = 0; i < 16; i++) RELAX();
        if (nanoseconds() < until) continue;
        pthread_mutex_lock(&pool->lock);
        atomic_store(&pool->caller_sleeps, true);
        while (atomic_load(&pool->done) != items) pthread_cond_wait(&pool->finished, &pool->lock);
        atomic_store(&pool->caller_sleeps, false);
        pthread_mutex_unlock(&pool->lock);
    }
}

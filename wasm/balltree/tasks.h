// How threads share a job: stages, ranges of items in chunks, and queues of parts of segments in which splitting a
// large part makes a new task. No stage waits for threads, only for work that is taken and not done yet: a thread that
// arrives late, or never, delays nobody. Threads spin briefly and then sleep; one that may not sleep returns and may be
// called again, and continues where the work that is done shows.
#pragma once
#include "job.h"

constexpr int busyLoops = 1024;

/// Gives a sign of life (src/host/silence.ts). A thread calls it after every part of the work that it has taken.
extern "C" __attribute__((import_module("host"), import_name("beat"))) void beat();

/// A thread that works on a job.
struct Thread {
  int32_t index;
  bool maySleep;
};

inline int32_t atomicLoad(const int32_t* value) { return __atomic_load_n(value, __ATOMIC_SEQ_CST); }
inline void atomicStore(int32_t* value, int32_t next) { __atomic_store_n(value, next, __ATOMIC_SEQ_CST); }
inline int32_t atomicAdd(int32_t* value, int32_t more) { return __atomic_fetch_add(value, more, __ATOMIC_SEQ_CST); }
inline bool atomicReplace(int32_t* value, int32_t expected, int32_t next) {
  return __atomic_compare_exchange_n(value, &expected, next, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

inline void reportProgress(const Job& job) {
  atomicAdd(&job.sync->progress, 1);
  if (job.threads > 1) __builtin_wasm_memory_atomic_notify(&job.sync->progress, job.threads);
}

/// Waits until a condition holds that is reported as progress. Returns false if it does not hold yet and the thread may
/// not sleep.
template <typename Condition>
inline bool waitUntil(const Job& job, Thread thread, Condition holds) {
  for (int i = 0; i < busyLoops; ++i) {
    if (holds()) return true;
  }
  while (thread.maySleep) {
    const int32_t progress = atomicLoad(&job.sync->progress);
    if (holds()) return true;
    __builtin_wasm_memory_atomic_wait32(&job.sync->progress, progress, -1);
  }
  return false;
}

inline void reportDone(const Job& job, int32_t* done, int32_t total) {
  if (atomicAdd(done, 1) + 1 == total) reportProgress(job);
}

inline bool isDone(const Job& job, Thread thread, const int32_t* done, int32_t total) {
  return waitUntil(job, thread, [=] { return atomicLoad(done) == total; });
}

/// Calls work(first, end) for chunks of [0, items), shared between the threads. Returns whether all are done.
template <typename Work>
inline bool shareRange(const Job& job, Thread thread, int stage, int32_t items, int32_t chunk, Work work) {
  Stage& shared = job.sync->stages[stage];
  const int32_t chunks = (items - 1) / chunk + 1;
  while (atomicLoad(&shared.next) < chunks) {
    const int32_t first = atomicAdd(&shared.next, 1) * chunk;
    if (first >= items) break;
    work(first, items - first < chunk ? items : first + chunk);
    beat();
    reportDone(job, &shared.done, chunks);
  }
  return isDone(job, thread, &shared.done, chunks);
}

inline bool isLarge(const Job& job, int32_t count, int32_t levels) { return levels > 0 && count > job.grain; }

/// Whether a task is split in two: a large one always, a smaller one while fewer tasks wait than there are threads.
inline bool isShared(const Job& job, const Queue& queue, const Task& task) {
  if (isLarge(job, task.count, task.levels)) return true;
  if (job.threads == 1 || task.levels == 0 || task.count <= job.leastGrain) return false;
  return atomicLoad(&queue.pushed) - atomicLoad(&queue.next) < job.threads;
}

inline void pushTask(Queue& queue, Task task) {
  atomicAdd(&queue.unfinished, 1);
  Task* slot = queue.tasks + atomicAdd(&queue.pushed, 1);
  task.ready = 0;
  *slot = task;
  atomicStore(&slot->ready, 1);
}

/// Puts one task for each segment into a queue, before any thread takes one.
inline void fillQueue(const Job& job, Queue& queue, Task* tasks, const Segment* segments, int32_t count) {
  queue = {tasks, 0, 0, 0};
  for (int32_t t = 0; t < job.taskCount; ++t) tasks[t].ready = 0;
  for (int32_t s = 0; s < count; ++s) {
    pushTask(queue, {0, s, segments[s].start, segments[s].count, segments[s].levels, 0, 0, 0});
  }
}

/// Works through a queue. beginTask(task) returns whether work remains after the beginning, splitTask(task) halves a
/// part's records into the other buffer, finishTask(task) does all the rest of a task. Returns whether all are done.
template <typename BeginTask, typename SplitTask, typename FinishTask>
inline bool runQueue(const Job& job, Thread thread, Queue& queue, BeginTask beginTask, SplitTask splitTask,
                     FinishTask finishTask) {
  for (;;) {
    const int32_t next = atomicLoad(&queue.next);
    const Task* slot = queue.tasks + next;
    const auto isReady = [&] { return next < atomicLoad(&queue.pushed) && atomicLoad(&slot->ready) != 0; };
    const auto isDone = [&] { return atomicLoad(&queue.unfinished) == 0; };
    const auto wasTaken = [&] { return atomicLoad(&queue.next) != next; };
    if (!waitUntil(job, thread, [&] { return isReady() || isDone() || wasTaken(); })) return false;
    if (isDone()) return true;
    if (!isReady() || !atomicReplace(&queue.next, next, next + 1)) continue;
    Task task = *slot;
    if (beginTask(task)) {
      while (isShared(job, queue, task)) {
        splitTask(task);
        const int32_t half = task.count >> 1;
        task.levels -= 1;
        task.leaf *= 2;
        task.flipped ^= 1;
        Task right = task;
        right.start += half;
        right.count -= half;
        right.leaf += 1;
        pushTask(queue, right);
        reportProgress(job);
        task.count = half;
      }
      finishTask(task);
    }
    beat();
    if (atomicAdd(&queue.unfinished, -1) == 1) reportProgress(job);
  }
}

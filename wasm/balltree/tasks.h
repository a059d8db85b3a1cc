// How threads share a job: tickets for the items of a stage, a barrier between stages, and a queue of parts of segments
// in which splitting a large part makes a new task. Threads wait a short while busily and then sleep.
#pragma once
#include "job.h"

constexpr int busyLoops = 256;

inline int32_t atomicLoad(const int32_t* value) { return __atomic_load_n(value, __ATOMIC_SEQ_CST); }
inline void atomicStore(int32_t* value, int32_t next) { __atomic_store_n(value, next, __ATOMIC_SEQ_CST); }
inline int32_t atomicAdd(int32_t* value, int32_t more) { return __atomic_fetch_add(value, more, __ATOMIC_SEQ_CST); }

inline void waitWhile(int32_t* word, int32_t value) {
  for (int i = 0; i < busyLoops; ++i) {
    if (atomicLoad(word) != value) return;
  }
  while (atomicLoad(word) == value) __builtin_wasm_memory_atomic_wait32(word, value, -1);
}

/// All threads of the job arrive before any goes on.
inline void barrier(const Job& job) {
  if (job.threads == 1) return;
  Sync& sync = *job.sync;
  const int32_t generation = atomicLoad(&sync.generation);
  if (atomicAdd(&sync.arrived, 1) + 1 == job.threads) {
    atomicStore(&sync.arrived, 0);
    atomicStore(&sync.generation, generation + 1);
    __builtin_wasm_memory_atomic_notify(&sync.generation, job.threads);
  } else {
    waitWhile(&sync.generation, generation);
  }
}

/// Calls work(first, end) for stretches of [0, items), shared between the threads. Each stage has its own ticket
/// counter.
template <typename Work>
inline void shareRange(const Job& job, int stage, int32_t items, int32_t stretch, Work work) {
  for (;;) {
    const int32_t ticket = atomicAdd(&job.sync->tickets[stage], 1);
    if (ticket > (items - 1) / stretch) return;
    const int32_t first = ticket * stretch;
    work(first, items - first < stretch ? items : first + stretch);
  }
}

inline bool isShared(const Job& job, int32_t count, int32_t levels) { return levels > 0 && count > job.grain; }

inline int32_t countTasks(const Job& job, int32_t count, int32_t levels) {
  if (!isShared(job, count, levels)) return 1;
  return countTasks(job, count >> 1, levels - 1) + countTasks(job, count - (count >> 1), levels - 1);
}

inline void pushTask(const Job& job, Task task) {
  Task* slot = job.tasks + atomicAdd(&job.sync->pushed, 1);
  task.ready = 0;
  *slot = task;
  atomicStore(&slot->ready, 1);
  if (job.threads > 1) __builtin_wasm_memory_atomic_notify(&slot->ready, 1);
}

/// Empties the queue and puts one task for each segment. For one thread, between two barriers. TypeScript has reserved
/// room for all tasks and set their `ready` to 0.
inline void fillQueue(const Job& job, const Segment* segments, int32_t count, int stage) {
  Sync& sync = *job.sync;
  sync.tickets[stage] = 0;
  int32_t total = 0;
  for (int32_t s = 0; s < count; ++s) total += countTasks(job, segments[s].count, segments[s].levels);
  for (int32_t t = 0; t < total; ++t) job.tasks[t].ready = 0;
  sync.pushed = 0;
  sync.total = total;
  for (int32_t s = 0; s < count; ++s) {
    pushTask(job, {0, s, segments[s].start, segments[s].count, segments[s].levels, 0, 0, 0});
  }
}

/// Works through the queue. splitTask(task) halves a large part's records into the other buffer; finishTask(task) does
/// all that is left of a small one.
template <typename SplitTask, typename FinishTask>
inline void runQueue(const Job& job, int stage, SplitTask splitTask, FinishTask finishTask) {
  Sync& sync = *job.sync;
  for (;;) {
    const int32_t ticket = atomicAdd(&sync.tickets[stage], 1);
    if (ticket >= sync.total) return;
    Task* slot = job.tasks + ticket;
    waitWhile(&slot->ready, 0);
    Task task = *slot;
    while (isShared(job, task.count, task.levels)) {
      splitTask(task);
      const int32_t half = task.count >> 1;
      task.levels -= 1;
      task.leaf *= 2;
      task.flipped ^= 1;
      Task right = task;
      right.start += half;
      right.count -= half;
      right.leaf += 1;
      pushTask(job, right);
      task.count = half;
    }
    finishTask(task);
  }
}

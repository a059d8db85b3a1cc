// Loads points as records and halves segments down to their parts, for up to three dimensions.
#pragma once
#include "leaves.h"
#include "tasks.h"

/// Records the first row with a coordinate that is not finite.
inline void reportBadRow(const Job& job, int32_t row) {
  for (;;) {
    const int32_t seen = atomicLoad(&job.sync->firstBadRow);
    if (row >= seen || atomicReplace(&job.sync->firstBadRow, seen, row)) return;
  }
}

inline bool hasBadRow(const Job& job) { return atomicLoad(&job.sync->firstBadRow) < job.points; }

/// Whether the coordinates of rows [first, end) are finite: x - x is 0, but NaN for infinities and NaN.
inline bool checkRows(const Job& job, int32_t first, int32_t end) {
  const int64_t dimensionality = job.dimensionality;
  const float* values = job.positions + first * dimensionality;
  const int64_t count = (end - first) * dimensionality;
  v128_t sum = wasm_f32x4_splat(0);
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const v128_t value = wasm_v128_load(values + i);
    sum = wasm_f32x4_add(sum, wasm_f32x4_sub(value, value));
  }
  bool finite = wasm_i32x4_all_true(wasm_f32x4_eq(sum, sum));
  for (; i < count; ++i) finite &= values[i] - values[i] == 0;
  if (finite) return true;
  for (i = 0; values[i] - values[i] == 0; ++i) {
  }
  reportBadRow(job, first + (int32_t)(i / dimensionality));
  return false;
}

/// Checks rows [first, end) and writes their records. Adding 0 turns -0 into +0, so that equal coordinates have equal
/// bits.
inline bool loadRecords(const Job& job, int32_t first, int32_t end) {
  if (!checkRows(job, first, end)) return false;
  const int32_t dimensionality = job.dimensionality;
  const float* position = job.positions + (int64_t)first * dimensionality;
  for (int32_t row = first; row < end; ++row, position += dimensionality) {
    const float y = dimensionality > 1 ? position[1] : 0, z = dimensionality > 2 ? position[2] : 0;
    const v128_t coordinates = wasm_f32x4_add(wasm_f32x4_make(position[0], y, z, 0), wasm_f32x4_splat(0));
    store(job.records + row, wasm_i32x4_replace_lane(coordinates, 3, row));
  }
  return true;
}

/// Whether a task loads its points itself: it is a whole cloud, and the points have not been loaded already.
inline bool loadsItself(const Job& job, const Queue& queue, const Task& task) {
  return &queue == &job.sync->clouds && !job.sync->loadsFirst && task.count == job.segments[task.segment].count;
}

/// Halves a part `levels` times. finish(records, spare, count, levels, leaf) returns whether it has completed the part,
/// so that it needs no further split.
template <typename Finish>
inline void descend(Record* from, Record* to, int32_t count, int32_t levels, int32_t leaf, Finish& finish) {
  if (finish(from, to, count, levels, leaf)) return;
  split(from, to, count);
  const int32_t half = count >> 1;
  descend(to, from, half, levels - 1, 2 * leaf, finish);
  descend(to + half, from + half, count - half, levels - 1, 2 * leaf + 1, finish);
}

/// Works through a queue of segments; makeFinish(segment) returns the `finish` of descend(). Returns whether all are
/// done.
template <typename MakeFinish>
inline bool partitionSegments(const Job& job, Thread thread, Queue& queue, const Segment* segments,
                              MakeFinish makeFinish) {
  const auto source = [&](const Task& task) { return (task.flipped ? job.spare : job.records) + task.start; };
  const auto target = [&](const Task& task) { return (task.flipped ? job.records : job.spare) + task.start; };
  return runQueue(
      job, thread, queue,
      [&](const Task& task) {
        return !loadsItself(job, queue, task) || loadRecords(job, task.start, task.start + task.count);
      },
      [&](const Task& task) { split(source(task), target(task), task.count); },
      [&](const Task& task) {
        auto finish = makeFinish(segments[task.segment]);
        descend(source(task), target(task), task.count, task.levels, task.leaf, finish);
      });
}

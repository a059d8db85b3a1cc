// Ball trees of more than three dimensions: the same rule on indices alone, simpler and slower.
#pragma once
#include <algorithm>

#include "partition.h"

/// Returns the indices of a part, which are stored in the record buffer, one int each.
inline int32_t* wideIndices(const Job& job, int32_t start) { return (int32_t*)job.records + start; }

inline bool loadIndices(const Job& job, int32_t first, int32_t end) {
  if (!checkRows(job, first, end)) return false;
  for (int32_t row = first; row < end; ++row) wideIndices(job, 0)[row] = row;
  return true;
}

inline void splitIndices(const Job& job, int32_t* indices, int32_t count) {
  const int64_t dimensionality = job.dimensionality;
  const float* positions = job.positions;
  int32_t axis = 0;
  double most = -1;
  for (int32_t candidate = 0; candidate < dimensionality; ++candidate) {
    float low = INFINITY, high = -INFINITY;
    for (int32_t i = 0; i < count; ++i) {
      const float key = positions[indices[i] * dimensionality + candidate];
      low = key < low ? key : low;
      high = key > high ? key : high;
    }
    const double spread = (double)high - (double)low;
    if (spread > most) {
      most = spread;
      axis = candidate;
    }
  }
  std::nth_element(indices, indices + (count >> 1), indices + count, [=](int32_t a, int32_t b) {
    const float keyA = positions[a * dimensionality + axis], keyB = positions[b * dimensionality + axis];
    return keyA < keyB || (keyA == keyB && a < b);
  });
}

inline void writeWideLeaf(const Job& job, const int32_t* indices, int32_t count, int32_t* treeIdx, uint8_t* treeMask) {
  const int64_t dimensionality = job.dimensionality;
  int32_t first = std::min(indices[0], indices[count - 1]), second = std::max(indices[0], indices[count - 1]);
  double most = 0;
  bool swapped = false;
  for (int32_t axis = 0; axis < dimensionality; ++axis) {
    const double a = job.positions[first * dimensionality + axis], b = job.positions[second * dimensionality + axis];
    if (!(fabs(b - a) > most)) continue;
    most = fabs(b - a);
    swapped = b < a;
  }
  treeIdx[0] = swapped ? second : first;
  treeIdx[1] = swapped ? first : second;
  treeMask[0] = 1;
  treeMask[1] = count > 1;
}

inline void descendWide(const Job& job, int32_t* indices, int32_t count, int32_t levels, int32_t leaf, int32_t* treeIdx,
                        uint8_t* treeMask) {
  if (levels == 0) return writeWideLeaf(job, indices, count, treeIdx + 2 * leaf, treeMask + 2 * leaf);
  splitIndices(job, indices, count);
  const int32_t half = count >> 1;
  descendWide(job, indices, half, levels - 1, 2 * leaf, treeIdx, treeMask);
  descendWide(job, indices + half, count - half, levels - 1, 2 * leaf + 1, treeIdx, treeMask);
}

inline bool buildWideTrees(const Job& job, Thread thread) {
  Queue& queue = job.sync->clouds;
  return runQueue(
      job, thread, queue,
      [&](const Task& task) {
        return !loadsItself(job, queue, task) || loadIndices(job, task.start, task.start + task.count);
      },
      [&](const Task& task) { splitIndices(job, wideIndices(job, task.start), task.count); },
      [&](const Task& task) {
        const int32_t output = job.segments[task.segment].output;
        descendWide(job, wideIndices(job, task.start), task.count, task.levels, task.leaf, job.treeIdx + output,
                    job.treeMask + output);
      });
}

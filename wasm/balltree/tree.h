// Ball trees of up to three dimensions: two slots in each leaf.
#pragma once
#include "partition.h"

inline bool buildTrees(const Job& job, Thread thread) {
  return partitionSegments(job, thread, job.sync->clouds, job.segments, [&](const Segment& segment) {
    int32_t* treeIdx = job.treeIdx + segment.output;
    uint8_t* treeMask = job.treeMask + segment.output;
    return [=](Record* from, Record* to, int32_t count, int32_t levels, int32_t leaf) {
      if (levels == 3 && count > 8) {
        writeEightLeaves(from, to, count, treeIdx + 16 * leaf, treeMask + 16 * leaf);
        return true;
      }
      if (levels > 0) return false;
      writeLeaf(from, count, treeIdx + 2 * leaf, treeMask + 2 * leaf);
      return true;
    };
  });
}

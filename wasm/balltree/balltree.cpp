// The module's one entry: every thread of a job calls run(), stage after stage.
#include "graph.h"
#include "rotated.h"
#include "tree.h"
#include "wide.h"

namespace {

constexpr int32_t stretch = 8192;

// Ticket counters, one for each stage; the levels of the rotated partitions follow.
enum Stage { Load = 0, Partition = 1, RotatedPartition = 2, Boxes = 3, Search = 4, RotatedLevels = 5 };

/// Checks and loads the points; false where a coordinate is not finite.
bool loadPoints(Job& job, int32_t thread) {
  const bool wide = job.dimensionality > 3;
  shareRange(job, Load, job.points, stretch, [&](int32_t first, int32_t end) {
    checkRows(job, first, end);
    if (wide) {
      loadIndices(job, first, end);
    } else {
      loadRecords(job, first, end);
    }
  });
  if (thread == 0) fillQueue(job, job.segments, job.segmentCount, Partition);
  barrier(job);
  return atomicLoad(&job.firstBadRow) == job.points;
}

void rotate(const Job& job, int32_t thread) {
  const Rotation rotation = rotationOf(job.degrees, job.dimensionality);
  for (int32_t level = 0; level < job.levelCount; ++level) {
    barrier(job);
    shareRange(job, RotatedLevels + level, job.levels[level].nodes, stretch, [&](int32_t first, int32_t end) {
      if (level == 0) {
        rotateSlots(job, rotation, first, end);
      } else {
        averageChildren(job, level, first, end);
      }
    });
  }
  if (thread == 0) fillQueue(job, job.rotatedSegments, job.rotatedSegmentCount, RotatedPartition);
  barrier(job);
  partitionRotated(job, RotatedPartition);
}

}  // namespace

extern "C" __attribute__((export_name("run"))) void run(Job* job, int32_t thread) {
  if (job->kind != Kind::FindNeighbours && !loadPoints(*job, thread)) return;
  switch (job->kind) {
    case Kind::Tree:
      if (job->dimensionality > 3) {
        buildWideTrees(*job, Partition);
      } else {
        buildTrees(*job, Partition);
      }
      if (job->levelCount > 0) rotate(*job, thread);
      break;
    case Kind::PrepareSearch:
      if (job->dimensionality <= 3) prepareSearch(*job, Partition, Boxes);
      if (job->neighbourCount) countNeighbours(*job, Search);
      break;
    case Kind::FindNeighbours:
      findNeighbours(*job, Search, thread);
      break;
  }
}

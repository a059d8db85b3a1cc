// The module's exports: prepare() runs once for each job, then every participating thread calls run().
#include "graph.h"
#include "rotated.h"
#include "tree.h"
#include "wide.h"

namespace {

constexpr int32_t stretch = 8192;

enum StageIndex { Load = 0, Boxes = 1, Search = 2, RotatedLevels = 3 };

bool isWide(const Job& job) { return job.dimensionality > 3; }

/// Checks and loads the points, unless the tasks of the clouds do. Returns whether all are done.
bool loadPoints(const Job& job, Thread thread) {
  if (!job.sync->loadsFirst) return true;
  return shareRange(job, thread, Load, job.points, stretch, [&](int32_t first, int32_t end) {
    if (isWide(job)) {
      loadIndices(job, first, end);
    } else {
      loadRecords(job, first, end);
    }
  });
}

bool rotate(const Job& job, Thread thread) {
  const Rotation rotation = rotationOf(job.degrees, job.dimensionality);
  for (int32_t level = 0; level < job.levelCount; ++level) {
    const int32_t nodes = job.levels[level].nodes;
    const bool isDone = shareRange(job, thread, RotatedLevels + level, nodes, stretch, [&](int32_t first, int32_t end) {
      if (level == 0) {
        rotateSlots(job, rotation, first, end);
      } else {
        averageChildren(job, level, first, end);
      }
    });
    if (!isDone) return false;
  }
  return partitionRotated(job, thread);
}

bool buildBatch(const Job& job, Thread thread) {
  if (!loadPoints(job, thread)) return false;
  if (job.sync->loadsFirst && hasBadRow(job)) return true;
  if (!(isWide(job) ? buildWideTrees(job, thread) : buildTrees(job, thread))) return false;
  return job.levelCount == 0 || hasBadRow(job) || rotate(job, thread);
}

bool prepareSearch(const Job& job, Thread thread) {
  if (!loadPoints(job, thread)) return false;
  if (job.sync->loadsFirst && hasBadRow(job)) return true;
  if (!isWide(job)) {
    if (!makeBuckets(job, thread)) return false;
    if (hasBadRow(job)) return true;
    if (!joinBoxes(job, thread, Boxes)) return false;
  }
  return !job.neighbourCount || countNeighbours(job, thread, Search);
}

}  // namespace

/// Prepares a job whose description is complete for its threads.
extern "C" __attribute__((export_name("prepare"))) void prepare(const Job* job) {
  Sync& sync = *job->sync;
  sync = {};
  sync.firstBadRow = job->points;
  if (job->kind == Kind::FindNeighbours) return;
  // A search in more than three dimensions has no tasks.
  sync.loadsFirst = job->kind == Kind::PrepareSearch && isWide(*job);
  for (int32_t s = 0; s < job->segmentCount; ++s) {
    sync.loadsFirst |= isLarge(*job, job->segments[s].count, job->segments[s].levels);
  }
  fillQueue(*job, sync.clouds, job->tasks, job->segments, job->segmentCount);
  fillQueue(*job, sync.rotated, job->tasks + job->taskCount, job->rotatedSegments, job->rotatedSegmentCount);
}

/// Does one thread's part of a job. Returns whether the job is done: always, unless the thread may not sleep.
extern "C" __attribute__((export_name("run"))) bool run(const Job* job, int32_t index, bool maySleep) {
  const Thread thread = {index, maySleep};
  switch (job->kind) {
    case Kind::Tree:
      return buildBatch(*job, thread);
    case Kind::PrepareSearch:
      return prepareSearch(*job, thread);
    case Kind::FindNeighbours:
      return findNeighbours(*job, thread, Search);
  }
}

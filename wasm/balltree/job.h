// The job description that TypeScript writes into memory and every thread reads (src/balltree/job.ts reads the fields
// of `struct Job` from this text). All arrays are allocated by TypeScript: nothing here allocates.
#pragma once
#include <stdint.h>

/// A point, or a node of a rotated level, as it moves through the partition: 16 bytes, one SIMD register. With fewer
/// than three dimensions the other coordinates are 0, so they are never the axis of largest spread.
struct alignas(16) Record {
  float coordinates[3];
  int32_t id;
};

/// A range of records to be halved `levels` times: one cloud, or one cloud's nodes at one level of the rotated
/// partition.
struct Segment {
  int32_t start;   // first record
  int32_t count;   // number of records
  int32_t levels;  // how many times to halve
  int32_t output;  // index of its first result: a tree slot, a node, or a box
};

/// A part of a segment that one thread works on. `ready` becomes 1 when the other fields are valid.
struct Task {
  int32_t ready;
  int32_t segment;
  int32_t start;
  int32_t count;
  int32_t levels;
  int32_t leaf;     // index of this part among its segment's parts at this depth
  int32_t flipped;  // whether the records are in the second buffer
  int32_t unused;
};

/// One level of the hierarchy of the whole batch.
struct Level {
  int32_t nodes;
  int32_t stride;          // number of nodes of this level merged into one of the next
  int32_t start;           // first record of this level in the array of all levels
  const int32_t* offsets;  // [clouds + 1] first node of each cloud
};

/// A candidate neighbour during a search.
struct Neighbour {
  double squaredDistance;
  int32_t id;
  int32_t unused;
};

enum class Kind : int32_t { Tree = 0, PrepareSearch = 1, FindNeighbours = 2 };

/// A queue of tasks that grows while threads work through it.
struct Queue {
  Task* tasks;
  int32_t pushed;      // number of tasks pushed so far
  int32_t next;        // index of the next task to take
  int32_t unfinished;  // number of tasks pushed and not yet done
};

/// A range of items, shared between threads in chunks.
struct Stage {
  int32_t next;  // the next chunk to take
  int32_t done;  // number of chunks done
};

/// State that the threads of one job share.
struct Sync {
  int32_t firstBadRow;  // the first row with a coordinate that is not finite; the number of points if there is none
  int32_t progress;     // changes whenever something is done that a thread may wait for
  int32_t loadsFirst;   // whether all points are loaded before the first task, because threads share a cloud
  Queue clouds;
  Queue rotated;
  Stage stages[24];
};
static_assert(sizeof(void*) != 4 || sizeof(Sync) == 236, "src/balltree/job.ts knows the size");

struct Job {
  // For every kind of job.
  Kind kind;
  int32_t threads;
  int32_t dimensionality;
  int32_t points;
  int32_t clouds;
  const float* positions;  // [points, dimensionality]
  const int32_t* offsets;  // [clouds + 1]
  Record* records;         // two buffers for the partition, each with 16 records of padding
  Record* spare;
  const Segment* segments;
  int32_t segmentCount;
  Task* tasks;        // space for the tasks of the clouds, then as much for those of the rotated partitions
  int32_t taskCount;  // the capacity of each of these two
  int32_t grain;      // parts with more records than this are always split between threads
  int32_t leastGrain;  // parts with more records than this are split while threads lack work
  Sync* sync;
  // For trees.
  int32_t* treeIdx;
  uint8_t* treeMask;
  const Level* levels;  // of the rotated partitions
  int32_t levelCount;   // 0 without rotated partitions
  const Segment* rotatedSegments;
  int32_t rotatedSegmentCount;
  int32_t* rotated;  // [nodes of all levels] the result
  // For graphs.
  float* boxes;             // [nodes of all segments, 8] smallest and largest coordinates; elements 3 and 7 are unused
  int32_t* neighbourCount;  // [points] written by PrepareSearch, unless null; read by FindNeighbours
  int32_t* neighbourStart;  // [points] index in `neighbours` of each target's first
  int32_t* neighbours;      // the result: sources of one target after the other, nearest first
  Neighbour* candidates;    // [threads, maxNeighbours]
  int32_t maxNeighbours;
  int32_t loop;         // whether a point is its own neighbour
  int32_t firstTarget;  // FindNeighbours works on targets [firstTarget, endTarget)
  int32_t endTarget;
  double degrees;
  double squaredRadius;  // exclusive
};
static_assert(sizeof(void*) != 4 || sizeof(Job) == 144, "src/balltree/job.ts reads fields of 4 bytes and doubles");

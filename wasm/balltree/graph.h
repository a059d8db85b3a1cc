// Neighbour search for radius and nearest-neighbour graphs: the partition of the ball tree, stopped at small buckets,
// with a bounding box at every node. Distances are squared in float64, ((dx dx + dy dy) + dz dz), so that results equal
// a brute-force search to the last bit; a box's distance in the same arithmetic is never larger than that of its
// points.
#pragma once
#include <algorithm>

#include "partition.h"

constexpr int32_t boxFloats = 8;
constexpr int32_t searchStretch = 256;

/// Returns the box of node `index` at `depth` of a segment's tree.
inline float* boxOf(const Job& job, const Segment& segment, int32_t depth, int32_t index) {
  return job.boxes + (int64_t)(segment.output + (1 << depth) - 1 + index) * boxFloats;
}

inline int32_t leastIdOf(const float* box) { return ((const int32_t*)box)[3]; }

/// Partitions every cloud into buckets and computes their boxes. Returns whether all are done.
inline bool makeBuckets(const Job& job, Thread thread) {
  return partitionSegments(job, thread, job.sync->clouds, job.segments, [&](const Segment& segment) {
    return [&job, &segment](Record* from, Record*, int32_t count, int32_t levels, int32_t leaf) {
      if (levels > 0) return false;
      const Bounds bounds = boundsOf(from, count);
      float* box = boxOf(job, segment, segment.levels, leaf);
      // The records of a part are in the order of their ids: the first has the smallest.
      wasm_v128_store(box, wasm_i32x4_replace_lane(bounds.low, 3, from[0].id));
      wasm_v128_store(box + 4, bounds.high);
      return true;
    };
  });
}

/// Computes the boxes of all nodes above the buckets. Returns whether all are done.
inline bool joinBoxes(const Job& job, Thread thread, int stage) {
  return shareRange(job, thread, stage, job.segmentCount, 1, [&](int32_t s, int32_t) {
    const Segment& segment = job.segments[s];
    for (int32_t depth = segment.levels - 1; depth >= 0; --depth) {
      for (int32_t index = 0; index < 1 << depth; ++index) {
        float* box = boxOf(job, segment, depth, index);
        const float* children = boxOf(job, segment, depth + 1, 2 * index);
        const v128_t low = wasm_f32x4_pmin(wasm_v128_load(children), wasm_v128_load(children + boxFloats));
        const int32_t leastId = std::min(leastIdOf(children), leastIdOf(children + boxFloats));
        wasm_v128_store(box, wasm_i32x4_replace_lane(low, 3, leastId));
        wasm_v128_store(box + 4,
                        wasm_f32x4_pmax(wasm_v128_load(children + 4), wasm_v128_load(children + boxFloats + 4)));
      }
    }
  });
}

struct Target {
  double x, y, z;
  int32_t id;
};

inline double squaredDistance(const Target& target, const float* position) {
  const double dx = position[0] - target.x, dy = position[1] - target.y, dz = position[2] - target.z;
  return dx * dx + dy * dy + dz * dz;
}

inline double outside(double low, double high, double value) {
  const double under = low - value, over = value - high;
  const double more = under > over ? under : over;
  return more > 0 ? more : 0;
}

inline double squaredDistanceToBox(const Target& target, const float* box) {
  const double dx = outside(box[0], box[4], target.x);
  const double dy = outside(box[1], box[5], target.y);
  const double dz = outside(box[2], box[6], target.z);
  return dx * dx + dy * dy + dz * dz;
}

inline bool isNearer(double distanceA, int32_t idA, double distanceB, int32_t idB) {
  return distanceA < distanceB || (distanceA == distanceB && idA < idB);
}
inline bool isNearer(const Neighbour& a, const Neighbour& b) {
  return isNearer(a.squaredDistance, a.id, b.squaredDistance, b.id);
}

/// The nearest of the candidates offered, ties by id: a sorted list of at most `capacity`, a small number.
struct ShortList {
  Neighbour* list;
  int32_t capacity;
  double squaredRadius;
  int32_t count = 0;

  const Neighbour& farthest() const { return list[count - 1]; }
  bool isHopeless(double distance, int32_t leastId) const {
    if (count < capacity) return !(distance < squaredRadius);
    return !isNearer(distance, leastId, farthest().squaredDistance, farthest().id);
  }
  bool isComplete() const { return false; }
  void offer(double distance, int32_t id) {
    if (isHopeless(distance, id)) return;
    int32_t place = count < capacity ? count++ : count - 1;
    for (; place > 0 && isNearer(distance, id, list[place - 1].squaredDistance, list[place - 1].id); --place) {
      list[place] = list[place - 1];
    }
    list[place] = {distance, id, 0};
  }
  void sort() {}
};

/// The same for a large `capacity`: a heap with the farthest candidate first.
struct LongList {
  Neighbour* list;
  int32_t capacity;
  double squaredRadius;
  int32_t count = 0;

  static bool order(const Neighbour& a, const Neighbour& b) { return isNearer(a, b); }
  bool isHopeless(double distance, int32_t leastId) const {
    if (count < capacity) return !(distance < squaredRadius);
    return !isNearer(distance, leastId, list[0].squaredDistance, list[0].id);
  }
  bool isComplete() const { return false; }
  void offer(double distance, int32_t id) {
    if (isHopeless(distance, id)) return;
    if (count < capacity) {
      ++count;
    } else {
      std::pop_heap(list, list + count, order);
    }
    list[count - 1] = {distance, id, 0};
    std::push_heap(list, list + count, order);
  }
  void sort() { std::sort_heap(list, list + count, order); }
};

/// Up to this capacity a sorted list is used.
constexpr int32_t shortList = 48;

/// The number of points within the radius, up to `capacity`.
struct Counter {
  int32_t capacity;
  double squaredRadius;
  int32_t count = 0;

  bool isHopeless(double distance, int32_t) const { return !(distance < squaredRadius); }
  bool isComplete() const { return count >= capacity; }
  void offer(double distance, int32_t) { count += distance < squaredRadius; }
};

/// Offers the candidates of the target's cloud, near buckets first, skipping boxes that are too far away.
template <typename Result>
inline void searchTree(const Job& job, const Segment& segment, const Record* records, const Target& target,
                       Result& result) {
  struct Part {
    int32_t depth, index, start, count;
    double distance;
    int32_t leastId;
  };
  Part stack[32];
  int32_t waiting = 0;
  Part part = {0, 0, segment.start, segment.count, 0, segment.start};
  for (;;) {
    while (part.depth < segment.levels) {
      const int32_t half = part.count >> 1;
      const float* boxes = boxOf(job, segment, part.depth + 1, 2 * part.index);
      Part near = {part.depth + 1,  2 * part.index, part.start, half, squaredDistanceToBox(target, boxes),
                   leastIdOf(boxes)};
      Part far = {part.depth + 1,
                  2 * part.index + 1,
                  part.start + half,
                  part.count - half,
                  squaredDistanceToBox(target, boxes + boxFloats),
                  leastIdOf(boxes + boxFloats)};
      if (far.distance < near.distance) std::swap(near, far);
      if (!result.isHopeless(far.distance, far.leastId)) stack[waiting++] = far;
      part = near;
    }
    if (!result.isHopeless(part.distance, part.leastId)) {
      for (int32_t i = part.start; i < part.start + part.count; ++i) {
        const int32_t id = records[i].id;
        if (id == target.id && !job.loop) continue;
        result.offer(squaredDistance(target, records[i].coordinates), id);
      }
      if (result.isComplete()) return;
    }
    do {
      if (waiting == 0) return;
      part = stack[--waiting];
    } while (result.isHopeless(part.distance, part.leastId));
  }
}

/// Brute force over all pairs, for more than three dimensions.
template <typename Result>
inline void searchAll(const Job& job, const Segment& segment, int32_t targetId, Result& result) {
  const int64_t dimensionality = job.dimensionality;
  const float* center = job.positions + targetId * dimensionality;
  for (int32_t id = segment.start; id < segment.start + segment.count && !result.isComplete(); ++id) {
    if (id == targetId && !job.loop) continue;
    const float* position = job.positions + id * dimensionality;
    double distance = 0;
    for (int32_t axis = 0; axis < dimensionality; ++axis) {
      const double difference = (double)position[axis] - (double)center[axis];
      distance += difference * difference;
    }
    result.offer(distance, id);
  }
}

/// Calls search(id, run) for every target, in the order of the tree for the sake of the caches; run(result) does the
/// target's search. Returns whether all are done.
template <typename Search>
inline bool forEachTarget(const Job& job, Thread thread, int stage, Search search) {
  return shareRange(job, thread, stage, job.points, searchStretch, [&](int32_t first, int32_t end) {
    int32_t cloud = (int32_t)(std::upper_bound(job.offsets, job.offsets + job.clouds + 1, first) - job.offsets) - 1;
    for (int32_t i = first; i < end; ++i) {
      while (job.offsets[cloud + 1] <= i) ++cloud;
      const Segment& segment = job.segments[cloud];
      if (job.dimensionality > 3) {
        search(i, [&](auto& result) { searchAll(job, segment, i, result); });
        continue;
      }
      // All buckets of a cloud have the same depth, so all are in the same buffer.
      const Record* records = segment.levels & 1 ? job.spare : job.records;
      const Record& record = records[i];
      const Target target = {record.coordinates[0], record.coordinates[1], record.coordinates[2], record.id};
      search(record.id, [&](auto& result) { searchTree(job, segment, records, target, result); });
    }
  });
}

inline bool countNeighbours(const Job& job, Thread thread, int stage) {
  return forEachTarget(job, thread, stage, [&](int32_t id, auto run) {
    Counter counter = {job.maxNeighbours, job.squaredRadius};
    run(counter);
    job.neighbourCount[id] = std::min(counter.count, job.maxNeighbours);
  });
}

/// Finds the neighbours of targets [firstTarget, endTarget), neighbourCount of each.
inline bool findNeighbours(const Job& job, Thread thread, int stage) {
  Neighbour* list = job.candidates + (int64_t)thread.index * job.maxNeighbours;
  return forEachTarget(job, thread, stage, [&](int32_t id, auto run) {
    const int32_t capacity = job.neighbourCount[id];
    if (id < job.firstTarget || id >= job.endTarget || capacity == 0) return;
    const auto find = [&](auto nearest) {
      run(nearest);
      nearest.sort();
      int32_t* output = job.neighbours + job.neighbourStart[id];
      for (int32_t i = 0; i < nearest.count; ++i) output[i] = list[i].id;
    };
    if (capacity <= shortList) {
      find(ShortList{list, capacity, job.squaredRadius});
    } else {
      find(LongList{list, capacity, job.squaredRadius});
    }
  });
}

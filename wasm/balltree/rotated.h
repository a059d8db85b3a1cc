// Rotated partitions: tree slots at rotated positions, their means at the coarser levels, and every level's nodes
// halved until the parts are balls.
#pragma once
#include <float.h>
#include <math.h>

#include "partition.h"

/// A matrix that is multiplied by row vectors from the left, in float64.
struct Rotation {
  double entries[3][3];
};

/// The matrix of src/SPECIFICATION.md, section 2. sin and cos are this module's own, so that every host gets the same
/// bits.
inline Rotation rotationOf(double degrees, int32_t dimensionality) {
  const double angle = degrees * (M_PI / 180.0);
  const double c = cos(angle), s = sin(angle);
  if (dimensionality == 2) return {{{c, -s, 0}, {s, c, 0}, {0, 0, 0}}};
  return {{{c * c, s * c * (s - 1), s * (s + c * c)}, {s * c, s * s * s + c * c, s * c * (s - 1)}, {-s, s * c, c * c}}};
}

/// Bounds what has overflowed to an infinity. A split of coordinates that are not finite need not end, nor have halves
/// of the right sizes, and would write beyond its part.
inline v128_t bounded(v128_t coordinates) {
  return wasm_f32x4_pmax(wasm_f32x4_pmin(coordinates, wasm_f32x4_splat(FLT_MAX)), wasm_f32x4_splat(-FLT_MAX));
}

/// Writes tree slots [first, end) as records of level 0.
inline void rotateSlots(const Job& job, const Rotation& rotation, int32_t first, int32_t end) {
  const int32_t dimensionality = job.dimensionality;
  const auto& r = rotation.entries;
  for (int32_t slot = first; slot < end; ++slot) {
    const float* position = job.positions + (int64_t)job.treeIdx[slot] * dimensionality;
    const double x = position[0], y = position[1], z = dimensionality > 2 ? position[2] : 0;
    const v128_t rotated = wasm_f32x4_make((float)(x * r[0][0] + y * r[1][0] + z * r[2][0]),
                                           (float)(x * r[0][1] + y * r[1][1] + z * r[2][1]),
                                           (float)(x * r[0][2] + y * r[1][2] + z * r[2][2]), 0);
    const v128_t coordinates = wasm_f32x4_add(bounded(rotated), wasm_f32x4_splat(0));
    store(job.records + slot, wasm_i32x4_replace_lane(coordinates, 3, slot));
  }
}

/// Computes nodes [first, end) of a level as the means of their children; a group that is not full repeats its last
/// child.
inline void averageChildren(const Job& job, int32_t level, int32_t first, int32_t end) {
  const Level &fine = job.levels[level - 1], &coarse = job.levels[level];
  const v128_t scale = wasm_f32x4_splat(1.0f / (float)fine.stride);
  int32_t cloud = 0;
  for (int32_t low = 0, high = job.clouds; low < high;) {
    cloud = (low + high) >> 1;
    if (coarse.offsets[cloud + 1] <= first) {
      low = cloud + 1;
    } else {
      high = cloud;
    }
    cloud = low;
  }
  for (int32_t node = first; node < end; ++node) {
    while (coarse.offsets[cloud + 1] <= node) ++cloud;
    const int32_t last = fine.offsets[cloud + 1] - 1;
    const int32_t child = fine.offsets[cloud] + (node - coarse.offsets[cloud]) * fine.stride;
    const v128_t coordinates = wasm_i32x4_make(-1, -1, -1, 0);
    v128_t sum = wasm_v128_and(load(job.records + fine.start + child), coordinates);
    for (int32_t i = 1; i < fine.stride; ++i) {
      const Record* next = job.records + fine.start + (child + i < last ? child + i : last);
      sum = bounded(wasm_f32x4_add(sum, wasm_v128_and(load(next), coordinates)));
    }
    const v128_t mean = wasm_f32x4_mul(sum, scale);
    store(job.records + coarse.start + node, wasm_i32x4_replace_lane(mean, 3, node));
  }
}

/// Permutes the nodes of every level so that balls are contiguous. Returns whether all are done.
inline bool partitionRotated(const Job& job, Thread thread) {
  return partitionSegments(job, thread, job.sync->rotated, job.rotatedSegments, [&](const Segment& segment) {
    int32_t* first = job.rotated + segment.start;
    const int32_t count = segment.count, levels = segment.levels;
    return [=](Record* from, Record*, int32_t part, int32_t levelsLeft, int32_t leaf) {
      if (levelsLeft > 0) return false;
      // Node counts and ball sizes are powers of two, so all parts have the same size.
      int32_t* output = first + (count >> levels) * leaf;
      for (int32_t i = 0; i < part; ++i) output[i] = from[i].id;
      return true;
    };
  });
}

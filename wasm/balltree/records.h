// Records: the bounds of a part, its axis of largest spread, and its coordinates on that axis.
#pragma once
#include <math.h>
#include <wasm_simd128.h>

#include "job.h"

/// Smallest and largest coordinates; the fourth lane (the id) has no meaning.
struct Bounds {
  v128_t low;
  v128_t high;
};

/// The axis of largest spread, with the smallest and largest coordinate on it.
struct Spread {
  int32_t axis;
  float low;
  float high;
};

inline v128_t load(const Record* record) { return wasm_v128_load(record); }
inline void store(Record* record, v128_t value) { wasm_v128_store(record, value); }

inline Bounds boundsOf(const Record* records, int32_t count) {
  v128_t lowA = load(records), highA = lowA;
  v128_t lowB = lowA, highB = lowA;
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const v128_t a = load(records + i), b = load(records + i + 1);
    const v128_t c = load(records + i + 2), d = load(records + i + 3);
    lowA = wasm_f32x4_pmin(lowA, wasm_f32x4_pmin(a, b));
    highA = wasm_f32x4_pmax(highA, wasm_f32x4_pmax(a, b));
    lowB = wasm_f32x4_pmin(lowB, wasm_f32x4_pmin(c, d));
    highB = wasm_f32x4_pmax(highB, wasm_f32x4_pmax(c, d));
  }
  for (; i < count; ++i) {
    const v128_t a = load(records + i);
    lowA = wasm_f32x4_pmin(lowA, a);
    highA = wasm_f32x4_pmax(highA, a);
  }
  return {wasm_f32x4_pmin(lowA, lowB), wasm_f32x4_pmax(highA, highB)};
}

/// Returns the first axis of largest spread. The differences are computed in float64: rounding to float32 could change
/// the winner.
inline int32_t widestAxisExactly(Bounds bounds) {
  const double spread0 =
      (double)wasm_f32x4_extract_lane(bounds.high, 0) - (double)wasm_f32x4_extract_lane(bounds.low, 0);
  const double spread1 =
      (double)wasm_f32x4_extract_lane(bounds.high, 1) - (double)wasm_f32x4_extract_lane(bounds.low, 1);
  const double spread2 =
      (double)wasm_f32x4_extract_lane(bounds.high, 2) - (double)wasm_f32x4_extract_lane(bounds.low, 2);
  if (spread2 > spread0 && spread2 > spread1) return 2;
  return spread1 > spread0 ? 1 : 0;
}

/// The same, but where one spread is clearly the largest, float32 decides, without an unpredictable branch.
inline int32_t widestAxis(Bounds bounds) {
  // The fourth lane is left out: ids look like denormal numbers, whose arithmetic takes a hundred times as long.
  const v128_t low = wasm_i32x4_shuffle(bounds.low, bounds.low, 0, 1, 2, 2);
  const v128_t high = wasm_i32x4_shuffle(bounds.high, bounds.high, 0, 1, 2, 2);
  const v128_t spreads = wasm_f32x4_sub(high, low);
  const v128_t slightlyMore = wasm_f32x4_mul(spreads, wasm_f32x4_splat(1.000001f));
  const v128_t isWidest = wasm_v128_and(
      wasm_f32x4_gt(spreads, wasm_i32x4_shuffle(slightlyMore, slightlyMore, 1, 2, 0, 3)),
      wasm_f32x4_gt(spreads, wasm_i32x4_shuffle(slightlyMore, slightlyMore, 2, 0, 1, 3)));
  const uint32_t axes = wasm_i32x4_bitmask(isWidest) & 7;
  return axes ? (int32_t)(axes >> 1) : widestAxisExactly(bounds);
}

inline Spread spreadOf(Bounds bounds) {
  alignas(16) float low[4], high[4];
  wasm_v128_store(low, bounds.low);
  wasm_v128_store(high, bounds.high);
  const int32_t axis = widestAxis(bounds);
  return {axis, low[axis], high[axis]};
}

inline float keyOf(const Record* record, int32_t axis) { return record->coordinates[axis]; }

/// The same coordinate of four records, one in each lane.
struct Lanes {
  v128_t x, y, z, id;
};

inline Lanes transpose(v128_t a, v128_t b, v128_t c, v128_t d) {
  const v128_t lowAB = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), highAB = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
  const v128_t lowCD = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), highCD = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
  return {wasm_i64x2_shuffle(lowAB, lowCD, 0, 2), wasm_i64x2_shuffle(lowAB, lowCD, 1, 3),
          wasm_i64x2_shuffle(highAB, highCD, 0, 2), wasm_i64x2_shuffle(highAB, highCD, 1, 3)};
}

/// Writes all coordinates of a part, one axis after the other in rows of `stride`, and returns its bounds. Up to three
/// elements are written past each row's end.
inline Bounds gatherCoordinates(const Record* from, int32_t count, float* rows, int32_t stride) {
  const v128_t least = wasm_f32x4_splat(INFINITY), most = wasm_f32x4_splat(-INFINITY);
  Lanes low = {least, least, least, least}, high = {most, most, most, most};
  const int32_t last = count - 1;
  const auto gatherFour = [&](int32_t i, v128_t a, v128_t b, v128_t c, v128_t d) {
    const Lanes lanes = transpose(a, b, c, d);
    low = {wasm_f32x4_pmin(low.x, lanes.x), wasm_f32x4_pmin(low.y, lanes.y), wasm_f32x4_pmin(low.z, lanes.z), least};
    high = {wasm_f32x4_pmax(high.x, lanes.x), wasm_f32x4_pmax(high.y, lanes.y), wasm_f32x4_pmax(high.z, lanes.z), most};
    wasm_v128_store(rows + i, lanes.x);
    wasm_v128_store(rows + stride + i, lanes.y);
    wasm_v128_store(rows + 2 * stride + i, lanes.z);
  };
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    gatherFour(i, load(from + i), load(from + i + 1), load(from + i + 2), load(from + i + 3));
  }
  if (i < count) {
    // The last record replaces those beyond the part's end.
    const Record *b = from + (i < last ? i + 1 : last), *c = from + (i + 1 < last ? i + 2 : last);
    gatherFour(i, load(from + i), load(b), load(c), load(from + last));
  }
  const Lanes lows = transpose(low.x, low.y, low.z, least), highs = transpose(high.x, high.y, high.z, most);
  return {wasm_f32x4_pmin(wasm_f32x4_pmin(lows.x, lows.y), wasm_f32x4_pmin(lows.z, lows.id)),
          wasm_f32x4_pmax(wasm_f32x4_pmax(highs.x, highs.y), wasm_f32x4_pmax(highs.z, highs.id))};
}

/// Returns the coordinates of four consecutive records on one axis.
inline v128_t fourKeys(const Record* records, int32_t axis) {
  v128_t keys = wasm_v128_load32_splat(&records[0].coordinates[axis]);
  keys = wasm_v128_load32_lane(&records[1].coordinates[axis], keys, 1);
  keys = wasm_v128_load32_lane(&records[2].coordinates[axis], keys, 2);
  return wasm_v128_load32_lane(&records[3].coordinates[axis], keys, 3);
}

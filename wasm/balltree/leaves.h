// The bottom of a tree: the last splits of up to 16 points and the order within each leaf, for four nodes at a time,
// one node in each SIMD lane, without branches.
#pragma once
#include "split.h"

/// Four float64 values.
struct Doubles {
  v128_t first, second;
};

inline Doubles differenceOf(v128_t a, v128_t b) {
  const v128_t a2 = wasm_i32x4_shuffle(a, a, 2, 3, 0, 1), b2 = wasm_i32x4_shuffle(b, b, 2, 3, 0, 1);
  return {wasm_f64x2_sub(wasm_f64x2_promote_low_f32x4(a), wasm_f64x2_promote_low_f32x4(b)),
          wasm_f64x2_sub(wasm_f64x2_promote_low_f32x4(a2), wasm_f64x2_promote_low_f32x4(b2))};
}

inline v128_t isGreater(Doubles a, Doubles b) {
  return wasm_i32x4_shuffle(wasm_f64x2_gt(a.first, b.first), wasm_f64x2_gt(a.second, b.second), 0, 2, 4, 6);
}

/// Masks of the lanes whose axis of largest spread is the second or the third.
struct AxisChoice {
  v128_t second, third;
};

/// Chooses the axis with the largest high - low, computed in float64; the first axis wins a tie.
inline AxisChoice chooseAxis(Doubles x, Doubles y, Doubles z) {
  const v128_t second = isGreater(y, x);
  const Doubles most = {wasm_f64x2_pmax(x.first, y.first), wasm_f64x2_pmax(x.second, y.second)};
  return {second, isGreater(z, most)};
}

inline v128_t onAxis(AxisChoice axis, v128_t x, v128_t y, v128_t z) {
  return wasm_v128_bitselect(z, wasm_v128_bitselect(y, x, axis.second), axis.third);
}

inline v128_t minimum(v128_t a, v128_t b, v128_t c, v128_t d) {
  return wasm_f32x4_pmin(wasm_f32x4_pmin(a, b), wasm_f32x4_pmin(c, d));
}
inline v128_t maximum(v128_t a, v128_t b, v128_t c, v128_t d) {
  return wasm_f32x4_pmax(wasm_f32x4_pmax(a, b), wasm_f32x4_pmax(c, d));
}

/// Sorts each of four parts of 2 to 4 records, at `starts` of `from`, along its own axis of largest spread; ties stay
/// in order. Part p is written to to[4 p].
inline void sortFourParts(const Record* from, const int32_t* starts, Record* to) {
  v128_t records[4][4];
  Lanes lanes[4];
  const v128_t begin = wasm_v128_load(starts), end = wasm_v128_load(starts + 1);
  const v128_t sizes = wasm_i32x4_sub(end, begin);
  for (int i = 0; i < 4; ++i) {
    // A part with fewer records repeats its last one, which does not change its spread.
    for (int part = 0; part < 4; ++part) {
      const int32_t last = starts[part + 1] - 1, index = starts[part] + i;
      records[i][part] = load(from + (index < last ? index : last));
    }
    lanes[i] = transpose(records[i][0], records[i][1], records[i][2], records[i][3]);
  }
  const Lanes &a = lanes[0], &b = lanes[1], &c = lanes[2], &d = lanes[3];
  const AxisChoice axis = chooseAxis(differenceOf(maximum(a.x, b.x, c.x, d.x), minimum(a.x, b.x, c.x, d.x)),
                                     differenceOf(maximum(a.y, b.y, c.y, d.y), minimum(a.y, b.y, c.y, d.y)),
                                     differenceOf(maximum(a.z, b.z, c.z, d.z), minimum(a.z, b.z, c.z, d.z)));
  v128_t keys[4], ranks[4];
  for (int i = 0; i < 4; ++i) {
    keys[i] = onAxis(axis, lanes[i].x, lanes[i].y, lanes[i].z);
    if (i >= 2) {
      const v128_t present = wasm_i32x4_gt(sizes, wasm_i32x4_splat(i));
      keys[i] = wasm_v128_bitselect(keys[i], wasm_f32x4_splat(INFINITY), present);
    }
    ranks[i] = wasm_i32x4_splat(i);
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = i + 1; j < 4; ++j) {
      const v128_t laterIsSmaller = wasm_f32x4_lt(keys[j], keys[i]);  // -1 where true
      ranks[i] = wasm_i32x4_sub(ranks[i], laterIsSmaller);
      ranks[j] = wasm_i32x4_add(ranks[j], laterIsSmaller);
    }
  }
  for (int i = 0; i < 4; ++i) {
    store(to + wasm_i32x4_extract_lane(ranks[i], 0), records[i][0]);
    store(to + 4 + wasm_i32x4_extract_lane(ranks[i], 1), records[i][1]);
    store(to + 8 + wasm_i32x4_extract_lane(ranks[i], 2), records[i][2]);
    store(to + 12 + wasm_i32x4_extract_lane(ranks[i], 3), records[i][3]);
  }
}

/// Whether two points swap: on the axis where they differ most, the smaller coordinate comes first. Equal points do not
/// swap.
inline v128_t swaps(const Lanes& a, const Lanes& b) {
  const Doubles x = differenceOf(a.x, b.x), y = differenceOf(a.y, b.y), z = differenceOf(a.z, b.z);
  const AxisChoice axis = chooseAxis({wasm_f64x2_abs(x.first), wasm_f64x2_abs(x.second)},
                                     {wasm_f64x2_abs(y.first), wasm_f64x2_abs(y.second)},
                                     {wasm_f64x2_abs(z.first), wasm_f64x2_abs(z.second)});
  return wasm_f32x4_lt(onAxis(axis, b.x, b.y, b.z), onAxis(axis, a.x, a.y, a.z));
}

/// Writes four leaves, eight slots. Leaf l holds first[l] and second[l]; a leaf of one point has the same record in
/// both.
inline void writeFourLeaves(const Lanes& first, const Lanes& second, int32_t* treeIdx, uint8_t* treeMask) {
  const v128_t swapped = swaps(first, second);
  const v128_t a = wasm_v128_bitselect(second.id, first.id, swapped);
  const v128_t b = wasm_v128_bitselect(first.id, second.id, swapped);
  wasm_v128_store(treeIdx, wasm_i32x4_shuffle(a, b, 0, 4, 1, 5));
  wasm_v128_store(treeIdx + 4, wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
  const v128_t isOriginal = wasm_v128_and(wasm_i32x4_ne(a, b), wasm_i32x4_splat(0x0100));
  const v128_t masks = wasm_v128_or(isOriginal, wasm_i32x4_splat(0x0001));
  wasm_v128_store64_lane(treeMask, wasm_u16x8_narrow_i32x4(masks, masks), 0);
}

/// Writes one leaf of one or two points whose records are in the order of their ids.
inline void writeLeaf(const Record* records, int32_t count, int32_t* treeIdx, uint8_t* treeMask) {
  int32_t first = 0, second = count - 1;
  double most = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const double difference = (double)records[count - 1].coordinates[axis] - (double)records[0].coordinates[axis];
    const double size = difference < 0 ? -difference : difference;
    if (!(size > most)) continue;
    most = size;
    first = difference < 0 ? count - 1 : 0;
    second = difference < 0 ? 0 : count - 1;
  }
  treeIdx[0] = records[first].id;
  treeIdx[1] = records[second].id;
  treeMask[0] = 1;
  treeMask[1] = count > 1;
}

/// Splits three levels at once: a part of 9 to 16 points becomes eight leaves, sixteen slots.
inline void writeEightLeaves(Record* from, Record* to, int32_t count, int32_t* treeIdx, uint8_t* treeMask) {
  const int32_t half = count >> 1;
  split(from, to, count);
  split(to, from, half);
  split(to + half, from + half, count - half);
  alignas(16) const int32_t starts[8] = {0, half >> 1, half, half + ((count - half) >> 1), count};
  Record sorted[16];
  sortFourParts(from, starts, sorted);
  for (int pair = 0; pair < 2; ++pair) {
    // Each part is two leaves: the lower floor(size / 2) of its points, and the rest.
    const Record *left = sorted + 8 * pair, *right = left + 4;
    const int32_t leftSize = starts[2 * pair + 1] - starts[2 * pair];
    const int32_t rightSize = starts[2 * pair + 2] - starts[2 * pair + 1];
    const int32_t leftHalf = leftSize >> 1, rightHalf = rightSize >> 1;
    const Lanes first = transpose(load(left), load(left + leftHalf), load(right), load(right + rightHalf));
    const Lanes second = transpose(load(left + leftHalf - 1), load(left + leftSize - 1), load(right + rightHalf - 1),
                                   load(right + rightSize - 1));
    writeFourLeaves(first, second, treeIdx + 8 * pair, treeMask + 8 * pair);
  }
}

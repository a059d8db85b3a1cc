// One split: the half with the smallest coordinates on the axis of largest spread goes left. Splits are stable, so the
// records of every part stay in the order of their ids, and ties between equal coordinates are broken by id without
// extra work.
#pragma once
#include "network.h"
#include "records.h"
#include "select.h"

/// Parts of up to this many records are split by selection among all their keys; larger ones look at a sample first.
constexpr int32_t plainSize = 1024;

/// For a mask of four records that go left: the destination of each of the four, in bytes from the next free place on
/// its side.
struct MoveTable {
  alignas(16) int32_t isLeft[16][4];  // -1 or 0
  alignas(16) int32_t offsets[16][4];
  constexpr MoveTable() : isLeft(), offsets() {
    for (int mask = 0; mask < 16; ++mask) {
      int left = 0, right = 0;
      for (int i = 0; i < 4; ++i) {
        const bool goesLeft = (mask >> i) & 1;
        isLeft[mask][i] = goesLeft ? -1 : 0;
        offsets[mask][i] = (int)sizeof(Record) * (goesLeft ? left++ : right++);
      }
    }
  }
};
constexpr MoveTable moveTable;

/// Takes records in order and appends each to its half.
struct Halves {
  int32_t left, right;  // addresses

  Halves(Record* to, int32_t half) : left((int32_t)to), right((int32_t)(to + half)) {}

  /// Lanes of isLeft are -1 or 0.
  void moveFour(v128_t a, v128_t b, v128_t c, v128_t d, v128_t isLeft) {
    const int32_t mask = wasm_i32x4_bitmask(isLeft);
    const v128_t sides = wasm_v128_bitselect(wasm_i32x4_splat(left), wasm_i32x4_splat(right), isLeft);
    const v128_t targets = wasm_i32x4_add(sides, wasm_v128_load(moveTable.offsets[mask]));
    store((Record*)wasm_i32x4_extract_lane(targets, 0), a);
    store((Record*)wasm_i32x4_extract_lane(targets, 1), b);
    store((Record*)wasm_i32x4_extract_lane(targets, 2), c);
    store((Record*)wasm_i32x4_extract_lane(targets, 3), d);
    const int32_t bytes = __builtin_popcount((uint32_t)mask) * (int32_t)sizeof(Record);
    left += bytes;
    right += 4 * (int32_t)sizeof(Record) - bytes;
  }

  void moveFour(const Record* from, v128_t isLeft) {
    moveFour(load(from), load(from + 1), load(from + 2), load(from + 3), isLeft);
  }

  void moveOne(const Record* from, bool isLeft) {
    const int32_t mask = -(int32_t)isLeft, bytes = (int32_t)sizeof(Record);
    store((Record*)(right ^ ((left ^ right) & mask)), load(from));
    left += bytes & mask;
    right += bytes & ~mask;
  }
};

/// Moves the records whose bit is set to the left half, the others to the right half.
inline void partitionByBits(const Record* from, Record* to, int32_t count, int32_t half, uint32_t bits) {
  Halves halves(to, half);
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) halves.moveFour(from + i, wasm_v128_load(moveTable.isLeft[(bits >> i) & 15]));
  for (; i < count; ++i) halves.moveOne(from + i, (bits >> i) & 1);
}

/// Splits up to 4 * vectors records between their two middle keys, which a sorting network finds.
template <int vectors>
inline void splitByNetwork(const Record* from, Record* to, int32_t count, int32_t half) {
  const int32_t axis = widestAxis(boundsOf(from, count));
  v128_t keys[vectors];
  for (int v = 0; v < vectors; ++v) keys[v] = fourKeys(from + 4 * v, axis);
  if (count < 4 * vectors) {
    // Infinities of both signs fill the free places, so that the halves stay balanced.
    const v128_t places = wasm_i32x4_make(0, 1, 2, 3);
    for (int v = 0; v < vectors; ++v) {
      const v128_t isKey = wasm_i32x4_lt(places, wasm_i32x4_splat(count - 4 * v));
      const v128_t isLow = wasm_i32x4_lt(places, wasm_i32x4_splat(count + 2 * vectors - half - 4 * v));
      const v128_t infinity = wasm_v128_bitselect(wasm_f32x4_splat(-INFINITY), wasm_f32x4_splat(INFINITY), isLow);
      keys[v] = wasm_v128_bitselect(keys[v], infinity, isKey);
    }
  }
  const Middle<vectors> middle(keys);
  if (!wasm_v128_any_true(wasm_f32x4_eq(middle.low, middle.high))) {
    Halves halves(to, half);
    for (int v = 0; v < vectors; ++v) {
      const Record* four = from + 4 * v;
      const v128_t isLeft = wasm_f32x4_le(keys[v], middle.low);
      if (4 * v + 4 <= count) {
        halves.moveFour(four, isLeft);
      } else {
        const int32_t bits = wasm_i32x4_bitmask(isLeft);
        for (int32_t i = 0; i < count - 4 * v; ++i) halves.moveOne(four + i, (bits >> i) & 1);
      }
    }
    return;
  }
  // Both middle keys are equal: the last records that have this key go right.
  uint32_t bits = 0, tied = 0;
  for (int v = 0; v < vectors; ++v) {
    bits |= (uint32_t)wasm_i32x4_bitmask(wasm_f32x4_le(keys[v], middle.low)) << (4 * v);
    tied |= (uint32_t)wasm_i32x4_bitmask(wasm_f32x4_eq(keys[v], middle.low)) << (4 * v);
  }
  if (count < 32) bits &= (1u << count) - 1;
  for (int32_t surplus = __builtin_popcount(bits) - half; surplus > 0; --surplus) {
    const uint32_t last = 0x80000000u >> __builtin_clz(tied);
    tied ^= last;
    bits ^= last;
  }
  partitionByBits(from, to, count, half, bits);
}

/// Moves the records whose key is below the threshold to the left half.
template <int axis>
inline void partitionOnAxis(const Record* from, Record* to, int32_t count, int32_t half, float threshold) {
  const v128_t thresholds = wasm_f32x4_splat(threshold);
  Halves halves(to, half);
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const v128_t a = load(from + i), b = load(from + i + 1), c = load(from + i + 2), d = load(from + i + 3);
    const v128_t keysAB = wasm_i32x4_shuffle(a, b, axis, 4 + axis, axis, 4 + axis);
    const v128_t keysCD = wasm_i32x4_shuffle(c, d, axis, 4 + axis, axis, 4 + axis);
    halves.moveFour(a, b, c, d, wasm_f32x4_lt(wasm_i64x2_shuffle(keysAB, keysCD, 0, 2), thresholds));
  }
  for (; i < count; ++i) halves.moveOne(from + i, keyOf(from + i, axis) < threshold);
}

inline void partitionByKey(const Record* from, Record* to, int32_t count, int32_t half, int32_t axis, float threshold) {
  if (axis == 0) return partitionOnAxis<0>(from, to, count, half, threshold);
  if (axis == 1) return partitionOnAxis<1>(from, to, count, half, threshold);
  return partitionOnAxis<2>(from, to, count, half, threshold);
}

/// The same with the keys of all records already gathered.
inline void partitionByKeys(const Record* from, Record* to, int32_t count, int32_t half, const float* keys,
                            float threshold) {
  const v128_t thresholds = wasm_f32x4_splat(threshold);
  Halves halves(to, half);
  int32_t i = 0;
  for (; i + 4 <= count; i += 4) halves.moveFour(from + i, wasm_f32x4_lt(wasm_v128_load(keys + i), thresholds));
  for (; i < count; ++i) halves.moveOne(from + i, keys[i] < threshold);
}

inline void partitionWithTies(const Record* from, Record* to, int32_t count, int32_t half, int32_t axis, Threshold at) {
  Halves halves(to, half);
  int32_t ties = at.ties;
  for (int32_t i = 0; i < count; ++i) {
    const float key = keyOf(from + i, axis);
    const bool isTie = (key == at.key) & (ties > 0);
    ties -= isTie;
    halves.moveOne(from + i, (key < at.key) | isTie);
  }
}

/// For a mask of four lanes, the byte shuffle that moves the lanes in the mask to the front.
struct CompressTable {
  alignas(16) uint8_t shuffles[16][16];
  constexpr CompressTable() : shuffles() {
    for (int mask = 0; mask < 16; ++mask) {
      int next = 0;
      for (int lane = 0; lane < 4; ++lane) {
        if (!((mask >> lane) & 1)) continue;
        for (int byte = 0; byte < 4; ++byte) shuffles[mask][4 * next + byte] = (uint8_t)(4 * lane + byte);
        ++next;
      }
    }
  }
};
constexpr CompressTable compressTable;

/// Copies the keys in [low, end) to `inside`, padded. Returns how many they are, and how many are below low.
inline int32_t keysWithin(const Record* from, int32_t count, int32_t axis, float low, float end, float* inside,
                          int32_t* below) {
  const v128_t lowest = wasm_f32x4_splat(low), bound = wasm_f32x4_splat(end);
  v128_t counted = wasm_i32x4_splat(0);
  int32_t found = 0, i = 0;
  for (; i + 4 <= count; i += 4) {
    const v128_t keys = fourKeys(from + i, axis);
    const v128_t isBelow = wasm_f32x4_lt(keys, lowest);
    counted = wasm_i32x4_sub(counted, isBelow);
    const int32_t mask = wasm_i32x4_bitmask(wasm_v128_andnot(wasm_f32x4_lt(keys, bound), isBelow));
    wasm_v128_store(inside + found, wasm_i8x16_swizzle(keys, wasm_v128_load(compressTable.shuffles[mask])));
    found += __builtin_popcount(mask);
  }
  int32_t smaller = sumOfLanes(counted);
  for (; i < count; ++i) {
    const float key = keyOf(from + i, axis);
    inside[found] = key;
    found += key >= low && key < end;
    smaller += key < low;
  }
  *below = smaller;
  padKeys(inside, found);
  return found;
}

/// Returns the threshold of a large part: a sample gives two keys that enclose the median, with few records between
/// them.
inline Threshold selectBySample(const Record* from, int32_t count, int32_t half, Spread spread, float* scratch) {
  const int32_t samples = count >= 65536 ? 1024 : 256;
  const int32_t margin = count >= 65536 ? 40 : 20;  // two and a half standard deviations of the sample's median
  float* sample = scratch;
  float* inside = scratch + samples + keyPadding;
  // One random record is taken from each of equal chunks, so that no regular pattern in the input can mislead the
  // sample.
  uint32_t random = 0x9e3779b9u;
  const uint32_t stretch = (uint32_t)count / (uint32_t)samples;
  for (int32_t i = 0; i < samples; ++i) {
    random = random * 1664525u + 1013904223u;
    const uint32_t offset = (uint32_t)(((uint64_t)random * stretch) >> 32);
    sample[i] = keyOf(from + (uint32_t)i * stretch + offset, spread.axis);
  }
  padKeys(sample, samples);
  float low = select(sample, samples, samples / 2 - margin, spread.low, spread.high).key;
  float end = nextUp(select(sample, samples, samples / 2 + margin, spread.low, spread.high).key);
  for (;;) {
    int32_t below;
    const int32_t found = keysWithin(from, count, spread.axis, low, end, inside, &below);
    if (below == half) return {low, 0};
    if (below + found == half) return {end, 0};
    if (below < half && half < below + found) {
      Threshold at = select(inside, found, half - below, low, end);
      return at;
    }
    // The sample was misleading: the median lies outside the two keys.
    if (below > half) {
      end = low;
      low = spread.low;
    } else {
      low = end;
      end = nextUp(spread.high);
    }
  }
}

/// Splits up to plainSize records by selection among all their keys.
inline void splitByKeys(const Record* from, Record* to, int32_t count, int32_t half) {
  constexpr int32_t stride = plainSize + keyPadding;
  alignas(16) float rows[3 * stride];
  const Spread spread = spreadOf(gatherCoordinates(from, count, rows, stride));
  float* keys = rows + spread.axis * stride;
  padKeys(keys, count);
  const bool areEqual = spread.low == spread.high;
  const Threshold at = areEqual ? Threshold{spread.low, half} : select(keys, count, half, spread.low, spread.high);
  if (at.ties == 0) {
    partitionByKeys(from, to, count, half, keys, at.key);
  } else {
    partitionWithTies(from, to, count, half, spread.axis, at);
  }
}

/// Splits `count` >= 2 records from one buffer into the other, floor(count / 2) of them to the left. The target's own
/// memory serves as scratch before the records are written. Sixteen records past the source must be readable.
inline void split(const Record* from, Record* to, int32_t count) {
  const int32_t half = count >> 1;
  if (count <= 8) return splitByNetwork<2>(from, to, count, half);
  if (count <= 16) return splitByNetwork<4>(from, to, count, half);
  if (count <= 32) return splitByNetwork<8>(from, to, count, half);
  if (count <= plainSize) return splitByKeys(from, to, count, half);
  const Spread spread = spreadOf(boundsOf(from, count));
  const bool areEqual = spread.low == spread.high;
  const Threshold at =
      areEqual ? Threshold{spread.low, half} : selectBySample(from, count, half, spread, (float*)to);
  if (at.ties == 0) {
    partitionByKey(from, to, count, half, spread.axis, at.key);
  } else {
    partitionWithTies(from, to, count, half, spread.axis, at);
  }
}

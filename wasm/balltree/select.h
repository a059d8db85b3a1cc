// Selection: finds the coordinate that separates the `rank` smallest keys of a list from the rest. Counting passes over
// a contiguous list, guided by interpolation, have no unpredictable branches and need about four passes on data that is
// not extreme. The list is not changed.
#pragma once
#include <wasm_simd128.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

/// A part's left half is everything below `key` and the first `ties` of the keys equal to it, in the order of their
/// index.
struct Threshold {
  float key;
  int32_t ties;
};

/// Keys are padded with +infinity to a multiple of this.
constexpr int32_t keyPadding = 8;

inline void padKeys(float* keys, int32_t count) {
  wasm_v128_store(keys + count, wasm_f32x4_splat(INFINITY));
  wasm_v128_store(keys + count + 4, wasm_f32x4_splat(INFINITY));
}

inline int32_t sumOfLanes(v128_t v) {
  v = wasm_i32x4_add(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
  v = wasm_i32x4_add(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2));
  return wasm_i32x4_extract_lane(v, 0);
}

inline int32_t countBelow(const float* keys, int32_t count, float key) {
  const v128_t bound = wasm_f32x4_splat(key);
  v128_t a = wasm_i32x4_splat(0), b = a;
  for (int32_t i = 0; i < count; i += keyPadding) {
    a = wasm_i32x4_sub(a, wasm_f32x4_lt(wasm_v128_load(keys + i), bound));
    b = wasm_i32x4_sub(b, wasm_f32x4_lt(wasm_v128_load(keys + i + 4), bound));
  }
  return sumOfLanes(wasm_i32x4_add(a, b));
}

/// Finds the smallest and largest key in [low, high).
inline void tighten(const float* keys, int32_t count, float low, float high, float* smallest, float* largest) {
  const v128_t lowest = wasm_f32x4_splat(low), end = wasm_f32x4_splat(high);
  v128_t least = wasm_f32x4_splat(INFINITY), most = wasm_f32x4_splat(-INFINITY);
  for (int32_t i = 0; i < count; i += 4) {
    const v128_t key = wasm_v128_load(keys + i);
    const v128_t inside = wasm_v128_and(wasm_f32x4_ge(key, lowest), wasm_f32x4_lt(key, end));
    least = wasm_f32x4_pmin(least, wasm_v128_bitselect(key, least, inside));
    most = wasm_f32x4_pmax(most, wasm_v128_bitselect(key, most, inside));
  }
  least = wasm_f32x4_pmin(least, wasm_i32x4_shuffle(least, least, 2, 3, 0, 1));
  most = wasm_f32x4_pmax(most, wasm_i32x4_shuffle(most, most, 2, 3, 0, 1));
  *smallest = std::min(wasm_f32x4_extract_lane(least, 0), wasm_f32x4_extract_lane(least, 1));
  *largest = std::max(wasm_f32x4_extract_lane(most, 0), wasm_f32x4_extract_lane(most, 1));
}

/// Returns a float's rank in the order of all floats; keys are finite and never -0.
inline int32_t orderOf(float key) {
  const int32_t bits = __builtin_bit_cast(int32_t, key);
  return bits < 0 ? INT32_MIN - bits : bits;
}

inline float atOrder(int32_t order) { return __builtin_bit_cast(float, order < 0 ? INT32_MIN - order : order); }

/// Returns the next larger float.
inline float nextUp(float key) { return atOrder(orderOf(key) + 1); }

/// Returns the float halfway between two in the order of floats; `low` itself if there is none in between.
inline float middleOf(float low, float end) {
  return atOrder((int32_t)(((int64_t)orderOf(low) + (int64_t)orderOf(end)) >> 1));
}

/// Returns the threshold with `rank` keys on its left, 0 < rank < count. All keys lie in [low, high].
inline Threshold select(const float* keys, int32_t count, int32_t rank, float low, float high) {
  float end =
      nextUp(high);  // the answer is in [low, end): `below` keys are smaller than low, `belowEnd` smaller than end
  int32_t below = 0, belowEnd = count;
  bool lastWasBelow = false, repeated = false;
  for (int32_t pass = 0;; ++pass) {
    const double share = repeated ? 0.5 : ((double)(rank - below)) / (double)(belowEnd - below);
    float guess = (float)((double)low + ((double)end - (double)low) * share);
    // Interpolation converges slowly on extreme distributions; bisection in the order of floats always ends.
    if (!(guess > low && guess < end) || pass >= 12) {
      guess = middleOf(low, end);
      if (guess == low) return {low, rank - below};  // low and end are neighbours: all keys in between are equal
    }
    const int32_t counted = countBelow(keys, count, guess);
    if (counted == rank) return {guess, 0};
    const bool isBelow = counted < rank;
    const bool stuck = counted == below || counted == belowEnd;
    repeated = pass > 0 && isBelow == lastWasBelow && !repeated;
    lastWasBelow = isBelow;
    if (isBelow) {
      low = guess;
      below = counted;
    } else {
      end = guess;
      belowEnd = counted;
    }
    if (stuck) {
      float smallest, largest;
      tighten(keys, count, low, end, &smallest, &largest);
      if (smallest == largest) return {smallest, rank - below};
      low = smallest;
      end = nextUp(largest);
    }
  }
}

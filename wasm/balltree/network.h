// The two middle keys of up to 32 by a sorting network: comparisons of whole vectors, without branches.
#pragma once
#include <wasm_simd128.h>

/// Puts the smaller key of each lane into `a`, the larger into `b`.
inline void order(v128_t& a, v128_t& b) {
  const v128_t smaller = wasm_f32x4_pmin(a, b);
  b = wasm_f32x4_pmax(a, b);
  a = smaller;
}

/// Sorts each lane, from the first vector to the last.
inline void sortLanes(v128_t (&v)[2]) { order(v[0], v[1]); }

inline void sortLanes(v128_t (&v)[4]) {
  order(v[0], v[1]), order(v[2], v[3]);
  order(v[0], v[2]), order(v[1], v[3]);
  order(v[1], v[2]);
}

inline void sortLanes(v128_t (&v)[8]) {
  order(v[0], v[1]), order(v[2], v[3]), order(v[4], v[5]), order(v[6], v[7]);
  order(v[0], v[2]), order(v[1], v[3]), order(v[4], v[6]), order(v[5], v[7]);
  order(v[1], v[2]), order(v[5], v[6]);
  order(v[0], v[4]), order(v[1], v[5]), order(v[2], v[6]), order(v[3], v[7]);
  order(v[2], v[4]), order(v[3], v[5]);
  order(v[1], v[2]), order(v[3], v[4]), order(v[5], v[6]);
}

/// Sorts each lane whose keys form a bitonic sequence.
inline void sortBitonicLanes(v128_t (&v)[2]) { order(v[0], v[1]); }

inline void sortBitonicLanes(v128_t (&v)[4]) {
  order(v[0], v[2]), order(v[1], v[3]);
  order(v[0], v[1]), order(v[2], v[3]);
}

inline void sortBitonicLanes(v128_t (&v)[8]) {
  order(v[0], v[4]), order(v[1], v[5]), order(v[2], v[6]), order(v[3], v[7]);
  order(v[0], v[2]), order(v[1], v[3]), order(v[4], v[6]), order(v[5], v[7]);
  order(v[0], v[1]), order(v[2], v[3]), order(v[4], v[5]), order(v[6], v[7]);
}

/// Returns the largest key of the smaller half and the smallest of the larger half, in all lanes.
template <int vectors>
struct Middle {
  v128_t low, high;

  explicit Middle(const v128_t (&keys)[vectors]) {
    v128_t v[vectors], pairs[vectors];
    for (int i = 0; i < vectors; ++i) v[i] = keys[i];
    sortLanes(v);
    // Lanes 0 and 1 are merged into one list, whose smaller half is in lane 0; lanes 2 and 3 into another.
    for (int i = 0; i < vectors; ++i) {
      v128_t smaller = v[i], larger = wasm_i32x4_shuffle(v[vectors - 1 - i], v[vectors - 1 - i], 1, 0, 3, 2);
      order(smaller, larger);
      pairs[i] = wasm_i32x4_shuffle(smaller, larger, 0, 5, 2, 7);
    }
    sortBitonicLanes(pairs);
    // Of each key of one list and its mirror image in the other, the smaller belongs to the smaller half.
    low = pairs[0];
    high = wasm_i32x4_shuffle(pairs[vectors - 1], pairs[vectors - 1], 3, 2, 1, 0);
    order(low, high);
    for (int i = 1; i < vectors; ++i) {
      v128_t smaller = pairs[i];
      v128_t larger = wasm_i32x4_shuffle(pairs[vectors - 1 - i], pairs[vectors - 1 - i], 3, 2, 1, 0);
      order(smaller, larger);
      low = wasm_f32x4_pmax(low, smaller);
      high = wasm_f32x4_pmin(high, larger);
    }
    low = wasm_f32x4_pmax(low, wasm_i32x4_shuffle(low, low, 1, 0, 3, 2));
    high = wasm_f32x4_pmin(high, wasm_i32x4_shuffle(high, high, 1, 0, 3, 2));
  }
};

// The plain ball-tree algorithm as native code, the baseline of the tree benchmark: float64 coordinates,
// std::nth_element on indices, OpenMP over the clouds of a batch. Prints the milliseconds of each repetition as one line
// of JSON.
//
//   tree CLOUDS POINTS THREADS REPETITIONS
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int dimensionality = 3;

struct Cloud {
  const double* data;  // [points, 3]
  int64_t* indices;    // the points, in the order of the tree
  int64_t* treeIdx;    // [slots]
  uint8_t* treeMask;
};

int widestAxis(const Cloud& cloud, int64_t start, int64_t end) {
  int axis = 0;
  double widest = -1;
  for (int candidate = 0; candidate < dimensionality; ++candidate) {
    double low = cloud.data[cloud.indices[start] * dimensionality + candidate], high = low;
    for (int64_t i = start + 1; i < end; ++i) {
      const double value = cloud.data[cloud.indices[i] * dimensionality + candidate];
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (high - low > widest) {
      widest = high - low;
      axis = candidate;
    }
  }
  return axis;
}

void build(const Cloud& cloud, int64_t start, int64_t end, int levels, int64_t leaf) {
  if (levels == 0) {
    cloud.treeIdx[2 * leaf] = cloud.indices[start];
    cloud.treeIdx[2 * leaf + 1] = cloud.indices[end - 1];
    cloud.treeMask[2 * leaf] = 1;
    cloud.treeMask[2 * leaf + 1] = end - start > 1;
    return;
  }
  const int axis = widestAxis(cloud, start, end);
  const int64_t middle = (start + end) / 2;
  const double* data = cloud.data + axis;
  std::nth_element(cloud.indices + start, cloud.indices + middle, cloud.indices + end, [=](int64_t a, int64_t b) {
    const double keyA = data[a * dimensionality], keyB = data[b * dimensionality];
    return keyA == keyB ? a < b : keyA < keyB;
  });
  build(cloud, start, middle, levels - 1, 2 * leaf);
  build(cloud, middle, end, levels - 1, 2 * leaf + 1);
}

}  // namespace

int main(int argumentCount, char** arguments) {
  if (argumentCount != 5) {
    std::fprintf(stderr, "usage: tree CLOUDS POINTS THREADS REPETITIONS\n");
    return 2;
  }
  const int64_t clouds = std::atoll(arguments[1]), points = std::atoll(arguments[2]);
  const int threads = std::atoi(arguments[3]), repetitions = std::atoi(arguments[4]);
  int levels = 0;
  while ((int64_t{2} << levels) < points) ++levels;
  const int64_t slots = int64_t{2} << levels;

  std::vector<float> positions(clouds * points * dimensionality);
  uint32_t state = 1;
  for (float& value : positions) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / 16777216.0f;
  }
  std::vector<double> data(positions.size());
  std::vector<int64_t> indices(clouds * points), treeIdx(clouds * slots);
  std::vector<uint8_t> treeMask(clouds * slots);

  omp_set_num_threads(threads);
  std::printf("[");
  for (int repetition = 0; repetition < repetitions; ++repetition) {
    const auto start = std::chrono::steady_clock::now();
#pragma omp parallel for schedule(dynamic)
    for (int64_t c = 0; c < clouds; ++c) {
      const int64_t first = c * points;
      std::copy_n(positions.begin() + first * dimensionality, points * dimensionality,
                  data.begin() + first * dimensionality);
      const Cloud cloud = {&data[first * dimensionality], &indices[first], &treeIdx[c * slots], &treeMask[c * slots]};
      for (int64_t i = 0; i < points; ++i) cloud.indices[i] = i;
      build(cloud, 0, points, levels, 0);
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::printf("%s%.4f", repetition ? "," : "", took.count());
  }
  std::printf("]\n");
  return 0;
}

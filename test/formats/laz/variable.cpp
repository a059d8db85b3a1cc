// Packs the points of a LAS file without records by laz-perf (3.4), in chunks of 1, 2, 3 and more points, each as long as the table of chunks
// says: `c++ variable.cpp lazperf/*.cpp lazperf/detail/*.cpp && ./a.out IN.las OUT.laz`.
#include <cstring>
#include <fstream>
#include <iterator>
#include <lazperf/lazperf.hpp>
#include <lazperf/vlr.hpp>
#include <lazperf/writers.hpp>

template <typename Number> void put(std::vector<char> &bytes, size_t at, Number value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <typename Number> Number get(const std::vector<char> &bytes, size_t at) {
  Number value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

int main(int, char **arguments) {
  std::ifstream in(arguments[1], std::ios::binary);
  const std::vector<char> las((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto begin = get<uint32_t>(las, 96);
  const int format = las[104], pointBytes = get<uint16_t>(las, 105);
  const size_t count = get<uint64_t>(las, 247);

  lazperf::laz_vlr packing(format, 0, lazperf::VariableChunkSize);
  const auto content = packing.data();
  std::vector<char> out(las.begin(), las.begin() + begin);
  out.resize(begin + 54);
  std::memcpy(out.data() + begin + 2, "laszip encoded", 14);
  put<uint16_t>(out, begin + 18, 22204);
  put<uint16_t>(out, begin + 20, content.size());
  out.insert(out.end(), content.begin(), content.end());
  put<uint32_t>(out, 96, out.size());
  put<uint32_t>(out, 100, 1);
  out[104] |= 0x80;

  const size_t place = out.size();
  out.resize(place + 8);
  std::vector<lazperf::chunk> chunks;
  for (size_t first = 0; first < count;) {
    const size_t points = std::min(count - first, chunks.size() + 1);
    lazperf::writer::chunk_compressor compressor(format, 0);
    for (size_t i = first; i < first + points; i++) compressor.compress(las.data() + begin + i * pointBytes);
    const auto bytes = compressor.done();
    out.insert(out.end(), bytes.begin(), bytes.end());
    chunks.push_back({points, bytes.size()});
    first += points;
  }
  put<uint64_t>(out, place, out.size());
  out.resize(out.size() + 8);
  put<uint32_t>(out, out.size() - 4, chunks.size());
  lazperf::compress_chunk_table(
      [&](const unsigned char *bytes, size_t size) { out.insert(out.end(), bytes, bytes + size); }, chunks, true);
  std::ofstream(arguments[2], std::ios::binary).write(out.data(), out.size());
}

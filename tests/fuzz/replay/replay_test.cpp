// Every fuzz target over its seeds, and over what mutations usually begin with: nothing, and each seed
// cut short.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#define FUZZ_TARGET(name) extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "fuzz_targets.inc"
#undef FUZZ_TARGET

namespace {

namespace fs = std::filesystem;

struct fuzz_target {
  const char* name;
  int (*run)(const std::uint8_t* data, std::size_t size);
};

#define FUZZ_TARGET(name) {#name, fuzz_##name},
const fuzz_target targets[] = {
#include "fuzz_targets.inc"
};
#undef FUZZ_TARGET

struct replay : testing::TestWithParam<fuzz_target> {
  // In a block of exactly this size, so that a sanitizer sees the first byte read beyond.
  static void run(std::string_view text) {
    std::vector<std::uint8_t> data{text.begin(), text.end()};
    data.shrink_to_fit();
    EXPECT_EQ(GetParam().run(data.data(), data.size()), 0);
  }
  static std::vector<std::string> seeds() {
    std::vector<std::string> out;
    auto folder = fs::path{MANA_TEST_DATA} / "fuzz/corpus" / GetParam().name;
    for (auto& entry : fs::directory_iterator{folder}) {
      std::ifstream in{entry.path(), std::ios::binary};
      out.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
    }
    return out;
  }
};

TEST_P(replay, survives_its_seeds) {
  auto all = seeds();
  EXPECT_FALSE(all.empty());
  for (auto& seed : all)
    run(seed);
}

TEST_P(replay, survives_its_seeds_cut_short) {
  run("");
  for (auto& seed : seeds())
    for (std::size_t n = 1; n < seed.size(); n += 1 + seed.size() / 64)
      run(std::string_view{seed}.substr(0, n));
}

INSTANTIATE_TEST_SUITE_P(fuzz, replay, testing::ValuesIn(targets),
                         [](const auto& target) { return std::string{target.param.name}; });

} // namespace

// Runs a fuzz target over the inputs kept in a folder (the last argument), and
// over what can be made of each by cutting it.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fuzz/fuzz.h"

namespace {

std::string folder;

void Replay(const std::string& input) {
  // A copy of its own size, so that reading behind it shows.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

TEST(Corpus, HasNoFinding) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  ASSERT_FALSE(files.empty());
  for (const std::filesystem::path& path : files) {
    std::ifstream file(path, std::ios::binary);
    ASSERT_TRUE(file) << path;
    const std::string input((std::istreambuf_iterator<char>(file)), {});
    SCOPED_TRACE(path.filename().string());
    Replay(input);
    for (int eighth = 0; eighth < 8; ++eighth) {
      Replay(input.substr(0, input.size() * eighth / 8));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  folder = argv[argc - 1];
  return RUN_ALL_TESTS();
}

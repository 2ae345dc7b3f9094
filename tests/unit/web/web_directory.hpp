// A directory of files for the web target, removed with the object.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mana::testing {

class web_directory {
public:
  web_directory() {
    auto name = (std::filesystem::temp_directory_path() / "mana-web.XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    outer_ = name;
    std::filesystem::create_directory(path());
  }
  web_directory(const web_directory&) = delete;
  web_directory& operator=(const web_directory&) = delete;
  ~web_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(outer_, ignored);
  }

  std::filesystem::path path() const { return outer_ / "webapp"; }
  // A directory that is not served, beside it.
  std::filesystem::path outside() const { return outer_; }

  void write(const std::string& name, const std::string& content) const {
    auto file = path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << content;
  }

private:
  std::filesystem::path outer_;
};

} // namespace mana::testing

// The files of the browser app, read into memory once at start: an immutable set. A path that is not in it names
// nothing, so no request can reach any other file.
#pragma once

#include "messages/result.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mana::http {

using shared_text = std::shared_ptr<const std::string>;

struct web_file {
  std::string content_type;
  std::string tag; // of the content: changes with it
  shared_text plain;
  shared_text brotli; // the same, compressed; null: not there
  shared_text gzip;
};

// By extension, for what browsers load; application/octet-stream otherwise.
std::string_view content_type_of(std::string_view path) noexcept;

web_file make_web_file(std::string_view path, std::string content);

struct web_files {
  std::map<std::string, web_file, std::less<>> by_path; // as requested: `/assets/app.js`
  std::vector<std::string> left_out;                    // paths that are not served: hidden files, links
};

struct web_limits {
  std::size_t files = 2'000;
  std::size_t file_bytes = 16u << 20;
  std::size_t total_bytes = 64u << 20;
};

// `x.br` and `x.gz` beside `x` are x compressed and have no path of their own. Names that begin with a dot, symbolic
// links and whatever is neither file nor directory are left out; the directory itself may be a link.
// config_invalid: the directory cannot be read, has no index.html, or exceeds the limits.
result<web_files> read_web_files(const std::string& directory, const web_limits& limits = {});

} // namespace mana::http

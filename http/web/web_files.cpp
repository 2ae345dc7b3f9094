#include "http/web/web_files.hpp"

#include "infra/crypto/base64.hpp"
#include "infra/crypto/primitives.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mana::http {

namespace fs = std::filesystem;

namespace {

constexpr std::pair<std::string_view, std::string_view> types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".txt", "text/plain; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".wasm", "application/wasm"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
};

failure invalid(std::string detail) { return {errc::config_invalid, std::move(detail)}; }

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};

// nullopt: not a readable file, or it has more than `max` bytes.
std::optional<std::string> content_of(const fs::path& path, std::size_t max) {
  descriptor file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  struct stat found {};
  if (file.get() < 0 || ::fstat(file.get(), &found) != 0 || !S_ISREG(found.st_mode))
    return std::nullopt;
  auto size = static_cast<std::size_t>(found.st_size);
  if (size > max)
    return std::nullopt;
  std::string out(size, '\0');
  std::size_t at = 0;
  while (at < size) {
    auto n = ::read(file.get(), out.data() + at, size - at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return std::nullopt;
    at += static_cast<std::size_t>(n);
  }
  return out;
}

using contents = std::map<std::string, std::string, std::less<>>;

class reader {
public:
  reader(fs::path root, const web_limits& limits) : root_(std::move(root)), limits_(limits) {}

  std::optional<failure> read() {
    std::error_code ec;
    fs::recursive_directory_iterator i{root_, ec};
    for (; !ec && i != fs::recursive_directory_iterator{}; i.increment(ec)) {
      if (auto f = take(i))
        return f;
    }
    if (ec)
      return invalid("the directory " + root_.string() + " cannot be read: " + ec.message());
    return std::nullopt;
  }

  contents found;
  std::vector<std::string> left_out;

private:
  std::string relative(const fs::path& p) const { return '/' + p.lexically_relative(root_).generic_string(); }

  std::optional<failure> take(fs::recursive_directory_iterator& i) {
    std::error_code ec;
    auto status = i->symlink_status(ec);
    bool hidden = i->path().filename().string().starts_with('.');
    if (ec || hidden || (!fs::is_regular_file(status) && !fs::is_directory(status))) {
      left_out.push_back(relative(i->path()));
      if (left_out.size() > limits_.files)
        return invalid("there are more than " + std::to_string(limits_.files) + " files that cannot be served");
      i.disable_recursion_pending();
      return std::nullopt;
    }
    return fs::is_directory(status) ? std::nullopt : take_file(i->path());
  }

  std::optional<failure> take_file(const fs::path& path) {
    if (found.size() == limits_.files)
      return invalid("there are more than " + std::to_string(limits_.files) + " files");
    auto content = content_of(path, std::min(limits_.file_bytes, limits_.total_bytes - bytes_));
    if (!content)
      return invalid(relative(path) + " cannot be read, or is too large: a file may have "
                     + std::to_string(limits_.file_bytes) + " bytes, all together "
                     + std::to_string(limits_.total_bytes));
    bytes_ += content->size();
    found.emplace(relative(path), std::move(*content));
    return std::nullopt;
  }

  fs::path root_;
  const web_limits& limits_;
  std::size_t bytes_ = 0;
};

shared_text variant_of(const std::string& path, std::string_view extension, contents& found) {
  auto i = found.find(path + std::string{extension});
  return i == found.end() ? nullptr : std::make_shared<const std::string>(std::move(i->second));
}

bool is_variant(std::string_view path, const contents& found) {
  for (std::string_view extension : {".br", ".gz"})
    if (path.ends_with(extension) && found.contains(path.substr(0, path.size() - extension.size())))
      return true;
  return false;
}

} // namespace

std::string_view content_type_of(std::string_view path) noexcept {
  for (auto& [extension, type] : types)
    if (path.ends_with(extension))
      return type;
  return "application/octet-stream";
}

web_file make_web_file(std::string_view path, std::string content) {
  web_file out;
  out.content_type = content_type_of(path);
  auto hash = crypto::sha256({reinterpret_cast<const unsigned char*>(content.data()), content.size()});
  out.tag = crypto::to_hex({hash.data(), 16});
  out.plain = std::make_shared<const std::string>(std::move(content));
  return out;
}

result<web_files> read_web_files(const std::string& directory, const web_limits& limits) {
  std::error_code ec;
  auto root = fs::canonical(directory, ec);
  if (ec || !fs::is_directory(root, ec))
    return invalid("there is no directory " + directory);
  reader r{root, limits};
  if (auto f = r.read())
    return std::move(*f);
  if (!r.found.contains("/index.html"))
    return invalid("there is no index.html in " + directory);
  std::vector<std::string> paths;
  for (auto& [path, content] : r.found)
    if (!is_variant(path, r.found))
      paths.push_back(path);
  web_files out;
  out.left_out = std::move(r.left_out);
  for (auto& path : paths) {
    auto file = make_web_file(path, std::move(r.found[path]));
    file.brotli = variant_of(path, ".br", r.found);
    file.gzip = variant_of(path, ".gz", r.found);
    out.by_path.emplace(path, std::move(file));
  }
  return out;
}

} // namespace mana::http

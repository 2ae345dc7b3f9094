#include "http/web/web_files.hpp"

#include "tests/unit/web/web_directory.hpp"

#include <algorithm>

#include <sys/stat.h>

using namespace mana;
using namespace mana::http;
using mana::testing::web_directory;

namespace {

namespace fs = std::filesystem;

std::vector<std::string> paths_of(const web_files& files) {
  std::vector<std::string> out;
  for (auto& [path, file] : files.by_path)
    out.push_back(path);
  return out;
}

std::string why_not(const fs::path& directory, const web_limits& limits = {}) {
  auto files = read_web_files(directory, limits);
  if (files)
    return "read";
  EXPECT_EQ(files.error().code, errc::config_invalid);
  return files.error().detail;
}

using strings = std::vector<std::string>;

TEST(web_files, are_read_with_their_compressed_variants) {
  web_directory d;
  d.write("index.html", "<html>");
  d.write("index.html.gz", "gzipped");
  d.write("assets/app.js", std::string("a\0b", 3));
  d.write("assets/app.js.br", "brotli");
  d.write("assets/app.js.gz", "gzip");
  d.write("empty.txt", "");
  d.write("orphan.br", "of no file");
  auto files = read_web_files(d.path());
  ASSERT_TRUE(files) << files.error().detail;
  EXPECT_EQ(paths_of(*files), (strings{"/assets/app.js", "/empty.txt", "/index.html", "/orphan.br"}));
  EXPECT_EQ(files->left_out, strings{});
  auto& script = files->by_path.at("/assets/app.js");
  EXPECT_EQ(*script.plain, std::string("a\0b", 3));
  EXPECT_EQ(*script.brotli, "brotli");
  EXPECT_EQ(*script.gzip, "gzip");
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
  auto& page = files->by_path.at("/index.html");
  EXPECT_EQ(page.brotli, nullptr);
  EXPECT_EQ(*page.gzip, "gzipped");
  EXPECT_EQ(*files->by_path.at("/empty.txt").plain, "");
}

TEST(web_files, have_a_tag_of_their_content) {
  EXPECT_EQ(make_web_file("/a.js", "x").tag, make_web_file("/b.css", "x").tag);
  EXPECT_NE(make_web_file("/a.js", "x").tag, make_web_file("/a.js", "y").tag);
  EXPECT_EQ(make_web_file("/a.js", "x").tag.size(), 32u);
}

TEST(web_files, leave_out_hidden_files_and_links) {
  web_directory d;
  d.write("index.html", "<html>");
  d.write(".env", "secret");
  d.write(".git/config", "secret");
  d.write("assets/.hidden", "secret");
  std::ofstream{d.outside() / "outside"} << "secret";
  fs::create_symlink(d.outside() / "outside", d.path() / "link.txt");
  fs::create_symlink(d.path() / "index.html", d.path() / "inner.html");
  fs::create_directory_symlink(d.outside(), d.path() / "up");
  ASSERT_EQ(::mkfifo((d.path() / "pipe").c_str(), 0600), 0);
  auto files = read_web_files(d.path());
  ASSERT_TRUE(files) << files.error().detail;
  EXPECT_EQ(paths_of(*files), strings{"/index.html"});
  std::sort(files->left_out.begin(), files->left_out.end());
  EXPECT_EQ(files->left_out,
            (strings{"/.env", "/.git", "/assets/.hidden", "/inner.html", "/link.txt", "/pipe", "/up"}));
}

TEST(web_files, may_be_behind_a_link_to_their_directory) {
  web_directory d;
  d.write("index.html", "<html>");
  fs::create_directory_symlink(d.path(), d.outside() / "current");
  auto files = read_web_files(d.outside() / "current");
  ASSERT_TRUE(files) << files.error().detail;
  EXPECT_EQ(paths_of(*files), strings{"/index.html"});
}

TEST(web_files, say_what_is_wrong_with_their_directory) {
  web_directory d;
  d.write("assets/index.html", "not this one");
  EXPECT_EQ(why_not(d.path() / "nowhere"), "there is no directory " + (d.path() / "nowhere").string());
  EXPECT_EQ(why_not(d.path() / "assets/index.html"),
            "there is no directory " + (d.path() / "assets/index.html").string());
  EXPECT_EQ(why_not(""), "there is no directory ");
  EXPECT_EQ(why_not(d.path()), "there is no index.html in " + d.path().string());
  fs::create_directory(d.path() / "index.html");
  EXPECT_EQ(why_not(d.path()), "there is no index.html in " + d.path().string());
}

TEST(web_files, have_limits) {
  web_directory d;
  d.write("index.html", "12345678");
  d.write("assets/a.js", "1234");
  EXPECT_EQ(why_not(d.path(), {2, 8, 12}), "read");
  EXPECT_EQ(why_not(d.path(), {1, 8, 12}), "there are more than 1 files");
  EXPECT_EQ(why_not(d.path(), {2, 7, 12}).substr(0, 26), "/index.html cannot be read");
  EXPECT_NE(why_not(d.path(), {2, 8, 11}).find("cannot be read, or is too large"), std::string::npos);
  for (int i = 0; i < 4; ++i)
    d.write("." + std::to_string(i), "hidden");
  EXPECT_EQ(why_not(d.path(), {3, 8, 12}), "there are more than 3 files that cannot be served");
}

TEST(web_files, have_the_types_that_browsers_insist_on) {
  const std::pair<const char*, const char*> cases[] = {
      {"/index.html", "text/html; charset=utf-8"},
      {"/a.b.js", "text/javascript; charset=utf-8"},
      {"/w.mjs", "text/javascript; charset=utf-8"},
      {"/a.css", "text/css; charset=utf-8"},
      {"/config.json", "application/json"},
      {"/app.webmanifest", "application/manifest+json"},
      {"/x.wasm", "application/wasm"},
      {"/icon.svg", "image/svg+xml"},
      {"/f.woff2", "font/woff2"},
      {"/i.png", "image/png"},
      {"/robots.txt", "text/plain; charset=utf-8"},
      {"/unknown.xyz", "application/octet-stream"},
      {"/js", "application/octet-stream"},
      {"/page.html.bak", "application/octet-stream"},
  };
  for (auto& [path, type] : cases)
    EXPECT_EQ(content_type_of(path), type) << path;
}

} // namespace

#include "infra/http_client/response_reader.hpp"

#include <gtest/gtest.h>

namespace mana::net {
namespace {

struct read_result {
  read_progress progress = read_progress::need_more;
  bool reusable = false;
  http_response response;
};

// Feeds `piece` bytes at a time, then ends the stream when the response is still incomplete.
read_result read(std::string_view text, std::size_t piece, std::size_t max_header = 1024, std::size_t max_body = 64) {
  response_reader reader{max_header, max_body};
  read_result r;
  while (!text.empty() && r.progress == read_progress::need_more) {
    auto n = std::min(piece, text.size());
    r.progress = reader.feed(text.substr(0, n));
    text.remove_prefix(n);
  }
  if (r.progress == read_progress::need_more)
    r.progress = reader.end_of_stream();
  r.reusable = reader.reusable();
  r.response = reader.take();
  return r;
}

struct any_split : testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(pieces, any_split, testing::Values(1, 2, 3, 7, 10'000));

TEST_P(any_split, content_length) {
  auto r = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nRetry-After: 7\r\n\r\nhello", GetParam());
  EXPECT_EQ(r.progress, read_progress::done);
  EXPECT_TRUE(r.reusable);
  EXPECT_EQ(r.response.what, outcome::ok);
  EXPECT_EQ(r.response.status, 200u);
  EXPECT_EQ(r.response.body, "hello");
  EXPECT_EQ(r.response.retry_after, "7");
}

TEST_P(any_split, chunked_with_extension_and_trailer) {
  auto r =
      read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: 1\r\n\r\n",
           GetParam());
  EXPECT_EQ(r.progress, read_progress::done);
  EXPECT_TRUE(r.reusable);
  EXPECT_EQ(r.response.body, "hello world");
}

TEST_P(any_split, until_the_end_of_the_stream) {
  auto r = read("HTTP/1.1 200 OK\r\n\r\nhello", GetParam());
  EXPECT_EQ(r.progress, read_progress::done);
  EXPECT_FALSE(r.reusable);
  EXPECT_EQ(r.response.body, "hello");
}

TEST_P(any_split, no_body) {
  auto r = read("HTTP/1.1 204 No Content\r\n\r\n", GetParam());
  EXPECT_EQ(r.progress, read_progress::done);
  EXPECT_TRUE(r.reusable);
  EXPECT_EQ(r.response.status, 204u);
}

TEST_P(any_split, interim_responses_are_skipped) {
  auto r = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
                GetParam());
  EXPECT_EQ(r.progress, read_progress::done);
  EXPECT_TRUE(r.reusable);
  EXPECT_EQ(r.response.status, 429u);
}

TEST_P(any_split, interim_responses_without_end) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(read(text, GetParam()).response.what, outcome::transport_failed);
}

TEST_P(any_split, connections_that_must_not_be_reused) {
  EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", GetParam()).reusable);
  EXPECT_FALSE(read("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", GetParam()).reusable);
  EXPECT_FALSE(read("HTTP/1.1 101 Switching\r\n\r\n", GetParam()).reusable);
}

TEST(response_reader, bytes_behind_the_response_forbid_reuse) {
  auto r = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", 10'000);
  EXPECT_EQ(r.progress, read_progress::done);
  EXPECT_EQ(r.response.body, "ok");
  EXPECT_FALSE(r.reusable);
}

TEST_P(any_split, limits) {
  auto length = "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n" + std::string(65, 'x');
  auto announced = "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n";
  auto chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28\r\n" + std::string(40, 'x') + "\r\n28\r\n"
                 + std::string(40, 'x') + "\r\n0\r\n\r\n";
  auto open_end = "HTTP/1.1 200 OK\r\n\r\n" + std::string(65, 'x');
  auto header = "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\n\r\n";
  auto extension = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(5000, 'x');
  auto huge_chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nxxxx";
  for (std::string_view text :
       {std::string_view{length}, std::string_view{announced}, std::string_view{chunked}, std::string_view{open_end},
        std::string_view{header}, std::string_view{extension}, std::string_view{huge_chunk}}) {
    auto r = read(text, GetParam());
    EXPECT_EQ(r.progress, read_progress::failed) << text.substr(0, 80);
    EXPECT_EQ(r.response.what, outcome::too_large) << text.substr(0, 80) << " " << r.response.detail;
    EXPECT_TRUE(r.response.body.empty());
  }
  auto r = read("HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + std::string(64, 'x'), GetParam());
  EXPECT_EQ(r.response.what, outcome::ok);
}

TEST_P(any_split, broken) {
  for (std::string_view text :
       {"", "H", "HTTP/1.1 200 OK\r\nContent-Len", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", "garbage that is no HTTP\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "SSH-2.0-OpenSSH\r\n"}) {
    auto r = read(text, GetParam());
    EXPECT_EQ(r.progress, read_progress::failed) << text;
    EXPECT_EQ(r.response.what, outcome::transport_failed) << text;
    EXPECT_FALSE(r.reusable);
  }
}

} // namespace
} // namespace mana::net

#include "infra/crypto/pem.hpp"

#include "infra/crypto/base64.hpp"

#include <algorithm>
#include <array>

namespace mana::crypto {

namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view mark_tail = "-----";
constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t line_length = 64;
constexpr std::size_t max_blocks = 64;

struct label_name {
  pem_label label;
  std::string_view name;
};
constexpr std::array<label_name, 4> label_names{{{pem_label::private_key, "PRIVATE KEY"},
                                                 {pem_label::rsa_private_key, "RSA PRIVATE KEY"},
                                                 {pem_label::public_key, "PUBLIC KEY"},
                                                 {pem_label::rsa_public_key, "RSA PUBLIC KEY"}}};

std::string_view name_of(pem_label label) { return label_names[static_cast<std::size_t>(label)].name; }

std::optional<pem_label> label_of(std::string_view name) {
  for (auto& l : label_names)
    if (l.name == name)
      return l.label;
  return std::nullopt;
}

// An environment variable often cannot hold line breaks, so they are written as backslash and n.
sensitive_text with_real_line_breaks(std::string_view text) {
  sensitive_text out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    auto next = std::min(text.find("\\n", at), text.size());
    out.append(text.substr(at, next - at));
    if (next < text.size())
      out.append("\n");
    at = next + 2;
  }
  return out;
}

std::string_view skip_blanks(std::string_view s) { return s.substr(std::min(s.find_first_not_of(blanks), s.size())); }

// What stands between the two lines of a block.
struct framed {
  std::string_view label;
  std::string_view body;
};

// Takes one block off the front.
std::optional<framed> take_block(std::string_view& text) {
  if (!text.starts_with(begin_mark))
    return std::nullopt;
  auto label_end = text.find(mark_tail, begin_mark.size());
  if (label_end == text.npos)
    return std::nullopt;
  framed out{.label = text.substr(begin_mark.size(), label_end - begin_mark.size()), .body = {}};
  auto rest = text.substr(label_end + mark_tail.size());
  auto body_end = rest.find(end_mark);
  if (body_end == rest.npos)
    return std::nullopt;
  out.body = rest.substr(0, body_end);
  rest.remove_prefix(body_end + end_mark.size());
  if (!rest.starts_with(out.label) || !rest.substr(out.label.size()).starts_with(mark_tail))
    return std::nullopt;
  text = rest.substr(out.label.size() + mark_tail.size());
  return out;
}

// `Proc-Type: 4,ENCRYPTED` is how PKCS#1 says it.
bool is_encrypted(const framed& block) {
  return block.label == "ENCRYPTED PRIVATE KEY" || block.body.find("ENCRYPTED") != std::string_view::npos;
}

std::optional<secret> decode_body(std::string_view body) {
  sensitive_text text;
  text.reserve(body.size());
  for (body = skip_blanks(body); !body.empty(); body = skip_blanks(body)) {
    auto line = body.substr(0, body.find_first_of(blanks));
    text.append(line);
    body.remove_prefix(line.size());
  }
  return text.empty() ? std::nullopt : secret_from_base64(text.view());
}

result<pem_block> read_block(std::string_view& text, std::size_t number) {
  auto block = take_block(text);
  if (!block)
    return bad_pem_block(number, "a PEM block was expected: a BEGIN line, base64, and the END line that belongs to it");
  if (is_encrypted(*block))
    return bad_pem_block(number, "the key is encrypted with a passphrase; keys must be given without one");
  auto label = label_of(block->label);
  if (!label)
    return bad_pem_block(number, "the block holds something else than a private or public key");
  auto der = decode_body(block->body);
  if (!der)
    return bad_pem_block(number, "what stands between its BEGIN and END lines is no base64");
  return pem_block{*label, std::move(*der)};
}

} // namespace

failure bad_pem_block(std::size_t number, std::string_view what) {
  return {errc::config_invalid, "PEM block " + std::to_string(number) + ": " + std::string{what}};
}

result<std::vector<pem_block>> read_pem(std::string_view text) {
  auto unescaped = with_real_line_breaks(text);
  std::vector<pem_block> out;
  for (auto rest = skip_blanks(unescaped.view()); !rest.empty(); rest = skip_blanks(rest)) {
    if (out.size() == max_blocks)
      return bad_pem_block(max_blocks + 1, "these are too many blocks");
    auto block = read_block(rest, out.size() + 1);
    if (!block)
      return std::move(block).error();
    out.push_back(std::move(*block));
  }
  return out;
}

sensitive_text write_pem(pem_label label, const secret& der) {
  auto body = to_base64(der);
  sensitive_text out;
  out.append(begin_mark).append(name_of(label)).append(mark_tail).append("\n");
  for (auto rest = body.view(); !rest.empty(); rest.remove_prefix(std::min(line_length, rest.size())))
    out.append(rest.substr(0, line_length)).append("\n");
  out.append(end_mark).append(name_of(label)).append(mark_tail).append("\n");
  return out;
}

} // namespace mana::crypto

// The only door to libpqxx. Compiles on 6.4 (Debian 12) and 7.10 (Debian 13). Exceptions stay
// inside: a unit of work runs through attempt(), which turns every one into a mana::failure.
#pragma once

#include "messages/result.hpp"
#include "messages/timestamp.hpp"

#include <optional> // libpqxx/field.hxx uses std::optional without including it

#include <pqxx/pqxx>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mana::pg {

// One connection. Lives on one thread.
class connection {
public:
  // `url`: a libpq URI or keyword string. Adds connect and keepalive limits that it does not set.
  // Throws pqxx::broken_connection: call inside attempt().
  explicit connection(const std::string& url);

  pqxx::connection& raw() { return *raw_; }

  // One statement, committed by itself: one round trip.
  template <class... Ts>
  pqxx::result exec(const std::string& sql, Ts&&... args) {
    pqxx::nontransaction tx{*raw_};
    return exec_in(tx, sql, std::forward<Ts>(args)...);
  }

  // One statement of a transaction.
  template <class... Ts>
  static pqxx::result exec_in(pqxx::transaction_base& tx, const std::string& sql, Ts&&... args) {
#if PQXX_VERSION_MAJOR >= 7
    return tx.exec(sql, pqxx::params{std::forward<Ts>(args)...});
#else
    return tx.exec_params(sql, std::forward<Ts>(args)...);
#endif
  }

private:
  std::unique_ptr<pqxx::connection> raw_;
};

// The failure that an exception of libpqxx (or any other) stands for. Details are the server's
// first line without its context, which may quote data.
failure failure_of(const std::exception& e);

// Runs `work` and gives its value, or the failure its exception stands for.
template <class F>
auto attempt(F&& work) -> result<std::invoke_result_t<F>> {
  try {
    return work();
  } catch (const std::exception& e) {
    return failure_of(e);
  }
}

// -- parameters and columns ---------------------------------------------------------------------

// Array literals: 6.4 cannot pass containers, and both versions accept text. A missing element is
// SQL NULL.
class text_array {
public:
  void add(std::string_view element);
  void add_null();
  std::string str() const { return literal_ + '}'; }

private:
  void separate();
  std::string literal_ = "{";
};

class bigint_array {
public:
  void add(std::int64_t element) { append(std::to_string(element)); }
  void add_null() { append("NULL"); }
  std::string str() const { return literal_ + '}'; }

private:
  void append(std::string_view text);
  std::string literal_ = "{";
};

template <class T>
std::optional<T> get(const pqxx::field& f) {
  if (f.is_null())
    return std::nullopt;
  return f.as<T>();
}

// Points in time travel as microseconds since 1970, which no session setting can reformat.
inline timestamp time_from_us(std::int64_t us) {
  return timestamp{std::chrono::floor<std::chrono::milliseconds>(std::chrono::microseconds{us})};
}
inline std::int64_t to_us(timestamp t) { return std::chrono::microseconds{t.time_since_epoch()}.count(); }

// The column's text without a copy; valid as long as the result.
inline std::string_view view(const pqxx::field& f) { return {f.c_str(), f.size()}; }

} // namespace mana::pg

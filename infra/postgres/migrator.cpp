#include "infra/postgres/migrator.hpp"

#include <openssl/evp.h>

#include <array>
#include <map>

namespace mana::pg {

namespace {

constexpr std::int64_t advisory_lock_key = 0x6d616e615f6169; // "mana_ai"

std::string checksum(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

void prepare(pqxx::connection& c) {
  pqxx::work tx{c};
  tx.exec("SET LOCAL ROLE mana_ai_owner");
  tx.exec("CREATE TABLE IF NOT EXISTS mana_ai.schema_migrations ("
          " number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
          " applied_at timestamptz NOT NULL DEFAULT now())");
  tx.commit();
}

std::map<int, std::string> applied_checksums(pqxx::transaction_base& tx) {
  std::map<int, std::string> out;
  for (const auto& row : tx.exec("SELECT number, checksum FROM mana_ai.schema_migrations"))
    out.emplace(row[0].as<int>(), row[1].as<std::string>());
  return out;
}

// False when the migration was there already.
bool apply(pqxx::connection& c, const migration& m) {
  pqxx::work tx{c};
  tx.exec("SET LOCAL ROLE mana_ai_owner");
  auto applied = applied_checksums(tx);
  if (auto known = applied.find(m.number); known != applied.end()) {
    if (known->second != checksum(m.sql))
      throw std::runtime_error{"migration " + std::to_string(m.number)
                               + " was changed after it was applied: add a new migration instead"};
    return false;
  }
  tx.exec(std::string{m.sql});
  connection::exec_in(tx, "INSERT INTO mana_ai.schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                      m.number, std::string{m.name}, checksum(m.sql));
  tx.commit();
  return true;
}

} // namespace

result<std::size_t> migrate(const std::string& url) {
  return attempt([&] {
    connection c{url};
    // Held by the session: it ends with the connection at the latest.
    c.exec("SELECT pg_advisory_lock($1)", advisory_lock_key);
    prepare(c.raw());
    std::size_t count = 0;
    for (auto& m : embedded_migrations())
      count += apply(c.raw(), m) ? 1 : 0;
    c.exec("SELECT pg_advisory_unlock($1)", advisory_lock_key);
    return count;
  });
}

result<migration_state> migration_state_of(connection& c) {
  return attempt([&] {
    migration_state s;
    s.known = embedded_migrations().back().number;
    s.applied = c.exec("SELECT coalesce(max(number), 0) FROM mana_ai.schema_migrations")[0][0].as<int>();
    return s;
  });
}

} // namespace mana::pg

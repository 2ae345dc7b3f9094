#include "infra/postgres/migrator.hpp"

#include <openssl/evp.h>

#include <array>
#include <map>

namespace mana::pg {

namespace {

// One key for all sets: those of one database are applied one after the other.
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

std::string version_table(const migration_set& set) { return std::string{set.schema} + ".schema_migrations"; }

// One replica at a time, as the owner. Role and lock end with the transaction: a session may be
// another one for each transaction when a pooler stands in between.
void begin_step(pqxx::transaction_base& tx, const migration_set& set) {
  connection::exec_in(tx, "SELECT pg_advisory_xact_lock($1)", advisory_lock_key);
  tx.exec("SET LOCAL ROLE " + std::string{set.owner});
}

void prepare(pqxx::connection& c, const migration_set& set) {
  pqxx::work tx{c};
  begin_step(tx, set);
  tx.exec("CREATE TABLE IF NOT EXISTS " + version_table(set)
          + " (number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())");
  tx.commit();
}

std::map<int, std::string> applied_checksums(pqxx::transaction_base& tx, const migration_set& set) {
  std::map<int, std::string> out;
  for (const auto& row : tx.exec("SELECT number, checksum FROM " + version_table(set)))
    out.emplace(row[0].as<int>(), row[1].as<std::string>());
  return out;
}

// False when the migration was there already.
bool apply(pqxx::connection& c, const migration_set& set, const migration& m) {
  pqxx::work tx{c};
  begin_step(tx, set);
  auto applied = applied_checksums(tx, set);
  if (auto known = applied.find(m.number); known != applied.end()) {
    if (known->second != checksum(m.sql))
      throw std::runtime_error{"migration " + std::to_string(m.number) + " of " + std::string{set.schema}
                               + " was changed after it was applied: add a new migration instead"};
    return false;
  }
  tx.exec(std::string{m.sql});
  connection::exec_in(tx, "INSERT INTO " + version_table(set) + " (number, name, checksum) VALUES ($1, $2, $3)",
                      m.number, std::string{m.name}, checksum(m.sql));
  tx.commit();
  return true;
}

} // namespace

result<std::size_t> migrate(const std::string& url, const migration_set& set) {
  return attempt([&] {
    connection c{url};
    prepare(c.raw(), set);
    std::size_t count = 0;
    for (auto& m : set.migrations)
      count += apply(c.raw(), set, m) ? 1 : 0;
    return count;
  });
}

result<migration_state> migration_state_of(connection& c, const migration_set& set) {
  return attempt([&] {
    migration_state s;
    s.known = set.migrations.back().number;
    s.applied = c.exec("SELECT coalesce(max(number), 0) FROM " + version_table(set))[0][0].as<int>();
    return s;
  });
}

} // namespace mana::pg

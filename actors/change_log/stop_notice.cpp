#include "actors/change_log/stop_notice.hpp"

namespace mana {

namespace {

struct notice_kind {
  std::string_view prefix;
  stop_runs::whose by;
  std::size_t digits;
};

constexpr notice_kind kinds[] = {{"grant:", stop_runs::whose::grant, 32}, {"user:", stop_runs::whose::user, 64}};

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

} // namespace

std::optional<stop_runs> parse_stop_notice(std::string_view payload) {
  for (auto& kind : kinds) {
    if (!payload.starts_with(kind.prefix))
      continue;
    auto digits = payload.substr(kind.prefix.size());
    if (digits.size() == kind.digits && is_hex(digits))
      return stop_runs{kind.by, std::string{digits}};
  }
  return std::nullopt;
}

void announce_revoked_grants(pqxx::transaction_base& tx, const std::vector<std::string>& fingerprints) {
  if (fingerprints.empty())
    return;
  pg::text_array list;
  for (auto& fingerprint : fingerprints)
    list.add(fingerprint);
  pg::connection::exec_in(tx, "SELECT pg_notify($1, 'grant:' || f) FROM unnest($2::text[]) AS f", stop_channel,
                          list.str());
}

} // namespace mana

#include "actors/planner/run_outcome.hpp"

#include <algorithm>
#include <cstdint>

namespace mana {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t max_reason_detail = 200; // bytes of a detail that is shown to the user

std::string_view next_sentence(after_slot next) noexcept {
  switch (next) {
    case after_slot::as_planned: return "Der nächste Lauf ist wie geplant vorgesehen.";
    case after_slot::nothing_planned: return "Ein weiterer Lauf ist nicht eingeplant.";
    case after_slot::unschedulable: return "Weitere Läufe finden erst statt, wenn der Zeitplan korrigiert ist.";
  }
  return {};
}

// Never ends inside a UTF-8 sequence.
std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= max_reason_detail)
    return text;
  auto n = max_reason_detail;
  while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80)
    --n;
  return text.substr(0, n);
}

std::string exhausted_reason(unsigned attempt, std::string_view last_error) {
  auto code = errc_named(last_error.substr(0, last_error.find(':')));
  auto tries = attempt > 1 ? attempt - 1 : 1;
  std::string out = "Nach " + std::to_string(tries) + (tries == 1 ? " Versuch" : " Versuchen") + " aufgegeben: ";
  out += code ? reason_sentence(*code) : "Die Läufe wurden jedes Mal unterbrochen.";
  return out;
}

// What the user has to correct is named; other details are for the operator.
std::string reason(const failure& why, unsigned attempt) {
  if (why.code == errc::attempts_exhausted)
    return exhausted_reason(attempt, why.detail);
  std::string out{reason_sentence(why.code)};
  bool for_user = why.code == errc::cadence_invalid || why.code == errc::mission_invalid;
  if (for_user && !why.detail.empty())
    out.append(" (").append(cut(why.detail)).append(")");
  return out;
}

// Details of other errors are not the LLM client's, which alone may say when to come back.
bool from_llm(errc code) noexcept {
  return code == errc::llm_rate_limited || code == errc::llm_circuit_open || code == errc::llm_retries_spent;
}

milliseconds pause_for(const failure& why, const retry_policy& policy, double random) {
  if (why.code == errc::grant_revoked) // the slot is still due, and the next run knows better
    return milliseconds{0};
  auto pause = why.code == errc::llm_circuit_open ? policy.circuit_pause : policy.overload_pause;
  // 0 would send the run around in circles.
  if (auto told = retry_after_of(why.detail); told && *told > milliseconds{0} && from_llm(why.code))
    pause = std::clamp(*told, policy.min_told_pause, policy.max_told_pause);
  auto spread = std::clamp(random, 0.0, 1.0) * static_cast<double>(pause.count()) / 4;
  return pause + milliseconds{static_cast<std::int64_t>(spread)};
}

} // namespace

failure_kind kind_of(errc code) noexcept {
  switch (code) {
    case errc::database_unavailable:
    case errc::database_overloaded:
    case errc::database_timeout:
    case errc::database_conflict:
    case errc::commit_in_doubt:
    case errc::database_refused:
    case errc::database_read_only:
    case errc::llm_unreachable:
    case errc::llm_timeout:
    case errc::llm_failed:
    case errc::llm_answer_too_large:
    case errc::llm_answer_invalid:
    case errc::plan_rejected:
    case errc::internal: return failure_kind::transient;
    case errc::llm_rate_limited:
    case errc::llm_circuit_open:
    case errc::llm_overloaded:
    case errc::llm_retries_spent:
    case errc::cancelled:
    case errc::shutting_down:
    case errc::grant_revoked: return failure_kind::parked;
    case errc::llm_refused:
    case errc::cadence_invalid:
    case errc::mission_invalid:
    case errc::attempts_exhausted:
    case errc::audit_unavailable:
    case errc::quarantined:
    case errc::json_malformed:
    case errc::limit_exceeded:
    case errc::bad_request:
    case errc::unauthorized:
    case errc::not_found:
    case errc::config_invalid:
    case errc::rate_limited:
    case errc::overloaded:
    case errc::grant_not_configured:
    case errc::vault_not_initialised:
    case errc::vault_exists:
    case errc::zero_knowledge_active:
    case errc::recovery_wrap_missing:
    case errc::vault_key_unknown:
    case errc::mission_running:
    case errc::mission_not_due:
    case errc::mission_has_grant:
    case errc::mission_held:
    case errc::mission_unknown:
    case errc::token_budget_spent:
    case errc::name_taken:
    case errc::export_failed: return failure_kind::final;
    case errc::lease_lost:
    case errc::account_deleted: return failure_kind::lost;
  }
  return failure_kind::transient;
}

std::optional<run_verdict> judge(const failure& why, unsigned attempt, after_slot next, const retry_policy& policy,
                                 double random) {
  auto kind = kind_of(why.code);
  if (kind == failure_kind::lost)
    return std::nullopt;
  run_verdict out;
  if (kind == failure_kind::parked) {
    out.how = run_end::parked;
    out.retry_after = pause_for(why, policy, random);
  } else if (kind == failure_kind::transient && attempt < policy.max_attempts) {
    out.how = run_end::retry;
    out.retry_after = policy.between.delay(attempt, random);
  } else {
    out.summary = reason(why, attempt).append(" ").append(next_sentence(next));
  }
  return out;
}

std::string_view reason_sentence(errc code) noexcept {
  switch (code) {
    case errc::database_unavailable:
    case errc::database_overloaded:
    case errc::database_timeout:
    case errc::database_conflict:
    case errc::commit_in_doubt:
    case errc::database_read_only: return "Die Datenbank war nicht verfügbar.";
    case errc::database_refused: return "Die Datenbank hat den Zugriff abgelehnt.";
    case errc::llm_unreachable: return "Der Sprachmodell-Dienst war nicht erreichbar.";
    case errc::llm_timeout: return "Der Sprachmodell-Dienst hat nicht rechtzeitig geantwortet.";
    case errc::llm_refused: return "Der Sprachmodell-Dienst hat die Anfrage abgelehnt.";
    case errc::llm_failed: return "Der Sprachmodell-Dienst hat einen Fehler gemeldet.";
    case errc::llm_rate_limited:
    case errc::llm_circuit_open:
    case errc::llm_overloaded:
    case errc::llm_retries_spent: return "Der Sprachmodell-Dienst war überlastet.";
    case errc::llm_answer_too_large: return "Die Antwort des Sprachmodell-Dienstes war zu groß.";
    case errc::llm_answer_invalid: return "Die Antwort des Sprachmodell-Dienstes war nicht lesbar.";
    case errc::plan_rejected: return "Das Sprachmodell hat keinen gültigen Plan geliefert.";
    case errc::cadence_invalid: return "Der Zeitplan der Mission ist ungültig.";
    case errc::mission_invalid: return "Der Mission fehlen Angaben, die für einen Lauf nötig sind.";
    case errc::attempts_exhausted: return "Alle Versuche sind fehlgeschlagen.";
    case errc::audit_unavailable:
      return "Die Zugriffe auf verschlüsselte Daten konnten nicht protokolliert werden, deshalb wurden sie nicht"
             " verwendet.";
    case errc::quarantined:
      return "Die Mission wurde angehalten, weil ihre Läufe den Dienst wiederholt abgebrochen haben. Der Betrieb muss"
             " sie wieder freigeben.";
    case errc::grant_revoked: return "Der Zugriff auf die Daten wurde während des Laufs zurückgezogen.";
    case errc::account_deleted: return "Das Konto wurde gelöscht.";
    case errc::lease_lost: return "Die Mission wurde von einer anderen Instanz übernommen.";
    case errc::cancelled: return "Der Lauf wurde abgebrochen.";
    case errc::shutting_down: return "Der Dienst wurde beendet.";
    case errc::json_malformed: return "Die Daten der Mission sind nicht lesbar.";
    case errc::limit_exceeded: return "Die Mission überschreitet eine zulässige Größe.";
    case errc::bad_request:
    case errc::unauthorized:
    case errc::not_found:
    case errc::config_invalid:
    case errc::rate_limited:
    case errc::overloaded:
    case errc::grant_not_configured:
    case errc::vault_not_initialised:
    case errc::vault_exists:
    case errc::zero_knowledge_active:
    case errc::recovery_wrap_missing:
    case errc::vault_key_unknown:
    case errc::mission_running:
    case errc::mission_not_due:
    case errc::mission_has_grant:
    case errc::mission_held:
    case errc::mission_unknown:
    case errc::token_budget_spent:
    case errc::name_taken:
    case errc::export_failed:
    case errc::internal: return "Im Dienst ist ein interner Fehler aufgetreten.";
  }
  return "Im Dienst ist ein interner Fehler aufgetreten.";
}

std::optional<errc> errc_named(std::string_view name) noexcept {
  for (unsigned n = 1; n < 256; ++n)
    if (auto code = static_cast<errc>(n); to_string(code) == name && name != "unknown")
      return code;
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> retry_after_of(std::string_view detail) noexcept {
  constexpr std::string_view key = "retry_after=";
  constexpr std::int64_t longest = 1'000'000'000; // seconds
  auto at = detail.find(key);
  if (at == std::string_view::npos)
    return std::nullopt;
  detail.remove_prefix(at + key.size());
  auto digits = [&] { return std::min(detail.find_first_not_of("0123456789"), detail.size()); };
  auto n = digits();
  if (n == 0)
    return std::nullopt;
  std::int64_t seconds = 0;
  for (char c : detail.substr(0, n))
    seconds = std::min<std::int64_t>(seconds * 10 + (c - '0'), longest);
  detail.remove_prefix(n);
  std::int64_t thousandths = 0;
  if (detail.starts_with('.')) {
    detail.remove_prefix(1);
    auto fraction = detail.substr(0, std::min<std::size_t>(digits(), 3));
    for (std::size_t i = 0; i < 3; ++i)
      thousandths = thousandths * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  return milliseconds{seconds * 1'000 + thousandths};
}

} // namespace mana

#include "actors/planner/inputs/opened_record.hpp"

#include "infra/crypto/grant/envelope.hpp"
#include "infra/json/sensitive_json.hpp"

namespace mana {

namespace {

constexpr std::string_view decrypt_failed = "decrypt-failed";
constexpr std::string_view not_sealed_for_grant = "not-sealed-for-grant";

// A value's JSON text, or the reason why it does not open.
struct opening {
  std::optional<sensitive_text> json;
  std::string_view reason;
};

opening result_of(crypto::opened_value value) {
  if (value.json)
    return {std::move(value.json), {}};
  return {std::nullopt, crypto::to_string(value.error)};
}

class record_opener {
public:
  record_opener(const crypto::opened_grant& grant, const record_ref& ref) : grant_(grant), ref_(ref) {}

  opening open(std::string_view field, std::string_view value, crypto::envelope_version version) {
    return version == crypto::envelope_version::enc1 ? open_enc1(value) : open_enc2(field, value);
  }

private:
  // Under v2 the browser has sealed nothing with the MDK, so a value that it does not open is an old one under
  // the master key.
  opening open_enc1(std::string_view value) const {
    auto opened = crypto::open_enc1(grant_.mdk(), value);
    bool wrong_key = !opened.json && opened.error == crypto::open_error::tampered_or_wrong_key;
    if (wrong_key && grant_.version() == 2)
      return {std::nullopt, not_sealed_for_grant};
    return result_of(std::move(opened));
  }

  opening open_enc2(std::string_view field, std::string_view value) {
    if (grant_.version() == 1) // has no keys of records
      return {std::nullopt, crypto::to_string(crypto::open_error::tampered_or_wrong_key)};
    if (!key_)
      key_ = grant_.key_of(ref_.table, ref_.id);
    if (!key_)
      return {std::nullopt, decrypt_failed};
    return result_of(crypto::open_enc2(key_->view(), ref_.table, ref_.id, field, value));
  }

  const crypto::opened_grant& grant_;
  const record_ref& ref_;
  std::optional<crypto::secret> key_;
};

opened_record failed(opened_record so_far, std::string_view reason) {
  so_far.fields.clear();
  so_far.failure = reason;
  return so_far;
}

} // namespace

opened_record open_record(const crypto::opened_grant& grant, const record_ref& ref, const json::value& record,
                          std::span<const std::string_view> wanted) {
  opened_record out;
  record_opener opener{grant, ref};
  for (auto field : wanted) {
    auto value = record.text(field);
    auto version = crypto::envelope_of(value);
    if (!version)
      continue;
    out.was_encrypted = true;
    auto opened = opener.open(field, value, *version);
    if (!opened.json)
      return failed(std::move(out), opened.reason);
    ++out.opened;
    auto text = json::take_text(*std::move(opened.json));
    if (!text)
      return failed(std::move(out), decrypt_failed);
    if (*text)
      out.fields.push_back({field, **std::move(text)});
  }
  return out;
}

} // namespace mana

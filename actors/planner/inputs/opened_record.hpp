// opened_record: the encrypted fields of one record, opened under a grant (contract sections 2 and 4).
#pragma once

#include "actors/planner/inputs/readable_record.hpp"
#include "infra/crypto/grant/grant.hpp"
#include "messages/record_reader.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mana {

struct opened_record {
  std::vector<opened_field> fields; // those that hold a text; none when one of them failed
  std::size_t opened = 0;           // fields that were decrypted, of whatever type
  bool was_encrypted = false;       // any of the wanted fields
  std::string failure;              // the reason for the audit, of the first field that does not open
};

// Opens those of `wanted` that are encrypted; all or nothing. The record's key lives no longer than the call.
opened_record open_record(const crypto::opened_grant& grant, const record_ref& ref, const json::value& record,
                          std::span<const std::string_view> wanted);

} // namespace mana

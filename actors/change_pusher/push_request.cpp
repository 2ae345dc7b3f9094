#include "actors/change_pusher/push_request.hpp"

#include "actors/change_pusher/change_value.hpp"
#include "infra/crypto/random_uuid.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace mana {

namespace {

using json::object;
using json::value;

// The runner's rows are known by it.
constexpr std::string_view reserved_client = "mana-ai-runner";

failure wrong(const std::string& where, std::string_view what) {
  return {errc::bad_request, where + ": " + std::string{what}};
}

// A member that is there; null counts as absent.
const value* member(const value& of, std::string_view name) {
  auto* v = of.find(name);
  return v == nullptr || v->is_null() ? nullptr : v;
}

// -- one change -----------------------------------------------------------------------------------------

class change_reader {
public:
  change_reader(const value& change, std::string where) : change_(change), where_(std::move(where)) {}

  result<pushed_row> read(const std::function<std::string()>& new_id) {
    if (change_.as_object() == nullptr)
      return wrong(where_, "must be an object");
    for (auto step : {&change_reader::read_names, &change_reader::read_event, &change_reader::read_content,
                      &change_reader::read_actor})
      if (auto p = (this->*step)())
        return std::move(*p);
    if (row_.event_id.empty())
      row_.event_id = new_id();
    return std::move(row_);
  }

private:
  using problem = std::optional<failure>;

  std::string at(std::string_view name) const { return where_ + '.' + std::string{name}; }

  problem read_names() {
    row_.table = change_.text("table");
    if (!is_log_name(row_.table))
      return wrong(at("table"), "must be a name of letters, digits, _, - and ., at most 64 bytes");
    row_.record = change_.text("id");
    if (!is_log_id(row_.record, max_id_bytes))
      return wrong(at("id"), "must be a text of 1 to 200 bytes without control characters");
    row_.op = change_.text("op");
    if (row_.op != "insert" && row_.op != "update" && row_.op != "delete")
      return wrong(at("op"), "must be insert, update or delete");
    return std::nullopt;
  }

  problem read_event() {
    auto* given = member(change_, "eventId");
    if (given == nullptr)
      return std::nullopt;
    if (given->as_string() == nullptr || !is_uuid(*given->as_string()))
      return wrong(at("eventId"), "must be a UUID in lower case");
    row_.event_id = *given->as_string();
    return std::nullopt;
  }

  problem read_content() {
    row_.timestamps = "{}";
    if (row_.op == "insert")
      return read_insert();
    return row_.op == "update" ? read_update() : read_delete();
  }

  problem refuse(std::initializer_list<std::string_view> names) const {
    for (auto name : names)
      if (member(change_, name) != nullptr)
        return wrong(at(name), "does not go with " + row_.op);
    return std::nullopt;
  }

  problem read_insert() {
    if (auto p = refuse({"fields", "deletedAt"}))
      return p;
    auto* data = member(change_, "data");
    if (data == nullptr || data->as_object() == nullptr)
      return wrong(at("data"), "must be an object: the whole record");
    for (auto& [name, v] : *data->as_object()) {
      if (auto p = wrong_field_name(at("data"), name, false))
        return p;
      if (auto p = wrong_field_value(at("data") + '.' + name, name, v))
        return p;
    }
    if (auto* id = data->find("id"); id != nullptr && *id != value{row_.record})
      return wrong(at("data.id"), "must be the change's id");
    row_.data = json::to_text(*data);
    return std::nullopt;
  }

  problem read_update() {
    if (auto p = refuse({"data", "deletedAt"}))
      return p;
    auto* fields = member(change_, "fields");
    if (fields == nullptr || fields->as_object() == nullptr || fields->as_object()->empty())
      return wrong(at("fields"), "must be an object with at least one field");
    object data;
    object stamps;
    for (auto& [name, field] : *fields->as_object()) {
      auto where = at("fields");
      if (auto p = wrong_field_name(where, name, true))
        return p;
      where += '.' + name;
      auto* v = field.find("value");
      if (v == nullptr)
        return wrong(where, "must be an object with value and updatedAt");
      if (auto p = wrong_field_value(where + ".value", name, *v))
        return p;
      if (!is_stamp(field.text("updatedAt")))
        return wrong(where + ".updatedAt", stamp_form);
      data.set(name, *v);
      stamps.set(name, field.text("updatedAt"));
    }
    row_.data = json::to_text(std::move(data));
    row_.timestamps = json::to_text(std::move(stamps));
    return std::nullopt;
  }

  problem read_delete() {
    if (auto p = refuse({"data", "fields"}))
      return p;
    auto* deleted_at = member(change_, "deletedAt");
    row_.data = "{}";
    if (deleted_at == nullptr)
      return std::nullopt;
    if (deleted_at->as_string() == nullptr || !is_stamp(*deleted_at->as_string()))
      return wrong(at("deletedAt"), stamp_form);
    // Stamped like any other field: the client says when, not when the change arrives here.
    row_.data = row_.timestamps = json::to_text(object{{"deletedAt", *deleted_at}});
    return std::nullopt;
  }

  problem read_actor() {
    auto* actor = member(change_, "actor");
    if (actor == nullptr)
      return std::nullopt;
    if (auto p = wrong_actor(at("actor"), *actor))
      return p;
    row_.actor = json::to_text(*actor);
    if (row_.actor.size() > max_actor_bytes)
      return wrong(at("actor"), "must have at most 16 KiB");
    return std::nullopt;
  }

  const value& change_;
  std::string where_;
  pushed_row row_;
};

// -- the whole request ----------------------------------------------------------------------------------

std::optional<failure> read_head(const value& body, push_request& out) {
  out.client_id = body.text("clientId");
  if (!is_log_id(out.client_id, max_client_id_bytes))
    return wrong("clientId", "must be a text of 1 to 100 bytes without control characters");
  if (out.client_id == reserved_client)
    return wrong("clientId", "is reserved");
  if (auto* since = member(body, "since")) {
    if (since->as_string() == nullptr)
      return wrong("since", "must be a text");
    out.since = *since->as_string();
  }
  if (auto* version = member(body, "schemaVersion")) {
    auto n = version->as_integer();
    if (!n || *n < 1 || *n > std::numeric_limits<int>::max())
      return wrong("schemaVersion", "must be a whole number from 1");
    out.schema_version = static_cast<int>(*n);
  }
  return std::nullopt;
}

} // namespace

bool is_log_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= max_name_bytes && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'
           || c == '.';
  });
}

bool is_log_id(std::string_view id, std::size_t max_bytes) noexcept {
  return !id.empty() && id.size() <= max_bytes
         && std::none_of(id.begin(), id.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

result<push_request> parse_push(std::string_view text, const std::function<std::string()>& new_id) {
  auto body = json::parse(text);
  if (!body || body->as_object() == nullptr)
    return failure{errc::bad_request, "the body must be a JSON object"};
  push_request out;
  if (auto problem = read_head(*body, out))
    return std::move(*problem);
  auto* changes = member(*body, "changes");
  auto* list = changes == nullptr ? nullptr : changes->as_array();
  if (list == nullptr)
    return wrong("changes", "must be an array");
  if (list->size() > max_changes)
    return failure{errc::limit_exceeded, "changes: at most 1000 in one request"};
  out.rows.reserve(list->size());
  for (auto& change : *list) {
    change_reader reader{change, "changes[" + std::to_string(out.rows.size()) + ']'};
    auto row = reader.read(new_id);
    if (!row)
      return std::move(row).error();
    out.rows.push_back(std::move(*row));
  }
  return out;
}

} // namespace mana

// The schema_keeper: a detached actor with connections of its own, so that a service that starts
// before its database comes up migrates as soon as it is there.
#pragma once

#include "actors/schema_keeper/schema_queries.hpp"
#include "messages/result.hpp"
#include "messages/schema_keeper.hpp"

#include <functional>
#include <string>

namespace mana {

struct schema_keeper_config {
  schema_needs needs;
  std::string url;           // the target's login
  std::string migration_url; // empty: never migrates
};

struct schema_observer {
  std::function<void(const schema_status&)> looked;
  std::function<void(std::size_t applied)> migrated;
  std::function<void(const failure&)> failed;
};

class schema_keeper : public schema_keeper_actor::base {
public:
  schema_keeper(caf::actor_config& cfg, schema_keeper_config config, schema_observer observer);
  const char* name() const override { return "schema_keeper"; }

protected:
  behavior_type make_behavior() override;

private:
  void look();

  schema_keeper_config config_;
  schema_observer observer_;
  bool migrated_ = false;
};

} // namespace mana

// The user_eraser: removes everything that schema mana_ai holds of a user.
#pragma once

#include "messages/database.hpp"
#include "messages/user_eraser.hpp"

namespace mana {

namespace pg {
class connection;
}

// Throws libpqxx's exceptions.
user_erased erase_rows_of(pg::connection& db, const user_id& user);

class user_eraser : public user_eraser_actor::base {
public:
  user_eraser(caf::actor_config& cfg, database_actor database);

  const char* name() const override { return "user_eraser"; }
  void on_exit() override { database_ = nullptr; }

protected:
  behavior_type make_behavior() override;

private:
  database_actor database_;
};

} // namespace mana

// The browser app as the settings describe it.
#pragma once

#include "http/web/web_app.hpp"
#include "infra/config/settings.hpp"

namespace mana::http {

web_config web_config_of(const config::settings& s);

// config_invalid names WEB_ROOT and says what to do.
result<web_app> web_app_of(const config::settings& s);

} // namespace mana::http

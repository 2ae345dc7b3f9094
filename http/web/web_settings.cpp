#include "http/web/web_settings.hpp"

#include "http/version.hpp"

namespace mana::http {

namespace {

std::string without_slash(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  return url;
}

} // namespace

web_config web_config_of(const config::settings& s) {
  web_config c;
  c.auth_url = without_slash(s.web_auth_url);
  c.sync_url = without_slash(s.web_sync_url);
  c.runner_url = without_slash(s.web_runner_url);
  c.sign_in = s.standalone_sign_in;
  c.registration = s.standalone_sign_in && s.registration;
  c.default_time_zone = s.default_time_zone;
  c.version = version;
  return c;
}

result<web_app> web_app_of(const config::settings& s) {
  auto app = load_web_app(s.web_root, web_config_of(s));
  if (!app)
    return failure{errc::config_invalid,
                   "WEB_ROOT: " + app.error().detail + "; deploy/webapp.sh builds the app into http/webapp/dist"};
  return app;
}

} // namespace mana::http

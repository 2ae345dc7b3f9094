// The web target: the browser app and what it needs to know of this installation.
//
//   GET /assets/*      files whose names change with their content: kept by browsers for good
//   GET /config.json   `{authUrl, syncUrl, runnerUrl, signIn, registration, defaultTimeZone, version}`; a URL that is
//                      "" is where the app came from
//   GET <other file>   asked for anew each time, answered by 304 while it is the same
//   GET <page>         index.html: a path without a dot that is not the services'; the app shows the rest
//
// HEAD as well. All carry an ETag, the compressed file where that is accepted, and security_headers.hpp.
#pragma once

#include "http/server/router.hpp"
#include "http/web/web_files.hpp"

#include <memory>
#include <string>
#include <vector>

namespace mana::http {

// What /config.json says.
struct web_config {
  std::string auth_url; // as browsers see them, without a slash at the end
  std::string sync_url;
  std::string runner_url;
  bool sign_in = false;
  bool registration = false;
  std::string default_time_zone;
  std::string version;
};

std::string to_json(const web_config& c);
// The origins of its URLs, and for the sync service the WebSocket's too; without duplicates.
std::vector<std::string> connect_origins(const web_config& c);

struct web_app {
  web_files files;
  std::vector<std::string> origins; // further ones that the app connects to
};

// Of a configured directory. config_invalid as read_web_files.
result<web_app> load_web_app(const std::string& directory, const web_config& c);

// Whether a path that names no file is one of the app's pages.
bool is_page(const request& req);

// The answer to a request for a file or a page of the app; both exist.
response file_answer(const web_app& app, const request& req);
response page_answer(const web_app& app, const request& req);

// The file of that path; null: none.
const web_file* find_file(const web_app& app, const request& req);

// After all other routes: a page may have any path that they do not have.
void add_web_routes(router& r, std::shared_ptr<const web_app> app);

} // namespace mana::http

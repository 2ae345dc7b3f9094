# Everything the project links against; all of it is packaged by Debian 12.
find_package(Threads REQUIRED)
find_package(CAF 0.17.6 REQUIRED COMPONENTS core)
find_package(Boost 1.74 REQUIRED) # headers only: Asio and Beast
find_package(OpenSSL 3.0 REQUIRED)
find_package(simdjson 3.0 CONFIG REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(date CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx>=6.4)
if(MANA_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()

// libpqxx 6.4 asks for the connection's encoding before it takes ownership of a result: when the
// connection broke under a statement that throws, and the result is lost. Tests that break connections
// would fail LeakSanitizer over it.
#include <sanitizer/lsan_interface.h>

const char* __lsan_default_suppressions() { return "leak:pqxx::connection_base::exec_params\n"; }

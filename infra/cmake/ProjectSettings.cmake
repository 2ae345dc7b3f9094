# Language level, warnings, sanitizers and build speed, for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})

# Line numbers in stack traces, without the weight of full debug information.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

option(MANA_BUILD_TESTS "build the tests" ON)
option(MANA_CLEANSE "overwrite keys and decrypted text; OFF only for the control build of the memory scan" ON)
option(MANA_FUZZ "build the fuzz targets of tests/fuzz; clang only" OFF)
set(MANA_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined or thread")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC PR 105651: false positives on "literal" + std::string. GCC PR 105593 and its kin: moved-from
  # std::variant alternatives count as uninitialized. Clang's analyser and the sanitizers stay on.
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Boost 1.74 does not know that clang has standard coroutines.
  add_compile_definitions(BOOST_ASIO_HAS_CO_AWAIT BOOST_ASIO_HAS_STD_COROUTINE)
endif()
if(MANA_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(MANA_SANITIZE)
  add_compile_options(-fsanitize=${MANA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(MANA_SANITIZE MATCHES "undefined")
    # CAF 0.17 forms references to null in its headers when it infers an actor's interface; ASan
    # still catches every access through a null pointer.
    add_compile_options(-fno-sanitize=null)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      add_compile_options(-fno-sanitize=function) # clang 14 cannot assemble it into coroutines
    endif()
  endif()
  add_link_options(-fsanitize=${MANA_SANITIZE})
  if(MANA_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan) # libstdc++ uses fences, which TSan does not model
  endif()
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # Relative paths, so that clones in different places share the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
                                  ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# mana_embed(<target> <symbol> <file>): compiles a text file into <target> as
# `const std::string_view mana::embedded::<symbol>`, constant-initialised. Declared by the generated
# header `embedded/<symbol>.hpp`, which the target's own sources can include. The text is compiled
# anew when the file changes.
#
# The file is also the script of the build step, which writes the source.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${MANA_EMBED_FILE}" text)
  set(delimiter mana_embedded)
  string(FIND "${text}" ")${delimiter}\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${MANA_EMBED_FILE} contains the end of the raw string it would become")
  endif()
  file(
    WRITE "${MANA_EMBED_OUTPUT}"
    "#include \"embedded/${MANA_EMBED_SYMBOL}.hpp\"\n\n"
    "using namespace std::string_view_literals;\n\n"
    "constinit const std::string_view mana::embedded::${MANA_EMBED_SYMBOL} = R\"${delimiter}(${text})${delimiter}\"sv;\n")
  return()
endif()

set(MANA_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(mana_embed target symbol file)
  cmake_path(ABSOLUTE_PATH file NORMALIZE)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  file(
    CONFIGURE
    OUTPUT ${dir}/${symbol}.hpp
    CONTENT
      "#pragma once\n\n#include <string_view>\n\nnamespace mana::embedded {\nextern const std::string_view @symbol@;\n}\n"
    @ONLY)
  add_custom_command(
    OUTPUT ${dir}/${symbol}.cpp
    COMMAND ${CMAKE_COMMAND} -DMANA_EMBED_FILE=${file} -DMANA_EMBED_OUTPUT=${dir}/${symbol}.cpp
            -DMANA_EMBED_SYMBOL=${symbol} -P ${MANA_EMBED_SCRIPT}
    DEPENDS ${file} ${MANA_EMBED_SCRIPT}
    COMMENT "Embedding ${symbol}"
    VERBATIM)
  # clang warns of what some compiler may not take; ours take any length.
  set_source_files_properties(${dir}/${symbol}.cpp PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  target_sources(${target} PRIVATE ${dir}/${symbol}.cpp)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()

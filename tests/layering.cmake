# Reads every `#include "room/..."` line and fails when one points up the house.
#
#     app -> visualize -> process -> acquire/stream.h        devices -> acquire/driver.h
#
# cmake -DROOT=<project> -P layering.cmake

set(allowed_acquire   "^acquire/")
set(allowed_devices   "^(devices/|acquire/(driver|stream)\\.h$)")
set(allowed_process   "^(process/|acquire/stream\\.h$)")
set(allowed_visualize "^(visualize/|process/|acquire/stream\\.h$)")
set(allowed_app       "^(app|visualize|process|devices|acquire)/")

# Device libraries are met in one place each: drivers know no cable.
set(forbidden_devices   "<(libusb|libserialport|pthread|threads)")
set(forbidden_process   "<(pthread|time|unistd|fcntl|threads|stdatomic)\\.h>")

set(faults 0)
set(read 0)
foreach(room acquire devices process visualize app)
  file(GLOB_RECURSE files "${ROOT}/${room}/*.c" "${ROOT}/${room}/*.h")
  foreach(file ${files})
    math(EXPR read "${read} + 1")
    file(RELATIVE_PATH name "${ROOT}" "${file}")
    file(STRINGS "${file}" lines REGEX "^#include")
    foreach(line ${lines})
      if(line MATCHES "^#include \"([^\"]+)\"" AND NOT CMAKE_MATCH_1 MATCHES "${allowed_${room}}")
        message(SEND_ERROR "${name}: includes ${CMAKE_MATCH_1}, which is not below ${room}/")
        math(EXPR faults "${faults} + 1")
      endif()
      if(DEFINED forbidden_${room} AND line MATCHES "${forbidden_${room}}")
        message(SEND_ERROR "${name}: ${line} has no place in ${room}/")
        math(EXPR faults "${faults} + 1")
      endif()
    endforeach()
  endforeach()
endforeach()
if(read LESS 5)
  message(FATAL_ERROR "only ${read} files read under ${ROOT}: wrong folder?")
endif()
message(STATUS "${read} files, ${faults} includes that point up")
